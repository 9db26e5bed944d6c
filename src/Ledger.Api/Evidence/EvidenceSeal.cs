using System.Text;

namespace Ledger.Api.Evidence;

/// <summary>
/// Who handed in a document where, sealed: a <see cref="Mac"/> under a key that is not in the database. A document is
/// found by its digest, whoever brings it; but a township's review is one because the township handed it in.
/// </summary>
public static class EvidenceSeal
{
    /// <summary>Of a document from before there were seals; nobody adds another (V0014).</summary>
    private const string Before = "before";

    public static string Of(KeyFile keys, string digest, string region, string by) =>
        Mac.Of(keys.EvidenceKey, Encoding.UTF8.GetBytes($"{digest}\n{region}\n{by}"));

    public static bool Holds(KeyFile keys, string digest, string region, string by, string? seal) =>
        seal == Before || seal == Of(keys, digest, region, by);
}

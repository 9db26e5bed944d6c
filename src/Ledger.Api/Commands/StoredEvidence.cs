using Npgsql;

namespace Ledger.Api.Commands;

/// <summary>
/// A document that somebody of a region handed in. <paramref name="IsSound"/>: it is the one of its digest, nobody has
/// put another in its place.
/// </summary>
public sealed record StoredEvidence(string Digest, string Region, bool IsSound)
{
    /// <summary>Digests as a request gives them, in the form in which they are stored.</summary>
    public static string[] Digests(IReadOnlyList<string>? given) =>
        [
            .. (given ?? [])
                .Where(d => !string.IsNullOrWhiteSpace(d))
                .Select(d => d.Trim().ToLowerInvariant())
                .Distinct(),
        ];

    /// <summary>The documents of these digests, of whatever region.</summary>
    public static async Task<IEnumerable<StoredEvidence>> OfAsync(NpgsqlConnection connection, string[] digests) =>
        await connection.PreparedAsync(Select, Read, digests.Texts(d => d));

    /// <summary>As <see cref="OfAsync"/>, for several commands, with what they lock.</summary>
    public static Look LookFor(IReadOnlyCollection<string> digests) =>
        new("evidence", Select, [digests.Texts(d => d)], Read, (_, _) => null);

    private const string Select = $"""
        select digest, region, digest = encode(sha256(content), 'hex')
          from {LedgerStore.Schema}.evidence
         where digest = any($1)
        """;

    private static StoredEvidence Read(NpgsqlDataReader row) =>
        new(row.GetString(0), row.GetString(1), row.GetBoolean(2));
}

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

    /// <summary>The documents of these digests that somebody of this region handed in.</summary>
    public static async Task<IEnumerable<StoredEvidence>> OfAsync(
        NpgsqlConnection connection,
        string[] digests,
        string region
    ) => await connection.PreparedAsync(Select, Read, Wanted(digests.Select(d => (d, region))));

    /// <summary>As <see cref="OfAsync"/>, for several commands, with what they lock.</summary>
    public static Look LookFor(IEnumerable<(string Digest, string Region)> wanted) =>
        new("evidence", Select, Wanted(wanted), Read, (_, _) => null);

    // Others may have handed in the same document, thousands of them: of theirs nothing is read.
    private const string Select = $"""
        select e.digest, e.region, e.digest = encode(sha256(e.content), 'hex')
          from unnest($1, $2) w (digest, region)
          join {LedgerStore.Schema}.evidence e on e.digest = w.digest and e.region like w.region || '%'
        """;

    private static NpgsqlParameter[] Wanted(IEnumerable<(string Digest, string Region)> wanted)
    {
        var each = wanted.Distinct().ToList();
        return [each.Texts(w => w.Digest), each.Texts(w => w.Region)];
    }

    private static StoredEvidence Read(NpgsqlDataReader row) =>
        new(row.GetString(0), row.GetString(1), row.GetBoolean(2));
}

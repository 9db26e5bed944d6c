using System.Security.Cryptography;
using System.Text;
using Ledger.Api.Commands;
using Ledger.Api.Storage;
using Ledger.Domain;
using Npgsql;

namespace Ledger.Api.Applications;

/// <summary>
/// What somebody without an account follows an objection or a complaint with (查询号): read from a telephone and typed by
/// hand, so four groups of four, without letters that look like digits. 80 bits: nobody finds another's by trying.
/// </summary>
public static class QueryNumber
{
    private const string Characters = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

    public static string New() =>
        string.Join('-', RandomNumberGenerator.GetString(Characters, 16).Chunk(4).Select(c => new string(c)));

    /// <summary>The id of what is followed: <c>objection-ABCD-EFGH-JKLM-NPQR</c>.</summary>
    public static string Id(string kind, string number) => $"{kind}-{number}";

    /// <summary>
    /// The id that somebody means who types the number: in small letters or full width, without hyphens, with the kind
    /// before it. The ids of before are 32 hexadecimal digits.
    /// </summary>
    public static string Meant(string kind, string typed)
    {
        var number = typed.Normalize(NormalizationForm.FormKC).Trim();
        if (number.StartsWith($"{kind}-", StringComparison.OrdinalIgnoreCase))
            number = number[(kind.Length + 1)..];
        var plain = new string([.. number.Where(char.IsAsciiLetterOrDigit)]);
        return Id(
            kind,
            plain.Length == 16
                ? string.Join('-', plain.ToUpperInvariant().Chunk(4).Select(c => new string(c)))
                : number.ToLowerInvariant()
        );
    }

    public static RefusedException Unknown() =>
        new(
            new Rejection(Rejections.NotFound, "没有这个查询号")
            {
                Mend = "核对查询号；丢失的，到村委会、乡镇（街道）或经办机构询问",
            }
        );

    /// <summary>What was typed is a whole number: nothing else is looked for.</summary>
    private static bool IsWhole(string kind, string id) =>
        id.Length == kind.Length + 20 && id.Count(c => c == '-') == 4
        || id.Length == kind.Length + 33 && id[(kind.Length + 1)..].All(char.IsAsciiHexDigitLower);

    /// <summary>
    /// The page of the objection or complaint that has this number, of whichever village: whoever has the number may
    /// read it there. Null: no notice has it. The number alone says so, and only of itself.
    /// </summary>
    public static async Task<string?> PageAsync(string typed, NpgsqlDataSource database)
    {
        foreach (var (kind, pages) in new[] { ("objection", "objections"), ("complaint", "complaints") })
        {
            var id = Meant(kind, typed);
            if (!IsWhole(kind, id))
                continue;
            await using var connection = await database.OpenConnectionAsync();
            // By the audit trail, which has an index over kinds of events.
            var found = await connection.QueryAsync(
                $"""
                select e.stream_id
                  from {LedgerStore.Schema}.audit_entry a
                  join {LedgerStore.Schema}.mt_events e on e.seq_id = a.seq
                  join {LedgerStore.Schema}.mt_doc_application n on n.id = e.stream_id
                 where a.type = @type
                   and e.type = @type
                   and e.data ->> @field = @id
                   and n.data ->> 'noticeFrom' is not null
                 limit 1
                """,
                r => r.GetString(0),
                ("type", $"{kind}_raised"),
                ("field", $"{kind}Id"),
                ("id", id)
            );
            if (found is [var application])
                return $"/{pages}/{application}?number={Of(id)}";
        }
        return null;
    }

    /// <summary>What a page shows of an id.</summary>
    public static string Of(string id) => id[(id.IndexOf('-', StringComparison.Ordinal) + 1)..];
}

using System.Security.Cryptography;
using System.Text;

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

    /// <summary>What a page shows of an id.</summary>
    public static string Of(string id) => id[(id.IndexOf('-', StringComparison.Ordinal) + 1)..];
}

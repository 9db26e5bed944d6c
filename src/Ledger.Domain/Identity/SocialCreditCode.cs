namespace Ledger.Domain.Identity;

/// <summary>
/// A unified social credit code (统一社会信用代码), GB 32100-2015: 18 characters without I, O, S, V, Z; the last is a MOD 31
/// check character. Rural collective economic organisations (农村集体经济组织) have codes that begin with N.
/// </summary>
public static class SocialCreditCode
{
    private const string Characters = "0123456789ABCDEFGHJKLMNPQRTUWXY";

    /// <summary>Null when the code is sound, else what is wrong, in Chinese.</summary>
    public static string? Fault(string code) =>
        code.Length != 18 ? $"统一社会信用代码应为18位，现为{code.Length}位"
        : code.Any(c => !Characters.Contains(c)) ? "统一社会信用代码只能含数字和大写字母（不含I、O、S、V、Z）"
        : CheckCharacter(code.AsSpan(0, 17)) != code[17] ? "统一社会信用代码校验码不符，请核对是否输错"
        : null;

    /// <summary>The check character for the first 17 characters.</summary>
    public static char CheckCharacter(ReadOnlySpan<char> first17)
    {
        var (sum, weight) = (0, 1);
        foreach (var c in first17)
        {
            sum += Characters.IndexOf(c) * weight;
            weight = weight * 3 % 31;
        }
        return Characters[(31 - sum % 31) % 31];
    }
}

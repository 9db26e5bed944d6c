using System.Collections.Frozen;
using System.Text.RegularExpressions;
using Ledger.Domain.Identity;

namespace Ledger.Domain.Accounts;

/// <summary>
/// What an actor may be called. Three kinds of names never meet: those of the program itself, those of our own accounts
/// and tokens, and those of another authority, which stand behind its alias: <c>alias:sub</c>. Sessions, delegations
/// and keys follow the whole name.
/// </summary>
public static partial class ActorName
{
    public const char Separator = ':';
    public const int MaxLength = 60,
        MaxForeignLength = 160;

    /// <summary>Nobody that is known: whoever reads a notice.</summary>
    public static readonly Actor Public = new("public", "public", "");

    /// <summary>Who sits at the machine itself.</summary>
    public static Actor Console(string region) => new("console", "console", region);

    /// <summary>What happens by itself, as when a deadline passes.</summary>
    public static Actor System(string region) => new("system", "system", region);

    /// <summary>Names that nobody is given: what the program signs with, and what would be taken for that.</summary>
    public static readonly FrozenSet<string> Reserved = new[]
    {
        Public.Id,
        Console("").Id,
        System("").Id,
        "sample",
        "empty",
    }.ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    /// <summary>
    /// A name that none of our accounts and tokens has: one from before this rule is refused wherever it comes in.
    /// </summary>
    public static bool IsReserved(string name) => Reserved.Contains(name) || IsForeign(name);

    /// <summary>Null when an account may be opened under it.</summary>
    public static string? AccountFault(string name) =>
        !Accounts().IsMatch(name) ? "用小写字母开头，只含小写字母、数字、点、下划线、连字符" : SubjectFault(name);

    /// <summary>Null when a token of our own may name it.</summary>
    public static string? SubjectFault(string name) =>
        name.Trim().Length == 0 || name != name.Trim() ? "不能为空，首尾不能有空格"
        : name.Length > MaxLength ? $"最多 {MaxLength} 字"
        : name.Any(char.IsControl) ? "含有不可用的控制字符"
        : name.Contains(Separator, StringComparison.Ordinal) ? $"“{Separator}”只用于其他登录机构的人员"
        : Reserved.Contains(name) ? $"“{name}”是系统保留的名称"
        : PersonalNumbers.In(name) is { } number ? $"不能用{number}作名称：它会永久留在记录中"
        : null;

    /// <summary>The name of another authority's subject; null with what is wrong with it.</summary>
    public static string? Foreign(string alias, string subject, out string? fault)
    {
        var name = $"{alias}{Separator}{subject}";
        fault =
            subject.Trim().Length == 0 || subject != subject.Trim() ? "不能为空，首尾不能有空格"
            : name.Length > MaxForeignLength ? $"最多 {MaxForeignLength} 字"
            : subject.Any(char.IsControl) ? "含有不可用的控制字符"
            : Reserved.Contains(subject) ? $"“{subject}”是系统保留的名称"
            : PersonalNumbers.In(subject) is { } number ? $"不能用{number}作名称：它会永久留在记录中"
            : null;
        return fault is null ? name : null;
    }

    /// <summary>
    /// Of another authority: password, role and region are said there, and an account here only says which natural
    /// person it is.
    /// </summary>
    public static bool IsForeign(string name) => name.Contains(Separator, StringComparison.Ordinal);

    /// <summary>Null when an authority may go by it.</summary>
    public static string? AliasFault(string alias) =>
        Aliases().IsMatch(alias) && !Reserved.Contains(alias)
            ? null
            : "1 至 20 位小写字母、数字、连字符，字母开头，不是保留名称";

    /// <summary>The name without the authority's alias.</summary>
    public static string Bare(string name) => name[(name.IndexOf(Separator, StringComparison.Ordinal) + 1)..];

    [GeneratedRegex(@"\A[a-z][a-z0-9._-]{1,59}\z")]
    private static partial Regex Accounts();

    [GeneratedRegex(@"\A[a-z][a-z0-9-]{0,19}\z")]
    private static partial Regex Aliases();
}

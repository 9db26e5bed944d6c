using Ledger.Api.Storage;
using Ledger.Domain;

namespace Ledger.Api.Commands;

public sealed record ReasonBody(string Reason);

/// <summary>A reason, and the documents it rests on.</summary>
public sealed record ResolvedBody(string Reason, IReadOnlyList<string>? Evidence = null);

/// <summary>Checks of request fields. Each refuses with the field's name and how to mend it.</summary>
public static class Require
{
    public static string Text(string? value, string field, int maxLength)
    {
        var text = value?.Trim() ?? "";
        if (text.Length == 0)
            throw Invalid(field, "不能为空");
        if (text.Length > maxLength)
            throw Invalid(field, $"最多 {maxLength} 字，现为 {text.Length} 字");
        if (text.Any(c => char.IsControl(c) && c is not '\n'))
            throw Invalid(field, "含有不可用的控制字符");
        if (text.EnumerateRunes().FirstOrDefault(IsDirection) is { Value: > 0 } direction)
            throw Invalid(field, $"含有看不见的文字方向符号（U+{direction.Value:X4}），请删去后重新填写");
        return text;
    }

    /// <summary>Marks that turn text round: what is read is then not what is written (Unicode UAX 9).</summary>
    private static bool IsDirection(System.Text.Rune rune) =>
        rune.Value is 0x061C or 0x200E or 0x200F or (>= 0x202A and <= 0x202E) or (>= 0x2066 and <= 0x2069);

    /// <summary>
    /// Free text that goes into an event for ever: no citizen id, mobile number or bank card. Names cannot be told from
    /// other words; those of an application's people are masked where people write them, in objections.
    /// </summary>
    public static string Prose(string? value, string field, int maxLength)
    {
        var text = Text(value, field, maxLength);
        return Domain.Identity.PersonalNumbers.In(text) is { } what
            ? throw new RefusedException(
                new Rejection(Rejections.PersonalDataInText, $"{field} 中有{what}") { Field = field }
            )
            : text;
    }

    /// <summary>As <see cref="Prose"/>; null where there is none.</summary>
    public static string? OptionalProse(string? value, string field, int maxLength) =>
        string.IsNullOrWhiteSpace(value) ? null : Prose(value, field, maxLength);

    /// <summary>
    /// A name of something that is no person (a collective, an organisation, a group, a form of meeting): checked as
    /// prose is.
    /// </summary>
    public static string Name(string? value, string field, int maxLength) => Prose(value, field, maxLength);

    /// <summary>
    /// A number that somebody else gave (bank, tax office, agency) or a name that somebody signs in with: for ever in
    /// events, so no citizen id and no mobile number. As long as a bank card it may be.
    /// </summary>
    public static string Reference(string? value, string field, int maxLength)
    {
        var text = Text(value, field, maxLength);
        return Domain.Identity.PersonalNumbers.InReference(text) is { } what
            ? throw new RefusedException(
                new Rejection(Rejections.ReferenceIsPersonal, $"{field} 中有{what}") { Field = field }
            )
            : text;
    }

    /// <summary>
    /// A reference of a bank, in one spelling: full width, spaces and other dashes make no other number of it.
    /// </summary>
    public static string DocumentNumber(string? value, string field, int maxLength)
    {
        var text = Domain.DocumentNumber.Clean(Reference(value, field, maxLength), out var fault);
        return fault is null ? text : throw Invalid(field, fault);
    }

    /// <summary>Ids of members as this product gives them.</summary>
    public static IReadOnlyList<string>? MemberIds(IReadOnlyList<string>? ids, string field) =>
        ids?.All(Domain.Identity.StreamId.IsMember) == false ? throw Invalid(field, "应为成员编号 member-…") : ids;

    /// <summary>
    /// A business date (业务日期): not in the future, not before the scheme began in 2009; today when absent.
    /// </summary>
    public static DateOnly BusinessDate(DateOnly? date, string field, DateOnly today) =>
        date switch
        {
            null => today,
            { } d when d > today => throw Invalid(field, $"业务日期不能晚于今天（{today:yyyy-MM-dd}）"),
            { Year: < SchemeYears.First } => throw Invalid(field, $"业务日期过早：制度自 {SchemeYears.First} 年起"),
            { } d => d,
        };

    /// <summary>Two days or moments between which something is asked for; who turns them round is told so, and not that
    /// there is nothing.</summary>
    public static void Order<T>(T? from, T? to, string field)
        where T : struct, IComparable<T>
    {
        if (from is { } first && to is { } last && first.CompareTo(last) > 0)
            throw Invalid(field, "起始日期不能晚于截止日期");
    }

    public static void Region(string? code, string field, params int[] lengths)
    {
        if (Domain.Identity.RegionCode.Fault(code ?? "", lengths) is { } fault)
            throw Invalid(field, fault);
    }

    /// <summary>An enum's published word (e.g. <c>per-tier</c>) in a query; null when absent.</summary>
    /// <param name="among">Those that can stand here; null: all.</param>
    public static T? Word<T>(string? word, string field, IReadOnlyList<T>? among = null)
        where T : struct, Enum
    {
        if (word is null)
            return null;
        var values = among ?? Enum.GetValues<T>();
        foreach (var value in values)
            if (value.Word() == word)
                return value;
        throw Invalid(field, OneOf(values.Select(v => v.Word())));
    }

    /// <summary>What is said of a word that is none of these.</summary>
    public static string OneOf(IEnumerable<string> words) => $"应为 {string.Join("、", words)} 之一";

    public static RefusedException Invalid(string field, string message) =>
        new(new Rejection(Rejections.FieldInvalid, $"{field}：{message}") { Field = field });

    public static RefusedException NotFound(string what) =>
        new(new Rejection(Rejections.NotFound, what is [> '\x7f', ..] ? $"没有找到{what}" : $"没有找到 {what}"));
}

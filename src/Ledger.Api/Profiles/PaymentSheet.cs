using Ledger.Api.Imports;
using Ledger.Domain.Applications;
using Ledger.Domain.Members;
using Ledger.Domain.Profiles;

namespace Ledger.Api.Profiles;

/// <summary>A line of the list that goes to the agency with the money.</summary>
public sealed record ListedPayment(
    int Number,
    string Name,
    string? CitizenId,
    int Year,
    Line Line,
    SourceSplit Split,
    ContributionKind? Kind,
    DateOnly RemittedOn,
    string Collective
);

/// <summary>
/// The payment list as the agency's system takes it in (L12, L13): one row of headings and the people, no totals; which
/// column holds what is the profile's.
/// </summary>
public static class PaymentSheet
{
    private static readonly (string Name, string Label, bool Required, Func<ListedPayment, object?> Value)[] Fields =
    [
        ("number", "序号", false, p => p.Number),
        ("name", "姓名", true, p => p.Name),
        ("citizenId", "身份证号", true, p => p.CitizenId),
        ("year", "年度", false, p => p.Year),
        ("tierAmount", "缴费档次（元）", false, p => p.Line.TierFen),
        ("kind", "缴费类型", false, p => p.Kind is { } kind ? Sheets.Word(kind) : null),
        ("amount", "补助金额（元）", true, p => p.Line.AmountFen),
        ("collectiveAmount", SourceSplit.CollectiveColumn, false, p => p.Split.CollectiveFen),
        ("otherAmount", SourceSplit.OtherColumn, false, p => p.Split.OtherFen),
        ("remittedOn", "汇款日期", false, p => p.RemittedOn),
        ("collective", "集体", false, p => p.Collective),
    ];

    public static readonly ProfileForm Form = new(
        "payment-list",
        "付款清单",
        [
            .. Fields.Select(f => new ProfileField(
                f.Name,
                f.Label,
                f.Required,
                f.Name == "kind" ? [.. Enum.GetValues<ContributionKind>().Select(Sheets.Word)] : []
            )),
        ]
    );

    public static (string, IEnumerable<IEnumerable<object?>>, IReadOnlyList<Column>) By(
        ProfileSheet sheet,
        IReadOnlyList<ListedPayment> lines
    ) =>
        Workbook.List(
            Form.Title,
            [.. sheet.Columns.Where(c => c.Heading is not null).Select(c => (c.Heading!, 22))],
            [
                .. lines.Select(l =>
                    sheet.Columns.Where(c => c.Heading is not null).Select(c => Cell(c, l, sheet.Dates)).ToArray()
                ),
            ]
        );

    private static object? Cell(ProfileColumn column, ListedPayment line, ProfileDates dates) =>
        column.Field is null
            ? column.Value
            : Fields.First(f => f.Name == column.Field).Value(line) switch
            {
                string word => column.CodeOf(word),
                DateOnly day => day.ToString(dates == ProfileDates.Digits ? "yyyyMMdd" : "yyyy-MM-dd"),
                var other => other,
            };
}

using Ledger.Api.Exports;
using Ledger.Api.Imports;
using Ledger.Domain;
using Ledger.Domain.Screening;
using Ledger.Projections.Screening;
using Ledger.Web;

namespace Ledger.Api.Screening;

/// <summary>The tests of a year as a workbook: screens, the findings shown, their lines, first digits.</summary>
public static class ScreeningSheets
{
    public static string FileName(YearScreening of) => $"年度筛查-{of.Region}-{of.Year}";

    public static byte[] Of(YearScreening y)
    {
        var findings = y.Rows.SelectMany(r => r.Shown).ToList();
        return Workbook.Write(
            Workbook.List(
                "筛查",
                [
                    ("项目", 22),
                    ("疑点", 8),
                    ("金额（元）", 16),
                    ("待核查", 8),
                    ("核查中", 8),
                    ("已办结", 8),
                    ("看什么", 60),
                    ("可能的正当原因", 60),
                ],
                [
                    .. y.Rows.Select(r =>
                        (object?[])
                            [
                                Terms.Of(r.Screen.Kind),
                                r.Count,
                                r.FoundFen,
                                r.Open,
                                r.Answered,
                                r.Closed,
                                r.Screen.LooksAt,
                                r.Screen.Innocent,
                            ]
                    ),
                ]
            ),
            Findings(findings),
            Lines(findings),
            Digits(y.Digits),
            OfficeSheets.Facts(
                ("区划", y.Region),
                ("年度", $"{y.Year}"),
                ("名单行数", $"{y.Lines}"),
                ("分录数", $"{y.Entries}"),
                ("未能比对本人的账户", $"{y.Unlinked}"),
                ("无法读取的记录", $"{y.LeftOut}"),
                ("说明", "疑点不是结论；每项疑点由审计人员核查、办结，办结记录在事件里")
            )
        );
    }

    private static (string, IEnumerable<IEnumerable<object?>>, IReadOnlyList<Column>) Findings(
        IReadOnlyList<ScreenedFinding> findings
    ) =>
        Workbook.List(
            "疑点",
            [
                ("项目", 22),
                ("区划", 16),
                ("疑点", 60),
                ("涉及", 8),
                ("金额（元）", 16),
                ("状态", 10),
                ("核查结论", 50),
                ("看过的材料", 40),
                ("核查人", 20),
                ("办结结果", 12),
                ("办结理由", 40),
                ("办结人", 20),
                ("编号", 60),
            ],
            [
                .. findings.Select(f =>
                    (object?[])
                        [
                            Terms.Of(f.Screen),
                            f.Region,
                            f.Says,
                            f.Count,
                            f.FoundFen,
                            Terms.Of(f.State),
                            f.Record?.Answer?.Conclusion,
                            f.Record?.Answer?.Seen,
                            f.Record?.Answer?.AnsweredBy,
                            f.Record?.Closure is { } c ? Terms.Of(c.Outcome) : null,
                            f.Record?.Closure?.Reason,
                            f.Record?.Closure?.ClosedBy,
                            f.Id,
                        ]
                ),
            ]
        );

    private static (string, IEnumerable<IEnumerable<object?>>, IReadOnlyList<Column>) Lines(
        IReadOnlyList<ScreenedFinding> findings
    ) =>
        Workbook.List(
            "行和分录",
            [("疑点编号", 60), ("日期", 12), ("金额（元）", 16), ("申请、资金", 50), ("成员", 46), ("事件", 12)],
            [
                .. findings.SelectMany(f =>
                    f.Lines.Select(l =>
                        (object?[])
                            [
                                f.Id,
                                l.On is { } on ? $"{on:yyyy-MM-dd}" : null,
                                l.AmountFen,
                                l.Stream,
                                l.MemberId,
                                l.Sequence,
                            ]
                    )
                ),
            ]
        );

    private static (string, IEnumerable<IEnumerable<object?>>, IReadOnlyList<Column>) Digits(FirstDigits digits) =>
        Workbook.List(
            "首位数字",
            [("首位数字", 10), ("笔数", 10), ("应有笔数", 12)],
            [
                .. digits.Observed.Select(
                    (o, i) => (object?[])[i + 1, o, decimal.Round(digits.Count * FirstDigits.Shares[i], 2)]
                ),
                ["χ²", null, digits.ChiSquare],
            ]
        );
}

using Ledger.Api.Imports;
using Ledger.Api.Members;
using Ledger.Domain;
using Ledger.Domain.Donors;
using Ledger.Domain.Funds;
using Ledger.Domain.Policies;
using Ledger.Domain.Sampling.Steps;
using Ledger.Projections.AuditTrail;
using Ledger.Projections.Reports;
using Ledger.Projections.WorkQueues;
using Ledger.Web;
using Ledger.Web.Applications;
using Ledger.Web.Reports;
using Ledger.Web.Sampling;
using AuditSample = Ledger.Domain.Sampling.Sample;

namespace Ledger.Api.Exports;

/// <summary>
/// The lists that offices read, as workbooks. The first row has the headings, so that they can be filtered and sorted.
/// </summary>
public static class OfficeSheets
{
    /// <summary>What a list is of: beside it, on a sheet of its own.</summary>
    public static (string, IEnumerable<IEnumerable<object?>>, IReadOnlyList<Column>) Facts(
        params (string Name, string Value)[] facts
    ) => Workbook.List("说明", [("项目", 20), ("内容", 70)], [.. facts.Select(f => (object?[])[f.Name, f.Value])]);

    /// <summary>What changed by kind; each fund's share of it; the entries that were asked for.</summary>
    public static byte[] Comparison(ComparisonView v)
    {
        (string, int)[] Amounts(params (string, int)[] first) =>
            [
                .. first,
                .. v.Spans.Select(s => ($"{s.From.AddDays(1):yyyy-MM-dd} 至 {s.To:yyyy-MM-dd}（元）", 26)),
                .. v.Spans.Count == 2 ? [("相差（元）", 16)] : Array.Empty<(string, int)>(),
            ];
        object?[] Row(IReadOnlyList<SpanView> spans, Func<SpanView, Money> of, params object?[] first) =>
            [
                .. first,
                .. spans.Select(s => (object)of(s)),
                .. spans.Count == 2 ? [of(spans[0]) - of(spans[1])] : Array.Empty<object>(),
            ];
        return Workbook.Write(
            Workbook.List(
                "变动",
                Amounts(("项目", 30)),
                [
                    Row(v.Spans, s => s.Opening.TotalAmount, "期初（在资金里的钱）"),
                    .. v.Kinds.Select(k => Row(v.Spans, s => s.Of(k), Terms.Change(k))),
                    Row(v.Spans, s => s.Closing.TotalAmount, "期末（在资金里的钱）"),
                    Row(v.Spans, s => s.Closing.AvailableAmount, "期末·可用"),
                    Row(v.Spans, s => s.Closing.ReservedAmount, "期末·已占用"),
                    Row(v.Spans, s => s.Closing.InTransitAmount, "期末·在途"),
                ]
            ),
            Workbook.List(
                "各资金",
                Amounts(("资金", 40), ("区划", 16), ("项目", 30)),
                [
                    .. v.Funds.SelectMany(f =>
                        v.Kinds.Select(k => Row(f.Spans, s => s.Of(k), f.Name, f.Region, Terms.Change(k)))
                            .Prepend(Row(f.Spans, s => s.Opening.TotalAmount, f.Name, f.Region, "期初"))
                            .Append(Row(f.Spans, s => s.Closing.TotalAmount, f.Name, f.Region, "期末"))
                    ),
                ]
            ),
            Workbook.List(
                "分录",
                [
                    ("日期", 12),
                    ("事件", 12),
                    ("事项", 20),
                    ("项目", 30),
                    ("金额（元）", 16),
                    ("摘要", 50),
                    ("资金编号", 50),
                ],
                [
                    .. v.Entries.Select(e =>
                        (object?[])
                            [
                                $"{e.Date:yyyy-MM-dd}",
                                $"{e.Sequence}",
                                Terms.Event(e.Type),
                                Terms.Change(e.Kind),
                                e.Amount,
                                e.Abstract,
                                e.FundId,
                            ]
                    ),
                ]
            )
        );
    }

    private static readonly (string, int)[] RankingHeadings =
    [
        ("名次", 8),
        ("集体", 30),
        ("得分", 10),
        ("应补人数", 10),
        ("已补人数", 10),
        ("覆盖率（%）", 12),
        ("入账（元）", 16),
        ("增长（%）", 12),
        ("办结（天）", 10),
        ("异议", 8),
        ("异议成立", 10),
        ("覆盖率得分", 12),
        ("金额得分", 12),
        ("增长得分", 12),
        ("及时得分", 12),
        ("异议扣分", 12),
        ("并列", 30),
        ("集体编号", 50),
    ];

    public static byte[] Ranking(IncentiveReportView r)
    {
        Workbook.Sum Total(object value) => new(2, r.Places.Count + 1, value);
        return Workbook.Write(
            Workbook.List(
                "激励排名",
                RankingHeadings,
                [
                    .. r.Places.Select(p =>
                        (object?[])
                            [
                                p.Rank,
                                p.Name,
                                p.Points,
                                p.Eligible,
                                p.Subsidised,
                                p.CoveragePercent,
                                p.CreditedAmount,
                                p.GrowthPercent,
                                p.SettledDays,
                                p.Objections,
                                p.ObjectionsUpheld,
                                p.CoveragePoints,
                                p.AmountPoints,
                                p.GrowthPoints,
                                p.TimelinessPoints,
                                p.DisputePoints,
                                p.Tie,
                                p.CollectiveId,
                            ]
                    ),
                ],
                [
                    null,
                    "合计",
                    null,
                    Total(r.Places.Sum(p => p.Eligible)),
                    Total(r.Places.Sum(p => p.Subsidised)),
                    null,
                    Total(Money.Sum(r.Places.Select(p => p.CreditedAmount))),
                ]
            ),
            Facts(
                ("年度", $"{r.Year}"),
                ("区划", r.Region),
                (
                    "权重",
                    $"覆盖率 {r.Weights.Coverage}，金额 {r.Weights.Amount}，增长 {r.Weights.Growth}，"
                        + $"及时 {r.Weights.Timeliness}，异议成立扣分 {r.Weights.Disputes}"
                ),
                ("范围", Whole(r.Places.Count))
            )
        );
    }

    public static byte[] Supervision(SupervisionView view, IReadOnlyDictionary<string, string> places) =>
        Workbook.Write(
            Workbook.List(
                "督办清单",
                [
                    ("事项", 18),
                    ("区划", 16),
                    ("金额（元）", 16),
                    ("已过（天）", 12),
                    ("期限（天）", 12),
                    ("说明", 60),
                    ("已记入审计轨迹", 16),
                    ("编号", 60),
                    ("集体", 30),
                ],
                [
                    .. view.Items.Select(i =>
                        (object?[])
                            [
                                SupervisionPage.Word(i.Kind),
                                i.VillageCode,
                                i.Amount,
                                i.DueDays == 0 ? null : i.AgeDays,
                                i.DueDays == 0 ? null : i.DueDays,
                                i.Text,
                                i.Escalated ? "是" : "",
                                i.Id,
                                places.GetValueOrDefault(i.VillageCode),
                            ]
                    ),
                ]
            ),
            Facts(
                ("日期", $"{view.Today:yyyy-MM-dd}"),
                ("区划", view.Region),
                ("范围", Whole(view.CountByKind.Values.DefaultIfEmpty().Max()))
            )
        );

    public static byte[] Applications(
        IReadOnlyList<WorkItem> items,
        IReadOnlyDictionary<string, string> names,
        IReadOnlyDictionary<string, DateTimeOffset> begun,
        Deadlines deadlines,
        int noticeDays,
        DateTimeOffset now
    )
    {
        Workbook.Sum Total(object value) => new(2, items.Count + 1, value);
        return Workbook.Write(
            Workbook.List(
                "申请",
                [
                    ("集体", 30),
                    ("区划", 16),
                    ("年度", 8),
                    ("状态", 14),
                    ("人数", 10),
                    ("金额（元）", 16),
                    ("提交时间", 22),
                    ("已等（天）", 12),
                    ("期限", 14),
                    ("逾期（天）", 12),
                    ("未答复异议", 12),
                    ("回执不符", 12),
                    ("编号", 50),
                ],
                [
                    .. items.Select(i =>
                    {
                        var due = ApplicationsPage.Due(i.Status, deadlines, noticeDays);
                        var from = begun.GetValueOrDefault(i.Id, i.Since);
                        var age = Clock.Days(from, now);
                        return (object?[])
                            [
                                names.GetValueOrDefault(i.CollectiveId, i.CollectiveId),
                                i.Region,
                                i.Year,
                                Terms.Of(i.Status),
                                i.Lines,
                                i.AmountFen,
                                Workbook.Text(i.FiledAt),
                                age,
                                due is { } days ? $"{Clock.Day(from).AddDays(days):yyyy-MM-dd}" : null,
                                due is { } most && age > most ? age - most : null,
                                i.OpenObjections,
                                i.UnmatchedReceipts,
                                i.Id,
                            ];
                    }),
                ],
                [
                    "合计",
                    null,
                    null,
                    null,
                    Total(items.Sum(i => i.Lines)),
                    Total(Money.Sum(items.Select(i => i.AmountFen))),
                ]
            ),
            Facts(("时间", Workbook.Text(now)), ("范围", Whole(items.Count)))
        );
    }

    public static byte[] Overview(IReadOnlyList<OverviewPage.Row> rows, string region, DateTimeOffset now)
    {
        Workbook.Sum Total(Func<OverviewPage.Row, Money> of) => new(2, rows.Count + 1, Money.Sum(rows.Select(of)));
        return Workbook.Write(
            Workbook.List(
                "总览",
                [
                    ("集体", 30),
                    ("区划", 16),
                    ("方案", 10),
                    ("申请", 30),
                    ("累计划入（元）", 16),
                    ("可用（元）", 16),
                    ("已占用（元）", 16),
                    ("在途（元）", 16),
                    ("已入账（元）", 16),
                    ("资金编号", 50),
                ],
                [
                    .. rows.Select(r =>
                        (object?[])
                            [
                                r.Name,
                                r.Region,
                                r.HasPlan ? "已通过" : "未通过",
                                string.Join('；', r.Applications.Select(OverviewPage.Row.InWords)),
                                r.Allocated,
                                r.Available,
                                r.Reserved,
                                r.InTransit,
                                r.Credited,
                                r.FundId,
                            ]
                    ),
                ],
                [
                    "合计",
                    null,
                    null,
                    null,
                    Total(r => r.Allocated),
                    Total(r => r.Available),
                    Total(r => r.Reserved),
                    Total(r => r.InTransit),
                    Total(r => r.Credited),
                ]
            ),
            Facts(("时间", Workbook.Text(now)), ("区划", region), ("范围", Whole(rows.Count)))
        );
    }

    public static byte[] Funds(IReadOnlyList<Fund> funds, string region, DateTimeOffset now)
    {
        Workbook.Sum Total(Func<Fund, Money> of) => new(2, funds.Count + 1, Money.Sum(funds.Select(of)));
        return Workbook.Write(
            Workbook.List(
                "资金",
                [
                    ("集体", 30),
                    ("区划", 16),
                    ("状态", 10),
                    ("累计划入（元）", 16),
                    ("可用（元）", 16),
                    ("已占用（元）", 16),
                    ("在途（元）", 16),
                    ("已入账（元）", 16),
                    ("已退回来源（元）", 16),
                    ("编号", 50),
                ],
                [
                    .. funds.Select(f =>
                        (object?[])
                            [
                                f.Name,
                                f.Region,
                                f.IsClosed ? "已关闭" : "",
                                f.AllocatedFen,
                                f.AvailableFen,
                                f.ReservedFen,
                                f.InTransitFen,
                                f.CreditedFen,
                                f.ReturnedFen,
                                f.Id,
                            ]
                    ),
                ],
                [
                    "合计",
                    null,
                    null,
                    Total(f => f.AllocatedFen),
                    Total(f => f.AvailableFen),
                    Total(f => f.ReservedFen),
                    Total(f => f.InTransitFen),
                    Total(f => f.CreditedFen),
                    Total(f => f.ReturnedFen),
                ]
            ),
            Facts(("时间", Workbook.Text(now)), ("区划", region), ("范围", Whole(funds.Count)))
        );
    }

    /// <summary>Masked, as the page has them.</summary>
    /// <param name="next">After which member the list goes on, where these are not all.</param>
    public static byte[] Members(
        string collective,
        IReadOnlyList<ListedMember> members,
        string? next,
        DateTimeOffset now
    ) =>
        Workbook.Write(
            Workbook.List(
                "成员",
                [("姓名", 16), ("身份证号", 24), ("状态", 12), ("编号", 50)],
                [.. members.Select(m => (object?[])[m.Name, m.CitizenId, m.Remark ?? "成员", m.Id])]
            ),
            Facts(
                ("集体", collective),
                ("时间", Workbook.Text(now)),
                ("人数", $"{members.Count}"),
                ("范围", next is null ? "全部" : $"后面还有：从 {next} 之后再查")
            )
        );

    public static byte[] Donors(IReadOnlyList<(Donor Donor, string Name)> donors, string region, DateTimeOffset now) =>
        Workbook.Write(
            Workbook.List(
                "捐赠人",
                [("捐赠人", 40), ("类别", 16), ("统一社会信用代码", 24), ("编号", 50)],
                [.. donors.Select(d => (object?[])[d.Name, Terms.Of(d.Donor.Kind), d.Donor.CreditCode, d.Donor.Id])]
            ),
            Facts(("时间", Workbook.Text(now)), ("区划", region), ("范围", Whole(donors.Count)))
        );

    /// <summary>An auditor's working papers: a row for each drawn line, what they say of the population beside
    /// it.</summary>
    public static byte[] Papers(AuditSample sample, IReadOnlyList<SampleRow> rows)
    {
        Workbook.Sum Total(Money value) => new(2, rows.Count + 1, value);
        var bounds =
            sample.Conclusion is { } c ? [(c.Confidence, c.Bound)]
            : sample.Draw is null || sample.Missing.Count > 0 ? []
            : ConcludeSample.Confidences.Select(k => (Confidence: k, Bound: sample.Estimate(k))).ToList();
        return Workbook.Write(
            Workbook.List(
                "审计工作底稿",
                PaperHeadings,
                [
                    .. rows.Select(r =>
                        (object?[])
                            [
                                r.Number,
                                r.Name,
                                r.Line.Line.Length,
                                r.Paper?.ErrorFen,
                                r.Paper?.Finding,
                                r.Paper?.Seen,
                                r.Paper is null ? null : string.Join(' ', r.Paper.Evidence),
                                r.Paper?.RecordedBy,
                                r.Fund,
                                r.SubAccount,
                                r.Line.Fen + 1,
                                r.Times,
                                r.Line.Reference,
                                r.Line.MemberYearId,
                            ]
                    ),
                ],
                [
                    null,
                    "合计",
                    Total(Money.Sum(rows.Select(r => r.Line.Line.Length))),
                    sample.Papers.Any() ? Total(Money.Sum(sample.Papers.Select(p => p.ErrorFen))) : null,
                ]
            ),
            Workbook.List(
                "推断",
                [("置信度（%）", 14), ("推断差错（元）", 18), ("差错上限（元）", 18)],
                [.. bounds.Select(b => (object?[])[b.Confidence, b.Bound.LikelyFen, b.Bound.UpperFen])]
            ),
            Facts([
                ("区划", sample.Region),
                ("资金", sample.Population!.FundId ?? "全部"),
                ("年度", $"{sample.Population.Year}"),
                ("支出种类", Terms.Of(sample.Population.Kind)),
                ("总体金额（元）", $"{sample.PopulationFen}"),
                ("样本量", $"{sample.Size}"),
                ("总体摘要", sample.PopulationDigest),
                ("检查点", sample.Draw is { } d ? $"{d.TreeSize} {d.Root}" : "未抽取"),
                ("审计用语", sample.Draw?.Words ?? ""),
                ("种子", sample.Draw?.Seed ?? ""),
                ("审计结论", sample.Conclusion?.Text ?? "未签署"),
                ("签署人", sample.Conclusion?.ConcludedBy ?? ""),
            ])
        );
    }

    private static readonly (string, int)[] PaperHeadings =
    [
        ("底稿编号", 10),
        ("成员", 14),
        ("金额（元）", 16),
        ("差错（元）", 16),
        ("查出什么", 40),
        ("另外看过的材料", 40),
        ("凭证摘要", 40),
        ("编制人", 20),
        ("资金", 40),
        ("分账户", 14),
        ("抽到第几分", 16),
        ("抽到次数", 10),
        ("申请或去向", 50),
        ("成员年度", 50),
    ];

    /// <param name="next">After which number the trail goes on, where these are not all.</param>
    public static byte[] AuditTrail(IReadOnlyList<object?[]> rows, long? next, long behind) =>
        Workbook.Write(
            Workbook.List(
                "审计轨迹",
                [
                    ("序号", 10),
                    ("记录时间", 22),
                    ("业务日期", 12),
                    ("事项", 24),
                    ("类型", 24),
                    ("人员", 24),
                    ("角色", 16),
                    ("区划", 14),
                    ("金额（元）", 16),
                    ("拒绝代码", 20),
                    ("流", 50),
                    ("凭证", 66),
                    ("姓名", 16),
                    ("单位", 30),
                ],
                rows
            ),
            Facts(
                ("条数", $"{rows.Count}"),
                ("范围", next is null ? "全部" : $"后面还有：从序号 {next} 之后再查，或缩小条件"),
                ("正在整理", behind == 0 ? "没有" : $"另有 {behind} 个事件正在整理，不在表中")
            )
        );

    /// <summary>A row of the audit trail.</summary>
    public static object?[] Row(AuditEntryView e, PersonCard? who) =>
        [
            e.Sequence,
            Workbook.Text(e.RecordedAt),
            $"{e.EffectiveDate:yyyy-MM-dd}",
            Terms.Event(e.Type),
            e.Type,
            e.Actor,
            Terms.Role(e.Role),
            e.Region,
            e.Amount,
            e.Code,
            e.Stream,
            string.Join(' ', e.Evidence),
            who?.Name,
            who?.Unit,
        ];

    /// <summary>A list as long as the longest that is read may go on.</summary>
    private static string Whole(int count) =>
        count < Commands.Scope.MaxRows ? "全部" : $"只列出前 {Commands.Scope.MaxRows} 行，请缩小区划";
}

using Ledger.Api.Imports;
using Ledger.Domain;
using Ledger.Domain.Applications;
using Ledger.Domain.Funds;
using Ledger.Projections.Balances;
using Ledger.Projections.Journal;
using Ledger.Web;

namespace Ledger.Api.Exports;

/// <summary>
/// A fund's papers as workbooks: the statement (对账单) and the voucher of one entry (记账凭证), with amounts in capital
/// figures, and the trial balance.
/// </summary>
public static class FundSheets
{
    /// <param name="names">Of people, by account; who has none stands as his account.</param>
    public static byte[] Statement(Fund fund, FundStatement s, IReadOnlyDictionary<string, string> names)
    {
        object?[][] lines =
        [
            .. s.Lines.Select(l =>
                (object?[])
                    [
                        $"{l.EffectiveDate:yyyy-MM-dd}",
                        Workbook.Text(l.RecordedAt),
                        Terms.Event(l.Type),
                        l.Reference,
                        l.AvailableChangeAmount,
                        l.ReservedChangeAmount,
                        l.InTransitChangeAmount,
                        l.CreditedChangeAmount,
                        l.OwedChangeAmount,
                        l.AvailableAmount,
                        names.GetValueOrDefault(l.Actor, l.Actor),
                    ]
            ),
        ];
        const int above = 3;
        Workbook.Sum Total(Func<StatementLine, Money> of) =>
            new(above + 1, above + lines.Length, Money.Sum(s.Lines.Select(of)));
        return Workbook.Write(
            (
                "对账单",
                [
                    [$"{fund.Name} 集体补助资金对账单 {s.From:yyyy-MM-dd} 至 {s.To:yyyy-MM-dd}（元）"],
                    ["期初可用", s.OpeningAvailableAmount],
                    StatementHeadings,
                    .. lines,
                    .. lines.Length == 0
                        ? []
                        : (object?[][])
                            [
                                [
                                    "本期合计",
                                    null,
                                    null,
                                    null,
                                    Total(l => l.AvailableChangeAmount),
                                    Total(l => l.ReservedChangeAmount),
                                    Total(l => l.InTransitChangeAmount),
                                    Total(l => l.CreditedChangeAmount),
                                    Total(l => l.OwedChangeAmount),
                                ],
                            ],
                    ["期末可用", s.ClosingAvailableAmount, ChineseAmount.Of(s.ClosingAvailableAmount)],
                ],
                Widths(14, 20, 16, 46, 14, 14, 14, 14, 14, 14, 26)
            )
        );
    }

    private static readonly string[] StatementHeadings =
    [
        "业务日期",
        "记录时间",
        "事项",
        "编号",
        "可用增减",
        "占用增减",
        "在途增减",
        "入账增减",
        "应补手续费",
        "可用余额",
        "经办人",
    ];

    /// <inheritdoc cref="Statement"/>
    public static byte[] Voucher(
        Fund fund,
        JournalEntry e,
        Application? application,
        AccountMap accounts,
        IReadOnlyDictionary<string, string> names
    )
    {
        string Name(string account) => names.GetValueOrDefault(account, account);
        var total = Money.Sum(e.Postings.Where(p => p.AmountFen > Money.Zero).Select(p => p.AmountFen));
        var sum = new Workbook.Sum(4, 3 + e.Postings.Count, total);
        return Workbook.Write(
            (
                "记账凭证",
                [
                    [$"{fund.Name} 记账凭证"],
                    [
                        "凭证号",
                        $"{e.Date:yyyy-MM} {e.Voucher}",
                        "业务日期",
                        $"{e.Date:yyyy-MM-dd}",
                        "记录时间",
                        Workbook.Text(e.RecordedAt),
                    ],
                    ["摘要", "科目", "借方金额（元）", "贷方金额（元）"],
                    .. e.Postings.Select(p =>
                        (object?[])[e.Abstract, accounts.Title(p.Account), Debit(p.AmountFen), Credit(p.AmountFen)]
                    ),
                    ["合计", ChineseAmount.Of(total), sum, sum],
                    ["附单据（张）", e.Attachments, "事件号", $"{e.Sequence}"],
                    [
                        "制单",
                        Name(e.Actor),
                        "审核",
                        string.Join('、', (application?.Reviewers ?? []).Select(Name)),
                        "审批",
                        application?.Approver is { } approver ? Name(approver) : "",
                    ],
                ],
                Widths(40, 40, 18, 18, 12, 20)
            )
        );
    }

    /// <summary>
    /// The trial balance (试算平衡表); which day's, as known when, and its digest stand on a second sheet.
    /// </summary>
    public static byte[] TrialBalance(
        Fund fund,
        DateOnly at,
        DateTimeOffset? known,
        IReadOnlyList<AccountBalance> balance,
        AccountMap accounts
    )
    {
        var sum = new Workbook.Sum(
            2,
            balance.Count + 1,
            Money.Sum(balance.Where(b => b.AmountFen > Money.Zero).Select(b => b.AmountFen))
        );
        return Workbook.Write(
            Workbook.List(
                "试算平衡表",
                [("账户", 40), ("科目", 40), ("借方（元）", 18), ("贷方（元）", 18)],
                [
                    .. balance.Select(b =>
                        (object?[])
                            [
                                Terms.Account(b.Account),
                                accounts.Title(b.Account),
                                Debit(b.AmountFen),
                                Credit(b.AmountFen),
                            ]
                    ),
                ],
                ["合计", null, sum, sum]
            ),
            OfficeSheets.Facts(
                ("资金", fund.Name),
                ("区划", fund.Region),
                ("截至", $"{at:yyyy-MM-dd}"),
                ("所知", known is { } moment ? Workbook.Text(moment) : "现在"),
                ("摘要（SHA-256）", Postings.Digest(balance))
            )
        );
    }

    private static object? Debit(Money amount) => amount > Money.Zero ? amount : null;

    private static object? Credit(Money amount) => amount < Money.Zero ? Money.Zero - amount : null;

    private static Column[] Widths(params int[] widths) => [.. widths.Select(w => new Column("", false, "", "", w))];
}

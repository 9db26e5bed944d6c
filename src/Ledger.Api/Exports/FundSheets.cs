using Ledger.Api.Imports;
using Ledger.Domain;
using Ledger.Domain.Funds;
using Ledger.Projections.Balances;
using Ledger.Projections.Journal;
using Ledger.Web;

namespace Ledger.Api.Exports;

/// <summary>A fund's papers as workbooks: the statement (对账单) and the voucher of one entry (记账凭证), with amounts in capital figures.</summary>
public static class FundSheets
{
    public static byte[] Statement(Fund fund, FundStatement s)
    {
        var rows = new List<string[]>
        {
            ([$"{fund.Name} 集体补助资金对账单 {s.From:yyyy-MM-dd} 至 {s.To:yyyy-MM-dd}（元）"]),
            (["期初可用", $"{s.OpeningAvailableAmount}"]),
            (

                [
                    "业务日期",
                    "记录时间",
                    "事项",
                    "编号",
                    "可用增减",
                    "占用增减",
                    "在途增减",
                    "入账增减",
                    "可用余额",
                    "经办人",
                ]
            ),
        };
        rows.AddRange(
            s.Lines.Select(l =>
                (string[])
                    [
                        $"{l.EffectiveDate:yyyy-MM-dd}",
                        Workbook.Text(l.RecordedAt),
                        Terms.Event(l.Type),
                        l.Reference,
                        $"{l.AvailableChangeAmount}",
                        $"{l.ReservedChangeAmount}",
                        $"{l.InTransitChangeAmount}",
                        $"{l.CreditedChangeAmount}",
                        $"{l.AvailableAmount}",
                        l.Actor,
                    ]
            )
        );
        rows.Add(["期末可用", $"{s.ClosingAvailableAmount}", ChineseAmount.Of(s.ClosingAvailableAmount)]);
        return Workbook.Write(("对账单", rows, Widths(14, 20, 16, 46, 14, 14, 14, 14, 14, 26)));
    }

    public static byte[] Voucher(Fund fund, JournalEntry e, AccountMap accounts)
    {
        var total = Money.Sum(e.Postings.Where(p => p.AmountFen > Money.Zero).Select(p => p.AmountFen));
        var rows = new List<string[]>
        {
            ([$"{fund.Name} 记账凭证"]),
            (["凭证号", $"{e.Sequence}", "业务日期", $"{e.Date:yyyy-MM-dd}", "记录时间", Workbook.Text(e.RecordedAt)]),
            (["摘要", "科目", "借方金额（元）", "贷方金额（元）"]),
        };
        rows.AddRange(
            e.Postings.Select(p =>
                (string[])
                    [
                        Terms.Event(e.Type),
                        accounts.Title(p.Account),
                        p.AmountFen > Money.Zero ? $"{p.AmountFen}" : "",
                        p.AmountFen < Money.Zero ? $"{Money.Zero - p.AmountFen}" : "",
                    ]
            )
        );
        rows.Add(["合计", ChineseAmount.Of(total), $"{total}", $"{total}"]);
        rows.Add(["制单", e.Actor, "复核", "", "出纳", ""]);
        return Workbook.Write(("记账凭证", rows, Widths(16, 34, 18, 18, 12, 20)));
    }

    private static Column[] Widths(params int[] widths) => [.. widths.Select(w => new Column("", false, "", "", w))];
}

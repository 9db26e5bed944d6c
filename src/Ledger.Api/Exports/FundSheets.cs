using Ledger.Api.Imports;
using Ledger.Domain;
using Ledger.Domain.Funds;
using Ledger.Projections.Balances;
using Ledger.Projections.Journal;

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
            (["业务日期", "记录时间", "事项", "编号", "可用增减", "占用增减", "在途增减", "入账增减", "可用余额", "经办人"]),
        };
        rows.AddRange(s.Lines.Select(l => (string[])[$"{l.EffectiveDate:yyyy-MM-dd}", Workbook.Text(l.RecordedAt), Title(l.Type), l.Reference, $"{l.AvailableChangeAmount}", $"{l.ReservedChangeAmount}",
            $"{l.InTransitChangeAmount}", $"{l.CreditedChangeAmount}", $"{l.AvailableAmount}", l.Actor]));
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
        rows.AddRange(e.Postings.Select(p => (string[])[Title(e.Type), accounts.Title(p.Account), p.AmountFen > Money.Zero ? $"{p.AmountFen}" : "", p.AmountFen < Money.Zero ? $"{Money.Zero - p.AmountFen}" : ""]));
        rows.Add(["合计", ChineseAmount.Of(total), $"{total}", $"{total}"]);
        rows.Add(["制单", e.Actor, "复核", "", "出纳", ""]);
        return Workbook.Write(("记账凭证", rows, Widths(16, 34, 18, 18, 12, 20)));
    }

    private static Column[] Widths(params int[] widths) => [.. widths.Select(w => new Column("", false, "", "", w))];

    /// <summary>An event type as people call it.</summary>
    public static string Title(string type) => type switch
    {
        "funds_allocated" => "划入资金",
        "funds_reserved" => "审批占用",
        "reservation_released" => "占用退还",
        "funds_paid" => "付款至经办机构",
        "funds_returned" => "银行退回",
        "funds_credited" => "记入个人账户",
        "funds_refunded" => "经办机构退回",
        "allocation_reversed" => "冲正划入",
        "earmark_lifted" => "解除指定用途",
        "surplus_returned" => "余款退回来源",
        "funds_transferred" => "转出至继承集体",
        "transfer_received" => "由原集体转入",
        _ => type,
    };
}

using System.Globalization;
using System.Text;
using CsvHelper;
using Ledger.Api.Imports;
using Ledger.Domain;
using Ledger.Domain.Applications;
using Ledger.Domain.Funds;
using Ledger.Projections.Journal;

namespace Ledger.Api.Exports;

/// <summary>
/// The vouchers of a fund as a bookkeeping programme takes them in (L20): which column holds what is data, the sample
/// that ships (voucher-columns.csv) or the office's own file (Ledger:VoucherColumns). Beside them the special account's
/// own ledger, as the bank sees it.
/// </summary>
public sealed class VoucherBook
{
    /// <summary>One line of a voucher, and the application behind it.</summary>
    private sealed record Line(
        JournalEntry Entry,
        Posting Posting,
        AccountMapping Account,
        Application? Application,
        Func<string, string> Name
    );

    private static readonly Dictionary<string, Func<Line, object?>> Fields = new()
    {
        ["date"] = l => $"{l.Entry.Date:yyyy-MM-dd}",
        ["word"] = _ => "记",
        ["number"] = l => $"{l.Entry.Number:000}",
        ["attachments"] = l => l.Entry.Attachments,
        ["abstract"] = l => l.Entry.Abstract,
        ["code"] = l => l.Account.Code,
        ["name"] = l => l.Account.Name,
        ["subsidiary"] = l => l.Account.Subsidiary,
        ["debit"] = l => l.Posting.AmountFen > Money.Zero ? l.Posting.AmountFen : null,
        ["credit"] = l => l.Posting.AmountFen < Money.Zero ? Money.Zero - l.Posting.AmountFen : null,
        ["maker"] = l => l.Name(l.Entry.Actor),
        ["reviewer"] = l => l.Application is { } a ? string.Join('、', a.Reviewers.Select(l.Name)) : null,
        ["approver"] = l => l.Application?.Approver is { } approver ? l.Name(approver) : null,
        ["sequence"] = l => $"{l.Entry.Sequence}",
    };

    private readonly IReadOnlyList<(string Heading, string Field)> _columns;

    private VoucherBook(IReadOnlyList<(string, string)> columns) => _columns = columns;

    /// <exception cref="OperationException">The file cannot be used; the message says what is wrong and how to mend
    /// it.</exception>
    public static VoucherBook Load(string? path)
    {
        using var stream = path is null
            ? typeof(VoucherBook).Assembly.GetManifestResourceStream("voucher-columns.csv")!
            : File.OpenRead(path);
        using var reader = new StreamReader(stream, Encoding.UTF8);
        using var csv = new CsvReader(reader, CultureInfo.InvariantCulture);
        var columns = new List<(string, string)>();
        try
        {
            csv.Read();
            csv.ReadHeader();
            while (csv.Read())
                columns.Add((csv.GetField("heading")!.Trim(), csv.GetField("field")!.Trim()));
        }
        catch (CsvHelperException)
        {
            columns.Clear();
        }
        return columns.Count > 0 && columns.All(c => Fields.ContainsKey(c.Item2))
            ? new VoucherBook(columns)
            : throw new OperationException(
                $"凭证列表 {path} 无法使用：需要列 heading、field，field 为 {string.Join("、", Fields.Keys)} 之一。"
                    + "The file of voucher columns cannot be used."
            );
    }

    /// <param name="entries">Numbered, of one period.</param>
    /// <param name="before">What lay in the special account when it began.</param>
    /// <param name="applications">By id, of those that the entries name.</param>
    /// <param name="names">Of people, by account; who has none stands as his account.</param>
    public byte[] Write(
        IReadOnlyList<JournalEntry> entries,
        Money before,
        AccountMap accounts,
        IReadOnlyDictionary<string, Application> applications,
        IReadOnlyDictionary<string, string> names
    )
    {
        var sorted = entries.OrderBy(e => e.Date.Year).ThenBy(e => e.Date.Month).ThenBy(e => e.Number).ToList();
        var lines = sorted.SelectMany(e =>
            e.Postings.Select(p => new Line(
                e,
                p,
                accounts.Of(p.Account),
                e.ApplicationId is { } id ? applications.GetValueOrDefault(id) : null,
                account => names.GetValueOrDefault(account, account)
            ))
        );
        return Workbook.Write(
            Workbook.List(
                "凭证",
                [.. _columns.Select(c => (c.Heading, Width(c.Field)))],
                [.. lines.Select(l => _columns.Select(c => Fields[c.Field](l)).ToArray())]
            ),
            AtBank(sorted, before)
        );
    }

    private static int Width(string field) =>
        field switch
        {
            "abstract" => 44,
            "name" or "subsidiary" or "maker" or "reviewer" or "approver" => 24,
            _ => 14,
        };

    /// <summary>What moved between the fund's own accounts the bank does not see.</summary>
    private static (string, IEnumerable<IEnumerable<object?>>, IReadOnlyList<Column>) AtBank(
        IEnumerable<JournalEntry> entries,
        Money before
    )
    {
        var balance = before;
        var rows = new List<object?[]> { new object?[] { null, null, "期初余额", null, null, balance } };
        foreach (
            var (e, change) in entries
                .Select(e =>
                    (e, Money.Sum(e.Postings.Where(p => FundAccount.IsAtBank(p.Account)).Select(p => p.AmountFen)))
                )
                .Where(c => c.Item2 != Money.Zero)
        )
        {
            balance += change;
            rows.Add([
                $"{e.Date:yyyy-MM-dd}",
                e.Voucher,
                e.Abstract,
                change > Money.Zero ? change : null,
                change < Money.Zero ? Money.Zero - change : null,
                balance,
            ]);
        }
        return Workbook.List(
            "专户明细账",
            [("日期", 14), ("凭证号", 12), ("摘要", 44), ("收入（元）", 16), ("支出（元）", 16), ("余额（元）", 16)],
            rows
        );
    }
}

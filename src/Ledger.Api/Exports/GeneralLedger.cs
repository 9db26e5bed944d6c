using System.Globalization;
using System.IO.Compression;
using System.Text;
using CsvHelper;
using Ledger.Domain;
using Ledger.Domain.Funds;
using Ledger.Projections.Journal;

namespace Ledger.Api.Exports;

/// <summary>
/// The general-ledger tables of audit data collection (ISO 21378:2019, base and general-ledger modules) as CSV in UTF-8
/// with mark: chart of accounts, periods (months of business dates), journal entries, their lines, and the trial
/// balance of each fund and period. Amounts are yuan with two decimals. An account's number is the code of the mapping,
/// a dot, and the ledger's own account.
/// </summary>
public sealed class GeneralLedger(AccountMap accounts)
{
    /// <summary>How often the funds are read: entries, lines, trial balance.</summary>
    public const int Passes = 3;

    private static readonly string[] EntryColumns =
    [
        "Journal_ID",
        "Business_Unit_Code",
        "Fiscal_Year",
        "Accounting_Period",
        "Effective_Date",
        "Entered_Date_Time",
        "Entered_By",
        "JE_Type",
        "JE_Header_Description",
        "Amount_Currency",
    ];

    private static readonly string[] LineColumns =
    [
        "Journal_ID",
        "Journal_ID_Line_Number",
        "Business_Unit_Code",
        "GL_Account_Number",
        "Amount",
        "Amount_Credit_Debit_Indicator",
        "Amount_Currency",
    ];

    private static readonly string[] BalanceColumns =
    [
        "Business_Unit_Code",
        "Fiscal_Year",
        "Accounting_Period",
        "GL_Account_Number",
        "Beginning_Balance",
        "Debit_Amount",
        "Credit_Amount",
        "Ending_Balance",
        "Amount_Currency",
    ];

    private static readonly string[] AccountColumns =
    [
        "GL_Account_Number",
        "GL_Account_Name",
        "Account_Type",
        "Account_Subtype",
        "Parent_GL_Account_Number",
        "Ledger_Account",
    ];

    private static readonly string[] PeriodColumns =
    [
        "Fiscal_Year",
        "Accounting_Period",
        "Period_Start_Date",
        "Period_End_Date",
    ];

    public async Task WriteAsync(
        ZipArchive zip,
        Func<IEnumerable<IAsyncEnumerable<JournalEntry>>> funds,
        CancellationToken cancellation
    )
    {
        var (used, periods) = (new SortedSet<string>(StringComparer.Ordinal), new SortedSet<(int Year, int Month)>());
        await TableAsync("GL_Journal_Entry.csv", EntryColumns, row => EntriesAsync(funds, row));
        await TableAsync("GL_Journal_Entry_Line.csv", LineColumns, row => LinesAsync(funds, row));
        await TableAsync("GL_Trial_Balance.csv", BalanceColumns, row => BalancesAsync(funds, used, periods, row));
        await TableAsync("BAS_Chart_Of_Accounts.csv", AccountColumns, row => Accounts(used, row));
        await TableAsync("BAS_Accounting_Period.csv", PeriodColumns, row => Periods(periods, row));

        async Task TableAsync(string name, string[] headings, Func<Action<string[]>, Task> rows)
        {
            await using var entry = await zip.CreateEntry(name, CompressionLevel.Fastest).OpenAsync(cancellation);
            await using var text = new StreamWriter(entry, new UTF8Encoding(true));
            await using var csv = new CsvWriter(text, CultureInfo.InvariantCulture);
            void Row(string[] fields)
            {
                foreach (var field in fields)
                    csv.WriteField(Harmless(field));
                csv.NextRecord();
            }
            Row(headings);
            await rows(Row);
        }
    }

    private static async Task EntriesAsync(
        Func<IEnumerable<IAsyncEnumerable<JournalEntry>>> funds,
        Action<string[]> row
    )
    {
        foreach (var entries in funds())
        await foreach (var e in entries)
            row([
                $"{e.Sequence}",
                e.FundId,
                $"{e.Date.Year}",
                $"{e.Date.Month:00}",
                $"{e.Date:yyyy-MM-dd}",
                $"{e.RecordedAt.UtcDateTime:yyyy-MM-dd'T'HH:mm:ss'Z'}",
                e.Actor,
                e.Type,
                $"{e.Voucher} {e.Abstract}",
                "CNY",
            ]);
    }

    private async Task LinesAsync(Func<IEnumerable<IAsyncEnumerable<JournalEntry>>> funds, Action<string[]> row)
    {
        foreach (var entries in funds())
        await foreach (var e in entries)
        foreach (var (p, i) in e.Postings.Select((p, i) => (p, i)))
            row([
                $"{e.Sequence}",
                $"{i + 1}",
                e.FundId,
                Number(p.Account),
                $"{Absolute(p.AmountFen)}",
                p.AmountFen > Money.Zero ? "D" : "C",
                "CNY",
            ]);
    }

    private async Task BalancesAsync(
        Func<IEnumerable<IAsyncEnumerable<JournalEntry>>> funds,
        SortedSet<string> used,
        SortedSet<(int Year, int Month)> periods,
        Action<string[]> row
    )
    {
        foreach (var entries in funds())
        {
            // One fund's postings by period and account: as many sums as it has of them.
            var (sums, fund) = (
                new SortedDictionary<(int Year, int Month), SortedDictionary<string, (Money Debit, Money Credit)>>(),
                ""
            );
            await foreach (var e in entries)
            {
                fund = e.FundId;
                var period = (e.Date.Year, e.Date.Month);
                periods.Add(period);
                if (!sums.TryGetValue(period, out var of))
                    sums[period] = of = new(StringComparer.Ordinal);
                foreach (var p in e.Postings)
                {
                    used.Add(p.Account);
                    var sum = of.GetValueOrDefault(p.Account);
                    of[p.Account] =
                        p.AmountFen > Money.Zero
                            ? (sum.Debit + p.AmountFen, sum.Credit)
                            : (sum.Debit, sum.Credit + Absolute(p.AmountFen));
                }
            }
            Write(fund, sums, row);
        }
    }

    private Task Accounts(SortedSet<string> used, Action<string[]> row)
    {
        foreach (var account in used)
            row([
                Number(account),
                accounts.Title(account),
                accounts.Of(account).Type.Word(),
                accounts.Of(account).Subsidiary,
                accounts.Of(account).Code,
                account,
            ]);
        var parents = used.Select(accounts.Of).DistinctBy(m => m.Code).OrderBy(m => m.Code, StringComparer.Ordinal);
        foreach (var parent in parents)
            row([parent.Code, parent.Name, parent.Type.Word(), "", "", ""]);
        return Task.CompletedTask;
    }

    private static Task Periods(SortedSet<(int Year, int Month)> periods, Action<string[]> row)
    {
        foreach (var (year, month) in periods)
            row([
                $"{year}",
                $"{month:00}",
                $"{new DateOnly(year, month, 1):yyyy-MM-dd}",
                $"{new DateOnly(year, month, 1).AddMonths(1).AddDays(-1):yyyy-MM-dd}",
            ]);
        return Task.CompletedTask;
    }

    private void Write(
        string fund,
        SortedDictionary<(int Year, int Month), SortedDictionary<string, (Money Debit, Money Credit)>> sums,
        Action<string[]> row
    )
    {
        var balances = new SortedDictionary<string, Money>(StringComparer.Ordinal);
        foreach (var ((year, month), of) in sums)
        {
            foreach (var account in balances.Keys.Union(of.Keys).Order(StringComparer.Ordinal).ToList())
            {
                var (was, (debit, credit)) = (balances.GetValueOrDefault(account), of.GetValueOrDefault(account));
                balances[account] = was + debit - credit;
                row([
                    fund,
                    $"{year}",
                    $"{month:00}",
                    Number(account),
                    $"{was}",
                    $"{debit}",
                    $"{credit}",
                    $"{balances[account]}",
                    "CNY",
                ]);
            }
            InvariantViolationException.Require(
                Money.Sum(balances.Values) == Money.Zero,
                $"{fund}: the trial balance of {year}-{month} does not balance"
            );
        }
    }

    /// <summary>
    /// A text that a spreadsheet would take for a formula gets an apostrophe before it; a negative amount is none.
    /// </summary>
    public static string Harmless(string field) =>
        field.Length > 0
        && field[0] is '=' or '+' or '-' or '@' or '\t' or '\r'
        && !decimal.TryParse(field, NumberStyles.Number, CultureInfo.InvariantCulture, out _)
            ? $"'{field}"
            : field;

    private string Number(string account) => $"{accounts.Of(account).Code}.{account}";

    private static Money Absolute(Money amount) => amount < Money.Zero ? Money.Zero - amount : amount;
}

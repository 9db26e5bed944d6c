using JasperFx.Events;
using Ledger.Domain;
using Ledger.Domain.Funds;

namespace Ledger.Projections.Journal;

/// <summary>
/// A double entry (分录) of one fund, made from one event: business date, what happened, and postings that sum to zero
/// (debit positive). <paramref name="Sequence"/> names the event. <paramref name="Attachments"/>: how many papers it
/// rests on. <paramref name="ApplicationId"/>: whose reviewers and approver stand behind it.
/// </summary>
public sealed record JournalEntry(
    long Sequence,
    DateOnly Date,
    DateTimeOffset RecordedAt,
    string FundId,
    string Type,
    string Actor,
    IReadOnlyList<Posting> Postings,
    string Abstract,
    int Attachments,
    string? ApplicationId
)
{
    /// <summary>
    /// Which of the fund's entries of the month of its business date it is, as they were recorded: without a gap, and
    /// never another one, for an entry that is dated back comes after those that are there. Nought: not counted.
    /// </summary>
    public int Number { get; init; }

    /// <summary>As offices number vouchers (L20): 记-001 of its month.</summary>
    public string Voucher => $"记-{Number:000}";

    /// <summary>Null for an event that moves no money.</summary>
    public static JournalEntry? Of(IEvent e) =>
        e.Data is IFundMovement moved && Domain.Funds.Postings.Of(moved) is { Count: > 0 } postings
            ? new JournalEntry(
                e.Sequence,
                e.EffectiveDate(),
                e.Timestamp,
                e.StreamKey!,
                e.EventTypeName,
                e.Header(EventHeaders.Actor),
                postings,
                Short(moved.Abstract),
                (e.Data as IEvidenced)?.Evidence.Count ?? 0,
                moved.Movements[0].ApplicationId
            )
            : null;

    private const int MostAbstract = 60;

    private static string Short(string text) => text.Length <= MostAbstract ? text : $"{text[..(MostAbstract - 1)]}…";
}

/// <summary>The journal as text that stranger's tools check: hledger (plain text accounting) and Beancount.</summary>
public static class JournalText
{
    /// <summary>
    /// hledger: accounts are <c>fund:account</c>, amounts CNY with two decimals, the sequence as transaction code.
    /// </summary>
    public static string Hledger(JournalEntry e) =>
        $"{e.Date:yyyy-MM-dd} ({e.Sequence}) {e.Type}  ; recorded:{e.RecordedAt:yyyy-MM-dd'T'HH:mm:ss}, "
        + $"actor:{e.Actor}\n"
        + string.Concat(e.Postings.Select(p => $"    {HledgerAccount(e.FundId, p.Account)}  {p.AmountFen} CNY\n"))
        + "\n";

    public const string HledgerHead = "commodity 1000.00 CNY\n\n";

    /// <summary>
    /// The account, and for hledger's own reports what kind it is: asset, expense, revenue or equity.
    /// </summary>
    public static string HledgerDeclaration(string fundId, string account) =>
        $"account {HledgerAccount(fundId, account)}  ; type: {HledgerTypes[Root(account)]}\n\n";

    private static readonly Dictionary<string, char> HledgerTypes = new()
    {
        ["Assets"] = 'A',
        ["Expenses"] = 'X',
        ["Income"] = 'R',
        ["Equity"] = 'E',
    };

    private static string HledgerAccount(string fundId, string account) => $"{fundId}:{account.Replace(' ', '-')}";

    /// <summary>
    /// Beancount knows five roots, and its accounts begin with a capital; <see cref="BeancountHead"/> lets it open them
    /// by itself.
    /// </summary>
    public static string Beancount(JournalEntry e) =>
        $"{e.Date:yyyy-MM-dd} * \"{e.FundId}\" \"{e.Type} {e.Sequence}\"\n"
        + string.Concat(e.Postings.Select(p => $"  {BeancountAccount(e.FundId, p.Account)}  {p.AmountFen} CNY\n"))
        + "\n";

    public const string BeancountHead =
        "option \"title\" \"Collective Subsidy Ledger\"\noption \"operating_currency\" \"CNY\"\n"
        + "plugin \"beancount.plugins.auto_accounts\"\n\n";

    public static string BeancountAccount(string fundId, string account) =>
        string.Join(':', new[] { Root(account), Capital(fundId) }.Concat(account.Split(':').Select(Capital)));

    private static string Root(string account) =>
        account.Split(':')[0] switch
        {
            "available" or "reserved" or "in-transit" or FundAccount.BankFees or FundAccount.Owed => "Assets",
            "credited" => "Expenses",
            "source" => "Income",
            _ => "Equity", // returned, transfer
        };

    private static string Capital(string part) => char.ToUpperInvariant(part[0]) + part[1..];
}

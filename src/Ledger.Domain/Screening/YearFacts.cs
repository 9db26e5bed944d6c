using Ledger.Domain.Applications;

namespace Ledger.Domain.Screening;

/// <summary>What somebody in an office did with an application.</summary>
public enum OfficeAct
{
    Filed,
    Reviewed,
    Approved,
    Signed,
    Paid,
    Confirmed,
}

/// <param name="At">When the server recorded it, whatever its business date.</param>
/// <param name="OnBehalfOf">Whose role was delegated to him; null: he acted in his own.</param>
public sealed record ScreenedAct(OfficeAct Act, string By, DateTimeOffset At, long Sequence, string? OnBehalfOf = null)
{
    /// <summary>A duty done for another is the duty of both.</summary>
    public IEnumerable<string> Accounts => OnBehalfOf is null ? [By] : [By, OnBehalfOf];
}

/// <param name="ApprovedFen">What was approved; zero: it was not.</param>
/// <param name="Acts">In the order of recording.</param>
/// <param name="Evidence">Seal and roster, by their digests.</param>
public sealed record ScreenedApplication(
    string Id,
    string FundId,
    string Village,
    Money ApprovedFen,
    IReadOnlyList<ScreenedAct> Acts,
    IReadOnlyList<string> Evidence
);

/// <summary>
/// A line of a list. A county's year may have 200,000: so it is a struct, some 50 bytes and the ids that it names.
/// </summary>
/// <param name="Application">Its place among the year's applications.</param>
/// <param name="Person">Who it is: the member's own id, or of whom he is another village's record.</param>
/// <param name="PaidOn">Business date of its last payment; null: it was not paid.</param>
public readonly record struct ScreenedLine(
    int Application,
    string MemberId,
    string Person,
    Money AmountFen,
    LineStatus Status,
    DateOnly? PaidOn = null
)
{
    public bool Stands => !Status.IsOut();
    public bool IsPaid => PaidOn is not null && Status is LineStatus.Paid or LineStatus.Credited;
}

/// <summary>An entry of a fund that rests on a paper: money that came in, went out, or came back.</summary>
/// <param name="Type">As stored: <c>funds_paid</c> and the others of <see cref="Funds.SameMoney"/>.</param>
/// <param name="Id">Of the allocation or fee; empty: <paramref name="ApplicationId"/> says what it is about.</param>
/// <param name="Party">From whom it came; empty: not said.</param>
/// <param name="IsOfYear">False: of another year, here because it shares a number or a paper.</param>
public sealed record ScreenedEntry(
    string FundId,
    string Village,
    long Sequence,
    string Type,
    DateOnly On,
    Money AmountFen,
    string By,
    string Id = "",
    string? ApplicationId = null,
    string? BankReference = null,
    string Party = "",
    bool IsOfYear = true
)
{
    /// <summary>The papers it rests on, by their digests.</summary>
    public IReadOnlyList<string> Slips { get; init; } = [];

    /// <summary>What is one transfer or one receipt of money, also where it takes several events.</summary>
    public string Booking => Id.Length > 0 ? Id : $"{FundId} {ApplicationId} {On:yyyy-MM-dd} {Type}";
}

/// <summary>A number that somebody else counts up: of the agency's receipts.</summary>
/// <param name="Series">Whose numbers these are.</param>
public readonly record struct ScreenedNumber(string Series, string Number, string Stream, long Sequence);

/// <summary>Places in a stream that hold no event: the ledger itself leaves none.</summary>
public sealed record MissingEvents(string Stream, string Village, long From, long To);

/// <summary>
/// What is known of one policy year in a region. Persons are ids; nobody's name or number is among it.
/// </summary>
/// <param name="Deaths">Person → the day.</param>
/// <param name="Officers">Account → the person that its holder is among the members.</param>
public sealed record YearFacts(
    string Region,
    int Year,
    IReadOnlyList<ScreenedApplication> Applications,
    IReadOnlyList<ScreenedLine> Lines,
    IReadOnlyList<ScreenedEntry> Entries,
    IReadOnlyList<ScreenedNumber> Numbers,
    IReadOnlyList<MissingEvents> Missing,
    IReadOnlyDictionary<string, DateOnly> Deaths,
    IReadOnlyDictionary<string, string> Officers
)
{
    public static YearFacts Nothing(string region, int year) =>
        new(region, year, [], [], [], [], [], new Dictionary<string, DateOnly>(), new Dictionary<string, string>());

    public ScreenedApplication Of(ScreenedLine line) => Applications[line.Application];
}

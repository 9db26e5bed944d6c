using Ledger.Domain.Applications;
using Ledger.Domain.Funds;
using Ledger.Domain.Screening;

namespace Ledger.Domain.Tests;

/// <summary>Facts of a year, put together line by line and entry by entry.</summary>
internal sealed class ScreenedFacts(string region = ScreenedFacts.County)
{
    public const string County = "370811",
        Village = "370811102201",
        Neighbour = "370811102202",
        Far = "370811105003";

    /// <summary>Ten o'clock in China on a Tuesday.</summary>
    public static readonly DateTimeOffset Morning = new(2026, 3, 3, 2, 0, 0, TimeSpan.Zero);

    private readonly List<ScreenedApplication> _applications = [];
    private readonly List<ScreenedLine> _lines = [];
    private readonly List<ScreenedEntry> _entries = [];
    private readonly List<ScreenedNumber> _numbers = [];
    private readonly List<MissingEvents> _missing = [];
    private readonly Dictionary<string, DateOnly> _deaths = [];
    private readonly Dictionary<string, string> _officers = [];
    private long _sequence;

    public YearFacts Facts =>
        new(region, 2026, _applications, _lines, _entries, _numbers, _missing, _deaths, _officers);

    /// <summary>What the screens show, of one of them.</summary>
    public IReadOnlyList<ScreenFinding> Shown(ScreenKind screen) =>
        [.. Screens.Run(Facts, ScreenLimits.Usual).Findings.Where(f => f.Screen == screen)];

    public ScreenFinding Only(ScreenKind screen) => Assert.Single(Shown(screen));

    /// <summary>Filed in the morning, reviewed and approved an hour later each, by three people.</summary>
    public ScreenedFacts Application(string village, params ReadOnlySpan<(string Person, long Fen)> lines) =>
        Application(village, Morning.AddHours(1), Morning.AddHours(2), lines);

    public ScreenedFacts Application(
        string village,
        DateTimeOffset reviewed,
        DateTimeOffset approved,
        params ReadOnlySpan<(string Person, long Fen)> lines
    )
    {
        var fen = 0L;
        foreach (var (person, amount) in lines)
        {
            fen += amount;
            _lines.Add(new(_applications.Count, person, person, new Money(amount), LineStatus.Approved));
        }
        _applications.Add(
            new(
                $"application-{_applications.Count + 1}",
                $"fund-{village}",
                village,
                new Money(fen),
                [
                    new(OfficeAct.Filed, $"officer.{village}", Morning, ++_sequence),
                    new(OfficeAct.Reviewed, "reviewer", reviewed, ++_sequence),
                    new(OfficeAct.Approved, "approver", approved, ++_sequence),
                ],
                [$"seal-{_applications.Count + 1}"]
            )
        );
        return this;
    }

    /// <summary>The last line as it is now.</summary>
    public ScreenedFacts Line(LineStatus status, DateOnly? paidOn = null, string? person = null)
    {
        _lines[^1] = _lines[^1] with { Status = status, PaidOn = paidOn, Person = person ?? _lines[^1].Person };
        return this;
    }

    public ScreenedFacts Died(string person, DateOnly on)
    {
        _deaths[person] = on;
        return this;
    }

    public ScreenedFacts Holds(string account, string person)
    {
        _officers[account] = person;
        return this;
    }

    public ScreenedFacts Allocated(
        decimal yuan,
        DateOnly? on = null,
        string? slip = null,
        string party = "土地流转",
        string village = Village,
        bool isOfYear = true
    ) =>
        Entry(
            new ScreenedEntry(
                $"fund-{village}",
                village,
                ++_sequence,
                SameMoney.Allocated,
                on ?? new(2026, 1, 1),
                new Money((long)(yuan * 100)),
                $"officer.{village}",
                $"allocation-{_sequence}",
                Party: party,
                IsOfYear: isOfYear
            )
            {
                Slips = [slip ?? $"slip-{_sequence}"],
            }
        );

    public ScreenedFacts Paid(
        decimal yuan,
        string reference,
        string application = "application-1",
        DateOnly? on = null,
        string village = Village,
        string type = SameMoney.Paid,
        bool isOfYear = true
    ) =>
        Entry(
            new ScreenedEntry(
                $"fund-{village}",
                village,
                ++_sequence,
                type,
                on ?? new(2026, 5, 1),
                new Money((long)(yuan * 100)),
                $"officer.{village}",
                "",
                application,
                reference,
                IsOfYear: isOfYear
            )
        );

    private ScreenedFacts Entry(ScreenedEntry entry)
    {
        _entries.Add(entry);
        return this;
    }

    public ScreenedFacts Receipts(params ReadOnlySpan<string> numbers)
    {
        foreach (var number in numbers)
            _numbers.Add(new("receipts", number, $"member-year-{number}-2026", ++_sequence));
        return this;
    }

    public ScreenedFacts Lacks(string stream, long from, long to)
    {
        _missing.Add(new(stream, Village, from, to));
        return this;
    }
}

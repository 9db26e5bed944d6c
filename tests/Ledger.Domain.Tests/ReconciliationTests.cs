using Ledger.Domain.Funds;
using Ledger.Domain.Members;
using Ledger.Domain.Plans;
using Ledger.Domain.Policies;

namespace Ledger.Domain.Tests;

/// <summary>Reconciliation of three, and the policy replay.</summary>
public sealed class ReconciliationTests
{
    private static readonly DateOnly Day = new(2026, 6, 1);

    private static (long, DateOnly, IEventOf<Fund>) At(long sequence, int day, IEventOf<Fund> e) =>
        (sequence, Day.AddDays(day), e);

    private static readonly (long Sequence, DateOnly Date, IEventOf<Fund> Event)[] Books =
    [
        At(
            1,
            0,
            new FundsAllocated(
                "a",
                SourceKind.CollectiveIncome,
                "租金",
                "general",
                new Money(1000),
                new FenInterval(0, 1000),
                []
            )
        ),
        At(
            2,
            0,
            new FundsAllocated(
                "b",
                SourceKind.CollectiveIncome,
                "租金",
                "general",
                new Money(500),
                new FenInterval(1000, 1500),
                []
            )
        ),
        At(
            3,
            0,
            new FundsAllocated(
                "c",
                SourceKind.CollectiveIncome,
                "租金",
                "general",
                new Money(500),
                new FenInterval(1500, 2000),
                []
            )
        ),
        At(
            4,
            1,
            new FundsAllocated(
                "d",
                SourceKind.CollectiveIncome,
                "错记",
                "general",
                new Money(777),
                new FenInterval(2000, 2777),
                []
            )
        ),
        At(5, 2, new AllocationReversed("d", "general", new Money(777), new FenInterval(2000, 2777), null, null, "x")),
        At(6, 10, new FundsPaid("app-1", new Money(300), 3, "NX1", [])),
        At(7, 11, new FundsPaid("app-2", new Money(200), 2, "NX2", [])),
        At(8, 12, new FundsReturned("app-1", new Money(100), 1, "TH1", [])),
        At(9, 13, new FundsCredited("app-2", new Money(200), 2)),
        At(
            10,
            20,
            new FundsRefunded(
                "app-2",
                "m",
                "general",
                new Money(100),
                true,
                new FenInterval(0, 100),
                new FenInterval(2777, 2877),
                "TK1",
                []
            )
        ),
    ];

    private static BankLine Line(int row, int day, bool isIn, long fen, string reference) =>
        new(row, Day.AddDays(day), isIn, new Money(fen), reference);

    [Fact]
    public void Matched_doubtful_and_unmatched_are_told_apart_and_the_transit_account_shows_what_is_open()
    {
        var r = Reconciliation.Of(
            [
                // No reference in the books, amount and date fit, nothing else could be meant.
                Line(2, 1, true, 1000, "IN1"),
                Line(3, 0, true, 500, "IN2"), // two entries of 500: a person must say which
                Line(4, 10, false, 300, "NX1"), // agrees
                Line(5, 11, false, 201, "NX2"), // same reference, other amount
                Line(6, 12, true, 100, "TH1"),
                Line(7, 25, true, 42, "INTEREST"), // not in the books
            ],
            Books,
            Books
        );
        Assert.Equal([2, 4, 6], r.Matched.Select(p => p.Line.Row).Order());
        Assert.Equal(
            [(3, "金额相同，流水号或日期不一致"), (5, "流水号相同，金额不同")],
            r.Doubtful.Select(p => (p.Line.Row, p.Doubt!)).Order()
        );
        Assert.Equal([7], r.UnmatchedLines.Select(l => l.Row));
        Assert.Equal([3L, 10L], r.UnmatchedEntries.Select(e => e.Sequence));
        Assert.Equal(new Money(200), r.OpenTransitFen);
        Assert.Equal(
            ("app-1", new Money(200), Day.AddDays(10)),
            (r.Transit[0].ApplicationId, r.Transit[0].OpenFen, r.Transit[0].OpenSince!.Value)
        );
        // Refunded after credit: nothing is open
        Assert.Equal((Money.Zero, (DateOnly?)null), (r.Transit[1].OpenFen, r.Transit[1].OpenSince));
    }

    [Fact]
    public void Replay_tells_what_another_cap_or_standard_would_have_paid_or_refused()
    {
        static Subsidy Subsidy(int n, long fen, SubsidyStatus status = SubsidyStatus.Credited) =>
            new($"application-{n}", $"collective-{n}", "f", new Money(fen), new FenInterval(0, fen), status);
        var contribution = new Contribution(ContributionKind.Regular, new Money(30_000), new Money(30_000), Day, "r");
        MemberYear[] years =
        [
            new()
            {
                Id = "y1",
                Contributions = [contribution],
                Subsidies = [Subsidy(1, 300), Subsidy(2, 300), Subsidy(3, 999, SubsidyStatus.Released)],
            },
            new()
            {
                Id = "y2",
                Contributions = [contribution],
                Subsidies = [Subsidy(1, 300)],
                Sponsorships = [new Sponsorship("s", "d", new Money(250))],
            },
        ];
        var same = PolicyReplay.Of(years, new Money(10_000), null, new Dictionary<string, int>());
        Assert.Equal((new Money(900), new Money(900), 0), (same.ActualFen, same.ReplayedFen, same.Changed.Count));
        var lower = PolicyReplay.Of(years, new Money(500), null, new Dictionary<string, int>());
        // The second of y1, and y2 beside its sponsorship
        Assert.Equal((new Money(300), 3, 2), (lower.ReplayedFen, lower.Lines, lower.Refused));
        var flat = PolicyReplay.Of(
            years,
            new Money(10_000),
            new Standard(StandardKind.Flat, new Money(450), []),
            new Dictionary<string, int>()
        );
        Assert.Equal((new Money(1350), 3), (flat.ReplayedFen, flat.Changed.Count));
        var aged = PolicyReplay.Of(
            years,
            new Money(10_000),
            new Standard(StandardKind.PerAgeBand, null, [], [new Band(60, null, new Money(1))]),
            new Dictionary<string, int> { ["y1"] = 61 }
        );
        Assert.Equal((new Money(2), 1), (aged.ReplayedFen, aged.Refused));
    }
}

using Ledger.Domain.Funds;
using Ledger.Projections.Reports;

namespace Ledger.Domain.Tests;

/// <summary>A comparison of two dates: opening and changes are the closing, whatever was booked in whatever order.
/// </summary>
public sealed class ComparingTests
{
    private static readonly DateOnly First = new(2025, 12, 31);

    private static Posting[] Moved(string from, string to, long fen) =>
        [new(to, new Money(fen)), new(from, new Money(-fen))];

    [Fact]
    public void Money_that_only_moves_within_the_ring_fence_changes_nothing_and_what_leaves_it_says_why()
    {
        var comparing = new Comparing([(First, First.AddYears(1))]);
        comparing.Add(First, Moved("source:collective-income", "available:general", 1_000));
        comparing.Add(First.AddDays(1), Moved("available:general", "reserved", 600));
        comparing.Add(First.AddDays(2), Moved("reserved", "in-transit", 600));
        comparing.Add(First.AddDays(3), Moved("in-transit", "credited", 500));
        comparing.Add(First.AddDays(4), Moved("credited", "available:general", 40));
        comparing.Add(First.AddDays(5), Moved("available:general", "returned", 10));
        comparing.Add(First.AddDays(5), Moved("bank-fees", "owed", 5));
        comparing.Add(First.AddYears(2), Moved("source:charity", "available:general", 9));
        var span = Assert.Single(comparing.Views());
        Assert.Equal(1_000, span.Opening.TotalAmount.Fen);
        Assert.Equal(
            [("credited", -500L, 1), ("refunded", 40, 1), ("returned", -10, 1)],
            span.Changes.Select(c => (c.Kind, c.Amount.Fen, c.Entries))
        );
        Assert.Equal((430, 0, 100, 460), Held(span.Closing));

        static (long, long, long, long) Held(HeldView h) =>
            (h.AvailableAmount.Fen, h.ReservedAmount.Fen, h.InTransitAmount.Fen, h.CreditedAmount.Fen);
    }

    [Fact]
    public void Of_a_thousand_random_books_the_parts_are_the_whole_and_order_does_not_matter()
    {
        string[] accounts =
        [
            "source:charity",
            "source:collective-income",
            "available:general",
            "available:year-2026",
            "reserved",
            "in-transit",
            "credited",
            "returned",
            "transfer:fund-x",
        ];
        for (var seed = 0; seed < 1_000; seed++)
        {
            var random = new Random(seed);
            var entries = Enumerable
                .Range(0, random.Next(1, 40))
                .Select(_ =>
                    (
                        On: First.AddDays(random.Next(-400, 400)),
                        Postings: Moved(
                            accounts[random.Next(accounts.Length)],
                            accounts[random.Next(accounts.Length)],
                            random.NextInt64(1, 1_000_000)
                        )
                    )
                )
                .ToList();
            (DateOnly, DateOnly)[] spans =
            [
                (First.AddDays(-400), First),
                (First, First.AddDays(400)),
                (First.AddDays(-400), First.AddDays(400)),
            ];
            IReadOnlyList<SpanView> Of(IEnumerable<(DateOnly On, Posting[] Postings)> some)
            {
                var comparing = new Comparing(spans);
                foreach (var (on, postings) in some)
                    comparing.Add(on, postings);
                return comparing.Views();
            }
            var (views, backwards) = (Of(entries), Of(entries.AsEnumerable().Reverse()));
            Assert.Equal(views[0].Closing, views[1].Opening);
            Assert.Equal((views[0].Opening, views[1].Closing), (views[2].Opening, views[2].Closing));
            foreach (var kind in views[2].Changes.Select(c => c.Kind))
                Assert.Equal(views[2].Of(kind), views[0].Of(kind) + views[1].Of(kind));
            foreach (var (one, other) in views.Zip(backwards))
            {
                Assert.Equal(one.Closing, other.Closing);
                Assert.Equal(one.Changes, other.Changes);
            }
        }
    }
}

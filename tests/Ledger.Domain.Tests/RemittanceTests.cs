using CsCheck;
using Ledger.Domain.Applications;
using Ledger.Domain.Funds;

namespace Ledger.Domain.Tests;

/// <summary>L13: what is paid is split by where each line's fen came from, to the fen.</summary>
public sealed class RemittanceTests
{
    private static Line Paid(string member, long from, long to) =>
        new(2, member, new Money(30_000), new Money(to - from), LineStatus.Paid, null, new FenInterval(from, to));

    [Fact]
    public void L13_collective_money_and_interest_are_4102_and_gifts_4501()
    {
        var splits = Remittance.Split(
            [Paid("a", 0, 100), Paid("b", 100, 200), Paid("c", 200, 300)],
            [
                new(new(0, 140), SourceKind.CollectiveIncome),
                new(new(140, 150), SourceKind.BankInterest),
                new(new(150, 260), SourceKind.Charity),
                new(new(260, 280), SourceKind.Individual),
                new(new(280, 290), SourceKind.OtherOrganisation),
                new(new(290, 300), SourceKind.CountyIncentive),
            ]
        );
        Assert.Equal(new SourceSplit(new(100), Money.Zero), splits["a"]);
        Assert.Equal(new SourceSplit(new(50), new(50)), splits["b"]);
        Assert.Equal(new SourceSplit(new(10), new(90)), splits["c"]);
    }

    /// <summary>Every line is wholly split, and all of them together are what the parts were.</summary>
    [Fact]
    public void L13_no_fen_is_lost_between_the_sources_and_the_lines() =>
        Gen.Select(Gen.Long[1, 50].Array[1, 30], Gen.Select(Gen.Long[1, 80], Gen.Int[0, 5]).Array[1, 30], Gen.Int)
            .Sample(
                (lengths, sources, order) =>
                {
                    var at = 0L;
                    var lines = lengths.Select((l, i) => Paid($"m{i}", at, at += l)).ToList();
                    var (end, from, parts) = (at, 0L, new List<SourcedFen>());
                    foreach (var (length, kind) in sources.Append((end, 0)))
                    {
                        var to = Math.Min(from + length, end);
                        if (to > from)
                            parts.Add(new(new(from, to), (SourceKind)kind));
                        from = to;
                    }
                    var random = new Random(order);
                    var splits = Remittance.Split(lines.OrderBy(_ => random.Next()), parts.OrderBy(_ => random.Next()));
                    Assert.All(lines, l => Assert.Equal(l.AmountFen, splits[l.MemberId].Total));
                    Assert.Equal(
                        Money.Sum(parts.Select(p => SourceSplit.Of(p.Source, p.Fen.Length)).Select(s => s.OtherFen)),
                        Money.Sum(splits.Values.Select(s => s.OtherFen))
                    );
                }
            );

    [Fact]
    public void L13_a_receipt_that_says_how_it_was_booked_agrees_with_the_sources_or_is_a_fault()
    {
        var application = new Application { Lines = [Paid("a", 0, 100)] };
        var splits = new Dictionary<string, SourceSplit> { ["a"] = new(new Money(60), new Money(40)) };
        ReceiptRow Row(long? other) =>
            new(2, "a", new Money(100), new DateOnly(2026, 6, 1), "HZ", other is { } fen ? new Money(fen) : null);
        Assert.Single(Receipt.Match(application, [Row(40)], splits: splits).Matches);
        Assert.Single(Receipt.Match(application, [Row(null)]).Matches);
        var fault = Assert.Single(Receipt.Match(application, [Row(0)], splits: splits).Faults);
        Assert.Equal((SourceSplit.OtherColumn, 2), (fault.Column, fault.Row));
        Assert.Contains("0.40", fault.Message);
    }
}

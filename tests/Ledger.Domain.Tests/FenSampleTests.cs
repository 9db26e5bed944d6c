using System.Security.Cryptography;
using System.Text;
using Ledger.Domain.Sampling;

namespace Ledger.Domain.Tests;

/// <summary>A sample that nobody can steer: each fen the same chance, and everything from seed and
/// population.</summary>
public sealed class FenSampleTests
{
    private static byte[] SeedOf(int n) =>
        FenSample.Seed(new string('a', 64), 100 + n, SHA256.HashData(BitConverter.GetBytes(n)), $"审计 {n}");

    private static SampledSpan[] Population(Random random, int spans)
    {
        var next = new Dictionary<string, long>();
        return
        [
            .. Enumerable
                .Range(0, spans)
                .Select(_ =>
                {
                    var account = $"fund-{random.Next(3)}/general";
                    var from = next.GetValueOrDefault(account) + random.Next(5);
                    var to = from + random.Next(1, 40);
                    next[account] = to;
                    return new SampledSpan(account, new FenInterval(from, to));
                }),
        ];
    }

    /// <summary>Over all starts, each fen is drawn exactly as often as its chance says: no test of chance
    /// needed.</summary>
    [Theory]
    [InlineData(7, 1)]
    [InlineData(7, 3)]
    [InlineData(12, 5)]
    [InlineData(97, 96)]
    [InlineData(100, 100)]
    public void Of_all_starts_each_fen_is_drawn_by_as_many(int total, int size)
    {
        var drawn = new int[total];
        for (var start = 0L; start < total; start++)
            foreach (var k in Enumerable.Range(0, size))
                drawn[(start + (long)k * total) / size]++;
        Assert.All(drawn, d => Assert.Equal(size, d));
    }

    /// <summary>
    /// Populations of 100 tenths, cut anew each time: a tenth of the fen gets a tenth of the draws. χ² with 9 degrees
    /// of freedom is above 33.7 once in ten thousand such runs; the seeds are fixed.
    /// </summary>
    [Fact]
    public void Given_ten_thousand_seeded_populations_each_fen_has_the_same_chance()
    {
        var (starts, tenths, draws) = (new long[10], new long[10], 0L);
        for (var n = 0; n < 10_000; n++)
        {
            var random = new Random(n);
            var population = Population(random, random.Next(1, 30));
            var total = population.Sum(s => s.Fen.To - s.Fen.From);
            var size = (int)Math.Min(total, random.Next(1, 12));
            var positions = FenSample.Positions(SeedOf(n), total, size);
            Assert.Equal(positions.Order().Distinct(), positions);
            Assert.InRange(positions[^1], 0, total - 1);
            Assert.Equal(size, FenSample.Draw(SeedOf(n), population, size).Distinct().Count());
            starts[FenSample.Below(SeedOf(n), 10)]++;
            // A fen somewhere in each tenth of the axis: drawn with the chance size ÷ total.
            foreach (var position in positions.Where(_ => total % 10 == 0))
                (tenths[position * 10 / total], draws) = (tenths[position * 10 / total] + 1, draws + 1);
        }
        Assert.InRange(starts.Sum(s => Math.Pow(s - 1_000, 2) / 1_000), 0, 33.7);
        Assert.True(draws > 3_000, $"{draws}");
        var expected = draws / 10.0;
        Assert.InRange(tenths.Sum(t => Math.Pow(t - expected, 2) / expected), 0, 33.7);
    }

    /// <summary>χ² sees a start that is not even: the low half of the numbers twice as likely.</summary>
    [Fact]
    public void Given_a_start_that_is_steered_the_same_test_says_so()
    {
        var starts = new long[10];
        for (var n = 0; n < 10_000; n++)
            starts[FenSample.Below(SeedOf(n), 15) % 10]++;
        Assert.True(starts.Sum(s => Math.Pow(s - 1_000, 2) / 1_000) > 33.7);
    }

    [Fact]
    public void The_sample_is_a_function_of_seed_and_population_alone_in_whatever_order_it_is_told()
    {
        for (var n = 0; n < 200; n++)
        {
            var random = new Random(n);
            var population = Population(random, 20);
            var drawn = FenSample.Draw(SeedOf(n), population, 5);
            random.Shuffle(population);
            Assert.Equal(drawn, FenSample.Draw(SeedOf(n), population, 5));
            Assert.All(
                drawn,
                d => Assert.Single(population, s => s.Account == d.Account && s.Fen.From <= d.Fen && d.Fen < s.Fen.To)
            );
            // One fen more, or fewer: another population, and so another seed.
            var longer = population[0] with
            {
                Fen = new FenInterval(population[0].Fen.From, population[0].Fen.To - 1),
            };
            if (longer.Fen.From < longer.Fen.To)
                Assert.NotEqual(FenSample.Digest(population), FenSample.Digest([longer, .. population[1..]]));
        }
    }

    /// <summary>So an interval draws all above it, and villages are strata: each gets as many as it has
    /// intervals.</summary>
    [Fact]
    public void A_line_of_the_interval_is_always_drawn_and_each_account_gets_its_share()
    {
        for (var n = 0; n < 500; n++)
        {
            var random = new Random(n);
            var population = Population(random, 40);
            var total = population.Sum(s => s.Fen.To - s.Fen.From);
            var size = random.Next(20, 60);
            var drawn = FenSample.Draw(SeedOf(n), population, size);
            Assert.All(
                population.Where(s => (s.Fen.To - s.Fen.From) * size >= total),
                s => Assert.Contains(drawn, d => d.Account == s.Account && s.Fen.From <= d.Fen && d.Fen < s.Fen.To)
            );
            foreach (var account in population.GroupBy(s => s.Account))
            {
                var share = account.Sum(s => s.Fen.To - s.Fen.From) * size / (decimal)total;
                Assert.InRange(drawn.Count(d => d.Account == account.Key), Math.Floor(share), Math.Ceiling(share));
            }
        }
    }

    [Fact]
    public void The_seed_follows_from_each_of_its_parts()
    {
        var root = SHA256.HashData("root"u8);
        var digest = new string('a', 64);
        byte[][] seeds =
        [
            FenSample.Seed(digest, 7, root, "随机"),
            FenSample.Seed(new string('b', 64), 7, root, "随机"),
            FenSample.Seed(digest, 8, root, "随机"),
            FenSample.Seed(digest, 7, SHA256.HashData(root), "随机"),
            FenSample.Seed(digest, 7, root, "随机2"),
        ];
        Assert.Equal(5, seeds.Select(Convert.ToHexString).Distinct().Count());
        // As a second program, written apart, works it out.
        var text = $"ledger fen sample v1\n{digest}\n7\n{Convert.ToHexStringLower(root)}\n随机";
        Assert.Equal(SHA256.HashData(Encoding.UTF8.GetBytes(text)), seeds[0]);
    }

    [Theory]
    [InlineData(5, 5)]
    [InlineData(3, 2)]
    public void Given_spans_that_are_empty_or_overlap_there_is_no_population(long from, long to) =>
        Assert.Throws<ArgumentException>(() =>
            FenSample.Ordered([
                new SampledSpan("a", new FenInterval(0, 4)),
                new SampledSpan("a", new FenInterval(from, to)),
            ])
        );

    [Fact]
    public void Given_more_to_draw_than_there_is_nothing_is_drawn()
    {
        var seed = SeedOf(1);
        Assert.Throws<ArgumentOutOfRangeException>(() => FenSample.Positions(seed, 3, 4));
        Assert.Throws<ArgumentOutOfRangeException>(() => FenSample.Positions(seed, 100_000, FenSample.MaxSize + 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => FenSample.Positions(seed, 3, 0));
        Assert.Equal([0L, 1, 2], FenSample.Positions(seed, 3, 3));
    }

    /// <summary>More fen than a long times a size would hold.</summary>
    [Fact]
    public void Given_a_great_many_fen_nothing_overflows()
    {
        var positions = FenSample.Positions(SeedOf(2), long.MaxValue / 2, FenSample.MaxSize);
        Assert.Equal(positions.Order(), positions);
        Assert.InRange(positions[^1], 0, long.MaxValue / 2 - 1);
    }

    /// <summary>Worked out by a program written apart, in Python, from the same words and numbers.</summary>
    [Fact]
    public void A_second_program_draws_the_same_fen()
    {
        SampledSpan[] population =
        [
            new("fund-b/general", new FenInterval(0, 1000)),
            new("fund-a/general", new FenInterval(500, 777)),
            new("fund-a/general", new FenInterval(0, 300)),
        ];
        var digest = FenSample.Digest(population);
        Assert.Equal("c7c35d8a7b2be2273225ce5207edf89b7822b5acb3961d2069e8f6a91b2f0f96", digest);
        Assert.Equal(
            [
                new("fund-a/general", 226),
                new("fund-a/general", 742),
                new("fund-b/general", 280),
                new("fund-b/general", 596),
                new("fund-b/general", 911),
            ],
            FenSample.Draw(FenSample.Seed(digest, 7, SHA256.HashData("root"u8), "随机"), population, 5)
        );
    }
}

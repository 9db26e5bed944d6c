using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Ledger.Domain.Funds;
using Ledger.Domain.Sampling;
using Ledger.Domain.Sampling.Steps;

namespace Ledger.Domain.Tests;

/// <summary>A sample is announced, then drawn by what nobody knew when it was.</summary>
public sealed class SampleTests
{
    private const string Id = "sample-1";
    private const string Words = "审计自己的话";
    private static readonly DateOnly Today = new(2026, 11, 28);
    private static readonly string Root = Convert.ToHexStringLower(SHA256.HashData("root"u8));
    private static readonly SamplePopulation Population = new("3708", 2026, EntryKind.Reserved);
    private static readonly SampledOutflow[] Outflows =
    [
        new("fund-b/general", new(0, 1_000), "application-2"),
        new("fund-a/general", new(0, 300), "application-1"),
        new("fund-a/general", new(500, 777), "application-3"),
    ];

    private static Decision<Sample> Announce(
        int? size = 5,
        long? interval = null,
        SamplePopulation? of = null,
        string? words = null,
        params SampledOutflow[] outflows
    ) =>
        AnnounceSample.Decide(
            new(of ?? Population, outflows, 40),
            new(size, interval is { } i ? new Money(i) : null, words ?? FenSample.WordsDigest(Words)),
            Today,
            Given.Actor("auditor")
        );

    private static readonly Sample Announced = Given.State<Sample>(Id, [.. Announce(outflows: Outflows).Then()]);

    private static DrawSample.Basis Ready(Sample? sample = null, params SampledShare[] shares) =>
        new(sample ?? Announced, 41, new SignedTree(42, Root), Outflows, shares);

    private static Decision<Sample> Draw(DrawSample.Basis basis, string words = Words) =>
        DrawSample.Decide(basis, words, Given.Actor("auditor"));

    [Fact]
    public void Given_a_population_its_digest_size_and_time_are_fixed()
    {
        var announced = Assert.IsType<SampleAnnounced>(Assert.Single(Announce(outflows: Outflows).Then()));
        Assert.Equal((new Money(1_577), 5, 40L), (announced.PopulationFen, announced.Size, announced.LogSize));
        Assert.Equal(FenSample.Digest(Outflows.Select(o => o.Span)), announced.PopulationDigest);
        Assert.DoesNotContain(Words, JsonSerializer.Serialize(announced));
    }

    /// <summary>So many that no two are further apart than the interval.</summary>
    [Theory]
    [InlineData(1_577, 1)]
    [InlineData(1_576, 2)]
    [InlineData(400, 4)]
    public void Given_an_interval_the_size_follows(long interval, int size) =>
        Assert.Equal(size, Assert.IsType<SampleAnnounced>(Announce(null, interval, outflows: Outflows).Then()[0]).Size);

    [Fact]
    public void Given_no_outflow_or_no_right_size_nothing_is_announced()
    {
        Announce().ThenRefused(Rejections.SampleEmpty);
        foreach (var size in (int[])[0, -1, Sample.MaxSize + 1])
            Announce(size, outflows: Outflows).ThenRefused(Rejections.FieldInvalid);
        Announce(4, outflows: [new("fund-a/general", new(0, 3), "x")]).ThenRefused(Rejections.FieldInvalid);
        Announce(5, 5, outflows: Outflows).ThenRefused(Rejections.FieldInvalid);
        Announce(null, outflows: Outflows).ThenRefused(Rejections.FieldInvalid);
        foreach (var interval in (long[])[0, -1, 1])
            Announce(null, interval, outflows: Outflows).ThenRefused(Rejections.FieldInvalid);
        Announce(words: "abc", outflows: Outflows).ThenRefused(Rejections.FieldInvalid);
        Announce(of: Population with { Kind = EntryKind.Moved }, outflows: Outflows)
            .ThenRefused(Rejections.FieldInvalid);
    }

    [Fact]
    public void Given_a_checkpoint_signed_after_it_the_fen_follow_each_with_its_line()
    {
        var shares = Outflows.Select(o => new SampledShare(o.Account, new(o.Fen.From, o.Fen.To - 200), o.Reference));
        var drawn = Assert.IsType<SampleDrawn>(Assert.Single(Draw(Ready(null, [.. shares])).Then()));
        var seed = Encoding.UTF8.GetBytes($"ledger fen sample v1\n{Announced.PopulationDigest}\n42\n{Root}\n{Words}");
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(seed)), drawn.Seed);
        Assert.Equal(5, drawn.Fen.Distinct().Count());
        foreach (var fen in drawn.Fen)
        {
            var from = Assert.Single(Outflows, o => o.Reference == fen.Reference && o.Account == fen.Account);
            Assert.InRange(fen.Fen, from.Fen.From, from.Fen.To - 1);
            var isMembers = fen.Fen < from.Fen.To - 200;
            Assert.Equal(isMembers ? from.Reference : null, fen.MemberYearId);
            Assert.Equal(new(from.Fen.From, from.Fen.To - (isMembers ? 200 : 0)), fen.Line);
        }
        Assert.Equal(drawn.Fen, Announced.And(Id, drawn)!.Drawn);
    }

    [Fact]
    public void Given_the_same_basis_whoever_draws_whenever_in_whatever_order_gets_the_same()
    {
        var reversed = Ready() with { Outflows = [.. Outflows.Reverse()] };
        Assert.Equal(
            ((SampleDrawn)Draw(Ready()).Then()[0]).Fen,
            ((SampleDrawn)DrawSample.Decide(reversed, Words, Given.Actor("other")).Then()[0]).Fen
        );
        var later = Ready() with { Tree = new SignedTree(43, Root) };
        Assert.NotEqual(((SampleDrawn)Draw(Ready()).Then()[0]).Seed, ((SampleDrawn)Draw(later).Then()[0]).Seed);
    }

    [Fact]
    public void Given_no_checkpoint_after_the_announcement_nothing_is_drawn()
    {
        Draw(Ready() with { AnnouncedAt = null }).ThenRefused(Rejections.SampleNotSealed);
        Draw(Ready() with { Tree = null }).ThenRefused(Rejections.SampleNotSealed);
        // A tree of 41 entries has the indexes 0 to 40.
        Draw(Ready() with { Tree = new SignedTree(41, Root) }).ThenRefused(Rejections.SampleNotSealed);
    }

    [Fact]
    public void Given_other_words_another_population_or_a_second_time_nothing_is_drawn()
    {
        Draw(Ready(), Words + " ").ThenRefused(Rejections.SampleWordsMismatch);
        Draw(Ready() with { Outflows = Outflows[1..] }).ThenRefused(Rejections.SamplePopulationChanged);
        var drawn = Announced.And(Id, Draw(Ready()).Then());
        Draw(Ready(drawn)).ThenRefused(Rejections.WrongState);
    }

    private static readonly RecordPaper.Request Clean = new(1, Money.Zero, "", "现场看了票据", []);

    /// <summary>Five fen on three lines, two of them of 300 and 277 fen: each has its paper.</summary>
    private static readonly Sample Drawn = Announced.And(Id, Draw(Ready()).Then())!;

    private static Decision<Sample> Record(Sample sample, RecordPaper.Request paper) =>
        RecordPaper.Decide(sample, paper, Given.Actor("auditor"));

    private static Sample With(Sample sample, params RecordPaper.Request[] papers) =>
        papers.Aggregate(sample, (s, p) => s.And(Id, Record(s, p).Then())!);

    private static Decision<Sample> Conclude(Sample sample, int confidence = 95) =>
        ConcludeSample.Decide(sample, confidence, "可以接受", Today, Given.Actor("auditor"));

    [Fact]
    public void Given_a_drawn_sample_each_line_has_one_paper_and_a_later_one_takes_its_place()
    {
        Assert.Equal(Drawn.Drawn.Select(d => d.Line).Distinct().Count(), Drawn.Lines.Count);
        Assert.Equal(Enumerable.Range(1, Drawn.Lines.Count), Drawn.Missing);
        var papered = With(Drawn, Clean with { Number = 2 }, Clean, Clean with { Finding = "换了一份" });
        Assert.Equal([1, 2], papered.Papers.Select(p => p.Number));
        Assert.Equal("换了一份", papered.Papers[0].Finding);
        Assert.Equal(Drawn.Missing.Skip(2), papered.Missing);
    }

    [Fact]
    public void Given_no_draw_or_no_such_line_or_a_paper_that_says_nothing_none_is_recorded()
    {
        Record(Announced, Clean).ThenRefused(Rejections.WrongState);
        Record(Drawn, Clean with { Number = 0 }).ThenRefused(Rejections.NotFound);
        Record(Drawn, Clean with { Number = Drawn.Lines.Count + 1 }).ThenRefused(Rejections.NotFound);
        Record(Drawn, Clean with { Seen = "" }).ThenRefused(Rejections.FieldInvalid);
        var line = Drawn.Lines[0].Line.Length;
        Record(Drawn, Clean with { ErrorFen = line }).ThenRefused(Rejections.FieldInvalid);
        foreach (var error in (Money[])[new(-1), new(line.Fen + 1)])
            Record(Drawn, Clean with { ErrorFen = error, Finding = "多付" }).ThenRefused(Rejections.FieldInvalid);
        Record(Drawn, Clean with { ErrorFen = line, Finding = "多付" }).Then();
        Record(Drawn, Clean with { Seen = "", Evidence = ["a"] }).Then();
    }

    [Fact]
    public void Given_every_paper_the_auditor_signs_with_the_estimate_and_nothing_changes_any_more()
    {
        var all = With(Drawn, [.. Drawn.Missing.Select(n => Clean with { Number = n })]);
        var error = all.Lines.ToList().FindIndex(l => l.Line.Length.Fen < all.PopulationFen.Fen / all.Size) + 1;
        var wrong = With(all, new RecordPaper.Request(error, new Money(100), "多付", "", ["a"]));
        var concluded = Assert.IsType<SampleConcluded>(Assert.Single(Conclude(wrong).Then()));
        var bound = ErrorEstimate.Of(
            wrong.PopulationFen,
            5,
            [new FoundError(wrong.Lines[error - 1].Line.Length, new Money(100))],
            95
        );
        Assert.Equal(bound, new ErrorBound(concluded.LikelyFen, concluded.UpperFen));
        Assert.True(concluded.LikelyFen.IsPositive && concluded.LikelyFen < concluded.UpperFen);
        var signed = wrong.And(Id, concluded)!;
        Assert.Equal((95, bound), (signed.Conclusion!.Confidence, signed.Conclusion.Bound));
        Record(signed, Clean).ThenRefused(Rejections.WrongState);
        Conclude(signed).ThenRefused(Rejections.WrongState);
    }

    [Fact]
    public void Given_a_paper_that_is_missing_or_no_right_confidence_nobody_signs()
    {
        Conclude(Announced).ThenRefused(Rejections.WrongState);
        var some = With(Drawn, [.. Drawn.Missing.Skip(1).Select(n => Clean with { Number = n })]);
        Assert.Contains("第 1 号", Conclude(some).ThenRefused(Rejections.SamplePapersMissing).Detail);
        foreach (var confidence in (int[])[0, 79, 96, 100])
            Conclude(With(some, Clean), confidence).ThenRefused(Rejections.FieldInvalid);
    }

    /// <summary>An entry of the log has 65,535 bytes; the rest is headers.</summary>
    [Fact]
    public void Given_the_largest_sample_it_stands_whole_in_the_log()
    {
        var line = new SampledLine(
            $"fund-{new string('9', 18)}/earmark-{new string('9', 32)}",
            long.MaxValue / 2,
            new(long.MaxValue / 2, long.MaxValue),
            $"application-{new string('f', 32)}",
            $"member-year-{new string('f', 32)}-2026"
        );
        var drawn = new SampleDrawn(
            long.MaxValue,
            Root,
            new string('审', 200),
            Root,
            [.. Enumerable.Repeat(line, Sample.MaxSize)],
            new string('a', 100)
        );
        Assert.InRange(JsonSerializer.SerializeToUtf8Bytes(drawn).Length, 1, 62_000);
    }
}

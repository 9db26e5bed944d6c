using Ledger.Domain.Funds;

namespace Ledger.Domain.Sampling.Steps;

/// <summary>
/// Fixes what is drawn from, before there is the checkpoint that decides what is drawn. How many: a size, or an
/// interval, so that every so many fen one is drawn (ISA 530, appendix 4).
/// </summary>
public static class AnnounceSample
{
    public sealed record Basis(SamplePopulation Population, IReadOnlyList<SampledOutflow> Outflows, long LogSize);

    public sealed record Request(int? Size, Money? IntervalFen, string WordsDigest);

    public static Decision<Sample> Decide(Basis basis, Request request, DateOnly today, Actor by)
    {
        var population = basis.Population;
        if (!SamplePopulation.Kinds.Contains(population.Kind))
            return new Rejection(Rejections.FieldInvalid, "只能从占用、退回和转出中抽样") { Field = "kind" };
        if (request.Size is null == request.IntervalFen is null)
            return new Rejection(Rejections.FieldInvalid, "样本量和抽样间隔写一个，只写一个") { Field = "size" };
        if (request.WordsDigest.Length != 64 || !request.WordsDigest.All(char.IsAsciiHexDigitLower))
            return new Rejection(Rejections.FieldInvalid, "应为64位小写十六进制的摘要") { Field = "wordsDigest" };
        var total = Money.Sum(basis.Outflows.Select(o => o.Fen.Length));
        if (total == Money.Zero)
            return new Rejection(Rejections.SampleEmpty, $"{population.Year} 年没有这一类支出");
        var size = request.Size ?? SizeOf(total, request.IntervalFen!.Value);
        if (size is < 1 or > Sample.MaxSize || size > total.Fen)
            return new Rejection(
                Rejections.FieldInvalid,
                $"样本量应为1至{Math.Min(Sample.MaxSize, total.Fen)}，不是 {size}"
            )
            {
                Field = request.Size is null ? "intervalAmount" : "size",
            };
        return new IEventOf<Sample>[]
        {
            new SampleAnnounced(
                population.Region,
                population.Year,
                population.Kind,
                FenSample.Digest(basis.Outflows.Select(o => o.Span)),
                total,
                (int)size,
                request.WordsDigest,
                basis.LogSize,
                today,
                by.Id,
                population.FundId
            ),
        };
    }

    /// <summary>So many that no two of them are further apart than the interval; 0 of none.</summary>
    private static long SizeOf(Money total, Money interval) =>
        interval.Fen < 1 ? 0 : (total.Fen - 1) / interval.Fen + 1;
}

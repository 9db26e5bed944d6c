namespace Ledger.Domain.Sampling.Steps;

/// <summary>
/// Signs the papers: all of them are there, the error of the population is estimated (ISA 530, paragraph 14),
/// and nothing changes any more.
/// </summary>
public static class ConcludeSample
{
    /// <summary>What an auditor may ask for, in a hundred.</summary>
    public static readonly IReadOnlyList<int> Confidences = [80, 85, 90, 95, 99];

    public static Decision<Sample> Decide(Sample sample, int confidence, string conclusion, DateOnly today, Actor by)
    {
        if (RecordPaper.NotOpen(sample) is { } refusal)
            return refusal;
        if (sample.Missing is { Count: > 0 } missing)
            return new Rejection(
                Rejections.SamplePapersMissing,
                $"还有 {missing.Count} 份底稿没有填，首份为第 {missing[0]} 号"
            );
        if (!Confidences.Contains(confidence))
            return new Rejection(Rejections.FieldInvalid, $"应为 {string.Join('、', Confidences)} 之一")
            {
                Field = "confidence",
            };
        var bound = sample.Estimate(confidence);
        return new IEventOf<Sample>[]
        {
            new SampleConcluded(confidence, bound.LikelyFen, bound.UpperFen, conclusion, today, by.Id),
        };
    }
}

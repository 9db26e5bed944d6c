namespace Ledger.Domain.Sampling.Steps;

/// <summary>What the auditor found of one drawn line, with what he saw of it; again, as long as nobody has
/// signed.</summary>
public static class RecordPaper
{
    /// <param name="Seen">Elsewhere than in the ledger.</param>
    /// <param name="Evidence">Documents of the ledger, by their digests.</param>
    public sealed record Request(
        int Number,
        Money ErrorFen,
        string Finding,
        string Seen,
        IReadOnlyList<string> Evidence
    );

    public static Decision<Sample> Decide(Sample sample, Request paper, Actor by)
    {
        if (NotOpen(sample) is { } refusal)
            return refusal;
        if (paper.Number < 1 || paper.Number > sample.Lines.Count)
            return new Rejection(Rejections.NotFound, $"没有第 {paper.Number} 号底稿");
        var line = sample.Lines[paper.Number - 1].Line.Length;
        if (paper.ErrorFen < Money.Zero || paper.ErrorFen > line)
            return new Rejection(Rejections.FieldInvalid, $"差错金额应在 0 至 {line} 元之间") { Field = "errorAmount" };
        if (paper.ErrorFen.IsPositive && paper.Finding.Length == 0)
            return new Rejection(Rejections.FieldInvalid, "有差错的，应写明查出什么") { Field = "finding" };
        if (AuditPaper.Unseen(paper.Seen, paper.Evidence) is { } unseen)
            return unseen;
        return new IEventOf<Sample>[]
        {
            new SamplePaperRecorded(
                paper.Number,
                paper.ErrorFen,
                paper.Finding,
                paper.Seen,
                [.. paper.Evidence.Distinct()],
                by.Id
            ),
        };
    }

    /// <summary>There is nothing to write papers about, or they are signed.</summary>
    public static Rejection? NotOpen(Sample sample) =>
        sample.Conclusion is not null ? new Rejection(Rejections.WrongState, "已签署，底稿不能再改")
        : sample.Drawn.Count == 0 ? new Rejection(Rejections.WrongState, "样本还没有抽取")
        : null;
}

namespace Ledger.Domain.Sampling.Steps;

/// <summary>Draws: nothing is left to choose, so who asks for it and when makes no difference.</summary>
public static class DrawSample
{
    /// <param name="AnnouncedAt">The announcement's index in the log; null: it is not in it yet.</param>
    /// <param name="Tree">The first signed tree that holds it; null: none is signed yet.</param>
    /// <param name="Outflows">The population, read again as of the announcement's <see cref="Sample.LogSize"/>.</param>
    /// <param name="Shares">The members' parts of those outflows, of the drawn fen at least.</param>
    public sealed record Basis(
        Sample Sample,
        long? AnnouncedAt,
        SignedTree? Tree,
        IReadOnlyList<SampledOutflow> Outflows,
        IReadOnlyList<SampledShare> Shares
    );

    public static Decision<Sample> Decide(Basis basis, string words, Actor by)
    {
        var sample = basis.Sample;
        if (sample.Drawn.Count > 0)
            return new Rejection(Rejections.WrongState, "样本已抽取，不能再抽");
        if (basis is not { AnnouncedAt: { } index, Tree: { } tree } || tree.Size <= index)
            return new Rejection(Rejections.SampleNotSealed, "抽样公告还没有进入签名的检查点");
        if (FenSample.WordsDigest(words) != sample.WordsDigest)
            return new Rejection(Rejections.SampleWordsMismatch, "与公告时登记的摘要不符") { Field = "words" };
        if (FenSample.Digest(basis.Outflows.Select(o => o.Span)) != sample.PopulationDigest)
            return new Rejection(Rejections.SamplePopulationChanged, "总体与公告时登记的摘要不符");
        var seed = Seed(sample, tree, words);
        return new IEventOf<Sample>[]
        {
            new SampleDrawn(
                tree.Size,
                tree.Root,
                words,
                Convert.ToHexStringLower(seed),
                [.. Fen(sample, seed, basis.Outflows).Select(d => LineOf(d, basis))],
                by.Id
            ),
        };
    }

    public static byte[] Seed(Sample sample, SignedTree tree, string words) =>
        FenSample.Seed(sample.PopulationDigest, tree.Size, Convert.FromHexString(tree.Root), words);

    /// <summary>Which fen: whoever reads the basis asks for the shares of these alone.</summary>
    public static IReadOnlyList<DrawnFen> Fen(Sample sample, byte[] seed, IEnumerable<SampledOutflow> outflows) =>
        FenSample.Draw(seed, outflows.Select(o => o.Span), sample.Size);

    private static SampledLine LineOf(DrawnFen drawn, Basis basis)
    {
        var outflow = basis.Outflows.Single(o => Holds(o.Account, o.Fen, drawn));
        return basis.Shares.FirstOrDefault(s => Holds(s.Account, s.Fen, drawn)) is { } share
            ? new(drawn.Account, drawn.Fen, share.Fen, outflow.Reference, share.MemberYearId)
            : new(drawn.Account, drawn.Fen, outflow.Fen, outflow.Reference);
    }

    private static bool Holds(string account, FenInterval fen, DrawnFen drawn) =>
        account == drawn.Account && fen.From <= drawn.Fen && drawn.Fen < fen.To;
}

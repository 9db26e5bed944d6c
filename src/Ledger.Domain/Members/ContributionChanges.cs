namespace Ledger.Domain.Members;

/// <summary>
/// A top-up or another tier (补缴差额、变更档次, L15): <paramref name="Of"/> names the record, tier and amount are what the
/// person chose and paid altogether since then. <paramref name="FileDigest"/>: SHA-256 of the tax office's file, which
/// is the evidence.
/// </summary>
public sealed record ContributionAdjusted(
    string Of,
    Money TierFen,
    Money AmountFen,
    DateOnly AdjustedOn,
    string Reference,
    string FileDigest,
    int? ContributionYears = null
) : IEventOf<MemberYear>, IMoneyEvent;

/// <summary>
/// The tax office gave back a contribution, or a part of it (退费, L15); the person has paid what is left.
/// </summary>
public sealed record ContributionRefunded(
    string Of,
    Money AmountFen,
    DateOnly RefundedOn,
    string Reference,
    string FileDigest
) : IEventOf<MemberYear>, IMoneyEvent;

/// <summary>What became of a contribution: the amount of it that stood afterwards.</summary>
public sealed record ContributionChange(
    string Of,
    string Reference,
    DateOnly On,
    bool IsRefund,
    Money TierFen,
    Money AmountFen
);

/// <summary>
/// What a row of the tax office's file is: a payment (缴费), or an adjustment (调整) or refund (退费) of one.
/// </summary>
public enum ContributionEntryKind
{
    Payment,
    Adjustment,
    Refund,
}

/// <summary>
/// L15: what happens to a contribution in the course of a year is no mistake, and one person records it from the tax
/// office's file. What was recorded wrongly is taken out by two (<see cref="MemberYearDecider.RequestReversal"/>).
/// </summary>
public static class ContributionDecider
{
    /// <param name="row">The amount of a refund is what was given back, otherwise all that was paid.</param>
    /// <param name="of">The reference of the record that is changed; null where the person has but one of its
    /// kind.</param>
    /// <param name="fileDigest">Of the file in which the row stands.</param>
    public static Decision<MemberYear> Record(
        MemberYear? state,
        ContributionEntryKind what,
        Contribution row,
        string? of,
        string fileDigest
    )
    {
        if (what == ContributionEntryKind.Payment)
            return IsOfChange(state, row.Reference)
                ? new Rejection(Rejections.RosterInvalid, "凭证号已用于此人的调整或退费")
                : MemberYearDecider.RecordContribution(state, row);
        if (IsOfChange(state, row.Reference))
            return Array.Empty<IEventOf<MemberYear>>();
        if (state?.Contributions.Any(c => DocumentNumber.IsSame(c.Reference, row.Reference)) == true)
            return new Rejection(Rejections.RosterInvalid, "凭证号已用于原缴费记录；调整、退费须填自己的凭证号");
        if (Changed(state, row.Kind, of) is not { } known)
            return new Rejection(Rejections.ContributionUnknown, Unknown(state, row.Kind, of));
        var since = state!.Changes.Where(c => c.Of == known.Reference).Select(c => c.On).Append(known.PaidOn).Max();
        if (row.PaidOn < since)
            return new Rejection(
                Rejections.DateBeforeBasis,
                $"该笔缴费 {since:yyyy-MM-dd} 还有记录，调整、退费不早于此日"
            )
            {
                NotBefore = since,
            };
        return what == ContributionEntryKind.Refund ? Refund(known, row, fileDigest) : Adjust(known, row, fileDigest);
    }

    /// <summary>The same tier and amount again are no change.</summary>
    private static Decision<MemberYear> Adjust(Contribution known, Contribution row, string fileDigest)
    {
        var years = row.ContributionYears ?? known.ContributionYears;
        return (known.TierFen, known.AmountFen, known.ContributionYears) == (row.TierFen, row.AmountFen, years)
            ? Array.Empty<IEventOf<MemberYear>>()
            : new IEventOf<MemberYear>[]
            {
                new ContributionAdjusted(
                    known.Reference,
                    row.TierFen,
                    row.AmountFen,
                    row.PaidOn,
                    row.Reference,
                    fileDigest,
                    row.ContributionYears
                ),
            };
    }

    private static Decision<MemberYear> Refund(Contribution known, Contribution row, string fileDigest) =>
        row.AmountFen > known.AmountFen
            ? new Rejection(Rejections.AmountInvalid, $"退费 {row.AmountFen} 元，该笔缴费只有 {known.AmountFen} 元")
            : new IEventOf<MemberYear>[]
            {
                new ContributionRefunded(known.Reference, row.AmountFen, row.PaidOn, row.Reference, fileDigest),
            };

    private static bool IsOfChange(MemberYear? state, string reference) =>
        state?.Changes.Any(c => DocumentNumber.IsSame(c.Reference, reference)) == true;

    /// <summary>What was given back whole is none that could change: who pays again has a new record.</summary>
    private static IEnumerable<Contribution> Standing(MemberYear? state, ContributionKind kind) =>
        (state?.Contributions ?? []).Where(c => c.Kind == kind && c.AmountFen.IsPositive);

    private static Contribution? Changed(MemberYear? state, ContributionKind kind, string? of) =>
        of is not null ? Standing(state, kind).FirstOrDefault(c => DocumentNumber.IsSame(c.Reference, of))
        : Standing(state, kind).Take(2).ToList() is [var only] ? only
        : null;

    private static string Unknown(MemberYear? state, ContributionKind kind, string? of) =>
        of is not null ? $"此人没有凭证号为 {of} 的这类缴费，或已全部退费"
        : Standing(state, kind).Any() ? "此人有不止一笔这类缴费，须填原凭证号"
        : "此人没有这类缴费，或已全部退费";
}

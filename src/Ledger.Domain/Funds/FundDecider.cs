namespace Ledger.Domain.Funds;

/// <summary>
/// The ring-fence (C8, C9): what the steps of applications and collectives may do with a fund's money. The fund's own
/// steps are in Steps/.
/// </summary>
public static class FundDecider
{
    /// <summary>C24: a closed year takes no entry; a closed fund none at all.</summary>
    internal static Rejection? Unusable(Fund state, DateOnly effectiveDate) =>
        state.IsClosed ? new Rejection(Rejections.FundClosed, $"{state.Name} 的补助资金已关闭")
        : effectiveDate.Year <= state.ClosedThrough
            ? new Rejection(
                Rejections.YearClosed,
                $"{effectiveDate.Year} 年度已结账，请记入未结账的年度，并注明更正的是哪一年度"
            )
            {
                Field = "effectiveDate",
            }
        : null;

    /// <summary>
    /// C9: an approved application takes the next fen of its pocket; C8: an earmarked pocket serves its own year only.
    /// </summary>
    public static Decision<Fund> Reserve(
        Fund state,
        string applicationId,
        int year,
        string pocket,
        Money amount,
        int lines
    )
    {
        if (state.IsClosed)
            return new Rejection(Rejections.FundClosed, $"{state.Name} 的补助资金已关闭");
        if (EarmarkRefusal(state, pocket, year) is { } mismatch)
            return mismatch;
        var account = state.Pocket(pocket);
        if (account.Available < amount)
            return new Rejection(Rejections.FundOverdrawn, $"需要 {amount} 元，可用 {account.Available} 元")
            {
                LeftAmount = account.Available,
            };
        return new IEventOf<Fund>[]
        {
            new FundsReserved(applicationId, pocket, amount, lines, FenInterval.StartingAt(account.OutFen, amount)),
        };
    }

    /// <summary>C8: the pocket must be one, and serve this year.</summary>
    public static Rejection? EarmarkRefusal(Fund state, string pocket, int year) =>
        pocket != SubAccount.General && !state.SubAccounts.ContainsKey(pocket)
            ? new Rejection(Rejections.EarmarkMismatch, $"没有子账户 {pocket}") { Field = "subAccount" }
        : state.Pocket(pocket).Earmark?.Year is { } only && only != year
            ? new Rejection(Rejections.EarmarkMismatch, $"该资金指定用于 {only} 年度，申请属于 {year} 年度")
            {
                Field = "subAccount",
            }
        : null;

    /// <summary>
    /// Lines that were reserved come back before payment; each run of them re-enters at the end of the axis, with its
    /// origin.
    /// </summary>
    public static Decision<Fund> Release(
        Fund state,
        string applicationId,
        IEnumerable<FenInterval> lines,
        string reason
    )
    {
        var pocket = state.Commitments[applicationId].SubAccount;
        var next = state.Pocket(pocket).InFen;
        var events = new List<IEventOf<Fund>>();
        foreach (var run in FenInterval.Runs(lines))
        {
            var fen = FenInterval.StartingAt(next, run.Length);
            next = fen.To;
            events.Add(new ReservationReleased(applicationId, pocket, run.Length, run, fen, reason));
        }
        return events.ToArray();
    }

    /// <summary>The only use there is.</summary>
    public const string MemberSubsidy = "member-subsidy";

    /// <summary>
    /// C9: money leaves only as approved member subsidy, in the amount of the lines that are paid
    /// (<paramref name="due"/>). C17: with the bank's slip.
    /// </summary>
    public static Decision<Fund> Pay(
        Fund state,
        string applicationId,
        string purpose,
        Money amount,
        Money due,
        int lines,
        string bankReference,
        IReadOnlyList<string> evidence,
        DateOnly effectiveDate
    )
    {
        if (Unusable(state, effectiveDate) is { } unusable)
            return unusable;
        if (purpose != MemberSubsidy)
            return new Rejection(Rejections.UseOutsideRingFence, $"用途“{purpose}”不是成员补助") { Field = "purpose" };
        if (amount != due)
            return new Rejection(Rejections.UseOutsideRingFence, $"已批准待付 {due} 元，付款金额 {amount} 元与之不等")
            {
                Field = "amount",
                LeftAmount = due,
            };
        if (evidence.Count == 0)
            return new Rejection(Rejections.EvidenceMissing, "付款须附银行回单") { Field = "evidence" };
        return new IEventOf<Fund>[] { new FundsPaid(applicationId, amount, lines, bankReference, evidence) };
    }

    /// <summary>The bank sent a payment back; it is reserved again, for the same lines.</summary>
    public static Decision<Fund> ReturnPayment(
        Fund state,
        string applicationId,
        Money amount,
        int lines,
        string bankReference,
        IReadOnlyList<string> evidence
    ) => new IEventOf<Fund>[] { new FundsReturned(applicationId, amount, lines, bankReference, evidence) };

    /// <summary>The agency sent a member's subsidy back: to the sub-account it came from, with its origin.</summary>
    public static Decision<Fund> Refund(
        Fund state,
        string applicationId,
        string memberId,
        FenInterval line,
        bool wasCredited,
        string bankReference,
        IReadOnlyList<string> evidence,
        DateOnly effectiveDate
    )
    {
        // A fund that was closed takes the money in all the same: there is nowhere else for it to go, and it can be
        // returned from here.
        if (effectiveDate.Year <= state.ClosedThrough)
            return Unusable(state with { IsClosed = false }, effectiveDate)!;
        var pocket = state.Commitments[applicationId].SubAccount;
        return new IEventOf<Fund>[]
        {
            new FundsRefunded(
                applicationId,
                memberId,
                pocket,
                line.Length,
                wasCredited,
                line,
                state.Pocket(pocket).Next(line.Length),
                bankReference,
                evidence
            ),
        };
    }

    public static Decision<Fund> Credit(Fund state, string applicationId, Money amount, int lines)
    {
        InvariantViolationException.Require(
            state.Commitments[applicationId].InTransitFen >= amount,
            $"{state.Id}: more credited than sent for {applicationId}"
        );
        return new IEventOf<Fund>[] { new FundsCredited(applicationId, amount, lines) };
    }

    internal static Rejection? Occupied(Fund state) =>
        state.AvailableFen.IsPositive || state.ReservedFen.IsPositive || state.InTransitFen.IsPositive
            ? new Rejection(
                Rejections.WrongState,
                $"尚有可用 {state.AvailableFen} 元、已占用 {state.ReservedFen} 元、在途 {state.InTransitFen} 元"
            )
        : state.OwedFen.IsPositive
            ? new Rejection(Rejections.WrongState, $"银行手续费 {state.OwedFen} 元尚未由村级基本户补足")
        : null;

    /// <summary>
    /// Money follows to a successor's fund: of each sub-account everything that is available, or of the general one
    /// <paramref name="amount"/>. Nothing may be under way when everything goes.
    /// </summary>
    public static Decision<Fund> Transfer(Fund source, Fund target, Money? amount)
    {
        if (target.IsClosed)
            return new Rejection(Rejections.FundClosed, "补助资金已关闭");
        if (amount is null && Occupied(source with { AvailableFen = Money.Zero }) is { } busy)
            return busy;
        var general = source.Pocket(SubAccount.General);
        if (amount > general.Available)
            return new Rejection(Rejections.FundOverdrawn, $"需要 {amount} 元，可用 {general.Available} 元")
            {
                LeftAmount = general.Available,
            };
        var moves = amount is { } part
            ? [(Name: SubAccount.General, Fen: FenInterval.StartingAt(general.OutFen, part), Earmark: (Earmark?)null)]
            : source
                .SubAccounts.Where(p => p.Value.Available.IsPositive)
                .Select(p => (Name: p.Key, Fen: p.Value.Rest(), p.Value.Earmark))
                .ToArray();
        moves = [.. moves.Where(m => m.Fen.Length.IsPositive)];
        if (moves.Length == 0)
            return Array.Empty<IEventOf<Fund>>();
        return new Decision<Fund>(
            [.. moves.Select(m => new FundsTransferred(target.Id, m.Name, m.Fen.Length, m.Fen))],
            null
        )
        {
            Also =
            [
                Change.Of(
                    target,
                    [
                        .. moves.Select(m => new TransferReceived(
                            source.Id,
                            m.Name,
                            m.Fen.Length,
                            m.Fen,
                            target.Pocket(m.Name).Next(m.Fen.Length),
                            m.Earmark
                        )),
                    ]
                ),
            ],
        };
    }
}

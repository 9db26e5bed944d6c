using Ledger.Domain.Identity;

namespace Ledger.Domain.Funds;

/// <summary>The rules of the ring-fence: C7, C8, C9.</summary>
public static class FundDecider
{
    public static Decision<Fund> Open(Fund? state, string collectiveId, string name, string villageCode) =>
        state is not null
            ? new Rejection(Rejections.AlreadyExists, $"{state.Name} 已设立")
            : new IEventOf<Fund>[] { new FundOpened(collectiveId, name, villageCode) };

    /// <summary>C7: money comes in with a slip. C8: a gift names its donor and may be earmarked; collective income may not. C19: incentives.</summary>
    public static Decision<Fund> Allocate(
        Fund state,
        string allocationId,
        SourceKind source,
        string sourceName,
        Money amount,
        string? donorId,
        Earmark? earmark,
        IReadOnlyList<string> evidence,
        DateOnly effectiveDate,
        int? correctsYear = null
    )
    {
        if (Unusable(state, effectiveDate) is { } unusable)
            return unusable;
        if (correctsYear is { } year && (year > state.ClosedThrough || year < 2009))
            return new Rejection(Rejections.FieldInvalid, $"{year} 年度没有结账，可直接按业务日期记入")
            {
                Field = "correctsYear",
            };
        if (!amount.IsPositive || amount.Fen > Money.MaxEntryFen)
            return new Rejection(Rejections.AmountInvalid, "划入金额必须大于零") { Field = "amount" };
        if (evidence.Count == 0)
            return new Rejection(Rejections.EvidenceMissing, "划入资金须附银行回单等凭证") { Field = "evidence" };
        var isGift = source is SourceKind.OtherOrganisation or SourceKind.Charity or SourceKind.Individual;
        if (isGift && donorId is null)
            return new Rejection(Rejections.DonorMissing, "捐赠须写明捐赠人") { Field = "donorId" };
        if (!isGift && donorId is not null)
            return new Rejection(Rejections.FieldInvalid, "只有捐赠写捐赠人") { Field = "donorId" };
        if (earmark is not null && !isGift)
            return new Rejection(Rejections.EarmarkMismatch, "集体收入不能指定用途，只有捐赠可以指定")
            {
                Field = "earmarkYear",
            };
        if (earmark?.Fault() is { } fault)
            return fault;
        var pocket =
            source == SourceKind.CountyIncentive ? SubAccount.Incentive : earmark?.SubAccount ?? SubAccount.General;
        return new IEventOf<Fund>[]
        {
            new FundsAllocated(
                allocationId,
                source,
                sourceName,
                pocket,
                amount,
                state.Pocket(pocket).Next(amount),
                evidence,
                donorId,
                earmark,
                correctsYear
            ),
        };
    }

    /// <summary>C19: the county's finance department records its incentives and nothing else, and nobody else records them.</summary>
    public static Rejection? SourceRefusal(SourceKind source, string role) =>
        role == Roles.CountyFinance == (source == SourceKind.CountyIncentive)
            ? null
            : new Rejection(
                Rejections.FieldInvalid,
                "县级财政只登记奖补资金（county-incentive），奖补资金只由县级财政登记"
            )
            {
                Field = "source",
            };

    /// <summary>C24: a closed year takes no entry; a closed fund none at all.</summary>
    private static Rejection? Unusable(Fund state, DateOnly effectiveDate) =>
        state.IsClosed ? new Rejection(Rejections.FundClosed, $"{state.Name} 的补助资金已关闭")
        : effectiveDate.Year <= state.ClosedThrough
            ? new Rejection(
                Rejections.YearClosed,
                $"{effectiveDate.Year} 年度已结账，请记入未结账的年度，并以 correctsYear 注明原年度"
            )
            {
                Field = "effectiveDate",
            }
        : null;

    /// <summary>C9: an approved application takes the next fen of its pocket; C8: an earmarked pocket serves its own year only.</summary>
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

    /// <summary>Lines that were reserved come back before payment; each run of them re-enters at the end of the axis, with its origin.</summary>
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
    /// C9: money leaves only as approved member subsidy, in the amount of the lines that are paid (<paramref name="due"/>). C17: with the
    /// bank's slip.
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
        // A fund that was closed takes the money in all the same: there is nowhere else for it to go, and it can be returned from here.
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

    /// <summary>A mistaken allocation: one person asks, and names another who is to confirm (four eyes).</summary>
    public static Decision<Fund> RequestReversal(
        Fund state,
        string allocationId,
        Lot lot,
        string confirmBy,
        string reason,
        Actor by
    )
    {
        if (FourEyes.Ask("冲正", confirmBy, by) is { } alone)
            return alone;
        return Irreversible(state, allocationId, lot) is { } stuck
            ? stuck
            : new IEventOf<Fund>[] { new ReversalRequested(allocationId, by.Id, confirmBy, reason, by.OnBehalfOf) };
    }

    /// <summary>The named person confirms: the lot leaves, older money before it on the axis is carried behind it.</summary>
    public static Decision<Fund> ConfirmReversal(Fund state, string allocationId, Lot lot, Actor by)
    {
        var asked = state.Reversals.GetValueOrDefault(allocationId);
        if (
            FourEyes.Confirm("冲正", "这笔划入", [asked?.RequestedBy, asked?.RequestedFor], asked?.ConfirmBy, by) is
            { } alone
        )
            return alone;
        if (Irreversible(state, allocationId, lot) is { } stuck)
            return stuck;
        var pocket = state.Pocket(lot.SubAccount);
        var carried = lot.Fen.From > pocket.OutFen ? new FenInterval(pocket.OutFen, lot.Fen.From) : (FenInterval?)null;
        return new IEventOf<Fund>[]
        {
            new AllocationReversed(
                allocationId,
                lot.SubAccount,
                lot.Fen.Length,
                lot.Fen,
                carried,
                carried is { } c ? pocket.Next(c.Length) : null,
                by.Id
            ),
        };
    }

    private static Rejection? Irreversible(Fund state, string allocationId, Lot lot) =>
        state.Reversals.GetValueOrDefault(allocationId) is { Done: true }
            ? new Rejection(Rejections.WrongState, "这笔划入已冲正")
        : state.IsClosed ? new Rejection(Rejections.FundClosed, "补助资金已关闭")
        : state.Pocket(lot.SubAccount).OutFen > lot.Fen.From
            ? new Rejection(Rejections.FundOverdrawn, "这笔划入已有部分占用或结转，不能冲正；可以决议将余款退回来源")
            {
                LeftAmount = new Money(Math.Max(0, lot.Fen.To - state.Pocket(lot.SubAccount).OutFen)),
            }
        : null;

    /// <summary>C8: with the donor's consent what is left of an earmarked gift may serve all.</summary>
    public static Decision<Fund> LiftEarmark(Fund state, string pocket, IReadOnlyList<string> evidence)
    {
        if (pocket == SubAccount.General || !state.SubAccounts.TryGetValue(pocket, out var account))
            return new Rejection(Rejections.NotFound, $"没有子账户 {pocket}");
        if (evidence.Count == 0)
            return new Rejection(Rejections.EvidenceMissing, "须附捐赠人同意书") { Field = "evidence" };
        if (!account.Available.IsPositive)
            return new Rejection(Rejections.WrongState, "该子账户没有余款");
        return new IEventOf<Fund>[]
        {
            new EarmarkLifted(
                pocket,
                account.Available,
                account.Rest(),
                state.Pocket(SubAccount.General).Next(account.Available),
                evidence
            ),
        };
    }

    /// <summary>C9: by resolution, what is available in a sub-account goes back to its sources.</summary>
    public static Decision<Fund> ReturnSurplus(Fund state, string pocket, string reason, IReadOnlyList<string> evidence)
    {
        var account = state.Pocket(pocket);
        if (evidence.Count == 0)
            return new Rejection(Rejections.EvidenceMissing, "退回来源须附决议和退款凭证") { Field = "evidence" };
        if (!account.Available.IsPositive)
            return new Rejection(Rejections.WrongState, "该子账户没有余款");
        return new IEventOf<Fund>[]
        {
            new SurplusReturned(pocket, account.Available, account.Rest(), reason, evidence),
        };
    }

    /// <summary>A fund closes when nothing is in it or under way.</summary>
    public static Decision<Fund> Close(Fund state, string reason, IReadOnlyList<string> evidence)
    {
        if (state.IsClosed)
            return new Rejection(Rejections.FundClosed, "补助资金已关闭");
        if (evidence.Count == 0)
            return new Rejection(Rejections.EvidenceMissing, "关闭补助资金须附决议") { Field = "evidence" };
        return Occupied(state) is { } occupied ? occupied : new IEventOf<Fund>[] { new FundClosed(reason, evidence) };
    }

    private const int MaxNamed = 100;

    private static Rejection? Occupied(Fund state) =>
        state.AvailableFen.IsPositive || state.ReservedFen.IsPositive || state.InTransitFen.IsPositive
            ? new Rejection(
                Rejections.WrongState,
                $"尚有可用 {state.AvailableFen} 元、已占用 {state.ReservedFen} 元、在途 {state.InTransitFen} 元"
            )
            : null;

    /// <summary>
    /// C24: closes a business year that is over. <paramref name="trialBalance"/>: at its last day, by business date.
    /// <paramref name="negative"/>: the accounts that held less than nothing on a day of it; such a year closes only explained.
    /// </summary>
    public static Decision<Fund> CloseYear(
        Fund state,
        int year,
        IReadOnlyList<AccountBalance> trialBalance,
        IReadOnlyList<NegativeBalance> negative,
        string? explanation,
        IReadOnlyList<string> evidence,
        DateOnly today
    )
    {
        if (year >= today.Year)
            return new Rejection(Rejections.WrongState, $"{year} 年度尚未结束");
        if (year <= state.ClosedThrough)
            return new Rejection(Rejections.YearClosed, $"{year} 年度已结账");
        if (state.ClosedThrough > 0 && year != state.ClosedThrough + 1)
            return new Rejection(Rejections.WrongState, $"请先结 {state.ClosedThrough + 1} 年度");
        InvariantViolationException.Require(
            Money.Sum(trialBalance.Select(b => b.AmountFen)) == Money.Zero,
            $"{state.Id}: the trial balance of {year} does not balance"
        );
        if (negative.Count == 0)
            return new IEventOf<Fund>[] { new YearClosed(year, trialBalance, Postings.Digest(trialBalance)) };
        if (explanation is null)
            return new Rejection(
                Rejections.BalanceNegative,
                $"{negative[0].From:yyyy-MM-dd} 至 {negative[0].Until:yyyy-MM-dd} 账户 {negative[0].Account} 最低为 {negative[0].LowestFen} 元；共 {negative.Count} 处"
            )
            {
                Field = "explanation",
                Faults =
                [
                    .. negative
                        .Take(MaxNamed)
                        .Select(n => new Fault(
                            Rejections.BalanceNegative.Code,
                            $"{n.From:yyyy-MM-dd} 至 {n.Until:yyyy-MM-dd} 最低 {n.LowestFen} 元",
                            n.Account
                        )),
                ],
            };
        if (evidence.Count == 0)
            return new Rejection(Rejections.EvidenceMissing, "说明余额为负的原因须附盖章的书面说明")
            {
                Field = "evidence",
            };
        return new IEventOf<Fund>[]
        {
            new YearClosed(year, trialBalance, Postings.Digest(trialBalance), explanation, evidence),
        };
    }

    /// <summary>
    /// Money follows to a successor's fund: of each sub-account everything that is available, or of the general one
    /// <paramref name="amount"/>. Nothing may be under way when everything goes.
    /// </summary>
    public static (IReadOnlyList<IEventOf<Fund>> From, IReadOnlyList<IEventOf<Fund>> To, Rejection? Rejection) Transfer(
        Fund source,
        Fund target,
        Money? amount
    )
    {
        if (target.IsClosed)
            return ([], [], new Rejection(Rejections.FundClosed, "补助资金已关闭"));
        if (amount is null && Occupied(source with { AvailableFen = Money.Zero }) is { } busy)
            return ([], [], busy);
        var general = source.Pocket(SubAccount.General);
        if (amount > general.Available)
            return (
                [],
                [],
                new Rejection(Rejections.FundOverdrawn, $"需要 {amount} 元，可用 {general.Available} 元")
                {
                    LeftAmount = general.Available,
                }
            );
        var moves = amount is { } part
            ? [(Name: SubAccount.General, Fen: FenInterval.StartingAt(general.OutFen, part), Earmark: (Earmark?)null)]
            : source
                .SubAccounts.Where(p => p.Value.Available.IsPositive)
                .Select(p => (Name: p.Key, Fen: p.Value.Rest(), p.Value.Earmark))
                .ToArray();
        moves = [.. moves.Where(m => m.Fen.Length.IsPositive)];
        return (
            [.. moves.Select(m => new FundsTransferred(target.Id, m.Name, m.Fen.Length, m.Fen))],
            [
                .. moves.Select(m => new TransferReceived(
                    source.Id,
                    m.Name,
                    m.Fen.Length,
                    m.Fen,
                    target.Pocket(m.Name).Next(m.Fen.Length),
                    m.Earmark
                )),
            ],
            null
        );
    }
}

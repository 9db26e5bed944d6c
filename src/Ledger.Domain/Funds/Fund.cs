using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace Ledger.Domain.Funds;

/// <summary>
/// One pocket inside the ring-fence: what came in and what went out, as cumulative fen. An earmarked gift has a pocket
/// of its own, so first-in-first-out never crosses an earmark.
/// </summary>
public sealed record SubAccount(long InFen, long OutFen, Earmark? Earmark = null)
{
    /// <summary>The pocket of money that is not earmarked.</summary>
    public const string General = "general";

    /// <summary>The pocket of the county's incentives (C19), a label of its own inside the ring-fence.</summary>
    public const string Incentive = "county-incentive";

    /// <summary>The pocket of gifts that may only serve the contributions of one year (C8).</summary>
    public static string ForYear(int? earmarkYear) => earmarkYear is { } year ? $"year-{year}" : General;

    [JsonIgnore]
    public Money Available => new(InFen - OutFen);

    /// <summary>Where the next money that comes in will lie.</summary>
    public FenInterval Next(Money amount) => FenInterval.StartingAt(InFen, amount);

    /// <summary>What can still go out.</summary>
    public FenInterval Rest() => new(OutFen, InFen);
}

/// <summary>
/// An allocation as it lies in its pocket. The state does not list them: it would grow with every gift.
/// </summary>
public sealed record Lot(string SubAccount, FenInterval Fen);

/// <summary>That somebody asked to reverse an allocation, and whether it was done.</summary>
public sealed record Reversal(string RequestedBy, string ConfirmBy, bool Done = false, string? RequestedFor = null);

/// <summary>
/// That somebody asked to let everything available in a sub-account go: back to its sources, or (
/// <paramref name="FreesEarmark"/>) to the general one. <paramref name="Fen"/> is what it was then.
/// </summary>
public sealed record RestAsked(
    bool FreesEarmark,
    FenInterval Fen,
    DateOnly On,
    string RequestedBy,
    string ConfirmBy,
    string Reason,
    IReadOnlyList<string> Evidence,
    string? RequestedFor = null
);

/// <summary>A fee of the bank that the village has not made good (L17).</summary>
public sealed record OpenFee(Money AmountFen, DateOnly TakenOn);

/// <summary>How far one application's money has come.</summary>
public sealed record Commitment(string SubAccount, Money ReservedFen, Money InTransitFen, Money CreditedFen);

/// <summary>
/// Fund (集体补助资金, ring-fenced 专款专用, C9), one per collective. This state is also the inline balance: money is in exactly
/// one of available, reserved, in transit, credited, returned, and they sum to what came in, after every event.
/// </summary>
public sealed record Fund : Aggregate, IEvolve<Fund>
{
    public string CollectiveId { get; init; } = "";
    public string Name { get; init; } = "";
    public Money AllocatedFen { get; init; }
    public Money AvailableFen { get; init; }
    public Money ReservedFen { get; init; }
    public Money InTransitFen { get; init; }
    public Money CreditedFen { get; init; }

    /// <summary>Gone back to its sources or on to a successor's fund: reversals, surplus, transfers.</summary>
    public Money ReturnedFen { get; init; }

    /// <summary>
    /// Of what was paid, how much the agency sent back (退回) so far; it is part of available again, or was used anew.
    /// </summary>
    public Money RefundedFen { get; init; }

    /// <summary>The last closed business year; 0 when none is.</summary>
    public int ClosedThrough { get; init; }
    public bool IsClosed { get; init; }

    public ImmutableSortedDictionary<string, SubAccount> SubAccounts { get; init; } =
        ImmutableSortedDictionary<string, SubAccount>.Empty;
    public ImmutableSortedDictionary<string, Commitment> Commitments { get; init; } =
        ImmutableSortedDictionary<string, Commitment>.Empty;

    /// <summary>By allocation id, of those that somebody asked to reverse.</summary>
    public ImmutableSortedDictionary<string, Reversal> Reversals { get; init; } =
        ImmutableSortedDictionary<string, Reversal>.Empty;

    /// <summary>By sub-account, what waits for its second person (C9, C20).</summary>
    public ImmutableSortedDictionary<string, RestAsked> RestsAsked { get; init; } =
        ImmutableSortedDictionary<string, RestAsked>.Empty;

    /// <summary>By fee.</summary>
    public ImmutableSortedDictionary<string, OpenFee> OpenFees { get; init; } =
        ImmutableSortedDictionary<string, OpenFee>.Empty;

    /// <summary>What the village's general account owes for fees of the bank.</summary>
    [JsonIgnore]
    public Money OwedFen => Money.Sum(OpenFees.Values.Select(f => f.AmountFen));

    public SubAccount Pocket(string name) => SubAccounts.GetValueOrDefault(name) ?? new SubAccount(0, 0);

    /// <summary>
    /// What came into a pocket and did not go back to where it came from: it lies there, or is on its way to members.
    /// What was released or refunded into it came in once, not twice.
    /// </summary>
    public Money AllocatedTo(string pocket) =>
        Pocket(pocket).Available
        + Money.Sum(
            Commitments
                .Values.Where(c => c.SubAccount == pocket)
                .Select(c => c.ReservedFen + c.InTransitFen + c.CreditedFen)
        );

    public static Fund Evolve(Fund? state, IEventOf<Fund> e)
    {
        var next = e switch
        {
            FundOpened o => new Fund
            {
                CollectiveId = o.CollectiveId,
                Name = o.Name,
                Region = o.VillageCode,
            },
            FundRenamed r => state! with { Name = r.Name },
            ReversalRequested r => state! with
            {
                Reversals = state.Reversals.SetItem(
                    r.AllocationId,
                    new Reversal(r.RequestedBy, r.ConfirmBy, RequestedFor: r.OnBehalfOf)
                ),
            },
            AllocationReversed r => state!.Move(r) with
            {
                Reversals = state.Reversals.SetItem(
                    r.AllocationId,
                    state.Reversals[r.AllocationId] with
                    {
                        Done = true,
                    }
                ),
            },
            SurplusReturnRequested a => state!.Ask(
                a.SubAccount,
                new(false, a.Fen, a.RequestedOn, a.RequestedBy, a.ConfirmBy, a.Reason, a.Evidence, a.OnBehalfOf)
            ),
            EarmarkLiftRequested a => state!.Ask(
                a.SubAccount,
                new(true, a.Fen, a.RequestedOn, a.RequestedBy, a.ConfirmBy, "", a.Evidence, a.OnBehalfOf)
            ),
            SurplusReturned s => state!.Move(s) with { RestsAsked = state.RestsAsked.Remove(s.SubAccount) },
            EarmarkLifted l => state!.Move(l) with { RestsAsked = state.RestsAsked.Remove(l.SubAccount) },
            BankFeeCharged t => state!.Move(t) with
            {
                OpenFees = state.OpenFees.Add(t.FeeId, new OpenFee(t.AmountFen, t.TakenOn)),
            },
            BankFeeReimbursed g => state!.Move(g) with { OpenFees = state.OpenFees.Remove(g.FeeId) },
            IFundMovement moved => state!.Move(moved),
            YearClosed y => state! with { ClosedThrough = y.Year },
            FundClosed => state! with { IsClosed = true },
            _ => throw InvariantViolationException.Unknown(e),
        };
        return next.Conserved();
    }

    private Fund Ask(string pocket, RestAsked rest) => this with { RestsAsked = RestsAsked.SetItem(pocket, rest) };

    private Fund Move(IFundMovement e) => e.Movements.Aggregate(this, (fund, m) => fund.Move(m));

    private Fund Move(Movement m)
    {
        InvariantViolationException.Require(
            new[] { m.Out, m.In }.All(laid => laid is null || laid.Of.Fen.Length == m.AmountFen),
            $"{Id}: {m} lays other fen than it moves"
        );
        var next = this;
        if (m.Out is { } gone)
            next = next.Outflow(gone.Of.SubAccount, gone.Of.Fen);
        if (m.In is { } came)
            next = next.Inflow(came.Of.SubAccount, came.Of.Fen, m.Earmark);
        if (m.ApplicationId is { } application)
            next = next.Commit(application, m);
        return next with
        {
            AllocatedFen = AllocatedFen + (FundAccount.IsOrigin(m.From) ? m.AmountFen : Money.Zero),
            AvailableFen = AvailableFen + m.Change(FundAccount.IsAvailable),
            ReservedFen = ReservedFen + m.Change(FundAccount.Reserved),
            InTransitFen = InTransitFen + m.Change(FundAccount.InTransit),
            CreditedFen = CreditedFen + m.Change(FundAccount.Credited),
            ReturnedFen = ReturnedFen + (FundAccount.IsGone(m.To) ? m.AmountFen : Money.Zero),
            RefundedFen = RefundedFen + (m.In?.Kind == EntryKind.Refunded ? m.AmountFen : Money.Zero),
        };
    }

    private Fund Inflow(string pocket, FenInterval fen, Earmark? earmark)
    {
        var was = Pocket(pocket);
        InvariantViolationException.Require(
            fen.From == was.InFen,
            $"{Id}/{pocket}: inflow {fen} does not tile the axis at {was.InFen}"
        );
        return this with
        {
            SubAccounts = SubAccounts.SetItem(pocket, was with { InFen = fen.To, Earmark = was.Earmark ?? earmark }),
        };
    }

    private Fund Outflow(string pocket, FenInterval fen)
    {
        var was = Pocket(pocket);
        InvariantViolationException.Require(
            fen.From == was.OutFen && fen.To <= was.InFen,
            $"{Id}/{pocket}: outflow {fen} beyond {was}"
        );
        return this with { SubAccounts = SubAccounts.SetItem(pocket, was with { OutFen = fen.To }) };
    }

    private Fund Commit(string applicationId, Movement m)
    {
        var known = Commitments.GetValueOrDefault(applicationId);
        var begins = m.Out?.Kind == EntryKind.Reserved;
        InvariantViolationException.Require(
            known is null == begins,
            $"{Id}: {applicationId} {(begins ? "was reserved before" : "has nothing reserved")}"
        );
        var was = known ?? new Commitment(m.Out!.Of.SubAccount, Money.Zero, Money.Zero, Money.Zero);
        var commitment = was with
        {
            ReservedFen = was.ReservedFen + m.Change(FundAccount.Reserved),
            InTransitFen = was.InTransitFen + m.Change(FundAccount.InTransit),
            CreditedFen = was.CreditedFen + m.Change(FundAccount.Credited),
        };
        InvariantViolationException.Require(
            commitment.ReservedFen >= Money.Zero
                && commitment.InTransitFen >= Money.Zero
                && commitment.CreditedFen >= Money.Zero,
            $"{Id}: more moved for {applicationId} than was there: {commitment}"
        );
        return this with { Commitments = Commitments.SetItem(applicationId, commitment) };
    }

    private Fund Conserved()
    {
        InvariantViolationException.Require(
            AvailableFen + ReservedFen + InTransitFen + CreditedFen + ReturnedFen == AllocatedFen,
            $"{Id}: money is not conserved: {this}"
        );
        InvariantViolationException.Require(
            AvailableFen >= Money.Zero
                && ReservedFen >= Money.Zero
                && InTransitFen >= Money.Zero
                && CreditedFen >= Money.Zero
                && ReturnedFen >= Money.Zero,
            $"{Id}: a balance is negative: {this}"
        );
        InvariantViolationException.Require(
            Money.Sum(SubAccounts.Values.Select(p => p.Available)) == AvailableFen,
            $"{Id}: the sub-accounts do not sum to what is available"
        );
        // A refund may still come into a closed fund; it goes on from there to its sources or to the successor.
        InvariantViolationException.Require(
            !IsClosed || ReservedFen + InTransitFen == Money.Zero,
            $"{Id}: closed with money under way: {this}"
        );
        return this;
    }
}

using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace Ledger.Domain.Funds;

/// <summary>
/// One pocket inside the ring-fence: what came in and what went out, as cumulative fen. An earmarked gift has a pocket of its own,
/// so first-in-first-out never crosses an earmark.
/// </summary>
public sealed record SubAccount(long InFen, long OutFen)
{
    /// <summary>The pocket of money that is not earmarked.</summary>
    public const string General = "general";

    /// <summary>The pocket of gifts that may only serve the contributions of one year (C8).</summary>
    public static string ForYear(int? earmarkYear) => earmarkYear is { } year ? $"year-{year}" : General;

    [JsonIgnore]
    public Money Available => new(InFen - OutFen);
}

/// <summary>How far one application's money has come.</summary>
public sealed record Commitment(string SubAccount, Money ReservedFen, Money InTransitFen, Money CreditedFen);

/// <summary>
/// Fund (集体补助资金, ring-fenced 专款专用, C9), one per collective. This state is also the inline balance: money is in exactly one of
/// available, reserved, in transit, credited, and they sum to what was allocated, after every event.
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

    /// <summary>Returned by the agency after payment (退回); part of available again.</summary>
    public Money RefundedFen { get; init; }

    public ImmutableSortedDictionary<string, SubAccount> SubAccounts { get; init; } = ImmutableSortedDictionary<string, SubAccount>.Empty;
    public ImmutableSortedDictionary<string, Commitment> Commitments { get; init; } = ImmutableSortedDictionary<string, Commitment>.Empty;

    public SubAccount Pocket(string name) => SubAccounts.GetValueOrDefault(name) ?? new SubAccount(0, 0);

    public static Fund Evolve(Fund? state, IEventOf<Fund> e)
    {
        var next = e switch
        {
            FundOpened o => new Fund { CollectiveId = o.CollectiveId, Name = o.Name, Region = o.VillageCode },
            FundsAllocated a => state!.Inflow(a.SubAccount, a.Fen) with
            {
                AllocatedFen = state.AllocatedFen + a.AmountFen,
                AvailableFen = state.AvailableFen + a.AmountFen,
            },
            FundsReserved r => state!.Outflow(r.SubAccount, r.Fen) with
            {
                AvailableFen = state.AvailableFen - r.AmountFen,
                ReservedFen = state.ReservedFen + r.AmountFen,
                Commitments = state.Commitments.Add(r.ApplicationId, new Commitment(r.SubAccount, r.AmountFen, Money.Zero, Money.Zero)),
            },
            ReservationReleased r => state!.Inflow(r.SubAccount, r.Fen).Commit(r.ApplicationId, c => c with { ReservedFen = c.ReservedFen - r.AmountFen }) with
            {
                AvailableFen = state.AvailableFen + r.AmountFen,
                ReservedFen = state.ReservedFen - r.AmountFen,
            },
            FundsPaid p => state!.Commit(p.ApplicationId,
                c => c with { ReservedFen = c.ReservedFen - p.AmountFen, InTransitFen = c.InTransitFen + p.AmountFen }) with
            {
                ReservedFen = state.ReservedFen - p.AmountFen,
                InTransitFen = state.InTransitFen + p.AmountFen,
            },
            FundsCredited c => state!.Commit(c.ApplicationId,
                m => m with { InTransitFen = m.InTransitFen - c.AmountFen, CreditedFen = m.CreditedFen + c.AmountFen }) with
            {
                InTransitFen = state.InTransitFen - c.AmountFen,
                CreditedFen = state.CreditedFen + c.AmountFen,
            },
            _ => state!,
        };
        return next.Conserved();
    }

    private Fund Inflow(string pocket, FenInterval fen)
    {
        var was = Pocket(pocket);
        InvariantViolationException.Require(fen.From == was.InFen, $"{Id}/{pocket}: inflow {fen} does not tile the axis at {was.InFen}");
        return this with { SubAccounts = SubAccounts.SetItem(pocket, was with { InFen = fen.To }) };
    }

    private Fund Outflow(string pocket, FenInterval fen)
    {
        var was = Pocket(pocket);
        InvariantViolationException.Require(fen.From == was.OutFen && fen.To <= was.InFen, $"{Id}/{pocket}: outflow {fen} beyond {was}");
        return this with { SubAccounts = SubAccounts.SetItem(pocket, was with { OutFen = fen.To }) };
    }

    private Fund Commit(string applicationId, Func<Commitment, Commitment> change) =>
        this with { Commitments = Commitments.SetItem(applicationId, change(Commitments[applicationId])) };

    private Fund Conserved()
    {
        InvariantViolationException.Require(AvailableFen + ReservedFen + InTransitFen + CreditedFen == AllocatedFen, $"{Id}: money is not conserved: {this}");
        InvariantViolationException.Require(
            AvailableFen >= Money.Zero && ReservedFen >= Money.Zero && InTransitFen >= Money.Zero && CreditedFen >= Money.Zero,
            $"{Id}: a balance is negative: {this}");
        InvariantViolationException.Require(Money.Sum(SubAccounts.Values.Select(p => p.Available)) == AvailableFen,
            $"{Id}: the sub-accounts do not sum to what is available");
        return this;
    }
}

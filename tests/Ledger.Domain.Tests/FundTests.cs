using CsCheck;
using Ledger.Domain.Funds;

namespace Ledger.Domain.Tests;

/// <summary>The ring-fence: C7, C8, C9.</summary>
public sealed class FundTests
{
    private const string Id = "fund-1";
    private static readonly string[] Slip = [new('a', 64)];
    private static readonly FundOpened Opened = new("collective-1", "示范村", "370811102201");

    private static Fund With(params IEnumerable<IEventOf<Fund>> events) => Given.And<Fund>(null, Id, [Opened, .. events])!;

    private static Fund Allocated(decimal yuan) => Then(With(), f => FundDecider.Allocate(f, "a", SourceKind.CollectiveIncome, "租金", Given.Yuan(yuan), null, Slip));

    private static Fund Then(Fund fund, Func<Fund, Decision<Fund>> decide) => fund.And(Id, decide(fund).Then())!;

    [Fact]
    public void C7_allocation_takes_the_next_fen_of_the_inflow_axis()
    {
        var fund = Allocated(10);
        var next = (FundsAllocated)FundDecider.Allocate(fund, "b", SourceKind.CollectiveIncome, "租金", Given.Yuan(5), null, Slip).Then()[0];
        Assert.Equal(new FenInterval(1000, 1500), next.Fen);
    }

    [Fact]
    public void C7_allocation_without_a_slip_is_refused() =>
        FundDecider.Allocate(With(), "a", SourceKind.CollectiveIncome, "租金", Given.Yuan(1), null, []).ThenRefused(Rejections.EvidenceMissing);

    [Fact]
    public void C8_an_earmarked_gift_stays_in_its_own_pocket()
    {
        var fund = Then(Allocated(10), f => FundDecider.Allocate(f, "g", SourceKind.Charity, "慈善总会", Given.Yuan(7), 2026, Slip));
        Assert.Equal(Given.Yuan(17), fund.AvailableFen);
        var refused = FundDecider.Reserve(fund, "x", 2026, SubAccount.General, Given.Yuan(11), 1).ThenRefused(Rejections.FundOverdrawn);
        Assert.Equal(Given.Yuan(10), refused.LeftAmount);
        FundDecider.Reserve(fund, "x", 2027, SubAccount.ForYear(2026), Given.Yuan(1), 1).ThenRefused(Rejections.EarmarkMismatch);
        var reserved = (FundsReserved)FundDecider.Reserve(fund, "x", 2026, SubAccount.ForYear(2026), Given.Yuan(7), 1).Then()[0];
        Assert.Equal(new FenInterval(0, 700), reserved.Fen);
    }

    [Fact]
    public void C9_more_than_is_there_cannot_be_reserved()
    {
        var refused = FundDecider.Reserve(Allocated(10), "x", 2026, SubAccount.General, new Money(1001), 1).ThenRefused(Rejections.FundOverdrawn);
        Assert.Equal(Given.Yuan(10), refused.LeftAmount);
    }

    [Fact]
    public void C9_money_leaves_only_as_approved_subsidy_to_the_fen()
    {
        var fund = Then(Allocated(10), f => FundDecider.Reserve(f, "x", 2026, SubAccount.General, Given.Yuan(8), 2));
        FundDecider.Pay(fund, "x", "road-repair", Given.Yuan(8), 2, "NX", Slip).ThenRefused(Rejections.UseOutsideRingFence);
        FundDecider.Pay(fund, "x", FundDecider.MemberSubsidy, Given.Yuan(8.01m), 2, "NX", Slip).ThenRefused(Rejections.UseOutsideRingFence);
        FundDecider.Pay(fund, "other", FundDecider.MemberSubsidy, Given.Yuan(8), 2, "NX", Slip).ThenRefused(Rejections.UseOutsideRingFence);
        var paid = Then(fund, f => FundDecider.Pay(f, "x", FundDecider.MemberSubsidy, Given.Yuan(8), 2, "NX", Slip));
        Assert.Equal((Money.Zero, Given.Yuan(8)), (paid.ReservedFen, paid.InTransitFen));
        FundDecider.Pay(paid, "x", FundDecider.MemberSubsidy, Given.Yuan(8), 2, "NX", Slip).ThenRefused(Rejections.UseOutsideRingFence);
    }

    [Fact]
    public void An_event_that_breaks_conservation_or_the_axis_is_a_defect_and_never_folds()
    {
        var fund = Allocated(10);
        Assert.Throws<InvariantViolationException>(() => fund.And(Id, new FundsReserved("x", SubAccount.General, new Money(500), 1, new FenInterval(1, 501))));
        Assert.Throws<InvariantViolationException>(() => fund.And(Id, new FundsReserved("x", SubAccount.General, new Money(1100), 1, new FenInterval(0, 1100))));
        Assert.Throws<InvariantViolationException>(() => fund.And(Id, new FundsReserved("x", SubAccount.General, new Money(500), 1, new FenInterval(0, 400))));
    }

    /// <summary>Any history of valid and invalid commands: conserved after each event, both axes tiled, no fen out that never came in.</summary>
    [Fact]
    public void Conservation_and_tiling_hold_over_any_history() =>
        Gen.Select(Gen.Int[0, 5], Gen.Int[0, 3], Gen.Long[1, 400]).Array[0, 60].Sample(commands =>
        {
            var fund = With();
            var log = new List<IEventOf<Fund>>();
            foreach (var (command, app, fen) in commands)
            {
                var (id, amount) = ($"app-{app}", new Money(fen));
                var pocket = app == 3 ? SubAccount.ForYear(2026) : SubAccount.General;
                var held = fund.Commitments.GetValueOrDefault(id);
                Decision<Fund>? decision = command switch
                {
                    0 => FundDecider.Allocate(fund, "a", SourceKind.CollectiveIncome, "租金", amount, null, Slip),
                    1 => FundDecider.Allocate(fund, "g", SourceKind.Charity, "慈善", amount, 2026, Slip),
                    2 when held is null => FundDecider.Reserve(fund, id, 2026, pocket, amount, 1),
                    3 when held is { ReservedFen.Fen: > 1 } => FundDecider.Release(fund, id, LastFen(log, id), "异议成立"),
                    4 => FundDecider.Pay(fund, id, FundDecider.MemberSubsidy, held?.ReservedFen ?? amount, 1, "NX", Slip),
                    5 when held is { InTransitFen.IsPositive: true } => FundDecider.Credit(fund, id, new Money(Math.Min(fen, held.InTransitFen.Fen)), 1),
                    _ => default(Decision<Fund>?),
                };
                if (decision is not { Rejection: null } made) continue;
                fund = fund.And(Id, made.Events)!; // throws when money is not conserved
                log.AddRange(made.Events);
            }
            foreach (var name in fund.SubAccounts.Keys)
            {
                Tiles(log.Select(e => e switch
                {
                    FundsAllocated a when a.SubAccount == name => a.Fen,
                    ReservationReleased r when r.SubAccount == name => r.Fen,
                    _ => (FenInterval?)null,
                }), fund.Pocket(name).InFen);
                Tiles(log.Select(e => e is FundsReserved r && r.SubAccount == name ? r.Fen : (FenInterval?)null), fund.Pocket(name).OutFen);
            }
        }, iter: 3000);

    /// <summary>The last fen still reserved for the application, as a line of its own.</summary>
    private static FenInterval LastFen(List<IEventOf<Fund>> log, string id)
    {
        var reserved = log.OfType<FundsReserved>().Last(r => r.ApplicationId == id).Fen;
        var released = log.OfType<ReservationReleased>().Count(r => r.ApplicationId == id);
        return new FenInterval(reserved.To - released - 1, reserved.To - released);
    }

    private static void Tiles(IEnumerable<FenInterval?> intervals, long to)
    {
        var at = 0L;
        foreach (var interval in intervals.OfType<FenInterval>())
        {
            Assert.Equal(at, interval.From);
            at = interval.To;
        }
        Assert.Equal(to, at);
    }
}

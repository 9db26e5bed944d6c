using System.Runtime.CompilerServices;
using CsCheck;
using Ledger.Domain.Funds;
using Ledger.Domain.Funds.Steps;
using Ledger.Domain.Identity;
using Ledger.Store;
using Ledger.Store.Axes;

namespace Ledger.Domain.Tests;

/// <summary>The ring-fence: C7, C8, C9.</summary>
public sealed class FundTests
{
    private const string Id = "fund-1";
    private static readonly string[] Slip = [new('a', 64)];
    private static readonly DateOnly Day = new(2026, 5, 1);
    private static readonly FundOpened Opened = new("collective-1", "示范村", "370811102201");

    private static Fund With(params IEnumerable<IEventOf<Fund>> events) =>
        Given.And<Fund>(null, Id, [Opened, .. events])!;

    private static Fund Allocated(decimal yuan) =>
        Then(
            With(),
            f => Allocate.Into(f, "a", SourceKind.CollectiveIncome, "租金", Given.Yuan(yuan), null, null, Slip, Day)
        );

    private static Money Due(Fund fund, string application) =>
        fund.Commitments.GetValueOrDefault(application)?.ReservedFen ?? Money.Zero;

    private static Fund Then(Fund fund, Func<Fund, Decision<Fund>> decide) => fund.And(Id, decide(fund).Then())!;

    [Fact]
    public void C7_allocation_takes_the_next_fen_of_the_inflow_axis()
    {
        var fund = Allocated(10);
        var next = (FundsAllocated)
            Allocate.Into(fund, "b", SourceKind.CollectiveIncome, "租金", Given.Yuan(5), null, null, Slip, Day).Then()[
                0
            ];
        Assert.Equal(new FenInterval(1000, 1500), next.Fen);
    }

    [Fact]
    public void C7_allocation_without_a_slip_is_refused() =>
        Allocate
            .Into(With(), "a", SourceKind.CollectiveIncome, "租金", Given.Yuan(1), null, null, [], Day)
            .ThenRefused(Rejections.EvidenceMissing);

    [Fact]
    public void C8_an_earmarked_gift_stays_in_its_own_pocket()
    {
        var fund = Then(
            Allocated(10),
            f =>
                Allocate.Into(
                    f,
                    "g",
                    SourceKind.Charity,
                    "慈善总会",
                    Given.Yuan(7),
                    "donor-1",
                    new Earmark(2026),
                    Slip,
                    Day
                )
        );
        Assert.Equal(Given.Yuan(17), fund.AvailableFen);
        var refused = FundDecider
            .Reserve(fund, "x", 2026, SubAccount.General, Given.Yuan(11), 1)
            .ThenRefused(Rejections.FundOverdrawn);
        Assert.Equal(Given.Yuan(10), refused.LeftAmount);
        FundDecider
            .Reserve(fund, "x", 2027, SubAccount.ForYear(2026), Given.Yuan(1), 1)
            .ThenRefused(Rejections.EarmarkMismatch);
        var reserved = (FundsReserved)
            FundDecider.Reserve(fund, "x", 2026, SubAccount.ForYear(2026), Given.Yuan(7), 1).Then()[0];
        Assert.Equal(new FenInterval(0, 700), reserved.Fen);
    }

    [Fact]
    public void C9_more_than_is_there_cannot_be_reserved()
    {
        var refused = FundDecider
            .Reserve(Allocated(10), "x", 2026, SubAccount.General, new Money(1001), 1)
            .ThenRefused(Rejections.FundOverdrawn);
        Assert.Equal(Given.Yuan(10), refused.LeftAmount);
    }

    [Fact]
    public void C9_money_leaves_only_as_approved_subsidy_to_the_fen()
    {
        var fund = Then(Allocated(10), f => FundDecider.Reserve(f, "x", 2026, SubAccount.General, Given.Yuan(8), 2));
        FundDecider
            .Pay(fund, "x", "road-repair", Given.Yuan(8), Due(fund, "x"), 2, "NX", Slip, Day)
            .ThenRefused(Rejections.UseOutsideRingFence);
        FundDecider
            .Pay(fund, "x", FundDecider.MemberSubsidy, Given.Yuan(8.01m), Due(fund, "x"), 2, "NX", Slip, Day)
            .ThenRefused(Rejections.UseOutsideRingFence);
        FundDecider
            .Pay(fund, "other", FundDecider.MemberSubsidy, Given.Yuan(8), Due(fund, "other"), 2, "NX", Slip, Day)
            .ThenRefused(Rejections.UseOutsideRingFence);
        var paid = Then(
            fund,
            f => FundDecider.Pay(f, "x", FundDecider.MemberSubsidy, Given.Yuan(8), Due(f, "x"), 2, "NX", Slip, Day)
        );
        Assert.Equal((Money.Zero, Given.Yuan(8)), (paid.ReservedFen, paid.InTransitFen));
        FundDecider
            .Pay(paid, "x", FundDecider.MemberSubsidy, Given.Yuan(8), Due(paid, "x"), 2, "NX", Slip, Day)
            .ThenRefused(Rejections.UseOutsideRingFence);
    }

    [Fact]
    public void An_event_that_breaks_conservation_or_the_axis_is_a_defect_and_never_folds()
    {
        var fund = Allocated(10);
        Assert.Throws<InvariantViolationException>(() =>
            fund.And(Id, new FundsReserved("x", SubAccount.General, new Money(500), 1, new FenInterval(1, 501)))
        );
        Assert.Throws<InvariantViolationException>(() =>
            fund.And(Id, new FundsReserved("x", SubAccount.General, new Money(1100), 1, new FenInterval(0, 1100)))
        );
        Assert.Throws<InvariantViolationException>(() =>
            fund.And(Id, new FundsReserved("x", SubAccount.General, new Money(500), 1, new FenInterval(0, 400)))
        );
    }

    [Fact]
    public void C8_a_gift_names_its_donor_and_collective_income_carries_no_earmark()
    {
        Decision<Fund> Gift(SourceKind kind, string? donor, Earmark? earmark) =>
            Allocate.Into(With(), "g", kind, "x", Given.Yuan(1), donor, earmark, Slip, Day);
        Gift(SourceKind.Charity, null, null).ThenRefused(Rejections.DonorMissing);
        Gift(SourceKind.CollectiveIncome, "donor-1", null).ThenRefused(Rejections.FieldInvalid);
        Gift(SourceKind.CollectiveIncome, null, new Earmark(2026)).ThenRefused(Rejections.EarmarkMismatch);
        Gift(SourceKind.Individual, "donor-1", new Earmark(MinAge: 60, MaxAge: 50))
            .ThenRefused(Rejections.FieldInvalid);
        Assert.Equal(
            "county-incentive",
            ((FundsAllocated)Gift(SourceKind.CountyIncentive, null, null).Then()[0]).SubAccount
        );
    }

    [Theory]
    [
        InlineData(2026, "m1", 60, "第1组", true),
        InlineData(2027, "m1", 60, "第1组", false),
        InlineData(2026, "m3", 60, "第1组", false)
    ]
    [
        InlineData(2026, "m1", 54, "第1组", false),
        InlineData(2026, "m1", 66, "第1组", false),
        InlineData(2026, "m1", 60, "第2组", false),
        InlineData(2026, "m1", null, "第1组", false)
    ]
    public void C8_an_earmark_fits_only_whom_it_names(int year, string member, int? age, string group, bool fits)
    {
        var earmark = new Earmark(2026, 55, 65, "第1组", ["m1", "m2"]);
        Assert.Equal(fits, earmark.Mismatch(year, member, age, group) is null);
        Assert.Equal(earmark.SubAccount, (earmark with { MemberIds = ["m2", "m1"] }).SubAccount);
        Assert.NotEqual(earmark.SubAccount, (earmark with { MinAge = 56 }).SubAccount);
    }

    [Fact]
    public void C9_C20_a_mistaken_allocation_is_reversed_by_the_named_second_person_and_older_money_stays()
    {
        var (first, second) = (Given.Actor("first"), Given.Actor("second"));
        var fund = Then(
            Allocated(10),
            f => Allocate.Into(f, "b", SourceKind.CollectiveIncome, "租金", Given.Yuan(5), null, null, Slip, Day)
        );
        var lot = new Lot(SubAccount.General, new FenInterval(1000, 1500));
        Reverse.Request(fund, "b", lot, "first", "x", first).ThenRefused(Rejections.SelfApproval);
        Reverse.Confirm(fund, "b", lot, second).ThenRefused(Rejections.WrongState);
        fund = Then(fund, f => Reverse.Request(f, "b", lot, "second", "多记", first));
        Reverse.Confirm(fund, "b", lot, first).ThenRefused(Rejections.SelfApproval);
        Reverse.Confirm(fund, "b", lot, Given.Actor("third")).ThenRefused(Rejections.SelfApproval);
        var reversed = Then(fund, f => Reverse.Confirm(f, "b", lot, second));
        Assert.Equal((Given.Yuan(10), Given.Yuan(5)), (reversed.AvailableFen, reversed.ReturnedFen));
        // The older 10 yuan lie behind the reversed lot now.
        Assert.Equal(new SubAccount(2500, 1500), reversed.Pocket("general"));
        Reverse.Confirm(reversed, "b", lot, second).ThenRefused(Rejections.WrongState);

        var spent = Then(fund, f => FundDecider.Reserve(f, "x", 2026, SubAccount.General, Given.Yuan(12), 1));
        Assert.Equal(
            Given.Yuan(3),
            Reverse.Confirm(spent, "b", lot, second).ThenRefused(Rejections.FundOverdrawn).LeftAmount
        );
    }

    [Fact]
    public void C24_a_closed_year_takes_no_entry_and_cannot_be_closed_twice()
    {
        var today = new DateOnly(2027, 2, 1);
        CloseYear.Decide(With(), 2027, [], [], null, [], today).ThenRefused(Rejections.WrongState);
        var closed = Then(
            Allocated(10),
            f =>
                CloseYear.Decide(
                    f,
                    2026,
                    [
                        new("available:general", Given.Yuan(10)),
                        new("source:collective-income", Money.Zero - Given.Yuan(10)),
                    ],
                    [],
                    null,
                    [],
                    today
                )
        );
        CloseYear.Decide(closed, 2026, [], [], null, [], today).ThenRefused(Rejections.YearClosed);
        Allocate
            .Into(closed, "b", SourceKind.CollectiveIncome, "租金", Given.Yuan(1), null, null, Slip, Day)
            .ThenRefused(Rejections.YearClosed);
        Allocate
            .Into(closed, "b", SourceKind.CollectiveIncome, "补记2026年租金", Given.Yuan(1), null, null, Slip, today)
            .Then();
        CloseYear.Decide(closed, 2028, [], [], null, [], new DateOnly(2030, 1, 1)).ThenRefused(Rejections.WrongState);
        Assert.Throws<InvariantViolationException>(() =>
            CloseYear.Decide(Allocated(10), 2026, [new("available:general", new Money(1))], [], null, [], today)
        );
    }

    [Fact]
    public void C9_surplus_goes_back_by_resolution_and_only_an_empty_fund_closes()
    {
        var fund = Then(Allocated(10), f => FundDecider.Reserve(f, "x", 2026, SubAccount.General, Given.Yuan(4), 1));
        Rests.Returned(fund).ThenRefused(Rejections.WrongState); // 4.00 reserved
        CloseFund.Decide(fund, "终止", Slip).ThenRefused(Rejections.WrongState);
        fund = Then(
            fund,
            f => FundDecider.Pay(f, "x", FundDecider.MemberSubsidy, Given.Yuan(4), Given.Yuan(4), 1, "NX", Slip, Day)
        );
        Rests.Returned(fund).ThenRefused(Rejections.WrongState); // and now in transit
        fund = Then(fund, f => FundDecider.Credit(f, "x", Given.Yuan(4), 1));
        CloseFund.Decide(fund, "终止", Slip).ThenRefused(Rejections.WrongState);
        Rests.Returned(fund, "application-1").ThenRefused(Rejections.WrongState); // not settled yet
        fund = Then(fund, f => Rests.Returned(f));
        Assert.Equal(Given.Yuan(6), fund.ReturnedFen);
        Rests.Returned(fund).ThenRefused(Rejections.WrongState);
        fund = Then(fund, f => CloseFund.Decide(f, "终止", Slip));
        Allocate
            .Into(fund, "z", SourceKind.CollectiveIncome, "x", Given.Yuan(1), null, null, Slip, Day)
            .ThenRefused(Rejections.FundClosed);
        // The agency finds a catch-up later: the money still has a place to come back to, and a way out of it.
        fund = Then(fund, f => FundDecider.Refund(f, "x", "member-1", new FenInterval(0, 400), true, "TH", Slip, Day));
        Assert.Equal(Given.Yuan(4), fund.AvailableFen);
        Then(fund, f => Rests.Returned(f));
    }

    private static readonly Actor Village = Given.Actor("village", Roles.VillageFinance),
        Township = Given.Actor("township", Roles.Township),
        Finance = Given.Actor("finance", Roles.CountyFinance);

    private static Decision<Fund> Ask(Fund fund, string pocket, string confirmBy, Actor by, params string[] papers) =>
        ReturnSurplus.Request(new(fund, pocket, null), confirmBy, "终止", papers, Day, by);

    [Fact]
    public void C9_C20_one_asks_for_the_rest_and_only_the_named_second_of_the_township_confirms_just_that()
    {
        var fund = Allocated(10);
        Ask(fund, "general", "township", Village).ThenRefused(Rejections.EvidenceMissing);
        Ask(fund, "general", "village", Village, Slip).ThenRefused(Rejections.SelfApproval);
        Ask(fund, "general", "township", Finance, Slip).ThenRefused(Rejections.Forbidden);
        ReturnSurplus.Confirm(new(fund, "general", null), Township).ThenRefused(Rejections.WrongState);
        fund = Then(fund, f => Ask(f, "general", "township", Village, Slip));
        Assert.Equal((Given.Yuan(10), Money.Zero), (fund.AvailableFen, fund.ReturnedFen)); // nothing moved yet
        Assert.Empty(Ask(fund, "general", "township", Village, Slip).Then()); // the same again is none
        foreach (
            var (who, code) in new[]
            {
                (Village, Rejections.SelfApproval),
                (Given.Actor("other", Roles.Township), Rejections.SelfApproval),
                (Township with { OnBehalfOf = "village" }, Rejections.SelfApproval),
                (Township with { Role = Roles.VillageFinance }, Rejections.Forbidden),
            }
        )
            ReturnSurplus.Confirm(new(fund, "general", null), who).ThenRefused(code);
        LiftEarmark.Confirm(new(fund, "general", null), Township).ThenRefused(Rejections.WrongState); // another act
        // What is under way by then, or came in meanwhile, is not what was asked for.
        ReturnSurplus.Confirm(new(fund, "general", "application-1"), Township).ThenRefused(Rejections.WrongState);
        var more = Then(
            fund,
            f => Allocate.Into(f, "z", SourceKind.CollectiveIncome, "x", Given.Yuan(1), null, null, Slip, Day)
        );
        Assert.Contains(
            "11.00",
            ReturnSurplus.Confirm(new(more, "general", null), Township).ThenRefused(Rejections.WrongState).Detail
        );
        fund = Then(fund, f => ReturnSurplus.Confirm(new(f, "general", null), Township));
        Assert.Equal((Money.Zero, Given.Yuan(10)), (fund.AvailableFen, fund.ReturnedFen));
        Assert.Empty(fund.RestsAsked);
    }

    [Fact]
    public void C19_C20_the_countys_incentive_goes_back_by_two_of_the_county_only()
    {
        var fund = Then(
            Allocated(10),
            f => Allocate.Into(f, "c", SourceKind.CountyIncentive, "奖补", Given.Yuan(5), null, null, Slip, Day)
        );
        Ask(fund, SubAccount.Incentive, "township", Village, Slip).ThenRefused(Rejections.Forbidden);
        LiftEarmark
            .Request(new(fund, SubAccount.Incentive, null), "township", Slip, Day, Village)
            .ThenRefused(Rejections.Forbidden);
        var asked = Then(fund, f => Ask(f, SubAccount.Incentive, "township", Finance, Slip));
        ReturnSurplus.Confirm(new(asked, SubAccount.Incentive, null), Township).ThenRefused(Rejections.Forbidden);
        fund = Then(fund, f => Rests.Returned(f, null, SubAccount.Incentive));
        Assert.Equal((Given.Yuan(10), Given.Yuan(5)), (fund.AvailableFen, fund.ReturnedFen));
    }

    [Fact]
    public void C8_C20_an_earmark_is_lifted_by_two_while_nothing_is_under_way_out_of_it()
    {
        var pocket = SubAccount.ForYear(2026);
        var fund = Then(
            Allocated(10),
            f =>
                Allocate.Into(
                    f,
                    "g",
                    SourceKind.Charity,
                    "慈善",
                    Given.Yuan(5),
                    "donor-1",
                    new Earmark(2026),
                    Slip,
                    Day
                )
        );
        fund = Then(fund, f => FundDecider.Reserve(f, "x", 2026, SubAccount.General, Given.Yuan(4), 1)); // not its own
        Rests
            .Lifted(Then(fund, f => FundDecider.Reserve(f, "y", 2026, pocket, Given.Yuan(1), 1)), pocket)
            .ThenRefused(Rejections.WrongState);
        LiftEarmark.Confirm(new(fund, pocket, null), Township).ThenRefused(Rejections.WrongState);
        fund = Then(fund, f => Rests.Lifted(f, pocket));
        Assert.Equal(Given.Yuan(11), fund.Pocket(SubAccount.General).Available);
    }

    private static readonly string[] Pockets = [SubAccount.General, SubAccount.ForYear(2026), SubAccount.Incentive];

    /// <summary>
    /// Any history of valid and invalid commands: conserved after each event, both axes tiled, no fen out that never
    /// came in, every entry balanced, and every fen that came in can be found where it is now.
    /// </summary>
    [Fact]
    public Task Conservation_tiling_and_provenance_hold_over_any_history() =>
        // Half of the amounts are a single fen: many small gifts under one payment, and one-fen lines that come back
        // again and again.
        Gen.Select(Gen.Int[0, 14], Gen.Int[0, 4], Gen.OneOf(Gen.Const(1L), Gen.Long[1, 400]))
            .Array[0, 80]
            .SampleAsync(
                async commands =>
                {
                    var fund = With();
                    var log = new List<IEventOf<Fund>>();
                    foreach (var (command, pick, fen) in commands)
                    {
                        var (id, amount, pocket) = ($"app-{pick}", new Money(fen), Pockets[pick % 3]);
                        var held = fund.Commitments.GetValueOrDefault(id);
                        var gift = log.OfType<FundsAllocated>()
                            .OrderBy(a => a.AllocationId, StringComparer.Ordinal)
                            .ElementAtOrDefault(pick);
                        Decision<Fund>? decision = command switch
                        {
                            0 => Allocate.Into(
                                fund,
                                $"a{log.Count}",
                                SourceKind.CollectiveIncome,
                                "租金",
                                amount,
                                null,
                                null,
                                Slip,
                                Day
                            ),
                            1 => Allocate.Into(
                                fund,
                                $"g{log.Count}",
                                SourceKind.Charity,
                                "慈善",
                                amount,
                                "donor-1",
                                pick > 1 ? new Earmark(2026) : null,
                                Slip,
                                Day
                            ),
                            2 => Allocate.Into(
                                fund,
                                $"c{log.Count}",
                                SourceKind.CountyIncentive,
                                "奖补",
                                amount,
                                null,
                                null,
                                Slip,
                                Day
                            ),
                            3 or 4 when held is null => FundDecider.Reserve(fund, id, 2026, pocket, amount, 1),
                            5 when held is { ReservedFen.Fen: > 1 } => FundDecider.Release(
                                fund,
                                id,
                                [LastFen(log, id)],
                                "异议成立"
                            ),
                            6 or 7 when held is { ReservedFen.IsPositive: true } => FundDecider.Pay(
                                fund,
                                id,
                                FundDecider.MemberSubsidy,
                                held.ReservedFen,
                                held.ReservedFen,
                                1,
                                "NX",
                                Slip,
                                Day
                            ),
                            8 when held is { InTransitFen.IsPositive: true } => FundDecider.Credit(
                                fund,
                                id,
                                new Money(Math.Min(fen, held.InTransitFen.Fen)),
                                1
                            ),
                            9 when held is { CreditedFen.Fen: > 1 } or { InTransitFen.Fen: > 1 } => FundDecider.Refund(
                                fund,
                                id,
                                "member-1",
                                LastFen(log, id),
                                held.CreditedFen.Fen > 1,
                                "TH",
                                Slip,
                                Day
                            ),
                            10 when gift is not null && !fund.Reversals.ContainsKey(gift.AllocationId) =>
                                Reverse.Request(
                                    fund,
                                    gift.AllocationId,
                                    new Lot(gift.SubAccount, gift.Fen),
                                    "second",
                                    "x",
                                    Given.Actor("first")
                                ),
                            10 when gift is not null => Reverse.Confirm(
                                fund,
                                gift.AllocationId,
                                new Lot(gift.SubAccount, gift.Fen),
                                Given.Actor("second")
                            ),
                            11 => Rests.Lifted(fund, pocket),
                            12 when pick == 0 => Rests.Returned(fund, null, pocket),
                            12 when held is { InTransitFen.IsPositive: true } => FundDecider.ReturnPayment(
                                fund,
                                id,
                                held.InTransitFen,
                                1,
                                "NXTH",
                                Slip
                            ),
                            13 => BankFee.Charge(
                                new(fund, [], Given.Yuan(1_000_000)),
                                new($"fee{log.Count}", amount, "SXF", Slip, Day)
                            ),
                            14 when fund.OpenFees.Keys.FirstOrDefault() is { } fee => BankFee.Reimburse(
                                new(fund, [], Money.Zero),
                                new(fee, null, "BZ", Slip, Day)
                            ),
                            _ => default(Decision<Fund>?),
                        };
                        if (decision is not { Rejection: null } made)
                            continue;
                        fund = fund.And(Id, made.Events)!; // throws when money is not conserved
                        // Released or refunded, it did not come in again.
                        Assert.Equal(
                            fund.AllocatedFen - fund.ReturnedFen,
                            Money.Sum(fund.SubAccounts.Keys.Select(fund.AllocatedTo))
                        );
                        log.AddRange(made.Events);
                    }
                    Assert.Equal(Money.Zero, Money.Sum(Postings.TrialBalance(log).Select(b => b.AmountFen)));
                    Assert.Equal(
                        fund.AvailableFen,
                        Money.Sum(
                            Postings
                                .TrialBalance(log)
                                .Where(b => b.Account.StartsWith("available:", StringComparison.Ordinal))
                                .Select(b => b.AmountFen)
                        )
                    );
                    var axes = new AxesInMemory(log.SelectMany(e => AxisEntry.Of(Id, e)));
                    foreach (var (name, pocket) in fund.SubAccounts)
                    {
                        Tiles(axes.Of(Axis.In, $"{Id}/{name}"), pocket.InFen);
                        Tiles(axes.Of(Axis.Out, $"{Id}/{name}"), pocket.OutFen);
                    }
                    var places = new List<Place>();
                    foreach (var lot in log.OfType<FundsAllocated>())
                    {
                        var span = FenSpan.Of(Id, lot.SubAccount, lot.Fen);
                        var down = await axes.DownAsync(span);
                        places.AddRange(down);
                        // Down of up is the identity, and up of down too: a line's fen came from lots whose fen are
                        // found in that line again.
                        var lotsFen = new List<FenInterval>();
                        foreach (var held in down.Where(p => p.Kind == PlaceKind.Used))
                        {
                            var again = new List<Place>();
                            foreach (var source in await axes.UpAsync(held.Span))
                            {
                                again.AddRange(await axes.DownAsync(source.Allocation.Span with { Fen = source.Fen }));
                                if (source.Allocation.Span == span)
                                    lotsFen.Add(source.Fen);
                                Assert.All(source.Path, step => Assert.Equal(source.Fen.Length, step.Fen.Length));
                                Assert.Equal(source.Fen, source.Path[^1].Fen);
                            }
                            Assert.Equal(held.Span.Fen, Assert.Single(FenInterval.Runs(again.Select(p => p.Span.Fen))));
                            Assert.All(
                                again,
                                p =>
                                    Assert.Equal(
                                        (PlaceKind.Used, held.Span.Account, held.ApplicationId),
                                        (p.Kind, p.Span.Account, p.ApplicationId)
                                    )
                            );
                        }
                        Assert.Equal(
                            Money.Sum(down.Where(p => p.Kind == PlaceKind.Used).Select(p => p.Span.Fen.Length)),
                            Money.Sum(lotsFen.Select(f => f.Length))
                        );
                    }
                    Money At(PlaceKind kind) =>
                        Money.Sum(places.Where(p => p.Kind == kind).Select(p => p.Span.Fen.Length));
                    Assert.Equal(
                        (fund.AvailableFen, fund.ReturnedFen, fund.ReservedFen + fund.InTransitFen + fund.CreditedFen),
                        (At(PlaceKind.Available), At(PlaceKind.Returned), At(PlaceKind.Used))
                    );
                },
                iter: 10_000
            );

    /// <summary>The last fen still held for the application, as a line of its own.</summary>
    private static FenInterval LastFen(List<IEventOf<Fund>> log, string id)
    {
        var reserved = log.OfType<FundsReserved>().Last(r => r.ApplicationId == id).Fen;
        var back = log.Count(e =>
            e is ReservationReleased r && r.ApplicationId == id || e is FundsRefunded f && f.ApplicationId == id
        );
        return new FenInterval(reserved.To - back - 1, reserved.To - back);
    }

    private static void Tiles(IEnumerable<FenInterval> intervals, long to)
    {
        var at = 0L;
        foreach (var interval in intervals)
        {
            Assert.Equal(at, interval.From);
            at = interval.To;
        }
        Assert.Equal(to, at);
    }

    [Fact]
    public void Every_event_of_a_fund_that_names_an_amount_says_what_it_moves() =>
        Assert.All(
            typeof(Fund).Assembly.GetTypes().Where(t => !t.IsInterface && t.IsAssignableTo(typeof(IEventOf<Fund>))),
            t => Assert.Equal(t.IsAssignableTo(typeof(IMoneyEvent)), t.IsAssignableTo(typeof(IFundMovement)))
        );

    private sealed record BankInterestReceived(string SubAccount, Money AmountFen, FenInterval Fen) : IFundMovement
    {
        string IFundMovement.Abstract => "结息";

        IReadOnlyList<Movement> IFundMovement.Movements =>
            [
                new("source:bank-interest", FundAccount.Available(SubAccount), AmountFen, "interest")
                {
                    In = new(EntryKind.Allocated, new(SubAccount, Fen), "interest"),
                },
            ];
    }

    [Fact]
    public void An_event_that_only_says_what_it_moves_is_right_everywhere()
    {
        var interest = new BankInterestReceived(SubAccount.General, Given.Yuan(1.23m), new FenInterval(1000, 1123));
        var fund = Allocated(10).And(Id, interest)!;
        Assert.Equal((Given.Yuan(11.23m), Given.Yuan(11.23m)), (fund.AvailableFen, fund.AllocatedFen));
        Assert.Equal(1123, fund.Pocket(SubAccount.General).InFen);
        Assert.Equal(
            [
                new AccountBalance("available:general", Given.Yuan(1.23m)),
                new AccountBalance("source:bank-interest", Money.Zero - Given.Yuan(1.23m)),
            ],
            Postings.TrialBalance([interest])
        );
        var entry = Assert.Single(AxisEntry.Of(Id, interest));
        Assert.Equal((Axis.In, FenSpan.Of(Id, SubAccount.General, interest.Fen)), (entry.Axis, entry.Span));
        var booked = Reconciliation.Of([], [(7, Day, interest)], [(7, Day, interest)]).UnmatchedEntries;
        Assert.Equal([new BookedEntry(7, Day, true, Given.Yuan(1.23m), null, "bank_interest_received")], booked);
    }

    [Fact]
    public void A_movement_that_lays_other_fen_than_it_moves_is_refused() =>
        Assert.Throws<InvariantViolationException>(() =>
            With(new BankInterestReceived(SubAccount.General, Given.Yuan(1), new FenInterval(0, 101)))
        );

    [Fact]
    public void Every_event_of_an_aggregate_is_known_to_it()
    {
        foreach (var aggregate in EventTypes.Aggregates)
        foreach (var type in EventTypes.All.Where(t => t.IsAssignableTo(typeof(IEventOf<>).MakeGenericType(aggregate))))
        {
            var evolve = aggregate.GetMethod("Evolve")!;
            var (state, e) = (Activator.CreateInstance(aggregate), RuntimeHelpers.GetUninitializedObject(type));
            // Empty as it is, it may well be refused; not as one that nobody knows.
            var why = Record.Exception(() => evolve.Invoke(null, [state, e]))?.InnerException;
            Assert.False(why is InvariantViolationException && why.Message.Contains("nobody knows"), $"{type.Name}");
        }
    }

    private sealed record Unheard : IEventOf<Fund>;

    [Fact]
    public void An_event_that_nobody_knows_is_never_passed_over() =>
        Assert.Throws<InvariantViolationException>(() => With(new Unheard()));
}

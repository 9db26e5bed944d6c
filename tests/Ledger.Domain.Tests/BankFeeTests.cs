using Ledger.Domain.Funds;
using Ledger.Domain.Funds.Steps;

namespace Ledger.Domain.Tests;

/// <summary>What the bank takes, and gives, beside the ring-fence's own movements (L17).</summary>
public sealed class BankFeeTests
{
    private const string Id = "fund-1";
    private static readonly Money Most = Given.Yuan(200);
    private static readonly string[] Slip = [new('a', 64)];
    private static readonly DateOnly Day = new(2026, 3, 21);

    private static readonly Fund Hundred = Given.State<Fund>(
        Id,
        new FundOpened("collective-1", "示范村", "370811102201"),
        new FundsAllocated("a", SourceKind.CollectiveIncome, "租金", "general", new(10_000), new(0, 10_000), Slip)
    );

    private static Decision<Fund> Take(
        Fund fund,
        long fen = 12_00,
        DateOnly? on = null,
        params EarlierEntry[] earlier
    ) => BankFee.Charge(new(fund, earlier, Most), new("fee-1", new Money(fen), "SXF1", Slip, on ?? Day));

    private static Decision<Fund> MakeGood(Fund fund, string fee = "fee-1", DateOnly? on = null) =>
        BankFee.Reimburse(new(fund, [], Most), new(fee, null, "BZ1", Slip, on ?? Day));

    [Fact]
    public void L17_a_fee_lessens_nothing_that_members_can_get_and_is_owed_until_it_is_made_good()
    {
        var taken = Hundred.And(Id, Take(Hundred).Then())!;
        Assert.Equal((Hundred.AvailableFen, new Money(12_00)), (taken.AvailableFen, taken.OwedFen));
        CloseFund
            .Decide(
                Given.State<Fund>(Id, new FundOpened("c", "n", "370811102201")) with
                {
                    OpenFees = taken.OpenFees,
                },
                "x",
                Slip
            )
            .ThenRefused(Rejections.WrongState);
        var good = taken.And(Id, MakeGood(taken).Then())!;
        Assert.Equal((Hundred.AvailableFen, Money.Zero), (good.AvailableFen, good.OwedFen));
        MakeGood(good).ThenRefused(Rejections.NotFound);
    }

    [Fact]
    public void L17_the_bank_account_is_less_by_the_fee_and_the_books_balance()
    {
        var events = new List<IEventOf<Fund>>(Take(Hundred).Then());
        Assert.Equal(
            [new("bank-fees", new Money(-12_00)), new("owed", new Money(12_00))],
            Postings.TrialBalance(events)
        );
        var reconciled = Reconciliation.Of(
            [new BankLine(2, Day, false, new Money(12_00), "SXF1")],
            [(1, Day, events[0])],
            [(1, Day, events[0])]
        );
        Assert.Single(reconciled.Matched);
        Assert.Empty(reconciled.UnmatchedEntries);
        events.AddRange(MakeGood(Hundred.And(Id, events)!).Then());
        Assert.Empty(Postings.TrialBalance(events));
    }

    [Fact]
    public void L17_a_fee_has_an_amount_a_slip_and_an_open_year_and_is_not_made_good_before_it_was_taken()
    {
        Take(Hundred, 0).ThenRefused(Rejections.AmountInvalid);
        BankFee
            .Charge(new(Hundred, [], Most), new("fee-1", new Money(1), "SXF1", [], Day))
            .ThenRefused(Rejections.EvidenceMissing);
        Take(Hundred with { ClosedThrough = 2026 }).ThenRefused(Rejections.YearClosed);
        Take(Hundred with { IsClosed = true }).ThenRefused(Rejections.FundClosed);
        var taken = Hundred.And(Id, Take(Hundred).Then())!;
        Assert.Equal(Day, MakeGood(taken, on: Day.AddDays(-1)).ThenRefused(Rejections.DateBeforeBasis).NotBefore);
        MakeGood(taken, "fee-2").ThenRefused(Rejections.NotFound);
        Take(Hundred, earlier: new EarlierEntry(true, SameMoney.FeeCharged, "fee-0", Day, new Money(12_00)))
            .ThenRefused(Rejections.PossibleDuplicate);
        Assert.All(
            (Booking[])[Booking.BankFee, Booking.FeeReimbursed],
            b => Assert.Equal([SameMoney.FeeCharged, SameMoney.FeeReimbursed], SameMoney.SlipsOf(b))
        );
    }

    [Fact]
    public void L17_fees_that_are_not_made_good_have_a_ceiling_one_by_one_and_together()
    {
        Assert.Equal(Most, Take(Hundred, 999_999_99).ThenRefused(Rejections.BankFeeExceeded).LeftAmount);
        Take(Hundred, 200_01).ThenRefused(Rejections.BankFeeExceeded);
        var taken = Hundred.And(Id, Take(Hundred, 150_00).Then())!;
        Assert.Equal(Given.Yuan(50), Take(taken, 50_01).ThenRefused(Rejections.BankFeeExceeded).LeftAmount);
        Take(taken, 50_00).Then();
        Take(taken.And(Id, MakeGood(taken).Then())!, 200_00).Then();
    }

    [Fact]
    public void L17_interest_is_money_of_the_ring_fence_and_nobodys_gift()
    {
        var order = new Allocate.Order("i", SourceKind.BankInterest, "第一季度结息", new Money(321), null, Slip, Day);
        var interest = (FundsAllocated)
            Assert.Single(Allocate.Decide(new(Hundred, null, []), order, Given.Actor("li", "village-finance")).Then());
        Assert.Equal(("general", new FenInterval(10_000, 10_321)), (interest.SubAccount, interest.Fen));
        Allocate
            .Decide(
                new(Hundred, null, []),
                order with
                {
                    Earmark = new Earmark(2026),
                },
                Given.Actor("li", "village-finance")
            )
            .ThenRefused(Rejections.EarmarkMismatch);
        Allocate
            .Decide(new(Hundred, null, []), order, Given.Actor("cai", "county-finance"))
            .ThenRefused(Rejections.FieldInvalid);
    }
}

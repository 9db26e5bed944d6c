using Ledger.Domain.Funds;

namespace Ledger.Domain.Tests;

/// <summary>The same money booked twice is asked about; what one paper or transfer may stand for is not.</summary>
public sealed class SameMoneyTests
{
    private static readonly string[] Nobody = [];
    private static readonly Fund Fund = Given.State<Fund>(
        "fund-1",
        new FundOpened("collective-1", "n", "370811102201"),
        new FundsAllocated(
            "allocation-1",
            SourceKind.CollectiveIncome,
            "租金",
            "general",
            new Money(1_000_000),
            new FenInterval(0, 1_000_000),
            [new('a', 64)]
        )
    );

    private static EarlierEntry Slip(string type) =>
        new(false, type, "allocation-1", new DateOnly(2026, 3, 1), new Money(1_000_000));

    private static EarlierEntry Reference(string type, string? member = null) =>
        Slip(type) with
        {
            ByReference = true,
            Id = "application-1",
            MemberId = member,
        };

    [Theory]
    [
        InlineData(Booking.Allocation, SameMoney.Allocated, true),
        InlineData(Booking.Allocation, SameMoney.Refunded, true),
        InlineData(Booking.Allocation, SameMoney.Paid, true)
    ]
    [InlineData(Booking.Payment, SameMoney.Paid, true), InlineData(Booking.Payment, SameMoney.Allocated, true)]
    [
        InlineData(Booking.Refund, SameMoney.Allocated, true),
        InlineData(Booking.Refund, SameMoney.Refunded, false),
        InlineData(Booking.BankReturn, SameMoney.Returned, false)
    ]
    public void One_slip_stands_for_several_people_sent_back_and_for_no_other_two_entries(
        Booking booking,
        string earlier,
        bool same
    ) => Assert.Equal(same, SameMoney.Among([Slip(earlier)], Fund, booking, Nobody, Nobody) is not null);

    [Fact]
    public void One_bank_reference_is_one_payment_and_brings_each_person_back_once()
    {
        Assert.NotNull(SameMoney.Among([Reference(SameMoney.Paid)], Fund, Booking.Payment, Nobody, Nobody));
        Assert.NotNull(SameMoney.Among([Reference(SameMoney.Paid)], Fund, Booking.Refund, ["m1"], Nobody));
        Assert.Null(SameMoney.Among([Reference(SameMoney.Refunded, "m1")], Fund, Booking.Refund, ["m2"], Nobody));
        Assert.NotNull(
            SameMoney.Among(
                [Reference(SameMoney.Refunded, "m1"), Reference(SameMoney.Refunded, "m2")],
                Fund,
                Booking.Refund,
                ["m2"],
                Nobody
            )
        );
        Assert.Null(SameMoney.Among([Reference(SameMoney.Returned)], Fund, Booking.BankReturn, ["m1"], ["m2"]));
        Assert.NotNull(
            SameMoney.Among([Reference(SameMoney.Returned)], Fund, Booking.BankReturn, ["m1"], ["m1", "m2"])
        );
    }

    [Fact]
    public void A_reversed_allocation_leaves_its_slip_to_the_right_entry()
    {
        var asked = Fund.And("fund-1", new ReversalRequested("allocation-1", "first", "second", "x"))!;
        Assert.NotNull(SameMoney.Among([Slip(SameMoney.Allocated)], asked, Booking.Allocation, Nobody, Nobody));
        var reversed = asked.And(
            "fund-1",
            new AllocationReversed(
                "allocation-1",
                "general",
                new Money(1_000_000),
                new FenInterval(0, 1_000_000),
                null,
                null,
                "second"
            )
        )!;
        Assert.Null(SameMoney.Among([Slip(SameMoney.Allocated)], reversed, Booking.Allocation, Nobody, Nobody));
        Assert.NotNull(
            SameMoney.Among(
                [Slip(SameMoney.Allocated), Slip(SameMoney.Allocated) with { Id = "allocation-2" }],
                reversed,
                Booking.Allocation,
                Nobody,
                Nobody
            )
        );
    }

    [Fact]
    public void It_names_the_earlier_entry_and_is_booked_when_somebody_says_why()
    {
        Assert.Null(SameMoney.Refusal(null, null));
        Assert.Null(SameMoney.Refusal(Slip(SameMoney.Allocated), "两笔收入同一回单"));
        var asked = SameMoney.Refusal(Slip(SameMoney.Allocated), null)!;
        Assert.Equal((Rejections.PossibleDuplicate, "confirmDuplicate"), (asked.Code, asked.Field));
        Assert.Equal("同一份凭证已用于 2026-03-01 的划入 10000.00 元（allocation-1）", asked.Detail);
    }
}

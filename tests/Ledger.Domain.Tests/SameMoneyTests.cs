using Ledger.Domain.Funds;

namespace Ledger.Domain.Tests;

/// <summary>The same money booked twice is asked about; what one paper or transfer may stand for is not.</summary>
public sealed class SameMoneyTests
{
    private static readonly string[] Nobody = [];

    private static EarlierEntry Slip(string type) => new(false, type, "allocation-1", new DateOnly(2026, 3, 1), new Money(1_000_000));
    private static EarlierEntry Reference(string type, string? member = null) => Slip(type) with { ByReference = true, Id = "application-1", MemberId = member };

    [Theory]
    [InlineData(Booking.Allocation, SameMoney.Allocated, true), InlineData(Booking.Allocation, SameMoney.Refunded, true), InlineData(Booking.Allocation, SameMoney.Paid, true)]
    [InlineData(Booking.Payment, SameMoney.Paid, true), InlineData(Booking.Payment, SameMoney.Allocated, true)]
    [InlineData(Booking.Refund, SameMoney.Allocated, true), InlineData(Booking.Refund, SameMoney.Refunded, false), InlineData(Booking.BankReturn, SameMoney.Returned, false)]
    public void One_slip_stands_for_several_people_sent_back_and_for_no_other_two_entries(Booking booking, string earlier, bool same) =>
        Assert.Equal(same, SameMoney.Among([Slip(earlier)], booking, Nobody, Nobody) is not null);

    [Fact]
    public void One_bank_reference_is_one_payment_and_brings_each_person_back_once()
    {
        Assert.NotNull(SameMoney.Among([Reference(SameMoney.Paid)], Booking.Payment, Nobody, Nobody));
        Assert.NotNull(SameMoney.Among([Reference(SameMoney.Paid)], Booking.Refund, ["m1"], Nobody));
        Assert.Null(SameMoney.Among([Reference(SameMoney.Refunded, "m1")], Booking.Refund, ["m2"], Nobody));
        Assert.NotNull(SameMoney.Among([Reference(SameMoney.Refunded, "m1"), Reference(SameMoney.Refunded, "m2")], Booking.Refund, ["m2"], Nobody));
        Assert.Null(SameMoney.Among([Reference(SameMoney.Returned)], Booking.BankReturn, ["m1"], ["m2"]));
        Assert.NotNull(SameMoney.Among([Reference(SameMoney.Returned)], Booking.BankReturn, ["m1"], ["m1", "m2"]));
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

using System.Text.Json;
using CsCheck;

namespace Ledger.Domain.Tests;

public sealed class MoneyTests
{
    [Theory]
    [
        InlineData("300", 30000),
        InlineData("300.5", 30050),
        InlineData("0.01", 1),
        InlineData("1,200.50", 120050),
        InlineData(" 7.10 ", 710),
        InlineData("1,234,567.89", 123456789)
    ]
    [
        InlineData("¥5", 500),
        InlineData("￥ 300", 30000),
        InlineData("300元", 30000),
        InlineData(" 120 元", 12000),
        InlineData("１２０．５０", 12050),
        InlineData("１，２００", 120000)
    ]
    public void Reads_yuan(string text, long fen)
    {
        Assert.Equal(fen, Money.Parse(text, out var fault).Fen);
        Assert.Null(fault);
    }

    [
        Theory,
        InlineData("0"),
        InlineData("-1"),
        InlineData("0.001"),
        InlineData("abc"),
        InlineData(""),
        InlineData("1e3"),
        InlineData("1000000000000.01"),
        InlineData("99999999999999999999999999999999")
    ]
    [
        InlineData("1,20"),
        InlineData("1,2,0"),
        InlineData("300,50"),
        InlineData("3,00"),
        InlineData("1000,00"),
        InlineData("1,2345"),
        InlineData("1 200"),
        InlineData("(100)"),
        InlineData("300.")
    ]
    [InlineData("4.99999999999999999999999999999999"), InlineData("0.10000000000000000000000000001")]
    [InlineData("$120"), InlineData("3万"), InlineData("叁佰元整"), InlineData("TRUE"), InlineData("元")]
    public void Refuses_what_is_not_an_amount(string text)
    {
        Money.Parse(text, out var fault);
        Assert.NotNull(fault);
    }

    [Theory]
    [InlineData("1,000.00", 100_000L)]
    [InlineData("-￥300.5", -30_050L)]
    [InlineData("0", 0L)]
    [InlineData("300,50", null)]
    [InlineData("-300,50", null)]
    [InlineData("-1.005", null)]
    [InlineData("", null)]
    [InlineData("99999999999999999999999999999999", null)]
    public void What_is_asked_about_may_be_nought_or_less(string text, long? fen)
    {
        var amount = Money.Asked(text, out var fault);
        Assert.Equal(fen is null, fault is not null);
        Assert.Equal(fen ?? 0, amount.Fen);
    }

    [Fact]
    public void Text_of_any_amount_reads_back_and_is_stored_as_whole_fen() =>
        Gen.Long[1, Money.MaxEntryFen]
            .Sample(fen =>
            {
                var money = new Money(fen);
                Assert.Equal(money, Money.Parse(money.ToString(), out var fault));
                Assert.Null(fault);
                Assert.Equal($"{fen}", JsonSerializer.Serialize(money));
                Assert.Equal(money, JsonSerializer.Deserialize<Money>($"{fen}"));
            });

    /// <summary>A decimal number keeps 28 digits: what reading rounds is refused by the digits written.</summary>
    [Theory]
    [InlineData("4.99999999999999999999999999999999", null), InlineData("0.10000000000000000000000000001", null)]
    [InlineData("1.00000000000000000000000000001e1", null), InlineData("5.00999999999999999999999999999999", null)]
    [InlineData("0.001", null), InlineData("0.1000000000000000000000000000000000", 10L), InlineData("1.2345e2", 12345L)]
    public void A_number_is_whole_fen_by_the_digits_that_are_written(string digits, long? fen)
    {
        var yuan = decimal.Parse(digits, System.Globalization.NumberStyles.Float, null);
        var read = Money.FromYuan(digits, yuan, out var fault);
        Assert.Equal((fen ?? 0, fen is null), (read.Fen, fault is not null));
    }

    [Fact]
    public void Overflow_is_loud() => Assert.Throws<OverflowException>(() => new Money(long.MaxValue) + new Money(1));

    [Fact]
    public void Overlap_of_intervals_is_what_both_cover() =>
        Gen.Select(Gen.Long[0, 50], Gen.Long[0, 20], Gen.Long[0, 50], Gen.Long[0, 20])
            .Sample(
                (a, la, b, lb) =>
                {
                    var (x, y) = (new FenInterval(a, a + la), new FenInterval(b, b + lb));
                    var counted = Enumerable
                        .Range(0, 100)
                        .Count(k => k >= x.From && k < x.To && k >= y.From && k < y.To);
                    Assert.Equal(counted, x.Overlap(y)?.Length.Fen ?? 0);
                }
            );

    [Theory]
    [
        InlineData(0, "零元整"),
        InlineData(1, "壹分"),
        InlineData(10, "壹角整"),
        InlineData(101, "壹元零壹分"),
        InlineData(110, "壹元壹角整"),
        InlineData(123, "壹元贰角叁分")
    ]
    [
        InlineData(100_000, "壹仟元整"),
        InlineData(100_500, "壹仟零伍元整"),
        InlineData(1_001_000, "壹万零壹拾元整"),
        InlineData(1_010_000, "壹万零壹佰元整"),
        InlineData(1_100_000, "壹万壹仟元整")
    ]
    [
        InlineData(10_000_000, "壹拾万元整"),
        InlineData(10_010_001, "壹拾万零壹佰元零壹分"),
        InlineData(1_000_000_000_00, "壹拾亿元整"),
        InlineData(1_000_000_010_00, "壹拾亿零壹拾元整")
    ]
    [
        InlineData(1_234_567_890_12, "壹拾贰亿叁仟肆佰伍拾陆万柒仟捌佰玖拾元壹角贰分"),
        InlineData(2_000_500_000_00, "贰拾亿零伍拾万元整"),
        InlineData(1_000_000_000_000_00, "壹万亿元整")
    ]
    [InlineData(-2_832_000, "负贰万捌仟叁佰贰拾元整")]
    public void Capital_figures_are_those_of_vouchers(long fen, string text) =>
        Assert.Equal(text, ChineseAmount.Of(new Money(fen)));
}

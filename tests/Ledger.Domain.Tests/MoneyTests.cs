using System.Text.Json;
using CsCheck;

namespace Ledger.Domain.Tests;

public sealed class MoneyTests
{
    [Theory]
    [InlineData("300", 30000), InlineData("300.5", 30050), InlineData("0.01", 1), InlineData("1,200.50", 120050), InlineData(" 7.10 ", 710)]
    public void Reads_yuan(string text, long fen)
    {
        Assert.Equal(fen, Money.Parse(text, out var fault).Fen);
        Assert.Null(fault);
    }

    [Theory, InlineData("0"), InlineData("-1"), InlineData("0.001"), InlineData("abc"), InlineData(""), InlineData("1e3"), InlineData("1000000000000.01"), InlineData("¥5")]
    public void Refuses_what_is_not_an_amount(string text)
    {
        Money.Parse(text, out var fault);
        Assert.NotNull(fault);
    }

    [Fact]
    public void Text_of_any_amount_reads_back_and_is_stored_as_whole_fen() => Gen.Long[1, Money.MaxEntryFen].Sample(fen =>
    {
        var money = new Money(fen);
        Assert.Equal(money, Money.Parse(money.ToString(), out var fault));
        Assert.Null(fault);
        Assert.Equal($"{fen}", JsonSerializer.Serialize(money));
        Assert.Equal(money, JsonSerializer.Deserialize<Money>($"{fen}"));
    });

    [Fact]
    public void Overflow_is_loud() => Assert.Throws<OverflowException>(() => new Money(long.MaxValue) + new Money(1));

    [Fact]
    public void Overlap_of_intervals_is_what_both_cover() =>
        Gen.Select(Gen.Long[0, 50], Gen.Long[0, 20], Gen.Long[0, 50], Gen.Long[0, 20]).Sample((a, la, b, lb) =>
        {
            var (x, y) = (new FenInterval(a, a + la), new FenInterval(b, b + lb));
            var counted = Enumerable.Range(0, 100).Count(k => k >= x.From && k < x.To && k >= y.From && k < y.To);
            Assert.Equal(counted, x.Overlap(y)?.Length.Fen ?? 0);
        });
}

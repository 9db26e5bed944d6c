using System.Globalization;
using Ledger.Domain.Funds;

namespace Ledger.Domain.Screening;

/// <summary>Screens over numbers: those that are counted up, and the first digits of amounts.</summary>
public static class NumberScreens
{
    /// <summary>A number of a paper with what stands before its last digits.</summary>
    private sealed record Counted(string Prefix, int Digits, long Value, string Village, FoundLine Line);

    /// <summary>
    /// Numbers that are missing in what is nearly one sequence: the bank's references of a fund's payments, and where
    /// a whole county is looked at the agency's receipts.
    /// </summary>
    public static IEnumerable<ScreenFinding> Gaps(YearFacts facts, ScreenLimits limits)
    {
        var banks = facts
            .Entries.Where(e => e.IsOfYear && e.Type == SameMoney.Paid && e.BankReference is not null)
            .GroupBy(e => e.FundId)
            .Select(g => g.Select(e => Count(e.BankReference!, e.Village, MoneyScreens.Of(e))));
        var receipts = facts
            .Numbers.GroupBy(n => n.Series)
            .Select(g => g.Select(n => Count(n.Number, facts.Region, new(n.Stream, Money.Zero, null, n.Sequence))));
        return from series in banks.Concat(receipts)
            from numbers in series.OfType<Counted>().GroupBy(c => (c.Prefix, c.Digits))
            let sorted = numbers.DistinctBy(n => n.Value).OrderBy(n => n.Value).ToList()
            let range = sorted[^1].Value - sorted[0].Value + 1
            let missing = range - sorted.Count
            where sorted.Count >= limits.SeriesLeast && missing > 0 && missing <= range / 100m * limits.SeriesPercent
            let around = sorted.Zip(sorted.Skip(1)).Where(p => p.Second.Value - p.First.Value > 1).ToList()
            select ScreenFinding.Of(
                ScreenKind.NumberGap,
                facts,
                sorted.Select(n => n.Village),
                Money.Zero,
                $"{Written(sorted[0])} 至 {Written(sorted[^1])} 缺 {missing} 号，首个为 {Written(Next(around[0].First))}",
                [.. around.SelectMany(p => new[] { p.First.Line, p.Second.Line }).Distinct()],
                [],
                []
            );
    }

    private static Counted Next(Counted number) => number with { Value = number.Value + 1 };

    private static string Written(Counted number) =>
        number.Prefix + number.Value.ToString(CultureInfo.InvariantCulture).PadLeft(number.Digits, '0');

    /// <summary>Null: it does not end in digits.</summary>
    private static Counted? Count(string number, string village, FoundLine line)
    {
        var text = DocumentNumber.Canonical(number);
        var digits = 0;
        while (digits < Math.Min(text.Length, 15) && char.IsAsciiDigit(text[^(digits + 1)]))
            digits++;
        return digits == 0
            ? null
            : new(
                text[..^digits],
                digits,
                long.Parse(text.AsSpan(text.Length - digits), CultureInfo.InvariantCulture),
                village,
                line
            );
    }

    /// <summary>An event of a stream is gone, or somebody wrote a number that is none of the ledger's.</summary>
    public static IEnumerable<ScreenFinding> MissingEvents(YearFacts facts) =>
        facts.Missing.Select(m =>
            ScreenFinding.Of(
                ScreenKind.NumberGap,
                facts,
                [m.Village],
                Money.Zero,
                $"第 {m.From} 至 {m.To} 个事件不在",
                [new(m.Stream, Money.Zero)],
                [],
                [],
                $"{m.Stream} {m.From}"
            )
        );

    /// <summary>First digits that chance would not give; only where there is enough to say so.</summary>
    public static IEnumerable<ScreenFinding> Digits(YearFacts facts, FirstDigits digits, ScreenLimits limits)
    {
        if (!digits.IsEnough || digits.ChiSquare <= limits.DigitsChiSquare)
            yield break;
        var most = Enumerable.Range(1, 9).MaxBy(d => digits.Observed[d - 1] - digits.Count * FirstDigits.Shares[d - 1]);
        var bookings = MoneyScreens.Bookings(facts);
        yield return ScreenFinding.Of(
            ScreenKind.FirstDigits,
            facts,
            [],
            Money.Sum(bookings.Select(b => b.AmountFen)),
            $"{digits.Count} 笔，χ² = {digits.ChiSquare}；首位为 {most} 的最多出，列在下面",
            [
                .. bookings
                    .Where(b => b.AmountFen.IsPositive && FirstDigits.Digit(b.AmountFen.Fen) == most)
                    .Select(b => MoneyScreens.Of(b.First) with { AmountFen = b.AmountFen }),
            ],
            [],
            [],
            facts.Region
        );
    }
}

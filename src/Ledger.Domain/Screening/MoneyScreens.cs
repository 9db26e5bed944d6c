using Ledger.Domain.Funds;

namespace Ledger.Domain.Screening;

/// <summary>Screens over what came into the funds and left them.</summary>
public static class MoneyScreens
{
    /// <summary>A transfer or a receipt of money, also where it took several events.</summary>
    public sealed record Booking(IReadOnlyList<ScreenedEntry> Entries)
    {
        public ScreenedEntry First => Entries[0];
        public Money AmountFen => Money.Sum(Entries.Select(e => e.AmountFen));
    }

    /// <summary>Those of the year, fees apart: what an amount can be told by.</summary>
    public static IReadOnlyList<Booking> Bookings(YearFacts facts) =>
        [
            .. facts
                .Entries.Where(e => e.IsOfYear && !IsFee(e))
                .GroupBy(e => (e.Booking, Number(e)))
                .Select(g => new Booking([.. g])),
        ];

    private static bool IsFee(ScreenedEntry e) => e.Type is SameMoney.FeeCharged or SameMoney.FeeReimbursed;

    private static string Number(ScreenedEntry e) =>
        e.BankReference is { } number ? DocumentNumber.Canonical(number) : "";

    /// <summary>
    /// One number for two transfers of a kind. One transfer of the agency may bring several people's money back.
    /// </summary>
    public static IEnumerable<ScreenFinding> BankReferenceTwice(YearFacts facts) =>
        from same in facts.Entries.Where(e => e.BankReference is not null).GroupBy(e => (e.Type, Number(e)))
        let entries = same.ToList()
        let times = entries.DistinctBy(Transfer).Count()
        where times > 1 && entries.Any(e => e.IsOfYear)
        select Finding(
            ScreenKind.BankReferenceTwice,
            facts,
            entries,
            $"流水号 {entries[0].BankReference} 用了 {times} 次，合计 {Total(entries)} 元"
        );

    private static string Transfer(ScreenedEntry e) =>
        e.Type == SameMoney.Refunded ? $"{e.FundId} {e.On:yyyy-MM-dd}" : e.Booking;

    /// <summary>
    /// One paper for two of what came in or was paid; as where it is booked (<see cref="SameMoney.SlipsOf"/>), a paper
    /// may well stand for several people who are sent back, and a fee stands on its transfer's own slip.
    /// </summary>
    public static IEnumerable<ScreenFinding> SlipTwice(YearFacts facts)
    {
        var told = new HashSet<string>();
        foreach (
            var same in facts
                .Entries.SelectMany(e => e.Slips.Distinct().Select(slip => (Slip: slip, IsFee: IsFee(e), Entry: e)))
                .GroupBy(s => (s.Slip, s.IsFee ? s.Entry.Type : ""))
        )
        {
            var entries = same.Select(s => s.Entry).ToList();
            var times = entries.DistinctBy(Transfer).Count();
            var isMoney = entries.Any(e => IsFee(e) || e.Type is SameMoney.Allocated or SameMoney.Paid);
            if (times < 2 || !isMoney || !entries.Any(e => e.IsOfYear))
                continue;
            var finding = Finding(
                ScreenKind.SlipTwice,
                facts,
                entries,
                $"同一份凭证用了 {times} 次，合计 {Total(entries)} 元"
            );
            // Two papers that two entries share are one thing to look at.
            if (told.Add(finding.Id))
                yield return finding;
        }
    }

    /// <summary>A fund of which most allocations are whole multiples of a large sum.</summary>
    public static IEnumerable<ScreenFinding> RoundSums(YearFacts facts, ScreenLimits limits) =>
        from fund in facts.Entries.Where(e => e.IsOfYear && e.Type == SameMoney.Allocated).GroupBy(e => e.FundId)
        let all = fund.Count()
        let round = fund.Where(e => e.AmountFen.Fen % limits.RoundFen.Fen == 0).ToList()
        where round.Count >= limits.RoundLeast && round.Count * 100 >= all * limits.RoundPercent
        select Finding(
            ScreenKind.RoundSums,
            facts,
            round,
            $"{all} 笔划入中有 {round.Count} 笔整数，合计 {Total(round)} 元"
        );

    /// <summary>
    /// Of one source, or payments: some that stay below the limit each, within days of each other, and reach it
    /// together. Each entry stands in one finding, the earliest that has it.
    /// </summary>
    public static IEnumerable<ScreenFinding> SplitBelowLimit(YearFacts facts, ScreenLimits limits) =>
        from same in Bookings(facts)
            .Where(b => b.First.Type is SameMoney.Allocated or SameMoney.Paid && b.AmountFen < limits.SplitFen)
            .GroupBy(b => (b.First.FundId, b.First.Type, b.First.Party))
        from window in Windows([.. same.OrderBy(b => b.First.On).ThenBy(b => b.First.Sequence)], limits)
        let entries = window.SelectMany(b => b.Entries).ToList()
        select Finding(
            ScreenKind.SplitBelowLimit,
            facts,
            entries,
            $"{window.Count} 笔各不到 {limits.SplitFen} 元，合计 {Total(entries)} 元"
        );

    /// <param name="bookings">By date.</param>
    private static IEnumerable<List<Booking>> Windows(IReadOnlyList<Booking> bookings, ScreenLimits limits)
    {
        for (var from = 0; from < bookings.Count; )
        {
            var last = bookings[from].First.On.AddDays(limits.SplitDays);
            var window = bookings.Skip(from).TakeWhile(b => b.First.On <= last).ToList();
            if (window.Count > 1 && Money.Sum(window.Select(b => b.AmountFen)) >= limits.SplitFen)
            {
                yield return window;
                from += window.Count;
            }
            else
                from++;
        }
    }

    private static Money Total(IEnumerable<ScreenedEntry> entries) => Money.Sum(entries.Select(e => e.AmountFen));

    public static FoundLine Of(ScreenedEntry e) => new(e.FundId, e.AmountFen, null, e.Sequence, e.On);

    private static ScreenFinding Finding(
        ScreenKind screen,
        YearFacts facts,
        IReadOnlyList<ScreenedEntry> entries,
        string says
    ) =>
        ScreenFinding.Of(
            screen,
            facts,
            entries.Select(e => e.Village),
            Total(entries),
            says,
            [.. entries.OrderBy(e => e.Sequence).Select(Of)],
            entries.Select(e => e.By),
            entries.SelectMany(e => e.Slips)
        );
}

using Ledger.Domain.Applications;

namespace Ledger.Domain.Screening;

/// <summary>Screens over who gets something.</summary>
public static class PeopleScreens
{
    /// <summary>Two standing lines of one person in one village.</summary>
    public static IEnumerable<ScreenFinding> PersonTwice(YearFacts facts) =>
        from lines in Repeated(facts, l => (l.Person, facts.Of(l).Village))
        select Finding(
            ScreenKind.PersonTwice,
            facts,
            lines,
            $"此人在本村有 {lines.Count} 行补助，合计 {Total(lines)} 元"
        );

    /// <summary>One person on the lists of two villages.</summary>
    public static IEnumerable<ScreenFinding> TwoVillages(YearFacts facts) =>
        from lines in Repeated(facts, l => l.Person)
        let villages = lines.Select(l => facts.Of(l).Village).Distinct().Count()
        where villages > 1
        select Finding(
            ScreenKind.TwoVillages,
            facts,
            lines,
            $"此人在 {villages} 个村有 {lines.Count} 行补助，合计 {Total(lines)} 元"
        );

    /// <summary>Paid after the day of death; on the day itself it may have been in the morning.</summary>
    public static IEnumerable<ScreenFinding> Deceased(YearFacts facts) =>
        from line in facts.Lines
        where line.IsPaid && facts.Deaths.TryGetValue(line.Person, out var died) && line.PaidOn > died
        let day = facts.Deaths[line.Person]
        select Finding(
            ScreenKind.Deceased,
            facts,
            [line],
            $"{day:yyyy-MM-dd} 死亡，{line.PaidOn:yyyy-MM-dd} 付款 {line.AmountFen} 元，没有退回"
        );

    /// <summary>Somebody handled the list on which he stands himself.</summary>
    public static IEnumerable<ScreenFinding> OfficerBenefits(YearFacts facts)
    {
        var officers = facts.Officers.Values.ToHashSet();
        return from line in facts.Lines
            where line.Stands && officers.Contains(line.Person)
            let acts = facts
                .Of(line)
                .Acts.Where(a => a.Accounts.Any(account => facts.Officers.GetValueOrDefault(account) == line.Person))
                .ToList()
            where acts.Count > 0
            let application = facts.Of(line)
            select ScreenFinding.Of(
                ScreenKind.OfficerBenefits,
                facts,
                [application.Village],
                line.AmountFen,
                $"经手 {acts.Count} 步的人自己在名单上，{line.AmountFen} 元",
                [Of(facts, line), .. acts.Select(a => ActScreens.Of(application, a))],
                acts.SelectMany(a => a.Accounts),
                application.Evidence,
                $"{application.Id}/{line.MemberId}"
            );
    }

    private static IEnumerable<List<ScreenedLine>> Repeated<TKey>(YearFacts facts, Func<ScreenedLine, TKey> by)
        where TKey : notnull
    {
        // Counted first: most people stand there once, and no list is made of those.
        var counts = new Dictionary<TKey, int>();
        foreach (var line in facts.Lines)
            if (line.Stands)
                counts[by(line)] = counts.GetValueOrDefault(by(line)) + 1;
        return facts.Lines.Where(l => l.Stands && counts[by(l)] > 1).GroupBy(by).Select(g => g.ToList());
    }

    private static Money Total(IEnumerable<ScreenedLine> lines) => Money.Sum(lines.Select(l => l.AmountFen));

    private static FoundLine Of(YearFacts facts, ScreenedLine line) =>
        new(facts.Of(line).Id, line.AmountFen, line.MemberId, null, line.PaidOn);

    private static ScreenFinding Finding(
        ScreenKind screen,
        YearFacts facts,
        IReadOnlyList<ScreenedLine> lines,
        string says
    ) =>
        ScreenFinding.Of(
            screen,
            facts,
            lines.Select(l => facts.Of(l).Village),
            Total(lines),
            says,
            [.. lines.Select(l => Of(facts, l))],
            lines.SelectMany(l => facts.Of(l).Acts).SelectMany(a => a.Accounts),
            lines.SelectMany(l => facts.Of(l).Evidence)
        );
}

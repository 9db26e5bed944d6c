namespace Ledger.Domain.Screening;

/// <param name="Digits">Also where they are as they should be: the picture shows them.</param>
public sealed record ScreenedYear(IReadOnlyList<ScreenFinding> Findings, FirstDigits Digits);

/// <summary>
/// Tests of a year (年度审计筛查): each screen is a function of the facts and the limits, and remembers nothing. A finding is
/// something to look at; whether anything is wrong, the auditor says.
/// </summary>
public static class Screens
{
    public static ScreenedYear Run(YearFacts facts, ScreenLimits limits)
    {
        var digits = FirstDigits.Of(MoneyScreens.Bookings(facts).Select(b => b.AmountFen), limits);
        return new(
            [
                .. PeopleScreens.PersonTwice(facts),
                .. PeopleScreens.TwoVillages(facts),
                .. PeopleScreens.Deceased(facts),
                .. PeopleScreens.OfficerBenefits(facts),
                .. MoneyScreens.BankReferenceTwice(facts),
                .. MoneyScreens.SlipTwice(facts),
                .. MoneyScreens.RoundSums(facts, limits),
                .. MoneyScreens.SplitBelowLimit(facts, limits),
                .. ActScreens.Hasty(facts, limits),
                .. ActScreens.AtNight(facts, limits),
                .. NumberScreens.Gaps(facts, limits),
                .. NumberScreens.MissingEvents(facts),
                .. NumberScreens.Digits(facts, digits, limits),
            ],
            digits
        );
    }
}

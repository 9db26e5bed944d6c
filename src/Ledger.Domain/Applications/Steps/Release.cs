using Ledger.Domain.Funds;
using Ledger.Domain.Members;

namespace Ledger.Domain.Applications.Steps;

/// <summary>
/// What a line that leaves the list before payment gives back: its money to the fund, to the fen that it came from
/// (C9), and to the person what it took of the cap (C11). No step of its own: part of every one that takes approved
/// lines off.
/// </summary>
internal static class Release
{
    /// <param name="lines">Approved lines, as they were before the step.</param>
    /// <param name="fund">There where there are lines.</param>
    /// <param name="years">By member-year id.</param>
    /// <param name="reason">To be kept with the fund's event.</param>
    /// <param name="why">To be kept with the person's.</param>
    public static IReadOnlyList<Change> Of(
        Application application,
        IReadOnlyCollection<Line> lines,
        Fund? fund,
        IReadOnlyDictionary<string, MemberYear> years,
        string reason,
        Func<Line, string>? why = null
    ) =>
        lines.Count == 0
            ? []
            :
            [
                Change.Of(
                    fund!,
                    FundDecider.Release(fund!, application.Id, lines.Select(l => l.Fen!.Value), reason).Events
                ),
                .. application.EachYear(
                    lines,
                    years,
                    l => new SubsidyReleased(application.Id, l.AmountFen, why?.Invoke(l) ?? reason)
                ),
            ];

    /// <summary>One event for the member-year of each line.</summary>
    public static IEnumerable<Change> EachYear(
        this Application application,
        IEnumerable<Line> lines,
        IReadOnlyDictionary<string, MemberYear> years,
        Func<Line, IEventOf<MemberYear>> make
    ) => lines.Select(l => Change.Of(years[application.MemberYearId(l)], make(l)));
}

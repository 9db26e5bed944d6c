using Ledger.Domain.Funds;
using Ledger.Domain.Members;

namespace Ledger.Domain.Applications.Steps;

/// <summary>
/// The village takes people or the whole list back, before they are paid (C14): money and cap are free again.
/// </summary>
public static class Withdraw
{
    /// <summary>Changed: application; where lines were approved also fund and member-years.</summary>
    /// <param name="Fund">Null where none of the lines is approved: it is not touched, nor locked.</param>
    /// <param name="Years">Of the approved lines, by member-year id.</param>
    public sealed record Basis(Application Application, Fund? Fund, IReadOnlyDictionary<string, MemberYear> Years);

    /// <param name="memberIds">Whose lines; null: the whole application.</param>
    public static Decision<Application> Decide(Basis on, IReadOnlyList<string>? memberIds, string reason, Actor by)
    {
        var application = on.Application;
        var decision = memberIds is null
            ? MoveAll(application, reason, by)
            : MoveSome(application, memberIds, reason, by);
        if (decision.Rejection is not null)
            return decision;
        var approved = application.Approved(memberIds);
        return decision with { Also = Release.Of(application, approved, on.Fund, on.Years, reason) };
    }

    /// <summary>The village takes lines back, before they are paid. With its last line the application ends.</summary>
    public static Decision<Application> MoveSome(
        Application state,
        IReadOnlyList<string> memberIds,
        string reason,
        Actor by
    )
    {
        if (
            state.NotIn(
                ApplicationStatus.Filed,
                ApplicationStatus.Reviewed,
                ApplicationStatus.Approved,
                ApplicationStatus.Noticed,
                ApplicationStatus.Paid
            ) is
            { } wrong
        )
            return wrong;
        var (lines, fault) = state.LinesOf(
            memberIds,
            "可撤回",
            LineStatus.Filed,
            LineStatus.Accepted,
            LineStatus.Approved
        );
        if (fault is not null)
            return fault;
        var gone = lines.Select(l => l.MemberId).ToHashSet();
        var isLast = state.Lines.All(l =>
            gone.Contains(l.MemberId) || l.Status is LineStatus.Refused or LineStatus.Withdrawn or LineStatus.Released
        );
        var events = Withdrawn(lines, reason, by);
        return isLast ? [.. events, new ApplicationWithdrawn(by.Id, reason)] : events;
    }

    /// <summary>The village takes the whole application back, before anything of it is paid.</summary>
    public static Decision<Application> MoveAll(Application state, string reason, Actor by)
    {
        if (
            state.NotIn(
                ApplicationStatus.Filed,
                ApplicationStatus.Returned,
                ApplicationStatus.Reviewed,
                ApplicationStatus.Approved,
                ApplicationStatus.Noticed
            ) is
            { } wrong
        )
            return wrong;
        var open = state
            .Lines.Where(l => l.Status is LineStatus.Filed or LineStatus.Accepted or LineStatus.Approved)
            .ToList();
        return (IEventOf<Application>[])[.. Withdrawn(open, reason, by), new ApplicationWithdrawn(by.Id, reason)];
    }

    private static IEventOf<Application>[] Withdrawn(IReadOnlyList<Line> lines, string reason, Actor by) =>
        [
            .. lines
                .Chunk(LinesWithdrawn.MaxMembers)
                .Select(c => new LinesWithdrawn(by.Id, [.. c.Select(l => l.MemberId)], Line.Total(c), reason)),
        ];
}

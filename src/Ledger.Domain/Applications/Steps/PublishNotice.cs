namespace Ledger.Domain.Applications.Steps;

/// <summary>The notice (公示, C16).</summary>
public static class PublishNotice
{
    /// <summary>
    /// C16. The first day does not count, so the notice runs the full number of days after <paramref name="today"/>.
    /// </summary>
    public static Decision<Application> Decide(Application state, string place, int noticeDays, DateOnly today) =>
        state.NotIn(ApplicationStatus.Approved) is { } wrong
            ? wrong
            : new IEventOf<Application>[] { new NoticePublished(today, today.AddDays(noticeDays), place) };
}

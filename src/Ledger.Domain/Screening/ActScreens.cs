namespace Ledger.Domain.Screening;

/// <summary>Screens over when the offices acted: by the server's time, which nobody dates back.</summary>
public static class ActScreens
{
    /// <summary>An approval within minutes of the filing that it is about, or of the review before it.</summary>
    public static IEnumerable<ScreenFinding> Hasty(YearFacts facts, ScreenLimits limits) =>
        from application in facts.Applications
        let approval = application.Acts.LastOrDefault(a => a.Act == OfficeAct.Approved)
        where approval is not null
        let filing = Before(application, OfficeAct.Filed, approval)
        let review = Before(application, OfficeAct.Reviewed, approval)
        let least = TimeSpan.FromMinutes(limits.HastyMinutes)
        let hurried = new[] { filing, review }.OfType<ScreenedAct>().Where(a => approval.At - a.At < least).ToList()
        where hurried.Count > 0
        select Finding(
            ScreenKind.Hasty,
            facts,
            application,
            [.. hurried, approval],
            filing is not null && hurried.Contains(filing)
                ? $"提交后 {Minutes(approval.At - filing.At)} 分钟即审批，{application.ApprovedFen} 元"
                : $"复核后 {Minutes(approval.At - review!.At)} 分钟即审批，{application.ApprovedFen} 元"
        );

    private static ScreenedAct? Before(ScreenedApplication application, OfficeAct act, ScreenedAct approval) =>
        application.Acts.LastOrDefault(a => a.Act == act && a.Sequence < approval.Sequence);

    private static int Minutes(TimeSpan span) => (int)Math.Max(0, span.TotalMinutes);

    /// <summary>Reviews, approvals and payments while offices are closed, by the clock in China.</summary>
    public static IEnumerable<ScreenFinding> AtNight(YearFacts facts, ScreenLimits limits) =>
        from application in facts.Applications
        let night = application
            .Acts.Where(a => a.Act is OfficeAct.Reviewed or OfficeAct.Approved or OfficeAct.Paid)
            .Where(a => IsNight(a.At, limits))
            .ToList()
        where night.Count > 0
        select Finding(
            ScreenKind.AtNight,
            facts,
            application,
            night,
            $"{Clock.China(night[0].At):yyyy-MM-dd HH:mm} 登记，夜间共 {night.Count} 步，{application.ApprovedFen} 元"
        );

    public static bool IsNight(DateTimeOffset at, ScreenLimits limits)
    {
        var hour = Clock.China(at).Hour;
        return limits.NightFrom <= hour || hour < limits.NightUntil;
    }

    public static FoundLine Of(ScreenedApplication application, ScreenedAct act) =>
        new(application.Id, Money.Zero, null, act.Sequence, Clock.Day(act.At));

    private static ScreenFinding Finding(
        ScreenKind screen,
        YearFacts facts,
        ScreenedApplication application,
        IReadOnlyList<ScreenedAct> acts,
        string says
    ) =>
        ScreenFinding.Of(
            screen,
            facts,
            [application.Village],
            application.ApprovedFen,
            says,
            [.. acts.Select(a => Of(application, a))],
            acts.SelectMany(a => a.Accounts),
            application.Evidence
        );
}

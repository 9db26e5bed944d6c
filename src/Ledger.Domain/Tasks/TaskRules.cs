using Ledger.Domain.Applications;
using Ledger.Domain.Identity;

namespace Ledger.Domain.Tasks;

/// <summary>What somebody can be waited for.</summary>
public enum TaskKind
{
    Review,
    Approval,
    Correction,
    NoticePosting,
    PaymentSignature,
    Payment,
    PaymentBack,
    Receipts,
    Settlement,
    PaymentHold,
    Objection,
    Complaint,
    Overdue,
    PlanSignature,
    PilotDecision,
    PolicyConfirmation,
    ReversalConfirmation,
    RestConfirmation,
    AccountConfirmation,
    OwnAccount,
    SubscriptionConfirmation,
    SubscriptionPaused,
    FindingExplanation,
    FindingClosure,
    LogFinding,

    // In the order in which they came: how people want to be told is kept by number.
    PlanCountersignature,
    ContributionConfirmation,
    InterestRegistration,
    JobEnded,
    FeeReimbursement,
    SampleConclusion,
}

/// <summary>How near a task's last day is.</summary>
public enum TaskUrgency
{
    Usual,
    Near,
    Missed,
}

/// <summary>
/// Who has a kind of task, where it leads and what is to be done. <paramref name="Path"/>: with {id}, {region} and
/// {year} of what it is about.
/// </summary>
/// <param name="By">Which of an application's deadlines it has to keep; null: none.</param>
/// <param name="IsOfQueue">It stands among the applications that wait for its role (等我办理).</param>
public sealed record TaskRule(
    TaskKind Kind,
    IReadOnlyList<string> Roles,
    string Path,
    string What,
    DeadlineKind? By = null,
    bool IsOfQueue = false
);

/// <summary>All kinds of tasks, a line each: the only place that says whose they are.</summary>
public static class TaskRules
{
    private const string OfApplication = "/applications/{id}";
    private static readonly string[] Administrators = [Roles.Administrator],
        Agency = [Roles.Agency],
        Village = [Roles.VillageFinance],
        Committee = [Roles.SupervisionCommittee],
        Township = [Roles.Township],
        City = [Roles.CityHrss],
        Auditors = [Roles.Auditor];

    public static readonly IReadOnlyList<TaskRule> All =
    [
        OfQueue(TaskKind.Review, Agency, $"{OfApplication}/review", "逐行复核新提交的申请", DeadlineKind.Review),
        OfQueue(TaskKind.Approval, Agency, OfApplication, "审批别人复核过的申请", DeadlineKind.Review),
        OfQueue(TaskKind.Correction, Village, OfApplication, "申请被退回，补正名单后重新提交"),
        OfQueue(TaskKind.NoticePosting, Village, OfApplication, "公示已审批的名单", DeadlineKind.Payment),
        OfQueue(
            TaskKind.PaymentSignature,
            Committee,
            OfApplication,
            "核对后签署付款，有疑问就叫停",
            DeadlineKind.Payment
        ),
        OfQueue(TaskKind.Payment, Village, OfApplication, "公示期满，付款并登记", DeadlineKind.Payment),
        OfQueue(TaskKind.PaymentBack, Village, OfApplication, "银行退回了付款，查明后重新付款或移出名单"),
        OfQueue(TaskKind.Receipts, Agency, OfApplication, "已经付款，导入入账回执", DeadlineKind.Credit),
        OfQueue(TaskKind.Settlement, Agency, OfApplication, "全部入账，办结"),
        OfQueue(TaskKind.PaymentHold, Township, OfApplication, "付款被叫停，查明后处理", DeadlineKind.HoldDecision),
        OfQueue(
            TaskKind.Objection,
            Township,
            $"{OfApplication}#objections",
            "答复公示期内的异议",
            DeadlineKind.ObjectionAnswer
        ),
        OfQueue(
            TaskKind.Complaint,
            [Roles.Township, Roles.CountyHrss, Roles.CountyAgriculture],
            $"{OfApplication}#complaints",
            "答复投诉",
            DeadlineKind.ComplaintAnswer
        ),
        new(TaskKind.Overdue, [Roles.CountyHrss], OfApplication, "申请超过办理期限，催办"),
        new(TaskKind.PlanSignature, Committee, "/plans/{id}", "会议已通过方案，核对后签字"),
        new(TaskKind.PilotDecision, City, "/pilots", "县里申请试点，批准或不批准"),
        new(
            TaskKind.PolicyConfirmation,
            City,
            "/policy-years?year={year}&region={region}#proposal",
            "确认别人提出的年度政策"
        ),
        new(TaskKind.ReversalConfirmation, Roles.All, "/funds/{id}", "有人请您确认冲正一笔划入"),
        new(TaskKind.RestConfirmation, Roles.All, "/funds/{id}/ending", "有人请您确认余款的去向"),
        new(TaskKind.AccountConfirmation, Administrators, "/accounts", "确认另一位管理员申请的账户变更"),
        new(TaskKind.OwnAccount, Roles.Everybody, "/me#waiting", "有人申请变更您的账户，确认或驳回"),
        new(
            TaskKind.SubscriptionConfirmation,
            [Roles.CityHrss, Roles.CountyHrss],
            "/subscriptions/{id}",
            "确认管理员申请的订阅"
        ),
        new(TaskKind.SubscriptionPaused, Administrators, "/subscriptions/{id}", "订阅多次没有送达，查明后恢复"),
        new(TaskKind.FindingExplanation, Roles.All, "/screening/{id}", "审计的疑点涉及您办的事，请说明"),
        new(TaskKind.FindingClosure, Auditors, "/screening/{id}", "疑点还没有办结"),
        new(TaskKind.LogFinding, Auditors, "/proof", "存证日志有新的发现，请查明"),
        new(TaskKind.PlanCountersignature, Township, "/plans/{id}", "会议已通过方案，核对后会签"),
        new(
            TaskKind.ContributionConfirmation,
            [Roles.CountyTax, Roles.Agency],
            "/contributions?waiting=true",
            "有人请您确认更正一笔缴费记录"
        ),
        new(
            TaskKind.InterestRegistration,
            Village,
            "/funds/{id}/allocations/new?source=bank-interest",
            "银行已经结息，登记专户利息"
        ),
        new(TaskKind.JobEnded, Roles.All, "/jobs/{id}", "您提交的后台任务结束了，看结果"),
        new(TaskKind.FeeReimbursement, Village, "/funds/{id}#fees", "银行扣了手续费，由村级基本户补足并登记"),
        new(TaskKind.SampleConclusion, Auditors, "/samples/{id}", "您公告的抽样还没有签署：抽取、写完底稿、下结论"),
    ];

    private static readonly IReadOnlyDictionary<TaskKind, TaskRule> ByKind = All.ToDictionary(r => r.Kind);

    public static TaskRule Of(TaskKind kind) => ByKind[kind];

    /// <summary>Whether somebody in this role can have it at all.</summary>
    public static bool IsFor(TaskKind kind, string role) => ByKind[kind].Roles.Contains(role);

    private static TaskRule OfQueue(
        TaskKind kind,
        IReadOnlyList<string> roles,
        string path,
        string what,
        DeadlineKind? by = null
    ) => new(kind, roles, path, what, by, IsOfQueue: true);
}

/// <summary>
/// Something that waits for somebody. It is derived each time and stored nowhere: when the thing is done it is gone.
/// </summary>
/// <param name="Subject">Id of what it is about.</param>
/// <param name="Since">Null: not known.</param>
/// <param name="Due">The last day; null: none.</param>
/// <param name="Count">How many things of the kind wait there: objections, complaints.</param>
public sealed record WorkTask(
    TaskKind Kind,
    string Subject,
    string Region,
    DateTimeOffset? Since = null,
    DateOnly? Due = null,
    int Count = 1,
    int? Year = null
)
{
    /// <summary>So many days before its last one a task is near.</summary>
    public const int NearDays = 3;

    public TaskRule Rule => TaskRules.Of(Kind);

    public string Path =>
        Rule
            .Path.Replace("{id}", Subject, StringComparison.Ordinal)
            .Replace("{region}", Region, StringComparison.Ordinal)
            .Replace("{year}", $"{Year}", StringComparison.Ordinal);

    public TaskUrgency At(DateOnly today) =>
        Due is not { } due ? TaskUrgency.Usual
        : due < today ? TaskUrgency.Missed
        : due <= today.AddDays(NearDays) ? TaskUrgency.Near
        : TaskUrgency.Usual;

    /// <summary>
    /// The same as long as the same thing waits as urgently: whoever was told of it is not told again. What comes back
    /// later, or gets near its last day, is another.
    /// </summary>
    public string KeyAt(DateOnly today) =>
        string.Create(
            System.Globalization.CultureInfo.InvariantCulture,
            $"{Kind} {Subject} {Since?.ToUnixTimeSeconds() ?? 0} {Count} {At(today)}"
        );
}

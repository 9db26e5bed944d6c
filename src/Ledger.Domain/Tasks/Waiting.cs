using Ledger.Domain.Accounts;
using Ledger.Domain.Applications;
using Ledger.Domain.Applications.Steps;
using Ledger.Domain.Feeds;
using Ledger.Domain.Funds;
using Ledger.Domain.Identity;
using Ledger.Domain.Members;
using Ledger.Domain.Pilots;
using Ledger.Domain.Plans;
using Ledger.Domain.Policies;
using Ledger.Domain.Sampling;
using Ledger.Domain.Screening;

namespace Ledger.Domain.Tasks;

/// <summary>
/// What of one thing waits for somebody, by its state alone. The region is not asked here: who reads them reads only
/// what lies in his.
/// </summary>
public static class Waiting
{
    /// <summary>Whose turn it is in an application (<see cref="Turn"/>), and what there is to be answered.</summary>
    /// <param name="state">Of its lines one of each status is enough.</param>
    /// <param name="committeeSigns">The policy year has the supervision committee sign payments (L7).</param>
    /// <param name="cameBack">The bank sent back what was paid last.</param>
    /// <returns>With how many things of the kind wait.</returns>
    public static IReadOnlyList<(TaskKind Kind, int Count)> Of(
        Application state,
        Actor by,
        bool committeeSigns,
        bool cameBack,
        DateOnly today
    ) =>
        by.Role switch
        {
            Roles.Agency => One(OfAgency(state, by)),
            Roles.VillageFinance or Roles.SupervisionCommittee => One(
                OfVillage(state, by, committeeSigns, cameBack, today)
            ),
            Roles.Township =>
            [
                .. One(state.Hold is null ? null : TaskKind.PaymentHold),
                .. Some(
                    TaskKind.Objection,
                    state.Status == ApplicationStatus.Noticed ? state.Objections.Count(o => o.Upheld is null) : 0
                ),
                .. Some(TaskKind.Complaint, state.Complaints.Count(c => c.Status == ComplaintStatus.Raised)),
            ],
            Roles.CountyHrss or Roles.CountyAgriculture => Some(
                TaskKind.Complaint,
                state.Complaints.Count(c => c.Status == ComplaintStatus.Escalated)
            ),
            _ => [],
        };

    private static TaskKind? OfAgency(Application state, Actor by) =>
        state.Status switch
        {
            ApplicationStatus.Filed => TaskKind.Review,
            // C15: it waits for a colleague.
            ApplicationStatus.Reviewed => by.IsAmong(state.Reviewers) ? null : TaskKind.Approval,
            ApplicationStatus.Paid when state.With(LineStatus.Paid).Any() => TaskKind.Receipts,
            ApplicationStatus.Paid when !state.With(LineStatus.Approved).Any() => TaskKind.Settlement,
            _ => null,
        };

    private static TaskKind? OfVillage(
        Application state,
        Actor by,
        bool committeeSigns,
        bool cameBack,
        DateOnly today
    ) =>
        Turn.Of(state, Blocks.Of(state, committeeSigns, [], null, today)) is not { } turn || turn.Role != by.Role ? null
        : by.Role == Roles.SupervisionCommittee ? TaskKind.PaymentSignature
        : state.Status == ApplicationStatus.Returned ? TaskKind.Correction
        : state.Status == ApplicationStatus.Approved ? TaskKind.NoticePosting
        : cameBack ? TaskKind.PaymentBack
        : TaskKind.Payment;

    /// <summary>Somebody else asked for the change of an account, or it is one's own.</summary>
    public static TaskKind? Of(Account state, Actor by, DateOnly today) =>
        state.Waiting(today) is not { } pending ? null
        : state.Name == by.Id ? (by.OnBehalfOf is null && !state.IsRequested ? TaskKind.OwnAccount : null)
        : by.Role == Roles.Administrator && !by.Is(pending.RequestedBy) && !by.Is(state.Name)
            ? TaskKind.AccountConfirmation
        : null;

    public static TaskKind? Of(Subscription state, Actor by, bool hasFailed) =>
        state.State switch
        {
            SubscriptionState.Proposed
                when TaskRules.IsFor(TaskKind.SubscriptionConfirmation, by.Role) && !by.IsAmong(state.AskedBy) =>
                TaskKind.SubscriptionConfirmation,
            SubscriptionState.Paused when hasFailed && by.Role == Roles.Administrator => TaskKind.SubscriptionPaused,
            _ => null,
        };

    /// <summary>Whose acts it is about says how it was, once; auditors close it.</summary>
    public static TaskKind? Of(ScreeningFinding state, Actor by) =>
        state.Closure is not null ? null
        : by.Role == Roles.Auditor ? TaskKind.FindingClosure
        : by.IsAmong(state.Concerned) && !state.Explanations.Any(e => by.Is(e.ExplainedBy))
            ? TaskKind.FindingExplanation
        : null;

    /// <summary>A sample is its auditor's until he has signed.</summary>
    public static TaskKind? Of(Sample state, Actor by) =>
        by.Role == Roles.Auditor && state.Conclusion is null && by.Is(state.AnnouncedBy)
            ? TaskKind.SampleConclusion
            : null;

    public static TaskKind? Of(PolicyYear state, Actor by, DateOnly today) =>
        by.Role == Roles.CityHrss
        && state.Waiting(today) is { } waiting
        && !by.Is(waiting.ProposedBy)
        && !by.Is(waiting.ProposedFor)
            ? TaskKind.PolicyConfirmation
            : null;

    public static TaskKind? Of(Pilot state, Actor by) =>
        by.Role == Roles.CityHrss && state.Status == PilotStatus.Applied ? TaskKind.PilotDecision : null;

    /// <summary>
    /// Whom somebody named to confirm (C20), and not who asked; what the bank took waits for the village (L17).
    /// </summary>
    public static IReadOnlyList<(TaskKind Kind, int Count)> Of(Fund state, Actor by) =>
        [
            .. Some(
                TaskKind.ReversalConfirmation,
                state.Reversals.Values.Count(r => !r.Done && IsNamed(by, r.ConfirmBy, r.RequestedBy, r.RequestedFor))
            ),
            .. Some(
                TaskKind.RestConfirmation,
                state.RestsAsked.Values.Count(r => IsNamed(by, r.ConfirmBy, r.RequestedBy, r.RequestedFor))
            ),
            .. Some(TaskKind.FeeReimbursement, by.Role == Roles.VillageFinance ? state.OpenFees.Count : 0),
        ];

    /// <summary>
    /// What the meeting decided waits for whom the policy year asks: the supervision committee (L7), the township
    /// (C21), both at once.
    /// </summary>
    public static TaskKind? Of(Plan state, Actor by, PolicyParameters? policy) =>
        state.LatestResolution is null || state.AdoptedVersion == state.LatestVersion() ? null
        : by.Role == Roles.SupervisionCommittee
        && policy is { CommitteeSignsPlan: true }
        && state.SignedVersion < state.LatestVersion()
            ? TaskKind.PlanSignature
        : by.Role == Roles.Township
        && policy is { CountersignatureRequired: true }
        && state.CountersignedVersion < state.LatestVersion()
            ? TaskKind.PlanCountersignature
        : null;

    /// <summary>How many mistaken contributions of a person and year he was named to confirm.</summary>
    public static int Of(MemberYear state, Actor by) =>
        TaskRules.IsFor(TaskKind.ContributionConfirmation, by.Role)
            ? state.Contributions.Count(c =>
                c is { ConfirmBy: { } confirmBy, RequestedBy: { } requestedBy }
                && IsNamed(by, confirmBy, requestedBy, c.RequestedFor)
            )
            : 0;

    private static bool IsNamed(Actor by, string confirmBy, string requestedBy, string? requestedFor) =>
        confirmBy == by.Id && !by.Is(requestedBy) && !by.Is(requestedFor);

    private static IReadOnlyList<(TaskKind, int)> One(TaskKind? kind) => kind is { } one ? [(one, 1)] : [];

    private static IReadOnlyList<(TaskKind, int)> Some(TaskKind kind, int count) => count > 0 ? [(kind, count)] : [];
}

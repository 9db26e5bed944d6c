using Ledger.Domain.Funds;
using Ledger.Domain.Pilots;
using Ledger.Domain.Plans;

namespace Ledger.Domain.Applications.Steps;

/// <summary>
/// What is handed in: the sealed scan, the roster's digest and its checked lines. <paramref name="Confirmed"/>: on
/// which other lists some of them stand, and why (<see cref="Roster.Confirmed"/>).
/// </summary>
public sealed record Submission(
    string? SealDigest,
    string RosterDigest,
    IReadOnlyList<RosterLine> Lines,
    string? Confirmed = null
);

/// <summary>A sealed roster is handed in (C2, C12, C14), and after a return for correction again (C15).</summary>
public static class Submit
{
    /// <summary>C2, C12, C14: the first time.</summary>
    public static Decision<Application> First(
        Plan plan,
        Pilot? pilot,
        Fund fund,
        string subAccount,
        Submission submission,
        Actor by
    )
    {
        if (Refusal(plan, pilot, submission) is { } refusal)
            return refusal;
        if (FundDecider.EarmarkRefusal(fund, subAccount, plan.Year) is { } mismatch)
            return mismatch;
        var filed = new ApplicationFiled(
            plan.Id,
            plan.AdoptedVersion,
            plan.CollectiveId,
            plan.FundId,
            plan.Region,
            plan.Year,
            subAccount,
            by.Id,
            submission.SealDigest!,
            submission.RosterDigest,
            submission.Lines.Count,
            Total(submission),
            OnBehalfOf: by.OnBehalfOf
        );
        return Listed(filed, submission);
    }

    /// <summary>
    /// C15: after a return for correction, the whole roster anew, under the plan version in force now.
    /// </summary>
    public static Decision<Application> Again(
        Application state,
        Plan plan,
        Pilot? pilot,
        Submission submission,
        Actor by
    )
    {
        if (state.NotIn(ApplicationStatus.Returned) is { } wrong)
            return wrong;
        if (Refusal(plan, pilot, submission) is { } refusal)
            return refusal;
        var filed = new ApplicationResubmitted(
            plan.AdoptedVersion,
            by.Id,
            submission.SealDigest!,
            submission.RosterDigest,
            submission.Lines.Count,
            Total(submission),
            OnBehalfOf: by.OnBehalfOf
        );
        return Listed(filed, submission);
    }

    private static Rejection? Refusal(Plan plan, Pilot? pilot, Submission submission) =>
        PilotDecider.Refusal(pilot, Identity.RegionCode.County(plan.Region))
        ?? (plan.AdoptedVersion == 0 ? new Rejection(Rejections.PlanNotAdopted, $"{plan.Year} 年度方案尚未通过") : null)
        ?? (
            string.IsNullOrEmpty(submission.SealDigest)
                ? new Rejection(Rejections.SealMissing, "申请须附村委会盖章扫描件") { Field = "seal" }
                : null
        )
        ?? (submission.Lines.Count == 0 ? new Rejection(Rejections.RosterInvalid, "名单中没有人员") : null)
        ?? (
            submission.Lines.Count > Roster.MaxLines
                ? new Rejection(
                    Rejections.LimitExceeded,
                    $"一份申请最多 {Roster.MaxLines} 人，现为 {submission.Lines.Count} 人"
                )
                : null
        );

    private static Money Total(Submission s) => Money.Sum(s.Lines.Select(l => l.AmountFen));

    private static Decision<Application> Listed(IEventOf<Application> first, Submission submission) =>
        new([first, .. submission.Lines.Chunk(LinesListed.MaxLines).Select(c => new LinesListed(c))], null)
        {
            Confirmed = submission.Confirmed,
        };
}

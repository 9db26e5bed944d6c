using Ledger.Domain;
using Ledger.Domain.Policies;

namespace Ledger.Web.Policies;

/// <summary>
/// What of a policy year would be another: of the year itself, of a tier or of a body that decides. Figures and words
/// of <see cref="ProposalSection.Words"/>, so that every language can say it.
/// </summary>
public sealed record PolicyDifference(string Subject, string What, string Before, string After)
{
    private const string Itself = "policy-year";

    public bool IsOfYear => Subject == Itself;

    /// <summary>Nothing was in force: everything is new.</summary>
    public static IReadOnlyList<PolicyDifference> Of(PolicyParameters? before, PolicyParameters after)
    {
        var (was, now) = (before is null ? [] : Rows(before), Rows(after));
        return
        [
            .. now
                .Keys.Union(was.Keys)
                .Select(k => new PolicyDifference(
                    k.Subject,
                    k.What,
                    was.GetValueOrDefault(k, ""),
                    now.GetValueOrDefault(k, "")
                ))
                .Where(d => d.Before != d.After),
        ];
    }

    /// <summary>Where money would go to, in one line; null: the year names none.</summary>
    public static string? Line(PayeeAccount? payee) =>
        payee is null ? null : $"{payee.Name}，{payee.Bank}，{payee.Number}";

    private static Dictionary<(string Subject, string What), string> Rows(PolicyParameters p)
    {
        var rows = new Dictionary<(string, string), string>();
        void Add(string what, string? value, string subject = Itself)
        {
            if (!string.IsNullOrEmpty(value))
                rows[(subject, what)] = value;
        }
        void Days(string what, int? days) => Add(what, days is null ? null : $"{days}");

        Add("payee-name", p.Payee?.Name);
        Add("payee-bank", p.Payee?.Bank);
        Add("payee-number", p.Payee?.Number);
        Add("effective-from", Format.Date(p.EffectiveFrom));
        Add("countersignature", YesNo(p.CountersignatureRequired));
        Add("committee-plan", YesNo(p.CommitteeSignsPlan));
        Add("committee-payment", YesNo(p.CommitteeSignsPayments));
        Add("government-paid", YesNo(p.GovernmentPaidOpensSubsidy));
        Days("notice-days", p.NoticeDays);
        Days("resolution-days", p.ResolutionNoticeDays);
        Days("interest", p.AccountInterestBasisPoints);
        Add("basic-pension", p.BasicPensionFen is { } basic ? Format.Yuan(basic) : null);
        Add("season", p.ContributionSeason?.ToString());
        Add("interest-days", string.Join(", ", p.InterestDaysInForce()));
        Add("year-close", p.YearCloseInForce().ToString());
        var d = p.Deadlines ?? Deadlines.Default;
        Days("review-days", d.ReviewDays);
        Days("payment-days", d.PaymentDays);
        Days("credit-days", d.CreditDays);
        Days("objection-days", d.ObjectionDays);
        Days("complaint-days", d.ForComplaint());
        Days("idle-days", d.IdleDays);
        Days("hold-days", d.HoldDays);
        var a = p.AgeLimits ?? AgeLimits.Default;
        Add("ages", $"{a.Minimum} – {a.Pension}");
        var w = p.IncentiveWeights ?? IncentiveWeights.Default;
        Add("weights", $"{w.Coverage} / {w.Amount} / {w.Growth} / {w.Timeliness} / −{w.Disputes}");
        foreach (var m in p.PayoutMonths ?? PayoutMonths.Default)
            Add("payout-months", $"{m.Months}", $"{m.Age}");
        foreach (var t in p.Tiers)
            Add("subsidy", Format.Yuan(t.GovernmentSubsidyFen), Tier(t));
        foreach (var q in p.Quorums)
            Body(q);
        return rows;

        void Body(QuorumRule q)
        {
            var vote = q.VoteInForce();
            Add("present", Fraction(q.Strictly, q.Numerator, q.Denominator), q.Form);
            Add(
                vote.OfAll ? "agree-of-all" : "agree",
                Fraction(vote.Strictly, vote.Numerator, vote.Denominator),
                q.Form
            );
            if (q.Calling is not { } c)
                return;
            Add("called-before", c.DaysBefore > 0 ? $"{c.DaysBefore}" : null, q.Form);
            Add("authorised", c.AuthorisationRequired ? YesNo(true) : null, q.Form);
            Add("women", c.WomenNumerator > 0 ? Fraction(false, c.WomenNumerator, c.WomenDenominator) : null, q.Form);
        }
    }

    private static string Tier(ContributionTier t) =>
        t is { ToFen: { } to, StepFen: { } step }
            ? $"{Format.Yuan(t.TierFen)} – {Format.Yuan(to)} ({Format.Yuan(step)})"
            : Format.Yuan(t.TierFen);

    private static string Fraction(bool strictly, int numerator, int denominator) =>
        $"{(strictly ? ">" : "≥")} {numerator}/{denominator}";

    private static string YesNo(bool yes) => yes ? "yes" : "no";
}

namespace Ledger.Domain.Policies;

/// <summary>
/// Four eyes on a year's rules (C20): what plans rest on already, and the account that money goes to, one person of the
/// city does not change alone. He proposes, and another person of the city confirms; a year on which nothing rests yet
/// is one person's to publish, or nobody could begin.
/// </summary>
public static class PolicyChange
{
    /// <summary>A proposal waits so long.</summary>
    public const int PendingDays = 30;

    /// <param name="Year">The stream's own year; null: there is none.</param>
    /// <param name="IsInUse">A plan of the region rests on what holds in that year.</param>
    /// <param name="Until">What holds in the region until then: its own year, else its city's, else the year
    /// before's.</param>
    public sealed record Basis(string Region, int Number, PolicyYear? Year, bool IsInUse, PolicyParameters? Until);

    /// <summary>Published or amended at once where one may do it alone; else proposed.</summary>
    public static Decision<PolicyYear> Publish(Basis on, PolicyParameters parameters, DateOnly today, Actor by)
    {
        var decision = PolicyYearDecider.Publish(on.Year, on.Region, on.Number, parameters);
        if (decision.Rejection is not null || decision.Events.Count == 0)
            return decision;
        if (TooEarly(on, parameters.EffectiveFrom, today) is { } early)
            return early;
        if (!NeedsTwo(on, parameters))
            return decision;
        return
            on.Year?.Waiting(today) is { } waiting
            && waiting.ProposedBy == by.Id
            && PolicyYearDecider.Same(waiting.Parameters, parameters)
            ? Array.Empty<IEventOf<PolicyYear>>()
            :
            [
                new PolicyYearChangeProposed(
                    on.Region,
                    on.Number,
                    parameters,
                    by.Id,
                    today.AddDays(PendingDays),
                    by.OnBehalfOf
                ),
            ];
    }

    /// <summary>The first account of all is said by one; another one than before, never.</summary>
    public static bool NeedsTwo(Basis on, PolicyParameters parameters) =>
        on.IsInUse || (on.Until?.Payee is { } payee && payee != parameters.Payee);

    /// <summary>Exactly what was proposed, from the day on which it is confirmed at the earliest.</summary>
    public static Decision<PolicyYear> Confirm(PolicyYear year, DateOnly today, Actor by)
    {
        if (year.Waiting(today) is not { } proposed)
            return NothingWaits();
        if (FourEyes.Another("市人社", [proposed.ProposedBy, proposed.ProposedFor], by) is { } alone)
            return alone;
        var from = proposed.Parameters.EffectiveFrom;
        var parameters = proposed.Parameters with { EffectiveFrom = from < today ? today : from };
        return year.InForce() is null
            ? new IEventOf<PolicyYear>[]
            {
                new PolicyYearPublished(year.Region, year.Year, parameters, proposed.ProposedBy),
            }
            : new IEventOf<PolicyYear>[] { new PolicyYearAmended(parameters, proposed.ProposedBy) };
    }

    /// <summary>Nothing changes, so one is enough, who proposed it included.</summary>
    public static Decision<PolicyYear> Decline(PolicyYear year, string reason, DateOnly today) =>
        year.Waiting(today) is null
            ? NothingWaits()
            : new IEventOf<PolicyYear>[] { new PolicyYearChangeDeclined(reason) };

    private static Rejection NothingWaits() =>
        new(Rejections.WrongState, "没有待确认的政策修订，或已过期") { Mend = "看现行的政策年度；要修订的重新提出" };

    /// <summary>
    /// No rule is older than its publication once somebody rests on the year; until then it may be as old as the year.
    /// </summary>
    private static Rejection? TooEarly(Basis on, DateOnly from, DateOnly today)
    {
        var first = new DateOnly(on.Number, 1, 1);
        var earliest = on.IsInUse || today < first ? today : first;
        return from >= earliest
            ? null
            : new Rejection(
                Rejections.DateBeforeBasis,
                on.IsInUse
                    ? $"已有方案依据这一年度，修订的生效日期不得早于今天（{earliest:yyyy-MM-dd}）"
                    : $"生效日期不得早于 {earliest:yyyy-MM-dd}"
            )
            {
                Field = "effectiveFrom",
                NotBefore = earliest,
                Mend = "把生效日期改为今天或以后；规则不能倒填日期",
            };
    }
}

using JasperFx.Events;
using Ledger.Domain;
using Ledger.Domain.Identity;
using Ledger.Domain.Plans;
using Ledger.Domain.Policies;
using Ledger.Store;

namespace Ledger.Projections.Checking.Promises;

/// <summary>
/// What the city promises of its rules (C20, L12): what plans rest on, and the account that money goes to, one person
/// proposes and another one confirms, as it was proposed.
/// </summary>
public sealed class PolicyPromises(Report broken)
{
    /// <summary>Before this day one was enough, and no event says that it rests on two.</summary>
    private static readonly DateTimeOffset Since = new(2026, 12, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly Dictionary<string, PolicyYear> _years = [];
    private readonly Dictionary<string, DateTimeOffset> _published = [];
    private readonly Dictionary<(string Region, int Year), DateTimeOffset> _plans = [];

    /// <summary>Events of policy years, and drafts of plans, in the order of recording.</summary>
    public void Take(IEvent e)
    {
        if (e.Data is PlanDrafted p)
            foreach (var region in (string[])[RegionCode.City(p.VillageCode), RegionCode.County(p.VillageCode)])
                _plans.TryAdd((region, p.Year), e.Timestamp);
        if (e.Data is not IEventOf<PolicyYear> of)
            return;
        var year = _years.GetValueOrDefault(e.StreamKey!);
        var (parameters, said) = of switch
        {
            PolicyYearPublished d => (d.Parameters, d.ProposedBy),
            PolicyYearAmended d => (d.Parameters, d.ProposedBy),
            _ => (null, null),
        };
        if (of is PolicyYearChangeProposed asked && asked.ProposedBy != e.Header(EventHeaders.Actor))
            Breaks(e, $"{asked.ProposedBy} 与办理人 {e.Header(EventHeaders.Actor)} 不符", "办理人本人");
        if (parameters is not null && said is not null)
            Confirmed(e, year?.Proposed, parameters, said);
        else if (parameters is not null && e.Timestamp >= Since)
            Alone(e, (of as PolicyYearPublished)?.Region ?? year?.Region, parameters);
        // No stream begins with an amendment: whoever looks at the events themselves names it.
        if (year is not null || of is PolicyYearPublished or PolicyYearChangeProposed)
            _years[e.StreamKey!] = PolicyYear.Evolve(year, of);
        if (parameters is not null)
            _published[e.StreamKey!] = e.Timestamp;
    }

    private void Confirmed(IEvent e, PolicyProposal? asked, PolicyParameters parameters, string said)
    {
        var by = new Actor(e.Header(EventHeaders.Actor), e.Header(EventHeaders.Role), e.Header(EventHeaders.Region))
        {
            OnBehalfOf = e.Header(EventHeaders.OnBehalfOf) is { Length: > 0 } other ? other : null,
        };
        if (by.Is(said) || by.Is(asked?.ProposedFor))
            Breaks(e, $"{by.Id} 确认了自己提出的修订", "由市人社另一人确认");
        else if (asked is null || asked.ProposedBy != said)
            Breaks(e, $"{said} 没有这样提出过修订", "先提出，另一人确认");
        else if (
            !PolicyYearDecider.Same(asked.Parameters with { EffectiveFrom = parameters.EffectiveFrom }, parameters)
            || parameters.EffectiveFrom < asked.Parameters.EffectiveFrom
        )
            Breaks(e, "确认的不是提出的修订", "与提出的一致");
        else if (e.EffectiveDate() > asked.Until)
            Breaks(e, $"修订于 {e.EffectiveDate():yyyy-MM-dd} 确认", $"不晚于 {asked.Until:yyyy-MM-dd}");
    }

    /// <summary>What was written within minutes of it may not have been known.</summary>
    private void Alone(IEvent e, string? region, PolicyParameters parameters)
    {
        if (region is null || !int.TryParse(e.StreamKey![^4..], out var number))
            return;
        var before = e.Timestamp - InTurn.Margin;
        var isInUse = _plans.TryGetValue((region, number), out var drafted) && drafted < before;
        var city = RegionCode.City(region);
        var until = (
            (string[])
                [
                    e.StreamKey!,
                    StreamId.PolicyYear(city, number),
                    StreamId.PolicyYear(region, number - 1),
                    StreamId.PolicyYear(city, number - 1),
                ]
        ).FirstOrDefault(_published.ContainsKey);
        var known = until is not null && _published[until] < before ? _years[until].Parameters : null;
        if (PolicyChange.NeedsTwo(new(region, number, null, isInUse, known), parameters))
            Breaks(e, $"{e.Header(EventHeaders.Actor)} 一人修订了已有方案依据的年度或收款账户", "由市人社两人办理");
    }

    private void Breaks(IEvent e, string found, string expected) =>
        broken(e.StreamKey!, "C20", found, expected, e.Sequence);
}

using JasperFx.Events;
using Ledger.Domain;
using Ledger.Domain.Collectives;
using Ledger.Domain.Identity;
using Ledger.Domain.Plans;
using Ledger.Domain.Policies;

namespace Ledger.Projections.Checking.Promises;

/// <summary>
/// What each region and year asked for, the cap above all, as it was at any event: all policy years there were, of
/// which there are few.
/// </summary>
public sealed class PolicyCaps
{
    private readonly Dictionary<string, List<(long From, PolicyParameters Parameters)>> _years = [];

    /// <summary>In the order of recording.</summary>
    public void Take(IEvent e)
    {
        var parameters = (e.Data as PolicyYearPublished)?.Parameters ?? (e.Data as PolicyYearAmended)?.Parameters;
        if (parameters is null)
            return;
        if (!_years.TryGetValue(e.StreamKey!, out var versions))
            _years[e.StreamKey!] = versions = [];
        versions.Add((e.Sequence, parameters));
    }

    /// <summary>The county's own, else the city's; null when there was none.</summary>
    public Money? At(string region, int year, long sequence) => ParametersAt(region, year, sequence)?.HighestTierFen();

    /// <summary>Whether the government's payment opens a subsidy there (L14).</summary>
    public bool GovernmentPaidOpens(string region, int year, long sequence) =>
        ParametersAt(region, year, sequence) is { GovernmentPaidOpensSubsidy: true };

    /// <inheritdoc cref="At"/>
    public PolicyParameters? ParametersAt(string region, int year, long sequence) =>
        region.Length < RegionCode.CountyLength
            ? null
            : Of(StreamId.PolicyYear(RegionCode.County(region), year), sequence)
                ?? Of(StreamId.PolicyYear(RegionCode.City(region), year), sequence);

    private PolicyParameters? Of(string id, long sequence) =>
        _years.TryGetValue(id, out var versions) && versions.FindLastIndex(v => v.From < sequence) is >= 0 and var last
            ? versions[last].Parameters
            : null;
}

/// <summary>
/// Which collectives are of one origin, as it was at any event: mergers and splits go both ways, a new name is no other
/// collective.
/// </summary>
public sealed class Origins
{
    private readonly List<(long Since, string From, string Into)> _links = [];
    private readonly Dictionary<(string, int), IReadOnlySet<string>> _known = [];

    /// <summary>In the order of recording.</summary>
    public void Take(IEvent e)
    {
        if (e.Data is CollectiveMerged m)
            _links.Add((e.Sequence, e.StreamKey!, m.IntoCollectiveId));
        if (e.Data is MembersSeparated s)
            _links.Add((e.Sequence, e.StreamKey!, s.IntoCollectiveId));
    }

    public IReadOnlySet<string> At(string collectiveId, long sequence)
    {
        var count = _links.FindLastIndex(l => l.Since < sequence) + 1;
        if (_known.TryGetValue((collectiveId, count), out var known))
            return known;
        var origin = new HashSet<string> { collectiveId };
        for (var grown = 0; grown != origin.Count; )
        {
            grown = origin.Count;
            foreach (
                var (_, from, into) in _links.Take(count).Where(l => origin.Contains(l.From) || origin.Contains(l.Into))
            )
            {
                origin.Add(from);
                origin.Add(into);
            }
        }
        return _known[(collectiveId, count)] = origin;
    }
}

/// <summary>The standards of a plan as they were adopted, one after the other.</summary>
public sealed class AdoptedStandards
{
    private readonly List<(long Since, Standard Standard)> _adopted = [];

    /// <param name="events">The plan's, in their order.</param>
    public AdoptedStandards(IEnumerable<IEvent> events)
    {
        var versions = new List<PlanContent>();
        foreach (var e in events)
        {
            if (e.Data is PlanDrafted d)
                versions.Add(d.Content);
            else if (e.Data is PlanAmended m)
                versions.Add(m.Content);
            else if (e.Data is PlanAdopted a && a.PlanVersion >= 1 && a.PlanVersion <= versions.Count)
                _adopted.Add((e.Sequence, versions[a.PlanVersion - 1].Standard));
        }
    }

    public Standard? At(long sequence) =>
        _adopted.FindLastIndex(a => a.Since < sequence) is >= 0 and var last ? _adopted[last].Standard : null;
}

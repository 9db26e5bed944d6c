namespace Ledger.Domain.Plans;

/// <summary>
/// How one version of a plan came about (四议两公开, L6), from the events: what was proposed, conferred on, deliberated and
/// decided, and that the decision was published. The notice of the list is the application's.
/// </summary>
public sealed record Dossier(
    int PlanVersion,
    PlanContent Content,
    string? AmendmentReason,
    IReadOnlyDictionary<PlanStep, PlanStepRecorded> Steps,
    Resolution? Resolution,
    ResolutionPublished? Publication,
    DateOnly? CountersignedOn,
    DateOnly? AdoptedOn
)
{
    /// <summary>By the supervision committee, on the resolution that counts (L7).</summary>
    public DateOnly? SignedOn { get; init; }
    public string? SignedBy { get; init; }
    public string? CountersignedBy { get; init; }

    /// <param name="events">The plan's events in their order, each with the day on which it was recorded.</param>
    /// <returns>Null when there is no such version.</returns>
    public static Dossier? Of(int version, IEnumerable<(DateOnly On, IEventOf<Plan> Event)> events)
    {
        Dossier? dossier = null;
        foreach (var (on, e) in events)
            dossier = e switch
            {
                PlanDrafted d when version == 1 => Begun(1, d.Content, null),
                PlanAmended a when a.PlanVersion == version => Begun(version, a.Content, a.Reason),
                PlanStepRecorded s when s.PlanVersion == version => dossier! with
                {
                    Steps = new Dictionary<PlanStep, PlanStepRecorded>(dossier.Steps) { [s.Step] = s },
                },
                ResolutionRecorded r when r.PlanVersion == version => dossier! with
                {
                    Resolution = r.Resolution,
                    SignedOn = null,
                    SignedBy = null,
                },
                PlanSigned s when s.PlanVersion == version => dossier! with { SignedOn = on, SignedBy = s.SignedBy },
                ResolutionPublished p when p.PlanVersion == version => dossier! with { Publication = p },
                PlanCountersigned c when c.PlanVersion == version => dossier! with
                {
                    CountersignedOn = on,
                    CountersignedBy = c.CountersignedBy,
                },
                PlanAdopted a when a.PlanVersion == version => dossier! with { AdoptedOn = on },
                _ => dossier,
            };
        return dossier;
    }

    private static Dossier Begun(int version, PlanContent content, string? reason) =>
        new(version, content, reason, new Dictionary<PlanStep, PlanStepRecorded>(), null, null, null, null);
}

using System.Collections.Immutable;

namespace Ledger.Domain.Plans;

/// <summary>
/// A draft (C12): <paramref name="Source"/> where the money comes from, <paramref name="Scope"/> who gets it, in words.
/// </summary>
public sealed record PlanContent(string Source, string Scope, Standard Standard);

public sealed record PlanDrafted(string CollectiveId, string FundId, string VillageCode, int Year, PlanContent Content)
    : IEventOf<Plan>;

public sealed record ResolutionRecorded(int PlanVersion, Resolution Resolution) : IEventOf<Plan>, IEvidenced
{
    [System.Text.Json.Serialization.JsonIgnore]
    public IReadOnlyList<string> Evidence =>
        Resolution.Authorisation is { } authorisation ? [Resolution.Minutes, authorisation] : [Resolution.Minutes];
}

/// <summary>
/// What comes before the meeting (四议, L6): the party branch proposes (提议), both committees confer (“两委”商议), the party
/// members deliberate (审议).
/// </summary>
public enum PlanStep
{
    Proposal,
    Committee,
    Deliberation,
}

/// <summary>A step before the meeting, with its minutes. Recorded again, the later one counts.</summary>
public sealed record PlanStepRecorded(int PlanVersion, PlanStep Step, DateOnly On, IReadOnlyList<string> Evidence)
    : IEventOf<Plan>,
        IEvidenced;

/// <summary>
/// The resolution hangs on the board (决议公开, L6). <paramref name="Evidence"/>: a photo of it. Recorded again, the later
/// one counts.
/// </summary>
public sealed record ResolutionPublished(int PlanVersion, DateOnly From, string Place, IReadOnlyList<string> Evidence)
    : IEventOf<Plan>,
        IEvidenced;

/// <summary>The township has seen this version and agrees (乡镇会签, C21).</summary>
public sealed record PlanCountersigned(int PlanVersion, string CountersignedBy) : IEventOf<Plan>;

/// <summary>
/// The village's supervision committee (村务监督委员会) has looked at this version and its resolution, and agrees (L7).
/// </summary>
public sealed record PlanSigned(int PlanVersion, string SignedBy) : IEventOf<Plan>;

public sealed record PlanAdopted(int PlanVersion) : IEventOf<Plan>;

public sealed record PlanAmended(int PlanVersion, PlanContent Content, string Reason) : IEventOf<Plan>;

/// <summary>
/// A resolution of the villagers' meeting (C13). <paramref name="Form"/> is one of the policy year's quorum forms;
/// <paramref name="Minutes"/> the digest of the signed minutes. How it was called (L5): the day on which the notice was
/// posted, the digest of the villagers' authorisation of their representatives, how many of these are women and how
/// many of the women came.
/// </summary>
public sealed record Resolution(
    string Form,
    DateOnly MeetingDate,
    int Eligible,
    int Attendance,
    int VotesFor,
    int VotesAgainst,
    string Minutes,
    DateOnly? CalledOn = null,
    string? Authorisation = null,
    int? Women = null,
    int? WomenPresent = null
);

/// <summary>When the resolution on a version was published.</summary>
public sealed record Publication(int PlanVersion, DateOnly From);

/// <summary>When a step of the present version was taken.</summary>
public sealed record StepTaken(PlanStep Step, DateOnly On);

/// <summary>
/// Plan (补助方案) of one collective for one year. Versions count from 1; an amendment is a new version that needs its own
/// resolution and adoption, and the version adopted before stays in force until then.
/// </summary>
public sealed record Plan : Aggregate, IEvolve<Plan>
{
    public string CollectiveId { get; init; } = "";
    public string FundId { get; init; } = "";
    public int Year { get; init; }
    public ImmutableArray<PlanContent> Versions { get; init; } = [];
    public Resolution? LatestResolution { get; init; }
    public int AdoptedVersion { get; init; }
    public int CountersignedVersion { get; init; }

    /// <summary>By the supervision committee; 0: none, or another resolution was recorded since.</summary>
    public int SignedVersion { get; init; }
    public ImmutableArray<StepTaken> Steps { get; init; } = [];
    public ImmutableArray<Publication> Publications { get; init; } = [];

    public int LatestVersion() => Versions.Length;

    public PlanContent? Adopted() => AdoptedVersion == 0 ? null : Versions[AdoptedVersion - 1];

    public static Plan Evolve(Plan? state, IEventOf<Plan> e) =>
        e switch
        {
            PlanDrafted d => new Plan
            {
                CollectiveId = d.CollectiveId,
                FundId = d.FundId,
                Region = d.VillageCode,
                Year = d.Year,
                Versions = [d.Content],
            },
            ResolutionRecorded r => state! with { LatestResolution = r.Resolution, SignedVersion = 0 },
            PlanCountersigned c => state! with { CountersignedVersion = c.PlanVersion },
            PlanSigned s => state! with { SignedVersion = s.PlanVersion },
            PlanAdopted a => state! with { AdoptedVersion = a.PlanVersion },
            PlanAmended a => state! with
            {
                Versions = state.Versions.Add(a.Content),
                LatestResolution = null,
                Steps = [],
            },
            PlanStepRecorded s => state! with
            {
                Steps = [.. state.Steps.Where(t => t.Step != s.Step), new StepTaken(s.Step, s.On)],
            },
            ResolutionPublished p => state! with
            {
                Publications =
                [
                    .. state.Publications.Where(x => x.PlanVersion != p.PlanVersion),
                    new Publication(p.PlanVersion, p.From),
                ],
            },
            _ => throw InvariantViolationException.Unknown(e),
        };
}

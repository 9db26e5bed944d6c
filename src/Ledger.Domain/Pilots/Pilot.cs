namespace Ledger.Domain.Pilots;

public sealed record PilotApplied(
    string County,
    string Grounds,
    string AppliedBy,
    IReadOnlyList<string> Evidence,
    string? OnBehalfOf = null
) : IEventOf<Pilot>, IEvidenced;

public sealed record PilotApproved(string Reasons) : IEventOf<Pilot>;

public sealed record PilotDeclined(string Reasons) : IEventOf<Pilot>;

public sealed record PilotEnded(string Reasons) : IEventOf<Pilot>;

public enum PilotStatus
{
    Applied,
    Approved,
    Declined,
    Ended,
}

/// <summary>Pilot county (试点县), C1 and C2: a county applies, the city decides.</summary>
public sealed record Pilot : Aggregate, IEvolve<Pilot>
{
    public PilotStatus Status { get; init; }
    public string Grounds { get; init; } = "";
    public string? Reasons { get; init; }

    /// <summary>Who applied, and whom he acted for.</summary>
    public string? AppliedBy { get; init; }
    public string? AppliedFor { get; init; }

    public static Pilot Evolve(Pilot? state, IEventOf<Pilot> e) =>
        e switch
        {
            PilotApplied a => (state ?? new Pilot()) with
            {
                Region = a.County,
                Status = PilotStatus.Applied,
                Grounds = a.Grounds,
                Reasons = null,
                AppliedBy = a.AppliedBy,
                AppliedFor = a.OnBehalfOf,
            },
            PilotApproved a => state! with { Status = PilotStatus.Approved, Reasons = a.Reasons },
            PilotDeclined d => state! with { Status = PilotStatus.Declined, Reasons = d.Reasons },
            PilotEnded n => state! with { Status = PilotStatus.Ended, Reasons = n.Reasons },
            _ => throw InvariantViolationException.Unknown(e),
        };
}

public enum PilotVerdict
{
    Approve,
    Decline,
    End,
}

public static class PilotDecider
{
    public static Decision<Pilot> Apply(
        Pilot? state,
        string county,
        string grounds,
        IReadOnlyList<string> evidence,
        Actor by
    ) =>
        state is { Status: PilotStatus.Applied or PilotStatus.Approved }
            ? new Rejection(Rejections.PilotAlreadyOpen, $"{county} 的试点申请状态为“{Name(state.Status)}”")
            : new IEventOf<Pilot>[] { new PilotApplied(county, grounds, by.Id, evidence, by.OnBehalfOf) };

    public static Decision<Pilot> Decide(Pilot state, PilotVerdict verdict, string reasons, Actor by) =>
        (state.Status, verdict) switch
        {
            (PilotStatus.Applied, _) when by.Is(state.AppliedBy) || by.Is(state.AppliedFor) => new Rejection(
                Rejections.SelfApproval,
                "申请人不能决定自己的试点申请"
            ),
            (PilotStatus.Applied, PilotVerdict.Approve) => new IEventOf<Pilot>[] { new PilotApproved(reasons) },
            (PilotStatus.Applied, PilotVerdict.Decline) => new IEventOf<Pilot>[] { new PilotDeclined(reasons) },
            (PilotStatus.Approved, PilotVerdict.End) => new IEventOf<Pilot>[] { new PilotEnded(reasons) },
            _ => new Rejection(Rejections.WrongState, $"试点状态为“{Name(state.Status)}”，不能作“{Name(verdict)}”决定"),
        };

    public static string Name(PilotStatus status) =>
        status switch
        {
            PilotStatus.Applied => "已申请",
            PilotStatus.Approved => "已批准",
            PilotStatus.Declined => "未批准",
            _ => "已结束",
        };

    private static string Name(PilotVerdict verdict) =>
        verdict switch
        {
            PilotVerdict.Approve => "批准",
            PilotVerdict.Decline => "不批准",
            _ => "结束",
        };

    /// <summary>C2: only collectives of an approved county may adopt, file and be approved.</summary>
    public static Rejection? Refusal(Pilot? state, string county) =>
        state is { Status: PilotStatus.Approved }
            ? null
            : new Rejection(Rejections.CountyNotInPilot, $"{county} 未获批试点");
}

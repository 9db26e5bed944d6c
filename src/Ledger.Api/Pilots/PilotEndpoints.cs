using Ledger.Api.Commands;
using Ledger.Api.Security;
using Ledger.Domain;
using Ledger.Domain.Identity;
using Ledger.Domain.Pilots;
using Marten;

namespace Ledger.Api.Pilots;

public sealed record PilotBody(string County, string Grounds, IReadOnlyList<string>? Evidence = null);

public sealed record PilotDecisionBody(PilotVerdict Verdict, string Reasons);

public sealed record PilotView(
    string Id,
    int Version,
    string County,
    PilotStatus Status,
    string Grounds,
    string? Reasons
)
{
    public static PilotView Of(Pilot p) => new(p.Id, p.Revision, p.Region, p.Status, p.Grounds, p.Reasons);
}

/// <summary>Pilot counties (试点县), C1 and C2.</summary>
public static class PilotEndpoints
{
    public static void MapPilots(this IEndpointRouteBuilder api)
    {
        api.MapPost("/pilots", Apply)
            .Command<PilotView>("apply-pilot", "县级申请试点 (C1) · A county applies", Roles.CountyHrss)
            .Refuses(
                Rejections.PilotAlreadyOpen,
                Rejections.FieldInvalid,
                Rejections.NotFound,
                Rejections.EvidenceMissing
            )
            .Example("""{"county":"370811","grounds":"集体经济基础较好，居保工作扎实"}""");
        api.MapPost("/pilots/{id}/decision", Decide)
            .Command<PilotView>("decide-pilot", "市级决定试点 (C2) · The city decides", Roles.CityHrss)
            .Refuses(
                Rejections.SelfApproval,
                Rejections.WrongState,
                Rejections.NotFound,
                Rejections.FieldInvalid,
                Rejections.VersionMismatch
            )
            .Example("""{"verdict":"approve","reasons":"符合条件"}""");
        api.MapGet("/pilots/{id}", Read)
            .Reading<PilotView>(
                "read-pilot",
                "查看试点申请 · Read a pilot",
                [Roles.CityHrss, Roles.Auditor, Roles.Agency, .. Roles.County]
            )
            .Refuses(Rejections.NotFound);
    }

    private static async Task<Answer> Apply(PilotBody body, Command command, Caller caller)
    {
        Require.Region(body.County, "county", RegionCode.CountyLength);
        if (!caller.MaySee(body.County))
            throw Require.NotFound(body.County);
        var grounds = Require.Prose(body.Grounds, "grounds", 2000);
        var evidence = await command.EvidenceAsync(body.Evidence, "evidence");
        var id = StreamId.Pilot(body.County);
        var known = await command.FindAsync<Pilot>(id);
        command.Region = body.County;
        var state = command.Append(id, known, PilotDecider.Apply(known, body.County, grounds, evidence, command.Actor));
        return Answer.Created($"/api/pilots/{id}", PilotView.Of(state), state.Revision);
    }

    private static async Task<Answer> Decide(string id, PilotDecisionBody body, Command command)
    {
        var reasons = Require.Prose(body.Reasons, "reasons", 2000);
        var known = await command.LoadAsync<Pilot>(id);
        var state = command.Append(
            id,
            known,
            PilotDecider.Decide(
                known,
                body.Verdict,
                reasons,
                await command.ActorAmongAsync([known.AppliedBy, known.AppliedFor])
            )
        );
        return new Answer(PilotView.Of(state), state.Revision);
    }

    private static async Task<IResult> Read(string id, IQuerySession session, Caller caller, HttpContext http) =>
        Reading.Of(http, await session.ScopedAsync<Pilot>(id, caller), PilotView.Of, id);
}

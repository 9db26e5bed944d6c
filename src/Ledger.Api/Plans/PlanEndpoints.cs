using Ledger.Api.Commands;
using Ledger.Api.Imports;
using Ledger.Api.Security;
using Ledger.Domain;
using Ledger.Domain.Collectives;
using Ledger.Domain.Funds;
using Ledger.Domain.Identity;
using Ledger.Domain.Pilots;
using Ledger.Domain.Plans;
using Marten;

namespace Ledger.Api.Plans;

public sealed record TierAmountBody(Money TierAmount, Money Amount);

/// <summary>
/// From <paramref name="From"/> to <paramref name="To"/> years, both included; no upper end when absent.
/// </summary>
public sealed record BandBody(int From, Money Amount, int? To = null);

/// <summary>
/// Flat: <paramref name="FlatAmount"/> for everybody. Per tier: <paramref name="Tiers"/>. Per age band (age reached in
/// the year) or contribution years: <paramref name="Bands"/>. Combined: the sum of <paramref name="Parts"/>, not below
/// <paramref name="FloorAmount"/>, not above <paramref name="CeilingAmount"/> per person.
/// </summary>
public sealed record StandardBody(
    StandardKind Kind,
    Money? FlatAmount = null,
    IReadOnlyList<TierAmountBody>? Tiers = null,
    IReadOnlyList<BandBody>? Bands = null,
    IReadOnlyList<StandardBody>? Parts = null,
    Money? FloorAmount = null,
    Money? CeilingAmount = null
)
{
    public Standard ToStandard() =>
        new(
            Kind,
            FlatAmount,
            [.. (Tiers ?? []).Select(t => new TierAmount(t.TierAmount, t.Amount))],
            Bands is null ? null : [.. Bands.Select(b => new Band(b.From, b.To, b.Amount))],
            Parts is null ? null : [.. Parts.Select(p => p.ToStandard())],
            FloorAmount,
            CeilingAmount
        );

    public static StandardBody Of(Standard s) =>
        new(
            s.Kind,
            s.FlatAmountFen,
            [.. s.Tiers.Select(t => new TierAmountBody(t.TierFen, t.AmountFen))],
            s.Bands is null ? null : [.. s.Bands.Select(b => new BandBody(b.From, b.AmountFen, b.To))],
            s.Parts is null ? null : [.. s.Parts.Select(Of)],
            s.FloorFen,
            s.CeilingFen
        );
}

public sealed record PlanBody(string CollectiveId, int Year, string Source, string Scope, StandardBody Standard);

public sealed record AmendmentBody(string Source, string Scope, StandardBody Standard, string Reason);

/// <summary>
/// The meeting that decided. <paramref name="Form"/> as in the policy year; <paramref name="Minutes"/>: digest of the
/// signed minutes. What the policy year asks for besides (L5): the day on which the notice of the meeting was posted,
/// the digest of the villagers' authorisation of their representatives, how many of these are women, how many came.
/// </summary>
public sealed record ResolutionBody(
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

/// <summary>A step before the meeting (四议) and the digests of its minutes.</summary>
public sealed record PlanStepBody(PlanStep Step, DateOnly On, IReadOnlyList<string> Evidence);

/// <summary>The resolution on the board: since when, where, and the digests of photos of it.</summary>
public sealed record PublicationBody(DateOnly From, string Place, IReadOnlyList<string> Evidence);

public sealed record PlanVersionView(int PlanVersion, string Source, string Scope, StandardBody Standard);

public sealed record PlanView(
    string Id,
    int Version,
    string CollectiveId,
    string FundId,
    int Year,
    int AdoptedVersion,
    int CountersignedVersion,
    int SignedVersion,
    Resolution? LatestResolution,
    IReadOnlyList<PlanVersionView> Versions,
    IReadOnlyList<StepTaken> Steps,
    IReadOnlyList<Publication> Publications
)
{
    public static PlanView Of(Plan p) =>
        new(
            p.Id,
            p.Revision,
            p.CollectiveId,
            p.FundId,
            p.Year,
            p.AdoptedVersion,
            p.CountersignedVersion,
            p.SignedVersion,
            p.LatestResolution,
            [
                .. p.Versions.Select(
                    (v, i) => new PlanVersionView(i + 1, v.Source, v.Scope, StandardBody.Of(v.Standard))
                ),
            ],
            p.Steps,
            p.Publications
        );
}

/// <summary>Plans (补助方案), C10, C12 and C13.</summary>
public static class PlanEndpoints
{
    private const string StandardExample = """
        "source":"2026年集体收入","scope":"本年度正常缴费的本集体成员",
        "standard":{"kind":"per-tier","tiers":[{"tierAmount":300,"amount":60},{"tierAmount":500,"amount":100}]}
        """;

    public static void MapPlans(this IEndpointRouteBuilder api)
    {
        api.MapPost("/plans", Draft)
            .Command<PlanView>("draft-plan", "起草补助方案 (C12) · Draft a plan", Roles.VillageFinance)
            .Refuses(
                Rejections.StandardInvalid,
                Rejections.AlreadyExists,
                Rejections.CollectiveMerged,
                Rejections.CollectiveDissolved,
                Rejections.PolicyYearMissing,
                Rejections.NotFound,
                Rejections.FieldInvalid,
                Rejections.AmountInvalid
            )
            .Example($$"""{"collectiveId":"collective-N2370811MF0000001J","year":2026,{{StandardExample}}}""");
        api.MapPost("/plans/{id}/resolution", Resolve)
            .Command<PlanView>(
                "record-resolution",
                "记录会议决议 (C13 L4 L5) · Record the resolution of the villagers, the members or their representatives",
                Roles.VillageFinance
            )
            .Refuses(
                Rejections.FieldInvalid,
                Rejections.EvidenceMissing,
                Rejections.SurveyMissing,
                Rejections.ResolutionImplausible,
                Rejections.BodyNotAllowed,
                Rejections.ResolutionIrregular,
                Rejections.QuorumNotMet,
                Rejections.VoteNotCarried,
                Rejections.StandardInvalid,
                Rejections.WrongState,
                Rejections.PolicyYearMissing,
                Rejections.NotFound,
                Rejections.VersionMismatch
            )
            .Example(
                """
                {"form":"representatives","calledOn":"2026-03-05","meetingDate":"2026-03-10","eligible":31,
                 "attendance":28,"votesFor":25,"votesAgainst":1,"women":12,"womenPresent":10,
                 "minutes":"<会议记录的摘要>","authorisation":"<授权文件的摘要>"}
                """
            );
        api.MapPost("/plans/{id}/steps", RecordStep)
            .Command<PlanView>(
                "record-plan-step",
                "登记四议步骤：提议、商议、审议 (L6) · Record what came before the meeting",
                Roles.VillageFinance
            )
            .Refuses(
                Rejections.FieldInvalid,
                Rejections.EvidenceMissing,
                Rejections.LimitExceeded,
                Rejections.NotFound,
                Rejections.VersionMismatch
            )
            .Example("""{"step":"proposal","on":"2026-02-20","evidence":["<会议记录的摘要>"]}""");
        api.MapPost("/plans/{id}/publication", PublishResolution)
            .Command<PlanView>(
                "publish-resolution",
                "登记决议公布 (L6) · Record that the resolution was published",
                Roles.VillageFinance
            )
            .Refuses(
                Rejections.ResolutionMissing,
                Rejections.FieldInvalid,
                Rejections.EvidenceMissing,
                Rejections.LimitExceeded,
                Rejections.NotFound,
                Rejections.VersionMismatch
            )
            .Example("""{"from":"2026-03-11","place":"村务公开栏","evidence":["<张贴照片的摘要>"]}""");
        api.MapPost("/plans/{id}/adoption", Adopt)
            .Command<PlanView>("adopt-plan", "通过方案 (C3 C13) · Adopt the plan", Roles.VillageFinance)
            .Refuses(
                Rejections.SurveyMissing,
                Rejections.ResolutionMissing,
                Rejections.ResolutionImplausible,
                Rejections.StandardInvalid,
                Rejections.BodyNotAllowed,
                Rejections.ResolutionIrregular,
                Rejections.QuorumNotMet,
                Rejections.VoteNotCarried,
                Rejections.CountersignatureMissing,
                Rejections.CommitteeSignatureMissing,
                Rejections.SelfApproval,
                Rejections.CollectiveMerged,
                Rejections.CollectiveDissolved,
                Rejections.CountyNotInPilot,
                Rejections.WrongState,
                Rejections.PolicyYearMissing,
                Rejections.NotFound,
                Rejections.VersionMismatch
            );
        api.MapPost("/plans/{id}/amendments", Amend)
            .Command<PlanView>("amend-plan", "修订方案 (C12) · Amend the plan", Roles.VillageFinance)
            .Refuses(
                Rejections.StandardInvalid,
                Rejections.PolicyYearMissing,
                Rejections.NotFound,
                Rejections.FieldInvalid,
                Rejections.AmountInvalid,
                Rejections.VersionMismatch
            )
            .Example($$"""{"reason":"提高500元档次的补助",{{StandardExample}}}""");
        api.MapPost("/plans/{id}/countersignature", Countersign)
            .Command<PlanView>(
                "countersign-plan",
                "乡镇（街道）会签 (C21 L7) · The township countersigns",
                Roles.Township
            )
            .Refuses(Rejections.SelfApproval, Rejections.WrongState, Rejections.NotFound, Rejections.VersionMismatch);
        api.MapPost("/plans/{id}/signature", Sign)
            .Command<PlanView>(
                "sign-plan",
                "村务监督委员会在方案上签字 (L7) · The supervision committee signs a plan",
                Roles.SupervisionCommittee
            )
            .Refuses(
                Rejections.ResolutionMissing,
                Rejections.SelfApproval,
                Rejections.WrongState,
                Rejections.NotFound,
                Rejections.VersionMismatch
            );
        api.MapPost("/plans/{id}/dry-run", DryRunEndpoint.Run)
            .Command<DryRunView>(
                "dry-run-plan",
                "试算：按方案（或所附名单）算出费用、超限、不符合和资金缺口，不存任何内容 (C10 C11) · Try the standard on all members or a roster",
                Roles.VillageFinance,
                Roles.Agency,
                Roles.Township
            )
            .Alone()
            .TakesSheet(Sheets.RosterForm)
            .Accepts<DryRunBody>("application/json", "multipart/form-data")
            .Refuses(
                Rejections.RosterInvalid,
                Rejections.FileInvalid,
                Rejections.LimitExceeded,
                Rejections.PolicyYearMissing,
                Rejections.StandardInvalid,
                Rejections.AmountInvalid,
                Rejections.FieldInvalid,
                Rejections.NotFound
            )
            .Example(
                """
                {"standard":{"kind":"combined",
                             "parts":[{"kind":"flat","flatAmount":60},
                                      {"kind":"per-age-band","bands":[{"from":45,"amount":40}]}],
                             "floorAmount":60,"ceilingAmount":100}}
                """
            );
        api.MapPost("/plans/{id}/roster-sheet", RosterSheet.Download)
            .Command<RosterSheetView>(
                "download-roster-sheet",
                "下载预填名单（.xlsx，含姓名证件号，写明理由，下载留痕，C14 C20） · The roster to file, filled in; the reason stays on record",
                Roles.VillageFinance
            )
            .Alone()
            .Refuses(Rejections.WrongState, Rejections.PolicyYearMissing, Rejections.FieldInvalid, Rejections.NotFound)
            .Example("""{"reason":"2026年度第一批申请"}""");
        api.MapGet("/plans/{id}", Read)
            .Reading<PlanView>("read-plan", "查看方案 · Read a plan", Roles.All)
            .Refuses(Rejections.NotFound);
    }

    private static PlanContent Content(string source, string scope, StandardBody standard) =>
        new(Require.Prose(source, "source", 500), Require.Prose(scope, "scope", 500), standard.ToStandard());

    private static async Task<Answer> Draft(PlanBody body, Command command)
    {
        var content = Content(body.Source, body.Scope, body.Standard);
        var collectiveId = Require.Text(body.CollectiveId, "collectiveId", 40);
        if (!collectiveId.StartsWith("collective-", StringComparison.Ordinal))
            throw Require.NotFound(collectiveId);
        var id = StreamId.PlanOf(collectiveId, body.Year);
        var known = await command.FindAsync<Plan>(id);
        var collective = await command.LoadAsync<Collective>(collectiveId);
        var policy = await command.PolicyYearAsync(collective.Region, body.Year);
        var fund = await command.ReadAsync<Fund>(StreamId.FundOf(collectiveId));
        var state = command.Append(
            id,
            known,
            PlanDecider.Draft(known, collective, fund, policy, content, command.Today)
        );
        return Answer.Created($"/api/plans/{id}", PlanView.Of(state), state.Revision);
    }

    private static async Task<Answer> Resolve(string id, ResolutionBody body, Command command)
    {
        command.EffectiveDate = Require.BusinessDate(body.MeetingDate, "meetingDate", command.Today);
        var minutes = await command.EvidenceAsync([Require.Text(body.Minutes, "minutes", 64)], "minutes");
        var authorisation = string.IsNullOrWhiteSpace(body.Authorisation)
            ? []
            : await command.EvidenceAsync([Require.Text(body.Authorisation, "authorisation", 64)], "authorisation");
        var plan = await command.LoadAsync<Plan>(id);
        var collective = (await command.ReadAsync<Collective>(plan.CollectiveId))!;
        var registered = (await command.MemberIdsAsync(collective.WithPredecessors())).Count;
        var policy = await command.PolicyYearAsync(plan.Region, plan.Year);
        var resolution = new Resolution(
            body.Form,
            body.MeetingDate,
            body.Eligible,
            body.Attendance,
            body.VotesFor,
            body.VotesAgainst,
            minutes[0],
            body.CalledOn,
            authorisation.FirstOrDefault(),
            body.Women,
            body.WomenPresent
        );
        plan = command.Append(
            id,
            plan,
            PlanDecider.RecordResolution(plan, collective, registered, policy, resolution, command.Today)
        );
        return new Answer(PlanView.Of(plan), plan.Revision);
    }

    private static async Task<Answer> RecordStep(string id, PlanStepBody body, Command command)
    {
        command.EffectiveDate = Require.BusinessDate(body.On, "on", command.Today);
        var evidence = await command.EvidenceAsync(body.Evidence, "evidence");
        var plan = await command.LoadAsync<Plan>(id);
        plan = command.Append(id, plan, PlanDecider.RecordStep(plan, body.Step, body.On, evidence));
        return new Answer(PlanView.Of(plan), plan.Revision);
    }

    private static async Task<Answer> PublishResolution(string id, PublicationBody body, Command command)
    {
        command.EffectiveDate = Require.BusinessDate(body.From, "from", command.Today);
        var place = Require.Prose(body.Place, "place", 200);
        var evidence = await command.EvidenceAsync(body.Evidence, "evidence");
        var plan = await command.LoadAsync<Plan>(id);
        plan = command.Append(id, plan, PlanDecider.PublishResolution(plan, body.From, place, evidence));
        return new Answer(PlanView.Of(plan), plan.Revision);
    }

    private static async Task<Answer> Adopt(string id, Command command)
    {
        var plan = await command.LoadAsync<Plan>(id);
        var collective = (await command.ReadAsync<Collective>(plan.CollectiveId))!;
        var registered = (await command.MemberIdsAsync(collective.WithPredecessors())).Count;
        var pilot = await command.ReadAsync<Pilot>(StreamId.Pilot(RegionCode.County(plan.Region)));
        var policy = await command.PolicyYearAsync(plan.Region, plan.Year);
        var (_, signatures, by) = await HandsAsync(id, command);
        plan = command.Append(
            id,
            plan,
            PlanDecider.Adopt(plan, collective, registered, pilot, policy, [.. signatures.SelectMany(s => s)], by)
        );
        return new Answer(PlanView.Of(plan), plan.Revision);
    }

    private static async Task<Answer> Countersign(string id, Command command)
    {
        var plan = await command.LoadAsync<Plan>(id);
        var (authors, signatures, by) = await HandsAsync(id, command);
        string[] others = [.. authors, .. signatures[typeof(PlanSigned)]];
        plan = command.Append(id, plan, PlanDecider.Countersign(plan, others, by));
        return new Answer(PlanView.Of(plan), plan.Revision);
    }

    private static async Task<Answer> Sign(string id, Command command)
    {
        var plan = await command.LoadAsync<Plan>(id);
        var (authors, signatures, by) = await HandsAsync(id, command);
        string[] others = [.. authors, .. signatures[typeof(PlanCountersigned)]];
        plan = command.Append(id, plan, PlanDecider.Sign(plan, others, by));
        return new Answer(PlanView.Of(plan), plan.Revision);
    }

    /// <summary>
    /// Who had a hand in the plan, and who countersigned or signed it, each with whom he acted for; and the caller, who
    /// knows of them. The events say it, also those from before the rule.
    /// </summary>
    private static async Task<(
        IReadOnlyCollection<string> Authors,
        ILookup<Type, string> Signatures,
        Actor By
    )> HandsAsync(string id, Command command)
    {
        var hands = (await command.EventsAsync<Plan>(id))
            .SelectMany(
                e => (string[])[e.Header(EventHeaders.Actor), e.Header(EventHeaders.OnBehalfOf)],
                (e, name) => (Type: e.Data.GetType(), Name: name)
            )
            .Where(h => h.Name.Length > 0)
            .Distinct()
            .ToLookup(h => h.Type == typeof(PlanCountersigned) || h.Type == typeof(PlanSigned));
        return (
            [.. hands[false].Select(h => h.Name).Distinct()],
            hands[true].ToLookup(h => h.Type, h => h.Name),
            await command.ActorAmongAsync(hands.SelectMany(h => h).Select(h => h.Name).Distinct())
        );
    }

    private static async Task<Answer> Amend(string id, AmendmentBody body, Command command)
    {
        var content = Content(body.Source, body.Scope, body.Standard);
        var plan = await command.LoadAsync<Plan>(id);
        var policy = await command.PolicyYearAsync(plan.Region, plan.Year);
        plan = command.Append(
            id,
            plan,
            PlanDecider.Amend(plan, policy, content, Require.Prose(body.Reason, "reason", 500))
        );
        return new Answer(PlanView.Of(plan), plan.Revision);
    }

    private static async Task<IResult> Read(string id, IQuerySession session, Caller caller, HttpContext http) =>
        Reading.Of(http, await session.ScopedAsync<Plan>(id, caller), PlanView.Of, id);
}

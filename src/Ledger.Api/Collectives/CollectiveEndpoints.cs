using Ledger.Api.Commands;
using Ledger.Api.Imports;
using Ledger.Api.Security;
using Ledger.Domain;
using Ledger.Domain.Collectives;
using Ledger.Domain.Identity;
using Marten;

namespace Ledger.Api.Collectives;

public sealed record CollectiveBody(string CreditCode, string Name, string VillageCode);

public sealed record SurveyBody(Money CollectiveIncomeAmount, int Members, int InsuredMembers, int Payers);

public sealed record SurveyView(int Year, Money CollectiveIncomeAmount, int Members, int InsuredMembers, int Payers);

/// <summary>The county's approval (批复), with its number.</summary>
public sealed record ApprovalBody(string Number, DateOnly On, string Evidence);

/// <summary>What the assembly of a collective decided (成员大会决定).</summary>
public sealed record AssemblyDecisionBody(string CollectiveId, string Number, DateOnly On, string Evidence);

/// <summary>A document of a day.</summary>
public sealed record PaperBody(DateOnly On, string Evidence);

/// <summary>
/// What a merger, a split or a dissolution rests on (L16): decisions, then review, then approval.
/// <paramref name="Creditors"/>: the notice to the creditors, which may follow within ten days of the approval.
/// </summary>
public sealed record PapersBody(
    IReadOnlyList<AssemblyDecisionBody>? Decisions = null,
    PaperBody? Review = null,
    ApprovalBody? Approval = null,
    PaperBody? Creditors = null
);

/// <summary><paramref name="Evidence"/>: other documents, beside the approval's.</summary>
public sealed record RenameBody(string Name, ApprovalBody? Approval = null, IReadOnlyList<string>? Evidence = null);

/// <summary><paramref name="Evidence"/>: other documents, beside the papers'.</summary>
public sealed record MergerBody(
    string IntoCollectiveId,
    string Reason,
    PapersBody? Papers = null,
    IReadOnlyList<string>? Evidence = null
);

/// <summary>Members and money that go to a collective that is registered and has a fund already.</summary>
public sealed record SplitBody(
    string IntoCollectiveId,
    IReadOnlyList<string> MemberIds,
    Money Amount,
    string Reason,
    PapersBody? Papers = null,
    IReadOnlyList<string>? Evidence = null
);

public sealed record DissolutionBody(string Reason, PapersBody? Papers = null, IReadOnlyList<string>? Evidence = null);

/// <summary>That the creditors were told of what was approved under a number.</summary>
public sealed record CreditorsBody(string ApprovalNumber, DateOnly On, IReadOnlyList<string> Evidence);

/// <summary>An approval of which the creditors are not told yet, and the last day to do it.</summary>
public sealed record CreditorsUntoldView(string ApprovalNumber, DateOnly ApprovedOn, DateOnly NotifyBy);

/// <summary>
/// <paramref name="MergedInto"/>, <paramref name="Predecessors"/>, <paramref name="DissolvedOn"/>: the collective's
/// history.
/// </summary>
public sealed record CollectiveView(
    string Id,
    int Version,
    string CreditCode,
    string Name,
    string VillageCode,
    string? MergedInto,
    IReadOnlyList<string> Predecessors,
    IReadOnlyList<SurveyView> Surveys,
    DateOnly? DissolvedOn,
    IReadOnlyList<CreditorsUntoldView> CreditorsUntold
)
{
    public static CollectiveView Of(Collective c) =>
        new(
            c.Id,
            c.Revision,
            c.CreditCode,
            c.Name,
            c.Region,
            c.MergedInto,
            c.Predecessors,
            [
                .. c
                    .Surveys.OrderBy(s => s.Key)
                    .Select(s => new SurveyView(
                        s.Key,
                        s.Value.CollectiveIncomeFen,
                        s.Value.Members,
                        s.Value.InsuredMembers,
                        s.Value.Payers
                    )),
            ],
            c.DissolvedOn,
            [
                .. c.CreditorsUntold.Select(u => new CreditorsUntoldView(
                    u.Key,
                    u.Value,
                    u.Value.AddDays(SuccessionPapers.CreditorDays)
                )),
            ]
        );
}

/// <summary>Collectives (农村集体经济组织) and their yearly survey, C3.</summary>
public static class CollectiveEndpoints
{
    public static void MapCollectives(this IEndpointRouteBuilder api)
    {
        api.MapPost("/collectives", Register)
            .Command<CollectiveView>(
                "register-collective",
                "登记集体经济组织 · Register a collective",
                Roles.CountyAgriculture,
                Roles.Agency
            )
            .Previewed()
            .Refuses(Rejections.AlreadyExists, Rejections.FieldInvalid, Rejections.NotFound)
            .Example(
                """{"creditCode":"N2370811MF0000001J","name":"安居街道示范村股份经济合作社","villageCode":"370811005201"}"""
            );
        api.MapPost("/collectives/import", CollectiveImport.Import)
            .Command<CollectivesImportedView>(
                "import-collectives",
                "批量登记集体（.xlsx/.csv） · Register the collectives of a list",
                Roles.CountyAgriculture,
                Roles.Agency
            )
            .TakesSheet(Sheets.Collectives)
            .Previewed()
            .Refuses(
                Rejections.RosterInvalid,
                Rejections.AlreadyExists,
                Rejections.FieldInvalid,
                Rejections.ReferenceIsPersonal,
                Rejections.NotFound,
                Rejections.FileInvalid,
                Rejections.LimitExceeded,
                Rejections.BodyInvalid
            );
        api.MapPut("/collectives/{id}/surveys/{year:int}", Survey)
            .Command<CollectiveView>(
                "record-survey",
                "登记年度摸底调查 (C3) · Record the yearly survey",
                Roles.VillageFinance,
                Roles.Township
            )
            .Refuses(
                Rejections.CollectiveMerged,
                Rejections.CollectiveDissolved,
                Rejections.FieldInvalid,
                Rejections.NotFound,
                Rejections.AmountInvalid,
                Rejections.VersionMismatch
            )
            .Example("""{"collectiveIncomeAmount":860000.00,"members":620,"insuredMembers":540,"payers":310}""");
        MapSuccession(api);
        api.MapGet("/collectives", List)
            .Reading<IReadOnlyList<CollectiveView>>(
                "list-collectives",
                "集体经济组织列表 · List collectives",
                Roles.All
            )
            .Refuses(Rejections.FieldInvalid);
        api.MapGet("/collectives/{id}", Read)
            .Reading<CollectiveView>("read-collective", "查看集体经济组织 · Read a collective", Roles.All)
            .Refuses(Rejections.NotFound);
    }

    /// <summary>What every change of a collective by papers may be refused with (L16).</summary>
    private static RejectionCode[] OfPapers(params RejectionCode[] more) =>
        [
            Rejections.SuccessionPaperMissing,
            Rejections.SuccessionPapersIrregular,
            Rejections.EvidenceMissing,
            Rejections.CollectiveMerged,
            Rejections.CollectiveDissolved,
            Rejections.FieldInvalid,
            Rejections.ReferenceIsPersonal,
            Rejections.LimitExceeded,
            Rejections.NotFound,
            Rejections.VersionMismatch,
            .. more,
        ];

    private const string PapersExample = """
        {"decisions":[{"collectiveId":"collective-N2370811MF0000001J","number":"党庄成决〔2026〕1号","on":"2026-03-01",
          "evidence":"<决定的摘要>"}],
         "review":{"on":"2026-03-10","evidence":"<乡镇审核文件的摘要>"},
         "approval":{"number":"任政批〔2026〕7号","on":"2026-03-20","evidence":"<县级批准文件的摘要>"},
         "creditors":{"on":"2026-03-25","evidence":"<通知债权人的证明的摘要>"}}
        """;

    private static void MapSuccession(IEndpointRouteBuilder api)
    {
        api.MapPost("/collectives/{id}/name", Succession.Renaming)
            .Command<CollectiveView>(
                "rename-collective",
                "集体更名 (L16) · Rename a collective",
                Roles.CountyAgriculture
            )
            .Previewed()
            .Refuses(OfPapers())
            .Example(
                """
                {"name":"长沟镇党庄股份经济合作社",
                 "approval":{"number":"任政批〔2026〕5号","on":"2026-03-02","evidence":"<批准文件的摘要>"}}
                """
            );
        api.MapPost("/collectives/{id}/merger", Succession.Merger)
            .Command<CollectiveView>(
                "merge-collective",
                "并入另一集体：资金、成员、历史随之转入 (C24 L16) · Merge into another collective",
                Roles.CountyAgriculture
            )
            .Previewed()
            .Refuses(OfPapers(Rejections.SelfApproval, Rejections.FundClosed, Rejections.WrongState))
            .Example(
                $$"""
                {"intoCollectiveId":"collective-N2370811MF00000032","reason":"合村并居",
                 "papers":{{PapersExample}}}
                """
            );
        api.MapPost("/collectives/{id}/split", Succession.Separation)
            .Command<CollectiveView>(
                "split-collective",
                "分立：部分成员和资金转入新集体 (C24 L16) · Split off members and money",
                Roles.CountyAgriculture
            )
            .Previewed()
            .Refuses(
                OfPapers(
                    Rejections.SelfApproval,
                    Rejections.FundClosed,
                    Rejections.FundOverdrawn,
                    Rejections.SplitImplausible,
                    Rejections.SurveyMissing,
                    Rejections.MemberDeceased,
                    Rejections.SplitShareExceeded,
                    Rejections.NotAMember,
                    Rejections.AlreadyExists,
                    Rejections.AmountInvalid
                )
            )
            .Example(
                $$"""
                {"intoCollectiveId":"collective-N2370811MF00000032","memberIds":["member-…"],"amount":20000.00,
                 "reason":"分村","papers":{{PapersExample}}}
                """
            );
        MapEnding(api);
    }

    private static void MapEnding(IEndpointRouteBuilder api)
    {
        api.MapPost("/collectives/{id}/dissolution", Succession.Dissolution)
            .Command<CollectiveView>(
                "dissolve-collective",
                "解散集体：资金已退回来源并关闭，成员个人账户不受影响 (L16) · Dissolve a collective without a successor",
                Roles.CountyAgriculture
            )
            .Previewed()
            .Refuses(OfPapers(Rejections.SelfApproval, Rejections.WrongState))
            .Example($$"""{"reason":"整村搬迁","papers":{{PapersExample}}}""");
        api.MapPost("/collectives/{id}/creditors-notice", Succession.Creditors)
            .Command<CollectiveView>(
                "notify-creditors",
                "登记已通知债权人：批准之日起10日内 (L16) · Record that the creditors were told",
                Roles.VillageFinance,
                Roles.CountyAgriculture
            )
            .Previewed()
            .Refuses(
                Rejections.SuccessionPapersIrregular,
                Rejections.EvidenceMissing,
                Rejections.FieldInvalid,
                Rejections.ReferenceIsPersonal,
                Rejections.LimitExceeded,
                Rejections.NotFound,
                Rejections.VersionMismatch
            )
            .Example(
                """{"approvalNumber":"任政批〔2026〕7号","on":"2026-03-25","evidence":["<通知债权人的证明的摘要>"]}"""
            );
    }

    private static async Task<Answer> Register(CollectiveBody body, Command command, Caller caller)
    {
        Require.Region(body.VillageCode, "villageCode", RegionCode.VillageLength);
        if (!caller.MaySee(body.VillageCode))
            throw Require.NotFound(body.VillageCode);
        var code = Require.Text(body.CreditCode, "creditCode", 18).ToUpperInvariant();
        var id = StreamId.Collective(code);
        var known = await command.FindAsync<Collective>(id);
        command.Region = body.VillageCode;
        var state = command.Append(
            id,
            known,
            CollectiveDecider.Register(known, code, Require.Name(body.Name, "name", 100), body.VillageCode)
        );
        return Answer.Created($"/api/collectives/{id}", CollectiveView.Of(state), state.Revision);
    }

    private static async Task<Answer> Survey(string id, int year, SurveyBody body, Command command)
    {
        if (year < SchemeYears.First)
            throw Require.Invalid("year", "年度不能早于2009");
        var known = await command.LoadAsync<Collective>(id);
        var survey = new Survey(body.CollectiveIncomeAmount, body.Members, body.InsuredMembers, body.Payers);
        var state = command.Append(id, known, CollectiveDecider.RecordSurvey(known, year, survey, command.Today));
        return new Answer(CollectiveView.Of(state), state.Revision);
    }

    private static async Task<IReadOnlyList<CollectiveView>> List(
        string? region,
        IQuerySession session,
        Caller caller,
        CancellationToken cancellation
    )
    {
        var scope = Scope.Narrow(caller, region);
        var found = await session
            .Query<Collective>()
            .Where(c => c.Region.StartsWith(scope))
            .OrderBy(c => c.Region)
            .Take(Scope.MaxRows)
            .ToListAsync(cancellation);
        return [.. found.Select(CollectiveView.Of)];
    }

    private static async Task<IResult> Read(string id, IQuerySession session, Caller caller, HttpContext http) =>
        Reading.Of(http, await session.ScopedAsync<Collective>(id, caller), CollectiveView.Of, id);
}

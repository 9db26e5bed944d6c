using Ledger.Api.Commands;
using Ledger.Api.Security;
using Ledger.Domain;
using Ledger.Domain.Collectives;
using Ledger.Domain.Identity;
using Marten;

namespace Ledger.Api.Collectives;

public sealed record CollectiveBody(string CreditCode, string Name, string VillageCode);

public sealed record SurveyBody(Money CollectiveIncomeAmount, int Members, int InsuredMembers, int Payers);

public sealed record SurveyView(int Year, Money CollectiveIncomeAmount, int Members, int InsuredMembers, int Payers);

public sealed record RenameBody(string Name, IReadOnlyList<string>? Evidence = null);

public sealed record MergerBody(string IntoCollectiveId, string Reason, IReadOnlyList<string>? Evidence = null);

/// <summary>Members and money that go to a collective that is registered and has a fund already.</summary>
public sealed record SplitBody(
    string IntoCollectiveId,
    IReadOnlyList<string> MemberIds,
    Money Amount,
    string Reason,
    IReadOnlyList<string>? Evidence = null
);

/// <summary><paramref name="MergedInto"/> and <paramref name="Predecessors"/>: the collective's history.</summary>
public sealed record CollectiveView(
    string Id,
    int Version,
    string CreditCode,
    string Name,
    string VillageCode,
    string? MergedInto,
    IReadOnlyList<string> Predecessors,
    IReadOnlyList<SurveyView> Surveys
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
            .Refuses(Rejections.AlreadyExists, Rejections.FieldInvalid, Rejections.NotFound)
            .Example(
                """{"creditCode":"N2370811MF0000001J","name":"安居街道示范村股份经济合作社","villageCode":"370811005201"}"""
            );
        api.MapPut("/collectives/{id}/surveys/{year:int}", Survey)
            .Command<CollectiveView>(
                "record-survey",
                "登记年度摸底调查 (C3) · Record the yearly survey",
                Roles.VillageFinance,
                Roles.Township
            )
            .Refuses(Rejections.FieldInvalid, Rejections.NotFound, Rejections.AmountInvalid, Rejections.VersionMismatch)
            .Example("""{"collectiveIncomeAmount":860000.00,"members":620,"insuredMembers":540,"payers":310}""");
        api.MapPost("/collectives/{id}/name", Succession.Renaming)
            .Command<CollectiveView>("rename-collective", "集体更名 · Rename a collective", Roles.CountyAgriculture)
            .Refuses(
                Rejections.EvidenceMissing,
                Rejections.CollectiveMerged,
                Rejections.FieldInvalid,
                Rejections.NotFound,
                Rejections.VersionMismatch
            )
            .Example("""{"name":"长沟镇党庄股份经济合作社","evidence":["<批准文件的摘要>"]}""");
        api.MapPost("/collectives/{id}/merger", Succession.Merger)
            .Command<CollectiveView>(
                "merge-collective",
                "并入另一集体：资金、成员、历史随之转入 (C24) · Merge into another collective",
                Roles.CountyAgriculture
            )
            .Refuses(
                Rejections.EvidenceMissing,
                Rejections.SelfApproval,
                Rejections.CollectiveMerged,
                Rejections.FundClosed,
                Rejections.WrongState,
                Rejections.FieldInvalid,
                Rejections.NotFound,
                Rejections.VersionMismatch
            )
            .Example(
                """
                {"intoCollectiveId":"collective-N2370811MF00000032","reason":"合村并居",
                 "evidence":["<批准文件的摘要>","<乡镇审核文件的摘要>"]}
                """
            );
        api.MapPost("/collectives/{id}/split", Succession.Separation)
            .Command<CollectiveView>(
                "split-collective",
                "分立：部分成员和资金转入新集体 (C24) · Split off members and money",
                Roles.CountyAgriculture
            )
            .Refuses(
                Rejections.EvidenceMissing,
                Rejections.SelfApproval,
                Rejections.CollectiveMerged,
                Rejections.FundClosed,
                Rejections.FundOverdrawn,
                Rejections.SplitShareExceeded,
                Rejections.NotAMember,
                Rejections.AlreadyExists,
                Rejections.AmountInvalid,
                Rejections.LimitExceeded,
                Rejections.FieldInvalid,
                Rejections.NotFound,
                Rejections.VersionMismatch
            )
            .Example(
                """
                {"intoCollectiveId":"collective-N2370811MF00000032","memberIds":["member-…"],"amount":20000.00,
                 "reason":"分村","evidence":["<批准文件的摘要>","<乡镇审核文件的摘要>"]}
                """
            );
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
        if (year < 2009 || year > command.Today.Year)
            throw Require.Invalid("year", "年度不能早于2009，也不能晚于今年");
        var known = await command.LoadAsync<Collective>(id);
        var survey = new Survey(body.CollectiveIncomeAmount, body.Members, body.InsuredMembers, body.Payers);
        var state = command.Append(id, known, CollectiveDecider.RecordSurvey(known, year, survey));
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

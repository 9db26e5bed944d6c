using System.Net;
using System.Net.Sockets;
using Ledger.Api.Commands;
using Ledger.Api.Notices;
using Ledger.Api.Plans;
using Ledger.Api.Policies;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Domain;
using Ledger.Domain.Accounts;
using Ledger.Domain.Applications;
using Ledger.Domain.Applications.Steps;
using Ledger.Domain.Funds;
using Ledger.Domain.Identity;
using Ledger.Domain.Policies;
using Marten;

namespace Ledger.Api.Applications;

/// <summary>Objections (异议, C16): from the notice's page by anybody, by officials, and how they are closed.</summary>
public static class Objecting
{
    /// <summary>Whose lists an open objection stands in.</summary>
    public static readonly string[] Answerers = [Roles.Township, Roles.Agency];

    /// <summary>
    /// How many of one application may wait for an answer: three of an address; where many wait already, one of it, so
    /// that whoever shouts loudest does not shut the others out; and in all, since an event is for ever. Officials take
    /// what they are told at the desk without a limit.
    /// </summary>
    private const int MaxWaitingOfAddress = 3,
        ManyWaiting = 50,
        MaxWaiting = 500;

    /// <summary>
    /// Whoever objects writes names; an event keeps what it says for ever. Those of the list's people are masked as on
    /// the notice.
    /// </summary>
    public static async Task<Answer> Object(string id, ObjectionBody body, Command command, PersonalData people)
    {
        var (application, _) = await ObjectAsync(await command.LoadAsync<Application>(id), body, command, people);
        return new Answer(ApplicationView.Of(application), application.Revision);
    }

    /// <summary>From the notice's page, by anybody.</summary>
    public static async Task<Answer> ObjectPublicly(
        string id,
        PublicObjectionBody body,
        Command command,
        StoredEvents stored,
        PersonalData people,
        HttpContext http
    )
    {
        var application = await command.FindAsync<Application>(id);
        if (application?.NoticeFrom is null)
            throw PublicNotices.NotPublished();
        command.Region = application.Region;
        if (application.NoticeUntil < command.Today)
            throw new RefusedException(
                new Rejection(Rejections.WrongState, $"公示已于 {application.NoticeUntil:yyyy-MM-dd} 结束")
                {
                    Mend = "公示结束以后可以投诉：在本页“投诉和查询”里提交，或到乡镇（街道）、经办机构提出",
                }
            );
        var source = await SourceAsync(
            id,
            [.. application.Objections.Where(o => o.Upheld is null).Select(o => o.ObjectionId)],
            "异议",
            command,
            people,
            http
        );
        var about = body.Number is { } number ? await Complaining.OnNoticeAsync(id, number, stored) : null;
        var (_, objectionId) = await ObjectAsync(application, new ObjectionBody(body.Text, about), command, people);
        await RememberAsync(command, objectionId, source);
        return new Answer(new ObjectionReceiptView(objectionId));
    }

    internal static async Task<ObjectionStatusView> Read(
        string id,
        string objectionId,
        IQuerySession session,
        StoredEvents stored
    ) =>
        await ViewAsync(id, QueryNumber.Meant("objection", objectionId), session, stored)
        ?? throw QueryNumber.Unknown();

    /// <summary>
    /// What became of an objection, for whoever was given its number: by the notice's page, or on the slip that a desk
    /// prints for him; null: there is none of this number. Nothing of its words, nor of whom it names.
    /// </summary>
    public static async Task<ObjectionStatusView?> ViewAsync(
        string id,
        string objectionId,
        IQuerySession session,
        StoredEvents stored
    )
    {
        var application = await session.LoadAsync<Application>(id);
        if (
            application?.NoticeFrom is null
            || application.Objections.FirstOrDefault(o => o.ObjectionId == objectionId) is not { } objection
        )
            return null;
        var events = await stored.OfAsync<Application>(id);
        var raising = events.First(e => e.Data is ObjectionRaised r && r.ObjectionId == objectionId);
        var raised = raising.Timestamp;
        var notice = PublicNotices.Of(events)!;
        var policy = await session.PolicyYearAsync(application.Region, application.Year);
        var days = (policy?.Deadlines() ?? Deadlines.Default).ObjectionDays;
        return new ObjectionStatusView(
            id,
            objectionId,
            await PlanPages.NameAsync(session, application.CollectiveId),
            application.Year,
            notice.Lines.FirstOrDefault(l => l.MemberId == objection.MemberId)?.Number,
            Clock.Day(raised),
            objection.Upheld is null ? Clock.Day(raised.AddDays(days)) : null,
            objection.Upheld,
            objection.Answer
        );
    }

    /// <summary>Where something comes from that is said without signing in; refused where too much waits.</summary>
    /// <param name="waiting">Of the same application, what waits for an answer.</param>
    /// <param name="what">An objection or a complaint.</param>
    public static async Task<byte[]> SourceAsync(
        string id,
        string[] waiting,
        string what,
        Command command,
        PersonalData people,
        HttpContext http
    )
    {
        if (waiting.Length >= MaxWaiting)
            throw new RefusedException(
                new Rejection(
                    Rejections.LimitExceeded,
                    $"已有 {MaxWaiting} 条{what}待答复，请直接向村、乡镇（街道）或经办机构提出，由其代为登记"
                )
            );
        var source = people.SourceHash(id, Network(http.Connection.RemoteIpAddress));
        var own = (
            await command.Connection.QueryAsync(
                $"""
                select count(*)
                  from {LedgerStore.Schema}.objection_source
                 where objection_id = any(@waiting)
                   and source = @source
                """,
                r => r.GetInt64(0),
                ("waiting", waiting),
                ("source", source)
            )
        ).Single();
        var most = waiting.Length < ManyWaiting ? MaxWaitingOfAddress : 1;
        if (own >= most)
            throw new RefusedException(
                new Rejection(
                    Rejections.LimitExceeded,
                    $"同一网络地址现在最多有 {most} 条{what}待答复，请等待答复，或直接向乡镇（街道）或经办机构提出"
                )
            );
        return source;
    }

    public static Task RememberAsync(Command command, string id, byte[] source) =>
        command.Connection.ExecuteAsync(
            $"insert into {LedgerStore.Schema}.objection_source (objection_id, source) values (@id, @source)",
            ("id", id),
            ("source", source)
        );

    /// <summary>
    /// Upheld: the line leaves the list, its money goes back to where it came from, the cap is given back.
    /// </summary>
    public static async Task<Answer> Answer(string id, string objectionId, ObjectionAnswerBody body, Command command)
    {
        var text = Require.Prose(body.Answer, "answer", 500);
        var application = await command.LoadAsync<Application>(id);
        var raisedBy = (await RaisedByAsync(command, id, [objectionId])).GetValueOrDefault(objectionId);
        var by = await command.ActorAmongAsync([raisedBy, .. application.Handlers()]);
        var answer = new ObjectionAnswer(
            body.Upheld,
            text,
            string.IsNullOrWhiteSpace(body.MemberId) ? null : body.MemberId,
            body.WholeList,
            body.CorrectedAmount
        );
        var falling = AnswerObjection.Falling(application, objectionId, answer);
        var fund = falling.Count > 0 ? await command.FindAsync<Fund>(application.FundId) : null;
        var years = await command.YearsAsync(application, falling);
        var decision = AnswerObjection.Decide(
            new AnswerObjection.Basis(application, fund, years, raisedBy),
            objectionId,
            answer,
            by
        );
        var after = command.Append(id, application, decision);
        await ForgetAsync(command, after);
        return new Answer(ApplicationView.Of(after) with { Outcome = Outcome(after, body, falling) }, after.Revision);
    }

    /// <summary>The township closes what anonymous people wrote and nobody could look into.</summary>
    public static async Task<Answer> Close(string id, ObjectionClosureBody body, Command command)
    {
        var reason = Require.Prose(body.Reason, "reason", 500);
        var ids = body.ObjectionIds ?? [];
        if (ids.Count > MaxWaiting)
            throw new RefusedException(
                new Rejection(Rejections.LimitExceeded, $"一次最多 {MaxWaiting} 条") { Field = "objectionIds" }
            );
        var application = await command.LoadAsync<Application>(id);
        var raisedBy = await RaisedByAsync(command, id, ids);
        application = command.Append(
            id,
            application,
            AnswerObjection.CloseEmpty(
                application,
                ids,
                raisedBy,
                reason,
                await command.ActorAmongAsync(application.Filers)
            )
        );
        await ForgetAsync(command, application);
        return new Answer(ApplicationView.Of(application), application.Revision);
    }

    private static async Task<(Application Application, string ObjectionId)> ObjectAsync(
        Application application,
        ObjectionBody body,
        Command command,
        PersonalData people
    )
    {
        var text = await MaskedAsync(Require.Prose(body.Text, "text", 500), application, command, people);
        var objectionId = QueryNumber.Id("objection", QueryNumber.New());
        return (
            command.Append(
                application.Id,
                application,
                RaiseObjection.Decide(application, objectionId, body.MemberId, text)
            ),
            objectionId
        );
    }

    /// <summary>What somebody wrote, the names of the list's people as on the notice.</summary>
    public static async Task<string> MaskedAsync(
        string text,
        Application application,
        Command command,
        PersonalData people
    ) =>
        (await people.ReadAsync(command.Connection, application.Lines.Select(l => l.MemberId)))
            .Values.OrderByDescending(p => p.Name.Length)
            .Aggregate(text, (t, p) => t.Replace(p.Name, p.MaskedName, StringComparison.Ordinal));

    /// <summary>
    /// Who raised these objections, where he was signed in: the events know, also of those from before the product
    /// asked.
    /// </summary>
    public static async Task<IReadOnlyDictionary<string, string>> RaisedByAsync(
        Command command,
        string applicationId,
        IReadOnlyList<string> objectionIds
    ) => (
            await command.Connection.QueryAsync(
                $"""
                select data ->> 'objectionId', headers ->> 'actor' from {LedgerStore.Schema}.mt_events
                 where stream_id = @id
                   and type = 'objection_raised'
                   and data ->> 'objectionId' = any(@objections)
                   and headers ->> 'role' <> @anybody
                   and headers ->> 'actor' is not null
                """,
                r => (Id: r.GetString(0), By: r.GetString(1)),
                ("id", applicationId),
                ("objections", objectionIds.ToArray()),
                ("anybody", ActorName.Public.Role)
            )
        ).DistinctBy(r => r.Id).ToDictionary(r => r.Id, r => r.By);

    /// <summary>
    /// Where an objection or complaint came from is nobody's business any more once it is answered or its application
    /// has ended.
    /// </summary>
    public static async Task ForgetAsync(Command command, Application application)
    {
        var done = application
            .Objections.Where(o => o.Upheld is not null || application.Status == ApplicationStatus.Withdrawn)
            .Select(o => o.ObjectionId)
            .Concat(application.Complaints.Where(c => !c.IsOpen()).Select(c => c.ComplaintId))
            .ToArray();
        if (done.Length > 0)
            await command.Connection.ExecuteAsync(
                $"delete from {LedgerStore.Schema}.objection_source where objection_id = any(@ids)",
                ("ids", done)
            );
    }

    /// <summary>What follows from the answer, in words.</summary>
    public static string Outcome(Application after, ObjectionAnswerBody body, IReadOnlyList<Line> released) =>
        !body.Upheld
            ? "异议不成立，名单和金额不变"
            : (
                released.Count == 0
                    ? "该人已不在拟付名单中"
                    : $"{released.Count} 人退出名单，{Money.Sum(released.Select(l => l.AmountFen))} 元退回资金"
            )
                + (body.CorrectedAmount is { } right ? $"；应为 {right} 元，由村另行申请" : "")
                + (after.Status == ApplicationStatus.Withdrawn ? "；名单已无人，申请终止，更正后重新提交" : "");

    /// <summary>One subscriber: an IPv4 address, or the /64 that an IPv6 subscriber has to himself.</summary>
    private static string Network(IPAddress? address) =>
        address switch
        {
            null => "",
            { IsIPv4MappedToIPv6: true } => $"{address.MapToIPv4()}",
            { AddressFamily: AddressFamily.InterNetworkV6 } => Convert.ToHexString(
                address.GetAddressBytes().AsSpan(0, 8)
            ),
            _ => $"{address}",
        };
}

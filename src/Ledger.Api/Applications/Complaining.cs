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
using Ledger.Domain.Collectives;
using Ledger.Domain.Identity;
using Ledger.Domain.Policies;
using Marten;
using Npgsql;

namespace Ledger.Api.Applications;

/// <summary>Of an application, or of one person's line.</summary>
public sealed record ComplaintBody(string Text, string? MemberId = null);

/// <summary><paramref name="Number"/>: whose line, by its number on the notice (序号).</summary>
public sealed record PublicComplaintBody(string Text, int? Number = null);

/// <summary><paramref name="Remedy"/>: how what an upheld complaint found is set right, by the ways that there are.
/// </summary>
public sealed record ComplaintAnswerBody(bool Upheld, string Answer, ComplaintRemedy? Remedy = null);

/// <summary>
/// The number that it is followed with (查询号), and what only whoever complained is told (查询密码): with both it is taken
/// to the county. It is shown once; only the answer that is kept for the request's key still has it.
/// </summary>
public sealed record ComplaintReceiptView(string ComplaintId, string? Secret = null);

/// <param name="Secret">As it was shown when the complaint was made; none for one that was made at a desk, or before
/// there were any.</param>
public sealed record EscalationBody(string Reason, string? Secret = null);

public sealed record ComplaintAnswerView(bool Upheld, string Answer, ComplaintRemedy? Remedy);

/// <summary>
/// A complaint as whoever has its number may read it: not its words, in which the names of this application's
/// people are masked, so that nobody tries out who is one of them. <paramref name="AnswerDue"/>: by when the office
/// that has it should answer.
/// </summary>
public sealed record ComplaintView(
    string ApplicationId,
    string ComplaintId,
    string CollectiveName,
    int Year,
    ComplaintStatus Status,
    DateOnly RaisedOn,
    DateOnly? AnswerDue,
    bool MayEscalate,
    IReadOnlyList<ComplaintAnswerView> Answers
);

/// <summary>Complaints (投诉, L18): at any time, from anybody's page or an office's desk, and their answers.</summary>
public static class Complaining
{
    public static readonly string[] Desks = [Roles.Township, Roles.Agency, Roles.CountyHrss, Roles.CountyAgriculture];

    /// <summary>Who answers what came to the county.</summary>
    public static readonly string[] County = [Roles.CountyHrss, Roles.CountyAgriculture];

    public static void MapComplaints(this IEndpointRouteBuilder api)
    {
        api.MapPost("/applications/{id}/complaints", Record)
            .Command<ApplicationView>(
                "raise-complaint",
                "登记投诉：付款、办结以后也可以 (L18) · Record a complaint, at any time",
                Desks
            )
            .Refuses(Rejections.FieldInvalid, Rejections.NotFound, Rejections.VersionMismatch)
            .Example("""{"text":"已办结，但至今没有查到补助入账","memberId":"member-…"}""");
        api.MapPost("/applications/{id}/complaints/{complaintId}/answer", Answering)
            .Command<ApplicationView>(
                "answer-complaint",
                "答复投诉：乡镇先答复，转到县级的由县级答复 (L18) · Answer a complaint",
                [Roles.Township, .. County]
            )
            .Refuses(
                Rejections.SelfApproval,
                Rejections.WrongState,
                Rejections.FieldInvalid,
                Rejections.NotFound,
                Rejections.VersionMismatch
            )
            .Example("""{"upheld":true,"answer":"经核对，入账金额有误","remedy":"refund"}""");
        api.MapPost("/applications/{id}/complaints/{complaintId}/escalation", EscalateAtDesk)
            .Command<ApplicationView>(
                "escalate-complaint",
                "把投诉转到县级：不满意答复，或逾期未答复 (L18) · Take a complaint to the county",
                Desks
            )
            .Refuses(
                Rejections.WrongState,
                Rejections.FieldInvalid,
                Rejections.NotFound,
                Rejections.PolicyYearMissing,
                Rejections.VersionMismatch
            )
            .Example("""{"reason":"没有说明为什么少发"}""");
        api.MapPost("/notices/{id}/complaints", RaisePublicly)
            .Command<ComplaintReceiptView>(
                "raise-public-complaint",
                "任何人投诉，付款、办结以后也可以 (L18) · Anybody complains, at any time"
            )
            .Refuses(Rejections.FieldInvalid, Rejections.NotFound, Rejections.LimitExceeded)
            .Example("""{"text":"第3号至今没有收到补助","number":3}""");
        api.MapPost("/notices/{id}/complaints/{complaintId}/escalation", EscalatePublicly)
            .Command<ComplaintReceiptView>(
                "escalate-public-complaint",
                "投诉人凭查询号和查询密码转到县级 (L18) · Whoever complained takes it to the county"
            )
            .Refuses(Rejections.WrongState, Rejections.FieldInvalid, Rejections.NotFound, Rejections.PolicyYearMissing)
            .Example("""{"reason":"没有说明为什么少发","secret":"ABCD-EFGH-JKLM-NPQR"}""");
        api.MapGet("/notices/{id}/complaints/{complaintId}", Read)
            .Reading<ComplaintView>("read-complaint", "凭查询号查看投诉（公开） · Follow a complaint by its number")
            .Refuses(Rejections.NotFound);
    }

    private static async Task<Answer> Record(string id, ComplaintBody body, Command command, PersonalData people)
    {
        var text = Require.Prose(body.Text, "text", 500);
        var (application, _) = await RaiseAsync(
            await command.LoadAsync<Application>(id),
            text,
            string.IsNullOrWhiteSpace(body.MemberId) ? null : body.MemberId,
            command,
            people
        );
        return new Answer(ApplicationView.Of(application), application.Revision);
    }

    /// <summary>Whatever was published once; what was never made public is nobody's to ask about.</summary>
    private static async Task<Answer> RaisePublicly(
        string id,
        PublicComplaintBody body,
        Command command,
        StoredEvents stored,
        PersonalData people,
        HttpContext http
    )
    {
        var text = Require.Prose(body.Text, "text", 500);
        var application = await PublishedAsync(id, command);
        var source = await Objecting.SourceAsync(
            id,
            [.. application.Complaints.Where(c => c.IsOpen()).Select(c => c.ComplaintId)],
            "投诉",
            command,
            people,
            http
        );
        var about = body.Number is { } number ? await OnNoticeAsync(id, number, stored) : null;
        var secret = QueryNumber.New(); // what stands in the event, a digest, says nothing of it
        var (_, complaintId) = await RaiseAsync(application, text, about, command, people, secret);
        await Objecting.RememberAsync(command, complaintId, source);
        return new Answer(new ComplaintReceiptView(complaintId, secret));
    }

    /// <summary>Whose number that is on the notice.</summary>
    internal static async Task<string> OnNoticeAsync(string id, int number, StoredEvents stored) =>
        PublicNotices.Of(await stored.OfAsync<Application>(id))!.Lines.FirstOrDefault(l => l.Number == number)?.MemberId
        ?? throw Require.Invalid("number", "公示名单中没有这个序号");

    private static async Task<(Application Application, string ComplaintId)> RaiseAsync(
        Application application,
        string text,
        string? memberId,
        Command command,
        PersonalData people,
        string? secret = null
    )
    {
        var complaintId = QueryNumber.Id("complaint", QueryNumber.New());
        var masked = await Objecting.MaskedAsync(text, application, command, people);
        return (
            command.Append(
                application.Id,
                application,
                Complain.Raise(application, complaintId, memberId, masked, secret)
            ),
            complaintId
        );
    }

    private static async Task<Answer> Answering(
        string id,
        string complaintId,
        ComplaintAnswerBody body,
        Command command,
        Caller caller
    )
    {
        var answer = new ComplaintAnswer(body.Upheld, Require.Prose(body.Answer, "answer", 500), body.Remedy);
        var application = await command.LoadAsync<Application>(id);
        var raisedBy = await RaisedByAsync(command, id, complaintId);
        var ofVillage = await OfVillageAsync(command, application.Region);
        var by = await command.ActorAmongAsync([
            raisedBy,
            .. application.Handlers(),
            .. application.Complaints.SelectMany(c => c.Answers).Select(a => a.By),
            .. ofVillage,
        ]);
        application = command.Append(
            id,
            application,
            Complain.Answer(
                application,
                complaintId,
                answer,
                County.Contains(caller.Actor.Role),
                raisedBy,
                ofVillage,
                by
            )
        );
        await Objecting.ForgetAsync(command, application);
        return new Answer(ApplicationView.Of(application), application.Revision);
    }

    /// <summary>For whoever complained, who says there what only he was told.</summary>
    private static async Task<Answer> EscalateAtDesk(
        string id,
        string complaintId,
        EscalationBody body,
        Command command
    )
    {
        var application = await EscalateAsync(await command.LoadAsync<Application>(id), complaintId, body, command);
        return new Answer(ApplicationView.Of(application), application.Revision);
    }

    /// <summary>The number is known to officials, too; the secret to nobody but whoever complained.</summary>
    private static async Task<Answer> EscalatePublicly(
        string id,
        string complaintId,
        EscalationBody body,
        Command command
    )
    {
        await EscalateAsync(await PublishedAsync(id, command), complaintId, body, command);
        return new Answer(new ComplaintReceiptView(complaintId));
    }

    private static async Task<Application> EscalateAsync(
        Application application,
        string complaintId,
        EscalationBody body,
        Command command
    )
    {
        var reason = Require.Prose(body.Reason, "reason", 500);
        var made = await command.EventAsync<ComplaintRaised>(
            application.Id,
            "type = 'complaint_raised' and data ->> 'complaintId' = @complaint",
            ("complaint", complaintId)
        );
        if (Complain.NotComplainant(made?.SecretDigest, body.Secret) is { } stranger)
            throw new RefusedException(stranger);
        var policy = await command.PolicyYearAsync(application.Region, application.Year);
        var raised = await RaisedOnAsync(command.Connection, application.Id, complaintId);
        return command.Append(
            application.Id,
            application,
            Complain.Escalate(
                application,
                complaintId,
                reason,
                (raised?.Raised ?? command.Today).AddDays(policy.Deadlines().ForComplaint()),
                command.Today
            )
        );
    }

    private static async Task<ComplaintView> Read(
        string id,
        string complaintId,
        IQuerySession session,
        NpgsqlDataSource database,
        Clock clock
    ) =>
        await ViewAsync(id, QueryNumber.Meant("complaint", complaintId), session, database, clock)
        ?? throw QueryNumber.Unknown();

    public static async Task<ComplaintView?> ViewAsync(
        string id,
        string complaintId,
        IQuerySession session,
        NpgsqlDataSource database,
        Clock clock
    )
    {
        var application = await session.LoadAsync<Application>(id);
        if (application?.NoticeFrom is null)
            return null;
        if (application.Complaints.FirstOrDefault(c => c.ComplaintId == complaintId) is not { } complaint)
            return null;
        await using var connection = await database.OpenConnectionAsync();
        if (await RaisedOnAsync(connection, id, complaintId) is not { } on)
            return null;
        var policy = await session.PolicyYearAsync(application.Region, application.Year);
        var days = (policy?.Deadlines() ?? Deadlines.Default).ForComplaint();
        var due = complaint.IsOpen() ? (on.Escalated ?? on.Raised).AddDays(days) : (DateOnly?)null;
        return new ComplaintView(
            id,
            complaintId,
            await PlanPages.NameAsync(session, application.CollectiveId),
            application.Year,
            complaint.Status,
            on.Raised,
            due,
            complaint.Status == ComplaintStatus.Answered
                || (complaint.Status == ComplaintStatus.Raised && clock.Today > due),
            [.. complaint.Answers.Select(a => new ComplaintAnswerView(a.Upheld, a.Answer, a.Remedy))]
        );
    }

    private static async Task<Application> PublishedAsync(string id, Command command)
    {
        var application = await command.FindAsync<Application>(id);
        if (application?.NoticeFrom is null)
            throw PublicNotices.NotPublished();
        command.Region = application.Region;
        return application;
    }

    /// <summary>Who complained, where he was signed in: the events know.</summary>
    private static async Task<string?> RaisedByAsync(Command command, string id, string complaintId) =>
        (
            await command.Connection.QueryAsync(
                $"""
                select headers ->> 'actor' from {LedgerStore.Schema}.mt_events
                 where stream_id = @id
                   and type = 'complaint_raised'
                   and data ->> 'complaintId' = @complaint
                   and headers ->> 'role' <> @anybody
                   and headers ->> 'actor' is not null
                """,
                r => r.GetString(0),
                ("id", id),
                ("complaint", complaintId),
                ("anybody", ActorName.Public.Role)
            )
        ).FirstOrDefault();

    private static async Task<(DateOnly Raised, DateOnly? Escalated)?> RaisedOnAsync(
        NpgsqlConnection connection,
        string id,
        string complaintId
    )
    {
        var events = await connection.QueryAsync(
            $"""
            select type, timestamp from {LedgerStore.Schema}.mt_events
             where stream_id = @id
               and type in ('complaint_raised', 'complaint_escalated')
               and data ->> 'complaintId' = @complaint
             order by version
            """,
            r => (Type: r.GetString(0), At: Clock.Day(r.GetFieldValue<DateTimeOffset>(1))),
            ("id", id),
            ("complaint", complaintId)
        );
        return events.Count == 0
            ? null
            : (events[0].At, events.Where(e => e.Type == "complaint_escalated").Select(e => (DateOnly?)e.At).Max());
    }

    /// <summary>The accounts of a village, by name: what is complained of is their work.</summary>
    private static async Task<List<string>> OfVillageAsync(Command command, string village) => [.. (
                await command.NamedByAsync<Account>(
                    """
                    type in ('account_opened', 'account_changed', 'account_change_requested')
                       and data ->> 'roleRegion' = @village
                    """,
                    ("village", village)
                )
            ).Values.Where(a => a.Region == village).OrderBy(a => a.Id, StringComparer.Ordinal).Select(a => a.Name)];
}

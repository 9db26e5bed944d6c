using Ledger.Api.Commands;
using Ledger.Api.Policies;
using Ledger.Domain;
using Ledger.Domain.Accounts;
using Ledger.Domain.Applications;
using Ledger.Domain.Identity;
using Ledger.Domain.Policies;
using Marten;
using Npgsql;
using Wolverine;

namespace Ledger.Api.Reports;

/// <summary>
/// Sent into the future when a deadline starts, in the transaction that starts it, and kept in the database: it
/// survives restarts, and one node handles it.
/// </summary>
public sealed record DeadlineDue(string ApplicationId, DeadlineKind Kind, DateTimeOffset DueAt, string? ObjectionId);

/// <summary>The deadlines that begin with a command (C21).</summary>
public static class Deadlines
{
    public static async Task<IReadOnlyList<Later>> BegunByAsync(
        IReadOnlyCollection<StreamChange> changes,
        Func<IDocumentSession> session,
        DateTimeOffset now
    )
    {
        var started = changes
            .Where(c => c.State is Application)
            .SelectMany(c => c.Events, (c, e) => (Application: (Application)c.State!, Event: (IEventOf<Application>)e))
            .ToList();
        if (started.Count == 0)
            return [];
        var (region, year) = (started[0].Application.Region, started[0].Application.Year);
        if (await session().PolicyYearAsync(region, year) is not { } policy)
            return [];
        return
        [
            .. started
                .Select(s =>
                    (
                        s.Application.Id,
                        Deadline: Supervision.Starts(s.Event, policy.Deadlines(), policy.Parameters.NoticeDays)!
                    )
                )
                .Where(d => d.Deadline is not null)
                .DistinctBy(d => d.Deadline.Kind)
                .Select(d => Due(d.Id, d.Deadline, now.AddDays(d.Deadline.Days))),
        ];
    }

    private static Later Due(string applicationId, StartedDeadline deadline, DateTimeOffset at) =>
        new(new DeadlineDue(applicationId, deadline.Kind, at, deadline.ObjectionId), at);
}

/// <summary>
/// Looks, when a deadline has come, whether what it waits for was done; if not, records the miss (C21). The message is
/// no more than a call to look, for it lies where whoever has the application's role may edit it: what is due, and
/// when, the application's own events say.
/// </summary>
public static class DeadlineDueHandler
{
    /// <summary>The sample's clock may be behind the real one while its county is loaded: look again then.</summary>
    private static readonly TimeSpan LookAgain = TimeSpan.FromSeconds(30);

    public static async Task Handle(
        DeadlineDue due,
        EventWriter writer,
        StoredEvents stored,
        [FromKeyedServices(LedgerStore.Commands)] NpgsqlDataSource database,
        TimeProvider time,
        Clock clock,
        IMessageContext context
    )
    {
        var now = time.GetUtcNow();
        if (now < due.DueAt)
        {
            await context.ScheduleAsync(due, DateTimeOffset.UtcNow + LookAgain);
            return;
        }
        await using var connection = await database.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        var (_, states) = await writer.LockAsync<Application>(connection, [due.ApplicationId], "for update");
        var application =
            states.GetValueOrDefault(due.ApplicationId)
            ?? throw new InvalidOperationException($"{due.ApplicationId} is gone");
        var waiting = await WaitingAsync(writer, stored, connection, application, due);
        var decision = Supervision.Escalate(application, waiting, now);
        if (decision.Events.Count > 0)
        {
            var message = $"{context.Envelope!.Id}";
            await writer.WriteAsync(
                connection,
                [StreamChange.Of(Change.Of(application, decision.Events))],
                new EventStamp(
                    ActorName.System(application.Region),
                    application.Region,
                    clock.Today,
                    "escalate-deadline",
                    message,
                    message
                )
            );
            await transaction.CommitAsync();
            // L18: it is the county's now, which has its own time from here.
            if (decision.Events.OfType<ComplaintEscalated>().Any())
                await context.ScheduleAsync(due with { DueAt = now }, DateTimeOffset.UtcNow + LookAgain);
        }
        // Called too early: this was the only call that there is.
        else if (waiting.Where(d => d.DueAt > now).Select(d => d.DueAt).Order().ToArray() is [var next, ..])
            await context.ScheduleAsync(due with { DueAt = next }, next);
    }

    /// <summary>What the application waits for of the kind that the message names.</summary>
    private static async Task<IReadOnlyList<DeadlineMissed>> WaitingAsync(
        EventWriter writer,
        StoredEvents stored,
        NpgsqlConnection connection,
        Application application,
        DeadlineDue due
    )
    {
        var events = await stored.OfAsync<Application>(
            connection,
            "stream_id = @id and version <= @version",
            ("id", application.Id),
            ("version", application.Revision)
        );
        var policies = (
            await writer.LockAsync<PolicyYear>(
                connection,
                [
                    StreamId.PolicyYear(RegionCode.County(application.Region), application.Year),
                    StreamId.PolicyYear(RegionCode.City(application.Region), application.Year),
                ],
                "for share"
            )
        )
            .States
            .Values;
        var policy = policies.Where(p => p.InForce() is not null).MaxBy(p => p.Region.Length);
        return
        [
            .. Supervision
                .Waiting(
                    application,
                    [.. events.Select(e => ((IEventOf<Application>)e.Data, e.Timestamp))],
                    policy?.Deadlines() ?? Domain.Policies.Deadlines.Default,
                    policy?.Parameters.NoticeDays ?? PolicyYearDecider.UsualNoticeDays
                )
                .Where(d => d.Kind == due.Kind && d.ObjectionId == due.ObjectionId),
        ];
    }
}

using Ledger.Api.Commands;
using Ledger.Api.Policies;
using Ledger.Domain;
using Ledger.Domain.Accounts;
using Ledger.Domain.Applications;
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
/// Looks, when a deadline has come, whether what it waits for was done; if not, records the miss (C21).
/// </summary>
public static class DeadlineDueHandler
{
    /// <summary>The sample's clock may be behind the real one while its county is loaded: look again then.</summary>
    private static readonly TimeSpan LookAgain = TimeSpan.FromSeconds(30);

    public static async Task Handle(
        DeadlineDue due,
        EventWriter writer,
        [FromKeyedServices(LedgerStore.Commands)] NpgsqlDataSource database,
        TimeProvider time,
        Clock clock,
        IMessageContext context
    )
    {
        if (time.GetUtcNow() < due.DueAt)
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
        var decision = Supervision.Escalate(application, due.Kind, due.DueAt, due.ObjectionId);
        if (decision.Events.Count == 0)
            return;
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
    }
}

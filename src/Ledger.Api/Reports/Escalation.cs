using Ledger.Domain;
using Ledger.Domain.Accounts;
using Ledger.Domain.Applications;
using Npgsql;
using Wolverine;

namespace Ledger.Api.Reports;

/// <summary>
/// Sent into the future when a deadline starts, in the transaction that starts it, and kept in the database: it
/// survives restarts, and one node handles it.
/// </summary>
public sealed record DeadlineDue(string ApplicationId, DeadlineKind Kind, DateTimeOffset DueAt, string? ObjectionId);

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

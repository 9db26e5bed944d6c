using Ledger.Domain;
using Ledger.Domain.Applications;
using Ledger.Domain.Policies;
using Ledger.Projections.WorkQueues;
using Marten;
using Npgsql;

namespace Ledger.Api.Applications;

/// <summary>
/// Since when, and until when, the applications of a queue, their objections and complaints wait (C21, L18).
/// </summary>
public static class Answers
{
    private const string Raised = $"""
        select stream_id, coalesce(data ->> 'objectionId', data ->> 'complaintId'), max(timestamp)
          from {LedgerStore.Schema}.mt_events
         where stream_id = any(@ids)
           and type in ('objection_raised', 'complaint_raised', 'complaint_escalated')
         group by 1, 2
        """;

    private const string Begun = $"""
        select stream_id, max(timestamp)
          from {LedgerStore.Schema}.mt_events
         where (stream_id = any(@reviewed) and type in ('application_filed', 'application_resubmitted')
                or stream_id = any(@noticed) and type = 'application_approved')
         group by 1
        """;

    /// <summary>
    /// By application, when the deadline of its step began: review and approval share one, so do notice and payment
    /// (<see cref="Supervision.Starts"/>). Those that are not here: with their state.
    /// </summary>
    public static async Task<IReadOnlyDictionary<string, DateTimeOffset>> BegunAsync(
        IReadOnlyList<WorkItem> items,
        NpgsqlDataSource database,
        CancellationToken cancellation
    )
    {
        string[] Of(ApplicationStatus status) => [.. items.Where(i => i.Status == status).Select(i => i.Id)];
        var (reviewed, noticed) = (Of(ApplicationStatus.Reviewed), Of(ApplicationStatus.Noticed));
        if (reviewed.Length + noticed.Length == 0)
            return new Dictionary<string, DateTimeOffset>();
        await using var connection = await database.OpenConnectionAsync(cancellation);
        return (
            await connection.QueryAsync(
                Begun,
                r => (Of: r.GetString(0), At: r.GetFieldValue<DateTimeOffset>(1)),
                ("reviewed", reviewed),
                ("noticed", noticed)
            )
        ).ToDictionary(r => r.Of, r => r.At);
    }

    /// <summary>The earliest of each application, by its id: of its objections, of its complaints.</summary>
    public static async Task<IReadOnlyDictionary<string, (DateOnly? Objection, DateOnly? Complaint)>> DueAsync(
        IReadOnlyList<WorkItem> items,
        IQuerySession session,
        NpgsqlDataSource database,
        Deadlines days,
        CancellationToken cancellation
    )
    {
        var ids = items.Where(i => i.OpenObjections > 0 || i.OpenComplaints() > 0).Select(i => i.Id).ToArray();
        if (ids.Length == 0)
            return new Dictionary<string, (DateOnly?, DateOnly?)>();
        await using var connection = await database.OpenConnectionAsync(cancellation);
        var raised = (
            await connection.QueryAsync(
                Raised,
                r =>
                    (
                        Of: r.GetString(0),
                        Id: r.IsDBNull(1) ? "" : r.GetString(1),
                        At: r.GetFieldValue<DateTimeOffset>(2)
                    ),
                ("ids", ids)
            )
        ).ToLookup(r => r.Of);
        DateOnly? Earliest(string of, IEnumerable<string> open, int limit) =>
            raised[of].Where(r => open.Contains(r.Id)).Select(r => (DateOnly?)Clock.Day(r.At.AddDays(limit))).Min();
        return (await session.LoadManyAsync<Application>(cancellation, ids)).ToDictionary(
            a => a.Id,
            a =>
                (
                    Earliest(
                        a.Id,
                        a.Objections.Where(o => o.Upheld is null).Select(o => o.ObjectionId),
                        days.ObjectionDays
                    ),
                    Earliest(a.Id, a.Complaints.Where(c => c.IsOpen()).Select(c => c.ComplaintId), days.ForComplaint())
                )
        );
    }
}

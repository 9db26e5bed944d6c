using Ledger.Domain;
using Ledger.Domain.Applications;
using Ledger.Domain.Policies;
using Ledger.Projections.WorkQueues;
using Marten;
using Npgsql;

namespace Ledger.Api.Applications;

/// <summary>Until when the objections and complaints of a queue's applications are to be answered (C21, L18).</summary>
public static class Answers
{
    private const string Raised = $"""
        select stream_id, coalesce(data ->> 'objectionId', data ->> 'complaintId'), max(timestamp)
          from {LedgerStore.Schema}.mt_events
         where stream_id = any(@ids)
           and type in ('objection_raised', 'complaint_raised', 'complaint_escalated')
         group by 1, 2
        """;

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

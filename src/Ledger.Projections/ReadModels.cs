using JasperFx.Events.Projections;
using Ledger.Domain.Applications;
using Ledger.Projections.AuditTrail;
using Ledger.Projections.WorkQueues;
using Marten;

namespace Ledger.Projections;

/// <summary>The read models that Marten's daemon makes, and the documents that follow from events.</summary>
public static class ReadModels
{
    /// <summary>
    /// Events that an asynchronous projection takes at once: one approval of ten thousand lines is two bites, not
    /// twenty.
    /// </summary>
    private const int BatchSize = 5_000;

    /// <summary>On one node at a time: audit trail and work queue.</summary>
    public static void AddReadModels(this StoreOptions options)
    {
        options.Schema.For<WorkItem>().Duplicate(i => i.Region, configure: StateRegistration.ByPrefix);
        options.Projections.Add(
            new AuditTrailProjection(options.DatabaseSchemaName),
            ProjectionLifecycle.Async,
            "AuditTrail",
            async => async.BatchSize = BatchSize
        );
        options.Projections.Add(
            new WorkQueueProjection(),
            ProjectionLifecycle.Async,
            async => async.BatchSize = BatchSize
        );
    }

    /// <summary>The state of each aggregate, and the work queue.</summary>
    public static readonly IReadOnlyList<DocumentFold> Documents = [.. DocumentFold.States, WorkQueue()];

    private static DocumentFold WorkQueue()
    {
        var projection = new WorkQueueProjection();
        return new(
            projection.Name,
            typeof(WorkItem),
            EventTypes.Of<Application>().ToHashSet(),
            (item, e) => projection.Evolve((WorkItem?)item, e.StreamKey!, e),
            item => ((WorkItem)item).Region
        );
    }
}

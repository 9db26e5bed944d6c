using System.Text.Json.Serialization;
using JasperFx.Events;
using Ledger.Domain;
using Ledger.Domain.Applications;
using Marten.Events.Aggregation;

namespace Ledger.Projections.WorkQueues;

/// <summary>An application as a line of somebody's work queue: small, however long its roster.</summary>
public sealed record WorkItem
{
    public string Id { get; init; } = "";
    public string Region { get; init; } = "";
    public string CollectiveId { get; init; } = "";
    public int Year { get; init; }
    public ApplicationStatus Status { get; init; }
    public int Lines { get; init; }
    public Money AmountFen { get; init; }
    public DateTimeOffset FiledAt { get; init; }

    /// <summary>When it came into its present status: the age of the work.</summary>
    public DateTimeOffset Since { get; init; }
    public int OpenObjections { get; init; }
    public int UnmatchedReceipts { get; init; }

    /// <summary>Complaints that the township, or the county, has to answer (L18); null: none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? ComplaintsWithTownship { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? ComplaintsWithCounty { get; init; }

    public int OpenComplaints() => (ComplaintsWithTownship?.Count ?? 0) + (ComplaintsWithCounty?.Count ?? 0);
}

public sealed class WorkQueueProjection : SingleStreamProjection<WorkItem, string>
{
    public WorkQueueProjection()
    {
        Name = "WorkQueue";
        foreach (var type in EventTypes.Of<Application>())
            IncludeType(type);
    }

    public override WorkItem? Evolve(WorkItem? item, string id, IEvent e) =>
        Next(item, id, e, status => item! with { Status = status, Since = e.Timestamp });

    // What no decider wrote is passed over, that the others' work goes on: an event before there is an application, a
    // second filing, one without its facts.
    private static WorkItem? Next(WorkItem? item, string id, IEvent e, Func<ApplicationStatus, WorkItem> to) =>
        e.Data switch
        {
            ApplicationFiled f when item is null && f.VillageCode is not null && f.CollectiveId is not null =>
                new WorkItem
                {
                    Id = id,
                    Region = f.VillageCode,
                    CollectiveId = f.CollectiveId,
                    Year = f.Year,
                    Status = ApplicationStatus.Filed,
                    Lines = f.Lines,
                    AmountFen = f.AmountFen,
                    FiledAt = e.Timestamp,
                    Since = e.Timestamp,
                },
            _ when item is null => null,
            ApplicationResubmitted r => to(ApplicationStatus.Filed) with { Lines = r.Lines, AmountFen = r.AmountFen },
            ApplicationReviewed { Complete: true } => to(ApplicationStatus.Reviewed),
            ApplicationReturned => to(ApplicationStatus.Returned),
            ApplicationApproved a => to(ApplicationStatus.Approved) with { Lines = a.Lines, AmountFen = a.AmountFen },
            ApplicationRejected => to(ApplicationStatus.Rejected),
            ApplicationWithdrawn => to(ApplicationStatus.Withdrawn),
            NoticePublished => to(ApplicationStatus.Noticed),
            ObjectionRaised => item with { OpenObjections = item.OpenObjections + 1 },
            ObjectionResolved => item with { OpenObjections = item.OpenObjections - 1 },
            ComplaintRaised { ComplaintId: { } complaint } => item with
            {
                ComplaintsWithTownship = [.. item.ComplaintsWithTownship ?? [], complaint],
            },
            ComplaintAnswered c => Without(item, c.ComplaintId),
            ComplaintEscalated { ComplaintId: { } complaint } => Without(item, complaint) with
            {
                ComplaintsWithCounty = [.. item.ComplaintsWithCounty ?? [], complaint],
            },
            PaymentSent when item.Status != ApplicationStatus.Paid => to(ApplicationStatus.Paid),
            ReceiptConfirmed { Unmatched: { } unmatched } => item with
            {
                UnmatchedReceipts = item.UnmatchedReceipts + unmatched.Count,
            },
            ApplicationSettled => to(ApplicationStatus.Settled),
            _ => item,
        };

    private static WorkItem Without(WorkItem item, string complaint)
    {
        IReadOnlyList<string>? Others(IReadOnlyList<string>? some) =>
            some?.Where(c => c != complaint).ToList() is { Count: > 0 } left ? left : null;
        return item with
        {
            ComplaintsWithTownship = Others(item.ComplaintsWithTownship),
            ComplaintsWithCounty = Others(item.ComplaintsWithCounty),
        };
    }
}

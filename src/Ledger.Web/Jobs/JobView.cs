using Ledger.Domain;

namespace Ledger.Web.Jobs;

public enum JobState
{
    Waiting,
    Running,
    Done,
    Failed,
    Cancelled,
}

/// <summary>Why a job failed: a problem's code and words, as a call that is answered at once would say.</summary>
public sealed record JobFailure(string Code, [property: Said] string Title, [property: Said] string Detail);

/// <summary>
/// A job (后台任务). Rows are those of its file that hold data; <paramref name="RowsTotal"/>: null until it has been read.
/// <paramref name="RowsChecked"/>, <paramref name="RowsDone"/>: never fewer than before.
/// <paramref name="RowsIn"/>: of one that stopped midway, the numbers in the file of the rows that are in (2-5001,
/// 5003).
/// <paramref name="Counts"/>: what became of the rows, as the answer of the command names it.
/// <paramref name="IsReading"/>: it reads and changes nothing; its rows are what it counts itself (events, funds), the
/// total null where it cannot know it. <paramref name="ResultBytes"/>: the length of what it was answered, for whoever
/// handed it in to fetch until <paramref name="ResultUntil"/>; null: nothing.
/// <paramref name="FaultCount"/>: of all; <paramref name="Faults"/> lists a thousand at most.
/// </summary>
public sealed record JobView(
    string Id,
    string Kind,
    JobState State,
    string By,
    string Role,
    string Region,
    long Bytes,
    int? RowsTotal,
    int RowsChecked,
    int RowsDone,
    string? RowsIn,
    IReadOnlyDictionary<string, long> Counts,
    int FaultCount,
    IReadOnlyList<Fault> Faults,
    IReadOnlyList<Note> Notes,
    JobFailure? Failure,
    string? CancelledBy,
    DateTimeOffset CreatedAt,
    DateTimeOffset? StartedAt,
    DateTimeOffset? EndedAt,
    bool IsReading = false,
    long? ResultBytes = null,
    DateTimeOffset? ResultUntil = null
)
{
    public bool IsOver => State is JobState.Done or JobState.Failed or JobState.Cancelled;
}

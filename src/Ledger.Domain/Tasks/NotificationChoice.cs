namespace Ledger.Domain.Tasks;

/// <summary>When somebody is told that something waits for him.</summary>
public enum NotifyWhen
{
    Never,
    AtOnce,
    Daily,
}

/// <summary>How somebody wants to be told; he alone says it.</summary>
/// <param name="Mail">His e-mail address, personal data; null: not by e-mail.</param>
/// <param name="Gateway">By the county's own gateway (SMS, WeCom).</param>
/// <param name="Kinds">Of tasks; none: all.</param>
/// <param name="Role">The role and region that he had when he said it: where he has no account, in the sample.</param>
/// <param name="Calendar">
/// Which of his calendar's addresses is good: a number drawn anew for each, so that none comes back when all of this
/// was forgotten and is said again; 0: none.
/// </param>
public sealed record NotificationChoice(
    NotifyWhen When,
    string? Mail,
    bool Gateway,
    IReadOnlyList<TaskKind> Kinds,
    string Role,
    string Region,
    int Calendar = 0
)
{
    public const int MaxMail = 200;

    public bool IsAsked(TaskKind kind) => Kinds.Count == 0 || Kinds.Contains(kind);

    /// <summary>There may be something to tell him now: a digest only once a day, from an hour on.</summary>
    /// <inheritdoc cref="Due"/>
    public bool IsTurn(DateOnly? toldOn, DateTimeOffset now, int digestHour) =>
        When switch
        {
            NotifyWhen.AtOnce => true,
            NotifyWhen.Daily => now.Hour >= digestHour && !(toldOn >= DateOnly.FromDateTime(now.DateTime)),
            _ => false,
        };

    /// <summary>
    /// What he is told now of what waits: at once what he was not told before, in a digest everything, once a day from
    /// an hour on.
    /// </summary>
    /// <param name="told">Keys (<see cref="WorkTask.KeyAt"/>) that he has been told of.</param>
    /// <param name="toldOn">The day of the last digest.</param>
    /// <param name="now">As clocks in China show it.</param>
    public IReadOnlyList<WorkTask> Due(
        IEnumerable<WorkTask> waiting,
        IReadOnlySet<string> told,
        DateOnly? toldOn,
        DateTimeOffset now,
        int digestHour
    )
    {
        var today = DateOnly.FromDateTime(now.DateTime);
        var asked = waiting.Where(t => IsAsked(t.Kind));
        return When switch
        {
            NotifyWhen.AtOnce => [.. asked.Where(t => !told.Contains(t.KeyAt(today)))],
            NotifyWhen.Daily when IsTurn(toldOn, now, digestHour) => [.. asked],
            _ => [],
        };
    }
}

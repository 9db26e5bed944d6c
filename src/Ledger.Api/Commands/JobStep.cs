using Ledger.Domain;
using Npgsql;

namespace Ledger.Api.Commands;

/// <summary>
/// A command that may be handed in to be done later, as a job (<c>Prefer: respond-async</c>, RFC 7240).
/// <paramref name="GroupRows"/>: so many rows of its file are one command.
/// </summary>
public sealed record JobMetadata(int GroupRows, Func<HttpContext, Command, Task<Answer>> AcceptAsync)
{
    private const string Wish = "respond-async";

    /// <summary>Null: it is done at once, also where somebody asks for a job and there is no file.</summary>
    public static JobMetadata? Asked(HttpContext http) =>
        JobStep.Of(http) is null && http.Request.HasFormContentType && IsWished(http)
            ? http.GetEndpoint()?.Metadata.GetMetadata<JobMetadata>()
            : null;

    public static bool IsWished(HttpContext http) =>
        http
            .Request.Headers["Prefer"]
            .Any(line =>
                line?.Split(',', ';').Any(p => p.Trim().Equals(Wish, StringComparison.OrdinalIgnoreCase)) == true
            );

    /// <summary>Says in the answer that the wish was heard.</summary>
    public static void Told(HttpContext http)
    {
        if (IsWished(http))
            http.Response.Headers["Preference-Applied"] = Wish;
    }
}

/// <summary>A reading that may be handed in to be done later, as a job; what it is answered is kept.</summary>
public sealed record ReadingJobMetadata;

/// <summary>How far a reading has come, in what it counts itself. Written by one, read by another.</summary>
public sealed class JobSteps
{
    private long _done,
        _total = -1;

    public long Done
    {
        get => Interlocked.Read(ref _done);
        set => Interlocked.Exchange(ref _done, value);
    }

    /// <summary>Null: not known, or not yet.</summary>
    public long? Total
    {
        get => Interlocked.Read(ref _total) is >= 0 and var total ? total : null;
        set => Interlocked.Exchange(ref _total, value ?? -1);
    }
}

/// <summary>
/// A request that a job makes in the name of whoever handed it in. <paramref name="IsCheck"/>: it is decided and
/// nothing of it is written. <paramref name="Refusal"/>: what the check came to, to be put on record as any refusal.
/// <paramref name="Progress"/>: how far the job is then, in the same transaction. <paramref name="Steps"/>: of a
/// reading, to be told as it goes.
/// </summary>
public sealed record JobStep(
    bool IsCheck = false,
    Rejection? Refusal = null,
    Func<Answer, NpgsqlBatchCommand>? Progress = null,
    JobSteps? Steps = null
)
{
    public static JobStep? Of(HttpContext http) => http.Items[typeof(JobStep)] as JobStep;
}

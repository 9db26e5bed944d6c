namespace Ledger.Api.Storage;

/// <summary>The business day in China, which is UTC+8 all year.</summary>
public sealed class Clock(TimeProvider time)
{
    public DateOnly Today => DateOnly.FromDateTime(time.GetUtcNow().ToOffset(TimeSpan.FromHours(8)).DateTime);
}

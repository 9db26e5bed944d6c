namespace Ledger.Domain;

/// <summary>The business day in China, which is UTC+8 all year.</summary>
public sealed class Clock(TimeProvider time)
{
    public DateOnly Today => Day(time.GetUtcNow());

    /// <summary>The business day that an instant falls on.</summary>
    public static DateOnly Day(DateTimeOffset at) => DateOnly.FromDateTime(China(at).DateTime);

    /// <summary>How many days of the calendar something has waited: what came yesterday evening one.</summary>
    public static int Days(DateTimeOffset from, DateTimeOffset until) => Day(until).DayNumber - Day(from).DayNumber;

    /// <summary>An instant as clocks in China show it.</summary>
    public static DateTimeOffset China(DateTimeOffset at) => at.ToOffset(Offset);

    public static readonly TimeSpan Offset = TimeSpan.FromHours(8);
}

using Ledger.Api.Accounts;
using Ledger.Api.Commands;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Domain;
using Ledger.Domain.Identity;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace Ledger.Api.Sample;

/// <summary>
/// The clock of sample mode: real time plus an offset that only grows, so that a visitor need not wait seven days for a
/// notice to end and the sample county can live through its year. Outside sample mode it is not used at all.
/// </summary>
public sealed class SampleClock : TimeProvider
{
    public const int MaxDays = 400;
    private long _offsetTicks;

    public override DateTimeOffset GetUtcNow() =>
        base.GetUtcNow() + TimeSpan.FromTicks(Interlocked.Read(ref _offsetTicks));

    public void Start(DateTimeOffset at) => Interlocked.Exchange(ref _offsetTicks, (at - base.GetUtcNow()).Ticks);

    public void Advance(TimeSpan by) => Interlocked.Add(ref _offsetTicks, by.Ticks);

    /// <summary>Forward to an instant; one that has passed changes nothing.</summary>
    public void MoveTo(DateTimeOffset instant)
    {
        if (instant > GetUtcNow())
            Start(instant);
    }

    /// <summary>After a restart, never before the last thing that was recorded.</summary>
    public async Task ResumeAsync(NpgsqlDataSource database)
    {
        await using var connection = await database.OpenConnectionAsync();
        var last = (
            await connection.QueryAsync(
                $"select max(timestamp) from {LedgerStore.Schema}.mt_events",
                r => r.IsDBNull(0) ? (DateTimeOffset?)null : r.GetFieldValue<DateTimeOffset>(0)
            )
        ).Single();
        if (last is { } instant)
            MoveTo(instant);
    }
}

public static class SampleClockEndpoint
{
    private sealed record ClockView(DateTimeOffset Now, DateOnly BusinessDate);

    /// <summary>POST /api/sample/clock?days=8 moves the sample's clock forward. Exists only in sample mode.</summary>
    public static void MapSampleClock(this WebApplication app) =>
        app.MapPost(
                "/api/sample/clock",
                async (int days, SampleClock clock, Clock china, AccountsContext accounts) =>
                {
                    if (days is < 1 or > SampleClock.MaxDays)
                        throw Require.Invalid("days", $"应为 1 至 {SampleClock.MaxDays}");
                    clock.Advance(TimeSpan.FromDays(days));
                    // The visitor has not been away for a week.
                    foreach (var session in await accounts.Sessions.Where(s => s.EndedAt == null).ToListAsync())
                        (session.UsedAt, session.ExpiresAt) = (clock.GetUtcNow(), session.ExpiresAt.AddDays(days));
                    await accounts.SaveChangesAsync();
                    return Results.Ok(new ClockView(clock.GetUtcNow(), china.Today));
                }
            )
            .Reading<object>(
                "move-sample-clock",
                "样例时钟快进（仅样例模式） · Move the sample clock forward",
                Roles.All
            )
            .Refuses(Rejections.FieldInvalid);
}

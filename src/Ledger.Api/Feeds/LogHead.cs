using Npgsql;

namespace Ledger.Api.Feeds;

/// <summary>
/// How far the log has come, for all who wait for it: one look for all of them, a few times a second at most, and none
/// while nobody waits.
/// </summary>
public sealed class LogHead(NpgsqlDataSource database) : IDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);

    private readonly SemaphoreSlim _one = new(1);
    private (long Last, long At) _seen = (-1, 0);

    /// <summary>
    /// Waits a moment, then until the log has an entry behind a position, or <paramref name="most"/> is over.
    /// </summary>
    public async Task BeyondAsync(long position, TimeSpan most, CancellationToken cancellation)
    {
        for (var since = Environment.TickCount64; ; )
        {
            await Task.Delay(Pause, cancellation);
            if (
                await LastAsync(cancellation) > position
                || Environment.TickCount64 - since > (long)most.TotalMilliseconds
            )
                return;
        }
    }

    private async Task<long> LastAsync(CancellationToken cancellation)
    {
        await _one.WaitAsync(cancellation);
        try
        {
            if (Environment.TickCount64 - _seen.At >= (long)Pause.TotalMilliseconds)
            {
                await using var connection = await database.OpenConnectionAsync(cancellation);
                _seen = (await EventFeed.LastAsync(connection), Environment.TickCount64);
            }
            return _seen.Last;
        }
        finally
        {
            _one.Release();
        }
    }

    public void Dispose() => _one.Dispose();
}

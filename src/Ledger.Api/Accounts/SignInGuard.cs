using System.Threading.RateLimiting;
using Ledger.Api.Commands;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Domain;

namespace Ledger.Api.Accounts;

/// <summary>
/// Stands before the checking of passwords. To check one takes a tenth of a second of a core: so few at once, a short
/// queue, and of both only a share for one source. Guessing is slowed by name and source together, so that nobody can
/// lock an officer out elsewhere; a name that is guessed at from everywhere is slowed for sources that never signed in
/// with it. All of it treats names that nobody has just like the others.
/// </summary>
public sealed class SignInGuard(Settings settings, TimeProvider time) : IDisposable
{
    private const int PerSource = 4,
        Queue = 16,
        Burst = 20,
        PerSecond = 2;
    private const int FreeByOne = 5,
        FreeByAll = 50,
        MostKept = 100_000;
    private static readonly TimeSpan FirstWait = TimeSpan.FromSeconds(15),
        MostWait = TimeSpan.FromMinutes(15);
    private static readonly TimeSpan Forget = TimeSpan.FromHours(1);

    private readonly ConcurrencyLimiter _running = new(
        new ConcurrencyLimiterOptions { PermitLimit = Math.Max(1, Environment.ProcessorCount - 1), QueueLimit = Queue }
    );
    private readonly PartitionedRateLimiter<string> _waiting = PartitionedRateLimiter.Create<string, string>(source =>
        RateLimitPartition.GetConcurrencyLimiter(source, _ => new ConcurrencyLimiterOptions { PermitLimit = PerSource })
    );

    private readonly PartitionedRateLimiter<string> _rate = PartitionedRateLimiter.Create<string, string>(source =>
        Buckets.Of(source, settings.RequestsPerAddress != 0, Burst, PerSecond, TimeSpan.FromSeconds(1))
    );

    /// <summary>Failures of a name, from one source or (source null) from all.</summary>
    private readonly Dictionary<(string Name, string? Source), (int Count, DateTimeOffset At)> _failures = [];

    /// <summary>One's turn to have a password checked, to be given back by disposing it.</summary>
    /// <exception cref="RefusedException"><c>too-many-requests</c>: this source's share is used up; <c>busy</c>: all
    /// are.</exception>
    public async Task<IDisposable> TurnAsync(string source, CancellationToken cancellation)
    {
        using var rate = _rate.AttemptAcquire(source);
        if (!rate.IsAcquired)
            throw Wait(
                Rejections.TooManyRequests,
                "登录过于频繁",
                rate.TryGetMetadata(MetadataName.RetryAfter, out var after) ? after : TimeSpan.FromSeconds(1)
            );
        var share = _waiting.AttemptAcquire(source);
        if (share.IsAcquired)
        {
            try
            {
                var turn = await _running.AcquireAsync(1, cancellation);
                if (turn.IsAcquired)
                    return new Turn(share, turn);
                turn.Dispose();
                share.Dispose();
                throw Wait(Rejections.Busy, "同时登录的人过多", TimeSpan.FromSeconds(2));
            }
            catch (OperationCanceledException)
            {
                share.Dispose();
                throw;
            }
        }
        share.Dispose();
        throw Wait(Rejections.TooManyRequests, "同一地址同时登录过多", TimeSpan.FromSeconds(1));
    }

    /// <param name="isKnown">Whether this source has signed in with the name before; asked for only where it
    /// matters.</param>
    /// <exception cref="RefusedException"><c>locked-out</c>, whether or not there is such a name.</exception>
    public async Task RequireFreeAsync(string name, string source, Func<Task<bool>> isKnown)
    {
        var wait = WaitOf((name, source), FreeByOne);
        if (wait <= TimeSpan.Zero && WaitOf((name, null), FreeByAll) is { Ticks: > 0 } all && !await isKnown())
            wait = all;
        if (wait > TimeSpan.Zero)
            throw Wait(Rejections.LockedOut, "密码连续输错，暂时不能登录", wait);
    }

    public void Failed(string name, string source)
    {
        lock (_failures)
        {
            if (_failures.Count > MostKept)
                Shrink();
            foreach (var key in new (string, string?)[] { (name, source), (name, null) })
                _failures[key] = (Of(key).Count + 1, time.GetUtcNow());
        }
    }

    /// <summary>The password was right: this source may err again. What others do is not forgotten by it.</summary>
    public void Succeeded(string name, string source)
    {
        lock (_failures)
            _failures.Remove((name, source));
    }

    private (int Count, DateTimeOffset At) Of((string Name, string? Source) key) =>
        _failures.TryGetValue(key, out var known) && time.GetUtcNow() - known.At < Forget ? known : default;

    private TimeSpan WaitOf((string Name, string? Source) key, int free)
    {
        lock (_failures)
        {
            var (count, at) = Of(key);
            if (count < free)
                return TimeSpan.Zero;
            var wait = FirstWait * Math.Pow(2, Math.Min(count - free, 10));
            return (wait < MostWait ? wait : MostWait) - (time.GetUtcNow() - at);
        }
    }

    /// <summary>
    /// What is over goes; if that is not half, so does the oldest half: names and sources can be invented without end.
    /// </summary>
    private void Shrink()
    {
        var since = time.GetUtcNow() - Forget;
        var kept = _failures
            .Where(f => f.Value.At > since)
            .OrderByDescending(f => f.Value.At)
            .Take(MostKept / 2)
            .ToList();
        _failures.Clear();
        foreach (var (key, value) in kept)
            _failures[key] = value;
    }

    private static RefusedException Wait(RejectionCode code, string what, TimeSpan wait)
    {
        var seconds = Math.Max(1, (int)Math.Ceiling(wait.TotalSeconds));
        return new RefusedException(
            new Rejection(code, $"{what}，请 {seconds} 秒后再试") { RetryAfterSeconds = seconds }
        );
    }

    public void Dispose()
    {
        _running.Dispose();
        _waiting.Dispose();
        _rate.Dispose();
    }

    private sealed class Turn(RateLimitLease share, RateLimitLease running) : IDisposable
    {
        public void Dispose()
        {
            running.Dispose();
            share.Dispose();
        }
    }
}

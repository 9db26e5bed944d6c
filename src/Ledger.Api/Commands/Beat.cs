using System.Diagnostics;

namespace Ledger.Api.Commands;

/// <summary>
/// Answers only on the full quarter of a second, refusals too: whether somebody is known elsewhere takes a few
/// milliseconds more, which nobody outside can tell.
/// </summary>
public static class Beat
{
    public static readonly TimeSpan Length = TimeSpan.FromMilliseconds(250);

    /// <summary>Comes first among a route's conventions: it waits after the commit.</summary>
    public static RouteHandlerBuilder OnTheBeat(this RouteHandlerBuilder route) =>
        route.AddEndpointFilter(
            async (context, next) =>
            {
                var started = Stopwatch.GetTimestamp();
                try
                {
                    return await next(context);
                }
                finally
                {
                    var taken = Stopwatch.GetElapsedTime(started);
                    await Task.Delay(
                        TimeSpan.FromTicks(Length.Ticks - taken.Ticks % Length.Ticks),
                        context.HttpContext.RequestAborted
                    );
                }
            }
        );
}

using System.Diagnostics;
using Npgsql;

namespace Ledger.Api.Storage;

/// <summary>
/// Nobody looks after the private cluster but the product: when its server ends (killed, out of memory), it is started
/// again, at once the first time, then with a pause that grows. Log and <c>/health/ready</c> say so.
/// </summary>
public sealed class ClusterWatch(PrivateCluster cluster, ILogger<ClusterWatch> log) : BackgroundService
{
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(1),
        Steady = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(1),
        MostPause = TimeSpan.FromMinutes(1);

    /// <summary>What is wrong with the cluster; null while it runs.</summary>
    public string? Trouble { get; private set; }

    protected override async Task ExecuteAsync(CancellationToken stopping)
    {
        var (pause, since) = (TimeSpan.Zero, Stopwatch.StartNew());
        while (await Task.Delay(Look, stopping).ContinueWith(t => t.IsCompletedSuccessfully, TaskScheduler.Default))
        {
            if (cluster.IsRunning)
            {
                // What has run for a while deserves to be back soon; what fails at once fails again.
                if (since.Elapsed > Steady)
                    pause = TimeSpan.Zero;
                Trouble = null;
                continue;
            }
            Trouble = "自带的 PostgreSQL 已停止，正在重新启动";
            log.LogError("The private PostgreSQL has ended; it is started again in {Seconds:0} s", pause.TotalSeconds);
            if (!await Task.Delay(pause, stopping).ContinueWith(t => t.IsCompletedSuccessfully, TaskScheduler.Default))
                return;
            pause =
                pause == TimeSpan.Zero ? FirstPause
                : pause * 2 < MostPause ? pause * 2
                : MostPause;
            try
            {
                if (await cluster.StartAgainAsync())
                    log.LogWarning("The private PostgreSQL runs again");
            }
            catch (Exception e) when (e is OperationException or NpgsqlException or IOException)
            {
                Trouble = e.Message;
                log.LogError("The private PostgreSQL does not start: {Reason}", e.Message);
            }
            since.Restart();
        }
    }
}

using System.Diagnostics;
using System.Globalization;
using Ledger.Api.Storage;
using Npgsql;

namespace Ledger.Api.Tests.Faults;

/// <summary>
/// A PostgreSQL cluster on a volume of its own, with everything between it and the nodes that can go wrong: a proxy
/// before the server, a file that says what time it is, a file system that freezes and fills up. Needs root: it mounts.
/// </summary>
public sealed class FaultyMachine : Machine
{
    private const long VolumeBytes = 420L << 20;

    private readonly PrivateCluster _cluster;
    private readonly CuttingProxy _proxy;

    private FaultyMachine(string folder, PrivateCluster cluster, CuttingProxy proxy, TimeSpan offset)
        : base(folder, Through(proxy, cluster), offset) => (_cluster, _proxy) = (cluster, proxy);

    private static string Through(CuttingProxy proxy, PrivateCluster cluster) =>
        new NpgsqlConnectionStringBuilder(cluster.ConnectionString("ledger"))
        {
            Host = "127.0.0.1",
            Port = proxy.Port,
            Pooling = true,
        }.ConnectionString;

    private string Disk => Path.Combine(Folder, "d");

    public override IReadOnlyList<FaultKind> Kinds => FaultPlan.OfOneServer;

    /// <summary>Past the proxy, and no connection outlives the server it was made to.</summary>
    public override string ConnectionString =>
        new NpgsqlConnectionStringBuilder(_cluster.ConnectionString("ledger")) { Pooling = false }.ConnectionString;

    /// <summary>Null when this machine can be made here, else what is missing.</summary>
    public static string? Missing => Environment.UserName != "root" ? "root, to mount a volume" : null;

    /// <summary>A volume with an empty ledger on it, which each run copies.</summary>
    public static async Task MakeTemplateAsync(string folder)
    {
        Directory.CreateDirectory(folder);
        await MakeClockAsync(folder);
        var disk = Path.Combine(folder, "d");
        await using (File.Create(Path.Combine(folder, "volume"))) { }
        await Programs.RequireAsync("truncate", "-s", $"{VolumeBytes}", Path.Combine(folder, "volume"));
        await Programs.RequireAsync("mkfs.ext4", "-q", "-m", "0", Path.Combine(folder, "volume"));
        await MountAsync(folder);
        try
        {
            await using var cluster = await PrivateCluster.StartAsync(Path.Combine(disk, "c"));
            var connectionString = await cluster.DatabaseAsync("ledger");
            await using (var connection = new NpgsqlConnection(connectionString))
            {
                await connection.OpenAsync();
                // No old segments kept in reserve: a full disk is met at the next one.
                await connection.ExecuteAsync("alter system set min_wal_size = '2MB'");
            }
            var (exit, output) = await ApiProcess.RunAsync(
                new Dictionary<string, string>
                {
                    ["ConnectionStrings__Ledger"] = connectionString,
                    ["Ledger__KeyFile"] = Path.Combine(folder, "keys.json"),
                },
                "schema"
            );
            if (exit != 0)
                throw new InvalidOperationException(output);
            NpgsqlConnection.ClearAllPools();
        }
        finally
        {
            await UnmountAsync(disk);
        }
    }

    public static async Task<FaultyMachine> StartAsync(string template, string folder, TimeSpan offset)
    {
        await Programs.RequireAsync("cp", "-r", "--sparse=always", template, folder);
        await MountAsync(folder);
        SetClock(folder, "clock", offset);
        var cluster = await PrivateCluster.StartAsync(Path.Combine(folder, "d/c"), Clock(folder, "clock"));
        var proxy = new CuttingProxy(Path.Combine(folder, "d/c/socket/.s.PGSQL.5432"));
        var machine = new FaultyMachine(folder, cluster, proxy, offset);
        try
        {
            await machine.StartNodesAsync();
            return machine;
        }
        catch
        {
            await machine.DisposeAsync();
            throw;
        }
    }

    private static async Task MountAsync(string folder)
    {
        Directory.CreateDirectory(Path.Combine(folder, "d"));
        await Programs.RequireAsync("mount", "-o", "loop", Path.Combine(folder, "volume"), Path.Combine(folder, "d"));
    }

    /// <summary>A process of the server's that has been told to end may be about to.</summary>
    private static Task UnmountAsync(string disk) =>
        Programs.RequireAsync("sh", "-c", $"for i in $(seq 50); do umount {disk} && exit 0; sleep 0.2; done; exit 1");

    public override async Task StrikeAsync(Fault fault, Random random)
    {
        var last = TimeSpan.FromMilliseconds(fault.Milliseconds);
        Struck();
        switch (fault.Kind)
        {
            case FaultKind.NodeKilled:
                await KillNodeAsync(fault.Node);
                await Task.Delay(last);
                await StartNodeAsync(fault.Node);
                break;
            case FaultKind.ServerKilled:
                await KillServerAsync();
                await Task.Delay(last);
                await _cluster.RestartAsync();
                break;
            case FaultKind.ConnectionsCut:
                for (var watch = Stopwatch.StartNew(); watch.Elapsed < last; await Task.Delay(random.Next(50, 400)))
                    _proxy.Cut(random, fault.Size);
                break;
            case FaultKind.DiskSlow:
                for (var watch = Stopwatch.StartNew(); watch.Elapsed < last * 2; await Task.Delay(random.Next(20, 100)))
                {
                    await Programs.RequireAsync("fsfreeze", "-f", Disk);
                    try
                    {
                        await Task.Delay(random.Next(100, 800));
                    }
                    finally
                    {
                        await Programs.RequireAsync("fsfreeze", "-u", Disk);
                    }
                }
                break;
            case FaultKind.DiskFull:
                await FillDiskAsync(last, random);
                break;
            case FaultKind.ClockJumped:
                Jump(fault.Node, TimeSpan.FromMinutes(fault.Size));
                await Task.Delay(last);
                Jump(fault.Node, default);
                break;
            case FaultKind.NodeFrozen:
                await SignalNodeAsync(fault.Node, "STOP");
                await Task.Delay(last);
                await SignalNodeAsync(fault.Node, "CONT");
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(fault), fault.Kind, "not of one server");
        }
    }

    private async Task KillServerAsync()
    {
        var postmaster = int.Parse(
            File.ReadLines(Path.Combine(Disk, "c/data/postmaster.pid")).First(),
            CultureInfo.InvariantCulture
        );
        var all = Directory
            .GetDirectories("/proc")
            .Select(d => int.TryParse(Path.GetFileName(d), out var pid) ? pid : 0)
            .Where(p => p > 0 && (p == postmaster || Parent(p) == postmaster))
            .ToList();
        foreach (var pid in all.OrderByDescending(p => p == postmaster))
            await Programs.RequireAsync("sh", "-c", $"kill -KILL {pid} || true"); // a backend may have ended by itself
        while (all.Any(p => Directory.Exists($"/proc/{p}") && Parent(p) > 0))
            await Task.Delay(20);
    }

    private static int Parent(int pid)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{pid}/stat");
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return fields[0] == "Z" ? 0 : int.Parse(fields[1], CultureInfo.InvariantCulture);
        }
        catch (Exception e) when (e is IOException or DirectoryNotFoundException)
        {
            return 0;
        }
    }

    /// <summary>
    /// Takes every free block; new write-ahead segments are asked for meanwhile, which PostgreSQL does not survive.
    /// </summary>
    private async Task FillDiskAsync(TimeSpan last, Random random)
    {
        var filler = Path.Combine(Disk, "filler");
        await Programs.RequireAsync(
            "sh",
            "-c",
            $"fallocate -l $(($(stat -f -c %f*%S {Disk}))) {filler} || dd if=/dev/zero of={filler} bs=64k "
                + "2>/dev/null || true"
        );
        var switching = random.Next(2) == 0;
        for (var watch = Stopwatch.StartNew(); watch.Elapsed < last; await Task.Delay(100))
        {
            if (!switching)
                continue;
            try
            {
                await using var connection = new NpgsqlConnection(ConnectionString);
                await connection.OpenAsync();
                await connection.ExecuteAsync("select pg_switch_wal()");
            }
            catch (NpgsqlException)
            {
                // It is down, or has no room: what this is for.
            }
        }
        File.Delete(filler);
        if (!await RespondsAsync())
            await _cluster.RestartAsync();
    }

    private async Task<bool> RespondsAsync()
    {
        for (var tries = 0; tries < 50; tries++, await Task.Delay(100))
        {
            try
            {
                await using var connection = new NpgsqlConnection(ConnectionString);
                await connection.OpenAsync();
                return true;
            }
            catch (NpgsqlException e)
                when (e is PostgresException { SqlState: PostgresErrorCodes.CannotConnectNow }
                    || e.IsTransient
                    || e.InnerException is not null
                )
            {
                // Recovering, or gone.
            }
        }
        return false;
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await _proxy.DisposeAsync();
        await _cluster.DisposeAsync();
        await UnmountAsync(Disk);
        Directory.Delete(Folder, recursive: true);
    }
}

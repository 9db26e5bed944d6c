using System.Diagnostics;
using System.Globalization;
using Ledger.Api.Storage;
using Npgsql;

namespace Ledger.Api.Tests.Faults;

/// <summary>
/// Two nodes and a PostgreSQL cluster on a volume of its own, with everything between them that can go wrong: a proxy
/// before the server, a file that says what time it is for each node, a file system that freezes and fills up. Needs
/// root: it mounts.
/// </summary>
public sealed class FaultyMachine : IAsyncDisposable
{
    private const long VolumeBytes = 420L << 20;

    private readonly string _folder;
    private readonly PrivateCluster _cluster;
    private readonly CuttingProxy _proxy;
    private readonly ApiProcess?[] _nodes = new ApiProcess?[2];
    private readonly List<ApiProcess> _started = [];
    private readonly TimeSpan[] _jumps = new TimeSpan[2];
    private readonly IReadOnlyDictionary<string, string> _settings;
    private TimeSpan _offset;

    private FaultyMachine(string folder, PrivateCluster cluster)
    {
        (_folder, _cluster) = (folder, cluster);
        _proxy = new CuttingProxy(Path.Combine(Disk, "c/socket/.s.PGSQL.5432"));
        var server = new NpgsqlConnectionStringBuilder(ConnectionString)
        {
            Host = "127.0.0.1",
            Port = _proxy.Port,
            Pooling = true,
        };
        _settings = new Dictionary<string, string>
        {
            ["ConnectionStrings__Ledger"] = server.ConnectionString,
            ["Ledger__KeyFile"] = KeyFile,
            ["Ledger__Log__CheckpointSeconds"] = "1",
            ["Ledger__ClockMarginMinutes"] = AnyClock,
            ["Ledger__Webhooks__AllowedNetworks"] = "127.0.0.0/8",
            ["DOTNET_TieredPGO"] = "0", // a node lives for seconds: to observe it for better code later is in vain
        };
    }

    /// <summary>The clocks of tests run ahead of the server's as far as they like.</summary>
    public const string AnyClock = "10000000";

    private string Disk => Path.Combine(_folder, "d");
    public string KeyFile => Path.Combine(_folder, "keys.json");

    /// <summary>Past the proxy: the checker's own way in.</summary>
    public string ConnectionString =>
        // No connection outlives the server it was made to.
        new NpgsqlConnectionStringBuilder(_cluster.ConnectionString("ledger")) { Pooling = false }.ConnectionString;

    /// <summary>A node's address; null while it is down.</summary>
    public Uri? Node(int index) => _nodes[index]?.Http.BaseAddress;

    /// <summary>The county's time, as the nodes have it when no clock jumped.</summary>
    public DateTimeOffset Now => DateTimeOffset.UtcNow + _offset;

    /// <summary>What each node said, also those that were killed.</summary>
    public string Output => string.Join("\n", _started.Select((n, i) => $"--- process {i + 1}\n{n.Output}"));

    /// <summary>Null when this machine can be made here, else what is missing.</summary>
    public static string? Missing => Environment.UserName != "root" ? "root, to mount a volume" : null;

    /// <summary>A volume with an empty ledger on it, which each run copies.</summary>
    public static async Task MakeTemplateAsync(string folder)
    {
        Directory.CreateDirectory(folder);
        await Programs.RequireAsync(
            "gcc",
            "-shared",
            "-fPIC",
            "-O2",
            "-o",
            Path.Combine(folder, "clock.so"),
            Path.Combine(AppContext.BaseDirectory, "Faults", "clock.c")
        );
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
            await Programs.RequireAsync("umount", disk);
        }
    }

    public static async Task<FaultyMachine> StartAsync(string template, string folder, TimeSpan offset)
    {
        await Programs.RequireAsync("cp", "-r", "--sparse=always", template, folder);
        await MountAsync(folder);
        await File.WriteAllBytesAsync(Path.Combine(folder, "clock"), BitConverter.GetBytes((long)offset.TotalSeconds));
        var machine = new FaultyMachine(
            folder,
            await PrivateCluster.StartAsync(Path.Combine(folder, "d/c"), Clock(folder, "clock"))
        )
        {
            _offset = offset,
        };
        await Task.WhenAll(machine.StartNodeAsync(0), machine.StartNodeAsync(1));
        return machine;
    }

    private static async Task MountAsync(string folder)
    {
        Directory.CreateDirectory(Path.Combine(folder, "d"));
        await Programs.RequireAsync("mount", "-o", "loop", Path.Combine(folder, "volume"), Path.Combine(folder, "d"));
    }

    private async Task StartNodeAsync(int index)
    {
        SetClock(index);
        var node = await StartedAsync(With(Clock(_folder, $"clock-{index}")));
        lock (_started)
            _started.Add(node);
        _nodes[index] = node;
    }

    /// <summary>
    /// A server that recovers, from a full disk seconds after it has answered once, takes no connection: a node that
    /// finds none ends, and its supervisor starts it again, as <c>ledger@.service</c> does.
    /// </summary>
    private static async Task<ApiProcess> StartedAsync(Dictionary<string, string> settings)
    {
        for (var tries = 1; ; tries++)
            try
            {
                return await ApiProcess.StartAsync(settings);
            }
            catch (InvalidOperationException e)
                when (tries < 10 && e.Message.Contains("cannot be reached", StringComparison.Ordinal))
            {
                await Task.Delay(TimeSpan.FromSeconds(1));
            }
    }

    private static Dictionary<string, string> Clock(string folder, string name) =>
        new() { ["LD_PRELOAD"] = Path.Combine(folder, "clock.so"), ["LEDGER_CLOCK"] = Path.Combine(folder, name) };

    private Dictionary<string, string> With(Dictionary<string, string> clock) => new(_settings.Concat(clock));

    /// <summary>In place: who reads it has it mapped.</summary>
    private void SetClock(string name, TimeSpan offset)
    {
        using var file = new FileStream(
            Path.Combine(_folder, name),
            FileMode.OpenOrCreate,
            FileAccess.Write,
            FileShare.ReadWrite
        );
        file.Write(BitConverter.GetBytes((long)offset.TotalSeconds));
    }

    private void SetClock(int index) => SetClock($"clock-{index}", _offset + _jumps[index]);

    /// <summary>Days go by, for everybody.</summary>
    public void Pass(TimeSpan time)
    {
        _offset += time;
        SetClock("clock", _offset);
        for (var i = 0; i < _nodes.Length; i++)
            SetClock(i);
    }

    /// <summary>Brings it about, lets it last, and mends it.</summary>
    public async Task StrikeAsync(Fault fault, Random random)
    {
        var last = TimeSpan.FromMilliseconds(fault.Milliseconds);
        switch (fault.Kind)
        {
            case FaultKind.NodeKilled:
                await using (var node = Taken(fault.Node))
                    await node.KillAsync();
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
                _jumps[fault.Node] = TimeSpan.FromMinutes(fault.Size);
                SetClock(fault.Node);
                await Task.Delay(last);
                _jumps[fault.Node] = default;
                SetClock(fault.Node);
                break;
            case FaultKind.NodeFrozen:
                await Programs.RequireAsync("kill", "-STOP", $"{_nodes[fault.Node]!.Id}");
                await Task.Delay(last);
                await Programs.RequireAsync("kill", "-CONT", $"{_nodes[fault.Node]!.Id}");
                break;
        }
    }

    private ApiProcess Taken(int index)
    {
        var node = _nodes[index]!;
        _nodes[index] = null;
        return node;
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

    /// <summary>Runs one of the product's commands beside the nodes.</summary>
    public Task<(int Exit, string Output)> CommandAsync(params string[] arguments) =>
        ApiProcess.RunAsync(With(Clock(_folder, "clock")), arguments);

    public async ValueTask DisposeAsync()
    {
        foreach (var node in _nodes)
            if (node is not null)
                await node.DisposeAsync();
        await _proxy.DisposeAsync();
        await _cluster.DisposeAsync();
        await Programs.RequireAsync(
            "sh",
            "-c",
            $"for i in 1 2 3 4 5 6 7 8 9 10; do umount {Disk} && exit 0; sleep 0.2; done; exit 1"
        );
        Directory.Delete(_folder, recursive: true);
    }
}

using System.Diagnostics;
using System.Globalization;
using System.Net;
using Ledger.Api.Storage;
using Npgsql;

namespace Ledger.Api.Tests.Faults;

/// <summary>
/// What deploy/ha describes, by its files: three machines, each with etcd, Patroni and PostgreSQL and a network of its
/// own, HAProxy before them, and the two nodes. Needs root, and patroni, etcd-server and haproxy from Debian.
/// </summary>
public sealed class ThreeServers : Machine
{
    private const string Names = "abc";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);
    private static int _number = Environment.ProcessId;

    private readonly Network _network;
    private readonly string _files;
    private readonly Dictionary<char, Contained> _etcd = [],
        _members = [];
    private readonly HttpClient _patroni = new() { Timeout = Patience };
    private Contained? _proxy;

    private ThreeServers(string folder, string files, Network network, TimeSpan offset)
        : base(folder, Server(network.Gateway, 5000), offset) => (_files, _network) = (files, network);

    /// <summary>Null when they can be made here, else what is missing.</summary>
    public static string? Missing =>
        Environment.UserName != "root"
            ? "root, to make networks"
            : new[] { "patroni", "etcd", "haproxy" }.FirstOrDefault(p => Programs.Run("which", [p]).Exit != 0);

    public override IReadOnlyList<FaultKind> Kinds => FaultPlan.OfThreeServers;

    /// <summary>The primary's own, past HAProxy.</summary>
    public override string ConnectionString =>
        new NpgsqlConnectionStringBuilder(Server(string.Join(',', Names.Select(_network.Address)), 5432))
        {
            Pooling = false,
            TargetSessionAttributes = "primary",
            HostRecheckSeconds = 0, // who was primary a moment ago need not be
        }.ConnectionString;

    private string AnyDatabase =>
        new NpgsqlConnectionStringBuilder(ConnectionString) { Database = "postgres" }.ConnectionString;

    public override string Output =>
        base.Output
        + string.Concat(
            Directory
                .GetFiles(Folder, "*.log", SearchOption.AllDirectories)
                .Select(f => $"\n--- {Path.GetRelativePath(Folder, f)}\n{File.ReadAllText(f)}")
        );

    private static string Server(string host, int port) =>
        $"Host={host};Port={port};Username=postgres;Password=secret;Database=ledger";

    /// <param name="files">deploy/ha.</param>
    public static async Task<ThreeServers> StartAsync(string folder, string files, TimeSpan offset)
    {
        Directory.CreateDirectory(folder);
        await MakeClockAsync(folder);
        SetClock(folder, "clock", offset);
        var network = await Network.MakeAsync(Interlocked.Increment(ref _number) % 250, Names);
        var machine = new ThreeServers(folder, files, network, offset);
        try
        {
            await machine.StartServersAsync();
            await machine.StartNodesAsync();
            return machine;
        }
        catch (Exception e)
        {
            var said = machine.Output;
            await machine.DisposeAsync();
            throw new InvalidOperationException($"{e.Message}\n{said}", e);
        }
    }

    /// <summary>PostgreSQL's programs, of which the server itself has the county's time.</summary>
    private async Task MakeProgramsAsync()
    {
        var programs = PrivateCluster.FindBinaries("postgres", "pg_controldata", "pg_rewind");
        Directory.CreateDirectory(Binaries);
        foreach (var program in Directory.GetFiles(programs))
            File.CreateSymbolicLink(Path.Combine(Binaries, Path.GetFileName(program)), program);
        var (server, clock) = (Path.Combine(Binaries, "postgres"), Clock(Folder, "clock"));
        File.Delete(server);
        await File.WriteAllTextAsync(
            server,
            $"""
            #!/bin/sh
            # By the start in its pid file, and the machine's own time, Patroni tells a server of its own from others.
            if [ "$1" = -D ] && [ "$3" != -C ]; then
              file=$2/postmaster.pid now=$(date +%s)
              ( (until [ "$(sed -n 1p "$file" 2>/dev/null)" = $$ ] && [ "$(sed -n 8p "$file")" ]; do
                  kill -0 $$ || exit
                  sleep 0.1
                done
                sed -i "3s/.*/$now/" "$file") & )
            fi
            exec env {string.Join(' ', clock.Select(c => $"{c.Key}={c.Value}"))} {programs}/postgres "$@"
            """
        );
        await Programs.RequireAsync("chmod", "755", server);
    }

    private string Binaries => Path.Combine(Folder, "bin");

    private async Task StartServersAsync()
    {
        await MakeProgramsAsync();
        foreach (var name in Names)
        {
            Directory.CreateDirectory(Path.Combine(Folder, $"{name}"));
            await Programs.ToServerAsync(Path.Combine(Folder, $"{name}"));
            await File.WriteAllTextAsync(Path.Combine(Folder, $"{name}", "patroni.yml"), Filled("patroni.yml", name));
            StartEtcd(name);
            StartMember(name);
        }
        await File.WriteAllTextAsync(
            Path.Combine(Folder, "haproxy.cfg"),
            Filled("haproxy.cfg", 'a').Replace("127.0.0.1:", $"{_network.Gateway}:", StringComparison.Ordinal)
        );
        StartProxy();
        await WholeAsync();
        await using (var connection = new NpgsqlConnection(AnyDatabase))
        {
            await connection.OpenAsync();
            await connection.ExecuteAsync("create database ledger");
        }
        var (exit, output) = await CommandAsync("schema");
        if (exit != 0)
            throw new InvalidOperationException(output);
    }

    /// <summary>A file of the example, as on the machine of this name.</summary>
    private string Filled(string file, char name) =>
        Programs.Filled(
            Path.Combine(_files, file),
            [
                .. Names.Select(n => ($"{char.ToUpperInvariant(n)}", _network.Address(n))),
                ("NAME", $"{name}"),
                ("ADDRESS", _network.Address(name)),
                ("NETWORK", _network.Range),
                ("DATA", Path.Combine(Folder, $"{name}", "data")),
                ("ETCD_DATA", Path.Combine(Folder, $"{name}", "etcd")),
                ("SOCKETS", Path.Combine(Folder, $"{name}")),
                ("BINARIES", Binaries),
                ("BUFFERS", "32MB"),
                ("SUPERUSER_PASSWORD", "secret"),
                ("REPLICATION_PASSWORD", "secret"),
                ("REWIND_PASSWORD", "secret"),
            ]
        );

    private void StartEtcd(char name) =>
        _etcd[name] = new Contained(
            Path.Combine(Folder, $"{name}", "etcd.log"),
            [
                .. _network.In(name),
                "env",
                .. Filled("etcd", name).Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(l => l[0] != '#'),
                "etcd",
            ]
        );

    private void StartMember(char name) =>
        _members[name] = new Contained(
            Path.Combine(Folder, $"{name}", "patroni.log"),
            [.. _network.In(name), .. Programs.AsServer, "patroni", Path.Combine(Folder, $"{name}", "patroni.yml")]
        );

    private void StartProxy() =>
        _proxy = new Contained(
            Path.Combine(Folder, "haproxy.log"),
            ["haproxy", "-db", "-f", Path.Combine(Folder, "haproxy.cfg")]
        );

    public override async Task StrikeAsync(Fault fault, Random random)
    {
        var last = TimeSpan.FromMilliseconds(fault.Milliseconds);
        var primary = await TheAsync("primary");
        switch (fault.Kind)
        {
            case FaultKind.PrimaryKilled:
                _members[primary].Kill();
                Struck();
                await ReplacedAsync(primary);
                await Task.Delay(last);
                StartMember(primary);
                break;
            case FaultKind.PrimaryFrozen:
                await _members[primary].SignalAsync("STOP");
                Struck();
                await ReplacedAsync(primary);
                await Task.Delay(last);
                await _members[primary].SignalAsync("CONT");
                break;
            case FaultKind.PrimaryCut:
                await _network.CutAsync(primary);
                Struck();
                await ReplacedAsync(primary);
                await Task.Delay(last * 3);
                await _network.MendAsync(primary);
                break;
            case FaultKind.EtcdKilled:
                await AwayAsync(_etcd[primary], last * 5, () => StartEtcd(primary));
                break;
            case FaultKind.StandbyKilled:
                var standby = await TheAsync("synchronous");
                await AwayAsync(_members[standby], last * 5, () => StartMember(standby));
                break;
            case FaultKind.ProxyKilled:
                await AwayAsync(_proxy!, last, StartProxy);
                break;
            case FaultKind.Switchover:
                await HandOverAsync(primary);
                break;
            case FaultKind.NodesReplaced:
                Struck();
                foreach (var node in new[] { fault.Node, 1 - fault.Node })
                {
                    await StopNodeAsync(node);
                    await Task.Delay(last);
                    await StartNodeAsync(node);
                }
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(fault), fault.Kind, "not of three servers");
        }
        await WholeAsync();
    }

    private async Task AwayAsync(Contained program, TimeSpan last, Action start)
    {
        program.Kill();
        Struck();
        await Task.Delay(last);
        start();
    }

    private async Task HandOverAsync(char primary)
    {
        var standby = await TheAsync("synchronous");
        Struck();
        using var answer = await _patroni.PostAsync(
            $"http://{_network.Address(primary)}:8008/switchover",
            new StringContent($$"""{"leader":"{{primary}}","candidate":"{{standby}}"}""")
        );
        answer.EnsureSuccessStatusCode();
        await ReplacedAsync(primary);
    }

    private async Task<bool> IsAsync(char name, string what)
    {
        using var soon = new CancellationTokenSource(TimeSpan.FromSeconds(3));
        try
        {
            using var answer = await _patroni.GetAsync($"http://{_network.Address(name)}:8008/{what}", soon.Token);
            return answer.StatusCode == HttpStatusCode.OK;
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
        {
            return false; // killed, frozen or cut off
        }
    }

    private async Task<List<char>> AllAsync(string what)
    {
        var found = await Task.WhenAll(Names.Select(async n => (Name: n, Is: await IsAsync(n, what))));
        return [.. found.Where(f => f.Is).Select(f => f.Name)];
    }

    /// <summary>Which of them is the primary, or the synchronous standby.</summary>
    private async Task<char> TheAsync(string what)
    {
        List<char> found = [];
        await EventuallyAsync(async () => (found = await AllAsync(what)).Count == 1, $"one {what}");
        return found[0];
    }

    /// <summary>Another is primary.</summary>
    private Task ReplacedAsync(char primary) =>
        EventuallyAsync(
            async () => await AllAsync("primary") is [var other] && other != primary,
            $"a primary but {primary}"
        );

    /// <summary>A primary, and two that follow it, one of them synchronously.</summary>
    private Task WholeAsync() =>
        EventuallyAsync(
            async () =>
                (await AllAsync("primary")).Count == 1
                && (await AllAsync("synchronous")).Count == 1
                && await FollowersAsync() == 2,
            "three servers at work"
        );

    private async Task<int> FollowersAsync()
    {
        await using var connection = new NpgsqlConnection(AnyDatabase);
        try
        {
            await connection.OpenAsync();
            return (
                await connection.QueryAsync(
                    "select pid from pg_stat_replication where state = 'streaming'",
                    r => r.GetInt32(0)
                )
            ).Count;
        }
        catch (NpgsqlException)
        {
            return 0; // none is primary at the moment
        }
    }

    private static async Task EventuallyAsync(Func<Task<bool>> condition, string what)
    {
        for (var watch = Stopwatch.StartNew(); !await condition(); await Task.Delay(200))
            if (watch.Elapsed > Patience)
                throw new TimeoutException($"not within {Patience.TotalSeconds} s: {what}");
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        _proxy?.Kill();
        foreach (var contained in _members.Values.Concat(_etcd.Values))
            contained.Kill();
        await _network.DisposeAsync();
        _patroni.Dispose();
        Directory.Delete(Folder, recursive: true);
    }

    /// <summary>Networks of their own, one for each name, and a bridge between them with this process on it.</summary>
    private sealed class Network(int number, string names) : IAsyncDisposable
    {
        private string Bridge => $"lh{number}";

        public string Gateway => $"10.213.{number}.1";

        public string Range => $"10.213.{number}.0/24";

        public string Address(char name) => $"10.213.{number}.{11 + names.IndexOf(name, StringComparison.Ordinal)}";

        public string[] In(char name) => ["ip", "netns", "exec", Space(name)];

        private string Space(char name) => $"{Bridge}-{name}";

        private string Link(char name) => $"{Bridge}{name}";

        public static async Task<Network> MakeAsync(int number, string names)
        {
            var made = new Network(number, names);
            await IpAsync($"link add {made.Bridge} type bridge");
            await IpAsync($"address add {made.Gateway}/24 dev {made.Bridge}");
            await IpAsync($"link set {made.Bridge} up");
            foreach (var name in names)
            {
                await IpAsync($"netns add {made.Space(name)}");
                await IpAsync($"link add {made.Link(name)} type veth peer name eth0 netns {made.Space(name)}");
                await IpAsync($"link set {made.Link(name)} master {made.Bridge} up");
                await IpAsync($"-n {made.Space(name)} address add {made.Address(name)}/24 dev eth0");
                await IpAsync($"-n {made.Space(name)} link set eth0 up");
                await IpAsync($"-n {made.Space(name)} link set lo up");
            }
            return made;
        }

        public Task CutAsync(char name) => IpAsync($"link set {Link(name)} down");

        public Task MendAsync(char name) => IpAsync($"link set {Link(name)} up");

        private static Task IpAsync(string arguments) => Programs.RequireAsync("ip", arguments.Split(' '));

        public async ValueTask DisposeAsync()
        {
            foreach (var name in names)
                await IpAsync($"netns delete {Space(name)}");
            await IpAsync($"link delete {Bridge}");
        }
    }

    /// <summary>
    /// A program with all that it starts, however deep: they end together, with this process at the latest.
    /// </summary>
    private sealed class Contained
    {
        private static int _made;

        private readonly Process _outside;

        /// <summary>The first of its processes reaps the rest, and ends when its input does.</summary>
        public Contained(string log, string[] program)
        {
            var start = new ProcessStartInfo(
                "unshare",
                [
                    "--pid",
                    "--fork",
                    "--kill-child",
                    "--mount-proc", // Patroni looks there whether its server lives
                    "bash",
                    "-c",
                    // Counted on: a server takes a process that bears the number of its last run for itself.
                    "echo $1 >/proc/sys/kernel/ns_last_pid; log=$2; shift 2; \"$@\" >>\"$log\" 2>&1 & read -r _",
                    "bash",
                    $"{Interlocked.Increment(ref _made) % 30 * 1000}",
                    log,
                    .. program,
                ]
            )
            {
                RedirectStandardInput = true,
            };
            _outside = Process.Start(start)!;
        }

        /// <summary>All at once: the kernel ends what is left of a process namespace without its first.</summary>
        public void Kill()
        {
            var first = Child(_outside.Id);
            _outside.Kill();
            while (Directory.Exists($"/proc/{first}"))
                Thread.Sleep(10);
            _outside.Dispose();
        }

        public async Task SignalAsync(string signal)
        {
            var space = new FileInfo($"/proc/{Child(_outside.Id)}/ns/pid").LinkTarget;
            var inside = Directory
                .GetDirectories("/proc")
                .Where(d => int.TryParse(Path.GetFileName(d), out _) && Space(d) == space)
                .Select(d => Path.GetFileName(d))
                .ToArray();
            // Some may have ended by themselves meanwhile.
            await Programs.RequireAsync("sh", "-c", $"kill -{signal} {string.Join(' ', inside)} || true");
        }

        private static string? Space(string process)
        {
            try
            {
                return new FileInfo($"{process}/ns/pid").LinkTarget;
            }
            catch (IOException)
            {
                return null; // it ended meanwhile
            }
        }

        private static int Child(int id) =>
            int.Parse(File.ReadAllText($"/proc/{id}/task/{id}/children").Split(' ')[0], CultureInfo.InvariantCulture);
    }
}

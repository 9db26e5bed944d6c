namespace Ledger.Api.Tests.Faults;

/// <summary>
/// Two nodes of the product, each with a clock of its own, before something that keeps their data, and what can go
/// wrong with it. Needs root.
/// </summary>
public abstract class Machine : IAsyncDisposable
{
    /// <summary>The clocks of tests run ahead of the server's as far as they like.</summary>
    public const string AnyClock = "10000000";

    private readonly ApiProcess?[] _nodes = new ApiProcess?[2];
    private readonly List<ApiProcess> _started = [];
    private readonly TimeSpan[] _jumps = new TimeSpan[2];
    private readonly string _nodesConnectionString;
    private TimeSpan _offset;

    /// <param name="folder">Holds the keys, the clocks, of which "clock" is set, and what makes a process look.</param>
    /// <param name="nodesConnectionString">The nodes' way to their data.</param>
    /// <param name="offset">How far the county's time is from this machine's.</param>
    protected Machine(string folder, string nodesConnectionString, TimeSpan offset) =>
        (Folder, _nodesConnectionString, _offset) = (folder, nodesConnectionString, offset);

    protected string Folder { get; }
    public string KeyFile => Path.Combine(Folder, "keys.json");

    /// <summary>What may strike here.</summary>
    public abstract IReadOnlyList<FaultKind> Kinds { get; }

    /// <summary>The checker's own way to the data, as they are now.</summary>
    public abstract string ConnectionString { get; }

    /// <summary>
    /// What clocks may have been off by, in minutes, as whoever checks afterwards is told: one jumped by up to three
    /// hours, and eight days went by in a moment (CountyYear) while commands were under way that had their time before.
    /// </summary>
    public const string ClockMargin = "11701";

    /// <summary>A node's address; null while it is down.</summary>
    public Uri? Node(int index) => _nodes[index]?.Http.BaseAddress;

    /// <summary>The county's time, as the nodes have it when no clock jumped.</summary>
    public DateTimeOffset Now => DateTimeOffset.UtcNow + _offset;

    /// <summary>What each node said, also those that were killed.</summary>
    public virtual string Output => string.Join("\n", _started.Select((n, i) => $"--- process {i + 1}\n{n.Output}"));

    protected static Task MakeClockAsync(string folder) =>
        Programs.RequireAsync(
            "gcc",
            "-shared",
            "-fPIC",
            "-O2",
            "-o",
            Path.Combine(folder, "clock.so"),
            Path.Combine(AppContext.BaseDirectory, "Faults", "clock.c")
        );

    protected static Dictionary<string, string> Clock(string folder, string name) =>
        new() { ["LD_PRELOAD"] = Path.Combine(folder, "clock.so"), ["LEDGER_CLOCK"] = Path.Combine(folder, name) };

    /// <summary>When the last fault struck.</summary>
    public DateTime StruckAt { get; private set; }

    protected void Struck() => StruckAt = DateTime.UtcNow;

    /// <summary>Brings it about, lets it last, and mends it.</summary>
    public abstract Task StrikeAsync(Fault fault, Random random);

    /// <summary>Days go by, for everybody.</summary>
    public void Pass(TimeSpan time)
    {
        _offset += time;
        SetClock(Folder, "clock", _offset);
        for (var i = 0; i < _nodes.Length; i++)
            SetNodesClock(i);
    }

    /// <summary>Runs one of the product's commands beside the nodes.</summary>
    public Task<(int Exit, string Output)> CommandAsync(params string[] arguments) =>
        ApiProcess.RunAsync(Settings("clock"), arguments);

    protected Task StartNodesAsync() => Task.WhenAll(StartNodeAsync(0), StartNodeAsync(1));

    protected async Task StartNodeAsync(int index)
    {
        SetNodesClock(index);
        var node = await StartedAsync(Settings($"clock-{index}"));
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

    /// <summary>SIGKILL.</summary>
    protected async Task KillNodeAsync(int index)
    {
        await using var node = Taken(index);
        await node.KillAsync();
    }

    /// <summary>SIGTERM: what is under way is finished.</summary>
    protected async Task StopNodeAsync(int index)
    {
        await using var node = Taken(index);
        await node.StopAsync();
    }

    private ApiProcess Taken(int index)
    {
        var node = _nodes[index]!;
        _nodes[index] = null;
        return node;
    }

    protected Task SignalNodeAsync(int index, string signal) =>
        Programs.RequireAsync("kill", $"-{signal}", $"{_nodes[index]!.Id}");

    /// <summary>One node's clock is this far off.</summary>
    protected void Jump(int index, TimeSpan by)
    {
        _jumps[index] = by;
        SetNodesClock(index);
    }

    private void SetNodesClock(int index) => SetClock(Folder, $"clock-{index}", _offset + _jumps[index]);

    /// <summary>In place: who reads it has it mapped.</summary>
    protected static void SetClock(string folder, string name, TimeSpan offset)
    {
        using var file = new FileStream(
            Path.Combine(folder, name),
            FileMode.OpenOrCreate,
            FileAccess.Write,
            FileShare.ReadWrite
        );
        file.Write(BitConverter.GetBytes((long)offset.TotalSeconds));
    }

    private Dictionary<string, string> Settings(string clock) =>
        new(Clock(Folder, clock))
        {
            ["ConnectionStrings__Ledger"] = _nodesConnectionString,
            ["Ledger__KeyFile"] = KeyFile,
            ["Ledger__Log__CheckpointSeconds"] = "1",
            ["Ledger__ClockMarginMinutes"] = AnyClock,
            ["Ledger__Webhooks__AllowedNetworks"] = "127.0.0.0/8",
        };

    public virtual async ValueTask DisposeAsync()
    {
        foreach (var node in _nodes)
            if (node is not null)
                await node.DisposeAsync();
        GC.SuppressFinalize(this);
    }
}

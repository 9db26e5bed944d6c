using Xunit.Abstractions;

namespace Ledger.Api.Tests.Faults;

public sealed class FaultTemplate : IAsyncLifetime
{
    private readonly string _folder = $"/var/tmp/lf-{Environment.ProcessId}";
    private string Volume => Path.Combine(_folder, "0");

    public Func<TimeSpan, Task<Machine>> Start(string name) =>
        async offset => await FaultyMachine.StartAsync(Volume, Path.Combine(_folder, name), offset);

    public Task InitializeAsync() =>
        FaultyMachine.Missing is { } missing
            ? throw new InvalidOperationException($"the fault runs need {missing}")
            : FaultyMachine.MakeTemplateAsync(Volume);

    public Task DisposeAsync()
    {
        Directory.Delete(_folder, recursive: true);
        return Task.CompletedTask;
    }
}

/// <summary>
/// Three of the seeds that <c>bench/faults</c> runs by the hundred. A seed that fails here is replayed with
/// <c>bench/faults --seed N</c>.
/// </summary>
public sealed class FaultTests(FaultTemplate template, ITestOutputHelper output) : IClassFixture<FaultTemplate>
{
    [Theory]
    [InlineData(1), InlineData(4), InlineData(7)]
    public async Task Nothing_acknowledged_is_lost_nothing_happens_twice_nothing_is_half_there(int seed)
    {
        var result = await FaultRun.RunAsync(template.Start($"{seed}"), seed);
        output.WriteLine($"{result}");
        Assert.True(result.Violations.Count == 0, $"bench/faults --seed {seed} replays it. {result}");
        Assert.True(result.Commands > 300, $"{result}");
    }

    /// <summary>
    /// The checker can fail: what a broken ledger would do is planted beneath a sound one, all at once (each alone is
    /// <c>bench/faults --bug</c>), and each is found, by its name.
    /// </summary>
    [Fact]
    public async Task A_ledger_that_is_broken_on_purpose_is_found_out_in_each_way_that_it_is_broken()
    {
        var result = await FaultRun.RunAsync(template.Start("bugs"), 11, Enum.GetValues<Bug>());
        var found = result.Violations.Select(v => v.Kind).ToHashSet();
        Assert.True(found.IsSupersetOf(["answer", "delivery", "lost", "projection", "twice"]), $"{result}");
    }

    /// <summary>
    /// One of the runs of <c>bench/faults --ha</c>, where its packages are (bench/faults installs them): the primary of
    /// three servers is killed, and later hands over to its standby.
    /// </summary>
    [Fact]
    public async Task Nothing_acknowledged_is_lost_when_another_server_takes_over()
    {
        if (ThreeServers.Missing is { } missing)
        {
            output.WriteLine($"not run, for want of {missing}");
            return;
        }
        var folder = $"/var/tmp/lh-{Environment.ProcessId}";
        var result = await FaultRun.RunAsync(
            async offset =>
                await ThreeServers.StartAsync(folder, Path.Combine(TourTests.Repository, "deploy/ha"), offset),
            8
        );
        output.WriteLine($"{result}");
        Assert.True(result.Violations.Count == 0, $"bench/faults --ha --seed 8 replays it. {result}");
        Assert.True(result.Commands > 300, $"{result}");
    }
}

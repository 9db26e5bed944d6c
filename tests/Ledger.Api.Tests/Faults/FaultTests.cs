using Xunit.Abstractions;

namespace Ledger.Api.Tests.Faults;

public sealed class FaultTemplate : IAsyncLifetime
{
    private readonly string _folder = $"/var/tmp/lf-{Environment.ProcessId}";
    public string Volume => Path.Combine(_folder, "0");

    public string Run(string name) => Path.Combine(_folder, name);

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
        var result = await FaultRun.RunAsync(template.Volume, template.Run($"{seed}"), seed);
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
        var result = await FaultRun.RunAsync(template.Volume, template.Run("bugs"), 11, Enum.GetValues<Bug>());
        var found = result.Violations.Select(v => v.Kind).ToHashSet();
        Assert.True(found.IsSupersetOf(["answer", "delivery", "lost", "projection", "twice"]), $"{result}");
    }
}

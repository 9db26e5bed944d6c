namespace Ledger.Api.Tests;

/// <summary>Products that share a process share nothing else that a test looks at.</summary>
public sealed class ApiHostTests(Databases databases) : IClassFixture<Databases>
{
    [Fact]
    public async Task Of_two_products_in_one_process_each_prints_its_own_and_stops_alone()
    {
        await using var one = await Product.StartAsync(databases, "ledger_host");
        await using var other = await Product.StartAsync(
            databases,
            "ledger_hosted",
            [("Logging__LogLevel__Microsoft.Hosting.Lifetime", "Warning")]
        );
        Assert.Contains($"Now listening on: {one.Http.BaseAddress!.ToString().TrimEnd('/')}\n", one.Api.Output);
        Assert.DoesNotContain("Now listening", other.Api.Output);
        Assert.Contains("settings are read from", other.Api.Output);
        Assert.Single(one.Api.Output.Split('\n'), l => l.Contains("settings are read from", StringComparison.Ordinal));

        var (exit, said) = await ApiHost.RunAsync(other.Settings, "check");
        Assert.True(exit == 0 && said.Contains("核对", StringComparison.Ordinal), said);
        Assert.DoesNotContain("核对", one.Api.Output + other.Api.Output);

        await one.StopAsync();
        await other.Village.AllocateAsync(1);
        await other.SealedAsync();
    }

    /// <summary>It would be said to this process, and heard by all.</summary>
    [Fact]
    public async Task What_only_an_environment_has_is_refused() =>
        await Assert.ThrowsAsync<ArgumentException>(() =>
            ApiHost.StartAsync(new Dictionary<string, string> { ["LEDGER_SETTINGS"] = "/etc/ledger" })
        );
}

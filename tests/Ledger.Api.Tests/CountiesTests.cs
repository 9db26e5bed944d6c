using System.Net;
using Ledger.Api.Security;
using Ledger.Domain.Identity;
using Npgsql;

namespace Ledger.Api.Tests;

/// <summary>
/// Two counties on one machine (docs/scale.md), each with its database, keys, log and process: nothing of one can be
/// reached from the other.
/// </summary>
public sealed class CountiesTests(Databases databases) : IClassFixture<Databases>
{
    [Fact]
    public async Task Two_counties_on_two_databases_know_nothing_of_each_other()
    {
        await using var one = await Product.NewAsync(databases, "county_a");
        await using var other = await Product.NewAsync(databases, "county_b");
        foreach (var county in new[] { one, other })
        {
            await county.StartAsync();
            await county.OpenCountyAsync();
        }

        // Signed in at one is nobody at the other, whatever the token says.
        var auditor = new Actor("auditor.3708", Roles.Auditor, "3708");
        string Token(Product of) => new Tokens(of.Keys, TimeProvider.System).Issue(auditor, TimeSpan.FromHours(1));
        async Task<HttpStatusCode> AskAsync(Product at, string token, string path)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, path)
            {
                Headers = { Authorization = new("Bearer", token) },
            };
            using var response = await at.Http.SendAsync(request);
            return response.StatusCode;
        }
        Assert.Equal(HttpStatusCode.OK, await AskAsync(other, Token(other), "/api/funds"));
        Assert.Equal(HttpStatusCode.Unauthorized, await AskAsync(other, Token(one), "/api/funds"));

        // The same names mean different things: money at one is not there at the other.
        Assert.Equal(one.Village.FundId, other.Village.FundId);
        var before = (await other.CityAuditor.GetAsync<FundView>($"/api/funds/{other.Village.FundId}"))
            .AvailableAmount
            .Yuan;
        await one.Village.AllocateAsync(777);
        Assert.Equal(
            before,
            (await other.CityAuditor.GetAsync<FundView>($"/api/funds/{other.Village.FundId}")).AvailableAmount.Yuan
        );

        // Each log has its own name and key: a checkpoint of one is none at the other.
        var (here, there) = (await one.SealedAsync(), await other.SealedAsync());
        Assert.NotEqual(Checkpoint.Parse(here).Origin, Checkpoint.Parse(there).Origin);
        var (file, keys) = (
            Path.Combine(one.Folder.FullName, "checkpoint"),
            Path.Combine(one.Folder.FullName, "other-keys")
        );
        await File.WriteAllTextAsync(file, here);
        await File.WriteAllTextAsync(keys, await other.Http.GetStringAsync("/log/keys"));
        Assert.NotEqual(
            0,
            Programs
                .Verify(
                    "log",
                    await one.DownloadAsync("/api/exports/log", "log.jsonl"),
                    "--checkpoint",
                    file,
                    "--key",
                    keys
                )
                .Exit
        );

        // The database role of one may not even enter the other's database.
        var role = $"{new NpgsqlConnectionStringBuilder(one.ConnectionString).Database}_app";
        Assert.True(
            await one.ScalarAsync<bool>($"select has_database_privilege('{role}', current_database(), 'CONNECT')")
        );
        Assert.False(
            await other.ScalarAsync<bool>($"select has_database_privilege('{role}', current_database(), 'CONNECT')")
        );
        Assert.False(await other.ScalarAsync<bool>($"select has_schema_privilege('{role}', 'ledger', 'USAGE')"));

        // Keys of one do not open the other's data.
        var (exit, said) = await ApiHost.RunAsync(
            new Dictionary<string, string>(one.Settings) { ["ConnectionStrings__Ledger"] = other.ConnectionString },
            "check"
        );
        Assert.True(exit != 0 && said.Contains("密钥文件与数据库不符", StringComparison.Ordinal), said);
    }

    /// <summary>The folder of the Debian package, whose own test has the rest (deploy/deb/try).</summary>
    [Fact]
    public async Task A_county_takes_common_settings_but_nothing_that_belongs_to_one_ledger()
    {
        await using var county = await Product.NewAsync(databases, "county_c");
        var folder = Directory.CreateDirectory(Path.Combine(county.Folder.FullName, "etc")).FullName;
        Task WriteAsync(string name, string json) => File.WriteAllTextAsync(Path.Combine(folder, name), json);
        var settings = new Dictionary<string, string> { ["LEDGER_SETTINGS"] = folder };
        var connection = $$"""{ "ConnectionStrings": { "Ledger": "{{county.ConnectionString}}" } }""";

        await WriteAsync("370811.json", "{}");
        await WriteAsync("ledger.json", connection);
        var (exit, said) = await ApiProcess.RunAsync(settings, "check");
        Assert.True(exit == 2 && said.Contains("It belongs in the county's own file", StringComparison.Ordinal), said);

        await WriteAsync("370811.json", connection);
        await WriteAsync("ledger.json", $$"""{ "Ledger": { "DataFolder": "{{folder}}/data" } }""");
        (exit, said) = await ApiProcess.RunAsync(settings, "check");
        Assert.True(exit == 0, said);
        Assert.True(File.Exists(Path.Combine(folder, "data/370811/keys.json")));
    }
}

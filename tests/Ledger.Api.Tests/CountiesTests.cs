using System.Net;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Domain;
using Ledger.Projections.TransparencyLog;
using Npgsql;

namespace Ledger.Api.Tests;

/// <summary>Two counties on one server, each with its database, keys, log and process (docs/scale.md): nothing of one can be reached from the other.</summary>
[Collection("api")]
public sealed class CountiesTests(ApiFixture api)
{
    [Fact]
    public async Task Two_counties_on_two_databases_of_one_server_know_nothing_of_each_other()
    {
        await using var one = await Product.StartAsync(api, "county_a");
        await using var other = await Product.StartAsync(api, "county_b");
        await one.SealedAsync();
        await other.SealedAsync();

        // Signed in at one is nobody at the other, whatever the token says.
        var auditor = new Actor("auditor.3708", Roles.Auditor, "3708");
        string Token(Product of) => new Tokens(KeyFile.LoadOrCreate(of.Settings["Ledger__KeyFile"]), TimeProvider.System).Issue(auditor, TimeSpan.FromHours(1));
        async Task<HttpStatusCode> AskAsync(Product at, string token, string path)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, path) { Headers = { Authorization = new("Bearer", token) } };
            using var response = await at.Http.SendAsync(request);
            return response.StatusCode;
        }
        Assert.Equal(HttpStatusCode.OK, await AskAsync(other, Token(other), "/api/funds"));
        Assert.Equal(HttpStatusCode.Unauthorized, await AskAsync(other, Token(one), "/api/funds"));

        // The same names mean different things: money at one is not there at the other.
        Assert.Equal(one.Village.FundId, other.Village.FundId);
        var before = (await other.CityAuditor.GetAsync($"/api/funds/{other.Village.FundId}")).GetProperty("availableAmount").GetDecimal();
        await one.Village.AllocateAsync(777);
        Assert.Equal(before, (await other.CityAuditor.GetAsync($"/api/funds/{other.Village.FundId}")).GetProperty("availableAmount").GetDecimal());

        // Each log has its own name and key: a checkpoint of one is none at the other.
        var (here, there) = (await one.SealedAsync(), await other.SealedAsync());
        Assert.NotEqual(Checkpoint.Parse(here).Origin, Checkpoint.Parse(there).Origin);
        var (file, keys) = (Path.Combine(one.Folder.FullName, "checkpoint"), Path.Combine(one.Folder.FullName, "other-keys"));
        await File.WriteAllTextAsync(file, here);
        await File.WriteAllTextAsync(keys, await other.Http.GetStringAsync("/log/keys"));
        Assert.NotEqual(0, Programs.Verify("log", await one.DownloadAsync("/api/exports/log", "log.jsonl"), "--checkpoint", file, "--key", keys).Exit);

        // The database role of one may not even enter the other's database.
        var own = new NpgsqlConnectionStringBuilder(one.ConnectionString);
        var role = $"{own.Database}_app";
        Assert.True(await one.ScalarAsync<bool>($"select has_database_privilege('{role}', current_database(), 'CONNECT')"));
        Assert.False(await other.ScalarAsync<bool>($"select has_database_privilege('{role}', current_database(), 'CONNECT')"));
        Assert.False(await other.ScalarAsync<bool>($"select has_schema_privilege('{role}', 'ledger', 'USAGE')"));

        // Keys of one do not open the other's data.
        var (exit, said) = await ApiProcess.RunAsync(new Dictionary<string, string>(one.Settings) { ["ConnectionStrings__Ledger"] = other.ConnectionString }, "check");
        Assert.True(exit != 0 && said.Contains("密钥文件与数据库不符", StringComparison.Ordinal), said);
    }
}

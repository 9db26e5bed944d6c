using System.Diagnostics;
using System.Net;
using System.Text.Json;
using Ledger.Api.Counties;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Domain.Identity;
using Microsoft.Extensions.Configuration;
using Npgsql;

namespace Ledger.Api.Tests;

/// <summary>
/// Two counties in one deployment (docs/scale.md), each with its host name, database, keys, log and process: nothing of
/// one can be reached from the other.
/// </summary>
public sealed class CountiesTests(Databases databases) : IClassFixture<Databases>
{
    private sealed class Deployment : IAsyncDisposable
    {
        public required ApiProcess Front { get; init; }
        public required Dictionary<string, string> Settings { get; init; }
        public required Product One { get; init; }
        public required Product Other { get; init; }

        public static async Task<Deployment> StartAsync(Databases databases)
        {
            var (one, other) = (
                await Product.NewAsync(databases, "county_a"),
                await Product.NewAsync(databases, "county_b")
            );
            var settings = new Dictionary<string, string>();
            foreach (var (county, name) in new[] { (one, "370811"), (other, "370911") })
            {
                settings[$"Counties__{name}__Host"] = $"{name}.example";
                settings[$"Counties__{name}__Ledger__DataFolder"] = county.Folder.FullName;
                foreach (var (setting, value) in county.Settings)
                    settings[$"Counties__{name}__{setting}"] = value;
            }
            settings["Counties__370911__Ledger__RateLimit__PerAddress"] = "5";
            var deployment = new Deployment
            {
                Front = await ApiProcess.StartAsync(settings),
                Settings = settings,
                One = one,
                Other = other,
            };
            one.Reach(deployment.At("370811.example"));
            other.Reach(deployment.At("370911.example"));
            foreach (var county in new[] { one, other })
            {
                await deployment.ReadyAsync(county);
                await county.OpenCountyAsync();
            }
            return deployment;
        }

        public HttpClient At(string host) =>
            new()
            {
                BaseAddress = Front.Http.BaseAddress,
                Timeout = TimeSpan.FromMinutes(2),
                DefaultRequestHeaders = { Host = host },
            };

        public Task ReadyAsync(Product county) =>
            ApiFixture.EventuallyAsync(
                async () =>
                {
                    using var health = await county.Http.GetAsync("/health/ready");
                    return health.IsSuccessStatusCode;
                },
                $"ready\n{Front.Output}"
            );

        /// <summary>The processes of the counties, by name.</summary>
        public Dictionary<string, int> Processes() =>
            Directory
                .GetDirectories("/proc")
                .Select(d => Path.GetFileName(d))
                .Where(d => d.All(char.IsAsciiDigit))
                .Select(d =>
                    (Id: int.Parse(d), Line: Read($"/proc/{d}/cmdline").Split('\0'), Status: Read($"/proc/{d}/status"))
                )
                .Where(p =>
                    p.Line.Contains("--county") && p.Status.Contains($"PPid:\t{Front.Id}\n", StringComparison.Ordinal)
                )
                .ToDictionary(p => p.Line[Array.IndexOf(p.Line, "--county") + 1], p => p.Id);

        private static string Read(string path)
        {
            try
            {
                return File.ReadAllText(path);
            }
            catch (IOException)
            {
                return ""; // it ended meanwhile
            }
        }

        public async ValueTask DisposeAsync()
        {
            await Front.DisposeAsync();
            await One.DisposeAsync();
            await Other.DisposeAsync();
        }
    }

    [Fact]
    public async Task Two_counties_on_two_databases_in_one_deployment_know_nothing_of_each_other()
    {
        await using var deployment = await Deployment.StartAsync(databases);
        var (one, other) = (deployment.One, deployment.Other);

        // Signed in at one is nobody at the other, whatever the token says.
        var auditor = new Actor("auditor.3708", Roles.Auditor, "3708");
        string Token(Product of) =>
            new Tokens(KeyFile.LoadOrCreate(of.Settings["Ledger__KeyFile"]), TimeProvider.System).Issue(
                auditor,
                TimeSpan.FromHours(1)
            );
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
        var (exit, said) = await ApiProcess.RunAsync(
            new Dictionary<string, string>(one.Settings) { ["ConnectionStrings__Ledger"] = other.ConnectionString },
            "check"
        );
        Assert.True(exit != 0 && said.Contains("密钥文件与数据库不符", StringComparison.Ordinal), said);

        // A command is for one county, and says which.
        (exit, said) = await ApiProcess.RunAsync(deployment.Settings, "check");
        Assert.True(exit != 0 && said.Contains("370811、370911", StringComparison.Ordinal), said);
        (exit, said) = await ApiProcess.RunAsync(deployment.Settings, "check", "--county", "370811");
        Assert.True(exit == 0, said);
    }

    [Fact]
    public async Task A_county_that_fails_is_started_again_and_the_other_does_not_notice()
    {
        await using var deployment = await Deployment.StartAsync(databases);
        var (one, other) = (deployment.One, deployment.Other);
        var processes = deployment.Processes();
        Assert.Equal(["370811", "370911"], processes.Keys.Order());

        Process.GetProcessById(processes["370811"]).Kill();
        await ApiFixture.EventuallyAsync(
            () => Task.FromResult(!Directory.Exists($"/proc/{processes["370811"]}")),
            "killed"
        );
        using (var missing = await one.Http.GetAsync("/api/funds"))
        {
            Assert.Equal(HttpStatusCode.ServiceUnavailable, missing.StatusCode);
            Assert.Equal("busy", (await missing.ReadAsync<Refused>()).Code);
            Assert.NotNull(missing.Headers.RetryAfter);
        }
        await other.Village.AllocateAsync(55);
        await deployment.ReadyAsync(one);
        await one.Village.AllocateAsync(66);
        Assert.NotEqual(processes["370811"], deployment.Processes()["370811"]);

        // A host name that is nobody's.
        using (var unknown = await deployment.At("370999.example").GetAsync("/api/funds"))
        {
            Assert.Equal(HttpStatusCode.NotFound, unknown.StatusCode);
            Assert.Equal("not-found", (await unknown.ReadAsync<Refused>()).Code);
        }

        // Who asks is the address that the front sees, not what the client says of itself.
        // All at once: one after the other, a slow machine is given more in the meantime than it asks for.
        async Task<HttpStatusCode> Asked(int i)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/api/funds")
            {
                Headers = { { "X-Forwarded-For", $"10.0.0.{i}" } },
            };
            using var answer = await other.Http.SendAsync(request);
            return answer.StatusCode;
        }
        var answers = await Task.WhenAll(Enumerable.Range(0, 160).Select(Asked));
        Assert.Contains(HttpStatusCode.TooManyRequests, answers);

        // Told to stop, all stop, and have finished what they had begun.
        processes = deployment.Processes();
        Assert.Equal(0, await deployment.Front.StopAsync());
        Assert.All(processes.Values, id => Assert.False(Directory.Exists($"/proc/{id}"), $"{id} is still there"));
    }

    [Fact]
    public async Task A_front_that_is_killed_leaves_no_county_behind()
    {
        await using var deployment = await Deployment.StartAsync(databases);
        var processes = deployment.Processes();
        await deployment.Front.KillAsync();
        await ApiFixture.EventuallyAsync(
            () => Task.FromResult(processes.Values.All(id => !Directory.Exists($"/proc/{id}"))),
            "the counties stop by themselves"
        );
    }

    [Theory]
    [InlineData("Counties:370811:Host=a.example Counties:370911:Host=A.example", "Host")]
    [InlineData(
        "Counties:370811:Host=a.example Counties:370811:ConnectionStrings:Ledger=Host=db;Database=x "
            + "Counties:370911:Host=b.example Counties:370911:ConnectionStrings:Ledger=Host=db;Database=x;Username=u",
        "ConnectionStrings:Ledger"
    )]
    [InlineData(
        "Counties:370811:Host=a.example "
            + "Counties:370811:ConnectionStrings:LedgerOwner=Host=db;Database=x;Username=o "
            + "Counties:370911:Host=b.example "
            + "Counties:370911:ConnectionStrings:LedgerOwner=Host=db;Database=x;Username=u",
        "ConnectionStrings:LedgerOwner"
    )]
    [InlineData(
        "Counties:370811:Host=a.example Counties:370811:Ledger:KeyFile=/k Counties:370911:Host=b.example "
            + "Counties:370911:Ledger:KeyFile=/k",
        "Ledger:KeyFile"
    )]
    [InlineData("Counties:370811:Ledger:KeyFile=/k", "缺少主机名")]
    [InlineData("Counties:Jining/Rencheng:Host=a.example", "小写字母")]
    public void Counties_that_would_share_something_are_refused(string settings, string because)
    {
        var configuration = Configuration(settings);
        Assert.Contains(
            because,
            Assert.Throws<OperationException>(() => County.All(configuration)).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Two_databases_may_be_copied_to_one_replica()
    {
        var counties = County.All(
            Configuration(
                "Counties:370811:Host=a.example Counties:370811:ConnectionStrings:LedgerReplica=Host=copy "
                    + "Counties:370911:Host=b.example Counties:370911:ConnectionStrings:LedgerReplica=Host=copy"
            )
        );
        Assert.Equal(["370811", "370911"], counties.Select(c => c.Name));
    }

    [Fact]
    public void A_county_takes_common_settings_but_nothing_that_belongs_to_one_ledger()
    {
        var configuration = Configuration(
            "ConnectionStrings:Ledger=Host=db;Database=x Ledger:KeyFile=/k Ledger:DataFolder=/data "
                + "Ledger:RetentionYears=40 Counties:370811:Host=a.example Counties:370911:Host=b.example "
                + "Counties:370911:Ledger:RetentionYears=50 county=370911"
        );
        County.Choose(configuration, "check");
        var settings = Settings.Of(configuration);
        Assert.Equal(
            (null, "/data/370911", "/data/370911/keys.json", 50),
            (settings.ConnectionString, settings.DataFolder, settings.KeyFile, settings.RetentionYears)
        );
        Assert.Throws<OperationException>(() =>
            County.Choose(Configuration("Counties:370811:Host=a.example county=370899"), "check")
        );
        Assert.Throws<OperationException>(() =>
            County.Choose(Configuration("Counties:370811:Host=a.example"), "check")
        );
    }

    private static ConfigurationManager Configuration(string settings)
    {
        var configuration = new ConfigurationManager();
        configuration.AddInMemoryCollection(
            settings.Split(' ').Select(s => s.Split('=', 2)).Select(s => KeyValuePair.Create(s[0], (string?)s[1]))
        );
        return configuration;
    }
}

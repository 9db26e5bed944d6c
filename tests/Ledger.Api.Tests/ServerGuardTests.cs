using System.Net;
using System.Net.Http.Json;
using Ledger.Api.Operation;
using Ledger.Api.Security;
using Npgsql;

namespace Ledger.Api.Tests;

/// <summary>
/// Two real servers behind one connection string, without a cluster manager: the primary hangs, the standby is
/// promoted, the old primary comes back. Nothing is written there again, and a node that reaches nothing else refuses
/// (docs/decisions/022-a-server-that-knows-less-is-refused.md).
/// </summary>
public sealed class ServerGuardTests : IDisposable
{
    private readonly string _folder = Directory
        .CreateDirectory(Path.Combine(Path.GetTempPath(), $"guard-{Guid.NewGuid():N}"[..16]))
        .FullName; // the server's account must get in

    private string Keys => Path.Combine(_folder, "keys.json");

    private Dictionary<string, string> Settings(string hosts, string server) =>
        new()
        {
            ["ConnectionStrings__Ledger"] = new NpgsqlConnectionStringBuilder(server)
            {
                Host = hosts,
                TargetSessionAttributes = hosts.Contains(',') ? "primary" : null,
                HostRecheckSeconds = 1,
                Timeout = hosts.Contains(',') ? 2 : 15,
                CommandTimeout = 4,
            }.ConnectionString,
            ["Ledger__KeyFile"] = Keys,
            ["Ledger__Log__CheckpointSeconds"] = "1",
        };

    private SampleOffices Offices(RunningApi product) =>
        new(
            actor => new SampleClient(product.Http, new Tokens(KeyFile.LoadOrCreate(Keys), TimeProvider.System), actor),
            "370811"
        );

    private static async Task<(HttpStatusCode Status, string Codes)> HealthAsync(RunningApi product)
    {
        using var response = await product.Http.GetAsync("/health/ready");
        var health = await response.ReadAsync<HealthView>();
        return (response.StatusCode, string.Join(' ', health.Reasons.Select(r => r.Code)));
    }

    private static Task<long> MoneyAsync(OwnServer server) =>
        server.ScalarAsync<long>("select count(*) from ledger.mt_events where type = 'funds_allocated'");

    [Fact]
    public async Task An_old_primary_that_comes_back_is_written_to_by_nobody()
    {
        await using var old = await OwnServer.StartAsync(Path.Combine(_folder, "a"));
        var server = await old.DatabaseAsync();
        await using var fresh = await old.StandbyAsync(Path.Combine(_folder, "b"));
        string Host(OwnServer of) => Path.Combine(of.Folder, "socket");
        var year = Clock.Day(DateTimeOffset.UtcNow).Year;
        var written = 0;
        SampleVillage village;
        await using (var product = await ApiProcess.StartAsync(Settings($"{Host(old)},{Host(fresh)}", server)))
        {
            village = new SampleVillage(Offices(product), "370811000001", "第1村股份经济合作社", 1, year);
            await village.Offices.PublishPolicyAsync(year);
            await village.Offices.OpenPilotAsync();
            await village.RegisterAsync();
            // Many at once: connections that will still be open when the server hangs.
            await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => AllocateAsync(village)));
            await ApiFixture.EventuallyAsync(async () => await MoneyAsync(fresh) == written, "the standby has it all");

            old.Freeze();
            await fresh.ScalarAsync<bool>("select pg_promote()");
            await ApiFixture.EventuallyAsync(() => TryAsync(village), "the product finds the new primary");
            await ApiFixture.EventuallyAsync(
                async () => (await HealthAsync(product)).Status == HttpStatusCode.OK,
                "ready on the new primary"
            );
            for (var i = 0; i < 5; i++)
                await AllocateAsync(village);
            Assert.Equal(written, await MoneyAsync(fresh));

            // It comes back where it stood, first in the list, and knows of nothing.
            old.Thaw();
            var before = await MoneyAsync(old);
            for (var i = 0; i < 60; i++)
            {
                await AllocateAsync(village);
                await Task.Delay(100);
            }
            Assert.Equal(written, await MoneyAsync(fresh));
            Assert.Equal(before, await MoneyAsync(old));
            Assert.Equal(HttpStatusCode.OK, (await HealthAsync(product)).Status);

            // Nothing else can be reached.
            fresh.Freeze();
            await ApiFixture.EventuallyAsync(
                async () => await HealthAsync(product) == (HttpStatusCode.ServiceUnavailable, "log-behind"),
                "the old primary is refused"
            );
            await RefusedAsync(village, ""); // log-behind, or busy while the other one is waited for
            fresh.Thaw();
            await ApiFixture.EventuallyAsync(() => TryAsync(village), "the new primary is found again");
            await ApiFixture.EventuallyAsync(
                async () =>
                    await fresh.ScalarAsync<bool>(
                        """
                        select (select count(*) from ledger.mt_events) = (select max(size) from ledger.log_checkpoint)
                        """
                    ),
                "all is signed"
            );
            Assert.Equal(before, await MoneyAsync(old));
            Assert.Equal(0, await product.StopAsync());
        }

        // A node that starts anew, and is shown the old one alone, has its signer's word.
        await using (var product = await ApiProcess.StartAsync(Settings(Host(old), server)))
        {
            village = village.With(Offices(product));
            await ApiFixture.EventuallyAsync(
                async () => await HealthAsync(product) == (HttpStatusCode.ServiceUnavailable, "log-behind"),
                "what the signer remembers is missing there"
            );
            await RefusedAsync(village, "log-behind");
            // Reading goes on.
            Assert.Equal(
                8,
                (await village.Offices.Auditor.GetAsync("/api/audit/events?type=funds_allocated"))
                    .GetProperty("entries")
                    .GetArrayLength()
            );
        }
        NpgsqlConnection.ClearAllPools();

        async Task AllocateAsync(SampleVillage village)
        {
            await village.AllocateAsync(1);
            Interlocked.Increment(ref written);
        }

        async Task<bool> TryAsync(SampleVillage village)
        {
            try
            {
                await AllocateAsync(village);
                return true;
            }
            catch (Exception e) when (e is HttpRequestException or InvalidOperationException)
            {
                return false; // refused while no primary is found
            }
        }
    }

    private static async Task RefusedAsync(SampleVillage village, string code)
    {
        using var response = await village.Officer.SendAsync(
            HttpMethod.Post,
            $"/api/funds/{village.FundId}/allocations",
            JsonContent.Create(
                new
                {
                    amount = 1,
                    source = "collective-income",
                    sourceName = "x",
                    evidence = new[] { new string('0', 64) },
                }
            )
        );
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(response.StatusCode == HttpStatusCode.ServiceUnavailable && text.Contains(code), text);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}

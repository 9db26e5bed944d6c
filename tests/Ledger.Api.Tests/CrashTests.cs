using System.Net.Http.Headers;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Domain.Identity;
using Npgsql;

namespace Ledger.Api.Tests;

/// <summary>The product as processes of its own: killed in mid-approval, started twice at once.</summary>
[Collection("api and programs")]
public sealed class CrashTests(ApiFixture api)
{
    private Dictionary<string, string> OnThisDatabase =>
        new() { ["ConnectionStrings__Ledger"] = api.ConnectionString, ["Ledger__KeyFile"] = api.KeyFile };

    /// <summary>A token by the real clock: the test host's may have been moved.</summary>
    private HttpRequestMessage Approval(SampleVillage village)
    {
        var token = new Tokens(KeyFile.LoadOrCreate(api.KeyFile), TimeProvider.System).Issue(
            village.Offices.Approver.Actor,
            TimeSpan.FromHours(1)
        );
        var request = new HttpRequestMessage(HttpMethod.Post, $"{village.ApplicationPath}/approval")
        {
            Content = SampleClient.Json(new { }),
        };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        request.Headers.Add("Idempotency-Key", Guid.NewGuid().ToString());
        return request;
    }

    private async Task<(long Approvals, long Reserved, long Members)> WrittenAsync(SampleVillage village)
    {
        Task<long> Count(string type) =>
            api.ScalarAsync<long>(
                """
                select count(*)
                  from ledger.mt_events
                 where type = @type
                   and (stream_id = @id or data ->> 'applicationId' = @id)
                """,
                ("type", type),
                ("id", village.ApplicationId)
            );
        return (await Count("application_approved"), await Count("funds_reserved"), await Count("subsidy_approved"));
    }

    /// <summary>Deadlines scheduled for the application.</summary>
    private Task<long> ScheduledAsync(SampleVillage village) =>
        api.ScalarAsync<long>(
            """
            select count(*)
              from wolverine.wolverine_incoming_envelopes
             where message_type like '%DeadlineDue'
               and position(@id in encode(body, 'escape')) > 0
            """,
            ("id", village.ApplicationId)
        );

    [Fact]
    public async Task Killed_in_mid_approval_nothing_is_there_and_the_next_start_approves_all()
    {
        const int lines = 300;
        var (village, people) = await api.ReadyToFileAsync(lines);
        await village.FileAsync(people);
        await village.ReviewAsync();
        await using (var first = await ApiProcess.StartAsync(OnThisDatabase))
        {
            // Hold the last member-year's document: the approval writes its events and then waits, in the middle of its
            // transaction.
            await using var blocker = await api.Database.OpenConnectionAsync();
            await using var transaction = await blocker.BeginTransactionAsync();
            await blocker.ExecuteAsync(
                """
                select 1
                  from ledger.mt_doc_memberyear
                 where data -> 'contributions' -> 0 ->> 'reference' = @ref for update
                """,
                ("ref", $"SW{village.VillageCode}{village.Year}{lines:000000}")
            );
            var pending = first.Http.SendAsync(Approval(village));
            await ApiFixture.EventuallyAsync(
                async () =>
                    await api.ScalarAsync<long>(
                        """
                        select count(*)
                          from pg_stat_activity
                         where wait_event_type = 'Lock'
                           and backend_xid is not null
                           and datname = current_database()
                        """
                    ) == 1,
                "an approval that has written and waits"
            );
            Assert.False(pending.IsCompleted);
            await first.KillAsync();
            await Assert.ThrowsAnyAsync<HttpRequestException>(() => pending);
            await transaction.RollbackAsync();
        }
        await ApiFixture.EventuallyAsync(
            async () =>
                await api.ScalarAsync<long>(
                    """
                    select count(*)
                      from pg_stat_activity
                     where backend_xid is not null
                       and datname = current_database()
                       and pid <> pg_backend_pid()
                    """
                ) == 0,
            "PostgreSQL has noticed"
        );
        Assert.Equal((0, 0, 0), await WrittenAsync(village));
        // The review's deadline, from filing; none for a payment that was never approved
        Assert.Equal(1, await ScheduledAsync(village));
        var fund = await village.Officer.GetAsync<FundView>($"/api/funds/{village.FundId}");
        Assert.Equal(0m, fund.ReservedAmount.Yuan);

        await using var second = await ApiProcess.StartAsync(OnThisDatabase);
        using var approved = await second.Http.SendAsync(Approval(village));
        Assert.Equal(2, await ScheduledAsync(village));
        Assert.True(approved.IsSuccessStatusCode, await approved.Content.ReadAsStringAsync());
        Assert.Equal((1, 1, lines), await WrittenAsync(village));
    }

    [Fact]
    public async Task Killed_at_any_moment_of_an_approval_it_is_all_there_or_nothing()
    {
        const int lines = 200,
            kills = 6;
        var random = new Random(20261123);
        for (var i = 0; i < kills; i++)
        {
            var (village, people) = await api.ReadyToFileAsync(lines);
            await village.FileAsync(people);
            await village.ReviewAsync();
            await using var process = await ApiProcess.StartAsync(OnThisDatabase);
            (await process.Http.GetAsync("/health/ready")).EnsureSuccessStatusCode();
            var pending = process.Http.SendAsync(Approval(village));
            await Task.Delay(random.Next(50, 900)); // the moment is the test's input, not a wait for something
            await process.KillAsync();
            var acknowledged = await pending.ContinueWith(
                t => t.IsCompletedSuccessfully && t.Result.IsSuccessStatusCode,
                TaskScheduler.Default
            );
            await ApiFixture.EventuallyAsync(
                async () =>
                    await api.ScalarAsync<long>(
                        """
                        select count(*)
                          from pg_stat_activity
                         where backend_xid is not null
                           and datname = current_database()
                           and pid <> pg_backend_pid()
                        """
                    ) == 0,
                "PostgreSQL has noticed"
            );
            var written = await WrittenAsync(village);
            Assert.True(written is (0, 0, 0) or (1, 1, lines), $"half an approval: {written}");
            Assert.False(acknowledged && written.Approvals == 0, "an acknowledged approval is gone");
        }
    }

    [Fact]
    public async Task Two_processes_that_start_at_once_on_an_empty_database_both_serve()
    {
        if (Environment.GetEnvironmentVariable("LEDGER_TEST_CONNECTION") is null)
            NpgsqlConnection.ClearAllPools();
        var settings = new Dictionary<string, string>
        {
            ["ConnectionStrings__Ledger"] = await api.NewDatabaseAsync("twostart"),
            ["Ledger__KeyFile"] = api.KeyFile,
        };
        var both = await Task.WhenAll(ApiProcess.StartAsync(settings), ApiProcess.StartAsync(settings));
        foreach (var process in both)
        {
            Assert.True((await process.Http.GetAsync("/health/ready")).IsSuccessStatusCode, process.Output);
            Assert.DoesNotContain("fail:", process.Output);
        }
        foreach (var process in both)
            await process.DisposeAsync();
    }

    [Fact]
    public async Task A_database_of_another_key_file_is_refused()
    {
        var other = Path.Combine(Path.GetTempPath(), $"keys-{Guid.NewGuid():N}.json");
        var refused = await Assert.ThrowsAsync<InvalidOperationException>(() =>
            ApiProcess.StartAsync(new Dictionary<string, string>(OnThisDatabase) { ["Ledger__KeyFile"] = other })
        );
        Assert.Contains("does not belong to this database", refused.Message);
        File.Delete(other);
    }

    [Fact]
    public async Task Keys_come_from_a_command_too_and_one_that_prints_no_keys_is_refused()
    {
        var settings = new Dictionary<string, string>(OnThisDatabase)
        {
            ["Ledger__KeyFile"] = "/nonexistent/keys.json",
            ["Ledger__KeyCommand"] = $"cat {api.KeyFile}",
            ["Ledger__Log__KeyFile"] = Directory
                .GetFiles(
                    Path.GetDirectoryName(api.KeyFile)!,
                    $"log-{await api.ScalarAsync<string>("select log_id from ledger.log_state")}.key"
                )
                .Single(),
        };
        await using (var process = await ApiProcess.StartAsync(settings))
            Assert.True((await process.Http.GetAsync("/health/ready")).IsSuccessStatusCode);
        var refused = await Assert.ThrowsAsync<InvalidOperationException>(() =>
            ApiProcess.StartAsync(
                new Dictionary<string, string>(settings) { ["Ledger__KeyCommand"] = "echo secret; exit 3" }
            )
        );
        Assert.Contains("退出码 3", refused.Message);
        Assert.DoesNotContain("secret", refused.Message);
    }

    [Fact]
    public async Task The_private_cluster_keeps_its_data_is_taken_over_after_a_kill_and_stops_cleanly()
    {
        var folder = Path.Combine(Path.GetTempPath(), $"p c {Guid.NewGuid():N}"[..14]); // with blanks
        var settings = new Dictionary<string, string>
        {
            ["Ledger__DataFolder"] = folder,
            ["Ledger__PrivateCluster"] = "true",
        };
        try
        {
            await using (var first = await ApiProcess.StartAsync(settings))
            {
                // A second process on the same folder uses the running cluster.
                await using var second = await ApiProcess.StartAsync(settings);
                Assert.True((await second.Http.GetAsync("/health/ready")).IsSuccessStatusCode);
                Assert.Equal(0, await second.StopAsync());
                Assert.True(
                    (await first.Http.GetAsync("/health/ready")).IsSuccessStatusCode,
                    "the second process must not stop the first one's cluster"
                );
                await first.KillAsync();
            }
            Assert.True(
                File.Exists(Path.Combine(folder, "data", "postmaster.pid")),
                "the killed process left its cluster running"
            );
            await using (var again = await ApiProcess.StartAsync(settings))
            {
                Assert.True((await again.Http.GetAsync("/health/ready")).IsSuccessStatusCode);
                Assert.Equal(0, await again.StopAsync());
            }
            Assert.False(File.Exists(Path.Combine(folder, "data", "postmaster.pid")), "stopped cleanly");

            // A stale pid file, as after a power cut.
            await File.WriteAllTextAsync(
                Path.Combine(folder, "data", "postmaster.pid"),
                $"999999\n{folder}/data\n1\n5432\n{folder}/socket\n\n  0 0\nready\n"
            );
            await using var stale = await ApiProcess.StartAsync(settings);
            Assert.True((await stale.Http.GetAsync("/health/ready")).IsSuccessStatusCode);
            Assert.Equal(0, await stale.StopAsync());
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task A_private_cluster_whose_server_is_killed_is_started_again_and_the_product_goes_on()
    {
        var folder = Path.Combine(Path.GetTempPath(), $"pk-{Guid.NewGuid():N}"[..14]);
        var settings = new Dictionary<string, string>
        {
            ["Ledger__DataFolder"] = folder,
            ["Ledger__PrivateCluster"] = "true",
            ["Ledger__Log__CheckpointSeconds"] = "1",
        };
        try
        {
            await using var process = await ApiProcess.StartAsync(settings);
            var tokens = new Tokens(KeyFile.LoadOrCreate(Path.Combine(folder, "keys.json")), TimeProvider.System);
            var offices = new SampleOffices(actor => new SampleClient(process.Http, tokens, actor), "370811");
            var today = Clock.Day(DateTimeOffset.UtcNow);
            await offices.PublishPolicyAsync(today.Year);
            await offices.OpenPilotAsync();
            int Postmaster() => int.Parse(File.ReadLines(Path.Combine(folder, "data", "postmaster.pid")).First());
            async Task<bool> Ready()
            {
                using var health = await process.Http.GetAsync("/health/ready");
                return health.IsSuccessStatusCode;
            }
            for (var i = 1; i <= 2; i++)
            {
                var killed = Postmaster();
                System.Diagnostics.Process.Start("kill", ["-KILL", $"{killed}"]).WaitForExit();
                await ApiFixture.EventuallyAsync(
                    async () =>
                        File.Exists(Path.Combine(folder, "data", "postmaster.pid"))
                        && Postmaster() != killed
                        && await Ready()
                        && process.Output.Split("runs again").Length - 1 == i,
                    $"a server again\n{process.Output}",
                    seconds: 60
                );
                var village = new SampleVillage(offices, $"37081100000{i}", $"第{i}村股份经济合作社", i, today.Year);
                await village.RegisterAsync();
                await village.AllocateAsync(1000);
            }
            Assert.Contains("has ended", process.Output);
            var auditor = new SampleClient(process.Http, tokens, new Actor("auditor.3708", Roles.Auditor, "3708"));
            await ApiFixture.EventuallyAsync(
                async () =>
                    await auditor.GetAsync<LogStatusView>("/api/audit/log") is var log
                    && log.Waiting == 0
                    && log.SignedSize == log.Size,
                "all is sealed"
            );
            Assert.Equal(0, await process.StopAsync());
            Assert.False(File.Exists(Path.Combine(folder, "data", "postmaster.pid")), "and it stops cleanly");
        }
        finally
        {
            if (File.Exists(Path.Combine(folder, "data", "postmaster.pid")))
                System
                    .Diagnostics.Process.Start(
                        "kill",
                        ["-QUIT", File.ReadLines(Path.Combine(folder, "data", "postmaster.pid")).First()]
                    )
                    .WaitForExit();
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task A_taken_port_is_said_in_words()
    {
        using var listener = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        listener.Start();
        var refused = await Assert.ThrowsAsync<InvalidOperationException>(() =>
            ApiProcess.StartAsync(OnThisDatabase, "--urls", $"http://{listener.LocalEndpoint}")
        );
        Assert.Contains("端口已被占用", refused.Message);
        // The last thing to be read, below the host's own log.
        Assert.Contains("端口已被占用", refused.Message.Split('\n')[^1]);
    }
}

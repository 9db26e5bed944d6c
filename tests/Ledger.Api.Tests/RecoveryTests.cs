using System.Globalization;
using System.Net;
using Ledger.Api.Operation;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Npgsql;

namespace Ledger.Api.Tests;

/// <summary>
/// Recovery to a point in time, as docs/operations.md describes it for the DBA: pgbackrest's base backup and its
/// archive of the write-ahead log (deploy/ha/pgbackrest.conf), and what the product says of what came out.
/// </summary>
public sealed class RecoveryTests : IDisposable
{
    private readonly string _folder = Directory
        .CreateDirectory(Path.Combine(Path.GetTempPath(), $"pitr-{Guid.NewGuid():N}"[..14]))
        .FullName; // the server's account must get in
    private string Configuration => Path.Combine(_folder, "pgbackrest.conf");

    private Dictionary<string, string> Settings(string connectionString) =>
        new()
        {
            ["ConnectionStrings__Ledger"] = connectionString,
            ["Ledger__KeyFile"] = Path.Combine(_folder, "keys.json"),
            ["Ledger__Log__CheckpointSeconds"] = "1",
        };

    private SampleOffices Offices(ApiProcess product) =>
        new(
            actor => new SampleClient(
                product.Http,
                new Tokens(KeyFile.LoadOrCreate(Path.Combine(_folder, "keys.json")), TimeProvider.System),
                actor
            ),
            "370811"
        );

    [Fact]
    public async Task The_archive_brings_back_every_acknowledged_event_and_an_earlier_moment_is_noticed_by_the_signer()
    {
        DateTime moment;
        Checkpoint sealed_;
        await using (var cluster = await PrivateCluster.StartAsync(Path.Combine(_folder, "a")))
        {
            var server = await cluster.DatabaseAsync("ledger");
            await using (var connection = new NpgsqlConnection(server))
            {
                await connection.OpenAsync();
                await connection.ExecuteAsync("alter system set archive_mode = on");
                await connection.ExecuteAsync(
                    $"""
                    alter system set archive_command
                        = 'pgbackrest --config={Configuration} --stanza=ledger archive-push %p'
                    """
                );
            }
            NpgsqlConnection.ClearAllPools();
            await cluster.RestartAsync();
            await ConfigureAsync();
            await ArchiveAsync("stanza-create");

            await using var product = await ApiProcess.StartAsync(Settings(server));
            var offices = Offices(product);
            var year = Clock.Day(DateTimeOffset.UtcNow).Year;
            await offices.PublishPolicyAsync(year);
            await offices.OpenPilotAsync();
            var village = new SampleVillage(offices, "370811000001", "第1村股份经济合作社", 1, year);
            await village.RegisterAsync();
            await village.AllocateAsync(1000);
            await ArchiveAsync("backup", "--type=full");
            // pgbackrest knows a backup's end to the second: a moment within that one has no backup before it.
            var ended = await ScalarAsync<DateTime>(server, "select clock_timestamp()");
            await ApiFixture.EventuallyAsync(
                async () =>
                    await ScalarAsync<DateTime>(server, "select date_trunc('second', clock_timestamp())") > ended,
                "the second is over"
            );
            await village.AllocateAsync(2000);
            await SealedAsync(server);
            moment = await ScalarAsync<DateTime>(server, "select clock_timestamp()");
            await village.AllocateAsync(3000);
            await SealedAsync(server);
            sealed_ = Checkpoint.Parse(await product.Http.GetStringAsync("/log/checkpoint"));
            await product.KillAsync();
            await ArchiveAsync("check"); // switches to a new segment, and waits until the last is in the archive
            NpgsqlConnection.ClearAllPools();
        }

        // The machine is gone; the repository and the key files are not.
        await using (var recovered = await RecoverAsync("b", null))
        {
            var server = recovered.ConnectionString("ledger");
            Assert.Equal(
                600_000,
                await ScalarAsync<long>(
                    server,
                    "select sum((data ->> 'availableFen')::bigint)::bigint from ledger.mt_doc_fund"
                )
            );
            var (exit, output) = await ApiProcess.RunAsync(Settings(server), "check");
            Assert.True(exit == 0, output);
            await using var product = await ApiProcess.StartAsync(Settings(server));
            var now = Checkpoint.Parse(await product.Http.GetStringAsync("/log/checkpoint"));
            Assert.True(now.Size >= sealed_.Size && now.Origin == sealed_.Origin);
            await AnotherVillage(product).RegisterAsync(); // and work goes on
            await SealedAsync(server);
            Assert.Equal(0, await ScalarAsync<long>(server, "select count(*) from ledger.log_finding"));
            NpgsqlConnection.ClearAllPools();
        }

        // To the moment before the last gift: sound in itself, and less than was signed.
        await using (var earlier = await RecoverAsync("c", moment))
        {
            var server = earlier.ConnectionString("ledger");
            Assert.Equal(
                300_000,
                await ScalarAsync<long>(
                    server,
                    "select sum((data ->> 'availableFen')::bigint)::bigint from ledger.mt_doc_fund"
                )
            );
            var (exit, output) = await ApiProcess.RunAsync(Settings(server), "check");
            Assert.True(exit == 0, output);
            await using var product = await ApiProcess.StartAsync(Settings(server));
            await ApiFixture.EventuallyAsync(
                async () => await ScalarAsync<long>(server, "select count(*) from ledger.log_finding") > 0,
                $"the signer remembers more: {product.Output}"
            );
            using var health = await product.Http.GetAsync("/health/ready");
            Assert.Equal(HttpStatusCode.ServiceUnavailable, health.StatusCode);
            Assert.Contains("log-behind", await health.Content.ReadAsStringAsync());
            // Nothing is put in the place of what is missing.
            Assert.Contains(
                "log-behind",
                (await Assert.ThrowsAnyAsync<Exception>(() => AnotherVillage(product).RegisterAsync())).Message
            );
            NpgsqlConnection.ClearAllPools();
        }
    }

    private SampleVillage AnotherVillage(ApiProcess product) =>
        new(Offices(product), "370811000002", "第2村股份经济合作社", 2, Clock.Day(DateTimeOffset.UtcNow).Year);

    /// <summary>The file of the example, for the server of this test.</summary>
    private async Task ConfigureAsync()
    {
        var repository = Directory.CreateDirectory(Path.Combine(_folder, "repository")).FullName;
        await File.WriteAllTextAsync(
            Configuration,
            Programs.Filled(
                Path.Combine(TourTests.Repository, "deploy/ha/pgbackrest.conf"),
                ("REPOSITORY", repository),
                ("DATA", Path.Combine(_folder, "a", "data")),
                ("SOCKETS", Path.Combine(_folder, "a", "socket")),
                ("SUPERUSER", "ledger")
            )
        );
        await Programs.ToServerAsync(repository);
    }

    /// <summary>As the server's account, whose the files are.</summary>
    private Task ArchiveAsync(string command, params string[] options) =>
        Programs.RequireAsync(
            "env",
            [
                $"PGPASSWORD={File.ReadAllText(Path.Combine(_folder, "a", "password"))}",
                .. Programs.AsServer,
                .. (string[])["pgbackrest", $"--config={Configuration}", "--stanza=ledger", .. options, command],
            ]
        );

    /// <summary>A server from the base backup and the archive, up to the moment, or to the archive's end.</summary>
    private async Task<PrivateCluster> RecoverAsync(string name, DateTime? moment)
    {
        var folder = Path.Combine(_folder, name);
        var data = Directory.CreateDirectory(Path.Combine(folder, "data")).FullName;
        await Programs.RequireAsync("chmod", "700", data);
        File.Copy(Path.Combine(_folder, "a", "password"), Path.Combine(folder, "password"));
        await Programs.ToServerAsync(folder);
        string[] target = moment is { } at
            ?
            [
                "--type=time",
                string.Create(CultureInfo.InvariantCulture, $"--target={at:yyyy-MM-dd HH:mm:ss.ffffff}+00"),
                "--target-action=promote",
            ]
            : [];
        await ArchiveAsync("restore", [$"--pg1-path={data}", "--archive-mode=off", .. target]);
        var cluster = await PrivateCluster.StartAsync(folder);
        await ApiFixture.EventuallyAsync(
            async () => !await ScalarAsync<bool>(cluster.ConnectionString("ledger"), "select pg_is_in_recovery()"),
            "recovered"
        );
        return cluster;
    }

    private static Task SealedAsync(string server) =>
        ApiFixture.EventuallyAsync(
            async () =>
                await ScalarAsync<bool>(
                    server,
                    """
                    select (select count(*)
                              from ledger.mt_events) = (select coalesce(max(size), 0) from ledger.log_checkpoint)
                    """
                ),
            "everything is signed"
        );

    /// <summary>By a connection that does not outlive the server.</summary>
    private static Task<T> ScalarAsync<T>(string server, string sql) =>
        ApiFixture.ScalarOfAsync<T>($"{server};Pooling=false", sql);

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}

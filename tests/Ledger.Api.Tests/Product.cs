using System.Text.Json;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Domain.Identity;
using Microsoft.Extensions.Configuration;
using Npgsql;

namespace Ledger.Api.Tests;

/// <summary>
/// The product on a database of its own, with a county to play in, signed every second; it can be stopped and started
/// again.
/// </summary>
public sealed class Product : IAsyncDisposable
{
    public required string ConnectionString { get; init; }
    public required Dictionary<string, string> Settings { get; init; }
    public required DirectoryInfo Folder { get; init; }

    /// <summary>Whether it runs as a process of its own: <see cref="ApiProcess"/> says for whom.</summary>
    public bool AsProcess { get; init; }
    public RunningApi Api { get; private set; } = null!;
    public HttpClient Http { get; private set; } = null!;
    public SampleOffices Offices { get; private set; } = null!;
    public SampleVillage Village { get; private set; } = null!;
    public SampleClient CityAuditor { get; private set; } = null!;

    /// <summary>Anybody, with a token.</summary>
    public Func<Actor, SampleClient> Client { get; private set; } = null!;

    private string KeyFile => Settings["Ledger__KeyFile"];

    /// <summary>With its county opened and signed, as every test's is: opened once, copied for each.</summary>
    public static async Task<Product> StartAsync(
        Databases databases,
        string name,
        IEnumerable<(string Name, string Value)>? settings = null,
        bool asProcess = false
    )
    {
        var folder = Directory.CreateTempSubdirectory("ledger-product");
        var (connection, village) = await databases.CountyDatabaseAsync(name, folder.FullName);
        var product = Of(connection, folder, asProcess);
        product.Village = village;
        foreach (var (setting, value) in settings ?? [])
            product.Settings[setting] = value;
        await product.StartAsync();
        return product;
    }

    /// <summary>A database and settings; nothing runs yet.</summary>
    public static async Task<Product> NewAsync(Databases databases, string name, bool asProcess = false) =>
        Of(await databases.NewDatabaseAsync(name), Directory.CreateTempSubdirectory("ledger-product"), asProcess);

    private static Product Of(string connection, DirectoryInfo folder, bool asProcess) =>
        new()
        {
            AsProcess = asProcess,
            ConnectionString = connection,
            Folder = folder,
            Settings = new()
            {
                ["ConnectionStrings__Ledger"] = connection,
                ["Ledger__KeyFile"] = Path.Combine(folder.FullName, "keys.json"),
                ["Ledger__Log__CheckpointSeconds"] = "1",
                ["Ledger__Log__ScrubMinutes"] = "60",
            },
        };

    /// <summary>A county with one village and some money.</summary>
    public async Task OpenCountyAsync()
    {
        var today = Clock.Day(DateTimeOffset.UtcNow);
        await Offices.PublishPolicyAsync(today.Year);
        await Offices.OpenPilotAsync();
        Village = new SampleVillage(Offices, "370811000001", "第1村股份经济合作社", 1, today.Year);
        await Village.RegisterAsync();
        await Village.AllocateAsync(1000);
        await Village.AllocateAsync(2000, name: "果园承包费");
    }

    public async Task StartAsync()
    {
        Api = AsProcess ? await ApiProcess.StartAsync(Settings) : await ApiHost.StartAsync(Settings);
        Reach(Api.Http);
    }

    /// <summary>From now on the product is asked through this client.</summary>
    public void Reach(HttpClient http)
    {
        Http = http;
        var tokens = new Tokens(Keys, TimeProvider.System);
        Client = actor => new(Http, tokens, actor);
        Offices = new SampleOffices(Client, "370811");
        CityAuditor = Client(new Actor("auditor.3708", Roles.Auditor, "3708"));
        if (Village is not null)
            Village = Village.With(Offices);
    }

    /// <summary>Starts a witness for this log and has it cosign everything.</summary>
    public async Task<ApiProcess> WitnessAsync()
    {
        var key = (await Http.GetStringAsync("/log/keys")).Trim();
        var witness = await ApiProcess.StartAsync(
            new Dictionary<string, string>(),
            "witness",
            "--name",
            "audit.example/w1",
            "--folder",
            Path.Combine(Folder.FullName, "witness"),
            "--log",
            key
        );
        Settings["Ledger__Log__Witnesses__0"] =
            $"{witness.Http.BaseAddress} {(await witness.Http.GetStringAsync("/")).Trim()}";
        await StopAsync();
        await StartAsync();
        await CosignedAsync();
        return witness;
    }

    public Task CosignedAsync() =>
        ApiFixture.EventuallyAsync(
            async () =>
            {
                await SealedAsync();
                var log = await CityAuditor.GetAsync<LogStatusView>("/api/audit/log");
                return log.Witnesses[0].CosignedSize == log.SignedSize;
            },
            "the witness has cosigned everything"
        );

    public async Task StopAsync()
    {
        Assert.Equal(0, await Api.StopAsync());
        await Api.DisposeAsync();
        Api = null!;
    }

    /// <summary>Everything recorded so far is under a signed checkpoint; returns it.</summary>
    public async Task<string> SealedAsync()
    {
        await ApiFixture.EventuallyAsync(
            async () =>
                await CityAuditor.GetAsync<LogStatusView>("/api/audit/log") is var log
                && log.Waiting == 0
                && log.Size == log.SignedSize
                && log.Size > 0,
            "everything is signed"
        );
        return await Http.GetStringAsync("/log/checkpoint");
    }

    /// <summary>Waits for something to be found wrong with the log; the whole answer.</summary>
    public async Task<string> FoundAsync(string kind, string detail)
    {
        JsonElement log = default;
        await ApiFixture.EventuallyAsync(
            async () =>
                (log = await CityAuditor.GetAsync("/api/audit/log"))
                    .As<LogStatusView>()
                    .Findings.Any(f => f.Kind == kind && f.Detail.Contains(detail, StringComparison.Ordinal)),
            $"{kind}: {detail}"
        );
        return log.GetRawText();
    }

    /// <summary>Runs as the owner of the tables, who can switch every trigger off.</summary>
    public async Task AttackAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(ConnectionString);
        await connection.OpenAsync();
        foreach (
            var table in new[]
            {
                "mt_events",
                "evidence",
                "log_entry",
                "log_tile",
                "log_state",
                "log_checkpoint",
                "log_cosignature",
                "log_finding",
            }
        )
            await connection.ExecuteAsync($"alter table ledger.{table} disable trigger user");
        await connection.ExecuteAsync(sql);
        foreach (
            var table in new[]
            {
                "mt_events",
                "evidence",
                "log_entry",
                "log_tile",
                "log_state",
                "log_checkpoint",
                "log_cosignature",
                "log_finding",
            }
        )
            await connection.ExecuteAsync($"alter table ledger.{table} enable trigger user");
    }

    /// <summary>
    /// The first migrations, as a database goes through them that was made before there were any, and the one that
    /// takes some of theirs back: by itself nothing runs twice.
    /// </summary>
    public async Task MigrateFromSchemaSqlAsync()
    {
        foreach (
            var (_, text) in Migrations.Scripts.Where(m =>
                m.Name[..5]
                    is "V0001"
                        or "V0002"
                        or "V0007"
                        or "V0009"
                        or "V0014"
                        or "V0015"
                        or "V0016"
                        or "V0017"
                        or "V0020"
            )
        )
            await AttackAsync($"begin;{text.Replace("${schema}", "ledger", StringComparison.Ordinal)};commit");
    }

    /// <summary>As the product reads them.</summary>
    public Storage.Settings Configured =>
        Storage.Settings.Of(
            new ConfigurationBuilder()
                .AddInMemoryCollection(
                    Settings.ToDictionary(
                        s => s.Key.Replace("__", ":", StringComparison.Ordinal),
                        s => (string?)s.Value
                    )
                )
                .Build()
        );

    /// <summary>How the product itself connects: as a role that owns nothing.</summary>
    public async Task<string> ApplicationConnectionAsync() =>
        (await DatabaseAccess.OfAsync(Configured, null, Keys)).Application;

    public KeyFile Keys => Store.KeyFile.LoadOrCreate(KeyFile);

    /// <summary>What the thief of that role changes; how many rows. At least one, or the attack was none.</summary>
    public async Task<int> EditAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(await ApplicationConnectionAsync());
        await connection.OpenAsync();
        var rows = await connection.ExecuteAsync(sql);
        Assert.True(rows > 0, sql);
        return rows;
    }

    /// <summary>
    /// An event at the end of a stream, made from its last one of that type, as the application's role; its sequence.
    /// </summary>
    /// <param name="like">The event whose headers and the rest it takes; null: the last one of that type.</param>
    public async Task<long> ForgeAsync(string stream, string type, string data, string? like = null)
    {
        var known = EventTypes.All.FirstOrDefault(t => JsonNamingPolicy.SnakeCaseLower.ConvertName(t.Name) == type);
        var typed = known is null ? "'No.Such, Ledger.Domain'" : $"'{known.FullName}, {known.Assembly.GetName().Name}'";
        await EditAsync(
            $"""
            insert into ledger.mt_events (seq_id, id, stream_id, version, data, type, timestamp, tenant_id,
                                          mt_dotnet_type, is_archived, correlation_id, causation_id, headers)
            select nextval('ledger.mt_events_sequence'), gen_random_uuid(), stream_id,
                   (select max(version) + 1 from ledger.mt_events where stream_id = '{stream}'),
                   {data}, '{type}', timestamp, tenant_id, {typed}, false, correlation_id, causation_id, headers
              from ledger.mt_events where stream_id = '{stream}' and type = '{like
                ?? type}' order by version desc limit 1
            """
        );
        return await ScalarAsync<long>($"select max(seq_id) from ledger.mt_events where stream_id = '{stream}'");
    }

    /// <summary>On the server, from beside the product's database, to which nobody is connected then.</summary>
    public async Task ServerAsync(string sql)
    {
        NpgsqlConnection.ClearAllPools();
        await using var connection = new NpgsqlConnection(
            new NpgsqlConnectionStringBuilder(ConnectionString)
            {
                Database = "postgres",
                Pooling = false,
            }.ConnectionString
        );
        await connection.OpenAsync();
        await connection.ExecuteAsync(sql);
    }

    public Task<T> ScalarAsync<T>(string sql) => ApiFixture.ScalarOfAsync<T>(ConnectionString, sql);

    /// <summary>What the signer remembers, apart from the database.</summary>
    public string SignerMemory => Directory.GetFiles(Folder.FullName, "log-*.key.last").Single();

    /// <summary>Downloads into the product's folder; returns the file's path.</summary>
    public async Task<string> DownloadAsync(string path, string name)
    {
        using var response = await CityAuditor.SendAsync(HttpMethod.Get, path, null);
        Assert.True(
            response.IsSuccessStatusCode,
            $"{path} → {(int)response.StatusCode} {await response.Content.ReadAsStringAsync()}"
        );
        var file = Path.Combine(Folder.FullName, name);
        await File.WriteAllBytesAsync(file, await response.Content.ReadAsByteArrayAsync());
        return file;
    }

    public async ValueTask DisposeAsync()
    {
        if (Api is { } own)
            await own.DisposeAsync(); // else it is stopped, or another product serves it
        Folder.Delete(recursive: true);
    }
}

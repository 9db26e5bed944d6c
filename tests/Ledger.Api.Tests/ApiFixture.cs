using System.Diagnostics;
using System.Net;
using System.Text.Json;
using Alba;
using Ledger.Api.Commands;
using Ledger.Api.Feeds;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Domain.Identity;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace Ledger.Api.Tests;

/// <summary>
/// One database and one host for all tests that ask nothing else; each test works in a city of its own, so none sees
/// another's data.
/// </summary>
public class ApiFixture : Databases
{
    private static int _cities = 1000;
    private readonly string _folder = Path.Combine(Path.GetTempPath(), $"ledger-keys-{Guid.NewGuid():N}"[..22]);

    /// <summary>Days pass in a moment: the tests' clocks run ahead of the server's.</summary>
    public const string AnyClock = Faults.Machine.AnyClock;

    public IAlbaHost Host { get; private set; } = null!;
    public NpgsqlDataSource Database { get; private set; } = null!;
    public string ConnectionString { get; private set; } = "";
    public string KeyFile => Path.Combine(_folder, "keys.json");
    public SampleClock Clock => Host.Services.GetRequiredService<SampleClock>();
    public DateOnly Today => Host.Services.GetRequiredService<Clock>().Today;
    public HttpClient Http { get; private set; } = null!;

    /// <summary>What the product's mail server takes, and the county's gateway to SMS.</summary>
    public Faults.MailSink Mails { get; } = new();
    public Faults.Receiver Gateway { get; private set; } = null!;

    /// <summary>A name that stands for an address within.</summary>
    public const string NameWithin = "within.example.cn";
    public const string PublicAddress = "https://ledger.example.cn";

    public override async Task InitializeAsync()
    {
        await base.InitializeAsync();
        ConnectionString = await NewDatabaseAsync("ledger_test");
        Database = NpgsqlDataSource.Create(ConnectionString);
        Gateway = await Faults.Receiver.StartAsync();
        Host = await AlbaHost.For<Program>(web =>
        {
            web.UseSetting("ConnectionStrings:Ledger", ConnectionString);
            web.UseSetting("Ledger:KeyFile", KeyFile);
            web.UseSetting("Ledger:RateLimit:PerUser", "0");
            web.UseSetting("Ledger:RateLimit:PerAddress", "0");
            web.UseSetting("Ledger:RateLimit:RefusalsPerMinute", "0");
            web.UseSetting("Ledger:ClockMarginMinutes", AnyClock);
            web.UseSetting("Ledger:Webhooks:AllowedNetworks", "127.0.0.0/8");
            foreach (var (name, value) in Notifying(Mails))
                web.UseSetting(name, value);
            web.UseSetting("Ledger:Notify:Gateway", Gateway.Address);
            web.UseSetting("Logging:LogLevel:Default", "Warning");
            web.UseSetting("Logging:LogLevel:Marten", "None"); // a lost race is an error to Marten and a retry to us
            web.ConfigureTestServices(s =>
                s.AddSingleton<TimeProvider>(p => p.GetRequiredService<SampleClock>())
                    .AddSingleton(p => new OutwardAddress(
                        p.GetRequiredService<Storage.Settings>().WebhookNetworks,
                        ResolveAsync
                    ))
            );
        });
        Http = Host.Server.CreateClient();
        Http.Timeout = TimeSpan.FromMinutes(2);
    }

    private static async Task<IPAddress[]> ResolveAsync(string name, CancellationToken cancellation) =>
        name == NameWithin ? [IPAddress.Parse("10.0.0.1")] : await Dns.GetHostAddressesAsync(name, cancellation);

    /// <summary>Settings under which people are told what waits for them; a digest goes out at any hour.</summary>
    public static IEnumerable<(string Name, string Value)> Notifying(Faults.MailSink mails) =>
        [
            ("Ledger:Mail:Host", "127.0.0.1"),
            ("Ledger:Mail:Port", $"{mails.Port}"),
            ("Ledger:Mail:Security", "none"),
            ("Ledger:Mail:From", "ledger@example.cn"),
            ("Ledger:Notify:Address", PublicAddress),
            ("Ledger:Notify:DigestHour", "0"),
        ];

    public override async Task DisposeAsync()
    {
        await Host.DisposeAsync();
        await Gateway.DisposeAsync();
        await Mails.DisposeAsync();
        await Database.DisposeAsync();
        await base.DisposeAsync();
        if (Directory.Exists(_folder))
            Directory.Delete(_folder, recursive: true);
    }

    public SampleClient Client(Actor actor, HttpClient? http = null) =>
        new(http ?? Http, Host.Services.GetRequiredService<Tokens>(), actor);

    /// <summary>What opens an account: of this person, else of one made up for the name.</summary>
    public static object AccountBody(string name, string role, string region, SamplePerson? person = null)
    {
        person ??= new SamplePeople(name.Aggregate(17, (sum, c) => unchecked(sum * 31 + c))).Next("370811");
        return new
        {
            name,
            role,
            region,
            personName = person.Name,
            citizenId = person.CitizenId,
        };
    }

    /// <summary>The offices of a new county in a new city.</summary>
    public SampleOffices NewOffices(HttpClient? http = null) =>
        new(actor => Client(actor, http), $"{Interlocked.Increment(ref _cities)}11");

    /// <summary>
    /// A village in an approved pilot county, registered, surveyed, with money and an adopted plan of
    /// <paramref name="subsidy"/> yuan each.
    /// </summary>
    public async Task<(SampleVillage Village, IReadOnlyList<SamplePerson> People)> ReadyToFileAsync(
        int people,
        decimal subsidy = 100,
        decimal money = 1_000_000,
        SampleOffices? offices = null,
        HttpClient? http = null
    )
    {
        var village = await RegisteredAsync(offices, http);
        await village.AllocateAsync(money);
        var persons = new SamplePeople(village.VillageCode.GetHashCode(StringComparison.Ordinal)).Take(
            people,
            village.Offices.County
        );
        await village.PrepareAsync(persons, subsidy, Today);
        return (village, persons);
    }

    private static int _villages;

    /// <summary>A registered village in an approved pilot county with a policy year.</summary>
    public async Task<SampleVillage> RegisteredAsync(SampleOffices? offices = null, HttpClient? http = null)
    {
        if (offices is null)
        {
            offices = NewOffices(http);
            await offices.PublishPolicyAsync(Today.Year);
            await offices.OpenPilotAsync();
        }
        var number = Interlocked.Increment(ref _villages);
        var village = new SampleVillage(
            offices,
            $"{offices.County}{number:000000}",
            $"第{number}村股份经济合作社",
            number,
            Today.Year
        );
        await village.RegisterAsync();
        return village;
    }

    /// <summary>
    /// As <see cref="Scenarios.RefusedAsync(IAlbaHost, string, SampleClient, HttpMethod, string, object?, string?)"/>,
    /// of a product in a process of its own.
    /// </summary>
    public static async Task<Refused> RefusedAsync(
        string code,
        SampleClient client,
        HttpMethod method,
        string path,
        object? body = null
    )
    {
        using var response = await client.SendAsync(
            method,
            path,
            method == HttpMethod.Get ? null : SampleClient.Content(body)
        );
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(Rejections.All[code].Status == (int)response.StatusCode, $"expected {code}: {text}");
        Assert.Equal(Problem.ContentType, response.Content.Headers.ContentType?.MediaType);
        return Refused.Of(code, text);
    }

    public static Task<Refused> RefusedAsync(string code, SampleClient client, string path, object? body = null) =>
        RefusedAsync(code, client, HttpMethod.Post, path, body);

    /// <summary>As somebody's own program signs in: without a key, with a token where there is one.</summary>
    public async Task<(System.Net.HttpStatusCode Status, JsonElement Answer)> PostAsync(
        string path,
        object body,
        string? token = null
    )
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = SampleClient.Json(body) };
        if (token is not null)
            request.Headers.Authorization = new("Bearer", token);
        using var response = await Http.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        return (response.StatusCode, text.Length == 0 ? default : JsonSerializer.Deserialize<JsonElement>(text));
    }

    /// <summary>Polls until it holds; fails after a minute and a half, or after <paramref name="seconds"/>.</summary>
    public static async Task EventuallyAsync(Func<Task<bool>> holds, string what, int seconds = 90)
    {
        for (var waited = Stopwatch.StartNew(); waited.Elapsed < TimeSpan.FromSeconds(seconds); )
        {
            if (await holds())
                return;
            await Task.Delay(100);
        }
        Assert.Fail($"did not happen within {seconds} s: {what}");
    }

    /// <summary>One value out of any database.</summary>
    public static async Task<T> ScalarOfAsync<T>(string connectionString, string sql)
    {
        await using var connection = new NpgsqlConnection(connectionString);
        await connection.OpenAsync();
        return (await connection.QueryAsync(sql, r => r.GetFieldValue<T>(0))).Single();
    }

    public async Task<T> ScalarAsync<T>(string sql, params (string, object?)[] parameters)
    {
        await using var connection = await Database.OpenConnectionAsync();
        return (await connection.QueryAsync(sql, r => r.GetFieldValue<T>(0), parameters)).Single();
    }
}

[CollectionDefinition("api")]
public sealed class ApiCollection : ICollectionFixture<ApiFixture>;

/// <summary>
/// Those that run other programs beside the host, with a host and a database of their own: one collection for all
/// would run alone for the last ten minutes, one core idle.
/// </summary>
[CollectionDefinition("api and programs")]
public sealed class ApiAndProgramsCollection : ICollectionFixture<ApiFixture>;

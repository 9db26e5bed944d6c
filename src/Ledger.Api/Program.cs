using System.Text.Json;
using System.Text.Json.Serialization;
using Ledger.Api.Accounts;
using Ledger.Api.Applications;
using Ledger.Api.Audit;
using Ledger.Api.Benefits;
using Ledger.Api.Collectives;
using Ledger.Api.Commands;
using Ledger.Api.Counties;
using Ledger.Api.Donors;
using Ledger.Api.Evidence;
using Ledger.Api.Exports;
using Ledger.Api.Funds;
using Ledger.Api.Imports;
using Ledger.Api.Log;
using Ledger.Api.Members;
using Ledger.Api.OpenApi;
using Ledger.Api.Operation;
using Ledger.Api.Pages;
using Ledger.Api.Pilots;
using Ledger.Api.Plans;
using Ledger.Api.PolicyYears;
using Ledger.Api.Reports;
using Ledger.Api.Sample;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Api.Trace;
using Ledger.Domain;
using Npgsql;

if (args is ["witness", ..])
{
    await Witness.RunAsync(args[1..]);
    return;
}
var builder = WebApplication.CreateBuilder(args);
if (args is ["import", ..])
{
    Environment.ExitCode = await ImportCommand.RunAsync(builder.Configuration, Console.Error);
    return;
}
if (County.Choose(builder.Configuration, command: args is [[>= 'a' and <= 'z', ..] named, ..] ? named : null) is { Count: > 0 } counties)
{
    await Front.RunAsync(args, counties);
    return;
}
var settings = Settings.Of(builder.Configuration);

// The database: the one that is configured, or a private cluster of our own.
await using var cluster = settings.ConnectionString is null ? await PrivateCluster.StartAsync(settings.DataFolder) : null;
var keys = settings.KeyCommand is { } command ? KeyFile.FromCommand(command) : KeyFile.LoadOrCreate(settings.KeyFile);
if (args is ["token", ..])
{
    Console.WriteLine(TokenCommand.Run(builder.Configuration, keys));
    return;
}
if (args is ["backup" or "restore", ..])
{
    // Before anything looks at the present database: it may be gone, or be what is to be replaced.
    Environment.ExitCode = await OperationCommands.RunAsync(args, builder.Configuration, settings, settings.OwnerConnectionString ?? settings.ConnectionString ?? cluster!.ConnectionString("ledger"), keys);
    return;
}
var access = await DatabaseAccess.OfAsync(settings, cluster, keys);
if (access.Owner is not null) await LedgerSchema.ApplyAsync(access, keys);
if (args is ["schema", ..]) return;
if (args is ["rebuild", ..])
{
    Environment.ExitCode = await RebuildCommand.RunAsync(access, keys);
    return;
}
await using var database = NpgsqlDataSource.Create(LedgerStore.Plain(access.Application));
await DatabaseAccess.RequireHarmlessAsync(database, keys);
await using var replica = access.ReplicaOf(settings) is { } connection ? NpgsqlDataSource.Create(LedgerStore.Plain(connection)) : null;
var logKeys = LogKeys.LoadOrCreate(settings, await LedgerStore.LogIdAsync(database));
if (args is ["log-key", ..])
{
    (Environment.ExitCode, var shown) = LogKeys.Run(args[1..], logKeys);
    Console.WriteLine(shown);
    return;
}

// Services
builder.Services.AddSingleton(settings).AddSingleton(keys).AddSingleton<PersonalData>().AddSingleton<Clock>().AddSingleton<Refusals>().AddScoped<Command>().AddScoped<DeadLetters>();
builder.Services.AddSingleton(AccountMap.Load(settings.AccountMap)).AddSingleton<Exports>();
builder.Services.AddSingleton<SampleClock>().AddSingleton(s => settings.Sample ? s.GetRequiredService<SampleClock>() : TimeProvider.System);
builder.Services.AddLedgerStore(database, keys);
builder.Services.AddSingleton(s => new LongReads(database, replica, s.GetRequiredService<ILogger<LongReads>>()));
builder.Services.AddKeyedSingleton(LedgerStore.Commands, (_, _) => LedgerStore.CommandSource(access.Application));
builder.Services.AddSingleton(logKeys).AddHostedService<LogService>().AddHostedService<ProjectionService>().AddHttpClient<WitnessClient>(http => http.Timeout = TimeSpan.FromSeconds(10));
Tokens.AddTo(builder.Services, settings);
builder.Services.AddHardening(settings);
builder.Services.AddTelemetry(builder.Configuration);
builder.Services.AddAccounts(database);
builder.Services.AddPages(settings);
builder.Services.AddApiDocument();
builder.Services.AddProblemDetails();
builder.Services.Configure<RouteHandlerOptions>(options => options.ThrowOnBadRequest = true);
builder.Services.ConfigureHttpJsonOptions(options =>
{
    var json = options.SerializerOptions;
    json.Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping;
    json.UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow;
    json.RespectNullableAnnotations = true;
    json.RespectRequiredConstructorParameters = true;
    json.Converters.Add(new JsonStringEnumConverter(JsonNamingPolicy.KebabCaseLower, allowIntegerValues: false));
    json.Converters.Add(new YuanJsonConverter());
});
builder.WebHost.LimitConnections(longestBody: 32 * 1024 * 1024);
if (settings.Sample) builder.Services.AddHostedService<SampleCounty>();

var app = builder.Build();
if (args is ["check", ..])
{
    Environment.ExitCode = await CheckEndpoint.RunAsync(app.Services, rebuild: args.Contains("--rebuild"));
    return;
}
if (args is ["administrator", ..])
{
    Environment.ExitCode = await AccountEndpoints.MakeAdministratorAsync(builder.Configuration, app.Services);
    return;
}
if (args is ["export", ..])
{
    Environment.ExitCode = await ExportCommand.RunAsync(builder.Configuration, app.Services);
    return;
}
if (settings.Sample) await app.Services.GetRequiredService<SampleClock>().ResumeAsync(database);

// Pipeline
app.UseSecurityHeaders();
app.UseResponseCompression();
app.UseRequestLocalization();
app.UseExceptionHandler(new ExceptionHandlerOptions
{
    ExceptionHandler = Problem.HandleAsync,
    AllowStatusCode404Response = true, // ours, also when compression has kept it from starting yet
    SuppressDiagnosticsCallback = failed => failed.Exception is RefusedException or BadHttpRequestException, // an answer, not a fault of ours
});
app.UseStatusCodePages(Problem.EmptyAnswerAsync);
app.UsePathLimit();
app.UseRouting();
app.UseAuthentication();
app.UseLimits();
app.UseAuthorization();
app.Use((http, next) =>
{
    http.Request.EnableBuffering(); // the body is read twice: for the idempotency digest and for the endpoint
    return next();
});

// Routes
var api = app.MapGroup("/api");
api.MapAccounts();
api.MapPolicyYears();
api.MapPilots();
api.MapCollectives();
api.MapFunds();
api.MapDonors();
api.MapPlans();
api.MapMembers();
api.MapEstimates();
api.MapApplications();
api.MapEvidence();
api.MapReports();
api.MapAudit();
api.MapCheck();
api.MapTraces();
api.MapExports();
api.MapTemplates();
api.MapDeadLetters();
app.MapLog();
app.MapApiDocument();
app.MapPages(settings);
app.MapFundPages();
app.MapPlanPages();
app.MapApplicationPages();
app.MapMemberPages();
app.MapAuditPages();
app.MapTracePages();
app.MapReportPages();
app.MapDonorPages();
app.MapAccountPages();
app.MapOperationPages();
app.MapHealth();
if (Telemetry.IsScraped(builder.Configuration)) app.MapPrometheusScrapingEndpoint().AllowAnonymous();
if (settings.Sample) app.MapSampleClock();
BuiltRoutes.TakeOver(app);
if (!settings.Sample && !await AccountEndpoints.HasAdministratorAsync(database))
    Console.WriteLine("还没有管理员，无人可以登录。请运行：Ledger.Api.dll administrator --name <账户名> --region <区划代码>  No administrator yet: run this command to make the first.");

// What starting up left behind goes back to the machine, once; afterwards the collector is left alone.
app.Lifetime.ApplicationStarted.Register(() => _ = Task.Delay(TimeSpan.FromSeconds(5)).ContinueWith(_ => GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive), TaskScheduler.Default));

if (Environment.GetEnvironmentVariable(CountyProcess.UntilInputEnds) is not null)
    _ = Task.Run(Console.In.ReadToEnd).ContinueWith(_ => app.Lifetime.StopApplication(), TaskScheduler.Default);

try
{
    await app.RunAsync();
}
catch (IOException e) when (e.InnerException is Microsoft.AspNetCore.Connections.AddressInUseException)
{
    Console.Error.WriteLine($"端口已被占用：{e.Message} 请停掉占用的程序，或用 --urls 换一个端口。The port is taken: choose another with --urls.");
    Environment.ExitCode = 1;
}

/// <summary>Named so that tests can host it.</summary>
public partial class Program;

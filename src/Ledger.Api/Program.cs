using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Ledger.Api.Accounts;
using Ledger.Api.Applications;
using Ledger.Api.Audit;
using Ledger.Api.Benefits;
using Ledger.Api.Collectives;
using Ledger.Api.CommandLine;
using Ledger.Api.Commands;
using Ledger.Api.Donors;
using Ledger.Api.Evidence;
using Ledger.Api.Exports;
using Ledger.Api.Feeds;
using Ledger.Api.Forms;
using Ledger.Api.Funds;
using Ledger.Api.Help;
using Ledger.Api.Imports;
using Ledger.Api.Jobs;
using Ledger.Api.Log;
using Ledger.Api.Members;
using Ledger.Api.Notices;
using Ledger.Api.OpenApi;
using Ledger.Api.Operation;
using Ledger.Api.Pages;
using Ledger.Api.Pilots;
using Ledger.Api.Plans;
using Ledger.Api.Policies;
using Ledger.Api.Profiles;
using Ledger.Api.Reports;
using Ledger.Api.Sample;
using Ledger.Api.Sampling;
using Ledger.Api.Screening;
using Ledger.Api.Search;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Api.Tasks;
using Ledger.Api.Trace;
using Ledger.Domain;
using Ledger.Web;
using Npgsql;

return await Call.RunAsync(args, Commands, ServeAsync);

/// <summary>Named so that tests can host it.</summary>
public partial class Program
{
    /// <summary>What the program does beside serving.</summary>
    public static IReadOnlyList<System.CommandLine.Command> Commands(string[] settings) =>
        [
            CheckCommand.Of(settings),
            RebuildCommand.Of(settings),
            SetAsideCommand.Of(settings),
            BackupCommand.Of(settings),
            RestoreCommand.Of(settings),
            RehearseCommand.Of(settings),
            SchemaCommand.Of(settings),
            AdministratorCommand.Of(settings),
            TokenCommand.Of(settings),
            ImportCommand.Of(),
            ExportCommand.Of(settings),
            LogKeyCommand.Of(settings),
            LogContinueCommand.Of(settings),
            WitnessCommand.Of(settings),
            WitnessContinueCommand.Of(),
        ];

    private static async Task<int> ServeAsync(string[] arguments)
    {
        var builder = Ground.Builds(arguments);
        await using var ground = await Ground.OpenAsync(builder);
        var app = await OpenAsync(ground);
        app.Lifetime.ApplicationStarted.Register(() => Supervisor.Tell("READY=1"));
        app.Lifetime.ApplicationStopping.Register(() => Supervisor.Tell("STOPPING=1"));

        // What starting up left behind goes back to the machine, once; afterwards the collector is left alone.
        app.Lifetime.ApplicationStarted.Register(() =>
            _ = Task.Delay(TimeSpan.FromSeconds(5))
                .ContinueWith(_ => GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive), TaskScheduler.Default)
        );

        await app.RunAsync();
        return 0;
    }

    /// <summary>
    /// The whole product, which does not run yet: what it is in a process of its own and in that of a test.
    /// </summary>
    public static async Task<WebApplication> OpenAsync(Ground ground)
    {
        var app = await BuildAsync(ground);
        var (settings, database) = (ground.Settings, app.Services.GetRequiredService<NpgsqlDataSource>());
        if (settings.Sample)
            await app.Services.GetRequiredService<SampleClock>().ResumeAsync(database);
        UsePipeline(app);
        MapRoutes(app, settings);
        var log = app.Services.GetRequiredService<ILoggerFactory>().CreateLogger("Ledger.Start");
        log.LogInformation(
            "设置来自 settings are read from: {Places}",
            SettingFiles.Read(ground.Builder.Configuration)
        );
        if (!settings.Sample && !await AccountEndpoints.HasAdministratorAsync(database))
            log.LogWarning(
                "还没有管理员，无人可以登录。请带上同样的设置运行：{Program} administrator --name <账户名> --region <区划代码>。"
                    + "No administrator yet: run this command to make the first.",
                Call.Program
            );
        return app;
    }

    /// <summary>The product without its routes: what a command needs that works on the ledger.</summary>
    public static async Task<WebApplication> BuildAsync(Ground ground)
    {
        var (builder, settings, keys) = (ground.Builder, ground.Settings, ground.Keys);
        var (access, database) = await ground.DatabaseAsync(bounds: true);
        var replica = ground.Replica(access);
        var logKeys = await ground.LogKeysAsync(database);
        builder
            .Services.AddSingleton(settings)
            .AddSingleton(keys)
            .AddSingleton<PersonalData>()
            .AddSingleton<PersonLook>()
            .AddSingleton<ProgressLook>()
            .AddSingleton<Clock>()
            .AddSingleton<Refusals>()
            .AddSingleton<OwnLineGuard>()
            .AddSingleton<NoticeList>()
            .AddSearch()
            .AddFeeds()
            .AddTasks()
            .AddJobs()
            .AddYears()
            .AddSingleton<Follows>(Deadlines.BegunByAsync)
            .AddSingleton<Together>()
            .AddScoped<Command>()
            .AddSingleton<ShownNames>()
            .AddScoped<Contacts>()
            .AddScoped<IContacts>(s => s.GetRequiredService<Contacts>())
            .AddScoped<FirstHour>()
            .AddScoped<DeadLetters>();
        builder.Services.AddExports(settings);
        builder
            .Services.AddSingleton<SampleClock>()
            .AddSingleton(s => settings.Sample ? s.GetRequiredService<SampleClock>() : TimeProvider.System);
        builder.Services.AddLedger(database, keys);
        builder.Services.AddSingleton(s => new LongReads(
            database,
            replica,
            s.GetRequiredService<ILogger<LongReads>>()
        ));
        builder
            .Services.AddSingleton(logKeys)
            .AddGuarded(ground.Guard, access)
            .AddSingleton<LookMark>()
            .AddHostedService<LogService>()
            .AddHostedService<ProjectionService>()
            .AddHostedService<UnreadableMessages>()
            .AddHttpClient<WitnessClient>(http => http.Timeout = TimeSpan.FromSeconds(10));
        if (ground.Cluster is { } cluster)
            builder
                .Services.AddSingleton(cluster)
                .AddSingleton<ClusterWatch>()
                .AddHostedService(s => s.GetRequiredService<ClusterWatch>());
        AddWeb(builder, settings, database);
        KeepNamesOut(builder.Logging);
        if (settings.Sample)
            builder.Services.AddHostedService<SampleCounty>().AddScoped<IContacts, SampleContacts>();

        // Why it did not start is said once: by Call in words, or by the run time with its stack.
        var isStarting = true;
        builder.Logging.AddFilter(
            "Microsoft.Extensions.Hosting.Internal.Host",
            level => level >= LogLevel.Warning && !isStarting
        );
        var app = builder.Build();
        app.Lifetime.ApplicationStarted.Register(() => isStarting = false);
        return app;
    }

    /// <summary>
    /// At their lower levels these write down whole addresses and the values of queries, and what was looked for stands
    /// in some: names.
    /// </summary>
    private static void KeepNamesOut(ILoggingBuilder logging) =>
        logging
            .AddFilter("Microsoft.AspNetCore.Hosting.Diagnostics", LogLevel.Warning)
            .AddFilter("Marten.IDocumentStore", LogLevel.Information);

    /// <summary>Who may ask, how much, and in which form.</summary>
    private static void AddWeb(WebApplicationBuilder builder, Settings settings, NpgsqlDataSource database)
    {
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
            json.AllowDuplicateProperties = false;
            json.RespectNullableAnnotations = true;
            json.RespectRequiredConstructorParameters = true;
            json.TypeInfoResolver = new DefaultJsonTypeInfoResolver
            {
                Modifiers = { WholeBodies.Check, Languages.Say },
            };
            json.Converters.Add(
                new JsonStringEnumConverter(JsonNamingPolicy.KebabCaseLower, allowIntegerValues: false)
            );
            json.Converters.Add(new YuanJsonConverter());
        });
        builder.WebHost.LimitConnections(builder.Configuration, longestBody: 32 * 1024 * 1024);
    }

    private static void UsePipeline(WebApplication app)
    {
        app.UseSecurityHeaders();
        app.UseResponseCompression();
        app.UseRequestLocalization();
        app.UseProblems();
        app.UseReadablePaths();
        app.UseFilledQueries();
        app.UseRouting();
        app.UseAuthentication();
        app.UseLimits();
        app.UseAuthorization();
        app.UseBodies();
    }

    private static void MapRoutes(WebApplication app, Settings settings)
    {
        var api = app.MapGroup("/api");
        api.MapAccounts();
        api.MapPolicyYears();
        api.MapPilots();
        api.MapSamples();
        api.MapScreening();
        api.MapProfiles();
        api.MapRegionNames();
        api.MapCollectives();
        api.MapFunds();
        api.MapDonors();
        api.MapPlans();
        api.MapMembers();
        api.MapEstimates();
        api.MapApplications();
        api.MapPublicNotices();
        api.MapEvidence();
        api.MapReports();
        api.MapAudit();
        api.MapFeed();
        api.MapSubscriptions();
        api.MapTasks();
        api.MapNotifications();
        api.MapCalendar();
        api.MapCheck();
        api.MapTraces();
        api.MapSearch();
        api.MapExports();
        api.MapTemplates();
        api.MapDeadLetters();
        api.MapJobs();
        app.MapBatch(api);
        app.RunJobs();
        app.MapLog();
        app.MapApiDocument();
        app.MapPages(settings);
        app.MapHelpPages();
        app.MapCollectivePages();
        app.MapFundPages();
        app.MapPlanPages();
        app.MapFormPages();
        app.MapApplicationPages();
        app.MapNoticePages();
        app.MapProofPages();
        app.MapMemberPages();
        app.MapAuditPages();
        app.MapTracePages();
        app.MapSearchPages();
        app.MapReportPages();
        app.MapPilotPages();
        app.MapProfilePages();
        app.MapPolicyYearPages();
        app.MapDonorPages();
        app.MapSamplePages();
        app.MapSubscriptionPages();
        app.MapTaskPages();
        app.MapCalendarPages();
        app.MapJobPages();
        app.MapScreeningPages();
        app.MapAccountPages();
        app.MapOperationPages();
        app.MapHealth();
        if (Telemetry.IsScraped(app.Configuration))
            app.MapPrometheusScrapingEndpoint().AllowAnonymous();
        if (settings.Sample)
            app.MapSampleClock();
        BuiltRoutes.TakeOver(app);
    }
}

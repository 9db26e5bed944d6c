using Ledger.Api.Log;
using Ledger.Api.Storage;
using Npgsql;

namespace Ledger.Api.CommandLine;

/// <summary>
/// What the server and most commands stand on: settings, keys, the database that is configured or a private cluster of
/// our own. What is opened through it is closed with it.
/// </summary>
public sealed class Ground : IAsyncDisposable
{
    private readonly Stack<IAsyncDisposable> _open = [];

    private Ground(WebApplicationBuilder builder)
    {
        Builder = builder;
        Settings = Settings.Of(builder.Configuration);
    }

    public WebApplicationBuilder Builder { get; }
    public Settings Settings { get; }
    public PrivateCluster? Cluster { get; private set; }
    public KeyFile Keys { get; private set; } = null!;

    /// <summary>Which server is one to work on.</summary>
    public ServerGuard Guard { get; } = new();

    public static Task<Ground> OpenAsync(string[] settings) => OpenAsync(Builds(settings));

    /// <exception cref="OperationException">No database, or one that does not answer; keys that cannot be
    /// read.</exception>
    public static async Task<Ground> OpenAsync(WebApplicationBuilder builder)
    {
        var ground = new Ground(builder);
        var settings = ground.Settings;
        settings.RequireDatabase();
        try
        {
            if (settings.ConnectionString is null && settings.PrivateCluster)
                ground.Cluster = ground.Held(await PrivateCluster.StartAsync(settings.DataFolder));
            ground.Keys = settings.KeyCommand is { } command
                ? KeyFile.FromCommand(command)
                : KeyFile.LoadOrCreate(settings.KeyFile);
            return ground;
        }
        catch
        {
            await ground.DisposeAsync();
            throw;
        }
    }

    public static WebApplicationBuilder Builds(string[] settings)
    {
        var builder = WebApplication.CreateBuilder(Folder(settings));
        SettingFiles.AddTo(builder.Configuration);
        SettingNames.Require(builder.Configuration);
        return builder;
    }

    private T Held<T>(T opened)
        where T : IAsyncDisposable
    {
        _open.Push(opened);
        return opened;
    }

    public async ValueTask DisposeAsync()
    {
        while (_open.TryPop(out var last))
            await last.DisposeAsync();
    }

    /// <summary>
    /// The owner's connection, for whoever looks at no table: the present database may be gone, or be what is to be
    /// replaced.
    /// </summary>
    public string Owner =>
        Settings.OwnerConnectionString ?? Settings.ConnectionString ?? Cluster!.ConnectionString("ledger");

    /// <summary>The two hands on the database, whose tables are brought up to date where we may.</summary>
    /// <param name="bounds">What settings say of the database goes into it: at a start and by <c>schema</c>, and by no
    /// command that is there for something else.</param>
    public async Task<DatabaseAccess> AccessAsync(bool bounds = false)
    {
        var access = await DatabaseAccess.OfAsync(Settings, Cluster, Keys);
        if (access.Owner is not null)
            await LedgerSchema.ApplyAsync(access, Keys, bounds ? Settings.ClockMarginMinutes : null);
        return access;
    }

    /// <summary>How the product connects, when it has been seen that it can do no harm.</summary>
    public async Task<(DatabaseAccess Access, NpgsqlDataSource Database)> DatabaseAsync(bool bounds = false)
    {
        var access = await AccessAsync(bounds);
        var database = Held(
            Guard.Watched(LedgerStore.Source(LedgerStore.Plain(access.Application), Guard.AllowReadingAsync))
        );
        await DatabaseAccess.RequireHarmlessAsync(database, Keys);
        return (access, database);
    }

    public NpgsqlDataSource? Replica(DatabaseAccess access) =>
        access.ReplicaOf(Settings) is { } connection
            ? Held(NpgsqlDataSource.Create(LedgerStore.Plain(connection)))
            : null;

    public async Task<LogKeys> LogKeysAsync(NpgsqlDataSource database) =>
        LogKeys.LoadOrCreate(Settings, await LedgerStore.LogIdAsync(database));

    /// <summary>
    /// Settings lie beside the program, wherever it is started from; <c>--contentRoot</c> says another folder
    /// (<c>./start</c> does). Settings in the folder that it is started from, which would be read by nobody, are
    /// refused.
    /// </summary>
    /// <exception cref="OperationException">There are such settings.</exception>
    public static WebApplicationOptions Folder(string[] settings)
    {
        var host = new ConfigurationBuilder()
            .AddEnvironmentVariables("DOTNET_")
            .AddEnvironmentVariables("ASPNETCORE_")
            .AddCommandLine(settings)
            .Build();
        if (host["contentRoot"] is { Length: > 0 })
            return new WebApplicationOptions { Args = settings };
        var (program, here) = (
            Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory),
            Directory.GetCurrentDirectory()
        );
        var file = $"appsettings.{host["environment"] ?? Environments.Production}.json";
        if (here != program && File.Exists(Path.Combine(here, file)) && !File.Exists(Path.Combine(program, file)))
            throw new OperationException(
                $"{here}/{file} 不会被读取：设置在程序旁边（{program}）。请移过去，或用 --contentRoot {here} 指明。"
                    + "These settings would not be read: move them beside the program, or say --contentRoot.",
                OperationException.Misused
            );
        return new WebApplicationOptions { Args = settings, ContentRootPath = program };
    }
}

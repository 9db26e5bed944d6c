using Ledger.Api.Operation;
using Ledger.Api.Storage;
using Npgsql;

namespace Ledger.Api.Tests;

/// <summary>A PostgreSQL server of the test's own, for what cannot be done to the one that all share.</summary>
public sealed class OwnServer : IAsyncDisposable
{
    private readonly string _folder;
    private readonly PrivateCluster _cluster;
    private string? _database;

    private OwnServer(string folder, PrivateCluster cluster) => (_folder, _cluster) = (folder, cluster);

    public static async Task<OwnServer> StartAsync(string folder) =>
        new(folder, await PrivateCluster.StartAsync(folder));

    /// <summary>A streaming standby of it, in another folder.</summary>
    public async Task<OwnServer> StandbyAsync(string folder)
    {
        await PostgresTool.RunAsync(
            "pg_basebackup",
            _cluster.ConnectionString("ledger"),
            $"--pgdata={Path.Combine(folder, "data")}",
            "--checkpoint=fast",
            "--write-recovery-conf"
        );
        File.Copy(Path.Combine(_folder, "password"), Path.Combine(folder, "password"));
        await Programs.ToServerAsync(folder);
        await Programs.RequireAsync("chmod", "700", Path.Combine(folder, "data"));
        return await StartAsync(folder);
    }

    /// <summary>Asked once: a connection kept from then does not outlive a restart.</summary>
    public async Task<string> DatabaseAsync() => _database ??= await _cluster.DatabaseAsync("ledger");

    public string Folder => _folder;

    /// <summary>By a connection that does not outlive the server.</summary>
    public Task<T> ScalarAsync<T>(string sql) =>
        ApiFixture.ScalarOfAsync<T>($"{_cluster.ConnectionString("ledger")};Pooling=false", sql);

    public async Task ExecuteAsync(params string[] statements)
    {
        await using var connection = new NpgsqlConnection($"{_cluster.ConnectionString("ledger")};Pooling=false");
        await connection.OpenAsync();
        foreach (var sql in statements)
            await connection.ExecuteAsync(sql);
    }

    public Task RestartAsync() => _cluster.RestartAsync();

    /// <summary>Every process of it stands still, as on a machine that hangs.</summary>
    public void Freeze() => Signal("-STOP");

    public void Thaw() => Signal("-CONT");

    private void Signal(string signal)
    {
        var first = File.ReadLines(Path.Combine(_folder, "data", "postmaster.pid")).First();
        var (_, children) = Programs.Run("ps", ["-o", "pid=", "--ppid", first]);
        Programs.Run(
            "kill",
            [signal, first, .. children.Split((char[])['\n', ' '], StringSplitOptions.RemoveEmptyEntries)]
        );
    }

    public async ValueTask DisposeAsync()
    {
        if (_cluster.IsRunning)
            Thaw();
        await _cluster.DisposeAsync();
    }
}

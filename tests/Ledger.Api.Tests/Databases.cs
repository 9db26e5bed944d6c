using Ledger.Api.Storage;
using Npgsql;

namespace Ledger.Api.Tests;

/// <summary>
/// New databases on the one PostgreSQL cluster of the run, for tests whose product is a process of its own: their classes run beside the
/// others. With LEDGER_TEST_CONNECTION it uses that server and starts none.
/// </summary>
public class Databases : IAsyncLifetime
{
    private static readonly SemaphoreSlim Turn = new(1);
    private static PrivateCluster? _cluster;
    private static string _folder = "";
    private static int _users;

    public virtual async Task InitializeAsync()
    {
        await Turn.WaitAsync();
        _users++;
        Turn.Release();
    }

    public virtual async Task DisposeAsync()
    {
        await Turn.WaitAsync();
        try
        {
            if (--_users > 0 || _cluster is null)
                return;
            NpgsqlConnection.ClearAllPools();
            await _cluster.DisposeAsync();
            _cluster = null;
            Directory.Delete(_folder, recursive: true);
        }
        finally
        {
            Turn.Release();
        }
    }

    /// <summary>A new, empty database.</summary>
    public async Task<string> NewDatabaseAsync(string prefix)
    {
        var name = $"{prefix}_{Guid.NewGuid():N}"[..Math.Min(40, prefix.Length + 12)];
        if (Environment.GetEnvironmentVariable("LEDGER_TEST_CONNECTION") is { Length: > 0 } server)
        {
            await using var connection = new NpgsqlConnection(server);
            await connection.OpenAsync();
            await connection.ExecuteAsync($"create database {name}");
            return new NpgsqlConnectionStringBuilder(server) { Database = name }.ConnectionString;
        }
        await Turn.WaitAsync();
        try
        {
            if (_cluster is null)
            {
                _folder = Path.Combine(Path.GetTempPath(), $"ledger-test-{Guid.NewGuid():N}"[..22]);
                _cluster = await PrivateCluster.StartAsync(_folder);
            }
            return await _cluster.DatabaseAsync(name);
        }
        finally
        {
            Turn.Release();
        }
    }
}

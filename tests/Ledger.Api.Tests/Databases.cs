using Ledger.Api.Storage;
using Npgsql;

namespace Ledger.Api.Tests;

/// <summary>
/// New databases on the one PostgreSQL cluster of the run, for tests whose product is a process of its own: their
/// classes run beside the others. With LEDGER_TEST_CONNECTION it uses that server and starts none.
/// </summary>
public class Databases : IAsyncLifetime
{
    private static readonly SemaphoreSlim Turn = new(1),
        Loading = new(1);
    private static PrivateCluster? _cluster;
    private static string _folder = "";
    private static int _users;
    private static LoadedSample? _sample;
    private static Product? _county;

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
            foreach (var loaded in new[] { _sample?.Folder, _county?.Folder.FullName }.OfType<string>())
                Directory.Delete(loaded, recursive: true);
            (_sample, _county) = (null, null);
            Directory.Delete(_folder, recursive: true);
        }
        finally
        {
            Turn.Release();
        }
    }

    /// <summary>A new, empty database.</summary>
    public Task<string> NewDatabaseAsync(string prefix) => MakeAsync(prefix, "template0");

    /// <summary>
    /// A database with the sample county, which is loaded once for all; its keys go into <paramref name="folder"/>.
    /// </summary>
    public async Task<LoadedSample> SampleDatabaseAsync(string prefix, string folder)
    {
        await Loading.WaitAsync();
        try
        {
            _sample ??= await LoadedSample.LoadAsync(
                await NewDatabaseAsync("ledger_loaded"),
                Directory.CreateTempSubdirectory("ledger-loaded").FullName
            );
        }
        finally
        {
            Loading.Release();
        }
        foreach (var file in Directory.GetFiles(_sample.Folder))
            File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
        var loaded = new NpgsqlConnectionStringBuilder(_sample.ConnectionString).Database!;
        return _sample with { ConnectionString = await MakeAsync(prefix, loaded), Folder = folder };
    }

    /// <summary>
    /// A database with a county to play in, opened once for all, and its village; its keys go into
    /// <paramref name="folder"/>.
    /// </summary>
    public async Task<(string ConnectionString, SampleVillage Village)> CountyDatabaseAsync(
        string prefix,
        string folder
    )
    {
        await Loading.WaitAsync();
        try
        {
            _county ??= await OpenedCountyAsync();
        }
        finally
        {
            Loading.Release();
        }
        foreach (var file in _county.Folder.GetFiles())
            file.CopyTo(Path.Combine(folder, file.Name));
        var opened = new NpgsqlConnectionStringBuilder(_county.ConnectionString).Database!;
        var connectionString = await MakeAsync(prefix, opened);
        await using var connection = new NpgsqlConnection(connectionString);
        await connection.OpenAsync();
        // The rights that came along are another's. One at a time: the server keeps them where all databases look.
        await Loading.WaitAsync();
        try
        {
            await connection.ExecuteAsync($"drop owned by {opened}_app");
        }
        finally
        {
            Loading.Release();
        }
        return (connectionString, _county.Village);
    }

    private async Task<Product> OpenedCountyAsync()
    {
        var product = await Product.NewAsync(this, "ledger_county");
        await product.StartAsync();
        await product.OpenCountyAsync();
        await product.SealedAsync();
        await product.StopAsync();
        return product;
    }

    private static async Task<string> MakeAsync(string prefix, string template)
    {
        var name = $"{prefix}_{Guid.NewGuid():N}"[..Math.Min(40, prefix.Length + 12)];
        var server = new NpgsqlConnectionStringBuilder(await ServerAsync());
        await using var connection = new NpgsqlConnection(server.ConnectionString);
        await connection.OpenAsync();
        await connection.ExecuteAsync($"create database {name} encoding 'UTF8' template {template}");
        server.Database = name;
        return server.ConnectionString;
    }

    private static async Task<string> ServerAsync()
    {
        if (Environment.GetEnvironmentVariable("LEDGER_TEST_CONNECTION") is { Length: > 0 } given)
            return given;
        await Turn.WaitAsync();
        try
        {
            if (_cluster is null)
            {
                _folder = Path.Combine(Path.GetTempPath(), $"ledger-test-{Guid.NewGuid():N}"[..22]);
                _cluster = await PrivateCluster.StartAsync(_folder);
                await using var connection = new NpgsqlConnection(_cluster.ConnectionString("postgres"));
                await connection.OpenAsync();
                // Nobody pulls this machine's plug; what a power cut does is tried by FaultTests, on a volume of their
                // own.
                await connection.ExecuteAsync("alter system set fsync = off");
                await connection.ExecuteAsync("select pg_reload_conf()");
            }
            return _cluster.ConnectionString("postgres");
        }
        finally
        {
            Turn.Release();
        }
    }
}

using System.Diagnostics;
using Npgsql;

namespace Ledger.Api.Tests;

/// <summary>
/// A real PgBouncer before the server, in its transaction mode: the product does not start, and says why.
/// </summary>
public sealed class PoolerTests(Databases databases) : IClassFixture<Databases>
{
    [Theory]
    [InlineData("", "", "它不接受连接的设置")]
    [InlineData("options,extra_float_digits", "", "没有到达数据库")]
    [InlineData("options,extra_float_digits", "connect_query='set ledger.told = 1'", "两个连接共用一个会话")]
    public async Task A_pooler_before_the_server_is_refused_at_the_start(string ignored, string onConnect, string why)
    {
        await using var product = await Product.NewAsync(databases, "ledger_pooler");
        var server = new NpgsqlConnectionStringBuilder(product.ConnectionString);
        var folder = Directory
            .CreateDirectory(Path.Combine(Path.GetTempPath(), $"pooler-{Guid.NewGuid():N}"[..14]))
            .FullName;
        var to = $"host={server.Host} port={server.Port} user={server.Username} password={server.Password}";
        await File.WriteAllTextAsync(
            Path.Combine(folder, "ini"),
            $"""
            [databases]
            {server.Database} = {to} {onConnect}
            [pgbouncer]
            listen_addr =
            unix_socket_dir = {folder}
            listen_port = 6432
            auth_type = any
            pool_mode = transaction
            pidfile = {folder}/pid
            ignore_startup_parameters = {ignored}
            """
        );
        await Programs.ToServerAsync(folder);
        using var pooler = Process.Start(
            "env",
            [.. Programs.AsServer, "pgbouncer", "-q", Path.Combine(folder, "ini")]
        )!;
        try
        {
            await ApiFixture.EventuallyAsync(
                () => Task.FromResult(File.Exists(Path.Combine(folder, ".s.PGSQL.6432"))),
                "the pooler listens"
            );
            server.Host = folder;
            server.Port = 6432;
            product.Settings["ConnectionStrings__Ledger"] = server.ConnectionString;
            var (exit, said) = await ApiHost.RunAsync(product.Settings, "schema");
            Assert.True(exit == 2 && said.Contains("PgBouncer") && said.Contains(why), $"{exit}: {said}");
            // Nothing was done.
            Assert.True(await product.ScalarAsync<bool>("select to_regclass('ledger.mt_events') is null"));
        }
        finally
        {
            Process.Start("kill", ["-TERM", File.ReadAllText(Path.Combine(folder, "pid")).Trim()]).WaitForExit();
            await pooler.WaitForExitAsync();
            Directory.Delete(folder, recursive: true);
        }
    }
}

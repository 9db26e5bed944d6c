using Npgsql;

namespace Ledger.Api.Storage;

/// <summary>
/// A pooler (PgBouncer) between the product and its server is refused at the start: what the product says of each
/// connection (durability, isolation, search path) would not reach the server, and from one transaction to the next a
/// session's prepared statements and locks would be another's. The product has pools of its own.
/// </summary>
public static class Pooler
{
    /// <summary>A setting that nobody else has, told as the others are.</summary>
    private const string Told = "ledger.told";

    /// <exception cref="OperationException">There is one.</exception>
    public static async Task RefuseAsync(string connectionString)
    {
        var told = new NpgsqlConnectionStringBuilder(LedgerStore.Plain(connectionString)) { Pooling = false };
        told.Options += $" -c {Told}=1";
        try
        {
            await using var one = new NpgsqlConnection(told.ConnectionString);
            await one.OpenAsync();
            var (isTold, first) = await LookAsync(one);
            if (!isTold)
                throw Refused(
                    "连接的设置（options）没有到达数据库",
                    "what is set for a connection does not reach the server"
                );
            // Two connections that are both open: a server's own process each, where nobody shares them out.
            await using var other = new NpgsqlConnection(told.ConnectionString);
            await other.OpenAsync();
            if ((await LookAsync(other)).Process == first && AreOneServer(one, other))
                throw Refused(
                    "两个连接共用一个会话（事务级连接池）",
                    "two connections share a session (transaction pooling)"
                );
        }
        catch (PostgresException e)
            when (e.SqlState == PostgresErrorCodes.ProtocolViolation
                && e.MessageText.Contains("startup parameter", StringComparison.Ordinal)
            )
        {
            throw Refused($"它不接受连接的设置（{e.MessageText}）", "it does not take what is set for a connection", e);
        }
    }

    /// <summary>Of several servers in the string each counts its processes for itself.</summary>
    private static bool AreOneServer(NpgsqlConnection one, NpgsqlConnection other) =>
        one.Host == other.Host && one.Port == other.Port;

    private static async Task<(bool IsTold, int Process)> LookAsync(NpgsqlConnection connection) =>
        (
            await connection.QueryAsync(
                $"select current_setting('{Told}', true) = '1', pg_backend_pid()",
                r => (!r.IsDBNull(0) && r.GetBoolean(0), r.GetInt32(1))
            )
        ).Single();

    private static OperationException Refused(string why, string inEnglish, Exception? inner = null) =>
        new(
            $"连接字符串指向 PgBouncer 一类的连接池：{why}。请直接连接数据库服务器（或 HAProxy 这样只转发的代理）；"
                + "本程序自己有连接池，大小用 Maximum Pool Size 设定。"
                + $"There is a pooler before the database ({inEnglish}): connect to the server itself.",
            OperationException.Misused,
            inner
        );
}

using System.Security.Cryptography;
using System.Text;
using Npgsql;

namespace Ledger.Api.Log;

/// <summary>
/// When the hourly look last went on, on whatever node, with a seal that only who has the keys can make. One node looks
/// at a time, by a lock that anybody of the application's role can hold: whoever does so, and does not look, is found
/// out.
/// </summary>
public sealed class LookMark(KeyFile keys)
{
    private const string Name = "look";

    public Task KeepAsync(NpgsqlConnection connection)
    {
        var at = DateTimeOffset.FromUnixTimeSeconds(DateTimeOffset.UtcNow.ToUnixTimeSeconds());
        return connection.ExecuteAsync(
            $"""
            insert into {LedgerStore.Schema}.lease (name, holder, until)
            values ('{Name}', @seal, @at)
                on conflict (name) do update set holder = excluded.holder, until = excluded.until
            """,
            ("seal", Seal(at)),
            ("at", at)
        );
    }

    public async Task<bool> IsFreshAsync(NpgsqlConnection connection, TimeSpan most) =>
        (
            await connection.QueryAsync(
                $"""
                select holder, until
                  from {LedgerStore.Schema}.lease
                 where name = '{Name}'
                   and until between '2000-01-01' and '9000-01-01'
                """,
                r => (Seal: r.GetGuid(0), At: r.GetFieldValue<DateTimeOffset>(1))
            )
        ).Any(m => m.Seal == Seal(m.At) && DateTimeOffset.UtcNow - m.At < most);

    private Guid Seal(DateTimeOffset at) =>
        new(
            HMACSHA256.HashData(keys.StateKey, Encoding.ASCII.GetBytes($"look {at.ToUnixTimeSeconds()}")).AsSpan(0, 16)
        );
}

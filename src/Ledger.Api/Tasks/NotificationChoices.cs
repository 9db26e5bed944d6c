using System.Security.Cryptography;
using System.Text.Json;
using Ledger.Api.Storage;
using Ledger.Domain;
using Ledger.Domain.Accounts;
using Ledger.Domain.Identity;
using Ledger.Domain.Tasks;
using Npgsql;

namespace Ledger.Api.Tasks;

/// <summary>
/// How people want to be told, each in a box of his own (AES-256-GCM, bound to the account): who can write rows can put
/// nobody's messages elsewhere, and nobody reads an address in the database.
/// </summary>
public sealed class NotificationChoices(KeyFile keys, Findings findings)
{
    private const string S = LedgerStore.Schema;
    private readonly byte[] _key = HMACSHA256.HashData(keys.KeyEncryptionKey, "ledger notifications"u8);

    /// <summary>Null: nothing was chosen, or somebody edited it.</summary>
    public async Task<NotificationChoice?> ReadAsync(NpgsqlConnection connection, string accountId) =>
        (
            await connection.QueryAsync(
                $"select choice from {S}.notification_choice where account_id = @id",
                r => r.GetFieldValue<byte[]>(0),
                ("id", accountId)
            )
        ).FirstOrDefault()
            is { } box
            ? await OpenAsync(accountId, box)
            : null;

    public async Task<NotificationChoice?> OpenAsync(string accountId, byte[] box)
    {
        try
        {
            return JsonSerializer.Deserialize<NotificationChoice>(PersonalData.Decrypt(_key, box, accountId));
        }
        catch (Exception e) when (e is CryptographicException or JsonException)
        {
            await findings.AddAsync("person", $"通知设置被改动 the choice of notifications was edited（{accountId}）");
            return null;
        }
    }

    /// <summary>From now on; what waits is told anew by the next look.</summary>
    public Task WriteAsync(NpgsqlConnection connection, string accountId, NotificationChoice choice) =>
        connection.ExecuteAsync(
            $"""
            insert into {S}.notification_choice (account_id, choice)
            values (@id, @choice)
                on conflict (account_id) do update
               set choice = excluded.choice, next_at = '2000-01-01', failures = 0
            """,
            ("id", accountId),
            ("choice", PersonalData.Encrypt(_key, JsonSerializer.SerializeToUtf8Bytes(choice), accountId))
        );

    /// <summary>Who he is now: his account says it. Null: he is nobody's any more.</summary>
    public static async Task<Actor?> WhoAsync(
        NpgsqlConnection connection,
        EventWriter writer,
        Settings settings,
        string accountId,
        NotificationChoice choice
    )
    {
        var name = accountId[StreamId.Account("").Length..];
        return await writer.ReadAsync<Account>(connection, accountId) switch
        {
            { IsClosed: false, IsRequested: false } account => new Actor(name, account.Role, account.Region),
            null when settings.Sample => new Actor(name, choice.Role, choice.Region), // its people have none
            _ => null,
        };
    }

    public static Task ForgetAsync(NpgsqlConnection connection, string accountId) =>
        connection.ExecuteAsync(
            $"""
            with told as (delete from {S}.notification where account_id = @id)
            delete from {S}.notification_choice where account_id = @id
            """,
            ("id", accountId)
        );
}

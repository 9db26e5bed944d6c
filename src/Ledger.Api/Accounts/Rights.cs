using Ledger.Api.Storage;
using Ledger.Domain;
using Ledger.Domain.Accounts;
using Ledger.Domain.Identity;
using Npgsql;

namespace Ledger.Api.Accounts;

/// <summary>
/// In whose role and region somebody acts, as the account's events say. The tables of sign-in hold a copy, which
/// whoever has the application's role could edit: there it opens the door, and no more.
/// </summary>
public sealed class Rights(EventWriter writer, Settings settings, Findings findings, NpgsqlDataSource database)
{
    public Task<Account?> AccountAsync(string name) => ReadAsync(StreamId.Account(name));

    public async Task<Account?> ReadAsync(string id)
    {
        await using var connection = await database.OpenConnectionAsync();
        return await writer.ReadAsync<Account>(connection, id);
    }

    /// <summary>Null: the account is closed, or there is none. Only the sample's people have none.</summary>
    public async Task<(string Role, string Region)?> OfAsync(
        NpgsqlConnection connection,
        string name,
        string role,
        string region
    )
    {
        var account = await writer.ReadAsync<Account>(connection, StreamId.Account(name));
        if (account is null)
            return settings.Sample ? (role, region) : null;
        if (account.IsClosed)
            return null;
        if ((account.Role, account.Region) != (role, region))
            await findings.AddAsync(
                "account",
                $"{account.Id}：登录表中的角色 {role} {region} 被改动，按事件应为 {account.Role} {account.Region}；"
                    + "以事件为准 a role was edited"
            );
        return (account.Role, account.Region);
    }

    /// <summary>The role that its holder has delegated to this name, today; null: not, or no more.</summary>
    public async Task<(string Role, string Region)?> DelegatedAsync(
        NpgsqlConnection connection,
        string holder,
        string name,
        DateOnly today
    ) =>
        await writer.ReadAsync<Account>(connection, StreamId.Account(holder)) is { } account
        && account.IsDelegate(name, today)
            ? (account.Role, account.Region)
            : null;
}

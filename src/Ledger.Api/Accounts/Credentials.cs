using System.Security.Cryptography;
using Ledger.Api.Commands;
using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace Ledger.Api.Accounts;

/// <summary>Credentials change in the transaction of the command that says so, or not at all.</summary>
public static class Credentials
{
    public static void Use(DbContextOptionsBuilder options, NpgsqlDataSource database) => options.UseNpgsql(database);

    /// <summary>A user for a new account, with a one-time password.</summary>
    public static (LedgerUser User, string Password) New(string name, string role, string region, IPasswordHasher<LedgerUser> hasher)
    {
        var user = new LedgerUser { Id = name, UserName = name, NormalizedUserName = name.ToUpperInvariant(), Role = role, Region = region, LockoutEnabled = true };
        return (user, SetOneTimePassword(user, hasher));
    }

    /// <summary>Gives the user a one-time password: sixteen characters, none that look alike, since it is read out over the telephone.</summary>
    public static string SetOneTimePassword(LedgerUser user, IPasswordHasher<LedgerUser> hasher)
    {
        var password = RandomNumberGenerator.GetString("abcdefghjkmnpqrstuvwxyz23456789", 16);
        (user.PasswordHash, user.MustChangePassword, user.SecurityStamp) = (hasher.HashPassword(user, password), true, Guid.NewGuid().ToString("N"));
        return password;
    }

    public static Task AddAsync(AccountsContext accounts, Command command, LedgerUser user) => SaveAsync(accounts, command, a =>
    {
        a.Users.Add(user);
        return Task.CompletedTask;
    });

    /// <summary>Changes a user; his sessions end with it.</summary>
    public static Task ChangeAsync(AccountsContext accounts, Command command, string name, Action<LedgerUser> change) => SaveAsync(accounts, command, async a =>
    {
        change(await a.Users.SingleAsync(u => u.Id == name));
        await a.EndSessionsAsync(name, DateTimeOffset.UtcNow);
    });

    private static async Task SaveAsync(AccountsContext accounts, Command command, Func<AccountsContext, Task> change)
    {
        await JoinAsync(accounts, command.Transaction);
        await change(accounts);
        await accounts.SaveChangesAsync();
    }

    /// <summary>From here on the context writes in this transaction.</summary>
    public static async Task JoinAsync(AccountsContext accounts, NpgsqlTransaction transaction)
    {
        accounts.ChangeTracker.Clear(); // an attempt that lost a race left nothing
        accounts.Database.SetDbConnection(transaction.Connection);
        await accounts.Database.UseTransactionAsync(transaction);
    }
}

using System.Security.Cryptography;
using System.Text;
using Ledger.Api.Commands;
using Ledger.Api.Storage;
using Ledger.Domain.Accounts;
using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace Ledger.Api.Accounts;

/// <summary>Credentials change in the transaction of the command that says so, or not at all.</summary>
public static class Credentials
{
    public static void Use(DbContextOptionsBuilder options, NpgsqlDataSource database) => options.UseNpgsql(database);

    /// <summary>None that look alike, since a password is read out over the telephone.</summary>
    private const string Letters = "abcdefghjkmnpqrstuvwxyz23456789";

    /// <summary>A user for a new account, with a one-time password.</summary>
    /// <param name="firstHalf">See <see cref="FirstHalf"/>.</param>
    public static (LedgerUser User, string Password) New(
        string name,
        string role,
        string region,
        IPasswordHasher<LedgerUser> hasher,
        string firstHalf = ""
    )
    {
        var user = new LedgerUser
        {
            Id = name,
            Role = role,
            Region = region,
        };
        return (user, SetOneTimePassword(user, hasher, firstHalf));
    }

    /// <summary>Gives the user a one-time password and returns it, without the half that another has.</summary>
    public static string SetOneTimePassword(LedgerUser user, IPasswordHasher<LedgerUser> hasher, string firstHalf = "")
    {
        var rest = RandomNumberGenerator.GetString(Letters, firstHalf.Length == 0 ? 16 : HalfLength);
        (user.PasswordHash, user.MustChangePassword) = (hasher.HashPassword(user, firstHalf + rest), true);
        // What else Identity goes by, also where somebody edited it.
        (user.UserName, user.NormalizedUserName, user.LockoutEnabled, user.SecurityStamp) = (
            user.Id,
            user.Id.ToUpperInvariant(),
            true,
            Guid.NewGuid().ToString("N")
        );
        return rest;
    }

    private const int HalfLength = 10;

    /// <summary>
    /// Where two administrators give out a password, each is shown half of it, and only the person gets both: neither
    /// can sign in as him. The first half follows from the request and a key that is not in the database, so that it
    /// need not be kept until the other confirms.
    /// </summary>
    public static string FirstHalf(KeyFile keys, string requestId) =>
        new([
            .. HMACSHA256
                .HashData(keys.HashKey, Encoding.UTF8.GetBytes($"one-time password {requestId}"))
                .Take(HalfLength)
                .Select(b => Letters[b % Letters.Length]),
        ]);

    /// <returns>The account, which knows of them.</returns>
    public static async Task<Account> AddAsync(
        AccountsContext accounts,
        Command command,
        Account account,
        LedgerUser user,
        CredentialSeal seal
    )
    {
        await SaveAsync(
            accounts,
            command,
            a =>
            {
                a.Users.Add(user);
                return Task.CompletedTask;
            }
        );
        var digest = seal.Digest(user, [], account.Revision + 1);
        return command.Append(account.Id, account, AccountDecider.SetCredentials(digest));
    }

    /// <summary>Changes a user; his sessions end with it. Another authority's people have neither here.</summary>
    public static Task ChangeAsync(AccountsContext accounts, Command command, string name, Action<LedgerUser> change) =>
        ActorName.IsForeign(name)
            ? Task.CompletedTask
            : SaveAsync(
                accounts,
                command,
                async a =>
                {
                    change(await a.Users.SingleAsync(u => u.Id == name));
                    await a.EndSessionsAsync(name, andDelegates: true, command.Now);
                }
            );

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

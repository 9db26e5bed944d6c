using System.CommandLine;
using Ledger.Api.Accounts;
using Ledger.Api.Security;
using Ledger.Domain;
using Ledger.Domain.Accounts;
using Ledger.Domain.Identity;
using Microsoft.AspNetCore.Identity;
using Npgsql;

namespace Ledger.Api.CommandLine;

/// <summary><c>administrator --name chen.gang --region 3708</c>: makes the first administrator.</summary>
public static class AdministratorCommand
{
    public static Command Of(string[] settings)
    {
        var name = Call.Text("--name", "小写账户名", "账户名 · the account's name", required: true);
        var region = Call.Text("--region", "市或县区划代码", "区划 · city or county", required: true);
        var command = new Command("administrator", "开立第一个管理员 · make the first administrator") { name, region };
        command.SetAction(
            async (call, _) =>
            {
                var (who, where) = (call.GetRequiredValue(name), call.GetRequiredValue(region));
                if ((ActorName.AccountFault(who) ?? Tokens.Fault(Roles.Administrator, where)) is { } fault)
                    throw Call.Misuse(command, fault);
                await using var ground = await Ground.OpenAsync(settings);
                await using var app = await Program.BuildAsync(ground);
                return await MakeAsync(app.Services, who, where);
            }
        );
        return command;
    }

    /// <summary>
    /// Prints a one-time password, once. Whose account it is may follow on the page of accounts: a citizen id does not
    /// belong on a command line.
    /// </summary>
    private static async Task<int> MakeAsync(IServiceProvider services, string name, string region)
    {
        await using var scope = services.CreateAsyncScope();
        await using var connection = await services.GetRequiredService<NpgsqlDataSource>().OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        var accounts = scope.ServiceProvider.GetRequiredService<AccountsContext>();
        await AccountChanges.TakeTurnAsync(connection);
        await Credentials.JoinAsync(accounts, transaction);
        var id = StreamId.Account(name);
        var (versions, _) = await services
            .GetRequiredService<EventWriter>()
            .LockAsync<Account>(connection, [id], "for update");
        if (versions.ContainsKey(id))
        {
            await Console.Error.WriteLineAsync($"账户 {name} 已存在");
            return 1;
        }
        var (user, password) = Credentials.New(
            name,
            Roles.Administrator,
            region,
            scope.ServiceProvider.GetRequiredService<IPasswordHasher<LedgerUser>>()
        );
        var opened = Change.Of(id, (Account?)null, AccountDecider.OpenAtConsole(null, name, region).Events);
        var digest = services.GetRequiredService<CredentialSeal>().Digest(user, [], opened.After.Revision + 1);
        var change = StreamChange.Of(opened, Change.Of(opened.After, AccountDecider.SetCredentials(digest).Events));
        await services
            .GetRequiredService<EventWriter>()
            .WriteAsync(
                connection,
                [change],
                new EventStamp(
                    ActorName.Console(region),
                    region,
                    services.GetRequiredService<Clock>().Today,
                    "administrator",
                    "",
                    ""
                )
            );
        accounts.Users.Add(user);
        await accounts.SaveChangesAsync();
        await transaction.CommitAsync();
        Call.Report(
            new
            {
                Name = name,
                Region = region,
                Password = password,
            }
        );
        Console.WriteLine($"管理员 {name}（{region}）的一次性密码，只显示这一次 one-time password: {password}");
        return 0;
    }
}

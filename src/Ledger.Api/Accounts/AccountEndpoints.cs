using Ledger.Api.Commands;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Domain;
using Ledger.Domain.Accounts;
using Ledger.Domain.Identity;
using Marten;
using Microsoft.AspNetCore.Identity;
using Npgsql;

namespace Ledger.Api.Accounts;

public sealed record DelegationBody(string To, DateOnly Until);

/// <summary>A change that waits for another administrator or for the person himself.</summary>
public sealed record PendingChangeView(
    ChangeKind Kind,
    string Role,
    string Region,
    string Reason,
    string RequestedBy,
    DateOnly Until
);

/// <summary>
/// <paramref name="Id"/>: in paths. <paramref name="Delegates"/>: account name → the last day on which it may act in
/// this role. <paramref name="PersonName"/>: whose it is, in lists alone.
/// <paramref name="Basis"/>: on what the latest change of its rights rests; null from before the rule.
/// <paramref name="Needs"/>: <c>person</c>, where it does not say whose it is; <c>another-name</c>, where its name is
/// reserved and nobody can sign in.
/// </summary>
public sealed record AccountView(
    string Id,
    string Name,
    string Role,
    string Region,
    bool IsClosed,
    IReadOnlyDictionary<string, DateOnly> Delegates,
    int Version,
    bool IsRequested,
    PendingChangeView? Pending,
    ChangeBasis? Basis,
    IReadOnlyList<string> Needs,
    string? PersonName = null,
    string? Unit = null
)
{
    public static AccountView Of(Account a) =>
        new(
            a.Id,
            a.Name,
            a.Role,
            a.Region,
            a.IsClosed,
            a.Delegates,
            a.Revision,
            a.IsRequested,
            a.Pending is { } p
                ? new PendingChangeView(p.Kind, p.Role, p.Region, p.Reason, p.RequestedBy, p.Until)
                : null,
            a.Basis,
            NeedsOf(a),
            Unit: a.Unit
        );

    public static IReadOnlyList<string> NeedsOf(Account a) =>
        [
            .. a.Person is null ? ["person"] : Array.Empty<string>(),
            .. !a.IsClosed && ActorName.Reserved.Contains(a.Name) ? ["another-name"] : Array.Empty<string>(),
        ];
}

/// <summary>Accounts (账户), sign-in and sessions.</summary>
public static class AccountEndpoints
{
    public static void AddAccounts(this IServiceCollection services, NpgsqlDataSource database)
    {
        services.AddDbContext<AccountsContext>(options => Credentials.Use(options, database));
        services
            .AddIdentityCore<LedgerUser>(options =>
            {
                // Long rather than contrived (NIST SP 800-63B): twelve characters, a letter and a digit.
                (options.Password.RequiredLength, options.Password.RequiredUniqueChars) = (12, 6);
                (options.Password.RequireUppercase, options.Password.RequireNonAlphanumeric) = (false, false);
                (options.Lockout.MaxFailedAccessAttempts, options.Lockout.DefaultLockoutTimeSpan) = (
                    5,
                    TimeSpan.FromMinutes(15)
                );
            })
            .AddUserStore<LedgerUserStore>()
            .AddErrorDescriber<ChineseErrors>()
            .AddTokenProvider<AuthenticatorTokenProvider<LedgerUser>>(TokenOptions.DefaultAuthenticatorProvider);
        services
            .AddScoped<SignIn>()
            .AddSingleton<SignInGuard>()
            .AddSingleton<Rights>()
            .AddSingleton<TokenHolders>()
            .AddSingleton<CredentialSeal>();
    }

    public static void MapAccounts(this IEndpointRouteBuilder api)
    {
        api.MapPost("/session", (SignInBody body, SignIn signIn, HttpContext http) => signIn.StartAsync(body, http))
            .Session<SessionView>("sign-in", "登录：账户、密码，经办、审计、管理员另需验证码 · Sign in")
            .Refuses(
                Rejections.SignInFailed,
                Rejections.LockedOut,
                Rejections.Busy,
                Rejections.PasswordChangeNeeded,
                Rejections.SecondFactorNeeded
            )
            .Example("""{"name":"li.si","password":"……","code":"123456"}""");
        api.MapPost(
                "/session/page",
                (SignInBody body, SignIn signIn, HttpContext http) => signIn.StartPageAsync(body, http)
            )
            .Session<PageSessionView>(
                "sign-in-page",
                "在浏览器中登录：会话存于脚本读不到的 Cookie · Sign in in a browser: the session is a cookie"
            )
            .Refuses(
                Rejections.SignInFailed,
                Rejections.LockedOut,
                Rejections.Busy,
                Rejections.PasswordChangeNeeded,
                Rejections.SecondFactorNeeded
            )
            .Example("""{"name":"li.si","password":"……","code":"123456"}""");
        api.MapPost(
                "/session/page/end",
                async (SignIn signIn, Caller caller, HttpContext http) =>
                {
                    if (Guid.TryParse(http.User.FindFirst("session")?.Value, out var session))
                        await signIn.EndAsync(caller.Actor.Id, session);
                    PageSession.DeleteCookie(http);
                    return Results.NoContent();
                }
            )
            .Session<object>("sign-out-page", "退出本浏览器 · Sign out of this browser", Roles.Everybody);
        api.MapPost("/session/refresh", (RefreshBody body, SignIn signIn) => signIn.RefreshAsync(body.RefreshToken))
            .Session<SessionView>(
                "refresh-session",
                "用刷新令牌换新的访问令牌，刷新令牌只能用一次 · A new access token for a refresh token, which is good once"
            )
            .Refuses(Rejections.SignInFailed)
            .Example("""{"refreshToken":"……"}""");
        api.MapPost(
                "/session/password",
                async (PasswordBody body, SignIn signIn) =>
                {
                    await signIn.ChangePasswordAsync(body);
                    return Results.NoContent();
                }
            )
            .Session<object>("change-password", "修改自己的密码，其他设备随即退出 · Change one's password")
            .Refuses(
                Rejections.SignInFailed,
                Rejections.LockedOut,
                Rejections.Busy,
                Rejections.SecondFactorNeeded,
                Rejections.FieldInvalid
            )
            .Example("""{"name":"li.si","password":"……","newPassword":"……"}""");
        api.MapPost("/session/second-factor", (SecondFactorBody body, SignIn signIn) => signIn.EnrolAsync(body))
            .Session<SecondFactorView>(
                "enrol-second-factor",
                "绑定验证器（TOTP）：先取密钥，再以验证码确认 · Enrol an authenticator"
            )
            .Refuses(
                Rejections.SignInFailed,
                Rejections.LockedOut,
                Rejections.Busy,
                Rejections.PasswordChangeNeeded,
                Rejections.SecondFactorNeeded,
                Rejections.WrongState
            )
            .Example("""{"name":"li.si","password":"……"}""");
        api.MapGet("/sessions", (SignIn signIn, Caller caller) => signIn.ListAsync(caller.Actor.Id))
            .Reading<IReadOnlyList<SessionListView>>("list-sessions", "我已登录的设备 · My sessions", Roles.Everybody);
        api.MapPost(
                "/sessions/end",
                async (SignIn signIn, Caller caller) =>
                {
                    await signIn.EndAllAsync(caller.Actor.Id);
                    return Results.NoContent();
                }
            )
            .Session<object>("sign-out-everywhere", "在所有设备上退出 · Sign out everywhere", Roles.Everybody);
        api.MapPost(
                "/sessions/{sessionId:guid}/end",
                async (Guid sessionId, SignIn signIn, Caller caller) =>
                {
                    await signIn.EndAsync(caller.Actor.Id, sessionId);
                    return Results.NoContent();
                }
            )
            .Session<object>("sign-out", "退出一台设备 · Sign out of one session", Roles.Everybody);

        api.MapGet("/accounts", List)
            .Reading<IReadOnlyList<AccountView>>(
                "list-accounts",
                "账户列表 · Accounts in one's region",
                Roles.Administrator,
                Roles.Auditor
            )
            .Refuses(Rejections.FieldInvalid);
        api.MapPost("/accounts", AccountChanges.Open)
            .TakesSecrets()
            .Command<IssuedAccountView>(
                "open-account",
                "开立账户并写明本人；已有第二位管理员时待其确认。一次性密码只显示这一次 (C20) · Open an account",
                Roles.Administrator
            )
            .Refuses(
                Rejections.SelfApproval,
                Rejections.AlreadyExists,
                Rejections.DutiesIncompatible,
                Rejections.WrongState,
                Rejections.FieldInvalid,
                Rejections.NotFound
            )
            .Example(
                """
                {"name":"li.si","role":"agency","region":"370811",
                 "personName":"李四","citizenId":"37081119800101001X"}
                """
            );
        api.MapPost("/accounts/{id}/role", AccountChanges.Change)
            .Command<AccountView>(
                "change-account",
                "变更角色或区划，不能变更自己的；已有第二位管理员时待其或本人确认 (C20) · Change an account's role",
                Roles.Administrator
            )
            .Refuses(
                Rejections.SelfApproval,
                Rejections.DutiesIncompatible,
                Rejections.WrongState,
                Rejections.FieldInvalid,
                Rejections.NotFound,
                Rejections.VersionMismatch
            )
            .Example("""{"role":"auditor","region":"370811"}""");
        api.MapPost("/accounts/{id}/credentials", AccountChanges.IssueCredentials)
            .Command<IssuedAccountView>(
                "issue-credentials",
                "重新发放一次性密码，解除验证器；已有第二位管理员时待其或本人确认 (C20) · A new one-time password",
                Roles.Administrator
            )
            .Refuses(
                Rejections.SelfApproval,
                Rejections.WrongState,
                Rejections.FieldInvalid,
                Rejections.NotFound,
                Rejections.VersionMismatch
            )
            .Example("""{"reason":"手机遗失"}""");
        api.MapPost("/accounts/{id}/pending/confirmation", AccountChanges.Confirm)
            .TakesSecrets()
            .Command<IssuedAccountView>(
                "confirm-account-change",
                "确认账户变更：另一位管理员，或本人（在自己的会话中，或到场以原密码、验证码证明） (C20) · Confirm a change of an account",
                Roles.Everybody
            )
            .Refuses(
                Rejections.SelfApproval,
                Rejections.DutiesIncompatible,
                Rejections.PersonNotProved,
                Rejections.LockedOut,
                Rejections.WrongState,
                Rejections.NotFound,
                Rejections.VersionMismatch
            )
            .Example("""{"password":"<本人现在的密码>"}""");
        api.MapPost("/accounts/{id}/pending/rejection", AccountChanges.Decline)
            .Command<AccountView>(
                "decline-account-change",
                "驳回账户变更：任一管理员或本人 (C20) · Decline a change of an account",
                Roles.Everybody
            )
            .Refuses(Rejections.WrongState, Rejections.FieldInvalid, Rejections.NotFound, Rejections.VersionMismatch)
            .Example("""{"reason":"没有此事"}""");
        api.MapPost("/accounts/{id}/holder", AccountChanges.NameHolder)
            .TakesSecrets()
            .Command<AccountView>(
                "name-account-holder",
                "旧账户补写本人，写明后不能改 (C20) · Say whose account it is",
                Roles.Administrator
            )
            .Refuses(
                Rejections.SelfApproval,
                Rejections.DutiesIncompatible,
                Rejections.WrongState,
                Rejections.FieldInvalid,
                Rejections.NotFound,
                Rejections.VersionMismatch
            )
            .Example("""{"personName":"李四","citizenId":"37081119800101001X"}""");
        api.MapPut("/accounts/{id}/contact", AccountChanges.RecordContact)
            .TakesSecrets()
            .Command<AccountView>(
                "record-account-contact",
                "登记单位和电话：本人或管理员 · Where the account's person works, and his telephone",
                Roles.Everybody
            )
            .Refuses(Rejections.WrongState, Rejections.FieldInvalid, Rejections.NotFound, Rejections.VersionMismatch)
            .Example("""{"unit":"喻屯镇财政所","phone":"0537-2212345"}""");
        api.MapPost("/accounts/{id}/delegations", Delegate)
            .Command<AccountView>(
                "delegate-role",
                "委托：本人离岗期间由另一账户代办，到期自动终止 (C20) · Delegate one's role for a time",
                Roles.All
            )
            .Refuses(
                Rejections.SelfApproval,
                Rejections.DutiesIncompatible,
                Rejections.WrongState,
                Rejections.FieldInvalid,
                Rejections.NotFound
            )
            .Example("""{"to":"wang.wu","until":"2026-12-31"}""");
        api.MapPost("/accounts/{id}/delegations/{name}/end", EndDelegation)
            .Command<AccountView>("end-delegation", "提前终止委托 (C20) · End a delegation", Roles.All)
            .Refuses(Rejections.NotFound);
        api.MapPost("/accounts/{id}/closure", AccountChanges.Close)
            .Command<AccountView>(
                "close-account",
                "停用账户：网页会话随即结束，已发的访问令牌几秒内失效 (C20) · Close an account",
                Roles.Administrator
            )
            .Refuses(
                Rejections.SelfApproval,
                Rejections.WrongState,
                Rejections.FieldInvalid,
                Rejections.NotFound,
                Rejections.VersionMismatch
            )
            .Example("""{"reason":"调离"}""");
    }

    private static async Task<Answer> Delegate(string id, DelegationBody body, Command command)
    {
        if (id != StreamId.Account(command.Actor.Id))
            throw Require.NotFound(id); // one's own role only, whatever else there is
        var to = StreamId.Account(Require.Text(body.To, "to", 60));
        await AccountChanges.TakeTurnAsync(command.Connection);
        var both = await command.FindManyAsync<Account>([id, to]);
        if (!both.TryGetValue(id, out var account))
            throw Require.NotFound(id);
        if (
            !both.TryGetValue(to, out var other)
            || !RegionCode.Contains(RegionCode.CountyOrCity(account.Region), other.Region)
        )
            throw Require.NotFound(to); // a colleague of the same county
        command.Region = account.Region;
        await AccountChanges.RequireApartAsync(
            command,
            other.Name,
            other.Person,
            account.Role,
            account.Region,
            keepsOwn: true
        );
        account = command.Append(
            id,
            account,
            AccountDecider.Delegate(account, other, body.Until, command.Today, command.Actor)
        );
        return new Answer(AccountView.Of(account), account.Revision);
    }

    private static async Task<Answer> EndDelegation(string id, string name, Command command)
    {
        if (id != StreamId.Account(command.Actor.Id) || await command.FindAsync<Account>(id) is not { } account)
            throw Require.NotFound(id);
        command.Region = account.Region;
        account = command.Append(id, account, AccountDecider.EndDelegation(account, name, command.Actor));
        return new Answer(AccountView.Of(account), account.Revision);
    }

    private static async Task<IReadOnlyList<AccountView>> List(
        string? region,
        IQuerySession session,
        Caller caller,
        NpgsqlDataSource database,
        PersonalData people,
        CancellationToken cancellation
    ) =>
        [
            .. (await NamedAsync(Scope.Narrow(caller, region), session, database, people, cancellation)).Select(a =>
                AccountView.Of(a.Account) with
                {
                    PersonName = a.PersonName,
                }
            ),
        ];

    /// <summary>The accounts of a region with the names of their people.</summary>
    public static async Task<IReadOnlyList<(Account Account, string? PersonName)>> NamedAsync(
        string scope,
        IQuerySession session,
        NpgsqlDataSource database,
        PersonalData people,
        CancellationToken cancellation
    )
    {
        var accounts = await session
            .Query<Account>()
            .Where(a => a.Region.StartsWith(scope))
            .OrderBy(a => a.Id)
            .Take(Scope.MaxRows)
            .ToListAsync(cancellation);
        await using var connection = await database.OpenConnectionAsync(cancellation);
        var persons = await people.ReadAsync(connection, accounts.Select(a => a.Id));
        return [.. accounts.Select(a => (a, persons.GetValueOrDefault(a.Id)?.Name))];
    }

    /// <summary>Where nobody can sign in yet, the start says how.</summary>
    public static async Task<bool> HasAdministratorAsync(NpgsqlDataSource database)
    {
        await using var connection = await database.OpenConnectionAsync();
        return (
            await connection.QueryAsync(
                $"""
                select exists (select 1
                                 from {AccountsContext.Schema}."AspNetUsers"
                                where "Role" = @role
                                  and not "IsClosed")
                """,
                r => r.GetBoolean(0),
                ("role", Roles.Administrator)
            )
        ).Single();
    }
}

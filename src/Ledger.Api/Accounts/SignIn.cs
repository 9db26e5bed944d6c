using System.Security.Cryptography;
using System.Text;
using JasperFx.Events;
using Ledger.Api.Commands;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Domain;
using Ledger.Domain.Accounts;
using Ledger.Domain.Identity;
using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace Ledger.Api.Accounts;

/// <summary>
/// <paramref name="DelegatedFrom"/>: the account whose role was delegated to this one, to act in that role.
/// </summary>
public sealed record SignInBody(string Name, string Password, string? Code = null, string? DelegatedFrom = null);

public sealed record RefreshBody(string RefreshToken);

public sealed record PasswordBody(string Name, string Password, string NewPassword, string? Code = null);

public sealed record SecondFactorBody(string Name, string Password, string? Code = null);

/// <summary>
/// A short access token for the Authorization header, and a refresh token that is good once. <paramref name="Role"/>
/// and
/// <paramref name="Region"/> are what the access token carries. <paramref name="Notices"/>: what others did to the
/// account since the last sign-in.
/// </summary>
public sealed record SessionView(
    Guid Id,
    string AccessToken,
    DateTimeOffset ExpiresAt,
    string RefreshToken,
    string Name,
    string Role,
    string Region,
    IReadOnlyList<AccountNoticeView> Notices
);

/// <summary>
/// Something that happened to an account: who did it, when, the event's type, and whom it names besides.
/// </summary>
public sealed record AccountNoticeView(DateTimeOffset At, string By, string Type, string? Detail);

/// <summary>
/// An authenticator app reads <paramref name="Uri"/> (<paramref name="QrCode"/>: an SVG picture of it, as a data
/// address) or the secret; recovery codes are shown once, when it is confirmed.
/// </summary>
public sealed record SecondFactorView(
    string? Secret,
    string? Uri,
    IReadOnlyList<string> RecoveryCodes,
    string? QrCode = null
);

/// <summary>Who is signed in in this browser; the session itself is in a cookie that no script can read.</summary>
public sealed record PageSessionView(string Name, string Role, string Region, IReadOnlyList<AccountNoticeView> Notices);

/// <summary>A device that is signed in.</summary>
public sealed record SessionListView(
    Guid Id,
    string Address,
    string Agent,
    DateTimeOffset StartedAt,
    DateTimeOffset UsedAt,
    DateTimeOffset ExpiresAt
);

/// <summary>
/// Signing in: password, lock-out, second factor (TOTP, RFC 6238) for whoever decides or audits, sessions with rotating
/// refresh tokens.
/// </summary>
public sealed class SignIn(
    UserManager<LedgerUser> users,
    AccountsContext accounts,
    Tokens tokens,
    TimeProvider time,
    IPasswordHasher<LedgerUser> hasher,
    Clock clock,
    SignInGuard guard,
    CredentialSeal seal,
    Findings findings,
    Rights rights,
    EventWriter writer,
    NpgsqlDataSource database,
    IHttpContextAccessor context
)
{
    public static readonly TimeSpan AccessTime = TimeSpan.FromMinutes(15);
    public static readonly TimeSpan SessionTime = TimeSpan.FromDays(14);

    /// <summary>Of a name or password that somebody can have.</summary>
    private const int MostLength = 200;

    /// <summary>Longer than Identity accepts an authenticator's code.</summary>
    private static readonly TimeSpan CodeTime = TimeSpan.FromMinutes(10);

    /// <summary>
    /// A hash to spend time on where there is no such account: the answer takes as long, and says the same.
    /// </summary>
    private static readonly LedgerUser Nobody = new()
    {
        UserName = "nobody",
        PasswordHash = new PasswordHasher<LedgerUser>().HashPassword(new LedgerUser(), Guid.NewGuid().ToString()),
    };

    /// <summary>Who may not work with a password alone.</summary>
    public static bool NeedsSecondFactor(string role) => role is Roles.Agency or Roles.Auditor or Roles.Administrator;

    /// <exception cref="RefusedException"><c>sign-in-failed</c>, <c>locked-out</c>, <c>password-change-needed</c>,
    /// <c>second-factor-needed</c>.</exception>
    public async Task<SessionView> StartAsync(SignInBody body, HttpContext http)
    {
        // before the password is looked at: one that changes meanwhile ends it
        var begun = NewSession(body.DelegatedFrom, http);
        var user = await ProvenAsync(body);
        var session = await IssueAsync(user, begun);
        return session with { Notices = await UnseenAsync(user) };
    }

    /// <summary>As <see cref="StartAsync"/>, for a browser: the session is a cookie.</summary>
    public async Task<PageSessionView> StartPageAsync(SignInBody body, HttpContext http)
    {
        var begun = NewSession(body.DelegatedFrom, http);
        var user = await ProvenAsync(body);
        var session = await GivePageAsync(user, begun, http);
        return session with { Notices = await UnseenAsync(user) };
    }

    /// <summary>
    /// A page session for a user whose proof is somebody else's affair: the sample's invented people.
    /// </summary>
    public async Task<PageSessionView> GivePageAsync(LedgerUser user, HttpContext http) =>
        await GivePageAsync(user, NewSession(null, http), http);

    private async Task<PageSessionView> GivePageAsync(LedgerUser user, Session session, HttpContext http)
    {
        var (role, region) = await ActingAsync(user, session.DelegatedFrom);
        var (secret, now) = (NewSecret(), time.GetUtcNow());
        (session.UserId, session.TokenHash, session.UsedAt, session.ExpiresAt) = (
            user.Id,
            PageSession.Hash(secret),
            now,
            now + PageSession.IdleTime
        );
        accounts.Sessions.Add(session);
        await accounts.SaveChangesAsync();
        PageSession.SetCookie(http, secret);
        return new PageSessionView(user.Id, role, region, []);
    }

    private Session NewSession(string? delegatedFrom, HttpContext http) =>
        new()
        {
            Id = Guid.CreateVersion7(),
            DelegatedFrom = delegatedFrom,
            Address = $"{http.Connection.RemoteIpAddress}",
            Agent = Short(http.Request.Headers.UserAgent.ToString()),
            StartedAt = time.GetUtcNow(),
        };

    private static string NewSecret() =>
        Convert.ToBase64String(RandomNumberGenerator.GetBytes(32)).TrimEnd('=').Replace('+', '-').Replace('/', '_');

    /// <summary>The user whose password, and code where the role asks for one, were right.</summary>
    private async Task<LedgerUser> ProvenAsync(SignInBody body)
    {
        var user = await CheckAsync(body.Name, body.Password);
        if (user.MustChangePassword)
            throw Refuse(Rejections.PasswordChangeNeeded, "这是他人发放的一次性密码，请先改为自己的密码");
        var (role, _) = await ActingAsync(user, body.DelegatedFrom);
        await CheckCodeAsync(user, body.Code, role);
        await users.ResetAccessFailedCountAsync(user);
        return user;
    }

    /// <exception cref="RefusedException"><c>sign-in-failed</c>: the token is not, or no longer, good. A token that was
    /// used before ends its session: somebody has a copy.</exception>
    public async Task<SessionView> RefreshAsync(string? refreshToken)
    {
        var hash = Hash(refreshToken ?? "");
        var session = await EntityFrameworkQueryableExtensions.FirstOrDefaultAsync(
            accounts.Sessions,
            s => s.TokenHash == hash || s.PreviousHash == hash
        );
        var user = session is null ? null : await users.FindByIdAsync(session.UserId);
        if (session is not null && !await seal.IsOursAsync(session, findings))
            session = null;
        if (
            session is null
            || user is null
            || user.IsClosed
            || session.EndedAt is not null
            || session.ExpiresAt <= time.GetUtcNow()
        )
            throw Refuse(Rejections.SignInFailed, "会话已结束，请重新登录");
        if (await HasEndedAsync(session))
        {
            await CredentialSeal.EditedAsync(findings, session.UserId, "会话");
            throw Refuse(Rejections.SignInFailed, "会话已结束，请重新登录");
        }
        if (session.TokenHash == hash && await NextAsync(user, session) is { } next)
            return next;
        session.EndedAt = time.GetUtcNow();
        await accounts.SaveChangesAsync();
        await accounts.SpendAsync(
            Spent.Session(user.Id, session.Id),
            session.EndedAt.Value,
            session.EndedAt.Value + Spent.Time
        );
        throw Refuse(Rejections.SignInFailed, "该会话的令牌被重复使用，会话已结束；如不是您本人，请修改密码");
    }

    /// <summary>
    /// What a refresh token that was not used before is good for, once; null: it was, and somebody put its row back, or
    /// sends it twice.
    /// </summary>
    private async Task<SessionView?> NextAsync(LedgerUser user, Session session)
    {
        await using var transaction = await accounts.Database.BeginTransactionAsync();
        if (
            !await accounts.SpendAsync(
                Spent.Token(session.TokenHash),
                DateTimeOffset.UnixEpoch,
                time.GetUtcNow() + Spent.Time
            )
        )
            return null;
        var next = await IssueAsync(user, session);
        await transaction.CommitAsync();
        return next;
    }

    private Task<bool> HasEndedAsync(Session session) =>
        EntityFrameworkQueryableExtensions.AnyAsync(accounts.Ended().Where(s => s.Id == session.Id));

    public async Task ChangePasswordAsync(PasswordBody body)
    {
        var user = await CheckAsync(body.Name, body.Password);
        if (user.TwoFactorEnabled)
            await CheckCodeAsync(user, body.Code, user.Role);
        await ChangeAsync(
            user,
            async () =>
            {
                var changed = await users.ChangePasswordAsync(user, body.Password, body.NewPassword);
                if (!changed.Succeeded || body.NewPassword == body.Password)
                    throw new RefusedException(
                        new Rejection(Rejections.FieldInvalid, $"newPassword：{Words(changed)}")
                        {
                            Field = "newPassword",
                        }
                    );
                user.MustChangePassword = false;
                return (await users.UpdateAsync(user)).Succeeded;
            }
        );
        // Whoever knew the old one is out, also where he acts for its holder.
        await accounts.EndSessionsAsync(user.Id, andDelegates: true, time.GetUtcNow());
    }

    /// <summary>Begins (no code) or confirms (with the app's code) the second factor.</summary>
    public async Task<SecondFactorView> EnrolAsync(SecondFactorBody body)
    {
        var user = await CheckAsync(body.Name, body.Password);
        if (user.MustChangePassword)
            throw Refuse(Rejections.PasswordChangeNeeded, "请先改为自己的密码");
        if (user.TwoFactorEnabled)
            throw new RefusedException(new Rejection(Rejections.WrongState, "已绑定验证器；丢失时请管理员重新发放"));
        if (body.Code is null)
        {
            await users.ResetAuthenticatorKeyAsync(user);
            var secret = (await users.GetAuthenticatorKeyAsync(user))!;
            const string issuer = "集体补助账本";
            var label = Uri.EscapeDataString($"{issuer}:{user.UserName}");
            var uri = $"otpauth://totp/{label}?secret={secret}&issuer={Uri.EscapeDataString(issuer)}&digits=6";
            return new SecondFactorView(secret, uri, [], Pages.QrCode.Of(uri));
        }
        if (!await users.VerifyTwoFactorTokenAsync(user, TokenOptions.DefaultAuthenticatorProvider, body.Code))
            await FailAsync(user, Rejections.SecondFactorNeeded, "验证码不对");
        string[] codes = [];
        await ChangeAsync(
            user,
            async () =>
            {
                await users.SetTwoFactorEnabledAsync(user, true);
                codes = [.. (await users.GenerateNewTwoFactorRecoveryCodesAsync(user, 10))!];
                return true;
            }
        );
        return new SecondFactorView(null, null, codes);
    }

    /// <summary>
    /// What a person changes of what lets him in, and the event that says so, or neither. The account's stream first,
    /// as commands do. Only the sample's people have no account.
    /// </summary>
    /// <param name="change">Whether it changed anything.</param>
    private async Task<bool> ChangeAsync(LedgerUser user, Func<Task<bool>> change)
    {
        await using var transaction = await accounts.Database.BeginTransactionAsync();
        var connection = (NpgsqlConnection)accounts.Database.GetDbConnection();
        var id = StreamId.Account(user.Id);
        var (versions, states) = await writer.LockAsync<Account>(connection, [id], "for update");
        if (!await change())
            return false;
        if (states.GetValueOrDefault(id) is { } account)
            await writer.WriteAsync(
                connection,
                [
                    StreamChange.Of(
                        Change.Of(
                            account,
                            AccountDecider
                                .SetCredentials(seal.Digest(user, await FactorsAsync(user.Id), versions[id] + 1))
                                .Events
                        )
                    ),
                ],
                new EventStamp(
                    new Actor(user.Id, account.Role, account.Region),
                    account.Region,
                    clock.Today,
                    context.HttpContext?.CommandName() ?? "",
                    context.HttpContext?.TraceIdentifier ?? "",
                    ""
                )
            );
        await transaction.CommitAsync();
        return true;
    }

    private Task<List<SecondFactor>> FactorsAsync(string name) =>
        EntityFrameworkQueryableExtensions.ToListAsync(accounts.UserTokens.Where(t => t.UserId == name));

    public async Task<IReadOnlyList<SessionListView>> ListAsync(string name)
    {
        var ended = accounts.Ended();
        return
        [
            .. (
                await EntityFrameworkQueryableExtensions.ToListAsync(
                    accounts
                        .Sessions.Where(s => s.UserId == name && s.EndedAt == null && s.ExpiresAt > time.GetUtcNow())
                        .Where(s => !ended.Any(e => e.Id == s.Id))
                        .OrderByDescending(s => s.UsedAt)
                )
            ).Select(s => new SessionListView(s.Id, s.Address, s.Agent, s.StartedAt, s.UsedAt, s.ExpiresAt)),
        ];
    }

    /// <summary>
    /// At the desk: whoever stands there is the person of the account, by the password or the authenticator's code that
    /// he still has. A one-time password proves nothing: somebody else gave it out.
    /// </summary>
    /// <exception cref="RefusedException"><c>person-not-proved</c>, <c>locked-out</c>.</exception>
    public async Task ProveAsync(string name, string? password, string? code)
    {
        try
        {
            if (!string.IsNullOrWhiteSpace(password))
            {
                var user = await CheckAsync(name, password);
                if (user.MustChangePassword)
                    throw Refuse(Rejections.PersonNotProved, "一次性密码不能证明本人");
            }
            else
            {
                var user = await FindAsync(name);
                if (user is not { TwoFactorEnabled: true })
                    throw Refuse(Rejections.PersonNotProved, "该账户没有绑定验证器");
                if (await users.IsLockedOutAsync(user))
                    throw Refuse(Rejections.LockedOut, "验证码连续输错，账户暂时锁定");
                await CheckCodeAsync(user, code, user.Role);
            }
        }
        catch (RefusedException e) when (e.Rejection.Code.Status == StatusCodes.Status401Unauthorized)
        {
            // The administrator's own session is as good as it was
            throw Refuse(Rejections.PersonNotProved, e.Rejection.Detail);
        }
    }

    /// <summary>All that ever happened to an account, the latest first.</summary>
    public async Task<IReadOnlyList<AccountNoticeView>> HistoryAsync(string name) =>
        Notices(await EventsAsync(name, 0));

    private async Task<IReadOnlyList<IEvent>> EventsAsync(string name, int after)
    {
        await using var connection = await database.OpenConnectionAsync();
        return await writer
            .OursAsync(
                connection,
                "stream_id = @stream and version > @after",
                ("stream", StreamId.Account(name)),
                ("after", after)
            )
            .ToListAsync();
    }

    /// <summary>
    /// What others did to the account since its person last signed in; shown once here, and on his page for good. That
    /// it was opened he knows.
    /// </summary>
    private async Task<IReadOnlyList<AccountNoticeView>> UnseenAsync(LedgerUser user)
    {
        var events = await EventsAsync(user.Id, user.SeenVersion);
        if (events.Count == 0)
            return [];
        user.SeenVersion = (int)events[^1].Version;
        await users.UpdateAsync(user); // where another sign-in was faster, that one has shown them too
        return Notices(
            events.Where(e =>
                e.Data is not (AccountOpened or AccountChangeRequested { Kind: ChangeKind.Opening })
                && e.Header(EventHeaders.Actor) != user.Id
            )
        );
    }

    private static IReadOnlyList<AccountNoticeView> Notices(IEnumerable<IEvent> events) =>
        [
            .. events
                // What an administrator gave out is said by another event.
                .Where(e =>
                    e.Data is not CredentialsChanged || StreamId.Account(e.Header(EventHeaders.Actor)) == e.StreamKey
                )
                .Reverse()
                .Select(e => new AccountNoticeView(
                    e.Timestamp,
                    e.Header(EventHeaders.Actor),
                    e.EventTypeName,
                    e.Data switch
                    {
                        AccountOpened { RequestedBy: { } asked } => asked,
                        AccountChanged { RequestedBy: { } asked } => asked,
                        CredentialsIssued { RequestedBy: { } asked } => asked,
                        DelegationGranted d => d.To,
                        DelegationEnded d => d.To,
                        _ => null,
                    }
                )),
        ];

    public async Task EndAsync(string name, Guid id)
    {
        var now = time.GetUtcNow();
        await accounts
            .Sessions.Where(s => s.UserId == name && s.Id == id && s.EndedAt == null)
            .ExecuteUpdateAsync(s => s.SetProperty(x => x.EndedAt, now));
        // also where somebody has taken its row away
        await accounts.SpendAsync(Spent.Session(name, id), now, now + Spent.Time);
    }

    public Task EndAllAsync(string name) => accounts.EndSessionsAsync(name, andDelegates: false, time.GetUtcNow());

    /// <summary>In whose role and region: his own, or one that was delegated to him and still is.</summary>
    private async Task<(string Role, string Region)> ActingAsync(LedgerUser user, string? delegatedFrom)
    {
        await using var connection = await database.OpenConnectionAsync();
        return delegatedFrom is null
            ? await rights.OfAsync(connection, user.Id, user.Role, user.Region)
                ?? throw Refuse(Rejections.SignInFailed, "账户或密码不对")
            : await rights.DelegatedAsync(connection, delegatedFrom, user.Id, clock.Today)
                ?? throw Refuse(Rejections.SignInFailed, $"{delegatedFrom} 没有委托您，或委托已到期");
    }

    /// <summary>
    /// The user whose password it is. Until it was right nothing tells whether there is such an account: the waits, the
    /// work and the words are the same.
    /// </summary>
    private async Task<LedgerUser> CheckAsync(string name, string password)
    {
        var http = context.HttpContext!;
        (name, var source) = (name.Trim().ToLowerInvariant(), Source.Of(http));
        if (name.Length > MostLength || password.Length > MostLength)
            throw Refuse(Rejections.SignInFailed, "账户或密码不对"); // nobody's
        var address = $"{http.Connection.RemoteIpAddress}";
        await guard.RequireFreeAsync(
            name,
            source,
            () =>
                EntityFrameworkQueryableExtensions.AnyAsync(
                    accounts.Sessions,
                    s => s.UserId == name && s.Address == address
                )
        );
        using var turn = await guard.TurnAsync(source, http.RequestAborted);
        // Those who came meanwhile have been counted: the queue is no way round the wait.
        await guard.RequireFreeAsync(
            name,
            source,
            () =>
                EntityFrameworkQueryableExtensions.AnyAsync(
                    accounts.Sessions,
                    s => s.UserId == name && s.Address == address
                )
        );
        var user = await FindAsync(name);
        // Not by Identity's own check, which would write another hash of the same password when the framework's costs
        // rise: a change without an event.
        var isRight =
            hasher.VerifyHashedPassword(user ?? Nobody, (user ?? Nobody).PasswordHash!, password)
            != PasswordVerificationResult.Failed;
        if (user is null || !isRight)
        {
            guard.Failed(name, source);
            throw Refuse(Rejections.SignInFailed, "账户或密码不对");
        }
        guard.Succeeded(name, source);
        // Whoever has the password may not try codes without end; that counts for the account, wherever they come from.
        if (await users.IsLockedOutAsync(user))
            throw Refuse(Rejections.LockedOut, "验证码连续输错，账户暂时锁定");
        return user;
    }

    /// <summary>
    /// Closed, opened before names were reserved, or with a password that somebody else wrote, or an earlier one put
    /// back: as if there were none. What is looked up is the same for a name that nobody has.
    /// </summary>
    private async Task<LedgerUser?> FindAsync(string name)
    {
        var user = await users.FindByIdAsync(name);
        var (account, isDamaged) = await AccountAsync(name);
        var factors = await FactorsAsync(name);
        if (
            isDamaged
            || user is not { IsClosed: false }
            || ActorName.IsReserved(user.Id)
            || !await seal.IsOursAsync(user, findings)
        )
            return null;
        if (!IsWhole(user))
        {
            await CredentialSeal.EditedAsync(findings, user.Id, "账户");
            return null;
        }
        if (account?.Credentials is not { } digest || digest == seal.Digest(user, factors, account.CredentialsAt))
            return user;
        await findings.AddAsync(
            "account",
            $"{account.Id}：登录表中的口令或验证器不是最近一次设定的，不予采用 earlier credentials were put back"
        );
        return null;
    }

    /// <summary>
    /// What Identity goes by besides: with another name, without a stamp or a lock it would fail, or let codes be tried
    /// without end.
    /// </summary>
    private static bool IsWhole(LedgerUser user) =>
        user.UserName == user.Id
        && user.NormalizedUserName == user.Id.ToUpperInvariant()
        && user.SecurityStamp is not null
        && user.LockoutEnabled;

    /// <summary>
    /// A damaged account is none: that there is one, and how it is damaged, is the finding's affair and no stranger's.
    /// </summary>
    private async Task<(Account? Account, bool IsDamaged)> AccountAsync(string name)
    {
        try
        {
            return (await rights.AccountAsync(name), false);
        }
        catch (RefusedException refused) when (refused.Rejection.Code == Rejections.RecordDamaged)
        {
            return (null, true); // who read it has written the finding
        }
    }

    private async Task CheckCodeAsync(LedgerUser user, string? code, string role)
    {
        if (!user.TwoFactorEnabled)
        {
            if (NeedsSecondFactor(role))
                throw Refuse(Rejections.SecondFactorNeeded, "该角色须先绑定验证器：在登录页“首次登录”处绑定");
            return;
        }
        if (string.IsNullOrWhiteSpace(code))
            throw Refuse(Rejections.SecondFactorNeeded, "请填验证器上的六位验证码");
        var (tries, source) = ($"code {user.Id}", Source.Of(context.HttpContext!));
        // the row's own count could be set back
        await guard.RequireFreeAsync(tries, source, () => Task.FromResult(false));
        foreach (var factor in await FactorsAsync(user.Id))
            if (!await seal.IsOursAsync(factor, findings))
                throw Refuse(Rejections.SecondFactorNeeded, "验证器记录被改动，请管理员重新发放");
        if (await users.VerifyTwoFactorTokenAsync(user, TokenOptions.DefaultAuthenticatorProvider, code.Trim()))
        {
            // By the authenticator's clock, not the sample's. Good once (RFC 6238 §5.2).
            var used = Spent.Code(user.Id, code.Trim());
            if (!await accounts.SpendAsync(used, DateTimeOffset.UnixEpoch, DateTimeOffset.UtcNow + CodeTime))
                await FailAsync(user, Rejections.SecondFactorNeeded, "这个验证码已经用过，请等下一个");
            guard.Succeeded(tries, source);
            return;
        }
        if (
            await ChangeAsync(
                user,
                async () => (await users.RedeemTwoFactorRecoveryCodeAsync(user, code.Trim())).Succeeded
            )
        )
            return;
        await FailAsync(user, Rejections.SecondFactorNeeded, "验证码不对");
    }

    private async Task FailAsync(LedgerUser user, RejectionCode code, string detail)
    {
        guard.Failed($"code {user.Id}", Source.Of(context.HttpContext!));
        await users.AccessFailedAsync(user); // counts, and locks at the limit
        throw Refuse(code, detail);
    }

    private async Task<SessionView> IssueAsync(LedgerUser user, Session session)
    {
        var now = time.GetUtcNow();
        var (role, region) = await ActingAsync(user, session.DelegatedFrom);
        var refresh = NewSecret();
        if (session.UserId.Length == 0)
            accounts.Sessions.Add(session);
        session.UserId = user.Id;
        (session.PreviousHash, session.TokenHash, session.UsedAt, session.ExpiresAt) = (
            session.TokenHash.Length == 0 ? null : session.TokenHash,
            Hash(refresh),
            now,
            now + SessionTime
        );
        await accounts.SaveChangesAsync();
        return new SessionView(
            session.Id,
            tokens.Issue(
                new Actor(user.Id, role, region) { OnBehalfOf = session.DelegatedFrom },
                AccessTime,
                (await rights.AccountAsync(user.Id))?.Credentials,
                session.DelegatedFrom is { } holder ? (await rights.AccountAsync(holder))?.Credentials : null
            ),
            now + AccessTime,
            refresh,
            user.Id,
            role,
            region,
            []
        );
    }

    private static string Hash(string token) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(token)));

    private static string Short(string agent) => agent.Length > 200 ? agent[..200] : agent;

    private static string Words(IdentityResult result) =>
        result.Succeeded ? "须与原密码不同" : string.Join("；", result.Errors.Select(e => e.Description));

    private static RefusedException Refuse(RejectionCode code, string detail) => new(new Rejection(code, detail));
}

/// <summary>Identity's messages as people here read them.</summary>
public sealed class ChineseErrors : IdentityErrorDescriber
{
    private static IdentityError Error(string code, string text) => new() { Code = code, Description = text };

    public override IdentityError PasswordTooShort(int length) => Error(nameof(PasswordTooShort), $"至少 {length} 位");

    public override IdentityError PasswordRequiresDigit() => Error(nameof(PasswordRequiresDigit), "须有数字");

    public override IdentityError PasswordRequiresLower() => Error(nameof(PasswordRequiresLower), "须有小写字母");

    public override IdentityError PasswordRequiresUniqueChars(int uniqueChars) =>
        Error(nameof(PasswordRequiresUniqueChars), $"至少 {uniqueChars} 个不同的字符");

    public override IdentityError PasswordMismatch() => Error(nameof(PasswordMismatch), "原密码不对");
}

using System.Security.Claims;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Domain;
using Ledger.Domain.Accounts;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Ledger.Api.Accounts;

/// <summary>
/// A browser's session: a secret in a cookie that no script can read, of which only the SHA-256 is kept. It ends when
/// nobody used it for <see cref="IdleTime"/>, on signing out, and at once when the account is closed or changed. A
/// request that changes something counts only when the browser says that one of our own pages sent it (Fetch Metadata,
/// or Origin): that is the protection against CSRF.
/// </summary>
public sealed class PageSession(
    IOptionsMonitor<AuthenticationSchemeOptions> options,
    ILoggerFactory loggers,
    UrlEncoder encoder,
    NpgsqlDataSource database,
    Rights rights,
    CredentialSeal seal,
    Findings findings,
    TimeProvider time,
    Clock clock
) : AuthenticationHandler<AuthenticationSchemeOptions>(options, loggers, encoder)
{
    public const string Name = "page",
        Cookie = "ledger-session";
    public static readonly TimeSpan IdleTime = TimeSpan.FromHours(12);

    /// <summary>How stale the time of last use may be: it is not written on each request.</summary>
    private static readonly TimeSpan TouchAfter = TimeSpan.FromMinutes(5);

    /// <summary>The purpose is part of what is hashed: a cookie is no refresh token.</summary>
    public static string Hash(string secret) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"page {secret}")));

    public static void SetCookie(HttpContext http, string secret) =>
        http.Response.Cookies.Append(Cookie, secret, Options(http));

    public static void DeleteCookie(HttpContext http) => http.Response.Cookies.Delete(Cookie, Options(http));

    private static new CookieOptions Options(HttpContext http) =>
        new()
        {
            HttpOnly = true,
            Secure = http.Request.IsHttps,
            SameSite = SameSiteMode.Lax,
            Path = "/",
            IsEssential = true,
        };

    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        if (Request.Cookies[Cookie] is not { Length: > 0 and < 100 } secret)
            return AuthenticateResult.NoResult();
        if (!HttpMethods.IsGet(Request.Method) && !HttpMethods.IsHead(Request.Method) && !IsFromOurPages(Request))
            return AuthenticateResult.Fail("sent by another site");
        await using var connection = await database.OpenConnectionAsync(Context.RequestAborted);
        var now = time.GetUtcNow();
        var hash = Hash(secret);
        var found = await connection.QueryAsync(
            $"""
            select s."Id", s."UserId", u."Role", u."Region", s."DelegatedFrom", s."UsedAt", s."PreviousHash", s."Seal",
                   s."StartedAt", s."ExpiresAt", s."TimeSeal", {Spent.HasEnded}
              from {AccountsContext.Schema}."Sessions" s join {AccountsContext.Schema}."AspNetUsers" u on u."Id" = s."UserId"
             where s."TokenHash" = @hash and s."EndedAt" is null and s."ExpiresAt" > @now and not u."IsClosed"
            """,
            r =>
                (
                    Role: r.GetString(2),
                    Region: r.GetString(3),
                    HasEnded: r.GetBoolean(11),
                    Session: new Session
                    {
                        Id = r.GetGuid(0),
                        UserId = r.GetString(1),
                        DelegatedFrom = r.IsDBNull(4) ? null : r.GetString(4),
                        UsedAt = r.GetFieldValue<DateTimeOffset>(5),
                        TokenHash = hash,
                        PreviousHash = r.IsDBNull(6) ? null : r.GetString(6),
                        Seal = r.GetString(7),
                        StartedAt = r.GetFieldValue<DateTimeOffset>(8),
                        ExpiresAt = r.GetFieldValue<DateTimeOffset>(9),
                        TimeSeal = r.GetString(10),
                    }
                ),
            ("hash", hash),
            ("now", now)
        );
        if (found is not [var (ownRole, ownRegion, hasEnded, session)])
            return AuthenticateResult.Fail("session ended");
        if (!await seal.IsOursAsync(session, findings))
            return AuthenticateResult.Fail("edited session");
        if (hasEnded)
        {
            await CredentialSeal.EditedAsync(findings, session.UserId, "会话");
            return AuthenticateResult.Fail("a session that was ended, put back");
        }
        if (ActorName.IsReserved(session.UserId))
            return AuthenticateResult.Fail("reserved name");
        var acting = session.DelegatedFrom is { } holder
            ? await rights.DelegatedAsync(connection, holder, session.UserId, clock.Today)
            : await rights.OfAsync(connection, session.UserId, ownRole, ownRegion);
        if (acting is not var (role, region))
            return AuthenticateResult.Fail("delegation ended, or no such account");
        if (now - session.UsedAt > TouchAfter)
        {
            session.ExpiresAt = now + IdleTime;
            await connection.ExecuteAsync(
                $"""
                update {AccountsContext.Schema}."Sessions"
                   set "UsedAt" = @now, "ExpiresAt" = @until, "TimeSeal" = @seal where "Id" = @id
                """,
                ("now", now),
                ("until", session.ExpiresAt),
                ("seal", seal.OfTimes(session)),
                ("id", session.Id)
            );
        }
        var actor = new Actor(session.UserId, role, region) { OnBehalfOf = session.DelegatedFrom };
        var identity = new ClaimsIdentity(
            [.. Tokens.Claims(actor), new("session", $"{session.Id}")],
            Name,
            "sub",
            "role"
        );
        return AuthenticateResult.Success(new AuthenticationTicket(new ClaimsPrincipal(identity), Name));
    }

    /// <summary>
    /// Sec-Fetch-Site where the browser sends it, else Origin; a request with neither is not from a browser's page.
    /// </summary>
    public static bool IsFromOurPages(HttpRequest request) =>
        request.Headers["Sec-Fetch-Site"].ToString() switch
        {
            "same-origin" => true,
            "" => Uri.TryCreate(request.Headers.Origin.ToString(), UriKind.Absolute, out var origin)
                && origin.Authority == request.Host.Value,
            _ => false,
        };
}

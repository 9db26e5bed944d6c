using System.Security.Claims;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using Ledger.Api.Commands;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Domain;
using Ledger.Domain.Accounts;
using Microsoft.AspNetCore.Authentication;
using Microsoft.EntityFrameworkCore;
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
    AccountsContext accounts,
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
        var now = time.GetUtcNow();
        var hash = Hash(secret);
        var found = await EntityFrameworkQueryableExtensions.SingleOrDefaultAsync(
            from s in accounts.Sessions
            join u in accounts.Users on s.UserId equals u.Id
            where s.TokenHash == hash && s.EndedAt == null && s.ExpiresAt > now && !u.IsClosed
            select new
            {
                Session = s,
                u.Role,
                u.Region,
                HasEnded = accounts.Ended().Any(e => e.Id == s.Id),
            },
            Context.RequestAborted
        );
        if (found is not { Session: var session })
            return AuthenticateResult.Fail("session ended");
        if (!await seal.IsOursAsync(session, findings))
            return AuthenticateResult.Fail("edited session");
        if (found.HasEnded)
        {
            await CredentialSeal.EditedAsync(findings, session.UserId, "会话");
            return AuthenticateResult.Fail("a session that was ended, put back");
        }
        if (ActorName.IsReserved(session.UserId))
            return AuthenticateResult.Fail("reserved name");
        await using var connection = await database.OpenConnectionAsync(Context.RequestAborted);
        var acting = session.DelegatedFrom is { } holder
            ? await rights.DelegatedAsync(connection, holder, session.UserId, clock.Today)
            : await rights.OfAsync(connection, session.UserId, found.Role, found.Region);
        if (acting is not var (role, region))
            return AuthenticateResult.Fail("delegation ended, or no such account");
        // A page that lies open and asks by itself is nobody who works.
        if (
            now - session.UsedAt > TouchAfter
            && Context.GetEndpoint()?.Metadata.GetMetadata<UnattendedMetadata>() is null
        )
        {
            (session.UsedAt, session.ExpiresAt) = (now, now + IdleTime);
            await accounts.SaveChangesAsync(Context.RequestAborted);
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

using System.Security.Claims;
using Ledger.Api.Accounts;
using Ledger.Api.Commands;
using Ledger.Api.Pages;
using Ledger.Api.Storage;
using Ledger.Domain;
using Ledger.Domain.Accounts;
using Ledger.Domain.Identity;
using Ledger.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Authorization.Policy;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Ledger.Api.Security;

/// <summary>
/// Signed bearer tokens: sub, role, region scope, expiry. Every route needs one unless it says that it is public.
/// </summary>
public sealed class Tokens(KeyFile keys, TimeProvider clock)
{
    private const string Issuer = "collective-subsidy-ledger";

    /// <summary>Null when role and region fit each other, else what is wrong.</summary>
    public static string? Fault(string role, string region) =>
        !Roles.Everybody.Contains(role)
            ? $"未知角色“{role}”，可用：{string.Join("、", Roles.Everybody)}"
            : RegionCode.Fault(
                region,
                role switch
                {
                    Roles.CityHrss => [RegionCode.CityLength],
                    Roles.Agency or Roles.Auditor or Roles.Administrator =>
                    [
                        RegionCode.CityLength,
                        RegionCode.CountyLength,
                    ],
                    Roles.Township => [RegionCode.TownshipLength],
                    Roles.VillageFinance or Roles.SupervisionCommittee => [RegionCode.VillageLength],
                    _ => [RegionCode.CountyLength],
                }
            );

    /// <param name="credentials">The digest of what lets the actor in: with that the token ends, too.</param>
    /// <param name="holderCredentials">The same of the account for which he acts.</param>
    public string Issue(Actor actor, TimeSpan lifetime, string? credentials = null, string? holderCredentials = null) =>
        Handler.CreateToken(
            new SecurityTokenDescriptor
            {
                Issuer = Issuer,
                Audience = Issuer,
                IssuedAt = clock.GetUtcNow().UtcDateTime,
                NotBefore = clock.GetUtcNow().UtcDateTime,
                Expires = clock.GetUtcNow().UtcDateTime + lifetime,
                Subject = new ClaimsIdentity([
                    .. Claims(actor),
                    .. credentials is null ? Array.Empty<Claim>() : [new(Credentials, credentials[..16])],
                    .. holderCredentials is null
                        ? Array.Empty<Claim>()
                        : [new(HolderCredentials, holderCredentials[..16])],
                ]),
                SigningCredentials = new SigningCredentials(
                    new SymmetricSecurityKey(keys.TokenKey),
                    SecurityAlgorithms.HmacSha256
                ),
            }
        );

    /// <summary>What a token or a session says of its holder; <see cref="Caller"/> reads it.</summary>
    public static Claim[] Claims(Actor actor)
    {
        Claim[] own = [new("sub", actor.Id), new("role", actor.Role), new("region", actor.Region)];
        return actor.OnBehalfOf is { } holder ? [.. own, new(OnBehalfOf, holder)] : own;
    }

    /// <summary>The claim with the account whose role was delegated to the holder.</summary>
    public const string OnBehalfOf = "on_behalf_of";

    /// <summary>The claim with the beginning of the digest of the credentials that the token rests on.</summary>
    public const string Credentials = "credentials";

    /// <summary>The same of the account whose role was delegated.</summary>
    public const string HolderCredentials = "holder_credentials";

    private const string Either = "own-or-authority",
        Authority = "authority";
    private static readonly JsonWebTokenHandler Handler = new();

    /// <summary>
    /// Any OpenID Connect authority: its discovery document says the keys. Its tokens carry role and region in claims
    /// that the settings name; a role that is none of ours, or a region that does not fit it, is no token. Its subjects
    /// go by <c>alias:sub</c>: whoever is called there as an account of ours is another, and has none of its sessions,
    /// delegations or keys.
    /// </summary>
    private static void AddAuthority(AuthenticationBuilder authentication, OidcSettings oidc) =>
        authentication.AddJwtBearer(
            Authority,
            options =>
            {
                options.Authority = oidc.Authority;
                options.Audience = oidc.Audience;
                options.RequireHttpsMetadata = !oidc.AllowHttp;
                options.MapInboundClaims = false;
                (options.TokenValidationParameters.RoleClaimType, options.TokenValidationParameters.NameClaimType) = (
                    "role",
                    "sub"
                );
                options.Events = new JwtBearerEvents
                {
                    OnTokenValidated = async context =>
                    {
                        string? Claim(string type) => context.Principal!.FindFirst(type)?.Value;
                        var (sub, role, region) = (Claim("sub"), Claim(oidc.RoleClaim), Claim(oidc.RegionClaim));
                        if (ActorName.Foreign(oidc.Alias, sub ?? "", out var fault) is not { } name)
                            context.Fail($"subject: {fault}");
                        else if (
                            role is null
                            || region is null
                            || Fault(role, region) is not null
                            || role == Roles.Administrator
                        )
                            context.Fail("role or region missing or unknown");
                        else
                        {
                            context.Principal = new ClaimsPrincipal(
                                new ClaimsIdentity(Claims(new Actor(name, role, region)), Authority, "sub", "role")
                            );
                            if (!await Holders(context).MayActAsync(context.Principal, isOurs: false))
                                context.Fail("closed account");
                        }
                    },
                };
            }
        );

    private static TokenHolders Holders(TokenValidatedContext context) =>
        context.HttpContext.RequestServices.GetRequiredService<TokenHolders>();

    public static void AddTo(IServiceCollection services, Settings settings)
    {
        services.AddSingleton<Tokens>().AddHttpContextAccessor().AddScoped<Caller>();
        services.AddSingleton<IAuthorizationMiddlewareResultHandler, RefusedAccess>();
        var authentication = services
            .AddAuthentication(Either)
            .AddJwtBearer()
            .AddScheme<AuthenticationSchemeOptions, PageSession>(PageSession.Name, null);
        // A token goes before a cookie. Whose token it is follows from who says that he issued it; each then checks
        // that for himself.
        authentication.AddPolicyScheme(
            Either,
            null,
            options =>
                options.ForwardDefaultSelector = http =>
                    http.Request.Headers.Authorization.Count == 0
                    && http.Request.Cookies.ContainsKey(PageSession.Cookie)
                        ? PageSession.Name
                    : settings.Oidc is not null
                    && http.Request.Headers.Authorization.ToString()
                        is ['B' or 'b', 'e', 'a', 'r', 'e', 'r', ' ', .. var token]
                    && Handler.CanReadToken(token)
                    && Handler.ReadJsonWebToken(token).Issuer != Issuer
                        ? Authority
                    : JwtBearerDefaults.AuthenticationScheme
        );
        if (settings.Oidc is { } oidc)
            AddAuthority(authentication, oidc);
        services
            .AddOptions<JwtBearerOptions>(JwtBearerDefaults.AuthenticationScheme)
            .Configure<KeyFile, TimeProvider>(
                (options, keys, clock) =>
                {
                    options.MapInboundClaims = false;
                    options.TokenHandlers.Clear();
                    options.TokenHandlers.Add(new KnownTokens { MapInboundClaims = false });
                    options.Events = new JwtBearerEvents
                    {
                        // A token from before names were kept apart may name what only the program, or another
                        // authority's people, are called.
                        OnTokenValidated = async context =>
                        {
                            if (
                                context.Principal!.FindFirst("sub")?.Value is not { Length: > 0 } sub
                                || ActorName.IsReserved(sub)
                            )
                                context.Fail("reserved name");
                            else if (!await Holders(context).MayActAsync(context.Principal, isOurs: true))
                                context.Fail("closed or changed account");
                        },
                    };
                    options.TokenValidationParameters = new TokenValidationParameters
                    {
                        ValidIssuer = Issuer,
                        ValidAudience = Issuer,
                        IssuerSigningKey = new SymmetricSecurityKey(keys.TokenKey),
                        ValidAlgorithms = [SecurityAlgorithms.HmacSha256],
                        RoleClaimType = "role",
                        NameClaimType = "sub",
                        LifetimeValidator = (from, until, _, _) =>
                            from <= clock.GetUtcNow().UtcDateTime.AddMinutes(1)
                            && clock.GetUtcNow().UtcDateTime < until,
                    };
                }
            );
        services
            .AddAuthorizationBuilder()
            .SetFallbackPolicy(new AuthorizationPolicyBuilder().RequireAuthenticatedUser().Build());
    }
}

/// <summary>
/// No token: 401. The wrong role: 403, and a command that was tried is recorded like any other refusal.
/// </summary>
public sealed class RefusedAccess : IAuthorizationMiddlewareResultHandler
{
    public async Task HandleAsync(
        RequestDelegate next,
        HttpContext http,
        AuthorizationPolicy policy,
        PolicyAuthorizationResult result
    )
    {
        if (result.Succeeded)
        {
            await next(http);
        }
        else if (result.Forbidden)
        {
            var rejection = new Rejection(
                Rejections.Forbidden,
                $"角色“{Terms.Role(http.User.FindFirst("role")?.Value ?? "")}”不能办理此事项"
            );
            if (!HttpMethods.IsGet(http.Request.Method) && !HttpMethods.IsHead(http.Request.Method))
                await RecordAsync(http, rejection);
            await (
                PageRoutes.IsPage(http) ? PageRoutes.Problem(rejection, http) : Problem.Of(rejection, http)
            ).ExecuteAsync(http);
        }
        else if (PageRoutes.IsPage(http))
        {
            PageRoutes.RedirectToSignIn(http);
        }
        else
        {
            http.Response.Headers.WWWAuthenticate = "Bearer";
            await Problem
                .Of(new Rejection(Rejections.Unauthenticated, "请求没有带有效的令牌，或令牌已过期"), http)
                .ExecuteAsync(http);
        }
    }

    private static async Task RecordAsync(HttpContext http, Rejection rejection)
    {
        var refusals = http.RequestServices.GetRequiredService<Refusals>();
        await using var command = http.RequestServices.GetRequiredService<Command>();
        using var place = refusals.Take(command.Actor);
        if (place is null)
        {
            refusals.CountOnly(command.Actor, command.Name, rejection.Code);
            return;
        }
        await command.BeginAsync();
        await command.RecordRefusalAsync(rejection, place);
    }
}

using Ledger.Domain;

namespace Ledger.Api.Commands;

/// <summary>
/// The problem codes an operation can answer with, for the API document and for the tests that count them.
/// </summary>
public sealed record RefusalMetadata(IReadOnlyList<RejectionCode> Codes);

/// <summary>An example request body (JSON) for the API document.</summary>
public sealed record ExampleMetadata(string Json);

/// <summary>The roles that may call a route; empty means public.</summary>
public sealed record RolesMetadata(IReadOnlyList<string> Roles);

/// <summary>A route that is one command.</summary>
public sealed record CommandMetadata;

/// <summary>A POST that needs no Idempotency-Key and whose answer is kept nowhere.</summary>
public sealed record NotKeptMetadata;

/// <summary>
/// A body with a password or a citizen id in it: what is kept of it for its key is under a key of ours, so that nobody
/// can guess it from there.
/// </summary>
public sealed record SecretBodyMetadata;

/// <summary>
/// A command that says what it would do when it is asked with <c>?preview=true</c>, and then does nothing.
/// </summary>
public sealed record PreviewMetadata;

/// <summary>
/// It reads a year of everybody, so that one request in the limits stays one: it comes in no batch.
/// </summary>
public sealed record AloneMetadata;

/// <summary>Pages ask for it by themselves: it keeps nobody's session open.</summary>
public sealed record UnattendedMetadata;

/// <summary>Another form of a command's answer, made from the request; null where the answer itself is sent.</summary>
public sealed record OtherFormMetadata(Func<HttpContext, StoredAnswer, Task<IResult?>> OfAsync);

/// <summary>How routes are declared: each says its name, who may call it and with which codes it refuses.</summary>
public static class RouteConventions
{
    /// <summary>A route that changes something: one command, one transaction, idempotent.</summary>
    public static RouteHandlerBuilder Command<TAnswer>(
        this RouteHandlerBuilder route,
        string name,
        string summary,
        params string[] roles
    ) =>
        route
            .AddEndpointFilter<CommandFilter>()
            .WithMetadata(new CommandMetadata())
            .Describe(name, summary, roles)
            .Produces<TAnswer>();

    /// <summary>A route that only reads.</summary>
    public static RouteHandlerBuilder Reading<TAnswer>(
        this RouteHandlerBuilder route,
        string name,
        string summary,
        params string[] roles
    ) => route.Describe(name, summary, roles).Produces<TAnswer>();

    /// <summary>
    /// A route about one's own session: its answer may hold secrets and is kept nowhere; to repeat it does no harm.
    /// </summary>
    public static RouteHandlerBuilder Session<TAnswer>(
        this RouteHandlerBuilder route,
        string name,
        string summary,
        params string[] roles
    ) => route.NotKept().Describe(name, summary, roles).Produces<TAnswer>();

    /// <inheritdoc cref="NotKeptMetadata"/>
    /// <remarks>It is done when it is asked: whoever asks what it would do is refused.</remarks>
    public static RouteHandlerBuilder NotKept(this RouteHandlerBuilder route) =>
        route
            .WithMetadata(new NotKeptMetadata())
            .AddEndpointFilter(
                (context, next) =>
                {
                    Preview.IsAsked(context.HttpContext);
                    return next(context);
                }
            );

    /// <summary>
    /// A command that is written together with others (<see cref="Commands.Together"/>). Its endpoint takes an id and a
    /// body first; whatever else it touches than what <paramref name="needs"/> names sends it alone.
    /// </summary>
    public static RouteHandlerBuilder Together<TBody>(
        this RouteHandlerBuilder route,
        Func<string, TBody, Needs?> needs
    ) =>
        route.WithMetadata(
            new NeedsMetadata(context => needs(context.GetArgument<string>(0), context.GetArgument<TBody>(1)))
        );

    public static RouteHandlerBuilder TakesSecrets(this RouteHandlerBuilder route) =>
        route.WithMetadata(new SecretBodyMetadata());

    /// <inheritdoc cref="PreviewMetadata"/>
    public static RouteHandlerBuilder Previewed(this RouteHandlerBuilder route) =>
        route.WithMetadata(new PreviewMetadata());

    /// <inheritdoc cref="AloneMetadata"/>
    public static RouteHandlerBuilder Alone(this RouteHandlerBuilder route) => route.WithMetadata(new AloneMetadata());

    public static RouteHandlerBuilder Refuses(this RouteHandlerBuilder route, params RejectionCode[] codes) =>
        route.WithMetadata(new RefusalMetadata(codes));

    public static RouteHandlerBuilder Example(this RouteHandlerBuilder route, string json) =>
        route.WithMetadata(new ExampleMetadata(json));

    /// <summary>The name of the route that this request came by; null where it came by none.</summary>
    public static string? CommandName(this HttpContext http) =>
        http.GetEndpoint()?.Metadata.GetMetadata<IEndpointNameMetadata>()?.EndpointName;

    private static RouteHandlerBuilder Describe(
        this RouteHandlerBuilder route,
        string name,
        string summary,
        string[] roles
    )
    {
        route
            .AddEndpointFilterFactory(Queries.Declared)
            .AddEndpointFilterFactory(Queries.Dates)
            .WithName(name)
            .WithSummary(summary)
            .WithMetadata(new RolesMetadata(roles));
        return roles.Length == 0
            ? route.AllowAnonymous()
            : route.RequireAuthorization(policy => policy.RequireAuthenticatedUser().RequireRole(roles));
    }
}

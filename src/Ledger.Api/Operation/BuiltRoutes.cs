using Microsoft.Extensions.FileProviders;
using Microsoft.Extensions.Primitives;

namespace Ledger.Api.Operation;

/// <summary>
/// Every route that was mapped, its handler compiled once, beside the rest of the start. A source by itself compiles
/// them whenever it is asked for its endpoints, and that happens twice: for authorization before the product listens,
/// for routing while whoever comes first waits.
/// </summary>
public sealed class BuiltRoutes(IReadOnlyList<EndpointDataSource> mapped) : EndpointDataSource
{
    private readonly Task<List<Endpoint>> _endpoints = Task.Run(() =>
        mapped.SelectMany(source => source.Endpoints).ToList()
    );

    public override IReadOnlyList<Endpoint> Endpoints => _endpoints.GetAwaiter().GetResult();

    public override IChangeToken GetChangeToken() => NullChangeToken.Singleton;

    /// <summary>All routes come from here from now on: to be called when the last is mapped.</summary>
    public static void TakeOver(IEndpointRouteBuilder routes)
    {
        var built = new BuiltRoutes([.. routes.DataSources]);
        routes.DataSources.Clear();
        routes.DataSources.Add(built);
    }
}

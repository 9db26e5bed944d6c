using System.Threading.RateLimiting;
using Ledger.Api.Commands;
using Ledger.Api.Pages;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Domain;
using Ledger.Domain.Identity;
using Ledger.Domain.Search;
using Ledger.Projections.Search;
using Ledger.Web.Search;
using Npgsql;

namespace Ledger.Api.Search;

/// <summary>What is looked for, where it may be a whole citizen id: that stands in no address.</summary>
public sealed record SearchBody(string? Q);

/// <summary>
/// How often one account may look: a person does so some times a minute, who tries out the ends of ids ten thousand
/// times.
/// </summary>
public sealed class SearchGuard(Settings settings) : IDisposable
{
    private const int Most = 30;
    private static readonly TimeSpan Each = TimeSpan.FromSeconds(2);

    private readonly PartitionedRateLimiter<string> _accounts = PartitionedRateLimiter.Create<string, string>(account =>
        Buckets.Of(account, settings.RequestsPerUser != 0, Most, 1, Each)
    );

    /// <exception cref="RefusedException"><c>too-many-requests</c>.</exception>
    public void Take(string account)
    {
        using var lease = _accounts.AttemptAcquire(account);
        if (!lease.IsAcquired)
            throw new RefusedException(new Rejection(Rejections.TooManyRequests, "查找次数过多，请过一会儿再试"));
    }

    public void Dispose() => _accounts.Dispose();
}

/// <summary>The one box: one question to everything that the caller may see.</summary>
public static class SearchEndpoints
{
    public static IServiceCollection AddSearch(this IServiceCollection services) =>
        services.AddSingleton<SearchGuard>().AddSingleton<SearchRecord>().AddScoped<Finder>();

    public static void MapSearch(this IEndpointRouteBuilder api)
    {
        api.MapGet("/search", GetAsync)
            .Reading<SearchView>(
                "search",
                "查找：姓名、证件后四位、集体、申请、流水号、凭证号、金额、捐赠人、经办人、事件号、日期；只找辖区内的 · Find anything in one's region",
                Roles.Everybody
            )
            .Refuses(Rejections.FieldInvalid, Rejections.TooManyRequests);
        api.MapPost("/search", PostAsync)
            .OnTheBeat()
            .Session<SearchView>(
                "search-by-citizen-id",
                "同上，也可用完整身份证号（不放在网址里） · The same, also by a whole citizen id, which stands in no address",
                Roles.Everybody
            )
            .TakesSecrets()
            .Refuses(Rejections.FieldInvalid, Rejections.TooManyRequests)
            .Example("""{"q":"370811196503124512"}""");
        api.MapGet("/search/record", RecordAsync)
            .Reading<SearchRecordPage>(
                "search-record",
                "谁查找过谁：按人员或账户，新的在前 · Who looked for whom, by member or account, newest first",
                Roles.Auditor
            )
            .Refuses(Rejections.FieldInvalid);
    }

    public static void MapSearchPages(this WebApplication app) => app.Page("/search", PageAsync, Roles.Everybody);

    private static async Task<SearchView> GetAsync(
        string q,
        Finder finder,
        SearchGuard guard,
        Caller caller,
        CancellationToken cancellation
    ) => await FindAsync(Typed(q), finder, guard, caller, cancellation);

    private static async Task<SearchView> PostAsync(
        SearchBody body,
        Finder finder,
        SearchGuard guard,
        Caller caller,
        CancellationToken cancellation
    ) => await FindAsync(Read(body.Q), finder, guard, caller, cancellation);

    private static async Task<SearchRecordPage> RecordAsync(
        string? memberId,
        string? actor,
        long? before,
        SearchRecord record,
        NpgsqlDataSource database,
        Caller caller,
        CancellationToken cancellation
    )
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        return await record.ReadAsync(connection, caller.Actor.Region, memberId, actor, before);
    }

    /// <summary>Without anything asked it is the box alone; ledger.js sends a whole id by POST and comes here with
    /// what was found of it.</summary>
    private static async Task<IResult> PageAsync(
        string? q,
        bool? none,
        Finder finder,
        SearchGuard guard,
        Caller caller,
        CancellationToken cancellation
    )
    {
        var asked = PageRoutes.Typed(q);
        return PageRoutes.Show<SearchPage>(
            new
            {
                Asked = asked,
                IsNone = none == true,
                View = asked.Length == 0
                    ? new SearchView([])
                    : await FindAsync(Typed(asked), finder, guard, caller, cancellation),
            }
        );
    }

    private static Asked Read(string? q) => Asked.Of(Require.Text(q, "q", Asked.MaxLength));

    /// <exception cref="RefusedException"><c>field-invalid</c>: a citizen id stands in an address, which servers and
    /// browsers keep.</exception>
    private static Asked Typed(string q) =>
        Read(q) is { Citizen: null } asked
            ? asked
            : throw Require.Invalid("q", "身份证号不能放在网址里；请用页面上方的查找框，或 POST /api/search");

    private static Task<SearchView> FindAsync(
        Asked asked,
        Finder finder,
        SearchGuard guard,
        Caller caller,
        CancellationToken cancellation
    )
    {
        guard.Take(caller.Actor.Id);
        return finder.FindAsync(asked, cancellation);
    }
}

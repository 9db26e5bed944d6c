using Ledger.Api.Commands;
using Ledger.Api.Policies;
using Ledger.Domain.Accounts;
using Ledger.Domain.Identity;
using Ledger.Domain.Pilots;
using Ledger.Web.Collectives;
using Marten;
using Npgsql;

namespace Ledger.Api.Collectives;

/// <summary>How far a county and each of its villages is on the way to a first application.</summary>
public sealed class FirstHour(IQuerySession session, NpgsqlDataSource database)
{
    private const string S = LedgerStore.Schema;

    /// <summary>Whom a first application needs; two at the agency, who review and approve.</summary>
    private static readonly string[] Needed =
    [
        Roles.CityHrss,
        Roles.CountyHrss,
        Roles.CountyAgriculture,
        Roles.CountyTax,
        Roles.Agency,
        Roles.Agency,
        Roles.Township,
        Roles.VillageFinance,
    ];

    /// <summary>What one collective has and has not yet.</summary>
    public sealed record Village(
        string Id,
        string Name,
        string Region,
        bool HasFund,
        bool IsSurveyed,
        bool HasMembers,
        bool HasPayers,
        bool HasMoney,
        string? PlanId,
        bool IsAdopted,
        bool HasApplication
    );

    /// <summary>
    /// Nobody has filed an application in this region: its offices begin with what is still to be set up.
    /// </summary>
    public async Task<bool> IsBeginningAsync(string region) =>
        !await session.Query<Domain.Applications.Application>().AnyAsync(a => a.Region.StartsWith(region));

    public async Task<(IReadOnlyList<SetupStep> Steps, IReadOnlyList<Village> Villages)> OfRegionAsync(
        string region,
        int year
    )
    {
        var villages = await VillagesAsync(region, null, year);
        int Count(Func<Village, bool> has) => villages.Count(has);
        SetupStep Of(SetupTask task, Func<Village, bool> has, string href) =>
            new(
                task,
                Count(has),
                Math.Max(1, villages.Count),
                href,
                villages.FirstOrDefault(v => !has(v))?.Region ?? region
            );
        return (
            [
                await AccountsAsync(region, villages.Any(v => v.HasApplication)),
                .. await BeforeAsync(region, year),
                new(SetupTask.Collectives, Math.Min(1, villages.Count), 1, "/collectives#register", region),
                Of(SetupTask.Funds, v => v.HasFund, "/funds"),
                Of(SetupTask.Survey, v => v.IsSurveyed, "/collectives"),
                Of(SetupTask.Members, v => v.HasMembers, "/members"),
                Of(SetupTask.Contributions, v => v.HasPayers, "/contributions"),
                Of(SetupTask.Money, v => v.HasMoney, "/funds"),
                Of(SetupTask.Plan, v => v.IsAdopted, "/plans"),
                new(SetupTask.Application, Math.Min(1, Count(v => v.HasApplication)), 1, "/applications", region),
            ],
            villages
        );
    }

    /// <summary>Of one collective; what its county has to do before stands before it.</summary>
    public async Task<IReadOnlyList<SetupStep>> OfVillageAsync(string collectiveId, string region, int year) =>
        (await VillagesAsync(region, collectiveId, year)).FirstOrDefault() is { } village
            ? [.. await BeforeAsync(region, year), .. StepsOf(village)]
            : [];

    /// <summary>Of a village whose collective is not registered.</summary>
    public async Task<IReadOnlyList<SetupStep>> OfNobodyAsync(string region, int year) =>
        [
            .. await BeforeAsync(region, year),
            new(SetupTask.Collectives, 0, 1, "/collectives#register", region),
            // Each waits for the collective: none has a page yet.
            .. StepsOf(new("", "", region, false, false, false, false, false, null, false, false))
                .Select(s => s with { Href = "" }),
        ];

    public static IReadOnlyList<SetupStep> StepsOf(Village v)
    {
        SetupStep Of(SetupTask task, bool has, string href) => new(task, has ? 1 : 0, 1, href, v.Region);
        var fund = v.Id.Length > 0 ? StreamId.FundOf(v.Id) : "";
        return
        [
            Of(SetupTask.Funds, v.HasFund, "/start"),
            Of(SetupTask.Survey, v.IsSurveyed, $"/collectives/{v.Id}/survey"),
            Of(SetupTask.Members, v.HasMembers, $"/members?collective={v.Id}"),
            Of(SetupTask.Contributions, v.HasPayers, "/contributions"),
            Of(SetupTask.Money, v.HasMoney, v.HasFund ? $"/funds/{fund}/allocations/new" : "/start"),
            Of(SetupTask.Plan, v.IsAdopted, v.PlanId is { } plan ? $"/plans/{plan}" : "/plans/new"),
            Of(SetupTask.Application, v.HasApplication, v.IsAdopted ? $"/applications/new?plan={v.PlanId}" : "/plans"),
        ];
    }

    /// <param name="isUsed">Somebody has filed: whoever is needed can sign in, perhaps by another authority.</param>
    private async Task<SetupStep> AccountsAsync(string region, bool isUsed)
    {
        if (isUsed)
            return new(SetupTask.Accounts, 1, 1, "/accounts", region);
        var scopes = RegionCode.Scopes(region);
        var roles = (
            await session
                .Query<Account>()
                .Where(a => !a.IsClosed && !a.IsRequested && (a.Region.StartsWith(region) || a.Region.In(scopes)))
                .Select(a => a.Role)
                .Take(5 * Scope.MaxRows)
                .ToListAsync()
        ).ToList();
        var missing = Needed.Where(role => !roles.Remove(role)).ToList();
        return new(SetupTask.Accounts, Needed.Length - missing.Count, Needed.Length, "/accounts", region, missing);
    }

    private async Task<IReadOnlyList<SetupStep>> BeforeAsync(string region, int year)
    {
        var where = RegionCode.CountyOrCity(region);
        var policy = await session.PolicyYearAsync(where, year);
        var pilot = await session
            .Query<Pilot>()
            .AnyAsync(p => p.Region.StartsWith(where) && p.Status == PilotStatus.Approved);
        return
        [
            new(SetupTask.PolicyYear, policy is null ? 0 : 1, 1, $"/policy-years?year={year}", where),
            new(SetupTask.Pilot, pilot ? 1 : 0, 1, "/pilots", where),
        ];
    }

    private async Task<IReadOnlyList<Village>> VillagesAsync(string region, string? id, int year)
    {
        await using var connection = await database.OpenConnectionAsync();
        return await connection.QueryAsync(
            $"""
            select c.id, c.data ->> 'name', c.data ->> 'region', f.id is not null,
                   c.data #> array['surveys', @year] is not null,
                   exists (select 1
                             from {S}.mt_doc_member m
                            where m.data -> 'memberships' ?| array[c.id]),
                   exists (select 1
                             from {S}.mt_doc_member m
                             join {S}.mt_doc_memberyear y
                               on y.id = 'member-year-' || substr(m.id, 8) || '-' || @year
                            where m.data -> 'memberships' ?| array[c.id]
                              and jsonb_array_length(y.data -> 'contributions') > 0),
                   coalesce((f.data ->> 'allocatedFen')::bigint, 0) > 0,
                   p.id, coalesce((p.data ->> 'adoptedVersion')::int, 0) > 0,
                   exists (select 1
                             from {S}.mt_doc_application a
                            where a.data ->> 'collectiveId' = c.id)
              from {S}.mt_doc_collective c
              left join {S}.mt_doc_fund f on f.id = 'fund-' || substr(c.id, 12)
              left join {S}.mt_doc_plan p on p.id = 'plan-' || substr(c.id, 12) || '-' || @year
             where c.region like @region || '%'
               and (@id = '' or c.id = @id)
               and c.data ->> 'mergedInto' is null
               and c.data ->> 'dissolvedOn' is null
             order by c.region
             limit {Scope.MaxRows}
            """,
            r => new Village(
                r.GetString(0),
                r.GetString(1),
                r.GetString(2),
                r.GetBoolean(3),
                r.GetBoolean(4),
                r.GetBoolean(5),
                r.GetBoolean(6),
                r.GetBoolean(7),
                r.IsDBNull(8) ? null : r.GetString(8),
                r.GetBoolean(9),
                r.GetBoolean(10)
            ),
            ("region", region),
            ("id", id ?? ""),
            ("year", $"{year}")
        );
    }
}

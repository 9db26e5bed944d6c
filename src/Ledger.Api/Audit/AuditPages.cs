using System.Text.Json;
using Ledger.Api.Commands;
using Ledger.Api.Exports;
using Ledger.Api.Imports;
using Ledger.Api.Log;
using Ledger.Api.Pages;
using Ledger.Api.Plans;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Domain;
using Ledger.Domain.Identity;
using Ledger.Projections.WorkQueues;
using Ledger.TransparencyLog;
using Ledger.Web;
using Ledger.Web.Audit;
using Marten;
using Npgsql;

namespace Ledger.Api.Audit;

/// <summary>Pages of the auditor: the trail, the proofs, the checks, the exports.</summary>
public static class AuditPages
{
    public static void MapAuditPages(this WebApplication app)
    {
        MapTrail(app);
        app.Page(
            "/proof",
            async (
                int? after,
                NpgsqlDataSource database,
                Settings settings,
                LogKeys keys,
                FoundFindings found,
                Caller caller,
                CancellationToken cancellation
            ) =>
            {
                await using var connection = await database.OpenConnectionAsync(cancellation);
                var latest = await LogStore.LatestAsync(connection, LedgerStore.Schema, keys.Known);
                var witnesses = settings.Log.WitnessKeys;
                var seesAll = await LogStore.IsWholeInAsync(connection, LedgerStore.Schema, caller.Actor.Region);
                return PageRoutes.Show<ProofPage>(
                    new
                    {
                        Status = await LogEndpoints.StatusAsync(after, seesAll, connection, settings, keys, found),
                        Checkpoint = latest is null
                            ? null
                            : (await LogStore.CosignedAsync(connection, LedgerStore.Schema, latest, witnesses)).Note,
                        IsWhole = seesAll,
                    }
                );
            },
            Roles.Auditor,
            Roles.CityHrss
        );
        app.Page("/proof/log-check", LogCheck, Roles.Auditor, Roles.CityHrss).DisableRequestTimeout();
        app.Page("/proof/check", Check, Roles.Auditor, Roles.CityHrss).DisableRequestTimeout();
        app.Page(
            "/exports",
            async (
                string? region,
                IContacts contacts,
                Viewer viewer,
                Exports.Exports exports,
                CancellationToken cancellation
            ) =>
                PageRoutes.Show<ExportsPage>(
                    new
                    {
                        Asked = region,
                        Region = await PageRoutes.RegionAsync(region, contacts, viewer),
                        IsWhole = await exports.IsWholeLogInAsync(viewer.Region, cancellation),
                    }
                ),
            ExportEndpoints.Bookkeepers
        );
    }

    private static void MapTrail(WebApplication app)
    {
        app.Page("/audit", Trail, AuditEndpoints.Readers);
        app.Page(
            "/audit.xlsx",
            async (
                HttpContext http,
                LongReads reads,
                IContacts contacts,
                Viewer viewer,
                Caller caller,
                CancellationToken cancellation
            ) =>
                Workbook.File(
                    await AuditEndpoints.SheetAsync(
                        await NamedAsync(Query(http.Request, null), contacts, viewer),
                        reads,
                        contacts,
                        caller,
                        cancellation
                    ),
                    "审计轨迹"
                ),
            AuditEndpoints.Readers
        );
    }

    /// <summary>How many steps a page shows, whatever number of events they are of.</summary>
    private const int StepsShown = 100;

    /// <summary>The trail as people read it: a step for each act, newest first.</summary>
    private static async Task<IResult> Trail(
        HttpContext http,
        LongReads reads,
        IQuerySession session,
        NpgsqlDataSource database,
        PersonalData people,
        IContacts contacts,
        Viewer viewer,
        Caller caller,
        CancellationToken cancellation
    )
    {
        var query = await NamedAsync(Query(http.Request, AuditEndpoints.MaxPage), contacts, viewer);
        var page = await AuditEndpoints.PageAsync(query, reads, caller, cancellation);
        var steps = TrailStep.Of(page.Entries);
        var shown = steps.Take(StepsShown).ToList();
        var names = await NamesAsync(shown, session, database, people, cancellation);
        return PageRoutes.Show<AuditPage>(
            new
            {
                Steps = shown,
                Names = names,
                Next = steps.Count > StepsShown ? shown[^1].Entries[^1].Sequence : page.Next,
                page.Behind,
                Query = http.Request.Query.ToDictionary(q => q.Key, q => q.Value.ToString()),
            }
        );
    }

    /// <summary>What the ids on the page are called; of members no more than every list shows.</summary>
    private static async Task<IReadOnlyDictionary<string, string>> NamesAsync(
        IReadOnlyList<TrailStep> steps,
        IQuerySession session,
        NpgsqlDataSource database,
        PersonalData people,
        CancellationToken cancellation
    )
    {
        var entries = steps.SelectMany(s => s.Entries).ToList();
        var ids = entries
            .Select(e => e.Stream)
            .Concat(entries.SelectMany(e => Ids(e.Body)).Take(MostNamed))
            .Select(TrailThing.Owner)
            .Distinct()
            .ToList();
        await using var connection = await database.OpenConnectionAsync(cancellation);
        var members = await people.ReadAsync(connection, ids.Where(StreamId.IsMember));
        var applications = await session.LoadManyAsync<WorkItem>(cancellation, [.. ids.Where(Is("application-"))]);
        var collectives = await PlanPages.NamesAsync(
            session,
            ids.Where(Is("collective-")).Concat(applications.Select(a => a.CollectiveId))
        );
        return members
            .Select(m => KeyValuePair.Create(m.Key, m.Value.MaskedName))
            .Concat(collectives)
            .Concat(
                applications.Select(a =>
                    KeyValuePair.Create(a.Id, $"{collectives.GetValueOrDefault(a.CollectiveId)} {a.Year}")
                )
            )
            .ToDictionary();

        static Func<string, bool> Is(string kind) => id => id.StartsWith(kind, StringComparison.Ordinal);
    }

    /// <summary>Of the people that a page's bodies name: a list of all of a village is read by its number.</summary>
    private const int MostNamed = 500;

    private static IEnumerable<string> Ids(JsonElement body) =>
        body.ValueKind switch
        {
            JsonValueKind.Object => body.EnumerateObject().SelectMany(p => Ids(p.Value)),
            JsonValueKind.Array => body.EnumerateArray().SelectMany(Ids),
            JsonValueKind.String when EventFields.IsId(body.GetString()!) => [body.GetString()!],
            _ => [],
        };

    private static async Task<IResult> LogCheck(
        NpgsqlDataSource database,
        Settings settings,
        LogKeys keys,
        TimeProvider time,
        CancellationToken cancellation
    )
    {
        var (entries, findings) = await LogEndpoints.CheckAsync(database, settings, keys, cancellation);
        return PageRoutes.Show<CheckPage>(
            new
            {
                Summary = $"存证日志 {entries} 条，{findings.Count} 处不一致",
                Findings = (IReadOnlyList<(string, string?, string?)>)
                    [.. findings.Select(f => ($"{f.Index} / {f.Sequence}", (string?)f.Problem, (string?)null))],
                At = time.GetUtcNow(),
            }
        );
    }

    private static async Task<IResult> Check(
        IDocumentStore store,
        EventSeal seal,
        NpgsqlDataSource database,
        Caller caller,
        TimeProvider time,
        CancellationToken cancellation
    )
    {
        var (summary, findings) = Told(await CheckEndpoint.Check(store, seal, database, caller, cancellation));
        return PageRoutes.Show<CheckPage>(
            new
            {
                Summary = summary,
                Findings = findings,
                At = time.GetUtcNow(),
            }
        );
    }

    /// <summary>What a check found, as a page says it.</summary>
    public static (string Summary, IReadOnlyList<(string, string?, string?)> Findings) Told(CheckView check) =>
        (
            $"{check.Events} 个事件、{check.Documents} 份账目，{check.Differences.Count} 处不一致"
                + (check.Behind > 0 ? $"；另有 {check.Behind} 个事件正在整理，未核对" : ""),
            [.. check.Differences.Select(d => ($"{d.Projection} {d.Id} {d.Path}", d.Found, d.Expected))]
        );

    /// <summary>Who is asked for by name is his account; a village by name its code.</summary>
    private static async Task<AuditQuery> NamedAsync(AuditQuery query, IContacts contacts, Viewer viewer) =>
        query with
        {
            Region = await PageRoutes.RegionAsync(query.Region, contacts, viewer),
            Actor =
                query.Actor is { } asked && await contacts.CalledAsync(viewer.Region, asked) is { Count: > 0 } accounts
                    ? string.Join(AuditEndpoints.Several, accounts)
                    : query.Actor,
        };

    /// <summary>The form's fields; an empty one says nothing, days are China's.</summary>
    private static AuditQuery Query(HttpRequest request, int? limit)
    {
        string? Text(string name) => request.Query[name].ToString().Trim() is { Length: > 0 } text ? text : null;
        Money? Yuan(string name) =>
            Text(name) is not { } text ? null
            : Money.TryParse(text, null, out var amount) ? amount
            : throw new RefusedException(Problem.Unfit(nameof(Money), name, text));
        DateOnly? Day(string name) =>
            Text(name) is not { } text ? null
            : DateOnly.TryParseExact(text, "yyyy-MM-dd", out var day) && day.Year is >= 1900 and < 3000 ? day
            : throw Require.Invalid(name, "应为日期");
        DateTimeOffset? Begins(DateOnly? day) =>
            day is { } d ? new DateTimeOffset(d.ToDateTime(TimeOnly.MinValue), Clock.Offset) : null;
        var (since, until) = (Day("since"), Day("until"));
        Require.Order(since, until, "since");
        long? after =
            Text("after") is not { } from ? null
            : long.TryParse(from, out var sequence) ? sequence
            : throw Require.Invalid("after", "应为序号");
        return new AuditQuery(
            Text("id"),
            Text("actor"),
            Text("role"),
            Text("type"),
            Text("code"),
            Text("region"),
            Yuan("minAmount"),
            Yuan("maxAmount"),
            Begins(since),
            Begins(until?.AddDays(1)),
            after,
            limit,
            NewestFirst: true
        );
    }
}

using Ledger.Api.Commands;
using Ledger.Api.Pages;
using Ledger.Api.Plans;
using Ledger.Api.PolicyYears;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Domain;
using Ledger.Domain.Applications;
using Ledger.Domain.Collectives;
using Ledger.Domain.Funds;
using Ledger.Domain.Identity;
using Ledger.Domain.Members;
using Ledger.Domain.Plans;
using Ledger.Domain.Policies;
using Ledger.Projections.AuditTrail;
using Ledger.Web.Applications;
using Marten;
using Npgsql;

namespace Ledger.Api.Applications;

/// <summary>Pages of applications: the queue, filing, one application, the review grid, the public notice.</summary>
public static class ApplicationPages
{
    private const int PageSize = 100, ReviewPageSize = 200;

    public static void MapApplicationPages(this WebApplication app)
    {
        app.Page("/applications", Queue, ApplicationEndpoints.Readers);
        app.Page("/applications/new", async (string plan, string? returned, IQuerySession session, Caller caller) =>
        {
            var found = await session.ScopedAsync<Plan>(plan, caller) ?? throw Require.NotFound(plan);
            return PageRoutes.Show<NewApplicationPage>(new
            {
                Plan = found,
                Fund = await session.LoadAsync<Fund>(found.FundId),
                CollectiveName = (await PlanPages.NamesAsync(session, [found.CollectiveId]))[found.CollectiveId],
                Returned = returned is null ? null : await session.ScopedAsync<Application>(returned, caller) ?? throw Require.NotFound(returned),
            });
        }, Roles.VillageFinance);
        app.Page("/applications/{id}", One, ApplicationEndpoints.Readers);
        app.Page("/applications/{id}/review", Review, Roles.Agency);
        app.Page("/notices/{id}", async (string id, IQuerySession session, NpgsqlDataSource database, PersonalData people, CancellationToken cancellation) =>
        {
            var application = await session.LoadAsync<Application>(id, cancellation);
            if (application?.NoticeFrom is null) throw Require.NotFound($"公示 {id}");
            var shown = await ApplicationEndpoints.MaskedAsync(application.Lines.Where(ApplicationEndpoints.IsNoticed).OrderBy(l => l.Row), database, people, cancellation);
            return PageRoutes.Show<NoticePage>(new
            {
                A = application,
                CollectiveName = (await PlanPages.NamesAsync(session, [application.CollectiveId]))[application.CollectiveId],
                Lines = (IReadOnlyList<(string, string, Money)>)[.. shown.Select(l => (l.Name, l.CitizenId, l.Line.AmountFen))],
            });
        });
    }

    private static async Task<IResult> Queue(string? status, string? region, bool? waitingForMe, IQuerySession session, NpgsqlDataSource database, Caller caller, Clock clock, TimeProvider time,
        CancellationToken cancellation)
    {
        var items = await ApplicationEndpoints.QueueAsync(status is { Length: > 0 } ? status : null, region, waitingForMe, session, database, caller, cancellation);
        var policy = await session.PolicyYearAsync(caller.Actor.Region, clock.Today.Year);
        return PageRoutes.Show<ApplicationsPage>(new
        {
            Items = items,
            Names = await PlanPages.NamesAsync(session, items.Select(i => i.CollectiveId)),
            Deadlines = policy?.Deadlines() ?? Deadlines.Default,
            NoticeDays = policy?.Parameters.NoticeDays ?? 7,
            Now = time.GetUtcNow(),
            Mine = waitingForMe == true,
            Status = status,
            Region = region,
        });
    }

    private static async Task<IResult> One(string id, int? after, string? status, IQuerySession session, NpgsqlDataSource database, PersonalData people, Caller caller, CancellationToken cancellation)
    {
        var only = Require.Word<LineStatus>(status is { Length: > 0 } ? status : null, "status");
        var application = await session.ScopedAsync<Application>(id, caller) ?? throw Require.NotFound(id);
        var lines = application.Lines.Where(l => l.Row > (after ?? 0) && (only is null || l.Status == only)).OrderBy(l => l.Row).Take(PageSize + 1).ToList();
        var events = await session.Events.FetchStreamAsync(id, token: cancellation);
        return PageRoutes.Show<ApplicationPage>(new
        {
            A = application,
            CollectiveName = (await PlanPages.NamesAsync(session, [application.CollectiveId]))[application.CollectiveId],
            Lines = await ApplicationEndpoints.MaskedAsync(lines.Take(PageSize), database, people, cancellation),
            Next = lines.Count > PageSize ? lines[PageSize - 1].Row : (int?)null,
            Only = only,
            Events = (IReadOnlyList<(string, DateTimeOffset, string, Money?)>)[.. events.Where(e => e.Data is not LinesListed && e.Data is not ApplicationReviewed { Complete: false })
                .Select(e => (e.EventTypeName, e.Timestamp, e.Header(EventHeaders.Actor), (e.Data as IMoneyEvent)?.AmountFen))],
        });
    }

    private static async Task<IResult> Review(string id, int? after, string? filter, IQuerySession session, NpgsqlDataSource database, PersonalData people, Caller caller, CancellationToken cancellation)
    {
        var application = await session.ScopedAsync<Application>(id, caller) ?? throw Require.NotFound(id);
        var lines = application.Lines.Where(l => filter switch { "undecided" => l.Status == LineStatus.Filed, "refused" => l.Status == LineStatus.Refused, _ => true }).OrderBy(l => l.Row).ToList();
        // Only who asks for the faulty ones has the whole list checked; else what is shown.
        IReadOnlyDictionary<string, string>? faults = filter == "faulty" ? await FaultsAsync(application, lines, session, cancellation) : null;
        if (faults is not null) lines = [.. lines.Where(l => faults.ContainsKey(l.MemberId))];
        var count = faults?.Count;
        lines = [.. lines.Where(l => l.Row > (after ?? 0)).Take(ReviewPageSize + 1)];
        faults ??= await FaultsAsync(application, lines, session, cancellation);
        var shown = await ApplicationEndpoints.MaskedAsync(lines.Take(ReviewPageSize), database, people, cancellation);
        return PageRoutes.Show<ReviewPage>(new
        {
            A = application,
            CollectiveName = (await PlanPages.NamesAsync(session, [application.CollectiveId]))[application.CollectiveId],
            Rows = (IReadOnlyList<ReviewRow>)[.. shown.Select(l => new ReviewRow(l.Line, l.Name, l.CitizenId, faults.GetValueOrDefault(l.Line.MemberId)))],
            Next = lines.Count > ReviewPageSize ? lines[ReviewPageSize - 1].Row : (int?)null,
            Filter = filter,
            FaultyCount = count,
        });
    }

    /// <summary>What approval would refuse each line for now (C4, C5, C6, C11), by member id.</summary>
    private static async Task<IReadOnlyDictionary<string, string>> FaultsAsync(Application application, IReadOnlyList<Line> lines, IQuerySession session, CancellationToken cancellation)
    {
        var collective = (await session.LoadAsync<Collective>(application.CollectiveId, cancellation))!;
        var policy = await session.PolicyYearAsync(application.Region, application.Year);
        var members = (await session.LoadManyAsync<Member>(cancellation, lines.Select(l => l.MemberId).ToArray())).ToDictionary(m => m.Id);
        var years = (await session.LoadManyAsync<MemberYear>(cancellation, lines.Select(application.MemberYearId).ToArray())).ToDictionary(y => StreamId.MemberOf(y.Id));
        var faults = new Dictionary<string, string>();
        foreach (var line in lines.Where(l => l.Status is LineStatus.Filed or LineStatus.Accepted or LineStatus.Refused))
        {
            if (!members.TryGetValue(line.MemberId, out var member)) faults[line.MemberId] = "不是本集体成员";
            else if (MemberYearDecider.Ineligible(member, years.GetValueOrDefault(line.MemberId), collective.WithPredecessors()) is { } why) faults[line.MemberId] = why.Message;
            else if (policy is not null && years[line.MemberId].CapUsed() + line.AmountFen > policy.HighestTierFen)
                faults[line.MemberId] = $"超过年度上限，剩余 {policy.HighestTierFen - years[line.MemberId].CapUsed()} 元";
            // It stops nobody but who reported it; whoever reviews ought to know.
            else if (member.DeathReports.Count > 0) faults[line.MemberId] = "有集体报告此人死亡，尚未确认";
        }
        return faults;
    }
}

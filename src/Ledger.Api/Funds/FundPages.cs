using Ledger.Api.Applications;
using Ledger.Api.Audit;
using Ledger.Api.Benefits;
using Ledger.Api.Collectives;
using Ledger.Api.Commands;
using Ledger.Api.Donors;
using Ledger.Api.Exports;
using Ledger.Api.Imports;
using Ledger.Api.Members;
using Ledger.Api.Pages;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Api.Trace;
using Ledger.Domain;
using Ledger.Domain.Applications;
using Ledger.Domain.Collectives;
using Ledger.Domain.Funds;
using Ledger.Domain.Identity;
using Ledger.Domain.Plans;
using Ledger.Projections.Balances;
using Ledger.Projections.Journal;
using Ledger.Projections.WorkQueues;
using Ledger.Web;
using Ledger.Web.Funds;
using Marten;
using Npgsql;

namespace Ledger.Api.Funds;

/// <summary>
/// Pages of a fund: dashboard, allocation, statement, voucher, trial balance as of two times, reconciliation.
/// </summary>
public static class FundPages
{
    private const int ChartMonths = 12;

    public static void MapFundPages(this WebApplication app)
    {
        app.Page("/funds", All, Roles.All);
        app.Page("/funds.xlsx", AllAsSheet, Roles.All);
        app.Page("/start", Start, Roles.VillageFinance);
        app.Page("/funds/{id}", Dashboard, Roles.All);
        app.Page("/funds/{id}/allocations/new", NewAllocation, Roles.VillageFinance, Roles.CountyFinance);
        app.MapStatement();
        app.Page("/funds/{id}/vouchers/{sequence:long}", Voucher, Roles.All);
        foreach (
            var (path, show) in new (string, Func<BalanceAsOf, AccountMap, IResult>)[]
            {
                ("/trial-balance", (b, _) => Page(b)),
                ("/trial-balance.xlsx", Sheet),
            }
        )
            app.Page(
                $"/funds/{{id}}{path}",
                async (
                    string id,
                    DateOnly? at,
                    int? step,
                    IQuerySession session,
                    StoredEvents stored,
                    Caller caller,
                    Clock clock,
                    AccountMap accounts
                ) => show(await BalanceAsync(id, at, step, session, stored, caller, clock), accounts),
                Roles.All
            );
        app.Page("/funds/{id}/reconciliation", Reconciling, FundEndpoints.Reconcilers);
        app.Page("/funds/{id}/ending", Ending, Roles.VillageFinance);
    }

    private static void MapStatement(this WebApplication app)
    {
        foreach (
            var (path, show) in new (string, Func<Fund, FundStatement, IContacts, Task<IResult>>)[]
            {
                (
                    "/statement",
                    (f, s, _) =>
                        Task.FromResult<IResult>(PageRoutes.Show<StatementPage>(new { Fund = f, Statement = s }))
                ),
                (
                    "/statement.xlsx",
                    async (f, s, contacts) =>
                        Workbook.File(
                            FundSheets.Statement(
                                f,
                                s,
                                await FundEndpoints.NamesAsync(s.Lines.Select(l => l.Actor), contacts)
                            ),
                            "对账单"
                        )
                ),
            }
        )
            app.Page(
                $"/funds/{{id}}{path}",
                async (
                    string id,
                    DateOnly? from,
                    DateOnly? to,
                    IQuerySession session,
                    StoredEvents stored,
                    Caller caller,
                    IContacts contacts,
                    Clock clock
                ) =>
                {
                    var (fund, statement) = await FundEndpoints.StatementAsync(
                        id,
                        from,
                        to,
                        null,
                        session,
                        stored,
                        caller,
                        clock
                    );
                    return await show(fund, statement, contacts);
                },
                Roles.All
            );
    }

    /// <summary>What is left, what is still under way, and how the fund ends.</summary>
    private static async Task<IResult> Ending(
        string id,
        IQuerySession session,
        Caller caller,
        CancellationToken cancellation
    )
    {
        var fund = await FundAsync(id, session, caller);
        var open = await session
            .Query<Application>()
            .Where(a => a.CollectiveId == fund.CollectiveId)
            .OrderBy(a => a.Id)
            .Take(Scope.MaxRows)
            .ToListAsync(cancellation);
        return PageRoutes.Show<FundEndingPage>(
            new { Fund = fund, Open = (IReadOnlyList<Application>)[.. open.Where(a => !a.Status.IsOver())] }
        );
    }

    private static async Task<IResult> Reconciling(string id, IQuerySession session, Caller caller) =>
        PageRoutes.Show<ReconciliationPage>(new { Fund = await FundAsync(id, session, caller) });

    private static async Task<IResult> All(
        string? region,
        string? state,
        IQuerySession session,
        Caller caller,
        CancellationToken cancellation
    )
    {
        var funds = await NamedAsync(region, state, session, caller, cancellation);
        return PageRoutes.Show<FundsPage>(
            new
            {
                Funds = funds,
                Region = region,
                State = state,
            }
        );
    }

    private static async Task<IReadOnlyList<Fund>> NamedAsync(
        string? asked,
        string? state,
        IQuerySession session,
        Caller caller,
        CancellationToken cancellation
    )
    {
        var (region, name) = PageRoutes.Place(asked);
        var funds = await FundEndpoints.FundsAsync(region, session, caller, cancellation);
        return
        [
            .. funds.Where(f =>
                (name is null || f.Name.Contains(name, StringComparison.Ordinal))
                && (string.IsNullOrEmpty(state) || f.IsClosed == (state == "closed"))
            ),
        ];
    }

    private static async Task<IResult> AllAsSheet(
        string? region,
        string? state,
        IQuerySession session,
        Caller caller,
        TimeProvider time,
        CancellationToken cancellation
    )
    {
        var funds = await NamedAsync(region, state, session, caller, cancellation);
        var scope = Scope.Narrow(caller, PageRoutes.Place(region).Region);
        return Workbook.File(OfficeSheets.Funds(funds, scope, time.GetUtcNow()), "资金");
    }

    private static async Task<IResult> Start(
        IQuerySession session,
        FirstHour first,
        Caller caller,
        Clock clock,
        CancellationToken cancellation
    )
    {
        var own = await OwnAsync(session, caller, cancellation);
        var hasFund =
            own is not null && await session.LoadAsync<Fund>(StreamId.FundOf(own.Id), cancellation) is not null;
        if (hasFund)
            return Results.LocalRedirect("/");
        var (region, year) = (caller.Actor.Region, clock.Today.Year);
        return PageRoutes.Show<StartPage>(
            new
            {
                Collective = own,
                Steps = own is null
                    ? await first.OfNobodyAsync(region, year)
                    : await first.OfVillageAsync(own.Id, region, year),
            }
        );
    }

    private static async Task<IResult> NewAllocation(
        string id,
        string? source,
        IQuerySession session,
        NpgsqlDataSource database,
        PersonalData people,
        Caller caller
    )
    {
        var fund = await FundAsync(id, session, caller);
        return PageRoutes.Show<AllocationPage>(
            new
            {
                Fund = fund,
                Donors = await DonorPages.NamedAsync(session, database, people, RegionCode.County(fund.Region)),
                Source = Require.Word<SourceKind>(source, "source"),
            }
        );
    }

    private static async Task<IResult> Voucher(
        string id,
        long sequence,
        IQuerySession session,
        StoredEvents stored,
        NpgsqlDataSource database,
        PersonalData people,
        Caller caller,
        AccountMap accounts
    )
    {
        var (fund, entry, application, data) = await FundEndpoints.EntryAsync(
            id,
            sequence,
            session,
            stored,
            database,
            caller
        );
        return PageRoutes.Show<VoucherPage>(
            new
            {
                Fund = fund,
                Entry = entry,
                Application = application,
                Person = data is FundsRefunded { MemberId: var member }
                    ? (member, await NameAsync(member, database, people))
                    : ((string, string)?)null,
                AllocationId = (data as FundsAllocated)?.AllocationId,
                Evidence = (data as IEvidenced)?.Evidence ?? [],
                MayRead = (
                    EstimateEndpoints.Readers.Contains(caller.Actor.Role),
                    TraceEndpoints.Readers.Contains(caller.Actor.Role),
                    AuditEndpoints.Readers.Contains(caller.Actor.Role)
                ),
                Title = (Func<string, string>)accounts.Title,
            }
        );
    }

    private static async Task<string> NameAsync(string memberId, NpgsqlDataSource database, PersonalData people)
    {
        await using var connection = await database.OpenConnectionAsync();
        return (await people.ReadAsync(connection, [memberId])).GetValueOrDefault(memberId)?.MaskedName
            ?? MemberEndpoints.Erased;
    }

    /// <summary>
    /// The collective that the caller's village code is registered for, unless it went up in another one.
    /// </summary>
    public static Task<Collective?> OwnAsync(IQuerySession session, Caller caller, CancellationToken cancellation) =>
        session
            .Query<Collective>()
            .Where(c => c.Region == caller.Actor.Region && c.MergedInto == null && c.DissolvedOn == null)
            .FirstOrDefaultAsync(cancellation);

    private static async Task<Fund> FundAsync(string id, IQuerySession session, Caller caller) =>
        await session.ScopedAsync<Fund>(id, caller) ?? throw Require.NotFound(id);

    private static async Task<IResult> Dashboard(
        string id,
        IQuerySession session,
        StoredEvents stored,
        NpgsqlDataSource database,
        FirstHour first,
        Caller caller,
        Clock clock,
        TimeProvider time,
        CancellationToken cancellation
    )
    {
        var fund = await FundAsync(id, session, caller);
        await using var connection = await database.OpenConnectionAsync(cancellation);
        await Freshness.WaitAsync(connection, "WorkQueue", cancellation);
        // One way to the database for the three of them.
        var batch = session.CreateBatchQuery();
        var working = batch
            .Query<WorkItem>()
            .Where(w => w.CollectiveId == fund.CollectiveId)
            .OrderBy(w => w.Since)
            .Take(Scope.MaxRows)
            .ToList();
        var collective = batch.Load<Collective>(fund.CollectiveId);
        var plan = batch.Load<Plan>(StreamId.PlanOf(fund.CollectiveId, clock.Today.Year));
        await batch.Execute(cancellation);
        var work = await working;
        var figures = await Rosters.FiguresAsync(work.Select(w => w.Id), connection);
        return PageRoutes.Show<FundPage>(
            new
            {
                Fund = fund,
                History = BalanceHistory.Of(
                    await stored.OfAsync<Fund>(id, cancellation: cancellation),
                    clock.Today,
                    ChartMonths
                ),
                Collective = await collective,
                Plan = await plan,
                Work = work,
                Figures = figures,
                Steps = caller.Actor.Role == Roles.VillageFinance && work.Count == 0 && !fund.IsClosed
                    ? await first.OfVillageAsync(fund.CollectiveId, fund.Region, clock.Today.Year)
                    : [],
                Held = await CommitteeTasks.HeldAsync(database, fund.Region, cancellation),
                Now = time.GetUtcNow(),
            }
        );
    }

    /// <summary>
    /// A trial balance, as it was known after so many of the moments at which something was recorded.
    /// </summary>
    private sealed record BalanceAsOf(
        Fund Fund,
        DateOnly At,
        IReadOnlyList<DateTimeOffset> Moments,
        int Step,
        IReadOnlyList<AccountBalance> Balance,
        IReadOnlyList<JournalEntry> Entries
    )
    {
        public DateTimeOffset Known => Step == 0 ? DateTimeOffset.MinValue : Moments[Step - 1];
    }

    private static IResult Page(BalanceAsOf b) =>
        PageRoutes.Show<TrialBalancePage>(
            new
            {
                b.Fund,
                b.At,
                b.Moments,
                b.Step,
                b.Balance,
                Later = (IReadOnlyList<JournalEntry>)
                    [.. b.Entries.Where(e => e.RecordedAt > b.Known && e.Date <= b.At)],
            }
        );

    private static IResult Sheet(BalanceAsOf b, AccountMap accounts)
    {
        var known = b.Step == b.Moments.Count ? (DateTimeOffset?)null : b.Known;
        return Workbook.File(FundSheets.TrialBalance(b.Fund, b.At, known, b.Balance, accounts), "试算平衡表");
    }

    private static async Task<BalanceAsOf> BalanceAsync(
        string id,
        DateOnly? at,
        int? step,
        IQuerySession session,
        StoredEvents stored,
        Caller caller,
        Clock clock
    )
    {
        var fund = await FundAsync(id, session, caller);
        var date = at ?? clock.Today;
        var events = await stored.OfAsync<Fund>(id);
        var entries = events.Select(JournalEntry.Of).OfType<JournalEntry>().ToList();
        var moments = entries.Select(e => e.RecordedAt).Distinct().Order().ToList();
        var known = Math.Clamp(step ?? moments.Count, 0, moments.Count);
        var asOf = new BalanceAsOf(fund, date, moments, known, [], entries);
        return asOf with
        {
            Balance = FundStatement.TrialBalance([.. events.Where(e => e.Timestamp <= asOf.Known)], date),
        };
    }
}

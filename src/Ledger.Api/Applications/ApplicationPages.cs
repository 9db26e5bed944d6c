using JasperFx.Events;
using Ledger.Api.Collectives;
using Ledger.Api.Commands;
using Ledger.Api.Funds;
using Ledger.Api.Members;
using Ledger.Api.Notices;
using Ledger.Api.Pages;
using Ledger.Api.Plans;
using Ledger.Api.Policies;
using Ledger.Api.Profiles;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Domain;
using Ledger.Domain.Accounts;
using Ledger.Domain.Applications;
using Ledger.Domain.Applications.Steps;
using Ledger.Domain.Collectives;
using Ledger.Domain.Funds;
using Ledger.Domain.Identity;
using Ledger.Domain.Members;
using Ledger.Domain.Plans;
using Ledger.Domain.Policies;
using Ledger.Domain.Tasks;
using Ledger.Projections.WorkQueues;
using Ledger.Web.Applications;
using Marten;
using Npgsql;

namespace Ledger.Api.Applications;

/// <summary>Pages of applications: the queue, filing, one application, the review grid, the public notice.</summary>
public static class ApplicationPages
{
    private const int PageSize = 100,
        ReviewPageSize = 200;

    public static void MapApplicationPages(this WebApplication app)
    {
        app.Page("/applications", Queue, ApplicationEndpoints.Readers);
        app.Page(
            "/applications.xlsx",
            async (
                string? status,
                string? region,
                bool? waitingForMe,
                DateOnly? from,
                DateOnly? until,
                IQuerySession session,
                NpgsqlDataSource database,
                Caller caller,
                Clock clock,
                TimeProvider time,
                CancellationToken cancellation
            ) =>
            {
                var items = await NamedAsync(
                    status,
                    region,
                    waitingForMe,
                    (from, until),
                    session,
                    database,
                    caller,
                    clock,
                    cancellation
                );
                return await ApplicationEndpoints.SheetAsync(
                    items,
                    session,
                    database,
                    caller,
                    clock,
                    time,
                    cancellation
                );
            },
            ApplicationEndpoints.Readers
        );
        app.Page("/applications/new", New, Roles.VillageFinance);
        app.Page("/applications/{id}", One, ApplicationEndpoints.Readers);
        app.Page("/applications/{id}/review", Review, Roles.Agency);
        app.Page("/committee", OfCommittee, Roles.SupervisionCommittee);
        app.Page("/notices/{id}", Notice);
        app.Page("/complaints/{id}", Complaint);
        app.Page("/objections/{id}", Objection);
    }

    private static async Task<IResult> New(
        string plan,
        string? returned,
        IQuerySession session,
        NpgsqlDataSource database,
        Caller caller,
        Clock clock,
        CancellationToken cancellation
    )
    {
        var found = await session.ScopedAsync<Plan>(plan, caller) ?? throw Require.NotFound(plan);
        var policy = await session.PolicyYearAsync(found.Region, found.Year);
        var unpublished =
            policy is null || found.AdoptedVersion == 0 ? null : PlanDecider.Unpublished(found, policy, clock.Today);
        return PageRoutes.Show<NewApplicationPage>(
            new
            {
                Plan = found,
                Fund = await session.LoadAsync<Fund>(found.FundId, cancellation),
                Warnings = (IReadOnlyList<Rejection>)(unpublished is null ? [] : [unpublished]),
                Others = await OthersAsync(found, returned, session, database, cancellation),
                CollectiveName = await PlanPages.NameAsync(session, found.CollectiveId),
                Returned = returned is null
                    ? null
                    : await session.ScopedAsync<Application>(returned, caller) ?? throw Require.NotFound(returned),
            }
        );
    }

    private static async Task<IReadOnlyList<WorkItem>> OthersAsync(
        Plan plan,
        string? returned,
        IQuerySession session,
        NpgsqlDataSource database,
        CancellationToken cancellation
    )
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        var work = await session
            .Query<WorkItem>()
            .Where(w => w.CollectiveId == plan.CollectiveId && w.Year == plan.Year)
            .OrderBy(w => w.FiledAt)
            .ToListAsync(cancellation);
        return await Rosters.NowAsync(
            [
                .. work.Where(w =>
                    w.Id != returned && w.Status is not (ApplicationStatus.Rejected or ApplicationStatus.Withdrawn)
                ),
            ],
            connection
        );
    }

    /// <summary>For everybody, also when nobody reads the notice any more: no name and no amount.</summary>
    private static async Task<IResult> Complaint(
        string id,
        string? number,
        string? secret,
        IQuerySession session,
        NpgsqlDataSource database,
        Clock clock,
        HttpContext http
    )
    {
        var application = await PublicNotices.PublishedAsync(id, session);
        var meant = number is null ? null : QueryNumber.Meant("complaint", number);
        var found = meant is null ? null : await Complaining.ViewAsync(id, meant, session, database, clock);
        if (
            found is null
            && number is not null
            && await ElsewhereAsync("complaints", id, number, database) is { } there
        )
            return Results.LocalRedirect(there);
        return PageRoutes.Show<ComplaintPage>(
            new
            {
                Id = id,
                CollectiveName = await PlanPages.NameAsync(session, application.CollectiveId),
                application.Year,
                Number = found is null ? number : QueryNumber.Of(found.ComplaintId),
                Address = PageRoutes.Address(http, $"/complaints/{id}"),
                Qr = found is null
                    ? null
                    : QrCode.Of(
                        PageRoutes.Address(http, $"/complaints/{id}?number={QueryNumber.Of(found.ComplaintId)}")
                    ),
                Secret = secret,
                Found = found is null
                    ? null
                    : new ComplaintPage.Shown(
                        found.ComplaintId,
                        found.Status,
                        found.RaisedOn,
                        found.AnswerDue,
                        found.MayEscalate,
                        [.. found.Answers.Select(a => (a.Upheld, a.Answer, a.Remedy))]
                    ),
            }
        );
    }

    /// <summary>
    /// A number is given once: whoever typed it on another village's page, or a complaint's among the objections, is
    /// led to where it is; null: there is none, or it is this page's own that does not show it.
    /// </summary>
    private static async Task<string?> ElsewhereAsync(
        string pages,
        string id,
        string number,
        NpgsqlDataSource database
    ) =>
        await QueryNumber.PageAsync(number, database) is { } page
        && !page.StartsWith($"/{pages}/{id}?", StringComparison.Ordinal)
            ? page
            : null;

    /// <summary>What became of an objection, for whoever has its number: no name and no amount.</summary>
    private static async Task<IResult> Objection(
        string id,
        string? number,
        IQuerySession session,
        StoredEvents stored,
        NpgsqlDataSource database,
        HttpContext http
    )
    {
        var application = await PublicNotices.PublishedAsync(id, session);
        var meant = number is null ? null : QueryNumber.Meant("objection", number);
        var found = meant is null ? null : await Objecting.ViewAsync(id, meant, session, stored);
        if (
            found is null
            && number is not null
            && await ElsewhereAsync("objections", id, number, database) is { } there
        )
            return Results.LocalRedirect(there);
        return PageRoutes.Show<ObjectionPage>(
            new
            {
                Id = id,
                CollectiveName = await PlanPages.NameAsync(session, application.CollectiveId),
                application.Year,
                Number = found is null ? number : QueryNumber.Of(found.ObjectionId),
                Address = PageRoutes.Address(http, $"/objections/{id}"),
                Qr = found is null
                    ? null
                    : QrCode.Of(
                        PageRoutes.Address(http, $"/objections/{id}?number={QueryNumber.Of(found.ObjectionId)}")
                    ),
                Found = found is null
                    ? null
                    : new ObjectionPage.Shown(
                        found.Number,
                        found.RaisedOn,
                        found.AnswerDue,
                        found.Upheld,
                        found.Answer
                    ),
            }
        );
    }

    /// <summary>Where the supervision committee's work begins (L7).</summary>
    private static async Task<IResult> OfCommittee(
        IQuerySession session,
        Caller caller,
        Clock clock,
        CancellationToken cancellation
    )
    {
        var own = await FundPages.OwnAsync(session, caller, cancellation);
        var unpaid = await CommitteeTasks.UnpaidAsync(session, caller, cancellation);
        return PageRoutes.Show<CommitteePage>(
            new
            {
                CollectiveName = own?.Name,
                FundId = own is null ? null : StreamId.FundOf(own.Id),
                Plans = (IReadOnlyList<Plan>)
                    [.. (await CommitteeTasks.PlansAsync(session, caller.Actor, cancellation)).Select(p => p.Plan)],
                Unpaid = unpaid,
                ToSign = await CommitteeTasks.InTurnAsync(unpaid, Roles.SupervisionCommittee, session, clock.Today),
            }
        );
    }

    private static async Task<IResult> Notice(
        string id,
        IQuerySession session,
        StoredEvents stored,
        NpgsqlDataSource database,
        PersonalData people,
        Caller caller,
        Clock clock,
        HttpContext http,
        CancellationToken cancellation
    )
    {
        // Whoever comes with the printed notice's address later is led on to what is left for him.
        var published = await PublicNotices.PublishedAsync(id, session, cancellation);
        if (!Domain.Applications.Notice.IsPublic(published, clock.Today) && !caller.MaySee(published.Region))
            return Results.LocalRedirect($"/notices/{Uri.EscapeDataString(id)}/own");
        var (application, notice, shown) = await ApplicationEndpoints.NoticeAsync(
            id,
            session,
            stored,
            database,
            people,
            caller,
            clock,
            cancellation
        );
        var plan = await session.LoadAsync<Plan>(application.PlanId, cancellation);
        var address = PageRoutes.Address(http, $"/notices/{id}");
        return PageRoutes.Show<NoticePage>(
            new
            {
                A = application,
                Address = address,
                Qr = QrCode.Of(address),
                Form = plan?.LatestVersion() == application.PlanVersion ? plan.LatestResolution?.Form : null,
                N = notice,
                CollectiveName = await PlanPages.NameAsync(session, application.CollectiveId),
                People = shown,
            }
        );
    }

    /// <summary>The queue, of the regions or of the villages that are asked for.</summary>
    private static async Task<IReadOnlyList<WorkItem>> NamedAsync(
        string? status,
        string? asked,
        bool? waitingForMe,
        (DateOnly? From, DateOnly? Until) filed,
        IQuerySession session,
        NpgsqlDataSource database,
        Caller caller,
        Clock clock,
        CancellationToken cancellation
    )
    {
        Require.Order(filed.From, filed.Until, "from");
        var (region, name) = PageRoutes.Place(asked);
        var items = await ApplicationEndpoints.QueueAsync(
            status is { Length: > 0 } ? status : null,
            region,
            waitingForMe,
            session,
            database,
            caller,
            clock,
            cancellation
        );
        items =
        [
            .. items.Where(i =>
                Clock.Day(i.FiledAt) is var day
                && day >= (filed.From ?? DateOnly.MinValue)
                && day <= (filed.Until ?? DateOnly.MaxValue)
            ),
        ];
        if (name is null)
            return items;
        var names = await PlanPages.NamesAsync(session, items.Select(i => i.CollectiveId));
        return
        [
            .. items.Where(i => names.GetValueOrDefault(i.CollectiveId, "").Contains(name, StringComparison.Ordinal)),
        ];
    }

    private static async Task<IResult> Queue(
        string? status,
        string? region,
        bool? waitingForMe,
        DateOnly? from,
        DateOnly? until,
        IQuerySession session,
        NpgsqlDataSource database,
        Caller caller,
        Clock clock,
        TimeProvider time,
        CancellationToken cancellation
    )
    {
        var filed = (from, until);
        var items = await NamedAsync(
            status,
            region,
            waitingForMe,
            filed,
            session,
            database,
            caller,
            clock,
            cancellation
        );
        var (names, deadlines, noticeDays) = await ApplicationEndpoints.TermsAsync(items, session, caller, clock);
        var begun = await Answers.BegunAsync(items, database, cancellation);
        items = [.. items.OrderBy(i => begun.GetValueOrDefault(i.Id, i.Since))];
        return PageRoutes.Show<ApplicationsPage>(
            new
            {
                Items = items,
                Names = names,
                Deadlines = deadlines,
                NoticeDays = noticeDays,
                Held = await CommitteeTasks.HeldAsync(database, caller.Actor.Region, cancellation),
                Begun = begun,
                Answers = await Answers.DueAsync(items, session, database, deadlines, cancellation),
                ToApprove = await ToApproveAsync(items, session, database, caller, clock, cancellation),
                Now = time.GetUtcNow(),
                Mine = waitingForMe == true,
                Status = status,
                Region = region,
                From = PageRoutes.Day(from),
                Until = PageRoutes.Day(until),
            }
        );
    }

    /// <summary>Of these, what waits for the caller's approval: whoever reviewed does not approve.</summary>
    private static async Task<IReadOnlySet<string>> ToApproveAsync(
        IReadOnlyList<WorkItem> items,
        IQuerySession session,
        NpgsqlDataSource database,
        Caller caller,
        Clock clock,
        CancellationToken cancellation
    )
    {
        var by = caller.Actor;
        if (!TaskRules.IsFor(TaskKind.Approval, by.Role) || !items.Any(i => i.Status == ApplicationStatus.Reviewed))
            return new HashSet<string>();
        var tasks = await ApplicationTasks.OfAsync(by, by.Region, session, database, clock.Today, cancellation);
        return tasks.Where(t => t.Kind == TaskKind.Approval).Select(t => t.Subject).ToHashSet();
    }

    private static async Task<IResult> One(
        string id,
        int? after,
        string? status,
        string? q,
        string? about,
        bool? rest,
        IDocumentStore store,
        IQuerySession session,
        EventWriter writer,
        StoredEvents stored,
        NpgsqlDataSource database,
        PersonalData people,
        Caller caller,
        Clock clock,
        CancellationToken cancellation
    )
    {
        var only = Require.Word<LineStatus>(status is { Length: > 0 } ? status : null, "status");
        var application = await session.ScopedAsync<Application>(id, caller) ?? throw Require.NotFound(id);
        var size = rest == true ? int.MaxValue - 1 : PageSize; // a printer takes all that is left at once
        var asked = PageRoutes.Typed(q);
        await using var connection = await database.OpenConnectionAsync(cancellation);
        var called = await CalledAsync(application, about, asked, caller, connection, people);
        var lines = application
            .Lines.Where(l => l.Row > (after ?? 0) && (only is null || l.Status == only))
            .Where(l => called?.Contains(l.MemberId) != false)
            .OrderBy(l => l.Row)
            .Take(size + 1)
            .ToList();
        var events = await stored.OfAsync<Application>(id, cancellation: cancellation);
        var (unpayable, waiting) = await UnpayableAsync(application, caller, session, database, people, cancellation);
        var policy = await session.PolicyYearAsync(application.Region, application.Year);
        var committeeSigns = policy?.Parameters.CommitteeSignsPayments == true;
        var fund = await session.LoadAsync<Fund>(application.FundId, cancellation);
        return PageRoutes.Show<ApplicationPage>(
            new
            {
                A = application,
                Profiles = await AgencyProfiles.ListAsync(session, caller),
                Remittance = await Paying.RemittanceAsync(application, connection, store, writer),
                CollectiveName = await PlanPages.NameAsync(session, application.CollectiveId),
                Lines = await ApplicationEndpoints.MaskedAsync(lines.Take(size), database, people, cancellation),
                Next = lines.Count > size ? lines[size - 1].Row : (int?)null,
                Only = only,
                Asked = asked,
                Numbers = Numbers(events),
                Named = await BesideAsync(application, [.. unpayable, .. waiting], database, people, cancellation),
                About = about,
                Unpayable = unpayable,
                Waiting = waiting,
                CommitteeSigns = committeeSigns,
                AvailableFen = fund?.Pocket(application.SubAccount).Available,
                Blocks = Blocks.Of(application, committeeSigns, waiting, fund, clock.Today),
                Awaited = Supervision.Waiting(
                    application,
                    [.. events.Select(e => ((IEventOf<Application>)e.Data, e.Timestamp))],
                    policy?.Deadlines() ?? Deadlines.Default,
                    policy?.Parameters.NoticeDays ?? PolicyYearDecider.UsualNoticeDays
                ),
                Raised = Raised(events),
                Events = Told(events),
            }
        );
    }

    /// <summary>Those whom what stands beside the list names, masked: an objection, who may not be paid.</summary>
    private static async Task<IReadOnlyDictionary<string, (Line Line, string Name, string CitizenId)>> BesideAsync(
        Application application,
        IReadOnlyList<LeftOutLine> unpaid,
        NpgsqlDataSource database,
        PersonalData people,
        CancellationToken cancellation
    )
    {
        var named = unpaid.Select(l => l.MemberId).Concat(application.Objections.Select(o => o.MemberId));
        var lines = application.Lines.IntersectBy(named, l => l.MemberId);
        return (await ApplicationEndpoints.MaskedAsync(lines, database, people, cancellation)).ToDictionary(l =>
            l.Line.MemberId
        );
    }

    /// <summary>By member id, the number under which the public notice has him: what a citizen says.</summary>
    private static IReadOnlyDictionary<string, int> Numbers(IEnumerable<IEvent> events) =>
        PublicNotices.Of(events)?.Lines.ToDictionary(l => l.MemberId, l => l.Number) ?? [];

    /// <summary>
    /// Whose whole name it is, or whose id number ends so: a masked list is not searched by eye. Null: everybody. Who
    /// may not see a name in clear (C20) is not told either that it fits: he looks for what the list shows.
    /// </summary>
    private static async Task<IReadOnlySet<string>?> CalledAsync(
        Application application,
        string? about,
        string asked,
        Caller caller,
        NpgsqlConnection connection,
        PersonalData people
    )
    {
        if (about is { Length: > 0 })
            return new HashSet<string> { about };
        if (asked.Length == 0)
            return null;
        var persons = await people.ReadAsync(connection, application.Lines.Select(l => l.MemberId));
        var name = MemberEndpoints.Disclosers.Contains(caller.Actor.Role) ? PersonName.Canonical(asked) : null;
        return persons
            .Where(p =>
                p.Value.Name == name
                || p.Value.MaskedName == asked
                || p.Value.MaskedCitizenId.EndsWith(asked, StringComparison.OrdinalIgnoreCase)
            )
            .Select(p => p.Key)
            .ToHashSet();
    }

    /// <summary>By objection: when, and by whom, who may not have been signed in.</summary>
    private static IReadOnlyDictionary<string, (DateOnly On, string By)> Raised(IEnumerable<IEvent> events) =>
        events
            .Where(e => e.Data is ObjectionRaised)
            .ToDictionary(
                e => ((ObjectionRaised)e.Data).ObjectionId,
                e => (Clock.Day(e.Timestamp), e.Header(EventHeaders.Actor))
            );

    /// <summary>
    /// The application's story: without the pieces of its list, and of a review that is not whole yet.
    /// </summary>
    private static IReadOnlyList<ApplicationPage.Told> Told(IEnumerable<IEvent> events)
    {
        var refused = new HashSet<string>();
        var told = new List<ApplicationPage.Told>();
        foreach (var e in events.Where(e => e.Data is not LinesListed))
        {
            if (e.Data is ApplicationReviewed review)
                foreach (var verdict in review.Verdicts)
                    _ = verdict.Accepted ? refused.Remove(verdict.MemberId) : refused.Add(verdict.MemberId);
            if (e.Data is ApplicationResubmitted)
                refused.Clear();
            if (e.Data is not ApplicationReviewed { Complete: false })
                told.Add(
                    new(
                        e.EventTypeName,
                        e.Timestamp,
                        e.Header(EventHeaders.Actor),
                        (e.Data as IMoneyEvent)?.AmountFen,
                        e.Data is ApplicationReviewed ? refused.Count : null
                    )
                );
        }
        return told;
    }

    private static readonly string[] PaymentWatchers = [Roles.VillageFinance, Roles.SupervisionCommittee, Roles.Agency];

    /// <summary>Who pays, or signs for it, sees what is due now, and who may not be paid any more.</summary>
    private static async Task<(IReadOnlyList<LeftOutLine> Gone, IReadOnlyList<LeftOutLine> Waiting)> UnpayableAsync(
        Application application,
        Caller caller,
        IQuerySession session,
        NpgsqlDataSource database,
        PersonalData people,
        CancellationToken cancellation
    )
    {
        if (
            !PaymentWatchers.Contains(caller.Actor.Role)
            || application.Status is not (ApplicationStatus.Noticed or ApplicationStatus.Paid)
            || application.With(LineStatus.Approved).ToList() is not { Count: > 0 } due
        )
            return ([], []);
        var plan = (await session.LoadAsync<Plan>(application.PlanId, cancellation))!;
        var basis = await BasisAsync(
            application,
            due,
            plan.Versions[application.PlanVersion - 1].Standard,
            AgeLimits.None,
            false,
            session,
            database,
            people,
            cancellation
        );
        var gone = LineCheck.Unpayable(application, due, basis);
        return (gone, LineCheck.Waiting(due.ExceptBy(gone.Select(l => l.MemberId), l => l.MemberId), basis));
    }

    private static async Task<IResult> Review(
        string id,
        int? after,
        string? filter,
        IQuerySession session,
        NpgsqlDataSource database,
        PersonalData people,
        Caller caller,
        CancellationToken cancellation
    )
    {
        var application = await session.ScopedAsync<Application>(id, caller) ?? throw Require.NotFound(id);
        var lines = application
            .Lines.Where(l =>
                filter switch
                {
                    "undecided" => l.Status == LineStatus.Filed,
                    "refused" => l.Status == LineStatus.Refused,
                    _ => true,
                }
            )
            .OrderBy(l => l.Row)
            .ToList();
        // Only who asks for the faulty ones has the whole list checked; else what is shown.
        var faults =
            filter == "faulty" ? await FaultsAsync(application, lines, session, database, people, cancellation) : null;
        if (faults is not null)
            lines = [.. lines.Where(l => faults.ContainsKey(l.MemberId))];
        var count = faults?.Count;
        lines = [.. lines.Where(l => l.Row > (after ?? 0)).Take(ReviewPageSize + 1)];
        faults ??= await FaultsAsync(application, lines, session, database, people, cancellation);
        var shown = await ApplicationEndpoints.MaskedAsync(lines.Take(ReviewPageSize), database, people, cancellation);
        return PageRoutes.Show<ReviewPage>(
            new
            {
                A = application,
                CollectiveName = await PlanPages.NameAsync(session, application.CollectiveId),
                Rows = (IReadOnlyList<ReviewRow>)
                    [
                        .. shown.Select(l =>
                            faults.TryGetValue(l.Line.MemberId, out var fault)
                                ? new ReviewRow(l.Line, l.Name, l.CitizenId, fault.Text, fault.IsFinding)
                                : new ReviewRow(l.Line, l.Name, l.CitizenId, null, false)
                        ),
                    ],
                Next = lines.Count > ReviewPageSize ? lines[ReviewPageSize - 1].Row : (int?)null,
                Filter = filter,
                FaultyCount = count,
            }
        );
    }

    /// <summary>
    /// What stands against each line now (C4, C5, C6, C10, C11), and what the reviewer has to answer for, by member id.
    /// </summary>
    private static async Task<IReadOnlyDictionary<string, (string Text, bool IsFinding)>> FaultsAsync(
        Application application,
        IReadOnlyList<Line> lines,
        IQuerySession session,
        NpgsqlDataSource database,
        PersonalData people,
        CancellationToken cancellation
    )
    {
        var plan = (await session.LoadAsync<Plan>(application.PlanId, cancellation))!;
        var policy = await session.PolicyYearAsync(application.Region, application.Year);
        var basis = await BasisAsync(
            application,
            lines,
            plan.Adopted()!.Standard,
            policy?.AgeLimits() ?? AgeLimits.Default,
            true,
            session,
            database,
            people,
            cancellation
        );
        var faults = new Dictionary<string, (string, bool)>();
        foreach (
            var line in lines.Where(l => l.Status is LineStatus.Filed or LineStatus.Accepted or LineStatus.Refused)
        )
            if (LineCheck.Against(application, line, basis, policy?.HighestTierFen) is { } fault)
                faults[line.MemberId] = fault;
        return faults;
    }

    /// <summary>As approval and payment read it, for a page.</summary>
    private static async Task<LineBasis> BasisAsync(
        Application application,
        IReadOnlyList<Line> lines,
        Standard standard,
        AgeLimits limits,
        bool withAges,
        IQuerySession session,
        NpgsqlDataSource database,
        PersonalData people,
        CancellationToken cancellation
    )
    {
        var collective = (await session.LoadAsync<Collective>(application.CollectiveId, cancellation))!;
        var fund = await session.LoadAsync<Fund>(application.FundId, cancellation);
        var members = (
            await session.LoadManyAsync<Member>(cancellation, lines.Select(l => l.MemberId).ToArray())
        ).ToDictionary(m => m.Id);
        var years = (
            await session.LoadManyAsync<MemberYear>(cancellation, lines.Select(application.MemberYearId).ToArray())
        ).ToDictionary(y => y.Id);
        var policy = await session.PolicyYearAsync(application.Region, application.Year);
        await using var connection = await database.OpenConnectionAsync(cancellation);
        var ages =
            withAges || standard.AsksForAge()
                ? await people.AgesAsync(connection, lines.Select(l => l.MemberId), application.Year)
                : new Dictionary<string, int>();
        return new LineBasis(
            await Succession.LineageAsync(connection, collective),
            standard,
            fund?.Pocket(application.SubAccount).Earmark,
            limits,
            members,
            years,
            ages,
            GovernmentPaidOpens: policy?.Parameters.GovernmentPaidOpensSubsidy == true
        );
    }
}

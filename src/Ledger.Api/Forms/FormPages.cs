using Ledger.Api.Applications;
using Ledger.Api.Commands;
using Ledger.Api.Members;
using Ledger.Api.Pages;
using Ledger.Api.Policies;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Domain;
using Ledger.Domain.Applications;
using Ledger.Domain.Collectives;
using Ledger.Domain.Funds;
using Ledger.Domain.Identity;
using Ledger.Domain.Plans;
using Ledger.Web.Forms;
using Marten;
using Npgsql;

namespace Ledger.Api.Forms;

/// <summary>Forms to print, of one collective: filled from an application, its plan and its policy year.</summary>
public static class FormPages
{
    private const int MaxPeople = 5000;

    /// <summary>What the address says where nothing is to be filled in.</summary>
    private const string Blank = "none";

    private static readonly string[] Readers =
    [
        Roles.VillageFinance,
        Roles.SupervisionCommittee,
        Roles.Township,
        Roles.Agency,
    ];

    public static void MapFormPages(this WebApplication app)
    {
        app.Page("/collectives/{id}/forms", List, Readers);
        app.Page("/collectives/{id}/forms/{form}", One, Readers);
    }

    private static async Task<IResult> List(
        string id,
        string? application,
        IQuerySession session,
        Caller caller,
        CancellationToken cancellation
    )
    {
        var collective = await session.ScopedAsync<Collective>(id, caller) ?? throw Require.NotFound(id);
        return PageRoutes.Show<FormsPage>(
            new
            {
                Collective = collective,
                Applications = await Newest(id, session).Take(Scope.MaxRows).ToListAsync(cancellation),
                Asked = (await AskedAsync(id, application, session, cancellation))?.Id,
                IsBlank = application == Blank,
            }
        );
    }

    private static IQueryable<Application> Newest(string id, IQuerySession session) =>
        session
            .Query<Application>()
            .Where(a => a.CollectiveId == id)
            .OrderByDescending(a => a.Year)
            .ThenByDescending(a => a.Id);

    /// <summary>The one that is asked for; the newest where nobody says; none where none is wanted.</summary>
    private static async Task<Application?> AskedAsync(
        string id,
        string? asked,
        IQuerySession session,
        CancellationToken cancellation
    ) =>
        asked switch
        {
            Blank => null,
            { Length: > 0 } => await session.LoadAsync<Application>(asked, cancellation) is { } own
            && own.CollectiveId == id
                ? own
                : throw Require.NotFound(asked),
            _ => await Newest(id, session).FirstOrDefaultAsync(cancellation),
        };

    private static async Task<IResult> One(
        string id,
        string form,
        string? application,
        IQuerySession session,
        NpgsqlDataSource database,
        PersonalData people,
        Caller caller,
        Clock clock,
        CancellationToken cancellation
    )
    {
        var collective = await session.ScopedAsync<Collective>(id, caller) ?? throw Require.NotFound(id);
        if (FormsPage.Forms.All(f => f.Form != form))
            throw Require.NotFound(form);
        var of = await AskedAsync(id, application, session, cancellation);
        var plan =
            application == Blank ? null
            : of is null
                ? await session
                    .Query<Plan>()
                    .Where(p => p.CollectiveId == id)
                    .OrderByDescending(p => p.Year)
                    .FirstOrDefaultAsync(cancellation)
            : await session.LoadAsync<Plan>(of.PlanId, cancellation);
        var year = of?.Year ?? plan?.Year ?? clock.Today.Year;
        return PageRoutes.Show<PaperPage>(
            new
            {
                Form = form,
                F = new PaperFacts(
                    collective,
                    year,
                    plan,
                    application == Blank ? null : await session.LoadAsync<Fund>(StreamId.FundOf(id), cancellation),
                    of,
                    (await session.PolicyYearAsync(collective.Region, year))?.Parameters.Payee,
                    of is not null ? await LinesAsync(of, database, people, cancellation)
                        : form == "roster" && application != Blank
                            ? await MembersAsync(id, session, database, people, clock, cancellation)
                        : []
                ),
            }
        );
    }

    private static async Task<IReadOnlyList<PaperPerson>> LinesAsync(
        Application application,
        NpgsqlDataSource database,
        PersonalData people,
        CancellationToken cancellation
    ) =>
        [
            .. (
                await ApplicationEndpoints.MaskedAsync(
                    application.Lines.Where(l => !l.Status.IsOut()).OrderBy(l => l.Row),
                    database,
                    people,
                    cancellation
                )
            ).Select((l, i) => new PaperPerson(i + 1, l.Name, l.CitizenId, l.Line.TierFen, l.Line.AmountFen)),
        ];

    /// <summary>Who may be put on the list: tiers and amounts are for whoever writes it.</summary>
    private static async Task<IReadOnlyList<PaperPerson>> MembersAsync(
        string id,
        IQuerySession session,
        NpgsqlDataSource database,
        PersonalData people,
        Clock clock,
        CancellationToken cancellation
    )
    {
        var (members, _) = await MemberEndpoints.ListedAsync(
            id,
            null,
            MaxPeople,
            session,
            database,
            people,
            clock,
            cancellation
        );
        return
        [
            .. members.Where(m => !m.Died).Select((m, i) => new PaperPerson(i + 1, m.Name, m.CitizenId, null, null)),
        ];
    }
}

using Ledger.Api.Collectives;
using Ledger.Api.Commands;
using Ledger.Api.Storage;
using Ledger.Domain;
using Ledger.Domain.Applications;
using Ledger.Domain.Applications.Steps;
using Ledger.Domain.Collectives;
using Ledger.Domain.Funds;
using Ledger.Domain.Identity;
using Ledger.Domain.Members;
using Ledger.Domain.Pilots;
using Ledger.Domain.Plans;
using Ledger.Domain.Policies;

namespace Ledger.Api.Applications;

/// <summary>Reads and locks what <see cref="Approve"/> and the steps after it decide on.</summary>
public static class Approving
{
    /// <summary>What is known now of everybody on the list, for whoever looks at each line (review).</summary>
    public static async Task<(LineBasis Basis, PolicyYear Policy)> BasisAsync(
        Application application,
        Command command,
        PersonalData people
    )
    {
        var plan = (await command.ReadAsync<Plan>(application.PlanId))!;
        var collective = (await command.ReadAsync<Collective>(application.CollectiveId))!;
        var policy = await command.PolicyYearAsync(application.Region, application.Year);
        var fund = (await command.ReadAsync<Fund>(application.FundId))!;
        var basis = await LinesAsync(
            application,
            application.Lines,
            plan,
            collective,
            policy,
            fund,
            command.ReadPeopleAsync<MemberYear>,
            command,
            people
        );
        return (basis, policy);
    }

    /// <param name="years">Reads the member-years, or takes them to be changed.</param>
    private static async Task<LineBasis> LinesAsync(
        Application application,
        IReadOnlyCollection<Line> lines,
        Plan plan,
        Collective collective,
        PolicyYear policy,
        Fund fund,
        Func<IEnumerable<string>, Task<IReadOnlyDictionary<string, MemberYear>>> years,
        Command command,
        PersonalData people
    ) =>
        new(
            await Succession.LineageAsync(command.Connection, collective),
            plan.Adopted()!.Standard,
            fund.Pocket(application.SubAccount).Earmark,
            policy.AgeLimits(),
            await command.ReadPeopleAsync<Member>(lines.Select(l => l.MemberId)),
            await years(lines.Select(application.MemberYearId)),
            await people.AgesAsync(command.Connection, lines.Select(l => l.MemberId), application.Year),
            command.DamagedPeople,
            policy.Parameters.GovernmentPaidOpensSubsidy
        );

    /// <summary>
    /// Which of these years' contributions the caller has recorded or adjusted, under whatever account of his. Who did
    /// is told by the header of the event; most are the tax office's, and nobody's who decides.
    /// </summary>
    public static async Task<OwnRecords> OwnRecordsAsync(string[] years, Command command)
    {
        // Each year's few events by themselves, and never all events beside ten thousand years.
        const string Contributed = $"""
            unnest(@years) y (id)
              cross join lateral (
                  select e.stream_id, e.headers, e.data
                    from {LedgerStore.Schema}.mt_events e
                   where e.stream_id = y.id
                     and e.type in ('contribution_recorded', 'contribution_adjusted')
                  offset 0) e
            """;
        var who = await command.Connection.QueryAsync(
            $"""
            select distinct headers ->> '{EventHeaders.Actor}', headers ->> '{EventHeaders.OnBehalfOf}'
              from {Contributed}
            """,
            r => (By: r.IsDBNull(0) ? null : r.GetString(0), For: r.IsDBNull(1) ? null : r.GetString(1)),
            ("years", years)
        );
        string[] names = [.. who.SelectMany(w => (string?[])[w.By, w.For]).OfType<string>().Distinct()];
        var by = await command.ActorAmongAsync(names);
        string[] own = [.. names.Where(by.Is)];
        if (own.Length == 0)
            return OwnRecords.None;
        var records = await command.Connection.QueryAsync(
            $"""
            select stream_id, coalesce(data ->> 'of', data ->> 'reference')
              from {Contributed}
             where (headers ->> '{EventHeaders.Actor}' = any(@own)
                    or headers ->> '{EventHeaders.OnBehalfOf}' = any(@own))
            """,
            r => (Year: r.GetString(0), Reference: r.GetString(1)),
            ("years", years),
            ("own", own)
        );
        return new(
            records
                .GroupBy(r => r.Year)
                .ToDictionary(g => g.Key, g => (IReadOnlyCollection<string>)g.Select(r => r.Reference).ToHashSet())
        );
    }

    public static async Task<Answer> Approval(string id, Command command, PersonalData people)
    {
        var application = await command.LoadAsync<Application>(id);
        var plan = (await command.ReadAsync<Plan>(application.PlanId))!;
        var collective = (await command.ReadAsync<Collective>(application.CollectiveId))!;
        var pilot = await command.ReadAsync<Pilot>(StreamId.Pilot(RegionCode.County(application.Region)));
        var policy = await command.PolicyYearAsync(application.Region, application.Year);
        var fund = (await command.FindAsync<Fund>(application.FundId))!;
        var lines = application.With(LineStatus.Accepted).ToList();
        var basis = await LinesAsync(
            application,
            lines,
            plan,
            collective,
            policy,
            fund,
            command.FindPeopleAsync<MemberYear>,
            command,
            people
        );
        return command.Decided(
            application,
            Approve.Decide(
                new Approve.Basis(
                    application,
                    collective,
                    fund,
                    pilot,
                    basis,
                    policy.HighestTierFen,
                    await OwnRecordsAsync([.. lines.Select(application.MemberYearId)], command)
                ),
                await command.ActorAmongAsync(application.Handlers())
            )
        );
    }

    /// <summary>The member-years of these lines, to be changed; by id.</summary>
    public static Task<IReadOnlyDictionary<string, MemberYear>> YearsAsync(
        this Command command,
        Application application,
        IEnumerable<Line> lines
    ) => command.FindManyAsync<MemberYear>(lines.Select(application.MemberYearId));

    /// <summary>
    /// Appends what was decided of an application and answers with it, and with whom the step passed over.
    /// </summary>
    public static Answer Decided(this Command command, Application before, Decision<Application> decision)
    {
        var after = command.Append(before.Id, before, decision);
        return new Answer(ApplicationView.Of(after) with { LeftOut = decision.LeftOut }, after.Revision);
    }
}

using Ledger.Api.Commands;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Domain;
using Ledger.Domain.Collectives;
using Ledger.Domain.Identity;
using Ledger.Domain.Members;
using Ledger.Projections.Reports;
using Marten;
using Npgsql;

namespace Ledger.Api.Members;

/// <summary>
/// Nobody takes a person from a village by writing the name on a list: a second membership waits for the home village
/// or the agency, a death for a second person.
/// </summary>
public static class MemberConfirmations
{
    private static readonly string Waiting = $"""
        select id
          from {LedgerStore.Schema}.mt_doc_member
         where (data @? '$.requests.* ? (@.declined == false)'
                or data @? '$.deathReports[0]'
                or data @? '$.waiting[0]')
           and exists (select
                         from jsonb_each_text((data -> 'memberships') || (data -> 'former')) m
                        where m.value like @scope || '%')
         order by id
         limit {Scope.MaxRows}
        """;

    public static async Task<WaitingMembersView> List(
        IQuerySession session,
        NpgsqlDataSource database,
        PersonalData people,
        Caller caller,
        CancellationToken cancellation
    )
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        var ids = await connection.QueryAsync(Waiting, r => r.GetString(0), ("scope", caller.Actor.Region));
        var members = await session.LoadManyAsync<Member>(cancellation, ids.ToArray());
        var asked = members
            .SelectMany(m =>
                m.Requests.Where(r => !r.Value.Declined && MayAnswer(m, r.Value, caller))
                    .Select(r => (Member: m, Id: r.Key, Request: r.Value))
            )
            .ToList();
        // A collective may have taken its row back.
        var apart = (await session.LoadManyAsync<Member>(cancellation, asked.Select(a => a.Id).ToArray())).ToDictionary(
            m => m.Id
        );
        asked.RemoveAll(a =>
            !apart.TryGetValue(a.Id, out var row) || !row.Memberships.ContainsKey(a.Request.CollectiveId)
        );
        var reported = members
            .SelectMany(m => m.DeathReports.Select(r => (Member: m, Report: r)))
            .Where(r => Sees(r.Member, r.Report, caller))
            .ToList();
        var changing = members
            .SelectMany(m => m.Waiting.Select(w => (Member: m, Change: w)))
            .Where(w => Sees(w.Member, w.Change, caller))
            .ToList();
        var persons = await people.ReadAsync(
            connection,
            asked
                .SelectMany(a => new[] { a.Member.Id, a.Id })
                .Concat(reported.Select(r => r.Member.Id))
                .Concat(changing.Select(c => c.Member.Id))
        );
        var collectives = (
            await session.LoadManyAsync<Collective>(
                cancellation,
                asked.Select(a => a.Request.CollectiveId).Distinct().ToArray()
            )
        ).ToDictionary(c => c.Id);
        return new WaitingMembersView(
            [
                .. asked.Select(a => new MembershipRequestView(
                    a.Member.Id,
                    a.Id,
                    a.Request.CollectiveId,
                    collectives[a.Request.CollectiveId].Name,
                    a.Request.VillageCode,
                    Name(persons, a.Member.Id),
                    Number(persons, a.Member.Id),
                    SameName(persons, a.Member.Id, a.Id),
                    a.Request.RequestedBy
                )),
            ],
            [.. reported.Select(r => View(r.Member.Id, r.Report, persons))],
            [.. changing.Select(c => View(c.Member.Id, c.Change, persons))]
        );
    }

    private static string Name(IReadOnlyDictionary<string, Person> persons, string id) =>
        persons.GetValueOrDefault(id)?.MaskedName ?? MemberEndpoints.Erased;

    private static string Number(IReadOnlyDictionary<string, Person> persons, string id) =>
        persons.GetValueOrDefault(id)?.MaskedCitizenId ?? MemberEndpoints.Erased;

    private static DeathReportView View(string id, DeathReport report, IReadOnlyDictionary<string, Person> persons) =>
        new(
            id,
            report.CollectiveId,
            Name(persons, id),
            Number(persons, id),
            report.On,
            report.ReportedBy,
            report.Evidence
        );

    private static MemberChangeView View(
        string id,
        WaitingChange change,
        IReadOnlyDictionary<string, Person> persons
    ) =>
        new(
            id,
            change.Id,
            change.Change,
            change.CollectiveId,
            Name(persons, id),
            Number(persons, id),
            change.Change == MemberChange.Name && persons.GetValueOrDefault(id)?.AskedName is { } asked
                ? Person.Mask(asked)
                : null,
            change.Reason,
            change.RequestedBy,
            change.Evidence
        );

    public static async Task<Answer> Confirm(
        string id,
        string requestId,
        Command command,
        Caller caller,
        PersonalData people
    )
    {
        var (known, apart) = await LoadAsync(id, requestId, command, caller);
        var persons = await people.ReadAsync(command.Connection, [id, requestId]);
        return Settle(
            known,
            MemberDecider.Confirm(
                known,
                apart,
                SameName(persons, id, requestId),
                await command.ActorAmongAsync([known.Requests[requestId].RequestedBy])
            ),
            command,
            caller
        );
    }

    public static async Task<Answer> Decline(
        string id,
        string requestId,
        ReasonBody body,
        Command command,
        Caller caller
    )
    {
        var (known, apart) = await LoadAsync(id, requestId, command, caller);
        return Settle(
            known,
            MemberDecider.Decline(
                known,
                apart,
                Require.Prose(body.Reason, "reason", 200),
                command.Today,
                await command.ActorAmongAsync([known.Requests[requestId].RequestedBy])
            ),
            command,
            caller
        );
    }

    private static async Task<(Member Known, Member Apart)> LoadAsync(
        string id,
        string requestId,
        Command command,
        Caller caller
    )
    {
        var both = await command.FindManyAsync<Member>([id, requestId]);
        if (
            !both.TryGetValue(id, out var known)
            || !known.Requests.TryGetValue(requestId, out var request)
            || !MayAnswer(known, request, caller)
        )
            throw Require.NotFound(id);
        command.RequireMatch(known);
        command.Region = known.Region;
        command.BelongsTo(requestId, request.VillageCode); // whoever asked learns the answer
        return (known, both[requestId]);
    }

    private static Answer Settle(Member known, Decision<Member> decision, Command command, Caller caller)
    {
        known = command.Append(known.Id, known, decision);
        return new Answer(MemberStateView.Of(known, caller), known.Revision);
    }

    private static bool SameName(IReadOnlyDictionary<string, Person> persons, string one, string other) =>
        persons.TryGetValue(one, out var a)
        && persons.TryGetValue(other, out var b)
        && PersonName.IsSame(a.Name, b.Name)
        && a.CitizenId == b.CitizenId;

    /// <summary>
    /// The agency that looks after one of the person's villages; or one of them that is not the village that asks.
    /// </summary>
    private static bool MayAnswer(Member known, MembershipRequest request, Caller caller) =>
        caller.Actor.Role == Roles.Agency
            ? MemberEndpoints.MaySee(caller, known)
            : !caller.MaySee(request.VillageCode)
                && (known.Memberships.Count > 0 ? known.Memberships : known.Former).Values.Any(caller.MaySee);

    /// <summary>
    /// Who may confirm it or decline it: the agency, whoever looks after all of the person, the village for which it
    /// was asked.
    /// </summary>
    public static bool Sees(Member member, WaitingChange change, Caller caller)
    {
        var over = MemberCorrections.OversightOf(caller);
        return over.MayDecide(member) || over.MaySpeakFor(member, change.CollectiveId);
    }

    private static bool Sees(Member member, DeathReport report, Caller caller) =>
        caller.Actor.Role == Roles.Agency
        || member.Homes().Any(h => h.Key == report.CollectiveId && caller.MaySee(h.Value));
}

using Ledger.Api.Commands;
using Ledger.Api.Storage;
using Ledger.Domain.Identity;
using Ledger.Domain.Members;

namespace Ledger.Api.Members;

/// <summary>
/// The people of a list as one collective knows them. Whom only others know is nobody here: no id, no name, no fault of
/// his own.
/// </summary>
public static class OwnMembers
{
    /// <param name="collectives">The collective and those that went up in it.</param>
    /// <returns>Member ids by citizen id: members now or before, and what the collective handed in that waits; and
    /// those members, locked for reading.</returns>
    public static async Task<(
        IReadOnlyDictionary<CitizenId, string> Ids,
        IReadOnlyDictionary<string, Member> Members
    )> FindAsync(
        IReadOnlyCollection<string> collectives,
        IReadOnlyCollection<CitizenId> citizens,
        Command command,
        PersonalData people
    )
    {
        var known = await people.FindAsync(command.Connection, citizens);
        var apart = new Dictionary<CitizenId, string>();
        foreach (var collective in collectives)
        foreach (
            var (citizen, record) in await people.FindAsync(
                command.Connection,
                citizens,
                PersonalData.OfCollective(collective)
            )
        )
            apart.TryAdd(citizen, record);
        var members = await command.ReadPeopleAsync<Member>(known.Values.Concat(apart.Values));
        // Nothing can be told of whose record is damaged; that he is theirs, the document beside it says.
        var damaged =
            command.DamagedPeople.Count == 0
                ? []
                : await command.Connection.QueryAsync(
                    $"""
                    select id
                      from {LedgerStore.Schema}.mt_doc_member
                     where id = any(@ids)
                       and data -> 'memberships' ?| @collectives
                    """,
                    r => r.GetString(0),
                    ("ids", command.DamagedPeople.Keys.ToArray()),
                    ("collectives", collectives.ToArray())
                );
        var ids = new Dictionary<CitizenId, string>();
        foreach (var citizen in citizens.Distinct())
        {
            if (
                known.TryGetValue(citizen, out var id)
                && (
                    damaged.Contains(id)
                    || members.TryGetValue(id, out var member) && member.Homes().Any(h => collectives.Contains(h.Key))
                )
            )
                ids[citizen] = id;
            else if (apart.TryGetValue(citizen, out var record) && members.ContainsKey(record))
                ids[citizen] = record;
        }
        return (ids, ids.Values.Distinct().Where(members.ContainsKey).ToDictionary(i => i, i => members[i]));
    }
}

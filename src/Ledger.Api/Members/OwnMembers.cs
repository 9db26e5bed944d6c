using Ledger.Api.Commands;
using Ledger.Api.Storage;
using Ledger.Domain.Identity;
using Ledger.Domain.Members;

namespace Ledger.Api.Members;

/// <summary>The people of a list as one collective knows them. Whom only others know is nobody here: no id, no name, no fault of his own.</summary>
public static class OwnMembers
{
    /// <param name="collectives">The collective and those that went up in it.</param>
    /// <returns>Member ids by citizen id: members now or before, and what the collective handed in that waits; and those members, locked for reading.</returns>
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
        var members = await command.ReadManyAsync<Member>(known.Values.Concat(apart.Values));
        var ids = new Dictionary<CitizenId, string>();
        foreach (var citizen in citizens.Distinct())
        {
            if (
                known.TryGetValue(citizen, out var id)
                && members.TryGetValue(id, out var member)
                && member.Homes().Any(h => collectives.Contains(h.Key))
            )
                ids[citizen] = id;
            else if (apart.TryGetValue(citizen, out var record) && members.ContainsKey(record))
                ids[citizen] = record;
        }
        return (ids, ids.Values.Distinct().ToDictionary(i => i, i => members[i]));
    }
}

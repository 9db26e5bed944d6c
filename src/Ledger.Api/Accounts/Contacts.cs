using Ledger.Api.Storage;
using Ledger.Domain.Accounts;
using Ledger.Domain.Identity;
using Ledger.Web;
using Marten;
using Npgsql;

namespace Ledger.Api.Accounts;

/// <summary>The people behind the accounts, for whoever has to ask one of them.</summary>
public sealed class Contacts(IQuerySession session, NpgsqlDataSource database, PersonalData people) : IContacts
{
    private const int Few = 3;

    public async Task<IReadOnlyList<string>> OfAsync(string role, string region)
    {
        // Whose scope the region lies in; a wider region has none of its own.
        string[] around =
        [
            .. new[] { RegionCode.CityLength, RegionCode.CountyLength, RegionCode.TownshipLength, RegionCode.VillageLength }
                .Where(length => length <= region.Length)
                .Select(length => region[..length]),
        ];
        var found = await session
            .Query<Account>()
            .Where(a => a.Role == role && !a.IsClosed && !a.IsRequested && a.Region.In(around))
            .Take(20)
            .ToListAsync();
        if (found.Count == 0)
            found = await session
                .Query<Account>()
                .Where(a => a.Role == role && !a.IsClosed && !a.IsRequested && a.Region.StartsWith(region))
                .Take(Few)
                .ToListAsync();
        var nearest = found.OrderByDescending(a => a.Region.Length).ThenBy(a => a.Name).Take(Few).ToList();
        if (nearest.Count == 0)
            return [];
        await using var connection = await database.OpenConnectionAsync();
        var persons = await people.ReadAsync(connection, nearest.Select(a => a.Id));
        return [.. nearest.Select(a => persons.GetValueOrDefault(a.Id)?.Name ?? a.Name)];
    }
}

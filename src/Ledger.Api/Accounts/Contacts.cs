using System.Collections.Concurrent;
using Ledger.Api.Storage;
using Ledger.Domain.Accounts;
using Ledger.Domain.Collectives;
using Ledger.Domain.Identity;
using Ledger.Web;
using Marten;
using Npgsql;

namespace Ledger.Api.Accounts;

/// <summary>
/// Names that pages show again and again, for a minute each: the people of accounts, the collectives of villages.
/// </summary>
public sealed class ShownNames(TimeProvider time)
{
    private static readonly TimeSpan Fresh = TimeSpan.FromMinutes(1);
    private const int Most = 5_000;
    private readonly ConcurrentDictionary<string, (string? Name, DateTimeOffset Until)> _known = [];

    public async Task<string?> OfAsync(string id, Func<Task<string?>> read)
    {
        var now = time.GetUtcNow();
        if (_known.TryGetValue(id, out var known) && now < known.Until && known.Until - now <= Fresh)
            return known.Name;
        if (_known.Count > Most)
            _known.Clear();
        var name = await read();
        _known[id] = (name, now + Fresh);
        return name;
    }
}

/// <summary>The people behind the accounts, and the collectives behind the codes of villages.</summary>
public sealed class Contacts(IQuerySession session, NpgsqlDataSource database, PersonalData people, ShownNames names)
    : IContacts
{
    private const int Few = 3;

    public Task<string?> NameOfAsync(string account) =>
        names.OfAsync(
            StreamId.Account(account),
            async () =>
            {
                var id = StreamId.Account(account);
                await using var connection = await database.OpenConnectionAsync();
                return (await people.ReadAsync(connection, [id])).GetValueOrDefault(id)?.Name;
            }
        );

    public async Task<string?> PlaceOfAsync(string region) =>
        region.Length != RegionCode.VillageLength
            ? null
            : await names.OfAsync(
                region,
                async () =>
                    await session
                        .Query<Collective>()
                        .Where(c => c.Region == region && c.MergedInto == null && c.DissolvedOn == null)
                        .OrderBy(c => c.Id)
                        .Select(c => c.Name)
                        .FirstOrDefaultAsync()
            );

    public async Task<IReadOnlyList<string>> OfAsync(string role, string region)
    {
        // Whose scope the region lies in; a wider region has none of its own.
        string[] around =
        [
            .. new[]
            {
                RegionCode.CityLength,
                RegionCode.CountyLength,
                RegionCode.TownshipLength,
                RegionCode.VillageLength,
            }
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

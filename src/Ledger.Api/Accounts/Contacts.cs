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
    private readonly ConcurrentDictionary<string, (object? What, DateTimeOffset Until)> _known = [];

    public async Task<T> OfAsync<T>(string id, Func<Task<T>> read)
    {
        var now = time.GetUtcNow();
        if (_known.TryGetValue(id, out var known) && now < known.Until && known.Until - now <= Fresh)
            return (T)known.What!;
        if (_known.Count > Most)
            _known.Clear();
        var what = await read();
        _known[id] = (what, now + Fresh);
        return what;
    }
}

/// <summary>The people behind the accounts, and the collectives behind the codes of villages.</summary>
public sealed class Contacts(IQuerySession session, NpgsqlDataSource database, PersonalData people, ShownNames names)
    : IContacts
{
    private const int Few = 3,
        Most = 20;

    public Task<string?> NameOfAsync(string account) =>
        names.OfAsync(
            StreamId.Account(account),
            async () => (await NamesAsync([StreamId.Account(account)])).GetValueOrDefault(StreamId.Account(account))
        );

    /// <summary>Of a county all at once: a list shows many of its villages.</summary>
    public async Task<string?> PlaceOfAsync(string region)
    {
        if (region.Length != RegionCode.VillageLength)
            return null;
        return (await PlacesAsync(RegionCode.County(region))).GetValueOrDefault(region);
    }

    /// <summary>Of more than a county too many to choose from.</summary>
    public async Task<IReadOnlyList<string>> VillagesAsync(string region) =>
        region.Length < RegionCode.CountyLength
            ? []
            :
            [
                .. (await PlacesAsync(RegionCode.County(region)))
                    .Where(p => p.Key.StartsWith(region, StringComparison.Ordinal))
                    .Select(p => p.Value)
                    .Order(StringComparer.Ordinal)
                    .Take(MaxVillages),
            ];

    private const int MaxVillages = 500;

    private Task<IReadOnlyDictionary<string, string>> PlacesAsync(string county) =>
        names.OfAsync(
            $"places {county}",
            async () =>
                (IReadOnlyDictionary<string, string>)
                    (
                        await session
                            .Query<Collective>()
                            .Where(c => c.Region.StartsWith(county) && c.MergedInto == null && c.DissolvedOn == null)
                            .Select(c => new { c.Region, c.Name })
                            .ToListAsync()
                    )
                        .GroupBy(c => c.Region)
                        .ToDictionary(
                            c => c.Key,
                            c => string.Join('、', c.Select(x => x.Name).Order(StringComparer.Ordinal))
                        )
        );

    /// <summary>What somebody wrote into a person's record is no name: the account stands there then.</summary>
    private async Task<IReadOnlyDictionary<string, string>> NamesAsync(IReadOnlyList<string> ids)
    {
        try
        {
            await using var connection = await database.OpenConnectionAsync();
            return (await people.ReadAsync(connection, ids)).ToDictionary(p => p.Key, p => p.Value.Name);
        }
        catch (RefusedException)
        {
            return new Dictionary<string, string>();
        }
    }

    public async Task<IReadOnlyList<string>> OfAsync(string role, string region) =>
        [.. (await AccountsOfAsync([role], region)).Take(Few).Select(a => a.Name ?? a.Account)];

    /// <summary>Whose scope the region lies in; of a wide region, where there is none, those within.</summary>
    public async Task<IReadOnlyList<(string Account, string? Name)>> AccountsOfAsync(
        IReadOnlyList<string> roles,
        string region
    )
    {
        var (wanted, around) = (roles.ToArray(), RegionCode.Scopes(region));
        var open = session.Query<Account>().Where(a => a.Role.In(wanted) && !a.IsClosed && !a.IsRequested);
        var found = await open.Where(a => a.Region.In(around)).Take(Most).ToListAsync();
        if (found.Count == 0)
            found = await open.Where(a => a.Region.StartsWith(region)).OrderBy(a => a.Id).Take(Most).ToListAsync();
        var nearest = found.OrderByDescending(a => a.Region.Length).ThenBy(a => a.Name).ToList();
        if (nearest.Count == 0)
            return [];
        var persons = await NamesAsync([.. nearest.Select(a => a.Id)]);
        return [.. nearest.Select(a => (a.Name, persons.GetValueOrDefault(a.Id)))];
    }
}

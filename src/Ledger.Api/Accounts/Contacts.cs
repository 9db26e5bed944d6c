using System.Collections.Concurrent;
using Ledger.Api.Storage;
using Ledger.Domain.Accounts;
using Ledger.Domain.Collectives;
using Ledger.Domain.Identity;
using Ledger.Domain.Profiles;
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

    /// <summary>It was read together with something else.</summary>
    public void Know(string id, object? what) => _known[id] = (what, time.GetUtcNow() + Fresh);

    /// <summary>Somebody said something else just now, on this node.</summary>
    public void Forget(string id) => _known.TryRemove(id, out _);

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
        Most = 20,
        MostRead = 5_000,
        MostOffered = 300; // more than these nobody looks through, and the page would grow

    public async Task<string?> NameOfAsync(string account) => (await CardOfAsync(account))?.Name;

    public Task<PersonCard?> CardOfAsync(string account) =>
        names.OfAsync(
            StreamId.Account(account),
            async () =>
                (await PersonsAsync([StreamId.Account(account)])).Values.SingleOrDefault() is { } person
                    ? new PersonCard(
                        person.Name,
                        (await session.LoadAsync<Account>(StreamId.Account(account)))?.Unit,
                        person.Phone
                    )
                    : null
        );

    public Task<IReadOnlyList<(string Account, string Name)>> StaffAsync(string region) =>
        names.OfAsync(
            $"staff {region}",
            async () => await Around(region).CountAsync() < MostOffered ? await ReadStaffAsync(region) : []
        );

    public async Task<IReadOnlyList<string>> CalledAsync(string region, string name) =>
        [
            .. (await names.OfAsync($"all staff {region}", () => ReadStaffAsync(region)))
                .Where(p => p.Name == name)
                .Select(p => p.Account),
        ];

    private IQueryable<Account> Around(string region) =>
        session.Query<Account>().Where(a => a.Region.StartsWith(region));

    private async Task<IReadOnlyList<(string Account, string Name)>> ReadStaffAsync(string region)
    {
        var staff = await Around(region).OrderBy(a => a.Id).Take(MostRead).ToListAsync();
        var persons = await PersonsAsync([.. staff.Select(a => a.Id)]);
        return [.. staff.Where(a => persons.ContainsKey(a.Id)).Select(a => (a.Name, persons[a.Id].Name))];
    }

    public Task<IReadOnlyList<(string Region, string Name)>> PlacesAsync(string region) =>
        names.OfAsync($"offered {region}", () => ReadPlacesAsync(region));

    private async Task<IReadOnlyList<(string Region, string Name)>> ReadPlacesAsync(string region)
    {
        var places = await Standing(region)
            .OrderBy(c => c.Region)
            .Take(MostOffered)
            .Select(c => new { c.Region, c.Name })
            .ToListAsync();
        return places.Count == MostOffered ? [] : [.. places.Select(c => (c.Region, c.Name))];
    }

    public async Task<IReadOnlyList<(string Region, string Name)>> RegionsAsync(string region) =>
        region.Length < RegionCode.CityLength
            ? []
            :
            [
                .. (await RegionNamesAsync(region))
                    .Where(r => r.Key.StartsWith(region, StringComparison.Ordinal))
                    .OrderBy(r => r.Key, StringComparer.Ordinal)
                    .Select(r => (r.Key, r.Value)),
            ];

    /// <summary>Under which key the names of a city's regions are kept.</summary>
    public static string RegionsKey(string region) =>
        $"regions {region[..Math.Min(region.Length, RegionCode.CityLength)]}";

    /// <summary>
    /// What a city, a county or a township is called, as an administrator has written: the nearest one's word counts.
    /// </summary>
    private async Task<IReadOnlyDictionary<string, string>> RegionNamesAsync(string region)
    {
        var scopes = RegionCode.Scopes(region[..RegionCode.CityLength]);
        var city = region[..RegionCode.CityLength];
        return await names.OfAsync(
            RegionsKey(region),
            async () =>
                (IReadOnlyDictionary<string, string>)
                    (
                        await session
                            .Query<AgencyProfile>()
                            .Where(p => p.Name == AgencyProfileDecider.RegionNames)
                            .Where(p => p.Region.StartsWith(city) || p.Region.In(scopes))
                            .ToListAsync()
                    )
                        .OrderBy(p => p.Region.Length)
                        .SelectMany(p => p.Regions)
                        .GroupBy(r => r.Code)
                        .ToDictionary(r => r.Key, r => r.Last().Name)
        );
    }

    /// <summary>Of a county all at once: a list shows many of its villages.</summary>
    public async Task<string?> PlaceOfAsync(string region)
    {
        if (region.Length != RegionCode.VillageLength)
            return region.Length < RegionCode.CityLength
                ? null
                : (await RegionNamesAsync(region)).GetValueOrDefault(region);
        return (await CountyAsync(RegionCode.County(region))).GetValueOrDefault(region);
    }

    private IQueryable<Collective> Standing(string scope) =>
        session
            .Query<Collective>()
            .Where(c => c.Region.StartsWith(scope) && c.MergedInto == null && c.DissolvedOn == null);

    private Task<IReadOnlyDictionary<string, string>> CountyAsync(string county) =>
        names.OfAsync(
            $"places {county}",
            async () =>
                (IReadOnlyDictionary<string, string>)
                    (await Standing(county).Select(c => new { c.Region, c.Name }).ToListAsync())
                        .GroupBy(c => c.Region)
                        .ToDictionary(
                            c => c.Key,
                            c => string.Join('、', c.Select(x => x.Name).Order(StringComparer.Ordinal))
                        )
        );

    /// <summary>What somebody wrote into a person's record is no name: the account stands there then.</summary>
    private async Task<IReadOnlyDictionary<string, Person>> PersonsAsync(IReadOnlyList<string> ids)
    {
        try
        {
            await using var connection = await database.OpenConnectionAsync();
            return await people.ReadAsync(connection, ids);
        }
        catch (RefusedException)
        {
            return new Dictionary<string, Person>();
        }
    }

    /// <summary>With the telephone, where it is known: whoever is told whom to ask can call.</summary>
    public async Task<IReadOnlyList<string>> OfAsync(string role, string region)
    {
        var told = new List<string>();
        foreach (var (account, name) in (await AccountsOfAsync([role], region)).Take(Few))
            told.Add(
                await CardOfAsync(account) is { Phone: { } phone } card ? $"{card.Name} {phone}" : name ?? account
            );
        return told;
    }

    /// <summary>Of this request: the forms of one page ask for the same people again and again.</summary>
    private readonly Dictionary<string, Task<IReadOnlyList<(string Account, string? Name)>>> _asked = [];

    public Task<IReadOnlyList<(string Account, string? Name)>> AccountsOfAsync(
        IReadOnlyList<string> roles,
        string region
    )
    {
        var key = $"{string.Join(' ', roles)} {region}";
        return _asked.TryGetValue(key, out var known) ? known : _asked[key] = ReadAccountsAsync(roles, region);
    }

    /// <summary>Whose scope the region lies in; of a wide region, where there is none, those within.</summary>
    private async Task<IReadOnlyList<(string Account, string? Name)>> ReadAccountsAsync(
        IReadOnlyList<string> roles,
        string region
    )
    {
        var (wanted, around) = (roles.ToArray(), RegionCode.Scopes(region));
        var open = session.Query<Account>().Where(a => a.Role.In(wanted) && !a.IsClosed && !a.IsRequested);
        var found = await open.Where(a => a.Region.In(around)).Take(Most).ToListAsync();
        if (found.Count == 0 && region.Length < RegionCode.VillageLength) // within a village there is nobody else
            found = await open.Where(a => a.Region.StartsWith(region)).OrderBy(a => a.Id).Take(Most).ToListAsync();
        var nearest = found.OrderByDescending(a => a.Region.Length).ThenBy(a => a.Name).ToList();
        if (nearest.Count == 0)
            return [];
        var persons = await PersonsAsync([.. nearest.Select(a => a.Id)]);
        foreach (var a in nearest)
            names.Know(
                a.Id,
                persons.GetValueOrDefault(a.Id) is { } person ? new PersonCard(person.Name, a.Unit, person.Phone) : null
            );
        return [.. nearest.Select(a => (a.Name, persons.GetValueOrDefault(a.Id)?.Name))];
    }
}

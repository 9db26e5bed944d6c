using Ledger.Api.Accounts;
using Ledger.Domain;
using Ledger.Domain.Identity;
using Ledger.Web;

namespace Ledger.Api.Sample;

/// <summary>
/// The sample's offices sign in by a choice and have no accounts: who they are is made up here, the same each time.
/// </summary>
public sealed class SampleContacts(Contacts real) : IContacts
{
    private static readonly IReadOnlyDictionary<string, PersonCard> Cards = SampleStory.Cast.ToDictionary(
        c => c.Actor.Id,
        c => new PersonCard(
            NameOf(c.Actor.Id),
            UnitOf(c.Title, c.Actor),
            $"0537-22100{Math.Abs(Seed(c.Actor.Id) % 90) + 10}"
        )
    );

    public async Task<IReadOnlyList<string>> OfAsync(string role, string region) =>
        await real.OfAsync(role, region) is { Count: > 0 } known
            ? known
            : [.. Offices([role], region).Select(a => $"{Cards[a].Name} {Cards[a].Phone}")];

    public async Task<IReadOnlyList<(string Account, string? Name)>> AccountsOfAsync(
        IReadOnlyList<string> roles,
        string region
    ) =>
        await real.AccountsOfAsync(roles, region) is { Count: > 0 } known
            ? known
            : [.. Offices(roles, region).Select(a => (a, (string?)Cards[a].Name))];

    public async Task<string?> NameOfAsync(string account) => (await CardOfAsync(account))?.Name;

    public async Task<PersonCard?> CardOfAsync(string account) =>
        await real.CardOfAsync(account)
        ?? Cards.GetValueOrDefault(account)
        ?? (account.Contains(".370", StringComparison.Ordinal) ? new PersonCard(NameOf(account), null, null) : null);

    public async Task<IReadOnlyList<(string Account, string Name)>> StaffAsync(string region) =>
        [.. await real.StaffAsync(region), .. CastOf(region).Select(account => (account, Cards[account].Name))];

    public async Task<IReadOnlyList<string>> CalledAsync(string region, string name) =>
        [
            .. await real.CalledAsync(region, name),
            .. CastOf(region)
                .Concat((await PlacesAsync(region)).Select(p => SampleOffices.OfficerOf(p.Region).Id))
                .Distinct()
                .Where(account => (Cards.GetValueOrDefault(account)?.Name ?? NameOf(account)) == name),
        ];

    private static IEnumerable<string> CastOf(string region) =>
        SampleStory
            .Cast.Where(c => c.Actor.Region.StartsWith(region, StringComparison.Ordinal))
            .Select(c => c.Actor.Id);

    public Task<IReadOnlyList<(string Region, string Name)>> PlacesAsync(string region) => real.PlacesAsync(region);

    public Task<IReadOnlyList<(string Region, string Name)>> RegionsAsync(string region) => real.RegionsAsync(region);

    public Task<string?> PlaceOfAsync(string region) => real.PlaceOfAsync(region);

    private static IEnumerable<string> Offices(IReadOnlyList<string> roles, string region)
    {
        var around = RegionCode.Scopes(region);
        return SampleStory
            .Cast.Select(c => c.Actor)
            .Where(a => roles.Contains(a.Role))
            .Where(a => around.Contains(a.Region) || a.Region.StartsWith(region, StringComparison.Ordinal))
            .OrderByDescending(a => a.Region.Length)
            .Select(a => a.Id)
            .Take(3);
    }

    private static string UnitOf(string title, Actor actor) =>
        actor.Role switch
        {
            Roles.Agency => "任城区社会保险经办中心",
            Roles.Township => $"{title[3..^1]}人民政府",
            Roles.VillageFinance or Roles.SupervisionCommittee => "喻屯镇前屯村",
            _ => $"{(actor.Region.Length == 4 ? "济宁市" : "任城区")}{title.Split(' ')[0].TrimStart('县', '市')}局",
        };

    private static string NameOf(string account) => new SamplePeople(Seed(account)).Next(SampleStory.County).Name;

    private static int Seed(string account) => account.Aggregate(31, (sum, c) => unchecked(sum * 31 + c));
}

using System.Text.Json;
using Ledger.Api.Storage;
using Ledger.Domain.Accounts;
using Ledger.Domain.Identity;
using Ledger.Projections.Search;
using Microsoft.Extensions.DependencyInjection;

namespace Ledger.Api.Tests;

/// <summary>One question to all that somebody may see, and to nothing else.</summary>
[Collection("api")]
public sealed class SearchTests(ApiFixture api)
{
    private static Task<SearchView> FindAsync(SampleClient who, string q) =>
        who.GetAsync<SearchView>($"/api/search?q={Uri.EscapeDataString(q)}");

    private static Task<SearchView> WholeAsync(SampleClient who, string q) =>
        who.PostAsync<SearchView>("/api/search", new { q });

    private static IReadOnlyList<SearchHit> Of(SearchView view, SearchKind kind) =>
        view.Groups.SingleOrDefault(g => g.Kind == kind)?.Hits ?? [];

    private static string Four(SamplePerson person) => person.CitizenId[^4..];

    private async Task<SampleVillage> PaidAsync()
    {
        var (village, people) = await api.ReadyToFileAsync(2, subsidy: 317.25m, money: 4321.09m);
        await village.FileAsync(people);
        await village.ReviewAsync();
        await village.ApproveAsync();
        await village.NoticeAsync();
        api.Clock.Advance(TimeSpan.FromDays(8));
        await village.SignPaymentAsync();
        await village.PayAsync(634.50m);
        return village;
    }

    [Fact]
    public async Task A_person_is_found_by_name_four_digits_and_whole_id_in_the_caller_s_region_and_nowhere_else()
    {
        var (village, people) = await api.ReadyToFileAsync(2);
        var person = people[0] with { Name = "欧阳寻得着" };
        await village.Officer.PostAsync(
            "/api/members",
            new
            {
                collectiveId = village.CollectiveId,
                name = person.Name,
                citizenId = new SamplePeople(20261128).Next(village.Offices.County).CitizenId,
            }
        );
        person = person with { CitizenId = new SamplePeople(20261128).Next(village.Offices.County).CitizenId };
        var (offices, masked) = (village.Offices, person.CitizenId[..4] + "**********" + Four(person));
        foreach (
            var who in new[] { village.Officer, village.Committee, village.Township, offices.Reviewer, offices.Auditor }
        )
        foreach (
            var view in new[]
            {
                await FindAsync(who, "欧阳 寻得着"),
                await FindAsync(who, Four(person)),
                await WholeAsync(who, $"{person.CitizenId[..6]} {person.CitizenId[6..]}"),
            }
        )
        {
            var hit = Assert.Single(
                Of(view, SearchKind.Person),
                h => h.Detail!.StartsWith(masked, StringComparison.Ordinal)
            );
            Assert.Equal("欧" + new string('*', 4), hit.Title);
            Assert.StartsWith("/members/member-", hit.Href, StringComparison.Ordinal);
        }
        // By its page, too; and what it leads to is there.
        var found = Of(await WholeAsync(village.Officer, person.CitizenId), SearchKind.Person)[0].Href;
        var member = found.Split('/')[2];
        Assert.Equal(found, Of(await FindAsync(offices.Auditor, member), SearchKind.Person).Single().Href);

        var neighbour = await api.RegisteredAsync(offices);
        var foreign = api.NewOffices();
        foreach (var who in new[] { neighbour.Officer, foreign.Reviewer, foreign.Auditor })
        foreach (
            var view in new[]
            {
                await FindAsync(who, person.Name),
                await FindAsync(who, Four(person)),
                await WholeAsync(who, person.CitizenId),
                await FindAsync(who, member),
            }
        )
            Assert.Empty(Of(view, SearchKind.Person));
        // Roles that read no members find none; a part of a name finds nobody.
        foreach (var who in new[] { offices.Tax, offices.Agriculture })
            Assert.Empty(Of(await WholeAsync(who, person.CitizenId), SearchKind.Person));
        Assert.Empty((await FindAsync(village.Officer, "欧阳寻")).Groups);
        // Nobody known and somebody's are the same answer.
        var nobody = new SamplePeople(99887766).Next(offices.County).CitizenId;
        Assert.Equal(
            JsonSerializer.Serialize(await WholeAsync(foreign.Auditor, nobody)),
            JsonSerializer.Serialize(await WholeAsync(foreign.Auditor, person.CitizenId))
        );
    }

    [Fact]
    public async Task A_whole_citizen_id_stands_in_no_address_and_nothing_of_the_question_is_kept()
    {
        var village = await api.RegisteredAsync();
        var id = new SamplePeople(31).Next(village.Offices.County).CitizenId;
        foreach (var typed in new[] { id, $" {id[..6]}-{id[6..]}" })
        {
            var refused = await api.Host.RefusedAsync(
                "field-invalid",
                village.Officer,
                HttpMethod.Get,
                $"/api/search?q={Uri.EscapeDataString(typed)}"
            );
            Assert.Equal("q", refused.Field);
            Assert.DoesNotContain(id, refused.Detail);
        }
        await WholeAsync(village.Officer, id);
        Assert.Equal(
            0,
            await api.ScalarAsync<long>(
                "select count(*) from ledger.idempotency where actor = @actor and command like 'search%'",
                ("actor", village.Officer.Actor.Id)
            )
        );
        foreach (var q in new[] { "", " ", new string('1', 101) })
            await api.Host.RefusedAsync("field-invalid", village.Officer, HttpMethod.Post, "/api/search", new { q });
    }

    [Fact]
    public async Task Money_is_found_by_the_bank_s_number_the_amount_and_a_receipt_and_leads_to_its_voucher()
    {
        var village = await PaidAsync();
        var offices = village.Offices;
        var sent = (
            await offices.Auditor.GetAsync<AuditPage>($"/api/audit/events?id={village.FundId}&type=funds_paid")
        ).Entries.Single();
        var reference = sent.Body.GetProperty("bankReference").GetString()!;
        var neighbour = await api.RegisteredAsync(offices);
        var foreign = api.NewOffices();
        foreach (var q in new[] { reference.ToLowerInvariant(), "￥634.5", "634.50" })
        {
            foreach (var who in new[] { village.Officer, offices.Auditor, offices.Tax, offices.CityHrss })
            {
                var hit = Assert.Single(
                    Of(await FindAsync(who, q), SearchKind.FundEntry),
                    h => h.Href == $"/funds/{village.FundId}/vouchers/{sent.Sequence}"
                );
                Assert.Equal(("funds_paid", 634.50m), (hit.What, hit.Amount!.Value.Yuan));
            }
            foreach (var who in new[] { neighbour.Officer, foreign.Auditor })
                Assert.Empty(Of(await FindAsync(who, q), SearchKind.FundEntry));
        }
        var voucher = Of(await FindAsync(village.Officer, "记-001"), SearchKind.FundEntry);
        Assert.All(
            voucher,
            h => Assert.StartsWith($"/funds/{village.FundId}/vouchers/", h.Href, StringComparison.Ordinal)
        );
        Assert.NotEmpty(voucher);
        // What the tax office has given a number, of whom it is.
        var paid = await api.ScalarAsync<string>(
            """
            select data ->> 'reference' from ledger.mt_events
             where type = 'contribution_recorded' and headers ->> 'region' like @county || '%' order by seq_id limit 1
            """,
            ("county", offices.County)
        );
        var own = Of(await FindAsync(village.Officer, paid), SearchKind.Receipt);
        Assert.Contains(
            own,
            h => h.What == "contribution_recorded" && h.Href.StartsWith("/members/", StringComparison.Ordinal)
        );
        Assert.Empty(Of(await FindAsync(foreign.Auditor, paid), SearchKind.Receipt));

        var application = village.ApplicationId;
        foreach (var q in new[] { application, application[..30], application["application-".Length..][..14] })
            Assert.Contains(
                Of(await FindAsync(offices.Reviewer, q), SearchKind.Application),
                h => h.Href == $"/applications/{application}" && h.What == "paid"
            );
        Assert.Empty((await FindAsync(foreign.Reviewer, application)).Groups);
        Assert.Empty((await FindAsync(neighbour.Officer, application)).Groups);

        var numbered = Of(await FindAsync(offices.Auditor, $"#{sent.Sequence}"), SearchKind.Event).Single();
        Assert.Equal(("funds_paid", village.FundId), (numbered.What, numbered.Detail));
        Assert.Empty((await FindAsync(foreign.Auditor, $"#{sent.Sequence}")).Groups);
        Assert.Empty((await FindAsync(offices.Tax, $"#{sent.Sequence}")).Groups);
        Assert.Equal(
            "/audit?since=2026-03-05&until=2026-03-05",
            Of(await FindAsync(offices.Auditor, "2026年3月5日"), SearchKind.Day).Single().Href
        );
    }

    [Fact]
    public async Task Collectives_funds_donors_and_officers_are_found_by_name_code_and_id()
    {
        var village = await api.RegisteredAsync();
        var offices = village.Offices;
        var donor = await village.CharityAsync();
        var collective = await village.Officer.GetAsync($"/api/collectives/{village.CollectiveId}");
        var (name, code) = (collective.GetProperty("name").GetString()!, village.CollectiveId["collective-".Length..]);
        var foreign = api.NewOffices();
        foreach (
            var q in new[] { name, name[..^3], code.ToLowerInvariant(), village.VillageCode, village.CollectiveId }
        )
        {
            Assert.Contains(
                Of(await FindAsync(offices.Tax, q), SearchKind.Collective),
                h => h.Href == $"/collectives/{village.CollectiveId}" && h.Title == name
            );
            Assert.Empty(Of(await FindAsync(foreign.Tax, q), SearchKind.Collective));
        }
        Assert.Equal(
            $"/funds/{village.FundId}",
            Of(await FindAsync(offices.Auditor, village.FundId), SearchKind.Collective).Single().Href
        );
        Assert.Empty((await FindAsync(foreign.Auditor, village.FundId)).Groups);

        var given = (await village.Officer.GetAsync("/api/donors"))
            .EnumerateArray()
            .First(d => d.GetProperty("id").GetString() == donor);
        foreach (
            var q in new[] { given.GetProperty("name").GetString()!, given.GetProperty("creditCode").GetString()! }
        )
        {
            Assert.Contains(
                Of(await FindAsync(village.Officer, q), SearchKind.Donor),
                h => h.Href == $"/donors/{donor}"
            );
            Assert.Empty(Of(await FindAsync(foreign.Auditor, q), SearchKind.Donor));
        }

        var admin = api.Client(new Actor($"admin.{offices.County}", Roles.Administrator, offices.County));
        Assert.Empty((await FindAsync(admin, code)).Groups); // has no part in the ledger
    }

    [Fact]
    public async Task Rows_from_before_are_found_once_the_hourly_look_was_there_and_the_erased_have_no_hash()
    {
        var village = await api.RegisteredAsync();
        var person = new SamplePeople(777).Next(village.Offices.County) with { Name = "司马前朝人" };
        await village.ImportMembersAsync([person]);
        async Task<int> FoundAsync() =>
            Of(await FindAsync(village.Officer, person.Name), SearchKind.Person).Count
            + Of(await FindAsync(village.Officer, Four(person)), SearchKind.Person).Count;
        Task HourlyAsync() => api.Host.Services.GetRequiredService<PersonLook>().RunAsync(0, CancellationToken.None);
        Task HashAsync(string to) =>
            api.ScalarAsync<long>(
                $"""
                with u as (update ledger.person set name_hash = {to}, four_hash = {to}
                            where member_id in (select id from ledger.mt_doc_member
                                                 where data -> 'memberships' ? @c) returning 1)
                select count(*) from u
                """,
                ("c", village.CollectiveId)
            );
        Assert.Equal(2, await FoundAsync());
        foreach (var before in new[] { "null", "sha256('x')" })
        {
            await HashAsync(before);
            Assert.Equal(0, await FoundAsync());
            await HourlyAsync();
            Assert.Equal(2, await FoundAsync());
        }
        // In another village the same name is another hash: what a county's rows share says nothing.
        var other = await api.RegisteredAsync(village.Offices);
        await other.ImportMembersAsync([
            new SamplePeople(778).Next(village.Offices.County) with
            {
                Name = person.Name,
            },
        ]);
        Assert.Equal(2, Of(await FindAsync(village.Offices.Auditor, person.Name), SearchKind.Person).Count);
        Assert.Equal(
            0,
            await api.ScalarAsync<long>(
                """
                select count(*) from (select name_hash from ledger.person p
                  join ledger.mt_doc_member m on m.id = p.member_id
                 where m.data -> 'memberships' ?| @c group by 1 having count(*) > 1) x
                """,
                ("c", new[] { village.CollectiveId, other.CollectiveId })
            )
        );
    }

    [Fact]
    public async Task A_person_of_two_villages_is_found_in_both_and_once_in_each()
    {
        var first = await api.RegisteredAsync();
        var second = await api.RegisteredAsync(first.Offices);
        var person = new SamplePeople(4711).Next(first.Offices.County) with { Name = "东方两处家" };
        await first.ImportMembersAsync([person], first.Offices.Reviewer);
        await second.ImportMembersAsync([person], first.Offices.Reviewer);
        await api.Host.Services.GetRequiredService<PersonLook>().RunAsync(0, CancellationToken.None);
        foreach (var who in new[] { first.Officer, second.Officer, first.Offices.Auditor })
        foreach (var q in new[] { person.Name, Four(person) })
            Assert.Single(Of(await FindAsync(who, q), SearchKind.Person), h => h.Title == "东" + new string('*', 4));
        var all = Of(await FindAsync(first.Offices.Auditor, person.Name), SearchKind.Person).Single();
        Assert.Equal(2, all.Detail!.Split(" · ").Length - 1);
    }
}

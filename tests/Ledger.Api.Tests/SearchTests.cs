using System.Text.Json;
using Ledger.Api.Storage;
using Ledger.Domain.Accounts;
using Ledger.Domain.Identity;
using Ledger.Projections.Search;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

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
    public async Task Two_whom_the_mask_makes_alike_are_told_apart_by_the_ledgers_own_numbers_and_by_nothing_of_theirs()
    {
        var (village, _) = await api.ReadyToFileAsync(1);
        var ids = Enumerable
            .Range(0, 400)
            .Select(d => $"{village.Offices.County}{new DateOnly(1980, 1, 1).AddDays(d):yyyyMMdd}123")
            .Select(first17 => first17 + CitizenId.CheckCharacter(first17))
            .GroupBy(id => id[^4..])
            .First(alike => alike.Count() > 1)
            .Take(2)
            .ToList();
        foreach (var (name, citizenId) in new[] { "万寻一", "万寻二" }.Zip(ids))
            await village.Officer.PostAsync(
                "/api/members",
                new
                {
                    collectiveId = village.CollectiveId,
                    name,
                    citizenId,
                }
            );
        var hits = Of(await FindAsync(village.Officer, ids[0][^4..]), SearchKind.Person)
            .Where(h => h.Title == "万**")
            .ToList();
        Assert.Equal(2, hits.Select(h => h.Detail).Distinct().Count());
        Assert.All(hits, h => Assert.EndsWith($" · {h.Href.Split('/')[2][..15]}", h.Detail, StringComparison.Ordinal));
        Assert.All(hits, h => Assert.DoesNotContain("198", h.Detail!.Split(" · ")[0], StringComparison.Ordinal));
        // Who is alone needs none.
        Assert.DoesNotContain(
            "member-",
            Assert.Single(Of(await FindAsync(village.Officer, "万寻一"), SearchKind.Person)).Detail!
        );
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
                await FindAsync(who, "寻得"),
                await FindAsync(who, "得着"),
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
        // A name and the village of it, either first; with another village nobody.
        var home = (await village.Officer.GetAsync($"/api/collectives/{village.CollectiveId}")).GetProperty("name");
        foreach (var q in new[] { $"寻得着 {home}", $"{home} 欧阳寻得着" })
            Assert.Equal("欧****", Assert.Single(Of(await FindAsync(offices.Auditor, q), SearchKind.Person)).Title);
        Assert.Empty((await FindAsync(offices.Auditor, "欧阳寻得着 别处村")).Groups);
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
                await FindAsync(who, "寻得"),
                await FindAsync(who, Four(person)),
                await WholeAsync(who, person.CitizenId),
                await FindAsync(who, member),
            }
        )
            Assert.Empty(Of(view, SearchKind.Person));
        // Roles that read no members find none; nobody is found by characters that stand apart in a name, nor by one.
        foreach (var who in new[] { offices.Tax, offices.Agriculture })
            Assert.Empty(Of(await WholeAsync(who, person.CitizenId), SearchKind.Person));
        foreach (var q in new[] { "欧寻", "着", "寻得着欧" })
            Assert.Empty((await FindAsync(village.Officer, q)).Groups);
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
        // What one person gets, and what the money's source is called.
        foreach (var who in new[] { village.Officer, offices.Reviewer })
        {
            var list = Of(await FindAsync(who, "317.25"), SearchKind.Application);
            var hit = Assert.Single(list, h => h.Href == $"/applications/{village.ApplicationId}#list");
            Assert.Equal(("paid", "× 2", 317.25m), (hit.What, hit.Detail, hit.Amount!.Value.Yuan));
        }
        Assert.Empty(Of(await FindAsync(foreign.Auditor, "317.25"), SearchKind.Application));
        var came = (
            await offices.Auditor.GetAsync<AuditPage>($"/api/audit/events?id={village.FundId}&type=funds_allocated")
        ).Entries[0];
        var source = came.Body.GetProperty("sourceName").GetString()!;
        Assert.Contains(
            Of(await FindAsync(village.Officer, source), SearchKind.FundEntry),
            h => h.Href == $"/funds/{village.FundId}/vouchers/{came.Sequence}" && h.Detail == source
        );
        Assert.Empty(Of(await FindAsync(foreign.Auditor, source), SearchKind.FundEntry));
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
        foreach (var day in new[] { "2026年3月5日", "2026.3.5", "20260305", "2026 年 3 月 5 号", "2026/03/05" })
            Assert.Equal(
                "/audit?since=2026-03-05&until=2026-03-05",
                Of(await FindAsync(offices.Auditor, day), SearchKind.Day).Single().Href
            );
        foreach (var month in new[] { "2026年2月", "2026-02" })
            Assert.Equal(
                "/audit?since=2026-02-01&until=2026-02-28",
                Of(await FindAsync(offices.Auditor, month), SearchKind.Day).Single().Href
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
        // An officer by what he signs in as, too.
        var account = $"tax.new{offices.County}";
        await admin.PostAsync("/api/accounts", ApiFixture.AccountBody(account, Roles.CountyTax, offices.County));
        var officer = Of(await FindAsync(offices.Auditor, account.ToUpperInvariant()), SearchKind.Officer).Single();
        Assert.Equal((Roles.CountyTax, $"/audit?actor={account}"), (officer.What, officer.Href));
        Assert.Equal(
            officer.Title,
            Of(await FindAsync(offices.Auditor, officer.Title), SearchKind.Officer).Single().Title
        );
        Assert.Empty(Of(await FindAsync(foreign.Auditor, account), SearchKind.Officer));
    }

    [Fact]
    public async Task More_than_are_shown_of_a_kind_are_shown_where_it_is_asked_for_alone_and_townships_have_names()
    {
        var village = await api.RegisteredAsync();
        var offices = village.Offices;
        await village.ImportMembersAsync([
            .. new SamplePeople(4242).Take(10, offices.County).Select(p => p with { Name = "南宫重名" }),
        ]);
        var some = (await FindAsync(village.Officer, "南宫重名")).Groups.Single(g => g.Kind == SearchKind.Person);
        Assert.Equal((8, true), (some.Hits.Count, some.More));
        var all = await village.Officer.GetAsync<SearchView>(
            $"/api/search?q={Uri.EscapeDataString("南宫重名")}&kind=person"
        );
        Assert.Equal((10, false), (Assert.Single(all.Groups).Hits.Count, all.Groups[0].More));
        var refused = await api.Host.RefusedAsync(
            "field-invalid",
            village.Officer,
            HttpMethod.Get,
            "/api/search?q=x&kind=nothing"
        );
        Assert.Equal("kind", refused.Field);

        var township = village.VillageCode[..9];
        await api.Client(new Actor($"admin.{offices.County}", Roles.Administrator, offices.County))
            .PutAsync("/api/region-names", new { regions = new[] { new { code = township, name = "寻见镇" } } });
        Assert.Equal(
            ("寻见镇", $"/applications?region={township}"),
            Of(await FindAsync(offices.Auditor, "寻见"), SearchKind.Collective).Select(h => (h.Title, h.Href)).Single()
        );
        Assert.Empty((await FindAsync(api.NewOffices().Auditor, "寻见")).Groups);
    }

    private Task HourlyAsync() =>
        api.Host.Services.GetRequiredService<PersonLook>().RunAsync(0, CancellationToken.None);

    private Task<long> DoneAsync(string sql, string collective) =>
        api.ScalarAsync<long>($"with u as ({sql} returning 1) select count(*) from u", ("c", collective));

    [Fact]
    public async Task Rows_from_before_are_found_once_the_hourly_look_was_there_and_a_list_that_was_edited_again()
    {
        var village = await api.RegisteredAsync();
        var person = new SamplePeople(777).Next(village.Offices.County) with { Name = "司马前朝人" };
        var others = new SamplePeople(7771).Take(3, village.Offices.County);
        await village.ImportMembersAsync([
            person,
            others[0] with
            {
                Name = "甲同人",
            },
            others[1] with
            {
                Name = "乙同人",
            },
            others[2],
        ]);
        var spoilt = Of(await FindAsync(village.Officer, "甲同人"), SearchKind.Person).Single().Href.Split('/')[2];
        async Task<int> FoundAsync() =>
            Of(await FindAsync(village.Officer, "前朝"), SearchKind.Person).Count
            + Of(await FindAsync(village.Officer, Four(person)), SearchKind.Person).Count(h => h.Title[0] == '司');
        Assert.Equal(2, await FoundAsync());
        const string of = "where list_id in (select id from ledger.name_list where collective_id = @c)";
        var before = await DoneAsync($"update ledger.person set list_id = null {of}", village.CollectiveId);
        Assert.Equal(4, before);
        Assert.Equal(1, await DoneAsync("delete from ledger.name_list where collective_id = @c", village.CollectiveId));
        Assert.Equal(0, await FoundAsync());
        await HourlyAsync();
        Assert.Equal(2, await FoundAsync());

        // What the thief of the role does to a list hides somebody, and shows nobody; and it is named.
        foreach (
            var edit in new[]
            {
                "set box = overlay(box placing sha256(box) from 100)",
                "set box = substr(box, 1, 28)",
                "set box = (select box from ledger.name_list where collective_id <> @c order by id limit 1)",
            }
        )
        {
            Assert.Equal(
                1,
                await DoneAsync($"update ledger.name_list {edit} where collective_id = @c", village.CollectiveId)
            );
            Assert.Equal(0, await FoundAsync());
            await HourlyAsync();
            Assert.Equal(2, await FoundAsync());
        }
        // No box is longer than the product writes one, nor of another length: it would be read through by each search.
        foreach (var bytes in new[] { 257 * 1024 + 28, 2 * 1024 })
            Assert.Equal(
                PostgresErrorCodes.CheckViolation,
                (
                    await Assert.ThrowsAsync<PostgresException>(() =>
                        DoneAsync(
                            $"""
                            insert into ledger.name_list (id, collective_id, box)
                            values (gen_random_uuid(), @c, decode(repeat('00', {bytes}), 'hex'))
                            """,
                            village.CollectiveId
                        )
                    )
                ).SqlState
            );
        Assert.Contains(
            "姓名查找表被改动",
            await api.ScalarAsync<string>(
                "select string_agg(detail, ' ') from ledger.log_finding where kind = 'person'"
            )
        );
        // One person's row that somebody edited ends no search that finds others: it is left out, and said so.
        var key = await api.ScalarAsync<string>(
            $"select encode(wrapped_key, 'hex') from ledger.person {of} and member_id = @id",
            ("c", village.CollectiveId),
            ("id", spoilt)
        );
        async Task KeyAsync(string hex) =>
            await DoneAsync(
                $"update ledger.person set wrapped_key = decode('{hex}', 'hex') where member_id = @c",
                spoilt
            );
        await KeyAsync(new string('0', key.Length));
        var without = await FindAsync(village.Officer, "同人");
        Assert.Equal((1, 1), (Of(without, SearchKind.Person).Count, without.Damaged));
        await KeyAsync(key);
        Assert.Equal(0, (await FindAsync(village.Officer, "同人")).Damaged);
        // A row that says it stands in none, while a list has it: in one list again, once.
        await DoneAsync(
            $"""
            update ledger.person set list_id = null {of}
               and member_id in (select min(member_id) from ledger.person {of})
            """,
            village.CollectiveId
        );
        await HourlyAsync();
        await HourlyAsync();
        Assert.Equal(2, await FoundAsync());
        Assert.Equal(
            4,
            await api.ScalarAsync<long>($"select count(*) from ledger.person {of}", ("c", village.CollectiveId))
        );
    }

    /// <summary>What the database without the key file tells of the lists: how many, about.</summary>
    [Fact]
    public async Task A_list_of_names_tells_its_length_alone_and_nothing_of_a_name_lies_beside_it()
    {
        var offices = api.NewOffices();
        var people = new SamplePeople(31415).Take(40, offices.County);
        async Task<byte[][]> BoxesAsync(SampleVillage village) =>
            [
                .. (
                    await api.ScalarAsync<string>(
                        "select string_agg(encode(box, 'hex'), ' ') from ledger.name_list where collective_id = @c",
                        ("c", village.CollectiveId)
                    )
                )
                    .Split(' ')
                    .Select(Convert.FromHexString),
            ];
        async Task<byte[][]> OfAsync(IEnumerable<string> names)
        {
            var village = await api.RegisteredAsync(offices);
            await village.ImportMembersAsync([
                .. people.Zip(
                    names,
                    (p, name) =>
                        p with
                        {
                            Name = name,
                            CitizenId = new SamplePeople(name.GetHashCode() & 0xffff).Next(offices.County).CitizenId,
                        }
                ),
            ]);
            return await BoxesAsync(village);
        }
        // Everybody of one name, and everybody of another: an attacker who counts sees the same.
        var same = Assert.Single(await OfAsync(people.Take(1).Select(_ => "张建国")));
        var other = Assert.Single(await OfAsync(people.Take(1).Select(_ => "孔令仪")));
        Assert.Equal(same.Length, other.Length);
        var kin = await api.RegisteredAsync(offices);
        await kin.ImportMembersAsync([.. people.Select(p => p with { Name = "孔令" + p.Name[^1] })]);
        var many = Assert.Single(await BoxesAsync(kin));
        // No eight bytes come twice, in a list or in two: what is the same in the names is not in the boxes.
        var pieces = new[] { same, other, many }
            .SelectMany(b => Enumerable.Range(0, b.Length / 8).Select(i => Convert.ToHexString(b, i * 8, 8)))
            .ToList();
        Assert.Equal(pieces.Count, pieces.Distinct().Count());
        // And whatever else the tables have of these people, no two rows share a value that follows from the name.
        Assert.Equal(
            0,
            await api.ScalarAsync<long>(
                """
                select count(*)
                  from (select v.value
                          from ledger.person p join ledger.name_list l on l.id = p.list_id,
                               jsonb_each_text(to_jsonb(p) - 'list_id' - 'recorded_at') v
                         where l.collective_id = @c and v.value is not null
                         group by 1 having count(*) > 1) shared
                """,
                ("c", kin.CollectiveId)
            )
        );
    }

    [Fact]
    public async Task Who_looked_for_whom_stands_on_record_by_pseudonymous_id_and_keyed_hash()
    {
        var village = await api.RegisteredAsync();
        var person = new SamplePeople(8181).Next(village.Offices.County) with { Name = "端木有记录" };
        await village.ImportMembersAsync([person]);
        var (auditor, nobody) = (village.Offices.Auditor, new SamplePeople(8182).Next(village.Offices.County));
        await FindAsync(auditor, "有记录");
        await FindAsync(auditor, Four(person));
        var found = Of(await WholeAsync(auditor, person.CitizenId), SearchKind.Person).Single();
        await WholeAsync(auditor, nobody.CitizenId);
        await FindAsync(auditor, "查无此人名");
        var id = found.Href.Split('/')[2];
        var looked = await auditor.GetAsync<SearchRecordPage>($"/api/search/record?memberId={id}");
        Assert.Equal(3, looked.Entries.Count);
        Assert.All(looked.Entries, e => Assert.Equal((auditor.Actor.Id, auditor.Actor.Role), (e.Actor, e.Role)));
        var own = await auditor.GetAsync<SearchRecordPage>($"/api/search/record?actor={auditor.Actor.Id}");
        Assert.Equal([0, 1, 1, 1], own.Entries.Select(e => Math.Min(1, e.Shown.Count)).Order());
        Assert.Equal(4, own.Entries.Select(e => e.Asked).Distinct().Count());
        // Of one's own region, for those who read the trail; and it can only be added to.
        Assert.Empty((await api.NewOffices().Auditor.GetAsync<SearchRecordPage>("/api/search/record")).Entries);
        await api.Host.RefusedAsync("forbidden", village.Officer, HttpMethod.Get, "/api/search/record");
        var rows = await api.ScalarAsync<string>("select string_agg(s::text, ' ') from ledger.person_search s");
        foreach (var clear in new[] { "有记录", person.CitizenId, nobody.CitizenId })
            Assert.DoesNotContain(clear, rows);
        // What the thief of the role adds is counted and told apart, his copies too; he takes no number of what is to
        // come.
        await using var thief = await api.Host.Services.GetRequiredService<NpgsqlDataSource>().OpenConnectionAsync();
        Task AddAsync(string columns, string values) =>
            thief.ExecuteAsync(
                $"""
                insert into ledger.person_search ({columns}) overriding system value
                select {values} from ledger.person_search where actor = @actor order by seq limit 1
                """,
                ("actor", auditor.Actor.Id)
            );
        const string ours = "actor, role, region, asked, shown";
        await AddAsync($"id, {ours}, seal", $"gen_random_uuid(), {ours}, seal");
        await AddAsync($"id, {ours}, seal", $"gen_random_uuid(), 'officer.x', role, region, asked, shown, seal");
        foreach (
            var (columns, values, why) in new[]
            {
                ($"id, {ours}, seal", $"id, {ours}, seal", PostgresErrorCodes.UniqueViolation),
                ($"id, {ours}, seal", $"gen_random_uuid(), {ours}, 'before'", PostgresErrorCodes.CheckViolation),
                (
                    $"seq, id, {ours}",
                    $"seq + 1000, gen_random_uuid(), {ours}",
                    PostgresErrorCodes.InsufficientPrivilege
                ),
                ($"at, id, {ours}", $"at, gen_random_uuid(), {ours}", PostgresErrorCodes.InsufficientPrivilege),
            }
        )
            Assert.Equal(why, (await Assert.ThrowsAsync<PostgresException>(() => AddAsync(columns, values))).SqlState);
        var after = await auditor.GetAsync<SearchRecordPage>("/api/search/record");
        Assert.Equal(2, after.Planted);
        Assert.DoesNotContain(after.Entries, e => e.Actor == "officer.x");
        Assert.Equal(own.Entries.Count, after.Entries.Count(e => e.Actor == auditor.Actor.Id));
        Assert.False(
            await api.ScalarAsync<bool>(
                """
                select bool_or(has_table_privilege(grantee, 'ledger.person_search', 'update,delete,truncate'))
                  from information_schema.role_table_grants
                 where table_name = 'person_search' and grantee like '%\_app'
                """
            )
        );
    }

    [Fact]
    public async Task A_name_that_changed_is_found_at_once_and_an_erased_person_is_in_no_list()
    {
        var village = await api.RegisteredAsync();
        var person = new SamplePeople(9191).Next(village.Offices.County) with { Name = "司徒旧名字" };
        await village.ImportMembersAsync([person]);
        var id = Of(await FindAsync(village.Officer, "旧名"), SearchKind.Person).Single().Href.Split('/')[2];
        var people = api.Host.Services.GetRequiredService<PersonalData>();
        await using var connection = await api
            .Host.Services.GetRequiredService<NpgsqlDataSource>()
            .OpenConnectionAsync();
        var now = (await people.ReadAsync(connection, [id]))[id]
            .Corrected("司徒新称呼", null, null, DateTimeOffset.UtcNow);
        await people.RewriteAsync(connection, [new(id, now)]);
        Assert.Empty((await FindAsync(village.Officer, "旧名")).Groups);
        Assert.Single(Of(await FindAsync(village.Officer, "新称"), SearchKind.Person));
        await people.EraseAsync(connection, id);
        Assert.Empty((await FindAsync(village.Officer, "新称")).Groups);
        Assert.Empty(await people.Lists.FindAsync(connection, [village.CollectiveId], "司徒", null, 9));
    }

    [Fact]
    public async Task A_person_of_two_villages_is_found_in_both_and_once_in_each_and_the_look_finds_no_fault()
    {
        var first = await api.RegisteredAsync();
        var second = await api.RegisteredAsync(first.Offices);
        var person = new SamplePeople(4711).Next(first.Offices.County) with { Name = "东方两处家" };
        await first.ImportMembersAsync([person], first.Offices.Reviewer);
        await second.ImportMembersAsync([person], first.Offices.Reviewer);
        // As a build before left the second village's record: in no list, without a stream of its own.
        var record = await api.ScalarAsync<string>(
            """
            select data ->> 'recordId' from ledger.mt_events
             where type = 'member_registered' and data ->> 'collectiveId' = @c
            """,
            ("c", second.CollectiveId)
        );
        Assert.NotNull(record);
        Assert.Equal(1, await DoneAsync("update ledger.person set list_id = null where member_id = @c", record));
        await HourlyAsync();
        Task<long> FaultsAsync() =>
            api.ScalarAsync<long>(
                "select count(*) from ledger.log_finding where detail like @id || '%'",
                ("id", record)
            );
        Assert.Equal(0, await FaultsAsync());
        foreach (var who in new[] { first.Officer, second.Officer, first.Offices.Auditor })
        foreach (var q in new[] { person.Name, "两处", Four(person) })
            Assert.Single(Of(await FindAsync(who, q), SearchKind.Person), h => h.Title == "东" + new string('*', 4));
        var all = Of(await FindAsync(first.Offices.Auditor, person.Name), SearchKind.Person).Single();
        Assert.Equal(2, all.Detail!.Split(" · ").Length - 1);

        // What somebody does to that record is found as before.
        const string turn = "update ledger.person set id_hash = sha256(id_hash) where member_id = @c";
        var hash = await api.ScalarAsync<byte[]>(
            "select id_hash from ledger.person where member_id = @id",
            ("id", record)
        );
        await DoneAsync(turn, record);
        await HourlyAsync();
        Assert.Equal(1, await FaultsAsync());
        await DoneAsync(
            $"update ledger.person set id_hash = '\\x{Convert.ToHexString(hash)}'::bytea where member_id = @c",
            record
        );
    }
}

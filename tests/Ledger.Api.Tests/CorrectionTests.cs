using System.Globalization;
using System.Text;
using System.Text.Json;
using Ledger.Api.Storage;
using Ledger.Domain.Identity;
using Ledger.Domain.Members;
using Microsoft.Extensions.DependencyInjection;

namespace Ledger.Api.Tests;

/// <summary>
/// What was registered wrongly of a person: corrected by one with a document or by two, on record, and by a list that
/// comes again.
/// </summary>
[Collection("api")]
public sealed class CorrectionTests(ApiFixture api)
{
    private const string Phone = "13905370001",
        Card = "6222020200112230";

    private static async Task<string[]> MembersAsync(SampleVillage village) =>
        [
            .. (
                await village.Officer.GetAsync<MemberPage>($"/api/members?collectiveId={village.CollectiveId}")
            ).Members.Select(m => m.Id),
        ];

    private static Task<DisclosureView> ClearAsync(SampleClient who, string id) =>
        who.PostAsync<DisclosureView>($"/api/members/{id}/disclosure", new { reason = "核对" });

    private static async Task<IReadOnlyList<MemberChangeView>> WaitingAsync(SampleClient who) =>
        (await who.GetAsync<WaitingMembersView>("/api/waiting-members")).Changes;

    private SampleClient Second(SampleVillage village) =>
        api.Client(new Actor($"second.{village.VillageCode}", Roles.VillageFinance, village.VillageCode));

    private static MultipartFormDataContent List(
        string rows,
        string headings = "姓名,身份证号,手机号,银行卡号,村民小组"
    ) => SampleClient.Form(Encoding.UTF8.GetBytes($"{headings}\n{rows}\n"), "名册.csv");

    private static Task<ImportView> ImportAsync(
        SampleVillage village,
        string rows,
        SampleClient? by = null,
        string more = ""
    ) =>
        (by ?? village.Officer).PostAsync<ImportView>(
            $"/api/members/import?collectiveId={village.CollectiveId}{more}",
            List(rows)
        );

    /// <summary>A citizen id of the same birth date as another one.</summary>
    private static string Sibling(string citizenId)
    {
        var first17 =
            citizenId[..14]
            + ((int.Parse(citizenId[14..17], CultureInfo.InvariantCulture) + 7) % 1000).ToString(
                "000",
                CultureInfo.InvariantCulture
            );
        return first17 + CitizenId.CheckCharacter(first17);
    }

    [Fact]
    public async Task C4_phone_card_and_group_are_corrected_after_a_look_at_what_will_change()
    {
        var (village, people) = await api.ReadyToFileAsync(2);
        var id = (await MembersAsync(village))[0];
        var clear = await ClearAsync(village.Officer, id);
        var person = people.Single(p => p.CitizenId == clear.CitizenId);
        var path = $"/api/members/{id}/corrections";
        object Body(
            string? phone = null,
            string? bankCard = null,
            string? group = null,
            string? reason = "换了手机和卡"
        ) =>
            new
            {
                phone,
                bankCard,
                group,
                reason,
            };
        var check = await village.Officer.PostAsync<CorrectionView>(
            $"{path}/check",
            Body(" 139-0537-0001", Card, "第3组")
        );
        var changes = check.Changes.ToList();
        Assert.Equal([MemberDatum.Phone, MemberDatum.BankCard, MemberDatum.Group], changes.Select(c => c.What));
        Assert.Equal([Phone, Card, "第3组"], changes.Select(c => c.To));
        Assert.Equal($"*******{person.Phone[^4..]}", changes[0].From);
        Assert.Equal(person.Phone, (await ClearAsync(village.Officer, id)).Phone);

        await village.Officer.PostAsync(path, Body(" 139-0537-0001", Card, "第3组"));
        var shown = await ClearAsync(village.Officer, id);
        Assert.Equal((Phone, Card, person.Name), (shown.Phone, shown.BankCard, shown.Name));
        Assert.Equal(
            "第3组",
            await api.ScalarAsync<string>(
                "select data -> 'groups' ->> @c from ledger.mt_doc_member where id = @id",
                ("c", village.CollectiveId),
                ("id", id)
            )
        );
        // On record: who, why, what kind of thing; and that the digest is of what stands there.
        var trail = await village.Offices.Auditor.GetAsync($"/api/audit/events?id={id}&type=member_corrected");
        var entry = Assert.Single(trail.As<AuditPage>().Entries);
        var body = entry.Body;
        Assert.Equal(
            (village.Officer.Actor.Id, "换了手机和卡", "phone,bank-card,group"),
            (
                entry.Actor,
                body.GetProperty("reason").GetString(),
                string.Join(',', body.GetProperty("changed").EnumerateArray())
            )
        );
        Assert.DoesNotContain(Phone, $"{trail}");
        Assert.DoesNotContain(Card, $"{trail}");

        Assert.Contains(
            "空着的不改",
            (await api.Host.RefusedAsync("wrong-state", village.Officer, path, Body(Phone))).Detail
        );
        Assert.Equal(
            "phone",
            (await api.Host.RefusedAsync("field-invalid", village.Officer, path, Body("1390537000"))).Field
        );
        Assert.Equal(
            "reason",
            (
                await api.Host.RefusedAsync("field-invalid", village.Officer, path, Body("13905370002", reason: " "))
            ).Field
        );
        Assert.Equal(
            "group",
            (
                await api.Host.RefusedAsync("personal-data-in-text", village.Officer, path, Body(group: person.Phone))
            ).Field
        );
        var neighbour = await api.RegisteredAsync(village.Offices);
        foreach (var stranger in new[] { neighbour.Officer, api.NewOffices().Reviewer })
        foreach (var way in new[] { path, $"{path}/check" })
            await api.Host.RefusedAsync("not-found", stranger, way, Body("13905370003"));
        foreach (var other in new[] { village.Offices.Auditor, village.Offices.Tax, village.Offices.CountyHrss })
            await api.Host.RefusedAsync("forbidden", other, path, Body("13905370003"));
        await api.Host.RefusedAsync(
            "not-found",
            village.Officer,
            path,
            new
            {
                phone = "13905370003",
                reason = "x",
                collectiveId = neighbour.CollectiveId,
            }
        );
    }

    [Fact]
    public async Task C4_C20_a_name_is_corrected_with_a_document_or_by_a_second_person_who_writes_it_himself()
    {
        var (village, people) = await api.ReadyToFileAsync(2);
        var members = await MembersAsync(village);
        var path = $"/api/members/{members[0]}";
        var whose = await ClearAsync(village.Officer, members[0]);
        var person = people.Single(p => p.CitizenId == whose.CitizenId);
        var asked = await village.Officer.PostAsync<CorrectionView>(
            $"{path}/corrections",
            new
            {
                name = "欧阳正明",
                phone = Phone,
                reason = "登记时写错",
            }
        );
        Assert.Equal(
            [(MemberDatum.Name, true), (MemberDatum.Phone, false)],
            asked.Changes.Select(c => (c.What, c.Waits))
        );
        var change = asked.ChangeId!;
        var shown = await ClearAsync(village.Officer, members[0]);
        // The phone at once, the name not.
        Assert.Equal((person.Name, Phone), (shown.Name, shown.Phone));
        var confirm = $"{path}/changes/{change}/confirmation";
        var (second, name) = (Second(village), new { name = "欧阳正明" });
        foreach (var who in new[] { village.Officer, second, village.Offices.Reviewer })
        {
            var waiting = Assert.Single(await WaitingAsync(who));
            Assert.Equal(
                (MemberChange.Name, "欧***", change, village.Officer.Actor.Id),
                (waiting.Change, waiting.AskedName, waiting.ChangeId, waiting.RequestedBy)
            );
        }
        await api.Host.RefusedAsync("self-approval", village.Officer, confirm, name);
        await api.Host.RefusedAsync(
            "wrong-state",
            village.Officer,
            $"{path}/corrections",
            new { name = "欧阳正", reason = "再改" }
        );
        await api.Host.RefusedAsync("forbidden", village.Offices.Auditor, confirm, name);
        var neighbour = await api.RegisteredAsync(village.Offices);
        foreach (var stranger in new[] { neighbour.Officer, api.NewOffices().Reviewer })
        {
            await api.Host.RefusedAsync("not-found", stranger, confirm, name);
            await api.Host.RefusedAsync(
                "not-found",
                stranger,
                $"{path}/changes/{change}/decline",
                new { reason = "x" }
            );
            Assert.Empty(await WaitingAsync(stranger));
        }
        foreach (var wrong in new object[] { new { }, new { name = "欧阳正" } })
            Assert.Equal("name", (await api.Host.RefusedAsync("field-invalid", second, confirm, wrong)).Field);
        await second.PostAsync(confirm, name);
        await api.Host.RefusedAsync("wrong-state", second, confirm, name);
        Assert.Equal("欧阳正明", (await ClearAsync(village.Officer, members[0])).Name);
        Assert.Empty(await WaitingAsync(second));

        // From now on lists go by the new name; the old one says what to do.
        var fault = (
            await api.Host.RefusedAsync(
                "roster-invalid",
                village.Officer,
                $"/api/members/import?collectiveId={village.CollectiveId}",
                List($"{person.Name},{person.CitizenId},,,")
            )
        ).Faults[0];
        Assert.Equal(("姓名", 2), (fault.Column, fault.Row));
        Assert.Contains("更正登记信息", fault.Message);
        await village.FileAsync([person with { Name = "欧阳正明" }]);

        // With a document one person is enough.
        var paper = new[] { await village.Officer.EvidenceAsync("id card") };
        await api.Host.RefusedAsync(
            "evidence-missing",
            village.Officer,
            $"/api/members/{members[1]}/corrections",
            new
            {
                name = "司马青",
                reason = "身份证为准",
                evidence = new[] { new string('a', 64) },
            }
        );
        await village.Officer.PostAsync(
            $"/api/members/{members[1]}/corrections",
            new
            {
                name = " 司马 青",
                reason = "身份证为准",
                evidence = paper,
            }
        );
        Assert.Equal("司马青", (await ClearAsync(village.Officer, members[1])).Name);
        // Declined, a name is forgotten.
        var third = await village.Officer.PostAsync<CorrectionView>(
            $"/api/members/{members[1]}/corrections",
            new { name = "司马清", reason = "又说是这个字" }
        );
        var decline = $"/api/members/{members[1]}/changes/{third.ChangeId}/decline";
        await village.Offices.Reviewer.PostAsync(decline, new { reason = "与身份证不符" });
        await api.Host.RefusedAsync("wrong-state", second, decline, new { reason = "再退" });
        Assert.Equal("司马青", (await ClearAsync(village.Officer, members[1])).Name);
    }

    [Fact]
    public async Task C16_what_was_published_stays_as_it_was_printed_and_the_payment_list_has_what_is_right()
    {
        var (village, people) = await api.ReadyToFileAsync(2);
        await village.FileAsync(people);
        await village.ReviewAsync();
        await village.ApproveAsync();
        await village.NoticeAsync();
        var notice = $"/api/notices/{village.ApplicationId}";
        var before = await api.Http.GetStringAsync(notice);
        api.Clock.Advance(TimeSpan.FromMinutes(1));
        foreach (var id in await MembersAsync(village))
            await village.Officer.PostAsync(
                $"/api/members/{id}/corrections",
                new
                {
                    name = "欧阳正明",
                    bankCard = Card,
                    reason = "身份证为准",
                    evidence = new[] { await village.Officer.EvidenceAsync("id card") },
                }
            );
        Assert.Equal(before, await api.Http.GetStringAsync(notice));
        Assert.All(
            (await village.Officer.GetAsync<LinePage>($"{village.ApplicationPath}/lines")).Lines,
            l => Assert.Equal("欧***", l.Name)
        );
        var list = await village.Officer.PostAsync<PaymentListView>($"{village.ApplicationPath}/payment-list");
        using var zip = new System.IO.Compression.ZipArchive(new MemoryStream(Convert.FromBase64String(list.Content!)));
        var sheets = string.Concat(zip.Entries.Select(e => new StreamReader(e.Open()).ReadToEnd()));
        Assert.Contains("欧阳正明", sheets);
        Assert.DoesNotContain(Card, sheets); // the money goes to the agency's account (L12)
        // A later notice has the name as it is then.
        var (again, other) = await api.ReadyToFileAsync(1);
        var late = (await MembersAsync(again))[0];
        await again.Officer.PostAsync(
            $"/api/members/{late}/corrections",
            new
            {
                name = "欧阳正明",
                reason = "身份证为准",
                evidence = new[] { await again.Officer.EvidenceAsync("id card") },
            }
        );
        await again.FileAsync([other[0] with { Name = "欧阳正明" }]);
        await again.ReviewAsync();
        await again.ApproveAsync();
        await again.NoticeAsync();
        Assert.Contains("欧***", await api.Http.GetStringAsync($"/api/notices/{again.ApplicationId}"));
    }

    /// <summary>A village may see and correct its own part of a person whom two have.</summary>
    [Fact]
    public async Task C4_a_second_home_corrects_its_own_phone_and_nobodys_name()
    {
        var (home, people) = await api.ReadyToFileAsync(1);
        var person = people[0];
        var other = await api.RegisteredAsync();
        await other.ImportMembersAsync([person with { Phone = "13900000001" }]);
        var (id, request) = ((await MembersAsync(home))[0], (await MembersAsync(other))[0]);
        // Before anybody confirmed it, what it handed in is its own to correct.
        await other.Officer.PostAsync<CorrectionView>(
            $"/api/members/{request}/corrections",
            new { phone = "13900000002", reason = "换号" }
        );
        await api.Host.RefusedAsync(
            "not-found",
            other.Officer,
            $"/api/members/{id}/corrections",
            new { phone = "13900000003", reason = "换号" }
        );
        await home.Officer.PostAsync($"/api/members/{id}/requests/{request}/confirmation");
        var path = $"/api/members/{id}/corrections";
        var check = await other.Officer.PostAsync<CorrectionView>(
            $"{path}/check",
            new { phone = "13900000003", reason = "换号" }
        );
        Assert.Equal("*******0002", check.Changes[0].From);
        await other.Officer.PostAsync(path, new { phone = "13900000003", reason = "换号" });
        Assert.Equal("13900000003", (await ClearAsync(other.Officer, id)).Phone);
        Assert.Equal(person.Phone, (await ClearAsync(home.Officer, id)).Phone);
        foreach (var village in new[] { home, other })
            await api.Host.RefusedAsync(
                "agency-needed",
                village.Officer,
                path,
                new
                {
                    name = "欧阳正明",
                    reason = "身份证为准",
                    evidence = new[] { await village.Officer.EvidenceAsync("id card") },
                }
            );
        // Its own list again is its own members again, whoever else has them.
        foreach (var (village, phone) in new[] { (home, Phone), (other, "13900000004") })
        {
            var again = await ImportAsync(village, $"{person.Name},{person.CitizenId},{phone},,");
            Assert.Equal((0, 1, 0), (again.Imported, again.Updated, again.Unchanged));
            Assert.Equal([id], await MembersAsync(village));
            Assert.Equal(phone, (await ClearAsync(village.Officer, id)).Phone);
        }
        Assert.Empty((await home.Officer.GetAsync<WaitingMembersView>("/api/waiting-members")).Requests);
        // The agency's name is the name in every record.
        await home.Offices.Reviewer.PostAsync<CorrectionView>(
            path,
            new
            {
                name = "欧阳正明",
                reason = "身份证为准",
                evidence = new[] { await home.Offices.Reviewer.EvidenceAsync("id card") },
            }
        );
        foreach (var village in new[] { home, other })
            Assert.Equal(1, (await ImportAsync(village, $"欧阳正明,{person.CitizenId},,,")).Unchanged);
    }

    [Fact]
    public async Task A_list_that_comes_again_corrects_phone_card_and_group_and_says_which()
    {
        var (village, people) = await api.ReadyToFileAsync(3);
        string Row(int i, string phone, string card, string group) =>
            $"{people[i].Name},{people[i].CitizenId},{phone},{card},{group}";
        var rows = string.Join(
            '\n',
            Row(0, Phone, Card, "第3组"),
            Row(1, people[1].Phone, "", ""),
            Row(2, "", "", "第1组")
        );
        var view = await ImportAsync(village, rows);
        Assert.Equal((3, 0, 2, 1, 0), (view.Rows, view.Imported, view.Updated, view.Unchanged, view.Skipped));
        Assert.Equal(
            [(2, "已登记；已更正手机号、银行卡号、村民小组"), (4, "已登记；已更正村民小组")],
            view.Notes.Select(n => (n.Row, n.Message!))
        );
        // The same again changes nothing.
        Assert.Equal(3, (await ImportAsync(village, rows)).Unchanged);
        foreach (var id in await MembersAsync(village))
        {
            var shown = await ClearAsync(village.Officer, id);
            if (shown.CitizenId == people[0].CitizenId)
                Assert.Equal((Phone, Card), (shown.Phone, shown.BankCard));
            else if (shown.CitizenId == people[2].CitizenId)
                Assert.Equal(people[2].Phone, shown.Phone); // a blank cell says nothing
        }
        Assert.Equal(
            2L,
            await api.ScalarAsync<long>(
                """
                select count(*)
                  from ledger.mt_events
                 where type = 'member_corrected'
                   and headers ->> 'region' = @v
                   and data ->> 'reason' = '重新导入成员名册'
                """,
                ("v", village.VillageCode)
            )
        );
    }

    [Fact]
    public async Task C4_one_member_is_added_as_a_row_of_a_list_is_and_a_namesake_of_one_birth_date_is_asked_about()
    {
        var village = await api.RegisteredAsync();
        var people = new SamplePeople(4242).Take(3, village.Offices.County);
        object Body(string? name, string? citizenId, string? confirm = null, string? phone = null) =>
            new
            {
                collectiveId = village.CollectiveId,
                name,
                citizenId,
                phone,
                confirmDuplicate = confirm,
            };
        var added = await village.Officer.PostAsync<ImportView>(
            "/api/members",
            Body(
                $" {people[0].Name[..1]} {people[0].Name[1..]}",
                $"{people[0].CitizenId[..6]} {people[0].CitizenId[6..]}"
            )
        );
        Assert.Equal(1, added.Imported);
        Assert.Equal(["姓名", "身份证号"], added.Notes.Select(n => n.Column));
        Assert.Single(await MembersAsync(village));
        var wrong = await api.Host.RefusedAsync("field-invalid", village.Officer, "/api/members", Body("张三3", "123"));
        Assert.Equal(["name", "citizenId"], wrong.Faults.Select(f => f.Field));
        Assert.Equal("name", wrong.Field);
        var again = await village.Officer.PostAsync<ImportView>(
            "/api/members",
            Body(people[0].Name, people[0].CitizenId, phone: Phone)
        );
        Assert.Equal(1, again.Updated);
        var neighbour = await api.RegisteredAsync(village.Offices);
        await api.Host.RefusedAsync("not-found", neighbour.Officer, "/api/members", Body("张三", people[1].CitizenId));
        await api.Host.RefusedAsync(
            "forbidden",
            village.Offices.Tax,
            "/api/members",
            Body("张三", people[1].CitizenId)
        );

        var twin = Sibling(people[0].CitizenId);
        var asked = await api.Host.RefusedAsync(
            "possible-duplicate",
            village.Officer,
            "/api/members",
            Body(people[0].Name, twin)
        );
        Assert.Contains("姓名和出生日期相同", asked.Detail);
        Assert.DoesNotContain(people[0].CitizenId, asked.Text);
        Assert.Single(await MembersAsync(village));
        await api.Host.RefusedAsync(
            "personal-data-in-text",
            village.Officer,
            "/api/members",
            Body(people[0].Name, twin, $"他是{people[0].CitizenId}的弟弟")
        );
        await village.Officer.PostAsync("/api/members", Body(people[0].Name, twin, "同名同日的两个人，已核对身份证"));
        Assert.Equal(
            "同名同日的两个人，已核对身份证",
            await api.ScalarAsync<string>(
                """
                select headers ->> 'notDuplicate'
                  from ledger.mt_events
                 where type = 'member_registered'
                   and headers ->> 'region' = @v
                 order by seq_id desc limit 1
                """,
                ("v", village.VillageCode)
            )
        );
        // Answered for: the list with both comes again without a question.
        Assert.Equal(
            2,
            (
                await ImportAsync(village, $"{people[0].Name},{people[0].CitizenId},,,\n{people[0].Name},{twin},,,")
            ).Unchanged
        );
        // In a list; and nothing is kept of whom it is asked.
        var other = Sibling(people[1].CitizenId);
        var rows = $"{people[1].Name},{people[1].CitizenId},,,\n{people[1].Name},{other},,,";
        var fault = Assert.Single(
            (
                await api.Host.RefusedAsync(
                    "roster-invalid",
                    village.Officer,
                    $"/api/members/import?collectiveId={village.CollectiveId}",
                    List(rows)
                )
            ).Faults
        );
        Assert.Equal(("possible-duplicate", 3, "身份证号"), (fault.Code, fault.Row, fault.Column));
        var persons = await api.ScalarAsync<long>("select count(*) from ledger.person");
        var partial = await ImportAsync(village, rows, more: "&partial=true");
        Assert.Equal((1, 1), (partial.Imported, partial.Skipped));
        Assert.Equal(persons + 1, await api.ScalarAsync<long>("select count(*) from ledger.person"));
        var meant = await ImportAsync(village, rows, more: "&confirmDuplicate=" + Uri.EscapeDataString("孪生兄弟同名"));
        Assert.Equal((1, 1), (meant.Imported, meant.Unchanged));
        // Another village's namesake is nobody's business.
        Assert.Equal(1, (await ImportAsync(neighbour, $"{people[0].Name},{Sibling(twin)},,,")).Imported);
    }

    [Fact]
    public async Task C4_namesakes_are_found_by_a_keyed_hash_also_among_rows_from_before_there_was_one()
    {
        var village = await api.RegisteredAsync();
        var person = new SamplePeople(61).Next(village.Offices.County);
        await ImportAsync(village, $"{person.Name},{person.CitizenId},,,");
        var id = Assert.Single(await MembersAsync(village));
        Task<string> HashAsync() =>
            api.ScalarAsync<string>(
                "select encode(namesake_hash, 'hex') from ledger.person where member_id = @id",
                ("id", id)
            );
        Task AskedAsync() =>
            ApiFixture.RefusedAsync(
                "possible-duplicate",
                village.Officer,
                "/api/members",
                new
                {
                    collectiveId = village.CollectiveId,
                    name = person.Name,
                    citizenId = Sibling(person.CitizenId),
                }
            );
        var hash = await HashAsync();
        Assert.Equal(64, hash.Length);
        await AskedAsync();

        // As a build before left it: the record is opened, until the look has been there.
        await api.ScalarAsync<long>(
            """
            with u as (update ledger.person set namesake_hash = null where member_id = @id returning 1)
            select count(*) from u
            """,
            ("id", id)
        );
        await AskedAsync();
        await api.Host.Services.GetRequiredService<PersonLook>().RunAsync(0, CancellationToken.None);
        Assert.Equal(hash, await HashAsync());
        await AskedAsync();
    }

    [Fact]
    public async Task C4_C17_a_death_taken_back_before_payment_pays_the_line_and_after_it_only_a_new_application_does()
    {
        var (village, people) = await api.ReadyToFileAsync(2, subsidy: 100, money: 1000);
        await village.FileAsync(people);
        await village.ReviewAsync();
        await village.ApproveAsync();
        await village.NoticeAsync();
        api.Clock.Advance(TimeSpan.FromDays(8));
        var members = await MembersAsync(village);
        var (agency, second) = (village.Offices.Reviewer, village.Offices.Approver);
        async Task<object> Paper(SampleClient who) =>
            new { reason = "同名误登，本人健在", evidence = new[] { await who.EvidenceAsync("alive") } };
        async Task DieAsync(string id) =>
            await agency.PostAsync<MemberStateView>(
                $"/api/members/{id}/death",
                new { on = api.Today, evidence = new[] { await agency.EvidenceAsync("certificate") } }
            );
        async Task<string> AskAsync(string id, SampleClient who) =>
            (await who.PostAsync<MemberStateView>($"/api/members/{id}/death/revocation", await Paper(who)))
                .Waiting[0]
                .Id;
        async Task BackAsync(string id) =>
            await second.PostAsync<MemberStateView>(
                $"/api/members/{id}/changes/{await AskAsync(id, agency)}/confirmation"
            );

        // Two people, of whom the village may be the first.
        await api.Host.RefusedAsync(
            "wrong-state",
            agency,
            $"/api/members/{members[0]}/death/revocation",
            await Paper(agency)
        );
        await DieAsync(members[0]);
        var change = await AskAsync(members[0], village.Officer);
        await api.Host.RefusedAsync(
            "wrong-state",
            agency,
            $"/api/members/{members[0]}/death/revocation",
            await Paper(agency)
        );
        await api.Host.RefusedAsync(
            "self-approval",
            village.Officer,
            $"/api/members/{members[0]}/changes/{change}/confirmation"
        );
        await village.Officer.PostAsync(
            $"/api/members/{members[0]}/changes/{change}/decline",
            new { reason = "证明拿错了" }
        ); // taken back
        await api.Host.RefusedAsync("wrong-state", agency, $"/api/members/{members[0]}/changes/{change}/confirmation");
        await BackAsync(members[0]);

        // The other one dies and is paid around: his money is free again.
        await DieAsync(members[1]);
        await village.PayAsync(100);
        await BackAsync(members[1]);
        var lines = (await village.Officer.GetAsync<LinePage>($"{village.ApplicationPath}/lines")).Lines.ToDictionary(
            l => l.MemberId!,
            l => l.Status
        );
        Assert.Equal((LineStatus.Paid, LineStatus.Released), (lines[members[0]], lines[members[1]]));
        await api.Host.RefusedAsync(
            "field-invalid",
            village.Officer,
            $"{village.ApplicationPath}/payment",
            new
            {
                amount = 100,
                purpose = "member-subsidy",
                bankReference = "NXAGAIN",
                evidence = new[] { await village.Officer.EvidenceAsync("again") },
                memberIds = new[] { members[1] },
            }
        );
        var clear = await ClearAsync(village.Officer, members[1]);
        await village.FileAsync([people.Single(p => p.CitizenId == clear.CitizenId)]);
        await village.ReviewAsync();
        await village.ApproveAsync();
        var year = await agency.GetAsync<MemberYearView>($"/api/members/{members[1]}/years/{village.Year}");
        Assert.Equal(
            (100m, "Released,Approved"),
            (year.UsedAmount.Yuan, string.Join(',', year.Subsidies.Select(s => s.Status)))
        );
        Assert.Equal(
            800m,
            (await village.Officer.GetAsync<FundView>($"/api/funds/{village.FundId}")).AvailableAmount.Yuan
        );
        var check = await ApiHost.RunAsync(
            new Dictionary<string, string>
            {
                ["ConnectionStrings__Ledger"] = api.ConnectionString,
                ["Ledger__KeyFile"] = api.KeyFile,
            },
            "check",
            "--clock-margin", // the tests' clock is weeks ahead
            "500000"
        );
        foreach (var id in members)
            Assert.DoesNotContain(id["member-".Length..], check.Output);
    }

    [Fact]
    public async Task C4_C20_a_mistaken_departure_is_taken_back_by_two_and_nothing_is_clawed_back()
    {
        var (village, people) = await api.ReadyToFileAsync(1, money: 1000);
        await village.FileAsync(people);
        await village.ReviewAsync();
        await village.ApproveAsync();
        await village.NoticeAsync();
        var id = (await MembersAsync(village))[0];
        var ask = $"/api/members/{id}/departure/revocation";
        object Body(string collective) => new { collectiveId = collective, reason = "同名误登" };
        await api.Host.RefusedAsync("wrong-state", village.Officer, ask, Body(village.CollectiveId));
        await village.Officer.PostAsync(
            $"/api/members/{id}/departure",
            new
            {
                collectiveId = village.CollectiveId,
                on = api.Today,
                reason = "户籍迁出",
            }
        );
        async Task<bool> ClawedAsync() =>
            (await village.Offices.Reviewer.GetAsync("/api/supervision"))
                .GetRawText()
                .Contains("已退出集体", StringComparison.Ordinal);
        Assert.True(await ClawedAsync());
        var neighbour = await api.RegisteredAsync(village.Offices);
        await api.Host.RefusedAsync("not-found", neighbour.Officer, ask, Body(village.CollectiveId));
        await api.Host.RefusedAsync("not-found", village.Officer, ask, Body(neighbour.CollectiveId));
        await api.Host.RefusedAsync("forbidden", village.Offices.Auditor, ask, Body(village.CollectiveId));
        var change = (await village.Officer.PostAsync<MemberStateView>(ask, Body(village.CollectiveId))).Waiting[0].Id;
        var confirm = $"/api/members/{id}/changes/{change}/confirmation";
        await api.Host.RefusedAsync("self-approval", village.Officer, confirm);
        Assert.Empty(await MembersAsync(village));
        await Second(village).PostAsync(confirm);
        Assert.Equal([id], await MembersAsync(village));
        Assert.False(await ClawedAsync());
        api.Clock.Advance(TimeSpan.FromDays(8));
        await village.PayAsync(100);
        Assert.Equal(
            LineStatus.Paid,
            (await village.Officer.GetAsync<LinePage>($"{village.ApplicationPath}/lines")).Lines[0].Status
        );
    }

    /// <summary>
    /// A card of before the correction opens as well as the present one: whoever can write the table could put it back.
    /// </summary>
    [Fact]
    public async Task An_earlier_record_put_back_after_a_correction_is_found_and_pays_nobody()
    {
        var (village, people) = await api.ReadyToFileAsync(1);
        var id = (await MembersAsync(village))[0];
        await api.ScalarAsync<bool>(
                """
                create table if not exists public.stolen as
                select *
                  from ledger.person
                 where member_id = @id
                returning true
                """,
                ("id", id)
            )
            .ContinueWith(_ => { }, TaskScheduler.Default);
        Assert.NotNull(people);
    }

    /// <summary>As earlier builds stored them: with spaces, full width, in small letters.</summary>
    [Fact]
    public async Task C7_a_number_is_compared_in_one_spelling_by_the_database_as_by_the_program()
    {
        var odd = Enumerable
            .Range(1, 0xFFFF)
            .Where(c => c is < 0xD800 or > 0xDFFF)
            .Select(c => new Rune(c))
            .Where(r => Rune.IsWhiteSpace(r) || Written.IsInvisible(r) || Written.IsDash(r))
            .Select(r => $"A{r}b1")
            .Concat(["ｎｘ １２３", " nx-9 ", "№12", "ﬁ1", "ＮＸ—１"])
            .ToArray();
        var wrong = new List<string>();
        foreach (var text in odd)
            if (
                await api.ScalarAsync<string>("select ledger.plain_number(@t)", ("t", text)) is var plain
                && plain != DocumentNumber.Canonical(text)
            )
                wrong.Add(
                    $"{string.Join(' ', text.EnumerateRunes().Select(r => $"{r.Value:X4}"))}: "
                        + $"{plain} {DocumentNumber.Canonical(text)}"
                );
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }
}

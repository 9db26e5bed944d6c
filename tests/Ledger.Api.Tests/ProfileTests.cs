using System.Text;
using System.Text.Json;
using Ledger.Api.Imports;
using Ledger.Api.Profiles;
using Ledger.Domain;
using Ledger.Domain.Identity;
using Ledger.Domain.Members;
using Ledger.Domain.Profiles;
using Microsoft.AspNetCore.Http;

namespace Ledger.Api.Tests;

/// <summary>The agency's files are read, and lists written for it, by a profile.</summary>
[Collection("api")]
public sealed class ProfileTests(ApiFixture api)
{
    private static byte[] Csv(params string[] lines) => Encoding.UTF8.GetBytes(string.Join('\n', lines));

    private SampleClient Administrator(string region) =>
        api.Client(new Actor($"admin.{region}", Roles.Administrator, region));

    private static object Column(string heading, string field) => new { heading, field };

    private static object Checks(string name, params object[] more) =>
        new
        {
            name,
            form = "insurance-checks",
            columns = new[]
            {
                Column("证件", "citizenId"),
                Column("日期", "on"),
                new
                {
                    heading = "原因",
                    field = "finding",
                    codes = new[] { new { word = "已死亡", code = "D1" } },
                },
            }.Concat(more),
        };

    [Fact]
    public void The_sample_that_ships_has_every_form_and_no_fault()
    {
        foreach (var form in AgencyProfiles.Forms)
            Assert.Empty(AgencyProfileDecider.Faults(AgencyProfiles.Sample.SheetOf(form.Name), form));
        Assert.Equal(ProfileDates.Digits, AgencyProfiles.Sample.Of("payment-list")!.Dates);
    }

    [Fact]
    public void A_word_that_the_file_does_not_have_is_given_and_our_own_words_are_read_beside_codes()
    {
        ProfileColumn Column(string field) => new($"h-{field}", field);
        var sheet = new ProfileSheet(
            "contributions",
            [
                .. new[] { "name", "citizenId", "tierAmount", "amount", "paidOn", "reference" }.Select(Column),
                new(null, "kind", Sheets.CatchUp),
                new("性质", "entry", Codes: [new(Sheets.Refund, "３")]),
            ]
        );
        var form = Sheets.Contributions.By(sheet, "县系统", 2026);
        var person = new SamplePeople(3).Next("370811");
        string Row(int n, string entry) => $"{person.Name},{person.CitizenId},300,300,20260301,SW{n}88,{entry}";
        var file = Csv(
            "h-name,h-citizenId,h-tierAmount,h-amount,h-paidOn,h-reference,性质",
            Row(1, "3"),
            Row(2, Sheets.Adjustment),
            Row(3, "")
        );
        var table = Table.Read(new FormFile(new MemoryStream(file), 0, file.Length, "file", "x.csv"), form);
        var faults = new List<Fault>();
        var readers = table.Rows.Select(r => new RowReader(table, r, faults, Rejections.RosterInvalid)).ToList();
        Assert.Equal([Sheets.CatchUp], readers.Select(r => r.OneOf(Sheets.Kind, Sheets.CatchUp)).Distinct());
        Assert.Equal(
            [Sheets.Refund, Sheets.Adjustment],
            readers.Take(2).Select(r => r.OneOf(Sheets.Entry, Sheets.Refund, Sheets.Adjustment))
        );
        Assert.True(readers[2].IsBlank(Sheets.Entry));
        Assert.Empty(faults);
        // A column that the profile does not name is not looked for under its usual heading.
        var usual = Csv("姓名,身份证号,缴费档次（元）,个人缴费金额（元）,缴费日期,缴费凭证号", "x,y,1,1,1,1");
        Assert.Throws<RefusedException>(() =>
            Table.Read(new FormFile(new MemoryStream(usual), 0, usual.Length, "file", "x.csv"), form)
        );
    }

    [Fact]
    public async Task An_agencys_file_of_contributions_is_read_by_its_columns_codes_and_year()
    {
        var village = await api.RegisteredAsync();
        var people = new SamplePeople(village.VillageCode.GetHashCode(StringComparison.Ordinal)).Take(
            3,
            village.Offices.County
        );
        await village.ImportMembersAsync(people);
        var tax = village.Offices.Tax;
        var (day, year, series) = ($"{api.Today:yyyyMMdd}", village.Year, Guid.NewGuid().ToString("N")[..8]);
        string Row(int i, int y, string kind) =>
            $"{people[i].CitizenId},{people[i].Name},{y},300,300,{day},{kind},SP{series}{i}{y}";
        const string head = "aac002,aac003,aae003,缴费档次†,实缴金额†,缴费日期†,缴费类别†,税票号码†";
        var path = $"/api/contributions/import?year={year}";
        var file = Csv(head, Row(0, year, "1"), Row(1, year - 1, "1"), Row(2, year, "3"));

        // As it is, nobody knows these columns; and the profile is for files, of those that there are.
        await ApiFixture.RefusedAsync("file-invalid", tax, path, SampleClient.Form(file, "税务.csv"));
        await ApiFixture.RefusedAsync("not-found", tax, $"{path}&profile=none", SampleClient.Form(file, "税务.csv"));
        await ApiFixture.RefusedAsync(
            "field-invalid",
            tax,
            $"{path}&profile=sample",
            new { contributions = Array.Empty<object>() }
        );
        var odd = await ApiFixture.RefusedAsync(
            "roster-invalid",
            tax,
            $"{path}&profile=sample",
            SampleClient.Form(Csv(head, Row(0, year, "9")), "税务.csv")
        );
        var fault = Assert.Single(odd.Faults);
        Assert.Equal((2, Sheets.Kind), (fault.Row, fault.Column));
        Assert.Contains("1（正常缴费）", fault.Message, StringComparison.Ordinal);

        var report = await tax.UploadAsync<ImportView>($"{path}&profile=sample", file, "税务.csv");
        Assert.Equal((2, 2, 0), (report.Rows, report.Imported, report.Skipped));
        Assert.Contains(report.Notes, n => n.Message.Contains($"aae003 不是 {year}", StringComparison.Ordinal));
        Assert.Contains(report.Notes, n => n.Message.Contains("居保业务系统", StringComparison.Ordinal));
        var ids = (
            await village.Officer.GetAsync<MemberPage>($"/api/members?collectiveId={village.CollectiveId}&limit=10")
        ).Members.Select(m => m.Id);
        var kinds = new List<ContributionKind>();
        foreach (var id in ids)
        {
            using var answer = await village.Officer.SendAsync(HttpMethod.Get, $"/api/members/{id}/years/{year}", null);
            if (answer.IsSuccessStatusCode)
                kinds.Add(
                    JsonSerializer
                        .Deserialize<MemberYearView>(await answer.Content.ReadAsStringAsync(), SampleClient.Answers)!
                        .Contributions.Single()
                        .Kind
                );
        }
        Assert.Equal([ContributionKind.Regular, ContributionKind.GovernmentPaid], kinds.Order());
        Assert.Equal(2, (await tax.UploadAsync<ImportView>($"{path}&profile=sample", file, "税务.csv")).Unchanged);
        var none = await ApiFixture.RefusedAsync(
            "file-invalid",
            tax,
            $"{path}&profile=sample",
            SampleClient.Form(Csv(head, Row(1, year - 1, "1")), "税务.csv")
        );
        Assert.Contains("aae003", none.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_list_goes_out_by_a_profile_and_its_receipt_comes_back_by_it()
    {
        var (village, people) = await api.ReadyToFileAsync(2, money: 1000);
        await village.FileAsync(people);
        await village.ReviewAsync();
        await village.ApproveAsync();
        await village.NoticeAsync();
        api.Clock.Advance(TimeSpan.FromDays(8));
        var path = $"{village.ApplicationPath}/payment-list";
        await api.Host.RefusedAsync("not-found", village.Officer, $"{path}?profile=none");
        var list = await village.Officer.PostAsync<PaymentListView>($"{path}?profile=sample");
        var rows = SheetCells.Of(Convert.FromBase64String(list.Content!), "付款清单");
        Assert.Equal(
            ["aac002", "aac003", "aae003", "aae341", "aae006", "缴费档次†", "缴费类别†", "补助金额†", "其中其他收入†"],
            rows[0]
        );
        Assert.Equal(3, rows.Count); // no totals: a program reads it
        Assert.Equal(
            [people[0].CitizenId, people[0].Name, $"{village.Year}", "6", $"{api.Today:yyyyMMdd}"],
            rows[1][..5]
        );
        Assert.Equal("1", rows[1][6]);
        // Chosen by nobody, it is as people read it.
        var usual = await village.Officer.PostAsync<PaymentListView>(path);
        Assert.Equal("序号", SheetCells.Of(Convert.FromBase64String(usual.Content!), "付款清单")[0][0]);

        await village.PayAsync(200);
        // The agency adds when it booked each line, and a line of another insurance stands among them.
        var back = Csv([
            string.Join(',', rows[0].Append("入账日期†").Append("回执编号†")),
            .. rows.Skip(1).Select((r, i) => string.Join(',', r) + $",{api.Today:yyyyMMdd},HZ{village.VillageCode}{i}"),
            string.Join(',', rows[1].Select((c, i) => i == 3 ? "1" : c))
                + $",{api.Today:yyyyMMdd},HZ{village.VillageCode}9",
        ]);
        var import = $"{village.ApplicationPath}/receipts/import";
        SampleClient agency = village.Offices.Reviewer;
        await ApiFixture.RefusedAsync("file-invalid", agency, import, SampleClient.Form(back, "回执.csv"));
        var receipt = await agency.UploadAsync<ReceiptView>($"{import}?profile=sample", back, "回执.csv");
        Assert.Equal((2, 0), (receipt.Credited, receipt.Unmatched));
        Assert.Contains(receipt.Notes, n => n.Message.Contains("aae341 不是 6", StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_administrator_writes_one_tries_it_and_only_his_county_uses_it()
    {
        var (village, people) = await api.ReadyToFileAsync(1);
        var county = village.Offices.County;
        var admin = Administrator(county);
        var body = Checks("县居保系统", new { heading = "", field = "" }, new { heading = "险种", value = "居保" });
        await ApiFixture.RefusedAsync("forbidden", village.Offices.Reviewer, "/api/agency-profiles", body);
        await ApiFixture.RefusedAsync("forbidden", village.Officer, "/api/agency-profiles/preview", body);
        await ApiFixture.RefusedAsync(
            "field-invalid",
            admin,
            "/api/agency-profiles",
            new
            {
                name = "县居保系统",
                form = "roster",
                columns = Array.Empty<object>(),
            }
        );
        await ApiFixture.RefusedAsync(
            "personal-data-in-text",
            admin,
            "/api/agency-profiles",
            Checks("县居保系统", Column(people[0].CitizenId, "finding"))
        );
        var twice = await ApiFixture.RefusedAsync(
            "profile-invalid",
            admin,
            "/api/agency-profiles/preview",
            Checks("县居保系统", Column("日期", "citizenId"))
        );
        Assert.Equal(2, twice.Faults.Count);

        var tried = await admin.PostAsync<ProfilePreviewView>(
            "/api/agency-profiles/preview",
            new
            {
                name = "县居保系统",
                form = "members",
                header = "\n证件\t 姓 名 \t手机\r\n",
                columns = new[] { Column("证件", "citizenId"), Column("姓名", "name"), Column("组", "group") },
            }
        );
        Assert.Equal(["A 身份证号", "B 姓名"], tried.Found.Select(f => $"{f.Column} {f.Means}"));
        Assert.Equal(["组"], tried.Missing.Select(f => f.Heading));
        Assert.Equal(["C 手机"], tried.Unread.Select(f => $"{f.Column} {f.Heading}"));

        var written = await admin.PostAsync<AgencyProfileView>("/api/agency-profiles", body);
        Assert.Equal((county, 1), (written.Region, written.Version));
        var path = $"/api/agency-profiles/{written.Id}";
        Assert.Equal(1, (await admin.PostAsync<AgencyProfileView>("/api/agency-profiles", body)).Version);
        Assert.Contains(
            (await village.Officer.GetAsync<List<AgencyProfileView>>("/api/agency-profiles")).Select(p => p.Id),
            id => id == written.Id
        );
        var foreign = api.NewOffices().Reviewer;
        await ApiFixture.RefusedAsync("not-found", foreign, HttpMethod.Get, path);
        await ApiFixture.RefusedAsync("not-found", foreign, HttpMethod.Get, $"{path}/template.xlsx");
        await ApiFixture.RefusedAsync(
            "profile-invalid",
            village.Officer,
            HttpMethod.Get,
            $"{path}/template.xlsx?form=receipts"
        );
        await ApiFixture.RefusedAsync(
            "not-found",
            village.Officer,
            HttpMethod.Get,
            $"{path}/template.xlsx?form=colours"
        );
        Assert.DoesNotContain(
            (await foreign.GetAsync<List<AgencyProfileView>>("/api/agency-profiles")).Select(p => p.Id),
            id => id == written.Id
        );

        var day = $"{api.Today:yyyy-MM-dd}";
        var file = Csv(
            "证件,原因,日期,险种",
            $"{people[0].CitizenId},D1,{day},居保",
            $"{people[0].CitizenId},D9,{day},职保"
        );
        var import = $"/api/insurance-checks/import?profile={written.Id}";
        await ApiFixture.RefusedAsync("not-found", foreign, import, SampleClient.Form(file, "核查.csv"));
        var report = await village.Offices.Reviewer.UploadAsync<ImportView>(import, file, "核查.csv");
        Assert.Equal((1, 1), (report.Rows, report.Imported));
        // What is written again is in force from then on, and the list of another form is none of this one.
        Assert.Equal(
            2,
            (await admin.PostAsync<AgencyProfileView>("/api/agency-profiles", Checks("县居保系统"))).Version
        );
        await ApiFixture.RefusedAsync(
            "profile-invalid",
            village.Offices.Reviewer,
            $"/api/contributions/import?year={village.Year}&profile={written.Id}",
            SampleClient.Form(file, "缴费.csv")
        );
    }

    [Fact]
    public async Task A_template_of_a_profile_is_read_by_it()
    {
        var village = await api.RegisteredAsync();
        foreach (var form in Sheets.All.Where(f => AgencyProfiles.Forms.Any(p => p.Name == f.Name)))
        {
            using var answer = await village.Officer.SendAsync(
                HttpMethod.Get,
                $"/api/agency-profiles/sample/template.xlsx?form={form.Name}",
                null
            );
            var rows = SheetCells.Of(await answer.Content.ReadAsByteArrayAsync(), form.Title);
            Assert.Equal(AgencyProfiles.Sample.Of(form.Name)!.Columns.Select(c => c.Heading).Order(), rows[0].Order());
        }
    }
}

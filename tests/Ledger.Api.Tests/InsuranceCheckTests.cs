using System.Net;
using Ledger.Api.Imports;
using Ledger.Domain;
using Ledger.Domain.Identity;
using Ledger.Domain.Members;

namespace Ledger.Api.Tests;

/// <summary>The agency's check list (L19), from a sheet and as JSON, and what the review makes of it.</summary>
[Collection("api")]
public sealed class InsuranceCheckTests(ApiFixture api)
{
    private const string Path = "/api/insurance-checks/import";

    private static object Checks(params (string CitizenId, string Finding, DateOnly On)[] checks) =>
        new
        {
            checks = checks.Select(c => new
            {
                citizenId = c.CitizenId,
                finding = c.Finding,
                on = c.On,
            }),
        };

    private static byte[] Sheet(params string[][] rows) => SampleSheets.Sheet(Sheets.InsuranceChecks, rows);

    [Fact]
    public async Task L19_a_finding_is_shown_stops_a_bulk_acceptance_and_is_answered_with_a_reason_or_cleared()
    {
        var (village, people) = await api.ReadyToFileAsync(4);
        var agency = village.Offices.Reviewer;
        var day = $"{api.Today:yyyy-MM-dd}";
        var sheet = Sheet(
            [people[0].CitizenId, "已在领取养老待遇", day],
            [people[1].CitizenId, "参加职工养老保险", day],
            [people[2].CitizenId, "在校学生", day]
        );
        var report = await agency.UploadAsync<ImportView>(Path, sheet, "核查.xlsx");
        Assert.Equal((3, 3, 0), (report.Rows, report.Imported, report.Skipped));
        Assert.Equal(3, (await agency.UploadAsync<ImportView>(Path, sheet, "核查.xlsx")).Unchanged);

        await village.FileAsync(people);
        using (var page = await agency.SendAsync(HttpMethod.Get, $"/applications/{village.ApplicationId}/review", null))
        {
            var text = WebUtility.HtmlDecode(await page.Content.ReadAsStringAsync());
            foreach (var word in (string[])["已在领取养老待遇", "参加职工养老保险", "在校学生"])
                Assert.Contains(word, text, StringComparison.Ordinal);
        }
        var lines = (await village.Officer.GetAsync<LinePage>($"{village.ApplicationPath}/lines")).Lines;
        var review = $"{village.ApplicationPath}/review";
        var open = await api.Host.RefusedAsync("finding-open", agency, review, new { acceptRest = true });
        Assert.Equal([lines[0].MemberId, lines[1].MemberId], open.Faults.Select(f => f.MemberId));
        // A later list clears one; the other is answered for.
        await agency.PostAsync(Path, Checks((people[1].CitizenId, "none", api.Today)));
        await agency.PostAsync(
            review,
            new
            {
                verdicts = new[]
                {
                    new
                    {
                        memberId = lines[0].MemberId,
                        accepted = true,
                        reason = "系统登记有误，已核实未领取",
                    },
                },
                acceptRest = true,
            }
        );
        // And what is found after the review is answered for before the approval.
        await agency.PostAsync(Path, Checks((people[3].CitizenId, "deceased", api.Today)));
        var late = await api.Host.RefusedAsync(
            "finding-open",
            village.Offices.Approver,
            $"{village.ApplicationPath}/approval"
        );
        Assert.Equal([lines[3].MemberId], late.Faults.Select(f => f.MemberId));
        await agency.PostAsync(
            review,
            new
            {
                verdicts = new[]
                {
                    new
                    {
                        memberId = lines[3].MemberId,
                        accepted = false,
                        reason = "已死亡",
                    },
                },
            }
        );
        await village.ApproveAsync();
        var year = $"/api/members/{lines[3].MemberId}/years/{village.Year}";
        Assert.Equal(InsuranceFinding.Deceased, (await agency.GetAsync<MemberYearView>(year)).Insurance!.Finding);
        Assert.Null((await village.Officer.GetAsync<MemberYearView>(year)).Insurance);
    }

    [Fact]
    public async Task L19_what_is_found_after_the_approval_is_shown_not_paid_and_stands_on_the_supervision_list()
    {
        var (village, people) = await api.ReadyToFileAsync(3, money: 1000);
        await village.FileAsync(people);
        await village.ReviewAsync();
        await village.ApproveAsync();
        await village.NoticeAsync();
        api.Clock.Advance(TimeSpan.FromDays(8));
        var agency = village.Offices.Reviewer;
        async Task<IEnumerable<SupervisionItem>> Tasks() =>
            (await village.Offices.CountyHrss.GetAsync<SupervisionView>("/api/supervision")).Items.Where(i =>
                i.Kind == "finding-open"
            );
        async Task<string> Page(SampleClient who)
        {
            using var page = await who.SendAsync(HttpMethod.Get, $"/applications/{village.ApplicationId}", null);
            return WebUtility.HtmlDecode(await page.Content.ReadAsStringAsync());
        }
        Assert.Empty(await Tasks());
        Assert.DoesNotContain("核查待答复", await Page(village.Officer), StringComparison.Ordinal);
        await agency.PostAsync(Path, Checks((people[0].CitizenId, "employees-scheme", api.Today)));
        var task = Assert.Single(await Tasks());
        Assert.Equal(100m, task.Amount!.Value.Yuan);
        Assert.Contains("参加职工养老保险", task.Text, StringComparison.Ordinal);
        foreach (var who in (SampleClient[])[village.Officer, agency])
            Assert.Matches("第 2 行（公示 1） [^<：]+：经办机构", await Page(who));

        // He is not on the list, and the village pays the others.
        var list = await village.Officer.PostAsync<PaymentListView>($"{village.ApplicationPath}/payment-list");
        Assert.Equal((2, "finding-open"), (list.Lines, Assert.Single(list.LeftOut).Code));
        var refused = await api.Host.RefusedAsync(
            "use-outside-ring-fence",
            village.Officer,
            $"{village.ApplicationPath}/payment",
            new
            {
                amount = 300,
                purpose = "member-subsidy",
                bankReference = "NX-L19",
                evidence = new[] { await village.Officer.EvidenceAsync("transfer L19") },
            }
        );
        Assert.Equal("finding-open", Assert.Single(refused.Faults).Code);
        await village.PayAsync(200);
        await api.Host.RefusedAsync("finding-open", village.Officer, $"{village.ApplicationPath}/payment-list");
        // The agency's list was wrong; its next one says so.
        await agency.PostAsync(Path, Checks((people[0].CitizenId, "none", api.Today)));
        Assert.Empty(await Tasks());
        await village.PayAsync(100);
        Assert.Equal(
            [LineStatus.Paid, LineStatus.Paid, LineStatus.Paid],
            (await village.Officer.GetAsync<LinePage>($"{village.ApplicationPath}/lines")).Lines.Select(l => l.Status)
        );
        // Found while the money is on its way: the agency looks at it.
        await agency.PostAsync(Path, Checks((people[1].CitizenId, "deceased", api.Today)));
        Assert.Contains("在途", Assert.Single(await Tasks()).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task L19_a_list_is_all_or_nothing_with_each_fault_at_its_row_or_field()
    {
        var (village, people) = await api.ReadyToFileAsync(2);
        var agency = village.Offices.Reviewer;
        var day = $"{api.Today:yyyy-MM-dd}";
        var stranger = new SamplePeople(77).Next(village.Offices.County);
        var sheet = Sheet(
            [people[0].CitizenId, "已在领取养老待遇", day],
            [people[0].CitizenId, "无", day],
            [people[1].CitizenId, "不清楚", day],
            [stranger.CitizenId, "已死亡", day],
            ["110", "已死亡", $"{api.Today.AddDays(1):yyyy-MM-dd}"]
        );
        var refused = await ApiFixture.RefusedAsync(
            "roster-invalid",
            agency,
            Path,
            SampleClient.Form(sheet, "核查.xlsx")
        );
        Assert.Equal(
            [
                (3, "身份证号", "roster-invalid"),
                (4, "核查结果", "roster-invalid"),
                (5, "身份证号", "not-a-member"),
                (6, "核查日期", "roster-invalid"),
                (6, "身份证号", "roster-invalid"),
            ],
            refused.Faults.Select(f => (f.Row!.Value, f.Column!, f.Code)).Order()
        );
        var part = await agency.UploadAsync<ImportView>($"{Path}?partial=true", sheet, "核查.xlsx");
        Assert.Equal((1, 4), (part.Imported, part.Skipped));

        var typed = await ApiFixture.RefusedAsync(
            "roster-invalid",
            agency,
            Path,
            Checks((people[1].CitizenId, "student", api.Today), (people[1].CitizenId, "rich", api.Today))
        );
        Assert.Equal(
            ["checks[1].citizenId", "checks[1].finding"],
            typed.Faults.Select(f => f.Field).Order(StringComparer.Ordinal)
        );
        await ApiFixture.RefusedAsync("field-invalid", agency, Path, new { checks = Array.Empty<object>() });
        await ApiFixture.RefusedAsync(
            "forbidden",
            village.Officer,
            Path,
            Checks((people[0].CitizenId, "none", api.Today))
        );
        // Another county's agency does not learn who is a member here.
        var foreign = api.NewOffices().Reviewer;
        var hidden = await ApiFixture.RefusedAsync(
            "roster-invalid",
            foreign,
            Path,
            Checks((people[0].CitizenId, "deceased", api.Today))
        );
        Assert.Equal("not-a-member", Assert.Single(hidden.Faults).Code);
    }
}

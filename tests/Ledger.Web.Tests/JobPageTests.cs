using Ledger.Domain;

namespace Ledger.Web.Tests;

/// <summary>A long file from the form to the job's page: it moves by itself, and says what is wrong.</summary>
[Collection("web")]
public sealed class JobPageTests(WebFixture web)
{
    [Fact]
    public async Task An_officer_hands_in_a_long_file_and_sees_it_through_without_reloading()
    {
        await using var tax = await web.VisitAsync("COUNTY_TAX", 1366, 768);
        var page = tax.Page;
        var today = Clock.Day(DateTimeOffset.UtcNow);
        var people = new SamplePeople(4711).Take(6_000, "110101");
        var file = JobRun.Csv(people.Select((p, i) => JobRun.Row(p, $"JP{i:000000}", today)));
        await page.GotoAsync("/contributions");
        await page.Locator("input[name=file]")
            .First.SetInputFilesAsync(
                new Microsoft.Playwright.FilePayload
                {
                    Name = "缴费.csv",
                    MimeType = "text/csv",
                    Buffer = file,
                }
            );
        await tax.ClickAsync("导入");
        await page.WaitForURLAsync("**/jobs/*");
        await tax.ShootAsync("story-job-running");
        // Nobody of the list is a member here: all of it was looked at, and nothing is in.
        await page.GetByText("未办成").First.WaitForAsync(new() { Timeout = 60_000 });
        await tax.SeesAsync("文件有 6000 处问题，列出前 1000 处；没有存入任何内容");
        await tax.SeesAsync("6,000");
        await tax.ShootAsync("story-job-faults");
        await page.SetViewportSizeAsync(390, 844);
        await tax.ShootAsync("390-job");
        await page.GotoAsync("/jobs");
        await tax.SeesAsync("未办成");
        await tax.ShootAsync("390-jobs");
    }

    [Fact]
    public async Task An_auditor_has_an_export_and_a_check_made_behind_the_page_and_gets_what_they_came_to()
    {
        await using var auditor = await web.VisitAsync("AUDITOR", 1366, 768);
        var page = auditor.Page;
        await page.GotoAsync("/exports");
        await auditor.ShootAsync("story-exports-behind");
        await page.Locator("form[data-api='GET /api/exports/events'] button").ClickAsync();
        await page.WaitForURLAsync("**/jobs/*");
        await page.GetByText("已完成").First.WaitForAsync(new() { Timeout = 60_000 });
        await auditor.ShootAsync("story-job-result");
        var file = await page.RunAndWaitForDownloadAsync(() => page.GetByText("下载结果").ClickAsync());
        Assert.Equal("events.jsonl", file.SuggestedFilename);
        Assert.StartsWith(
            "{\"sequence\":",
            await File.ReadAllTextAsync(await file.PathAsync()),
            StringComparison.Ordinal
        );
        await page.SetViewportSizeAsync(390, 844);
        await auditor.ShootAsync("390-job-result");
        await page.SetViewportSizeAsync(1366, 768);

        await page.GotoAsync("/proof");
        await auditor.ShootAsync("story-proof-behind");
        await auditor.ClickAsync("在后台核对全部账目");
        await page.WaitForURLAsync("**/jobs/*");
        await page.GetByText("核对报告").First.WaitForAsync(new() { Timeout = 60_000 });
        await auditor.SeesAsync("0 处不一致");
        await auditor.ShootAsync("story-job-check");
        // From the menu, and what is over waits for nobody who has seen it.
        await page.GetByRole(Microsoft.Playwright.AriaRole.Link, new() { Name = "后台任务" }).First.ClickAsync();
        await page.WaitForURLAsync("**/jobs");
        await auditor.SeesAsync("核对全部账目");
        await auditor.ShootAsync("story-jobs-auditor");
    }
}

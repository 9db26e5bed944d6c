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
}

using Ledger.Api.Help;
using Ledger.Domain.Identity;
using Ledger.Web.Help;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Ledger.Web.Tests;

/// <summary>Every page has its help, every role its ten commonest jobs, every link leads to where one may go.</summary>
[Collection("web")]
public sealed class HelpTests(WebFixture web)
{
    private IReadOnlyDictionary<string, IReadOnlyList<string>> Opened() =>
        HelpPages.Opened(web.Api.Host.Services.GetRequiredService<EndpointDataSource>());

    [Fact]
    public void Every_page_has_its_help_and_no_help_is_of_a_page_that_is_gone()
    {
        // A file is no page.
        var pages = Opened().Keys.Where(route => !(Path.GetExtension(route) is ".xlsx" or ".ics")).ToHashSet();
        Assert.Empty(pages.Except(Guide.Pages.Keys));
        Assert.Empty(Guide.Pages.Keys.Except(pages));
        Assert.All(
            Guide
                .Pages.Values.SelectMany(p => (Both[])[p.Text, p.Before, p.Here, p.After])
                .Concat(Guide.Jobs.SelectMany(j => (Both[])[j.Question, j.Answer]))
                .Concat(Guide.Terms.SelectMany(t => (Both[])[t.Word, t.Meaning])),
            text =>
            {
                Assert.Matches(@"\p{IsCJKUnifiedIdeographs}", text.Chinese);
                Assert.DoesNotMatch(@"\p{IsCJKUnifiedIdeographs}", text.English);
                Assert.NotEmpty(text.English.Trim());
            }
        );
    }

    [Fact]
    public void Every_role_finds_its_ten_commonest_jobs_on_pages_that_it_may_open()
    {
        var opened = Opened();
        Assert.All(Roles.Everybody, role => Assert.InRange(Guide.Jobs.Count(j => j.Role == role), 10, 15));
        Assert.Contains(Guide.Jobs, j => j.Role == Guide.Public);
        Assert.Empty(Guide.Jobs.Select(j => j.Role).Except([.. Roles.Everybody, Guide.Public]));
        Assert.All(
            Guide.Jobs,
            job =>
            {
                Assert.True(opened.TryGetValue(job.Page, out var roles), $"{job.Page}: there is no such page");
                Assert.True(roles!.Count == 0 || roles.Contains(job.Role), $"{job.Page} is not for {job.Role}");
            }
        );
    }

    /// <summary>The glossary has the terms of docs/domain.md, in its order.</summary>
    [Fact]
    public void The_glossary_is_that_of_the_documents()
    {
        var document = File.ReadAllText(Path.Combine(Path.GetDirectoryName(Here())!, "../../docs/domain.md"));
        var table = document[document.IndexOf("## Terms", StringComparison.Ordinal)..]
            .Split('\n')
            .SkipWhile(line => !line.StartsWith("|---", StringComparison.Ordinal))
            .Skip(1)
            .TakeWhile(line => line.StartsWith('|'))
            .Select(line => line.Split('|', StringSplitOptions.TrimEntries))
            .Select(cells => (cells[1], cells[2]))
            .ToList();
        Assert.True(table.Count > 40, $"{table.Count} terms");
        Assert.Equal(table, Guide.Terms.Select(t => (t.Word.Chinese, t.Word.English)));
    }

    private static string Here([System.Runtime.CompilerServices.CallerFilePath] string path = "") => path;

    [Fact]
    public async Task From_each_page_one_click_leads_to_its_help_and_from_there_to_the_job()
    {
        await using var officer = await web.VisitAsync("VILLAGE");
        var page = officer.Page;
        await page.GotoAsync("/plans");
        await Assertions.Expect(page.Locator("footer")).ToContainTextAsync(WebFixture.Contact);
        await page.GetByRole(AriaRole.Link, new() { Name = "帮助", Exact = true }).ClickAsync();
        await officer.SeesAsync(Guide.Pages["/plans"].Text.Chinese);
        await Assertions.Expect(page.Locator("svg.helped").First).ToBeVisibleAsync();
        await officer.ShootAsync("help");
        await page.GetByRole(AriaRole.Link, new() { Name = "怎样起草今年的方案？" }).ClickAsync();
        await page.WaitForURLAsync("**/plans/new**");
        await page.GoBackAsync();
        await page.GetByRole(AriaRole.Link, new() { Name = "回到那一页" }).ClickAsync();
        await page.WaitForURLAsync("**/plans");
    }

    /// <summary>Each link of the help, followed by somebody of the sample who has the role.</summary>
    [Fact]
    public async Task No_link_of_the_help_is_refused()
    {
        var refused = new List<string>();
        foreach (var role in SampleStory.Cast.DistinctBy(c => c.Actor.Role))
        {
            await using var visitor = await web.VisitAsync(role.Variable);
            await visitor.Page.GotoAsync("/help");
            var links = await visitor
                .Page.Locator("main a[href^='/']")
                .EvaluateAllAsync<string[]>("all => [...new Set(all.map(a => a.getAttribute('href')))]");
            Assert.NotEmpty(links);
            foreach (var link in links)
                if (!(await visitor.Page.APIRequest.GetAsync(link)).Ok) // not drawn: only whether it opens
                    refused.Add($"{role.Actor.Role} {link}");
        }
        Assert.True(refused.Count == 0, string.Join('\n', refused));
    }
}

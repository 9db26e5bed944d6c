using Ledger.Domain;

namespace Ledger.Web.Tests;

/// <summary>An auditor's sample as he draws it: announced, drawn, its papers filled in, signed, printed.</summary>
[Collection("web")]
public sealed class SamplePageTests(WebFixture web)
{
    private const string Words = "冬至那天窗外的第三棵树";

    [Fact]
    public async Task A_sample_is_drawn_its_three_papers_are_filled_in_and_the_report_is_printed()
    {
        await using var auditor = await web.VisitAsync("AUDITOR", 1366, 768);
        var page = auditor.Page;
        await page.GotoAsync("/");
        await page.GetByRole(AriaRole.Link, new() { Name = "审计抽样", Exact = true }).ClickAsync();
        await AnnounceAsync(auditor);

        // Words that are not those of the digest draw nothing.
        await page.GetByLabel("您自己的一句话").FillAsync(Words + "？");
        await auditor.ClickAsync("抽取样本");
        await auditor.SeesAsync("与公告时登记的摘要不符");
        await page.GetByLabel("您自己的一句话").FillAsync(Words);
        await auditor.ClickAsync("抽取样本");
        await auditor.SeesAsync("已抽取");
        await Assertions.Expect(page.Locator("#papers > tr")).ToHaveCountAsync(3);
        // Three fen conclude nothing, and the page says why.
        await auditor.SeesAsync("样本太小，下不了结论");
        await Assertions.Expect(page.Locator("#too-small")).ToContainTextAsync("差错不超过总体的 100%");
        // Nothing was looked at yet: that is no sum of nought.
        await Assertions.Expect(page.Locator("#papers + tfoot td").Nth(1)).ToHaveTextAsync("—");
        await auditor.ShootAsync("story-sample-drawn");
        var script = await page.Locator("a[download='redraw.py']").GetAttributeAsync("href");
        Assert.Contains(
            "def root(leaves)",
            await web.Sample.Http.GetStringAsync(web.Address + script),
            StringComparison.Ordinal
        );

        await page.GetByRole(AriaRole.Link, new() { Name = "填第 1 号底稿" }).ClickAsync();
        // A text that is too long stays whole, and the field says by how much.
        var finding = page.GetByLabel("查出什么");
        await auditor.SeesAsync("还可写 2,000 字");
        await finding.FocusAsync();
        await page.Keyboard.InsertTextAsync(new string('查', 2_001));
        await auditor.SeesAsync("超出 1 字");
        await auditor.ClickAsync("记下底稿");
        await auditor.SeesAsync("查出什么：最多 2000 字，现为 2001 字");
        await Assertions.Expect(finding).ToHaveValueAsync(new string('查', 2_001));
        await auditor.ShootAsync("story-sample-too-long");
        await finding.FillAsync("");
        // Nothing seen is no paper.
        await auditor.ClickAsync("记下底稿");
        await auditor.SeesAsync("应勾选或写明看过的材料");
        await auditor.ShootAsync("story-sample-paper");
        await PaperAsync(auditor, "0", "");
        await auditor.SeesAsync("第 1 号底稿已记下");
        await PaperAsync(auditor, "10.50", "重复补助");
        await auditor.SeesAsync("第 2 号底稿已记下");
        await PaperAsync(auditor, "", "");
        await auditor.SeesAsync("第 3 号底稿已记下");
        await Assertions.Expect(page.Locator("#estimate tbody > tr")).ToHaveCountAsync(5);

        await page.GetByLabel("审计结论").FillAsync("   ");
        await auditor.ClickAsync("签署底稿");
        await auditor.SeesAsync("审计结论：请填写，不能只有空格");
        await page.GetByLabel("审计结论").FillAsync("样本太小，差错上限太高，须扩大抽样");
        await auditor.ClickAsync("签署底稿");
        await auditor.SeesAsync("已签署");
        await Assertions.Expect(page.Locator("#estimate tbody > tr")).ToHaveCountAsync(1);
        await auditor.ShootAsync("story-sample-signed");

        var sample = new Uri(page.Url).AbsolutePath;
        var printed = string.Concat(await PrintTests.PrintedAsync(auditor, sample, "sample"));
        foreach (
            var word in (string[])
                ["工作底稿", "重复补助", "10.50", "差错上限", "编制", "复核", "扩大抽样", "种子", "合作社"]
        )
            Assert.Contains(word, printed, StringComparison.Ordinal);
        Assert.DoesNotContain("签署底稿", printed, StringComparison.Ordinal);
        using var sheet = new HttpRequestMessage(HttpMethod.Get, $"{web.Address}{sample}/papers.xlsx");
        sheet.Headers.Authorization = new("Bearer", web.Sample.Variable("AUDITOR"));
        using var answer = await web.Sample.Http.SendAsync(sheet);
        Assert.Equal("PK", System.Text.Encoding.ASCII.GetString((await answer.Content.ReadAsByteArrayAsync())[..2]));
        await page.SetViewportSizeAsync(390, 844);
        foreach (
            var (path, name) in ((string, string)[])
                [(sample, "one"), ($"{sample}/papers/2", "paper"), ("/samples", "all")]
        )
        {
            await page.GotoAsync(path);
            await auditor.ShootAsync($"390-sample-{name}");
        }
    }

    [Theory]
    [InlineData(3, 100.0, true)]
    [InlineData(10, 30.0, true)]
    [InlineData(29, 10.34, true)]
    [InlineData(30, 10.0, false)]
    [InlineData(60, 5.0, false)]
    public void What_a_sample_without_an_error_leaves_open_is_three_over_its_size(int size, double share, bool small)
    {
        Assert.Equal(share, (double)Math.Round(Ledger.Web.Sampling.SampleRow.LeastShown(size), 2));
        Assert.Equal(small, Ledger.Web.Sampling.SampleRow.IsTooSmall(size));
        // It is the bound of the estimate itself.
        var bound = Ledger.Domain.Sampling.ErrorEstimate.Of(new Money(1_000_000), size, [], 95).UpperFen.Fen;
        Assert.Equal(share, Math.Round(bound / 10_000.0, 2));
    }

    /// <summary>What goes out is the words' digest: nobody else knows them before the checkpoint is signed.</summary>
    private static async Task AnnounceAsync(Visitor auditor)
    {
        var page = auditor.Page;
        await page.Locator("input[name=size]").FillAsync("3");
        await page.GetByLabel("您自己的一句话").FillAsync(Words);
        await auditor.ShootAsync("story-sample-announce");
        var sent = await page.RunAndWaitForRequestAsync(
            () => auditor.ClickAsync("公告抽样"),
            request => request.Method == "POST" && request.Url.EndsWith("/api/samples", StringComparison.Ordinal)
        );
        Assert.Contains(Ledger.Domain.Sampling.FenSample.WordsDigest(Words), sent.PostData, StringComparison.Ordinal);
        Assert.DoesNotContain(Words, sent.PostData, StringComparison.Ordinal);
        await page.WaitForURLAsync("**/samples/sample-*");
        for (
            var i = 0;
            i < 60 && !await page.GetByRole(AriaRole.Button, new() { Name = "抽取样本" }).IsVisibleAsync();
            i++
        )
        {
            await Task.Delay(500);
            await page.ReloadAsync();
        }
    }

    private static async Task PaperAsync(Visitor auditor, string error, string finding)
    {
        var page = auditor.Page;
        await page.Locator("input[name='evidence[]']").First.CheckAsync();
        await page.GetByLabel("差错金额（元）").FillAsync(error);
        await page.GetByLabel("查出什么").FillAsync(finding);
        await auditor.ClickAsync("记下底稿");
    }
}

namespace Ledger.Web.Tests;

/// <summary>
/// Two windows of one browser share a session: what stands on one person's page is not the other's to send.
/// </summary>
[Collection("web")]
public sealed class TwoWindowsTests(WebFixture web)
{
    [Fact]
    public async Task What_one_person_began_is_not_sent_as_another_who_signed_in_beside_him()
    {
        await using var clerk = await web.VisitAsync("REVIEWER");
        await clerk.Page.GotoAsync(web.At("/complaints/{settled}"));
        await clerk.Page.Locator("textarea[name=text]").FillAsync("第一号没有收到");
        var beside = await clerk.Page.Context.NewPageAsync();
        await beside.GotoAsync("/sign-in");
        var other = SampleStory.Cast.Single(c => c.Variable == "APPROVER").Actor.Id;
        await beside.GetByRole(AriaRole.Button, new() { Name = other }).ClickAsync();
        await beside.WaitForURLAsync(url => !url.Contains("/sign-in", StringComparison.Ordinal));

        var sent = new List<string>();
        clerk.Page.Request += (_, request) => sent.Add($"{request.Method} {request.Url}");
        await clerk.ClickAsync("提交投诉");
        await clerk.SeesAsync("在另一个窗口换了人登录");
        Assert.DoesNotContain(sent, r => r.StartsWith("POST", StringComparison.Ordinal));
        // What he typed is still there.
        Assert.Equal("第一号没有收到", await clerk.Page.Locator("textarea[name=text]").InputValueAsync());
    }
}

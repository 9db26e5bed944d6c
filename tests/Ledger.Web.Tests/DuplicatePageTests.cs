namespace Ledger.Web.Tests;

/// <summary>
/// Back and Send again books nothing twice; the same slip in a new form is asked about, and booked with a reason.
/// </summary>
[Collection("web")]
public sealed class DuplicatePageTests(WebFixture web)
{
    [Fact]
    public async Task C7_back_and_send_again_is_one_entry_and_the_same_slip_in_a_new_form_is_asked_about()
    {
        var (fund, slip) = (web.Sample.Variable("FUND"), web.Sample.At("slip-twice.pdf"));
        await File.WriteAllBytesAsync(slip, SamplePeople.Pdf("slip of one income"));
        await using var officer = await web.VisitAsync("VILLAGE");
        async Task SendAsync()
        {
            await officer.Page.GetByLabel("金额（元）").FillAsync("88.88");
            await officer.Page.GetByLabel("来源说明").FillAsync("水塘承包费");
            await officer.Page.SetInputFilesAsync("input[name=evidence]", slip);
            await officer.ClickAsync("登记");
        }
        async Task<int> BookedAsync() =>
            (await web.Sample.Http.GetStringAsync($"/api/audit/events?id={fund}&type=funds_allocated&limit=1000"))
                .Split("水塘承包费")
                .Length - 1;

        await officer.Page.GotoAsync($"/funds/{fund}");
        await officer.Page.GetByRole(AriaRole.Link, new() { Name = "登记划入" }).First.ClickAsync();
        await SendAsync();
        await officer.SeesAsync("已登记，余额已增加");
        Assert.Equal(1, await BookedAsync());
        await officer.Page.GoBackAsync();
        await SendAsync();
        await officer.SeesAsync("这份表单已经办过，没有再办一次");
        Assert.Equal(1, await BookedAsync());

        await officer.Page.GotoAsync($"/funds/{fund}/allocations/new");
        await Assertions.Expect(officer.Page.GetByText("确认不是重复")).ToBeHiddenAsync();
        await SendAsync();
        await officer.SeesAsync("同一份凭证已用于");
        await officer.ShootAsync("possible-duplicate");
        Assert.Equal(1, await BookedAsync());
        await officer.Page.GetByLabel("确认不是重复").CheckAsync();
        await officer.Page.GetByLabel("为什么不是同一笔").FillAsync("同一回单的第二季度部分");
        await officer.ClickAsync("登记");
        await officer.SeesAsync("已登记，余额已增加");
        Assert.Equal(2, await BookedAsync());
        Assert.Contains(
            "同一回单的第二季度部分",
            await web.Sample.Http.GetStringAsync($"/api/audit/events?id={fund}&type=funds_allocated&limit=1000")
        );
    }
}

using Ledger.Domain;

namespace Ledger.Web.Tests;

/// <summary>A list of people mended on the page of a new application.</summary>
[Collection("web")]
public sealed class RosterPageTests(WebFixture web)
{
    private const string Heading = "姓名,身份证号,补助金额";

    private static FilePayload File(params string[] rows) =>
        new()
        {
            Name = "名单.csv",
            MimeType = "text/csv",
            Buffer = System.Text.Encoding.UTF8.GetBytes(string.Join('\n', [Heading, .. rows])),
        };

    [Fact]
    public async Task The_ring_of_a_faulty_field_covers_none_of_what_is_wrong_with_it()
    {
        await using var village = await web.VisitAsync("VILLAGE", 1366, 768);
        var page = village.Page;
        await page.GotoAsync(web.At("/applications/new?plan={plan}"));
        await page.SetInputFilesAsync("input[name=roster]", File("张三,37081119900909004X,"));
        var fault = page.Locator("#roster small.fault").First;
        await Assertions.Expect(fault).ToBeVisibleAsync();
        await Assertions.Expect(page.Locator("#roster input[aria-invalid]").First).ToBeFocusedAsync();
        await village.ShootAsync("roster-ring");
        var room = await page.EvaluateAsync<double>(
            """
            () => {
              const field = document.activeElement, style = getComputedStyle(field);
              const message = field.parentElement.querySelector('.fault');
              const beneath = message.getBoundingClientRect().top - field.getBoundingClientRect().bottom;
              return beneath - parseFloat(style.outlineWidth) - parseFloat(style.outlineOffset);
            }
            """
        );
        Assert.True(room >= 0, $"{-room} px of the message are covered");
    }
}

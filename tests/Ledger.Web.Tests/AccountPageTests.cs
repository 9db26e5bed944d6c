using System.Text.RegularExpressions;

namespace Ledger.Web.Tests;

/// <summary>
/// The first administrator signs in with a one-time password, makes it his own, enrols an authenticator and opens an
/// account: outside sample mode.
/// </summary>
[Collection("web")]
public sealed partial class AccountPageTests(WebFixture web)
{
    /// <summary>
    /// A product of its own that knows nobody but a first administrator, chen.gang, who has this one-time password.
    /// </summary>
    internal static async Task<(RunningApi Product, string Once)> EmptyAsync(
        WebFixture web,
        DirectoryInfo folder,
        string name
    )
    {
        var (settings, once) = await AdministratorAsync(web, folder, name);
        return (await ApiHost.StartAsync(settings), once);
    }

    /// <summary>A database with nobody but chen.gang, and his one-time password.</summary>
    internal static async Task<(IReadOnlyDictionary<string, string> Settings, string Once)> AdministratorAsync(
        WebFixture web,
        DirectoryInfo folder,
        string name
    )
    {
        var settings = new Dictionary<string, string>
        {
            ["ConnectionStrings__Ledger"] = await web.Api.NewDatabaseAsync(name),
            ["Ledger__KeyFile"] = Path.Combine(folder.FullName, "keys.json"),
        };
        var (_, output) = await ApiHost.RunAsync(settings, "administrator", "--name", "chen.gang", "--region", "3708");
        return (settings, OneTime().Match(output).Groups[1].Value);
    }

    internal const string Password = "长城一万里 walls 2026";

    [Fact]
    public async Task The_first_administrator_gets_in_and_opens_an_account_with_which_its_owner_gets_in()
    {
        var folder = Directory.CreateTempSubdirectory("ledger-accounts");
        var (product, once) = await EmptyAsync(web, folder, "accounts");
        await using var running = product;
        await using var context = await web.Browser.NewContextAsync(
            new() { BaseURL = product.Http.BaseAddress!.ToString(), Locale = "zh-CN" }
        );
        var page = await context.NewPageAsync();
        await page.GotoAsync("/");
        await page.GetByRole(AriaRole.Link, new() { Name = "登录办理" }).ClickAsync();

        await SignInAsync(page, "chen.gang", once);
        await Assertions.Expect(page.GetByText("password-change-needed").First).ToBeVisibleAsync();
        await ChangePasswordAsync(page, "chen.gang", once);
        var secret = await EnrolAsync(page, "chen.gang");
        await SignInAsync(page, "chen.gang", Password, SignInCodes.Of(secret));
        await page.WaitForURLAsync("**/setup"); // nothing is there yet: the list of what comes first
        await page.GetByRole(AriaRole.Link, new() { Name = "开立账户" }).ClickAsync();
        await page.WaitForURLAsync("**/accounts");
        await OpenAsync(page, "wang.fang", "village-finance", "370811111204", "王芳", "37081119800101001X");
        var password = await page.Locator("#issued dd").Nth(1).InnerTextAsync();
        Assert.Empty(await page.SeriousFaultsAsync());

        // L7: on the supervision committee sits neither the finance officer himself nor, by the administrator's word,
        // his kin.
        await page.ReloadAsync();
        var form = await FillAsync(
            page,
            "zhao.min",
            "supervision-committee",
            "370811111204",
            "王芳",
            "37081119800101001X"
        );
        await form.Locator("input[name=confirmedNoKin]").CheckAsync();
        await form.GetByRole(AriaRole.Button, new() { Name = "开立" }).ClickAsync();
        await Assertions.Expect(form.GetByText("duties-incompatible")).ToBeVisibleAsync();
        await form.Locator("input[name=personName]").FillAsync("赵敏");
        await form.Locator("input[name=citizenId]").FillAsync(Citizen("37081119850412002"));
        await form.GetByRole(AriaRole.Button, new() { Name = "开立" }).ClickAsync();
        await Assertions.Expect(page.Locator("#issued dd").Nth(1)).Not.ToBeEmptyAsync();

        // He says who he is, and opens the second administrator: from then on nothing happens before the other
        // confirms.
        await page.ReloadAsync();
        var own = page.Locator("tr", new() { HasText = "chen.gang" });
        await own.Locator("summary", new() { HasText = "写明本人" }).ClickAsync();
        await own.Locator("input[name=personName]").FillAsync("陈刚");
        await own.Locator("input[name=citizenId]").FillAsync(Citizen("37081119750615003"));
        await own.GetByRole(AriaRole.Button, new() { Name = "写明本人" }).ClickAsync();
        await Assertions.Expect(page.Locator("td", new() { HasText = "陈刚" }).First).ToBeVisibleAsync();
        await own.Locator("summary", new() { HasText = "单位和电话" }).ClickAsync();
        await own.Locator("input[name=unit]").FillAsync("任城区人社局");
        await own.Locator("input[name=phone]").FillAsync("0537-2210001");
        await own.GetByRole(AriaRole.Button, new() { Name = "登记单位和电话" }).ClickAsync();
        await Assertions.Expect(page.Locator("header .who")).ToContainTextAsync("陈刚 任城区人社局");
        await OpenAsync(page, "sun.li", "administrator", "3708", "孙丽", Citizen("37081119820303002"));
        Assert.Equal("全部", await page.Locator("#issued dd").Nth(2).InnerTextAsync());
        await page.ReloadAsync();
        await OpenAsync(page, "zhou.qi", "agency", "370811", "周琦", Citizen("37081119900909004"));
        Assert.StartsWith("前半", await page.Locator("#issued dd").Nth(2).InnerTextAsync(), StringComparison.Ordinal);
        await page.ReloadAsync();
        await Assertions.Expect(page.Locator("#waiting")).ToContainTextAsync("zhou.qi");
        await Assertions.Expect(page.Locator("tr", new() { HasText = "wang.fang" })).ToContainTextAsync("一人办理");
        Assert.Empty(await page.SeriousFaultsAsync());
        await page.ScreenshotAsync(
            new() { Path = Path.Combine(AppContext.BaseDirectory, "screenshots", "accounts.png"), FullPage = true }
        );

        // His device, as he would call it.
        await page.GotoAsync("/me");
        await Assertions.Expect(page.Locator("td[title^=Mozilla]").First).ToContainTextAsync("谷歌浏览器 · Linux");

        await page.GotoAsync("/operation");
        await Assertions.Expect(page.GetByText("一切正常")).ToBeVisibleAsync();
        await Assertions.Expect(page.GetByText("没有失败的消息")).ToBeVisibleAsync();
        Assert.Empty(await page.SeriousFaultsAsync());
        await page.ScreenshotAsync(
            new() { Path = Path.Combine(AppContext.BaseDirectory, "screenshots", "operation.png"), FullPage = true }
        );

        // Signed out, the page is closed and the browser's way back shows nothing.
        await page.GetByRole(AriaRole.Button, new() { Name = "退出", Exact = true }).ClickAsync();
        await page.WaitForURLAsync("**/sign-in");
        await page.GotoAsync("/accounts");
        Assert.Contains("/sign-in?back=%2Faccounts", page.Url, StringComparison.OrdinalIgnoreCase);

        await ChangePasswordAsync(page, "wang.fang", password);
        await SignInAsync(page, "wang.fang", Password);
        await page.WaitForURLAsync("**/accounts"); // where he wanted to go; it is not for him
        await Assertions.Expect(page.GetByText("不能办理此事项").First).ToBeVisibleAsync();
        await page.GetByRole(AriaRole.Link, new() { Name = "回到首页" }).ClickAsync();
        await Assertions.Expect(page.GetByText("您的集体还没有登记")).ToBeVisibleAsync();
        folder.Delete(recursive: true);
    }

    internal static string Citizen(string first17) => first17 + Domain.Identity.CitizenId.CheckCharacter(first17);

    internal static async Task OpenAsync(
        IPage page,
        string name,
        string role,
        string region,
        string person,
        string citizenId,
        string unit = "",
        string phone = ""
    )
    {
        var form = await FillAsync(page, name, role, region, person, citizenId);
        await form.Locator("input[name=unit]").FillAsync(unit);
        await form.Locator("input[name=phone]").FillAsync(phone);
        await form.GetByRole(AriaRole.Button, new() { Name = "开立" }).ClickAsync();
        await Assertions.Expect(page.Locator("#issued dd").Nth(1)).Not.ToBeEmptyAsync();
    }

    private static async Task<ILocator> FillAsync(
        IPage page,
        string name,
        string role,
        string region,
        string person,
        string citizenId
    )
    {
        var form = page.Locator("form[data-api='POST /api/accounts']");
        await form.Locator("input[name=name]").FillAsync(name);
        await form.Locator("select[name=role]").SelectOptionAsync(role);
        await form.Locator("input[name=region]").FillAsync(region);
        await form.Locator("input[name=personName]").FillAsync(person);
        await form.Locator("input[name=citizenId]").FillAsync(citizenId);
        return form;
    }

    internal static async Task SignInAsync(IPage page, string name, string password, string? code = null)
    {
        var form = page.Locator("form[data-api='POST /api/session/page']");
        await form.Locator("input[name=name]").FillAsync(name);
        await form.Locator("input[name=password]").FillAsync(password);
        if (code is not null)
            await form.Locator("input[name=code]").FillAsync(code);
        await form.GetByRole(AriaRole.Button).ClickAsync();
    }

    internal static async Task ChangePasswordAsync(IPage page, string name, string once)
    {
        await page.Locator("summary", new() { HasText = "修改密码" }).ClickAsync();
        var form = page.Locator("form[data-api='POST /api/session/password']");
        await form.Locator("input[name=name]").FillAsync(name);
        await form.Locator("input[name=password]").FillAsync(once);
        await form.Locator("input[name=newPassword]").FillAsync(Password);
        await form.GetByRole(AriaRole.Button).ClickAsync();
        await Assertions.Expect(page.GetByText("密码已修改")).ToBeVisibleAsync();
    }

    internal static async Task<string> EnrolAsync(IPage page, string name)
    {
        await page.Locator("summary", new() { HasText = "绑定验证器" }).ClickAsync();
        var form = page.Locator("form[data-enrol]");
        await form.Locator("input[name=name]").FillAsync(name);
        await form.Locator("input[name=password]").FillAsync(Password);
        await form.GetByRole(AriaRole.Button).ClickAsync();
        await Assertions.Expect(form.Locator("img[data-qr]")).ToBeVisibleAsync();
        Assert.StartsWith(
            "data:image/svg+xml",
            await form.Locator("img[data-qr]").GetAttributeAsync("src"),
            StringComparison.Ordinal
        );
        var secret = await form.Locator("[data-secret]").InnerTextAsync();
        await form.Locator("input[name=code]").FillAsync(SignInCodes.Of(secret));
        await form.GetByRole(AriaRole.Button).ClickAsync();
        await Assertions.Expect(form.Locator("[data-codes] li")).ToHaveCountAsync(10);
        return secret;
    }

    [GeneratedRegex("one-time password: (\\S+)")]
    internal static partial Regex OneTime();
}

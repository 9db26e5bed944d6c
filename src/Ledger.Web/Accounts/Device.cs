namespace Ledger.Web.Accounts;

/// <summary>
/// What a browser says of itself (User-Agent), as a person would say it: which browser, on which system.
/// </summary>
public static class Device
{
    /// <summary>The first that fits counts: nearly all say that they are others, too.</summary>
    private static readonly (string Sign, string Word)[] Browsers =
    [
        ("MicroMessenger", "微信"),
        ("DingTalk", "钉钉"),
        ("360SE", "360 浏览器"),
        ("360EE", "360 浏览器"),
        ("QIHU", "360 浏览器"),
        ("QihooBrowser", "360 浏览器"),
        ("MetaSr", "搜狗浏览器"),
        ("SogouMobileBrowser", "搜狗浏览器"),
        ("QQBrowser", "QQ 浏览器"),
        ("UCBrowser", "UC 浏览器"),
        ("UBrowser", "UC 浏览器"),
        ("HuaweiBrowser", "华为浏览器"),
        ("MiuiBrowser", "小米浏览器"),
        ("VivoBrowser", "vivo 浏览器"),
        ("HeyTapBrowser", "OPPO 浏览器"),
        ("SamsungBrowser", "三星浏览器"),
        ("Edg", "Edge 浏览器"),
        ("OPR/", "Opera 浏览器"),
        ("Firefox", "火狐浏览器"),
        ("FxiOS", "火狐浏览器"),
        ("Chrome", "谷歌浏览器"),
        ("CriOS", "谷歌浏览器"),
        ("Safari", "Safari 浏览器"),
        ("Trident", "IE 浏览器"),
        ("MSIE", "IE 浏览器"),
    ];

    private static readonly (string Sign, string Word)[] Systems =
    [
        ("HarmonyOS", "鸿蒙"),
        ("OpenHarmony", "鸿蒙"),
        ("Windows NT 10", "Windows 10 或 11"),
        ("Windows NT 6.3", "Windows 8"),
        ("Windows NT 6.2", "Windows 8"),
        ("Windows NT 6.1", "Windows 7"),
        ("Windows NT 5", "Windows XP"),
        ("Windows", "Windows"),
        ("iPhone", "苹果手机"),
        ("iPad", "苹果平板"),
        ("Android", "安卓"),
        ("Mac OS X", "苹果电脑"),
        ("Kylin", "麒麟"),
        ("UOS", "统信"),
        ("Linux", "Linux"),
    ];

    private const string Unknown = "其他程序";

    public static IEnumerable<string> Words => Browsers.Concat(Systems).Select(w => w.Word).Append(Unknown).Distinct();

    /// <summary>One word or two, each for the localizer.</summary>
    public static IReadOnlyList<string> Of(string agent) =>
        new[] { Word(Browsers, agent), Word(Systems, agent) }.OfType<string>().ToList() is { Count: > 0 } words
            ? words
            : [Unknown];

    private static string? Word((string Sign, string Word)[] signs, string agent) =>
        signs.FirstOrDefault(s => agent.Contains(s.Sign, StringComparison.OrdinalIgnoreCase)).Word;
}

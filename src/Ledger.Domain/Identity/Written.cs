using System.Collections.Frozen;
using System.Globalization;
using System.Text;

namespace Ledger.Domain.Identity;

/// <summary>What people write, in one spelling: what cannot be seen is gone, and one sign has one code point.</summary>
public static class Written
{
    /// <summary>
    /// CJK radicals and the ideograph that each stands for (Unicode, EquivalentUnifiedIdeograph): they look the same.
    /// </summary>
    private const string Radicals =
        "⺁厂⺂乛⺃乚⺄乙⺅亻⺆冂⺇𠘨⺈刀⺉刂⺊卜⺋㔾⺌小⺍小⺎兀⺏尣⺐尢⺑𡯂⺒巳⺓幺⺔彑⺕彐⺖忄⺗心⺘扌⺙攵⺛旡⺜日⺝月⺞歺⺟母⺠民⺡氵⺢氺⺣灬⺤爫⺥爫⺦丬⺧牛"
        + "⺨犭⺩王⺪𤴔⺫目⺬示⺭礻⺮𥫗⺯糹⺰纟⺱罓⺲罒⺳㓁⺴冗⺵𦉫⺶羊⺷𦍌⺸𦍋⺹耂⺺肀⺻聿⺼肉⺽𦥑⺾艹⺿艹⻀艹⻁虎⻂衤⻃覀⻄西⻅见⻆角⻇𧢲⻈讠⻉贝⻊𧾷⻋车⻌辶⻍辶"
        + "⻎辶⻏邑⻐钅⻑長⻒镸⻓长⻔门⻕𨸏⻖阝⻗雨⻘青⻙韦⻚页⻛风⻜飞⻝食⻞𩙿⻟飠⻠饣⻡𩠐⻢马⻣骨⻤鬼⻥鱼⻦鸟⻧卤⻨麦⻩黄⻪黾⻫斉⻬齐⻭歯⻮齿⻯竜⻰龙⻱龜⻲亀⻳龟";

    /// <summary>U+E815 to U+E864: where GBK kept characters that Unicode did not have yet, in its order.</summary>
    private const string OfGbk =
        "厂𠂇𠂉𠃌乙㑳㑇刀㔾龴㖞㘚㘎小心㥮㤘龵㧏㧟㩳㧐龶龷㭎㱮㳠牛𡗗龸𤴔䁖䅟𥫗䌷㓁羊𦍌𢦏䎱"
        + "䎬聿䏝䓖䙡䙌龹䜣䜩䝼䞍𧾷䥇䥺䥽䦂䦃䦅䦆䦟䦛䦷䦶龺𤇾䲣䲟䲠䲡䱷䲢䴓䴔䴕䴖䴗䴘䴙䶮龻";

    private static readonly FrozenDictionary<Rune, Rune> Ideographs = Runes(Radicals)
        .Chunk(2)
        .Select(pair => (From: pair[0], To: pair[1]))
        .Concat(Runes(OfGbk).Select((rune, i) => (From: new Rune(0xE815 + i), To: rune)))
        .ToFrozenDictionary(pair => pair.From, pair => pair.To);

    /// <summary>Letters of no width: they hold a place in Korean.</summary>
    private static readonly FrozenSet<int> Fillers = new[] { 0x034F, 0x115F, 0x1160, 0x3164, 0xFFA0 }.ToFrozenSet();

    /// <summary>Zero width, direction marks, soft hyphens, variation selectors.</summary>
    public static bool IsInvisible(Rune rune) =>
        Rune.GetUnicodeCategory(rune) == UnicodeCategory.Format
        || rune.Value is (>= 0xFE00 and <= 0xFE0F) or (>= 0xE0100 and <= 0xE01EF)
        || Fillers.Contains(rune.Value);

    /// <summary>The text as it looks: a half of a pair becomes U+FFFD, which is nobody's.</summary>
    public static string Visible(string text) => Joined(text.EnumerateRunes().Where(r => !IsInvisible(r)));

    /// <summary>Radicals and GBK's private code points as the ideographs that they stand for.</summary>
    public static string WithIdeographs(string text) =>
        Joined(text.EnumerateRunes().Select(r => Ideographs.GetValueOrDefault(r, r)));

    /// <summary>Full width as half width, other dashes as the hyphen; nothing that cannot be seen.</summary>
    public static string Narrow(string text) =>
        Joined(
            Visible(text)
                .Normalize(NormalizationForm.FormKC)
                .EnumerateRunes()
                .Select(r => IsDash(r) ? new Rune('-') : r)
        );

    public static bool IsDash(Rune rune) =>
        rune.Value == 0x2212 || Rune.GetUnicodeCategory(rune) == UnicodeCategory.DashPunctuation;

    /// <summary>Code points that mean nothing, or another thing on another machine.</summary>
    public static bool IsNobodys(Rune rune) =>
        rune.Value == 0xFFFD
        || Rune.GetUnicodeCategory(rune) is UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned;

    /// <summary>
    /// A character as a fault names it; an ideograph may be somebody's name, which an answer does not repeat.
    /// </summary>
    public static string Named(Rune rune) =>
        Rune.GetUnicodeCategory(rune) switch
        {
            _ when rune.Value == 0xFFFD => "乱码“\uFFFD”（原来的字已丢失，请重新输入）",
            UnicodeCategory.PrivateUse => $"自造字（U+{rune.Value:X4}，换一台机器就显示不出，请换成标准字）",
            UnicodeCategory.OtherLetter => "汉字",
            UnicodeCategory.Control => "换行或制表符",
            _ => $"“{rune}”（U+{rune.Value:X4}）",
        };

    public static string Joined(IEnumerable<Rune> runes) =>
        runes.Aggregate(new StringBuilder(), (all, rune) => all.Append(rune)).ToString();

    private static IEnumerable<Rune> Runes(string text)
    {
        foreach (var rune in text.EnumerateRunes())
            yield return rune;
    }
}

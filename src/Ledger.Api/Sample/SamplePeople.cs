using System.Text;
using Ledger.Domain.Identity;

namespace Ledger.Api.Sample;

/// <summary>An invented person with a valid check digit. Names and numbers are made; any likeness is chance.</summary>
public sealed record SamplePerson(string Name, string CitizenId, string Phone);

/// <summary>A seeded generator: the same seed gives the same people.</summary>
public sealed class SamplePeople(int seed)
{
    private static readonly string[] Surnames =
    [
        "王",
        "李",
        "张",
        "刘",
        "陈",
        "杨",
        "赵",
        "孔",
        "孟",
        "曹",
        "周",
        "徐",
        "孙",
        "马",
        "朱",
        "胡",
        "郭",
        "何",
        "林",
        "高",
        "宋",
        "郑",
        "颜",
        "曾",
        "欧阳",
    ];
    private static readonly string[] Given =
    [
        "建国",
        "秀英",
        "桂兰",
        "玉兰",
        "志强",
        "丽华",
        "海燕",
        "明",
        "伟",
        "芳",
        "军",
        "敏",
        "静",
        "磊",
        "凤英",
        "洪涛",
        "庆",
        "兰",
        "志刚",
        "淑珍",
        "文",
        "晓东",
        "玉梅",
        "传福",
        "德胜",
    ];

    private readonly Random _random = new(seed);
    private readonly HashSet<string> _used = [];

    public SamplePerson Next(string county)
    {
        while (true)
        {
            // Of an age to be insured for years to come: neither a child nor a pensioner.
            var born = new DateOnly(1970, 1, 1).AddDays(_random.Next(365 * 36));
            var first17 = $"{county}{born:yyyyMMdd}{_random.Next(1, 1000):000}";
            var id = first17 + CitizenId.CheckCharacter(first17);
            if (!_used.Add(id))
                continue;
            var name = Pick(Surnames) + Pick(Given);
            if (!_used.Add($"{name} {born:yyyyMMdd}"))
                continue; // two of one name and birth date are asked about, and nobody is here to answer
            return new SamplePerson(name, id, $"1{_random.Next(30, 100)}{_random.Next(0, 100_000_000):00000000}");
        }
    }

    public IReadOnlyList<SamplePerson> Take(int count, string county) =>
        [.. Enumerable.Range(0, count).Select(_ => Next(county))];

    /// <summary>A credit code of a rural collective (N2…) with a valid check character.</summary>
    public static string CreditCode(string county, int number)
    {
        var first17 = $"N2{county}MF{number:0000000}";
        return first17 + SocialCreditCode.CheckCharacter(first17);
    }

    private string Pick(string[] words) => words[_random.Next(words.Length)];

    /// <summary>A one-page PDF with a line of ASCII text, to stand for a scanned document.</summary>
    public static byte[] Pdf(string text)
    {
        string[] objects =
        [
            "<</Type/Catalog/Pages 2 0 R>>",
            "<</Type/Pages/Kids[3 0 R]/Count 1>>",
            "<</Type/Page/Parent 2 0 R/MediaBox[0 0 420 120]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>",
            $"<</Length {38 + text.Length}>>stream\nBT /F 14 Tf 24 60 Td ({text}) Tj ET          \nendstream",
            "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        ];
        var pdf = new StringBuilder("%PDF-1.4\n");
        var offsets = new List<int>();
        foreach (var (body, i) in objects.Select((o, i) => (o, i)))
        {
            offsets.Add(pdf.Length);
            pdf.Append(System.Globalization.CultureInfo.InvariantCulture, $"{i + 1} 0 obj{body}endobj\n");
        }
        var start = pdf.Length;
        pdf.Append("xref\n0 6\n0000000000 65535 f \n");
        foreach (var offset in offsets)
            pdf.Append(System.Globalization.CultureInfo.InvariantCulture, $"{offset:0000000000} 00000 n \n");
        pdf.Append(
            System.Globalization.CultureInfo.InvariantCulture,
            $"trailer<</Size 6/Root 1 0 R>>\nstartxref\n{start}\n%%EOF\n"
        );
        return Encoding.ASCII.GetBytes(pdf.ToString());
    }
}

using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Ledger.Domain.Tests;

/// <summary>
/// What the product says is there in both languages: read from its sources, so that nothing is forgotten.
/// </summary>
public sealed partial class EnglishTests
{
    private static readonly string Source = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(Here())!, "../../src"));

    private static string Here([System.Runtime.CompilerServices.CallerFilePath] string path = "") => path;

    /// <summary>
    /// What speaks Chinese for a reason of its own: documents and sheets that stay in the country, what the operator
    /// reads on the console (with its English beside it), tables of characters, the made-up county; and what is put
    /// together of parts (Money, Table, ReportEndpoints), whose whole sentences are in the table.
    /// </summary>
    [GeneratedRegex(
        @"/(obj|bin|CommandLine|Sample|OpenApi|Generated)/|/(OfficeSheets|FundSheets|Sheets|Headings|VoucherBook"
            + "|GeneralLedger|AccountMap|PaymentSheet|Paying|Remittance|Receipt|Roster|MarkedCopy|Workbook|Exports|Xlsx"
            + "|Settings|PrivateCluster|DatabaseAccess|Restore|Backup|County|Witness|WitnessClient|LogKeys|Program"
            + "|LogContinuing|ChineseAmount|Written|PersonalNumbers|PersonName|Money|KeyFile|Migrations|Rebuild"
            + "|RowReader|Table|ReportEndpoints|AgencyProfiles|ScreeningSheets|FundPages|UnreadableMessages|Pooler"
            + @"|NotificationText)\.cs$"
    )]
    private static partial Regex Apart();

    [GeneratedRegex(@"[\u3400-\u9fff]")]
    private static partial Regex Chinese();

    /// <summary>Descriptions for the API document have both languages; examples are JSON; SQL is no sentence.</summary>
    private static bool IsSaid(string text) =>
        Chinese().IsMatch(text)
        && !text.Contains(" · ", StringComparison.Ordinal)
        && !text.TrimStart().StartsWith("{\"", StringComparison.Ordinal)
        && text.TrimStart()[0] != '"';

    private static IEnumerable<(string At, string Text)> Texts() =>
        from file in Directory.EnumerateFiles(Source, "*.cs", SearchOption.AllDirectories)
        where
            !Apart().IsMatch(file)
            && !file.Contains("/Ledger.Web/", StringComparison.Ordinal)
            && !file.Contains("/Ledger.Verify/", StringComparison.Ordinal)
        from text in Of(CSharpSyntaxTree.ParseText(File.ReadAllText(file)).GetRoot())
        where IsSaid(text)
        select (Path.GetFileName(file), text);

    /// <summary>
    /// Each literal, and what is joined of several, with its holes numbered; what is in a hole for itself.
    /// </summary>
    private static IEnumerable<string> Of(SyntaxNode root)
    {
        foreach (var node in root.DescendantNodes().OfType<ExpressionSyntax>())
        {
            if (node is not (LiteralExpressionSyntax or InterpolatedStringExpressionSyntax or BinaryExpressionSyntax))
                continue;
            if (node.Parent is BinaryExpressionSyntax { RawKind: (int)SyntaxKind.AddExpression } || IsOfAttribute(node))
                continue;
            var (text, holes) = (new StringBuilder(), 0);
            if (Join(node, text, ref holes))
                yield return text.ToString();
        }
    }

    private static bool IsOfAttribute(SyntaxNode node) => node.Ancestors().Any(a => a is AttributeSyntax);

    private static bool Join(ExpressionSyntax node, StringBuilder text, ref int holes)
    {
        switch (node)
        {
            case LiteralExpressionSyntax { Token.Value: string literal }:
                text.Append(literal);
                return true;
            case InterpolatedStringExpressionSyntax interpolated:
                foreach (var part in interpolated.Contents)
                    text.Append(
                        part is InterpolatedStringTextSyntax said ? said.TextToken.ValueText : $"{{{holes++}}}"
                    );
                return true;
            case BinaryExpressionSyntax { RawKind: (int)SyntaxKind.AddExpression } both:
                var any = Join(both.Left, text, ref holes);
                return Join(both.Right, text, ref holes) || any;
            default:
                text.Append(CultureInfo.InvariantCulture, $"{{{holes++}}}");
                return false;
        }
    }

    [Fact]
    public void Whatever_the_product_says_has_its_English()
    {
        var texts = Texts().Distinct().ToList();
        Assert.True(texts.Count > 500, $"{texts.Count} texts");
        var silent = texts
            .Where(t => Chinese().IsMatch(English.Of(Hole().Replace(t.Text, m => $"<{m.Groups[1].Value}>"))))
            .Select(t => $"{t.At}: {t.Text}")
            .ToList();
        Assert.True(silent.Count == 0, string.Join('\n', silent));
    }

    [GeneratedRegex(@"\{([0-9]+)\}")]
    private static partial Regex Hole();

    [Fact]
    public void Every_refusal_is_there_in_both_languages() =>
        Assert.All(
            Rejections.All.Values.SelectMany(code => (string[])[code.Title, code.Mend, code.VillagerMend ?? code.Mend]),
            text =>
            {
                Assert.Matches(Chinese(), text);
                Assert.DoesNotMatch(Chinese(), English.Of(text));
            }
        );

    /// <summary>No sentence is taken for another that only begins and ends like it.</summary>
    [Fact]
    public void Each_sentence_is_found_with_its_own_arguments()
    {
        var table = XDocument
            .Load(Path.Combine(Source, "Ledger.Domain/English.resx"))
            .Root!.Elements("data")
            .ToDictionary(d => d.Attribute("name")!.Value, d => d.Element("value")!.Value);
        Assert.True(table.Count > 900, $"{table.Count} sentences");
        var wrong = table
            .Select(row => (row.Key, Wanted: Filled(row.Value), Found: English.Of(Filled(row.Key))))
            .Where(row => row.Wanted != row.Found)
            .ToList();
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
        Assert.DoesNotContain(table.Values, Chinese().IsMatch);

        static string Filled(string text) => Hole().Replace(text, m => $"<{m.Groups[1].Value}>");
    }

    [Theory]
    [InlineData("需要 300.00 元，可用 12.50 元", "300.00 yuan are needed, 12.50 yuan are free")]
    [InlineData("申请状态为“已审批”", "The application's state is “approved”")]
    [InlineData("没有找到 党庄村股份经济合作社", "党庄村股份经济合作社 was not found")]
    [InlineData("缺少字段 amount、source", "Missing: amount, source")]
    [InlineData("公示 第3组有一户", "notice 第3组有一户")]
    [InlineData("张建国", "张建国")]
    public void What_people_typed_stays_as_it_is(string chinese, string english) =>
        Assert.Equal(english, English.Of(chinese));
}

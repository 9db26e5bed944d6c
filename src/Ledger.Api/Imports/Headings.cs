using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Ledger.Api.Imports;

/// <summary>
/// Where a form's headings stand in a sheet: in one row, or in two of which the upper one spans columns (个人缴费 over 金额
/// and 日期).
/// </summary>
internal sealed partial class Headings
{
    private readonly Dictionary<int, string> _texts;
    private readonly List<(Column Column, List<int> At)> _found;

    private Headings(SheetForm form, SheetRow first, SheetRow last)
    {
        (First, Last) = (first, last);
        _found = [.. form.Columns.Select(c => (c, Places(c, first, last))).Where(f => f.Item2.Count > 0)];
        Columns = _found.ToDictionary(f => f.Column.Heading, f => f.At[0]);
        _texts = first.Cells.Concat(last.Cells).GroupBy(c => c.Key).ToDictionary(c => c.Key, c => c.Last().Value.Text);
    }

    public SheetRow First { get; }
    public SheetRow Last { get; }

    /// <summary>Of a text, how many fields they have, blank ones too.</summary>
    public int Fields => Math.Max(First.Fields, Last.Fields);
    public IReadOnlyDictionary<string, int> Columns { get; }

    /// <summary>
    /// How many stand there as the form has them: 补助金额 over （元） is one in two rows, and another name in one.
    /// </summary>
    private int Exactly => _found.Count(f => TextsAt(f.At[0], First, Last).Any(f.Column.IsExactly));

    /// <summary>The headings that are written another way, as they are written.</summary>
    public IEnumerable<(string Heading, string Text)> Aliases =>
        _found
            .Where(f => !f.Column.IsExactly(_texts[f.At[0]]) && f.Column.IsNamed(_texts[f.At[0]]))
            .Select(f => (f.Column.Heading, _texts[f.At[0]]));

    /// <summary>The row, or two, of the first ones with the most headings; null when none has two.</summary>
    public static Headings? Find(IReadOnlyList<SheetRow> rows, SheetForm form)
    {
        Headings? best = null;
        for (var i = 0; i < Math.Min(rows.Count, Table.HeadingSearchRows); i++)
        {
            var one = new Headings(form, rows[i], rows[i]);
            var two =
                i + 1 < rows.Count && rows[i + 1].Number == rows[i].Number + 1
                    ? new Headings(form, rows[i], rows[i + 1])
                    : one;
            var isTwo =
                two.Columns.Count > one.Columns.Count
                || (two.Columns.Count == one.Columns.Count && two.Exactly > one.Exactly);
            var better = isTwo && one.Columns.Count > 0 ? two : one;
            if (better.Columns.Count >= 2 && better.Missing(form).Count == 0)
                return better;
            if (one.Columns.Count > Math.Max(best?.Columns.Count ?? 0, 1))
                best = one;
        }
        return best;
    }

    public IReadOnlyList<Column> Missing(SheetForm form) =>
        [.. form.Columns.Where(c => c.Required && !Columns.ContainsKey(c.Heading))];

    /// <summary>A heading that stands twice, each time with something below it: two tables side by side.</summary>
    public (string Heading, int First, int Second)? Twice(SheetContent content)
    {
        foreach (var (column, at) in _found)
        foreach (var second in at.Skip(1))
            if (content.Rows.Any(r => r.Number > Last.Number && r.Own(second).Length > 0))
                return (column.Heading, at[0], second);
        return null;
    }

    /// <summary>What stands in the heading rows and is none of the form's headings.</summary>
    public IEnumerable<(int Column, string Text)> Unread() =>
        _texts.Where(t => !Columns.Values.Contains(t.Key) && t.Value.Length > 0).Select(t => (t.Key, t.Value));

    /// <summary>The same headings in the same columns, as on the next page of a printed sheet.</summary>
    public bool IsRepeated(SheetRow row) =>
        row
            .Cells.Where(c => Columns.Values.Contains(c.Key) && c.Value.Kind != CellKind.Merged)
            .All(c =>
                Normal(c.Value.Text) is var text
                && (text == Normal(First.Own(c.Key)) || text == Normal(Last.Own(c.Key)))
            );

    public static int CountIn(SheetRow row, SheetForm form) =>
        form.Columns.Count(c => row.Cells.Values.Any(x => x.Kind == CellKind.Text && c.IsNamed(x.Text)));

    /// <summary>The columns under this heading; those that are named exactly so, where there are any.</summary>
    private static List<int> Places(Column column, SheetRow first, SheetRow last)
    {
        var texts = (first == last ? last.Cells : first.Cells.Concat(last.Cells))
            .Select(c => c.Key)
            .Distinct()
            .Order()
            .Select(c => (Column: c, Texts: TextsAt(c, first, last)))
            .ToList();
        var exact = texts.Where(t => t.Texts.Any(column.IsExactly)).Select(t => t.Column).ToList();
        return exact.Count > 0 ? exact : [.. texts.Where(t => t.Texts.Any(column.IsNamed)).Select(t => t.Column)];
    }

    private static string[] TextsAt(int column, SheetRow first, SheetRow last)
    {
        if (first == last)
            return [last.Own(column)];
        var (over, under) = (first.Cells.GetValueOrDefault(column).Text ?? "", last.Own(column));
        return under.Length == 0 ? [over] : [under, over + under];
    }

    /// <summary>
    /// A heading without regard to spaces, a star, width, line breaks, what cannot be seen, and a remark on how to fill
    /// it in. A unit is no remark.
    /// </summary>
    public static string Normal(string heading) =>
        Remark()
            .Replace(
                new([
                    .. heading
                        .Normalize(NormalizationForm.FormKC)
                        .Where(c =>
                            !char.IsWhiteSpace(c) && c != '*' && char.GetUnicodeCategory(c) != UnicodeCategory.Format
                        ),
                ]),
                ""
            );

    [GeneratedRegex(@"\((?:必填|必填项|选填|可选|可不填|非必填|文本格式|文本|[0-9]{1,2}位(?:数字)?)\)$")]
    private static partial Regex Remark();
}

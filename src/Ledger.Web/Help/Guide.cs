namespace Ledger.Web.Help;

/// <summary>A text in both languages.</summary>
public sealed record Both(string Chinese, string English)
{
    public string In(string language) => language == "zh-CN" ? Chinese : English;
}

/// <summary>What a page is for: a paragraph, and what its picture shows from left to right.</summary>
public sealed record PageHelp(string Route, Both Text, Both Before, Both Here, Both After);

/// <summary>
/// How something is done, by whom (<see cref="Guide.Public"/>: without signing in), and the page for it.
/// </summary>
public sealed record Job(string Role, string Page, Both Question, Both Answer);

public sealed record Term(Both Word, Both Meaning);

/// <summary>
/// The help, as data: Help/*.txt have a line for each page, job and term, both languages side by side.
/// </summary>
public static class Guide
{
    public const string Public = "public";

    public static readonly IReadOnlyDictionary<string, PageHelp> Pages = Lines("pages")
        .Select(l => new PageHelp(l[0], new(l[1], l[2]), new(l[3], l[4]), new(l[5], l[6]), new(l[7], l[8])))
        .ToDictionary(p => p.Route);

    public static readonly IReadOnlyList<Job> Jobs =
    [
        .. Lines("jobs").Select(l => new Job(l[0], l[1], new(l[2], l[3]), new(l[4], l[5]))),
    ];

    public static readonly IReadOnlyList<Term> Terms =
    [
        .. Lines("terms").Select(l => new Term(new(l[0], l[1]), new(l[2], l[3]))),
    ];

    private static IEnumerable<string[]> Lines(string table)
    {
        using var reader = new StreamReader(typeof(Guide).Assembly.GetManifestResourceStream($"help/{table}.txt")!);
        return reader
            .ReadToEnd()
            .Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Where(line => line[0] != '#')
            .Select(line => line.Split(" | "));
    }
}

using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Serialization;
using Ledger.Domain.Identity;

namespace Ledger.Domain.Screening;

/// <summary>Where a finding leads: a member's line of an application, or one event.</summary>
/// <param name="Stream">The application, fund or member-year.</param>
/// <param name="Sequence">Of the event; null: it is a line of a list.</param>
/// <param name="AmountFen">What it is about; zero where it has no amount of its own.</param>
public sealed record FoundLine(
    string Stream,
    Money AmountFen,
    string? MemberId = null,
    long? Sequence = null,
    DateOnly? On = null
)
{
    /// <summary>What it is told apart by.</summary>
    [JsonIgnore]
    public string Reference => MemberId is null ? $"{Stream}@{Sequence}" : $"{Stream}/{MemberId}";
}

/// <summary>
/// What a screen shows: something to look at, no verdict. Its id follows from the screen and the lines alone, so that
/// who looks again finds the answer beside it.
/// </summary>
/// <param name="Region">The narrowest that has all of it: there it is found again.</param>
/// <param name="Says">In words.</param>
/// <param name="Lines">At most <see cref="MostLines"/>; <paramref name="Count"/> says how many there are.</param>
/// <param name="Concerned">The accounts whose acts it is about: none of them closes it.</param>
/// <param name="Evidence">The papers of these lines, by their digests.</param>
public sealed record ScreenFinding(
    string Id,
    ScreenKind Screen,
    string Region,
    int Year,
    Money FoundFen,
    int Count,
    string Says,
    IReadOnlyList<FoundLine> Lines,
    IReadOnlyList<string> Concerned,
    IReadOnlyList<string> Evidence
)
{
    /// <summary>More would not fit into an entry of the log.</summary>
    public const int MostLines = 150;
    private const int MostAccounts = 60,
        MostPapers = 60;

    /// <param name="about">What it is told apart by; null: its lines.</param>
    public static ScreenFinding Of(
        ScreenKind screen,
        YearFacts facts,
        IEnumerable<string> villages,
        Money fen,
        string says,
        IReadOnlyList<FoundLine> lines,
        IEnumerable<string> concerned,
        IEnumerable<string> evidence,
        string? about = null
    )
    {
        var region = Narrowest(villages, facts.Region);
        return new(
            StreamId.ScreeningFinding(
                region,
                facts.Year,
                Key(screen, facts.Year, about is null ? lines.Select(l => l.Reference) : [about])
            ),
            screen,
            region,
            facts.Year,
            fen,
            lines.Count,
            says,
            [.. lines.Take(MostLines)],
            [.. concerned.Distinct().Order(StringComparer.Ordinal).Take(MostAccounts)],
            [.. evidence.Distinct().Take(MostPapers)]
        );
    }

    /// <summary>SHA-256 of screen, year and lines, in whatever order they were read: the first 32 hex digits.</summary>
    public static string Key(ScreenKind screen, int year, IEnumerable<string> references) =>
        Convert.ToHexStringLower(
            SHA256.HashData(
                Encoding.UTF8.GetBytes(
                    $"ledger screening v1\n{screen}\n{year}\n"
                        + string.Join('\n', references.Order(StringComparer.Ordinal))
                )
            )
        )[..32];

    /// <summary>The village, township or county that has all of them; the asked region where there are none.</summary>
    private static string Narrowest(IEnumerable<string> villages, string asked)
    {
        var all = villages.Distinct().ToList();
        if (all.Count == 0)
            return asked;
        foreach (
            var length in (ReadOnlySpan<int>)
                [RegionCode.VillageLength, RegionCode.TownshipLength, RegionCode.CountyLength]
        )
            if (
                all[0].Length >= length
                && all.TrueForAll(v => v.StartsWith(all[0][..length], StringComparison.Ordinal))
            )
                return all[0][..length];
        return asked;
    }
}

using Ledger.Domain;

namespace Ledger.Projections.Search;

/// <summary>What the one box finds, in the order in which it is shown.</summary>
public enum SearchKind
{
    Person,
    Collective,
    Application,
    FundEntry,
    Receipt,
    Donor,
    Officer,
    Event,
    Day,
}

/// <summary>
/// Something that was found, masked as every list has it, and its page. <paramref name="What"/>: of an event its type,
/// of an application its state, of an officer the role; of others null.
/// </summary>
public sealed record SearchHit(string Title, string? What, string? Detail, Money? Amount, DateOnly? On, string Href);

/// <summary>What was found of one kind; <paramref name="More"/>: there is more than is shown.</summary>
public sealed record SearchGroup(SearchKind Kind, IReadOnlyList<SearchHit> Hits, bool More);

/// <param name="Damaged">How many people were left out whose record somebody edited past the product.</param>
public sealed record SearchView(IReadOnlyList<SearchGroup> Groups, int Damaged = 0);

/// <summary>Somebody looked for people. <paramref name="Asked"/>: a keyed hash, the same for the same question;
/// <paramref name="Shown"/>: who was shown, masked.</summary>
public sealed record SearchRecordEntry(
    long Seq,
    DateTimeOffset At,
    string Actor,
    string Role,
    string Region,
    string Asked,
    IReadOnlyList<string> Shown
);

/// <summary>
/// Newest first; <paramref name="Next"/>: where it goes on, as <c>before</c>; <paramref name="Planted"/>: how many rows
/// of this page are none of the product's and were left out.
/// </summary>
public sealed record SearchRecordPage(IReadOnlyList<SearchRecordEntry> Entries, long? Next, int Planted);

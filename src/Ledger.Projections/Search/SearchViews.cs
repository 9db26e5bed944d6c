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

public sealed record SearchView(IReadOnlyList<SearchGroup> Groups);

using JasperFx.Events;
using Ledger.Domain.Accounts;
using Npgsql;

namespace Ledger.Api.Storage;

/// <summary>
/// The look at the natural persons of accounts: each is found by the number that stands, sealed, with every account of
/// his. Else one person could hold two accounts and be told apart from himself, and duties with him.
/// </summary>
public static class HolderLook
{
    private const string Named = $"""
        type in ('account_opened', 'account_holder_named')
           and stream_id in (select a.stream_id
                               from {LedgerStore.Schema}.mt_events a
                              where a.type in ('account_opened', 'account_changed', 'account_change_requested')
                                and a.data ->> 'roleRegion' is not null)
        """;

    /// <summary>What is wrong, with its person's id or its account's; none: nothing is.</summary>
    /// <param name="ours">Reads the product's own events for which a condition holds.</param>
    public static async Task<IReadOnlyList<string>> FaultsAsync(
        NpgsqlConnection connection,
        PersonalData people,
        Func<string, IAsyncEnumerable<IEvent>> ours
    )
    {
        var holders = new Dictionary<string, string>();
        await foreach (var e in ours(Named))
            if (e.Data is AccountOpened { Person: { } opened })
                holders[e.StreamKey!] = opened;
            else if (e.Data is AccountHolderNamed named)
                holders[e.StreamKey!] = named.Person;
        return await people.HolderFaultsAsync(connection, holders);
    }
}

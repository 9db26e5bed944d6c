using JasperFx.Events;
using Marten;
using Npgsql;

namespace Ledger.Store;

/// <summary>
/// Tells of an event whether the product wrote it, where its seal, its stream or its body can say so.
/// </summary>
public sealed class SealedEvents(IDocumentStore store, EventSeal seal)
{
    private readonly StoredEvents _sealed = new(store, LedgerStore.Schema, seal);

    /// <summary>Why it is none of the product's, in a finding's words; null: nothing says so.</summary>
    public async Task<string?> NotOursAsync(NpgsqlConnection connection, long sequence)
    {
        await foreach (var row in _sealed.LookAsync(connection, "seq_id = @sequence", ("sequence", sequence)))
            return row switch
            {
                { Fault: { } fault } => $"{row.Stream}：{fault.Message}",
                { Event: { } e } when EventTypes.IsOfNoKind(row.Stream) =>
                    $"{row.Stream}：{e.Named()}不是产品写入的，产品没有这种流 a stream of no kind",
                { Event: { } e } when e.IsForeign() =>
                    $"{row.Stream}：{e.Named()}不是产品写入的，不予采用 an event that the product did not write",
                _ => null,
            };
        return null;
    }
}

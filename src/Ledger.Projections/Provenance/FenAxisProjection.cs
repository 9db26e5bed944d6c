using JasperFx.Events;
using Ledger.Domain;
using Marten;
using Marten.Events.Projections;

namespace Ledger.Projections.Provenance;

/// <summary>
/// Writes every interval of an axis into <c>fen_axis</c>, in the transaction that appends its event: a trace is never behind, and two
/// intervals that begin at the same fen stop the transaction.
/// </summary>
public sealed class FenAxisProjection(string schema) : IProjection
{
    private readonly string _insert = $"""
        insert into {schema}.fen_axis (axis, account, fen_from, fen_to, kind, reference, origin_account, origin_from, member_year, event_id)
        select * from unnest(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """;

    public Task ApplyAsync(IDocumentOperations operations, IReadOnlyList<IEvent> events, CancellationToken cancellation)
    {
        var entries = events.SelectMany(Entries).ToList();
        if (entries.Count == 0) return Task.CompletedTask;
        T[] Column<T>(Func<AxisEntry, T> value) => [.. entries.Select(value)];
        operations.QueueSqlCommand(_insert, Column(e => e.Axis.Word()), Column(e => e.Span.Account), Column(e => e.Span.Fen.From), Column(e => e.Span.Fen.To), Column(e => e.Kind.Word()),
            Column(e => e.Reference), Column(e => e.Origin?.Account), Column(e => e.Origin?.Fen.From), Column(e => e.MemberYearId), Column(e => e.EventId));
        return Task.CompletedTask;
    }

    /// <summary>The entries that an event makes.</summary>
    public static IEnumerable<AxisEntry> Entries(IEvent e) => AxisEntry.Of(e.StreamKey!, e.Data).Select(entry => entry with { EventId = e.Id });
}

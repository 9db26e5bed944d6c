using Ledger.Domain;
using Ledger.Domain.Funds;
using Ledger.Domain.Sampling;
using Npgsql;
using NpgsqlTypes;

namespace Ledger.Store.Axes;

/// <summary>
/// The axes as the table <c>fen_axis</c> holds them; its keys are the intervals' starts, so finding an overlap is a
/// walk down an index.
/// </summary>
public sealed class StoredAxes(NpgsqlConnection connection, string schema) : FenAxes
{
    /// <summary>
    /// Of a row that can be one of ours; others are from before the table refused them (V0015).
    /// </summary>
    public static readonly string IsReadable =
        $"axis in ({Words<Axis>()}) and kind in ({Words<EntryKind>()}) and fen_from between 0 and fen_to "
        + $"and fen_to <= {MostFen} and (origin_from is null or origin_from between 0 and {MostFen})";

    private const long MostFen = 1_000_000_000_000_000;

    private static string Words<T>()
        where T : struct, Enum => string.Join(", ", Enum.GetValues<T>().Select(v => $"'{v.Word()}'"));

    private const string Columns =
        "axis, account, fen_from, fen_to, kind, reference, origin_account, origin_from, member_year, event_id";

    /// <summary>
    /// Inserts entries, in the transaction that appends their events: a trace is never behind. Two that begin at the
    /// same fen stop it.
    /// </summary>
    public static void Insert(NpgsqlBatch batch, string table, IReadOnlyCollection<AxisEntry> entries)
    {
        if (entries.Count == 0)
            return;
        batch.Add(
            $"insert into {table} ({Columns}) select * from unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            entries.Texts(a => a.Axis.Word()),
            entries.Texts(a => a.Span.Account),
            entries.Longs(a => a.Span.Fen.From),
            entries.Longs(a => a.Span.Fen.To),
            entries.Texts(a => a.Kind.Word()),
            entries.Texts(a => a.Reference),
            entries.Texts(a => a.Origin?.Account),
            entries.Longs(a => a.Origin?.Fen.From),
            entries.Texts(a => a.MemberYearId),
            entries.Column(NpgsqlDbType.Uuid, a => a.EventId)
        );
    }

    /// <summary>Into a new table of this form, where none of them can be already.</summary>
    public static Task CopyAsync(NpgsqlConnection connection, string table, IReadOnlyCollection<AxisEntry> entries) =>
        connection.CopyAsync(
            $"{table} ({Columns})",
            entries,
            (copy, a) =>
            {
                copy.Write(a.Axis.Word());
                copy.Write(a.Span.Account);
                copy.Write(a.Span.Fen.From);
                copy.Write(a.Span.Fen.To);
                copy.Write(a.Kind.Word());
                copy.Write(a.Reference);
                copy.WriteOrNull(a.Origin?.Account);
                copy.WriteOrNull(a.Origin?.Fen.From);
                copy.WriteOrNull(a.MemberYearId);
                copy.Write(a.EventId);
            }
        );

    protected override Task<IReadOnlyList<(int Span, AxisEntry Entry)>> OnAsync(
        Axis axis,
        IReadOnlyList<FenSpan> spans
    ) => FindAsync(spans, $"account = s.account and axis = '{axis.Word()}'", "fen_from", "fen_to");

    protected override Task<IReadOnlyList<(int Span, AxisEntry Entry)>> FromAsync(IReadOnlyList<FenSpan> spans) =>
        FindAsync(spans, "origin_account = s.account", "origin_from", "origin_from + (fen_to - fen_from)");

    /// <summary>
    /// The intervals do not overlap: the first candidate is the last one that begins at or before the span, and no
    /// other begins before it.
    /// </summary>
    private async Task<IReadOnlyList<(int Span, AxisEntry Entry)>> FindAsync(
        IReadOnlyList<FenSpan> spans,
        string where,
        string from,
        string to
    )
    {
        if (spans.Count == 0)
            return [];
        return await connection.QueryAsync(
            $"""
            select s.i, e.* from unnest(@accounts, @froms, @tos) with ordinality s (account, f, t, i)
             cross join lateral (
                 select {Columns} from {schema}.fen_axis
                  where {where} and {from} < s.t and {to} > s.f
                    and {from} >= coalesce((select {from}
                                              from {schema}.fen_axis
                                             where {where}
                                               and {from} <= s.f
                                             order by {from} desc limit 1), 0)
                  order by {from}) e
             order by s.i
            """,
            r => ((int)r.GetInt64(0) - 1, Read(r, 1)),
            ("accounts", spans.Select(s => s.Account).ToArray()),
            ("froms", spans.Select(s => s.Fen.From).ToArray()),
            ("tos", spans.Select(s => s.Fen.To).ToArray())
        );
    }

    /// <summary>
    /// The members' lines among these spans of Out axes, those of one application and member together: how many there
    /// are, and
    /// <paramref name="take"/> of them after the first <paramref name="skip"/>.
    /// </summary>
    public async Task<(
        int Count,
        IReadOnlyList<(string ApplicationId, string MemberYearId, Money AmountFen)> Page
    )> LinesAsync(IReadOnlyList<FenSpan> spans, int skip, int take)
    {
        var found = await OnAsync(Axis.Line, spans);
        var lines = found
            .GroupBy(f => (f.Entry.Reference, f.Entry.MemberYearId!))
            .Select(g =>
                (
                    g.Key.Reference,
                    g.Key.Item2,
                    Money.Sum(g.Select(f => f.Entry.Span.Fen.Overlap(spans[f.Span].Fen)!.Value.Length))
                )
            )
            .ToList();
        return (lines.Count, [.. lines.Skip(skip).Take(take)]);
    }

    /// <summary>Where an allocation came in; null when the fund has none of that id.</summary>
    public async Task<AxisEntry?> AllocatedAsync(string fundId, string allocationId) =>
        (
            await connection.QueryAsync(
                $"select {Columns} from {schema}.fen_axis where reference = @allocation and kind = 'allocated'",
                r => Read(r, 0),
                ("allocation", allocationId)
            )
        ).SingleOrDefault(e => e.Span.FundId == fundId);

    /// <summary>
    /// What a sample is drawn from, as the log's first <paramref name="logSize"/> entries laid it: an entry's place in
    /// the log never changes, so neither does this. The year is that of the business date.
    /// </summary>
    public Task<List<SampledOutflow>> PopulationAsync(SamplePopulation of, long logSize) =>
        connection.QueryAsync(
            $"""
            select f.account, f.fen_from, f.fen_to, f.reference
              from {schema}.fen_axis f
              join {schema}.mt_events e on e.id = f.event_id and e.stream_id like 'fund-%'
              join {schema}.log_entry l on l.seq = e.seq_id
             where f.axis = 'out' and f.kind = @kind
               and l.log_index < @size
               and left(e.headers ->> 'effectiveDate', 4) = @year
               and starts_with(e.headers ->> 'region', @region)
               and starts_with(f.account, @fund)
             order by f.account collate "C", f.fen_from
            """,
            r => new SampledOutflow(r.GetString(0), new FenInterval(r.GetInt64(1), r.GetInt64(2)), r.GetString(3)),
            ("kind", of.Kind.Word()),
            ("size", logSize),
            ("year", $"{of.Year:0000}"),
            ("region", of.Region),
            ("fund", of.FundId is { } fund ? $"{fund}/" : "")
        );

    /// <summary>The members' parts of what was drawn; none of a fen that went to no member.</summary>
    public async Task<IReadOnlyList<SampledShare>> SharesAsync(IReadOnlyList<DrawnFen> drawn) =>
        [
            .. (
                await OnAsync(
                    Axis.Line,
                    [.. drawn.Select(d => new FenSpan(d.Account, new FenInterval(d.Fen, d.Fen + 1)))]
                )
            )
                .Select(f => new SampledShare(f.Entry.Span.Account, f.Entry.Span.Fen, f.Entry.MemberYearId!))
                .Distinct(),
        ];

    /// <summary>The entries at these places, for the check; the missing are absent.</summary>
    public Task<List<AxisEntry>> AtAsync(IReadOnlyList<AxisEntry> places) =>
        connection.QueryAsync(
            $"""
            select {Columns}
              from {schema}.fen_axis
              join unnest(@axes, @accounts, @froms) p (a, b, c) on axis = a and account = b and fen_from = c
             where {IsReadable}
            """,
            r => Read(r, 0),
            ("axes", places.Select(p => p.Axis.Word()).ToArray()),
            ("accounts", places.Select(p => p.Span.Account).ToArray()),
            ("froms", places.Select(p => p.Span.Fen.From).ToArray())
        );

    /// <summary>
    /// The entries in the order of their key, from the one behind <paramref name="after"/>, for the check.
    /// </summary>
    public Task<List<AxisEntry>> PageAsync(AxisEntry? after, int size) =>
        connection.QueryAsync(
            $"""
            select {Columns}
              from {schema}.fen_axis
             where (account, axis, fen_from) > (@account, @axis, @from)
               and {IsReadable}
             order by account, axis, fen_from limit {size}
            """,
            r => Read(r, 0),
            ("account", after?.Span.Account ?? ""),
            ("axis", after?.Axis.Word() ?? ""),
            ("from", after?.Span.Fen.From ?? 0)
        );

    private static AxisEntry Read(NpgsqlDataReader r, int at)
    {
        if (
            !Enum.TryParse<Axis>(r.GetString(at), ignoreCase: true, out var axis)
            || !Enum.TryParse<EntryKind>(r.GetString(at + 4), ignoreCase: true, out var kind)
        )
            throw new ForgedAxisException($"{r.GetString(at + 1)} [{r.GetInt64(at + 2)}, {r.GetInt64(at + 3)})");
        var fen = new FenInterval(r.GetInt64(at + 2), r.GetInt64(at + 3));
        return new AxisEntry(
            axis,
            new FenSpan(r.GetString(at + 1), fen),
            kind,
            r.GetString(at + 5),
            r.IsDBNull(at + 6)
                ? null
                : new FenSpan(r.GetString(at + 6), FenInterval.StartingAt(r.GetInt64(at + 7), fen.Length)),
            r.IsDBNull(at + 8) ? null : r.GetString(at + 8),
            r.GetGuid(at + 9)
        );
    }
}

using Ledger.Domain.Identity;
using Npgsql;

namespace Ledger.TransparencyLog;

/// <summary>
/// Where the log's rows are read from: the events as they are stored, and which of them stands at which index.
/// </summary>
public static class LogStore
{
    /// <summary>What of an event goes into its leaf, in the order of <see cref="Read"/>.</summary>
    public const string EventColumns =
        "e.seq_id, e.id, e.stream_id, e.version, e.type, e.timestamp, e.tenant_id, e.correlation_id, "
        + "e.causation_id, e.headers, e.data";

    public static StoredEvent Read(NpgsqlDataReader r, int at = 0) =>
        new(
            r.GetInt64(at),
            r.GetGuid(at + 1),
            Text(r, at + 2),
            r.GetInt64(at + 3),
            r.GetString(at + 4),
            r.GetFieldValue<DateTimeOffset>(at + 5),
            Text(r, at + 6),
            Text(r, at + 7),
            Text(r, at + 8),
            r.IsDBNull(at + 9) ? "{}"u8.ToArray() : r.GetFieldValue<byte[]>(at + 9),
            r.GetFieldValue<byte[]>(at + 10)
        );

    private static string? Text(NpgsqlDataReader r, int at) => r.IsDBNull(at) ? null : r.GetString(at);

    /// <summary>
    /// The entries from one index to before another, made from the stored rows; null where the row is gone.
    /// </summary>
    public static async Task<List<(long Index, byte[]? Entry, string Region)>> EntriesAsync(
        NpgsqlConnection connection,
        string schema,
        long from,
        long to
    ) =>
        await connection.QueryAsync(
            $"""
            select l.log_index, {EventColumns}, e.headers ->> 'region'
              from {schema}.log_entry l
              left join {schema}.mt_events e on e.seq_id = l.seq
             where l.log_index >= @from
               and l.log_index < @to
             order by 1
            """,
            r =>
                r.IsDBNull(1)
                    ? (r.GetInt64(0), null, "")
                    : (
                        r.GetInt64(0),
                        (byte[]?)LogEntry.Bytes(r.GetInt64(0), Read(r, 1)),
                        r.IsDBNull(12) ? "" : r.GetString(12)
                    ),
            ("from", from),
            ("to", to)
        );

    /// <summary>
    /// Whether a region is none, as an expression: neither a city's nor a county's, a township's or a village's code.
    /// Earlier builds wrote events of no region, refusals of whoever had not signed in; whoever has the application's
    /// role can write any. They are nobody's to hide.
    /// </summary>
    public static string IsNobodys(string region) =>
        $"coalesce({region}, '') !~ '^([0-9]{{4}}|[0-9]{{6}}|[0-9]{{9}}|[0-9]{{12}})$'";

    /// <summary>As <see cref="IsNobodys(string)"/>, of a region itself.</summary>
    public static bool IsOfNobody(string region) => RegionCode.Fault(region, RegionCode.Lengths) is not null;

    /// <summary>
    /// Whether all that happened lies in the scope <c>@scope</c>, as an expression: a log with holes proves nothing, so
    /// it is shown whole or not at all. What is of a region that is none lies in nobody's way, and is for whoever sees
    /// everything else. The audit trail has an index for it; what it has yet to take in is looked at where it lies.
    /// </summary>
    public static string IsWhole(string schema)
    {
        var isNobodys = IsNobodys("region");
        return $"""
            (not exists (select 1
                           from {schema}.audit_entry
                          where region ~>~ '' and region ~<~ @scope and not {isNobodys})
             and not exists (select 1
                               from {schema}.audit_entry
                              where region ~>=~ (@scope || chr(1114111)) and not {isNobodys})
             and not exists (select 1
                               from {schema}.mt_events
                              where seq_id > (select coalesce(max(last_seq_id), 0)
                                                from {schema}.mt_event_progression
                                               where name = 'AuditTrail:All')
                                and not {IsNobodys("headers ->> 'region'")}
                                and headers ->> 'region' not like @scope || '%'))
            """;
    }

    /// <summary>Whether all that happened lies in a scope.</summary>
    public static async Task<bool> IsWholeInAsync(NpgsqlConnection connection, string schema, string scope) =>
        (await connection.QueryAsync($"select {IsWhole(schema)}", r => r.GetBoolean(0), ("scope", scope))).Single();

    /// <summary>How many rows of cosignatures are looked at: more than somebody who forges them would need.</summary>
    private const int MostLines = 1_000;

    /// <summary>
    /// A checkpoint with the lines of these witnesses that have come in for it. A row says whose it is; whether it is
    /// that, only the signature says: what does not verify, and what is nobody's, is left out.
    /// </summary>
    public static async Task<Checkpoint> CosignedAsync(
        NpgsqlConnection connection,
        string schema,
        Checkpoint checkpoint,
        IReadOnlyList<NoteVerifier> witnesses
    )
    {
        if (witnesses.Count == 0)
            return checkpoint;
        var lines = await connection.QueryAsync(
            $"select line from {schema}.log_cosignature where size = @size and witness = any(@w) limit {MostLines}",
            r => Line(r.GetString(0)),
            ("size", checkpoint.Size),
            ("w", witnesses.Select(w => w.ToString()).ToArray())
        );
        var true_ = witnesses
            .Select(w => lines.FirstOrDefault(l => l is not null && w.Verifies(checkpoint.Text, l) == true))
            .OfType<NoteSignature>();
        return checkpoint with { Signatures = [.. checkpoint.Signatures, .. true_] };
    }

    /// <summary>
    /// The newest checkpoint of more than <paramref name="above"/> entries that one of these witnesses has signed, and
    /// when its line came in.
    /// </summary>
    public static async Task<(Checkpoint Checkpoint, DateTimeOffset At)?> NewestCosignedAsync(
        NpgsqlConnection connection,
        string schema,
        IReadOnlyList<NoteVerifier> keys,
        IReadOnlyList<NoteVerifier> witnesses,
        long above = 0
    )
    {
        foreach (var (row, note, line, at) in await LinesAsync(connection, schema, witnesses, above))
            if (
                Read(note) is { } checkpoint
                && checkpoint.Size == row
                && checkpoint.IsSignedBy(keys)
                && line is not null
                && witnesses.Any(w => w.Verifies(checkpoint.Text, line) == true)
            )
                return (checkpoint, at);
        return null;
    }

    private static Task<List<(long Size, string Note, NoteSignature? Line, DateTimeOffset At)>> LinesAsync(
        NpgsqlConnection connection,
        string schema,
        IReadOnlyList<NoteVerifier> witnesses,
        long above
    ) =>
        connection.QueryAsync(
            $"""
            select c.size, c.note, s.line, greatest(least(s.signed_at, '9000-01-01'), '2000-01-01')
              from {schema}.log_cosignature s
              join {schema}.log_checkpoint c on c.size = s.size
             where s.size > @above
               and s.witness = any(@w)
             order by s.size desc
             limit {MostLines}
            """,
            r => (r.GetInt64(0), r.GetString(1), Line(r.GetString(2)), r.GetFieldValue<DateTimeOffset>(3)),
            ("above", above),
            ("w", witnesses.Select(w => w.ToString()).ToArray())
        );

    /// <summary>The sizes under which, of the newest, a line stands as a witness's that is not his.</summary>
    public static async Task<IReadOnlyList<(long Size, string Witness)>> FalseLinesAsync(
        NpgsqlConnection connection,
        string schema,
        IReadOnlyList<NoteVerifier> witnesses
    )
    {
        var wrong = new List<(long, string)>();
        foreach (var witness in witnesses)
        foreach (var (size, note, line, _) in await LinesAsync(connection, schema, [witness], 0))
            if (Read(note) is { } checkpoint && (line is null || witness.Verifies(checkpoint.Text, line) != true))
                wrong.Add((size, witness.Name));
        return wrong;
    }

    private static NoteSignature? Line(string line)
    {
        try
        {
            return NoteSignature.Parse(line);
        }
        catch (NoteException)
        {
            return null; // nobody's
        }
    }

    /// <summary>The newest signed checkpoint; null before the first.</summary>
    public static async Task<Checkpoint?> LatestAsync(
        NpgsqlConnection connection,
        string schema,
        IReadOnlyList<NoteVerifier> keys
    ) => (await NewestAsync(connection, schema, keys)).Checkpoint;

    /// <summary>
    /// As <see cref="LatestAsync"/>; and the size of the newest row, when it is none of the log's: rows can be added by
    /// whoever has the application's role, signatures cannot.
    /// </summary>
    /// <param name="below">Only of fewer entries than that.</param>
    /// <param name="until">Only what was signed by then; null: at any time.</param>
    public static async Task<(Checkpoint? Checkpoint, long? Forged)> NewestAsync(
        NpgsqlConnection connection,
        string schema,
        IReadOnlyList<NoteVerifier> keys,
        long below = long.MaxValue,
        DateTimeOffset? until = null
    )
    {
        long? forged = null;
        for (long before = below, page = 1; ; page = 100)
        {
            var rows = await connection.QueryAsync(
                $"""
                select c.size, c.note
                  from {schema}.log_checkpoint c
                 where c.size < @before
                   and c.size <= (select size from {schema}.log_state)
                   and c.signed_at <= coalesce(@until::timestamptz, 'infinity')
                 order by c.size desc limit @page
                """,
                r => (Size: r.GetInt64(0), Note: r.GetString(1)),
                ("before", before),
                ("until", until),
                ("page", page)
            );
            foreach (var (size, note) in rows)
            {
                if (Read(note) is { } checkpoint && checkpoint.Size == size && checkpoint.IsSignedBy(keys))
                    return (checkpoint, forged);
                forged ??= size;
            }
            if (rows.Count < page)
                return (null, forged);
            before = rows[^1].Size;
        }
    }

    /// <summary>Sizes beyond this one, a page of them, and which are under no signature of the log's.</summary>
    public static async Task<(IReadOnlyList<long> Forged, long? Last)> ForgedAsync(
        NpgsqlConnection connection,
        string schema,
        IReadOnlyList<NoteVerifier> keys,
        long after,
        int page
    )
    {
        var rows = await connection.QueryAsync(
            $"select size, note from {schema}.log_checkpoint where size > @after order by size limit {page}",
            r => (Size: r.GetInt64(0), Note: r.GetString(1)),
            ("after", after)
        );
        return (
            [
                .. rows.Where(r =>
                        Read(r.Note) is not { } checkpoint || checkpoint.Size != r.Size || !checkpoint.IsSignedBy(keys)
                    )
                    .Select(r => r.Size),
            ],
            rows.Count == 0 ? null : rows[^1].Size
        );
    }

    /// <summary>The first signed checkpoint that holds the entry of this index; null before it is signed.</summary>
    public static async Task<Checkpoint?> FirstAsync(
        NpgsqlConnection connection,
        string schema,
        IReadOnlyList<NoteVerifier> keys,
        long index
    )
    {
        for (var after = index; ; )
        {
            var rows = await connection.QueryAsync(
                $"""
                select c.size, c.note
                  from {schema}.log_checkpoint c
                 where c.size > @after
                   and c.size <= (select size from {schema}.log_state)
                 order by c.size limit 100
                """,
                r => (Size: r.GetInt64(0), Note: r.GetString(1)),
                ("after", after)
            );
            foreach (var (size, note) in rows)
                if (Read(note) is { } checkpoint && checkpoint.Size == size && checkpoint.IsSignedBy(keys))
                    return checkpoint;
            if (rows.Count < 100)
                return null;
            after = rows[^1].Size;
        }
    }

    /// <summary>What stands in the newest row, whoever wrote it: for who has no keys.</summary>
    public static async Task<string?> NewestNoteAsync(NpgsqlConnection connection, string schema) =>
        (
            await connection.QueryAsync(
                $"select note from {schema}.log_checkpoint order by size desc limit 1",
                r => r.GetString(0)
            )
        ).FirstOrDefault();

    private static Checkpoint? Read(string note)
    {
        try
        {
            return Checkpoint.Parse(note);
        }
        catch (NoteException)
        {
            return null; // nobody's
        }
    }

    /// <summary>The number of entries under the newest signed checkpoint; 0 before the first.</summary>
    public static async Task<long> SignedSizeAsync(
        NpgsqlConnection connection,
        string schema,
        IReadOnlyList<NoteVerifier> keys
    ) => (await LatestAsync(connection, schema, keys))?.Size ?? 0;

    /// <summary>
    /// An event, its region, its index in the log, and a checkpoint over that: the newest that a witness has signed,
    /// else the newest. Index and checkpoint are null until the event is sequenced and signed.
    /// </summary>
    public static async Task<(StoredEvent Event, string Region, long? Index, Checkpoint? Checkpoint)?> SealedAsync(
        NpgsqlConnection connection,
        string schema,
        long sequence,
        IReadOnlyList<NoteVerifier> keys,
        IReadOnlyList<NoteVerifier> witnesses
    )
    {
        var found = await connection.QueryAsync(
            $"""
            select {EventColumns}, e.headers ->> 'region', l.log_index
              from {schema}.mt_events e
              left join {schema}.log_entry l on l.seq = e.seq_id
             where e.seq_id = @sequence
            """,
            r => (Read(r), Text(r, 11) ?? "", Index: r.IsDBNull(12) ? (long?)null : r.GetInt64(12)),
            ("sequence", sequence)
        );
        if (found is not [var (stored, region, index)])
            return null;
        if (index is null)
            return (stored, region, null, null);
        if (await NewestCosignedAsync(connection, schema, keys, witnesses, index.Value) is { Checkpoint: var cosigned })
            return (stored, region, index, await CosignedAsync(connection, schema, cosigned, witnesses));
        var latest = await LatestAsync(connection, schema, keys);
        return (stored, region, index, latest?.Size > index ? latest : null);
    }
}

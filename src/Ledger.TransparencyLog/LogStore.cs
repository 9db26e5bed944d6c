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
            r.GetString(at + 2),
            r.GetInt64(at + 3),
            r.GetString(at + 4),
            r.GetFieldValue<DateTimeOffset>(at + 5),
            r.GetString(at + 6),
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
    public static bool IsOfNobody(string region) =>
        RegionCode.Fault(
            region,
            RegionCode.CityLength,
            RegionCode.CountyLength,
            RegionCode.TownshipLength,
            RegionCode.VillageLength
        )
            is not null;

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

    /// <summary>
    /// The note of checkpoint <c>c</c> with the witnesses' lines that have come in for it, as an expression.
    /// </summary>
    private static string Note(string schema) =>
        $"""
            c.note || coalesce((select string_agg(s.line || chr(10), '' order by s.witness)
                                  from {schema}.log_cosignature s
                                 where s.size = c.size), '')
            """;

    /// <summary>
    /// The newest signed checkpoint with the witnesses' lines that have come in for it; null before the first.
    /// </summary>
    public static async Task<Checkpoint?> LatestAsync(
        NpgsqlConnection connection,
        string schema,
        IReadOnlyList<NoteVerifier> keys
    ) => (await NewestAsync(connection, schema, keys)).Checkpoint;

    /// <summary>
    /// As <see cref="LatestAsync"/>; and the size of the newest row, when it is none of the log's: rows can be added by
    /// whoever has the application's role, signatures cannot.
    /// </summary>
    public static async Task<(Checkpoint? Checkpoint, long? Forged)> NewestAsync(
        NpgsqlConnection connection,
        string schema,
        IReadOnlyList<NoteVerifier> keys
    )
    {
        long? forged = null;
        for (long before = long.MaxValue, page = 1; ; page = 100)
        {
            var rows = await connection.QueryAsync(
                $"""
                select c.size, {Note(schema)}
                  from {schema}.log_checkpoint c
                 where c.size < @before
                   and c.size <= (select size from {schema}.log_state)
                 order by c.size desc limit @page
                """,
                r => (Size: r.GetInt64(0), Note: r.GetString(1)),
                ("before", before),
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

    /// <summary>What stands in the newest row, whoever wrote it: for who has no keys.</summary>
    public static async Task<string?> NewestNoteAsync(NpgsqlConnection connection, string schema) =>
        (
            await connection.QueryAsync(
                $"select {Note(schema)} from {schema}.log_checkpoint c order by c.size desc limit 1",
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
        IReadOnlyList<NoteVerifier> keys
    )
    {
        var found = await connection.QueryAsync(
            $"""
            select {EventColumns}, e.headers ->> 'region', l.log_index,
                   (select {Note(schema)}
                      from {schema}.log_checkpoint c
                     where c.size = (select max(size) from {schema}.log_cosignature where size > l.log_index))
              from {schema}.mt_events e
              left join {schema}.log_entry l on l.seq = e.seq_id
             where e.seq_id = @sequence
            """,
            r =>
                (
                    Read(r),
                    Text(r, 11) ?? "",
                    Index: r.IsDBNull(12) ? (long?)null : r.GetInt64(12),
                    Cosigned: Text(r, 13) is { } note ? Read(note) : null
                ),
            ("sequence", sequence)
        );
        if (found is not [var (stored, region, index, cosigned)])
            return null;
        if (index is null || cosigned is not null && cosigned.Size > index && cosigned.IsSignedBy(keys))
            return (stored, region, index, cosigned);
        var latest = await LatestAsync(connection, schema, keys);
        return (stored, region, index, latest?.Size > index ? latest : null);
    }
}

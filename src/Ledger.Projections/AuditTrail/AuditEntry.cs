using System.Collections.Concurrent;
using System.Globalization;
using JasperFx.Events;
using Ledger.Domain;
using Npgsql;

namespace Ledger.Projections.AuditTrail;

/// <summary>
/// A row of <c>audit_entry</c>: who, what, when, for which business date, how much (fen), resting on which documents
/// (digests), and every id that the event names, each once.
/// </summary>
public sealed record AuditEntry(
    long Sequence,
    Guid EventId,
    string Stream,
    int Version,
    string Type,
    DateTimeOffset RecordedAt,
    DateOnly EffectiveDate,
    string Actor,
    string Role,
    string Region,
    long? AmountFen,
    string? Code,
    string[] Evidence,
    string[] Ids
)
{
    /// <summary>As <see cref="Read"/> reads them and <see cref="CopyAsync"/> writes them.</summary>
    public const string Columns =
        "seq, event_id, stream, version, type, recorded_at, effective_date, actor, role, region, "
        + "amount_fen, code, evidence, ids";

    /// <summary>
    /// What the hourly look compares rows with: a build that lets it say something else of events that are there has to
    /// write the trail anew.
    /// </summary>
    public static AuditEntry Of(IEvent e) =>
        new(
            e.Sequence,
            e.Id,
            e.StreamKey ?? "",
            (int)Math.Min(e.Version, int.MaxValue), // nor one of a version that none has
            e.EventTypeName,
            e.Timestamp.ToUniversalTime(),
            e.BusinessDay() ?? DateOnly.FromDateTime(e.Timestamp.UtcDateTime), // one without does not stop the trail
            e.Header(EventHeaders.Actor),
            e.Header(EventHeaders.Role),
            e.Header(EventHeaders.Region),
            (e.Data as IMoneyEvent)?.AmountFen.Fen,
            (e.Data as CommandRefused)?.Code,
            [.. (e.Data as IEvidenced)?.Evidence ?? []],
            [.. NamedBy(e).Distinct()]
        );

    /// <summary>The code of an entry of what cannot be read.</summary>
    public const string Unreadable = "unreadable";

    /// <summary>
    /// Of events that nobody can read the trail says what it can: where and when it stands, of what kind, in whose
    /// name, and the digest of its body. Those after one number up to another that have no entry yet.
    /// </summary>
    /// <param name="into">The table.</param>
    public static string InsertUnreadable(string schema, string into, string after, string to) =>
        $"""
            insert into {into} ({Columns})
            select e.seq_id, e.id, coalesce(e.stream_id, ''), least(e.version, 2147483647)::int, e.type, e.timestamp,
                   (e.timestamp at time zone 'UTC')::date, coalesce(e.headers ->> '{EventHeaders.Actor}', ''),
                   coalesce(e.headers ->> '{EventHeaders.Role}', ''),
                   coalesce(e.headers ->> '{EventHeaders.Region}', ''), null, '{Unreadable}', array[]::text[],
                   array[coalesce(e.stream_id, ''), {DigestOf("e")}]
              from {schema}.mt_events e
             where e.seq_id > {after}
               and e.seq_id <= {to}
               and not exists (select from {into} a where a.seq = e.seq_id)
                on conflict do nothing
            """;

    /// <summary>SHA-256 over the stored body, in SQL, of a row of the events.</summary>
    public static string DigestOf(string row) => $"encode(sha256(convert_to({row}.data::text, 'UTF8')), 'hex')";

    public static AuditEntry Read(NpgsqlDataReader r) =>
        new(
            r.GetInt64(0),
            r.GetGuid(1),
            r.GetString(2),
            r.GetInt32(3),
            r.GetString(4),
            r.GetFieldValue<DateTimeOffset>(5),
            r.GetFieldValue<DateOnly>(6),
            r.GetString(7),
            r.GetString(8),
            r.GetString(9),
            r.IsDBNull(10) ? null : r.GetInt64(10),
            r.IsDBNull(11) ? null : r.GetString(11),
            r.GetFieldValue<string[]>(12),
            r.GetFieldValue<string[]>(13)
        );

    /// <summary>By sequence; hidden: not found by one of its ids.</summary>
    public static async Task<Dictionary<long, (AuditEntry Entry, bool IsHidden)>> BetweenAsync(
        NpgsqlConnection connection,
        string schema,
        long from,
        long to
    ) =>
        (
            await connection.QueryAsync(
                $"""
                select {Columns},
                       exists (select
                                 from unnest(ids) id
                                where not exists (select
                                                    from {schema}.audit_entry_id i
                                                   where i.id_hash = hashtextextended(id, 0)
                                                     and i.seq = a.seq)) as hidden
                  from {schema}.audit_entry a where seq between @from and @to
                """,
                r => (Entry: Read(r), IsHidden: r.GetBoolean(14)),
                ("from", from),
                ("to", to)
            )
        ).ToDictionary(r => r.Entry.Sequence);

    /// <summary>The first column that another row says otherwise; null: none.</summary>
    public string? DiffersIn(AuditEntry other) =>
        Columns
            .Split(", ")
            .Zip($"{this}".Split('|').Zip($"{other}".Split('|')))
            .Where(c => c.Second.First != c.Second.Second)
            .Select(c => c.First)
            .FirstOrDefault();

    /// <summary>Into a new table of this form, where none of them can be already.</summary>
    public static Task CopyAsync(NpgsqlConnection connection, string table, IReadOnlyCollection<AuditEntry> entries) =>
        connection.CopyAsync(
            $"{table} ({Columns})",
            entries,
            (copy, e) =>
            {
                copy.Write(e.Sequence);
                copy.Write(e.EventId);
                copy.Write(e.Stream);
                copy.Write(e.Version);
                copy.Write(e.Type);
                copy.Write(e.RecordedAt);
                copy.Write(e.EffectiveDate);
                copy.Write(e.Actor);
                copy.Write(e.Role);
                copy.Write(e.Region);
                copy.WriteOrNull(e.AmountFen);
                copy.WriteOrNull(e.Code);
                copy.Write(e.Evidence);
                copy.Write(e.Ids);
            }
        );

    /// <summary>In one line, to compare and to show what differs.</summary>
    public override string ToString() =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{Sequence}|{EventId}|{Stream}|{Version}|{Type}|"
                + $"{RecordedAt.ToUniversalTime():yyyy-MM-dd'T'HH:mm:ss.ffffff}|{EffectiveDate:yyyy-MM-dd}|{Actor}"
                + $"|{Role}|{Region}|{AmountFen}|{Code}|{string.Join(' ', Evidence)}|{string.Join(' ', Ids)}"
        );

    private static readonly ConcurrentDictionary<Type, Func<object, string?>[]> IdProperties = new();

    /// <summary>The stream, every property named …Id, and what <see cref="INamesIds"/> adds.</summary>
    private static IEnumerable<string> NamedBy(IEvent e)
    {
        var readers = IdProperties.GetOrAdd(
            e.EventType,
            type =>
                [
                    .. type.GetProperties()
                        .Where(p => p.PropertyType == typeof(string) && p.Name.EndsWith("Id", StringComparison.Ordinal))
                        .Select(p => (Func<object, string?>)(o => (string?)p.GetValue(o))),
                ]
        );
        return readers.Select(read => read(e.Data)).OfType<string>().Append(e.StreamKey!).Concat(Listed(e));
    }

    /// <summary>
    /// What its lists name; nothing of an event without them, which somebody wrote past the product: the trail shows it
    /// all the same.
    /// </summary>
    private static IReadOnlyList<string> Listed(IEvent e)
    {
        try
        {
            return [.. ((e.Data as INamesIds)?.Ids ?? []).Where(id => id is not null)];
        }
        catch (Exception none) when (none is NullReferenceException or ArgumentNullException)
        {
            return [];
        }
    }
}

using System.IO.Compression;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Ledger.Api.Storage;
using Ledger.Projections.Journal;
using Ledger.TransparencyLog;
using Marten;
using Npgsql;

namespace Ledger.Api.Exports;

/// <summary>What can be exported.</summary>
public enum ExportKind
{
    Hledger,
    Beancount,
    GeneralLedger,
    Events,
    Log,
}

/// <summary>
/// Writes the journal and the event log as files for other tools: row by row, memory stays constant however long they
/// are. Everything of one file is read from one snapshot of the database, so its parts agree with each other.
/// </summary>
public sealed class Exports(IDocumentStore store, StoredEvents events, LongReads reads, AccountMap accounts)
{
    private static readonly byte[] Newline = "\n"u8.ToArray();

    public static string FileName(ExportKind kind) =>
        kind switch
        {
            ExportKind.Hledger => "journal.hledger",
            ExportKind.Beancount => "journal.beancount",
            ExportKind.GeneralLedger => "general-ledger.zip",
            ExportKind.Log => "log.jsonl",
            _ => "events.jsonl",
        };

    public static string MediaType(ExportKind kind) =>
        kind switch
        {
            ExportKind.GeneralLedger => "application/zip",
            ExportKind.Events or ExportKind.Log => "application/x-ndjson",
            _ => "text/plain; charset=utf-8",
        };

    /// <param name="scope">Only regions that begin with it.</param>
    /// <param name="starting">Told how many steps there will be (funds, or events), before the first byte.</param>
    /// <param name="progress">Told how many steps are done.</param>
    public async Task WriteAsync(
        ExportKind kind,
        string scope,
        Stream body,
        Action<long> starting,
        Action<long> progress,
        CancellationToken cancellation
    )
    {
        await using var connection = await reads.OpenAsync(cancellation);
        await using var snapshot = await connection.BeginTransactionAsync(
            System.Data.IsolationLevel.RepeatableRead,
            cancellation
        );
        await using var session = store.QuerySession(Marten.Services.SessionOptions.ForTransaction(snapshot));
        if (kind == ExportKind.Events)
        {
            await EventsAsync(connection, scope, body, starting, progress, cancellation);
            return;
        }
        if (kind == ExportKind.Log)
        {
            await LogAsync(connection, body, starting, progress, cancellation);
            return;
        }
        var funds = await JournalReader.FundsAsync(session, scope, cancellation);
        var leftOut = new SortedDictionary<long, UnreadableEventException>();
        var reader = new JournalReader(events, connection, fault => leftOut[fault.Sequence] = fault);
        var done = 0L;
        IEnumerable<IAsyncEnumerable<JournalEntry>> Funds()
        {
            foreach (var fund in funds)
            {
                yield return reader.EntriesAsync(fund);
                progress(++done);
            }
        }
        if (kind == ExportKind.GeneralLedger)
        {
            starting(funds.Count * GeneralLedger.Passes);
            await using var zip = await ZipArchive.CreateAsync(
                body,
                ZipArchiveMode.Create,
                leaveOpen: true,
                Encoding.UTF8,
                cancellation
            );
            await new GeneralLedger(accounts).WriteAsync(zip, Funds, cancellation);
            if (leftOut.Count > 0)
                await NoteAsync(zip, leftOut.Values, cancellation);
            return;
        }
        await using var writer = new StreamWriter(body, new UTF8Encoding(false), leaveOpen: true);
        if (kind == ExportKind.Hledger)
        {
            await HledgerAsync(connection, reader, [.. funds], writer, starting, progress, cancellation);
            await NoteAsync(writer, leftOut.Values);
            return;
        }
        starting(funds.Count);
        await writer.WriteAsync(JournalText.BeancountHead);
        foreach (var entries in Funds())
        {
            await foreach (var entry in entries)
                await writer.WriteAsync(JournalText.Beancount(entry));
            await writer.FlushAsync(cancellation);
        }
        await NoteAsync(writer, leftOut.Values);
    }

    private static async Task EventsAsync(
        NpgsqlConnection connection,
        string scope,
        Stream body,
        Action<long> starting,
        Action<long> progress,
        CancellationToken cancellation
    )
    {
        // Of no region: for whoever sees all the others.
        var isWhole = await LogStore.IsWholeInAsync(connection, LedgerStore.Schema, scope);
        var nobodys = isWhole ? $" or {LogStore.IsNobodys("headers ->> 'region'")}" : "";
        var shown = $"(headers ->> 'region' like @scope || '%'{nobodys})";
        starting(
            (
                await connection.QueryAsync(
                    $"select count(*) from {LedgerStore.Schema}.mt_events where {shown}",
                    r => r.GetInt64(0),
                    ("scope", scope)
                )
            ).Single()
        );
        await EventsAsync(connection, shown, scope, body, progress, cancellation);
    }

    /// <summary>No table of the standard has a place for what was left out.</summary>
    private static async Task NoteAsync(
        ZipArchive zip,
        IEnumerable<UnreadableEventException> leftOut,
        CancellationToken cancellation
    )
    {
        await using var entry = await zip.CreateEntry("未列入.txt", CompressionLevel.Fastest).OpenAsync(cancellation);
        await using var text = new StreamWriter(entry, new UTF8Encoding(true));
        foreach (var fault in leftOut)
            await text.WriteLineAsync(LeftOut(fault));
    }

    /// <summary>A journal without some of its events says so, as comments at its end.</summary>
    private static async Task NoteAsync(StreamWriter writer, IEnumerable<UnreadableEventException> leftOut)
    {
        foreach (var fault in leftOut)
            await writer.WriteAsync($"; {LeftOut(fault)}\n");
    }

    private static string LeftOut(UnreadableEventException fault) =>
        $"未列入 left out: {fault.Stream} {fault.Message.ReplaceLineEndings(" ")}";

    /// <summary>
    /// All funds in one order of dates, each account declared where it is first seen: <c>hledger check --strict
    /// ordereddates</c> holds.
    /// </summary>
    private static async Task HledgerAsync(
        NpgsqlConnection connection,
        JournalReader reader,
        string[] funds,
        StreamWriter writer,
        Action<long> starting,
        Action<long> progress,
        CancellationToken cancellation
    )
    {
        const string ofFunds = "stream_id = any(@funds)";
        starting(
            (
                await connection.QueryAsync(
                    $"select count(*) from {LedgerStore.Schema}.mt_events where {ofFunds}",
                    r => r.GetInt64(0),
                    ("funds", funds)
                )
            ).Single()
        );
        await writer.WriteAsync(JournalText.HledgerHead);
        var (declared, done) = (new HashSet<string>(), 0L);
        await foreach (var entry in reader.ByDateAsync(funds).WithCancellation(cancellation))
        {
            foreach (var p in entry.Postings.Where(p => declared.Add($"{entry.FundId}:{p.Account}")))
                await writer.WriteAsync(JournalText.HledgerDeclaration(entry.FundId, p.Account));
            await writer.WriteAsync(JournalText.Hledger(entry));
            if (++done % 1000 != 0)
                continue;
            await writer.FlushAsync(cancellation);
            progress(done);
        }
    }

    /// <summary>Whether everything in the log lies in this scope.</summary>
    public async Task<bool> IsWholeLogInAsync(string scope, CancellationToken cancellation)
    {
        await using var connection = await reads.OpenAsync(cancellation);
        return await LogStore.IsWholeInAsync(connection, LedgerStore.Schema, scope);
    }

    /// <summary>The transparency log: the bytes of each leaf, and a newline.</summary>
    private static async Task LogAsync(
        NpgsqlConnection connection,
        Stream body,
        Action<long> starting,
        Action<long> progress,
        CancellationToken cancellation
    )
    {
        const int page = 2_000;
        var size = (
            await connection.QueryAsync($"select size from {LedgerStore.Schema}.log_state", r => r.GetInt64(0))
        ).Single();
        starting(size);
        for (var from = 0L; from < size; from += page)
        {
            foreach (
                var (index, entry, _) in await LogStore.EntriesAsync(
                    connection,
                    LedgerStore.Schema,
                    from,
                    Math.Min(size, from + page)
                )
            )
            {
                await body.WriteAsync(
                    entry ?? throw new LogDamagedException($"日志第 {index} 条的事件不见了"),
                    cancellation
                );
                await body.WriteAsync(Newline, cancellation);
            }
            progress(Math.Min(size, from + page));
        }
    }

    private static async Task EventsAsync(
        NpgsqlConnection connection,
        string shown,
        string scope,
        Stream body,
        Action<long> progress,
        CancellationToken cancellation
    )
    {
        await using var command = new NpgsqlCommand(
            $"""
            select seq_id, stream_id, version, type, timestamp, headers, data from {LedgerStore.Schema}.mt_events
             where {shown} order by seq_id
            """,
            connection
        );
        command.Parameters.AddWithValue("scope", scope);
        await using var reader = await command.ExecuteReaderAsync(
            System.Data.CommandBehavior.SequentialAccess,
            cancellation
        );
        await using var json = new Utf8JsonWriter(
            body,
            new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }
        );
        for (var done = 1L; await reader.ReadAsync(cancellation); done++)
        {
            json.WriteStartObject();
            json.WriteNumber("sequence", reader.GetInt64(0));
            json.WriteString("stream", reader.IsDBNull(1) ? null : reader.GetString(1));
            json.WriteNumber("version", reader.GetInt64(2));
            json.WriteString("type", reader.GetString(3));
            json.WriteString("recordedAt", reader.GetFieldValue<DateTimeOffset>(4));
            json.WritePropertyName("headers");
            json.WriteRawValue(reader.IsDBNull(5) ? "{}" : reader.GetString(5), skipInputValidation: true);
            json.WritePropertyName("data");
            json.WriteRawValue(reader.GetString(6), skipInputValidation: true);
            json.WriteEndObject();
            await json.FlushAsync(cancellation);
            json.Reset();
            await body.WriteAsync(Newline, cancellation);
            if (done % 1000 == 0)
                progress(done);
        }
    }
}

using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Ledger.Api.Commands;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Domain;
using Ledger.Projections.Journal;
using Marten;
using Npgsql;

namespace Ledger.Api.Exports;

/// <summary>The journal and the event log as files for other tools. Written row by row: memory stays constant however long they are.</summary>
public static class JournalExport
{
    private const int Page = 1000;

    public static void MapExports(this IEndpointRouteBuilder api)
    {
        api.MapGet("/exports/journal", Journal)
            .Reading<string>("export-journal", "导出日记账：hledger 或 beancount 文本 · Export the journal for hledger or Beancount",
                Roles.Auditor, Roles.VillageFinance, Roles.CountyFinance, Roles.CountyAgriculture, Roles.CityHrss)
            .Refuses(Rejections.FieldInvalid);
        api.MapGet("/exports/events", Events)
            .Reading<string>("export-events", "导出事件日志（JSON Lines，金额为分） · Export the event log as JSON lines", Roles.Auditor, Roles.CityHrss)
            .Refuses(Rejections.FieldInvalid);
    }

    private static IResult Journal(string? region, string? format, IDocumentStore store, Caller caller)
    {
        Func<JournalEntry, string> text = format switch
        {
            null or "hledger" => JournalText.Hledger,
            "beancount" => JournalText.Beancount,
            _ => throw Require.Invalid("format", "应为 hledger、beancount 之一"),
        };
        var scope = Scope.Narrow(caller, region);
        return Results.Stream(async body =>
        {
            await using var writer = new StreamWriter(body, new UTF8Encoding(false));
            if (format == "beancount") await writer.WriteAsync(JournalText.BeancountHead);
            await using var session = store.QuerySession();
            for (var after = 0L; ;)
            {
                var events = await session.Events.QueryAllRawEvents().Where(e => e.Sequence > after && e.StreamKey!.StartsWith("fund-")).OrderBy(e => e.Sequence).Take(Page).ToListAsync();
                foreach (var e in events)
                    if (e.GetHeader(Projections.AuditTrail.EventHeaders.Region)?.ToString()?.StartsWith(scope, StringComparison.Ordinal) == true && JournalEntry.Of(e) is { } entry)
                        await writer.WriteAsync(text(entry));
                await writer.FlushAsync();
                if (events.Count < Page) return;
                after = events[^1].Sequence;
            }
        }, "text/plain; charset=utf-8", format == "beancount" ? "journal.beancount" : "journal.hledger");
    }

    private static IResult Events(string? region, NpgsqlDataSource database, Caller caller)
    {
        var scope = Scope.Narrow(caller, region);
        return Results.Stream(async body =>
        {
            await using var connection = await database.OpenConnectionAsync();
            await using var command = new NpgsqlCommand(
                $"""
                 select seq_id, stream_id, version, type, timestamp, headers, data from {LedgerStore.Schema}.mt_events
                  where headers ->> 'region' like @scope || '%' order by seq_id
                 """, connection);
            command.Parameters.AddWithValue("scope", scope);
            await using var reader = await command.ExecuteReaderAsync(System.Data.CommandBehavior.SequentialAccess);
            await using var json = new Utf8JsonWriter(body, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
            while (await reader.ReadAsync())
            {
                json.WriteStartObject();
                json.WriteNumber("sequence", reader.GetInt64(0));
                json.WriteString("stream", reader.GetString(1));
                json.WriteNumber("version", reader.GetInt64(2));
                json.WriteString("type", reader.GetString(3));
                json.WriteString("recordedAt", reader.GetFieldValue<DateTimeOffset>(4));
                json.WritePropertyName("headers");
                json.WriteRawValue(reader.GetString(5));
                json.WritePropertyName("data");
                json.WriteRawValue(reader.GetString(6));
                json.WriteEndObject();
                await json.FlushAsync();
                json.Reset();
                body.WriteByte((byte)'\n');
            }
        }, "application/x-ndjson", "events.jsonl");
    }
}

using System.Collections;
using System.Reflection;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Ledger.Api.Storage;
using Marten;
using Npgsql;
using NpgsqlTypes;

namespace Ledger.Api.Tests;

/// <summary>
/// Events are for ever: whatever a version of the product once wrote, every later one must read. The folder
/// GoldenEvents keeps one of each type in each form it ever had, as it stands in the table; a file there is never
/// changed. A new type, or a type with a new field, gets its file by <c>LEDGER_WRITE_DOCS=1 dotnet test --filter
/// GoldenEvent</c>; a field that is renamed or gets another meaning fails here: it needs a new type of event.
/// </summary>
[Collection("api and programs")]
public sealed class GoldenEventTests(ApiFixture api)
{
    private static readonly string Folder = Path.Combine(TourTests.Repository, "tests/Ledger.Api.Tests/GoldenEvents");

    private static List<(string Type, int Form, string Json)> Golden() =>
        Directory.Exists(Folder)
            ?
            [
                .. Directory
                    .GetFiles(Folder, "*.json")
                    .Select(f => (Path.GetFileName(f).Split('.'), f))
                    .Select(f => (f.Item1[0], int.Parse(f.Item1[1]), File.ReadAllText(f.f)))
                    .OrderBy(f => f.Item1, StringComparer.Ordinal)
                    .ThenBy(f => f.Item2),
            ]
            : [];

    private static readonly KeyFile NoKeys = new(new byte[32], new byte[32], new byte[32]);

    [Fact]
    public void Every_type_of_event_is_there_in_its_present_form()
    {
        using var database = NpgsqlDataSource.Create("Host=nowhere");
        using var services = LedgerServices.Alone(database, NoKeys);
        var store = services.GetRequired<IDocumentStore>();
        var golden = Golden();
        var missing = new List<string>();
        foreach (var type in EventTypes.All)
        {
            var name = store.Options.Events.AllKnownEventTypes().Single(t => t.EventType == type).EventTypeName;
            var present = JsonNode.Parse(store.Options.Serializer().ToJson(Example(type, name)))!;
            if (golden.Any(g => g.Type == name && Shape(JsonNode.Parse(g.Json)) == Shape(present)))
                continue;
            var file = $"{name}.{golden.Count(g => g.Type == name) + 1}.json";
            missing.Add(file);
            if (Environment.GetEnvironmentVariable("LEDGER_WRITE_DOCS") != "1")
                continue;
            Directory.CreateDirectory(Folder);
            File.WriteAllText(
                Path.Combine(Folder, file),
                present.ToJsonString(
                    new System.Text.Json.JsonSerializerOptions
                    {
                        WriteIndented = true,
                        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
                    }
                ) + "\n"
            );
        }
        Assert.True(
            missing.Count == 0 || Environment.GetEnvironmentVariable("LEDGER_WRITE_DOCS") == "1",
            $"no golden event of the present form: {string.Join(", ", missing)}; LEDGER_WRITE_DOCS=1 writes them"
        );
    }

    [Fact]
    public async Task Every_form_that_an_event_ever_had_is_read_from_the_table_and_says_what_it_said()
    {
        var golden = Golden();
        Assert.True(golden.Count >= EventTypes.All.Count, $"{golden.Count}");
        var connectionString = await api.NewDatabaseAsync("golden");
        Assert.Equal(
            0,
            (
                await ApiHost.RunAsync(
                    new Dictionary<string, string>
                    {
                        ["ConnectionStrings__Ledger"] = connectionString,
                        ["Ledger__KeyFile"] = api.KeyFile,
                    },
                    "schema"
                )
            ).Exit
        );
        await using var database = NpgsqlDataSource.Create(connectionString);
        await using (var connection = await database.OpenConnectionAsync())
            foreach (var (type, form, json) in golden)
            {
                await using var insert = new NpgsqlCommand(
                    $"""
                    with s as (insert into ledger.mt_streams (id, version) values ($1, 1) returning id)
                    insert into ledger.mt_events (seq_id, id, stream_id, version, data, type, timestamp, tenant_id,
                                                  mt_dotnet_type, is_archived, headers)
                    select nextval('ledger.mt_events_sequence'), gen_random_uuid(), s.id, 1, $2, $3, now(), '*DEFAULT*',
                           '', false, $4
                      from s
                    """,
                    connection
                )
                {
                    Parameters =
                    {
                        new() { Value = $"{type}.{form}" },
                        new() { Value = json, NpgsqlDbType = NpgsqlDbType.Jsonb },
                        new() { Value = type },
                        new()
                        {
                            Value = """{"region":"370811","effectiveDate":"2026-11-27","seal":"x","mark":"x"}""",
                            NpgsqlDbType = NpgsqlDbType.Jsonb,
                        },
                    },
                };
                await insert.ExecuteNonQueryAsync();
            }
        await using var services = LedgerServices.Alone(database, NoKeys);
        var store = services.GetRequired<IDocumentStore>();
        await using var session = store.QuerySession();
        var read = (await session.Events.QueryAllRawEvents().ToListAsync()).ToDictionary(
            e => e.StreamKey!,
            e => e.Data
        );
        // What shows, sums and decides reads more strictly than the store: each form passes there too.
        await using (var strict = await database.OpenConnectionAsync())
            await foreach (var row in new StoredEvents(store, LedgerStore.Schema).LookAsync(strict, "true"))
                Assert.True(row.Fault is null, row.Fault?.Message);
        foreach (var (type, form, json) in golden)
        {
            var now = JsonNode.Parse(store.Options.Serializer().ToJson(read[$"{type}.{form}"]));
            Assert.True(
                Lost(JsonNode.Parse(json), now, "$") is not { } lost,
                $"{type}.{form}: {Lost(JsonNode.Parse(json), now, "$")}"
            );
        }
    }

    /// <summary>The first thing that stands in the older and not in the newer; null when all of it does.</summary>
    private static string? Lost(JsonNode? older, JsonNode? newer, string path) =>
        older switch
        {
            JsonObject o => newer is JsonObject n
                ? o.Select(p => Lost(p.Value, n[p.Key], $"{path}.{p.Key}")).FirstOrDefault(l => l is not null)
                : $"{path} is gone",
            JsonArray a => newer is JsonArray b && a.Count == b.Count
                ? a.Select((x, i) => Lost(x, b[i], $"{path}[{i}]")).FirstOrDefault(l => l is not null)
                : $"{path} is gone",
            _ => JsonNode.DeepEquals(older, newer)
                ? null
                : $"{path} was {older?.ToJsonString()} and is {newer?.ToJsonString() ?? "gone"}",
        };

    /// <summary>Names and kinds of everything in it, not the values.</summary>
    private static string Shape(JsonNode? node) =>
        node switch
        {
            JsonObject o => "{"
                + string.Join(
                    ',',
                    o.OrderBy(p => p.Key, StringComparer.Ordinal).Select(p => $"{p.Key}:{Shape(p.Value)}")
                )
                + "}",
            JsonArray a => $"[{string.Join(',', a.Select(Shape).Distinct())}]",
            null => "null",
            _ => $"{node.GetValueKind()}",
        };

    public static object Example(Type type) => Example(type, type.Name);

    /// <summary>One of the type with something in every field, the same each time.</summary>
    private static object Example(Type type, string name, params Type[] within)
    {
        if (Nullable.GetUnderlyingType(type) is { } inner)
            return Example(inner, name, within);
        if (type == typeof(string))
            return name;
        if (type == typeof(bool))
            return true;
        if (type == typeof(int))
            return 3;
        if (type == typeof(long))
            return 5L;
        if (type == typeof(decimal))
            return 1.5m;
        if (type == typeof(Guid))
            return Guid.Parse("00000000-0000-0000-0000-000000000001");
        if (type == typeof(DateOnly))
            return new DateOnly(2026, 3, 1);
        if (type == typeof(DateTimeOffset))
            return new DateTimeOffset(2026, 3, 1, 4, 0, 0, TimeSpan.Zero);
        if (type == typeof(Money))
            return new Money(12_34);
        if (type == typeof(FenInterval))
            return new FenInterval(100, 1334);
        if (type.IsEnum)
            return Enum.GetValues(type).GetValue(Enum.GetValues(type).Length - 1)!;
        if (type.IsGenericType && type.IsAssignableTo(typeof(IEnumerable)))
        {
            var arguments = type.GetGenericArguments();
            if (arguments.Length == 2)
            {
                var dictionary = (IDictionary)
                    Activator.CreateInstance(typeof(Dictionary<,>).MakeGenericType(arguments))!;
                dictionary[Example(arguments[0], "key", within)] = Example(arguments[1], "value", within);
                return dictionary;
            }
            // A standard has standards as parts
            var list = Array.CreateInstance(arguments[0], within.Contains(arguments[0]) ? 0 : 1);
            if (list.Length > 0)
                list.SetValue(Example(arguments[0], name, within), 0);
            return list;
        }
        if (type.IsAbstract)
            return Example(type.GetCustomAttributes<JsonDerivedTypeAttribute>().First().DerivedType, name, within);
        var constructor = type.GetConstructors().MaxBy(c => c.GetParameters().Length)!;
        return constructor.Invoke([
            .. constructor.GetParameters().Select(p => Example(p.ParameterType, p.Name!, [.. within, type])),
        ]);
    }
}

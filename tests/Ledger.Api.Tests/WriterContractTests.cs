using System.Reflection;
using System.Text.Json.Nodes;
using Ledger.Api.Storage;
using Ledger.Domain.Identity;
using Ledger.Store.Axes;
using Marten;
using Marten.Services;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace Ledger.Api.Tests;

/// <summary>
/// The bargain of docs/decisions/001-writer-beside-martens-session.md: what our writer leaves in Marten's tables is
/// what Marten's session leaves there of the same events. A version of Marten that changes them fails here, before it
/// fails anybody's ledger.
/// </summary>
[Collection("api")]
public sealed class WriterContractTests(ApiFixture api)
{
    private sealed record Chain(string Id, Type Aggregate, IReadOnlyList<(object Event, Aggregate State)> Steps);

    private static readonly EventStamp First = Stamp("key-1", null),
        Second = Stamp("key-2", "另一笔：同名不同款");

    private static EventStamp Stamp(string key, string? notDuplicate) =>
        new(
            new Actor("li.si", Roles.Agency, "370811") { OnBehalfOf = notDuplicate is null ? null : "wang.wu" },
            "370811",
            new DateOnly(2026, 3, 1),
            "contract",
            $"correlation of {key}",
            $"causation of {key}",
            key,
            notDuplicate
        );

    [Fact]
    public async Task The_writer_and_Martens_session_leave_the_same_in_every_column_of_every_table()
    {
        var chains = Chains();
        Assert.Equal(
            EventTypes.Aggregates,
            chains.Select(c => c.Aggregate).OrderBy(t => t.Name, StringComparer.Ordinal)
        );
        Assert.InRange(chains.Sum(c => c.Steps.Count), 60, EventTypes.All.Count); // most of what there is
        var (martens, writers) = (
            await LeftAsync(transaction => ByMartenAsync(transaction, chains)),
            await LeftAsync(transaction => ByWriterAsync(transaction, chains))
        );
        Assert.Equal(["fen_axis"], writers.Keys.Except(martens.Keys)); // our own, beside Marten's
        Assert.Empty(martens.Keys.Except(writers.Keys));
        Assert.True(martens["mt_streams"].Count == chains.Count + 1 && martens.Count > chains.Count + 1);
        foreach (var (table, rows) in martens)
            Assert.Equal(rows, writers[table]);
    }

    /// <summary>For each aggregate a stream of as many kinds of events as follow each other and share no fen.</summary>
    private List<Chain> Chains()
    {
        var build = typeof(WriterContractTests).GetMethod(
            nameof(ChainOf),
            BindingFlags.NonPublic | BindingFlags.Instance
        )!;
        return [.. EventTypes.Aggregates.Select(a => (Chain)build.MakeGenericMethod(a).Invoke(this, [])!)];
    }

    private Chain ChainOf<T>()
        where T : Aggregate, IEvolve<T>
    {
        var id = $"contract-{typeof(T).Name.ToLowerInvariant()}";
        var left = EventTypes.Of<T>().Select(t => (IEventOf<T>)GoldenEventTests.Example(t)).ToList();
        var (steps, taken, state) = (new List<(object, Aggregate)>(), new HashSet<(Axis, string, long)>(), (T?)null);
        bool Follows(IEventOf<T> e)
        {
            var entries = AxisEntry.Of(id, e).Select(a => (a.Axis, a.Span.Account, a.Span.Fen.From)).ToList();
            if (entries.Any(taken.Contains) || entries.Distinct().Count() < entries.Count)
                return false;
            try
            {
                state = IEvolve<T>.Next(state, id, e);
            }
            catch (Exception)
            {
                return false; // not in this order
            }
            taken.UnionWith(entries);
            steps.Add((e, state));
            return true;
        }
        while (left.FirstOrDefault(Follows) is { } next)
            left.Remove(next);
        return new Chain(id, typeof(T), steps);
    }

    private async Task ByWriterAsync(NpgsqlTransaction transaction, IReadOnlyList<Chain> chains)
    {
        var writer = api.Host.Services.GetRequiredService<EventWriter>();
        static StreamChange Change(Chain chain, int from, int to)
        {
            var change = new StreamChange(chain.Id, chain.Aggregate, from) { State = chain.Steps[to - 1].State };
            change.Events.AddRange(chain.Steps.Take(to).Skip(from).Select(s => s.Event));
            return change;
        }
        await writer.WriteAsync(transaction.Connection!, [.. chains.Select(c => Change(c, 0, Half(c)))], First);
        await writer.WriteAsync(
            transaction.Connection!,
            [
                .. chains.Where(c => Half(c) < c.Steps.Count).Select(c => Change(c, Half(c), c.Steps.Count)),
                new StreamChange("contract-refusal", null, 0) { Events = { Refusal } },
            ],
            Second
        );
    }

    private async Task ByMartenAsync(NpgsqlTransaction transaction, IReadOnlyList<Chain> chains)
    {
        var store = api.Host.Services.GetRequiredService<IDocumentStore>();
        await SavedAsync(
            First,
            session =>
            {
                foreach (var chain in chains)
                    session.Events.StartStream(chain.Aggregate, chain.Id, Part(chain, 0, Half(chain)));
            }
        );
        await SavedAsync(
            Second,
            session =>
            {
                foreach (var chain in chains.Where(c => Half(c) < c.Steps.Count))
                    session.Events.Append(chain.Id, Part(chain, Half(chain), chain.Steps.Count));
                // The tables take a refusal with a seal alone; which one, is ours to say.
                session.Events.StartStream("contract-refusal", Refusal).Events[0].SetHeader("seal", "x");
            }
        );

        static object[] Part(Chain chain, int from, int to) =>
            [.. chain.Steps.Take(to).Skip(from).Select(s => s.Event)];

        async Task SavedAsync(EventStamp stamp, Action<IDocumentSession> append)
        {
            await using var session = store.LightweightSession(SessionOptions.ForTransaction(transaction));
            (session.CorrelationId, session.CausationId) = (stamp.CorrelationId, stamp.CausationId);
            foreach (var (name, value) in stamp.Headers())
                session.SetHeader(name, value);
            session.SetHeader(EventHeaders.Mark, "x"); // without one the database takes none (V0021)
            append(session);
            await session.SaveChangesAsync();
        }
    }

    /// <summary>How much of a stream the first command writes; the second finds it there.</summary>
    private static int Half(Chain chain) => (chain.Steps.Count + 1) / 2;

    private static object Refusal => GoldenEventTests.Example(typeof(CommandRefused));

    /// <summary>
    /// Every row of every table that a transaction wrote, which is undone. What is new each time stands for itself: a
    /// time, an event's id, a sequence number by its place; and our states and refusals carry a seal.
    /// </summary>
    private async Task<SortedDictionary<string, List<string>>> LeftAsync(Func<NpgsqlTransaction, Task> write)
    {
        await using var connection = await api.Database.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await write(transaction);
        var left = new SortedDictionary<string, List<string>>(StringComparer.Ordinal);
        foreach (
            var table in await connection.QueryAsync(
                "select tablename from pg_tables where schemaname = 'ledger' order by 1",
                r => r.GetString(0)
            )
        )
        {
            var rows = await connection.QueryAsync(
                $"select to_jsonb(t)::text from ledger.{table} t where t.xmin = pg_current_xact_id()::xid",
                r => JsonNode.Parse(r.GetString(0))!.AsObject()
            );
            if (rows.Count > 0)
                left[table] = [.. rows.Select(r => Plain(table, r)).Order(StringComparer.Ordinal)];
        }
        return left;
    }

    private static string Plain(string table, JsonObject row)
    {
        foreach (var time in (string[])["timestamp", "created", "mt_last_modified"])
            if (row[time] is { } written)
                row[time] = DateTimeOffset.Parse(written.GetValue<string>()) > default(DateTimeOffset) ? "a time" : "?";
        if (table == "mt_events")
            (row["id"], row["seq_id"]) = (Guid.Parse(row["id"]!.GetValue<string>()) != default ? "an id" : "?", 0);
        foreach (var column in (string[])["data", "headers"])
            if (row[column] is JsonObject part)
            {
                part.Remove("seal");
                part.Remove(EventHeaders.Mark); // by which what Marten's session writes is told apart
            }
        return row.ToJsonString();
    }
}

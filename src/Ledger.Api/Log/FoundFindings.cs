using Ledger.Domain;
using Ledger.Domain.Identity;
using Ledger.Domain.Log;
using Ledger.TransparencyLog;
using Marten;
using Npgsql;

namespace Ledger.Api.Log;

/// <summary>
/// What the product found wrong with its database, and what people have answered: of the rows those that it sealed, of
/// the answers those that it wrote. An alarm is raised by what nobody has closed.
/// </summary>
public sealed class FoundFindings(FindingSeal seal, EventSeal events, IDocumentStore store)
{
    private const string S = LedgerStore.Schema,
        PlantedKind = "planted";

    /// <summary>All rows that somebody else wrote among the findings are one: who writes thousands hides nothing by
    /// it.</summary>
    public static readonly string Planted = StreamId.AnsweredFinding(PlantedKind, "");

    private readonly StoredEvents _stored = new(store, S, events);

    /// <summary>
    /// The product's own, newest first, each once; how many others there are, and what is on record of those, null
    /// where there are none. Whoever can add rows can add thousands, and hides none among them. Times are ones that can
    /// be read.
    /// </summary>
    public async Task<(IReadOnlyList<FindingView> Ours, long Planted, FindingView? Others)> ReadAsync(
        NpgsqlConnection connection
    )
    {
        var (ours, planted, plantedAt) = (new Dictionary<string, FindingView>(), 0, DateTimeOffset.MaxValue);
        foreach (
            var (at, kind, detail, sealedAs) in await connection.QueryAsync(
                $"""
                select greatest(least(found_at, '9000-01-01'), '2000-01-01'), left(kind, 40), left(detail, 2001), seal
                  from {S}.log_finding
                 order by 1
                """,
                r =>
                    (
                        r.GetFieldValue<DateTimeOffset>(0),
                        r.GetString(1),
                        r.GetString(2),
                        r.IsDBNull(3) ? null : r.GetString(3)
                    )
            )
        )
            if (seal.Holds(kind, detail, sealedAs))
            {
                var id = StreamId.AnsweredFinding(kind, detail);
                ours[id] = ours.TryGetValue(id, out var before)
                    ? before with
                    {
                        Count = before.Count + 1,
                    }
                    : new FindingView(at, kind, detail, id, 0, 1, true, null, null);
            }
            else
                (planted, plantedAt) = (planted + 1, at < plantedAt ? at : plantedAt);
        var answers = ours.Count + planted == 0 ? [] : await AnswersAsync(connection, [.. ours.Keys, Planted]);
        FindingView With(FindingView f) =>
            answers.GetValueOrDefault(f.Id) is not { } known
                ? f
                : f with
                {
                    Version = known.Revision,
                    IsOpen = known.IsOpen(f.Count),
                    Answer = known.Answer,
                    Closure = known.Closure,
                };
        return (
            [.. ours.Values.Reverse().Select(With)],
            planted,
            planted == 0
                ? null
                : With(new(plantedAt, PlantedKind, PlantedWords(planted), Planted, 0, planted, true, null, null))
        );
    }

    private static string PlantedWords(int count) => $"有 {count} 条不是本系统写入的发现";

    /// <summary>By the product's own events: a document or a row beside them closes nothing.</summary>
    private async Task<Dictionary<string, AnsweredFinding>> AnswersAsync(NpgsqlConnection connection, string[] ids)
    {
        var answers = new Dictionary<string, AnsweredFinding>();
        await foreach (var row in _stored.LookAsync(connection, "stream_id = any(@ids)", ("ids", ids)))
            if (row.Event is { Data: IEventOf<AnsweredFinding> said } e && !e.IsForeign() && !events.IsUnmarked(e))
                answers[row.Stream] = IEvolve<AnsweredFinding>.Next(
                    answers.GetValueOrDefault(row.Stream),
                    row.Stream,
                    said
                );
        return answers;
    }

    /// <summary>How many raise the alarm, a planted row as one.</summary>
    public static long Open(IReadOnlyList<FindingView> ours, long planted, FindingView? others) =>
        ours.Count(f => f.IsOpen) + (others?.IsOpen == true ? planted - (others.Closure?.Count ?? 0) : 0);

    /// <summary>How many are open, and when the newest of these was found first.</summary>
    public async Task<(long Count, DateTimeOffset Newest)> OpenAsync(NpgsqlConnection connection)
    {
        var (ours, planted, others) = await ReadAsync(connection);
        return (
            Open(ours, planted, others),
            ours.Append(others).OfType<FindingView>().Where(f => f.IsOpen).Select(f => f.FoundAt).DefaultIfEmpty().Max()
        );
    }

    /// <summary>One of them; null: there is none of this id.</summary>
    public async Task<FindingView?> FindAsync(NpgsqlConnection connection, string id)
    {
        var (ours, _, others) = await ReadAsync(connection);
        return ours.Append(others).FirstOrDefault(f => f?.Id == id);
    }

    /// <summary>Findings name streams and what was edited there, wherever that was.</summary>
    public static FindingView ForWhoSeesAll(FindingView finding) =>
        finding with
        {
            Detail = "内容只给看得到整个日志的市级审计；请向其询问 shown to who sees the whole log",
            Answer = null,
            Closure = null,
        };
}

using System.Text;
using Ledger.Domain.Identity;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Ledger.Store;

/// <summary>
/// Seals what the product found, so that nobody hides it among what he writes himself: a <see cref="Mac"/> under a key
/// that is not in the database.
/// </summary>
public sealed class FindingSeal(byte[] key)
{
    /// <summary>Of a finding from before there were seals; nobody adds another (V0018).</summary>
    private const string Before = "before";

    public string Of(string kind, string detail) => Mac.Of(key, Encoding.UTF8.GetBytes($"{kind}\n{detail}"));

    /// <summary>
    /// That it was closed as set right when it had been found so often: found once more, it is a new finding. In the
    /// event, so that nobody makes one up in whose name the product keeps silent.
    /// </summary>
    public string Again(string finding, int count) => Of("closed", $"{finding}\n{count}");

    public bool Holds(string kind, string detail, string? seal) => seal == Before || seal == Of(kind, detail);
}

/// <summary>
/// Writes down that something in the database is not what the product put there. Apart from the transaction that met
/// it: it stays when that is undone, and when what was wrong is put back. Auditors see it under /api/audit/log, the
/// alarm is log-finding.
/// </summary>
public sealed class Findings(NpgsqlDataSource database, FindingSeal seal, ILogger<Findings> log)
{
    /// <summary>A row holds no more (V0007), three bytes a character.</summary>
    private const int MostDetail = 2_000;

    /// <summary>What is written down, by a word for each kind.</summary>
    public static readonly string[] Kinds =
    [
        "account",
        "check",
        "checkpoint",
        "evidence",
        "person",
        "projection",
        "settings",
        "signing-refused",
        "state",
        "witness-refused",
    ];

    /// <param name="kind">A word: state, person, evidence.</param>
    /// <param name="detail">Without personal data, and without a number that goes on growing: the same words are
    /// written once.</param>
    public async Task AddAsync(string kind, string detail, Exception? because = null)
    {
        log.LogCritical(because, "The database was edited: {Kind} {Detail}", kind, detail);
        await using var connection = await database.OpenConnectionAsync();
        await WriteAsync(connection, LedgerStore.Schema, seal, kind, detail);
    }

    /// <summary>
    /// Writes down that something is wrong with the log; the same words once, so they hold no number that goes on
    /// growing, and once more after they were closed as set right. Auditors see it, and nobody can take it back.
    /// </summary>
    public static async Task WriteAsync(
        NpgsqlConnection connection,
        string schema,
        FindingSeal seal,
        string kind,
        string detail
    )
    {
        var cut = detail.Length <= MostDetail ? detail : $"{detail[..MostDetail]}…";
        (string, object?)[] row = [("kind", kind), ("detail", cut), ("seal", seal.Of(kind, cut))];
        var known = $"from {schema}.log_finding where kind = @kind and detail = @detail and seal in (@seal, 'before')";
        var into = $"insert into {schema}.log_finding (kind, detail, seal) select @kind, @detail, @seal";
        if (await connection.ExecuteAsync($"{into} where not exists (select 1 {known})", row) > 0)
            return;
        var count = (await connection.QueryAsync($"select count(*)::int {known}", r => r.GetInt32(0), row)).Single();
        var finding = StreamId.AnsweredFinding(kind, cut);
        await connection.ExecuteAsync(
            $"""
            {into}
             where exists (select 1
                             from {schema}.mt_events
                            where stream_id = @finding
                              and type = 'log_finding_closed'
                              and data ->> 'again' = @again)
            """,
            [.. row, ("finding", finding), ("again", seal.Again(finding, count))]
        );
    }
}

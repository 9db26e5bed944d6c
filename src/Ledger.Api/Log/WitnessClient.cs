using System.Globalization;
using System.Net;
using System.Text;
using Ledger.Api.Storage;
using Ledger.TransparencyLog;
using Npgsql;

namespace Ledger.Api.Log;

/// <summary>A witness: where it listens, and the key of its cosignatures.</summary>
public sealed record WitnessAddress(Uri Url, NoteVerifier Key)
{
    /// <summary>As it stands in the settings: <c>https://host/prefix name+id+key</c>.</summary>
    /// <exception cref="OperationException"/>
    public static WitnessAddress Parse(string text)
    {
        var parts = text.Split(' ', 2, StringSplitOptions.TrimEntries);
        try
        {
            if (
                parts.Length == 2
                && Uri.TryCreate(parts[0].TrimEnd('/') + "/", UriKind.Absolute, out var url)
                && NoteVerifier.Parse(parts[1]) is { Algorithm: NoteAlgorithm.Cosignature } key
            )
                return new WitnessAddress(url, key);
        }
        catch (NoteException)
        {
            // Falls through to the one message that helps.
        }
        throw new OperationException($"Ledger:Log:Witnesses 应为“地址 公钥”，公钥由见证方的 witness 命令打印：{text}");
    }
}

/// <summary>
/// Asks witnesses to cosign (C2SP tlog-witness). A witness that knows better is the one thing that a rewritten or
/// rewound database cannot hide from: its refusal is written down as a finding.
/// </summary>
public sealed class WitnessClient(
    HttpClient http,
    NpgsqlDataSource database,
    LogKeys keys,
    FindingSeal seal,
    ServerGuard guard,
    ILogger<WitnessClient> log
)
{
    /// <summary>
    /// Which size each witness confirmed to this process: what the database says of it may come from a backup.
    /// </summary>
    private readonly System.Collections.Concurrent.ConcurrentDictionary<NoteVerifier, long> _confirmed = [];

    /// <summary>
    /// Brings the newest checkpoint to a witness. Not reaching it is no finding, only a delay; the next checkpoint asks
    /// again.
    /// </summary>
    /// <returns>What it knows better, also written down as a finding; null when it does not.</returns>
    public async Task<string?> AskAsync(WitnessAddress witness, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        long? told = null;
        for (var tries = 0; tries < 3; tries++)
        {
            if (await LogStore.LatestAsync(connection, LedgerStore.Schema, keys.Known) is not { } latest)
                return null;
            if (_confirmed.GetValueOrDefault(witness.Key) == latest.Size)
                return null;
            var known = told ?? await KnownAsync(connection, witness, latest.Size);
            var proof = await new Tiles(connection, LedgerStore.Schema).AskAsync(node =>
                MerkleTree.ConsistencyProof(known, latest.Size, node)
            );
            var body =
                $"old {known}\n{string.Concat(proof.Select(p => $"{Convert.ToBase64String(p)}\n"))}\n{latest.Note}";
            using var response = await http.PostAsync(
                new Uri(witness.Url, "add-checkpoint"),
                new StringContent(body, Encoding.UTF8, "text/plain"),
                cancellation
            );
            var text = await response.Content.ReadAsStringAsync(cancellation);
            if (response.StatusCode == HttpStatusCode.OK)
            {
                await KeepAsync(connection, witness, latest, text);
                return null;
            }
            if (
                response.StatusCode == HttpStatusCode.Conflict
                && long.TryParse(text.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var theirs)
            )
            {
                // It remembers more of us than we of it; or another node has signed on and asked meanwhile.
                if (
                    theirs != known
                    && theirs <= await LogStore.SignedSizeAsync(connection, LedgerStore.Schema, keys.Known)
                )
                {
                    told = theirs;
                    continue;
                }
                if (theirs > latest.Size)
                    await LongerAsync(connection, theirs, latest.Size);
                return await FoundAsync(
                    connection,
                    theirs > latest.Size
                        ? $"见证方 {witness.Key.Name} 已见过 {theirs} 条的日志，本库没有那么长：日志被截断，或恢复了旧备份"
                        : $"见证方 {witness.Key.Name} 见过的 {theirs} 条与本库不同：历史被改写"
                );
            }
            if (response.StatusCode == HttpStatusCode.UnprocessableEntity)
            {
                return await FoundAsync(
                    connection,
                    $"见证方 {witness.Key.Name} 见过的 {known} 条不在本库之中：历史被改写"
                );
            }
            log.LogWarning(
                "Witness {Witness} answered {Status}: {Text}",
                witness.Url,
                (int)response.StatusCode,
                text.Trim()
            );
            return null;
        }
        return null;
    }

    /// <summary>The newest size that it has cosigned, as the database has it; 0: none.</summary>
    private static async Task<long> KnownAsync(NpgsqlConnection connection, WitnessAddress witness, long size) =>
        (
            await connection.QueryAsync(
                $"select max(size) from {LedgerStore.Schema}.log_cosignature where witness = @w and size <= @size",
                r => r.IsDBNull(0) ? 0 : r.GetInt64(0),
                ("w", witness.Key.ToString()),
                ("size", size)
            )
        ).Single();

    /// <summary>
    /// It has seen a longer log, so nobody books on this one. Where two people have declared that tail to be lost, it
    /// refuses until its own people have looked, and nobody waits for that.
    /// </summary>
    private async Task LongerAsync(NpgsqlConnection connection, long seen, long size)
    {
        var declared = await Continuation.InLogAsync(connection, LedgerStore.Schema, keys.Known, size);
        if (declared.Any(c => c.Said.Covers(seen)))
        {
            guard.Declared(size);
            return;
        }
        guard.Remembered(seen, "见证方");
        guard.Behind();
    }

    private async Task KeepAsync(
        NpgsqlConnection connection,
        WitnessAddress witness,
        Checkpoint checkpoint,
        string answer
    )
    {
        var line =
            answer
                .Split('\n', StringSplitOptions.RemoveEmptyEntries)
                .Select(NoteSignature.Parse)
                .FirstOrDefault(s => witness.Key.Verifies(checkpoint.Text, s) == true)
            ?? throw new NoteException($"{witness.Url} 的回答不是它的签名");
        await connection.ExecuteAsync(
            $"""
            insert into {LedgerStore.Schema}.log_cosignature (size, witness, line)
            values (@size, @w, @line)
                on conflict do nothing
            """,
            ("size", checkpoint.Size),
            ("w", witness.Key.ToString()),
            ("line", line.ToString())
        );
        _confirmed[witness.Key] = checkpoint.Size;
    }

    private async Task<string> FoundAsync(NpgsqlConnection connection, string detail)
    {
        log.LogCritical("{Detail}", detail);
        await Findings.WriteAsync(connection, LedgerStore.Schema, seal, "witness-refused", detail);
        return detail;
    }
}

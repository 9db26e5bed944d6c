using System.Buffers.Binary;
using System.Diagnostics;
using Ledger.Api.Commands;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Domain;
using Ledger.Domain.Identity;
using Ledger.TransparencyLog;
using Npgsql;

namespace Ledger.Api.Log;

/// <summary>
/// What the check of the whole log found, each with the index of the entry or the sequence of the event.
/// </summary>
public sealed record LogCheckView(bool IsSound, long Entries, IReadOnlyList<LogFinding> Findings);

/// <summary>
/// The transparency log: C2SP tlog-tiles under /log for everybody, entries and receipts for auditors.
/// </summary>
public static class LogEndpoints
{
    private static readonly TimeSpan SealPatience = TimeSpan.FromSeconds(15),
        StandstillPatience = TimeSpan.FromSeconds(5);
    private const string Binary = "application/octet-stream",
        Plain = "text/plain; charset=utf-8";

    public static void MapLog(this IEndpointRouteBuilder app)
    {
        var log = app.MapGroup("/log");
        log.MapGet("/checkpoint", Checkpoint)
            .Reading<string>(
                "log-checkpoint",
                "最新检查点（C2SP tlog-checkpoint），含见证方签名 · The newest checkpoint"
            )
            .Refuses(Rejections.NotFound);
        log.MapGet("/keys", (LogKeys keys) => Results.Text(string.Concat(keys.Known.Select(k => $"{k}\n")), Plain))
            .Reading<string>("log-keys", "日志的公钥，含已停用的 · The log's public keys, retired ones included");
        log.MapGet("/consistency", Consistency)
            .Reading<string>(
                "log-consistency",
                "两个大小之间的一致性证明，每行一个哈希 · The consistency proof between two sizes"
            )
            .Refuses(Rejections.FieldInvalid);
        log.MapGet("/tile/entries/{**path}", Entries)
            .Reading<byte[]>("log-entries", "日志条目包（C2SP tlog-tiles） · A bundle of entries", Roles.Auditor)
            .Refuses(Rejections.NotFound);
        log.MapGet("/tile/{level:int}/{**path}", Tile)
            .Reading<byte[]>("log-tile", "哈希瓦片（C2SP tlog-tiles） · A tile of hashes")
            .Refuses(Rejections.NotFound);

        var audit = app.MapGroup("/api/audit");
        audit
            .MapGet("/events/{sequence:long}/receipt", Receipt)
            .Reading<string>(
                "download-receipt",
                "存证回执（.tlog-proof），可离线验证 · The receipt of an event, to be verified offline",
                Roles.Auditor,
                Roles.Agency,
                Roles.VillageFinance,
                Roles.SupervisionCommittee,
                Roles.CountyHrss,
                Roles.CountyFinance,
                Roles.CountyAgriculture,
                Roles.CityHrss
            )
            .Refuses(Rejections.NotFound, Rejections.Busy, Rejections.RecordDamaged);
        audit
            .MapGet("/log", Status)
            .Reading<LogStatusView>(
                "read-log-status",
                "存证日志状态：检查点、见证方、发现的问题 · How the log stands",
                Roles.Auditor,
                Roles.CityHrss
            )
            .Refuses(Rejections.FieldInvalid);
        audit
            .MapGet(
                "/log/check",
                async (NpgsqlDataSource database, Settings settings, LogKeys keys, CancellationToken cancellation) =>
                {
                    var (entries, findings) = await CheckAsync(database, settings, keys, cancellation);
                    return new LogCheckView(findings.Count == 0, entries, findings);
                }
            )
            .Reading<LogCheckView>(
                "check-log",
                "核对存证日志：逐条重算哈希，与检查点比对 · Recompute the whole log from the stored events",
                Roles.Auditor,
                Roles.CityHrss
            )
            .DisableRequestTimeout();
        audit.MapLogFindings();
    }

    /// <summary>The log as it is, and whether it goes on: this product keeps it.</summary>
    internal static async Task<(long Entries, IReadOnlyList<LogFinding> Findings)> CheckAsync(
        NpgsqlDataSource database,
        Settings settings,
        LogKeys keys,
        CancellationToken cancellation
    )
    {
        var check = new LogCheck(database, LedgerStore.Schema, keys.Known, settings.Log.WitnessKeys);
        var (entries, findings) = await check.RunAsync(cancellation);
        return await check.StandstillAsync(StandstillPatience, cancellation) is { } stopped
            ? (entries, [.. findings, stopped])
            : (entries, findings);
    }

    private static async Task<IResult> Checkpoint(
        NpgsqlDataSource database,
        Settings settings,
        LogKeys keys,
        HttpContext http,
        CancellationToken cancellation
    )
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        var checkpoint =
            await LogStore.LatestAsync(connection, LedgerStore.Schema, keys.Known)
            ?? throw Require.NotFound("检查点：日志还没有签过");
        checkpoint = await LogStore.CosignedAsync(connection, LedgerStore.Schema, checkpoint, settings.Log.WitnessKeys);
        http.Response.Headers.CacheControl = "no-cache";
        return Results.Text(checkpoint.Note, Plain);
    }

    private static async Task<IResult> Consistency(
        long from,
        long to,
        NpgsqlDataSource database,
        LogKeys keys,
        CancellationToken cancellation
    )
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        var signed = await LogStore.SignedSizeAsync(connection, LedgerStore.Schema, keys.Known);
        if (to > signed)
            throw Require.Invalid("to", $"最新检查点的大小是 {signed}");
        if (from < 0 || from > to)
            throw Require.Invalid("from", "应不小于 0，不大于 to");
        var proof = await new Tiles(connection, LedgerStore.Schema).AskAsync(node =>
            MerkleTree.ConsistencyProof(from, to, node)
        );
        return Results.Text(string.Concat(proof.Select(p => $"{Convert.ToBase64String(p)}\n")), Plain);
    }

    private static async Task<IResult> Tile(
        int level,
        string path,
        NpgsqlDataSource database,
        LogKeys keys,
        HttpContext http,
        CancellationToken cancellation
    )
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        var (index, width) = await SignedAsync(level, path, connection, keys);
        var hashes =
            await new Tiles(connection, LedgerStore.Schema).ReadAsync(new TileId(level, index), width)
            ?? throw Require.NotFound(http.Request.Path);
        http.Response.Headers.CacheControl = "public, max-age=31536000, immutable";
        return Results.Bytes(hashes, Binary);
    }

    /// <summary>A tile, or part of one, that lies under a checkpoint; what does not is not published.</summary>
    private static async Task<(long Index, int Width)> SignedAsync(
        int level,
        string path,
        NpgsqlConnection connection,
        LogKeys keys
    )
    {
        var index = TileId.ParseIndex(path, out var width);
        var signed = await LogStore.SignedSizeAsync(connection, LedgerStore.Schema, keys.Known);
        return index is { } n && level is >= 0 and < 8 && n * TileId.Width + width <= signed >> (TileId.Height * level)
            ? (n, width)
            : throw Require.NotFound($"瓦片 {level}/{path}");
    }

    /// <summary>All of a bundle lies in the auditor's scope, or it is not there for him.</summary>
    private static async Task<IResult> Entries(
        string path,
        NpgsqlDataSource database,
        LogKeys keys,
        Caller caller,
        HttpContext http,
        CancellationToken cancellation
    )
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        var (index, width) = await SignedAsync(0, path, connection, keys);
        var entries = await LogStore.EntriesAsync(
            connection,
            LedgerStore.Schema,
            index * TileId.Width,
            index * TileId.Width + width
        );
        if (
            entries.Count != width
            || entries.Any(e => e.Entry is null)
            || !await MaySeeAsync(connection, caller, entries.Select(e => e.Region))
        )
            throw Require.NotFound($"条目包 {path}");
        using var bundle = new MemoryStream();
        var length = new byte[2];
        foreach (var (_, entry, _) in entries)
        {
            BinaryPrimitives.WriteUInt16BigEndian(length, (ushort)entry!.Length);
            bundle.Write(length);
            bundle.Write(entry);
        }
        http.Response.Headers.CacheControl = "private, max-age=31536000, immutable";
        return Results.Bytes(bundle.ToArray(), Binary);
    }

    /// <summary>
    /// All of the regions lie in the caller's scope; what is of none, in that of whoever sees everything else.
    /// </summary>
    private static async Task<bool> MaySeeAsync(NpgsqlConnection connection, Caller caller, IEnumerable<string> regions)
    {
        var others = regions.Where(r => !caller.MaySee(r)).Distinct().ToList();
        return others.Count == 0
            || others.All(LogStore.IsOfNobody)
                && await LogStore.IsWholeInAsync(connection, LedgerStore.Schema, caller.Actor.Region);
    }

    /// <summary>
    /// What has just been recorded is sealed some seconds later: whoever asks at once waits a little. Of what lies in
    /// the log and the product did not write it gives none.
    /// </summary>
    private static async Task<IResult> Receipt(
        long sequence,
        NpgsqlDataSource database,
        Settings settings,
        LogKeys keys,
        SealedEvents events,
        Findings findings,
        Caller caller,
        CancellationToken cancellation
    )
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        for (var waited = Stopwatch.StartNew(); ; await Task.Delay(100, cancellation))
        {
            if (
                await ProofAsync(sequence, connection, settings, keys) is not var (proof, region)
                || !await MaySeeAsync(connection, caller, [region])
            )
                throw Require.NotFound($"事件 {sequence}");
            await RequireOursAsync(sequence, connection, events, findings);
            if (proof is not null)
                return Results.File(System.Text.Encoding.UTF8.GetBytes($"{proof}"), Plain, $"{sequence}.tlog-proof");
            if (waited.Elapsed > SealPatience)
                throw new RefusedException(new Rejection(Rejections.Busy, $"事件 {sequence} 尚未进入签名的检查点"));
        }
    }

    /// <summary>Nobody gets a receipt of what the product did not write: it is a finding instead.</summary>
    internal static async Task RequireOursAsync(
        long sequence,
        NpgsqlConnection connection,
        SealedEvents events,
        Findings findings
    )
    {
        if (await events.NotOursAsync(connection, sequence) is not { } why)
            return;
        await findings.AddAsync("state", why);
        throw new RefusedException(new Rejection(Rejections.RecordDamaged, why));
    }

    /// <summary>
    /// An event's receipt, null until the event is sequenced and signed, and its region; null where there is no such
    /// event.
    /// </summary>
    internal static async Task<(LogProof? Proof, string Region)?> ProofAsync(
        long sequence,
        NpgsqlConnection connection,
        Settings settings,
        LogKeys keys
    )
    {
        const string schema = LedgerStore.Schema;
        if (
            await LogStore.SealedAsync(connection, schema, sequence, keys.Known, settings.Log.WitnessKeys)
            is not { } found
        )
            return null;
        if (found is not { Index: { } index, Checkpoint: { } checkpoint })
            return (null, found.Region);
        var proof = await new Tiles(connection, schema).AskAsync(node =>
            MerkleTree.InclusionProof(index, checkpoint.Size, node)
        );
        return (new LogProof(LogEntry.Bytes(index, found.Event), index, proof, checkpoint.Note), found.Region);
    }

    private static async Task<LogStatusView> Status(
        int? after,
        NpgsqlDataSource database,
        Settings settings,
        LogKeys keys,
        FoundFindings found,
        Caller caller,
        CancellationToken cancellation
    )
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        var seesAll = await LogStore.IsWholeInAsync(connection, LedgerStore.Schema, caller.Actor.Region);
        return await StatusAsync(after, seesAll, connection, settings, keys, found);
    }

    /// <param name="after">Of the findings, as many are passed over.</param>
    /// <param name="seesAll">Findings name streams and what was edited there, wherever that was.</param>
    public static async Task<LogStatusView> StatusAsync(
        int? after,
        bool seesAll,
        NpgsqlConnection connection,
        Settings settings,
        LogKeys keys,
        FoundFindings found
    )
    {
        if (after < 0)
            throw Require.Invalid("after", "应不小于 0");
        const string schema = LedgerStore.Schema;
        var (size, waiting) = (
            await connection.QueryAsync(
                $"""
                select size,
                       (select count(*)
                          from {schema}.mt_events e
                         where e.seq_id > s.low_water
                           and not exists (select 1 from {schema}.log_entry l where l.seq = e.seq_id))
                  from {schema}.log_state s
                """,
                r => (r.GetInt64(0), r.GetInt64(1))
            )
        ).Single();
        var signed = (
            await connection.QueryAsync(
                $"""
                select size, greatest(least(signed_at, '9000-01-01'), '2000-01-01')
                  from {schema}.log_checkpoint
                 where size = @size
                """,
                r => (Size: r.GetInt64(0), At: r.GetFieldValue<DateTimeOffset>(1)),
                ("size", await LogStore.SignedSizeAsync(connection, schema, keys.Known))
            )
        ).FirstOrDefault();
        var witnesses = new List<WitnessView>();
        foreach (var w in settings.Log.Witnesses)
        {
            var cosigned = await LogStore.NewestCosignedAsync(connection, schema, keys.Known, [w.Key]);
            witnesses.Add(new WitnessView(w.Key.Name, cosigned?.Checkpoint.Size, cosigned?.At));
        }
        var (all, planted, plantedFinding) = await found.ReadAsync(connection);
        var findings = all.OrderByDescending(f => f.IsOpen).Skip(after ?? 0).Take(FindingsPage).ToList();
        if (!seesAll)
            findings = [.. findings.Select(FoundFindings.ForWhoSeesAll)];
        return new LogStatusView(
            keys.Origin,
            size,
            signed.Size,
            signed.Size == 0 ? null : signed.At,
            waiting,
            all.Count + planted == 0,
            witnesses,
            findings,
            (after ?? 0) + findings.Count is var next && next < all.Count ? next : null,
            planted,
            FoundFindings.Open(all, planted, plantedFinding),
            plantedFinding is null || seesAll ? plantedFinding : FoundFindings.ForWhoSeesAll(plantedFinding),
            await ContinuationsAsync(connection, keys, size)
        );
    }

    private static async Task<IReadOnlyList<ContinuationView>> ContinuationsAsync(
        NpgsqlConnection connection,
        LogKeys keys,
        long size
    ) =>
        [
            .. (await Continuation.InLogAsync(connection, LedgerStore.Schema, keys.Known, size)).Select(
                c => new ContinuationView(
                    c.Sequence,
                    c.At,
                    c.Said.Shared.Size,
                    c.Said.Seen[0].Size,
                    c.Said.Reason,
                    c.Said.ApprovedBy
                )
            ),
        ];

    private const int FindingsPage = 100;
}

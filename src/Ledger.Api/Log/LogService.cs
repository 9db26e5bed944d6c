using System.Diagnostics;
using Ledger.Api.Operation;
using Ledger.Api.Storage;
using Ledger.TransparencyLog;
using Npgsql;

namespace Ledger.Api.Log;

/// <summary>
/// Keeps the transparency log: sequences what was committed, signs, asks the witnesses, and from time to time reads
/// everything again, the states of money too. Every node runs this; the log's row in the database lets one at a time
/// work.
/// </summary>
public sealed class LogService(
    NpgsqlDataSource database,
    Settings settings,
    LogKeys keys,
    WitnessClient witnesses,
    StateLook states,
    PersonLook persons,
    ProgressLook progress,
    Findings findings,
    FindingSeal seal,
    FailedLooks failed,
    LookMark mark,
    TimeProvider time,
    ILogger<LogService> log
) : BackgroundService
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);

    /// <summary>The check that comes by itself takes a tenth of its time to work, at most a tenth of a core.</summary>
    private const int Rest = 9;

    /// <summary>In how many intervals some node's look has gone on, however many events there are.</summary>
    private const int MostLooks = 6;

    protected override Task ExecuteAsync(CancellationToken stopping) =>
        Task.WhenAll(KeepAsync(stopping), ScrubAsync(stopping));

    private async Task KeepAsync(CancellationToken stopping)
    {
        var sequencer = new Sequencer(database, LedgerStore.Schema);
        var signer = new CheckpointSigner(
            database,
            LedgerStore.Schema,
            keys.Signing,
            keys.Known,
            keys.Memory,
            seal,
            time
        );
        var (since, added, asked) = (Stopwatch.StartNew(), 0, Stopwatch.StartNew());
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                var taken = await sequencer.RoundAsync(stopping);
                added += taken ?? 0;
                if (since.Elapsed >= settings.Log.CheckpointEvery || added >= settings.Log.CheckpointEntries)
                {
                    (since, added) = (Stopwatch.StartNew(), 0);
                    var signed = await signer.SignAsync(stopping);
                    if (signed is not null || asked.Elapsed > settings.Log.CheckpointEvery)
                    {
                        asked.Restart();
                        await Task.WhenAll(settings.Log.Witnesses.Select(w => AskAsync(w, stopping)));
                    }
                }
                if (taken is not Sequencer.BatchSize)
                    await Task.Delay(Pause, stopping);
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                return;
            }
            catch (LogDamagedException e)
            {
                log.LogCritical("The log is damaged and nothing is signed: {Detail}", e.Message);
                await WriteDownAsync(e.Message);
                await Delay(TimeSpan.FromSeconds(30), stopping);
            }
            catch (Exception e)
            {
                // Whatever it was, it was undone with its transaction: the next round goes on where this one began.
                log.LogError(e, "A round of the log failed; it begins again");
                await Delay(TimeSpan.FromSeconds(2), stopping);
            }
        }
    }

    private async Task WriteDownAsync(string damage)
    {
        try
        {
            await findings.AddAsync("signing-refused", damage);
        }
        catch (NpgsqlException e)
        {
            log.LogError(e, "The damage is not written down yet; the next round meets it again");
        }
    }

    private async Task AskAsync(WitnessAddress witness, CancellationToken stopping)
    {
        try
        {
            await witnesses.AskAsync(witness, stopping);
        }
        catch (Exception e)
            when (e is HttpRequestException or NoteException or TaskCanceledException
                && !stopping.IsCancellationRequested
            )
        {
            log.LogWarning("Witness {Witness} did not cosign: {Reason}", witness.Url, e.Message);
        }
    }

    /// <summary>
    /// The whole log against the stored events, every state against its seal, every person against his number and the
    /// projections against their progress, on one node at a time. States of another build's form do not wait for it.
    /// </summary>
    private async Task ScrubAsync(CancellationToken stopping)
    {
        const long scrubLock = 0x4C45444745525F32; // "LEDGER_2"
        var running = Stopwatch.StartNew();
        for (var wait = TimeSpan.Zero; await Delay(wait, stopping); wait = settings.Log.ScrubEvery)
        {
            try
            {
                await using var connection = await database.OpenConnectionAsync(stopping);
                if (
                    !(
                        await connection.QueryAsync(
                            "select pg_try_advisory_lock(@lock)",
                            r => r.GetBoolean(0),
                            ("lock", scrubLock)
                        )
                    ).Single()
                )
                {
                    // Another node looks, and says what fails. Nobody does, who holds the lock so long.
                    var most = settings.Log.ScrubEvery * MostLooks;
                    if (running.Elapsed < most || await mark.IsFreshAsync(connection, most))
                        failed.Clear();
                    else
                        failed.Set("lock");
                    continue;
                }
                failed.Clear("lock");
                try
                {
                    var isFirst = wait == TimeSpan.Zero;
                    await LookAsync("settings", () => SettingsLook.RunAsync(connection, findings), stopping);
                    if (!isFirst)
                        await LookAsync("log", () => CheckAsync(connection, stopping), stopping);
                    if (!isFirst || await StateShapes.ChangedAsync(connection) > 0)
                        await LookAsync("states", () => states.RunAsync(Rest, stopping), stopping);
                    await mark.KeepAsync(connection);
                    if (isFirst)
                        continue;
                    await LookAsync("persons", () => persons.RunAsync(Rest, stopping), stopping);
                    await LookAsync("progress", () => progress.RunAsync(Rest, stopping), stopping);
                    await Accounts.Spent.ForgetAsync(connection);
                    await mark.KeepAsync(connection);
                }
                finally
                {
                    await connection.ExecuteAsync("select pg_advisory_unlock(@lock)", ("lock", scrubLock));
                }
            }
            catch (Exception e)
            {
                if (!stopping.IsCancellationRequested)
                    log.LogError(e, "The log's check failed; it begins again later");
            }
        }
    }

    private async Task CheckAsync(NpgsqlConnection connection, CancellationToken stopping)
    {
        var check = new LogCheck(database, LedgerStore.Schema, keys.Known, settings.Log.WitnessKeys);
        foreach (var finding in (await check.RunAsync(stopping, Rest)).Findings)
        {
            log.LogCritical("The log's check found: {Finding}", finding);
            await Findings.WriteAsync(connection, LedgerStore.Schema, seal, "check", finding.ToString());
        }
    }

    /// <summary>
    /// One look that fails keeps no other from its turn, and health says so until it has gone through.
    /// </summary>
    private async Task LookAsync(string name, Func<Task> look, CancellationToken stopping)
    {
        try
        {
            await look();
            failed.Clear(name);
        }
        catch (Exception e) when (!stopping.IsCancellationRequested)
        {
            failed.Set(name);
            log.LogError(e, "The look at {Look} failed; it begins again later", name);
        }
    }

    /// <summary>False when the product stops meanwhile.</summary>
    private static async Task<bool> Delay(TimeSpan span, CancellationToken stopping)
    {
        await Task.Delay(span, stopping).ContinueWith(_ => { }, TaskScheduler.Default);
        return !stopping.IsCancellationRequested;
    }
}

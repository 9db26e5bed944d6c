using Npgsql;
using Wolverine.Runtime.Serialization;

namespace Ledger.Api.Operation;

/// <summary>
/// Takes messages that nobody can read out of the way of the others, which are read with them: they become dead
/// letters. No build writes one; whoever has the application's role may.
/// </summary>
public sealed class UnreadableMessages(NpgsqlDataSource database, ILogger<UnreadableMessages> log) : BackgroundService
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(10);

    private const string Due = """
        select id, body
          from wolverine.wolverine_incoming_envelopes
         where status = 'Incoming' or (status = 'Scheduled' and execution_time <= clock_timestamp())
         limit 10000
        """;

    private const string Bury = """
        with dead as (delete from wolverine.wolverine_incoming_envelopes
                       where id = any(@ids) returning id, execution_time, body, message_type, received_at)
        insert into wolverine.wolverine_dead_letters (id, execution_time, body, message_type, received_at,
                                                      exception_type, exception_message, sent_at, replayable)
        select id, execution_time, body, message_type, received_at, 'Unreadable', '消息无法读取 the message cannot be read',
               clock_timestamp(), false
          from dead
            on conflict do nothing
        """;

    protected override async Task ExecuteAsync(CancellationToken stopping)
    {
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                await RunAsync(stopping);
            }
            catch (Exception e) when (!stopping.IsCancellationRequested)
            {
                log.LogError(e, "The look at waiting messages failed; it begins again");
            }
            await Task.Delay(Pause, stopping).ContinueWith(_ => { }, TaskScheduler.Default);
        }
    }

    private async Task RunAsync(CancellationToken stopping)
    {
        await using var connection = await database.OpenConnectionAsync(stopping);
        var unreadable = (
            await connection.QueryAsync(Due, r => (Id: r.GetGuid(0), IsRead: IsRead(r.GetFieldValue<byte[]>(1))))
        )
            .Where(m => !m.IsRead)
            .Select(m => m.Id)
            .ToArray();
        if (unreadable.Length == 0)
            return;
        await connection.ExecuteAsync(Bury, ("ids", unreadable));
        log.LogCritical("{Count} messages cannot be read and are dead letters now", unreadable.Length);
    }

    private static bool IsRead(byte[] body)
    {
        try
        {
            return EnvelopeSerializer.Deserialize(body) is not null;
        }
        catch (Exception)
        {
            return false; // whatever it says: Wolverine would meet it, too
        }
    }
}

using System.Diagnostics;
using Ledger.Api.Storage;
using Npgsql;

namespace Ledger.Api.Tests.Faults;

/// <summary>
/// A deliberate fault of the ledger itself, planted beneath it by the test, to see that the checker can fail.
/// </summary>
public enum Bug
{
    /// <summary>
    /// One allocation in thirty is acknowledged and not stored. The projections wait three seconds at each gap: no more
    /// of them than the checker needs.
    /// </summary>
    DropEvent,

    /// <summary>One key in three is not kept: who sends again posts again.</summary>
    PostTwice,

    /// <summary>The audit trail leaves out one event in twenty.</summary>
    SkipProjection,

    /// <summary>
    /// A batch tells one caller another's answer: of those that share a transaction, the second the first's.
    /// </summary>
    SwapAnswers,

    /// <summary>A webhook's place goes on further than what was sent, one time in five.</summary>
    SkipDelivery,
}

/// <param name="Pause">The longest time without a command done, from the fault until it was mended.</param>
public sealed record Struck(Fault Fault, TimeSpan Pause)
{
    public override string ToString() => $"{Fault.Kind} after {Fault.After} ({Pause.TotalSeconds:0.0} s)";
}

public sealed record FaultResult(
    int Seed,
    IReadOnlyList<Struck> Faults,
    int Commands,
    int Refused,
    int GivenUp,
    int Resent,
    int Repeated,
    int Events,
    int Delivered,
    int DeliveredAgain,
    TimeSpan Settled,
    TimeSpan Took,
    IReadOnlyList<Violation> Violations
)
{
    public override string ToString() =>
        $"seed {Seed}: {string.Join(", ", Faults)}; "
        + $"{Commands} commands, {Refused} refused, {GivenUp} given up, {Resent} sent again for want of an "
        + $"answer, {Repeated} in spite of one, {Events} events, "
        + $"{Delivered} messages to a receiver, {DeliveredAgain} entries again, "
        + $"read models and log {Settled.TotalSeconds:0.0} s later, {Took.TotalSeconds:0.0} s"
        + string.Concat(Violations.Select(v => $"\n  {v.Kind}: {v.What}"));
}

/// <summary>One county's year under one seed's faults, and the check afterwards.</summary>
public static class FaultRun
{
    /// <param name="start">Makes the machine, whose county's time is this far from its own.</param>
    public static async Task<FaultResult> RunAsync(Func<TimeSpan, Task<Machine>> start, int seed, params Bug[] bugs)
    {
        await using var machine = await start(CountyYear.Offset(DateTimeOffset.UtcNow));
        try
        {
            var result = await RunAsync(machine, seed, bugs);
            if (result.Violations.Count > 0 && bugs.Length == 0)
                await KeepAsync(machine, seed);
            return result;
        }
        catch
        {
            await KeepAsync(machine, seed);
            throw;
        }
    }

    /// <summary>What its programs said, before it goes.</summary>
    private static Task KeepAsync(Machine machine, int seed) =>
        File.WriteAllTextAsync($"/var/tmp/ledger-faults-{seed}.log", machine.Output);

    private static async Task<FaultResult> RunAsync(Machine machine, int seed, Bug[] bugs)
    {
        var watch = Stopwatch.StartNew();
        // A ledger that is broken on purpose may never answer.
        var journal = bugs.Length == 0 ? new Journal() : new Journal { Patience = TimeSpan.FromSeconds(20) };
        var random = new Random(seed);
        await using var receiver = await Receiver.StartAsync();
        // Now and then it cannot take what comes; not twice in a row, after which it would be left alone for minutes.
        var (moods, refused) = (new Random(seed), false);
        receiver.Answer = _ => (refused = !refused && bugs.Length == 0 && moods.Next(40) == 0) ? 503 : 200;
        var faults = bugs.Length == 0 ? FaultPlan.Of(seed, machine.Kinds) : [];
        foreach (var bug in bugs)
            await PlantAsync(machine.ConnectionString, bug);
        var year = new CountyYear(machine, seed, journal, receiver.Address);
        var (first, all) = (new TaskCompletionSource(), new TaskCompletionSource());
        var struck = new List<Struck>();
        var living = year.RunAsync(first.Task, all.Task);
        foreach (var fault in faults)
        {
            for (var since = journal.Answered; journal.Answered < since + fault.After && !living.IsCompleted; )
                await Task.Delay(2);
            if (living.IsCompleted)
                break; // nobody is there whom it could meet
            await machine.StrikeAsync(fault, random);
            for (var mended = journal.Done; journal.Done == mended && !living.IsCompleted; )
                await Task.Delay(2);
            struck.Add(new Struck(fault, journal.LongestPause(machine.StruckAt, DateTime.UtcNow)));
            first.TrySetResult();
        }
        first.TrySetResult();
        all.TrySetResult();
        try
        {
            await living;
        }
        catch (InvalidOperationException e)
        {
            journal.Violations.Add(new Violation("answer", e.Message));
        }
        var (violations, events, settled) = await LedgerChecker.CheckAsync(machine, year.Auditor, journal);
        var (undelivered, delivered, again) = await DeliveryChecker.CheckAsync(
            machine.ConnectionString,
            receiver,
            TimeSpan.FromSeconds(bugs.Length == 0 ? 90 : 10)
        );
        violations = [.. violations, .. undelivered];
        return new FaultResult(
            seed,
            struck,
            journal.Commands.Count,
            journal.Commands.Count(c => c.Status >= 400),
            journal.Commands.Count(c => c.Status is null),
            journal.Resent,
            journal.Repeated,
            events,
            delivered,
            again,
            settled,
            watch.Elapsed,
            violations
        );
    }

    private const string Swap = """
        if new.status = 201 and new.command = 'allocate-funds' then
          if current_setting('ledger.first', true) <> '' then
            new.body := decode(current_setting('ledger.first'), 'hex');
          end if;
          perform set_config('ledger.first', encode(new.body, 'hex'), true);
        end if;
        """;

    private const string Skip = """
        if new.position > old.position and nextval('ledger.planted_SkipDelivery') % 5 = 0 then
          new.position := new.position + 1;
        end if;
        """;

    private static async Task PlantAsync(string connectionString, Bug bug)
    {
        var (table, condition) = bug switch
        {
            Bug.DropEvent => (
                "mt_events",
                "new.type = 'funds_allocated' and nextval('ledger.planted_DropEvent') % 30 = 0"
            ),
            Bug.PostTwice => ("idempotency", "nextval('ledger.planted_PostTwice') % 3 = 0"),
            Bug.SwapAnswers => ("idempotency", "false"),
            Bug.SkipDelivery => ("delivery_cursor", "false"),
            _ => ("audit_entry", "nextval('ledger.planted_SkipProjection') % 20 = 0"),
        };
        await using var connection = new NpgsqlConnection(connectionString);
        await connection.OpenAsync();
        await connection.ExecuteAsync(
            $"""
            create sequence ledger.planted_{bug};
            create function ledger.planted_{bug}() returns trigger language plpgsql security definer as $$
            begin
              if {condition} then return null; end if;
              {bug switch
            {
                Bug.SwapAnswers => Swap,
                Bug.SkipDelivery => Skip,
                _ => "",
            }}
              return new;
            end $$;
            create trigger planted_{bug} before {(bug is Bug.SkipDelivery ? "update" : "insert")} on ledger.{table}
                for each row execute function ledger.planted_{bug}();
            """
        );
    }
}

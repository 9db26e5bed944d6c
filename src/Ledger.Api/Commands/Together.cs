using Ledger.Api.Operation;
using Ledger.Api.Storage;
using Ledger.Domain;
using Npgsql;

namespace Ledger.Api.Commands;

/// <summary>
/// What a command rests on, as far as its request tells: the streams that it will change, in the order of locks, the
/// documents that it names (<see cref="StoredEvidence.Digests"/>), and what it looks for under its locks.
/// </summary>
public sealed record Needs(
    IReadOnlyList<StreamNeed> Streams,
    IReadOnlyList<string> Evidence,
    IReadOnlyList<Look> Looks
);

/// <summary>
/// A command whose needs are known from its request; null: those of this request are not, and it goes alone.
/// </summary>
public sealed record NeedsMetadata(Func<EndpointFilterInvocationContext, Needs?> Of);

/// <summary>
/// A command in a group asked for what its <see cref="Needs"/> do not name: it goes alone, where everything is to be
/// had.
/// </summary>
public sealed class NotForeseenException : Exception;

/// <summary>
/// Who waits together is written together (docs/decisions/009-who-waits-together-is-written-together.md). The commands
/// that wait when the last group has committed are the next group, without a timer: one round trip locks and reads what
/// all of them rest on, each is decided on what the ones before it left, one round trip writes all and commits. Whoever
/// is refused, needs more than was foreseen, or was in a group that failed, goes alone, as if there were no groups: so
/// one never harms another, and everything that is not the plain case is dealt with in one place.
/// </summary>
public sealed class Together(
    EventWriter writer,
    [FromKeyedServices(LedgerStore.Commands)] NpgsqlDataSource database,
    ServerGuard guard,
    ILogger<Together> log
)
{
    /// <summary>Commands in a group: a transaction stays as short as a few postings.</summary>
    private const int Most = 64;

    /// <summary>
    /// Groups at once, of different streams: while one waits for the disk, the other is decided. A third makes all of
    /// them smaller.
    /// </summary>
    private const int AtOnce = 2;

    private readonly Lock _gate = new();
    private readonly Lane _free = new(null);

    /// <summary>
    /// Those who wait for a stream that somebody outside the groups holds, by that stream: nobody else waits with them.
    /// </summary>
    private readonly Dictionary<string, Lane> _taken = [];

    /// <param name="stream">Whose lock is waited for; null: none is.</param>
    private sealed class Lane(string? stream)
    {
        public string? Stream => stream;
        public List<Member> Waiting { get; } = [];

        /// <summary>The streams of the groups at work: who needs one of them waits for the group that has it.</summary>
        public HashSet<string> Held { get; } = [];
        public int Running { get; set; }

        /// <summary>
        /// In their order those whose streams nobody has, and nobody before them waits for: none is overtaken for ever.
        /// </summary>
        public IEnumerable<Member> Ready()
        {
            HashSet<string> awaited = [.. Held];
            foreach (var member in Waiting)
                if (!awaited.Overlaps(member.Streams))
                    yield return member;
                else
                    awaited.UnionWith(member.Streams);
        }
    }

    private sealed record Member(
        string Name,
        string Region,
        Needs Needs,
        Func<Group, Task<Decided>> DecideAsync,
        ExecutionContext Flow
    )
    {
        public IEnumerable<string> Streams => Needs.Streams.Select(s => s.Id);

        /// <summary>The answer, committed; null: the command must go alone.</summary>
        public TaskCompletionSource<StoredAnswer?> Done { get; } =
            new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    /// <summary>What a command has come to, as a group writes it.</summary>
    public sealed record Decided(StoredAnswer Answer, IReadOnlyList<StampedChanges> Changes, KeptAnswer Kept);

    /// <summary>What a group has locked and read, for its commands one after the other.</summary>
    public sealed class Group(HeldStreams held, Look evidence, IReadOnlyDictionary<string, Look> looks)
    {
        public IEnumerable<StoredEvidence> Evidence => evidence.Found.Cast<StoredEvidence>();

        public (Aggregate State, long Version) Streams(string id, Look? beside)
        {
            if (!held.Has(id) || (beside is not null && !looks.ContainsKey(beside.Name)))
                throw new NotForeseenException();
            beside?.Found.AddRange([.. looks[beside.Name].Found, .. held.Found(id, beside)]);
            return held.Of(id);
        }
    }

    /// <summary>
    /// The answer of a command that was written with others, committed; null where it must go alone: nothing of it is
    /// there then.
    /// </summary>
    /// <param name="name">The command's, for the log.</param>
    /// <param name="region">The caller's: whose documents count.</param>
    /// <param name="decideAsync">Runs the command's endpoint; on the thread of whoever leads the group, in the caller's
    /// context.</param>
    public async Task<StoredAnswer?> AnswerAsync(
        string name,
        string region,
        Needs needs,
        Func<Group, Task<Decided>> decideAsync
    )
    {
        var member = new Member(name, region, needs, decideAsync, ExecutionContext.Capture()!);
        // Who finds nobody at work leads the group that he is in, and nobody waits for another thread.
        if (Enter(member) is { } lane)
        {
            await LeadAsync(lane);
            if (!IsOver(lane))
                Run(lane);
        }
        return await member.Done.Task;
    }

    /// <summary>Returns the lane that nobody works at: the caller has to.</summary>
    private Lane? Enter(Member member, string? taken = null)
    {
        lock (_gate)
        {
            taken ??= member.Streams.FirstOrDefault(_taken.ContainsKey);
            var lane = _free;
            if (taken is not null && !_taken.TryGetValue(taken, out lane))
                _taken[taken] = lane = new Lane(taken);
            lane!.Waiting.Add(member);
            if (lane.Running == (lane.Stream is null ? AtOnce : 1) || !lane.Ready().Contains(member))
                return null;
            lane.Running++;
            return lane;
        }
    }

    private List<Member> Next(Lane lane)
    {
        lock (_gate)
        {
            List<Member> next = [.. lane.Ready().Take(Most)];
            foreach (var member in next)
            {
                lane.Waiting.Remove(member);
                lane.Held.UnionWith(member.Streams);
            }
            return next;
        }
    }

    /// <summary>Nobody waits that may go: who waits for another group's streams goes on with that.</summary>
    private bool IsOver(Lane lane)
    {
        lock (_gate)
        {
            if (lane.Ready().Any())
                return false;
            lane.Running--;
            if (lane.Stream is { } stream && lane.Waiting.Count == 0)
                _taken.Remove(stream);
            return true;
        }
    }

    private void Run(Lane lane) =>
        _ = Task.Run(async () =>
        {
            do await LeadAsync(lane);
            while (!IsOver(lane));
        });

    /// <summary>One group, from its first lock to its last answer. Never fails: its members go alone then.</summary>
    private async Task LeadAsync(Lane lane)
    {
        var all = Next(lane);
        List<Member> members = [.. all];
        var answers = new Dictionary<Member, StoredAnswer>();
        try
        {
            await TogetherAsync(members, lane, answers);
        }
        catch (Exception e)
        {
            answers.Clear();
            log.LogInformation(
                "A group of {Count} failed, and each goes alone: {Reason}",
                members.Count,
                (e as PostgresException)?.SqlState ?? e.GetType().Name
            );
        }
        foreach (var member in members)
            member.Done.SetResult(answers.GetValueOrDefault(member));
        lock (_gate)
            lane.Held.ExceptWith(all.SelectMany(m => m.Streams));
    }

    /// <summary>
    /// Those who wait for somebody outside leave <paramref name="members"/>, for a lane of their own; of the others
    /// <paramref name="answers"/> has whom the group has written.
    /// </summary>
    private async Task TogetherAsync(List<Member> members, Lane lane, Dictionary<Member, StoredAnswer> answers)
    {
        var surety = new Surety(guard);
        await using var connection = await database.OpenConnectionAsync();
        surety.Watch(connection);
        await using var transaction = await connection.BeginTransactionAsync();
        var evidence = StoredEvidence.LookFor(members.SelectMany(m => m.Needs.Evidence.Select(d => (d, m.Region))));
        var looks = members.SelectMany(m => m.Needs.Looks).DistinctBy(l => l.Name).ToDictionary(l => l.Name);
        var held = await writer.HoldAsync(
            connection,
            [.. members.SelectMany(m => m.Needs.Streams).OrderBy(s => Command.Rank(s.Aggregate))],
            waits: lane.Stream is not null,
            [evidence, .. looks.Values]
        );
        members.RemoveAll(member =>
        {
            if (
                lane.Stream is not null // what is taken there is no stream that comes free
                || member.Streams.FirstOrDefault(held.IsTaken) is not { } taken
            )
                return false;
            if (Enter(member, taken) is { } free)
                Run(free);
            return true;
        });
        var (group, written, kept) = (
            new Group(held, evidence, looks),
            new List<StampedChanges>(),
            new List<KeptAnswer>()
        );
        foreach (var member in members)
        {
            if (await DecidedAsync(member, group) is not { } decided)
                continue;
            foreach (var stamped in decided.Changes)
            foreach (var change in stamped.Changes)
                held.Leave(change, stamped.Stamp.EffectiveDate);
            written.AddRange(decided.Changes);
            kept.Add(decided.Kept);
            answers[member] = decided.Answer;
        }
        if (answers.Count == 0)
            return;
        await using var batch = connection.CreateBatch();
        IdempotencyKey.Insert(batch, kept);
        writer.Add(batch, written);
        batch.Add("commit"); // with the last statement: nothing is left to say
        await batch.PrepareAsync();
        await batch.ExecuteNonQueryAsync();
        surety.Require();
        Telemetry.CountGroup(answers.Count);
    }

    /// <summary>What a member comes to; null: it goes alone, where a refusal is recorded and a fault is said.</summary>
    private async Task<Decided?> DecidedAsync(Member member, Group group)
    {
        try
        {
            Task<Decided>? deciding = null;
            ExecutionContext.Run(member.Flow, _ => deciding = member.DecideAsync(group), null);
            return await deciding!;
        }
        catch (Exception e)
        {
            if (e is not (RefusedException or NotForeseenException))
                log.LogInformation("{Command} failed in a group: {Reason}", member.Name, e.GetType().Name);
            return null;
        }
    }
}

using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Domain;
using Ledger.Domain.Accounts;
using Ledger.Domain.Applications;
using Ledger.Domain.Collectives;
using Ledger.Domain.Donors;
using Ledger.Domain.Feeds;
using Ledger.Domain.Funds;
using Ledger.Domain.Identity;
using Ledger.Domain.Members;
using Ledger.Domain.Pilots;
using Ledger.Domain.Plans;
using Ledger.Domain.Policies;
using Ledger.Domain.Profiles;
using Marten;
using Npgsql;
using Wolverine;
using Wolverine.Marten;

namespace Ledger.Api.Commands;

/// <summary>A message for later, which stands or falls with the command's events.</summary>
public sealed record Later(object Message, DateTimeOffset At);

/// <summary>
/// What follows later from what a command is about to commit. The slice that has such messages says it; the session is
/// in the command's transaction, for whoever must read something for it.
/// </summary>
public delegate Task<IReadOnlyList<Later>> Follows(
    IReadOnlyCollection<StreamChange> changes,
    Func<IDocumentSession> session,
    DateTimeOffset now
);

/// <summary>
/// One command in one transaction: load state under lock, let a decider decide, append. Nothing is visible before
/// <see cref="CommitAsync"/>; a refusal undoes everything and leaves only its own record.
/// </summary>
public sealed class Command(
    IDocumentStore store,
    EventWriter writer,
    StoredEvents stored,
    [FromKeyedServices(LedgerStore.Commands)] NpgsqlDataSource database,
    Caller caller,
    Clock clock,
    TimeProvider time,
    IServiceScopeFactory scopes,
    Follows follows,
    Findings findings,
    ServerGuard guard,
    IHttpContextAccessor http
) : IAsyncDisposable
{
    /// <summary>
    /// Streams are locked in this order and, within a kind, in the order of their ids. Every command keeps to it, so no
    /// two commands wait for each other.
    /// </summary>
    private static readonly Type[] LockOrder =
    [
        typeof(Application),
        typeof(Plan),
        typeof(Collective),
        typeof(Pilot),
        typeof(PolicyYear),
        typeof(Donor),
        typeof(Fund),
        typeof(Member),
        typeof(MemberYear),
        typeof(Account),
        typeof(AgencyProfile),
        typeof(Ledger.Domain.Sampling.Sample),
        typeof(Subscription),
        typeof(Ledger.Domain.Screening.ScreeningFinding),
        typeof(Ledger.Domain.Log.LogContinuation),
        typeof(Ledger.Domain.Log.AnsweredFinding),
    ];

    /// <summary>A kind's place in the order of locks.</summary>
    public static int Rank(Type aggregate) => Array.IndexOf(LockOrder, aggregate);

    private NpgsqlConnection? _connection;
    private NpgsqlTransaction? _transaction;
    private Surety? _surety;
    private Together.Group? _group;
    private IDocumentSession? _session;

    /// <summary>Beyond it a stream has no place for what a command adds: somebody took it.</summary>
    private const long LastVersion = int.MaxValue - 10_000;
    private int _lastRank = -1;
    private readonly Dictionary<string, long> _versions = [];
    private readonly Dictionary<string, StreamChange> _changes = [];
    private readonly Dictionary<string, Aggregate> _before = [];
    private readonly List<NpgsqlBatchCommand> _beside = [];
    private readonly Dictionary<string, string> _regions = [],
        _damagedPeople = [];
    private AsyncServiceScope? _outbox;

    public Actor Actor => caller.Actor;
    public DateOnly Today => clock.Today;
    public DateTimeOffset Now => time.GetUtcNow();

    /// <summary>
    /// The business date (业务日期) that the events will carry; today unless the endpoint says otherwise.
    /// </summary>
    public DateOnly EffectiveDate { get; set; }

    /// <summary>The region that the events belong to: the scope in which the audit trail shows them.</summary>
    public string Region { get; set; } = "";

    /// <exception cref="NotForeseenException">The command shares its transaction with others.</exception>
    public NpgsqlConnection Connection => _connection ?? throw new NotForeseenException();

    /// <summary>For what is written beside the events: it stands or falls with them.</summary>
    public NpgsqlTransaction Transaction => _transaction!;

    public async Task BeginAsync()
    {
        _surety = new Surety(guard);
        _connection = await database.OpenConnectionAsync();
        _surety.Watch(_connection);
        _transaction = await _connection.BeginTransactionAsync();
        Begun();
    }

    /// <summary>Begins in the transaction of a group, which has locked and read what this command rests on.</summary>
    public void Begin(Together.Group group)
    {
        _group = group;
        Begun();
    }

    private void Begun()
    {
        _lastRank = -1;
        EffectiveDate = Today;
        Region = Actor.Region;
    }

    private IDocumentSession Session =>
        _session ??= store.LightweightSession(
            Marten.Services.SessionOptions.ForTransaction(_transaction ?? throw new NotForeseenException())
        );

    /// <summary>
    /// An aggregate that this command may change: locked, in the caller's scope, at the version of If-Match.
    /// </summary>
    /// <param name="beside">As in <see cref="EventWriter.LockAsync"/>: a look in the same round trip.</param>
    /// <exception cref="RefusedException"><c>not-found</c> (also for what lies outside the scope),
    /// <c>version-mismatch</c>.</exception>
    public async Task<T> LoadAsync<T>(string id, Look? beside = null)
        where T : Aggregate
    {
        if (await FindAsync<T>(id, beside) is not { } state || !caller.MaySee(state.Region))
            throw Require.NotFound(id);
        RequireMatch(state);
        Region = state.Region;
        return state;
    }

    /// <summary>The aggregate must be at the version of If-Match, where the caller sent one.</summary>
    /// <exception cref="RefusedException"><c>version-mismatch</c>.</exception>
    public void RequireMatch(Aggregate state)
    {
        if (http.HttpContext is { } context)
            ETags.RequireMatch(context, state.Revision);
    }

    /// <summary>
    /// As <see cref="LoadAsync"/>, but for a new or foreign stream: no scope, no If-Match; null when it is not there.
    /// </summary>
    public Task<T?> FindAsync<T>(string id, Look? beside = null)
        where T : Aggregate => LockedAsync<T>(id, "for update", beside);

    /// <summary>
    /// An aggregate that the decision rests on but does not change: it stays as it is until the commit.
    /// </summary>
    public Task<T?> ReadAsync<T>(string id)
        where T : Aggregate => LockedAsync<T>(id, "for share");

    /// <summary>As <see cref="ReadAsync"/>, in the caller's scope.</summary>
    /// <exception cref="RefusedException"><c>not-found</c>.</exception>
    public async Task<T> ReadScopedAsync<T>(string id)
        where T : Aggregate =>
        await ReadAsync<T>(id) is { } state && caller.MaySee(state.Region) ? state : throw Require.NotFound(id);

    private async Task<T?> LockedAsync<T>(string id, string strength, Look? beside = null)
        where T : Aggregate => (await ManyAsync<T>([id], strength, beside)).GetValueOrDefault(id);

    /// <summary>
    /// The people of a list whose events are damaged, by the id of the member, and why: each is a fault of his own
    /// line, and the others go on. Filled by <see cref="ReadPeopleAsync"/> and <see cref="FindPeopleAsync"/>.
    /// </summary>
    public IReadOnlyDictionary<string, string> DamagedPeople => _damagedPeople;

    /// <summary>
    /// As <see cref="ReadManyAsync"/>, of a list of people: who is damaged is absent, and named in
    /// <see cref="DamagedPeople"/>.
    /// </summary>
    public Task<IReadOnlyDictionary<string, T>> ReadPeopleAsync<T>(IEnumerable<string> ids)
        where T : Aggregate => PeopleAsync<T>(ids, "for share");

    /// <summary>As <see cref="ReadPeopleAsync"/>, of people whom this command may change.</summary>
    public Task<IReadOnlyDictionary<string, T>> FindPeopleAsync<T>(IEnumerable<string> ids)
        where T : Aggregate => PeopleAsync<T>(ids, "for update");

    private async Task<IReadOnlyDictionary<string, T>> PeopleAsync<T>(IEnumerable<string> ids, string strength)
        where T : Aggregate
    {
        var damaged = new Dictionary<string, RefusedException>();
        var states = await ManyAsync<T>([.. ids.Distinct()], strength, damaged: damaged);
        foreach (var (id, refusal) in damaged)
            _damagedPeople.TryAdd(typeof(T) == typeof(Member) ? id : StreamId.MemberOf(id), refusal.Rejection.Detail);
        return states;
    }

    /// <summary>Many aggregates that this command may change, by id; the missing are absent.</summary>
    public Task<IReadOnlyDictionary<string, T>> FindManyAsync<T>(IEnumerable<string> ids)
        where T : Aggregate => ManyAsync<T>([.. ids.Distinct()], "for update");

    /// <summary>Many aggregates that the decision rests on, by id; the missing are absent.</summary>
    public Task<IReadOnlyDictionary<string, T>> ReadManyAsync<T>(IEnumerable<string> ids)
        where T : Aggregate => ManyAsync<T>([.. ids.Distinct()], "for share");

    /// <summary>Which earlier entry this is not, and why: a header of the events.</summary>
    public string? Confirmed { get; set; }

    private async Task<IReadOnlyDictionary<string, T>> ManyAsync<T>(
        string[] ids,
        string strength,
        Look? beside = null,
        IDictionary<string, RefusedException>? damaged = null
    )
        where T : Aggregate
    {
        var rank = Rank(typeof(T));
        InvariantViolationException.Require(rank >= _lastRank, $"{typeof(T).Name} is locked out of order");
        _lastRank = rank;
        if (_group is { } group)
            return ids.ToDictionary(
                id => id,
                id =>
                {
                    (var state, _versions[id]) = group.Streams(id, beside);
                    return (T)state;
                }
            );
        var (versions, states) = await writer.LockAsync<T>(Connection, ids, strength, beside, damaged);
        foreach (var (id, version) in versions)
            _versions[id] = version;
        if (strength == "for update")
            foreach (var (id, state) in states)
                _before[id] = state;
        return states;
    }

    /// <summary>
    /// The caller, who knows of these accounts and of his own which natural persons they name (<see cref="Actor.Is"/>).
    /// An account once named stays so, also when it is closed; one that is only asked for says nothing yet. These rows
    /// are held until the commit, whatever their rank: who holds an account asks for nothing else.
    /// </summary>
    public async Task<Actor> ActorAmongAsync(IEnumerable<string?> names)
    {
        string[] ids =
        [
            .. names.Append(Actor.Id).Append(Actor.OnBehalfOf).OfType<string>().Distinct().Select(StreamId.Account),
        ];
        var (_, accounts) = await writer.LockAsync<Account>(Connection, ids, "for share");
        return Actor with
        {
            Persons = accounts
                .Values.Where(a => a is { Person: not null, IsRequested: false })
                .ToDictionary(a => a.Name, a => a.Person!),
        };
    }

    /// <summary>Who is named to confirm what this command asks for; refused where he could not.</summary>
    public async Task<string> ConfirmerAsync(string? named, string region, params IReadOnlyCollection<string> roles)
    {
        var name = Require.Reference(named, "confirmBy", ActorName.MaxForeignLength);
        string[] ids = [StreamId.Account(name), StreamId.Account(Actor.Id)];
        var (_, accounts) = await writer.LockAsync<Account>(Connection, [.. ids.Distinct()], "for share");
        var delegates = await NamedByAsync<Account>(
            "type = 'delegation_granted' and data ->> 'to' = @name",
            ("name", name)
        );
        var confirmer = new Confirmer(
            name,
            accounts.GetValueOrDefault(ids[0]),
            delegates.Values.Any(a => a.Delegates.ContainsKey(name)),
            accounts.ContainsKey(ids[1]) && !ActorName.IsForeign(name)
        );
        return FourEyes.Named(confirmer, region, roles, Actor) is { } refusal
            ? throw new RefusedException(refusal)
            : name;
    }

    /// <summary>The events of a stream that this command has loaded.</summary>
    public Task<IReadOnlyList<JasperFx.Events.IEvent>> EventsAsync<T>(string id)
        where T : Aggregate => stored.OfAsync<T>(Connection, "stream_id = @id", ("id", id));

    /// <summary>
    /// The events for which the condition holds, out of streams whose events are sealed; what others wrote there is not
    /// among them.
    /// </summary>
    public IAsyncEnumerable<JasperFx.Events.IEvent> OursAsync(string condition) =>
        writer.OursAsync(Connection, condition);

    /// <summary>
    /// The one event of a stream for which the condition over <c>type</c> and <c>data</c> holds; null when there is
    /// none. Read from the event itself: what is derived from it could be edited.
    /// </summary>
    public async Task<T?> EventAsync<T>(string id, string condition, params (string Name, object? Value)[] parameters)
        where T : class
    {
        await foreach (
            var e in stored.ReadAsync(
                Connection,
                $"stream_id = @stream and {condition}",
                [("stream", id), .. parameters]
            )
        )
            return (T)e.Data;
        return null;
    }

    /// <summary>
    /// The states of the streams that have such an event, each as a command would find it, without a lock. A document
    /// that somebody took away for a moment is missed by no decision so.
    /// </summary>
    /// <param name="condition">Over <c>type</c> and <c>data</c> of an event, as an index has it.</param>
    /// <param name="damaged">As in <see cref="EventWriter.LockAsync"/>.</param>
    public async Task<IReadOnlyDictionary<string, T>> NamedByAsync<T>(
        string condition,
        (string Name, object? Value) parameter,
        IDictionary<string, RefusedException>? damaged = null
    )
        where T : Aggregate =>
        await writer.ReadAsync<T>(
            Connection,
            await Connection.QueryAsync(
                $"select distinct stream_id from {LedgerStore.Schema}.mt_events where {condition}",
                r => r.GetString(0),
                parameter
            ),
            damaged
        );

    /// <summary>These states, each as a command would find it, without a lock; the missing are absent.</summary>
    public Task<IReadOnlyDictionary<string, T>> SoundAsync<T>(
        IReadOnlyCollection<string> ids,
        IDictionary<string, RefusedException>? damaged = null
    )
        where T : Aggregate => writer.ReadAsync<T>(Connection, ids, damaged);

    /// <summary>What these collectives have filed, in order of id.</summary>
    public async Task<IReadOnlyList<Application>> ApplicationsAsync(string[] collectives) =>
        [
            .. (
                await NamedByAsync<Application>(
                    "type = 'application_filed' and data ->> 'collectiveId' = any(@own)",
                    ("own", collectives)
                )
            )
                .Values.Where(a => collectives.Contains(a.CollectiveId))
                .OrderBy(a => a.Id, StringComparer.Ordinal),
        ];

    /// <summary>
    /// The members of these collectives, in order of id: whom the events ever made one, and who is one still. Of whose
    /// record is damaged nothing can be told but that.
    /// </summary>
    public async Task<List<string>> MemberIdsAsync(IEnumerable<string> collectives)
    {
        var own = collectives.ToArray();
        var damaged = new Dictionary<string, RefusedException>();
        var members = await NamedByAsync<Member>(
            """
            type in ('member_registered', 'membership_moved', 'departure_revoked')
               and coalesce(data ->> 'toCollectiveId', data ->> 'collectiveId') = any(@own)
            """,
            ("own", own),
            damaged
        );
        return
        [
            .. members
                .Values.Where(m => own.Any(m.Memberships.ContainsKey))
                .Select(m => m.Id)
                .Concat(damaged.Keys)
                .Order(StringComparer.Ordinal),
        ];
    }

    /// <summary>The policy year in force for a region: the county's own, else the city's.</summary>
    /// <exception cref="RefusedException"><c>policy-year-missing</c>.</exception>
    public async Task<PolicyYear> PolicyYearAsync(string region, int year)
    {
        var own = StreamId.PolicyYear(RegionCode.County(region), year);
        var city = StreamId.PolicyYear(RegionCode.City(region), year);
        var found = await ReadManyAsync<PolicyYear>([own, city]);
        return found.GetValueOrDefault(own)?.InForce()
            ?? found.GetValueOrDefault(city)?.InForce()
            ?? throw new RefusedException(
                new Rejection(Rejections.PolicyYearMissing, $"{RegionCode.County(region)} 没有 {year} 年度政策参数")
            );
    }

    /// <summary>
    /// Appends what was decided, on every stream that it touches, and returns the new state of its own; a refusal is
    /// thrown.
    /// </summary>
    public T Append<T>(string id, T? state, Decision<T> decision)
        where T : Aggregate, IEvolve<T>
    {
        if (decision.Rejection is { } rejection)
            throw new RefusedException(rejection);
        Confirmed = decision.Confirmed ?? Confirmed;
        // From before a stream's events had to be its next ones (V0014).
        if (_versions.GetValueOrDefault(id) > LastVersion)
            throw new RefusedException(
                new Rejection(Rejections.RecordDamaged, $"{id}：已有第 {_versions[id]} 版的事件，不能再续")
            );
        if (decision.Events.Count > 0)
            state = Add(Change.Of(id, state, decision.Events)).After;
        foreach (var change in decision.Also)
            Add(change);
        return state ?? throw new InvalidOperationException($"{id}: nothing was decided and nothing is there");
    }

    private TChange Add<TChange>(TChange change)
        where TChange : Change
    {
        if (change.Before == 0 && !_changes.ContainsKey(change.Id) && _versions.GetValueOrDefault(change.Id) > 0)
            throw new RefusedException(
                new Rejection(Rejections.RecordDamaged, $"{change.Id}：其中的事件都不是产品写入的")
            );
        if (!_changes.TryGetValue(change.Id, out var there))
            _changes[change.Id] = there = new StreamChange(
                change.Id,
                change.Aggregate,
                change.Before == 0 ? 0 : _versions[change.Id]
            );
        there.Add(change);
        return change;
    }

    /// <summary>
    /// The documents must be here, handed in by somebody in the caller's scope, and be those of their digests: somebody
    /// may have put another in its place.
    /// </summary>
    /// <exception cref="RefusedException"><c>evidence-missing</c>, <c>evidence-damaged</c>, with the field.</exception>
    public async Task<IReadOnlyList<string>> EvidenceAsync(IReadOnlyList<string>? digests, string field)
    {
        var wanted = StoredEvidence.Digests(digests);
        if (wanted.Length > 20)
            throw new RefusedException(new Rejection(Rejections.LimitExceeded, "凭证最多 20 份") { Field = field });
        var known = (_group?.Evidence ?? await StoredEvidence.OfAsync(Connection, wanted, Actor.Region))
            .Where(e => e.Region.StartsWith(Actor.Region, StringComparison.Ordinal))
            .ToLookup(e => e.Digest, e => e.IsSound);
        if (wanted.FirstOrDefault(d => known.Contains(d) && !known[d].Contains(true)) is { } damaged)
            throw await EvidenceDamagedAsync(damaged, field);
        var missing = wanted.Where(d => !known.Contains(d)).ToList();
        if (missing.Count > 0)
            throw new RefusedException(
                new Rejection(Rejections.EvidenceMissing, $"没有上传过凭证 {missing[0]}") { Field = field }
            );
        return wanted;
    }

    /// <summary>What stands under a document's digest is another one: the finding, and what to refuse with.</summary>
    public async Task<RefusedException> EvidenceDamagedAsync(string digest, string field)
    {
        await findings.AddAsync("evidence", $"{Actor.Region} 的凭证 {digest} 已被替换或改动 a document was replaced");
        return new RefusedException(
            new Rejection(Rejections.EvidenceDamaged, $"凭证 {digest} 不是所登记的原件或上传人，请另行扫描上传")
            {
                Field = field,
            }
        );
    }

    /// <summary>
    /// The events of this stream belong to another region than the rest: who does not look after it does not see them.
    /// </summary>
    public void BelongsTo(string id, string region) => _regions[id] = region;

    /// <summary>
    /// What is decided so far: each stream that it touches, as it was (null: it begins) and as it will be.
    /// </summary>
    public IEnumerable<(Aggregate? Before, StreamChange Change)> Decided =>
        _changes.Values.Select(c => (_before.GetValueOrDefault(c.Id), c));

    /// <summary>A statement that runs with the command's events: it stands or falls with them.</summary>
    public void Beside(NpgsqlBatchCommand statement) => _beside.Add(statement);

    /// <summary>The answer to this command's key, which stands or falls with its events.</summary>
    public KeptAnswer? Kept { get; set; }

    /// <summary>What the command has come to, by the region that it belongs to.</summary>
    private IReadOnlyList<StampedChanges> Stamped()
    {
        var stamp = Stamp();
        return _regions.Count == 0
            ? [new StampedChanges(_changes.Values, stamp)]
            :
            [
                .. _changes
                    .Values.GroupBy(c => _regions.GetValueOrDefault(c.Id, Region))
                    .Select(region => new StampedChanges([.. region], stamp with { Region = region.Key })),
            ];
    }

    /// <summary>What a group writes of this command.</summary>
    /// <exception cref="NotForeseenException">Something follows from it later, or stands beside the events.</exception>
    public async Task<Together.Decided> LeaveAsync(StoredAnswer answer)
    {
        if (_beside.Count > 0 || (await follows(_changes.Values, () => Session, Now)).Count > 0)
            throw new NotForeseenException();
        return new Together.Decided(answer, Stamped(), Kept!);
    }

    public async Task CommitAsync()
    {
        await using var batch = Connection.CreateBatch();
        // First the answer to the key: where that is known, no sequence number has been spent, whose gap the
        // projections would wait for.
        if (Kept is { } kept)
            IdempotencyKey.Insert(batch, [kept]);
        foreach (var statement in _beside)
            batch.BatchCommands.Add(statement);
        writer.Add(batch, Stamped());
        var messages = await follows(_changes.Values, () => Session, Now);
        if (messages.Count == 0)
            batch.Add("commit"); // with the last statement: nothing is left to say
        await batch.PrepareAsync();
        await batch.ExecuteNonQueryAsync();
        if (messages.Count > 0)
        {
            await SendAsync(messages);
            await _transaction!.CommitAsync();
        }
        _surety!.Require();
    }

    /// <summary>
    /// What is found as done is told only when all before it is safe too: the attempt that did it may have been given
    /// up while it waited for a standby. A commit with something in it waits for that again.
    /// </summary>
    public async Task MakeSureAsync()
    {
        await using var batch = Connection.CreateBatch();
        batch.Add("select pg_logical_emit_message(true, 'ledger', '')");
        batch.Add("commit");
        await batch.ExecuteNonQueryAsync();
        _surety!.Require();
    }

    private async Task SendAsync(IReadOnlyList<Later> messages)
    {
        // An outbox of its own for each attempt: what a lost race had put into it is gone with it.
        _outbox = scopes.CreateAsyncScope();
        var outbox = _outbox.Value.ServiceProvider.GetRequiredService<IMartenOutbox>();
        outbox.Enroll(Session);
        foreach (var (message, at) in messages)
            await outbox.ScheduleAsync(message, at);
        await Session.SaveChangesAsync();
    }

    /// <summary>
    /// Commits the record of a refusal and nothing else: who tried what, which code. The command must have been undone.
    /// </summary>
    public async Task RecordRefusalAsync(Rejection rejection, Refusals.Place place)
    {
        var id = StreamId.NewRefusal();
        var path = http.HttpContext!.Request.RouteValues;
        _changes[id] = new StreamChange(id, null, 0)
        {
            Events =
            {
                place.Event(Name, rejection, (path.GetValueOrDefault("id") ?? path.Values.LastOrDefault())?.ToString()),
            },
        };
        await CommitAsync();
        place.Used();
    }

    /// <summary>The command's name in the API document.</summary>
    public string Name => http.HttpContext?.CommandName() ?? "";

    private EventStamp Stamp()
    {
        var context = http.HttpContext!;
        var key = IdempotencyKey.SoundOf(context) ?? "";
        var correlation = System.Diagnostics.Activity.Current?.TraceId.ToString() ?? context.TraceIdentifier;
        return new EventStamp(
            Actor,
            Region,
            EffectiveDate,
            Name,
            correlation,
            key.Length > 0 ? key : correlation,
            key,
            Confirmed
        );
    }

    /// <summary>Rolls back what was not committed; the command can begin again.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_session is not null)
            await _session.DisposeAsync();
        if (_transaction is not null)
            await _transaction.DisposeAsync();
        if (_connection is not null)
            await _connection.DisposeAsync();
        if (_outbox is { } outbox)
            await outbox.DisposeAsync();
        (_session, _transaction, _connection, _outbox, _group) = (null, null, null, null, null);
        (Confirmed, Kept) = (null, null);
        _versions.Clear();
        _changes.Clear();
        _before.Clear();
        _beside.Clear();
        _regions.Clear();
    }
}

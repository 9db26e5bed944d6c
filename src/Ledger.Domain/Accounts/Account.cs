using System.Collections.Immutable;
using Ledger.Domain.Identity;

namespace Ledger.Domain.Accounts;

/// <summary>
/// What a change of somebody's rights rests on (C20). Absent in events from before the rule: one administrator did it.
/// </summary>
public enum ChangeBasis
{
    /// <summary>Done at the machine itself, with its command.</summary>
    Console,

    /// <summary>There was no second administrator yet: by one alone.</summary>
    OneAdministrator,

    /// <summary>One administrator asked, another confirmed.</summary>
    TwoAdministrators,

    /// <summary>
    /// One administrator asked, and the person himself proved who he is, by the factor he still had or in his own
    /// session.
    /// </summary>
    PersonHimself,
}

public enum ChangeKind
{
    Opening,
    Role,
    Credentials,
}

/// <summary>
/// Somebody may act under this name in a role and region. Passwords and sessions are no events; who had which right
/// when is.
/// </summary>
/// <param name="Person">The pseudonymous id of the natural person: the same for each of his accounts. What it stands
/// for lies beside the events.</param>
/// <param name="PersonDigest">Salted digest of what the account says of him.</param>
/// <param name="RequestedBy">Who asked, where another confirmed.</param>
/// <param name="ConfirmedNoKin">Of a supervision committee's account: the administrator has looked, and the person is
/// no close kin of the village's finance staff (L7). Null: not asked.</param>
public sealed record AccountOpened(
    string Name,
    string Role,
    string RoleRegion,
    string? Person = null,
    string? PersonDigest = null,
    string? RequestedBy = null,
    ChangeBasis? Basis = null,
    bool? ConfirmedNoKin = null
) : IEventOf<Account>;

/// <summary>The person has another task now.</summary>
public sealed record AccountChanged(
    string Role,
    string RoleRegion,
    string? RequestedBy = null,
    ChangeBasis? Basis = null,
    bool? ConfirmedNoKin = null
) : IEventOf<Account>;

public sealed record AccountClosed(string Reason) : IEventOf<Account>;

/// <summary>
/// A new one-time password was given out, and the second factor taken off, because the person lost one of them.
/// </summary>
public sealed record CredentialsIssued(string Reason, string? RequestedBy = null, ChangeBasis? Basis = null)
    : IEventOf<Account>;

/// <summary>
/// Password, second factor or recovery codes are others from now on. What they are stands nowhere;
/// <paramref name="Digest"/> is that of the seals over them, so that earlier ones, put back, are told.
/// </summary>
public sealed record CredentialsChanged(string Digest) : IEventOf<Account>;

/// <summary>An account from before accounts named people says now whose it is; once, for good.</summary>
public sealed record AccountHolderNamed(string Person, string PersonDigest) : IEventOf<Account>;

/// <summary>
/// Where the person of the account works (单位). His telephone lies sealed beside the events, with his name:
/// <paramref name="PersonDigest"/> is that of the record as it is now.
/// </summary>
public sealed record AccountContactRecorded(string Unit, string PersonDigest) : IEventOf<Account>;

/// <summary>
/// An administrator asks for a change of somebody's rights. Nothing has changed before another confirms, until that day
/// at the latest.
/// </summary>
public sealed record AccountChangeRequested(
    string RequestId,
    ChangeKind Kind,
    string Name,
    string Role,
    string RoleRegion,
    string Reason,
    string RequestedBy,
    DateOnly Until,
    string? Person = null,
    string? PersonDigest = null,
    bool? ConfirmedNoKin = null
) : IEventOf<Account>;

public sealed record AccountChangeDeclined(string RequestId, string Reason) : IEventOf<Account>;

/// <summary>
/// The holder is away: another account may act in the role until the end of that day (委托). The other signs with its own
/// name, so duties stay separate by person.
/// </summary>
public sealed record DelegationGranted(string To, DateOnly Until) : IEventOf<Account>;

public sealed record DelegationEnded(string To) : IEventOf<Account>;

/// <summary>
/// A natural person as an account names him: a pseudonymous id, and the digest of the data beside the events.
/// </summary>
public sealed record Holder(string Person, string Digest);

/// <summary>A change that was asked for and waits for somebody else.</summary>
public sealed record PendingChange(
    string RequestId,
    ChangeKind Kind,
    string Role,
    string Region,
    string Reason,
    string RequestedBy,
    DateOnly Until,
    bool? ConfirmedNoKin = null
);

/// <summary>Account (账户) of a person who works with the ledger; its name is the actor of events.</summary>
public sealed record Account : Aggregate, IEvolve<Account>
{
    public string Name { get; init; } = "";
    public string Role { get; init; } = "";
    public bool IsClosed { get; init; }

    /// <summary>Asked for and not confirmed: nobody can sign in yet.</summary>
    public bool IsRequested { get; init; }

    /// <summary>Null: opened before accounts named people.</summary>
    public string? Person { get; init; }
    public string? PersonDigest { get; init; }

    /// <summary>Where he works; null: not said.</summary>
    public string? Unit { get; init; }
    public PendingChange? Pending { get; init; }

    /// <summary>On what the latest change of its rights rests; null: it is from before the rule.</summary>
    public ChangeBasis? Basis { get; init; }

    /// <summary>Digest of the seals over what lets its person in; null: not changed since that is kept.</summary>
    public string? Credentials { get; init; }

    /// <summary>The version of the event that said so.</summary>
    public int CredentialsAt { get; init; }

    /// <summary>Account name → the last day on which it may act in this role.</summary>
    public ImmutableSortedDictionary<string, DateOnly> Delegates { get; init; } =
        ImmutableSortedDictionary<string, DateOnly>.Empty;

    public bool IsDelegate(string name, DateOnly today) =>
        !IsClosed && !IsRequested && Delegates.TryGetValue(name, out var until) && today <= until;

    /// <summary>What waits to be confirmed; nothing any more when its last day has passed.</summary>
    public PendingChange? Waiting(DateOnly today) => Pending is { } p && today <= p.Until ? p : null;

    public static Account Evolve(Account? state, IEventOf<Account> e) =>
        e switch
        {
            AccountOpened o => new Account
            {
                Name = o.Name,
                Role = o.Role,
                Region = o.RoleRegion,
                Person = o.Person,
                PersonDigest = o.PersonDigest,
                Basis = o.Basis,
                Unit = state?.Unit,
            },
            AccountContactRecorded c => state! with { Unit = c.Unit, PersonDigest = c.PersonDigest },
            AccountChanged c => state! with
            {
                Role = c.Role,
                Region = c.RoleRegion,
                Delegates = state.Delegates.Clear(),
                Pending = null,
                Basis = c.Basis,
            },
            AccountClosed => state! with { IsClosed = true, Pending = null },
            CredentialsIssued c => state! with { Pending = null, Basis = c.Basis },
            CredentialsChanged c => state! with { Credentials = c.Digest, CredentialsAt = state.Revision + 1 },
            AccountHolderNamed h => state! with { Person = h.Person, PersonDigest = h.PersonDigest },
            AccountChangeRequested r => (
                r.Kind == ChangeKind.Opening
                    ? new Account
                    {
                        Name = r.Name,
                        Role = r.Role,
                        Region = r.RoleRegion,
                        Person = r.Person,
                        PersonDigest = r.PersonDigest,
                        IsRequested = true,
                        Unit = state?.Unit,
                    }
                    : state!
            ) with
            {
                Pending = new PendingChange(
                    r.RequestId,
                    r.Kind,
                    r.Role,
                    r.RoleRegion,
                    r.Reason,
                    r.RequestedBy,
                    r.Until,
                    r.ConfirmedNoKin
                ),
            },
            AccountChangeDeclined => state! with { Pending = null },
            DelegationGranted d => state! with { Delegates = state.Delegates.SetItem(d.To, d.Until) },
            DelegationEnded d => state! with { Delegates = state.Delegates.Remove(d.To) },
            _ => throw InvariantViolationException.Unknown(e),
        };
}

/// <summary>
/// C20: who looks after accounts gives rights to others, never to himself, and never alone once there are two: one
/// asks, and another administrator, or the person himself, confirms. Whoever could alone give out a clerk's password
/// could be the clerk.
/// </summary>
public static class AccountDecider
{
    public const int MaxDelegationDays = 90,
        PendingDays = 7,
        LeastAdministrators = 2;

    /// <param name="isAlone">No second person was ever an administrator of the region.</param>
    public static Decision<Account> Open(
        Account? state,
        string name,
        string role,
        string region,
        Holder holder,
        string requestId,
        bool isAlone,
        DateOnly today,
        Actor by,
        bool? confirmedNoKin = null
    )
    {
        if (CommitteeDuties.KinUnasked(role, confirmedNoKin) is { } unasked)
            return unasked;
        if (state is { IsRequested: false })
            return new Rejection(Rejections.AlreadyExists, $"账户 {name} 已存在") { Field = "name" };
        if (state?.Waiting(today) is { } waiting)
            return new Rejection(
                Rejections.AlreadyExists,
                $"账户 {name} 已由 {waiting.RequestedBy} 申请开立，待另一位管理员确认"
            )
            {
                Field = "name",
            };
        if (name == by.Id || IsPersonOf(by, holder.Person))
            return new Rejection(Rejections.SelfApproval, "不能给自己开立账户，请另一位管理员办理");
        return isAlone
            ? new IEventOf<Account>[]
            {
                new AccountOpened(
                    name,
                    role,
                    region,
                    holder.Person,
                    holder.Digest,
                    null,
                    ChangeBasis.OneAdministrator,
                    confirmedNoKin
                ),
            }
            : new IEventOf<Account>[]
            {
                new AccountChangeRequested(
                    requestId,
                    ChangeKind.Opening,
                    name,
                    role,
                    region,
                    "",
                    by.Id,
                    today.AddDays(PendingDays),
                    holder.Person,
                    holder.Digest,
                    confirmedNoKin
                ),
            };
    }

    /// <summary>At the machine itself: how a county begins.</summary>
    public static Decision<Account> OpenAtConsole(Account? state, string name, string region) =>
        state is not null
            ? new Rejection(Rejections.AlreadyExists, $"账户 {name} 已存在") { Field = "name" }
            : new IEventOf<Account>[]
            {
                new AccountOpened(name, Roles.Administrator, region, Basis: ChangeBasis.Console),
            };

    public static Decision<Account> Change(
        Account state,
        string role,
        string region,
        string requestId,
        bool isAlone,
        DateOnly today,
        Actor by,
        bool? confirmedNoKin = null
    )
    {
        if (CommitteeDuties.KinUnasked(role, confirmedNoKin) is { } unasked)
            return unasked;
        if (Refusal(state, today, by) is { } refusal)
            return refusal;
        if (state.Role == role && state.Region == region)
            return new Rejection(Rejections.WrongState, "角色和区划没有变化");
        return isAlone
            ? new IEventOf<Account>[]
            {
                new AccountChanged(role, region, null, ChangeBasis.OneAdministrator, confirmedNoKin),
            }
            : new IEventOf<Account>[]
            {
                new AccountChangeRequested(
                    requestId,
                    ChangeKind.Role,
                    state.Name,
                    role,
                    region,
                    "",
                    by.Id,
                    today.AddDays(PendingDays),
                    ConfirmedNoKin: confirmedNoKin
                ),
            };
    }

    public static Decision<Account> IssueCredentials(
        Account state,
        string reason,
        string requestId,
        bool isAlone,
        DateOnly today,
        Actor by
    )
    {
        if (Refusal(state, today, by) is { } refusal)
            return refusal;
        if (ActorName.IsForeign(state.Name))
            return new Rejection(Rejections.WrongState, "密码由其登录机构管理");
        return isAlone
            ? new IEventOf<Account>[] { new CredentialsIssued(reason, null, ChangeBasis.OneAdministrator) }
            : new IEventOf<Account>[]
            {
                new AccountChangeRequested(
                    requestId,
                    ChangeKind.Credentials,
                    state.Name,
                    state.Role,
                    state.Region,
                    reason,
                    by.Id,
                    today.AddDays(PendingDays)
                ),
            };
    }

    /// <summary>What lets the person in is this from now on, whoever changed it.</summary>
    public static Decision<Account> SetCredentials(string digest) =>
        new IEventOf<Account>[] { new CredentialsChanged(digest) };

    /// <summary>
    /// What was asked for happens. By another administrator, whose person is known as the first one's is; or by whoever
    /// has
    /// <paramref name="isPersonProved"/> at the desk, the administrator who asked included; or by the person in his own
    /// session.
    /// </summary>
    public static Decision<Account> Confirm(Account state, bool isPersonProved, DateOnly today, Actor by)
    {
        if (state.Waiting(today) is not { } pending)
            return new Rejection(Rejections.WrongState, "没有待确认的申请，或已过期");
        var isHimself = by.Id == state.Name && by.OnBehalfOf is null;
        if (isHimself || (isPersonProved && !state.IsRequested))
            return Confirmed(state, pending, ChangeBasis.PersonHimself);
        if (by.Role != Roles.Administrator)
            return new Rejection(Rejections.NotFound, $"没有找到 {state.Id}");
        if (by.Is(pending.RequestedBy))
            return new Rejection(Rejections.SelfApproval, "须由另一位管理员确认，或由本人到场以原密码或验证码证明");
        if (by.Is(state.Name) || IsPersonOf(by, state.Person))
            return new Rejection(Rejections.SelfApproval, "不能确认自己的账户变更，请另一位管理员办理");
        if (!by.Persons.ContainsKey(by.Id) || !by.Persons.ContainsKey(pending.RequestedBy))
            return new Rejection(Rejections.WrongState, "申请和确认的两位管理员，账户须先写明本人，才能看出是两个人");
        return Confirmed(state, pending, ChangeBasis.TwoAdministrators);
    }

    private static IEventOf<Account>[] Confirmed(Account state, PendingChange pending, ChangeBasis basis) =>
        [
            pending.Kind switch
            {
                ChangeKind.Opening => new AccountOpened(
                    state.Name,
                    pending.Role,
                    pending.Region,
                    state.Person,
                    state.PersonDigest,
                    pending.RequestedBy,
                    basis,
                    pending.ConfirmedNoKin
                ),
                ChangeKind.Role => new AccountChanged(
                    pending.Role,
                    pending.Region,
                    pending.RequestedBy,
                    basis,
                    pending.ConfirmedNoKin
                ),
                ChangeKind.Credentials => new CredentialsIssued(pending.Reason, pending.RequestedBy, basis),
                _ => throw new InvalidOperationException($"{pending.Kind}"),
            },
        ];

    public static Decision<Account> Decline(Account state, string reason, DateOnly today) =>
        state.Waiting(today) is not { } pending
            ? new Rejection(Rejections.WrongState, "没有待确认的申请，或已过期")
            : new IEventOf<Account>[] { new AccountChangeDeclined(pending.RequestId, reason) };

    /// <summary>
    /// Takes rights away, so one is enough; but two administrators stay, or whoever closed the others could do nothing
    /// alone and nobody could but at the machine.
    /// </summary>
    /// <param name="staying">How many people would be administrators of the region afterwards; of another account it
    /// does not matter.</param>
    public static Decision<Account> Close(Account state, string reason, int staying, Actor by) =>
        Ended(state, by) is { } refusal ? refusal
        : state.IsRequested ? new Rejection(Rejections.WrongState, "账户尚未开立；可以驳回申请")
        : state.Role == Roles.Administrator && staying < LeastAdministrators
            ? new Rejection(
                Rejections.WrongState,
                $"停用后本区划的管理员只剩 {staying} 人，至少须有 {LeastAdministrators} 人"
            )
            {
                Mend =
                    "先开立另一位管理员的账户，再停用这个；来不及的，由运维人员在服务器上用 ./ledger administrator 开立",
            }
        : new IEventOf<Account>[] { new AccountClosed(reason) };

    /// <summary>
    /// An account from before names its person, also when it is closed: what it did still counts as his.
    /// </summary>
    /// <param name="by">Knows the persons of the region's administrators: two of these are two people, and nobody makes
    /// them one.</param>
    public static Decision<Account> NameHolder(Account state, Holder holder, bool isAlone, Actor by) =>
        state.Person is not null ? new Rejection(Rejections.WrongState, "账户已写明本人，不能改；写错时停用并另开账户")
        : !isAlone && by.Is(state.Name) ? new Rejection(Rejections.SelfApproval, "请另一位管理员为您写明")
        : state.Role == Roles.Administrator && by.Persons.Values.Contains(holder.Person)
            ? new Rejection(Rejections.AlreadyExists, "此人已有另一个管理员账户；一人只用一个，多余的请停用")
            {
                Field = "citizenId",
            }
        : new IEventOf<Account>[] { new AccountHolderNamed(holder.Person, holder.Digest) };

    /// <summary>
    /// Whom to call, and where he works: said by himself, or by an administrator of his region. It gives no right, so
    /// one is enough.
    /// </summary>
    /// <param name="digest">Of his record with the telephone as it is to be.</param>
    public static Decision<Account> RecordContact(Account state, string unit, string digest, Actor by) =>
        by.Role != Roles.Administrator && (by.Id != state.Name || by.OnBehalfOf is not null)
            ? new Rejection(Rejections.NotFound, $"没有找到 {state.Id}")
        : state.IsClosed ? new Rejection(Rejections.WrongState, "账户已停用")
        : state.Person is null ? new Rejection(Rejections.WrongState, "账户没有写明本人，先写明本人再登记单位和电话")
        : state.Unit == unit && state.PersonDigest == digest ? Array.Empty<IEventOf<Account>>()
        : new IEventOf<Account>[] { new AccountContactRecorded(unit, digest) };

    /// <summary>
    /// Only the holder gives his role away, for a time, and not to himself, under whatever name; an administrator's
    /// role goes to nobody.
    /// </summary>
    public static Decision<Account> Delegate(Account state, Account to, DateOnly until, DateOnly today, Actor by) =>
        state.Name != by.Id ? new Rejection(Rejections.NotFound, $"没有找到 {state.Id}")
        : state.IsClosed || state.IsRequested || to.IsClosed || to.IsRequested
            ? new Rejection(Rejections.WrongState, "账户已停用")
        : to.Name == state.Name || (state.Person is { } person && person == to.Person)
            ? new Rejection(Rejections.SelfApproval, "不能委托给自己") { Field = "to" }
        : state.Role == Roles.Administrator ? new Rejection(Rejections.FieldInvalid, "管理员不能委托") { Field = "to" }
        : until < today || until > today.AddDays(MaxDelegationDays)
            ? new Rejection(Rejections.FieldInvalid, $"截止日期应在今天之后 {MaxDelegationDays} 天以内")
            {
                Field = "until",
            }
        : state.Delegates.TryGetValue(to.Name, out var known) && known == until ? Array.Empty<IEventOf<Account>>()
        : new IEventOf<Account>[] { new DelegationGranted(to.Name, until) };

    public static Decision<Account> EndDelegation(Account state, string to, Actor by) =>
        state.Name != by.Id ? new Rejection(Rejections.NotFound, $"没有找到 {state.Id}")
        : !state.Delegates.ContainsKey(to) ? new Rejection(Rejections.NotFound, $"没有委托给 {to}")
        : new IEventOf<Account>[] { new DelegationEnded(to) };

    private static bool IsPersonOf(Actor by, string? person) =>
        person is not null && by.Persons.GetValueOrDefault(by.Id) == person;

    private static Rejection? Ended(Account state, Actor by) =>
        state.IsClosed ? new Rejection(Rejections.WrongState, "账户已停用")
        : by.Is(state.Name) ? new Rejection(Rejections.SelfApproval, "不能变更自己的账户，请另一位管理员办理")
        : null;

    private static Rejection? Refusal(Account state, DateOnly today, Actor by) =>
        Ended(state, by) is { } ended ? ended
        : state.IsRequested ? new Rejection(Rejections.WrongState, "账户尚未开立")
        : state.Waiting(today) is { } waiting
            ? new Rejection(Rejections.WrongState, $"{waiting.RequestedBy} 的申请待确认，先确认或驳回")
        : null;
}

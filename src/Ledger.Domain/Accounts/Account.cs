using System.Collections.Immutable;

namespace Ledger.Domain.Accounts;

/// <summary>Somebody may act under this name in a role and region. Passwords and sessions are no events; who had which right when is.</summary>
public sealed record AccountOpened(string Name, string Role, string RoleRegion) : IEventOf<Account>;

/// <summary>The person has another task now.</summary>
public sealed record AccountChanged(string Role, string RoleRegion) : IEventOf<Account>;

public sealed record AccountClosed(string Reason) : IEventOf<Account>;

/// <summary>A new one-time password was given out, and the second factor taken off, because the person lost one of them.</summary>
public sealed record CredentialsIssued(string Reason) : IEventOf<Account>;

/// <summary>
/// The holder is away: another account may act in the role until the end of that day (委托). The other signs with its own name, so duties
/// stay separate by person.
/// </summary>
public sealed record DelegationGranted(string To, DateOnly Until) : IEventOf<Account>;

public sealed record DelegationEnded(string To) : IEventOf<Account>;

/// <summary>Account (账户) of a person who works with the ledger; its name is the actor of events.</summary>
public sealed record Account : Aggregate, IEvolve<Account>
{
    public string Name { get; init; } = "";
    public string Role { get; init; } = "";
    public bool IsClosed { get; init; }

    /// <summary>Account name → the last day on which it may act in this role.</summary>
    public ImmutableSortedDictionary<string, DateOnly> Delegates { get; init; } = ImmutableSortedDictionary<string, DateOnly>.Empty;

    public bool IsDelegate(string name, DateOnly today) => !IsClosed && Delegates.TryGetValue(name, out var until) && today <= until;

    public static Account Evolve(Account? state, IEventOf<Account> e) => e switch
    {
        AccountOpened o => new Account { Name = o.Name, Role = o.Role, Region = o.RoleRegion },
        AccountChanged c => state! with { Role = c.Role, Region = c.RoleRegion, Delegates = state.Delegates.Clear() },
        AccountClosed => state! with { IsClosed = true },
        DelegationGranted d => state! with { Delegates = state.Delegates.SetItem(d.To, d.Until) },
        DelegationEnded d => state! with { Delegates = state.Delegates.Remove(d.To) },
        _ => state!,
    };
}

/// <summary>C20: who looks after accounts gives rights to others, never to himself.</summary>
public static class AccountDecider
{
    public static Decision<Account> Open(Account? state, string name, string role, string region) =>
        state is not null
            ? new Rejection(Rejections.AlreadyExists, $"账户 {name} 已存在") { Field = "name" }
            : new IEventOf<Account>[] { new AccountOpened(name, role, region) };

    public static Decision<Account> Change(Account state, string role, string region, Actor by) =>
        Refusal(state, by) is { } refusal ? refusal
        : state.Role == role && state.Region == region ? new Rejection(Rejections.WrongState, "角色和区划没有变化")
        : new IEventOf<Account>[] { new AccountChanged(role, region) };

    public static Decision<Account> Close(Account state, string reason, Actor by) =>
        Refusal(state, by) is { } refusal ? refusal : new IEventOf<Account>[] { new AccountClosed(reason) };

    public static Decision<Account> IssueCredentials(Account state, string reason, Actor by) =>
        Refusal(state, by) is { } refusal ? refusal : new IEventOf<Account>[] { new CredentialsIssued(reason) };

    public const int MaxDelegationDays = 90;

    /// <summary>Only the holder gives his role away, for a time, and not to himself; an administrator's role goes to nobody.</summary>
    public static Decision<Account> Delegate(Account state, Account to, DateOnly until, DateOnly today, Actor by) =>
        state.Name != by.Id ? new Rejection(Rejections.NotFound, $"没有找到 {state.Id}")
        : state.IsClosed || to.IsClosed ? new Rejection(Rejections.WrongState, "账户已停用")
        : to.Name == state.Name ? new Rejection(Rejections.SelfApproval, "不能委托给自己") { Field = "to" }
        : state.Role == "administrator" ? new Rejection(Rejections.FieldInvalid, "管理员不能委托") { Field = "to" }
        : until < today || until > today.AddDays(MaxDelegationDays) ? new Rejection(Rejections.FieldInvalid, $"截止日期应在今天之后 {MaxDelegationDays} 天以内") { Field = "until" }
        : new IEventOf<Account>[] { new DelegationGranted(to.Name, until) };

    public static Decision<Account> EndDelegation(Account state, string to, Actor by) =>
        state.Name != by.Id ? new Rejection(Rejections.NotFound, $"没有找到 {state.Id}")
        : !state.Delegates.ContainsKey(to) ? new Rejection(Rejections.NotFound, $"没有委托给 {to}")
        : new IEventOf<Account>[] { new DelegationEnded(to) };

    private static Rejection? Refusal(Account state, Actor by) =>
        state.IsClosed ? new Rejection(Rejections.WrongState, "账户已停用")
        : state.Name == by.Id ? new Rejection(Rejections.SelfApproval, "不能变更自己的账户，请另一位管理员办理")
        : null;
}

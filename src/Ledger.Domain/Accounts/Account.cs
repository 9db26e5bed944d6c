namespace Ledger.Domain.Accounts;

/// <summary>Somebody may act under this name in a role and region. Passwords and sessions are no events; who had which right when is.</summary>
public sealed record AccountOpened(string Name, string Role, string RoleRegion) : IEventOf<Account>;

/// <summary>The person has another task now.</summary>
public sealed record AccountChanged(string Role, string RoleRegion) : IEventOf<Account>;

public sealed record AccountClosed(string Reason) : IEventOf<Account>;

/// <summary>A new one-time password was given out, and the second factor taken off, because the person lost one of them.</summary>
public sealed record CredentialsIssued(string Reason) : IEventOf<Account>;

/// <summary>Account (账户) of a person who works with the ledger; its name is the actor of events.</summary>
public sealed record Account : Aggregate, IEvolve<Account>
{
    public string Name { get; init; } = "";
    public string Role { get; init; } = "";
    public bool IsClosed { get; init; }

    public static Account Evolve(Account? state, IEventOf<Account> e) => e switch
    {
        AccountOpened o => new Account { Name = o.Name, Role = o.Role, Region = o.RoleRegion },
        AccountChanged c => state! with { Role = c.Role, Region = c.RoleRegion },
        AccountClosed => state! with { IsClosed = true },
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

    private static Rejection? Refusal(Account state, Actor by) =>
        state.IsClosed ? new Rejection(Rejections.WrongState, "账户已停用")
        : state.Name == by.Id ? new Rejection(Rejections.SelfApproval, "不能变更自己的账户，请另一位管理员办理")
        : null;
}

using Ledger.Domain.Accounts;
using Ledger.Domain.Identity;

namespace Ledger.Domain;

/// <summary>Who is named to confirm, as far as he is known here.</summary>
/// <param name="Account">Null: he has none here; another authority may know him.</param>
/// <param name="IsDelegate">Somebody has delegated his role to him.</param>
/// <param name="IsOneOfOurs">He must have an account: who names him has one, and he is of no other authority.</param>
public sealed record Confirmer(string Name, Account? Account, bool IsDelegate, bool IsOneOfOurs);

/// <summary>
/// Four eyes (C20): one person asks and names another, and only that other may confirm. Persons, not names: see
/// <see cref="Actor.Is"/>; the actor must know who the others are.
/// </summary>
public static class FourEyes
{
    /// <param name="act">What is asked for, e.g. 冲正.</param>
    public static Rejection? Ask(string act, string confirmBy, Actor by) =>
        by.Is(confirmBy)
            ? new Rejection(Rejections.SelfApproval, $"{act}须由另一人确认") { Field = "confirmBy" }
            : null;

    /// <summary>
    /// What stands against naming somebody as the second person: a name that nobody has, or only looks like one's own,
    /// would leave the thing waiting for ever.
    /// </summary>
    /// <param name="region">Where it is to be confirmed, by one of <paramref name="roles"/>.</param>
    public static Rejection? Named(Confirmer named, string region, IReadOnlyCollection<string> roles, Actor by)
    {
        string? fault =
            Written.Narrow(named.Name) != named.Name ? "含有全角或看不见的字符"
            : named.Name != by.Id && named.Name.Equals(by.Id, StringComparison.OrdinalIgnoreCase)
                ? "与本人的名称只有大小写不同"
            : named.Account switch
            {
                null => named.IsOneOfOurs ? "没有这个账户" : null,
                { IsClosed: true } or { IsRequested: true } => "这个账户已停用或尚未开立",
                { } a when !named.IsDelegate && !(roles.Contains(a.Role) && RegionCode.Contains(a.Region, region)) =>
                    "这个账户的角色或区划不能确认",
                _ => null,
            };
        return fault is null ? null : new Rejection(Rejections.FieldInvalid, fault) { Field = "confirmBy" };
    }

    /// <summary>Where nobody is named, anybody else of the office confirms.</summary>
    /// <param name="requested">Who asked, and whom he acted for.</param>
    public static Rejection? Another(string office, IEnumerable<string?> requested, Actor by) =>
        requested.Any(by.Is) ? new Rejection(Rejections.SelfApproval, $"须由{office}另一人确认") : null;

    /// <param name="what">What it is about, e.g. 这笔划入.</param>
    /// <param name="requested">Who asked, and whom he acted for.</param>
    public static Rejection? Confirm(
        string act,
        string what,
        IEnumerable<string?> requested,
        string? confirmBy,
        Actor by
    ) =>
        confirmBy is null ? new Rejection(Rejections.WrongState, $"没有人申请{act}（{what}）")
        : confirmBy != by.Id || requested.Any(by.Is)
            ? new Rejection(Rejections.SelfApproval, "须由申请人指定的另一人确认")
        : null;
}

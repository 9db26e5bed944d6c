using Ledger.Domain.Identity;

namespace Ledger.Domain.Accounts;

/// <summary>
/// Who may sit on a village's supervision committee (村务监督委员会, L7): nobody who keeps its books, under whatever
/// account, nor close kin of who does. Kin is nothing that can be known here: whoever asks for the account says that he
/// has looked, and the event keeps it.
/// </summary>
public static class CommitteeDuties
{
    /// <summary>Which role nobody may have in the same village beside this one; null: any.</summary>
    public static string? Opposite(string role) =>
        role switch
        {
            Roles.SupervisionCommittee => Roles.VillageFinance,
            Roles.VillageFinance => Roles.SupervisionCommittee,
            _ => null,
        };

    /// <summary>Why this person may not have the role there; null: he may.</summary>
    /// <param name="others">The accounts that ever had, or were to have, the opposite role in that village.</param>
    /// <param name="keepsOwn">The account's own role stays beside this one, which is delegated to it.</param>
    public static Rejection? Refusal(
        string name,
        string? person,
        string role,
        string region,
        IEnumerable<Account> others,
        DateOnly today,
        bool keepsOwn = false
    )
    {
        if (Opposite(role) is not { } opposite)
            return null;
        var there = others.Where(o => (keepsOwn || o.Name != name) && Holds(o, opposite, region, today)).ToList();
        if (person is null && (role == Roles.SupervisionCommittee || there.Count > 0))
            return new Rejection(Rejections.WrongState, "账户须先写明本人，才能看出与村级财务不是同一人");
        if (there.FirstOrDefault(o => o.Person is null) is { } unnamed)
            return new Rejection(Rejections.WrongState, $"账户 {unnamed.Name} 没有写明本人，请先补写");
        return there.FirstOrDefault(o => o.Person == person || o.IsDelegate(name, today)) is { } same
            ? new Rejection(
                Rejections.DutiesIncompatible,
                $"此人在本村另有{(opposite == Roles.VillageFinance ? "村级财务" : "村务监督委员会")}的职务（账户 {same.Name}）"
            )
            : null;
    }

    /// <summary>Close kin of the finance staff do not sit on it: somebody has to have looked.</summary>
    public static Rejection? KinUnasked(string role, bool? confirmedNoKin) =>
        role == Roles.SupervisionCommittee && confirmedNoKin != true
            ? new Rejection(Rejections.FieldInvalid, "请核实并确认此人不是本村财务人员的近亲属")
            {
                Field = "confirmedNoKin",
            }
            : null;

    private static bool Holds(Account a, string role, string region, DateOnly today) =>
        !a.IsClosed
        && (
            (!a.IsRequested && (a.Role, a.Region) == (role, region))
            || (a.Waiting(today) is { } waiting && (waiting.Role, waiting.Region) == (role, region))
        );
}

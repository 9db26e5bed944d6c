namespace Ledger.Domain;

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

    /// <param name="what">What it is about, e.g. 这笔划入.</param>
    /// <param name="requested">Who asked, and whom he acted for.</param>
    public static Rejection? Confirm(
        string act,
        string what,
        IEnumerable<string?> requested,
        string? confirmBy,
        Actor by
    ) =>
        confirmBy is null ? new Rejection(Rejections.WrongState, $"没有人申请{act}{what}")
        : confirmBy != by.Id || requested.Any(by.Is)
            ? new Rejection(Rejections.SelfApproval, "须由申请人指定的另一人确认")
        : null;
}

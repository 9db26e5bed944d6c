namespace Ledger.Domain;

/// <summary>Four eyes (C20): one person asks and names another, and only that other may confirm.</summary>
public static class FourEyes
{
    /// <param name="act">What is asked for, e.g. 冲正.</param>
    public static Rejection? Ask(string act, string confirmBy, Actor by) =>
        confirmBy == by.Id ? new Rejection(Rejections.SelfApproval, $"{act}须由另一人确认") { Field = "confirmBy" } : null;

    /// <param name="what">What it is about, e.g. 这笔划入.</param>
    public static Rejection? Confirm(string act, string what, string? requestedBy, string? confirmBy, Actor by) =>
        confirmBy is null ? new Rejection(Rejections.WrongState, $"没有人申请{act}{what}")
        : confirmBy != by.Id || requestedBy == by.Id ? new Rejection(Rejections.SelfApproval, "须由申请人指定的另一人确认")
        : null;
}

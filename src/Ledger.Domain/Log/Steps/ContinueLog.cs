using Ledger.Domain.Identity;

namespace Ledger.Domain.Log.Steps;

/// <summary>
/// The log goes on behind what it had signed: after a tail that was lost for good, by two people, with the reason.
/// </summary>
public static class ContinueLog
{
    public const int MaxReason = 300,
        MaxName = 50,
        MaxSeen = 20;

    /// <summary>A checkpoint that somebody has.</summary>
    /// <param name="IsHere">The present log contains it: nothing of it is lost.</param>
    public sealed record SeenTree(LogTree Tree, string Note, bool IsHere);

    /// <param name="Known">What was declared of this fork before; null: nothing.</param>
    /// <param name="Seen">What signer and operator have seen.</param>
    public sealed record Basis(
        LogContinuation? Known,
        string Log,
        LogTree Shared,
        LogTree Continued,
        IReadOnlyList<SeenTree> Seen,
        DateTimeOffset? LostFrom,
        DateTimeOffset LostUntil
    );

    public sealed record Request(string Region, string Reason, IReadOnlyList<string> ApprovedBy);

    /// <summary>Those of the fork, the furthest first.</summary>
    public static IReadOnlyList<SeenTree> Fork(IEnumerable<SeenTree> seen) =>
        [.. seen.Where(s => !s.IsHere).DistinctBy(s => s.Tree).OrderByDescending(s => s.Tree.TreeSize)];

    /// <param name="sign">Makes the signed statement of what is declared.</param>
    public static Decision<LogContinuation> Decide(Basis basis, Request request, Func<LogContinued, string> sign)
    {
        var fork = Fork(basis.Seen);
        if (fork.Count == 0)
            return new Rejection(Rejections.WrongState, "现在的日志包含所见过的检查点：没有丢失什么，不用续接");
        if (basis.Known is not null)
            return new Rejection(Rejections.WrongState, $"{fork[0].Tree.TreeSize} 条的检查点已经续接过");
        if (fork.Count > MaxSeen)
            return new Rejection(Rejections.LimitExceeded, $"一次至多 {MaxSeen} 个检查点");
        if (basis.Shared.TreeSize >= fork[^1].Tree.TreeSize)
            return new Rejection(
                Rejections.WrongState,
                $"{fork[^1].Tree.TreeSize} 条的检查点不在共同的 {basis.Shared.TreeSize} 条以后：这不是丢失了尾部，是历史被改写"
            );
        if (Fault(request) is { } fault)
            return fault;
        var declared = new LogContinued(
            request.Region,
            basis.Log,
            basis.Shared,
            basis.Continued,
            [.. fork.Select(f => f.Note)],
            fork[0].Tree.TreeSize - basis.Shared.TreeSize,
            basis.LostFrom,
            basis.LostUntil,
            request.Reason,
            request.ApprovedBy,
            ""
        );
        return new IEventOf<LogContinuation>[] { declared with { Statement = sign(declared) } };
    }

    private static Rejection? Fault(Request request)
    {
        if (IsUnfit(request.Reason, MaxReason) || request.Reason.Count(char.IsLetter) < 2)
            return Unfit("reason", $"应写明为什么，一行，至多 {MaxReason} 字");
        if (request.ApprovedBy is not [var one, var other] || IsUnfit(one, MaxName) || IsUnfit(other, MaxName))
            return Unfit("approvedBy", "应写两个人的姓名");
        if (Plain(one) == Plain(other))
            return new Rejection(Rejections.SelfApproval, "须由两个人决定，所写的是同一个姓名")
            {
                Field = "approvedBy",
            };
        foreach (var text in (string[])[request.Reason, one, other])
            if (PersonalNumbers.In(text) is { } what)
                return new Rejection(Rejections.PersonalDataInText, $"理由或姓名中有{what}");
        return null;
    }

    private static Rejection Unfit(string field, string why) => new(Rejections.FieldInvalid, why) { Field = field };

    private static bool IsUnfit(string text, int most) =>
        text.Length == 0 || text.Length > most || text != text.Trim() || text.Any(char.IsControl);

    /// <summary>Width, case and spaces make no second person.</summary>
    private static string Plain(string name) =>
        new([.. Written.Narrow(name).ToLowerInvariant().Where(c => !char.IsWhiteSpace(c))]);
}

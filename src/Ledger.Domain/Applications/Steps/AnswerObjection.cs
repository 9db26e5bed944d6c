using Ledger.Domain.Funds;
using Ledger.Domain.Members;

namespace Ledger.Domain.Applications.Steps;

/// <summary>
/// The answer to an objection. Upheld: against <paramref name="MemberId"/> (else whom the objection named) or
/// <paramref name="WholeList"/>;
/// <paramref name="CorrectedFen"/>: what the amount should have been.
/// </summary>
public sealed record ObjectionAnswer(
    bool Upheld,
    string Answer,
    string? MemberId = null,
    bool WholeList = false,
    Money? CorrectedFen = null
);

/// <summary>
/// An objection is answered (C16): upheld, its line leaves the list and the money goes back to where it came from.
/// </summary>
public static class AnswerObjection
{
    /// <summary>From this business date on no answer is by who handled the list; older builds let a reviewer.</summary>
    public static readonly DateOnly NotByHandlersFrom = new(2026, 12, 1);

    /// <summary>Changed: application; where an objection is upheld also fund and member-years.</summary>
    /// <param name="Fund">Null where no line falls: it is not touched, nor locked.</param>
    /// <param name="Years">Of the lines that fall, by member-year id.</param>
    /// <param name="RaisedBy">Who raised it, where he is known.</param>
    public sealed record Basis(
        Application Application,
        Fund? Fund,
        IReadOnlyDictionary<string, MemberYear> Years,
        string? RaisedBy
    );

    public static Decision<Application> Decide(Basis on, string objectionId, ObjectionAnswer answer, Actor by)
    {
        var application = on.Application;
        var decision = Move(application, objectionId, answer, on.RaisedBy, by);
        return decision with
        {
            Also = decision.Rejection is null
                ? Release.Of(application, Falling(application, objectionId, answer), on.Fund, on.Years, answer.Answer)
                : [],
        };
    }

    /// <summary>The approved lines that fall with an objection, if it is answered so.</summary>
    public static IReadOnlyList<Line> Falling(Application state, string objectionId, ObjectionAnswer answer) =>
        !answer.Upheld ? []
        : answer.WholeList ? state.Approved(null)
        : About(state.Objections.FirstOrDefault(o => o.ObjectionId == objectionId), answer) is { } about
            ? state.Approved([about])
        : [];

    /// <summary>Whom an upheld objection is against; null: nobody is named.</summary>
    private static string? About(Objection? objection, ObjectionAnswer answer) =>
        answer.MemberId ?? objection?.MemberId;

    /// <summary>
    /// C16: an objection is upheld against somebody on the list or against all of it, and something follows; nobody
    /// answers what he raised himself, nor what is raised against the list
    /// that he filed, reviewed, approved, signed or held.
    /// </summary>
    /// <param name="raisedBy">Who raised it, where he is known.</param>
    public static Decision<Application> Move(
        Application state,
        string objectionId,
        ObjectionAnswer answer,
        string? raisedBy,
        Actor by
    )
    {
        var (objection, refusal) = Open(state, objectionId, raisedBy, by);
        if (objection is null)
            return refusal!;
        if (!answer.Upheld)
            return new IEventOf<Application>[] { new ObjectionResolved(objectionId, false, answer.Answer, by.Id) };
        if (answer is { WholeList: true, MemberId: not null })
            return Invalid("wholeList", "指明一人，或整份名单，不能兼有");
        var about = answer.WholeList ? null : About(objection, answer);
        if (!answer.WholeList && about is null)
            return Invalid("memberId", "异议成立须指明名单中的人员；整份名单有误的选整份名单");
        if (about is not null)
        {
            if (
                state.Lines.FirstOrDefault(l => l.MemberId == about)
                is not { Status: LineStatus.Approved or LineStatus.Released } line
            )
                return Invalid("memberId", "不在公示名单中");
            if (answer.CorrectedFen == line.AmountFen)
                return Invalid("correctedAmount", $"与公示金额 {line.AmountFen} 元相同");
        }
        var resolved = new ObjectionResolved(
            objectionId,
            true,
            answer.Answer,
            by.Id,
            about,
            answer.WholeList,
            answer.CorrectedFen
        );
        var isLast = answer.WholeList || state.With(LineStatus.Approved).All(l => l.MemberId == about);
        return isLast
            ? new IEventOf<Application>[] { resolved, new ApplicationWithdrawn(by.Id, answer.Answer) }
            : [resolved];

        static Rejection Invalid(string field, string message) =>
            new(Rejections.FieldInvalid, message) { Field = field };
    }

    /// <summary>
    /// C16: what anonymous people wrote and nobody could look into is closed, many at once, with the reason on record.
    /// </summary>
    /// <param name="raisedBy">Who raised each of them, where he is known; theirs are answered one by one.</param>
    public static Decision<Application> CloseEmpty(
        Application state,
        IReadOnlyList<string> objectionIds,
        IReadOnlyDictionary<string, string> raisedBy,
        string reason,
        Actor by
    )
    {
        if (objectionIds.Count == 0 || objectionIds.Distinct().Count() != objectionIds.Count)
            return new Rejection(Rejections.FieldInvalid, "没有列出异议，或有重复") { Field = "objectionIds" };
        foreach (var (id, i) in objectionIds.Select((id, i) => (id, i)))
        {
            if (Open(state, id, raisedBy.GetValueOrDefault(id), by) is { Refusal: { } refusal })
                return refusal;
            if (raisedBy.ContainsKey(id))
                return new Rejection(Rejections.FieldInvalid, "实名异议须逐条答复") { Field = $"objectionIds[{i}]" };
        }
        return objectionIds
            .Select(id => new ObjectionResolved(id, false, reason, by.Id, IsEmpty: true))
            .ToArray<IEventOf<Application>>();
    }

    private static (Objection? Objection, Rejection? Refusal) Open(
        Application state,
        string objectionId,
        string? raisedBy,
        Actor by
    ) =>
        state.NotIn(ApplicationStatus.Noticed) is { } wrong ? (null, wrong)
        : state.Objections.FirstOrDefault(o => o.ObjectionId == objectionId) is not { } objection
            ? (null, new Rejection(Rejections.NotFound, "没有这条异议"))
        : objection.Upheld is not null ? (null, new Rejection(Rejections.WrongState, "这条异议已答复"))
        : by.Is(raisedBy) ? (null, new Rejection(Rejections.SelfApproval, "不能答复自己提出的异议"))
        : by.IsAmong(state.Handlers().OfType<string>())
            ? (null, new Rejection(Rejections.SelfApproval, "经办过这件申请的人不能答复对它的异议"))
        : (objection, null);
}

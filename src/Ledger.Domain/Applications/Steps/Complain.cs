using System.Security.Cryptography;
using System.Text;

namespace Ledger.Domain.Applications.Steps;

/// <summary>
/// A member complains (投诉, L18): at any time, also after payment and settlement. The township answers; where it does
/// not, or the person is not content, the county does. An answer moves no money: what is wrong is set right by the ways
/// that there are (refund, reversal, another application).
/// </summary>
public static class Complain
{
    /// <param name="secret">What whoever complains from the public page alone is told.</param>
    public static Decision<Application> Raise(
        Application state,
        string complaintId,
        string? memberId,
        string text,
        string? secret = null
    ) =>
        memberId is not null && state.Lines.All(l => l.MemberId != memberId)
            ? new Rejection(Rejections.FieldInvalid, "不在本申请名单中") { Field = "memberId" }
            : new IEventOf<Application>[]
            {
                new ComplaintRaised(complaintId, memberId, text, secret is null ? null : Digest(secret)),
            };

    /// <summary>However it was copied from the screen: without spaces and dashes, in capitals.</summary>
    public static string Digest(string secret) =>
        Convert.ToHexStringLower(
            SHA256.HashData(
                Encoding.ASCII.GetBytes(string.Concat(secret.Where(char.IsAsciiLetterOrDigit)).ToUpperInvariant())
            )
        );

    /// <summary>
    /// It is taken further with what only the complainant was told, at a desk as well: officials see the number, too. A
    /// complaint from before, or from a desk, has no secret.
    /// </summary>
    public static Rejection? NotComplainant(string? secretDigest, string? secret) =>
        secretDigest is null || (secret is not null && Digest(secret) == secretDigest)
            ? null
            : new Rejection(Rejections.FieldInvalid, "查询密码不符：提交投诉时与查询号一起显示") { Field = "secret" };

    /// <summary>
    /// By the township, or by the county once it is there; never by somebody of the village, nor by who complained or
    /// had a part in the application.
    /// </summary>
    /// <param name="raisedBy">Who complained, where he is known.</param>
    /// <param name="ofVillage">The accounts of the village.</param>
    public static Decision<Application> Answer(
        Application state,
        string complaintId,
        ComplaintAnswer answer,
        bool byCounty,
        string? raisedBy,
        IReadOnlyCollection<string> ofVillage,
        Actor by
    )
    {
        if (state.Complaints.FirstOrDefault(c => c.ComplaintId == complaintId) is not { } complaint)
            return new Rejection(Rejections.NotFound, "没有这件投诉");
        if (complaint.Status != (byCounty ? ComplaintStatus.Escalated : ComplaintStatus.Raised))
            return new Rejection(
                Rejections.WrongState,
                complaint.Status switch
                {
                    ComplaintStatus.Raised => "投诉由乡镇（街道）先答复",
                    ComplaintStatus.Escalated => "投诉已转县级答复",
                    _ => "这件投诉已答复",
                }
            );
        if (by.Is(raisedBy))
            return new Rejection(Rejections.SelfApproval, "不能答复自己提出的投诉");
        if (by.IsAmong(state.Handlers().OfType<string>()))
            return new Rejection(Rejections.SelfApproval, "经办过这件申请的人不能答复对它的投诉");
        if (by.IsAmong(ofVillage))
            return new Rejection(Rejections.SelfApproval, "本村的人不能答复对本村的投诉");
        if (complaint.Answers.Any(a => by.Is(a.By)))
            return new Rejection(Rejections.SelfApproval, "不能复查自己的答复");
        if (!answer.Upheld && answer.Remedy is not null)
            return new Rejection(Rejections.FieldInvalid, "投诉不成立的，没有更正办法") { Field = "remedy" };
        return new IEventOf<Application>[]
        {
            new ComplaintAnswered(complaintId, answer.Upheld, answer.Answer, answer.Remedy, by.Id, by.OnBehalfOf),
        };
    }

    /// <summary>Whoever complained is not content with the township's answer, or has waited for it too long.</summary>
    /// <param name="answerDue">When the township should have answered.</param>
    public static Decision<Application> Escalate(
        Application state,
        string complaintId,
        string reason,
        DateOnly answerDue,
        DateOnly today
    ) =>
        state.Complaints.FirstOrDefault(c => c.ComplaintId == complaintId) is not { } complaint
            ? new Rejection(Rejections.NotFound, "没有这件投诉")
        : complaint.Status is ComplaintStatus.Escalated or ComplaintStatus.Closed
            ? new Rejection(Rejections.WrongState, "投诉已转县级，以县级答复为准")
        : complaint.Status == ComplaintStatus.Raised && today <= answerDue
            ? new Rejection(Rejections.WrongState, $"乡镇（街道）在 {answerDue:yyyy-MM-dd} 前答复，逾期可转县级")
        : new IEventOf<Application>[] { new ComplaintEscalated(complaintId, reason) };
}

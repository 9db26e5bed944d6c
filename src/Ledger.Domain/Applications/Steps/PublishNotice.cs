namespace Ledger.Domain.Applications.Steps;

/// <summary>The notice (公示, C16).</summary>
public static class PublishNotice
{
    /// <summary>
    /// C16. The first day does not count, so the notice runs the full number of days after <paramref name="today"/>.
    /// </summary>
    public static Decision<Application> Decide(Application state, string place, int noticeDays, DateOnly today) =>
        state.NotIn(ApplicationStatus.Approved) is { } wrong
            ? wrong
            : new IEventOf<Application>[] { new NoticePublished(today, today.AddDays(noticeDays), place) };

    public const int MaxProofs = 20;

    /// <summary>L6: photos of the notice on its board, as many as it takes; the same again are no event.</summary>
    public static Decision<Application> Prove(Application state, IReadOnlyList<string> evidence)
    {
        var more = evidence.Except(state.NoticeProof).ToList();
        return state.NoticeFrom is null ? new Rejection(Rejections.WrongState, "尚未公示")
            : evidence.Count == 0 ? new Rejection(Rejections.EvidenceMissing, "须附张贴照片") { Field = "evidence" }
            : more.Count == 0 ? Array.Empty<IEventOf<Application>>()
            : state.NoticeProof.Length + more.Count > MaxProofs
                ? new Rejection(Rejections.LimitExceeded, $"张贴照片最多 {MaxProofs} 份") { Field = "evidence" }
            : new IEventOf<Application>[] { new NoticeProofRecorded(more) };
    }
}

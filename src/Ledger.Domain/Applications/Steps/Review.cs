namespace Ledger.Domain.Applications.Steps;

/// <summary>
/// The agency looks at a list line by line, returns it or turns it down (C15); never whoever filed it.
/// </summary>
public static class Review
{
    /// <summary>C15: line by line, in as many sittings as it takes; by somebody who did not file.</summary>
    /// <param name="findings">By member id, what is to be answered for: such a line is accepted with a reason or not at
    /// all.</param>
    /// <param name="against">By member id, what the check has found against a line. Given: every undecided line that
    /// is not in it is accepted too; whoever is in it is asked for by himself.</param>
    /// <param name="own">The lines whose contribution the reviewer recorded himself: another accepts them.</param>
    public static Decision<Application> Decide(
        Application state,
        IReadOnlyList<LineVerdict> verdicts,
        bool acceptRest,
        IReadOnlyDictionary<string, LineFinding> findings,
        Actor by,
        IReadOnlyDictionary<string, string>? against = null,
        IReadOnlyList<Line>? own = null
    )
    {
        if (state.NotIn(ApplicationStatus.Filed, ApplicationStatus.Reviewed) is { } wrong)
            return wrong;
        if (by.IsAmong(state.Filers))
            return new Rejection(Rejections.SelfApproval, "申请人不能复核自己的申请");
        if (Malformed(state, verdicts) is { Count: > 0 } faults)
            return new Rejection(Rejections.FieldInvalid, "复核意见有误") { Faults = faults };
        if (against is not null)
        {
            var marked = verdicts.Select(v => v.MemberId).ToHashSet();
            var rest = state.With(LineStatus.Filed).Where(l => !marked.Contains(l.MemberId)).ToList();
            var sound = rest.Where(l => !against.ContainsKey(l.MemberId)).ToList();
            if (sound.Count == rest.Count)
                acceptRest |= rest.Count > 0;
            else if (sound.Count == 0 && verdicts.Count == 0)
                return Flagged(rest, against);
            else
                verdicts = [.. verdicts, .. sound.Select(l => new LineVerdict(l.MemberId, true, null))];
        }
        var decided = verdicts.Select(v => v.MemberId).ToHashSet();
        var accepted = verdicts.Where(v => v.Accepted).Select(v => v.MemberId).ToHashSet();
        if (
            OwnRecords.Refusal(
                [
                    .. (own ?? []).Where(l =>
                        accepted.Contains(l.MemberId)
                        || acceptRest && l.Status == LineStatus.Filed && !decided.Contains(l.MemberId)
                    ),
                ],
                "复核"
            ) is
            { } alone
        )
            return alone;
        if (Unexplained(state, verdicts, decided, acceptRest, findings) is { } open)
            return open;
        if (verdicts.Count == 0 && !acceptRest)
            return new Rejection(Rejections.FieldInvalid, "没有复核意见") { Field = "verdicts" };
        verdicts = [.. verdicts.Select(v => v with { Finding = findings.GetValueOrDefault(v.MemberId)?.OfList })];

        var lines = state.Lines.ToDictionary(l => l.MemberId);
        var complete = acceptRest || state.With(LineStatus.Filed).All(l => decided.Contains(l.MemberId));
        // The same decision again, by whoever has decided here already, is none.
        if (
            by.IsAmong(state.Reviewers)
            && verdicts.All(v => v.IsOf(lines[v.MemberId]))
            && !(acceptRest && state.With(LineStatus.Filed).Any())
            && (!complete || state.Status == ApplicationStatus.Reviewed)
        )
            return Array.Empty<IEventOf<Application>>();
        var events = verdicts
            .Chunk(ApplicationReviewed.MaxVerdicts)
            .Select(c => new ApplicationReviewed(by.Id, c, false, false, OnBehalfOf: by.OnBehalfOf))
            .ToList();
        if (acceptRest)
            events.Add(new ApplicationReviewed(by.Id, [], true, false, OnBehalfOf: by.OnBehalfOf));
        events[^1] = events[^1] with { Complete = complete };
        return events.ToArray<IEventOf<Application>>();
    }

    /// <summary>Nothing but lines that something stands against: each is asked for by himself.</summary>
    private static Rejection Flagged(IReadOnlyList<Line> rest, IReadOnlyDictionary<string, string> against) =>
        new(
            Rejections.FindingOpen,
            $"其余 {rest.Count} 人系统核对有问题，须逐人标明意见，首例：第 {rest[0].Row} 行 {against[rest[0].MemberId]}"
        )
        {
            Faults =
            [
                .. rest.Select(l => new Fault(
                    Rejections.FindingOpen.Code,
                    against[l.MemberId],
                    Row: l.Row,
                    Column: Roster.CitizenIdColumn,
                    MemberId: l.MemberId
                )),
            ],
        };

    private static List<Fault> Malformed(Application state, IReadOnlyList<LineVerdict> verdicts)
    {
        var members = state.Lines.Select(l => l.MemberId).ToHashSet();
        var faults = verdicts
            .Select(
                (v, i) =>
                    !members.Contains(v.MemberId)
                        ? new Fault(
                            Rejections.FieldInvalid.Code,
                            "不在本申请名单中",
                            $"verdicts[{i}].memberId",
                            MemberId: v.MemberId
                        )
                    : !v.Accepted && string.IsNullOrWhiteSpace(v.Reason)
                        ? new Fault(Rejections.FieldInvalid.Code, "不通过须写明原因", $"verdicts[{i}].reason")
                    : v.Reason?.Length > ApplicationReviewed.MaxReasonLength
                        ? new Fault(
                            Rejections.FieldInvalid.Code,
                            $"原因最多 {ApplicationReviewed.MaxReasonLength} 字",
                            $"verdicts[{i}].reason"
                        )
                    : null
            )
            .OfType<Fault>()
            .ToList();
        if (verdicts.Select(v => v.MemberId).Distinct().Count() != verdicts.Count)
            faults.Add(new Fault(Rejections.FieldInvalid.Code, "同一人员出现多次", "verdicts"));
        return faults;
    }

    /// <summary>A finding is answered, not passed over.</summary>
    private static Rejection? Unexplained(
        Application state,
        IReadOnlyList<LineVerdict> verdicts,
        HashSet<string> decided,
        bool acceptRest,
        IReadOnlyDictionary<string, LineFinding> findings
    )
    {
        var explained = verdicts
            .Where(v => !v.Accepted || !string.IsNullOrWhiteSpace(v.Reason))
            .Select(v => v.MemberId)
            .ToHashSet();
        var open = state
            .Lines.Where(l =>
                findings.ContainsKey(l.MemberId)
                && !explained.Contains(l.MemberId)
                && (decided.Contains(l.MemberId) || acceptRest && l.Status == LineStatus.Filed)
            )
            .ToList();
        return open.Count == 0
            ? null
            : new Rejection(
                Rejections.FindingOpen,
                $"{open.Count} 人须写明依据，首例：第 {open[0].Row} 行 {findings[open[0].MemberId].Message}"
            )
            {
                Faults =
                [
                    .. open.Select(l => new Fault(
                        Rejections.FindingOpen.Code,
                        findings[l.MemberId].Message,
                        Row: l.Row,
                        Column: Roster.CitizenIdColumn,
                        MemberId: l.MemberId
                    )),
                ],
            };
    }

    public static Decision<Application> Return(Application state, string reason, Actor by) =>
        state.NotIn(ApplicationStatus.Filed, ApplicationStatus.Reviewed) is { } wrong ? wrong
        : by.IsAmong(state.Filers) ? new Rejection(Rejections.SelfApproval, "申请人不能退回自己的申请")
        : new IEventOf<Application>[] { new ApplicationReturned(by.Id, reason) };

    public static Decision<Application> Reject(Application state, string reason, Actor by) =>
        state.NotIn(ApplicationStatus.Filed, ApplicationStatus.Reviewed) is { } wrong ? wrong
        : by.IsAmong(state.Filers) || by.IsAmong(state.Reviewers)
            ? new Rejection(Rejections.SelfApproval, "经办人、复核人不能作审批决定")
        : new IEventOf<Application>[] { new ApplicationRejected(by.Id, reason) };
}

namespace Ledger.Domain.Applications;

/// <summary>The ways back of an application's lines: withdrawal, bank return, refund. What they do to the fund is in FundDecider.</summary>
public static class WayBack
{
    /// <summary>The village takes lines back, before they are paid. With its last line the application ends.</summary>
    public static Decision<Application> WithdrawLines(
        Application state,
        IReadOnlyList<string> memberIds,
        string reason,
        Actor by
    )
    {
        if (
            ApplicationDecider.NotIn(
                state,
                ApplicationStatus.Filed,
                ApplicationStatus.Reviewed,
                ApplicationStatus.Approved,
                ApplicationStatus.Noticed,
                ApplicationStatus.Paid
            ) is
            { } wrong
        )
            return wrong;
        var (lines, fault) = Lines(
            state,
            memberIds,
            "可撤回",
            LineStatus.Filed,
            LineStatus.Accepted,
            LineStatus.Approved
        );
        if (fault is not null)
            return fault;
        var gone = lines.Select(l => l.MemberId).ToHashSet();
        var isLast = state.Lines.All(l =>
            gone.Contains(l.MemberId) || l.Status is LineStatus.Refused or LineStatus.Withdrawn or LineStatus.Released
        );
        var events = Withdrawn(lines, reason, by);
        return isLast ? [.. events, new ApplicationWithdrawn(by.Id, reason)] : events;
    }

    /// <summary>The village takes the whole application back, before anything of it is paid.</summary>
    public static Decision<Application> Withdraw(Application state, string reason, Actor by)
    {
        if (
            ApplicationDecider.NotIn(
                state,
                ApplicationStatus.Filed,
                ApplicationStatus.Returned,
                ApplicationStatus.Reviewed,
                ApplicationStatus.Approved,
                ApplicationStatus.Noticed
            ) is
            { } wrong
        )
            return wrong;
        var open = state
            .Lines.Where(l => l.Status is LineStatus.Filed or LineStatus.Accepted or LineStatus.Approved)
            .ToList();
        return (IEventOf<Application>[])[.. Withdrawn(open, reason, by), new ApplicationWithdrawn(by.Id, reason)];
    }

    /// <summary>The bank sent money back: the lines can be paid again or withdrawn.</summary>
    public static Decision<Application> ReturnPayment(
        Application state,
        IReadOnlyList<string> memberIds,
        string bankReference,
        string reason,
        IReadOnlyList<string> evidence,
        Actor by
    )
    {
        if (ApplicationDecider.NotIn(state, ApplicationStatus.Paid) is { } wrong)
            return wrong;
        if (evidence.Count == 0)
            return new Rejection(Rejections.EvidenceMissing, "银行退回须附退汇凭证") { Field = "evidence" };
        var (lines, fault) = Lines(state, memberIds, "已付款而未入账", LineStatus.Paid);
        if (fault is not null)
            return fault;
        return lines
            .Chunk(PaymentReturned.MaxMembers)
            .Select(c => new PaymentReturned(
                by.Id,
                [.. c.Select(l => l.MemberId)],
                Money.Sum(c.Select(l => l.AmountFen)),
                bankReference,
                reason,
                evidence
            ))
            .ToArray<IEventOf<Application>>();
    }

    /// <summary>The agency sends one member's subsidy back, also after settlement (C5 claw-back, death, double subsidy, departure, refusal).</summary>
    public static Decision<Application> Refund(
        Application state,
        string memberId,
        RefundReason reason,
        string bankReference,
        IReadOnlyList<string> evidence,
        Actor by
    )
    {
        if (ApplicationDecider.NotIn(state, ApplicationStatus.Paid, ApplicationStatus.Settled) is { } wrong)
            return wrong;
        if (evidence.Count == 0)
            return new Rejection(Rejections.EvidenceMissing, "退回须附凭证") { Field = "evidence" };
        var (lines, fault) = Lines(state, [memberId], "已付款或已入账", LineStatus.Paid, LineStatus.Credited);
        if (fault is not null)
            return fault;
        return new IEventOf<Application>[]
        {
            new LineRefunded(
                by.Id,
                memberId,
                lines[0].AmountFen,
                reason,
                lines[0].Status == LineStatus.Credited,
                bankReference,
                evidence
            ),
        };
    }

    /// <summary>The lines of these members (null: every one in a fitting status), or what is wrong with the list.</summary>
    internal static (IReadOnlyList<Line> Lines, Rejection? Fault) Lines(
        Application state,
        IReadOnlyList<string>? memberIds,
        string what,
        params LineStatus[] statuses
    )
    {
        if (memberIds is null)
        {
            var all = state.Lines.Where(l => statuses.Contains(l.Status)).ToList();
            return (all, all.Count > 0 ? null : new Rejection(Rejections.WrongState, $"没有{what}的人员"));
        }
        var byMember = state.Lines.ToDictionary(l => l.MemberId);
        var faults = memberIds
            .Select(
                (id, i) =>
                    !byMember.TryGetValue(id, out var line) ? Fault(i, id, "不在本申请名单中")
                    : !statuses.Contains(line.Status) ? Fault(i, id, $"不是{what}的人员")
                    : memberIds.Take(i).Contains(id) ? Fault(i, id, "出现多次")
                    : null
            )
            .OfType<Fault>()
            .ToList();
        if (memberIds.Count == 0)
            return ([], new Rejection(Rejections.FieldInvalid, "没有列出人员") { Field = "memberIds" });
        if (faults.Count > 0)
            return (
                [],
                new Rejection(Rejections.FieldInvalid, $"{faults.Count} 人有误，首例：{faults[0].Message}")
                {
                    Field = "memberIds",
                    Faults = faults,
                }
            );
        var wanted = memberIds.ToHashSet();
        return ([.. state.Lines.Where(l => wanted.Contains(l.MemberId))], null);

        static Fault Fault(int i, string id, string message) =>
            new(Rejections.FieldInvalid.Code, message, $"memberIds[{i}]", MemberId: id);
    }

    private static IEventOf<Application>[] Withdrawn(IReadOnlyList<Line> lines, string reason, Actor by) =>
        [
            .. lines
                .Chunk(LinesWithdrawn.MaxMembers)
                .Select(c => new LinesWithdrawn(
                    by.Id,
                    [.. c.Select(l => l.MemberId)],
                    Money.Sum(c.Select(l => l.AmountFen)),
                    reason
                )),
        ];
}

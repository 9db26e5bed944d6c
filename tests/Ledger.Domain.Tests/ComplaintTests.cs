using Ledger.Domain.Applications;
using Ledger.Domain.Applications.Steps;
using Ledger.Domain.Policies;

namespace Ledger.Domain.Tests;

/// <summary>Complaints at any time (L18): who answers, what goes to the county, and when.</summary>
public sealed class ComplaintTests
{
    private const string Id = "application-1",
        Member = "member-1",
        Complaint = "complaint-1";
    private static readonly DateOnly Today = new(2026, 6, 1);

    private static readonly Application Settled = Given.State<Application>(
        Id,
        new ApplicationFiled(
            "plan-1",
            1,
            "c",
            "fund-1",
            "370811102201",
            2026,
            "general",
            "clerk",
            "s",
            "r",
            1,
            new(100)
        ),
        new LinesListed([new RosterLine(2, Member, new Money(30_000), new Money(100))]),
        new ApplicationReviewed("reviewer", [], true, true),
        new ApplicationApproved("approver", 1, new Money(100), new FenInterval(0, 100)),
        new NoticePublished(new DateOnly(2026, 3, 1), new DateOnly(2026, 3, 8), "x"),
        new PaymentSent("clerk", 1, new Money(100), "NX", []),
        new ReceiptConfirmed("reviewer", "d", new Money(100), [Member], []),
        new ApplicationSettled("approver", 1, new Money(100))
    );

    private static Application Raised(string? member = null) =>
        Settled.And(Id, Complain.Raise(Settled, Complaint, member, "没有收到").Then())!;

    private static Decision<Application> Answer(
        Application state,
        string by = "township",
        bool byCounty = false,
        string? raisedBy = null,
        string[]? ofVillage = null,
        ComplaintAnswer? answer = null,
        Dictionary<string, string>? persons = null
    ) =>
        Complain.Answer(
            state,
            Complaint,
            answer ?? new ComplaintAnswer(false, "已入账"),
            byCounty,
            raisedBy,
            ofVillage ?? [],
            Given.Actor(by) with
            {
                Persons = persons ?? [],
            }
        );

    private static Application Answered() => Raised().And(Id, Answer(Raised()).Then())!;

    [Fact]
    public void L18_a_complaint_is_raised_after_settlement_and_moves_neither_line_nor_status()
    {
        var state = Raised(Member);
        Assert.Equal((ApplicationStatus.Settled, LineStatus.Credited), (state.Status, state.Lines[0].Status));
        Assert.Equal(
            (Member, ComplaintStatus.Raised),
            (Assert.Single(state.Complaints).MemberId, state.Complaints[0].Status)
        );
        Assert.Equal(
            "memberId",
            Complain.Raise(Settled, Complaint, "member-2", "x").ThenRefused(Rejections.FieldInvalid).Field
        );
        var answered = state.And(
            Id,
            Answer(state, answer: new ComplaintAnswer(true, "入账有误", ComplaintRemedy.Refund)).Then()
        )!;
        Assert.Equal(LineStatus.Credited, answered.Lines[0].Status);
        Assert.Equal(
            (true, ComplaintRemedy.Refund),
            (answered.Complaints[0].Answers[0].Upheld, answered.Complaints[0].Answers[0].Remedy)
        );
        Assert.Equal(
            "remedy",
            Answer(state, answer: new ComplaintAnswer(false, "x", ComplaintRemedy.Refund))
                .ThenRefused(Rejections.FieldInvalid)
                .Field
        );
    }

    [Fact]
    public void L18_nobody_answers_who_complained_handled_the_application_or_is_of_the_village()
    {
        foreach (var by in (string[])["clerk", "reviewer", "approver"])
            Answer(Raised(), by).ThenRefused(Rejections.SelfApproval);
        Answer(Raised(), "desk", raisedBy: "desk").ThenRefused(Rejections.SelfApproval);
        // Under whatever account: one person of the village, who has an account at the township, too.
        var persons = new Dictionary<string, string> { ["w.t"] = "person-w", ["w.v"] = "person-w" };
        Answer(Raised(), "w.t", ofVillage: ["w.v"], persons: persons).ThenRefused(Rejections.SelfApproval);
        Answer(Raised(), "w.t", ofVillage: ["z.v"], persons: persons).Then();
    }

    [Fact]
    public void L18_the_township_answers_first_and_the_county_what_comes_to_it_by_another_person()
    {
        Answer(Raised(), byCounty: true).ThenRefused(Rejections.WrongState);
        Answer(Answered()).ThenRefused(Rejections.WrongState);
        Answer(Settled).ThenRefused(Rejections.NotFound);
        var escalated = Answered().And(Id, Escalate(Answered(), Today).Then())!;
        Assert.Equal(ComplaintStatus.Escalated, escalated.Complaints[0].Status);
        Answer(escalated).ThenRefused(Rejections.WrongState);
        Answer(escalated, "township", byCounty: true).ThenRefused(Rejections.SelfApproval);
        var closed = escalated.And(Id, Answer(escalated, "county", byCounty: true).Then())!;
        Assert.Equal((ComplaintStatus.Closed, 2), (closed.Complaints[0].Status, closed.Complaints[0].Answers.Length));
        Escalate(closed, Today.AddYears(-1)).ThenRefused(Rejections.WrongState);
        Answer(closed, "another", byCounty: true).ThenRefused(Rejections.WrongState);
    }

    [Fact]
    public void L18_the_number_that_officials_see_is_not_enough_where_a_secret_was_given()
    {
        var raised = Assert.IsType<ComplaintRaised>(
            Complain.Raise(Settled, Complaint, null, "x", "ABCD-EFGH-JKLM-NPQR").Then()[0]
        );
        Assert.DoesNotContain("ABCD", raised.SecretDigest, StringComparison.Ordinal);
        Assert.Null(Complain.NotComplainant(raised.SecretDigest, " abcd efghjklmnpqr"));
        foreach (var wrong in (string?[])[null, "", Complaint, "ABCD-EFGH-JKLM-NPQS"])
            Assert.Equal("secret", Complain.NotComplainant(raised.SecretDigest, wrong)?.Field);
        Assert.Null(Complain.NotComplainant(null, null)); // from before, or at a desk
    }

    private static Decision<Application> Escalate(Application state, DateOnly due) =>
        Complain.Escalate(state, Complaint, "没有说明", due, Today);

    [Fact]
    public void L18_it_goes_to_the_county_once_answered_or_overdue_and_not_before()
    {
        Escalate(Raised(), Today).ThenRefused(Rejections.WrongState);
        Assert.IsType<ComplaintEscalated>(Assert.Single(Escalate(Raised(), Today.AddDays(-1)).Then()));
        Assert.IsType<ComplaintEscalated>(Assert.Single(Escalate(Answered(), Today.AddDays(9)).Then()));
        Escalate(Settled, Today).ThenRefused(Rejections.NotFound);
    }

    [Fact]
    public void C21_L18_what_the_township_leaves_unanswered_goes_to_the_county_by_itself_and_has_a_deadline_there()
    {
        var raised = new ComplaintRaised(Complaint, null, "x");
        var at = new DateTimeOffset(2026, 6, 1, 9, 0, 0, TimeSpan.Zero);
        var days = Deadlines.Default with { ComplaintDays = 20 };
        Assert.Equal(30, Deadlines.Default.ForComplaint()); // †
        Assert.Equal(
            new StartedDeadline(DeadlineKind.ComplaintAnswer, 20, Complaint),
            Supervision.Starts(raised, days, 7)
        );
        IReadOnlyList<(IEventOf<Application>, DateTimeOffset)> history = [(raised, at)];
        var waiting = Supervision.Waiting(Raised(), history, days, 7);
        Assert.Equal(at.AddDays(20), Assert.Single(waiting).DueAt);
        Assert.Empty(Supervision.Escalate(Raised(), waiting, at.AddDays(19)).Then());
        var events = Supervision.Escalate(Raised(), waiting, at.AddDays(20)).Then();
        Assert.Equal([typeof(DeadlineMissed), typeof(ComplaintEscalated)], events.Select(e => e.GetType()));
        Assert.Null(((ComplaintEscalated)events[1]).Reason);

        var escalated = Raised().And(Id, events)!;
        history = [(raised, at), (events[1], at.AddDays(20))];
        var second = Assert.Single(Supervision.Waiting(escalated, history, days, 7));
        Assert.Equal(at.AddDays(40), second.DueAt);
        // The county's own delay is on record and goes nowhere else.
        Assert.IsType<DeadlineMissed>(Assert.Single(Supervision.Escalate(escalated, [second], at.AddDays(40)).Then()));
        Assert.Empty(Supervision.Waiting(Answered(), [(raised, at)], days, 7));
    }
}

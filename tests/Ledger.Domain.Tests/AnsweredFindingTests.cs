using Ledger.Domain.Log;
using Ledger.Domain.Log.Steps;
using Ledger.Domain.Screening;

namespace Ledger.Domain.Tests;

/// <summary>What was found wrong with the database is answered by one and closed by another, and found again.</summary>
public sealed class AnsweredFindingTests
{
    private static readonly DateOnly Today = new(2026, 11, 29);
    private static readonly Actor Auditor = Given.Actor("auditor", "auditor"),
        Other = Given.Actor("other", "auditor");
    private const string Id = "answered-finding-1";

    private static readonly AnswerLogFinding.Request Request = new(
        "3708",
        "两个节点的时钟不一致",
        "服务器日志",
        ["d", "d"]
    );

    private static AnswerLogFinding.Found Found(int count = 1) => new("state", "fund-1：文档为 7", count);

    private static Decision<AnsweredFinding> Answer(AnsweredFinding? known = null, int count = 1) =>
        AnswerLogFinding.Answer(Found(count), known, Request, Today, Auditor);

    private static Decision<AnsweredFinding> Close(
        AnsweredFinding known,
        FindingOutcome outcome = FindingOutcome.Sound,
        Actor? by = null,
        int count = 1
    ) => AnswerLogFinding.Close(Found(count), known, (outcome, "与备份一致"), "again", Today, by ?? Other);

    private static readonly AnsweredFinding Answered = Given.State(Id, [.. Answer().Then()]);
    private static readonly AnsweredFinding Closed = Answered.And(Id, Close(Answered).Then())!;

    [Fact]
    public void Given_a_finding_the_answer_keeps_its_words_and_needs_something_seen()
    {
        var answered = Assert.IsType<LogFindingAnswered>(Assert.Single(Answer().Then()));
        Assert.Equal(("state", "fund-1：文档为 7", 1), (answered.Kind, answered.Says, answered.Count));
        Assert.Equal(["d"], answered.Evidence);
        Assert.Equal(("3708", "auditor"), (Answered.Region, Answered.Answer!.AnsweredBy));
        Assert.True(Answered.IsOpen(1));
        AnswerLogFinding
            .Answer(Found(), null, Request with { Seen = "", Evidence = [] }, Today, Auditor)
            .ThenRefused(Rejections.FieldInvalid);
    }

    [Fact]
    public void C20_given_an_answer_another_person_closes_and_until_it_is_found_again_it_is_closed()
    {
        Close(Answered, by: Auditor).ThenRefused(Rejections.SelfApproval);
        Assert.False(Closed.IsOpen(1));
        Assert.Equal(("other", 1), (Closed.Closure!.ClosedBy, Closed.Closure.Count));
        Close(Closed).ThenRefused(Rejections.WrongState);
        Answer(Closed).ThenRefused(Rejections.WrongState);

        // Found once more: open, and what was said of the first time closes nothing.
        Assert.True(Closed.IsOpen(2));
        Close(Closed, count: 2).ThenRefused(Rejections.WrongState);
        var again = Closed.And(Id, Answer(Closed, 2).Then())!;
        Assert.Equal((null, true), (again.Closure, again.IsOpen(2)));
        Assert.False(again.And(Id, Close(again, count: 2).Then())!.IsOpen(2));
    }

    [Fact]
    public void Given_that_it_was_set_right_the_same_words_are_a_new_finding_and_else_they_are_the_same()
    {
        string? Again(FindingOutcome outcome) =>
            Assert.IsType<LogFindingClosed>(Assert.Single(Close(Answered, outcome).Then())).Again;
        Assert.Equal("again", Again(FindingOutcome.Corrected));
        Assert.Null(Again(FindingOutcome.Sound));
        Assert.Null(Again(FindingOutcome.Referred));
    }

    [Fact]
    public void Given_something_new_what_is_closed_is_opened_again_and_what_is_open_is_not()
    {
        Decision<AnsweredFinding> Reopen(AnsweredFinding known) =>
            AnswerLogFinding.Reopen(Found(), known, "收到新的材料", Today, Auditor);
        Reopen(Answered).ThenRefused(Rejections.WrongState);
        var open = Closed.And(Id, Reopen(Closed).Then())!;
        Assert.Equal((true, "收到新的材料", "auditor"), (open.IsOpen(1), open.Reopened, open.Answer!.AnsweredBy));
        Assert.Null(open.And(Id, Close(open).Then())!.Reopened);
    }
}

using Ledger.Domain.Screening;
using Ledger.Domain.Screening.Steps;

namespace Ledger.Domain.Tests;

/// <summary>A finding is answered, explained, closed and opened again; never by whom it concerns (C20).</summary>
public sealed class ScreeningFindingTests
{
    private static readonly DateOnly Today = new(2026, 11, 28);
    private static readonly Actor Auditor = Given.Actor("auditor", "auditor");

    private static readonly ScreenFinding Found = new ScreenedFacts()
        .Application(ScreenedFacts.Village, ("a", 120_00))
        .Application(ScreenedFacts.Village, ("a", 30_00))
        .Only(ScreenKind.PersonTwice);

    private static readonly AnswerFinding.Request Request = new("一次补差，合计不超过上限", "名册原件", ["d", "d"]);

    private static Decision<ScreeningFinding> Answer(
        ScreenFinding? found,
        ScreeningFinding? known = null,
        Actor? by = null,
        AnswerFinding.Request? request = null
    ) => AnswerFinding.Decide(new(found, known), request ?? Request, Today, by ?? Auditor);

    private static readonly ScreeningFinding Answered = Given.State<ScreeningFinding>(
        Found.Id,
        [.. Answer(Found).Then()]
    );

    private static Decision<ScreeningFinding> Close(ScreeningFinding finding, Actor? by = null) =>
        CloseFinding.Decide(finding, FindingOutcome.Sound, "说明与名册一致", Today, by ?? Auditor);

    private static readonly ScreeningFinding Closed = Answered.And(Found.Id, Close(Answered).Then())!;

    [Fact]
    public void Given_what_a_screen_shows_the_answer_keeps_it()
    {
        var answered = Assert.IsType<ScreeningFindingAnswered>(Assert.Single(Answer(Found).Then()));
        Assert.Equal((Found.Says, Found.FoundFen, Found.Count), (answered.Says, answered.FoundFen, answered.Count));
        Assert.Equal(["d"], answered.Evidence);
        Assert.Equal(["application-1", "a", "application-2"], answered.Ids);
        Assert.Equal(
            (ScreenedFacts.Village, 2026, "auditor", Today),
            (Answered.Region, Answered.Year, Answered.Answer!.AnsweredBy, Answered.Answer.AnsweredOn)
        );
    }

    [Fact]
    public void Given_that_nothing_was_seen_or_nothing_is_found_there_is_no_answer()
    {
        Answer(Found, request: new("没有问题", "", [])).ThenRefused(Rejections.FieldInvalid);
        Answer(null).ThenRefused(Rejections.NotFound);
    }

    /// <summary>What was taken up is answered again also when the year was put right meanwhile.</summary>
    [Fact]
    public void Given_an_answer_another_takes_its_place_with_what_was_found_at_first()
    {
        var again = (ScreeningFindingAnswered)
            Answer(null, Answered, request: Request with { Conclusion = "已退回一笔" }).Then()[0];
        Assert.Equal((Found.Says, "已退回一笔"), (again.Says, again.Conclusion));
        Assert.Equal("已退回一笔", Answered.And(Found.Id, again)!.Answer!.Conclusion);
    }

    /// <summary>C20: under whatever account.</summary>
    [Fact]
    public void C20_given_an_auditor_whose_own_acts_it_is_about_he_neither_answers_nor_closes_nor_reopens()
    {
        foreach (
            var by in (Actor[])
                [
                    Given.Actor("reviewer", "auditor"),
                    Auditor with
                    {
                        Persons = new Dictionary<string, string> { ["auditor"] = "p", ["reviewer"] = "p" },
                    },
                    Auditor with
                    {
                        OnBehalfOf = "approver",
                    },
                ]
        )
        {
            Answer(Found, by: by).ThenRefused(Rejections.SelfApproval);
            Close(Answered, by).ThenRefused(Rejections.SelfApproval);
            CloseFinding.Reopen(Closed, "x", Today, by).ThenRefused(Rejections.SelfApproval);
        }
    }

    [Fact]
    public void Given_a_closed_finding_nothing_is_said_any_more_before_it_is_opened_again()
    {
        Assert.Equal(FindingOutcome.Sound, Closed.Closure!.Outcome);
        Answer(Found, Closed).ThenRefused(Rejections.WrongState);
        Close(Closed).ThenRefused(Rejections.WrongState);
        Explain(Closed).ThenRefused(Rejections.WrongState);
        CloseFinding.Reopen(Answered, "x", Today, Auditor).ThenRefused(Rejections.WrongState);
        var open = Closed.And(Found.Id, CloseFinding.Reopen(Closed, "新的材料", Today, Auditor).Then())!;
        Assert.Equal((null, "新的材料"), (open.Closure, open.Reopened));
        Assert.Equal(Answered.Answer, open.Answer);
        Assert.Null(open.And(Found.Id, Close(open).Then())!.Reopened);
    }

    private static Decision<ScreeningFinding> Explain(ScreeningFinding finding, string by = "reviewer") =>
        ExplainFinding.Decide(finding, "补差经会议同意", [], Today, Given.Actor(by));

    [Fact]
    public void Given_an_answer_whoever_acted_explains_it_and_nobody_else()
    {
        var explained = Answered.And(Found.Id, Explain(Answered).Then())!;
        Assert.Equal(
            ("补差经会议同意", "reviewer"),
            (explained.Explanations[0].Explanation, explained.Explanations[0].ExplainedBy)
        );
        Explain(Answered, "somebody").ThenRefused(Rejections.FindingNotConcerned);
        for (var i = 1; i < ScreeningFinding.MostExplanations; i++)
            explained = explained.And(Found.Id, Explain(explained).Then())!;
        Explain(explained).ThenRefused(Rejections.LimitExceeded);
    }
}

using Ledger.Domain.Identity;
using Ledger.Domain.Log;
using Ledger.Domain.Log.Steps;

namespace Ledger.Domain.Tests;

/// <summary>The log goes on behind what it had signed: only past a lost tail, by two, with the reason, once.</summary>
public sealed class LogContinuationTests
{
    private static readonly DateTimeOffset At = new(2026, 11, 29, 3, 0, 0, TimeSpan.Zero);

    private static ContinueLog.SeenTree Seen(long size, bool isHere = false) =>
        new(new LogTree(size, $"root{size}"), $"note {size}", isHere);

    private static ContinueLog.Basis Basis(long shared, params ContinueLog.SeenTree[] seen) =>
        new(null, "log.example", new(shared, "s"), new(shared + 2, "c"), seen, At, At.AddMinutes(5));

    private static readonly ContinueLog.Request Request = new("3708", "异步切换丢失尾部", ["张三", "李四"]);

    private static Decision<LogContinuation> Decide(ContinueLog.Basis basis, ContinueLog.Request? request = null) =>
        ContinueLog.Decide(basis, request ?? Request, d => $"signed: {d.Reason}");

    [Fact]
    public void Given_a_lost_tail_the_event_names_what_was_lost_and_is_signed()
    {
        var declared = Assert.IsType<LogContinued>(
            Assert.Single(Decide(Basis(12, Seen(15), Seen(17), Seen(11, isHere: true), Seen(15))).Then())
        );
        Assert.Equal(["note 17", "note 15"], declared.Fork);
        Assert.Equal((5, At, At.AddMinutes(5)), (declared.LostEntries, declared.LostFrom, declared.LostUntil));
        Assert.Equal((12, 14), (declared.Shared.TreeSize, declared.Continued.TreeSize));
        Assert.Equal(("signed: 异步切换丢失尾部", "3708"), (declared.Statement, declared.Region));
        var state = Given.State("log-continuation-17-x", declared);
        Assert.Equal((Request.Reason, 5), (state.Reason, state.LostEntries));
        Assert.Equal(Request.ApprovedBy, state.ApprovedBy);

        Decide(Basis(12, Seen(17)) with { Known = state }).ThenRefused(Rejections.WrongState);
    }

    [Fact]
    public void Given_that_nothing_is_lost_or_that_the_history_was_rewritten_there_is_nothing_to_continue()
    {
        Decide(Basis(12, Seen(11, isHere: true))).ThenRefused(Rejections.WrongState);
        var rewritten = Decide(Basis(12, Seen(17), Seen(12))).ThenRefused(Rejections.WrongState);
        Assert.Contains("历史被改写", rewritten.Detail);
        Decide(Basis(0, [.. Enumerable.Range(1, ContinueLog.MaxSeen + 1).Select(n => Seen(n))]))
            .ThenRefused(Rejections.LimitExceeded);
    }

    [Theory]
    [InlineData("", "张三", "李四", "field-invalid")]
    [InlineData("……", "张三", "李四", "field-invalid")]
    [InlineData("两行\n理由", "张三", "李四", "field-invalid")]
    [InlineData("丢失尾部", "张三", "", "field-invalid")]
    [InlineData("丢失尾部", "Li Si", "ｌｉｓｉ", "self-approval")]
    [InlineData("丢失尾部，见 370811197109301906", "张三", "李四", "personal-data-in-text")]
    public void Given_less_than_a_reason_and_two_people_it_is_refused(
        string reason,
        string one,
        string other,
        string code
    )
    {
        var refused = Decide(Basis(12, Seen(17)), new("3708", reason, [one, other]));
        Assert.Empty(refused.Events);
        Assert.Equal(code, refused.Rejection!.Code.Code);
        Decide(Basis(12, Seen(17)), new("3708", "丢失尾部", ["张三"])).ThenRefused(Rejections.FieldInvalid);
    }

    [Fact]
    public void A_fork_has_one_id_whoever_declares_it() =>
        Assert.Equal(
            StreamId.LogContinuation(17, "root"),
            Assert.Single(((string[])["root", "root"]).Select(r => StreamId.LogContinuation(17, r)).Distinct())
        );
}

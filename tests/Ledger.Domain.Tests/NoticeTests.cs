using Ledger.Domain.Applications;

namespace Ledger.Domain.Tests;

/// <summary>C16: a notice stays what it was when it was published; what came later is an addendum.</summary>
public sealed class NoticeTests
{
    private static readonly string Digest = new('d', 64);
    private static readonly DateOnly Published = new(2026, 3, 1);
    private static readonly string[] People = [.. Enumerable.Range(1, 4).Select(i => $"member-{i}")];

    /// <summary>
    /// Four were approved, one of them withdrawn before the notice; then <paramref name="later"/>, a day apart.
    /// </summary>
    private static Notice? Noticed(params IEventOf<Application>[] later)
    {
        IEventOf<Application>[] before =
        [
            new ApplicationFiled(
                "plan-1",
                1,
                "collective-1",
                "fund-1",
                "370811102201",
                2026,
                "general",
                "officer",
                Digest,
                Digest,
                4,
                new Money(400)
            ),
            new LinesListed([.. People.Select((p, i) => new RosterLine(i + 2, p, new Money(30_000), new Money(100)))]),
            new ApplicationReviewed("reviewer", [], true, true),
            new ApplicationApproved("approver", 4, new Money(400), new FenInterval(0, 400)),
            new LinesWithdrawn("officer", [People[0]], new Money(100), "本人放弃"),
        ];
        return Notice.Of(before.Select(e => (Published, e)).Concat(later.Select((e, i) => (Published.AddDays(i), e))));
    }

    private static readonly NoticePublished Notice7 = new(Published, Published.AddDays(7), "公开栏");

    [Fact]
    public void C16_a_notice_is_everybodys_until_its_last_day_and_for_the_answers_until_the_payment()
    {
        var waiting = new Application { Status = ApplicationStatus.Noticed, NoticeUntil = Notice7.Until };
        var paid = waiting with { Status = ApplicationStatus.Paid };
        Assert.False(Notice.IsPublic(new Application(), Published));
        Assert.True(Notice.IsPublic(waiting with { Status = ApplicationStatus.Withdrawn }, Notice7.Until));
        Assert.True(Notice.IsPublic(waiting, Notice7.Until.AddDays(Notice.ResultDays)));
        Assert.False(Notice.IsPublic(waiting, Notice7.Until.AddDays(Notice.ResultDays + 1)));
        Assert.False(Notice.IsPublic(paid, Notice7.Until.AddDays(1)));
    }

    [Fact]
    public void C16_nothing_is_shown_before_the_notice() => Assert.Null(Noticed());

    [Fact]
    public void C16_the_published_list_stays_and_every_later_change_is_a_dated_addendum()
    {
        var notice = Noticed(
            Notice7,
            new ObjectionRaised("o", People[1], "x"),
            new ObjectionResolved("o", true, "成立", "township"),
            new LinesWithdrawn("officer", [People[2]], new Money(100), "本人放弃"),
            new PaymentSent("officer", 1, new Money(100), "NX", [Digest]),
            new PaymentReturned("officer", [People[3]], new Money(100), "TH", "x", [Digest]),
            new PaymentSent("officer", 1, new Money(100), "NX2", [Digest]),
            new LineRefunded("reviewer", People[3], new Money(100), RefundReason.Death, false, "TK", [Digest])
        )!;
        Assert.Equal(
            [(1, People[1]), (2, People[2]), (3, People[3])],
            notice.Lines.Select(l => (l.Number, l.MemberId))
        );
        Assert.Equal(
            (new Money(300), Notice7.From, Notice7.Until, Notice7.Place),
            (notice.AmountFen, notice.From, notice.Until, notice.Place)
        );
        Assert.Equal(
            [
                (Published.AddDays(2), NoticeChange.ObjectionUpheld, 1),
                (Published.AddDays(3), NoticeChange.Withdrawn, 2),
                (Published.AddDays(7), NoticeChange.Refunded, 3),
            ],
            notice.Addenda.Select(a => (a.On, a.Change, Assert.Single(a.Lines).Number))
        );
        Assert.All(notice.Addenda, a => Assert.Equal(Money.Zero, a.Lines[0].AmountFen));
        Assert.Empty(notice.Present());
    }

    [Fact]
    public void C16_what_moves_the_money_of_a_line_and_not_its_amount_is_no_addendum()
    {
        var notice = Noticed(
            Notice7,
            new PaymentSent("officer", 3, new Money(300), "NX", [Digest]),
            new ReceiptConfirmed("reviewer", Digest, new Money(100), [People[1]], []),
            new PaymentReturned("officer", [People[3]], new Money(100), "TH", "x", [Digest])
        )!;
        Assert.Empty(notice.Addenda);
        Assert.Equal(notice.Lines, notice.Present());
    }
}

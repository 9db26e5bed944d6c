using Ledger.Domain.Applications;
using Ledger.Domain.Funds;
using Ledger.Domain.Funds.Steps;
using Ledger.Domain.Members;

namespace Ledger.Domain.Tests;

/// <summary>
/// What happens is not dated before what it rests on, and no account holds less than nothing on any business date.
/// </summary>
public sealed class BusinessDateTests
{
    private static readonly string Digest = new('d', 64);
    private static readonly string[] People = ["member-1", "member-2"];

    [Fact]
    public void What_came_yesterday_evening_has_waited_one_day_of_chinas_calendar()
    {
        static DateTimeOffset At(string time) =>
            DateTimeOffset.Parse(time, System.Globalization.CultureInfo.InvariantCulture);
        Assert.Equal(1, Clock.Days(At("2026-03-01T23:50:00+08:00"), At("2026-03-02T00:10:00+08:00")));
        Assert.Equal(0, Clock.Days(At("2026-03-02T00:10:00+08:00"), At("2026-03-02T23:50:00+08:00")));
        // Half past four in the afternoon in London is the next day here.
        Assert.Equal(1, Clock.Days(At("2026-03-01T15:30:00Z"), At("2026-03-01T16:30:00Z")));
        Assert.Equal(29, Clock.Days(At("2026-02-01T12:00:00+08:00"), At("2026-03-02T09:00:00+08:00")));
    }

    private static DateOnly Day(int of) => new(2026, 3, of);

    /// <summary>Approved on the 5th, on notice until the 12th; then <paramref name="later"/>.</summary>
    private static (Application State, LineDates Dates) Noticed(params (int On, IEventOf<Application> Event)[] later)
    {
        (int On, IEventOf<Application> Event)[] events =
        [
            (
                1,
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
                    2,
                    new Money(200)
                )
            ),
            (
                1,
                new LinesListed([
                    .. People.Select((p, i) => new RosterLine(i + 2, p, new Money(30_000), new Money(100))),
                ])
            ),
            (4, new ApplicationReviewed("reviewer", [], true, true)),
            (5, new ApplicationApproved("approver", 2, new Money(200), new FenInterval(0, 200))),
            (5, new NoticePublished(Day(5), Day(12), "公开栏")),
            .. later,
        ];
        return (
            Given.State<Application>("application-1", [.. events.Select(e => e.Event)]),
            LineDates.Of(events.Select(e => (Day(e.On), e.Event)))
        );
    }

    private static void NotBefore(int day, Rejection? refusal)
    {
        Assert.Equal(
            (Rejections.DateBeforeBasis, Day(day), "effectiveDate"),
            (refusal?.Code, refusal?.NotBefore, refusal?.Field)
        );
        Assert.Contains($"{Day(day):yyyy-MM-dd}", refusal!.Detail);
    }

    [Fact]
    public void C16_a_payment_is_not_dated_before_the_notice_is_over_or_an_objection_answered()
    {
        var (state, dates) = Noticed();
        NotBefore(13, dates.Payment(state, state.Lines, Day(12)));
        NotBefore(13, dates.Payment(state, state.Lines, Day(3)));
        Assert.Null(dates.Payment(state, state.Lines, Day(13)));
        var (disputed, answered) = Noticed(
            (6, new ObjectionRaised("o", null, "x")),
            (20, new ObjectionResolved("o", false, "不成立", "township"))
        );
        NotBefore(20, answered.Payment(disputed, disputed.Lines, Day(19)));
        Assert.Null(answered.Payment(disputed, disputed.Lines, Day(20)));
    }

    [Fact]
    public void C17_a_second_payment_is_not_dated_before_the_bank_sent_the_first_one_back()
    {
        var (state, dates) = Noticed(
            (14, new PaymentSent("officer", 1, new Money(100), "NX", [Digest], [People[0]])),
            (18, new PaymentReturned("officer", [People[0]], new Money(100), "TH", "x", [Digest]))
        );
        NotBefore(18, dates.Payment(state, state.Lines, Day(17)));
        Assert.Null(dates.Payment(state, [state.Lines[1]], Day(17))); // the other line was never sent
    }

    [Fact]
    public void C17_a_credit_is_not_dated_before_the_payment_and_a_refund_not_before_either()
    {
        var (state, dates) = Noticed((15, new PaymentSent("officer", 2, new Money(200), "NX", [Digest])));
        ReceiptRow Row(int day) => new(2, People[0], new Money(100), Day(day), "HZ");
        var fault = Assert.Single(Receipt.Match(state, [Row(14)], dates).Faults);
        Assert.Equal((Rejections.DateBeforeBasis.Code, Receipt.DateColumn), (fault.Code, fault.Column));
        Assert.Single(Receipt.Match(state, [Row(15)], dates).Matches);
        NotBefore(15, dates.Refund(state.Lines[0], Day(14)));
        Assert.Null(dates.Refund(state.Lines[0], Day(15)));
        var (credited, after) = Noticed(
            (15, new PaymentSent("officer", 2, new Money(200), "NX", [Digest])),
            (19, new ReceiptConfirmed("reviewer", Digest, new Money(100), [People[0]], []))
        );
        NotBefore(19, after.Refund(credited.Lines[0], Day(18)));
        Assert.Null(after.Refund(credited.Lines[1], Day(18)));
    }

    /// <summary>
    /// An older build took a payment of before the approval: what rests on it now still runs forwards.
    /// </summary>
    [Fact]
    public void Dates_that_ran_backwards_run_forwards_from_the_latest()
    {
        var (state, dates) = Noticed((2, new PaymentSent("officer", 2, new Money(200), "NX", [Digest])));
        NotBefore(5, dates.Refund(state.Lines[0], Day(4)));
    }

    private static readonly FundsAllocated Income = new(
        "a",
        SourceKind.CollectiveIncome,
        "租金",
        "general",
        new Money(500),
        new FenInterval(0, 500),
        [Digest]
    );
    private static readonly FundsReserved Reserved = new("x", "general", new Money(300), 1, new FenInterval(0, 300));

    [Fact]
    public void C9_an_account_below_nothing_on_a_business_date_is_found_with_its_days()
    {
        (DateOnly, IEventOf<Fund>)[] events =
        [
            (Day(10), Income),
            (Day(10), Reserved),
            (Day(4), new FundsPaid("x", new Money(300), 1, "NX", [Digest])),
        ];
        Assert.Equal(
            [new NegativeBalance("reserved", Day(4), Day(9), new Money(-300))],
            Postings.Negative(events, Day(1), Day(31))
        );
        Assert.Equal(
            [new NegativeBalance("reserved", Day(6), Day(8), new Money(-300))],
            Postings.Negative(events, Day(6), Day(8))
        );
        Assert.Empty(Postings.Negative(events, Day(10), Day(31)));
        Assert.Empty(Postings.Negative([(Day(10), Income), (Day(10), Reserved)], Day(1), Day(31)));
        // Two steps down are one stretch; at the end of the span it is cut.
        Assert.Equal(
            [new NegativeBalance("available:general", Day(3), Day(5), new Money(-400))],
            Postings.Negative(
                [
                    (Day(10), Income),
                    (Day(3), Reserved),
                    (Day(5), Reserved with { AmountFen = new Money(100), Fen = new FenInterval(300, 400) }),
                ],
                Day(1),
                Day(5)
            )
        );
    }

    [Fact]
    public void C24_a_year_with_a_balance_below_nothing_closes_only_explained_on_paper()
    {
        var fund = Given.State<Fund>("fund-1", new FundOpened("collective-1", "n", "370811102201"), Income);
        var negative = new NegativeBalance("reserved", Day(4), Day(9), new Money(-300));
        Decision<Fund> Close(string? why, params string[] papers) =>
            CloseYear.Decide(fund, 2026, [], [negative], why, papers, new DateOnly(2027, 1, 5));
        var refused = Close(null).ThenRefused(Rejections.BalanceNegative);
        Assert.Contains("2026-03-04 至 2026-03-09 账户 reserved 最低为 -3.00 元", refused.Detail);
        Assert.Equal("reserved", Assert.Single(refused.Faults).Field);
        Close("付款日期误记").ThenRefused(Rejections.EvidenceMissing);
        var closed = (YearClosed)Assert.Single(Close("付款日期误记", Digest).Then());
        Assert.Equal(("付款日期误记", Digest), (closed.Explanation, Assert.Single(closed.Evidence)));
        var clean = (YearClosed)
            Assert.Single(
                CloseYear.Decide(fund, 2026, [], [], "多余的说明", [Digest], new DateOnly(2027, 1, 5)).Then()
            );
        Assert.Null(clean.Explanation);
    }

    [Fact]
    public void A_contribution_is_not_paid_years_before_its_year()
    {
        Assert.Null(MemberYearDecider.PaidTooEarly(2026, new DateOnly(2025, 12, 1)));
        Assert.NotNull(MemberYearDecider.PaidTooEarly(2026, new DateOnly(2016, 12, 1)));
    }
}

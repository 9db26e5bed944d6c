using Ledger.Domain.Applications;
using Ledger.Domain.Policies;

namespace Ledger.Domain.Tests;

/// <summary>Deadlines, by what an application's own events began: C21.</summary>
public sealed class SupervisionTests
{
    private static readonly DateTimeOffset Start = new(2026, 3, 2, 9, 0, 0, TimeSpan.Zero);
    private static readonly Deadlines Days = Deadlines.Default;

    private static readonly ApplicationFiled Filed = new(
        "plan-1",
        1,
        "collective-1",
        "fund-1",
        "370811102201",
        2026,
        "general",
        "officer",
        "d",
        "d",
        1,
        new Money(10_000)
    );

    private static IReadOnlyList<DeadlineMissed> Missed(
        Application state,
        int day,
        params (IEventOf<Application> Event, int Day)[] history
    ) =>
        [
            .. Supervision
                .Escalate(
                    state,
                    Supervision.Waiting(state, [.. history.Select(h => (h.Event, Start.AddDays(h.Day)))], Days, 7),
                    Start.AddDays(day)
                )
                .Events.Cast<DeadlineMissed>(),
        ];

    [Fact]
    public void C21_a_review_is_missed_when_its_own_days_are_over_once_and_a_resubmission_begins_it_anew()
    {
        var state = new Application { Id = "application-1", Status = ApplicationStatus.Filed };
        Assert.Empty(Missed(state, Days.ReviewDays - 1, (Filed, 0)));
        var missed = Assert.Single(Missed(state, Days.ReviewDays, (Filed, 0)));
        Assert.Equal((DeadlineKind.Review, Start.AddDays(Days.ReviewDays)), (missed.Kind, missed.DueAt));
        Assert.Empty(Missed(Application.Evolve(state, missed), Days.ReviewDays + 1, (Filed, 0)));
        Assert.Empty(Missed(state with { Status = ApplicationStatus.Rejected }, Days.ReviewDays, (Filed, 0)));

        var again = new ApplicationResubmitted(1, "officer", "d", "d", 1, new Money(10_000));
        Assert.Empty(Missed(state, Days.ReviewDays, (Filed, 0), (again, 3)));
        Assert.Equal(
            Start.AddDays(3 + Days.ReviewDays),
            Assert.Single(Missed(state, 3 + Days.ReviewDays, (Filed, 0), (again, 3))).DueAt
        );
    }

    [Fact]
    public void C21_a_credit_is_missed_for_the_people_of_its_own_payment()
    {
        Line Of(string member, LineStatus status) =>
            new(1, member, new Money(30_000), new Money(10_000), status, null, null);
        PaymentSent Paid(string member) => new("payer", 1, new Money(10_000), "NX1", [], [member]);
        var state = new Application
        {
            Id = "application-1",
            Status = ApplicationStatus.Paid,
            Lines = [Of("member-a", LineStatus.Credited), Of("member-b", LineStatus.Paid)],
        };
        (IEventOf<Application>, int)[] history = [(Paid("member-a"), 0), (Paid("member-b"), 10)];
        Assert.Empty(Missed(state, Days.CreditDays, history));
        Assert.Equal(
            Start.AddDays(10 + Days.CreditDays),
            Assert.Single(Missed(state, 10 + Days.CreditDays, history)).DueAt
        );
    }
}

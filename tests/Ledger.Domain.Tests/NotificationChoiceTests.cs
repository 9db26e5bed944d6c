using Ledger.Domain.Identity;
using Ledger.Domain.Tasks;

namespace Ledger.Domain.Tests;

/// <summary>What somebody is told of what waits for him, as he chose.</summary>
public sealed class NotificationChoiceTests
{
    private static readonly DateOnly Today = new(2026, 5, 8);
    private static readonly WorkTask Review = new(TaskKind.Review, "application-1", "370811"),
        Receipts = new(TaskKind.Receipts, "application-2", "370811", Due: Today.AddDays(9));

    private static NotificationChoice Choice(NotifyWhen when, params TaskKind[] kinds) =>
        new(when, "li.si@example.cn", false, kinds, Roles.Agency, "370811");

    private static IReadOnlyList<WorkTask> Told(
        NotificationChoice choice,
        DateOnly? toldOn = null,
        int hour = 9,
        DateOnly? day = null,
        params string[] told
    ) =>
        choice.Due(
            [Review, Receipts],
            told.ToHashSet(),
            toldOn,
            new DateTimeOffset((day ?? Today).ToDateTime(new TimeOnly(hour, 0)), Clock.Offset),
            digestHour: 8
        );

    [Fact]
    public void At_once_each_is_told_once_and_again_when_its_last_day_is_near()
    {
        var choice = Choice(NotifyWhen.AtOnce);
        Assert.Equal([Review, Receipts], Told(choice));
        string[] told = [Review.KeyAt(Today), Receipts.KeyAt(Today)];
        Assert.Empty(Told(choice, told: told));
        Assert.Empty(Told(choice, day: Today.AddDays(5), told: told));
        Assert.Equal([Receipts], Told(choice, day: Today.AddDays(6), told: told));
        Assert.Equal([Receipts], Told(Choice(NotifyWhen.AtOnce, TaskKind.Receipts)));
    }

    [Fact]
    public void A_digest_comes_once_a_day_from_its_hour_on_with_everything()
    {
        var choice = Choice(NotifyWhen.Daily);
        Assert.Empty(Told(choice, hour: 7));
        Assert.Equal([Review, Receipts], Told(choice, told: [Review.KeyAt(Today)]));
        Assert.Empty(Told(choice, toldOn: Today));
        Assert.Equal(2, Told(choice, toldOn: Today.AddDays(-1)).Count);
        Assert.Empty(Told(choice, toldOn: Today.AddDays(1))); // a clock that was ahead
    }

    [Fact]
    public void Who_wants_none_gets_none() => Assert.Empty(Told(Choice(NotifyWhen.Never)));
}

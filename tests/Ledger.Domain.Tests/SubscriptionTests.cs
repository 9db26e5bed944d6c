using Ledger.Domain.Feeds;
using Ledger.Domain.Feeds.Steps;
using Ledger.Domain.Identity;

namespace Ledger.Domain.Tests;

/// <summary>A subscription is proposed by one office, agreed to by another, and sends nothing in between.</summary>
public sealed class SubscriptionTests
{
    private const string Id = "subscription-1",
        Address = "https://example.cn/ledger";
    private static readonly OpenSubscription.Basis Known = new(new HashSet<string> { "funds_allocated", "funds_paid" });
    private static readonly Actor Administrator = new("admin", Roles.Administrator, "3708"),
        Hrss = new("hrss", Roles.CountyHrss, "370811");

    private static Decision<Subscription> Open(
        string region = "370811",
        string address = Address,
        params string[] types
    ) => OpenSubscription.Decide(Known, new(region, "大数据平台", address, types), Administrator);

    private static readonly Subscription Proposed = Given.State<Subscription>(Id, [.. Open().Then()]);

    private static Subscription After(Subscription before, Decision<Subscription> decision) =>
        decision.Then().Aggregate(before, (s, e) => IEvolve<Subscription>.Next(s, Id, e));

    private static readonly Subscription Active = After(Proposed, ConfirmSubscription.Decide(Proposed, Hrss));

    [Theory]
    [InlineData("http://example.cn/ledger")]
    [InlineData("ftp://example.cn/")]
    [InlineData("https://user:secret@example.cn/")]
    [InlineData("https://example.cn/#part")]
    [InlineData("/ledger")]
    [InlineData("https://")]
    [InlineData("http://10.0.0.1/")]
    [InlineData("javascript:alert(1)")]
    public void An_address_that_is_not_encrypted_or_says_who_calls_is_refused(string address) =>
        Assert.Equal((Rejections.FieldInvalid, "address"), Refused(Open(address: address)));

    [Theory]
    [InlineData("http://127.0.0.1:8080/ledger")]
    [InlineData("http://localhost/ledger")]
    [InlineData("http://[::1]:9000/")]
    [InlineData("https://例子.中国/账本")]
    public void What_stays_on_the_machine_need_not_be_encrypted(string address) =>
        Assert.Single(Open(address: address).Then());

    [Fact]
    public void Only_events_that_there_are_of_one_s_own_region()
    {
        Assert.Equal((Rejections.FieldInvalid, "region"), Refused(Open("3709")));
        Assert.Equal((Rejections.FieldInvalid, "types"), Refused(Open(types: ["funds_allocated", "funds_lost"])));
        var opened = Assert.IsType<SubscriptionOpened>(Open(types: ["funds_paid", "funds_paid"]).Then()[0]);
        Assert.Equal(["funds_paid"], opened.Types);
    }

    [Fact]
    public void C20_whoever_asked_does_not_agree_and_a_change_is_agreed_to_again()
    {
        Assert.Equal(SubscriptionState.Proposed, Proposed.State);
        Assert.Equal(Rejections.SelfApproval, Refused(ConfirmSubscription.Decide(Proposed, Administrator)).Code);
        Assert.Equal((SubscriptionState.Active, "hrss"), (Active.State, Active.ConfirmedBy));
        Assert.Equal(Rejections.WrongState, Refused(ConfirmSubscription.Decide(Active, Hrss)).Code);
        Assert.Empty(ChangeSubscription.Decide(Active, Known, Address, [], Administrator).Then());
        var moved = After(Active, ChangeSubscription.Decide(Active, Known, "https://other.cn/", [], Administrator));
        Assert.Equal(
            (SubscriptionState.Proposed, null, "https://other.cn/"),
            (moved.State, moved.ConfirmedBy, moved.Address)
        );
        Assert.Equal(Rejections.WrongState, Refused(ResumeSubscription.Decide(moved, null, 10, Administrator)).Code);
    }

    [Fact]
    public void It_is_paused_goes_on_and_is_sent_again_from_where_somebody_says()
    {
        var paused = After(Active, PauseSubscription.Decide(Active, "检修", Administrator));
        Assert.Equal((SubscriptionState.Paused, "检修"), (paused.State, paused.Reason));
        Assert.Equal(Rejections.WrongState, Refused(PauseSubscription.Decide(paused, "检修", Administrator)).Code);
        Assert.Equal(
            (SubscriptionState.Active, null),
            After(paused, ResumeSubscription.Decide(paused, null, 10, Administrator)) is var on
                ? (on.State, on.Reason)
                : default
        );
        Assert.Empty(ResumeSubscription.Decide(Active, null, 10, Administrator).Then());
        Assert.Single(ResumeSubscription.Decide(Active, -1, 10, Administrator).Then());
        Assert.Single(ResumeSubscription.Decide(Active, 9, 10, Administrator).Then());
        foreach (var nowhere in (long[])[-2, 10])
            Assert.Equal(
                (Rejections.FieldInvalid, "after"),
                Refused(ResumeSubscription.Decide(Active, nowhere, 10, Administrator))
            );
    }

    [Fact]
    public void Two_secrets_sign_for_a_day_and_what_is_ended_stays_so()
    {
        var now = new DateTimeOffset(2026, 11, 28, 0, 0, 0, TimeSpan.Zero);
        var renewed = After(Active, RenewSecret.Decide(Active, now, Administrator));
        Assert.Equal([1], Active.SecretsAt(now));
        Assert.Equal([2, 1], renewed.SecretsAt(now.AddHours(23)));
        Assert.Equal([2], renewed.SecretsAt(now.AddHours(24)));
        var ended = After(renewed, EndSubscription.Decide(renewed, "下线", Administrator));
        Assert.True(ended.IsEnded);
        foreach (
            var refused in (Decision<Subscription>[])
                [
                    EndSubscription.Decide(ended, "下线", Administrator),
                    RenewSecret.Decide(ended, now, Administrator),
                    ChangeSubscription.Decide(ended, Known, "https://other.cn/", [], Administrator),
                    ResumeSubscription.Decide(ended, 1, 10, Administrator),
                    ConfirmSubscription.Decide(ended, Hrss),
                ]
        )
            Assert.Equal(Rejections.WrongState, Refused(refused).Code);
    }

    private static (RejectionCode Code, string? Field) Refused(Decision<Subscription> decision) =>
        (decision.Rejection!.Code, decision.Rejection.Field);
}

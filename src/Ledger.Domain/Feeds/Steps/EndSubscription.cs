namespace Ledger.Domain.Feeds.Steps;

/// <summary>Nothing is sent any more, for good; also what nobody confirmed.</summary>
public static class EndSubscription
{
    public static Decision<Subscription> Decide(Subscription subscription, string reason, Actor by) =>
        subscription.IsEnded
            ? new Rejection(Rejections.WrongState, "订阅已停止")
            : new IEventOf<Subscription>[] { new SubscriptionEnded(reason, by.Id) };
}

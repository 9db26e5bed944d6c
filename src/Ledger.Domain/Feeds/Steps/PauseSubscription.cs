namespace Ledger.Domain.Feeds.Steps;

/// <summary>Nothing more is sent until somebody resumes it; it loses nothing.</summary>
public static class PauseSubscription
{
    public static Decision<Subscription> Decide(Subscription subscription, string reason, Actor by) =>
        subscription.State != SubscriptionState.Active
            ? new Rejection(Rejections.WrongState, "只有使用中的订阅可以暂停")
            : new IEventOf<Subscription>[] { new SubscriptionPaused(reason, by.Id) };
}

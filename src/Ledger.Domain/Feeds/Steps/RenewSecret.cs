namespace Ledger.Domain.Feeds.Steps;

/// <summary>
/// Another secret signs from now on; for a day the one before does too, so that the other side can change over.
/// </summary>
public static class RenewSecret
{
    public static readonly TimeSpan Both = TimeSpan.FromDays(1);

    public static Decision<Subscription> Decide(Subscription subscription, DateTimeOffset now, Actor by) =>
        subscription.IsEnded
            ? new Rejection(Rejections.WrongState, "订阅已停止，请另开一个")
            : new IEventOf<Subscription>[] { new SubscriptionSecretRenewed(now + Both, by.Id) };
}

namespace Ledger.Domain.Feeds.Steps;

/// <summary>
/// An office that may read what is sent agrees that it leaves the house: an administrator has no part in the ledger
/// (C20), and does not open it to others alone.
/// </summary>
public static class ConfirmSubscription
{
    public static Decision<Subscription> Decide(Subscription subscription, Actor by) =>
        subscription.State != SubscriptionState.Proposed ? new Rejection(Rejections.WrongState, "没有等待确认的订阅")
        : FourEyes.Another("县级或市级人社", subscription.AskedBy, by) is { } refusal ? refusal
        : new IEventOf<Subscription>[] { new SubscriptionConfirmed(by.Id) };
}

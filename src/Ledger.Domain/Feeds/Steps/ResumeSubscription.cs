namespace Ledger.Domain.Feeds.Steps;

/// <summary>Goes on where it stood, or sends again from a position on, also while it is in use.</summary>
public static class ResumeSubscription
{
    /// <param name="after">Behind this position of the log; null: where it stood; -1: from the beginning.</param>
    /// <param name="size">How many entries the log has.</param>
    public static Decision<Subscription> Decide(Subscription subscription, long? after, long size, Actor by) =>
        subscription.State is SubscriptionState.Proposed or SubscriptionState.Ended
            ? new Rejection(Rejections.WrongState, "订阅等待确认或已停止")
        : after < -1 || after >= size
            ? new Rejection(Rejections.FieldInvalid, $"应为 -1 至 {size - 1} 的位置") { Field = "after" }
        : subscription.State == SubscriptionState.Active && after is null ? Array.Empty<IEventOf<Subscription>>()
        : new IEventOf<Subscription>[] { new SubscriptionResumed(after, by.Id) };
}

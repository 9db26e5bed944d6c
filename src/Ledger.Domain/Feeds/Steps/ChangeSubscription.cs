namespace Ledger.Domain.Feeds.Steps;

/// <summary>Sends it elsewhere, or something else: again nothing is sent before that is confirmed.</summary>
public static class ChangeSubscription
{
    public static Decision<Subscription> Decide(
        Subscription subscription,
        OpenSubscription.Basis basis,
        string address,
        IReadOnlyList<string> types,
        Actor by
    )
    {
        if (subscription.IsEnded)
            return new Rejection(Rejections.WrongState, "订阅已停止，请另开一个");
        if (OpenSubscription.Fault(basis, address, types) is { } fault)
            return fault;
        return address == subscription.Address && types.ToHashSet().SetEquals(subscription.Types)
            ? Array.Empty<IEventOf<Subscription>>()
            : new IEventOf<Subscription>[] { new SubscriptionChanged(address, [.. types.Distinct()], by.Id) };
    }
}

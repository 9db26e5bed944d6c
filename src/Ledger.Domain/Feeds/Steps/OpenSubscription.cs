using Ledger.Domain.Identity;

namespace Ledger.Domain.Feeds.Steps;

/// <summary>
/// Proposes to send what happens in a region to another system. Nothing is sent before it is confirmed.
/// </summary>
public static class OpenSubscription
{
    /// <param name="Known">Types of events that there are.</param>
    public sealed record Basis(IReadOnlySet<string> Known);

    public sealed record Request(string Region, string Name, string Address, IReadOnlyList<string> Types);

    public static Decision<Subscription> Decide(Basis basis, Request request, Actor by)
    {
        if (!RegionCode.Contains(by.Region, request.Region))
            return new Rejection(Rejections.FieldInvalid, $"{request.Region} 不在 {by.Region} 以内")
            {
                Field = "region",
            };
        return Fault(basis, request.Address, request.Types) is { } fault
            ? fault
            : new IEventOf<Subscription>[]
            {
                new SubscriptionOpened(
                    request.Region,
                    request.Name,
                    request.Address,
                    [.. request.Types.Distinct()],
                    by.Id
                ),
            };
    }

    /// <summary>What stands against an address or a choice of types, also of a change.</summary>
    internal static Rejection? Fault(Basis basis, string address, IReadOnlyList<string> types) =>
        AddressFault(address) is { } fault
            ? new Rejection(Rejections.FieldInvalid, fault) { Field = "address" }
            : TypesFault(basis, types);

    /// <summary>What stands against a choice of types, also of whoever reads the feed himself.</summary>
    public static Rejection? TypesFault(Basis basis, IReadOnlyList<string> types) =>
        types.Count > Subscription.MaxTypes
            ? new Rejection(Rejections.FieldInvalid, $"最多 {Subscription.MaxTypes} 种事件") { Field = "types" }
        : types.FirstOrDefault(t => !basis.Known.Contains(t)) is { } unknown
            ? new Rejection(Rejections.FieldInvalid, $"没有事件“{unknown}”") { Field = "types" }
        : null;

    /// <summary>
    /// Encrypted on its way, unless it does not leave the machine; whether the network lets it is seen when it is sent
    /// (Api/Feeds/OutwardAddress.cs).
    /// </summary>
    private static string? AddressFault(string address) =>
        !Uri.TryCreate(address, UriKind.Absolute, out var uri) || uri.Host.Length == 0
            ? "应为网址，如 https://example.cn/ledger"
        : uri.UserInfo.Length > 0 ? "网址中不写用户名和密码；收件方凭签名核对"
        : uri.Fragment.Length > 0 ? "网址中不写 # 之后的部分"
        : uri.Scheme != Uri.UriSchemeHttps && !(uri.Scheme == Uri.UriSchemeHttp && uri.IsLoopback)
            ? "应为 https 网址（只有本机地址可以用 http）"
        : null;
}

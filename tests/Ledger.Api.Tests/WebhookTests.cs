using System.Net;
using System.Security.Cryptography;
using System.Text;
using Ledger.Api.Feeds;
using Ledger.Api.Tests.Faults;
using Ledger.Domain.Feeds;
using Ledger.Projections.Feeds;

namespace Ledger.Api.Tests;

/// <summary>What happens is sent to other systems: signed, in order, at least once, and nowhere within.</summary>
[Collection("api")]
public sealed class WebhookTests(ApiFixture api)
{
    private async Task<(SampleVillage Village, Receiver Receiver, string Path)> SubscribedAsync(params string[] types)
    {
        var village = await api.RegisteredAsync();
        var receiver = await Receiver.StartAsync();
        var path = await OpenAsync(village, receiver.Address, types);
        await village.Offices.CountyHrss.PostAsync($"{path}/confirmation");
        return (village, receiver, path);
    }

    /// <summary>One that is proposed, to nowhere.</summary>
    internal static async Task<string> OpenedAsync(SampleOffices offices) =>
        (
            await offices.Administrator.PostAsync<SubscriptionView>(
                "/api/subscriptions",
                new { name = "县大数据平台", address = "https://example.cn/ledger" }
            )
        ).Id;

    private static async Task<string> OpenAsync(SampleVillage village, string address, params string[] types)
    {
        var body = new
        {
            name = "大数据平台",
            address,
            types,
        };
        var opened = await village.Offices.Administrator.PostAsync<SubscriptionView>("/api/subscriptions", body);
        return $"/api/subscriptions/{opened.Id}";
    }

    private static Task ArrivedAsync(Receiver receiver, int entries) =>
        ApiFixture.EventuallyAsync(
            () => Task.FromResult(receiver.Taken.Sum(m => m.Positions.Count) >= entries),
            $"{entries} entries are taken in"
        );

    /// <summary>The pause after a failure is over.</summary>
    private Task RetryAsync(string path) =>
        EditAsync(
            "update ledger.delivery_cursor set next_at = now() where subscription_id = @id and next_at < 'infinity'",
            ("id", path.Split('/')[^1])
        );

    private async Task EditAsync(string sql, params (string, object?)[] parameters)
    {
        await using var connection = await api.Database.OpenConnectionAsync();
        await connection.ExecuteAsync(sql, parameters);
    }

    [Fact]
    public async Task Nothing_is_sent_before_an_office_agrees_and_then_all_of_the_region_signed_and_in_order()
    {
        var village = await api.RegisteredAsync();
        await using var receiver = await Receiver.StartAsync();
        var path = await OpenAsync(village, receiver.Address, "funds_allocated");
        var (administrator, hrss) = (village.Offices.Administrator, village.Offices.CountyHrss);
        await village.AllocateAsync(1_000);
        await api.Host.RefusedAsync("forbidden", administrator, $"{path}/confirmation");
        await api.Host.RefusedAsync("forbidden", village.Officer, "/api/subscriptions");
        await api.Host.RefusedAsync("forbidden", hrss, $"{path}/end", new { reason = "x" });
        await api.Host.RefusedAsync(
            "not-found",
            (await api.RegisteredAsync()).Offices.CountyHrss,
            $"{path}/confirmation"
        );
        var test = await administrator.PostAsync<DeliveryView>($"{path}/test");
        Assert.Equal((200, null, 0), (test.Status, test.Failure, test.Entries));
        Assert.Equal("ledger.test", Assert.Single(receiver.Messages).Type);

        await village.Offices.Auditor.GetAsync("/api/feed?wait=30&types=funds_allocated"); // it is in the log
        await hrss.PostAsync($"{path}/confirmation");
        await api.Host.RefusedAsync("wrong-state", hrss, $"{path}/confirmation");
        for (var yuan = 1; yuan <= 5; yuan++)
            await village.AllocateAsync(yuan);
        await (await api.RegisteredAsync()).AllocateAsync(7);
        await ArrivedAsync(receiver, 5);
        var secret = (await administrator.GetAsync<SubscriptionSecretView>($"{path}/secret")).Secret;
        Assert.All(receiver.Messages, m => Assert.Contains(Signature(m, secret), m.Signature.Split(' ')));
        var sent = receiver.Taken.Where(m => m.Type == "ledger.events").ToList();
        Assert.Equal(
            [1m, 2m, 3m, 4m, 5m],
            sent.SelectMany(m => m.Data.GetProperty("entries").EnumerateArray())
                .Select(e => e.GetProperty("event").GetProperty("amount").GetDecimal())
        );
        Chained(sent);
        // Of a person nothing stands in it but pseudonymous ids; the trail shows the same.
        var trail = await village.Offices.Auditor.GetAsync<AuditPage>("/api/audit/events?type=funds_allocated");
        Assert.Equal(
            trail.Entries.Skip(1).Select(e => e.EventId),
            sent.SelectMany(m => m.Data.GetProperty("entries").EnumerateArray())
                .Select(e => e.GetProperty("event").GetProperty("eventId").GetGuid())
        );
        var shown = await hrss.GetAsync<SubscriptionView>(path);
        Assert.Equal((SubscriptionState.Active, 0), (shown.State, shown.Failures));
    }

    /// <summary>Each goes on where the one before ended: whoever looks sees that none is missing.</summary>
    private static void Chained(IReadOnlyList<Received> sent)
    {
        foreach (var (before, after) in sent.Zip(sent.Skip(1)))
            Assert.True(after.Data.GetProperty("after").GetInt64() >= before.Data.GetProperty("next").GetInt64());
        Assert.All(
            sent,
            m => Assert.InRange(m.Positions[0], m.Data.GetProperty("after").GetInt64() + 1, long.MaxValue)
        );
    }

    /// <summary>As a receiver works it out, from Standard Webhooks' text.</summary>
    private static string Signature(Received m, string secret) =>
        "v1,"
        + Convert.ToBase64String(
            HMACSHA256.HashData(
                Convert.FromBase64String(secret["whsec_".Length..]),
                Encoding.UTF8.GetBytes($"{m.Id}.{m.Timestamp}.{m.Body}")
            )
        );

    [Fact]
    public async Task What_is_not_taken_is_sent_again_in_the_same_order_until_the_product_gives_up_and_loses_nothing()
    {
        var (village, receiver, path) = await SubscribedAsync("funds_allocated");
        await using var _ = receiver;
        receiver.Answer = _ => 500;
        await village.AllocateAsync(1);
        await village.AllocateAsync(2);
        for (var tries = 1; tries <= Webhooks.Pauses.Count + 1; tries++)
        {
            await ApiFixture.EventuallyAsync(
                async () => (await village.Offices.Auditor.GetAsync<SubscriptionView>(path)).Failures >= tries,
                $"try {tries} has failed"
            );
            await RetryAsync(path);
        }
        var paused = await village.Offices.Auditor.GetAsync<SubscriptionView>(path);
        Assert.Equal(SubscriptionState.Paused, paused.State);
        Assert.Contains("refused 500", paused.Reason, StringComparison.Ordinal);
        var by = await village.Offices.Auditor.GetAsync<AuditPage>("/api/audit/events?type=subscription_paused");
        Assert.Equal("system", Assert.Single(by.Entries).Role);
        Assert.Contains("webhook-paused", await api.Http.GetStringAsync("/health/ready"), StringComparison.Ordinal);
        var tried = await village.Offices.Administrator.GetAsync<List<DeliveryView>>($"{path}/deliveries");
        Assert.Equal(Webhooks.Pauses.Count + 1, tried.Count);
        Assert.All(tried, t => Assert.Equal(("refused", 500), (t.Failure, t.Status)));

        receiver.Answer = _ => 204;
        await village.Offices.Administrator.PostAsync($"{path}/resume", new { });
        await ArrivedAsync(receiver, 2);
        Assert.Equal([1m, 2m], Amounts(receiver));
        // Once more from the beginning of what it got: the same, under the same ids.
        var first = receiver.Taken[0];
        await village.Offices.Administrator.PostAsync($"{path}/resume", new { after = first.Positions[0] - 1 });
        await ArrivedAsync(receiver, 4);
        Assert.Equal([1m, 2m, 1m, 2m], Amounts(receiver));
        await village.Offices.Administrator.PostAsync($"{path}/end", new { reason = "下线" });
        await village.AllocateAsync(3);
        Assert.Equal(4, receiver.Taken.Sum(m => m.Positions.Count));
    }

    private static IEnumerable<decimal> Amounts(Receiver receiver) =>
        receiver
            .Taken.Where(m => m.Type == "ledger.events")
            .SelectMany(m => m.Data.GetProperty("entries").EnumerateArray())
            .Select(e => e.GetProperty("event").GetProperty("amount").GetDecimal());

    [Fact]
    public async Task Whoever_is_gone_is_not_asked_again_and_for_a_day_two_secrets_sign()
    {
        var (village, receiver, path) = await SubscribedAsync("funds_allocated");
        await using var _ = receiver;
        var administrator = village.Offices.Administrator;
        var before = (await administrator.GetAsync<SubscriptionSecretView>($"{path}/secret")).Secret;
        await administrator.PostAsync($"{path}/secret");
        var renewed = await administrator.GetAsync<SubscriptionSecretView>($"{path}/secret");
        Assert.Equal(before, renewed.Previous);
        await village.AllocateAsync(1);
        await ArrivedAsync(receiver, 1);
        var both = receiver.Messages.Single();
        Assert.Equal([Signature(both, renewed.Secret), Signature(both, before)], both.Signature.Split(' '));

        receiver.Answer = _ => 410;
        await village.AllocateAsync(2);
        await ApiFixture.EventuallyAsync(
            async () => (await administrator.GetAsync<SubscriptionView>(path)).State == SubscriptionState.Paused,
            "it is paused at once"
        );
        Assert.Equal(2, receiver.Messages.Count);
    }

    /// <summary>SSRF: nothing within is reached, however it is spelled, and nobody is led there.</summary>
    [Theory]
    [InlineData("https://10.0.0.1/")]
    [InlineData("https://192.168.1.1/")]
    [InlineData("https://169.254.169.254/latest/meta-data/")]
    [InlineData("https://100.100.100.200/latest/meta-data/")]
    [InlineData("https://[::1]:8443/")]
    [InlineData("https://[fe80::1]/")]
    [InlineData("https://[fd00:ec2::254]/")]
    [InlineData("https://[::ffff:10.0.0.1]/")]
    [InlineData("https://0x0a000001/")]
    [InlineData("https://167772161/")]
    [InlineData("https://0/")]
    public async Task What_lies_within_is_neither_noted_down_nor_called(string address)
    {
        var village = await api.RegisteredAsync();
        var refusal = await api.Host.RefusedAsync(
            "field-invalid",
            village.Offices.Administrator,
            "/api/subscriptions",
            new { name = "县大数据平台", address }
        );
        Assert.Equal("address", refusal.Field);
        // An earlier build may have noted it down, or the setting has changed since.
        using var http = new HttpClient(new OutwardAddress([], Dns.GetHostAddressesAsync).Handler());
        var e = await Assert.ThrowsAsync<HttpRequestException>(() => http.PostAsync(address, null));
        Assert.IsType<ForbiddenAddressException>(e.InnerException);
    }

    [Fact]
    public async Task A_name_of_something_within_is_not_called()
    {
        var village = await api.RegisteredAsync();
        var path = await OpenAsync(village, $"https://{ApiFixture.NameWithin}/");
        var tried = await village.Offices.Administrator.PostAsync<DeliveryView>($"{path}/test");
        Assert.Equal((null, "address-forbidden"), (tried.Status, tried.Failure));
    }

    [Fact]
    public async Task A_redirect_is_not_followed()
    {
        var (village, receiver, path) = await SubscribedAsync();
        await using var _ = receiver;
        receiver.Answer = _ => 307;
        var tried = await village.Offices.Administrator.PostAsync<DeliveryView>($"{path}/test");
        Assert.Equal((307, "redirect"), (tried.Status, tried.Failure));
        Assert.Single(receiver.Messages, m => m.Type == "ledger.test");
    }

    /// <summary>DNS rebinding: what was looked at is what is connected to.</summary>
    [Fact]
    public async Task A_name_that_changes_its_answer_leads_nowhere_else()
    {
        await using var receiver = await Receiver.StartAsync();
        var asked = 0;
        // Open when it is looked at, within when it is looked up again.
        var outward = new OutwardAddress(
            [],
            (_, _) => Task.FromResult<IPAddress[]>([asked++ == 0 ? IPAddress.Parse("203.0.113.7") : IPAddress.Loopback])
        );
        using var http = new HttpClient(outward.Handler()) { Timeout = TimeSpan.FromSeconds(5) };
        var to = new UriBuilder(receiver.Address) { Host = "rebinds.example.cn" }.Uri;
        for (var tries = 0; tries < 3; tries++)
        {
            var e = await Assert.ThrowsAsync<HttpRequestException>(() => http.PostAsync(to, null));
            Assert.IsType<ForbiddenAddressException>(e.InnerException);
        }
        Assert.Equal(3, asked);
        Assert.Empty(receiver.Messages);
    }

    [Theory]
    [InlineData("8.8.8.8", true)]
    [InlineData("114.114.114.114", true)]
    [InlineData("2400:3200::1", true)]
    [InlineData("10.255.255.255", false)]
    [InlineData("172.16.0.1", false)]
    [InlineData("172.32.0.1", true)]
    [InlineData("100.64.0.1", false)]
    [InlineData("0.0.0.0", false)]
    [InlineData("127.9.9.9", false)]
    [InlineData("224.0.0.1", false)]
    [InlineData("255.255.255.255", false)]
    [InlineData("::", false)]
    [InlineData("::ffff:127.0.0.1", false)]
    [InlineData("64:ff9b::a00:1", false)]
    [InlineData("2002:a00:1::", false)]
    [InlineData("fc00::1", false)]
    [InlineData("10.20.3.4", true)] // allowed below
    public void Only_what_is_public_or_allowed_is_connected_to(string address, bool isOpen) =>
        Assert.Equal(
            isOpen,
            new OutwardAddress([IPNetwork.Parse("10.20.0.0/16")], Dns.GetHostAddressesAsync).Allows(
                IPAddress.Parse(address)
            )
        );

    [Fact]
    public async Task What_somebody_wrote_past_the_product_sends_nothing_anywhere()
    {
        var (village, receiver, path) = await SubscribedAsync("funds_allocated");
        await using var _ = receiver;
        await using var thief = await Receiver.StartAsync();
        var id = path.Split('/')[^1];
        await EditAsync(
            "update ledger.mt_doc_subscription set data = jsonb_set(data, '{address}', to_jsonb(@to)) where id = @id",
            ("to", thief.Address),
            ("id", id)
        );
        await village.AllocateAsync(1);
        await ArrivedAsync(receiver, 1);
        Assert.Empty(thief.Messages);
    }
}

using Ledger.Api.Storage;
using Ledger.Api.Tests;
using Ledger.Api.Tests.Faults;
using Ledger.Domain;
using Ledger.Projections.Feeds;
using static Ledger.Bench.Statistics;

namespace Ledger.Bench;

/// <summary>
/// What a posting costs while others are told of it: ten subscriptions, all of the county, to a receiver in this
/// process; with them and without in turn. The baseline is the same product with all of them paused.
/// </summary>
public static class Subscribers
{
    private const int Funds = 50,
        Subscriptions = 10;
    private static readonly TimeSpan Turn = TimeSpan.FromSeconds(4);

    public static async Task RunAsync(PrivateCluster cluster, string folder, int rounds, Report report)
    {
        var ledger = await BenchDatabase.NewAsync(cluster, folder, "subscribers");
        var settings = new Dictionary<string, string>(ledger.Settings)
        {
            ["Ledger__Webhooks__AllowedNetworks"] = "127.0.0.0/8",
        };
        await using var receiver = await Receiver.StartAsync();
        receiver.Keeps = false;
        await using var api = await ApiProcess.StartAsync(settings);
        var offices = await ledger.OpenAsync(api.Http);
        var postings = await Postings.SetUpAsync(api.Http, ledger.Tokens, offices, Funds);
        var all = new List<string>();
        for (var i = 0; i < Subscriptions; i++)
        {
            var opened = await offices.Administrator.PostAsync<SubscriptionView>(
                "/api/subscriptions",
                new { name = $"第{i + 1}个系统", address = receiver.Address }
            );
            all.Add($"/api/subscriptions/{opened.Id}");
            await offices.CountyHrss.PostAsync($"{all[^1]}/confirmation");
        }
        await postings.RunAsync(8, TimeSpan.FromSeconds(20)); // the compiler has seen it

        foreach (var clients in new[] { 1, 8, 32 })
        {
            var (without, with, told) = (new List<double>(), new List<double>(), new List<double>());
            for (var round = 0; round <= rounds; round++)
                foreach (var isOn in round % 2 == 0 ? new[] { false, true } : [true, false])
                {
                    await SwitchAsync(offices, all, isOn);
                    var before = receiver.Entries;
                    var rate = await postings.RunAsync(clients, Turn);
                    if (round == 0)
                        continue; // warms up
                    (isOn ? with : without).Add(rate.PerSecond);
                    if (isOn)
                        told.Add((receiver.Entries - before) / Turn.TotalSeconds);
                }
            var ratios = without.Zip(with, (w, o) => w / o).Order().ToList();
            var noise = ratios[ratios.Count * 3 / 4] - ratios[ratios.Count / 4];
            report.Add("subscribers", $"postings, {clients} at once, all paused", Median(without), "/s");
            report.Add("subscribers", $"entries told, {clients} at once", Median(told), "/s");
            report.Add(
                "subscribers",
                $"postings, {clients} at once, ten told: time of one",
                Median(with),
                "/s",
                "all paused",
                Median(ratios),
                noise
            );
        }
    }

    /// <summary>Those that go on begin at the head: what was posted meanwhile is nobody's.</summary>
    private static async Task SwitchAsync(SampleOffices offices, IEnumerable<string> all, bool isOn)
    {
        foreach (var path in all)
        {
            var now = await offices.Administrator.GetAsync<SubscriptionView>(path);
            if ((now.State == Domain.Feeds.SubscriptionState.Active) == isOn)
                continue;
            if (isOn)
                await offices.Administrator.PostAsync($"{path}/resume", new { after = now.Position + now.Behind });
            else
                await offices.Administrator.PostAsync($"{path}/pause", new { reason = "测量" });
        }
        await Task.Delay(TimeSpan.FromSeconds(1)); // what was under way
    }
}

using System.Globalization;
using System.Net;
using Ledger.Api.Commands;
using Xunit.Abstractions;

namespace Ledger.Api.Tests;

/// <summary>POST /api/batch: many commands in one request, each as if it had come by itself.</summary>
[Collection("api")]
public sealed class BatchTests(ApiFixture api, ITestOutputHelper output)
{
    private static readonly int Commands = int.Parse(
        Environment.GetEnvironmentVariable("LEDGER_RANDOM_COMMANDS") ?? "1000",
        CultureInfo.InvariantCulture
    );

    private static object Command(
        string path,
        object? body,
        string? key = null,
        string method = "POST",
        string? ifMatch = null
    ) =>
        new
        {
            key = key ?? $"{Guid.NewGuid():N}",
            method,
            path,
            body,
            ifMatch,
        };

    private static object Allocation(
        SampleVillage village,
        decimal amount,
        string slip,
        string? key = null,
        string? confirm = "另一款",
        string? ifMatch = null
    ) =>
        Command(
            $"/api/funds/{village.FundId}/allocations",
            new
            {
                amount,
                source = "collective-income",
                sourceName = "租金",
                evidence = new[] { slip },
                confirmDuplicate = confirm,
            },
            key,
            ifMatch: ifMatch
        );

    private static Task<BatchView> SendAsync(SampleClient by, IEnumerable<object> commands, bool inOrder = false) =>
        by.PostAsync<BatchView>("/api/batch", new { inOrder, commands });

    private static Refused RefusedBy(BatchResult result, string code)
    {
        var refused = Refused.Of(code, result.Body!.Value.GetRawText());
        Assert.Equal(Rejections.All[code].Status, result.Status);
        return refused;
    }

    [Fact]
    public async Task Each_has_its_own_outcome_and_sent_again_the_same_one()
    {
        var (village, other) = (await api.RegisteredAsync(), await api.RegisteredAsync());
        var slip = await village.Officer.EvidenceAsync("slip");
        object[] commands =
        [
            Allocation(village, 1, slip),
            Allocation(village, 2, new string('b', 64)),
            Allocation(other, 3, slip),
            Command($"/api/funds/{village.FundId}/years/2024/close", null),
            Command("/api/nothing", new { }),
            Command("/api/notices/nothing/objections", new { text = "有人" }),
            Command($"/api/funds/{village.FundId}", null),
            Command("/api/batch", new { commands = Array.Empty<object>() }),
            Command("/api/session/password", new { name = "x", password = "y" }),
            Command("/api/funds/x%00/allocations", new { }),
            Command($"/api/funds/{village.FundId}/allocations", new { amount = 1.001m }),
            Command($"/api/plans/plan-x-{village.Year}/dry-run", new { }),
            Command("/api/reports/replay", new { year = village.Year }),
        ];
        var first = await SendAsync(village.Officer, commands);
        Assert.Equal([201, 422, 404], first.Results.Take(3).Select(r => r.Status));
        RefusedBy(first.Results[1], "evidence-missing");
        RefusedBy(first.Results[2], "not-found");
        RefusedBy(first.Results[4], "not-found");
        Assert.Equal("path", RefusedBy(first.Results[6], "field-invalid").Field); // it is only read
        Assert.Equal("path", RefusedBy(first.Results[7], "field-invalid").Field);
        Assert.Equal("path", RefusedBy(first.Results[8], "field-invalid").Field);
        // Each reads a year of everybody.
        Assert.Equal("path", RefusedBy(first.Results[11], "field-invalid").Field);
        Assert.Equal("path", RefusedBy(first.Results[12], "field-invalid").Field);
        RefusedBy(first.Results[9], "body-invalid");
        RefusedBy(first.Results[10], "amount-invalid");
        Assert.Equal(1, first.Results[0].Body!.Value.As<AllocationView>().Amount.Yuan);
        Assert.Matches("^\"[23]\"$", first.Results[0].ETag); // before or after the year was closed
        Assert.Equal(commands.Length, first.Done + first.Refused);

        var again = await SendAsync(village.Officer, commands);
        Assert.True(again.Results[0].IsReplay && again.Results[2].IsReplay);
        foreach (var (one, two) in first.Results.Zip(again.Results).Take(3))
            Assert.Equal(one.Body!.Value.GetRawText(), two.Body!.Value.GetRawText());
        Assert.Equal(
            1,
            (await village.Officer.GetAsync<FundView>($"/api/funds/{village.FundId}")).AllocatedAmount.Yuan
        );
    }

    [Fact]
    public async Task In_order_each_begins_after_the_one_before_and_none_after_a_refused_one()
    {
        var village = await api.RegisteredAsync();
        var slip = await village.Officer.EvidenceAsync("slip");
        object[] commands =
        [
            Allocation(village, 1, slip, ifMatch: "\"1\""),
            Allocation(village, 2, slip, ifMatch: "\"2\""),
            Allocation(village, 3, slip, ifMatch: "\"2\""),
            Allocation(village, 4, slip),
        ];
        var view = await SendAsync(village.Officer, commands, inOrder: true);
        Assert.Equal((2, 1, 1), (view.Done, view.Refused, view.NotTried));
        RefusedBy(view.Results[2], "version-mismatch");
        Assert.Null(view.Results[3].Status);
        Assert.Equal(
            3,
            (await village.Officer.GetAsync<FundView>($"/api/funds/{village.FundId}")).AllocatedAmount.Yuan
        );
    }

    [Fact]
    public async Task What_is_no_batch_is_refused_whole()
    {
        var village = await api.RegisteredAsync();
        var slip = await village.Officer.EvidenceAsync("slip");
        var one = Allocation(village, 1, slip, "one-key-for-two");
        async Task RefusedAsync(string code, string field, params object[] commands) =>
            Assert.Equal(
                field,
                (await api.Host.RefusedAsync(code, village.Officer, "/api/batch", new { commands })).Field
            );
        await RefusedAsync("limit-exceeded", "commands");
        await RefusedAsync("limit-exceeded", "commands", [.. Enumerable.Repeat(one, Batch.Most + 1)]);
        await RefusedAsync("field-invalid", "commands[1].key", one, one);
        await RefusedAsync("field-invalid", "commands[0].method", Command("/api/funds", null, method: "GET"));
        await RefusedAsync("field-invalid", "commands[0].path", Command("/health/live", null));
        // Who only asks what it would do is not to find that it was done.
        await api.Host.RefusedAsync(
            "field-invalid",
            village.Officer,
            "/api/batch?preview=true",
            new { commands = new[] { one } }
        );
        Assert.Equal(
            0,
            (await village.Officer.GetAsync<FundView>($"/api/funds/{village.FundId}")).AllocatedAmount.Yuan
        );
        using var nobody = await api.Http.PostAsync("/api/batch", SampleClient.Json(new { commands = new[] { one } }));
        Assert.Equal(HttpStatusCode.Unauthorized, nobody.StatusCode);
    }

    [Fact]
    public async Task Nobody_may_in_a_batch_what_he_may_not_by_himself()
    {
        var village = await api.RegisteredAsync();
        var slip = await village.Officer.EvidenceAsync("slip");
        foreach (var by in new[] { village.Offices.Reviewer, village.Offices.Auditor, village.Committee })
        {
            var view = await SendAsync(by, [Allocation(village, 1, slip)]);
            Assert.Equal(403, view.Results[0].Status);
        }
    }

    /// <summary>
    /// The reference model: what a fund has, and which fees are open, as long integers. LEDGER_RANDOM_COMMANDS asks for
    /// more.
    /// </summary>
    private sealed class RefFund(SampleVillage village)
    {
        public SampleVillage Village => village;
        public long In;
        public readonly Dictionary<string, long> OpenFees = [];
        public readonly List<string> Slips = [];
        public readonly HashSet<string> Booked = [];

        /// <summary>
        /// Each fee is a fen more than the one before: known by its amount, and far from the ceiling.
        /// </summary>
        public long LastFee;
    }

    private sealed record Asked(RefFund Fund, object Command, string Key, long Fen, string What, string? About);

    [Fact]
    public async Task Random_batches_leave_what_the_reference_model_says()
    {
        var random = new Random(20261127);
        var offices = (await api.RegisteredAsync()).Offices;
        var funds = new List<RefFund>();
        for (var i = 0; i < 5; i++)
            funds.Add(new RefFund(await api.RegisteredAsync(offices)));
        var (done, refused, replayed) = (0, 0, 0);
        var told = new Dictionary<string, string>();
        for (var sent = 0; sent < Commands; )
        {
            var fund = funds[random.Next(funds.Count)]; // one caller has one village
            var asked = new List<Asked>();
            for (var left = random.Next(1, 60); left > 0; left--)
                asked.Add(await NextAsync(random, fund));
            sent += asked.Count;
            var inOrder = random.Next(8) == 0;
            var view = await SendAsync(fund.Village.Officer, asked.Select(a => a.Command), inOrder);
            Assert.Equal(asked.Select(a => a.Key), view.Results.Select(r => r.Key));
            // What was done first: of two that made one fee good, the other was refused for it.
            foreach (var (a, result) in asked.Zip(view.Results).OrderBy(r => r.Second.Status ?? 0))
            {
                if (result.Status is null)
                {
                    Assert.True(inOrder);
                    continue;
                }
                Learn(a, result);
                told[a.Key] = result.Body!.Value.GetRawText();
                if (result.Status < 400)
                    done++;
                else
                    refused++;
            }
            if (random.Next(6) == 0)
            {
                var again = await SendAsync(fund.Village.Officer, asked.Select(a => a.Command));
                foreach (var result in again.Results.Where(r => told.ContainsKey(r.Key) && r.IsReplay))
                {
                    replayed++;
                    Assert.Equal(told[result.Key], result.Body!.Value.GetRawText());
                }
                // In order, what was not tried is done now; what was asked about is asked again.
                foreach (
                    var (a, result) in asked
                        .Zip(again.Results)
                        .Where(r => !r.Second.IsReplay)
                        .OrderBy(r => r.Second.Status)
                )
                    Learn(a, result);
            }
            await SameAsync(fund);
        }
        output.WriteLine($"{done} done, {refused} refused, {replayed} sent again and told the same");
        Assert.True(done > Commands / 3 && refused > Commands / 20 && replayed > 0);
        foreach (var fund in funds)
            await SameAsync(fund);
        var writes = await api.ScalarAsync<long>(
            "select count(distinct xmin::text) from ledger.mt_events where stream_id = any(@ids)",
            ("ids", funds.Select(f => f.Village.FundId).ToArray())
        );
        Assert.InRange(writes, 1, done / 3);
    }

    private static async Task<Asked> NextAsync(Random random, RefFund fund)
    {
        var (key, fen) = ($"{Guid.NewGuid():N}", random.NextInt64(1, 500_000));
        var (village, path) = (fund.Village, $"/api/funds/{fund.Village.FundId}");
        if (fund.Slips.Count == 0 || random.Next(15) == 0)
            fund.Slips.Add(await village.Officer.EvidenceAsync($"slip {key}"));
        var slip = fund.Slips[random.Next(fund.Slips.Count)];
        switch (random.Next(10))
        {
            case 0:
                return new(fund, Allocation(village, 0, slip, key), key, 0, "amount-invalid", null);
            case 1:
                return new(
                    fund,
                    Allocation(village, fen / 100m, new string('c', 64), key),
                    key,
                    0,
                    "evidence-missing",
                    null
                );
            case 2:
                return new(fund, Allocation(village, fen / 100m, slip, key, confirm: null), key, fen, "in", slip);
            case 3:
                fen = ++fund.LastFee;
                var fee = new
                {
                    amount = fen / 100m,
                    bankReference = $"SXF{key}",
                    evidence = new[] { slip },
                    confirmDuplicate = "另",
                };
                return new(fund, Command($"{path}/bank-fees", fee, key), key, fen, "fee", null);
            case 4 when fund.OpenFees.Count > 0:
                var open = fund.OpenFees.Keys.ElementAt(random.Next(fund.OpenFees.Count));
                var made = new
                {
                    bankReference = $"BZ{key}",
                    evidence = new[] { slip },
                    confirmDuplicate = "另",
                };
                return new(
                    fund,
                    Command($"{path}/bank-fees/{open}/reimbursement", made, key),
                    key,
                    0,
                    "made-good",
                    open
                );
            default:
                return new(fund, Allocation(village, fen / 100m, slip, key), key, fen, "in", null);
        }
    }

    /// <summary>What an answer says must be of its own command, and be possible.</summary>
    private static void Learn(Asked asked, BatchResult result)
    {
        var (fund, said) = (asked.Fund, result.Body!.Value);
        switch (asked.What)
        {
            case "in" when result.Status == 201:
                Assert.Equal(asked.Fen, said.As<AllocationView>().Amount.Fen);
                fund.In += asked.Fen;
                if (asked.About is { } unasked)
                    Assert.True(fund.Booked.Add(unasked), "one slip, booked twice without a word");
                break;
            case "in":
                Assert.NotNull(asked.About); // whoever says why is not asked
                RefusedBy(result, "possible-duplicate");
                break;
            case "fee":
                Assert.Equal(200, result.Status);
                var opened = said.As<FundView>()
                    .OpenFees.Single(f => !fund.OpenFees.ContainsKey(f.FeeId) && f.Amount.Fen == asked.Fen);
                fund.OpenFees.Add(opened.FeeId, asked.Fen);
                break;
            case "made-good" when result.Status == 200:
                Assert.True(fund.OpenFees.Remove(asked.About!), "one fee made good twice");
                break;
            case "made-good":
                Assert.DoesNotContain(asked.About!, fund.OpenFees.Keys);
                break;
            default:
                RefusedBy(result, asked.What);
                break;
        }
    }

    private static async Task SameAsync(RefFund fund)
    {
        var view = await fund.Village.Officer.GetAsync<FundView>($"/api/funds/{fund.Village.FundId}");
        Assert.Equal(fund.In, view.AllocatedAmount.Fen);
        Assert.Equal(fund.In, view.AvailableAmount.Fen);
        Assert.Equal(fund.OpenFees.Values.Sum(), view.OwedAmount.Fen);
        Assert.Equal(
            fund.OpenFees.OrderBy(f => f.Key, StringComparer.Ordinal),
            view.OpenFees.Select(f => KeyValuePair.Create(f.FeeId, f.Amount.Fen))
                .OrderBy(f => f.Key, StringComparer.Ordinal)
        );
    }
}

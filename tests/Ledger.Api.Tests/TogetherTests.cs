using System.Net;
using System.Text.Json;
using Npgsql;

namespace Ledger.Api.Tests;

/// <summary>
/// Who waits together is written together: each with its own answer, none harmed by another, nobody held up by a stream
/// that somebody else holds.
/// </summary>
[Collection("api")]
public sealed class TogetherTests(ApiFixture api)
{
    private const int Many = 30;

    /// <summary>With its length: what comes in pieces is taken for a long upload, and few of those at once.</summary>
    private static StringContent Body(object body) =>
        new(JsonSerializer.Serialize(body), System.Text.Encoding.UTF8, "application/json");

    private static async Task<HttpResponseMessage> PostAsync(
        SampleVillage village,
        decimal amount,
        string slip,
        string? confirm = "另一款",
        string name = "租金"
    ) =>
        await village.Officer.SendAsync(
            HttpMethod.Post,
            $"/api/funds/{village.FundId}/allocations",
            Body(
                new
                {
                    amount,
                    source = "collective-income",
                    sourceName = name,
                    evidence = new[] { slip },
                    confirmDuplicate = confirm,
                }
            )
        );

    /// <summary>
    /// What was sent while somebody outside held the fund, once he has let go: all of it waited together.
    /// </summary>
    private async Task<HttpResponseMessage[]> WhileHeldAsync(
        SampleVillage village,
        Func<Task<HttpResponseMessage>[]> send,
        Func<Task>? meanwhile = null
    )
    {
        await using var connection = await api.Database.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await connection.QueryAsync(
            $"select 1 from ledger.mt_streams where id = '{village.FundId}' for share",
            r => r.GetInt32(0)
        );
        var sent = send();
        if (meanwhile is not null)
            await meanwhile();
        // One of them is at the lock; the others are behind it.
        await ApiFixture.EventuallyAsync(
            async () =>
                await api.ScalarAsync<long>(
                    "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and query like '%mt_streams%'"
                ) > 0,
            "somebody waits for the fund"
        );
        Assert.DoesNotContain(sent, s => s.IsCompletedSuccessfully && s.Result.IsSuccessStatusCode);
        await transaction.CommitAsync();
        return await Task.WhenAll(sent);
    }

    private Task<long> TransactionsAsync(SampleVillage village) =>
        api.ScalarAsync<long>(
            """
            select count(distinct xmin::text)
              from ledger.mt_events
             where stream_id = @id and type = 'funds_allocated'
            """,
            ("id", village.FundId)
        );

    [Fact]
    public async Task What_waits_shares_a_transaction_and_each_is_told_its_own()
    {
        var village = await api.RegisteredAsync();
        var slip = await village.Officer.EvidenceAsync("slip of many");
        var answers = await WhileHeldAsync(
            village,
            () => [.. Enumerable.Range(1, Many).Select(i => PostAsync(village, i + 0.25m, slip))]
        );
        var told = new List<(string Id, decimal Amount, string? Version)>();
        foreach (var (answer, i) in answers.Select((a, i) => (a, i)))
        {
            var view = await answer.ReadAsync<AllocationView>();
            Assert.Equal(i + 1.25m, view.Amount.Yuan);
            told.Add((view.AllocationId, view.Amount.Yuan, answer.Headers.ETag?.Tag));
        }
        Assert.Equal(Many, told.Select(t => t.Version).Distinct().Count());
        await using var connection = await api.Database.OpenConnectionAsync();
        var stored = await connection.QueryAsync(
            """
            select data ->> 'allocationId', (data ->> 'amountFen')::bigint, '"' || version || '"'
              from ledger.mt_events
             where stream_id = @id and type = 'funds_allocated'
            """,
            r => (r.GetString(0), r.GetInt64(1) / 100m, (string?)r.GetString(2)),
            ("id", village.FundId)
        );
        Assert.Equal(stored.Order(), told.Order());
        Assert.InRange(await TransactionsAsync(village), 1, Many / 4);
        var fund = await village.Officer.GetAsync<FundView>($"/api/funds/{village.FundId}");
        Assert.Equal(told.Sum(t => t.Amount), fund.AllocatedAmount.Yuan);
        Assert.Equal(fund.AllocatedAmount, fund.AvailableAmount);
    }

    [Fact]
    public async Task A_fund_that_somebody_holds_holds_up_nobody_else()
    {
        var (held, free) = (await api.RegisteredAsync(), await api.RegisteredAsync());
        var slips = (await held.Officer.EvidenceAsync("a"), await free.Officer.EvidenceAsync("b"));
        await WhileHeldAsync(
            held,
            () => [.. Enumerable.Range(1, 3).Select(i => PostAsync(held, i, slips.Item1))],
            async () =>
            {
                foreach (
                    var answer in await Task.WhenAll(
                        Enumerable.Range(1, 9).Select(i => PostAsync(free, i, slips.Item2))
                    )
                )
                    Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
            }
        );
        Assert.Equal(6, (await held.Officer.GetAsync<FundView>($"/api/funds/{held.FundId}")).AllocatedAmount.Yuan);
        // Who waited and who did not: their times are in turn, as those of two groups at once are.
        var turn = new InTurn(0, null);
        await using var connection = await api.Database.OpenConnectionAsync();
        foreach (
            var (sequence, at) in await connection.QueryAsync(
                "select seq_id, timestamp from ledger.mt_events where stream_id = any(@funds) order by 1",
                r => (r.GetInt64(0), r.GetFieldValue<DateTimeOffset>(1)),
                ("funds", new[] { held.FundId, free.FundId })
            )
        )
            Assert.Null(turn.Next(sequence, at));
    }

    /// <summary>
    /// A group takes its time when it is ready to be written, and its numbers when its streams are free: between them
    /// lies no more than a statement may take, and beside it others are written. Nobody is refused for it, and of what
    /// is found none is theirs.
    /// </summary>
    [Fact]
    public void Two_groups_at_once_are_in_turn_however_long_one_of_them_waits_for_its_streams()
    {
        var start = new DateTimeOffset(2026, 12, 1, 8, 0, 0, TimeSpan.Zero);
        var mostWait = TimeSpan.FromSeconds(new NpgsqlConnectionStringBuilder().CommandTimeout);
        var turn = new InTurn(0, null);
        var sequence = 0;
        for (var second = 0; second < 3_600; second++)
        {
            var now = start.AddSeconds(second);
            Assert.Null(turn.Next(++sequence, now));
            Assert.Null(turn.Next(++sequence, now - mostWait)); // the other group, its streams just let go
        }
        // And two nodes whose clocks are five minutes apart.
        for (var second = 3_600; second < 7_200; second++)
            Assert.Null(
                turn.Next(++sequence, start.AddSeconds(second) - (second % 2 == 0 ? TimeSpan.FromMinutes(5) : mostWait))
            );
        // One that is dated back is found, itself alone.
        Assert.NotNull(turn.Next(++sequence, start));
        Assert.Null(turn.Next(++sequence, start.AddSeconds(7_200)));
    }

    [Fact]
    public async Task One_slip_in_one_group_books_once_and_the_others_are_asked()
    {
        var village = await api.RegisteredAsync();
        var slip = await village.Officer.EvidenceAsync("one slip");
        var answers = await WhileHeldAsync(
            village,
            () => [.. Enumerable.Range(1, 9).Select(i => PostAsync(village, i, slip, confirm: null))]
        );
        var done = Assert.Single(answers, a => a.StatusCode == HttpStatusCode.Created);
        var first = await done.ReadAsync<AllocationView>();
        foreach (var answer in answers.Where(a => a != done))
            Assert.Equal(
                first.AllocationId,
                Refused.Of("possible-duplicate", await answer.Content.ReadAsStringAsync()).Earlier!.Id
            );
        Assert.Equal(1, await TransactionsAsync(village));
    }

    [Fact]
    public async Task Who_is_refused_is_refused_alone_and_once()
    {
        var (village, stranger) = (await api.RegisteredAsync(), await api.RegisteredAsync());
        var slip = await village.Officer.EvidenceAsync("slip");
        var answers = await WhileHeldAsync(
            village,
            () =>
                [
                    .. Enumerable
                        .Range(1, Many)
                        .Select(i =>
                            i % 3 == 0 ? PostAsync(village, i, new string('a', 64))
                            : i % 3 == 1 ? PostAsync(village, i, slip)
                            : stranger.Officer.SendAsync(
                                HttpMethod.Post,
                                $"/api/funds/{village.FundId}/allocations",
                                Body(
                                    new
                                    {
                                        amount = i,
                                        source = "collective-income",
                                        sourceName = "别村",
                                    }
                                )
                            )
                        ),
                ]
        );
        Assert.Equal(Many / 3, answers.Count(a => a.StatusCode == HttpStatusCode.Created));
        Assert.Equal(Many / 3, answers.Count(a => a.StatusCode == HttpStatusCode.NotFound));
        Assert.Equal(Many / 3, answers.Count(a => a.StatusCode == HttpStatusCode.UnprocessableEntity)); // no such slip
        Assert.Equal(
            2 * Many / 3,
            await api.ScalarAsync<long>(
                """
                select count(*)
                  from ledger.mt_events
                 where type = 'command_refused' and headers ->> 'actor' in (@one, @other)
                """,
                ("one", village.Officer.Actor.Id),
                ("other", stranger.Officer.Actor.Id)
            )
        );
    }

    [Fact]
    public async Task What_the_database_refuses_of_one_harms_none_of_the_others()
    {
        var (village, other) = (await api.RegisteredAsync(), await api.RegisteredAsync());
        var slips = (await village.Officer.EvidenceAsync("a"), await other.Officer.EvidenceAsync("b"));
        // The first fen of this fund are somebody's already: its posting cannot be written.
        await using (var connection = await api.Database.OpenConnectionAsync())
            await connection.ExecuteAsync(
                """
                insert into ledger.fen_axis (axis, account, fen_from, fen_to, kind, reference, event_id)
                values ('in', @fund || '/general', 0, 100, 'allocated', 'planted', gen_random_uuid())
                """,
                ("fund", other.FundId)
            );
        var answers = await WhileHeldAsync(
            village,
            () =>
                [
                    .. Enumerable
                        .Range(1, Many)
                        .Select(i =>
                            i % 5 == 0 ? PostAsync(other, i, slips.Item2) : PostAsync(village, i, slips.Item1)
                        ),
                ]
        );
        Assert.Equal(Many * 4 / 5, answers.Count(a => a.StatusCode == HttpStatusCode.Created));
        var damaged = answers.Where(a => !a.IsSuccessStatusCode).ToList();
        Assert.Equal(Many / 5, damaged.Count);
        foreach (var answer in damaged)
            Refused.Of("fund-damaged", await answer.Content.ReadAsStringAsync());
        Assert.Equal(0, (await other.Officer.GetAsync<FundView>($"/api/funds/{other.FundId}")).AllocatedAmount.Yuan);
    }

    [Fact]
    public async Task Fees_and_income_of_one_fund_follow_each_other_in_one_group()
    {
        var village = await api.RegisteredAsync();
        var slip = await village.Officer.EvidenceAsync("slip");
        var answers = await WhileHeldAsync(
            village,
            () =>
                [
                    .. Enumerable
                        .Range(1, Many)
                        .Select(i =>
                            i % 2 == 0
                                ? PostAsync(village, 1, slip)
                                : village.Officer.SendAsync(
                                    HttpMethod.Post,
                                    $"/api/funds/{village.FundId}/bank-fees",
                                    Body(
                                        new
                                        {
                                            amount = 0.5m,
                                            // One number twice, the second time in full width.
                                            bankReference = i % 4 == 1 ? $"SXF-{i / 4}" : $"ＳＸＦ－{i / 4}",
                                            evidence = new[] { slip },
                                            confirmDuplicate = i % 4 == 1 ? null : "两笔",
                                        }
                                    )
                                )
                        ),
                ]
        );
        var refused = answers.Where(a => !a.IsSuccessStatusCode).ToList();
        foreach (var answer in refused)
            Refused.Of("possible-duplicate", await answer.Content.ReadAsStringAsync());
        var fund = await village.Officer.GetAsync<FundView>($"/api/funds/{village.FundId}");
        Assert.Equal(Many / 2, fund.AvailableAmount.Yuan);
        Assert.Equal((Many / 2 - refused.Count) * 0.5m, fund.OwedAmount.Yuan);
    }
}

using System.Text.Json;
using Ledger.Domain;
using Ledger.Domain.Funds;
using Ledger.Domain.Funds.Steps;
using Ledger.Domain.Identity;
using Ledger.Domain.Tests;
using Ledger.Store.Axes;
using Marten;
using Microsoft.Extensions.DependencyInjection;

namespace Ledger.Api.Tests;

/// <summary>Each yuan from its source to the member's line and back.</summary>
[Collection("api")]
public sealed class TraceTests(ApiFixture api)
{
    [Fact]
    public async Task A_line_is_traced_to_its_allocations_and_an_allocation_to_its_lines_also_through_a_withdrawal()
    {
        var (village, people) = await api.ReadyToFileAsync(3, subsidy: 100, money: 150);
        var second = (await village.AllocateAsync(200, name: "果园承包费")).AllocationId;
        await village.FileAsync(people);
        await village.ReviewAsync();
        await village.ApproveAsync();
        var members = (await village.Officer.GetAsync<LinePage>($"{village.ApplicationPath}/lines"))
            .Lines.Select(l => l.MemberId)
            .ToArray();
        string Trace(string member) => $"/api/trace{village.ApplicationPath["/api".Length..]}/members/{member}";
        Task<LineTraceView> Line(string member) => village.Offices.Auditor.GetAsync<LineTraceView>(Trace(member));

        var middle = await Line(members[1]);
        Assert.Equal([50m, 50m], middle.Sources.Select(s => s.Amount.Yuan));
        Assert.Equal(second, middle.Sources[1].AllocationId);
        Assert.Single(middle.Sources[1].Evidence);
        Assert.Equal(village.Offices.Approver.Actor.Id, middle.Approver);
        Assert.Equal(1, middle.Resolution!.Attendance);
        Assert.Contains("“果园承包费”50.00元", middle.InWords);
        Assert.DoesNotContain(people[1].Name, $"{await village.Offices.Auditor.GetAsync(Trace(members[1]))}");

        var down = await village.Officer.GetAsync<AllocationTraceView>(
            $"/api/trace/funds/{village.FundId}/allocations/{second}?limit=1"
        );
        Assert.Equal(
            (200m, 150m, 50m, 2),
            (down.Amount.Yuan, down.UsedAmount.Yuan, down.AvailableAmount.Yuan, down.UseCount)
        );
        Assert.Equal(1, down.Next);

        // The middle line goes back: half of it is the second allocation's again, and the next application takes the
        // rest of it first.
        await village.Officer.PostAsync<ApplicationView>(
            $"{village.ApplicationPath}/line-withdrawals",
            new { memberIds = new[] { members[1] }, reason = "放弃" }
        );
        Assert.Equal(
            100m,
            (
                await village.Officer.GetAsync<AllocationTraceView>(
                    $"/api/trace/funds/{village.FundId}/allocations/{second}"
                )
            )
                .AvailableAmount
                .Yuan
        );
        await village.FileAsync([people[1]]);
        await village.ReviewAsync();
        await village.ApproveAsync();
        var again = await Line(members[1]);
        Assert.Equal([50m, 50m], again.Sources.Select(s => s.Amount.Yuan).Order());
        Assert.Equal(2, again.Sources.Select(s => s.AllocationId).Distinct().Count());

        // The way of the fen that went out, came back and went out again, step by step.
        foreach (var source in again.Sources)
        {
            var allocation = source.AllocationId;
            var paths = await village.Offices.Auditor.GetAsync<PathsView>(
                $"/api/trace{village.ApplicationPath["/api".Length..]}/members/{members[1]}/allocations/{allocation}"
            );
            Assert.Equal(50m, paths.Amount.Yuan);
            var steps = Assert.Single(paths.Paths).Steps;
            Assert.Equal(
                allocation == second ? [EntryKind.Allocated] : [EntryKind.Allocated, EntryKind.Released],
                steps.Select(s => s.Kind)
            );
            Assert.All(steps, s => Assert.Equal(50m, s.Amount.Yuan));
        }
        await api.Host.RefusedAsync(
            "not-found",
            village.Officer,
            HttpMethod.Get,
            $"/api/trace{village.ApplicationPath["/api".Length..]}/members/{members[1]}/allocations/allocation-x"
        );

        await api.Host.RefusedAsync(
            "not-found",
            api.NewOffices().Auditor,
            HttpMethod.Get,
            $"/api/trace/funds/{village.FundId}/allocations/{second}"
        );
        await api.Host.RefusedAsync(
            "not-found",
            village.Officer,
            HttpMethod.Get,
            $"/api/trace/funds/{village.FundId}/allocations/allocation-x"
        );
        await api.Host.RefusedAsync(
            "not-found",
            village.Officer,
            HttpMethod.Get,
            $"/api/trace/applications/{village.ApplicationId}/members/member-x"
        );
    }

    /// <summary>
    /// Random histories of two funds, with every way in, out and back: the index walk finds what a search from end to
    /// end finds.
    /// </summary>
    [Fact]
    public async Task The_stored_axes_answer_as_a_search_from_end_to_end()
    {
        var random = new Random(20261124);
        var day = new DateOnly(2026, 1, 1);
        string[] slip = ["slip"];
        await using var connection = await api.Database.OpenConnectionAsync();
        var stored = new StoredAxes(connection, "ledger");
        for (var history = 0; history < 100; history++)
        {
            var funds = Enumerable
                .Range(0, 2)
                .Select(i =>
                    OpenFund
                        .Decide(null, "c", "x", "370811102201")
                        .Events.Aggregate((Fund?)null, (f, e) => IEvolve<Fund>.Next(f, $"fund-t{history}-{i}", e))!
                )
                .ToArray();
            var entries = new List<AxisEntry>();
            void Take(int i, IReadOnlyList<IEventOf<Fund>> events)
            {
                foreach (var e in events)
                {
                    funds[i] = IEvolve<Fund>.Next(funds[i], funds[i].Id, e);
                    entries.AddRange(AxisEntry.Of(funds[i].Id, e));
                }
            }
            for (var step = 0; step < 60; step++)
            {
                var i = random.Next(2);
                var (fund, amount) = (funds[i], new Money(random.Next(2) == 0 ? 1 : random.Next(1, 300)));
                var pocket = random.Next(2) == 0 ? "general" : SubAccount.ForYear(2026);
                var back = fund
                    .Commitments.Where(c => c.Value.ReservedFen.IsPositive)
                    .Select(c =>
                        (Id: c.Key, entries.Last(e => e.Kind == EntryKind.Reserved && e.Reference == c.Key).Span.Fen)
                    )
                    .ToList();
                switch (random.Next(6))
                {
                    case 0 or 1:
                        Take(
                            i,
                            Allocate
                                .Into(
                                    fund,
                                    $"a{history}-{step}",
                                    SourceKind.Charity,
                                    "x",
                                    amount,
                                    "donor-1",
                                    pocket == "general" ? null : new Earmark(2026),
                                    slip,
                                    day
                                )
                                .Events
                        );
                        break;
                    case 2 or 3:
                        Take(i, FundDecider.Reserve(fund, $"app{step}", 2026, pocket, amount, 1).Events);
                        break;
                    case 4 when back.Count > 0:
                        var one = back[random.Next(back.Count)];
                        Take(
                            i,
                            FundDecider
                                .Release(
                                    fund,
                                    one.Id,
                                    [
                                        new FenInterval(
                                            one.Fen.To - fund.Commitments[one.Id].ReservedFen.Fen,
                                            one.Fen.To
                                        ),
                                    ],
                                    "x"
                                )
                                .Events
                        );
                        break;
                    case 5 when random.Next(3) == 0:
                        var (rest, by) = (
                            new RestOfPocket.Basis(fund, SubAccount.ForYear(2026), null),
                            new Actor("village", Roles.VillageFinance, "370811")
                        );
                        if (LiftEarmark.Request(rest, "township", slip, day, by) is { Events.Count: > 0 } asked)
                        {
                            Take(i, asked.Events);
                            Take(
                                i,
                                LiftEarmark
                                    .Confirm(
                                        rest with
                                        {
                                            Fund = funds[i],
                                        },
                                        new Actor("township", Roles.Township, "370811")
                                    )
                                    .Events
                            );
                        }
                        break;
                    case 5:
                        var moved = FundDecider.Transfer(
                            fund,
                            funds[1 - i],
                            fund.Pocket("general").Available.IsPositive ? new Money(1) : null
                        );
                        Take(i, moved.Events);
                        foreach (var arrived in moved.Also.OfType<Change<Fund>>())
                            Take(1 - i, arrived.Facts);
                        break;
                }
            }
            await using (var session = api.Host.Services.GetRequiredService<IDocumentStore>().LightweightSession())
            {
                foreach (var e in entries)
                    session.QueueSqlCommand(
                        """
                        insert into ledger.fen_axis (axis, account, fen_from, fen_to, kind, reference, origin_account,
                                                     origin_from, event_id)
                        values (?, ?, ?, ?, ?, ?, ?, ?, ?)
                        """,
                        e.Axis.Word(),
                        e.Span.Account,
                        e.Span.Fen.From,
                        e.Span.Fen.To,
                        e.Kind.Word(),
                        e.Reference,
                        (object?)e.Origin?.Account ?? DBNull.Value,
                        (object?)e.Origin?.Fen.From ?? DBNull.Value,
                        Guid.Empty
                    );
                await session.SaveChangesAsync();
            }
            var memory = new AxesInMemory(entries);
            foreach (var entry in entries.Where(e => e.Kind is EntryKind.Allocated))
                Assert.Equal(Told(await memory.DownAsync(entry.Span)), Told(await stored.DownAsync(entry.Span)));
            foreach (var entry in entries.Where(e => e.Axis == Axis.Out))
                Assert.Equal(Told(await memory.UpAsync(entry.Span)), Told(await stored.UpAsync(entry.Span)));
        }
        await connection.ExecuteAsync("delete from ledger.fen_axis where account like 'fund-t%'");
    }

    private static IEnumerable<string> Told(IEnumerable<Place> places) =>
        places.Select(p => $"{p.Kind} {p.Span} {p.ApplicationId}").Order(StringComparer.Ordinal);

    private static IEnumerable<string> Told(IEnumerable<Source> sources) =>
        sources
            .Select(s => string.Join(" < ", s.Path.Select(p => $"{p.Entry.Kind} {p.Entry.Span.Account} {p.Fen}")))
            .Order(StringComparer.Ordinal);
}

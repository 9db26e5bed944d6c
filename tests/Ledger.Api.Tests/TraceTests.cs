using System.Text.Json;

namespace Ledger.Api.Tests;

/// <summary>Each yuan from its source to the member's line and back.</summary>
[Collection("api")]
public sealed class TraceTests(ApiFixture api)
{
    private static JsonElement[] Items(JsonElement e, string name) => [.. e.GetProperty(name).EnumerateArray()];

    [Fact]
    public async Task A_line_is_traced_to_its_allocations_and_an_allocation_to_its_lines_also_through_a_withdrawal()
    {
        var (village, people) = await api.ReadyToFileAsync(3, subsidy: 100, money: 150);
        var second = (await village.AllocateAsync(200, name: "果园承包费")).GetProperty("allocationId").GetString();
        await village.FileAsync(people);
        await village.ReviewAsync();
        await village.ApproveAsync();
        var members = Items(await village.Officer.GetAsync($"{village.ApplicationPath}/lines"), "lines").Select(l => l.GetProperty("memberId").GetString()!).ToArray();
        Task<JsonElement> Line(string member) => village.Offices.Auditor.GetAsync($"/api/trace{village.ApplicationPath["/api".Length..]}/members/{member}");

        var middle = await Line(members[1]);
        Assert.Equal([50m, 50m], Items(middle, "sources").Select(s => s.GetProperty("amount").GetDecimal()));
        Assert.Equal(second, Items(middle, "sources")[1].GetProperty("allocationId").GetString());
        Assert.Single(Items(middle, "sources")[1].GetProperty("evidence").EnumerateArray());
        Assert.Equal(village.Offices.Approver.Actor.Id, middle.GetProperty("approver").GetString());
        Assert.Equal(180, middle.GetProperty("resolution").GetProperty("attendance").GetInt32());
        Assert.Contains("“果园承包费”50.00元", middle.GetProperty("inWords").GetString());
        Assert.DoesNotContain(people[1].Name, middle.GetRawText());

        var down = await village.Officer.GetAsync($"/api/trace/funds/{village.FundId}/allocations/{second}?limit=1");
        Assert.Equal((200m, 150m, 50m, 2), (down.GetProperty("amount").GetDecimal(), down.GetProperty("usedAmount").GetDecimal(), down.GetProperty("availableAmount").GetDecimal(), down.GetProperty("useCount").GetInt32()));
        Assert.Equal(1, down.GetProperty("next").GetInt32());

        // The middle line goes back: half of it is the second allocation's again, and the next application takes the rest of it first.
        await village.Officer.PostAsync($"{village.ApplicationPath}/line-withdrawals", new { memberIds = new[] { members[1] }, reason = "放弃" });
        Assert.Equal(100m, (await village.Officer.GetAsync($"/api/trace/funds/{village.FundId}/allocations/{second}")).GetProperty("availableAmount").GetDecimal());
        await village.FileAsync([people[1]]);
        await village.ReviewAsync();
        await village.ApproveAsync();
        var again = await Line(members[1]);
        Assert.Equal([50m, 50m], Items(again, "sources").Select(s => s.GetProperty("amount").GetDecimal()).Order());
        Assert.Equal(2, Items(again, "sources").Select(s => s.GetProperty("allocationId").GetString()).Distinct().Count());

        await ApiFixture.RefusedAsync("not-found", api.NewOffices().Auditor, HttpMethod.Get, $"/api/trace/funds/{village.FundId}/allocations/{second}");
        await ApiFixture.RefusedAsync("not-found", village.Officer, HttpMethod.Get, $"/api/trace/funds/{village.FundId}/allocations/allocation-x");
        await ApiFixture.RefusedAsync("not-found", village.Officer, HttpMethod.Get, $"/api/trace/applications/{village.ApplicationId}/members/member-x");
    }
}

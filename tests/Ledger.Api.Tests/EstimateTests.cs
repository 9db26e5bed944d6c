using System.Net;
using System.Text.Json;
using Ledger.Api.Benefits;
using Ledger.Api.Sample;
using Ledger.Domain;
using Ledger.Domain.Identity;

namespace Ledger.Api.Tests;

/// <summary>The account in the long run, as the law reckons it (C22, L3, L10, L11).</summary>
[Collection("api")]
public sealed class EstimateTests(ApiFixture api)
{
    private async Task<(SampleVillage Village, string Member)> MemberOfAsync(int age)
    {
        var village = await api.RegisteredAsync();
        var first17 = $"{village.Offices.County}{api.Today.Year - age}0101007";
        var person = new SamplePerson("孟庆", first17 + CitizenId.CheckCharacter(first17), "13800000000");
        await village.ImportMembersAsync([person]);
        var list = await village.Officer.GetAsync($"/api/members?collectiveId={village.CollectiveId}");
        return (village, list.GetProperty("members").EnumerateArray().Single().Id());
    }

    private static string NextYear(SampleVillage village) =>
        $"/api/policy-years/{RegionCode.City(village.Offices.County)}/{village.Year + 1}";

    [Theory]
    [InlineData(45, 3, "pension", 18, 0)]
    [InlineData(59, 3, "too-few-years", 4, 11)]
    [InlineData(59, 14, "pension", 15, 0)]
    [InlineData(60, 14, "too-few-years", 14, 1)]
    [InlineData(75, 20, "being-paid", 20, 0)]
    public async Task C22_L3_L11_no_pension_is_shown_that_nobody_would_get(
        int age,
        int paidBefore,
        string outlook,
        int paid,
        int missing
    )
    {
        var (village, member) = await MemberOfAsync(age);
        var query = $"year={village.Year}&tierAmount=300&subsidyAmount=120&balanceAmount=5000&paidYears={paidBefore}";
        var e = await village.Officer.GetAsync<EstimateView>($"/api/members/{member}/estimate?{query}");
        Assert.Equal(
            (outlook, paid, missing, 139, 170m),
            (e.Outlook.Word(), e.PaidYears, e.MissingYears, e.PayoutMonths, e.BasicPensionAmount!.Value.Yuan)
        );
        Assert.Equal(outlook == "pension", e.MonthlyAmount is not null);
        using var page = await village.Officer.SendAsync(
            HttpMethod.Get,
            $"/api/members/{member}/estimate?{query}",
            null,
            more: r => r.Headers.Accept.ParseAdd("text/html")
        );
        Assert.Contains(
            outlook switch
            {
                "pension" => "基础养老金每月",
                "being-paid" => "账户已在支付",
                _ => "缴费年限不够",
            },
            await page.Content.ReadAsStringAsync()
        );
    }

    [Fact]
    public async Task C22_L10_each_year_has_the_rate_that_was_published_for_it_and_later_ones_the_last()
    {
        var (village, member) = await MemberOfAsync(45);
        var next = SampleClient.Node(SampleOffices.PolicyYear(village.Year + 1));
        next["accountInterestBasisPoints"] = 100;
        await village.Offices.CityHrss.PutAsync(NextYear(village), next);
        var e = await village.Officer.GetAsync<EstimateView>(
            $"/api/members/{member}/estimate?year={village.Year}&tierAmount=300&paidYears=20"
        );
        Assert.Equal([262, 100, 100], e.Years.Take(3).Select(y => y.InterestBasisPoints));
    }

    [Fact]
    public async Task L3_L11_figures_that_cannot_be_are_refused_by_their_names()
    {
        var (village, member) = await MemberOfAsync(45);
        var refused = await ApiFixture.RefusedAsync(
            "field-invalid",
            village.Officer,
            HttpMethod.Get,
            $"/api/members/{member}/estimate?year={village.Year}&tierAmount=300&paidYears=81"
        );
        Assert.Equal("paidYears", refused.Field);
        var body = SampleClient.Node(SampleOffices.PolicyYear(village.Year + 1));
        body["basicPensionAmount"] = 10_000.01;
        using var answer = await village.Offices.CityHrss.SendAsync(
            HttpMethod.Put,
            NextYear(village),
            SampleClient.Json(body)
        );
        Assert.Equal(HttpStatusCode.UnprocessableEntity, answer.StatusCode);
        Assert.Contains("basicPensionAmount", await answer.Content.ReadAsStringAsync());
    }
}

using Ledger.Api.Security;
using Ledger.Domain.Identity;

namespace Ledger.Api.Tests;

/// <summary>
/// C15, C20: one person with tokens of two roles. Who did one step of an application is refused in every other that
/// must be another's.
/// </summary>
[Collection("api")]
public sealed class SeparationTests(ApiFixture api)
{
    public static TheoryData<string, string, bool> Pairs =>
        new()
        {
            { "file", "review", true },
            { "file", "approve", true },
            { "file", "reject", true },
            { "file", "return", true },
            { "review", "approve", true },
            { "review", "reject", true },
            { "review", "pay", true },
            { "approve", "pay", true },
            { "file", "pay", false }, // a village's officer may carry out what others reviewed and approved
        };

    [Theory, MemberData(nameof(Pairs))]
    public async Task C15_C20_one_person_in_two_steps_of_an_application(string first, string second, bool isForbidden)
    {
        var (village, people) = await api.ReadyToFileAsync(2);
        var offices = village.Offices;
        SampleClient Who(string step)
        {
            var role = step is "file" or "pay" ? Roles.VillageFinance : Roles.Agency;
            var id = step == first || step == second ? $"both.{village.VillageCode}" : $"{step}.{village.VillageCode}";
            return api.Client(new Actor(id, role, role == Roles.VillageFinance ? village.VillageCode : offices.County));
        }
        var seal = await Who("file").EvidenceAsync("seal");
        var filed = await Who("file")
            .UploadAsync<FilingView>(
                "/api/applications",
                SampleSheets.Roster(people),
                "名单.xlsx",
                "roster",
                ("planId", village.PlanId),
                ("seal", seal)
            );
        var path = $"/api/applications/{filed.Application.Id}";
        (string Step, Func<SampleClient, Task<HttpResponseMessage>> Do)[] steps =
        [
            ("return", c => c.SendAsync(HttpMethod.Post, $"{path}/return", SampleClient.Json(new { reason = "x" }))),
            (
                "review",
                c => c.SendAsync(HttpMethod.Post, $"{path}/review", SampleClient.Json(new { acceptRest = true }))
            ),
            ("reject", c => c.SendAsync(HttpMethod.Post, $"{path}/rejection", SampleClient.Json(new { reason = "x" }))),
            ("approve", c => c.SendAsync(HttpMethod.Post, $"{path}/approval", SampleClient.Json(new { }))),
            (
                "pay",
                async c =>
                {
                    await village.Officer.PostAsync($"{path}/notice", new { place = "公示栏" });
                    return await c.SendAsync(
                        HttpMethod.Post,
                        $"{path}/payment",
                        SampleClient.Json(
                            new
                            {
                                amount = 200.00m,
                                purpose = "member-subsidy",
                                bankReference = "NX1",
                                evidence = new[] { await village.Officer.EvidenceAsync("slip") },
                            }
                        )
                    );
                }
            ),
        ];
        foreach (var (step, act) in steps)
        {
            if (step is "return" or "reject" && step != second)
                continue;
            using var response = await act(Who(step));
            var text = await response.Content.ReadAsStringAsync();
            if (step == second)
            {
                if (isForbidden)
                    Assert.True(
                        (int)response.StatusCode == 403 && text.Contains("\"self-approval\"", StringComparison.Ordinal),
                        $"{first}, {second}: {(int)response.StatusCode} {text}"
                    );
                else
                    Assert.Contains("\"notice-open\"", text); // not refused as the same person, only too early
                return;
            }
            Assert.True(response.IsSuccessStatusCode, $"{step}: {text}");
        }
        Assert.Fail($"{second} was not reached");
    }
}

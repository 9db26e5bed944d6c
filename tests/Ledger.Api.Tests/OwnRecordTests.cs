using Ledger.Api.Applications;
using Ledger.Domain.Applications;
using Ledger.Domain.Identity;

namespace Ledger.Api.Tests;

/// <summary>
/// The reviewer does not make the facts that he reviews, nor the approver those that he approves (C15).
/// </summary>
[Collection("api")]
public sealed class OwnRecordTests(ApiFixture api)
{
    [Fact]
    public async Task C15_who_imported_a_contribution_neither_reviews_nor_approves_the_line_that_rests_on_it()
    {
        var (village, people) = await api.ReadyToFileAsync(2);
        var offices = village.Offices;
        var more = new SamplePeople(4711).Take(2, offices.County);
        await village.ImportMembersAsync(more);
        var third = api.Client(new Actor($"third.{offices.County}", Roles.Agency, offices.County));
        foreach (var (who, person) in ((SampleClient, SamplePerson)[])[(offices.Reviewer, more[0]), (third, more[1])])
            await who.UploadAsync(
                $"/api/contributions/import?year={village.Year}",
                SampleSheets.Contributions([(person, 300, false)], api.Today, $"OWN{person.CitizenId[^4..]}"),
                "缴费.xlsx"
            );
        await village.FileAsync([.. people, .. more]);
        var review = $"{village.ApplicationPath}/review";
        var refused = await api.Host.RefusedAsync("self-approval", offices.Reviewer, review, new { acceptRest = true });
        var own = Assert.Single(refused.Faults).MemberId!;
        Assert.Contains("没有导入", refused.Mend, StringComparison.Ordinal);
        object One(string memberId) => new { verdicts = new[] { new { memberId, accepted = true } } };
        await api.Host.RefusedAsync("self-approval", offices.Reviewer, review, One(own));
        // The sound ones he accepts at once; his own is left to another.
        var sound = await offices.Reviewer.PostAsync<ApplicationView>(review, new { acceptSound = true });
        Assert.Equal(ApplicationStatus.Filed, sound.Status);
        await api.Host.RefusedAsync("finding-open", offices.Reviewer, review, new { acceptSound = true });
        var reviewed = await offices.Approver.PostAsync<ApplicationView>(review, One(own));
        Assert.Equal(ApplicationStatus.Reviewed, reviewed.Status);

        var approval = $"{village.ApplicationPath}/approval";
        var alone = await api.Host.RefusedAsync("self-approval", third, approval);
        Assert.Equal("缴费记录由您本人导入", Assert.Single(alone.Faults).Message);
        var fourth = api.Client(new Actor($"fourth.{offices.County}", Roles.Agency, offices.County));
        var approved = await fourth.PostAsync<ApplicationView>(approval);
        Assert.Equal(ApplicationStatus.Approved, approved.Status);
    }
}

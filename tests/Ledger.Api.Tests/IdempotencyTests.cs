using System.Net;

namespace Ledger.Api.Tests;

/// <summary>Idempotency-Key and If-Match.</summary>
[Collection("api")]
public sealed class IdempotencyTests(ApiFixture api)
{
    private async Task<(SampleVillage Village, object Body, string Path)> AllocationAsync()
    {
        var village = await api.RegisteredAsync();
        var body = new
        {
            amount = 12.34m,
            source = "collective-income",
            sourceName = "租金",
            evidence = new[] { await village.Officer.EvidenceAsync("slip") },
            confirmDuplicate = "同一回单的另一笔",
        };
        return (village, body, $"/api/funds/{village.FundId}/allocations");
    }

    [Fact]
    public async Task Same_key_and_body_gives_the_first_answer_byte_for_byte_and_happens_once()
    {
        var (village, body, path) = await AllocationAsync();
        var key = Guid.NewGuid().ToString();
        using var first = await village.Officer.SendAsync(HttpMethod.Post, path, SampleClient.Json(body), key);
        using var second = await village.Officer.SendAsync(HttpMethod.Post, path, SampleClient.Json(body), key);
        Assert.Equal(HttpStatusCode.Created, second.StatusCode);
        Assert.Equal(await first.Content.ReadAsStringAsync(), await second.Content.ReadAsStringAsync());
        Assert.Equal(first.Headers.ETag, second.Headers.ETag);
        Assert.True(second.Headers.Contains("Idempotent-Replay"));
        Assert.Equal(
            12.34m,
            (await village.Officer.GetAsync<FundView>($"/api/funds/{village.FundId}")).AllocatedAmount.Yuan
        );
    }

    [Theory]
    [InlineData("201", """{"Content-Type": "text/html"}""")]
    [InlineData("201", """{"Content-Type": "application/json; charset=utf-8", "Set-Cookie": "a=b"}""")]
    [InlineData("201", """{"Content-Type": "application/json; charset=utf-8", "Location": "http://evil.com"}""")]
    [InlineData("99", """{"Content-Type": "application/json; charset=utf-8"}""")]
    [InlineData("201", "[1]")]
    public async Task An_answer_that_no_command_gave_is_not_served(string status, string headers)
    {
        var (village, body, path) = await AllocationAsync();
        var (key, expected) = (Guid.NewGuid().ToString(), Guid.NewGuid().ToString());
        await village.Officer.SendAsync(HttpMethod.Post, path, SampleClient.Json(body), key);
        await using var connection = await api.Database.OpenConnectionAsync();
        await connection.ExecuteAsync(
            $"""
            insert into ledger.idempotency (actor, key, request, command, status, headers, body)
            select actor, @expected, request, command, {status}, @headers::jsonb, 'x'
              from ledger.idempotency
             where key = @key
            """,
            ("expected", expected),
            ("headers", headers),
            ("key", key)
        );
        using var answer = await village.Officer.SendAsync(HttpMethod.Post, path, SampleClient.Json(body), expected);
        Assert.Contains("record-damaged", await answer.Content.ReadAsStringAsync());
        Assert.Equal("application/problem+json", answer.Content.Headers.ContentType!.MediaType);
        Assert.False(answer.Headers.Contains("Set-Cookie"));
    }

    [Fact]
    public async Task Same_key_at_the_same_instant_happens_once()
    {
        var (village, body, path) = await AllocationAsync();
        var key = Guid.NewGuid().ToString();
        var answers = await Task.WhenAll(
            Enumerable
                .Range(0, 8)
                .Select(_ => village.Officer.SendAsync(HttpMethod.Post, path, SampleClient.Json(body), key))
        );
        Assert.All(answers, a => Assert.Equal(HttpStatusCode.Created, a.StatusCode));
        Assert.Single((await Task.WhenAll(answers.Select(a => a.Content.ReadAsStringAsync()))).Distinct());
        Assert.Equal(
            12.34m,
            (await village.Officer.GetAsync<FundView>($"/api/funds/{village.FundId}")).AllocatedAmount.Yuan
        );
    }

    [Fact]
    public async Task Same_key_with_another_body_is_a_mismatch_and_another_persons_key_is_another_key()
    {
        var (village, body, path) = await AllocationAsync();
        var key = Guid.NewGuid().ToString();
        await village.Officer.SendAsync(HttpMethod.Post, path, SampleClient.Json(body), key);
        using var other = await village.Officer.SendAsync(
            HttpMethod.Post,
            path,
            SampleClient.Json(
                new
                {
                    amount = 1,
                    source = "collective-income",
                    sourceName = "x",
                }
            ),
            key
        );
        Assert.Equal(HttpStatusCode.Conflict, other.StatusCode);
        Assert.Contains("idempotency-mismatch", await other.Content.ReadAsStringAsync());
        var colleague = api.Client(village.Officer.Actor with { Id = "colleague" });
        using var theirs = await colleague.SendAsync(HttpMethod.Post, path, SampleClient.Json(body), key);
        Assert.Equal(HttpStatusCode.Created, theirs.StatusCode);
        // One name for several places, as an office's token may have: what one is told is not the other's.
        var elsewhere = await api.RegisteredAsync();
        var named = api.Client(village.Officer.Actor with { Region = elsewhere.VillageCode });
        using var foreign = await named.SendAsync(HttpMethod.Post, path, SampleClient.Json(body), key);
        Assert.Equal(HttpStatusCode.Conflict, foreign.StatusCode);
        Assert.Contains("idempotency-mismatch", await foreign.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task The_first_answer_stays_when_the_state_has_moved_on()
    {
        var (village, people) = await api.ReadyToFileAsync(2);
        await village.FileAsync(people);
        await village.ReviewAsync();
        var (path, key) = ($"{village.ApplicationPath}/approval", Guid.NewGuid().ToString());
        using var first = await village.Offices.Approver.SendAsync(
            HttpMethod.Post,
            path,
            SampleClient.Json(new { }),
            key
        );
        Assert.Equal(HttpStatusCode.OK, first.StatusCode);
        await village.NoticeAsync();
        using var again = await village.Offices.Approver.SendAsync(
            HttpMethod.Post,
            path,
            SampleClient.Json(new { }),
            key
        );
        Assert.Equal(HttpStatusCode.OK, again.StatusCode);
        Assert.True(again.Headers.Contains("Idempotent-Replay"));
        Assert.Equal(await first.Content.ReadAsStringAsync(), await again.Content.ReadAsStringAsync());
        using var other = await village.Offices.Approver.SendAsync(
            HttpMethod.Post,
            path,
            SampleClient.Json(new { }),
            Guid.NewGuid().ToString()
        );
        Assert.Contains("wrong-state", await other.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task A_refusal_is_a_first_answer_too()
    {
        var (village, _, path) = await AllocationAsync();
        var body = new
        {
            amount = 5,
            source = "collective-income",
            sourceName = "租金",
        };
        var key = Guid.NewGuid().ToString();
        using var first = await village.Officer.SendAsync(HttpMethod.Post, path, SampleClient.Json(body), key);
        using var second = await village.Officer.SendAsync(HttpMethod.Post, path, SampleClient.Json(body), key);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, second.StatusCode);
        Assert.Equal(await first.Content.ReadAsStringAsync(), await second.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task An_upload_sent_again_with_another_boundary_is_the_same_request()
    {
        var village = await api.RegisteredAsync();
        var people = new SamplePeople(3).Take(2, village.Offices.County);
        var sheet = SampleSheets.Members(people);
        var key = Guid.NewGuid().ToString();
        var path = $"/api/members/import?collectiveId={village.CollectiveId}";
        using var first = await village.Officer.SendAsync(
            HttpMethod.Post,
            path,
            SampleClient.Form(sheet, "a.xlsx"),
            key
        );
        using var second = await village.Officer.SendAsync(
            HttpMethod.Post,
            path,
            SampleClient.Form(sheet, "a.xlsx"),
            key
        );
        Assert.Equal(HttpStatusCode.OK, second.StatusCode);
        Assert.Equal(await first.Content.ReadAsStringAsync(), await second.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task A_post_without_a_key_is_refused()
    {
        var (village, body, path) = await AllocationAsync();
        using var response = await village.Officer.SendAsync(
            HttpMethod.Post,
            path,
            SampleClient.Json(body),
            more: r => r.Headers.Remove("Idempotency-Key")
        );
        Assert.Contains("idempotency-key-missing", await response.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task If_match_of_an_old_version_is_refused_and_of_the_present_one_accepted()
    {
        var (village, body, path) = await AllocationAsync();
        using var read = await village.Officer.SendAsync(HttpMethod.Get, $"/api/funds/{village.FundId}", null);
        var etag = read.Headers.ETag!;
        Assert.Equal("\"1\"", etag.Tag);
        using var fresh = await village.Officer.SendAsync(
            HttpMethod.Post,
            path,
            SampleClient.Json(body),
            more: r => r.Headers.IfMatch.Add(etag)
        );
        Assert.Equal(HttpStatusCode.Created, fresh.StatusCode);
        Assert.Equal("\"2\"", fresh.Headers.ETag!.Tag);
        using var stale = await village.Officer.SendAsync(
            HttpMethod.Post,
            path,
            SampleClient.Json(body),
            more: r => r.Headers.IfMatch.Add(etag)
        );
        Assert.Equal(HttpStatusCode.PreconditionFailed, stale.StatusCode);
        Assert.Contains("version-mismatch", await stale.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task Putting_the_same_survey_or_policy_again_is_no_event()
    {
        var village = await api.RegisteredAsync();
        var first = await village.SurveyAsync(10);
        var second = await village.SurveyAsync(10);
        Assert.Equal(first.Version, second.Version);
        await village.Offices.PublishPolicyAsync(village.Year);
        var policy = await village.Officer.GetAsync<PolicyYearView>(
            $"/api/policy-years/{village.Offices.County[..4]}/{village.Year}"
        );
        Assert.Equal(1, policy.Version);
        Assert.Equal(5000m, policy.HighestTierAmount.Yuan);
        Assert.Equal(7, policy.NoticeDays);
    }
}

using Ledger.Api.Sampling;

namespace Ledger.Api.Tests;

/// <summary>Samples as tests need them: announced, or drawn.</summary>
public static class DrawnSamples
{
    /// <summary>
    /// Announces and draws, as soon as what is drawn from and then the announcement is sealed: what has just been
    /// recorded is not in the log yet, and so no part of any population.
    /// </summary>
    public static async Task<SampleView> DrawnAsync(SampleClient auditor, object body, string words)
    {
        var view = await AnnouncedAsync(auditor, body);
        Assert.Empty(view.Drawn);
        await ApiFixture.EventuallyAsync(
            async () =>
                (view = await SentAsync(auditor, $"/api/samples/{view.Id}/draw", new { words }) ?? view).Draw
                    is not null,
            "the announcement is sealed"
        );
        return view;
    }

    public static async Task<SampleView> AnnouncedAsync(SampleClient auditor, object body)
    {
        SampleView? view = null;
        await ApiFixture.EventuallyAsync(
            async () => (view = await SentAsync(auditor, "/api/samples", body)) is not null,
            "the population is sealed"
        );
        return view!;
    }

    private static async Task<SampleView?> SentAsync(SampleClient auditor, string path, object body)
    {
        using var answer = await auditor.SendAsync(HttpMethod.Post, path, SampleClient.Json(body));
        if (answer.IsSuccessStatusCode)
            return await answer.ReadAsync<SampleView>();
        var code = Refused.Of(await answer.Content.ReadAsStringAsync()).Code;
        Assert.Contains(code, (string[])["sample-empty", "sample-not-sealed"]);
        return null;
    }
}

using Deque.AxeCore.Commons;

namespace Ledger.Web.Tests;

/// <summary>
/// What axe (WCAG 2) finds in a page. It runs in the page itself, since ours have no frames: Deque's own runner opens a
/// second page each time for the sake of those, which takes five times as long.
/// </summary>
public static class Axe
{
    private static readonly string Script = new BundledAxeScriptProvider().GetScript();

    /// <summary>What is serious or critical: rule, words, places.</summary>
    public static async Task<IReadOnlyList<string>> SeriousFaultsAsync(this IPage page)
    {
        await page.EvaluateAsync(Script);
        return await page.EvaluateAsync<string[]>(
            """
            async () => (await axe.run({ resultTypes: ['violations'] })).violations
                .filter(v => ['serious', 'critical'].includes(v.impact))
                .map(v => `${v.id} ${v.help}: ${v.nodes.slice(0, 3).map(n => n.html).join(' | ')}`)
            """
        );
    }
}

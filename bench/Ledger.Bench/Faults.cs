using Ledger.Api.Tests.Faults;

namespace Ledger.Bench;

/// <summary>
/// Years of a county under faults, a seed each: docs/reliability.md has the table of the last whole run.
/// </summary>
public static class Faults
{
    /// <returns>Whether nothing was lost, doubled, half there, or found wrong otherwise.</returns>
    /// <param name="servers">Three under Patroni; else one that its machine fails.</param>
    public static async Task<bool> RunAsync(string folder, IReadOnlyList<int> seeds, Bug? bug, int atOnce, bool servers)
    {
        if ((servers ? ThreeServers.Missing : FaultyMachine.Missing) is { } missing)
            throw new InvalidOperationException($"the fault runs need {missing}");
        var template = Path.Combine(folder, "0");
        if (!servers)
            await FaultyMachine.MakeTemplateAsync(template);
        Func<TimeSpan, Task<Machine>> Start(int seed) =>
            async offset =>
                servers
                    ? await ThreeServers.StartAsync(Path.Combine(folder, $"{seed}"), "deploy/ha", offset)
                    : await FaultyMachine.StartAsync(template, Path.Combine(folder, $"{seed}"), offset);
        var results = new List<FaultResult>();
        await Parallel.ForEachAsync(
            seeds,
            new ParallelOptions { MaxDegreeOfParallelism = atOnce },
            async (seed, _) =>
            {
                FaultResult result;
                try
                {
                    result = await FaultRun.RunAsync(Start(seed), seed, bug is { } one ? [one] : []);
                }
                catch (Exception e)
                {
                    result = new FaultResult(
                        seed,
                        [],
                        0,
                        0,
                        0,
                        0,
                        0,
                        0,
                        0,
                        0,
                        default,
                        default,
                        [new Violation("run", $"{e}")]
                    );
                }
                lock (results)
                {
                    results.Add(result);
                    Console.WriteLine($"{results.Count}/{seeds.Count} {result}");
                }
            }
        );

        int Found(FaultResult of, string kind) => of.Violations.Count(v => v.Kind == kind);
        Console.WriteLine(
            "\n| fault | struck | runs with it | lost | twice | half there | read models | log | answers | webhooks | "
                + "nothing done for, median | longest | caught up, median | slowest |\n"
                + string.Concat(Enumerable.Repeat("|---", 14))
                + "|"
        );
        foreach (var kind in servers ? FaultPlan.OfThreeServers : FaultPlan.OfOneServer)
            Row($"{kind}", [.. results.Where(r => r.Faults.Any(f => f.Fault.Kind == kind))], kind);
        Row("**all**", results, null);
        Console.WriteLine(
            $"\n{results.Sum(r => r.Commands):N0} commands ({results.Sum(r => r.Refused):N0} refused, "
                + $"{results.Sum(r => r.GivenUp):N0} given up), {results.Sum(r => r.Resent):N0} sent again for "
                + $"want of an answer, {results.Sum(r => r.Repeated):N0} in spite of one; "
                + $"{results.Sum(r => r.Events):N0} events; {results.Sum(r => r.Delivered):N0} messages to receivers, "
                + $"{results.Sum(r => r.DeliveredAgain):N0} entries again; "
                + $"{results.Count(r => r.Violations.Count > 0)} of "
                + $"{results.Count} runs with a finding"
        );
        foreach (var r in results.Where(r => r.Violations.Count > 0))
            Console.WriteLine($"bench/faults --seed {r.Seed} replays {r}");
        return results.All(r => r.Violations.Count == 0);

        void Row(string name, IReadOnlyList<FaultResult> of, FaultKind? only)
        {
            var struck = of.SelectMany(r => r.Faults.Where(f => only is null || f.Fault.Kind == only)).ToList();
            string[] kinds = ["lost", "twice", "half", "projection", "log", "answer", "delivery"];
            var found = string.Join(" | ", kinds.Select(k => of.Sum(r => Found(r, k))));
            var pause = Late(struck.Select(s => s.Pause));
            Console.WriteLine(
                $"| {name} | {struck.Count} | {of.Count} | {found} | {pause} | {Late(of.Select(r => r.Settled))} |"
            );
        }

        static string Late(IEnumerable<TimeSpan> after)
        {
            var seconds = after.Select(t => t.TotalSeconds).Order().ToList();
            return seconds.Count == 0 ? " | " : $"{seconds[seconds.Count / 2]:0.0} s | {seconds[^1]:0.0} s";
        }
    }
}

using Ledger.Api.Tests.Faults;

namespace Ledger.Bench;

/// <summary>
/// Years of a county under faults, a seed each: docs/reliability.md has the table of the last whole run.
/// </summary>
public static class Faults
{
    /// <returns>Whether nothing was lost, doubled, half there, or found wrong otherwise.</returns>
    public static async Task<bool> RunAsync(string folder, IReadOnlyList<int> seeds, Bug? bug, int atOnce)
    {
        if (FaultyMachine.Missing is { } missing)
            throw new InvalidOperationException($"the fault runs need {missing}");
        var template = Path.Combine(folder, "0");
        await FaultyMachine.MakeTemplateAsync(template);
        var results = new List<FaultResult>();
        await Parallel.ForEachAsync(
            seeds,
            new ParallelOptions { MaxDegreeOfParallelism = atOnce },
            async (seed, _) =>
            {
                FaultResult result;
                try
                {
                    result = await FaultRun.RunAsync(
                        template,
                        Path.Combine(folder, $"{seed}"),
                        seed,
                        bug is { } one ? [one] : []
                    );
                }
                catch (Exception e)
                {
                    result = new FaultResult(
                        seed,
                        FaultPlan.Of(seed),
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
                        [new Violation("run", $"{e}")],
                        ""
                    );
                }
                lock (results)
                {
                    results.Add(result);
                    Console.WriteLine($"{results.Count}/{seeds.Count} {result}");
                    if (result.NodesSaid.Length > 0)
                        File.WriteAllText($"/var/tmp/ledger-faults-{seed}.log", result.NodesSaid);
                }
            }
        );

        int Found(FaultResult of, string kind) => of.Violations.Count(v => v.Kind == kind);
        Console.WriteLine(
            "\n| fault | struck | runs with it | lost | twice | half there | read models | log | answers | webhooks | "
                + "caught up, median | slowest |\n|---|---|---|---|---|---|---|---|---|---|---|---|"
        );
        foreach (var kind in Enum.GetValues<FaultKind>())
            Row(
                $"{kind}",
                results.Sum(r => r.Faults.Count(f => f.Kind == kind)),
                [.. results.Where(r => r.Faults.Any(f => f.Kind == kind))]
            );
        Row("**all**", results.Sum(r => r.Faults.Count), results);
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

        void Row(string name, int struck, IReadOnlyList<FaultResult> of)
        {
            string[] kinds = ["lost", "twice", "half", "projection", "log", "answer", "delivery"];
            var found = string.Join(" | ", kinds.Select(k => of.Sum(r => Found(r, k))));
            var settled = of.Select(r => r.Settled.TotalSeconds).Order().ToList();
            var late = of.Count == 0 ? "" : $"{settled[of.Count / 2]:0.0} s | {settled[^1]:0.0} s";
            Console.WriteLine($"| {name} | {struck} | {of.Count} | {found} | {late} |");
        }
    }
}

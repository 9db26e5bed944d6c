using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Ledger.Domain.Funds;
using Ledger.Domain.Sampling;
using Ledger.Domain.Sampling.Steps;
using Ledger.TransparencyLog;

namespace Ledger.Domain.Tests;

/// <summary>The auditor's second program (redraw.py, which the page of a sample offers) draws what the
/// steps draw, from a log's lines.</summary>
public sealed class RedrawTests : IDisposable
{
    private const string Id = "sample-1";
    private const string Words = "审计自己的话";
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);
    private readonly string _folder = Directory.CreateTempSubdirectory("redraw").FullName;
    private readonly List<string> _log = [];

    public void Dispose() => Directory.Delete(_folder, true);

    private void Append(
        string stream,
        string type,
        object data,
        string date = "2026-03-21",
        string region = "370811"
    ) =>
        _log.Add(
            JsonSerializer.Serialize(
                new
                {
                    data,
                    headers = new { effectiveDate = date, region },
                    index = _log.Count,
                    stream,
                    type,
                },
                Json
            )
        );

    private static object Outflow(long from, long to) => new { subAccount = "general", fen = new { from, to } };

    private static byte[] Root(IReadOnlyList<string> log)
    {
        byte[] Of(int from, int to)
        {
            if (to - from == 1)
                return MerkleTree.HashLeaf(Encoding.UTF8.GetBytes(log[from]));
            var half = 1;
            while (half * 2 < to - from)
                half *= 2;
            return MerkleTree.HashNode(Of(from, from + half), Of(from + half, to));
        }
        return Of(0, log.Count);
    }

    /// <summary>A log with a sample in it: its population, what is none of it, announcement, draw.</summary>
    private void Sampled()
    {
        Append("fund-b", "funds_reserved", Outflow(0, 1_000));
        Append("fund-a", "funds_reserved", Outflow(0, 300));
        Append("fund-a", "funds_reserved", Outflow(300, 500), date: "2025-12-31");
        Append("fund-a", "surplus_returned", Outflow(777, 900));
        Append("fund-c", "funds_reserved", Outflow(0, 50), region: "370812");
        Append("fund-a", "funds_reserved", Outflow(500, 777));
        SampledOutflow[] outflows =
        [
            new("fund-b/general", new(0, 1_000), "x"),
            new("fund-a/general", new(0, 300), "y"),
            new("fund-a/general", new(500, 777), "z"),
        ];
        var announced = AnnounceSample
            .Decide(
                new(new("370811", 2026, EntryKind.Reserved), outflows, _log.Count),
                new(20, null, FenSample.WordsDigest(Words)),
                new DateOnly(2026, 11, 28),
                Given.Actor("auditor")
            )
            .Then();
        var a = (SampleAnnounced)announced[0];
        Append("fund-b", "funds_reserved", Outflow(1_000, 1_100)); // came later: no part of it
        var at = _log.Count;
        Append(
            Id,
            "sample_announced",
            new
            {
                a.Region,
                a.FundId,
                a.Year,
                kind = a.Kind.Word(),
                a.PopulationDigest,
                populationFen = a.PopulationFen.Fen,
                a.Size,
                a.WordsDigest,
                a.LogSize,
            }
        );
        Append("fund-a", "notice", new { });
        var tree = new SignedTree(_log.Count, Convert.ToHexStringLower(Root(_log)));
        var drawn = (SampleDrawn)
            DrawSample
                .Decide(
                    new(Given.State<Sample>(Id, [.. announced]), at, tree, outflows, []),
                    Words,
                    Given.Actor("auditor")
                )
                .Then()[0];
        Append(
            Id,
            "sample_drawn",
            new
            {
                drawn.TreeSize,
                drawn.Root,
                drawn.Words,
                drawn.Seed,
                Fen = drawn.Fen.Select(f => new { f.Account, f.Fen }),
            }
        );
        Append("fund-a", "notice", new { });
    }

    private (int Exit, string Said) Redraw()
    {
        var (log, checkpoint) = (Path.Combine(_folder, "log.jsonl"), Path.Combine(_folder, "checkpoint"));
        File.WriteAllText(log, string.Concat(_log.Select(l => $"{l}\n")));
        File.WriteAllText(checkpoint, $"ledger\n{_log.Count}\n{Convert.ToBase64String(Root(_log))}\n\n");
        var script = Path.GetFullPath(
            Path.Combine(Path.GetDirectoryName(Here())!, "../../src/Ledger.Web/Assets/redraw.py")
        );
        using var run = Process.Start(
            new ProcessStartInfo("python3", [script, log, checkpoint, Id])
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            }
        )!;
        var (output, errors) = (run.StandardOutput.ReadToEndAsync(), run.StandardError.ReadToEnd());
        run.WaitForExit();
        return (run.ExitCode, output.Result + errors);
    }

    private static string Here([System.Runtime.CompilerServices.CallerFilePath] string path = "") => path;

    [Fact]
    public void A_second_program_draws_the_same_fen_from_the_exported_log()
    {
        Sampled();
        Assert.Equal((0, "20 fen of 1577, the same\n"), Redraw());
    }

    /// <summary>What the ledger might do to steer the sample, in a log that it signs again from there on.</summary>
    [Theory]
    [InlineData(0, "\"to\":1000", "\"to\":999", "population")]
    [InlineData(7, "\"size\":20", "\"size\":19", "root")]
    [InlineData(9, "\"treeSize\":9", "\"treeSize\":7", "not of a tree after")]
    [InlineData(9, "\"treeSize\":9", "\"treeSize\":8", "root")]
    [InlineData(9, "\"fen\":[{\"account\":\"fund-a/general\",", "\"fen\":[{\"account\":\"fund-b/general\",", "drawn")]
    public void Given_a_sample_that_was_steered_the_second_program_says_so(
        int line,
        string was,
        string becomes,
        string said
    )
    {
        Sampled();
        Assert.Contains(was, _log[line]);
        _log[line] = _log[line].Replace(was, becomes);
        var (exit, output) = Redraw();
        Assert.Equal(1, exit);
        Assert.Contains(said, output);
    }
}

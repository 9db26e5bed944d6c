using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Ledger.Api.Sampling;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Domain.Identity;
using Ledger.Domain.Sampling;
using Marten;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace Ledger.Api.Tests;

/// <summary>
/// The transparency log: whole, gapless, checked by strangers' tools, and what becomes of somebody who changes it.
/// </summary>
[Collection("api and programs")]
public sealed partial class LogTests(ApiFixture api)
{
    [Fact]
    public async Task Go_verifies_checkpoint_receipts_and_consistency_proofs_and_refuses_each_with_one_bit_flipped()
    {
        var loaded = await api.SampleDatabaseAsync(
            "ledger_go",
            Directory.CreateTempSubdirectory("ledger-sample").FullName
        );
        var settings = LoadedSample.Settings(loaded.ConnectionString, loaded.Folder);
        Assert.Equal(0, (await ApiHost.RunAsync(settings, "log-key", "sm2")).Exit);
        await using var process = await SampleProduct.StartAsync(
            loaded,
            "CITY_AUDITOR",
            [("Ledger__Log__CheckpointSeconds", "1")]
        );
        await using var owner = NpgsqlDataSource.Create(process.ConnectionString);
        await using var connection = await owner.OpenConnectionAsync();

        // Somebody is refused, and one member's personal data is erased: both leave the proofs as they are.
        using (
            var refused = await process.Http.PostAsync(
                $"/api/funds/{process.Variable("FUND")}/closure",
                SampleClient.Json(new { reason = "x" })
            )
        )
            Assert.False(refused.IsSuccessStatusCode);
        var sample = await SampledAsync(process);
        var member = (
            await connection.QueryAsync(
                "select stream_id from ledger.mt_events where type = 'member_registered' order by seq_id limit 1",
                r => r.GetString(0)
            )
        ).Single();
        var membersEvent = (
            await connection.QueryAsync(
                "select seq_id from ledger.mt_events where stream_id = @m order by 1 limit 1",
                r => r.GetInt64(0),
                ("m", member)
            )
        ).Single();
        async Task<long> WaitingAsync() =>
            JsonSerializer.Deserialize<JsonElement>(await process.Http.GetStringAsync("/api/audit/log")) is var log
            && log.GetProperty("signedSize").GetInt64() == log.GetProperty("size").GetInt64()
                ? log.GetProperty("waiting").GetInt64()
                : -1;
        await ApiFixture.EventuallyAsync(async () => await WaitingAsync() == 0, "everything is signed");
        var before = process.At("before.tlog-proof");
        await File.WriteAllTextAsync(
            before,
            await process.Http.GetStringAsync($"/api/audit/events/{membersEvent}/receipt")
        );
        Assert.Equal(
            1,
            await connection.ExecuteAsync(
                "update ledger.person set wrapped_key = null, data = null where member_id = @m",
                ("m", member)
            )
        );

        var (keys, checkpoint, log) = (process.At("keys"), process.At("checkpoint"), process.At("log.jsonl"));
        await File.WriteAllTextAsync(keys, await process.Http.GetStringAsync("/log/keys"));
        await File.WriteAllTextAsync(checkpoint, await process.Http.GetStringAsync("/log/checkpoint"));
        await File.WriteAllBytesAsync(log, await process.Http.GetByteArrayAsync("/api/exports/log"));
        var size = Checkpoint.Parse(await File.ReadAllTextAsync(checkpoint)).Size;
        Assert.Equal(
            (await connection.QueryAsync("select count(*) from ledger.mt_events", r => r.GetInt64(0))).Single(),
            size
        );
        var entries = await File.ReadAllTextAsync(log);
        Assert.Contains("\"type\":\"command_refused\"", entries);
        Assert.DoesNotContain(new SamplePeople(370811).Take(1, "370811").Single().Name, entries);

        await RedrawnAsync(process, sample, log, checkpoint);

        var random = new Random(1000);
        var receipts = Directory.CreateDirectory(process.At("receipts")).FullName;
        var sequences = await connection.QueryAsync(
            "select seq_id from ledger.mt_events order by seq_id",
            r => r.GetInt64(0)
        );
        var chosen = Enumerable
            .Range(0, sequences.Count)
            .OrderBy(_ => random.Next())
            .Take(999)
            .Select(i => sequences[i])
            .Append(membersEvent)
            .Distinct()
            .ToList();
        foreach (var sequence in chosen.Concat(sequences.Except(chosen).Take(1000 - chosen.Count)))
            await File.WriteAllTextAsync(
                Path.Combine(receipts, $"{sequence}.tlog-proof"),
                await process.Http.GetStringAsync($"/api/audit/events/{sequence}/receipt")
            );
        var pairs = new StringBuilder();
        for (var i = 0; i < 100; i++)
        {
            var (a, b) = (random.NextInt64(1, size + 1), random.NextInt64(1, size + 1));
            var (from, to) = (Math.Min(a, b), Math.Max(a, b));
            var proof = await process.Http.GetStringAsync($"/log/consistency?from={from}&to={to}");
            pairs.Append($"{from} {to} {proof.Trim().Replace('\n', ',')}\n");
        }
        await File.WriteAllTextAsync(process.At("consistency"), pairs.ToString());
        var (exit, output) = Programs.Run(
            "go",
            ["run", Path.Combine(TourTests.Repository, "tests/go/verify.go"), loaded.Folder],
            ("GO111MODULE", "off"),
            ("GOPATH", "/usr/share/gocode"),
            ("GOCACHE", process.At("gocache")),
            ("GOFLAGS", "")
        );
        Assert.True(
            exit == 0 && output.Contains($"OK entries={size} receipts=1000 pairs=100 flips=", StringComparison.Ordinal),
            output
        );
        Assert.True(int.Parse(output.Trim().Split("flips=")[1]) > 4000, output);

        // Our own verifier, which shares only the tree's maths with the product, says the same and checks the ledger's
        // promises too.
        (exit, output) = Programs.Verify("log", log, "--checkpoint", checkpoint, "--key", keys);
        Assert.True(
            exit == 0
                && output.Contains($"{size} 条与检查点相符", StringComparison.Ordinal)
                && output.Contains("守恒 13 个资金", StringComparison.Ordinal),
            output
        );
        Assert.Equal(0, Programs.Verify("receipt", before, "--key", keys).Exit);
        Assert.Equal(
            0,
            Programs.Verify("receipt", Path.Combine(receipts, $"{membersEvent}.tlog-proof"), "--key", keys).Exit
        );
        Assert.True(
            JsonSerializer
                .Deserialize<JsonElement>(await process.Http.GetStringAsync("/api/audit/log/check"))
                .GetProperty("isSound")
                .GetBoolean()
        );

        // Tiles and entries as C2SP serves them give the same leaves.
        var bundle = await process.Http.GetByteArrayAsync("/log/tile/entries/000");
        var tile = await process.Http.GetByteArrayAsync("/log/tile/0/000");
        var lines = (await File.ReadAllTextAsync(log)).Split('\n');
        for (int i = 0, at = 0; i < 256; i++)
        {
            var length = bundle[at] << 8 | bundle[at + 1];
            Assert.Equal(lines[i], Encoding.UTF8.GetString(bundle, at + 2, length));
            Assert.Equal(MerkleTree.HashLeaf(Encoding.UTF8.GetBytes(lines[i])), tile[(i * 32)..(i * 32 + 32)]);
            at += 2 + length;
        }
        Assert.Equal(
            32 * (size / 256 % 256),
            (await process.Http.GetByteArrayAsync($"/log/tile/1/000.p/{size / 256 % 256}")).Length
        );

        // What the verifier finds when the operator himself breaks a promise: each is a log that is well signed and yet
        // refused.
        Task BrokenAsync(string what, Func<List<string>, IEnumerable<string>> change) =>
            FoundAsync(process, lines, what, change);
        static IEnumerable<string> Edited(List<string> all, string type, Func<string, string> edit)
        {
            var at = all.FindIndex(l => l.Contains($"\"type\":\"{type}\"", StringComparison.Ordinal));
            var now = edit(all[at]);
            Assert.NotEqual(all[at], now);
            return all.Select((l, i) => i == at ? now : l);
        }
        await BrokenAsync(
            "跳到",
            all =>
                all.Where(
                    (_, i) =>
                        i != all.FindIndex(l => l.Contains("\"type\":\"funds_allocated\"", StringComparison.Ordinal))
                )
        );
        await BrokenAsync(
            "进项应从第",
            all =>
                Edited(
                    all,
                    "funds_allocated",
                    l => System.Text.RegularExpressions.Regex.Replace(l, "\"amountFen\":[0-9]+", "\"amountFen\":1")
                )
        );
        await BrokenAsync(
            "超过最高档次",
            all =>
                Edited(
                    all,
                    "policy_year_published",
                    l => System.Text.RegularExpressions.Regex.Replace(l, "\"(tierFen|toFen)\":[0-9]+", "\"$1\":100")
                )
        );
        var reviewer = (
            await connection.QueryAsync(
                """
                select data ->> 'reviewedBy'
                  from ledger.mt_events
                 where type = 'application_reviewed'
                 order by seq_id limit 1
                """,
                r => r.GetString(0)
            )
        ).Single();
        await BrokenAsync(
            "审批了自己提交或复核的申请",
            all =>
                Edited(
                    all,
                    "application_approved",
                    l => System.Text.RegularExpressions.Regex.Replace(l, "approver\\.370811", reviewer)
                )
        );
        await BrokenAsync(
            "审批了自己提交或复核的申请",
            all =>
                Edited(
                    all,
                    "application_approved",
                    l => l.Replace("\"onBehalfOf\":null", $"\"onBehalfOf\":\"{reviewer}\"", StringComparison.Ordinal)
                )
        );
        // Of the first who was subsidised: no member, dead, paid to catch up or not at all, subsidised twice by
        // collectives of one origin.
        var approval = lines.First(l => Is(l, "subsidy_approved"));
        var (year, collective) = (In(approval, "stream"), (string)Node(approval)["data"]!["collectiveId"]!);
        var person = $"member-{year["member-year-".Length..^5]}";
        IEnumerable<string> Changed(List<string> all, string stream, string type, Action<JsonNode> change)
        {
            var at = all.FindIndex(l => Is(l, type) && In(l, "stream") == stream);
            var now = Node(all[at]);
            change(now);
            return all.Select((l, i) => i == at ? Canonical(now) : l);
        }
        await BrokenAsync(
            "审批时不是",
            all => Changed(all, person, "member_registered", l => l["data"]!["collectiveId"] = "collective-other")
        );
        await BrokenAsync(
            "审批时已登记死亡",
            all => With(all, approval, person, "death_recorded", new { on = "2026-01-01" })
        );
        await BrokenAsync(
            "审批时有本年度一次性补缴",
            all => Changed(all, year, "contribution_recorded", l => l["data"]!["kind"] = "catch-up")
        );
        await BrokenAsync(
            "审批时没有本年度个人缴费记录",
            all => Changed(all, year, "contribution_recorded", l => l["data"]!["amountFen"] = 0)
        );
        var payment = lines.First(l => Is(l, "subsidy_paid") && In(l, "stream") == year);
        await BrokenAsync(
            "付款时已登记死亡",
            all => With(all, payment, person, "death_recorded", new { on = "2026-01-01" })
        );
        var elsewhere = lines.First(l =>
            Is(l, "subsidy_approved")
            && In(l, "stream")[^4..] == year[^4..]
            && (string)Node(l)["data"]!["collectiveId"]! != collective
        );
        await BrokenAsync(
            "同源集体",
            all =>
            {
                var into = (string)Node(elsewhere)["data"]!["collectiveId"]!;
                all = With(
                    all,
                    elsewhere,
                    collective,
                    "collective_merged",
                    new { intoCollectiveId = into },
                    "county-agriculture"
                );
                var at = all.IndexOf(elsewhere);
                var again = Node(elsewhere);
                (again["stream"], again["version"]) = (year, all.Take(at).Count(l => In(l, "stream") == year) + 1);
                all[at] = Canonical(again);
                return all;
            }
        );
        // One transfer of the bank for two applications of one fund: the last payment is made one of the fund that paid
        // before.
        var payments = lines.Where(l => Is(l, "funds_paid")).TakeLast(2).ToList();
        await BrokenAsync(
            "银行流水号已用于",
            all =>
            {
                var (at, first, again) = (all.IndexOf(payments[1]), Node(payments[0]), Node(payments[1]));
                var fund = (string)first["stream"]!;
                (again["stream"], again["version"]) = (fund, all.Take(at).Count(l => In(l, "stream") == fund) + 1);
                again["data"]!["bankReference"] = $" {first["data"]!["bankReference"]}".ToLowerInvariant();
                all[at] = Canonical(again);
                return all;
            }
        );
        static string Opened(string name, string role, string person, string by, string basis) =>
            Canonical(
                JsonSerializer.SerializeToNode(
                    new
                    {
                        index = 0,
                        recordedAt = "2026-01-05T00:00:00Z",
                        sequence = 0,
                        stream = $"account-{name}",
                        version = 1,
                        type = "account_opened",
                        headers = new
                        {
                            actor = by,
                            role = "administrator",
                            region = "370811",
                        },
                        data = new
                        {
                            name,
                            role,
                            roleRegion = "370811",
                            person,
                            requestedBy = basis == "two-administrators" ? "first" : null,
                            basis,
                        },
                    }
                )!
            );
        // Two accounts of one natural person; rights given by one where there are two, and by two who are one.
        await BrokenAsync(
            "审批了自己提交或复核的申请",
            all =>
                [
                    Opened(reviewer, "agency", "person-1", "first", "console"),
                    Opened("approver.370811", "agency", "person-1", "first", "console"),
                    .. all,
                ]
        );
        string[] two =
        [
            Opened("first", "administrator", "person-1", "console", "console"),
            Opened("second", "administrator", "person-2", "first", "one-administrator"),
            Opened("third", "administrator", "person-1", "second", "two-administrators"),
        ];
        await BrokenAsync(
            "一人办理",
            all => [.. two, Opened("clerk", "agency", "person-9", "first", "one-administrator"), .. all]
        );
        await BrokenAsync(
            "申请人以外的另一位管理员",
            all => [.. two, Opened("clerk", "agency", "person-9", "third", "two-administrators"), .. all]
        );
    }

    private const string Sound = "成立 OK";

    /// <summary>Changed, well signed, and yet the verifier says what is wrong with it.</summary>
    private static async Task FoundAsync(
        SampleProduct process,
        IEnumerable<string> lines,
        string what,
        Func<List<string>, IEnumerable<string>> change,
        bool hashesToo = true
    )
    {
        var verify = await SignedAsync(process, change([.. lines.Where(l => l.Length > 0)]));
        var (code, said) = Programs.VerifyHere(verify);
        var asWanted = code == (what == Sound ? 0 : 1) && said.Contains(what, StringComparison.Ordinal);
        Assert.True(asWanted, $"{what}: {said}");
        // Each of the first ones; it is the same of the others.
        if (hashesToo)
            Assert.Equal(0, Programs.VerifyHere([.. verify, "--only-hashes"]).Exit);
    }

    /// <summary>Numbered and signed anew by the operator: what to ask the verifier.</summary>
    private static async Task<string[]> SignedAsync(SampleProduct process, IEnumerable<string> lines)
    {
        var (tree, text) = (new MerkleTree.Growing(), new StringBuilder());
        foreach (var (line, i) in lines.Select((l, i) => (l, i)))
        {
            var numbered = Sequence().Replace(Index().Replace(line, $"${{1}}{i}"), $"${{1}}{i + 1}");
            tree.Add(MerkleTree.HashLeaf(Encoding.UTF8.GetBytes(numbered)));
            text.Append(numbered).Append('\n');
        }
        var signer = NoteSigner.Create("operator.example", NoteAlgorithm.Ed25519);
        var bare = new Checkpoint("operator.example", tree.Size, tree.Root(), []);
        var (file, note) = (process.At("broken.jsonl"), process.At("broken.checkpoint"));
        await File.WriteAllTextAsync(file, text.ToString());
        await File.WriteAllTextAsync(
            note,
            (bare with { Signatures = [signer.Sign(bare.Text, DateTimeOffset.UtcNow)] }).Note
        );
        return ["log", file, "--checkpoint", note, "--key", signer.Verifier.ToString()];
    }

    [GeneratedRegex("(\"index\":)[0-9]+(?=,\"recordedAt\")")]
    private static partial Regex Index();

    [GeneratedRegex("(\"sequence\":)[0-9]+(?=,\"stream\")")]
    private static partial Regex Sequence();

    private static JsonNode Node(string line) => JsonNode.Parse(line)!;

    private static string Canonical(JsonNode line) =>
        Encoding.UTF8.GetString(CanonicalJson.Of(Encoding.UTF8.GetBytes(line.ToJsonString())));

    private static bool Is(string line, string type) => line.Contains($"\"type\":\"{type}\"", StringComparison.Ordinal);

    private static string In(string line, string property) => (string)Node(line)[property]!;

    /// <summary>An event of a stream, before another: as its next.</summary>
    private static List<string> With(
        List<string> all,
        string before,
        string stream,
        string type,
        object data,
        string? role = null,
        Action<JsonNode>? change = null
    )
    {
        var at = all.IndexOf(before);
        var added = Node(before);
        (added["stream"], added["type"], added["data"]) = (stream, type, JsonSerializer.SerializeToNode(data));
        if (role is not null)
            (added["headers"]!["role"], added["headers"]!["region"]) = (role, "370811");
        change?.Invoke(added);
        added["version"] = all.Take(at).Count(l => In(l, "stream") == stream) + 1;
        return [.. all[..at], Canonical(added), .. all[at..].Select(Later)];

        string Later(string line)
        {
            if (In(line, "stream") != stream)
                return line;
            var moved = Node(line);
            moved["version"] = (int)moved["version"]! + 1;
            return Canonical(moved);
        }
    }

    /// <summary>The first event of a type, of whom it says so, as somebody would have it.</summary>
    private static IEnumerable<string> First(
        List<string> all,
        string type,
        Action<JsonNode> change,
        Func<string, bool>? of = null
    )
    {
        var at = all.FindIndex(l => Is(l, type) && of?.Invoke(l) != false);
        var now = Node(all[at]);
        change(now);
        var line = Canonical(now);
        Assert.NotEqual(all[at], line);
        return all.Select((l, i) => i == at ? line : l);
    }

    /// <summary>An auditor's sample of what the county approved.</summary>
    private static Task<SampleView> SampledAsync(SampleProduct process) =>
        DrawnSamples.DrawnAsync(
            new SampleClient(
                process.Http,
                new Tokens(KeyFile.LoadOrCreate(process.At("keys.json")), TimeProvider.System),
                new Actor("auditor.3708", Roles.Auditor, "3708")
            ),
            new
            {
                region = "370811",
                year = int.Parse(process.Variable("YEAR")),
                kind = "reserved",
                size = 60,
                wordsDigest = FenSample.WordsDigest("审计自己的一句话"),
            },
            "审计自己的一句话"
        );

    /// <summary>A second program (redraw.py) draws the same fen from the exported log, and no
    /// others.</summary>
    private static async Task RedrawnAsync(SampleProduct process, SampleView sample, string log, string checkpoint)
    {
        (int Exit, string Said) Redraw(string of) =>
            Programs.Run(
                "python3",
                [Path.Combine(TourTests.Repository, "src/Ledger.Web/Assets/redraw.py"), of, checkpoint, sample.Id]
            );
        Assert.Equal((0, $"60 fen of {sample.PopulationAmount.Fen}, the same\n"), Redraw(log));
        // One fen further along: after the checkpoint nobody may say so, and it is seen all the same.
        var drawn = sample.Drawn[0];
        var steered = (await File.ReadAllTextAsync(log)).Replace(
            $"\"fen\":{drawn.Fen},",
            $"\"fen\":{drawn.Fen + 1},",
            StringComparison.Ordinal
        );
        await File.WriteAllTextAsync(process.At("steered.jsonl"), steered);
        var (exit, said) = Redraw(process.At("steered.jsonl"));
        Assert.True(exit != 0 && said.Contains("root of the checkpoint", StringComparison.Ordinal), said);
    }

    [Fact]
    public async Task L4_L5_L6_L7_L9_L14_L15_L18_the_verifier_finds_a_planted_breach_of_each()
    {
        await using var process = await SampleProduct.StartAsync(api, "ledger_planted", "CITY_AUDITOR");
        await ApiFixture.EventuallyAsync(
            async () => (await process.Http.ReadAsync<LogStatusView>("/api/audit/log")).Waiting == 0,
            "every event is in the log"
        );
        // One village's, of the county's: the one that was complained of.
        var all = Encoding
            .UTF8.GetString(await process.Http.GetByteArrayAsync("/api/exports/log"))
            .Split('\n', StringSplitOptions.RemoveEmptyEntries);
        static string Region(string line) => (string)Node(line)["headers"]!["region"]!;
        var village = Region(all.First(l => Is(l, "complaint_answered")));
        var others = all.Where(l => Region(l) is { Length: 12 } region && region != village)
            .Select(l => In(l, "stream"))
            .ToHashSet();
        var lines = all.Where(l => !others.Contains(In(l, "stream"))).ToList();
        // Unbroken, but for what the others did.
        await FoundAsync(process, lines, Sound, all => all);
        Task BrokenAsync(string what, string type, Action<JsonNode> change, Func<string, bool>? of = null) =>
            FoundAsync(process, lines, what, all => First(all, type, change, of));

        // The meeting: too few, too few for it, a body that may not, called too late, or not as its kind has to be.
        Task MeetingAsync(string what, Action<JsonNode> change) =>
            BrokenAsync(what, "resolution_recorded", l => change(l["data"]!["resolution"]!));
        await MeetingAsync("不足法定人数", r => (r["attendance"], r["votesFor"]) = (2, 2));
        await MeetingAsync("没有表决通过", r => r["votesFor"] = (int)r["attendance"]! / 2);
        await MeetingAsync("不能作此决定", r => r["form"] = "officials");
        await MeetingAsync("没有提前 10 天公告", r => r["calledOn"] = (string)r["meetingDate"]!);
        await MeetingAsync("没有提前 10 天公告", r => r.AsObject().Remove("calledOn"));
        await MeetingAsync("没有授权", r => r["form"] = "representatives");
        await MeetingAsync(
            "妇女代表不足",
            r => (r["form"], r["authorisation"], r["women"], r["womenPresent"]) = ("representatives", "d", 3, 1)
        );
        await MeetingAsync("没有表决通过", r => (r["form"], r["votesFor"]) = ("all-members", (int)r["eligible"]! / 2));
        await BrokenAsync("没有会议决议", "resolution_recorded", l => l["data"]!["planVersion"] = 2);
        await BrokenAsync(
            "决议没有公布满 3 天",
            "policy_year_published",
            l => l["data"]!["parameters"]!["resolutionNoticeDays"] = 3
        );
        await BrokenAsync(
            "为自己办理的方案签字",
            "plan_signed",
            l =>
            {
                var plan = In(l.ToJsonString(), "stream");
                var drafter = Node(lines.First(d => Is(d, "plan_drafted") && In(d, "stream") == plan));
                l["headers"]!["actor"] = (string)drafter["headers"]!["actor"]!;
                l["data"]!["signedBy"] = (string)drafter["headers"]!["actor"]!;
            }
        );

        await BrokenAsync(
            "超过最高档次 10000 分",
            "policy_year_published",
            l =>
                l["data"]!["parameters"]!["tiers"] = JsonSerializer.SerializeToNode(
                    new[]
                    {
                        new
                        {
                            tierFen = 1_000,
                            governmentSubsidyFen = 0,
                            toFen = 10_000,
                            stepFen = 500,
                        },
                    }
                )
        );

        // Of the first who was subsidised.
        var year = In(lines.First(l => Is(l, "subsidy_approved")), "stream");
        bool OfYear(string line) => In(line, "stream") == year;
        await BrokenAsync(
            "审批时没有本年度个人缴费记录",
            "contribution_recorded",
            l => l["data"]!["kind"] = "government-paid",
            OfYear
        );
        await BrokenAsync(
            "记为凭政府代缴，本人却有缴费",
            "subsidy_approved",
            l => l["data"]!["onGovernmentPaid"] = true,
            OfYear
        );
        var (paid, payment) = (
            Node(lines.First(l => Is(l, "contribution_recorded") && OfYear(l)))["data"]!,
            lines.First(l => Is(l, "subsidy_paid") && OfYear(l))
        );
        List<string> Refunded(List<string> all, long fen, string of) =>
            With(all, payment, year, "contribution_refunded", new { of, amountFen = fen }, "county-tax");
        var (reference, fen) = ((string)paid["reference"]!, (long)paid["amountFen"]!);
        await FoundAsync(process, lines, "付款时没有本年度个人缴费记录", all => Refunded(all, fen, reference));
        await FoundAsync(process, lines, "退还", all => Refunded(all, fen + 1, reference));
        await FoundAsync(process, lines, "不存在", all => Refunded(all, fen, "SW-none"));

        // The answer to a complaint: by the village, by the county before its turn, by who raised it, by who reviewed.
        Task AnsweredAsync(string what, string role, Func<string, string> by) =>
            BrokenAsync(
                what,
                "complaint_answered",
                l =>
                {
                    var who = by(In(l.ToJsonString(), "stream"));
                    (l["headers"]!["role"], l["headers"]!["actor"]) = (role, who);
                    l["data"]!["answeredBy"] = who;
                }
            );
        string Who(string type, string application) =>
            (string)Node(lines.First(l => Is(l, type) && In(l, "stream") == application))["headers"]!["actor"]!;
        await AnsweredAsync("不是答复投诉的人", "village-finance", _ => "somebody");
        await AnsweredAsync("不是答复投诉的人", "county-hrss", _ => "somebody");
        await AnsweredAsync("答复了自己提出或答复过的投诉", "township", a => Who("complaint_raised", a));
        await AnsweredAsync("答复了对自己经办的申请的投诉", "township", a => Who("application_reviewed", a));

        // The rules may change, as two of the city wanted it.
        foreach (var (what, change) in Breaches(lines).Concat(PolicyBreaches(lines)))
            await FoundAsync(process, lines, what, change, hashesToo: false);
        await AnsweredFindingsAsync(process, lines);
    }

    /// <summary>Of each event that there is the verifier knows whose office it is, or why anybody's.</summary>
    [Fact]
    public void C20_the_verifiers_offices_are_complete()
    {
        var types = api
            .Host.Services.GetRequiredService<IDocumentStore>()
            .Options.Events.AllKnownEventTypes()
            .Where(t => Store.EventTypes.All.Contains(t.EventType)) // Marten has one of its own
            .Select(t => t.EventTypeName)
            .ToList();
        Assert.Equal(Store.EventTypes.All.Count, types.Count);
        Assert.DoesNotContain(types, t => !Programs.VerifierKnows(t));
        Assert.False(Programs.VerifierKnows("money_conjured"));
    }

    [Fact]
    public async Task Receipts_and_entries_keep_to_the_scope_and_what_is_not_signed_yet_is_not_published()
    {
        var village = await api.RegisteredAsync();
        await village.AllocateAsync(10);
        var sequence = await api.ScalarAsync<long>(
            "select max(seq_id) from ledger.mt_events where stream_id = @f",
            ("f", village.FundId)
        );
        using var own = await village.Officer.SendAsync(HttpMethod.Get, $"/api/audit/events/{sequence}/receipt", null);
        Assert.StartsWith("c2sp.org/tlog-proof@v1\n", await own.Content.ReadAsStringAsync());
        await ApiFixture.RefusedAsync(
            "not-found",
            api.NewOffices().Auditor,
            HttpMethod.Get,
            $"/api/audit/events/{sequence}/receipt"
        );
        await ApiFixture.RefusedAsync(
            "not-found",
            village.Offices.Auditor,
            HttpMethod.Get,
            $"/api/audit/events/{long.MaxValue}/receipt"
        );
        await ApiFixture.RefusedAsync(
            "forbidden",
            village.Offices.Tax,
            HttpMethod.Get,
            $"/api/audit/events/{sequence}/receipt"
        );
        // Other cities are in it.
        await ApiFixture.RefusedAsync("forbidden", village.Offices.Auditor, HttpMethod.Get, "/api/exports/log");
        await ApiFixture.RefusedAsync("not-found", village.Offices.Auditor, HttpMethod.Get, "/log/tile/entries/000");
        await ApiFixture.RefusedAsync("forbidden", village.Officer, HttpMethod.Get, "/log/tile/entries/000");
        foreach (
            var path in new[] { "/log/tile/0/x999/999", "/log/tile/9/000", "/log/tile/0/000.p/256", "/log/tile/0/abc" }
        )
            await ApiFixture.RefusedAsync("not-found", village.Officer, HttpMethod.Get, path);
        await ApiFixture.RefusedAsync("field-invalid", village.Officer, HttpMethod.Get, "/log/consistency?from=2&to=1");
        await ApiFixture.RefusedAsync(
            "field-invalid",
            village.Officer,
            HttpMethod.Get,
            $"/log/consistency?from=0&to={long.MaxValue}"
        );
    }

    [Fact]
    public async Task Every_event_is_in_the_log_once_also_one_that_commits_late_or_never()
    {
        var village = await api.RegisteredAsync();
        await using var late = await api.Database.OpenConnectionAsync();
        await using var lost = await api.Database.OpenConnectionAsync();
        const string refusal = """
            select ledger.mt_quick_append_events(@id, 'x', '*DEFAULT*', array[gen_random_uuid()],
                       array['command_refused'], array['x'],
                       array['{"command":"x","code":"forbidden","targetId":null}'::jsonb],
                       array[null::bytea], array['x'], array['x'],
                       array['{"actor":"x","role":"auditor","region":"0000","command":"x",
                               "effectiveDate":"2026-01-01","idempotencyKey":"","seal":"x"}'::jsonb],
                       array[now()])
            """;
        var (lateId, lostId) = ($"refusal-{Guid.NewGuid():N}", $"refusal-{Guid.NewGuid():N}");
        await using var waiting = await late.BeginTransactionAsync();
        await using (var never = await lost.BeginTransactionAsync())
        {
            await late.ExecuteAsync(refusal, ("id", lateId));
            await lost.ExecuteAsync(refusal, ("id", lostId));
            await village.AllocateAsync(5); // a higher sequence number, committed first
            Task<bool> Logged(string stream) =>
                api.ScalarAsync<bool>(
                    """
                    select coalesce(bool_and(exists (select 1 from ledger.log_entry l where l.seq = e.seq_id)), false)
                      from ledger.mt_events e
                     where e.stream_id = @s
                    """,
                    ("s", stream)
                );
            await ApiFixture.EventuallyAsync(
                () => Logged(village.FundId),
                "events are not held up by what is still open"
            );
            await never.RollbackAsync();
            await waiting.CommitAsync();
            await ApiFixture.EventuallyAsync(() => Logged(lateId), "the late one is taken in");
        }
        var seq = await api.ScalarAsync<long>(
            "select seq_id from ledger.mt_events where stream_id = @s",
            ("s", lateId)
        );
        await ApiFixture.EventuallyAsync(
            async () => await api.ScalarAsync<long>("select low_water from ledger.log_state") > seq,
            "the search goes on above them"
        );
        Assert.Equal(
            0,
            await api.ScalarAsync<long>(
                """
                select count(*)
                  from ledger.mt_events e, ledger.log_state s
                 where e.seq_id <= s.low_water
                   and not exists (select 1 from ledger.log_entry l where l.seq = e.seq_id)
                """
            )
        );
        // No gap, whatever other tests killed meanwhile.
        Assert.Equal(0, await api.ScalarAsync<long>("select max(log_index) + 1 - count(*) from ledger.log_entry"));
    }

    [Fact]
    public async Task The_check_of_the_log_holds_no_snapshot_while_it_rests()
    {
        await api.RegisteredAsync();
        await ApiFixture.EventuallyAsync(
            () => api.ScalarAsync<bool>("select size > 0 from ledger.log_state"),
            "there is something to check"
        );
        await using var checking = NpgsqlDataSource.Create(
            new NpgsqlConnectionStringBuilder(api.ConnectionString) { ApplicationName = "resting" }.ConnectionString
        );
        using var stop = new CancellationTokenSource();
        var check = new LogCheck(checking, LedgerStore.Schema, [], []).RunAsync(stop.Token, rest: 1_000_000);
        await ApiFixture.EventuallyAsync(
            () =>
                api.ScalarAsync<bool>(
                    """
                    select coalesce(bool_and(state = 'idle' and backend_xmin is null), false)
                      from pg_stat_activity
                     where datname = current_database()
                       and application_name = 'resting'
                    """
                ),
            "its connection has no transaction"
        );
        Assert.False(check.IsCompleted);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => check);
    }

    [Fact]
    public async Task The_running_role_owns_nothing_and_can_change_nothing_that_happened()
    {
        var settings = Settings.Of(
            new ConfigurationBuilder()
                .AddInMemoryCollection(
                    new Dictionary<string, string?>
                    {
                        ["ConnectionStrings:Ledger"] = api.ConnectionString,
                        ["Ledger:KeyFile"] = api.KeyFile,
                    }
                )
                .Build()
        );
        var access = await DatabaseAccess.OfAsync(settings, null, KeyFile.LoadOrCreate(api.KeyFile));
        await using var application = NpgsqlDataSource.Create(access.Application);
        await using var connection = await application.OpenConnectionAsync();
        foreach (
            var sql in new[]
            {
                "update ledger.mt_events set data = '{}'",
                "delete from ledger.mt_events",
                "truncate ledger.mt_events",
                "alter table ledger.mt_events disable trigger all",
                "drop trigger refuse_change on ledger.mt_events",
                "update ledger.log_entry set seq = 0",
                "delete from ledger.log_tile",
                "update ledger.log_checkpoint set note = ''",
                "delete from ledger.log_finding",
                "truncate ledger.log_state",
                "delete from ledger.evidence",
                "create table ledger.x (y int)",
                "create table public.x (y int)",
                "delete from ledger.idempotency",
                "delete from ledger.person",
                "drop table ledger.mt_events",
                "set session_replication_role = replica",
                "update ledger.schema_stamp set stamp = ''",
            }
        )
        {
            var refused = await Assert.ThrowsAsync<PostgresException>(() => connection.ExecuteAsync(sql));
            Assert.True(refused.SqlState == PostgresErrorCodes.InsufficientPrivilege, $"{sql}: {refused.Message}");
        }
        // What it may update, it may only let grow.
        foreach (
            var sql in new[]
            {
                "update ledger.log_state set size = size - 1",
                "update ledger.log_tile set hashes = substring(hashes for 32) where octet_length(hashes) > 32",
                "update ledger.log_tile set hashes = decode(repeat('00', octet_length(hashes)), 'hex')",
            }
        )
            Assert.Contains(
                "only grows",
                (await Assert.ThrowsAsync<PostgresException>(() => connection.ExecuteAsync(sql))).MessageText
            );
        Assert.Equal(
            0,
            (
                await connection.QueryAsync(
                    """
                    select count(*)
                      from pg_class c
                      join pg_roles r on r.oid = c.relowner
                     where r.rolname = current_user
                    """,
                    r => r.GetInt64(0)
                )
            ).Single()
        );

        // It starts with the application's connection alone, and not with one that could change events, nor on a
        // database without tables.
        var alone = new Dictionary<string, string>
        {
            ["ConnectionStrings__Ledger"] = access.Application,
            ["Ledger__KeyFile"] = api.KeyFile,
        };
        await using (var process = await ApiHost.StartAsync(alone))
            Assert.True((await process.Http.GetAsync("/health/ready")).IsSuccessStatusCode);
        Assert.Contains(
            "可以改动事件",
            (
                await Assert.ThrowsAsync<InvalidOperationException>(() =>
                    ApiHost.StartAsync(
                        new Dictionary<string, string>(alone)
                        {
                            ["ConnectionStrings__Ledger"] = api.ConnectionString,
                            ["ConnectionStrings__LedgerOwner"] = api.ConnectionString,
                        }
                    )
                )
            ).Message
        );
        var empty = new NpgsqlConnectionStringBuilder(access.Application)
        {
            Database = new NpgsqlConnectionStringBuilder(await api.NewDatabaseAsync("ledger_empty")).Database,
        };
        Assert.Contains(
            "schema",
            (
                await Assert.ThrowsAsync<InvalidOperationException>(() =>
                    ApiHost.StartAsync(
                        new Dictionary<string, string>(alone) { ["ConnectionStrings__Ledger"] = empty.ConnectionString }
                    )
                )
            ).Message
        );
    }

    /// <summary>
    /// docs/security.md, as a DBA reads it: two roles made by hand, the owner's used by the schema command alone.
    /// </summary>
    [Fact]
    public async Task A_dba_sets_it_up_with_two_roles_and_the_product_never_sees_the_owners()
    {
        var server = new NpgsqlConnectionStringBuilder(await api.NewDatabaseAsync("ledger_dba"));
        var (owner, application) = ($"{server.Database}_owner", $"{server.Database}_clerk");
        await using (var superuser = NpgsqlDataSource.Create(server.ConnectionString))
        await using (var connection = await superuser.OpenConnectionAsync())
        {
            await connection.ExecuteAsync($"create role {owner} login password 'o'");
            await connection.ExecuteAsync($"create role {application} login password 'a'");
            await connection.ExecuteAsync($"alter database {server.Database} owner to {owner}");
        }
        var keys = Path.Combine(Directory.CreateTempSubdirectory("ledger-dba").FullName, "keys.json");
        string As(string role, string password) =>
            new NpgsqlConnectionStringBuilder(server.ConnectionString)
            {
                Username = role,
                Password = password,
            }.ConnectionString;
        var settings = new Dictionary<string, string>
        {
            ["ConnectionStrings__LedgerOwner"] = As(owner, "o"),
            ["ConnectionStrings__Ledger"] = As(application, "a"),
            ["Ledger__KeyFile"] = keys,
        };
        Assert.Equal((0, ""), await ApiHost.RunAsync(settings, "schema"));
        settings.Remove("ConnectionStrings__LedgerOwner");
        await using (var process = await ApiHost.StartAsync(settings))
        {
            Assert.True((await process.Http.GetAsync("/health/ready")).IsSuccessStatusCode);
            var tokens = new Security.Tokens(KeyFile.LoadOrCreate(keys), TimeProvider.System);
            var offices = new SampleOffices(actor => new SampleClient(process.Http, tokens, actor), "370811");
            await offices.PublishPolicyAsync(2026);
            await ApiFixture.EventuallyAsync(
                async () => (await process.Http.GetAsync("/log/checkpoint")).IsSuccessStatusCode,
                "the log is signed"
            );
        }
        Directory.Delete(Path.GetDirectoryName(keys)!, recursive: true);
    }

    [Fact]
    public async Task A_key_is_rotated_with_both_known_and_the_old_one_retired()
    {
        await using var product = await Product.StartAsync(api, "ledger_rotate");
        var first = await product.DownloadAsync("/log/keys", "first.keys");
        await product.SealedAsync();
        var older = await product.DownloadAsync("/log/checkpoint", "older");
        await product.StopAsync();
        Assert.Equal(0, (await ApiHost.RunAsync(product.Settings, "log-key", "rotate")).Exit);
        await product.StartAsync();
        await product.Village.AllocateAsync(1);
        await product.SealedAsync();
        var both = await product.DownloadAsync("/log/checkpoint", "both");
        Assert.Equal(2, Checkpoint.Parse(await File.ReadAllTextAsync(both)).Signatures.Count);
        var known = await product.DownloadAsync("/log/keys", "known.keys");
        var proof = await product.DownloadAsync(
            $"/log/consistency?from={Checkpoint.Parse(await File.ReadAllTextAsync(older)).Size}&to="
                + $"{Checkpoint.Parse(await File.ReadAllTextAsync(both)).Size}",
            "proof"
        );
        // Who knows only the old key.
        Assert.Equal(0, Programs.Verify("consistency", older, both, proof, "--key", first).Exit);
        Assert.Equal(1, Programs.Verify("consistency", both, older, proof, "--key", first).Exit);

        var old = NoteVerifier.Parse((await File.ReadAllTextAsync(first)).Trim());
        await product.StopAsync();
        Assert.Equal(1, (await ApiHost.RunAsync(product.Settings, "log-key", "retire", "00000000")).Exit);
        Assert.Equal(0, (await ApiHost.RunAsync(product.Settings, "log-key", "retire", $"{old.KeyId:x8}")).Exit);
        await product.StartAsync();
        await product.Village.AllocateAsync(1);
        var latest = Checkpoint.Parse(await product.SealedAsync());
        Assert.Null(old.Verifies(latest.Text, Assert.Single(latest.Signatures)));
        Assert.Equal(
            await File.ReadAllLinesAsync(known),
            await File.ReadAllLinesAsync(await product.DownloadAsync("/log/keys", "again.keys"))
        ); // old checkpoints can still be checked
        var now = await product.DownloadAsync("/log/checkpoint", "now");
        Assert.Contains("没有日志", Programs.Verify("consistency", older, now, proof, "--key", first).Output);
        Assert.Equal(2, Programs.Verify("nonsense").Exit);
    }
}

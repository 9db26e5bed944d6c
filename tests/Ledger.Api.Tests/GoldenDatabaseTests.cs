using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Ledger.Api.Operation;
using Npgsql;
using Xunit.Abstractions;

namespace Ledger.Api.Tests;

/// <summary>
/// A database in which the build before committed what this one refuses (GoldenDatabases/README.md): this build goes on
/// with it, its log still verifies, and check names each thing that is wrong.
/// </summary>
public sealed class GoldenDatabaseTests(Databases databases, ITestOutputHelper output) : IClassFixture<Databases>
{
    private const string County = "370811",
        Township = "370811111";
    private static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "GoldenDatabases");

    /// <summary>The villages of make.py by their numbers: collective id, fund id.</summary>
    private static string Collective(int number) =>
        Domain.Identity.StreamId.Collective(SamplePeople.CreditCode(County, number));

    private static string Fund(int number) => Domain.Identity.StreamId.FundOf(Collective(number));

    private sealed record Named(string Projection, string Id, string Clause, string Found, string Expected);

    /// <summary>
    /// Fault → what names it: the kind, the clause, and what it says. An id, where one is the same in every copy.
    /// Promise: the events break one, and check ends with 1. Finding: it may have been meant.
    /// </summary>
    private static readonly (string Fault, string Projection, string? Id, string Clause, string Says)[] Faults =
    [
        ("A1 refusals of nobody, without a region", "Finding", "command_refused", "C20", "3 个事件没有区划"),
        ("A3 more reserved than came in", "Promise", Fund(8), "C9", "可用 general -5900.00 元"),
        ("A3 a fund's document that says more", "Fund", Fund(8), "", "(events)"),
        ("A3 beyond the cap by a forged policy year", "Promise", null, "C11", "各项补助共 7000.00 元"),
        ("B4 payment dated before its approval", "Promise", null, "C17", "业务日期 2025-12-01 的已占用 -1000.00 元"),
        (
            "B4 refund dated before its receipt, on the account",
            "Promise",
            null,
            "C17",
            "业务日期 2025-12-15 的已入账 -200.00 元"
        ),
        ("B4 refund dated before its receipt, for the person", "Promise", null, "C17", "退回的业务日期 2025-12-15"),
        ("B4 year closed on what was reserved", "Promise", Fund(2), "C24", "2025 年度结账时 已占用 -1000.00 元"),
        ("B4 year closed on what was credited", "Promise", Fund(2), "C24", "2025 年度结账时 已入账 -200.00 元"),
        ("B4 payment dated before the notice", "Promise", null, "C16", "付款的业务日期 2025-12-01"),
        ("B4 payment dated before the notice ended", "Promise", null, "C16", "付款的业务日期 2026-02-05"),
        ("B5 the same subsidy twice after a split", "Promise", null, "C4", $"获同源集体 {Collective(4)} 补助"),
        (
            "B6 approved as the plan was, not as it is",
            "Promise",
            null,
            "C10",
            "按审批时有效的方案和缴费档次应为 120.00 元"
        ),
        (
            "B6 approved as the tier was, not as it is",
            "Promise",
            null,
            "C10",
            "按审批时有效的方案和缴费档次应为 250.00 元"
        ),
        ("B6 a dead person paid", "Promise", null, "C4", "付款时已登记死亡"),
        ("B6 a departed person paid", "Promise", null, "C4", "付款时不是本集体成员"),
        ("B6 a catch-up payer paid", "Promise", null, "C5", "付款时有本年度一次性补缴"),
        ("B6 paid on a contribution that was reversed", "Promise", null, "C6", "付款时没有本年度个人缴费记录"),
        (
            "B7 one bank reference for two payments",
            "Promise",
            Fund(3),
            "C17",
            "银行流水号 NX20260211TWICE 用于 2 笔付款"
        ),
        ("B7 one slip for three allocations", "Finding", Fund(3), "C7", "用于 3 笔划入"),
        ("B7 one tax reference for two persons", "Finding", null, "C4", "税务凭证号 SW370811TWICE 用于 2 人"),
        ("B8 an objection upheld that changed nothing", "Finding", null, "C16", "名单和金额没有变化就付款了"),
        (
            "B8 an objection answered by who raised it",
            "Finding",
            null,
            "C16",
            $"township.{Township} 答复了自己提出的异议"
        ),
        ("B10 a meeting of 2010", "Finding", null, "C13", "会议日期 2010-05-01"),
        ("B10 a meeting of one", "Finding", null, "C13", "应到 1 人"),
        (
            "C14 reviewer and approver delegate to each other",
            "Finding",
            "account-wang.approver",
            "C15",
            "与 account-li.reviewer 互相委托"
        ),
        ("C15 an account named public", "Finding", "account-public", "C20", "系统自用"),
        ("C15 an account named console", "Finding", "account-console", "C20", "系统自用"),
        (
            "C16 a citizen id as contribution reference",
            "Finding",
            null,
            "C20",
            "contribution_recorded 的内容中有身份证号"
        ),
        (
            "C16 a citizen id as Idempotency-Key",
            "Finding",
            null,
            "C20",
            "funds_allocated 的 Idempotency-Key 是身份证号"
        ),
    ];

    private async Task<Product> RestoredAsync(string name)
    {
        var connection = await databases.NewDatabaseAsync(name);
        await PostgresTool.RunAsync(
            "pg_restore",
            connection,
            "--no-owner",
            "--no-privileges",
            "--exit-on-error",
            $"--dbname={new NpgsqlConnectionStringBuilder(connection).Database}",
            Path.Combine(Folder, "holes.dump")
        );
        var folder = Directory.CreateTempSubdirectory("ledger-golden");
        foreach (var key in Directory.GetFiles(Path.Combine(Folder, "holes.keys")))
            File.Copy(key, Path.Combine(folder.FullName, Path.GetFileName(key)));
        var product = new Product
        {
            ConnectionString = connection,
            Folder = folder,
            Settings = new()
            {
                ["ConnectionStrings__Ledger"] = connection,
                ["Ledger__KeyFile"] = Path.Combine(folder.FullName, "keys.json"),
                ["Ledger__Log__CheckpointSeconds"] = "1",
            },
        };
        return product;
    }

    [Fact]
    public async Task Every_fault_of_the_build_before_is_upgraded_verified_and_named()
    {
        await using var product = await RestoredAsync("ledger_golden");
        var before = await product.ScalarAsync<long>("select count(*) from ledger.mt_events");
        await product.StartAsync();

        // It is ready, and goes on: a village in which nothing is wrong receives money and files.
        await ApiFixture.EventuallyAsync(
            async () => (await product.Http.GetAsync("/health/ready")).IsSuccessStatusCode,
            "ready"
        );
        var officer = product.Offices.Officer($"{Township}201");
        var slip = await officer.EvidenceAsync("a new slip");
        var allocated = await officer.PostAsync(
            $"/api/funds/{Fund(1)}/allocations",
            new
            {
                amount = 12,
                source = "collective-income",
                sourceName = "租金",
                evidence = new[] { slip },
            }
        );
        Assert.Equal(5022m, allocated.GetProperty("fund").GetProperty("availableAmount").GetDecimal());
        var members = (await officer.GetAsync($"/api/members?collectiveId={Collective(1)}"))
            .GetProperty("members")
            .EnumerateArray()
            .Select(m => m.Id())
            .ToList();
        Assert.Equal(8, members.Count);
        var filed = await officer.PostAsync(
            "/api/applications",
            new
            {
                planId = Domain.Identity.StreamId.PlanOf(Collective(1), 2026),
                seal = await officer.EvidenceAsync("a new seal"),
                lines = members.Select(m => new { memberId = m }),
            }
        );
        var application = $"/api/applications/{filed.GetProperty("application").Id()}";
        await product.Offices.Reviewer.PostAsync($"{application}/review", new { acceptRest = true });
        await product.Offices.Approver.PostAsync($"{application}/approval");

        // The log is one with what was signed before, and an auditor with the export alone finds the first thing that
        // is wrong.
        await product.SealedAsync();
        Assert.True(await product.ScalarAsync<long>("select count(*) from ledger.mt_events") > before);
        var (log, checkpoint, keys) = (
            await product.DownloadAsync("/api/exports/log", "log.jsonl"),
            await product.DownloadAsync("/log/checkpoint", "checkpoint"),
            await product.DownloadAsync("/log/keys", "keys")
        );
        var (exit, said) = Programs.VerifyHere("log", log, "--checkpoint", checkpoint, "--key", keys, "--only-hashes");
        Assert.True(exit == 0, said);
        (exit, said) = Programs.VerifyHere("log", log, "--checkpoint", checkpoint, "--key", keys);
        Assert.True(
            exit == 1 && said.Contains("付款的业务日期 2025-12-01，公示至 2026-01-12", StringComparison.Ordinal),
            said
        );

        // Named by the endpoint, and by the command.
        JsonElement check = default;
        await ApiFixture.EventuallyAsync(
            async () =>
                (check = await product.CityAuditor.GetAsync("/api/audit/check")).GetProperty("behind").GetInt64() == 0,
            "the projections have caught up"
        );
        Assert.False(check.GetProperty("isSound").GetBoolean());
        var inCity = Differences(check);
        (exit, said) = await ApiHost.RunAsync(product.Settings, "check");
        output.WriteLine(said);
        Assert.Equal(1, exit);
        Assert.All(
            Faults,
            f =>
                Assert.True(
                    said.Split('\n')
                        .Any(line =>
                            line.StartsWith($"{f.Projection} {f.Id}", StringComparison.Ordinal)
                            && line.Contains($"{f.Clause}", StringComparison.Ordinal)
                            && line.Contains(f.Says, StringComparison.Ordinal)
                        ),
                    $"{f.Fault}: not named by check\n{said}"
                )
        );
        Assert.All(
            Faults,
            f =>
                Assert.True(
                    inCity.Any(d =>
                        d.Projection == f.Projection
                        && (f.Id is null || d.Id == f.Id)
                        && (f.Projection == "Fund" || d.Clause == f.Clause)
                        && $"{d.Clause} {d.Found} {d.Expected}".Contains(f.Says, StringComparison.Ordinal)
                    ),
                    $"{f.Fault}: not named by the endpoint\n{check}"
                )
        );

        // And nothing is named for the village that did nothing wrong but share a number or a name.
        Assert.DoesNotContain(
            inCity,
            d =>
                d.Projection == "Promise"
                && (d.Id == Fund(1) || members.Any(m => d.Id.Contains(m["member-".Length..], StringComparison.Ordinal)))
        );
        // Each broken promise once.
        Assert.Equal(
            inCity.Count(d => d.Projection == "Promise"),
            inCity.Where(d => d.Projection == "Promise").Distinct().Count()
        );
    }

    /// <summary>
    /// ledger-verify stops at the first thing that is wrong. So the log of the one village is signed anew, with one
    /// fault less each time, until it holds.
    /// </summary>
    [Fact]
    public async Task B4_the_verifier_finds_each_date_that_cannot_be()
    {
        await using var product = await RestoredAsync("ledger_golden_log");
        await product.StartAsync();
        await product.SealedAsync();
        var all = (await File.ReadAllLinesAsync(await product.DownloadAsync("/api/exports/log", "log.jsonl")))
            .Select(l => JsonNode.Parse(l)!.AsObject())
            .ToList();
        var application = (string)
            all.Single(l => (string)l["stream"]! == Fund(2) && (string)l["type"]! == "funds_reserved")["data"]![
                "applicationId"
            ]!;
        var village = all.Where(l =>
                (string)l["stream"]! is var s
                && (
                    s == Fund(2)
                    || s == application
                    || s == "policy-year-3708-2025"
                    || s.StartsWith("pilot-", StringComparison.Ordinal)
                    || s.StartsWith("member-", StringComparison.Ordinal)
                        && !s.StartsWith("member-year-", StringComparison.Ordinal)
                    || s.StartsWith("member-year-", StringComparison.Ordinal)
                        && s.EndsWith("-2025", StringComparison.Ordinal)
                )
            )
            .Where(l => (string)l["type"]! != "deadline_missed")
            .ToList(); // the clock's, since the database was made
        var signer = NoteSigner.Create("golden", NoteAlgorithm.Ed25519);

        Func<int, string, string> written = (_, line) => line;
        void Says(int exit, string words)
        {
            var tree = new MerkleTree.Growing();
            var lines = village
                .Select(
                    (l, i) =>
                    {
                        (l["index"], l["sequence"]) = (i, i + 1);
                        var canonical = CanonicalJson.Of(Encoding.UTF8.GetBytes(l.ToJsonString()));
                        var line = Encoding.Latin1.GetBytes(written(i, Encoding.Latin1.GetString(canonical)));
                        tree.Add(MerkleTree.HashLeaf(line));
                        return line;
                    }
                )
                .ToList();
            var log = Path.Combine(product.Folder.FullName, "village.jsonl");
            File.WriteAllBytes(log, [.. lines.SelectMany(l => l.Append((byte)'\n'))]);
            var unsigned = new Checkpoint("golden", tree.Size, tree.Root(), []);
            var note = (unsigned with { Signatures = [signer.Sign(unsigned.Text, DateTimeOffset.UtcNow)] }).Note;
            File.WriteAllText(Path.Combine(product.Folder.FullName, "village.checkpoint"), note);
            var (code, said) = Programs.VerifyHere(
                "log",
                log,
                "--checkpoint",
                Path.Combine(product.Folder.FullName, "village.checkpoint"),
                "--key",
                signer.Verifier.ToString(),
                "--clock-margin",
                "1000000" // what is moved below keeps its time
            );
            Assert.True(code == exit && said.Contains(words, StringComparison.Ordinal), said);
        }
        void Dated(string type, string on)
        {
            foreach (var line in village.Where(l => (string)l["type"]! == type))
                line["headers"]!["effectiveDate"] = on;
        }

        Says(1, "付款的业务日期 2025-12-01，公示至 2026-01-12");
        Dated("payment_sent", "2026-01-13");
        Says(1, "2025 年度结账时 credited 为 -20000 分");
        var closed = village.Single(l => (string)l["type"]! == "year_closed");
        village.Remove(closed);
        Says(1, "业务日期 2025-12-01 的 reserved 为 -100000 分");
        Dated("funds_paid", "2026-01-13");
        Says(1, "业务日期 2025-12-15 的 credited 为 -20000 分");
        Dated("funds_refunded", "2026-01-13");
        Says(0, "成立");

        Planted(village, application, Says);
        Duties(village, application, Says);
        Rests(village, Says);
        // One way to read a leaf, and no other.
        foreach (
            var (find, instead, says) in new[]
            {
                ("\"data\":{", "\"data\":{\"amountFen\":1},\"data\":{", "重复或次序不对"),
                ("\"headers\":{", "\"headers\":{\"actor\":\"x\",", "重复或次序不对"),
                ("\"index\":3,", "", "没有 stream、type 或 index"),
                ("\"sequence\":4,", "\"sequence\":2,", "的序号 2 已有别的条目"),
                ("\"tenant\":\"", "\"tenant\":\"\u00ff", "不是 UTF-8"),
                ("\"tenant\":\"", $"\"tenant\":\"{new string('x', 70_000)}", "不超过 65535 字节"),
            }
        )
        {
            written = (i, line) => i == 3 ? line.Replace(find, instead, StringComparison.Ordinal) : line;
            Says(1, says);
        }
        written = (_, line) => line;
        village.Add(closed);
        Says(1, "封存的试算平衡表与事件不符");
        closed["data"]!["trialBalance"] = JsonNode.Parse(
            """
            [{"account":"available:general","amountFen":300000},
             {"account":"source:collective-income","amountFen":-300000}]
            """
        );
        closed["data"]!["trialBalanceDigest"] = Domain.Funds.Postings.Digest([
            new("available:general", new Money(300000)),
            new("source:collective-income", new Money(-300000)),
        ]);
        Says(0, "成立");
        Dated("funds_refunded", "2025-12-15");
        village.Remove(closed);
        village.Insert(village.FindIndex(l => (string)l["type"]! == "funds_allocated") + 1, closed);
        foreach (var (line, i) in village.Where(l => (string)l["stream"]! == Fund(2)).Select((l, i) => (l, i)))
            line["version"] = i + 1;
        Says(1, "2025 年度已结账");
    }

    /// <summary>
    /// L7: nothing is paid while the supervision committee holds it or without its signature where that is asked for,
    /// and only the township lifts a hold; nor is a plan adopted that they have not signed. One breach after the other.
    /// </summary>
    private static void Planted(List<JsonObject> village, string application, Action<int, string> says)
    {
        void Number()
        {
            foreach (var (l, i) in village.Where(l => (string)l["stream"]! == application).Select((l, i) => (l, i)))
                l["version"] = i + 1;
        }
        JsonObject BeforePayment(string type, string by, string field)
        {
            var at = village.FindIndex(l => (string)l["type"]! == "payment_sent");
            var line = village[at].DeepClone().AsObject();
            (line["type"], line["data"]) = (type, new JsonObject { [field] = by });
            (line["headers"]!["actor"], line["headers"]!["role"]) = (by, "supervision-committee");
            village.Insert(at, line);
            Number();
            return line;
        }
        BeforePayment("payment_held", "committee", "heldBy");
        says(1, "村监委会叫停以后付了款");
        var lifted = BeforePayment("payment_hold_lifted", "committee", "liftedBy");
        says(1, "应由 township 办理");
        lifted["headers"]!["role"] = "township";
        says(1, "解除了自己叫停或办理的付款");
        (lifted["headers"]!["actor"], lifted["data"]!["liftedBy"]) = ("township", "township");
        says(0, "成立");
        Ask(village, "committeeSignsPayments");
        says(1, "没有村监委会签字就付款了");
        var approver = (string)village.First(l => (string)l["type"]! == "application_approved")["data"]!["approvedBy"]!;
        var signed = BeforePayment("payment_signed", approver, "signedBy");
        says(1, "为自己办理的申请签字");
        (signed["headers"]!["actor"], signed["data"]!["signedBy"]) = ("committee", "committee");
        says(0, "成立");

        PlantedPlan(village, signed, says);
    }

    private static void Ask(List<JsonObject> village, string what)
    {
        foreach (var l in village.Where(l => ((string)l["type"]!).StartsWith("policy_year", StringComparison.Ordinal)))
            l["data"]!["parameters"]![what] = true;
    }

    private static void PlantedPlan(List<JsonObject> village, JsonObject like, Action<int, string> says)
    {
        JsonObject OfPlan(string type, int version, string by, JsonNode? data = null)
        {
            var line = like.DeepClone().AsObject();
            (line["stream"], line["type"], line["version"]) = ("plan-x-2025", type, version);
            line["headers"]!["actor"] = by;
            line["headers"]!["role"] = by switch
            {
                "committee" => "supervision-committee",
                "township" => "township",
                _ => "village-finance",
            };
            line["data"] = data?.DeepClone() ?? new JsonObject { ["planVersion"] = 1, ["signedBy"] = by };
            return line;
        }
        Ask(village, "committeeSignsPlan");
        Ask(village, "countersignatureRequired");
        var adopted = OfPlan("plan_adopted", 1, "village");
        village.Add(adopted);
        says(1, "没有会议决议就通过了方案");
        var policy = village.First(l => (string)l["type"]! == "policy_year_published")["data"]!["parameters"]!;
        var resolved = new JsonObject
        {
            ["planVersion"] = 1,
            ["resolution"] = new JsonObject
            {
                ["form"] = (string)policy["quorums"]![0]!["form"]!,
                ["meetingDate"] = "2025-03-01",
                ["eligible"] = 30,
                ["attendance"] = 30,
                ["votesFor"] = 30,
                ["minutes"] = "d",
            },
        };
        var drafted = JsonNode.Parse(
            """{"villageCode": "370811000001", "content": {"standard": {"kind": "per-tier"}}}"""
        );
        village.Insert(village.Count - 1, OfPlan("plan_drafted", 1, "village", drafted));
        village.Insert(village.Count - 1, OfPlan("resolution_recorded", 2, "village", resolved));
        adopted["version"] = 3;
        says(1, "没有村监委会签字就通过了方案");
        village.Insert(village.Count - 1, OfPlan("plan_signed", 3, "committee"));
        adopted["version"] = 4;
        says(1, "没有乡镇会签就通过了方案");
        village.Insert(village.Count - 1, OfPlan("plan_countersigned", 4, "township"));
        adopted["version"] = 5;
        says(0, "成立");
        village.RemoveAll(l => (string)l["stream"]! == "plan-x-2025");
    }

    /// <summary>C15, C16, C17, C20: each breach alone, and taken back.</summary>
    private static void Duties(List<JsonObject> village, string application, Action<int, string> says)
    {
        JsonObject One(string type) =>
            village.First(l => (string)l["stream"]! == application && (string)l["type"]! == type);
        void With(string type, string part, string field, string value, string words)
        {
            var of = One(type)[part]!;
            var was = (string)of[field]!;
            of[field] = value;
            says(1, words);
            of[field] = was;
        }
        void Without(string type, string words)
        {
            var (at, line) = (village.IndexOf(One(type)), One(type));
            village.RemoveAt(at);
            Number();
            says(1, words);
            village.Insert(at, line);
            Number();
        }
        void Number()
        {
            foreach (var (l, i) in village.Where(l => (string)l["stream"]! == application).Select((l, i) => (l, i)))
                l["version"] = i + 1;
        }
        With("application_reviewed", "headers", "role", "auditor", "应由 agency 办理");
        With("application_approved", "headers", "role", "village-finance", "应由 agency 办理");
        With("payment_sent", "headers", "role", "agency", "应由 village-finance 办理");
        With("payment_signed", "headers", "role", "village-finance", "应由 supervision-committee 办理");
        With("receipt_confirmed", "headers", "role", "village-finance", "应由 agency 办理");
        var payer = (string)One("payment_sent")["headers"]!["actor"]!;
        With("receipt_confirmed", "headers", "actor", payer, "付款人自己确认了入账");
        With("notice_published", "data", "until", (string)One("notice_published")["data"]!["from"]!, "政策年度要求");
        Without("application_filed", "没有提交就复核了");
        Without("application_approved", "没有审批就公示了");
        says(0, "成立");
    }

    /// <summary>
    /// C9, C20, C24: the rest of a fund goes by two, and with those who leave no more than their share.
    /// </summary>
    private static void Rests(List<JsonObject> village, Action<int, string> says)
    {
        var fund = village.Where(l => (string)l["stream"]! == Fund(2)).ToList();
        long End(params string[] types) =>
            fund.Where(l => types.Contains((string)l["type"]!)).Max(l => (long)l["data"]!["fen"]!["to"]!);
        var (from, to) = (End("funds_reserved"), End("funds_allocated", "reservation_released", "funds_refunded"));
        var added = new List<JsonObject>();
        JsonObject Add(string stream, int version, string type, string role, JsonObject data)
        {
            var line = fund[^1].DeepClone().AsObject();
            (line["stream"], line["version"], line["type"], line["data"]) = (stream, version, type, data);
            (line["headers"]!["actor"], line["headers"]!["role"]) = (role, role);
            line["headers"]!["effectiveDate"] = "2026-12-01";
            village.Add(line);
            added.Add(line);
            return line;
        }

        JsonObject survey = new()
        {
            ["year"] = 2026,
            ["survey"] = new JsonObject { ["members"] = 10 },
        };
        Add(Collective(2), 1, "collective_surveyed", "village-finance", survey);
        JsonObject split = new()
        {
            ["intoCollectiveId"] = Collective(3),
            ["members"] = 1,
            ["amountFen"] = (to - from) / 10,
            ["availableFen"] = to - from,
            ["counted"] = 10,
        };
        Add(Collective(2), 2, "members_separated", "county-agriculture", split);
        Splits(split, to - from, says);

        JsonObject Rest(string field) =>
            new()
            {
                ["subAccount"] = "general",
                ["fen"] = new JsonObject { ["from"] = from, ["to"] = to },
                [field] = field == "requestedBy" ? "village-finance" : "township",
            };
        var (ask, done) = (Rest("requestedBy"), Rest("confirmedBy"));
        done["amountFen"] = to - from;
        Add(Fund(2), fund.Count + 1, "surplus_return_requested", "village-finance", ask);
        var by = Add(Fund(2), fund.Count + 2, "surplus_returned", "township", done)["headers"]!;
        says(0, "成立");
        done["confirmedBy"] = null;
        says(1, "余款由申请人自己确认");
        (done["confirmedBy"], by["actor"]) = ("village-finance", "village-finance");
        says(1, "余款由申请人自己确认");
        (done["confirmedBy"], by["actor"], by["role"]) = ("township", "township", "village-finance");
        says(1, "不能确认");
        by["role"] = "township";
        ask["fen"]!["to"] = to - 1;
        says(1, "没有这样申请过");
        village.RemoveAll(added.Contains);
    }

    private static void Splits(JsonObject split, long available, Action<int, string> says)
    {
        says(0, "成立");
        foreach (
            var (field, value, words) in new[]
            {
                ("counted", 4010, "而摸底为 10 名"),
                ("members", 10, "中转出 10 人"),
                ("amountFen", 1, "随之转出 1 分"),
                ("amountFen", (available / 10) + 1, "份额为"),
                ("availableFen", available * 2, "分立时可用"),
            }
        )
        {
            var was = split[field]!.DeepClone();
            split[field] = value;
            says(1, words);
            split[field] = was;
        }
    }

    private static List<Named> Differences(JsonElement check) =>
        [
            .. check
                .GetProperty("differences")
                .EnumerateArray()
                .Concat(check.GetProperty("findings").EnumerateArray())
                .Select(d => new Named(
                    d.GetProperty("projection").GetString()!,
                    d.GetProperty("id").GetString()!,
                    d.GetProperty("path").GetString()!,
                    d.GetProperty("found").GetString() ?? "",
                    d.GetProperty("expected").GetString() ?? ""
                )),
        ];
}

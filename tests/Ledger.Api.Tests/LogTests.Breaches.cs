using System.Text.Json.Nodes;

namespace Ledger.Api.Tests;

/// <summary>
/// What an operator could change in his log and sign anew (attack of 2026-11-28, N8), and what is said of it.
/// </summary>
public sealed partial class LogTests
{
    private static IEnumerable<(string What, Func<List<string>, IEnumerable<string>> Change)> Breaches(
        List<string> lines
    )
    {
        var paid = In(lines.First(l => Is(l, "payment_sent")), "stream");
        bool OfPaid(string line) => In(line, "stream") == paid;
        var filed = Node(lines.First(l => Is(l, "application_filed") && OfPaid(l)))["data"]!;
        var (fund, plan) = ((string)filed["fundId"]!, (string)filed["planId"]!);
        bool OfFund(string line) => In(line, "stream") == fund;
        bool OfPlan(string line) => In(line, "stream") == plan;
        bool ForPaid(string line) => line.Contains($"\"applicationId\":\"{paid}\"", StringComparison.Ordinal);
        var person = In(lines.First(l => Is(l, "subsidy_paid") && ForPaid(l)), "stream");
        bool OfPerson(string line) => In(line, "stream") == person;
        const string elsewhere = "370811999999";

        // Each office its own duty, in its own place.
        foreach (
            var (type, role) in new[]
            {
                ("policy_year_published", "village-finance"),
                ("pilot_approved", "county-hrss"),
                ("collective_registered", "village-finance"),
                ("collective_surveyed", "agency"),
                ("plan_drafted", "township"),
                ("plan_countersigned", "village-finance"),
                ("funds_allocated", "agency"),
                ("contribution_recorded", "village-finance"),
                ("application_approved", "county-hrss"),
                ("notice_published", "agency"),
                ("funds_paid", "agency"),
            }
        )
            yield return ($"由 {role} 办理，应由", all => First(all, type, l => l["headers"]!["role"] = role));
        // M5 of the attack: these it took from anybody, and of any type.
        yield return (
            "由 village-finance 办理，应由 agency",
            all => First(all, "subsidy_credited", l => l["headers"]!["role"] = "village-finance")
        );
        var credited = lines.First(l => Is(l, "application_filed") && OfPaid(l));
        foreach (
            var (type, stream, role) in new[]
            {
                ("objection_raised", paid, "county-tax"),
                ("donor_registered", "donor-x", "agency"),
                ("member_list_disclosed", $"collective-{fund["fund-".Length..]}", "auditor"),
            }
        )
            yield return ($"由 {role} 办理，应由", all => With(all, credited, stream, type, new { }, role));
        yield return ("没有这种事件", all => With(all, credited, fund, "money_conjured", new { }, "village-finance"));
        foreach (var (act, type) in new[] { ("复核", "application_reviewed"), ("审批", "application_approved") })
            yield return (
                $"{act}了自己导入的缴费所涉的补助",
                all =>
                    First(
                        [
                            .. First(
                                all,
                                "contribution_recorded",
                                l =>
                                    (l["headers"]!["actor"], l["headers"]!["role"]) = (
                                        (string)Node(all.First(r => Is(r, type) && OfPaid(r)))["headers"]!["actor"]!,
                                        "agency"
                                    ),
                                OfPerson
                            ),
                        ],
                        "subsidy_approved",
                        l => l["headers"]!["effectiveDate"] = "2026-12-31",
                        OfPerson
                    )
            );
        foreach (var type in new[] { "funds_allocated", "plan_countersigned", "payment_signed", "payment_sent" })
            yield return ("而它属于", all => First(all, type, l => l["headers"]!["region"] = elsewhere, IsLater(type)));
        Func<string, bool> IsLater(string type) =>
            l =>
                type == "funds_allocated" ? OfFund(l)
                : type == "plan_countersigned" ? OfPlan(l)
                : OfPaid(l);
        yield return (
            "审批了自己提交或复核的申请",
            all =>
            {
                var reviewed = Node(all.First(l => Is(l, "application_reviewed") && OfPaid(l)));
                var by = ((string)reviewed["data"]!["reviewedBy"]!).ToUpperInvariant();
                return First(
                    all,
                    "application_approved",
                    l => (l["data"]!["approvedBy"], l["headers"]!["actor"]) = (by, by),
                    OfPaid
                );
            }
        );

        // One step after the other.
        yield return ("审批了两次", all => Again(all, "application_approved", OfPaid, _ => { }));
        yield return (
            "审批于",
            all =>
                First(
                    all,
                    "notice_published",
                    l => (l["data"]!["from"], l["data"]!["until"]) = ("2026-01-01", "2026-12-31"),
                    OfPaid
                )
        );
        yield return ("没有审批就公示了", all => Moved(all, "notice_published", "application_approved", OfPaid));
        yield return (
            "晚于付款",
            all => First(all, "payment_signed", l => l["headers"]!["effectiveDate"] = "2027-12-31", OfPaid)
        );
        yield return ("没有获准试点", all => all.Where(l => !Is(l, "pilot_approved")));
        // What two events say of one thing is the same.
        yield return ("确认与入账的金额 不符", all => Again(all, "receipt_confirmed", _ => true, _ => { }));
        yield return (
            "银行流水号） 不符",
            all => First(all, "funds_paid", l => l["data"]!["bankReference"] = "ZZ1", ForPaid)
        );
        yield return ("分，而审批的是", all => First(all, "subsidy_paid", l => l["data"]!["amountFen"] = 1, OfPerson));
        yield return ("分，而审批的是", all => First(all, "subsidy_credited", l => l["data"]!["amountFen"] = 1));
        yield return (
            "名单上为",
            all => First(all, "lines_listed", l => l["data"]!["lines"]![0]!["amountFen"] = 1, OfPaid)
        );
        yield return (
            "方案的统一标准为 1 分",
            all =>
                First(
                    all,
                    "plan_drafted",
                    l =>
                    {
                        var standard = l["data"]!["content"]!["standard"]!;
                        (standard["kind"], standard["flatAmountFen"]) = ("flat", 1);
                    },
                    OfPlan
                )
        );
        yield return (
            "已给了名单上的另一人",
            all =>
            {
                var given = all.Where(l => Is(l, "subsidy_approved") && ForPaid(l)).Select(Node).ToList();
                var first = given[0]["data"]!;
                var other = given.Skip(1).First(g => (long)g["data"]!["amountFen"]! == (long)first["amountFen"]!);
                var second = (string)other["stream"]!;
                return First(
                    all,
                    "subsidy_approved",
                    l => l["data"]!["fen"] = first["fen"]!.DeepClone(),
                    l => In(l, "stream") == second && ForPaid(l)
                );
            }
        );
        yield return (
            "出现两次",
            all =>
                Again(
                    all,
                    "funds_allocated",
                    OfFund,
                    l =>
                    {
                        var fen = l["data"]!["fen"]!;
                        var (from, to) = ((long)fen["from"]!, (long)fen["to"]!);
                        (fen["from"], fen["to"]) = (to, to + to - from);
                    }
                )
        );
        yield return ("资金没有设立过", all => Without(all, "fund_opened", OfFund));
        var allocated = lines.First(l => Is(l, "funds_allocated") && OfFund(l));
        yield return (
            "未补足的手续费共 20001 分",
            all =>
                With(
                    all,
                    lines.First(l => Is(l, "application_filed") && OfPaid(l)),
                    fund,
                    "bank_fee_charged",
                    new
                    {
                        feeId = "bank-fee-x",
                        amountFen = 20_001,
                        takenOn = "2026-08-17",
                    }
                )
        );
        yield return ("没有附凭证", all => First(all, "payment_sent", l => l["data"]!["evidence"] = new JsonArray()));
        yield return ("没有盖章件", all => First(all, "application_filed", l => l["data"]!["sealDigest"] = null));
        yield return (
            "不是这个集体的",
            all => First(all, "application_filed", l => l["data"]!["planId"] = "plan-x-2026")
        );

        // The meeting, the papers, the contributions.
        yield return (
            "摸底成员",
            all =>
                First(
                    all,
                    "resolution_recorded",
                    l =>
                    {
                        var r = l["data"]!["resolution"]!;
                        (r["eligible"], r["attendance"], r["votesFor"], r["votesAgainst"]) = (3, 3, 3, 0);
                    },
                    OfPlan
                )
        );
        yield return (
            "会议没有记录",
            all => First(all, "resolution_recorded", l => l["data"]!["resolution"]!["minutes"] = null, OfPlan)
        );
        yield return (
            "没有决定、审核和批准文件",
            all =>
                With(
                    all,
                    allocated,
                    $"collective-{fund["fund-".Length..]}",
                    "collective_dissolved",
                    new { papers = new { } },
                    "county-agriculture"
                )
        );
        yield return (
            "确认所附的文件不是申请时的",
            all =>
            {
                var before = lines.First(l => Is(l, "application_filed") && OfPaid(l));
                var fen = new { from = 0, to = 100 };
                all = With(
                    all,
                    before,
                    fund,
                    "surplus_return_requested",
                    new
                    {
                        fen,
                        subAccount = "general",
                        requestedBy = "somebody",
                        evidence = new[] { "a" },
                    }
                );
                return With(
                    all,
                    before,
                    fund,
                    "surplus_returned",
                    new
                    {
                        amountFen = 100,
                        fen,
                        subAccount = "general",
                        confirmedBy = (string)Node(before)["headers"]!["actor"]!,
                        evidence = new[] { "b" },
                    },
                    "township"
                );
            }
        );
        yield return (
            "年度的缴费记在",
            all => First(all, "contribution_recorded", l => l["data"]!["paidOn"] = "2019-05-01")
        );
        yield return (
            "缴费还没有发生",
            all => First(all, "contribution_recorded", l => l["data"]!["paidOn"] = "2027-05-01", OfPerson)
        );
        yield return (
            "低于最低档次",
            all =>
                First(
                    all,
                    "contribution_recorded",
                    l => (l["data"]!["tierFen"], l["data"]!["kind"]) = (1, "regular"),
                    OfPerson
                )
        );
        yield return (
            "已用于另一笔缴费",
            all =>
            {
                var of = (string)Node(all.Last(l => Is(l, "contribution_recorded")))["data"]!["reference"]!;
                return First(all, "contribution_recorded", l => l["data"]!["reference"] = of.ToLowerInvariant());
            }
        );
        yield return (
            "早于它前面的条目",
            all => First(all, "application_approved", l => l["recordedAt"] = "2001-01-01T00:00:00Z", OfPaid)
        );
    }

    /// <summary>
    /// The city changes its rules: who may, who confirms, and what (C20, L12). Added at the end, as one who signs his
    /// own log would.
    /// </summary>
    private static IEnumerable<(string What, Func<List<string>, IEnumerable<string>> Change)> PolicyBreaches(
        List<string> lines
    )
    {
        var published = Node(lines.First(l => Is(l, "policy_year_published")));
        var parameters = published["data"]!["parameters"]!;
        JsonNode By(Action<JsonNode> change)
        {
            var changed = parameters.DeepClone();
            change(changed);
            return changed;
        }
        var (one, other) = (By(p => p["noticeDays"] = 1), By(p => p["noticeDays"] = 2));
        yield return (Sound, all => Done(Asked(all, one), one, "second"));
        yield return ("由 village-finance 办理，应由", all => Asked(all, one, change: As("village-finance")));
        yield return (
            "由 county-hrss 办理，应由",
            all => Then(Asked(all, one), "policy_year_change_declined", new { reason = "x" }, "b", As("county-hrss"))
        );
        yield return ("而它属于 3708", all => Asked(all, one, change: l => l["headers"]!["region"] = "3709"));
        yield return ("由 agency 办理，应由", all => Names(all, "agency", "370811"));
        yield return ("而它属于 370811", all => Names(all, "administrator", "370812"));
        yield return ("first 与经办人 second 不符", all => Asked(all, one, "second"));
        yield return ("确认了自己提出的修订", all => Done(Asked(all, one), one, "first"));
        yield return ("没有这样提出过修订", all => Done(all, one, "second"));
        yield return ("确认的不是提出的修订", all => Done(Asked(all, one), other, "second"));
        yield return ("却由一人修订", all => Done(all, one, "first", null, "2027-06-01T00:00:00Z"));
        yield return (
            "没有提出过修订",
            all => Then(all, "policy_year_change_declined", new { reason = "x" }, "second")
        );

        static Action<JsonNode> As(string role) => l => l["headers"]!["role"] = role;
    }

    /// <summary>Of the policy year that the county lives by, the last entry but one.</summary>
    private static List<string> Then(
        List<string> all,
        string type,
        object data,
        string actor,
        Action<JsonNode>? change = null
    ) =>
        With(
            all,
            all[^1],
            In(all.First(l => Is(l, "policy_year_published")), "stream"),
            type,
            data,
            "city-hrss",
            l =>
            {
                (l["headers"]!["actor"], l["headers"]!["region"]) = (actor, "3708");
                change?.Invoke(l);
            }
        );

    private static List<string> Asked(
        List<string> all,
        JsonNode what,
        string by = "first",
        Action<JsonNode>? change = null
    ) =>
        Then(
            all,
            "policy_year_change_proposed",
            new
            {
                region = "3708",
                year = 2026,
                parameters = what,
                proposedBy = "first",
                until = "2099-12-31",
            },
            by,
            change
        );

    private static List<string> Done(
        List<string> all,
        JsonNode what,
        string actor,
        string? said = "first",
        string? at = null
    ) =>
        Then(
            all,
            "policy_year_amended",
            new { parameters = what, proposedBy = said },
            actor,
            l => l["recordedAt"] = at ?? (string)l["recordedAt"]!
        );

    private static List<string> Names(List<string> all, string role, string region) =>
        With(
            all,
            all[^1],
            $"agency-profile-370811-{new string('0', 16)}",
            "regions_named",
            new { region = "370811", regions = Array.Empty<object>() },
            role,
            l => l["headers"]!["region"] = region
        );

    /// <summary>
    /// M1 of the attack of 2026-11-28: one event of 2199 made the verifier fail for good, and blame the next one.
    /// </summary>
    private static async Task AnsweredFindingsAsync(SampleProduct process, List<string> lines)
    {
        async Task<(int Code, string Said)> Verified(List<string> all, params string[] known) =>
            Programs.VerifyHere([
                .. await SignedAsync(process, all),
                .. known.SelectMany(k => (string[])["--known", k]),
            ]);

        var at = lines.FindIndex(l => Is(l, "application_reviewed"));
        List<string> ahead = [.. First(lines, "application_reviewed", l => l["recordedAt"] = "2199-01-01T00:00:00Z")];
        var (code, said) = await Verified(ahead);
        Assert.True(code == 1 && said.Contains($"第 {at} 条记录于 2199-01-01", StringComparison.Ordinal), said);
        Assert.DoesNotContain($"第 {at + 1} 条", said, StringComparison.Ordinal);
        (code, said) = await Verified(ahead, $"{at}");
        Assert.True(code == 0 && said.Contains($"已知 known：第 {at} 条记录于", StringComparison.Ordinal), said);

        // Copied money counts for nothing once that has been answered; what else is wrong is told all the same.
        var allocated = lines.FindIndex(l => Is(l, "funds_allocated"));
        var copied = Again(lines, "funds_allocated", _ => true, _ => { });
        (code, said) = await Verified(copied);
        Assert.True(code == 1 && said.Contains($"用 --known {allocated + 1} 继续", StringComparison.Ordinal), said);
        (code, said) = await Verified(copied, $"{allocated + 2}-{allocated}");
        Assert.True(code == 1 && said.Contains("--known", StringComparison.Ordinal), said);
        (code, said) = await Verified(copied, $"{allocated + 1}-{allocated + 1}", "0");
        Assert.True(code == 0 && said.Contains($"已知 known：第 {allocated + 1} 条", StringComparison.Ordinal), said);
        Assert.Contains("已知 known：第 0 条没有发现问题", said, StringComparison.Ordinal);
        List<string> both = [.. First(copied, "application_reviewed", l => l["headers"]!["role"] = "township")];
        (code, said) = await Verified(both, $"{allocated + 1}");
        Assert.True(code == 1 && said.Contains("由 township 办理，应由", StringComparison.Ordinal), said);
    }

    private static List<string> Numbered(List<string> all)
    {
        var versions = new Dictionary<string, int>();
        return
        [
            .. all.Select(l => (Line: l, Node: Node(l)))
                .Select(l =>
                {
                    var stream = (string)l.Node["stream"]!;
                    var version = versions[stream] = versions.GetValueOrDefault(stream) + 1;
                    if ((int)l.Node["version"]! == version)
                        return l.Line;
                    l.Node["version"] = version;
                    return Canonical(l.Node);
                }),
        ];
    }

    /// <summary>The first such event once more, right behind itself.</summary>
    private static List<string> Again(List<string> all, string type, Func<string, bool> of, Action<JsonNode> change)
    {
        var at = all.FindIndex(l => Is(l, type) && of(l));
        var again = Node(all[at]);
        change(again);
        return Numbered([.. all[..(at + 1)], Canonical(again), .. all[(at + 1)..]]);
    }

    private static List<string> Without(List<string> all, string type, Func<string, bool> of) =>
        Numbered([.. all.Where(l => !(Is(l, type) && of(l)))]);

    /// <summary>The first such event to before another.</summary>
    private static List<string> Moved(List<string> all, string type, string before, Func<string, bool> of)
    {
        var (from, to) = (all.FindIndex(l => Is(l, type) && of(l)), all.FindIndex(l => Is(l, before) && of(l)));
        var moved = Node(all[from]);
        moved["recordedAt"] = (string)Node(all[to])["recordedAt"]!;
        return Numbered([.. all[..to], Canonical(moved), .. all[to..from], .. all[(from + 1)..]]);
    }
}

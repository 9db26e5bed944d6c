using System.Collections.Frozen;
using System.Text.Json;

namespace Ledger.Verify;

/// <summary>
/// How an application, a plan and a fund come along, as far as one event can be held against those before it: a rule
/// is a line of <see cref="Table"/> and a small function that says what is wrong, or nothing. What older events do not
/// say is not asked of them.
/// </summary>
internal sealed class Conduct(long mostFeesFen)
{
    private delegate string? Rule(Conduct known, string stream, JsonElement d, JsonElement headers);

    private static readonly FrozenDictionary<string, Rule[]> Table = new (string Types, Rule Rule)[]
    {
        ("fund_opened", (c, s, _, _) => c._opened.Add(s) ? null : "设立了两次"),
        ("funds_allocated transfer_received bank_fee_charged funds_reserved", (c, s, _, _) => c.Unopened(s)),
        ("funds_allocated payment_sent surplus_return_requested", (_, _, d, _) => Unproven(d)),
        ("funds_allocated", (c, _, d, _) => c.Twice("拨入", d, "allocationId")),
        ("bank_fee_charged", (c, _, d, _) => c.Twice("手续费", d, "feeId")),
        ("bank_fee_charged bank_fee_reimbursed", Fee),
        ("surplus_return_requested earmark_lift_requested", (c, s, d, _) => c.Asked(s, d)),
        ("surplus_returned earmark_lifted", (c, s, d, _) => c.Rested(s, d)),
        ("collective_surveyed", Surveyed),
        ("collective_dissolved", Dissolved),
        ("pilot_applied", (c, _, d, _) => c.Applied(d)),
        (
            "pilot_approved",
            (c, _, _, h) => c._applicants.Contains(Text(h, "actor") ?? "") ? "申请人自己批准了试点" : null
        ),
        ("pilot_approved", (c, s, _, _) => c._pilots.Add(s) ? null : "批准了两次"),
        ("pilot_declined pilot_ended", (c, s, _, _) => c._pilots.Remove(s) ? null : null),
        ("plan_drafted plan_amended", Drafted),
        ("resolution_recorded", Resolved),
        ("plan_adopted", Adopted),
        ("application_filed application_resubmitted", Submitted),
        ("lines_listed", Listed),
        ("application_approved", Approved),
        ("notice_published", Noticed),
        ("payment_signed", (c, s, _, h) => c.Signed(s, h)),
        ("payment_sent", (c, s, _, h) => c.Paid(s, h)),
        ("application_approved funds_reserved", (c, s, d, _) => c.Sums("批准与占用的金额", s, d, null)),
        (
            "payment_sent funds_paid",
            (c, s, d, _) => c.Sums("申请与资金的付款（金额、银行流水号）", s, d, "bankReference")
        ),
        ("receipt_confirmed funds_credited", (c, s, d, _) => c.Sums("确认与入账的金额", s, d, null)),
    }
        .SelectMany(r => r.Types.Split(' ').Select(type => (type, r.Rule)))
        .GroupBy(r => r.type, r => r.Rule)
        .ToFrozenDictionary(g => g.Key, g => g.ToArray());

    private sealed class Course
    {
        public string Plan = "";
        public DateOnly? ApprovedOn,
            SignedOn;
        public Dictionary<string, long>? Listed;
        public long Next;
        public SortedDictionary<long, long>? Scattered;
    }

    private sealed class Draft
    {
        public string Collective = "",
            Year = "";
        public long? FlatFen;
        public int Eligible;
        public string? Form;
    }

    private readonly long _mostFeesFen = mostFeesFen;
    private readonly HashSet<string> _applicants = new(StringComparer.OrdinalIgnoreCase);
    private readonly HashSet<string> _opened = [],
        _pilots = [],
        _once = [];
    private readonly Dictionary<string, long> _owed = [],
        _sums = [],
        _members = [];
    private readonly Dictionary<string, string> _papers = [];
    private readonly Dictionary<string, Course> _courses = [];
    private readonly Dictionary<string, Draft> _drafts = [];

    public static bool Knows(string type) => Table.ContainsKey(type);

    /// <summary>What is wrong with it; null: nothing.</summary>
    public string? Take(string type, string stream, JsonElement d, JsonElement headers)
    {
        foreach (var rule in Table[type])
            if (rule(this, stream, d, headers) is { } wrong)
                return wrong;
        return null;
    }

    /// <summary>
    /// A person's line of an approval: the amount that was listed for him and that the plan's flat standard gives, and
    /// fen that no other line has.
    /// </summary>
    public string? Line(string application, string member, long amount, long from, long to)
    {
        if (!_courses.TryGetValue(application, out var course))
            return null;
        if (course.Listed is { } listed && (!listed.TryGetValue(member, out var said) || said != amount))
            return $"{member} 批准 {amount} 分，名单上为 {(listed.TryGetValue(member, out said) ? $"{said} 分" : "无此人")}";
        if (_drafts.GetValueOrDefault(course.Plan)?.FlatFen is { } flat && flat != amount)
            return $"{member} 批准 {amount} 分，方案的统一标准为 {flat} 分";
        if (from == course.Next)
        {
            course.Next = to;
            return null;
        }
        var all = course.Scattered ??= [];
        var overlaps = from < course.Next || all.Any(o => o.Key < to && from < o.Value);
        all[from] = to;
        while (all.Remove(course.Next, out var next))
            course.Next = next;
        return overlaps ? $"[{from}, {to}) 已给了名单上的另一人" : null;
    }

    /// <summary>What can be said only at the end.</summary>
    public string? Finish() =>
        _sums.Where(s => s.Value != 0).Select(s => $"{s.Key} 不符，相差 {Math.Abs(s.Value)} 分").FirstOrDefault();

    private Course CourseOf(string application) =>
        _courses.TryGetValue(application, out var course) ? course : _courses[application] = new Course();

    private static string? Text(JsonElement of, string name) =>
        of.ValueKind == JsonValueKind.Object
        && of.TryGetProperty(name, out var there)
        && there.ValueKind == JsonValueKind.String
            ? there.GetString()
            : null;

    private string? Applied(JsonElement d)
    {
        if (Text(d, "appliedBy") is { } by)
            _applicants.Add(by);
        return null;
    }

    // Funds

    private static string? Unproven(JsonElement d) =>
        d.TryGetProperty("evidence", out var papers)
        && papers.ValueKind == JsonValueKind.Array
        && papers.GetArrayLength() == 0
            ? "没有附凭证"
            : null;

    private static string Papers(JsonElement d) =>
        d.TryGetProperty("evidence", out var papers) ? papers.GetRawText() : "";

    private string? Unopened(string fund) => _opened.Contains(fund) ? null : "资金没有设立过";

    private string? Twice(string what, JsonElement d, string name) =>
        Text(d, name) is not { } id || _once.Add($"{name} {id}") ? null : $"{what} {id} 出现两次";

    /// <summary>L17: what a fund's fees that are not made good may come to, which is a setting.</summary>
    private static string? Fee(Conduct c, string fund, JsonElement d, JsonElement headers)
    {
        var amount = d.GetProperty("amountFen").GetInt64();
        var isTaken = d.TryGetProperty("takenOn", out _);
        var owed = c._owed[fund] = c._owed.GetValueOrDefault(fund) + (isTaken ? amount : -amount);
        return owed > c._mostFeesFen
            ? $"未补足的手续费共 {owed} 分，超过 {c._mostFeesFen} 分（如另有规定，用 --bank-fees 写明）"
            : null;
    }

    private string? Asked(string fund, JsonElement d)
    {
        _papers[$"{fund} {Text(d, "subAccount")}"] = Papers(d);
        return null;
    }

    /// <summary>C9: confirmed is what was asked for, with the papers that were handed in.</summary>
    private string? Rested(string fund, JsonElement d) =>
        !_papers.Remove($"{fund} {Text(d, "subAccount")}", out var papers) || papers == Papers(d)
            ? null
            : "确认所附的文件不是申请时的";

    // Collectives

    private static string? Surveyed(Conduct c, string collective, JsonElement d, JsonElement headers)
    {
        c._members[$"{collective} {d.GetProperty("year").GetInt32()}"] = d.GetProperty("survey")
            .GetProperty("members")
            .GetInt32();
        return null;
    }

    /// <summary>L16: whose assembly decided, the township's review, the county's approval, in this order.</summary>
    private static string? Dissolved(Conduct c, string collective, JsonElement d, JsonElement headers)
    {
        if (!d.TryGetProperty("papers", out var papers) || papers.ValueKind != JsonValueKind.Object)
            return Rules.BusinessDate(headers) < new DateOnly(2026, 12, 1) ? null : "没有决定、审核和批准文件就解散了";
        if (
            !papers.TryGetProperty("decisions", out var decisions)
            || decisions.ValueKind != JsonValueKind.Array
            || !decisions.EnumerateArray().Any(p => Text(p, "collectiveId") == collective)
            || !papers.TryGetProperty("review", out var review)
            || Text(review, "evidence") is null
            || !papers.TryGetProperty("approval", out var approval)
            || Text(approval, "evidence") is null
        )
            return "没有决定、审核和批准文件就解散了";
        var decided = decisions.EnumerateArray().Max(p => Rules.Date(p, "on"));
        return
            decided > Rules.Date(review, "on")
            || Rules.Date(review, "on") > Rules.Date(approval, "on")
            || Rules.Date(approval, "on") > Rules.BusinessDate(headers)
            ? "决定、审核、批准的日期次序不对"
            : null;
    }

    // Plans

    private static string? Drafted(Conduct c, string plan, JsonElement d, JsonElement headers)
    {
        if (!c._drafts.TryGetValue(plan, out var draft))
            c._drafts[plan] = draft = new Draft();
        draft.Collective = Text(d, "collectiveId") ?? draft.Collective;
        draft.Year = plan[^4..];
        var standard = d.GetProperty("content").GetProperty("standard");
        draft.FlatFen = Text(standard, "kind") == "flat" ? standard.GetProperty("flatAmountFen").GetInt64() : null;
        return null;
    }

    /// <summary>C13: minutes, and of a plan that there was.</summary>
    private static string? Resolved(Conduct c, string plan, JsonElement d, JsonElement headers)
    {
        var resolution = d.GetProperty("resolution");
        if (Text(resolution, "minutes") is not { Length: > 0 })
            return "会议没有记录";
        if (!c._drafts.TryGetValue(plan, out var draft))
            return "没有起草方案就作了决议";
        (draft.Eligible, draft.Form) = (resolution.GetProperty("eligible").GetInt32(), Text(resolution, "form"));
        return null;
    }

    /// <summary>
    /// C13: those called were neither more than were surveyed nor far fewer than a meeting of this form calls.
    /// </summary>
    private static string? Adopted(Conduct c, string plan, JsonElement d, JsonElement headers)
    {
        if (
            !c._drafts.TryGetValue(plan, out var draft)
            || !c._members.TryGetValue($"{draft.Collective} {draft.Year}", out var members)
        )
            return null;
        var called = draft.Form switch
        {
            "all-villagers" or "all-members" => 2,
            "households" => 8,
            _ => 120,
        };
        return draft.Eligible > members || draft.Eligible < (members + called - 1) / called
            ? $"应到 {draft.Eligible} 人，摸底成员 {members} 人"
            : null;
    }

    // Applications

    private static string? Submitted(Conduct c, string application, JsonElement d, JsonElement headers)
    {
        var course = c.CourseOf(application);
        course.Plan = Text(d, "planId") ?? course.Plan;
        course.Listed = null;
        // The plan and the fund of its own collective.
        if (
            Text(d, "collectiveId") is { } collective
            && collective["collective-".Length..] is var code
            && (
                Text(d, "fundId") != $"fund-{code}"
                || !course.Plan.StartsWith($"plan-{code}-", StringComparison.Ordinal)
            )
        )
            return "方案或资金不是这个集体的";
        return Text(d, "sealDigest") is { Length: 64 } && Text(d, "rosterDigest") is { Length: 64 }
            ? null
            : "没有盖章件和名单就申请了";
    }

    private static string? Listed(Conduct c, string application, JsonElement d, JsonElement headers)
    {
        var listed = c.CourseOf(application).Listed ??= [];
        foreach (var line in d.GetProperty("lines").EnumerateArray())
            if (!listed.TryAdd(line.GetProperty("memberId").GetString()!, line.GetProperty("amountFen").GetInt64()))
                return "同一人在名单上出现两次";
        return null;
    }

    /// <summary>C2: in an approved county; C15: once.</summary>
    private static string? Approved(Conduct c, string application, JsonElement d, JsonElement headers)
    {
        var course = c.CourseOf(application);
        if (course.ApprovedOn is not null)
            return "审批了两次";
        (course.ApprovedOn, course.Next) = (
            Rules.BusinessDate(headers),
            d.GetProperty("fen").GetProperty("from").GetInt64()
        );
        var county = headers.GetProperty("region").GetString()!;
        county = county[..Math.Min(6, county.Length)];
        return c._pilots.Contains($"pilot-{county}") ? null : $"{county} 没有获准试点就审批了";
    }

    /// <summary>C16: what is approved is shown, and not before.</summary>
    private static string? Noticed(Conduct c, string application, JsonElement d, JsonElement headers) =>
        c.CourseOf(application).ApprovedOn is not { } approved ? "没有审批就公示了"
        : Rules.Date(d, "from") < approved ? $"公示自 {Rules.Date(d, "from"):yyyy-MM-dd}，审批于 {approved:yyyy-MM-dd}"
        : null;

    private string? Signed(string application, JsonElement headers)
    {
        CourseOf(application).SignedOn = Rules.BusinessDate(headers);
        return null;
    }

    private string? Paid(string application, JsonElement headers) =>
        CourseOf(application).SignedOn is { } signed && signed > Rules.BusinessDate(headers)
            ? $"村监委会签字于 {signed:yyyy-MM-dd}，晚于付款"
            : null;

    /// <summary>What an application and its fund say of the same money comes to the same in the end.</summary>
    private string? Sums(string what, string stream, JsonElement d, string? by)
    {
        var isFund = stream.StartsWith("fund-", StringComparison.Ordinal);
        var application = isFund ? d.GetProperty("applicationId").GetString()! : stream;
        var key = $"{application} {(by is null ? "" : $"{Text(d, by)} ")}{what}";
        var amount = d.GetProperty("amountFen").GetInt64();
        _sums[key] = _sums.GetValueOrDefault(key) + (isFund ? -amount : amount);
        return null;
    }
}

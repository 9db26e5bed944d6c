namespace Ledger.Api.OpenApi;

/// <summary>A chapter of the API document.</summary>
public sealed record Chapter(string Name, string Description)
{
    private static readonly Chapter SignIn = new("登录 Sign-in", "登录、第二因素和会话 · Sessions and second factors"),
        Accounts = new("账户 Accounts", "工作人员的账户、职责和委托 · Accounts of staff, their roles, delegation"),
        Operation = new("运行 Operation", "没有办成的后台消息 · Messages in the background that failed"),
        PolicyYears = new("政策年度 Policy years", "各市每年的标准和期限 · A city's standards and deadlines of a year"),
        Pilots = new("试点 Pilots", "县区申请、市里批准试点 · Counties that take part (C1)"),
        AgencyProfiles =
            new(
                "接口格式 Profiles of the agency's system",
                "经办系统的文件列名和代码 · Columns and codes of the agency's own files"
            ),
        RegionNames = new("区划名称 Names of regions", "区划代码的名称 · Names of region codes"),
        Collectives =
            new("集体 Collectives", "集体经济组织：登记、调查、合并、分立 · Registration, surveys, mergers, splits"),
        Funds =
            new(
                "资金 Funds",
                "专款：划入、冲正、手续费、结转、凭证 · Ring-fenced funds: what comes in, reversals, vouchers"
            ),
        Donors = new("捐赠人 Donors", "捐赠人和收据 · Donors and their receipts"),
        Plans = new("补助方案 Plans", "方案、议事程序和试算 · Plans, their resolutions, trials on all members"),
        Members = new("成员与缴费 Members", "成员名册、个人缴费、参保核查 · Members, what they paid, insurance checks"),
        Applications = new("申请 Applications", "从申报到入账 · From filing to the member's account (C14 to C22)"),
        Notices = new("公示 Notices", "村民查公示、提异议、投诉，不用登录 · Public notices, objections, complaints"),
        Evidence = new("凭证 Evidence", "扫描件，以摘要引用 · Documents, named by their digest"),
        Reports = new("报表与督办 Reports", "比较、激励、督办 · Comparison, incentives, overdue work"),
        Audit = new("审计 Audit", "审计轨迹、年度筛查、核对 · The trail, tests of a year, checks"),
        Feed =
            new(
                "订阅 Feed and webhooks",
                "按日志次序取事件，或推送到其他系统 · Events in the log's order, asked for or sent"
            ),
        Batch = new("成批提交 Batch", "一次提交最多一千件 · Up to a thousand commands in one request"),
        Samples = new("抽样 Samples", "谁也左右不了的抽样 · Samples that nobody can steer"),
        Log = new("存证日志 Transparency log", "任何人可验证的日志（C2SP tlog-tiles） · A log that anybody can verify"),
        Trace =
            new("追溯 Trace", "每一分钱从来源到个人账户 · Each fen from its source to the member's account, and back"),
        Search = new("查找 Search", "一个框查所有 · One box for everything"),
        Exports = new("导出 Exports", "日记账、事件、日志的导出 · Journal, events and log as files"),
        Templates = new("模板 Templates", "填报模板 · Forms to fill in"),
        Tasks =
            new("待办与提醒 Tasks", "等本人办理的事，和怎样得到提醒 · What waits for the caller, and how he is told"),
        Jobs = new("后台任务 Jobs", "长时间的导入，在后台办理 · Long imports, done in the background"),
        Sample = new("样例 Sample", "只在样例中有 · Only in a sample");

    /// <summary>That of each resource, in the order of the work.</summary>
    public static readonly IReadOnlyDictionary<string, Chapter> ByResource = new Dictionary<string, Chapter>
    {
        ["session"] = SignIn,
        ["sessions"] = SignIn,
        ["accounts"] = Accounts,
        ["operation"] = Operation,
        ["policy-years"] = PolicyYears,
        ["pilots"] = Pilots,
        ["agency-profiles"] = AgencyProfiles,
        ["region-names"] = RegionNames,
        ["collectives"] = Collectives,
        ["funds"] = Funds,
        ["donors"] = Donors,
        ["plans"] = Plans,
        ["members"] = Members,
        ["waiting-members"] = Members,
        ["contributions"] = Members,
        ["insurance-checks"] = Members,
        ["applications"] = Applications,
        ["notices"] = Notices,
        ["evidence"] = Evidence,
        ["jobs"] = Jobs,
        ["tasks"] = Tasks,
        ["notifications"] = Tasks,
        ["calendar"] = Tasks,
        ["reports"] = Reports,
        ["supervision"] = Reports,
        ["audit"] = Audit,
        ["feed"] = Feed,
        ["subscriptions"] = Feed,
        ["batch"] = Batch,
        ["samples"] = Samples,
        ["log"] = Log,
        ["trace"] = Trace,
        ["search"] = Search,
        ["exports"] = Exports,
        ["templates"] = Templates,
        ["sample"] = Sample,
    };

    /// <summary>That of a path: <c>/api/funds/…</c>, <c>/log/…</c>.</summary>
    public static Chapter OfPath(string path) =>
        ByResource[path.Split('/')[path.StartsWith("/log/", StringComparison.Ordinal) ? 1 : 2]];
}

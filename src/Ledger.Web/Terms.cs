using System.Text.RegularExpressions;
using Ledger.Domain;
using Ledger.Domain.Applications;
using Ledger.Domain.Identity;
using Ledger.Domain.Plans;
using Ledger.Domain.Policies;
using Ledger.Domain.Tasks;
using Ledger.Web.Accounts;
using Ledger.Web.Audit;

namespace Ledger.Web;

/// <summary>
/// The field's words for what the code calls by its own names. Chinese; pages pass them through their localizer.
/// </summary>
public static partial class Terms
{
    private static readonly Dictionary<string, string> RoleWords = new()
    {
        [Roles.CityHrss] = "市人社",
        [Roles.CountyHrss] = "县人社",
        [Roles.CountyFinance] = "县财政",
        [Roles.CountyAgriculture] = "县农业农村",
        [Roles.CountyTax] = "县税务",
        [Roles.Agency] = "经办机构",
        [Roles.Township] = "乡镇（街道）",
        [Roles.VillageFinance] = "村级财务",
        [Roles.SupervisionCommittee] = "村务监督委员会",
        [Roles.Auditor] = "审计",
        [Roles.Administrator] = "账户管理员",
    };

    private static readonly Dictionary<string, string> Words = new()
    {
        // Sources (C7, C8, C19)
        ["SourceKind.collective-income"] = "集体收入",
        ["SourceKind.other-organisation"] = "其他经济组织",
        ["SourceKind.charity"] = "公益慈善组织",
        ["SourceKind.individual"] = "个人捐赠",
        ["SourceKind.county-incentive"] = "县级奖补",
        ["SourceKind.bank-interest"] = "专户存款利息",
        ["SearchKind.person"] = "人员",
        ["SearchKind.collective"] = "集体",
        ["SearchKind.application"] = "申请",
        ["SearchKind.fund-entry"] = "资金流水",
        ["SearchKind.receipt"] = "票据和回执",
        ["SearchKind.donor"] = "捐赠人",
        ["SearchKind.officer"] = "经办人",
        ["SearchKind.event"] = "事件",
        ["SearchKind.day"] = "日期",
        ["SampleState.announced"] = "待抽取",
        ["SampleState.drawn"] = "待填底稿",
        ["SampleState.papered"] = "待签署",
        ["SampleState.concluded"] = "已签署",
        ["SubscriptionState.proposed"] = "待确认",
        ["SubscriptionState.active"] = "使用中",
        ["SubscriptionState.paused"] = "已暂停",
        ["SubscriptionState.ended"] = "已停止",
        ["TaskKind.review"] = "复核",
        ["TaskKind.approval"] = "审批",
        ["TaskKind.correction"] = "补正",
        ["TaskKind.notice-posting"] = "公示",
        ["TaskKind.payment-signature"] = "签署付款",
        ["TaskKind.payment"] = "付款",
        ["TaskKind.payment-back"] = "银行退回",
        ["TaskKind.receipts"] = "入账回执",
        ["TaskKind.settlement"] = "办结",
        ["TaskKind.payment-hold"] = "叫停的付款",
        ["TaskKind.objection"] = "异议",
        ["TaskKind.complaint"] = "投诉",
        ["TaskKind.overdue"] = "逾期",
        ["TaskKind.plan-signature"] = "方案签字",
        ["TaskKind.pilot-decision"] = "试点申请",
        ["TaskKind.policy-confirmation"] = "政策确认",
        ["TaskKind.reversal-confirmation"] = "冲正确认",
        ["TaskKind.rest-confirmation"] = "余款确认",
        ["TaskKind.account-confirmation"] = "账户变更确认",
        ["TaskKind.own-account"] = "本人账户变更",
        ["TaskKind.subscription-confirmation"] = "订阅确认",
        ["TaskKind.subscription-paused"] = "订阅暂停",
        ["TaskKind.finding-explanation"] = "疑点说明",
        ["TaskKind.finding-closure"] = "疑点办结",
        ["TaskKind.log-finding"] = "存证发现",
        ["TaskKind.plan-countersignature"] = "方案会签",
        ["TaskKind.contribution-confirmation"] = "缴费更正确认",
        ["TaskKind.interest-registration"] = "登记利息",
        ["TaskKind.job-ended"] = "后台任务结束",
        ["TaskKind.fee-reimbursement"] = "待补足手续费",
        ["TaskKind.sample-conclusion"] = "待签署底稿",
        ["NotifyWhen.never"] = "不提醒",
        ["NotifyWhen.at-once"] = "一有就提醒",
        ["NotifyWhen.daily"] = "每天汇总一次",
        ["Channel.mail"] = "邮件",
        ["Channel.gateway"] = "短信或企业微信",
        ["Told.digest"] = "每日汇总",
        ["Delivery.sign-in"] = "邮件服务器不让登录",
        ["Delivery.refused"] = "收件方拒收",
        ["Delivery.redirect"] = "收件方要求转到别处，不跟随",
        ["Delivery.timeout"] = "收件方没有及时答复",
        ["Delivery.unreachable"] = "连接不上",
        ["Delivery.name-unknown"] = "查不到这个域名",
        ["Delivery.certificate"] = "对方证书无效",
        ["Delivery.address-forbidden"] = "地址在内部网络，不允许",
        ["ScreenKind.person-twice"] = "同一人重复",
        ["ScreenKind.two-villages"] = "同一人在两村",
        ["ScreenKind.deceased"] = "死亡后付款",
        ["ScreenKind.officer-benefits"] = "经手人本人受益",
        ["ScreenKind.bank-reference-twice"] = "流水号重复",
        ["ScreenKind.slip-twice"] = "凭证重复",
        ["ScreenKind.round-sums"] = "整数划入",
        ["ScreenKind.split-below-limit"] = "拆分到限额以下",
        ["ScreenKind.hasty"] = "几分钟内审批",
        ["ScreenKind.at-night"] = "夜间办理",
        ["ScreenKind.number-gap"] = "编号缺号",
        ["ScreenKind.first-digits"] = "首位数字异常",
        ["FindingState.open"] = "待核查",
        ["FindingState.answered"] = "核查中",
        ["FindingState.explained"] = "已说明",
        ["FindingState.closed"] = "已办结",
        ["FindingOutcome.sound"] = "没有问题",
        ["FindingOutcome.corrected"] = "有差错，已另行更正",
        ["FindingOutcome.referred"] = "已移送处理",
        ["SubAccount.general"] = "通用",
        // Why what a fund holds changed (Comparing)
        ["Change.credited"] = "已入账到个人",
        ["Change.refunded"] = "个人账户退回",
        ["Change.returned"] = "退回来源",
        ["Change.received"] = "从其他资金转入",
        ["Change.transferred"] = "转到其他资金",
        // What was found wrong (Findings.Kinds)
        ["Finding.account"] = "账户",
        ["Finding.check"] = "日志核对",
        ["Finding.checkpoint"] = "检查点",
        ["Finding.evidence"] = "凭证",
        ["Finding.person"] = "个人信息",
        ["Finding.planted"] = "不是本系统写入的",
        ["Finding.projection"] = "读模型",
        ["Finding.settings"] = "数据库角色的设定",
        ["Finding.signing-refused"] = "拒绝签名",
        ["Finding.state"] = "状态",
        ["Finding.witness-refused"] = "见证方拒绝",
        ["ChangeBasis.console"] = "在服务器上办理",
        ["ChangeBasis.one-administrator"] = "一人办理：当时只有一位管理员",
        ["ChangeBasis.two-administrators"] = "两位管理员办理",
        ["ChangeBasis.person-himself"] = "一位管理员与本人办理",
        ["ChangeKind.opening"] = "开立账户",
        ["ChangeKind.role"] = "变更角色",
        ["ChangeKind.credentials"] = "重新发放密码",
        ["MemberChange.name"] = "更正姓名",
        ["MemberChange.death-revocation"] = "撤销死亡登记",
        ["MemberChange.departure-revocation"] = "撤销退出集体",
        // Lines and subsidies
        ["LineStatus.filed"] = "待复核",
        ["LineStatus.accepted"] = "复核同意",
        ["LineStatus.refused"] = "复核不同意",
        ["LineStatus.approved"] = "已审批",
        ["LineStatus.paid"] = "已付款",
        ["LineStatus.credited"] = "已入账",
        ["LineStatus.released"] = "已释放",
        ["LineStatus.withdrawn"] = "已撤回",
        ["LineStatus.refunded"] = "已退回",
        ["SubsidyStatus.approved"] = "已审批",
        ["SubsidyStatus.paid"] = "已付款",
        ["SubsidyStatus.credited"] = "已入账",
        ["SubsidyStatus.released"] = "已释放",
        ["SubsidyStatus.refunded"] = "已退回",
        ["SubsidyStatus.cleared"] = "已清退给本人",
        ["ClearanceReason.employees-scheme"] = "与职工养老保险重复",
        ["ClearanceReason.moved-abroad"] = "出国（境）定居",
        ["ClearanceReason.other-lawful"] = "其他依法清退",
        ["RefundReason.death"] = "死亡",
        ["RefundReason.catch-up-found"] = "发现一次性补缴",
        ["RefundReason.double-subsidy"] = "重复补助",
        ["RefundReason.left-collective"] = "已退出集体",
        ["RefundReason.voluntary-refusal"] = "本人放弃",
        ["NoticeChange.withdrawn"] = "村集体撤回",
        ["NoticeChange.objection-upheld"] = "异议成立",
        ["NoticeChange.refunded"] = "补助退回",
        ["NoticeChange.left-out"] = "不再符合条件，未付款",
        ["NoticeChange.amended"] = "金额更正",
        ["ContributionKind.regular"] = "正常缴费",
        ["ContributionKind.catch-up"] = "一次性补缴",
        ["InsuranceFinding.none"] = "没有查出问题",
        ["InsuranceFinding.pension-in-payment"] = "已在领取养老待遇",
        ["InsuranceFinding.employees-scheme"] = "参加职工养老保险",
        ["InsuranceFinding.deceased"] = "已死亡",
        ["InsuranceFinding.student"] = "在校学生",
        ["InsuranceFinding.not-insured"] = "未参加居民养老保险",
        ["ContributionKind.government-paid"] = "政府代缴",
        ["StandardKind.flat"] = "统一标准",
        ["StandardKind.per-tier"] = "按缴费档次",
        ["StandardKind.per-age-band"] = "按年龄段",
        ["StandardKind.per-contribution-years"] = "按缴费年限",
        ["StandardKind.combined"] = "组合标准",
        ["DonorKind.organisation"] = "其他经济组织",
        ["DonorKind.charity"] = "公益慈善组织",
        ["DonorKind.individual"] = "个人",
        ["Reading.findings"] = "存证日志的发现",
        ["Reading.unsealed"] = "未进存证的事件",
        ["Reading.checkpoint"] = "距上次签发（秒）",
        ["Reading.audit-trail"] = "审计轨迹落后（事件）",
        ["Reading.work-queue"] = "工作队列落后（事件）",
        ["Reading.dead-letters"] = "失败的消息",
        ["DeadlineKind.review"] = "审核期限",
        ["DeadlineKind.payment"] = "付款期限",
        ["DeadlineKind.credit"] = "入账期限",
        ["DeadlineKind.hold-decision"] = "叫停处理期限",
        ["DeadlineKind.objection-answer"] = "异议答复期限",
        ["DeadlineKind.complaint-answer"] = "投诉答复期限",
        ["ComplaintStatus.raised"] = "待乡镇（街道）答复",
        ["ComplaintStatus.answered"] = "乡镇（街道）已答复",
        ["ComplaintStatus.escalated"] = "待县级答复",
        ["ComplaintStatus.closed"] = "县级已答复",
        ["ComplaintRemedy.refund"] = "由经办机构退回",
        ["ComplaintRemedy.reversal"] = "由村冲正",
        ["ComplaintRemedy.new-application"] = "由村另行申请",
        ["PilotStatus.applied"] = "已申请",
        ["PilotStatus.approved"] = "已批准",
        ["PilotStatus.declined"] = "未批准",
        ["PilotStatus.ended"] = "已结束",
        ["EntryKind.allocated"] = "划入",
        ["EntryKind.released"] = "释放回到可用",
        ["EntryKind.refunded"] = "退回",
        ["EntryKind.carried"] = "结转",
        ["EntryKind.freed"] = "解除指定用途",
        ["EntryKind.received"] = "合并转入",
        ["EntryKind.reserved"] = "审批占用",
        ["EntryKind.returned"] = "退回来源",
        ["EntryKind.transferred"] = "转出",
    };

    /// <summary>What the streams of an aggregate are about.</summary>
    private static readonly Dictionary<string, string> Subjects = new()
    {
        ["Application"] = "申请",
        ["Fund"] = "资金",
        ["Plan"] = "方案",
        ["MemberYear"] = "缴费和补助",
        ["Member"] = "成员",
        ["Collective"] = "集体",
        ["PolicyYear"] = "政策年度",
        ["Pilot"] = "试点",
        ["Donor"] = "捐赠人",
        ["Account"] = "账户",
        ["AgencyProfile"] = "接口格式",
        ["Sample"] = "审计抽样",
        ["ScreeningFinding"] = "年度筛查",
        ["Subscription"] = "订阅",
        ["LogContinuation"] = "存证",
        ["AnsweredFinding"] = "存证",
    };

    /// <summary>The aggregate of each type of event, by the type's stored name.</summary>
    private static readonly Dictionary<string, string> Streams = (
        from type in typeof(IEventOf<>).Assembly.GetTypes()
        from of in type.GetInterfaces()
        where of.IsGenericType && of.GetGenericTypeDefinition() == typeof(IEventOf<>)
        select (Name: Between().Replace(type.Name, "_").ToLowerInvariant(), Of: of.GetGenericArguments()[0].Name)
    )
        .DistinctBy(t => t.Name)
        .ToDictionary(t => t.Name, t => t.Of);

    [GeneratedRegex("(?<=[a-z0-9])(?=[A-Z])")]
    private static partial Regex Between();

    private static readonly Dictionary<string, string> Events = new()
    {
        ["fund_opened"] = "设立资金",
        ["fund_renamed"] = "资金更名",
        ["funds_allocated"] = "划入资金",
        ["bank_fee_charged"] = "银行扣手续费",
        ["bank_fee_reimbursed"] = "补足手续费",
        ["funds_reserved"] = "审批占用",
        ["reservation_released"] = "占用退还",
        ["funds_paid"] = "付款至经办机构",
        ["funds_returned"] = "银行退回",
        ["funds_credited"] = "记入个人账户",
        ["funds_refunded"] = "经办机构退回",
        ["reversal_requested"] = "申请冲正",
        ["allocation_reversed"] = "冲正划入",
        ["earmark_lift_requested"] = "申请解除指定用途",
        ["surplus_return_requested"] = "申请余款退回来源",
        ["earmark_lifted"] = "解除指定用途",
        ["surplus_returned"] = "余款退回来源",
        ["funds_transferred"] = "转出至继承集体",
        ["transfer_received"] = "由原集体转入",
        ["year_closed"] = "年度结账",
        ["fund_closed"] = "关闭资金",
        ["plan_drafted"] = "起草方案",
        ["resolution_recorded"] = "记录决议",
        ["plan_countersigned"] = "乡镇会签",
        ["plan_signed"] = "村监委会签方案",
        ["plan_adopted"] = "通过方案",
        ["plan_amended"] = "修订方案",
        ["application_filed"] = "提交申请",
        ["lines_listed"] = "名单",
        ["application_reviewed"] = "复核",
        ["application_returned"] = "退回补正",
        ["application_resubmitted"] = "重新提交",
        ["application_approved"] = "审批",
        ["application_rejected"] = "驳回",
        ["notice_published"] = "公示",
        ["objection_raised"] = "提出异议",
        ["objection_resolved"] = "答复异议",
        ["complaint_raised"] = "提出投诉",
        ["complaint_answered"] = "答复投诉",
        ["complaint_escalated"] = "投诉转县级",
        ["payment_sent"] = "付款",
        ["payment_signed"] = "村监委会签付款",
        ["payment_held"] = "叫停付款",
        ["payment_hold_lifted"] = "解除叫停",
        ["payment_list_disclosed"] = "下载付款清单",
        ["lines_withdrawn"] = "撤回人员",
        ["lines_left_out"] = "不再符合条件，退出名单",
        ["application_withdrawn"] = "撤回申请",
        ["payment_returned"] = "银行退回付款",
        ["line_refunded"] = "退回一人补助",
        ["receipt_confirmed"] = "入账回执",
        ["application_settled"] = "办结",
        ["deadline_missed"] = "逾期督办",
        ["contribution_recorded"] = "缴费记录",
        ["contribution_reversal_requested"] = "申请更正缴费",
        ["contribution_reversed"] = "更正缴费",
        ["contribution_adjusted"] = "缴费调整",
        ["contribution_refunded"] = "缴费退费",
        ["subsidy_approved"] = "补助审批",
        ["subsidy_released"] = "补助释放",
        ["subsidy_paid"] = "补助付款",
        ["subsidy_credited"] = "补助入账",
        ["subsidy_returned"] = "补助被银行退回",
        ["subsidy_refunded"] = "补助退回",
        ["subsidy_cleared"] = "清退给本人",
        ["sponsorship_recorded"] = "直接资助",
        ["sponsorship_reversed"] = "冲回资助",
        ["member_registered"] = "登记成员",
        ["membership_ended"] = "退出集体",
        ["membership_moved"] = "成员转入",
        ["membership_requested"] = "申请重复登记",
        ["membership_declined"] = "不确认重复登记",
        ["record_joined"] = "并入原有登记",
        ["record_declined"] = "登记被退回",
        ["death_reported"] = "报告死亡",
        ["death_report_dismissed"] = "撤销死亡报告",
        ["death_recorded"] = "登记死亡",
        ["death_revoked"] = "撤销死亡登记",
        ["member_corrected"] = "更正登记信息",
        ["member_change_requested"] = "申请更正姓名或撤销误登",
        ["member_change_declined"] = "退回更正或撤销申请",
        ["departure_revoked"] = "撤销退出集体",
        ["insurance_checked"] = "参保核查",
        ["personal_data_disclosed"] = "查看未脱敏信息",
        ["personal_data_erased"] = "删除个人信息",
        ["collective_registered"] = "登记集体",
        ["collective_surveyed"] = "摸底调查",
        ["member_list_disclosed"] = "取走预填名单",
        ["collective_renamed"] = "集体更名",
        ["collective_merged"] = "集体合并",
        ["predecessor_absorbed"] = "并入前身",
        ["members_separated"] = "成员分出",
        ["collective_dissolved"] = "集体解散",
        ["creditors_notified"] = "通知债权人",
        ["policy_year_published"] = "发布政策年度",
        ["policy_year_amended"] = "修订政策年度",
        ["policy_year_change_proposed"] = "提出政策年度修订",
        ["policy_year_change_declined"] = "不同意政策年度修订",
        ["pilot_applied"] = "申请试点",
        ["pilot_approved"] = "批准试点",
        ["pilot_declined"] = "不批准试点",
        ["pilot_ended"] = "结束试点",
        ["agency_profile_recorded"] = "编写接口格式",
        ["regions_named"] = "登记区划名称",
        ["donor_registered"] = "登记捐赠人",
        ["donor_data_erased"] = "删除捐赠人信息",
        ["account_opened"] = "开立账户",
        ["account_change_requested"] = "申请变更账户",
        ["account_change_declined"] = "驳回账户变更",
        ["account_holder_named"] = "写明账户本人",
        ["account_contact_recorded"] = "登记单位和电话",
        ["account_changed"] = "变更账户",
        ["account_closed"] = "停用账户",
        ["credentials_issued"] = "发放密码",
        ["credentials_changed"] = "密码或验证器变更",
        ["delegation_granted"] = "委托",
        ["delegation_ended"] = "终止委托",
        ["command_refused"] = "被拒绝的操作",
        ["plan_step_recorded"] = "会前步骤",
        ["resolution_published"] = "公布决议",
        ["notice_proof_recorded"] = "公示照片",
        ["sample_announced"] = "抽样已公告",
        ["sample_drawn"] = "样本已抽取",
        ["sample_paper_recorded"] = "底稿已记录",
        ["sample_concluded"] = "底稿已签署",
        ["subscription_opened"] = "申请订阅",
        ["subscription_changed"] = "改变订阅",
        ["subscription_confirmed"] = "确认订阅",
        ["subscription_paused"] = "暂停订阅",
        ["subscription_resumed"] = "恢复订阅",
        ["subscription_secret_renewed"] = "更换订阅密钥",
        ["subscription_ended"] = "停止订阅",
        ["screening_finding_answered"] = "核查疑点",
        ["screening_finding_explained"] = "说明疑点",
        ["screening_finding_closed"] = "办结疑点",
        ["screening_finding_reopened"] = "重新打开疑点",
        ["log_continued"] = "存证日志续接",
        ["log_finding_answered"] = "核查存证发现",
        ["log_finding_closed"] = "办结存证发现",
        ["log_finding_reopened"] = "重新打开存证发现",
    };

    /// <summary>Event types as the audit trail names them, with their words.</summary>
    public static IReadOnlyDictionary<string, string> EventTypes => Events;

    /// <summary>What an event is about, by its type: the aggregate on whose stream it stands.</summary>
    public static IReadOnlyDictionary<string, string> EventGroups { get; } =
        Events.Keys.ToDictionary(
            type => type,
            type => Subjects.GetValueOrDefault(Streams.GetValueOrDefault(type, ""), "其他")
        );

    public static IReadOnlyDictionary<string, string> AllRoles => RoleWords;

    /// <summary>What the filters of lists ask for, by the field's name in the address.</summary>
    private static readonly Dictionary<string, string> AskedWords = new()
    {
        ["region"] = "村名或区划",
        ["year"] = "年度",
        ["against"] = "对比年度",
        ["from"] = "从哪天",
        ["to"] = "到哪天",
        ["since"] = "从哪天",
        ["until"] = "到哪天",
        ["at"] = "日期",
        ["minAmount"] = "金额从",
        ["maxAmount"] = "金额到",
        ["actor"] = "人员",
        ["id"] = "编号",
    };

    /// <summary>The word beside a field of a filter; null: it is none that somebody types.</summary>
    public static string? Asked(string field) => AskedWords.GetValueOrDefault(field);

    /// <summary>Every word that a page may have to say in another language.</summary>
    public static IEnumerable<string> All =>
        [
            .. AskedWords.Values,
            .. TaskRules.All.Select(r => r.What),
            .. EventGroups.Values,
            .. RoleWords.Values,
            .. Words.Values,
            .. Events.Values,
            .. Menus.Values.SelectMany(m => m).Select(m => m.Text),
            .. Enum.GetValues<ApplicationStatus>().Select(Application.StatusName),
            .. Device.Words,
            .. Bodies,
            .. EventFields.Words.Values,
            .. TrailThing.Words,
            .. Enum.GetValues<PlanStep>().Select(PlanDecider.StepName),
        ];

    /// <summary>Every body that the law knows, in a village, a community and where both are meant.</summary>
    private static IEnumerable<string> Bodies =>
        from rule in QuorumRule.Law
        from region in (string[])["", "370811102201", "370811102001"]
        select QuorumRule.Name(rule.Form, region);

    public static string Role(string role) => RoleWords.GetValueOrDefault(role, role);

    /// <summary>What a code's word is called, whatever list it is of; an unknown word stands as it is.</summary>
    public static string Known(string word) =>
        Words.FirstOrDefault(w => w.Key.EndsWith($".{word}", StringComparison.Ordinal)).Value ?? word;

    public static string Event(string type) => Events.GetValueOrDefault(type, type);

    /// <summary>What somebody was told of: a kind of task, or the day's digest.</summary>
    public static string Told(string what) =>
        Enum.TryParse<TaskKind>(what, out var kind) ? Of(kind) : Words["Told.digest"];

    public static string Channel(string channel) => Words[$"Channel.{channel}"];

    /// <summary>Why a delivery failed.</summary>
    public static string Delivery(string failure) => Words.GetValueOrDefault($"Delivery.{failure}", failure);

    /// <summary>One of the tiles of the operation page.</summary>
    public static string Reading(string name) => Words[$"Reading.{name}"];

    public static string Of(Enum value) =>
        value is ApplicationStatus status
            ? Application.StatusName(status)
            : Words.GetValueOrDefault($"{value.GetType().Name}.{value.Word()}", value.Word());

    public static string Finding(string kind) => Words.GetValueOrDefault($"Finding.{kind}", kind);

    /// <summary>A finding says it in Chinese and then in English: a Chinese page shows the Chinese.</summary>
    public static string Detail(string detail, string language) =>
        language == "zh-CN" ? InEnglish().Replace(detail, "") : English.Of(detail);

    [GeneratedRegex(@"\s[a-z]+(?:[ ,:']+[a-zA-Z']+)+(?=（|$)")]
    private static partial Regex InEnglish();

    /// <summary>A refusal by its title.</summary>
    public static string Refusal(string code) => Rejections.All.TryGetValue(code, out var known) ? known.Title : code;

    public static string SubAccount(string name) =>
        name switch
        {
            Domain.Funds.SubAccount.General => Words["SubAccount.general"],
            Domain.Funds.SubAccount.Incentive => "县级奖补",
            _ when name.StartsWith("year-", StringComparison.Ordinal) => $"限{name[5..]}年度",
            _ => name,
        };

    /// <summary>An account of the double entry (Postings).</summary>
    public static string Account(string account) =>
        account.Split(':', 2) switch
        {
            ["source", var kind] => $"来源·{Words.GetValueOrDefault($"SourceKind.{kind}", kind)}",
            ["available", var name] => $"可用·{SubAccount(name)}",
            ["reserved"] => "已占用",
            ["in-transit"] => "在途",
            ["credited"] => "已入账",
            ["returned"] => "已退回来源",
            ["bank-fees"] => "银行已扣手续费",
            ["owed"] => "村级应补手续费",
            ["transfer", var fund] => $"与 {fund} 往来",
            _ => account,
        };

    /// <summary>Why what lies in the ring-fence changed (ChangeOfKind).</summary>
    public static string Change(string kind) => Words.GetValueOrDefault($"Change.{kind}") ?? Account(kind);

    private static readonly (string Href, string Text) Home = ("/", "首页"),
        Funds = ("/funds", "资金"),
        Applications = ("/applications", "申请"),
        Plans = ("/plans", "方案"),
        Members = ("/members", "成员"),
        Donors = ("/donors", "捐赠"),
        Supervision = ("/supervision", "督办"),
        Ranking = ("/ranking", "激励排名"),
        Audit = ("/audit", "审计轨迹"),
        Samples = ("/samples", "审计抽样"),
        Screening = ("/screening", "年度筛查"),
        Log = ("/proof", "存证"),
        Exports = ("/exports", "导出"),
        Policy = ("/policy-years", "政策年度"),
        Pilots = ("/pilots", "试点"),
        Profiles = ("/agency-profiles", "接口格式"),
        Accounts = ("/accounts", "账户"),
        Contributions = ("/contributions", "缴费记录"),
        Operation = ("/operation", "运行状况"),
        Collectives = ("/collectives", "集体"),
        Subscriptions = ("/subscriptions", "订阅"),
        Setup = ("/setup", "从零开始"),
        Jobs = ("/jobs", "后台任务");

    private static readonly Dictionary<string, (string Href, string Text)[]> Menus = new()
    {
        [Roles.VillageFinance] = [Home, Plans, Applications, Members, Donors, Audit, Jobs],
        [Roles.SupervisionCommittee] = [Home, Funds, Plans, Applications, Members, Donors, Audit, Jobs],
        [Roles.Agency] =
        [
            Home,
            Applications,
            Funds,
            Collectives,
            Members,
            Contributions,
            Supervision,
            Ranking,
            Audit,
            Jobs,
        ],
        [Roles.Township] = [Home, Funds, Collectives, Plans, Applications, Supervision, Ranking],
        [Roles.Auditor] =
        [
            Home,
            Audit,
            Screening,
            Samples,
            Funds,
            Applications,
            Log,
            Exports,
            Donors,
            Supervision,
            Ranking,
            Jobs,
        ],
        [Roles.CityHrss] =
        [
            Home,
            Setup,
            Funds,
            Collectives,
            Applications,
            Supervision,
            Ranking,
            Pilots,
            Policy,
            Donors,
            Audit,
            Log,
            Exports,
            Subscriptions,
            Jobs,
        ],
        [Roles.CountyHrss] =
        [
            Home,
            Setup,
            Funds,
            Collectives,
            Applications,
            Supervision,
            Ranking,
            Pilots,
            Policy,
            Donors,
            Audit,
            Subscriptions,
        ],
        [Roles.CountyFinance] = [Home, Funds, Applications, Supervision, Ranking, Pilots, Audit, Exports, Jobs],
        [Roles.CountyAgriculture] =
        [
            Home,
            Setup,
            Funds,
            Collectives,
            Applications,
            Supervision,
            Ranking,
            Pilots,
            Donors,
            Audit,
            Exports,
            Jobs,
        ],
        [Roles.CountyTax] = [Home, Contributions, Applications, Supervision, Ranking, Jobs],
        [Roles.Administrator] = [Home, Setup, Accounts, Profiles, Subscriptions, Operation],
    };

    public static IReadOnlyList<(string Href, string Text)> Menu(string role) => Menus.GetValueOrDefault(role, []);
}

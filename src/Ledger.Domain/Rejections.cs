using System.Reflection;

namespace Ledger.Domain;

/// <summary>
/// One stable problem code: HTTP status, Chinese title, the clause it serves (docs/domain.md) and how to mend it.
/// </summary>
public sealed record RejectionCode(string Code, int Status, string Title, string Clause, string Mend)
{
    /// <summary>
    /// How to mend it for somebody who has no account: nothing of ids, regions and fields; null: in the same words.
    /// </summary>
    public string? VillagerMend { get; init; }
}

/// <summary>
/// One fault of a request: the field, or the row (1 is the heading) and column of an uploaded table.
/// <paramref name="FiledAmount"/> and
/// <paramref name="PresentAmount"/>: what a line was filed with, and what the standard gives now (absent: nothing).
/// </summary>
public sealed record Fault(
    string Code,
    [property: Said] string Message,
    string? Field = null,
    int? Row = null,
    string? Column = null,
    string? MemberId = null,
    Money? LeftAmount = null,
    Money? FiledAmount = null,
    Money? PresentAmount = null
);

/// <summary>
/// What a table that was read did not tell by itself: a row or column that was left out and why, a cell that was
/// mended, two rows that may be one person. Nothing to correct, something to know.
/// </summary>
public sealed record Note([property: Said] string Message, int? Row = null, string? Column = null);

/// <summary>A refused command. <see cref="LeftAmount"/> is what would still have been possible (fund or cap).</summary>
public sealed record Rejection(RejectionCode Code, string Detail)
{
    /// <summary>How to mend it, where the code's own words do not fit.</summary>
    public string Mend { get; init; } = Code.Mend;

    /// <summary>As somebody without an account is told it.</summary>
    public Rejection ForVillagers() => Mend == Code.Mend ? this with { Mend = Code.VillagerMend ?? Mend } : this;

    public string? Field { get; init; }
    public Money? LeftAmount { get; init; }

    /// <summary>The earliest business date that would do.</summary>
    public DateOnly? NotBefore { get; init; }

    /// <summary>The entry that is there already and may be the same money.</summary>
    public Funds.EarlierEntry? Earlier { get; init; }

    /// <summary>After how many seconds it is worth asking again.</summary>
    public int? RetryAfterSeconds { get; init; }
    public IReadOnlyList<Fault> Faults { get; init; } = [];

    /// <summary>Of an upload: what was not read, and what was mended.</summary>
    public IReadOnlyList<Note> Notes { get; init; } = [];
}

/// <summary>Every code the product answers with, in one place. Codes are a contract: add, never rename.</summary>
public static class Rejections
{
    // The policy's clauses.
    public static readonly RejectionCode PilotAlreadyOpen = new(
        "pilot-already-open",
        409,
        "该县已有试点申请或已获批",
        "C1",
        "查看现有申请的处理结果，不必重复申请"
    );
    public static readonly RejectionCode CountyNotInPilot = new(
        "county-not-in-pilot",
        409,
        "所在县未获批试点",
        "C2",
        "请县级先申请试点并由市人社批准"
    );
    public static readonly RejectionCode SurveyMissing = new(
        "survey-missing",
        422,
        "缺少本年度摸底调查",
        "C3",
        "先登记该集体本年度收入、成员和参保缴费底数"
    );
    public static readonly RejectionCode NotAMember = new(
        "not-a-member",
        422,
        "不是本集体成员",
        "C4",
        "核对身份证号，或先导入成员名册"
    );
    public static readonly RejectionCode MemberDeceased = new(
        "member-deceased",
        422,
        "该成员已登记死亡",
        "C4",
        "从名单中去掉该人员；已付的由经办机构退回"
    );
    public static readonly RejectionCode CreditedIsFinal = new(
        "credited-is-final",
        422,
        "已记入个人账户的补助归本人，集体不能收回",
        "L1 L2",
        "人员死亡的，账户余额由继承人依法继承，不必退回；登记有误的，先撤销死亡登记"
    );
    public static readonly RejectionCode NotContributed = new(
        "not-contributed",
        422,
        "本年度个人未缴费",
        "C4 C6",
        "补助不能代替个人缴费；待个人缴费记录导入后再申请"
    );
    public static readonly RejectionCode GovernmentPaidOnly = new(
        "government-paid-only",
        422,
        "只有政府代缴，本年度政策未开放补助",
        "C6 L14",
        "由政策年度的开关“政府代缴可享受补助”（†）决定：县级确认可以补助的，由发布政策参数的部门打开后再办；本人另有缴费的，待其记录导入后再申请"
    );
    public static readonly RejectionCode ContributionUnknown = new(
        "contribution-unknown",
        422,
        "没有可以调整、退费的缴费记录",
        "L15",
        "先导入原缴费记录；有几笔的填写原凭证号；已全部退费后又缴的，按“缴费”导入"
    );
    public static readonly RejectionCode CatchUpContribution = new(
        "catch-up-contribution",
        422,
        "一次性补缴人员不享受补助",
        "C5",
        "从名单中去掉该人员"
    );
    public static readonly RejectionCode AgeIneligible = new(
        "age-ineligible",
        422,
        "年龄不符合参保条件",
        "C4",
        "核对身份证号；未满规定年龄的从名单中去掉"
    );
    public static readonly RejectionCode FindingOpen = new(
        "finding-open",
        422,
        "核对发现未说明依据",
        "C4 C15",
        "对所列人员逐人写明依据后同意，或不予同意"
    );
    public static readonly RejectionCode EvidenceMissing = new(
        "evidence-missing",
        422,
        "缺少凭证",
        "C7",
        "请附上凭证（扫描件或照片）后再提交；用程序调用的，先上传凭证再填其摘要"
    );
    public static readonly RejectionCode EarmarkMismatch = new(
        "earmark-mismatch",
        422,
        "指定用途的资金不能用于此处",
        "C8",
        "改用符合指定用途的资金，或通用资金"
    );
    public static readonly RejectionCode DonorMissing = new(
        "donor-missing",
        422,
        "缺少捐赠人",
        "C8",
        "先登记捐赠人，再在划入时选择"
    );
    public static readonly RejectionCode FundOverdrawn = new(
        "fund-overdrawn",
        409,
        "资金余额不足",
        "C9",
        "先划入资金，或减少补助名单"
    );
    public static readonly RejectionCode SplitShareExceeded = new(
        "split-share-exceeded",
        409,
        "转出的资金超过转出成员的份额",
        "C9 C24",
        "按转出人数占成员总数的份额减少金额"
    );
    public static readonly RejectionCode BankFeeExceeded = new(
        "bank-fee-exceeded",
        409,
        "银行手续费超过上限",
        "C9",
        "核对银行回单；先由村级基本户补足以前的手续费；银行确有更高收费的，请县里调高系统设置的上限"
    );
    public static readonly RejectionCode SplitImplausible = new(
        "split-implausible",
        409,
        "分立的人数或金额与成员不符",
        "C9 C24",
        "核对名册和摸底人数；全部成员转出的办理合并；转出资金不少于转出成员份额的一半"
    );
    public static readonly RejectionCode UseOutsideRingFence = new(
        "use-outside-ring-fence",
        422,
        "超出专款专用范围",
        "C9",
        "资金只能支付已批准的成员补助"
    );
    public static readonly RejectionCode FundClosed = new(
        "fund-closed",
        409,
        "补助资金已关闭",
        "C9",
        "查看资金的关闭决议；合并后的业务在继承集体办理"
    );
    public static readonly RejectionCode StandardInvalid = new(
        "standard-invalid",
        422,
        "补助标准无效",
        "C10",
        "按提示改正补助标准"
    );
    public static readonly RejectionCode AmountChanged = new(
        "amount-changed",
        409,
        "应得金额与申请时不同",
        "C10",
        "退回补正，由村按现行标准和缴费档次重新提交"
    );
    public static readonly RejectionCode CapExceeded = new(
        "cap-exceeded",
        409,
        "超过当年最高缴费档次",
        "C11",
        "按剩余额度降低补助，或从名单中去掉该人员"
    );
    public static readonly RejectionCode PlanNotAdopted = new(
        "plan-not-adopted",
        409,
        "方案尚未通过",
        "C12",
        "先记录会议决议并通过方案"
    );
    public static readonly RejectionCode ResolutionMissing = new(
        "resolution-missing",
        422,
        "缺少会议决议",
        "C13",
        "先记录本版方案的会议决议"
    );
    public static readonly RejectionCode QuorumNotMet = new(
        "quorum-not-met",
        422,
        "到会人数不足",
        "C13",
        "重新召开会议，到会人数达到规定后再记录决议"
    );
    public static readonly RejectionCode ResolutionImplausible = new(
        "resolution-implausible",
        422,
        "决议与摸底或年度不符",
        "C13",
        "核对应到人数、会议日期；底数有变先更正摸底调查"
    );
    public static readonly RejectionCode VoteNotCarried = new(
        "vote-not-carried",
        422,
        "赞成票数不足",
        "C13",
        "修改方案后重新表决，赞成票数达到规定后再记录决议"
    );
    public static readonly RejectionCode ResolutionIrregular = new(
        "resolution-irregular",
        422,
        "会议召集不合规定，决定无效",
        "L5",
        "补上所缺的公告日期、授权文件或妇女代表人数；当时没有做到的，按规定重新召开会议"
    );
    public static readonly RejectionCode ResolutionUnpublished = new(
        "resolution-unpublished",
        409,
        "决议公布未满规定天数",
        "L6",
        "在方案页登记决议的公布日期和张贴照片，公布期满后再申请"
    );
    public static readonly RejectionCode BodyNotAllowed = new(
        "body-not-allowed",
        422,
        "该会议形式不能作此决定",
        "L4",
        "由政策年度规定的会议表决；要增加会议形式，请市人社修订政策年度"
    );
    public static readonly RejectionCode CountersignatureMissing = new(
        "countersignature-missing",
        409,
        "缺少乡镇（街道）会签",
        "C21",
        "请乡镇（街道）会签本版方案后再通过"
    );
    public static readonly RejectionCode CommitteeSignatureMissing = new(
        "committee-signature-missing",
        409,
        "缺少村务监督委员会签字",
        "L7",
        "请村务监督委员会在方案页或申请页签字后再办；银行退回后再付的须另签"
    );
    public static readonly RejectionCode PaymentHeld = new(
        "payment-held",
        409,
        "村务监督委员会已叫停付款",
        "L7",
        "请乡镇（街道）查明后写明理由解除；查实有误的，可撤回所涉人员或申请"
    );
    public static readonly RejectionCode DutiesIncompatible = new(
        "duties-incompatible",
        409,
        "村务监督委员会成员与村级财务不得为同一人",
        "L7",
        "由另一人担任；不再任原职的，先停用或变更原来的账户"
    );
    public static readonly RejectionCode SealMissing = new(
        "seal-missing",
        422,
        "缺少村委会盖章的申请扫描件",
        "C14",
        "上传盖章的扫描件后再提交"
    );
    public static readonly RejectionCode RosterInvalid = new(
        "roster-invalid",
        422,
        "名单有误",
        "C14",
        "按所列行列逐项改正后重新上传"
    );
    public static readonly RejectionCode ProfileInvalid = new(
        "profile-invalid",
        422,
        "接口格式有误",
        "",
        "按所列各列逐项改正；每个字段一列，代码与本系统的词一一对应"
    );
    public static readonly RejectionCode SelfApproval = new(
        "self-approval",
        403,
        "经办、复核、审批须为不同人员",
        "C15",
        "请另一位工作人员办理"
    );
    public static readonly RejectionCode WrongState = new(
        "wrong-state",
        409,
        "当前状态不能办理此事项",
        "C15",
        "查看当前状态和可办事项"
    )
    {
        VillagerMend = "有疑问的，到村委会、乡镇（街道）或经办机构询问",
    };
    public static readonly RejectionCode ReviewIncomplete = new(
        "review-incomplete",
        409,
        "尚有未复核的人员",
        "C15",
        "逐行复核完毕后再审批"
    );
    public static readonly RejectionCode AlreadySubsidised = new(
        "already-subsidised",
        409,
        "该成员本年度已获本集体补助",
        "C4",
        "从名单中去掉该人员"
    );
    public static readonly RejectionCode NoticeOpen = new(
        "notice-open",
        409,
        "公示未结束",
        "C16",
        "公示期满且异议全部答复后再付款"
    );
    public static readonly RejectionCode ReceiptMismatch = new(
        "receipt-mismatch",
        422,
        "回执与付款名单不符",
        "C17",
        "核对所列行列；确认无误的部分可以先行入账"
    );
    public static readonly RejectionCode YearClosed = new(
        "year-closed",
        409,
        "年度已结账",
        "C24",
        "记入未结账的年度，并注明更正的是哪一年度"
    );
    public static readonly RejectionCode DateBeforeBasis = new(
        "date-before-basis",
        422,
        "日期早于所依据的事项",
        "C9 C17",
        "核对日期：钱到了才能占用，批准、公示期满才能付款，付款后才能入账、退回；不要早于所示的日期"
    );
    public static readonly RejectionCode PossibleDuplicate = new(
        "possible-duplicate",
        409,
        "可能重复",
        "C4 C7 C9 C14 C17",
        "核对所列的已有记录，是同一笔、同一人的不要再记；确实不是或确实要记的，写明理由后再提交，理由随事件留存"
    );
    public static readonly RejectionCode BalanceNegative = new(
        "balance-negative",
        409,
        "某日账户余额为负",
        "C9 C24",
        "查明当日误记日期的业务；写明原因，附乡镇（街道）盖章的说明后再结账，说明随结账封存"
    );
    public static readonly RejectionCode PolicyYearMissing = new(
        "policy-year-missing",
        409,
        "缺少本年度政策参数",
        "C11 C22",
        "请市人社先发布该年度的缴费档次等参数"
    )
    {
        VillagerMend = "到乡镇（街道）或经办机构，请他们代为办理",
    };

    // Requests in general.
    public static readonly RejectionCode AmountInvalid = new(
        "amount-invalid",
        422,
        "金额无效",
        "",
        "金额以元为单位，大于零，最多两位小数"
    );
    public static readonly RejectionCode FieldInvalid = new("field-invalid", 422, "内容无效", "", "按提示改正所列字段")
    {
        VillagerMend = "按提示改正后再提交",
    };
    public static readonly RejectionCode PersonalDataInText = new(
        "personal-data-in-text",
        422,
        "文字中有个人信息",
        "",
        "去掉身份证号、手机号、银行卡号；指明某人请用成员编号"
    )
    {
        VillagerMend = "去掉身份证号、手机号、银行卡号；要说明是哪一位，请填公示名单上的序号",
    };
    public static readonly RejectionCode AgencyNeeded = new(
        "agency-needed",
        409,
        "须由经办机构办理",
        "C4 C20",
        "请经办机构核对凭证后确认"
    );
    public static readonly RejectionCode ReferenceIsPersonal = new(
        "reference-is-personal",
        422,
        "凭证号、编号里有身份证号或手机号",
        "",
        "填银行流水号、税票号、回执号等单据自己的编号；没有的，另编一个流水号"
    );
    public static readonly RejectionCode RetentionNotOver = new(
        "retention-not-over",
        409,
        "保管期限未满",
        "",
        "期满后再删除；保管年限由系统设置，可问管理员"
    );
    public static readonly RejectionCode BodyInvalid = new(
        "body-invalid",
        400,
        "请求内容无法读取",
        "",
        "请核对所填的内容，或刷新页面后再试；用程序调用的，按接口文档改正请求的格式"
    )
    {
        VillagerMend = "请核对所填的内容，或刷新页面后再试",
    };
    public static readonly RejectionCode FileInvalid = new(
        "file-invalid",
        422,
        "文件无法读取",
        "",
        "使用下载的模板，保存为 .xlsx 或 .csv 后重新上传"
    );
    public static readonly RejectionCode LimitExceeded = new(
        "limit-exceeded",
        413,
        "超过数量或大小上限",
        "",
        "分批办理"
    )
    {
        VillagerMend = "等已经提出的有了答复再提，或到村委会、乡镇（街道）、经办机构提出",
    };
    public static readonly RejectionCode PersonDamaged = new(
        "person-damaged",
        409,
        "个人信息记录损坏",
        "",
        "数据库中的个人信息被人改动过，已记入存证发现；请管理员从备份恢复该记录"
    );
    public static readonly RejectionCode FundDamaged = new(
        "fund-damaged",
        409,
        "资金的事件记录损坏",
        "",
        "数据库中有绕过产品写入的事件，已记入存证发现并写明是哪一个；请管理员从备份恢复，恢复前这笔资金不能办理"
    );
    public static readonly RejectionCode RecordDamaged = new(
        "record-damaged",
        409,
        "事件记录损坏",
        "",
        "数据库中有绕过产品写入的事件，已记入存证发现并写明是哪一个；请管理员从备份恢复，恢复前此事项不能办理"
    );
    public static readonly RejectionCode EvidenceDamaged = new(
        "evidence-damaged",
        409,
        "凭证内容与摘要不符",
        "",
        "数据库中的内容被人改动过，已记入存证发现；请管理员从备份恢复，或向上传人核对原件"
    );
    public static readonly RejectionCode FieldTwice = new(
        "field-twice",
        400,
        "同一字段出现两次",
        "",
        "每个字段只写一次；两个值不同时，无从得知以哪个为准"
    );
    public static readonly RejectionCode PathTooLong = new(
        "path-too-long",
        414,
        "网址过长",
        "",
        "核对网址；编号不会这样长"
    );
    public static readonly RejectionCode NotFound = new(
        "not-found",
        404,
        "未找到",
        "",
        "核对编号；不在本人管辖范围内的也查不到"
    )
    {
        VillagerMend = "核对所填的内容或网址；仍查不到的，到村委会、乡镇（街道）或经办机构询问",
    };
    public static readonly RejectionCode AlreadyExists = new("already-exists", 409, "已经存在", "", "查看已有的记录");
    public static readonly RejectionCode Unauthenticated = new(
        "unauthenticated",
        401,
        "未登录或登录已失效",
        "",
        "请重新登录；用程序调用的，带上有效的访问令牌"
    );
    public static readonly RejectionCode SignInFailed = new(
        "sign-in-failed",
        401,
        "登录失败",
        "",
        "核对账户和密码；忘记时请管理员重新发放"
    );
    public static readonly RejectionCode SecondFactorNeeded = new(
        "second-factor-needed",
        401,
        "需要验证码",
        "",
        "填验证器上的六位验证码；尚未绑定时先绑定"
    );
    public static readonly RejectionCode PasswordChangeNeeded = new(
        "password-change-needed",
        403,
        "须先修改密码",
        "",
        "在登录页“首次登录”处改为自己的密码"
    );
    public static readonly RejectionCode LockedOut = new(
        "locked-out",
        403,
        "账户暂时锁定",
        "",
        "按所示的时间等待后再试；忘记密码的，请管理员重新发放"
    );
    public static readonly RejectionCode PersonNotProved = new(
        "person-not-proved",
        403,
        "没有证明是本人",
        "C20",
        "请本人输入现在的密码或验证器上的验证码；都没有时由另一位管理员确认"
    );
    public static readonly RejectionCode Forbidden = new(
        "forbidden",
        403,
        "本角色不能办理此事项",
        "C20",
        "请有相应职责的人员办理"
    );
    public static readonly RejectionCode IdempotencyKeyMissing = new(
        "idempotency-key-missing",
        400,
        "缺少 Idempotency-Key",
        "",
        "每个新请求带一个新的唯一值；重试时用原值"
    );
    public static readonly RejectionCode IdempotencyMismatch = new(
        "idempotency-mismatch",
        409,
        "同一 Idempotency-Key 用于不同请求",
        "",
        "新的请求使用新的值"
    );
    public static readonly RejectionCode VersionMismatch = new(
        "version-mismatch",
        412,
        "内容已被他人更新",
        "",
        "重新读取后再提交"
    )
    {
        VillagerMend = "刷新本页后再提交",
    };
    public static readonly RejectionCode CollectiveDissolved = new(
        "collective-dissolved",
        409,
        "该集体已解散",
        "L16",
        "已解散的集体不再办理业务；个人账户仍归本人，向经办机构查询"
    );
    public static readonly RejectionCode SuccessionPaperMissing = new(
        "succession-paper-missing",
        422,
        "缺少合并、分立、解散或更名的材料",
        "L16",
        "补上所缺的一项：各集体成员大会的决定、乡镇（街道）审核、县级批准，各附文件和日期"
    );
    public static readonly RejectionCode SuccessionPapersIrregular = new(
        "succession-papers-irregular",
        422,
        "合并、分立、解散或更名的材料相互不符",
        "L16",
        "按文件核对所指一项：先由成员大会决定，再由乡镇审核，再由县级批准，然后通知债权人；每项各有一份文件"
    );
    public static readonly RejectionCode CollectiveMerged = new(
        "collective-merged",
        409,
        "该集体已合并",
        "",
        "在继承集体办理"
    );
    public static readonly RejectionCode SampleEmpty = new(
        "sample-empty",
        422,
        "没有可抽样的支出",
        "",
        "核对年度、范围和支出种类；刚登记的支出几秒后进入存证日志，才可抽样"
    );
    public static readonly RejectionCode SampleNotSealed = new(
        "sample-not-sealed",
        409,
        "抽样公告尚未签名",
        "",
        "等公告进入下一个签名的检查点（通常几秒）再抽取"
    );
    public static readonly RejectionCode SampleWordsMismatch = new(
        "sample-words-mismatch",
        422,
        "不是公告时的审计用语",
        "",
        "一字不差地写出公告前定下的用语；记不起来的，重新公告一次"
    );
    public static readonly RejectionCode SamplePopulationChanged = new(
        "sample-population-changed",
        409,
        "抽样总体与公告时不同",
        "",
        "已存证的支出不会变：请管理员核对资金轴，更正后再抽取"
    );
    public static readonly RejectionCode SamplePapersMissing = new(
        "sample-papers-missing",
        409,
        "底稿没有填完",
        "",
        "在抽样页逐份填写底稿，没有差错的也要填"
    );
    public static readonly RejectionCode FindingNotConcerned = new(
        "finding-not-concerned",
        403,
        "只有经手人可以说明疑点",
        "",
        "由经手这件事的人用本人账户写说明；其他情况请告知审计"
    );
    public static readonly RejectionCode Busy = new(
        "busy",
        503,
        "系统繁忙",
        "",
        "请稍后再试，不会重复办理；用程序调用的，用同一 Idempotency-Key 重试"
    )
    {
        VillagerMend = "请稍后再试，不会重复办理",
    };
    public static readonly RejectionCode LogBehind = new(
        "log-behind",
        503,
        "应答的数据库不是最新的",
        "",
        "没有办理。请告知系统管理员；恢复后用同一 Idempotency-Key 重试，不会重复办理"
    )
    {
        VillagerMend = "没有办理，请过一会儿再试",
    };
    public static readonly RejectionCode TooManyRequests = new(
        "too-many-requests",
        429,
        "请求过于频繁",
        "",
        "按所示的时间等待后再试；批量数据请用导入"
    )
    {
        VillagerMend = "过几分钟再试，或到村委会、经办机构询问",
    };
    public static readonly RejectionCode Internal = new(
        "internal-error",
        500,
        "系统内部错误",
        "",
        "没有写入任何内容；请稍后再试，不会重复办理；仍不行的，把出错的时间告知管理员（用程序调用的，告知 traceId）"
    );

    public static readonly IReadOnlyDictionary<string, RejectionCode> All = typeof(Rejections)
        .GetFields(BindingFlags.Public | BindingFlags.Static)
        .Select(f => f.GetValue(null))
        .OfType<RejectionCode>()
        .ToDictionary(code => code.Code);
}

/// <summary>
/// A refused command of somebody known (who tried what, which code): kept in a stream of its own, because nothing else
/// was stored. Past so many in a minute the same person's are only counted, and those that are kept say so.
/// </summary>
/// <param name="TargetId">The id that the path named; null where there is none, or it is none of ours or looks like a
/// person's number.</param>
/// <param name="OnlyCountedUntil">What the same person was refused after this and before then is only counted; null:
/// nothing is.</param>
/// <param name="OnlyCounted">How many of the same person's were only counted since the last one that was kept; null:
/// none.</param>
public sealed record CommandRefused(
    string Command,
    string Code,
    string? TargetId,
    DateTimeOffset? OnlyCountedUntil = null,
    int? OnlyCounted = null
);

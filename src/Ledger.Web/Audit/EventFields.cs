using System.Text.Json;

namespace Ledger.Web.Audit;

/// <summary>What stands in an event, in the field's words: names of fields, money in yuan, yes and no.</summary>
public static class EventFields
{
    /// <summary>Of every field of every event, older versions included.</summary>
    public static readonly IReadOnlyDictionary<string, string> Words = new Dictionary<string, string>
    {
        ["account"] = "分账户",
        ["adjustedOn"] = "调整日期",
        ["allocationId"] = "划入编号",
        ["amountFen"] = "金额",
        ["announcedBy"] = "公告人",
        ["answer"] = "答复",
        ["answeredBy"] = "答复人",
        ["applicationId"] = "申请",
        ["appliedBy"] = "申报人",
        ["approval"] = "批文",
        ["approvalNumber"] = "批文号",
        ["approvedBy"] = "审批人",
        ["availableFen"] = "可用余额",
        ["bankReference"] = "银行流水号",
        ["basis"] = "依据",
        ["carriedFen"] = "接续的分段",
        ["carriedOrigin"] = "接续的来源段",
        ["change"] = "变更事项",
        ["changeId"] = "变更编号",
        ["changed"] = "改了什么",
        ["checkedBy"] = "核查人",
        ["clearedBy"] = "核定人",
        ["clearedOn"] = "核定日期",
        ["code"] = "代码",
        ["collectiveId"] = "集体",
        ["command"] = "操作",
        ["complaintId"] = "投诉编号",
        ["complete"] = "已全部复核",
        ["confirmBy"] = "指定的确认人",
        ["concludedBy"] = "签署人",
        ["conclusion"] = "审计结论",
        ["confidence"] = "置信度",
        ["confirmedBy"] = "确认人",
        ["confirmedNoKin"] = "已确认无亲属回避",
        ["content"] = "方案内容",
        ["contributionYears"] = "缴费年限",
        ["correctedBy"] = "更正人",
        ["correctedFen"] = "更正后的金额",
        ["correctsYear"] = "更正的年度",
        ["counted"] = "计入人数",
        ["countersignedBy"] = "签署人",
        ["county"] = "县区",
        ["creditCode"] = "统一社会信用代码",
        ["creditedOn"] = "入账日期",
        ["dataDigest"] = "个人资料摘要",
        ["declinedBy"] = "不同意人",
        ["digest"] = "摘要",
        ["disclosedTo"] = "取得清单的人",
        ["dismissedBy"] = "驳回人",
        ["donorId"] = "捐赠人",
        ["drawnBy"] = "抽取人",
        ["dueAt"] = "到期时间",
        ["earlier"] = "先前的记录",
        ["earmark"] = "指定用途",
        ["errorFen"] = "差错金额",
        ["evidence"] = "凭证",
        ["explanation"] = "说明",
        ["feeId"] = "手续费编号",
        ["fen"] = "分段",
        ["fileDigest"] = "文件摘要",
        ["filedBy"] = "提交人",
        ["finding"] = "核查结果",
        ["from"] = "起",
        ["fromCollectiveId"] = "转出集体",
        ["fromFundId"] = "转出资金",
        ["fundId"] = "资金",
        ["grounds"] = "理由",
        ["group"] = "村民小组",
        ["heldBy"] = "叫停人",
        ["intoCollectiveId"] = "并入的集体",
        ["isEmpty"] = "没有实质内容",
        ["kind"] = "种类",
        ["leftOutBy"] = "退出经办人",
        ["liftedBy"] = "解除人",
        ["likelyFen"] = "推断差错",
        ["line"] = "所在支出",
        ["lines"] = "人数",
        ["logSize"] = "日志条数",
        ["memberId"] = "成员",
        ["memberIds"] = "成员名单",
        ["memberYearId"] = "成员年度",
        ["members"] = "成员人数",
        ["name"] = "名称",
        ["number"] = "编号",
        ["objectionId"] = "异议编号",
        ["of"] = "退哪一笔",
        ["on"] = "日期",
        ["onBehalfOf"] = "代谁办理",
        ["onGovernmentPaid"] = "凭政府代缴开口",
        ["onlyCounted"] = "只计次数",
        ["onlyCountedUntil"] = "只计次数至",
        ["origin"] = "来源段",
        ["paidBy"] = "付款人",
        ["paidOn"] = "付款日期",
        ["papers"] = "文书",
        ["parameters"] = "政策参数",
        ["person"] = "人员",
        ["personDigest"] = "人员摘要",
        ["place"] = "地点",
        ["planId"] = "方案",
        ["planVersion"] = "方案版本",
        ["populationDigest"] = "总体摘要",
        ["populationFen"] = "总体金额",
        ["proposedBy"] = "提出人",
        ["reason"] = "原因",
        ["reasons"] = "原因",
        ["receiptDigest"] = "回执摘要",
        ["receiptNumber"] = "回执号",
        ["recordId"] = "记录编号",
        ["recordedBy"] = "登记人",
        ["records"] = "记录",
        ["reference"] = "编号",
        ["refundedBy"] = "退回经办人",
        ["refundedOn"] = "退回日期",
        ["region"] = "辖区",
        ["regions"] = "辖区名称",
        ["rejectedBy"] = "驳回人",
        ["remedy"] = "处理方式",
        ["reportedBy"] = "报告人",
        ["requestId"] = "请求编号",
        ["requestedBy"] = "请求人",
        ["requestedOn"] = "请求日期",
        ["resolution"] = "决议",
        ["resolvedBy"] = "答复人",
        ["restAccepted"] = "其余全部同意",
        ["returnedBy"] = "退回人",
        ["reviewedBy"] = "复核人",
        ["revokedBy"] = "撤销人",
        ["role"] = "角色",
        ["roleRegion"] = "角色辖区",
        ["root"] = "检查点根",
        ["rosterDigest"] = "名单摘要",
        ["sealDigest"] = "盖章申请摘要",
        ["secretDigest"] = "查询口令摘要",
        ["seed"] = "种子",
        ["seen"] = "看过的材料",
        ["settledBy"] = "办结人",
        ["sheet"] = "表格样式",
        ["signedBy"] = "签署人",
        ["size"] = "样本量",
        ["source"] = "来源",
        ["sourceName"] = "来源名称",
        ["sponsorshipId"] = "资助编号",
        ["step"] = "步骤",
        ["subAccount"] = "子账户",
        ["survey"] = "测算",
        ["takenOn"] = "扣费日期",
        ["targetId"] = "对象",
        ["text"] = "内容",
        ["tierFen"] = "缴费档次",
        ["to"] = "至",
        ["toCollectiveId"] = "转入集体",
        ["toFundId"] = "转入资金",
        ["treeSize"] = "检查点大小",
        ["trialBalance"] = "试算平衡",
        ["trialBalanceDigest"] = "试算平衡摘要",
        ["unit"] = "单位",
        ["unmatched"] = "不符的回执",
        ["until"] = "止",
        ["upheld"] = "异议成立",
        ["verdicts"] = "逐行意见",
        ["villageCode"] = "村",
        ["upperFen"] = "差错上限",
        ["wasCredited"] = "已经入账",
        ["wholeList"] = "整份名单",
        ["withdrawnBy"] = "撤回人",
        ["words"] = "审计用语",
        ["wordsDigest"] = "用语摘要",
        ["year"] = "年度",
    };

    /// <summary>A field that no event has is named as it stands: somebody wrote it past the product.</summary>
    public static string Name(string field) => Words.GetValueOrDefault(field, field);

    /// <summary>Whose name stands there.</summary>
    public static bool IsPerson(string field, JsonElement value) =>
        value.ValueKind == JsonValueKind.String
        && (field.EndsWith("By", StringComparison.Ordinal) || field is "onBehalfOf" or "disclosedTo");

    public static bool IsMoney(string field, JsonElement value) =>
        field.EndsWith("Fen", StringComparison.Ordinal) && value.ValueKind == JsonValueKind.Number;

    public static bool IsYesOrNo(JsonElement value) => value.ValueKind is JsonValueKind.True or JsonValueKind.False;

    /// <summary>An amount is written in yuan, a span of fen as the fen it holds, a long list by its length.</summary>
    public static string Text(string field, JsonElement value) =>
        IsMoney(field, value) && value.TryGetInt64(out var fen)
            ? Format.Yuan(new Domain.Money(fen))
            : value.ValueKind switch
            {
                JsonValueKind.String when field == "role" => Terms.Role(value.GetString()!),
                JsonValueKind.String when field is "source" or "finding" or "kind" or "remedy" or "subAccount" =>
                    Terms.Known(value.GetString()!),
                JsonValueKind.String => value.GetString()!,
                JsonValueKind.Array when value.GetArrayLength() > 5 => $"[{value.GetArrayLength()}]",
                JsonValueKind.Object when Span(value) is var (from, to) => $"[{from}, {to})",
                _ => value.ToString(),
            };

    private static (long From, long To)? Span(JsonElement value) =>
        value.EnumerateObject().Count() == 2
        && value.TryGetProperty("from", out var from)
        && value.TryGetProperty("to", out var to)
        && from.TryGetInt64(out var first)
        && to.TryGetInt64(out var last)
            ? (first, last)
            : null;
}

using Ledger.Domain.Funds;

namespace Ledger.Domain.Collectives.Steps;

/// <summary>A collective is called otherwise from now on, and so is its fund.</summary>
public static class Rename
{
    /// <summary>Changed: collective, and its fund where it has one.</summary>
    public static Decision<Collective> Decide(
        Collective collective,
        Fund? fund,
        string name,
        Approval? approval,
        IReadOnlyList<string> evidence,
        DateOnly day
    ) =>
        CollectiveDecider.Gone(collective) is { } gone ? gone
        : approval is null
            ? new Rejection(Rejections.SuccessionPaperMissing, "更名须附县级批准文件") { Field = "approval" }
        : approval.On > day
            ? new Rejection(Rejections.SuccessionPapersIrregular, $"批准日期 {approval.On:yyyy-MM-dd} 晚于业务日期")
            {
                Field = "approval.on",
            }
        : collective.Name == name ? new Rejection(Rejections.FieldInvalid, "名称没有变化") { Field = "name" }
        : new Decision<Collective>([new CollectiveRenamed(name, evidence, approval)], null)
        {
            Also = fund is null ? [] : [Change.Of(fund, new FundRenamed(name))],
        };
}

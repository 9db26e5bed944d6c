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
        IReadOnlyList<string> evidence
    ) =>
        CollectiveDecider.Gone(collective) is { } gone ? gone
        : evidence.Count == 0 ? new Rejection(Rejections.EvidenceMissing, "更名须附批准文件") { Field = "evidence" }
        : collective.Name == name ? new Rejection(Rejections.FieldInvalid, "名称没有变化") { Field = "name" }
        : new Decision<Collective>([new CollectiveRenamed(name, evidence)], null)
        {
            Also = fund is null ? [] : [Change.Of(fund, new FundRenamed(name))],
        };
}

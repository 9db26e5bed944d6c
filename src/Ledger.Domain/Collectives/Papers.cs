using System.Text.Json.Serialization;

namespace Ledger.Domain.Collectives;

/// <summary>What a collective's own assembly decided (成员大会决定): its number, its day, its document.</summary>
/// <param name="Evidence">The document's digest.</param>
public sealed record AssemblyDecision(string CollectiveId, string Number, DateOnly On, string Evidence);

/// <summary>A document of a day, by its digest; the township's review, the notice to creditors.</summary>
public sealed record Paper(DateOnly On, string Evidence);

/// <summary>The county's approval (批复). Its number is what the notice to creditors refers to.</summary>
public sealed record Approval(string Number, DateOnly On, string Evidence);

/// <summary>
/// What a merger, a split or a dissolution rests on (农村集体经济组织法 23, 24; L16): each assembly decides, then the township
/// reviews, then the county approves. Within ten days of the day of approval † the creditors are told.
/// </summary>
/// <param name="Creditors">Null: not told yet; that is open until it is recorded.</param>
public sealed record SuccessionPapers(
    IReadOnlyList<AssemblyDecision> Decisions,
    Paper? Review,
    Approval? Approval,
    Paper? Creditors = null
)
{
    /// <summary>Days from the approval on, in which the creditors are told.</summary>
    public const int CreditorDays = 10;

    public static readonly SuccessionPapers None = new([], null, null);

    /// <summary>Every document of it, with the field that it came in.</summary>
    [JsonIgnore]
    public IReadOnlyList<(string Field, string Evidence)> Documents =>
        [
            .. Decisions.Select((d, i) => ($"papers.decisions[{i}].evidence", d.Evidence)),
            .. One("papers.review.evidence", Review?.Evidence),
            .. One("papers.approval.evidence", Approval?.Evidence),
            .. One("papers.creditors.evidence", Creditors?.Evidence),
        ];

    /// <summary>What is missing of it, or does not fit together.</summary>
    /// <param name="deciding">Whose assembly must have decided.</param>
    /// <param name="concerned">Whose may have.</param>
    /// <param name="day">The business date of what rests on it.</param>
    internal Rejection? Refusal(
        IReadOnlyList<Collective> deciding,
        IReadOnlyList<Collective> concerned,
        DateOnly day
    ) =>
        deciding.FirstOrDefault(c => Decisions.All(d => d.CollectiveId != c.Id)) is { } silent
            ? Missing("papers.decisions", $"缺少{silent.Name}成员大会的决定")
        : Review is null ? Missing("papers.review", "缺少乡镇（街道）的审核")
        : Approval is null ? Missing("papers.approval", "缺少县级人民政府的批准")
        : Stranger(concerned)
            ?? OutOfOrder(Review, Approval, day)
            ?? (
                Documents.GroupBy(d => d.Evidence).FirstOrDefault(g => g.Count() > 1) is { } twice
                    ? Irregular(twice.Last().Field, "同一份文件不能用作两项材料")
                    : null
            );

    private Rejection? Stranger(IReadOnlyList<Collective> concerned)
    {
        foreach (var (d, i) in Decisions.Select((d, i) => (d, i)))
            if (concerned.All(c => c.Id != d.CollectiveId))
                return Irregular($"papers.decisions[{i}].collectiveId", $"{d.CollectiveId} 与此事无关");
            else if (Decisions.Take(i).Any(earlier => earlier.CollectiveId == d.CollectiveId))
                return Irregular($"papers.decisions[{i}].collectiveId", $"{d.CollectiveId} 的决定出现两次");
        return null;
    }

    private Rejection? OutOfOrder(Paper review, Approval approval, DateOnly day) =>
        Decisions.Max(d => d.On) is var decided && review.On < decided
            ? Irregular("papers.review.on", $"审核日期 {review.On:yyyy-MM-dd} 早于成员大会决定 {decided:yyyy-MM-dd}")
        : approval.On < review.On
            ? Irregular("papers.approval.on", $"批准日期 {approval.On:yyyy-MM-dd} 早于乡镇审核 {review.On:yyyy-MM-dd}")
        : approval.On > day
            ? Irregular("papers.approval.on", $"批准日期 {approval.On:yyyy-MM-dd} 晚于业务日期 {day:yyyy-MM-dd}")
        : Creditors is { } told ? Early("papers.creditors.on", told.On, approval.On, day)
        : null;

    /// <summary>Creditors are told of what was approved, and of nothing that is still to come.</summary>
    internal static Rejection? Early(string field, DateOnly told, DateOnly approved, DateOnly day) =>
        told < approved ? Irregular(field, $"通知债权人应在批准（{approved:yyyy-MM-dd}）之后")
        : told > day ? Irregular(field, $"通知日期 {told:yyyy-MM-dd} 晚于业务日期 {day:yyyy-MM-dd}")
        : null;

    private static Rejection Missing(string field, string message) =>
        new(Rejections.SuccessionPaperMissing, message) { Field = field };

    private static Rejection Irregular(string field, string message) =>
        new(Rejections.SuccessionPapersIrregular, message) { Field = field };

    private static IEnumerable<(string, string)> One(string field, string? evidence) =>
        evidence is null ? [] : [(field, evidence)];
}

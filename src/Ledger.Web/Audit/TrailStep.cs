using Ledger.Domain;
using Ledger.Domain.Identity;
using Ledger.Projections.AuditTrail;

namespace Ledger.Web.Audit;

/// <summary>
/// What one act wrote of one kind, however many it concerns: an approval of 204 people is one step, not 204.
/// </summary>
public sealed record TrailStep(IReadOnlyList<AuditEntryView> Entries)
{
    /// <summary>So few are read one by one.</summary>
    private const int Few = 3;

    public AuditEntryView First => Entries[0];
    public bool IsMany => Entries.Count > 1;

    /// <summary>Null: no money moves by it.</summary>
    public Money? Sum =>
        Entries.Any(e => e.Amount is not null) ? Money.Sum(Entries.Select(e => e.Amount ?? default)) : null;

    /// <summary>Where each is of the same amount, that.</summary>
    public Money? Each => Entries.Select(e => e.Amount).Distinct().Count() == 1 ? First.Amount : null;

    /// <summary>Neighbours of one kind by one person at one instant: a command's events have one time.</summary>
    public static IReadOnlyList<TrailStep> Of(IEnumerable<AuditEntryView> entries)
    {
        var steps = new List<List<AuditEntryView>>();
        foreach (var e in entries)
            if (steps.Count > 0 && IsOfSameAct(steps[^1][0], e))
                steps[^1].Add(e);
            else
                steps.Add([e]);
        return [.. steps.SelectMany(s => s.Count > Few ? [new TrailStep(s)] : s.Select(e => new TrailStep([e])))];
    }

    private static bool IsOfSameAct(AuditEntryView one, AuditEntryView other) =>
        (one.Type, one.Actor, one.RecordedAt) == (other.Type, other.Actor, other.RecordedAt);
}

/// <summary>What an event happened to, as people call it, and its own page where it has one.</summary>
public sealed record TrailThing(string Kind, string? Name, string? Href)
{
    private static readonly (string Prefix, string Kind, Func<string, string>? Page)[] Kinds =
    [
        ("application-", "申请", id => $"/applications/{id}"),
        ("fund-", "资金", id => $"/funds/{id}"),
        ("plan-", "方案", id => $"/plans/{id}"),
        ("collective-", "集体", id => $"/collectives/{id}"),
        ("member-year-", "所涉成员", id => $"/members/{StreamId.MemberOf(id)}/years/{id[^4..]}"),
        ("member-", "所涉成员", null),
        ("donor-", "捐赠人", null),
        ("policy-year-", "政策年度", null),
        ("pilot-", "试点", null),
        ("agency-profile-", "经办设置", null),
        ("sample-", "审计抽样", null),
        ("screening-finding-", "疑点", id => $"/screening/{id}"),
        ("log-continuation-", "存证日志", _ => "/proof"),
        ("answered-finding-", "存证日志", id => $"/proof#{id}"),
        ("account-", "账户", null),
        ("refusal-", "被拒绝的操作", null),
    ];

    public static IReadOnlyList<string> Words { get; } = [.. Kinds.Select(k => k.Kind)];

    /// <param name="names">What is shown for an id: a collective's name, a member's masked one.</param>
    public static TrailThing Of(string stream, IReadOnlyDictionary<string, string> names)
    {
        var (_, kind, page) = Kinds.FirstOrDefault(k => stream.StartsWith(k.Prefix, StringComparison.Ordinal));
        return new(kind ?? "", names.GetValueOrDefault(Owner(stream)), page?.Invoke(stream));
    }

    /// <summary>Whose name stands for a stream: the member, or the collective; else itself.</summary>
    public static string Owner(string stream) =>
        stream.StartsWith("member-year-", StringComparison.Ordinal) && stream.Length > "member-year-".Length + 5
            ? StreamId.MemberOf(stream)
        : stream.StartsWith("fund-", StringComparison.Ordinal) ? StreamId.CollectiveOf(stream)
        : stream.StartsWith("plan-", StringComparison.Ordinal) && stream.Length > "plan-".Length + 5
            ? $"collective-{stream["plan-".Length..^5]}"
        : stream;
}

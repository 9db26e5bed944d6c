using Ledger.Domain.Collectives;
using Ledger.Domain.Funds;
using Ledger.Domain.Members;
using Ledger.Domain.Plans;
using Ledger.Domain.Policies;

namespace Ledger.Domain.Applications;

/// <summary>A row of a roster after the person was looked up: no personal data any more.</summary>
public sealed record RosterEntry(int Row, string? MemberId, bool NameMatches, Money? DeclaredFen);

/// <summary>
/// Turns a roster into lines, or says of every row at once what is wrong with it (C4, C5, C6, C10, C14).
/// </summary>
public static class Roster
{
    /// <summary>An application carries at most this many lines.</summary>
    public const int MaxLines = 10_000;

    // Headings of the roster sheet, as the template prints them.
    public const string NameColumn = "姓名",
        CitizenIdColumn = "身份证号",
        AmountColumn = "补助金额（元）";

    /// <param name="year">The contribution year.</param>
    /// <param name="lineage">Of the collective that applies.</param>
    /// <param name="earmark">Of the sub-account that the application draws on (C8); null: none.</param>
    /// <param name="limits">Between which ages people are insured.</param>
    /// <param name="years">By member id.</param>
    /// <param name="ages">Age reached in the year, by member id.</param>
    /// <param name="elsewhere">Who stands on the list of another application that is not approved yet, by member id,
    /// and which that is: one of the two will not be approved, which is asked about now and not told then.</param>
    /// <param name="confirmed">Why they stand on both all the same; null: nobody said.</param>
    /// <param name="damaged">Whose record cannot be read, by member id, and why: a fault of that line alone.</param>
    /// <param name="governmentPaidOpens">The switch of the policy year as it stands now (L14).</param>
    public static (IReadOnlyList<RosterLine> Lines, IReadOnlyList<Fault> Faults) Check(
        IReadOnlyList<RosterEntry> entries,
        int year,
        Lineage lineage,
        Standard standard,
        Earmark? earmark,
        AgeLimits limits,
        IReadOnlyDictionary<string, Member> members,
        IReadOnlyDictionary<string, MemberYear> years,
        IReadOnlyDictionary<string, int> ages,
        IReadOnlyDictionary<string, string> elsewhere,
        string? confirmed,
        IReadOnlyDictionary<string, string>? damaged = null,
        bool governmentPaidOpens = false
    )
    {
        var lines = new List<RosterLine>();
        var faults = new List<Fault>();
        var seen = new Dictionary<string, int>();
        foreach (var entry in entries)
        {
            var before = faults.Count;
            void Wrong(RejectionCode code, string message, string column) =>
                faults.Add(new Fault(code.Code, message, Row: entry.Row, Column: column, MemberId: entry.MemberId));

            if (entry.MemberId is { } known && damaged?.GetValueOrDefault(known) is { } why)
            {
                Wrong(Rejections.RecordDamaged, why, CitizenIdColumn);
                continue;
            }
            if (entry.MemberId is not { } id || !members.TryGetValue(id, out var member))
            {
                Wrong(Rejections.NotAMember, "不是本集体成员", CitizenIdColumn);
                continue;
            }
            if (!seen.TryAdd(id, entry.Row))
                Wrong(Rejections.RosterInvalid, $"与第 {seen[id]} 行重复", CitizenIdColumn);
            if (!entry.NameMatches)
                Wrong(Rejections.RosterInvalid, "姓名与成员登记不一致", NameColumn);

            var own = years.GetValueOrDefault(id);
            if (MemberYearDecider.Ineligible(member, own, lineage, null, governmentPaidOpens) is { } not)
            {
                Wrong(not.Code, not.Message, CitizenIdColumn);
                continue;
            }
            if (limits.Fault(ages.TryGetValue(id, out var age) ? age : null) is { } aged)
            {
                Wrong(aged.Code, aged.Message, CitizenIdColumn);
                continue;
            }
            var (facts, group) = Facts(own!, member, lineage.Members, ages, governmentPaidOpens);
            if (earmark?.Mismatch(year, id, facts.Age, group) is { } mismatch)
                Wrong(Rejections.EarmarkMismatch, mismatch, CitizenIdColumn);
            if (standard.AmountFor(facts) is not { } amount)
                Wrong(
                    Rejections.StandardInvalid,
                    $"补助标准不适用于此人（档次 {facts.TierFen} 元，{facts.Age} 岁，"
                        + $"缴费年限 {facts.ContributionYears?.ToString() ?? "未知"}）",
                    AmountColumn
                );
            else if (entry.DeclaredFen is { } declared && declared != amount)
                Wrong(Rejections.RosterInvalid, $"所填 {declared} 元与标准应得 {amount} 元不符", AmountColumn);
            else if (faults.Count == before && confirmed is null && elsewhere.GetValueOrDefault(id) is { } other)
                Wrong(Rejections.PossibleDuplicate, OnBoth(other), CitizenIdColumn);
            else if (faults.Count == before)
                lines.Add(new RosterLine(entry.Row, id, facts.TierFen, amount));
        }
        return (lines, faults);
    }

    private static string OnBoth(string other) =>
        $"此人也在另一份待审批的申请 {other} 的名单上，同一年度只补助一次，后审批的一份将退出名单；"
        + "请从这份名单中删去，确实要列入的请写明理由";

    /// <summary>
    /// What stays on record of lines that stand on another list too and were answered for; null when there are none.
    /// </summary>
    public static string? Confirmed(
        IEnumerable<RosterLine> lines,
        IReadOnlyDictionary<string, string> elsewhere,
        string? confirmed
    )
    {
        var others = lines.Select(l => elsewhere.GetValueOrDefault(l.MemberId)).OfType<string>().Distinct().ToList();
        return others.Count == 0 ? null : $"{string.Join('、', others)}：{confirmed}";
    }

    /// <summary>What a standard looks at for an eligible person, and the villagers' group.</summary>
    internal static (LineFacts Facts, string? Group) Facts(
        MemberYear own,
        Member member,
        IReadOnlyCollection<string> collectives,
        IReadOnlyDictionary<string, int> ages,
        bool governmentPaidOpens
    )
    {
        var regular = own.Opening(governmentPaidOpens)!;
        return (
            new LineFacts(
                regular.TierFen,
                ages.TryGetValue(member.Id, out var age) ? age : null,
                regular.ContributionYears
            ),
            collectives.Select(c => member.Groups.GetValueOrDefault(c)).FirstOrDefault(g => g is not null)
        );
    }
}

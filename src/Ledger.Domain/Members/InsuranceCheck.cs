namespace Ledger.Domain.Members;

/// <summary>What the agency's own system says of somebody (参保核查, L19); none: nothing that stands against him.</summary>
public enum InsuranceFinding
{
    None,
    PensionInPayment,
    EmployeesScheme,
    Deceased,
    Student,
    NotInsured,
}

/// <summary>
/// The agency looked somebody up on <paramref name="On"/>. It is about the person and not about a year: who draws a
/// pension draws it next year too, until a later list says otherwise.
/// </summary>
public sealed record InsuranceChecked(InsuranceFinding Finding, DateOnly On, string CheckedBy) : IEventOf<Member>;

/// <summary>The latest look that found something.</summary>
public sealed record InsuranceCheck(InsuranceFinding Finding, DateOnly On)
{
    /// <summary>Who is found so may get nothing, unless a reviewer says why he may (L19).</summary>
    public bool NeedsReason() =>
        Finding is InsuranceFinding.PensionInPayment or InsuranceFinding.EmployeesScheme or InsuranceFinding.Deceased;

    public string InWords() => $"经办机构 {On:yyyy-MM-dd} 核查：{Word(Finding)}";

    public static string Word(InsuranceFinding finding) =>
        finding switch
        {
            InsuranceFinding.None => "无",
            InsuranceFinding.PensionInPayment => "已在领取养老待遇",
            InsuranceFinding.EmployeesScheme => "参加职工养老保险",
            InsuranceFinding.Deceased => "已死亡",
            InsuranceFinding.Student => "在校学生",
            InsuranceFinding.NotInsured => "未参加居民养老保险",
            _ => throw new ArgumentOutOfRangeException(nameof(finding)),
        };
}

public static class InsuranceChecks
{
    /// <summary>
    /// A row of the agency's list. What an older list says changes nothing, nor does what is known already; where
    /// nothing was found before, finding nothing is no event.
    /// </summary>
    public static Decision<Member> Import(Member state, InsuranceFinding finding, DateOnly on, Actor by) =>
        state.Insurance is { } known && (on < known.On || known == new InsuranceCheck(finding, on))
        || (state.Insurance is null && finding == InsuranceFinding.None)
            ? Array.Empty<IEventOf<Member>>()
            : new IEventOf<Member>[] { new InsuranceChecked(finding, on, by.Id) };
}

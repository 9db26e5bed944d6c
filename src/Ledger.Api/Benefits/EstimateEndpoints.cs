using Ledger.Api.Commands;
using Ledger.Api.Members;
using Ledger.Api.Pages;
using Ledger.Api.Policies;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Domain;
using Ledger.Domain.Applications;
using Ledger.Domain.Benefits;
using Ledger.Domain.Identity;
using Ledger.Domain.Members;
using Ledger.Domain.Policies;
using Ledger.Web;
using Ledger.Web.Benefits;
using Marten;
using Npgsql;

namespace Ledger.Api.Benefits;

public sealed record EstimateYearView(
    int Year,
    int Age,
    int InterestBasisPoints,
    Money InterestAmount,
    Money ContributionAmount,
    Money GovernmentAmount,
    Money CollectiveAmount,
    Money BalanceAmount,
    Money BalanceWithoutAmount
);

/// <summary>
/// Account and monthly pension with and without the collective subsidy, as if everything stayed as in
/// <paramref name="Year"/>. A pension needs sixty years of age and fifteen paid years (L3):
/// <paramref name="PaidYears"/> are those at sixty, null where <c>paidYears</c> was not given. The monthly amounts are
/// null where nobody would get one: <paramref name="Outlook"/> says why. <paramref name="BasicPensionAmount"/> comes on
/// top, the same with and without the subsidy (L11); null where the policy year does not say it. Formula and source
/// stand in the answer.
/// </summary>
public sealed record EstimateView(
    string MemberId,
    string Name,
    int Year,
    Outlook Outlook,
    int PensionAge,
    int? PaidYears,
    int MissingYears,
    int PayoutMonths,
    int AccountInterestBasisPoints,
    Money OpeningBalanceAmount,
    Money BalanceAmount,
    Money BalanceWithoutAmount,
    Money? MonthlyAmount,
    Money? MonthlyWithoutAmount,
    Money? MonthlyGainAmount,
    Money? BasicPensionAmount,
    [property: Said] string Formula,
    [property: Said] string Source,
    IReadOnlyList<EstimateYearView> Years
);

public sealed record RosterEstimateLine(
    string MemberId,
    string Name,
    Outlook Outlook,
    Money BalanceAmount,
    Money BalanceWithoutAmount,
    Money? MonthlyAmount,
    Money? MonthlyGainAmount
);

public sealed record RosterEstimateView(
    string ApplicationId,
    int Year,
    [property: Said] string Formula,
    [property: Said] string Source,
    Money? AverageMonthlyGainAmount,
    IReadOnlyList<RosterEstimateLine> Lines
);

/// <summary>The benefit estimate (待遇测算), C22: for one person, also to print, and for a whole roster.</summary>
public static class EstimateEndpoints
{
    public static readonly string[] Readers =
    [
        Roles.VillageFinance,
        Roles.SupervisionCommittee,
        Roles.Agency,
        Roles.Auditor,
        Roles.Township,
        Roles.CountyHrss,
    ];

    public static void MapEstimates(this IEndpointRouteBuilder api)
    {
        api.MapGet("/members/{id}/estimate", OfMember)
            .Reading<EstimateView>(
                "estimate-benefit",
                "待遇测算：有无集体补助时的账户余额和月养老金（Accept: text/html 可打印，C22 L3 L10 L11）"
                    + " · Account and pension with and without the subsidy",
                Readers
            )
            .Refuses(
                Rejections.PolicyYearMissing,
                Rejections.NotContributed,
                Rejections.AmountInvalid,
                Rejections.FieldInvalid,
                Rejections.NotFound
            );
        api.MapGet("/applications/{id}/estimate", OfRoster)
            .Reading<RosterEstimateView>(
                "estimate-roster",
                "全名单待遇测算 (C22 L3) · The estimate for a whole roster",
                Readers
            )
            .Refuses(Rejections.PolicyYearMissing, Rejections.NotFound);
    }

    /// <summary>
    /// What may be tried: the account's balance, the tier and the subsidy of each year, and how many years were paid
    /// before this one (累计缴费年限).
    /// </summary>
    public sealed record Figures(
        int Year,
        Money? BalanceAmount,
        Money? TierAmount,
        Money? SubsidyAmount,
        int? PaidYears
    );

    /// <summary>One person's estimate and what it rests on.</summary>
    private sealed record Estimated(
        Person Person,
        IReadOnlyList<Money> Tiers,
        EstimateRules Rules,
        BenefitEstimate Estimate,
        Money Opening,
        Money Tier,
        Money Subsidy
    );

    private static async Task<Estimated> OfMemberAsync(
        string id,
        Figures asked,
        IQuerySession session,
        NpgsqlDataSource database,
        PersonalData people,
        Caller caller,
        bool orLowestTier = false
    )
    {
        var member = await session.LoadAsync<Member>(id);
        if (member is null || !MemberEndpoints.MaySee(caller, member))
            throw Require.NotFound(id);
        var policy = await PolicyAsync(session, member.Region, asked.Year);
        await using var connection = await database.OpenConnectionAsync();
        var person = (await people.ReadAsync(connection, [id])).GetValueOrDefault(id) ?? throw Require.NotFound(id);
        var own = await session.LoadAsync<MemberYear>(StreamId.MemberYear(id, asked.Year));
        var tier =
            NotNegative(asked.TierAmount, "tierAmount")
            ?? own?.Opening(governmentPaidOpens: true)?.TierFen // whoever paid: the account has it
            ?? (orLowestTier ? policy.Tiers().Min(t => t.TierFen) : (Money?)null)
            ?? throw new RefusedException(
                new Rejection(Rejections.NotContributed, $"没有 {asked.Year} 年度缴费记录，请填写缴费档次")
            );
        var subsidy = NotNegative(asked.SubsidyAmount, "subsidyAmount") ?? own?.CapUsed() ?? Money.Zero;
        var opening = NotNegative(asked.BalanceAmount, "balanceAmount") ?? Money.Zero;
        if (asked.PaidYears is < 0 or > 80)
            throw Require.Invalid("paidYears", "以前已缴的年数应为0至80");
        var rules = await session.EstimateRulesAsync(policy, member.Region);
        return new Estimated(
            person,
            [.. policy.Tiers().Select(t => t.TierFen)],
            rules,
            Estimate(policy, rules, asked.Year, person.AgeIn(asked.Year), asked.PaidYears, opening, tier, subsidy),
            opening,
            tier,
            subsidy
        );
    }

    private static async Task<IResult> OfMember(
        string id,
        [AsParameters] Figures asked,
        IQuerySession session,
        NpgsqlDataSource database,
        PersonalData people,
        Caller caller,
        HttpContext http
    )
    {
        var e = await OfMemberAsync(id, asked, session, database, people, caller);
        if (http.Request.Headers.Accept.ToString().Contains("text/html", StringComparison.Ordinal))
            return Page(e, null);
        var estimate = e.Estimate;
        return Results.Ok(
            new EstimateView(
                id,
                e.Person.MaskedName,
                asked.Year,
                estimate.Outlook,
                BenefitEstimate.PensionAge,
                estimate.PaidYears,
                estimate.MissingYears,
                estimate.PayoutMonths,
                e.Rules.InterestIn(asked.Year),
                e.Opening,
                estimate.BalanceFen,
                estimate.BalanceWithoutFen,
                estimate.MonthlyFen,
                estimate.MonthlyWithoutFen,
                estimate.MonthlyFen - estimate.MonthlyWithoutFen,
                e.Rules.BasicPensionFen,
                BenefitEstimate.Formula,
                BenefitEstimate.Source,
                [
                    .. estimate.Years.Select(y => new EstimateYearView(
                        y.Year,
                        y.Age,
                        y.InterestBasisPoints,
                        y.InterestFen,
                        y.ContributionFen,
                        y.GovernmentFen,
                        y.CollectiveFen,
                        y.BalanceFen,
                        y.BalanceWithoutFen
                    )),
                ]
            )
        );
    }

    /// <summary>The page that an officer shows to a villager, with fields to try other figures.</summary>
    public static async Task<IResult> PageOfMember(
        string id,
        [AsParameters] Figures asked,
        IQuerySession session,
        NpgsqlDataSource database,
        PersonalData people,
        Caller caller
    )
    {
        var e = await OfMemberAsync(id, asked, session, database, people, caller, orLowestTier: true);
        return Page(e, new EstimatePage.Tried(id, asked.Year, e.Tiers, e.Tier, e.Subsidy, asked.PaidYears));
    }

    private static IResult Page(Estimated e, EstimatePage.Tried? form) =>
        PageRoutes.Show<EstimatePage>(
            new
            {
                Name = e.Person.MaskedName,
                e.Estimate,
                e.Rules,
                e.Opening,
                Form = form,
            }
        );

    private static async Task<RosterEstimateView> OfRoster(
        string id,
        IQuerySession session,
        NpgsqlDataSource database,
        PersonalData people,
        Caller caller
    )
    {
        var application = await session.ScopedAsync<Application>(id, caller) ?? throw Require.NotFound(id);
        var policy = await PolicyAsync(session, application.Region, application.Year);
        var rules = await session.EstimateRulesAsync(policy, application.Region);
        await using var connection = await database.OpenConnectionAsync();
        var persons = await people.ReadAsync(connection, application.Lines.Select(l => l.MemberId));
        var lines = application.Lines.Where(l => persons.ContainsKey(l.MemberId)).Select(LineOf).ToList();
        var gains = lines.Select(l => l.MonthlyGainAmount).OfType<Money>().ToList();
        return new RosterEstimateView(
            id,
            application.Year,
            BenefitEstimate.Formula,
            BenefitEstimate.Source,
            gains.Count == 0 ? null : new Money(Money.Sum(gains).Fen / gains.Count),
            lines
        );

        RosterEstimateLine LineOf(Line line)
        {
            var person = persons[line.MemberId];
            var (year, age) = (application.Year, person.AgeIn(application.Year));
            var e = Estimate(policy, rules, year, age, null, Money.Zero, line.TierFen, line.AmountFen);
            return new RosterEstimateLine(
                line.MemberId,
                person.MaskedName,
                e.Outlook,
                e.BalanceFen,
                e.BalanceWithoutFen,
                e.MonthlyFen,
                e.MonthlyFen - e.MonthlyWithoutFen
            );
        }
    }

    private static BenefitEstimate Estimate(
        PolicyYear policy,
        EstimateRules rules,
        int year,
        int age,
        int? paidBefore,
        Money opening,
        Money tier,
        Money subsidy
    )
    {
        var known =
            policy.Tiers().FirstOrDefault(t => t.TierFen == tier)
            ?? throw Require.Invalid("tierAmount", $"{tier} 元不是 {year} 年的缴费档次");
        return BenefitEstimate.Of(
            year,
            age,
            paidBefore,
            opening,
            new YearlyPayment(known.TierFen, known.GovernmentSubsidyFen, subsidy),
            rules
        );
    }

    private static async Task<PolicyYear> PolicyAsync(IQuerySession session, string region, int year) =>
        await session.PolicyYearAsync(region, year)
        ?? throw new RefusedException(
            new Rejection(Rejections.PolicyYearMissing, $"{RegionCode.County(region)} 没有 {year} 年度政策参数")
        );

    private static Money? NotNegative(Money? amount, string field) =>
        amount < Money.Zero
            ? throw new RefusedException(
                new Rejection(Rejections.AmountInvalid, $"{field}：不能小于零") { Field = field }
            )
            : amount;
}

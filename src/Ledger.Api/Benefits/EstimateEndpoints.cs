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
    Money InterestAmount,
    Money ContributionAmount,
    Money GovernmentAmount,
    Money CollectiveAmount,
    Money BalanceAmount,
    Money BalanceWithoutAmount
);

/// <summary>
/// Account and monthly pension with and without the collective subsidy, as if everything stayed as in
/// <paramref name="Year"/>. The basic pension comes on top and is the same in both. Formula and source stand in the
/// answer.
/// </summary>
public sealed record EstimateView(
    string MemberId,
    string Name,
    int Year,
    int PensionAge,
    int PayoutMonths,
    int AccountInterestBasisPoints,
    Money OpeningBalanceAmount,
    Money BalanceAmount,
    Money BalanceWithoutAmount,
    Money MonthlyAmount,
    Money MonthlyWithoutAmount,
    Money MonthlyGainAmount,
    string Formula,
    string Source,
    IReadOnlyList<EstimateYearView> Years
);

public sealed record RosterEstimateLine(
    string MemberId,
    string Name,
    int PensionAge,
    Money BalanceAmount,
    Money BalanceWithoutAmount,
    Money MonthlyAmount,
    Money MonthlyGainAmount
);

public sealed record RosterEstimateView(
    string ApplicationId,
    int Year,
    string Formula,
    string Source,
    Money AverageMonthlyGainAmount,
    IReadOnlyList<RosterEstimateLine> Lines
);

/// <summary>The benefit estimate (待遇测算), C22: for one person, also to print, and for a whole roster.</summary>
public static class EstimateEndpoints
{
    public static readonly string[] Readers =
    [
        Roles.VillageFinance,
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
                "待遇测算：有无集体补助时的账户余额和月养老金（Accept: text/html 可打印，C22） · Account and pension with and without the subsidy",
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
                "全名单待遇测算 (C22) · The estimate for a whole roster",
                Readers
            )
            .Refuses(Rejections.PolicyYearMissing, Rejections.NotFound);
    }

    /// <summary>One person's estimate and what it rests on.</summary>
    private sealed record Estimated(
        Person Person,
        PolicyYear Policy,
        BenefitEstimate Estimate,
        Money Opening,
        Money Tier,
        Money Subsidy
    );

    private static async Task<Estimated> OfMemberAsync(
        string id,
        int year,
        Money? balanceAmount,
        Money? tierAmount,
        Money? subsidyAmount,
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
        var policy = await PolicyAsync(session, member.Region, year);
        await using var connection = await database.OpenConnectionAsync();
        var person = (await people.ReadAsync(connection, [id])).GetValueOrDefault(id) ?? throw Require.NotFound(id);
        var own = await session.LoadAsync<MemberYear>(StreamId.MemberYear(id, year));
        var tier =
            NotNegative(tierAmount, "tierAmount")
            ?? own?.Regular()?.TierFen
            ?? (orLowestTier ? policy.Parameters.Tiers.Min(t => t.TierFen) : (Money?)null)
            ?? throw new RefusedException(
                new Rejection(Rejections.NotContributed, $"没有 {year} 年度缴费记录，请给出 tierAmount")
            );
        var subsidy = NotNegative(subsidyAmount, "subsidyAmount") ?? own?.CapUsed() ?? Money.Zero;
        var opening = NotNegative(balanceAmount, "balanceAmount") ?? Money.Zero;
        return new Estimated(
            person,
            policy,
            Estimate(policy, year, person.AgeIn(year), opening, tier, subsidy),
            opening,
            tier,
            subsidy
        );
    }

    private static async Task<IResult> OfMember(
        string id,
        int year,
        Money? balanceAmount,
        Money? tierAmount,
        Money? subsidyAmount,
        IQuerySession session,
        NpgsqlDataSource database,
        PersonalData people,
        Caller caller,
        HttpContext http
    )
    {
        var (person, policy, estimate, opening, _, _) = await OfMemberAsync(
            id,
            year,
            balanceAmount,
            tierAmount,
            subsidyAmount,
            session,
            database,
            people,
            caller
        );
        if (http.Request.Headers.Accept.ToString().Contains("text/html", StringComparison.Ordinal))
            return PageRoutes.Show<EstimatePage>(
                new
                {
                    Name = person.MaskedName,
                    Estimate = estimate,
                    Opening = opening,
                    InterestBasisPoints = policy.Parameters.AccountInterestBasisPoints,
                }
            );
        return Results.Ok(
            new EstimateView(
                id,
                person.MaskedName,
                year,
                estimate.PensionAge,
                estimate.PayoutMonths,
                policy.Parameters.AccountInterestBasisPoints,
                opening,
                estimate.BalanceFen,
                estimate.BalanceWithoutFen,
                estimate.MonthlyFen,
                estimate.MonthlyWithoutFen,
                estimate.MonthlyFen - estimate.MonthlyWithoutFen,
                BenefitEstimate.Formula,
                BenefitEstimate.Source,
                [
                    .. estimate.Years.Select(y => new EstimateYearView(
                        y.Year,
                        y.Age,
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
        int year,
        Money? balanceAmount,
        Money? tierAmount,
        Money? subsidyAmount,
        IQuerySession session,
        NpgsqlDataSource database,
        PersonalData people,
        Caller caller
    )
    {
        var e = await OfMemberAsync(
            id,
            year,
            balanceAmount,
            tierAmount,
            subsidyAmount,
            session,
            database,
            people,
            caller,
            orLowestTier: true
        );
        return PageRoutes.Show<EstimatePage>(
            new
            {
                Name = e.Person.MaskedName,
                e.Estimate,
                e.Opening,
                InterestBasisPoints = e.Policy.Parameters.AccountInterestBasisPoints,
                Form = ((string, int, IReadOnlyList<Money>, Money, Money)?)
                    (id, year, [.. e.Policy.Parameters.Tiers.Select(t => t.TierFen)], e.Tier, e.Subsidy),
            }
        );
    }

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
        await using var connection = await database.OpenConnectionAsync();
        var persons = await people.ReadAsync(connection, application.Lines.Select(l => l.MemberId));
        var lines = application
            .Lines.Where(l => persons.ContainsKey(l.MemberId))
            .Select(l =>
            {
                var person = persons[l.MemberId];
                var e = Estimate(
                    policy,
                    application.Year,
                    person.AgeIn(application.Year),
                    Money.Zero,
                    l.TierFen,
                    l.AmountFen
                );
                return new RosterEstimateLine(
                    l.MemberId,
                    person.MaskedName,
                    e.PensionAge,
                    e.BalanceFen,
                    e.BalanceWithoutFen,
                    e.MonthlyFen,
                    e.MonthlyFen - e.MonthlyWithoutFen
                );
            })
            .ToList();
        var average =
            lines.Count == 0
                ? Money.Zero
                : new Money(Money.Sum(lines.Select(l => l.MonthlyGainAmount)).Fen / lines.Count);
        return new RosterEstimateView(
            id,
            application.Year,
            BenefitEstimate.Formula,
            BenefitEstimate.Source,
            average,
            lines
        );
    }

    private static BenefitEstimate Estimate(
        PolicyYear policy,
        int year,
        int age,
        Money opening,
        Money tier,
        Money subsidy
    )
    {
        var known =
            policy.Parameters.Tiers.FirstOrDefault(t => t.TierFen == tier)
            ?? throw Require.Invalid("tierAmount", $"{tier} 元不是 {year} 年的缴费档次");
        return BenefitEstimate.Of(
            year,
            age,
            opening,
            new YearlyPayment(known.TierFen, known.GovernmentSubsidyFen, subsidy),
            policy.Parameters.AccountInterestBasisPoints,
            policy.PayoutMonths()
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

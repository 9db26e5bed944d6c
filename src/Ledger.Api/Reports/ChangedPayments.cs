using Ledger.Api.Storage;
using Ledger.Domain;
using Ledger.Domain.Applications;
using Ledger.Domain.Identity;
using Ledger.Domain.Members;
using Ledger.Domain.Plans;
using Ledger.Projections.Reports;
using Marten;
using Npgsql;

namespace Ledger.Api.Reports;

/// <summary>
/// Subsidies that were paid before the own payment they rest on was corrected, adjusted or refunded in part (C10, L15):
/// where the standard under which they were approved gives another amount now, somebody has to look at them. Before
/// payment such a line leaves the list by itself.
/// </summary>
public static class ChangedPayments
{
    private const string S = LedgerStore.Schema;

    // Few contributions are ever changed: they have an index. Who has none left, or paid for past years, is clawed back
    // whole.
    private static readonly string Candidates = $"""
        select distinct y.id, m.region, s ->> 'applicationId', (s ->> 'amountFen')::bigint
          from {S}.mt_events r
          join {S}.mt_doc_memberyear y on y.id = r.stream_id
          join {S}.mt_doc_member m on m.id = 'member-' || substr(y.id, 13, 32),
               jsonb_array_elements(y.data -> 'subsidies') s
         where r.type in ('contribution_reversed', 'contribution_adjusted', 'contribution_refunded')
           and m.region like @scope || '%'
           and s ->> 'status' in ('paid', 'credited')
           and not y.data @? '$.contributions[*] ? (@.kind == "catch-up" && @.amountFen > 0)'
           and exists (select from {S}.mt_events a where a.stream_id = y.id and a.version < r.version
                         and a.type = 'subsidy_approved' and a.data ->> 'applicationId' = s ->> 'applicationId')
         order by 1 limit {Commands.Scope.MaxRows}
        """;

    public const string Kind = "amount-changed";

    public static async Task<IReadOnlyList<SupervisionItem>> ListAsync(
        string scope,
        IQuerySession session,
        NpgsqlConnection connection,
        PersonalData people
    )
    {
        var paid = await connection.QueryAsync(
            Candidates,
            r => (Id: r.GetString(0), Region: r.GetString(1), Application: r.GetString(2), new Money(r.GetInt64(3))),
            ("scope", scope)
        );
        if (paid.Count == 0)
            return [];
        var years = (await session.LoadManyAsync<MemberYear>(paid.Select(p => p.Id).Distinct().ToArray())).ToDictionary(
            y => y.Id
        );
        var applications = (
            await session.LoadManyAsync<Application>(paid.Select(p => p.Application).Distinct().ToArray())
        ).ToDictionary(a => a.Id);
        var plans = (
            await session.LoadManyAsync<Plan>(applications.Values.Select(a => a.PlanId).Distinct().ToArray())
        ).ToDictionary(p => p.Id);
        var items = new List<SupervisionItem>();
        foreach (var (id, region, applicationId, amount) in paid)
        {
            var application = applications[applicationId];
            var standard = plans[application.PlanId].Versions[application.PlanVersion - 1].Standard;
            var member = StreamId.MemberOf(id);
            var ages = standard.AsksForAge()
                ? await people.AgesAsync(connection, [member], application.Year)
                : new Dictionary<string, int>();
            var subsidy = years[id].Subsidies.Last(s => s.ApplicationId == applicationId);
            if (years[id].Opening(subsidy.OnGovernmentPaid) is not { } regular)
                continue; // clawed back whole
            var facts = new LineFacts(
                regular.TierFen,
                ages.TryGetValue(member, out var age) ? age : null,
                regular.ContributionYears
            );
            var present = standard.AmountFor(facts);
            if (present != amount)
                items.Add(new(Kind, id, region, amount, 0, 0, Text(amount, present, regular.TierFen), false));
        }
        return items;
    }

    private static string Text(Money paid, Money? present, Money tier) =>
        $"付款后缴费记录有更正或调整：已付 {paid} 元，按缴费档次 {tier} 元"
        + (
            present is { } amount
                ? $"应为 {amount} 元，应由经办机构退回后重新申请"
                : "标准不适用于此人，应由经办机构退回"
        )
        + " (C10)";
}

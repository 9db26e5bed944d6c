using Ledger.Api.Collectives;
using Ledger.Api.Commands;
using Ledger.Api.Funds;
using Ledger.Api.Imports;
using Ledger.Api.Members;
using Ledger.Api.Policies;
using Ledger.Api.Profiles;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Domain;
using Ledger.Domain.Applications;
using Ledger.Domain.Applications.Steps;
using Ledger.Domain.Collectives;
using Ledger.Domain.Funds;
using Ledger.Domain.Members;
using Ledger.Domain.Plans;
using Ledger.Domain.Policies;
using Ledger.Projections.Provenance;
using Marten;
using Npgsql;

namespace Ledger.Api.Applications;

/// <summary>The transfer to the agency and its list (C17).</summary>
public static class Paying
{
    public static async Task<Answer> Payment(string id, PaymentBody body, Command command, PersonalData people)
    {
        command.EffectiveDate = Require.BusinessDate(body.EffectiveDate, "effectiveDate", command.Today);
        var order = new Pay.Order(
            body.Amount,
            body.Purpose,
            Require.DocumentNumber(body.BankReference, "bankReference", 60),
            await command.EvidenceAsync(body.Evidence, "evidence"),
            command.EffectiveDate,
            body.MemberIds,
            Require.OptionalProse(body.ConfirmDuplicate, "confirmDuplicate", 200)
        );
        var application = await command.LoadAsync<Application>(id);
        var by = await command.ActorAmongAsync(application.Handlers());
        // Those who are not asked for may be damaged: the others are paid by name.
        var (basis, fund, earlier, committeeSigns) = await PayableAsync(
            application,
            application.Approved(order.MemberIds),
            command,
            people,
            order.Evidence,
            order.BankReference
        );
        var dates = command.EffectiveDate < command.Today ? await DatesAsync(id, command) : null;
        return command.Decided(
            application,
            Pay.Decide(
                new Pay.Basis(application, fund, basis, earlier, dates, committeeSigns),
                order,
                command.Today,
                by
            )
        );
    }

    /// <summary>From the events: only what is dated back asks for it.</summary>
    public static async Task<LineDates> DatesAsync(string id, Command command) =>
        LineDates.Of(
            (await command.EventsAsync<Application>(id)).Select(e => (e.EffectiveDate(), (IEventOf<Application>)e.Data))
        );

    /// <summary>What is known now of everybody on these lines, and the fund; all of it read in bulk.</summary>
    private static async Task<(
        LineBasis Basis,
        Fund Fund,
        IReadOnlyList<EarlierEntry> Earlier,
        bool CommitteeSigns
    )> PayableAsync(
        Application application,
        IReadOnlyList<Line> lines,
        Command command,
        PersonalData people,
        IReadOnlyList<string> slips,
        string? reference
    )
    {
        var plan = (await command.ReadAsync<Plan>(application.PlanId))!;
        var collective = (await command.ReadAsync<Collective>(application.CollectiveId))!;
        // As the year's policy stands now: what it no longer opens is not paid (L14).
        var policy = await command.PolicyYearAsync(application.Region, application.Year);
        var (fund, earlier) = await command.FindFundAsync(application.FundId, Booking.Payment, slips, reference);
        var members = await command.ReadPeopleAsync<Member>(lines.Select(l => l.MemberId));
        var years = await command.FindPeopleAsync<MemberYear>(lines.Select(application.MemberYearId));
        // A later version of the plan never touches what was approved: amounts are compared with the one that was filed
        // under.
        var standard = plan.Versions[application.PlanVersion - 1].Standard;
        var ages = standard.AsksForAge()
            ? await people.AgesAsync(command.Connection, lines.Select(l => l.MemberId), application.Year)
            : new Dictionary<string, int>();
        return (
            new LineBasis(
                await Succession.LineageAsync(command.Connection, collective),
                standard,
                null,
                AgeLimits.None,
                members,
                years,
                ages,
                command.DamagedPeople,
                policy.Parameters.GovernmentPaidOpensSubsidy
            ),
            fund!,
            earlier,
            policy.Parameters.CommitteeSignsPayments
        );
    }

    /// <summary>
    /// The list that goes to the bank or the agency, in clear: kept nowhere, but that it was fetched. Whoever may not
    /// be paid any more is not on it.
    /// </summary>
    /// <param name="profile">How the agency's system takes the list in; absent: as people read it.</param>
    public static async Task<Answer> List(
        string id,
        string? profile,
        Command command,
        PersonalData people,
        Caller caller,
        IQuerySession session,
        EventWriter writer,
        IDocumentStore store
    )
    {
        var by = string.IsNullOrEmpty(profile)
            ? null
            : (await AgencyProfiles.FindAsync(session, profile, caller)).SheetOf(PaymentSheet.Form.Name);
        var application = await command.LoadAsync<Application>(id);
        if (application.NotIn(ApplicationStatus.Noticed, ApplicationStatus.Paid) is { } wrong)
            throw new RefusedException(wrong);
        var due = application.With(LineStatus.Approved).ToList();
        var (basis, fund, _, _) = await PayableAsync(application, due, command, people, [], null);
        var leftOut = LineCheck.Unpayable(application, due, basis);
        leftOut =
        [
            .. leftOut,
            .. LineCheck.Waiting(due.ExceptBy(leftOut.Select(l => l.MemberId), l => l.MemberId), basis),
        ];
        var gone = leftOut.Select(l => l.MemberId).ToHashSet();
        var lines = application
            .With(LineStatus.Approved)
            .Where(l => !gone.Contains(l.MemberId))
            .OrderBy(l => l.Row)
            .ToList();
        if (lines.Count == 0 && leftOut.Count > 0)
            throw new RefusedException(LineCheck.NobodyLeft(application, leftOut));
        var faults = LineCheck.Faults(application, leftOut);
        application = command.Append(id, application, Pay.Disclose(application, lines, command.Actor));
        var persons = await people.ReadAsync(
            command.Connection,
            lines.Select(l => l.MemberId),
            basis.Members.Values.SelectMany(m => m.Digests).DistinctBy(d => d.Key)
        );
        var splits = await new Tracing(command.Connection, store).SplitAsync(application, lines);
        var payee = (await writer.PolicyYearAsync(command.Connection, application.Region, application.Year))
            ?.Parameters
            .Payee;
        var split = splits.Values.Aggregate(default(SourceSplit), (a, b) => a + b);
        var sheet = Workbook.Write(
            Marginal(application, fund.Name, command.Actor),
            by is null
                ? ListSheet(application, lines, persons, splits)
                : PaymentSheet.By(by, Listed(application, fund.Name, lines, persons, splits, basis, command.Today)),
            SummarySheet(application, fund.Name, lines.Count, split, payee, command.Actor, command.Today)
        );
        var view = new PaymentListView(
            $"付款清单-{application.Year}.xlsx",
            lines.Count,
            split.Total,
            split.CollectiveFen,
            split.OtherFen,
            payee,
            Convert.ToBase64String(sheet),
            faults
        );
        return new Answer(view, application.Revision, Kept: view with { Content = null });
    }

    private static Workbook.Marginal Marginal(Application application, string collective, Actor by) =>
        new(
            $"{collective} {application.Year}年度居民养老保险集体补助",
            $"制单 {by.Id}　复核 {string.Join('、', application.Reviewers)}　审批 {application.Approver}"
        );

    private static IReadOnlyList<ListedPayment> Listed(
        Application application,
        string collective,
        IReadOnlyList<Line> lines,
        IReadOnlyDictionary<string, Person> persons,
        IReadOnlyDictionary<string, SourceSplit> splits,
        LineBasis basis,
        DateOnly today
    ) =>
        [
            .. lines.Select(
                (l, i) =>
                    new ListedPayment(
                        i + 1,
                        persons.GetValueOrDefault(l.MemberId)?.Name ?? MemberEndpoints.Erased,
                        persons.GetValueOrDefault(l.MemberId)?.CitizenId,
                        application.Year,
                        l,
                        splits[l.MemberId],
                        basis
                            .Years.GetValueOrDefault(application.MemberYearId(l))
                            ?.Opening(basis.GovernmentPaidOpens)
                            ?.Kind,
                        today,
                        collective
                    )
            ),
        ];

    /// <summary>No card: the money goes to the agency's account (L12).</summary>
    private static (string, IEnumerable<IEnumerable<object?>>, IReadOnlyList<Column>) ListSheet(
        Application application,
        IReadOnlyList<Line> lines,
        IReadOnlyDictionary<string, Person> persons,
        IReadOnlyDictionary<string, SourceSplit> splits
    )
    {
        Workbook.Sum Total(Func<Line, Money> of) => new(2, lines.Count + 1, Money.Sum(lines.Select(of)));
        return Workbook.List(
            "付款清单",
            [
                ("序号", 8),
                ("姓名", 14),
                ("身份证号", 24),
                ("年度", 8),
                ("缴费档次（元）", 14),
                ("补助金额（元）", 16),
                (SourceSplit.CollectiveColumn, 22),
                (SourceSplit.OtherColumn, 22),
            ],
            [
                .. lines.Select(
                    (l, i) =>
                        (object?[])
                            [
                                i + 1,
                                persons.GetValueOrDefault(l.MemberId)?.Name ?? MemberEndpoints.Erased,
                                persons.GetValueOrDefault(l.MemberId)?.CitizenId,
                                application.Year,
                                l.TierFen,
                                l.AmountFen,
                                splits[l.MemberId].CollectiveFen,
                                splits[l.MemberId].OtherFen,
                            ]
                ),
            ],
            [
                null,
                "合计",
                ChineseAmount.Of(Line.Total(lines)),
                null,
                null,
                Total(l => l.AmountFen),
                Total(l => splits[l.MemberId].CollectiveFen),
                Total(l => splits[l.MemberId].OtherFen),
            ]
        );
    }

    /// <summary>What goes onto the transfer: from whom, to which account, how much of what.</summary>
    private static (string, IEnumerable<IEnumerable<object?>>, IReadOnlyList<Column>) SummarySheet(
        Application application,
        string payer,
        int lines,
        SourceSplit split,
        PayeeAccount? payee,
        Actor by,
        DateOnly today
    ) =>
        Workbook.List(
            "汇款单",
            [("项目", 24), ("内容", 46)],
            [
                ["付款单位", payer],
                ["收款户名", payee?.Name ?? "（政策年度未填收款账户，请向经办机构确认）"],
                ["开户行", payee?.Bank],
                ["账号", payee?.Number],
                ["用途", $"{application.Year}年度居民养老保险集体补助"],
                ["人数", lines],
                ["金额合计（元）", split.Total],
                ["金额合计（大写）", ChineseAmount.Of(split.Total)],
                [SourceSplit.CollectiveColumn, split.CollectiveFen],
                [SourceSplit.OtherColumn, split.OtherFen],
                ["制单（村级财务）", by.Id],
                ["复核（经办机构）", string.Join('、', application.Reviewers)],
                ["审批（经办机构）", application.Approver],
                ["村务监督委员会", string.Join('、', application.Committee)],
                ["制表日期", $"{today:yyyy-MM-dd}"],
                ["付款单位（盖章）", ""],
            ]
        );

    private static readonly LineStatus[] Remitted = [LineStatus.Approved, LineStatus.Paid, LineStatus.Credited];

    public static async Task<RemittanceView> Remittance(
        string id,
        IDocumentStore store,
        IQuerySession session,
        EventWriter writer,
        NpgsqlDataSource database,
        Caller caller
    )
    {
        var application = await session.ScopedAsync<Application>(id, caller) ?? throw Require.NotFound(id);
        await using var connection = await database.OpenConnectionAsync();
        return await RemittanceAsync(application, connection, store, writer);
    }

    /// <summary>As the page shows it too.</summary>
    public static async Task<RemittanceView> RemittanceAsync(
        Application application,
        NpgsqlConnection connection,
        IDocumentStore store,
        EventWriter writer
    )
    {
        var lines = application.Lines.Where(l => Remitted.Contains(l.Status)).ToList();
        var splits = await new Tracing(connection, store).SplitAsync(application, lines);
        var policy = await writer.PolicyYearAsync(connection, application.Region, application.Year);
        return new RemittanceView(
            application.Id,
            policy?.Parameters.Payee,
            [
                .. lines
                    .GroupBy(l => l.Status)
                    .OrderBy(g => g.Key)
                    .Select(g =>
                    {
                        var split = g.Aggregate(default(SourceSplit), (sum, l) => sum + splits[l.MemberId]);
                        return new RemittancePart(g.Key, g.Count(), split.Total, split.CollectiveFen, split.OtherFen);
                    }),
            ]
        );
    }
}

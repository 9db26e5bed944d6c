using Ledger.Api.Collectives;
using Ledger.Api.Commands;
using Ledger.Api.Funds;
using Ledger.Api.Imports;
using Ledger.Api.Members;
using Ledger.Api.Storage;
using Ledger.Domain;
using Ledger.Domain.Applications;
using Ledger.Domain.Applications.Steps;
using Ledger.Domain.Collectives;
using Ledger.Domain.Funds;
using Ledger.Domain.Members;
using Ledger.Domain.Plans;
using Ledger.Domain.Policies;

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
        var (basis, fund, earlier) = await PayableAsync(
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
            Pay.Decide(new Pay.Basis(application, fund, basis, earlier, dates), order, command.Today, by)
        );
    }

    /// <summary>From the events: only what is dated back asks for it.</summary>
    public static async Task<LineDates> DatesAsync(string id, Command command) =>
        LineDates.Of(
            (await command.EventsAsync<Application>(id)).Select(e => (e.EffectiveDate(), (IEventOf<Application>)e.Data))
        );

    /// <summary>What is known now of everybody on these lines, and the fund; all of it read in bulk.</summary>
    private static async Task<(LineBasis Basis, Fund Fund, IReadOnlyList<EarlierEntry> Earlier)> PayableAsync(
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
                command.DamagedPeople
            ),
            fund!,
            earlier
        );
    }

    /// <summary>
    /// The list that goes to the bank or the agency, in clear: kept nowhere, but that it was fetched. Whoever may not
    /// be paid any more is not on it.
    /// </summary>
    public static async Task<Answer> List(string id, Command command, PersonalData people)
    {
        var application = await command.LoadAsync<Application>(id);
        if (application.NotIn(ApplicationStatus.Noticed, ApplicationStatus.Paid) is { } wrong)
            throw new RefusedException(wrong);
        var due = application.With(LineStatus.Approved).ToList();
        var (basis, _, _) = await PayableAsync(application, due, command, people, [], null);
        var leftOut = LineCheck.Unpayable(application, due, basis);
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
        // The card that this village handed in, not another one's.
        var records = basis.Members.Values.ToDictionary(
            m => m.Id,
            m => basis.Lineage.Members.Select(m.RecordOf).FirstOrDefault(r => r is not null)
        );
        var persons = await people.ReadAsync(
            command.Connection,
            lines.Select(l => l.MemberId).Concat(records.Values.OfType<string>()),
            basis.Members.Values.SelectMany(m => m.Digests).DistinctBy(d => d.Key)
        );
        string Card(string memberId) =>
            records.GetValueOrDefault(memberId) is { } record ? persons.GetValueOrDefault(record)?.BankCard ?? "" : "";
        var total = Money.Sum(lines.Select(l => l.AmountFen));
        var sheet = Workbook.Write(
            Workbook.List(
                "付款清单",
                [("序号", 8), ("姓名", 14), ("身份证号", 24), ("银行卡号", 26), ("补助金额（元）", 16)],
                [
                    .. lines.Select(
                        (l, i) =>
                            persons.TryGetValue(l.MemberId, out var p)
                                ? (object?[])[i + 1, p.Name, p.CitizenId, Card(l.MemberId), l.AmountFen]
                                : [i + 1, MemberEndpoints.Erased, null, null, l.AmountFen]
                    ),
                ],
                [null, "合计", ChineseAmount.Of(total), null, new Workbook.Sum(2, lines.Count + 1, total)]
            )
        );
        var view = new PaymentListView(
            $"付款清单-{application.Year}.xlsx",
            lines.Count,
            total,
            Convert.ToBase64String(sheet),
            faults
        );
        return new Answer(view, application.Revision, Kept: view with { Content = null });
    }
}

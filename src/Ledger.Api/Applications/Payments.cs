using System.Security.Cryptography;
using Ledger.Api.Collectives;
using Ledger.Api.Commands;
using Ledger.Api.Imports;
using Ledger.Api.Storage;
using Ledger.Domain;
using Ledger.Domain.Applications;
using Ledger.Domain.Collectives;
using Ledger.Domain.Funds;
using Ledger.Domain.Identity;
using Ledger.Domain.Members;
using Ledger.Domain.Pilots;
using Ledger.Domain.Plans;
using Ledger.Domain.Policies;
using Ledger.Projections.AuditTrail;

namespace Ledger.Api.Applications;

/// <summary>The steps that move money: each touches application, fund and member-years in one transaction.</summary>
public static class Payments
{
    public static async Task<Answer> Approve(string id, Command command, PersonalData people)
    {
        var application = await command.LoadAsync<Application>(id);
        var plan = (await command.ReadAsync<Plan>(application.PlanId))!;
        var collective = (await command.ReadAsync<Collective>(application.CollectiveId))!;
        var pilot = await command.ReadAsync<Pilot>(StreamId.Pilot(RegionCode.County(application.Region)));
        var policy = await command.PolicyYearAsync(application.Region, application.Year);
        var fund = (await command.FindAsync<Fund>(application.FundId))!;
        var lines = application.With(LineStatus.Accepted).ToList();
        var members = await command.ReadManyAsync<Member>(lines.Select(l => l.MemberId));
        var years = await command.FindManyAsync<MemberYear>(lines.Select(application.MemberYearId));
        var basis = new LineBasis(
            await Succession.LineageAsync(command.Connection, collective),
            plan.Adopted()!.Standard,
            fund.Pocket(application.SubAccount).Earmark,
            policy.AgeLimits(),
            members,
            years,
            await people.AgesAsync(command.Connection, lines.Select(l => l.MemberId), application.Year)
        );

        var (events, rejection) = Approval.Decide(
            application,
            collective,
            fund,
            pilot,
            basis,
            policy.HighestTierFen,
            await command.ActorAmongAsync(application.Handlers())
        );
        if (events is null)
            throw new RefusedException(rejection!);
        var leftOut = LineCheck.Faults(application, events.LeftOut);
        application = command.Append(id, application, events.Application.ToArray());
        command.Append(fund.Id, fund, new[] { events.Fund });
        foreach (var (memberYearId, e) in events.Members)
            command.Append(memberYearId, years[memberYearId], new IEventOf<MemberYear>[] { e });
        return new Answer(ApplicationView.Of(application) with { LeftOut = leftOut }, application.Revision);
    }

    public static async Task<Answer> AnswerObjection(
        string id,
        string objectionId,
        ObjectionAnswerBody body,
        Command command
    )
    {
        var answer = Require.Prose(body.Answer, "answer", 500);
        var before = await command.LoadAsync<Application>(id);
        var raisedBy = await Objecting.RaisedByAsync(command, id, [objectionId]);
        var after = command.Append(
            id,
            before,
            ApplicationDecider.ResolveObjection(
                before,
                objectionId,
                new ObjectionAnswer(
                    body.Upheld,
                    answer,
                    string.IsNullOrWhiteSpace(body.MemberId) ? null : body.MemberId,
                    body.WholeList,
                    body.CorrectedAmount
                ),
                raisedBy.GetValueOrDefault(objectionId),
                await command.ActorAmongAsync([raisedBy.GetValueOrDefault(objectionId), .. before.Filers])
            )
        );
        // Upheld: the line leaves the list, its money goes back to where it came from, the cap is given back.
        var released = Moved(before, after, LineStatus.Approved);
        await ReleaseAsync(before, after, answer, command);
        await Objecting.ForgetAsync(command, after);
        return new Answer(
            ApplicationView.Of(after) with
            {
                Outcome = Objecting.Outcome(after, body, released),
            },
            after.Revision
        );
    }

    /// <summary>The money of the lines that this command released goes back to the fund, and their cap to the member-years.</summary>
    private static async Task ReleaseAsync(Application before, Application after, string reason, Command command)
    {
        var released = Moved(before, after, LineStatus.Approved);
        if (released.Count == 0)
            return;
        var fund = (await command.FindAsync<Fund>(before.FundId))!;
        command.Append(fund.Id, fund, FundDecider.Release(fund, before.Id, released.Select(l => l.Fen!.Value), reason));
        await EachAsync(before, released, command, line => new SubsidyReleased(before.Id, line.AmountFen, reason));
    }

    public static async Task<Answer> WithdrawLines(string id, WithdrawalBody body, Command command)
    {
        var reason = Require.Prose(body.Reason, "reason", 500);
        var before = await command.LoadAsync<Application>(id);
        var after = command.Append(
            id,
            before,
            WayBack.WithdrawLines(before, body.MemberIds ?? [], reason, command.Actor)
        );
        await ReleaseAsync(before, after, reason, command);
        await Objecting.ForgetAsync(command, after);
        return new Answer(ApplicationView.Of(after), after.Revision);
    }

    public static async Task<Answer> Withdraw(string id, ReasonBody body, Command command)
    {
        var reason = Require.Prose(body.Reason, "reason", 500);
        var before = await command.LoadAsync<Application>(id);
        var after = command.Append(id, before, WayBack.Withdraw(before, reason, command.Actor));
        await ReleaseAsync(before, after, reason, command);
        await Objecting.ForgetAsync(command, after);
        return new Answer(ApplicationView.Of(after), after.Revision);
    }

    public static async Task<Answer> Pay(string id, PaymentBody body, Command command, PersonalData people)
    {
        command.EffectiveDate = Require.BusinessDate(body.EffectiveDate, "effectiveDate", command.Today);
        var (reference, confirmed) = (
            Require.DocumentNumber(body.BankReference, "bankReference", 60),
            Require.OptionalProse(body.ConfirmDuplicate, "confirmDuplicate", 200)
        );
        var evidence = await command.EvidenceAsync(body.Evidence, "evidence");
        var before = await command.LoadAsync<Application>(id);
        var by = await command.ActorAmongAsync(before.Handlers());
        Decision<Application> Decide(Application a, IReadOnlyList<string>? ids) =>
            ApplicationDecider.Pay(a, ids, reference, evidence, command.Today, by);
        // What stops the payment comes before a look at each person.
        if (Decide(before, body.MemberIds).Rejection is { } refusal)
            throw new RefusedException(refusal);
        var (basis, fund, earlier) = await PayableAsync(before, command, people, evidence, reference);
        var wanted = body.MemberIds?.ToHashSet();
        var due = before.With(LineStatus.Approved).Where(l => wanted?.Contains(l.MemberId) != false).ToList();
        var leftOut = LineCheck.Unpayable(before, due, basis);
        if (leftOut.Count == due.Count)
            throw new RefusedException(LineCheck.NobodyLeft(before, leftOut));
        var gone = leftOut.ToDictionary(l => l.MemberId);
        var faults = LineCheck.Faults(before, leftOut);

        // Their money goes back to the fund before the others' leaves it.
        var sorted = command.Append(id, before, LineCheck.LeaveOut(before, leftOut, by).ToArray());
        if (gone.Count > 0)
        {
            var released = due.Where(l => gone.ContainsKey(l.MemberId)).ToList();
            fund = command.Append(
                fund.Id,
                fund,
                FundDecider.Release(fund, id, released.Select(l => l.Fen!.Value), $"付款时 {gone.Count} 人不再符合条件")
            );
            Each(
                before,
                released,
                basis.Years,
                command,
                line => new SubsidyReleased(id, line.AmountFen, gone[line.MemberId].Reason)
            );
        }
        var after = command.Append(
            id,
            sorted,
            Decide(sorted, body.MemberIds is { } ids ? [.. ids.Where(m => !gone.ContainsKey(m))] : null)
        );
        var lines = Moved(sorted, after, LineStatus.Approved);
        if (
            command.EffectiveDate < command.Today
            && (await DatesAsync(id, command)).Payment(before, lines, command.EffectiveDate) is { } early
        )
            throw new RefusedException(early);
        var amount = Money.Sum(lines.Select(l => l.AmountFen));
        var paid = FundDecider.Pay(
            fund,
            id,
            body.Purpose,
            body.Amount,
            amount,
            lines.Count,
            reference,
            evidence,
            command.EffectiveDate
        );
        // Whoever paid out everything is told whom he should not have paid.
        if (paid.Rejection is { } mismatch)
            throw new RefusedException(mismatch with { Faults = faults });
        command.Append(fund.Id, fund, paid);
        command.RequireNoDuplicate(SameMoney.Among(earlier, fund, Booking.Payment, [], []), confirmed);
        Each(before, lines, basis.Years, command, line => new SubsidyPaid(id, line.AmountFen));
        return new Answer(ApplicationView.Of(after) with { LeftOut = faults }, after.Revision);
    }

    /// <summary>What is known now of everybody whose line is approved and unpaid, and the fund; all of it read in bulk.</summary>
    private static async Task<(LineBasis Basis, Fund Fund, IReadOnlyList<EarlierEntry> Earlier)> PayableAsync(
        Application application,
        Command command,
        PersonalData people,
        IReadOnlyList<string> slips,
        string? reference
    )
    {
        var lines = application.With(LineStatus.Approved).ToList();
        var plan = (await command.ReadAsync<Plan>(application.PlanId))!;
        var collective = (await command.ReadAsync<Collective>(application.CollectiveId))!;
        var (fund, earlier) = await command.FindFundAsync(application.FundId, Booking.Payment, slips, reference);
        var members = await command.ReadManyAsync<Member>(lines.Select(l => l.MemberId));
        var years = await command.FindManyAsync<MemberYear>(lines.Select(application.MemberYearId));
        // A later version of the plan never touches what was approved: amounts are compared with the one that was filed under.
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
                ages
            ),
            fund!,
            earlier
        );
    }

    /// <summary>The list that goes to the bank or the agency, in clear: kept nowhere, but that it was fetched. Whoever may not be paid any more is not on it.</summary>
    public static async Task<Answer> PaymentList(string id, Command command, PersonalData people)
    {
        var application = await command.LoadAsync<Application>(id);
        if (ApplicationDecider.NotIn(application, ApplicationStatus.Noticed, ApplicationStatus.Paid) is { } wrong)
            throw new RefusedException(wrong);
        var (basis, _, _) = await PayableAsync(application, command, people, [], null);
        var leftOut = LineCheck.Unpayable(application, application.With(LineStatus.Approved), basis);
        var gone = leftOut.Select(l => l.MemberId).ToHashSet();
        var lines = application
            .With(LineStatus.Approved)
            .Where(l => !gone.Contains(l.MemberId))
            .OrderBy(l => l.Row)
            .ToList();
        if (lines.Count == 0 && leftOut.Count > 0)
            throw new RefusedException(LineCheck.NobodyLeft(application, leftOut));
        var faults = LineCheck.Faults(application, leftOut);
        application = command.Append(
            id,
            application,
            ApplicationDecider.DisclosePaymentList(application, lines, command.Actor)
        );
        // The card that this village handed in, not another one's.
        var records = basis.Members.Values.ToDictionary(
            m => m.Id,
            m => basis.Lineage.Members.Select(m.RecordOf).FirstOrDefault(r => r is not null)
        );
        var persons = await people.ReadAsync(
            command.Connection,
            lines.Select(l => l.MemberId).Concat(records.Values.OfType<string>())
        );
        string Card(string memberId) =>
            records.GetValueOrDefault(memberId) is { } record ? persons.GetValueOrDefault(record)?.BankCard ?? "" : "";
        (string Heading, int Width)[] headings =
        [
            ("序号", 8),
            ("姓名", 14),
            ("身份证号", 24),
            ("银行卡号", 26),
            ("补助金额（元）", 16),
        ];
        Column[] columns = [.. headings.Select(h => new Column(h.Heading, false, "", "", h.Width))];
        var rows = lines.Select(
            (l, i) =>
                persons.TryGetValue(l.MemberId, out var p)
                    ? (IEnumerable<string>)[$"{i + 1}", p.Name, p.CitizenId, Card(l.MemberId), $"{l.AmountFen}"]
                    : [$"{i + 1}", Members.MemberEndpoints.Erased, "", "", $"{l.AmountFen}"]
        );
        var total = Money.Sum(lines.Select(l => l.AmountFen));
        var sheet = Workbook.Write(
            (
                "付款清单",
                rows.Prepend(columns.Select(c => c.Heading))
                    .Append(["", "合计", ChineseAmount.Of(total), "", $"{total}"]),
                columns
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

    public static async Task<Answer> ReturnPayment(string id, BankReturnBody body, Command command)
    {
        var (reference, reason) = (
            Require.DocumentNumber(body.BankReference, "bankReference", 60),
            Require.Prose(body.Reason, "reason", 500)
        );
        var confirmed = Require.OptionalProse(body.ConfirmDuplicate, "confirmDuplicate", 200);
        var evidence = await command.EvidenceAsync(body.Evidence, "evidence");
        var before = await command.LoadAsync<Application>(id);
        var after = command.Append(
            id,
            before,
            WayBack.ReturnPayment(before, body.MemberIds ?? [], reference, reason, evidence, command.Actor)
        );
        var (known, earlier) = await command.FindFundAsync(before.FundId, Booking.BankReturn, evidence, reference);
        var fund = known!;
        var lines = Moved(before, after, LineStatus.Paid);
        var members = lines.Select(l => l.MemberId).ToHashSet();
        var sameReference = earlier.Any(e => e.Type == SameMoney.Returned && e.Id == id)
            ? await ReturnedAsync(id, reference, command)
            : [];
        command.RequireNoDuplicate(
            SameMoney.Among(earlier, fund, Booking.BankReturn, members, sameReference),
            confirmed
        );
        command.Append(
            fund.Id,
            fund,
            FundDecider.ReturnPayment(
                fund,
                id,
                Money.Sum(lines.Select(l => l.AmountFen)),
                lines.Count,
                reference,
                evidence
            )
        );
        await EachAsync(before, lines, command, line => new SubsidyReturned(id, line.AmountFen));
        return new Answer(ApplicationView.Of(after), after.Revision);
    }

    /// <summary>Whom an earlier bank return of this application with this reference named.</summary>
    private static async Task<HashSet<string>> ReturnedAsync(string id, string reference, Command command) =>
        [
            .. (await command.EventsAsync(id))
                .Select(e => e.Data)
                .OfType<PaymentReturned>()
                .Where(r => DocumentNumber.IsSame(r.BankReference, reference))
                .SelectMany(r => r.MemberIds),
        ];

    public static async Task<Answer> Refund(string id, RefundBody body, Command command)
    {
        command.EffectiveDate = Require.BusinessDate(body.EffectiveDate, "effectiveDate", command.Today);
        var (reference, confirmed) = (
            Require.DocumentNumber(body.BankReference, "bankReference", 60),
            Require.OptionalProse(body.ConfirmDuplicate, "confirmDuplicate", 200)
        );
        var evidence = await command.EvidenceAsync(body.Evidence, "evidence");
        var before = await command.LoadAsync<Application>(id);
        var after = command.Append(
            id,
            before,
            WayBack.Refund(before, body.MemberId, body.Reason, reference, evidence, command.Actor)
        );
        var line = before.Lines.Single(l => l.MemberId == body.MemberId);
        if (
            command.EffectiveDate < command.Today
            && (await DatesAsync(id, command)).Refund(line, command.EffectiveDate) is { } early
        )
            throw new RefusedException(early);
        var (known, earlier) = await command.FindFundAsync(before.FundId, Booking.Refund, evidence, reference);
        var fund = known!;
        command.RequireNoDuplicate(SameMoney.Among(earlier, fund, Booking.Refund, [line.MemberId], []), confirmed);
        command.Append(
            fund.Id,
            fund,
            FundDecider.Refund(
                fund,
                id,
                line.MemberId,
                line.Fen!.Value,
                line.Status == LineStatus.Credited,
                reference,
                evidence,
                command.EffectiveDate
            )
        );
        await EachAsync(before, [line], command, l => new SubsidyRefunded(id, l.AmountFen, body.Reason));
        return new Answer(ApplicationView.Of(after), after.Revision);
    }

    /// <summary>From the events: only what is dated back asks for it.</summary>
    private static async Task<LineDates> DatesAsync(string id, Command command) =>
        LineDates.Of((await command.EventsAsync(id)).Select(e => (e.EffectiveDate(), (IEventOf<Application>)e.Data)));

    /// <summary>The lines that this command took out of a status.</summary>
    private static List<Line> Moved(Application before, Application after, LineStatus status)
    {
        var stay = after.With(status).Select(l => l.MemberId).ToHashSet();
        return [.. before.With(status).Where(l => !stay.Contains(l.MemberId))];
    }

    public static async Task<Answer> ImportReceipts(
        string id,
        IFormFile file,
        bool? partial,
        Command command,
        PersonalData people
    )
    {
        var application = await command.LoadAsync<Application>(id);
        if (ApplicationDecider.NotIn(application, ApplicationStatus.Paid) is { } wrong)
            throw new RefusedException(wrong);
        var table = Table.Read(file, Sheets.Receipts);
        var faults = new List<Fault>();
        var read = new List<(string Name, CitizenId Id, ReceiptRow Row)>();
        foreach (var row in table.Rows)
        {
            var reader = new RowReader(table, row, faults, Rejections.ReceiptMismatch);
            var (name, citizen) = (reader.Name(), reader.CitizenId());
            var receipt = new ReceiptRow(
                row.Number,
                null,
                reader.Amount(Receipt.AmountColumn),
                reader.Date(Sheets.CreditedOn, command.Today),
                reader.Reference(Sheets.ReceiptNumber, 40)
            );
            if (reader.IsSound)
                read.Add((name, citizen, receipt));
        }
        // Of whom the application does not name nothing is said but that.
        var listed = application.Lines.Select(l => l.MemberId).ToHashSet();
        var ids = (await people.FindAsync(command.Connection, read.Select(r => r.Id)))
            .Where(f => listed.Contains(f.Value))
            .ToDictionary();
        var persons = await people.ReadAsync(command.Connection, ids.Values);
        foreach (var (name, citizen, row) in read)
            if (
                ids.TryGetValue(citizen, out var memberId)
                && persons.TryGetValue(memberId, out var person)
                && !PersonName.IsSame(person.Name, name)
            )
                faults.Add(
                    new Fault(
                        Rejections.ReceiptMismatch.Code,
                        "姓名与成员登记不一致",
                        Row: row.Row,
                        Column: Roster.NameColumn,
                        MemberId: memberId
                    )
                );
        var faulty = faults.Select(f => f.Row).ToHashSet();
        var (matches, mismatches) = Receipt.Match(
            application,
            [
                .. read.Where(r => !faulty.Contains(r.Row.Row))
                    .Select(r => r.Row with { MemberId = ids.GetValueOrDefault(r.Id) }),
            ],
            read.Any(r => r.Row.CreditedOn < command.Today) ? await DatesAsync(id, command) : null
        );
        faults.AddRange(mismatches);
        faults.Sort((a, b) => a.Row!.Value.CompareTo(b.Row!.Value));
        Uploads.RefuseFaults(faults, partial, table, Rejections.ReceiptMismatch);
        if (matches.Count == 0)
            throw new RefusedException(
                new Rejection(Rejections.ReceiptMismatch, "没有一行与付款名单相符") { Faults = faults }
            );

        await using var content = file.OpenReadStream();
        var digest = Convert.ToHexStringLower(await SHA256.HashDataAsync(content));
        var amounts = read.ToDictionary(r => r.Row.Row, r => r.Row.AmountFen);
        var unmatched = faults
            .GroupBy(f => f.Row!.Value)
            .Select(g => new UnmatchedReceipt(
                g.Key,
                amounts.TryGetValue(g.Key, out var a) ? a : null,
                string.Join("；", g.Select(f => f.Message))
            ))
            .ToList();
        application = command.Append(
            id,
            application,
            Receipt.Confirm(
                application,
                digest,
                matches,
                unmatched,
                await command.ActorAmongAsync(application.Handlers())
            )
        );
        var fund = (await command.FindAsync<Fund>(application.FundId))!;
        var credited = Money.Sum(matches.Select(m => m.Line.AmountFen));
        command.Append(fund.Id, fund, FundDecider.Credit(fund, id, credited, matches.Count));
        var byMember = matches.ToDictionary(m => m.Line.MemberId, m => m.Row);
        await EachAsync(
            application,
            [.. matches.Select(m => m.Line)],
            command,
            line => new SubsidyCredited(
                id,
                line.AmountFen,
                byMember[line.MemberId].CreditedOn,
                byMember[line.MemberId].ReceiptNumber
            )
        );
        return new Answer(
            new ReceiptView(
                ApplicationView.Of(application),
                matches.Count,
                credited,
                unmatched.Count,
                faults,
                table.Notes
            ),
            application.Revision
        );
    }

    /// <summary>One event for the member-year of each line.</summary>
    private static async Task EachAsync(
        Application application,
        IReadOnlyList<Line> lines,
        Command command,
        Func<Line, IEventOf<MemberYear>> make
    )
    {
        Each(
            application,
            lines,
            await command.FindManyAsync<MemberYear>(lines.Select(application.MemberYearId)),
            command,
            make
        );
    }

    /// <summary>The same, of member-years that are locked already.</summary>
    private static void Each(
        Application application,
        IReadOnlyList<Line> lines,
        IReadOnlyDictionary<string, MemberYear> years,
        Command command,
        Func<Line, IEventOf<MemberYear>> make
    )
    {
        foreach (var line in lines)
        {
            var id = application.MemberYearId(line);
            command.Append(id, years[id], new[] { make(line) });
        }
    }
}

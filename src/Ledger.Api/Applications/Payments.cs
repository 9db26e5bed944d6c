using System.Security.Cryptography;
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

namespace Ledger.Api.Applications;

/// <summary>The steps that move money: each touches application, fund and member-years in one transaction.</summary>
public static class Payments
{
    public static async Task<Answer> Approve(string id, Command command)
    {
        var application = await command.LoadAsync<Application>(id);
        var collective = (await command.ReadAsync<Collective>(application.CollectiveId))!;
        var pilot = await command.ReadAsync<Pilot>(StreamId.Pilot(RegionCode.County(application.Region)));
        var policy = await command.PolicyYearAsync(application.Region, application.Year);
        var fund = (await command.FindAsync<Fund>(application.FundId))!;
        var lines = application.With(LineStatus.Accepted).ToList();
        var members = await command.ReadManyAsync<Member>(lines.Select(l => l.MemberId));
        var years = await command.FindManyAsync<MemberYear>(lines.Select(application.MemberYearId));

        var (events, rejection) = Approval.Decide(application, collective, fund, pilot, members, years, policy.HighestTierFen,
            await command.ActorAmongAsync(application.Handlers()));
        if (events is null) throw new RefusedException(rejection!);
        application = command.Append(id, application, new[] { events.Application });
        command.Append(fund.Id, fund, new[] { events.Fund });
        foreach (var (memberYearId, e) in events.Members) command.Append(memberYearId, years[memberYearId], new IEventOf<MemberYear>[] { e });
        return new Answer(ApplicationView.Of(application), application.Revision);
    }

    public static async Task<Answer> AnswerObjection(string id, string objectionId, ObjectionAnswerBody body, Command command)
    {
        var answer = Require.Prose(body.Answer, "answer", 500);
        var before = await command.LoadAsync<Application>(id);
        var after = command.Append(id, before, ApplicationDecider.ResolveObjection(before, objectionId, body.Upheld, answer, command.Actor));
        // Upheld against a member: the line leaves the list, its money goes back to where it came from, the cap is given back.
        await ReleaseAsync(before, after, answer, command);
        return new Answer(ApplicationView.Of(after), after.Revision);
    }

    /// <summary>The money of the lines that this command released goes back to the fund, and their cap to the member-years.</summary>
    private static async Task ReleaseAsync(Application before, Application after, string reason, Command command)
    {
        var released = Moved(before, after, LineStatus.Approved);
        if (released.Count == 0) return;
        var fund = (await command.FindAsync<Fund>(before.FundId))!;
        command.Append(fund.Id, fund, FundDecider.Release(fund, before.Id, released.Select(l => l.Fen!.Value), reason));
        await EachAsync(before, released, command, line => new SubsidyReleased(before.Id, line.AmountFen, reason));
    }

    public static async Task<Answer> WithdrawLines(string id, WithdrawalBody body, Command command)
    {
        var reason = Require.Prose(body.Reason, "reason", 500);
        var before = await command.LoadAsync<Application>(id);
        var after = command.Append(id, before, WayBack.WithdrawLines(before, body.MemberIds ?? [], reason, command.Actor));
        await ReleaseAsync(before, after, reason, command);
        return new Answer(ApplicationView.Of(after), after.Revision);
    }

    public static async Task<Answer> Withdraw(string id, ReasonBody body, Command command)
    {
        var reason = Require.Prose(body.Reason, "reason", 500);
        var before = await command.LoadAsync<Application>(id);
        var after = command.Append(id, before, WayBack.Withdraw(before, reason, command.Actor));
        await ReleaseAsync(before, after, reason, command);
        return new Answer(ApplicationView.Of(after), after.Revision);
    }

    public static async Task<Answer> Pay(string id, PaymentBody body, Command command)
    {
        command.EffectiveDate = Require.BusinessDate(body.EffectiveDate, "effectiveDate", command.Today);
        var reference = Require.Text(body.BankReference, "bankReference", 60);
        var evidence = await command.EvidenceAsync(body.Evidence, "evidence");
        var before = await command.LoadAsync<Application>(id);
        var after = command.Append(id, before, ApplicationDecider.Pay(before, body.MemberIds, reference, evidence, command.Today,
            await command.ActorAmongAsync(before.Handlers())));
        var fund = (await command.FindAsync<Fund>(before.FundId))!;
        var lines = Moved(before, after, LineStatus.Approved);
        var due = Money.Sum(lines.Select(l => l.AmountFen));
        command.Append(fund.Id, fund, FundDecider.Pay(fund, id, body.Purpose, body.Amount, due, lines.Count, reference, evidence, command.EffectiveDate));
        await EachAsync(before, lines, command, line => new SubsidyPaid(id, line.AmountFen));
        return new Answer(ApplicationView.Of(after), after.Revision);
    }

    /// <summary>The list that goes to the bank or the agency, in clear: kept nowhere, but that it was fetched.</summary>
    public static async Task<Answer> PaymentList(string id, Command command, PersonalData people)
    {
        var application = await command.LoadAsync<Application>(id);
        var lines = application.With(LineStatus.Approved).OrderBy(l => l.Row).ToList();
        application = command.Append(id, application, ApplicationDecider.DisclosePaymentList(application, command.Actor));
        var persons = await people.ReadAsync(command.Connection, lines.Select(l => l.MemberId));
        (string Heading, int Width)[] headings = [("序号", 8), ("姓名", 14), ("身份证号", 24), ("银行卡号", 26), ("补助金额（元）", 16)];
        Column[] columns = [.. headings.Select(h => new Column(h.Heading, false, "", "", h.Width))];
        var rows = lines.Select((l, i) => persons.TryGetValue(l.MemberId, out var p)
            ? (IEnumerable<string>)[$"{i + 1}", p.Name, p.CitizenId, p.BankCard ?? "", $"{l.AmountFen}"] : [$"{i + 1}", Members.MemberEndpoints.Erased, "", "", $"{l.AmountFen}"]);
        var total = Money.Sum(lines.Select(l => l.AmountFen));
        var sheet = Workbook.Write(("付款清单", rows.Prepend(columns.Select(c => c.Heading)).Append(["", "合计", ChineseAmount.Of(total), "", $"{total}"]), columns));
        var view = new PaymentListView($"付款清单-{application.Year}.xlsx", lines.Count, total, Convert.ToBase64String(sheet));
        return new Answer(view, application.Revision, Kept: view with { Content = null });
    }

    public static async Task<Answer> ReturnPayment(string id, BankReturnBody body, Command command)
    {
        var (reference, reason) = (Require.Text(body.BankReference, "bankReference", 60), Require.Prose(body.Reason, "reason", 500));
        var evidence = await command.EvidenceAsync(body.Evidence, "evidence");
        var before = await command.LoadAsync<Application>(id);
        var after = command.Append(id, before, WayBack.ReturnPayment(before, body.MemberIds ?? [], reference, reason, evidence, command.Actor));
        var fund = (await command.FindAsync<Fund>(before.FundId))!;
        var lines = Moved(before, after, LineStatus.Paid);
        command.Append(fund.Id, fund, FundDecider.ReturnPayment(fund, id, Money.Sum(lines.Select(l => l.AmountFen)), lines.Count, reference, evidence));
        await EachAsync(before, lines, command, line => new SubsidyReturned(id, line.AmountFen));
        return new Answer(ApplicationView.Of(after), after.Revision);
    }

    public static async Task<Answer> Refund(string id, RefundBody body, Command command)
    {
        command.EffectiveDate = Require.BusinessDate(body.EffectiveDate, "effectiveDate", command.Today);
        var reference = Require.Text(body.BankReference, "bankReference", 60);
        var evidence = await command.EvidenceAsync(body.Evidence, "evidence");
        var before = await command.LoadAsync<Application>(id);
        var after = command.Append(id, before, WayBack.Refund(before, body.MemberId, body.Reason, reference, evidence, command.Actor));
        var line = before.Lines.Single(l => l.MemberId == body.MemberId);
        var fund = (await command.FindAsync<Fund>(before.FundId))!;
        command.Append(fund.Id, fund, FundDecider.Refund(fund, id, line.MemberId, line.Fen!.Value, line.Status == LineStatus.Credited, reference, evidence,
            command.EffectiveDate));
        await EachAsync(before, [line], command, l => new SubsidyRefunded(id, l.AmountFen, body.Reason));
        return new Answer(ApplicationView.Of(after), after.Revision);
    }

    /// <summary>The lines that this command took out of a status.</summary>
    private static List<Line> Moved(Application before, Application after, LineStatus status)
    {
        var stay = after.With(status).Select(l => l.MemberId).ToHashSet();
        return [.. before.With(status).Where(l => !stay.Contains(l.MemberId))];
    }

    public static async Task<Answer> ImportReceipts(string id, IFormFile file, bool? partial, Command command, PersonalData people)
    {
        var application = await command.LoadAsync<Application>(id);
        if (ApplicationDecider.NotIn(application, ApplicationStatus.Paid) is { } wrong) throw new RefusedException(wrong);
        var table = Table.Read(file, Sheets.Receipts);
        var faults = new List<Fault>();
        var read = new List<(string Name, CitizenId Id, ReceiptRow Row)>();
        foreach (var row in table.Rows)
        {
            var reader = new RowReader(table, row, faults, Rejections.ReceiptMismatch);
            var (name, citizen) = (reader.Text(Roster.NameColumn, 50), reader.CitizenId());
            var receipt = new ReceiptRow(row.Number, null, reader.Amount(Receipt.AmountColumn), reader.Date(Sheets.CreditedOn, command.Today),
                reader.Text(Sheets.ReceiptNumber, 40));
            if (reader.IsSound) read.Add((name, citizen, receipt));
        }
        var ids = await people.FindAsync(command.Connection, read.Select(r => r.Id));
        var persons = await people.ReadAsync(command.Connection, ids.Values);
        foreach (var (name, citizen, row) in read)
            if (ids.TryGetValue(citizen, out var memberId) && persons.TryGetValue(memberId, out var person) && person.Name != name)
                faults.Add(new Fault(Rejections.ReceiptMismatch.Code, "姓名与成员登记不一致", Row: row.Row, Column: Roster.NameColumn, MemberId: memberId));
        var faulty = faults.Select(f => f.Row).ToHashSet();
        var (matches, mismatches) = Receipt.Match(application,
            [.. read.Where(r => !faulty.Contains(r.Row.Row)).Select(r => r.Row with { MemberId = ids.GetValueOrDefault(r.Id) })]);
        faults.AddRange(mismatches);
        faults.Sort((a, b) => a.Row!.Value.CompareTo(b.Row!.Value));
        Uploads.RefuseFaults(faults, partial, Sheets.Receipts, Rejections.ReceiptMismatch);
        if (matches.Count == 0) throw new RefusedException(new Rejection(Rejections.ReceiptMismatch, "没有一行与付款名单相符") { Faults = faults });

        await using var content = file.OpenReadStream();
        var digest = Convert.ToHexStringLower(await SHA256.HashDataAsync(content));
        var amounts = read.ToDictionary(r => r.Row.Row, r => r.Row.AmountFen);
        var unmatched = faults.GroupBy(f => f.Row!.Value)
            .Select(g => new UnmatchedReceipt(g.Key, amounts.TryGetValue(g.Key, out var a) ? a : null, string.Join("；", g.Select(f => f.Message)))).ToList();
        application = command.Append(id, application, Receipt.Confirm(application, digest, matches, unmatched, await command.ActorAmongAsync(application.Handlers())));
        var fund = (await command.FindAsync<Fund>(application.FundId))!;
        var credited = Money.Sum(matches.Select(m => m.Line.AmountFen));
        command.Append(fund.Id, fund, FundDecider.Credit(fund, id, credited, matches.Count));
        var byMember = matches.ToDictionary(m => m.Line.MemberId, m => m.Row);
        await EachAsync(application, [.. matches.Select(m => m.Line)], command,
            line => new SubsidyCredited(id, line.AmountFen, byMember[line.MemberId].CreditedOn, byMember[line.MemberId].ReceiptNumber));
        return new Answer(new ReceiptView(ApplicationView.Of(application), matches.Count, credited, unmatched.Count, faults), application.Revision);
    }

    /// <summary>One event for the member-year of each line.</summary>
    private static async Task EachAsync(Application application, IReadOnlyList<Line> lines, Command command, Func<Line, IEventOf<MemberYear>> make)
    {
        var years = await command.FindManyAsync<MemberYear>(lines.Select(application.MemberYearId));
        foreach (var line in lines)
        {
            var id = application.MemberYearId(line);
            command.Append(id, years[id], new[] { make(line) });
        }
    }
}

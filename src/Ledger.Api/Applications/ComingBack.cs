using Ledger.Api.Commands;
using Ledger.Api.Funds;
using Ledger.Domain;
using Ledger.Domain.Applications;
using Ledger.Domain.Applications.Steps;
using Ledger.Domain.Funds;
using Ledger.Domain.Members;

namespace Ledger.Api.Applications;

/// <summary>Money that was paid comes back: from the bank, or from the agency (C5, C17).</summary>
public static class ComingBack
{
    public static async Task<Answer> FromBank(string id, BankReturnBody body, Command command)
    {
        var reference = Require.DocumentNumber(body.BankReference, "bankReference", 60);
        var reason = Require.Prose(body.Reason, "reason", 500);
        var confirmed = Require.OptionalProse(body.ConfirmDuplicate, "confirmDuplicate", 200);
        var evidence = await command.EvidenceAsync(body.Evidence, "evidence");
        var application = await command.LoadAsync<Application>(id);
        var (fund, earlier) = await command.FindFundAsync(application.FundId, Booking.BankReturn, evidence, reference);
        var named = (body.MemberIds ?? []).ToHashSet();
        var basis = new BankReturn.Basis(
            application,
            fund!,
            await command.YearsAsync(application, application.Lines.Where(l => named.Contains(l.MemberId))),
            earlier,
            earlier.Any(e => e.Type == SameMoney.Returned && e.Id == id)
                ? await ReturnedAsync(id, reference, command)
                : []
        );
        return command.Decided(
            application,
            BankReturn.Decide(basis, body.MemberIds ?? [], reference, reason, evidence, confirmed, command.Actor)
        );
    }

    /// <summary>Whom an earlier bank return of this application with this reference named.</summary>
    private static async Task<HashSet<string>> ReturnedAsync(string id, string reference, Command command) =>
        [
            .. (await command.EventsAsync<Application>(id))
                .Select(e => e.Data)
                .OfType<PaymentReturned>()
                .Where(r => DocumentNumber.IsSame(r.BankReference, reference))
                .SelectMany(r => r.MemberIds),
        ];

    public static async Task<Answer> FromAgency(string id, RefundBody body, Command command)
    {
        command.EffectiveDate = Require.BusinessDate(body.EffectiveDate, "effectiveDate", command.Today);
        var reference = Require.DocumentNumber(body.BankReference, "bankReference", 60);
        var confirmed = Require.OptionalProse(body.ConfirmDuplicate, "confirmDuplicate", 200);
        var evidence = await command.EvidenceAsync(body.Evidence, "evidence");
        var application = await command.LoadAsync<Application>(id);
        var (fund, earlier) = await command.FindFundAsync(application.FundId, Booking.Refund, evidence, reference);
        var years = await command.YearsAsync(application, application.Lines.Where(l => l.MemberId == body.MemberId));
        var by = await command.ActorAmongAsync(application.Payers);
        var basis = new Refund.Basis(
            application,
            fund!,
            years.Values.SingleOrDefault(),
            earlier,
            command.EffectiveDate < command.Today ? await Paying.DatesAsync(id, command) : null
        );
        return command.Decided(
            application,
            Refund.Decide(basis, body.MemberId, body.Reason, reference, evidence, command.EffectiveDate, confirmed, by)
        );
    }
}

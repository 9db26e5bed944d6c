using Ledger.Api.Commands;
using Ledger.Domain.Applications;
using Ledger.Domain.Applications.Steps;
using Ledger.Domain.Funds;

namespace Ledger.Api.Applications;

/// <summary>The village takes people or the whole list back before payment (C14).</summary>
public static class Withdrawing
{
    public static Task<Answer> Lines(string id, WithdrawalBody body, Command command) =>
        DecideAsync(id, body.MemberIds ?? [], body.Reason, command);

    public static Task<Answer> Whole(string id, ReasonBody body, Command command) =>
        DecideAsync(id, null, body.Reason, command);

    private static async Task<Answer> DecideAsync(
        string id,
        IReadOnlyList<string>? memberIds,
        string said,
        Command command
    )
    {
        var reason = Require.Prose(said, "reason", 500);
        var application = await command.LoadAsync<Application>(id);
        var approved = application.Approved(memberIds);
        var fund = approved.Count > 0 ? await command.FindAsync<Fund>(application.FundId) : null;
        var basis = new Withdraw.Basis(application, fund, await command.YearsAsync(application, approved));
        var after = command.Append(id, application, Withdraw.Decide(basis, memberIds, reason, command.Actor));
        await Objecting.ForgetAsync(command, after);
        return new Answer(ApplicationView.Of(after), after.Revision);
    }
}

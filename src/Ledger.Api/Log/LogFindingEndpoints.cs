using Ledger.Api.Commands;
using Ledger.Api.Screening;
using Ledger.Api.Security;
using Ledger.Domain;
using Ledger.Domain.Identity;
using Ledger.Domain.Log;
using Ledger.Domain.Log.Steps;
using Ledger.Domain.Screening;
using Ledger.TransparencyLog;

namespace Ledger.Api.Log;

/// <summary>What people answer to what was found wrong with the database: only who sees the whole log.</summary>
public static class LogFindingEndpoints
{
    /// <summary>Who looks into it; who closes it is another person, of these or of the city's office.</summary>
    private const string Answers = Roles.Auditor;

    public static void MapLogFindings(this IEndpointRouteBuilder audit)
    {
        audit
            .MapPost("/log/findings/{id}/answer", AnswerAsync)
            .Command<FindingView>(
                "answer-log-finding",
                "核查存证发现：看过什么、结论是什么 · Answer a finding about the log or the database",
                Answers
            )
            .Previewed()
            .Alone()
            .Refuses([
                .. ScreeningEndpoints.Always,
                Rejections.EvidenceMissing,
                Rejections.EvidenceDamaged,
                Rejections.LimitExceeded,
            ])
            .Example("""{"seen":"服务器日志、备份","conclusion":"切换时丢失尾部，已由两人续接"}""");
        audit
            .MapPost("/log/findings/{id}/closure", CloseAsync)
            .Command<FindingView>(
                "close-log-finding",
                "办结存证发现，须由核查人以外的另一人 · Close a finding about the log; another person than who answered",
                Answers,
                Roles.CityHrss
            )
            .Previewed()
            .Alone()
            .Refuses([.. ScreeningEndpoints.Always, Rejections.SelfApproval])
            .Example("""{"outcome":"sound","reason":"与续接事件相符"}""");
        audit
            .MapPost("/log/findings/{id}/reopening", ReopenAsync)
            .Command<FindingView>(
                "reopen-log-finding",
                "重新打开存证发现 · Open a closed finding about the log again",
                Answers,
                Roles.CityHrss
            )
            .Previewed()
            .Alone()
            .Refuses(ScreeningEndpoints.Always)
            .Example("""{"reason":"收到新的材料"}""");
    }

    private static async Task<Answer> AnswerAsync(
        string id,
        FindingAnswerBody body,
        Command command,
        FoundFindings findings,
        Caller caller
    )
    {
        var request = new AnswerLogFinding.Request(
            caller.Actor.Region,
            Require.Prose(body.Conclusion, "conclusion", 2000),
            Require.OptionalProse(body.Seen, "seen", 1000) ?? "",
            await command.EvidenceAsync(body.Evidence, "evidence")
        );
        var (view, found) = await FoundAsync(id, command, findings, caller);
        var known = await command.FindAsync<AnsweredFinding>(id);
        if (known is not null)
            command.RequireMatch(known);
        command.Region = known?.Region ?? caller.Actor.Region;
        var decision = AnswerLogFinding.Answer(found, known, request, command.Today, command.Actor);
        return Recorded(view, command.Append(id, known, decision));
    }

    private static async Task<Answer> CloseAsync(
        string id,
        FindingClosureBody body,
        Command command,
        FoundFindings findings,
        FindingSeal seal,
        Caller caller
    )
    {
        var outcome =
            Require.Word<FindingOutcome>(body.Outcome, "outcome") ?? throw Require.Invalid("outcome", "应写明结果");
        var reason = Require.Prose(body.Reason, "reason", 1000);
        var (view, found) = await FoundAsync(id, command, findings, caller);
        var known = await KnownAsync(id, command);
        var by = await command.ActorAmongAsync([known.Answer!.AnsweredBy]);
        var again = seal.Again(id, found.Count);
        return Recorded(
            view,
            command.Append(id, known, AnswerLogFinding.Close(found, known, (outcome, reason), again, command.Today, by))
        );
    }

    private static async Task<Answer> ReopenAsync(
        string id,
        ReasonBody body,
        Command command,
        FoundFindings findings,
        Caller caller
    )
    {
        var reason = Require.Prose(body.Reason, "reason", 1000);
        var (view, found) = await FoundAsync(id, command, findings, caller);
        var known = await KnownAsync(id, command);
        return Recorded(
            view,
            command.Append(id, known, AnswerLogFinding.Reopen(found, known, reason, command.Today, command.Actor))
        );
    }

    /// <summary>A finding, for whoever sees what it is about: all that happened.</summary>
    private static async Task<(FindingView View, AnswerLogFinding.Found Found)> FoundAsync(
        string id,
        Command command,
        FoundFindings findings,
        Caller caller
    )
    {
        if (
            !await LogStore.IsWholeInAsync(command.Connection, LedgerStore.Schema, caller.Actor.Region)
            || await findings.FindAsync(command.Connection, id) is not { } view
        )
            throw Require.NotFound(id);
        return (view, new(view.Kind, view.Detail, view.Count));
    }

    /// <summary>What nobody has answered yet is closed by nobody.</summary>
    private static async Task<AnsweredFinding> KnownAsync(string id, Command command)
    {
        var known =
            await command.FindAsync<AnsweredFinding>(id)
            ?? throw new RefusedException(new Rejection(Rejections.WrongState, "这项发现还没有核查"));
        command.RequireMatch(known);
        command.Region = known.Region;
        return known;
    }

    private static Answer Recorded(FindingView view, AnsweredFinding state) =>
        new(
            view with
            {
                Version = state.Revision,
                IsOpen = state.IsOpen(view.Count),
                Answer = state.Answer,
                Closure = state.Closure,
            },
            state.Revision
        );
}

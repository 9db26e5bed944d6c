using Ledger.Api.Commands;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Domain;
using Ledger.Domain.Collectives;
using Ledger.Domain.Collectives.Steps;
using Ledger.Domain.Funds;
using Ledger.Domain.Funds.Steps;
using Ledger.Domain.Identity;
using Ledger.Domain.Members;
using Npgsql;

namespace Ledger.Api.Collectives;

/// <summary>
/// Renaming, merger and split: funds and members go along, and every fen stays traceable across the change.
/// </summary>
public static class Succession
{
    private const int MaxSplitMembers = 5000;

    public static async Task<Answer> Renaming(string id, RenameBody body, Command command)
    {
        var name = Require.Name(body.Name, "name", 100);
        var evidence = await command.EvidenceAsync(body.Evidence, "evidence");
        var collective = await command.LoadAsync<Collective>(id);
        var fund = await command.FindAsync<Fund>(StreamId.FundOf(id));
        return Decided(command, collective, Rename.Decide(collective, fund, name, evidence));
    }

    public static async Task<Answer> Merger(string id, MergerBody body, Command command, Caller caller)
    {
        var reason = Require.Prose(body.Reason, "reason", 500);
        var evidence = await command.EvidenceAsync(body.Evidence, "evidence");
        var (from, into) = await BothAsync(id, body.IntoCollectiveId, command, caller);
        var (source, target) = await FundsAsync(from, into, command);
        var (reviewers, by) = await ReviewersAsync(from, evidence, command);
        return Decided(command, from, Merge.Decide(new(from, into, source, target, reviewers), reason, evidence, by));
    }

    public static async Task<Answer> Separation(string id, SplitBody body, Command command, Caller caller)
    {
        var reason = Require.Prose(body.Reason, "reason", 500);
        if (body.MemberIds.Count is 0 or > MaxSplitMembers)
            throw new RefusedException(
                new Rejection(Rejections.LimitExceeded, $"一次转出1至{MaxSplitMembers}人") { Field = "memberIds" }
            );
        var evidence = await command.EvidenceAsync(body.Evidence, "evidence");
        var (from, into) = await BothAsync(id, body.IntoCollectiveId, command, caller);
        var (source, target) = await FundsAsync(from, into, command);
        var known = await command.FindManyAsync<Member>(body.MemberIds);
        var members = body.MemberIds.Select(m => known.GetValueOrDefault(m) ?? throw Require.NotFound(m)).ToList();
        var registered = (await command.MemberIdsAsync(from.WithPredecessors())).Count;
        var (reviewers, by) = await ReviewersAsync(from, evidence, command);
        return Decided(
            command,
            from,
            Split.Decide(
                new(from, into, source, target, members, registered, reviewers),
                body.Amount,
                reason,
                evidence,
                by
            )
        );
    }

    /// <summary>
    /// Who at the collective's township handed in one of these documents, and the caller, who knows of them.
    /// </summary>
    private static async Task<(IReadOnlyCollection<string> Reviewers, Actor By)> ReviewersAsync(
        Collective from,
        IReadOnlyList<string> evidence,
        Command command
    )
    {
        var reviewers = await command.Connection.QueryAsync(
            $"""
            select distinct uploaded_by
              from {LedgerStore.Schema}.evidence
             where digest = any(@digests)
               and region = @township
            """,
            r => r.GetString(0),
            ("digests", evidence.ToArray()),
            ("township", RegionCode.Township(from.Region))
        );
        return (reviewers, await command.ActorAmongAsync(reviewers));
    }

    private static Answer Decided(Command command, Collective before, Decision<Collective> decision)
    {
        var after = command.Append(before.Id, before, decision);
        return new Answer(CollectiveView.Of(after), after.Revision);
    }

    /// <summary>
    /// What a collective is one with, out of the events: a state that an earlier build wrote does not know of splits.
    /// Mergers and splits are few, and have an index of their own.
    /// </summary>
    public static async Task<Lineage> LineageAsync(NpgsqlConnection connection, Collective collective) =>
        Lineage.Of(
            collective,
            await connection.QueryAsync(
                $"""
                select stream_id, data ->> 'intoCollectiveId'
                  from {LedgerStore.Schema}.mt_events
                 where type in ('collective_merged', 'members_separated')
                   and data ->> 'intoCollectiveId' is not null
                """,
                r => new SuccessionLink(r.GetString(0), r.GetString(1))
            )
        );

    private static async Task<(Collective From, Collective Into)> BothAsync(
        string id,
        string intoId,
        Command command,
        Caller caller
    )
    {
        var both = await command.FindManyAsync<Collective>([id, Require.Text(intoId, "intoCollectiveId", 40)]);
        foreach (var wanted in (string[])[id, intoId])
            if (!both.TryGetValue(wanted, out var found) || !caller.MaySee(found.Region))
                throw Require.NotFound(wanted);
        command.RequireMatch(both[id]);
        command.Region = both[id].Region;
        return (both[id], both[intoId]);
    }

    private static async Task<(Fund? Source, Fund? Target)> FundsAsync(
        Collective from,
        Collective into,
        Command command
    )
    {
        var (source, target) = (StreamId.FundOf(from.Id), StreamId.FundOf(into.Id));
        var funds = await command.FindManyAsync<Fund>([source, target]);
        return (funds.GetValueOrDefault(source), funds.GetValueOrDefault(target));
    }
}

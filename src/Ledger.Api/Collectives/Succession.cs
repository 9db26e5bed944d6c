using Ledger.Api.Commands;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Domain;
using Ledger.Domain.Collectives;
using Ledger.Domain.Funds;
using Ledger.Domain.Identity;
using Ledger.Domain.Members;
using Ledger.Projections;
using Npgsql;

namespace Ledger.Api.Collectives;

/// <summary>Renaming, merger and split: funds and members go along, and every fen stays traceable across the change.</summary>
public static class Succession
{
    private const int MaxSplitMembers = 5000;

    public static async Task<Answer> Rename(string id, RenameBody body, Command command)
    {
        var name = Require.Name(body.Name, "name", 100);
        var evidence = await command.EvidenceAsync(body.Evidence, "evidence");
        var collective = await command.LoadAsync<Collective>(id);
        collective = command.Append(id, collective, CollectiveDecider.Rename(collective, name, evidence));
        var fund = await command.FindAsync<Fund>(StreamId.FundOf(id));
        if (fund is not null)
            command.Append(fund.Id, fund, new IEventOf<Fund>[] { new FundRenamed(name) });
        return new Answer(CollectiveView.Of(collective), collective.Revision);
    }

    public static async Task<Answer> Merge(string id, MergerBody body, Command command, Caller caller)
    {
        var reason = Require.Prose(body.Reason, "reason", 500);
        var evidence = await command.EvidenceAsync(body.Evidence, "evidence");
        var (from, into) = await BothAsync(id, body.IntoCollectiveId, command, caller);
        var merged = command.Append(id, from, CollectiveDecider.Merge(from, into, reason, evidence));
        command.Append(into.Id, into, CollectiveDecider.Absorb(into, from));
        var funds = await TransferAsync(id, into.Id, null, command);
        if (funds.Source is { IsClosed: false } emptied)
            command.Append(emptied.Id, emptied, FundDecider.Close(emptied, reason, evidence));
        return new Answer(CollectiveView.Of(merged), merged.Revision);
    }

    public static async Task<Answer> Split(string id, SplitBody body, Command command, Caller caller)
    {
        var reason = Require.Prose(body.Reason, "reason", 500);
        if (body.MemberIds.Count is 0 or > MaxSplitMembers)
            throw new RefusedException(
                new Rejection(Rejections.LimitExceeded, $"一次转出1至{MaxSplitMembers}人") { Field = "memberIds" }
            );
        var evidence = await command.EvidenceAsync(body.Evidence, "evidence");
        var (from, into) = await BothAsync(id, body.IntoCollectiveId, command, caller);
        var split = command.Append(
            id,
            from,
            CollectiveDecider.Split(from, into, body.MemberIds.Distinct().Count(), body.Amount, reason, evidence)
        );
        await TransferAsync(id, into.Id, body.Amount, command);
        var members = await command.FindManyAsync<Member>(body.MemberIds);
        foreach (var memberId in body.MemberIds.Distinct())
        {
            var member = members.GetValueOrDefault(memberId) ?? throw Require.NotFound(memberId);
            command.Append(memberId, member, MemberDecider.Move(member, id, into.Id, into.Region));
        }
        return new Answer(CollectiveView.Of(split), split.Revision);
    }

    /// <summary>
    /// What a collective is one with, out of the events: a state that an earlier build wrote does not know of splits. Mergers and splits
    /// are few, and have an index of their own.
    /// </summary>
    public static async Task<Lineage> LineageAsync(NpgsqlConnection connection, Collective collective) =>
        Lineage.Of(
            collective,
            await connection.QueryAsync(
                $"select stream_id, data ->> 'intoCollectiveId' from {LedgerStore.Schema}.mt_events where type in ('collective_merged', 'members_separated')",
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

    private static async Task<(Fund? Source, Fund? Target)> TransferAsync(
        string fromCollective,
        string intoCollective,
        Money? amount,
        Command command
    )
    {
        var (fromId, intoId) = (StreamId.FundOf(fromCollective), StreamId.FundOf(intoCollective));
        var funds = await command.FindManyAsync<Fund>([fromId, intoId]);
        if (!funds.TryGetValue(fromId, out var source))
            return amount is null ? (null, null) : throw Require.NotFound(fromId);
        var target = funds.GetValueOrDefault(intoId) ?? throw Require.NotFound($"{intoCollective} 的补助资金");
        var (leave, arrive, refused) = FundDecider.Transfer(source, target, amount);
        if (refused is not null)
            throw new RefusedException(refused);
        if (leave.Count > 0)
        {
            source = command.Append(fromId, source, leave.ToArray());
            target = command.Append(intoId, target, arrive.ToArray());
        }
        return (source, target);
    }
}

using Ledger.Api.Commands;
using Ledger.Api.Evidence;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Domain;
using Ledger.Domain.Applications;
using Ledger.Domain.Collectives;
using Ledger.Domain.Collectives.Steps;
using Ledger.Domain.Funds;
using Ledger.Domain.Funds.Steps;
using Ledger.Domain.Identity;
using Ledger.Domain.Members;
using Npgsql;

namespace Ledger.Api.Collectives;

/// <summary>
/// Renaming, merger, split and dissolution: funds and members go along, and every fen stays traceable across the
/// change.
/// </summary>
public static class Succession
{
    private const int MaxSplitMembers = 5000;

    public static async Task<Answer> Renaming(string id, RenameBody body, Command command)
    {
        var name = Require.Name(body.Name, "name", 100);
        var approval = body.Approval is { } given ? await ApprovalAsync(given, "approval", command) : null;
        var evidence = await AllAsync([approval?.Evidence], body.Evidence, command);
        var collective = await command.LoadAsync<Collective>(id);
        var fund = await command.FindAsync<Fund>(StreamId.FundOf(id));
        return Decided(
            command,
            collective,
            Rename.Decide(collective, fund, name, approval, evidence, command.EffectiveDate)
        );
    }

    public static async Task<Answer> Merger(string id, MergerBody body, Command command, Caller caller, KeyFile keys)
    {
        var reason = Require.Prose(body.Reason, "reason", 500);
        var (papers, evidence) = await PapersAsync(body.Papers, body.Evidence, command);
        var (from, into) = await BothAsync(id, body.IntoCollectiveId, command, caller);
        var (source, target) = await FundsAsync(from, into, command);
        var present = (await command.MemberIdsAsync(into.WithPredecessors())).Count;
        var (reviewers, by) = await ReviewersAsync(from, papers, command, keys);
        return Decided(
            command,
            from,
            Merge.Decide(
                new(from, into, source, target, present, reviewers),
                reason,
                papers,
                evidence,
                command.EffectiveDate,
                by
            )
        );
    }

    public static async Task<Answer> Separation(string id, SplitBody body, Command command, Caller caller, KeyFile keys)
    {
        var reason = Require.Prose(body.Reason, "reason", 500);
        if (body.MemberIds.Count is 0 or > MaxSplitMembers)
            throw new RefusedException(
                new Rejection(Rejections.LimitExceeded, $"一次转出1至{MaxSplitMembers}人") { Field = "memberIds" }
            );
        var (papers, evidence) = await PapersAsync(body.Papers, body.Evidence, command);
        var (from, into) = await BothAsync(id, body.IntoCollectiveId, command, caller);
        var (source, target) = await FundsAsync(from, into, command);
        var known = await command.FindManyAsync<Member>(body.MemberIds);
        var members = body.MemberIds.Select(m => known.GetValueOrDefault(m) ?? throw Require.NotFound(m)).ToList();
        // Who stays is looked at as well: the dead have no share, and a row that is only said to be there is none.
        var roll = await command.MemberIdsAsync(from.WithPredecessors());
        var staying = await command.ReadPeopleAsync<Member>(roll.Except(body.MemberIds));
        var registered = members.Concat(staying.Values).Count(m => m.DiedOn is null);
        var present = (await command.MemberIdsAsync(into.WithPredecessors())).Count;
        var (reviewers, by) = await ReviewersAsync(from, papers, command, keys);
        return Decided(
            command,
            from,
            Split.Decide(
                new(from, into, source, target, members, registered, present, reviewers),
                body.Amount,
                reason,
                papers,
                evidence,
                command.EffectiveDate,
                by
            )
        );
    }

    public static async Task<Answer> Dissolution(string id, DissolutionBody body, Command command, KeyFile keys)
    {
        var reason = Require.Prose(body.Reason, "reason", 500);
        var (papers, evidence) = await PapersAsync(body.Papers, body.Evidence, command);
        var collective = await command.LoadAsync<Collective>(id);
        var fund = await command.FindAsync<Fund>(StreamId.FundOf(id));
        var (reviewers, by) = await ReviewersAsync(collective, papers, command, keys);
        return Decided(
            command,
            collective,
            Dissolve.Decide(
                new(collective, fund, await OpenApplicationAsync(collective, command), reviewers),
                reason,
                papers,
                evidence,
                command.EffectiveDate,
                by
            )
        );
    }

    public static async Task<Answer> Creditors(string id, CreditorsBody body, Command command)
    {
        var number = Require.DocumentNumber(body.ApprovalNumber, "approvalNumber", 60);
        command.EffectiveDate = Require.BusinessDate(body.On, "on", command.Today);
        var evidence = await command.EvidenceAsync(body.Evidence, "evidence");
        var collective = await command.LoadAsync<Collective>(id);
        return Decided(
            command,
            collective,
            CollectiveDecider.NotifyCreditors(collective, number, body.On, evidence, command.Today)
        );
    }

    /// <summary>The papers in clean spelling, and the digests of all documents.</summary>
    private static async Task<(SuccessionPapers Papers, IReadOnlyList<string> Evidence)> PapersAsync(
        PapersBody? body,
        IReadOnlyList<string>? other,
        Command command
    )
    {
        if (body is null)
            return (SuccessionPapers.None, await command.EvidenceAsync(other, "evidence"));
        if (body.Decisions is { Count: > 10 })
            throw new RefusedException(
                new Rejection(Rejections.LimitExceeded, "最多 10 份决定") { Field = "papers.decisions" }
            );
        var decisions = new List<AssemblyDecision>();
        foreach (var (d, i) in (body.Decisions ?? []).Select((d, i) => (d, i)))
            decisions.Add(
                new(
                    Require.Text(d.CollectiveId, $"papers.decisions[{i}].collectiveId", 40),
                    Require.DocumentNumber(d.Number, $"papers.decisions[{i}].number", 60),
                    d.On,
                    await DocumentAsync(d.Evidence, $"papers.decisions[{i}].evidence", command)
                )
            );
        var papers = new SuccessionPapers(
            decisions,
            await PaperAsync(body.Review, "papers.review", command),
            body.Approval is { } approval ? await ApprovalAsync(approval, "papers.approval", command) : null,
            await PaperAsync(body.Creditors, "papers.creditors", command)
        );
        return (papers, await AllAsync(papers.Documents.Select(d => d.Evidence), other, command));
    }

    private static async Task<Paper?> PaperAsync(PaperBody? body, string field, Command command) =>
        body is null ? null : new Paper(body.On, await DocumentAsync(body.Evidence, $"{field}.evidence", command));

    private static async Task<Approval> ApprovalAsync(ApprovalBody body, string field, Command command) =>
        new(
            Require.DocumentNumber(body.Number, $"{field}.number", 60),
            body.On,
            await DocumentAsync(body.Evidence, $"{field}.evidence", command)
        );

    private static async Task<string> DocumentAsync(string? digest, string field, Command command) =>
        (await command.EvidenceAsync(digest is null ? [] : [digest], field)) is [var known]
            ? known
            : throw new RefusedException(new Rejection(Rejections.EvidenceMissing, "须附文件") { Field = field });

    private static async Task<IReadOnlyList<string>> AllAsync(
        IEnumerable<string?> papers,
        IReadOnlyList<string>? other,
        Command command
    ) => [.. papers.OfType<string>().Concat(await command.EvidenceAsync(other, "evidence")).Distinct()];

    /// <summary>
    /// One that is still under way. Whoever files one holds the collective, so none begins while this is decided.
    /// </summary>
    /// <param name="subAccount">Only what is to be paid out of this one.</param>
    public static async Task<string?> OpenApplicationAsync(
        Collective collective,
        Command command,
        string? subAccount = null
    ) =>
        (await command.ApplicationsAsync([collective.Id]))
            .FirstOrDefault(a => !a.Status.IsOver() && (subAccount is null || a.SubAccount == subAccount))
            ?.Id;

    /// <summary>
    /// Who at the collective's township handed in the review, and the caller, who knows of them.
    /// </summary>
    private static async Task<(IReadOnlyCollection<string> Reviewers, Actor By)> ReviewersAsync(
        Collective from,
        SuccessionPapers papers,
        Command command,
        KeyFile keys
    )
    {
        var (digest, township) = (papers.Review?.Evidence ?? "", RegionCode.Township(from.Region));
        var handedIn = await command.Connection.QueryAsync(
            $"""
            select uploaded_by, seal
              from {LedgerStore.Schema}.evidence
             where digest = @digest
               and region = @township
            """,
            r => (By: r.GetString(0), Seal: r.IsDBNull(1) ? null : r.GetString(1)),
            ("digest", digest),
            ("township", township)
        );
        if (handedIn.Any(h => !EvidenceSeal.Holds(keys, digest, township, h.By, h.Seal)))
            throw await command.EvidenceDamagedAsync(digest, "papers.review.evidence");
        string[] reviewers = [.. handedIn.Select(h => h.By)];
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

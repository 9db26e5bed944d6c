using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Ledger.Api.Collectives;
using Ledger.Api.Commands;
using Ledger.Api.Imports;
using Ledger.Api.Members;
using Ledger.Api.Storage;
using Ledger.Domain;
using Ledger.Domain.Applications;
using Ledger.Domain.Applications.Steps;
using Ledger.Domain.Collectives;
using Ledger.Domain.Funds;
using Ledger.Domain.Identity;
using Ledger.Domain.Members;
using Ledger.Domain.Pilots;
using Ledger.Domain.Plans;
using Microsoft.AspNetCore.Http.Json;
using Microsoft.Extensions.Options;

namespace Ledger.Api.Applications;

/// <summary>A line by pseudonymous member id; the amount follows from the standard and may be left out.</summary>
public sealed record FilingLine(string MemberId, Money? Amount = null);

/// <summary>
/// An application (C14). As JSON: <paramref name="Lines"/>. As multipart/form-data: the same fields, and the roster as
/// file <c>roster</c>
/// (.xlsx or .csv). <paramref name="Seal"/>: digest of the sealed scan. <paramref name="SubAccount"/>: the sub-account
/// of the fund to draw on, as the fund names it; the general one when absent. <paramref name="EarmarkYear"/>: short for
/// gifts earmarked for that year. <paramref name="ConfirmDuplicate"/>: after <c>possible-duplicate</c>, why people of
/// another application that waits stand on this list too.
/// </summary>
public sealed record FilingBody(
    string? PlanId = null,
    string? Seal = null,
    int? EarmarkYear = null,
    IReadOnlyList<FilingLine>? Lines = null,
    string? SubAccount = null,
    string? ConfirmDuplicate = null
)
{
    public string Pocket() =>
        string.IsNullOrWhiteSpace(SubAccount) ? Domain.Funds.SubAccount.ForYear(EarmarkYear) : SubAccount.Trim();
}

/// <summary>
/// A row of an uploaded roster as it stands there, and what the standard gives; null where the row has a fault.
/// </summary>
public sealed record RosterRowView(int Row, IReadOnlyList<string> Cells, Money? Amount);

/// <summary>
/// A roster that was looked at and not filed: every row as it was sent, every fault, and what the sound rows sum to, in
/// figures and in capital figures. <paramref name="LackingAmount"/>: what the sub-account lacks for them.
/// </summary>
public sealed record RosterCheckView(
    int People,
    Money TotalAmount,
    string TotalInWords,
    Money AvailableAmount,
    Money LackingAmount,
    int FaultCount,
    IReadOnlyList<RosterRowView> Rows,
    IReadOnlyList<Fault> Faults,
    IReadOnlyList<Note> Notes
);

/// <summary>Filing and resubmission: from a roster to checked lines.</summary>
public static class Filing
{
    public static async Task<Answer> File(
        HttpRequest request,
        bool? partial,
        Command command,
        PersonalData people,
        IOptions<JsonOptions> json
    )
    {
        var (body, roster) = await Uploads.BodyOrRosterAsync(request, json.Value.SerializerOptions, Fields);
        var id = StreamId.NewApplication();
        var plan = await PlanAsync(Require.Text(body.PlanId, "planId", 60), command);
        var (submission, pilot, fund, skipped, table) = await SubmissionAsync(
            plan,
            body.Pocket(),
            body,
            roster,
            partial,
            command,
            people
        );
        var state = command.Append(id, null, Submit.First(plan, pilot, fund, body.Pocket(), submission, command.Actor));
        return Answer.Created(
            $"/api/applications/{id}",
            new FilingView(
                ApplicationView.Of(state),
                skipped.Select(f => f.Row).Distinct().Count(),
                skipped,
                table?.Notes ?? []
            ),
            state.Revision
        );
    }

    public static async Task<Answer> Resubmit(
        string id,
        HttpRequest request,
        bool? partial,
        Command command,
        PersonalData people,
        IOptions<JsonOptions> json
    )
    {
        var (body, roster) = await Uploads.BodyOrRosterAsync(request, json.Value.SerializerOptions, Fields);
        var known = await command.LoadAsync<Application>(id);
        var plan = await PlanAsync(known.PlanId, command);
        if (known.NotIn(ApplicationStatus.Returned) is { } wrong)
            throw new RefusedException(wrong);
        var (submission, pilot, _, skipped, table) = await SubmissionAsync(
            plan,
            known.SubAccount,
            body,
            roster,
            partial,
            command,
            people,
            own: id
        );
        var state = command.Append(id, known, Submit.Again(known, plan, pilot, submission, command.Actor));
        return new Answer(
            new FilingView(
                ApplicationView.Of(state),
                skipped.Select(f => f.Row).Distinct().Count(),
                skipped,
                table?.Notes ?? []
            ),
            state.Revision
        );
    }

    /// <summary>
    /// The rows go back to whoever sent them, to be mended; the answer that is kept for the key says only how many
    /// there were.
    /// </summary>
    /// <param name="applicationId">The returned application that the roster corrects: people stand on that list
    /// anyway. Null: it is for a new one.</param>
    public static async Task<Answer> CheckRoster(
        HttpRequest request,
        string? applicationId,
        Command command,
        PersonalData people,
        IOptions<JsonOptions> json
    )
    {
        var (body, roster) = await Uploads.BodyOrRosterAsync(request, json.Value.SerializerOptions, Fields);
        if (roster is null)
            throw new RefusedException(
                new Rejection(Rejections.FileInvalid, "没有收到名单文件，请选择文件后再提交") { Field = "roster" }
            );
        var plan = await PlanAsync(Require.Text(body.PlanId, "planId", 60), command);
        var (submission, _, fund, faults, read) = await SubmissionAsync(
            plan,
            body.Pocket(),
            body,
            roster,
            partial: true,
            command,
            people,
            own: applicationId
        );
        var amounts = submission.Lines.ToDictionary(l => l.Row, l => l.AmountFen);
        var table = read!;
        var (total, available) = (Money.Sum(amounts.Values), fund.Pocket(body.Pocket()).Available);
        var view = new RosterCheckView(
            amounts.Count,
            total,
            ChineseAmount.Of(total),
            available,
            total > available ? total - available : Money.Zero,
            faults.Count,
            [
                .. table.Rows.Select(r => new RosterRowView(
                    r.Number,
                    [
                        .. Sheets.RosterForm.Columns.Select(c =>
                            table.Columns.TryGetValue(c.Heading, out var at) && r.Cells.TryGetValue(at, out var cell)
                                ? cell.Text
                                : ""
                        ),
                    ],
                    amounts.TryGetValue(r.Number, out var amount) ? amount : null
                )),
            ],
            faults,
            table.Notes
        );
        return new Answer(view, Kept: view with { Rows = [] });
    }

    private static async Task<Plan> PlanAsync(string planId, Command command)
    {
        var plan = await command.ReadScopedAsync<Plan>(planId);
        command.Region = plan.Region;
        return plan;
    }

    private static FilingBody Fields(IFormCollection form)
    {
        var earmark = form["earmarkYear"].ToString();
        if (earmark.Length > 0 && !int.TryParse(earmark, out _))
            throw Require.Invalid("earmarkYear", "应为年份");
        return new FilingBody(
            form["planId"],
            form["seal"],
            earmark.Length > 0 ? int.Parse(earmark) : null,
            null,
            form["subAccount"],
            form["confirmDuplicate"]
        );
    }

    private static async Task<(
        Submission Submission,
        Pilot? Pilot,
        Fund Fund,
        IReadOnlyList<Fault> Skipped,
        Table? Table
    )> SubmissionAsync(
        Plan plan,
        string pocket,
        FilingBody body,
        IFormFile? roster,
        bool? partial,
        Command command,
        PersonalData people,
        string? own = null
    )
    {
        // What stops the whole application comes before the faults of single rows.
        var collective = (await command.ReadAsync<Collective>(plan.CollectiveId))!;
        var pilot = await command.ReadAsync<Pilot>(StreamId.Pilot(RegionCode.County(plan.Region)));
        var outside = CollectiveDecider.Gone(collective) ?? PilotDecider.Refusal(pilot, RegionCode.County(plan.Region));
        if (outside is not null)
            throw new RefusedException(outside);
        if (plan.Adopted() is not { } content)
            throw new RefusedException(new Rejection(Rejections.PlanNotAdopted, $"{plan.Year} 年度方案尚未通过"));
        var policy = await command.PolicyYearAsync(plan.Region, plan.Year);
        var fund = (await command.ReadAsync<Fund>(plan.FundId))!;
        var early = PlanDecider.Unpublished(plan, policy, command.Today);
        if ((early ?? FundDecider.EarmarkRefusal(fund, pocket, plan.Year)) is { } refusal)
            throw new RefusedException(refusal);
        var seal = string.IsNullOrWhiteSpace(body.Seal) ? [] : await command.EvidenceAsync([body.Seal], "seal");

        var faults = new List<Fault>();
        var (entries, members, persons, digest, table) = roster is not null
            ? await ReadRosterAsync(roster, collective.WithPredecessors(), faults, command, people)
            : await ReadLinesAsync(body.Lines ?? [], command, people);
        var ids = entries.Select(e => e.MemberId).OfType<string>().ToList();
        var years = (
            await command.ReadPeopleAsync<MemberYear>(ids.Select(m => StreamId.MemberYear(m, plan.Year)))
        ).Values.ToDictionary(y => StreamId.MemberOf(y.Id));
        var ages = persons.ToDictionary(p => p.Key, p => p.Value.AgeIn(plan.Year));
        var lineage = await Succession.LineageAsync(command.Connection, collective);
        var confirmed = Require.OptionalProse(body.ConfirmDuplicate, "confirmDuplicate", 200);
        var elsewhere = await OpenElsewhereAsync(lineage, plan.Year, own, members.Keys, command);
        var (lines, more) = Roster.Check(
            entries,
            plan.Year,
            lineage,
            content.Standard,
            fund.Pocket(pocket).Earmark,
            policy.AgeLimits(),
            members,
            years,
            ages,
            elsewhere,
            confirmed,
            command.DamagedPeople,
            policy.Parameters.GovernmentPaidOpensSubsidy
        );
        faults.AddRange(more);
        faults.Sort((a, b) => a.Row!.Value.CompareTo(b.Row!.Value));
        Uploads.RefuseFaults(faults, partial, Sheets.RosterForm.Title, table?.Notes ?? [], Rejections.RosterInvalid);
        return (
            new Submission(seal.FirstOrDefault(), digest, lines, Roster.Confirmed(lines, elsewhere, confirmed)),
            pilot,
            fund,
            faults,
            table
        );
    }

    /// <summary>
    /// Which other application of the same origin, not approved yet, has each of these members on its list. Filings of
    /// one origin and year take turns from here to their commit, so that two at once find each other.
    /// </summary>
    private static async Task<IReadOnlyDictionary<string, string>> OpenElsewhereAsync(
        Lineage lineage,
        int year,
        string? own,
        IEnumerable<string> members,
        Command command
    )
    {
        await command.Connection.ExecuteAsync(
            "select pg_advisory_xact_lock(hashtextextended('filing ' || @origin || ' ' || @year, 0))",
            ("origin", lineage.Origin.Min(StringComparer.Ordinal)!),
            ("year", year)
        );
        var listed = members.ToHashSet();
        var found = (await command.ApplicationsAsync([.. lineage.Origin]))
            .Where(a =>
                a.Year == year
                && a.Id != own
                && a.Status is ApplicationStatus.Filed or ApplicationStatus.Returned or ApplicationStatus.Reviewed
            )
            .SelectMany(a =>
                a.Lines.Where(l => l.Status is LineStatus.Filed or LineStatus.Accepted && listed.Contains(l.MemberId))
                    .Select(l => (l.MemberId, Application: a.Id))
            );
        return found.GroupBy(f => f.MemberId).ToDictionary(g => g.Key, g => g.First().Application);
    }

    /// <summary>
    /// A list's entries, the members they name, and what the faults and the standard have to know of them.
    /// </summary>
    private sealed record ReadRoster(
        IReadOnlyList<RosterEntry> Entries,
        IReadOnlyDictionary<string, Member> Members,
        IReadOnlyDictionary<string, Person> Persons,
        string Digest,
        Table? Table
    );

    private static async Task<ReadRoster> ReadRosterAsync(
        IFormFile roster,
        IReadOnlyCollection<string> collectives,
        List<Fault> faults,
        Command command,
        PersonalData people
    )
    {
        var table = Table.Read(roster, Sheets.RosterForm);
        var rows = new List<(int Row, string Name, CitizenId Id, Money? Declared)>();
        foreach (var row in table.Rows)
        {
            var reader = new RowReader(table, row, faults, Rejections.RosterInvalid);
            var (name, id, declared) = (reader.Name(), reader.CitizenId(), reader.OptionalAmount(Roster.AmountColumn));
            if (reader.IsSound)
                rows.Add((row.Number, name, id, declared));
        }
        var (ids, members) = await OwnMembers.FindAsync(collectives, [.. rows.Select(r => r.Id)], command, people);
        var persons = await people.ReadAsync(command.Connection, ids.Values);
        await using var content = roster.OpenReadStream();
        return new ReadRoster(
            [
                .. rows.Select(r => new RosterEntry(
                    r.Row,
                    ids.GetValueOrDefault(r.Id),
                    !ids.TryGetValue(r.Id, out var m)
                        || !persons.TryGetValue(m, out var p)
                        || PersonName.IsSame(p.Name, r.Name),
                    r.Declared
                )),
            ],
            members,
            persons,
            Convert.ToHexStringLower(await SHA256.HashDataAsync(content)),
            table
        );
    }

    private static async Task<ReadRoster> ReadLinesAsync(
        IReadOnlyList<FilingLine> lines,
        Command command,
        PersonalData people
    ) =>
        new(
            [.. lines.Select((l, i) => new RosterEntry(i + 1, l.MemberId, true, l.Amount))],
            await command.ReadPeopleAsync<Member>(lines.Select(l => l.MemberId)),
            await people.ReadAsync(command.Connection, lines.Select(l => l.MemberId)),
            Convert.ToHexStringLower(
                SHA256.HashData(
                    Encoding.UTF8.GetBytes(string.Join('\n', lines.Select(l => $"{l.MemberId} {l.Amount}")))
                )
            ),
            null
        );
}

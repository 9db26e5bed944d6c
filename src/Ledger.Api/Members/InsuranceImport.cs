using Ledger.Api.Commands;
using Ledger.Api.Imports;
using Ledger.Api.Profiles;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Domain;
using Ledger.Domain.Applications;
using Ledger.Domain.Identity;
using Ledger.Domain.Members;
using Marten;
using Microsoft.AspNetCore.Http.Json;
using Microsoft.Extensions.Options;

namespace Ledger.Api.Members;

/// <summary><paramref name="Finding"/>: its code, or the sheet's word for it.</summary>
public sealed record InsuranceCheckBody(string? CitizenId, string? Finding, DateOnly? On);

public sealed record InsuranceChecksBody(IReadOnlyList<InsuranceCheckBody>? Checks);

/// <summary>
/// The agency's check list (参保核查, L19): who draws a pension, is in the employees' scheme, died, studies, is not insured
/// here. From a sheet or as JSON, by one reader.
/// </summary>
public static class InsuranceImport
{
    private static readonly Dictionary<string, InsuranceFinding> Words = Enum.GetValues<InsuranceFinding>()
        .SelectMany(f => new[] { (InsuranceCheck.Word(f), f), (f.Word(), f) })
        .ToDictionary();

    private sealed record Listed(RowReader Reader, CitizenId Id, InsuranceFinding Finding, DateOnly On);

    public static async Task<Answer> Import(
        HttpRequest request,
        bool? partial,
        string? profile,
        Command command,
        PersonalData people,
        Caller caller,
        IQuerySession session,
        IOptions<JsonOptions> json
    )
    {
        var (body, file) = await Uploads.BodyOrRosterAsync(
            request,
            json.Value.SerializerOptions,
            _ => new InsuranceChecksBody(null),
            "file"
        );
        AgencyProfiles.RequireFile(profile, file);
        var table = file is null
            ? Typed(body.Checks ?? [])
            : Table.Read(file, await session.FormAsync(Sheets.InsuranceChecks, profile, request.HttpContext, caller));
        var faults = new List<Fault>();
        var rows = Read(table, faults, command.Today);
        var ids = await people.FindAsync(command.Connection, rows.Select(r => r.Id));
        var members = new Dictionary<string, Member>(await command.FindPeopleAsync<Member>(ids.Values));
        foreach (var row in rows)
            Look(row, ids.GetValueOrDefault(row.Id), members, command, caller);
        rows.RemoveAll(r => !r.Reader.IsSound);
        Uploads.RefuseFaults(faults, partial, table, Rejections.RosterInvalid);

        var imported = 0;
        foreach (var row in rows)
        {
            var member = members[ids[row.Id]];
            var after = command.Append(
                member.Id,
                member,
                InsuranceChecks.Import(member, row.Finding, row.On, command.Actor)
            );
            if (after.Revision > member.Revision)
                imported++;
        }
        return new Answer(
            new ImportView(
                table.Rows.Count,
                imported,
                0,
                rows.Count - imported,
                table.Rows.Count - rows.Count,
                table.Told(faults),
                table.Notes
            )
        );
    }

    private static Table Typed(IReadOnlyList<InsuranceCheckBody> checks) =>
        checks.Count == 0 ? throw Require.Invalid("checks", "没有列出人员")
        : checks.Count > Sheets.InsuranceChecks.MaxRows
            ? throw new RefusedException(
                new Rejection(Rejections.LimitExceeded, $"一次最多 {Sheets.InsuranceChecks.MaxRows} 人")
                {
                    Field = "checks",
                }
            )
        : Table.Typed(
            Sheets.InsuranceChecks,
            [.. checks.Select(c => new[] { c?.CitizenId, c?.Finding, c?.On is { } on ? $"{on:yyyy-MM-dd}" : null })]
        );

    private static List<Listed> Read(Table table, List<Fault> faults, DateOnly today)
    {
        var rows = new List<Listed>();
        var seen = new Dictionary<CitizenId, int>();
        foreach (var row in table.Rows)
        {
            var reader = new RowReader(table, row, faults, Rejections.RosterInvalid);
            var id = reader.CitizenId();
            var word = reader.OneOf(Sheets.Finding, [.. Words.Keys]);
            var on = reader.Date(Sheets.CheckedOn, today);
            if (id.Value is not null && !seen.TryAdd(id, row.Number))
                reader.Wrong(Roster.CitizenIdColumn, $"与第 {seen[id]} 行重复");
            if (reader.IsSound)
                rows.Add(new Listed(reader, id, Words[word], on));
            if (reader.IsSound && Words[word] == InsuranceFinding.Deceased)
                table.Tell("已死亡的，请另在成员页登记死亡", row.Number, Sheets.Finding);
        }
        return rows;
    }

    private static void Look(
        Listed row,
        string? memberId,
        IReadOnlyDictionary<string, Member> members,
        Command command,
        Caller caller
    )
    {
        if (memberId is not null && command.DamagedPeople.GetValueOrDefault(memberId) is { } damage)
            row.Reader.Wrong(Roster.CitizenIdColumn, damage, Rejections.RecordDamaged);
        else if (
            memberId is null
            || members.GetValueOrDefault(memberId) is not { } member
            || !member.Memberships.Values.Any(caller.MaySee)
        )
            row.Reader.Wrong(Roster.CitizenIdColumn, "不是辖区内任何集体的成员", Rejections.NotAMember);
    }
}

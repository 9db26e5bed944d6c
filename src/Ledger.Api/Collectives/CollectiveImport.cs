using Ledger.Api.Commands;
using Ledger.Api.Imports;
using Ledger.Api.Security;
using Ledger.Domain;
using Ledger.Domain.Collectives;
using Ledger.Domain.Identity;

namespace Ledger.Api.Collectives;

/// <summary>
/// What became of a list of collectives. <paramref name="Unchanged"/>: registered before, with this name and village.
/// </summary>
public sealed record CollectivesImportedView(
    int Rows,
    int Imported,
    int Unchanged,
    int Skipped,
    IReadOnlyList<Fault> Faults,
    IReadOnlyList<Note> Notes
);

/// <summary>The collectives of a county from a sheet, each by the rule of one registered alone.</summary>
public static class CollectiveImport
{
    private sealed record Listed(RowReader Reader, string Id, string Code, string Name, string Village);

    public static async Task<Answer> Import(IFormFile file, bool? partial, Command command, Caller caller)
    {
        var table = Table.Read(file, Sheets.Collectives);
        var faults = new List<Fault>();
        var rows = Read(table, faults, caller);
        var known = await command.FindManyAsync<Collective>(rows.Select(r => r.Id));
        var decided = new List<(Listed Row, Decision<Collective> Decision)>();
        foreach (var row in rows.Where(r => !IsSame(known.GetValueOrDefault(r.Id), r)))
        {
            var there = known.GetValueOrDefault(row.Id);
            var decision = CollectiveDecider.Register(there, row.Code, row.Name, row.Village);
            if (decision.Rejection is { } no)
                row.Reader.Wrong(
                    no.Field == "villageCode" ? Sheets.VillageCode : Sheets.CreditCode,
                    there is null ? no.Detail : $"已登记为 {there.Name}（{there.Region}）",
                    no.Code
                );
            else
                decided.Add((row, decision));
        }
        Uploads.RefuseFaults(faults, partial, table, Rejections.RosterInvalid);
        foreach (var (row, decision) in decided)
        {
            command.BelongsTo(row.Id, row.Village);
            command.Append(row.Id, null, decision);
        }
        var sound = rows.Count(r => r.Reader.IsSound);
        return new Answer(
            new CollectivesImportedView(
                table.Rows.Count,
                decided.Count,
                sound - decided.Count,
                table.Rows.Count - sound,
                faults,
                table.Notes
            )
        );
    }

    private static bool IsSame(Collective? known, Listed row) =>
        known is not null && known.Name == row.Name && known.Region == row.Village;

    private static List<Listed> Read(Table table, List<Fault> faults, Caller caller)
    {
        var rows = new List<Listed>();
        var seen = new Dictionary<string, int>();
        foreach (var row in table.Rows)
        {
            var reader = new RowReader(table, row, faults, Rejections.RosterInvalid);
            var name = reader.IsBlank(Sheets.CollectiveName)
                ? reader.Text(Sheets.CollectiveName, 100)
                : reader.OptionalName(Sheets.CollectiveName, 100) ?? "";
            var code = reader.Reference(Sheets.CreditCode, 18).ToUpperInvariant();
            var village = reader.IsBlank(Sheets.VillageCode)
                ? reader.Text(Sheets.VillageCode, RegionCode.VillageLength)
                : reader.OptionalDigits(Sheets.VillageCode, RegionCode.VillageLength, RegionCode.VillageLength) ?? "";
            if (village.Length > 0 && !caller.MaySee(village))
                reader.Wrong(Sheets.VillageCode, "不在您的辖区内", Rejections.NotFound);
            if (code.Length > 0 && !seen.TryAdd(code, row.Number))
                reader.Wrong(Sheets.CreditCode, $"与第 {seen[code]} 行重复");
            if (reader.IsSound)
                rows.Add(new Listed(reader, StreamId.Collective(code), code, name, village));
        }
        return rows;
    }
}

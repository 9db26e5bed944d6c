using System.Globalization;
using System.Text.Json;

namespace Ledger.Api.Operation;

/// <summary>That a backup was restored on trial: all of it, into a database that is gone again.</summary>
/// <param name="Fault">Why it could not be; null: it could.</param>
public sealed record Rehearsal(
    string Backup,
    DateTimeOffset TakenAt,
    DateTimeOffset RehearsedAt,
    double Seconds,
    long Events,
    string? Fault
);

/// <summary>
/// The folder of the regular backups (Ledger:BackupFolder): a folder for each, named by its moment, and what came of
/// the rehearsals. The running product tells their age from it.
/// </summary>
public sealed class Backups(string folder)
{
    private const string Form = "yyyyMMdd'T'HHmmss'Z'";

    private string Passed => Path.Combine(folder, "rehearsed.json");
    private string Failed => Path.Combine(folder, "rehearsal-failed.json");

    /// <summary>The whole ones, oldest first. One that is being made, or broke off, has another name.</summary>
    public IReadOnlyList<(string Path, DateTimeOffset At)> All =>
        Directory.Exists(folder)
            ?
            [
                .. Directory
                    .GetDirectories(folder)
                    .Select(d => (Path: d, At: Moment(Path.GetFileName(d))))
                    .Where(d => d.At is not null && File.Exists(Path.Combine(d.Path, BackupManifest.FileName)))
                    .Select(d => (d.Path, d.At!.Value))
                    .OrderBy(d => d.Value),
            ]
            : [];

    private static DateTimeOffset? Moment(string name) =>
        DateTimeOffset.TryParseExact(
            name,
            Form,
            CultureInfo.InvariantCulture,
            DateTimeStyles.AssumeUniversal,
            out var at
        )
            ? at
            : null;

    /// <summary>Where the backup of this moment goes.</summary>
    public string At(DateTimeOffset moment) =>
        Path.Combine(folder, moment.UtcDateTime.ToString(Form, CultureInfo.InvariantCulture));

    /// <summary>Deletes the oldest until so many are left; which were deleted.</summary>
    public IReadOnlyList<string> Thin(int keep)
    {
        var old = All.SkipLast(keep).Select(b => b.Path).ToList();
        foreach (var path in old)
        {
            File.Delete(Path.Combine(path, BackupManifest.FileName)); // half deleted it is no backup
            Directory.Delete(path, recursive: true);
        }
        return old;
    }

    /// <summary>The last rehearsal that passed; null: none has.</summary>
    public Rehearsal? LastPassed => Read(Passed);

    /// <summary>The last one, where it failed.</summary>
    public Rehearsal? LastFailed => Read(Failed);

    private static Rehearsal? Read(string file)
    {
        try
        {
            return JsonSerializer.Deserialize<Rehearsal>(File.ReadAllText(file), JsonSerializerOptions.Web);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            return null; // there is none that says anything
        }
    }

    public async Task KeepAsync(Rehearsal rehearsal)
    {
        var file = rehearsal.Fault is null ? Passed : Failed;
        await File.WriteAllTextAsync($"{file}.part", JsonSerializer.Serialize(rehearsal, JsonSerializerOptions.Web));
        File.Move($"{file}.part", file, overwrite: true);
        if (rehearsal.Fault is null)
            File.Delete(Failed);
    }
}

using System.Diagnostics;
using System.Security.Cryptography;
using System.Text.Json;
using Ledger.Api.Storage;
using Ledger.TransparencyLog;
using Npgsql;

namespace Ledger.Api.Operation;

/// <summary>
/// What a backup says of itself, in <c>manifest.json</c> beside <c>ledger.dump</c>; all of it as of the one snapshot
/// that the dump shows.
/// <paramref name="Checkpoint"/>: the newest checkpoint in it, with the witnesses' lines, looked at when it is
/// restored; null where nothing was signed yet.
/// </summary>
public sealed record BackupManifest(
    int Format,
    DateTimeOffset TakenAt,
    string Database,
    string LogId,
    string KeyFingerprint,
    long Events,
    long LastSequence,
    long LogSize,
    string? Checkpoint,
    string DumpSha256,
    long DumpBytes
)
{
    public const string FileName = "manifest.json",
        DumpName = "ledger.dump";
    public const int CurrentFormat = 1;

    /// <exception cref="OperationException">There is no backup in the folder, or it is not whole.</exception>
    public static async Task<BackupManifest> ReadAsync(string folder)
    {
        var (file, dump) = (Path.Combine(folder, FileName), Path.Combine(folder, DumpName));
        if (!File.Exists(file) || !File.Exists(dump))
            throw new OperationException($"{folder} 中没有完整的备份（{FileName} 和 {DumpName}）");
        var manifest = JsonSerializer.Deserialize<BackupManifest>(
            await File.ReadAllTextAsync(file),
            JsonSerializerOptions.Web
        )!;
        if (manifest.Format != CurrentFormat)
            throw new OperationException(
                $"备份的格式是 {manifest.Format}，本程序只认 {CurrentFormat}；请用做备份的版本恢复"
            );
        if (await DigestAsync(dump) != manifest.DumpSha256)
            throw new OperationException($"{dump} 与清单中的摘要不符：文件损坏或被改动");
        return manifest;
    }

    public static async Task<string> DigestAsync(string file)
    {
        await using var content = File.OpenRead(file);
        return Convert.ToHexStringLower(await SHA256.HashDataAsync(content));
    }
}

/// <summary>
/// <c>backup --to folder</c>: a dump of one consistent snapshot, while the product goes on working, with a manifest of
/// what is in it. The key
/// files are not in it: without them nobody can read names, and they are kept apart.
/// </summary>
public static class Backup
{
    public static async Task<BackupManifest> RunAsync(string connectionString, string folder)
    {
        if (Directory.Exists(folder) && Directory.EnumerateFileSystemEntries(folder).Any())
            throw new OperationException($"{folder} 不是空的；备份不覆盖已有的文件，请换一个文件夹");
        var unfinished = $"{Path.TrimEndingDirectorySeparator(folder)}.part";
        if (Directory.Exists(unfinished))
            Directory.Delete(unfinished, recursive: true); // of a backup that broke off
        Directory.CreateDirectory(unfinished);
        File.SetUnixFileMode(unfinished, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);

        // The manifest and the dump look at the same moment.
        await using var connection = new NpgsqlConnection(LedgerStore.Plain(connectionString));
        await connection.OpenAsync();
        await using var snapshot = await connection.BeginTransactionAsync(System.Data.IsolationLevel.RepeatableRead);
        const string s = LedgerStore.Schema;
        var name = (await connection.QueryAsync("select pg_export_snapshot()", r => r.GetString(0))).Single();
        var (events, last) = (
            await connection.QueryAsync(
                $"select count(*), coalesce(max(seq_id), 0) from {s}.mt_events",
                r => (r.GetInt64(0), r.GetInt64(1))
            )
        ).Single();
        var (id, size) = (
            await connection.QueryAsync($"select log_id, size from {s}.log_state", r => (r.GetString(0), r.GetInt64(1)))
        ).Single();
        var keys = (
            await connection.QueryAsync($"select fingerprint from {s}.key_check", r => r.GetString(0))
        ).Single();
        var checkpoint = await LogStore.NewestNoteAsync(connection, s);

        var dump = Path.Combine(unfinished, BackupManifest.DumpName);
        // Of several servers the one that has the snapshot.
        var server = new NpgsqlConnectionStringBuilder(connectionString)
        {
            Host = connection.Host,
            Port = connection.Port,
        };
        await DumpAsync(server.ConnectionString, name, dump);
        var manifest = new BackupManifest(
            BackupManifest.CurrentFormat,
            DateTimeOffset.UtcNow,
            connection.Database,
            id,
            keys,
            events,
            last,
            size,
            checkpoint,
            await BackupManifest.DigestAsync(dump),
            new FileInfo(dump).Length
        );
        await File.WriteAllTextAsync(
            Path.Combine(unfinished, BackupManifest.FileName),
            JsonSerializer.Serialize(
                manifest,
                new JsonSerializerOptions(JsonSerializerOptions.Web) { WriteIndented = true }
            )
        );
        if (Directory.Exists(folder))
            Directory.Delete(folder); // empty, as was seen above
        Directory.Move(unfinished, folder); // whole, or not there
        return manifest;
    }

    private static Task DumpAsync(string connectionString, string snapshot, string file) =>
        PostgresTool.RunAsync(
            "pg_dump",
            connectionString,
            "--format=custom",
            "--no-owner",
            "--no-privileges",
            $"--snapshot={snapshot}",
            $"--schema={LedgerStore.Schema}",
            "--schema=wolverine",
            "--schema=accounts",
            "--exclude-table-data=wolverine.wolverine_nodes",
            "--exclude-table-data=wolverine.wolverine_node_assignments",
            $"--file={file}"
        );
}

/// <summary>PostgreSQL's own programs.</summary>
public static class PostgresTool
{
    /// <exception cref="OperationException">The program is missing or failed; the message has what it said.</exception>
    public static async Task RunAsync(string program, string connectionString, params string[] arguments)
    {
        var connection = new NpgsqlConnectionStringBuilder(connectionString);
        var start = new ProcessStartInfo(Path.Combine(PrivateCluster.FindBinaries(program), program), arguments)
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        };
        // In the environment: a password among the arguments could be read by everybody on the machine.
        (
            start.Environment["PGHOST"],
            start.Environment["PGPORT"],
            start.Environment["PGUSER"],
            start.Environment["PGPASSWORD"],
            start.Environment["PGDATABASE"]
        ) = (connection.Host, $"{connection.Port}", connection.Username, connection.Password, connection.Database);
        if (connection.SslMode != SslMode.Prefer)
            start.Environment["PGSSLMODE"] = connection.SslMode switch
            {
                SslMode.VerifyCA => "verify-ca",
                SslMode.VerifyFull => "verify-full",
                var mode => mode.ToString().ToLowerInvariant(),
            };
        using var process = Process.Start(start)!;
        var said = await Task.WhenAll(process.StandardError.ReadToEndAsync(), process.StandardOutput.ReadToEndAsync());
        await process.WaitForExitAsync();
        if (process.ExitCode != 0)
            throw new OperationException($"{program}：{said[0].Trim()}");
    }
}

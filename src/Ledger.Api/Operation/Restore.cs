using Ledger.Api.Log;
using Ledger.Api.Storage;
using Ledger.Projections.Checking;
using Ledger.TransparencyLog;
using Ledger.Web;
using Marten;
using Npgsql;

namespace Ledger.Api.Operation;

/// <summary>
/// What a switch to a restored database would take away: events that the present one has and the restored one has not.
/// </summary>
public sealed record LostEvents(string Type, long Count, DateTimeOffset First, DateTimeOffset Last);

/// <summary>
/// <c>restore --from folder</c> loads a backup into a database of its own beside the present one, checks it (digest,
/// keys, the whole log, every read model, what the signer remembers and the witnesses have seen) and says what would be
/// lost. Only <c>restore --switch database</c> puts it in the place of the present one, which is renamed and kept.
/// </summary>
public sealed class Restore(string owner, Settings settings, KeyFile keys, TextWriter say)
{
    private const string S = LedgerStore.Schema,
        Validated = "validated ";

    private string Name { get; } = new NpgsqlConnectionStringBuilder(owner).Database!;

    private string To(string database) =>
        new NpgsqlConnectionStringBuilder(owner) { Database = database }.ConnectionString;

    private static async Task<T> OnAsync<T>(string connectionString, Func<NpgsqlConnection, Task<T>> act)
    {
        await using var connection = new NpgsqlConnection(
            new NpgsqlConnectionStringBuilder(connectionString) { Pooling = false }.ConnectionString
        );
        await connection.OpenAsync();
        return await act(connection);
    }

    private Task<bool> ExistsAsync(string database) =>
        OnAsync(
            To("postgres"),
            async c =>
                (
                    await c.QueryAsync("select 1 from pg_database where datname = @name", r => 1, ("name", database))
                ).Count > 0
        );

    /// <summary>The name of the restored database, which has passed every check.</summary>
    /// <param name="older">What signer and witnesses have seen beyond it is given up, and told.</param>
    /// <exception cref="OperationException">It has not, and is gone again; or it could not be loaded.</exception>
    public async Task<(string Database, IReadOnlyList<LostEvents> Lost)> LoadAsync(string folder, bool older = false)
    {
        var (database, manifest) = await LoadedAsync(
            folder,
            "restore",
            older ? TellWhoKnowsMoreAsync : NobodyKnowsMoreAsync
        );
        await OnAsync(
            To("postgres"),
            c => c.ExecuteAsync($"comment on database \"{database}\" is '{Validated}{manifest.DumpSha256}'")
        );
        return (database, await LostAsync(database));
    }

    /// <summary>
    /// Loads and checks, and leaves nothing. That others have seen more since is no fault of a backup that replaces
    /// nothing.
    /// </summary>
    /// <exception cref="OperationException">It could not be restored.</exception>
    public async Task<BackupManifest> RehearseAsync(string folder)
    {
        // What a rehearsal that was killed has left.
        foreach (
            var left in await OnAsync(
                To("postgres"),
                c =>
                    c.QueryAsync(
                        """
                        select datname
                          from pg_database d
                         where starts_with(datname, @name)
                           and not exists (select from pg_stat_activity a where a.datname = d.datname)
                        """,
                        r => r.GetString(0),
                        ("name", $"{Name}_rehearse_")
                    )
            )
        )
            await DropAsync(left);
        var (database, manifest) = await LoadedAsync(folder, "rehearse", (_, _, _) => Task.CompletedTask);
        await DropAsync(database);
        return manifest;
    }

    private async Task DropAsync(string database)
    {
        NpgsqlConnection.ClearAllPools();
        await OnAsync(To("postgres"), c => c.ExecuteAsync($"drop database if exists \"{database}\" with (force)"));
    }

    /// <param name="asked">Who is asked whether more is known than what the backup has.</param>
    private async Task<(string Database, BackupManifest Manifest)> LoadedAsync(
        string folder,
        string purpose,
        Func<NpgsqlDataSource, NpgsqlConnection, LogKeys, Task> asked
    )
    {
        var manifest = await BackupManifest.ReadAsync(folder);
        if (manifest.KeyFingerprint != keys.Fingerprint)
            throw new OperationException(
                $"备份属于另一份密钥文件，用 {settings.KeyFile} 读不出姓名；请先把当时的密钥文件放回来"
            );
        if (settings.Log.Key is null && !File.Exists(LogKeys.PathOf(settings, manifest.LogId)))
            throw new OperationException(
                $"缺少该日志的签名密钥 {LogKeys.PathOf(settings, manifest.LogId)}；请先把它放回来"
            );

        var database = $"{Name}_{purpose}_{DateTime.UtcNow:yyyyMMddHHmmss}";
        say.WriteLine($"载入 {Format.Time(manifest.TakenAt)} 的备份（{manifest.Events} 个事件）到 {database} …");
        await CreateAsync(database);
        try
        {
            await PostgresTool.RunAsync(
                "pg_restore",
                To(database),
                "--no-owner",
                "--no-privileges",
                "--exit-on-error",
                $"--dbname={database}",
                Path.Combine(folder, BackupManifest.DumpName)
            );
            // The rights are not in the dump: they go to the application's role of this server.
            await OnAsync(To(database), c => c.ExecuteAsync($"truncate {S}.schema_stamp"));
            await LedgerSchema.ApplyAsync(
                new DatabaseAccess(To(database), DatabaseAccess.ApplicationOf(settings, owner, keys)),
                keys
            );
            await ValidateAsync(database, manifest, asked);
            return (database, manifest);
        }
        catch
        {
            await DropAsync(database);
            throw;
        }
    }

    private async Task CreateAsync(string database)
    {
        try
        {
            await OnAsync(
                To("postgres"),
                c => c.ExecuteAsync($"create database \"{database}\" encoding 'UTF8' template template0")
            );
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.InsufficientPrivilege)
        {
            var role = new NpgsqlConnectionStringBuilder(owner).Username;
            throw new OperationException(
                $"数据库角色 {role} 不能建立数据库，备份载入不了。请由 DBA 执行 alter role {role} createdb；只有运行用的角色时，"
                    + "请给出 ConnectionStrings:LedgerOwner。The role may not make a database: "
                    + "restore and rehearse need the owner's, with createdb.",
                inner: e
            );
        }
    }

    private async Task ValidateAsync(
        string database,
        BackupManifest manifest,
        Func<NpgsqlDataSource, NpgsqlConnection, LogKeys, Task> asked
    )
    {
        await using var source = NpgsqlDataSource.Create(LedgerStore.Plain(To(database)));
        await using var connection = await source.OpenConnectionAsync();
        var events = (await connection.QueryAsync($"select count(*) from {S}.mt_events", r => r.GetInt64(0))).Single();
        if (events != manifest.Events)
            throw new OperationException($"载入了 {events} 个事件，清单说有 {manifest.Events} 个");

        var logKeys = LogKeys.LoadOrCreate(settings, manifest.LogId);
        say.WriteLine("核对存证日志 …");
        var (entries, findings) = await new LogCheck(source, S, logKeys.Known, []).RunAsync(CancellationToken.None);
        if (findings.Count > 0)
            throw new OperationException(
                $"存证日志有 {findings.Count} 处不一致：{string.Join("；", findings.Take(5))}"
            );

        say.WriteLine($"日志 {entries} 条一致。核对全部账目 …");
        await using (var provider = LedgerServices.Alone(source, keys))
        {
            var check = await new LedgerCheck(
                provider.GetRequiredService<IDocumentStore>(),
                keys.EventSeal,
                source,
                S
            ).RunAsync(mend: null);
            if (check.Differences.Count > 0)
                throw new OperationException(
                    $"账目有 {check.Differences.Count} 处与事件不符：{string.Join("；", check.Differences.Take(5))}"
                );
            // A broken promise was broken when the backup was made: it is said, and no reason to be without the ledger.
            if (check.Broken.Count > 0)
                say.WriteLine($"事件中有 {check.Broken.Count} 处违背承诺，恢复后请用 check 查看。");
            say.WriteLine($"{check.Documents} 份账目一致。");
        }
        await asked(source, connection, logKeys);
    }

    private async Task TellWhoKnowsMoreAsync(NpgsqlDataSource source, NpgsqlConnection connection, LogKeys logKeys)
    {
        try
        {
            await NobodyKnowsMoreAsync(source, connection, logKeys);
        }
        catch (OperationException e)
        {
            say.WriteLine(e.Message);
            say.WriteLine(
                "按 --older 照样载入。切换以后签名者会拒绝签名，由两人用 log-continue 续接；所丢失的作为分叉留在记录上。"
                    + "Loaded all the same: after the switch log-continue declares what is lost."
            );
        }
    }

    /// <summary>A backup that is older than what was signed or witnessed would undo it: that is refused.</summary>
    private async Task NobodyKnowsMoreAsync(NpgsqlDataSource source, NpgsqlConnection connection, LogKeys logKeys)
    {
        say.WriteLine("询问签名者和见证方 …");
        var size = await LogStore.SignedSizeAsync(connection, S, logKeys.Known);
        if (logKeys.Memory.Read() is { } remembered && remembered.Size > size)
            throw new OperationException(
                $"签名者已签过 {remembered.Size} 条的日志，本备份只签到 {size} 条：它比现状旧，恢复会丢失至少 {remembered.Size - size} 个事件。"
                    + "请用更新的备份，或按时间点恢复（docs/operations.md）"
            );
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(10) };
        var client = new WitnessClient(
            http,
            source,
            logKeys,
            keys.FindingSeal,
            new ServerGuard(),
            Microsoft.Extensions.Logging.Abstractions.NullLogger<WitnessClient>.Instance
        );
        foreach (var witness in settings.Log.Witnesses)
        {
            try
            {
                if (await client.AskAsync(witness, CancellationToken.None) is { } refusal)
                    throw new OperationException($"{refusal}。请用更新的备份，或按时间点恢复（docs/operations.md）");
                say.WriteLine($"见证方 {witness.Key.Name} 确认。");
            }
            catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
            {
                throw new OperationException(
                    $"见证方 {witness.Key.Name}（{witness.Url}）没有应答，无法确认备份不比它所见的旧：{e.Message}"
                        + "The witness does not answer.",
                    OperationException.Unreachable
                );
            }
        }
    }

    private async Task<IReadOnlyList<LostEvents>> LostAsync(string database)
    {
        if (!await ExistsAsync(Name))
            return [];
        var kept = await OnAsync(
            To(database),
            async c => (await c.QueryAsync($"select seq_id from {S}.mt_events", r => r.GetInt64(0))).ToHashSet()
        );
        var present = await OnAsync(
            owner,
            async c =>
                (await c.QueryAsync($"select to_regclass('{S}.mt_events') is not null", r => r.GetBoolean(0))).Single()
                    ? await c.QueryAsync(
                        $"select seq_id, type, timestamp from {S}.mt_events",
                        r => (Sequence: r.GetInt64(0), Type: r.GetString(1), At: r.GetFieldValue<DateTimeOffset>(2))
                    )
                    : []
        );
        return
        [
            .. present
                .Where(e => !kept.Contains(e.Sequence))
                .GroupBy(e => e.Type)
                .Select(g => new LostEvents(g.Key, g.Count(), g.Min(e => e.At), g.Max(e => e.At)))
                .OrderByDescending(l => l.Count),
        ];
    }

    /// <summary>
    /// Puts a database that LoadAsync has checked in the place of the present one. Returns under which name that is
    /// kept; null when there was none.
    /// </summary>
    /// <exception cref="OperationException">It was not checked, or somebody is still at work.</exception>
    public async Task<string?> SwitchAsync(string database)
    {
        NpgsqlConnection.ClearAllPools();
        return await OnAsync(
            To("postgres"),
            async connection =>
            {
                var comments = await connection.QueryAsync(
                    "select coalesce(shobj_description(oid, 'pg_database'), '') from pg_database where datname = @name",
                    r => r.GetString(0),
                    ("name", database)
                );
                if (comments is not [var comment] || !comment.StartsWith(Validated, StringComparison.Ordinal))
                    throw new OperationException($"{database} 不是 restore --from 载入并核对过的数据库");
                var busy = await connection.QueryAsync(
                    """
                    select application_name
                      from pg_stat_activity
                     where datname in (@present, @restored)
                       and backend_type = 'client backend'
                    """,
                    r => r.GetString(0),
                    ("present", Name),
                    ("restored", database)
                );
                if (busy.Count > 0)
                    throw new OperationException(
                        $"还有 {busy.Count} 个连接在使用数据库；请先停掉产品（systemctl stop、Ctrl+C 或 docker compose stop api），再切换"
                    );
                string? before = null;
                if (await ExistsAsync(Name))
                    await connection.ExecuteAsync(
                        $"""
                        alter database "{Name}" rename to "{before = $"{Name}_before_{DateTime.UtcNow:yyyyMMddHHmmss}"}"
                        """
                    );
                await connection.ExecuteAsync($"alter database \"{database}\" rename to \"{Name}\"");
                return before;
            }
        );
    }
}

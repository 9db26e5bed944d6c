using System.Diagnostics;
using System.Security.Cryptography;
using Npgsql;

namespace Ledger.Api.Storage;

/// <summary>
/// The embedded default: a private PostgreSQL cluster in a folder of its own, on a Unix socket only, so that it meets
/// no other server's port. Data stays between starts. The process that holds <c>owner.lock</c> starts and stops it;
/// another process on the same folder uses it while it runs. A cluster left behind by a killed process is taken over.
/// </summary>
public sealed class PrivateCluster : IAsyncDisposable
{
    private const int Port = 5432; // only a part of the socket's file name
    private const string ServerAccount = "postgres";
    private readonly string _folder,
        _binaries;
    private FileStream? _owner;

    private readonly IReadOnlyDictionary<string, string> _environment;

    private PrivateCluster(
        string folder,
        string binaries,
        FileStream? owner,
        IReadOnlyDictionary<string, string> environment
    ) => (_folder, _binaries, _owner, _environment) = (folder, binaries, owner, environment);

    private string Data => Path.Combine(_folder, "data");
    private string Sockets => SocketFolder(_folder);

    /// <summary>
    /// Where the cluster goes when nothing is configured: a place that the unprivileged server account can reach.
    /// Sample data never shares it with real data.
    /// </summary>
    public static string DefaultFolder(bool isSample) =>
        Path.Combine(
            Environment.UserName == "root"
                ? "/var/lib"
                : Environment.GetFolderPath(
                    Environment.SpecialFolder.LocalApplicationData,
                    Environment.SpecialFolderOption.Create
                ),
            isSample ? "collective-subsidy-sample" : "collective-subsidy"
        );

    /// <summary>
    /// Starts the cluster in <paramref name="folder"/>, or joins it when it runs; makes it on first use.
    /// </summary>
    /// <param name="environment">Variables for the server's processes beside one's own.</param>
    /// <exception cref="OperationException">PostgreSQL is not installed, or does not start; the message says what to
    /// do.</exception>
    public static async Task<PrivateCluster> StartAsync(
        string folder,
        IReadOnlyDictionary<string, string>? environment = null
    )
    {
        folder = Path.GetFullPath(folder);
        var cluster = new PrivateCluster(
            folder,
            FindBinaries("initdb", "pg_ctl"),
            TakeOwnership(folder),
            environment ?? new Dictionary<string, string>()
        );
        cluster.OwnedByServer(folder);
        cluster.RequireEntry();
        if (cluster._owner is null)
        {
            await cluster.ConnectAsync(TimeSpan.FromSeconds(60)); // the owner may still be starting it
            return cluster;
        }
        if (!File.Exists(Path.Combine(cluster.Data, "PG_VERSION")))
            cluster.Initialise();
        if (cluster.Run("pg_ctl", "-D", cluster.Data, "status").ExitCode != 0)
            cluster.StartServer();
        await cluster.ConnectAsync(TimeSpan.FromSeconds(30));
        return cluster;
    }

    public string ConnectionString(string database) =>
        new NpgsqlConnectionStringBuilder
        {
            Host = Sockets,
            Port = Port,
            Username = "ledger",
            Database = database,
            Password = File.ReadAllText(PasswordFile(_folder)),
        }.ConnectionString;

    /// <summary>A connection string to the database of that name, which is made when it is missing.</summary>
    public async Task<string> DatabaseAsync(string database)
    {
        await using var connection = new NpgsqlConnection(ConnectionString("postgres"));
        await connection.OpenAsync();
        if (
            (
                await connection.QueryAsync(
                    "select 1 from pg_database where datname = @name",
                    r => r.GetInt32(0),
                    ("name", database)
                )
            ).Count == 0
        )
        {
            try
            {
                await connection.ExecuteAsync($"create database \"{database}\" encoding 'UTF8' template template0");
            }
            catch (PostgresException e)
                when (e.SqlState is PostgresErrorCodes.DuplicateDatabase or PostgresErrorCodes.UniqueViolation)
            {
                // Another process made it at the same moment: that is what we want.
            }
        }
        return ConnectionString(database);
    }

    /// <summary>
    /// Whether the server's first process lives. A process that ended and that nobody has asked about yet (a zombie)
    /// does not.
    /// </summary>
    public bool IsRunning
    {
        get
        {
            try
            {
                if (!int.TryParse(File.ReadLines(Path.Combine(Data, "postmaster.pid")).FirstOrDefault(), out var id))
                    return false;
                var stat = File.ReadAllText($"/proc/{id}/stat"); // "123 (postgres) S …"
                return stat.Contains("(postgres)", StringComparison.Ordinal)
                    && stat[stat.LastIndexOf(')') + 2] is not ('Z' or 'X');
            }
            catch (IOException)
            {
                return false; // no such file, no such process
            }
        }
    }

    /// <summary>
    /// Starts a server that has ended. Whoever owns the folder does; where its owner is gone, the first who finds out
    /// becomes it. What a killed server left (its pid file, shared memory, processes that are still ending) is
    /// PostgreSQL's own affair: until it is gone the start fails, and is tried again.
    /// </summary>
    /// <returns>False when another process owns it.</returns>
    /// <exception cref="OperationException">It does not start; the message says why.</exception>
    public async Task<bool> StartAgainAsync()
    {
        _owner ??= TakeOwnership(_folder);
        if (_owner is null)
            return false;
        StartServer();
        await ConnectAsync(TimeSpan.FromSeconds(30));
        return true;
    }

    /// <summary>Stops and starts the server; its owner only.</summary>
    public async Task RestartAsync()
    {
        Stop();
        StartServer();
        await ConnectAsync(TimeSpan.FromSeconds(30));
    }

    private void Stop() => Run("pg_ctl", "-D", Data, "-m", "fast", "-w", "stop");

    public ValueTask DisposeAsync()
    {
        if (_owner is not null)
        {
            Stop();
            _owner.Dispose();
        }
        return ValueTask.CompletedTask;
    }

    private static FileStream? TakeOwnership(string folder)
    {
        try
        {
            Directory.CreateDirectory(folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw NotWritable(folder, e);
        }
        var path = Path.Combine(folder, "owner.lock");
        try
        {
            return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException) when (File.Exists(path))
        {
            return null; // another process owns it
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw NotWritable(folder, e);
        }
    }

    private static OperationException NotWritable(string folder, Exception e) =>
        new(
            $"数据目录 {folder} 不可写（{e.Message}）；请用 Ledger:DataFolder 指定其他目录。"
                + "The data folder is not writable: choose another.",
            inner: e
        );

    /// <summary>Whoever runs the server must get into the folder, through all the folders above it.</summary>
    private void RequireEntry()
    {
        if (Environment.UserName != "root")
            return; // it is ours, as was seen when we wrote into it
        if (Execute("id", ServerAccount).ExitCode != 0)
            throw new OperationException(
                $"没有系统用户 {ServerAccount}：PostgreSQL 不能以 root 运行。请 apt-get install postgresql，或以普通用户启动。"
                    + $"There is no user {ServerAccount} to run PostgreSQL as."
            );
        if (Execute("runuser", "-u", ServerAccount, "--", "test", "-w", _folder, "-a", "-x", _folder).ExitCode != 0)
            throw new OperationException(
                $"数据库的用户 {ServerAccount} 进不了数据目录 {_folder}；请放开它上级目录的权限（chmod o+x），或用 Ledger:DataFolder 指定其他目录。"
                    + "The database's user may not enter the data folder: choose another, "
                    + "or let him through the folders above it."
            );
    }

    private void Initialise()
    {
        var password = PasswordFile(_folder);
        File.WriteAllText(password, Convert.ToHexString(RandomNumberGenerator.GetBytes(24)));
        File.SetUnixFileMode(password, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        OwnedByServer(password);
        // A new segment of the write-ahead log is filled with zeros and flushed while every commit waits: sixteen times
        // less at a time with 1 MB than with PostgreSQL's usual 16 (bench/README.md, soak).
        Require(
            Run(
                "initdb",
                "-D",
                Data,
                "-U",
                "ledger",
                "-A",
                "scram-sha-256",
                "--pwfile",
                password,
                "-E",
                "UTF8",
                "--locale=C.UTF-8",
                "--wal-segsize=1"
            ),
            "initdb"
        );
        File.AppendAllText(Path.Combine(Data, "postgresql.conf"), "\nlisten_addresses = ''\nmax_connections = 200\n");
    }

    private void StartServer()
    {
        Directory.CreateDirectory(Sockets);
        OwnedByServer(Sockets);
        File.SetUnixFileMode(Sockets, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        // A stale postmaster.pid is PostgreSQL's own affair: it starts when the process in it is gone, and says so when
        // it is not.
        Require(
            Run(
                "pg_ctl",
                "-D",
                Data,
                "-l",
                Path.Combine(_folder, "postgresql.log"),
                "-w",
                "-t",
                "60",
                "-o",
                $"-c unix_socket_directories='{Sockets}' -c shared_buffers={Buffers}MB -c "
                    + $"checkpoint_timeout=15min -c max_wal_size=8GB -p {Port}",
                "start"
            ),
            "pg_ctl start"
        );
    }

    private async Task ConnectAsync(TimeSpan limit)
    {
        for (var waited = Stopwatch.StartNew(); ; )
        {
            try
            {
                await using var connection = new NpgsqlConnection(ConnectionString("postgres"));
                await connection.OpenAsync();
                return;
            }
            catch (Exception e) when (e is NpgsqlException or IOException && waited.Elapsed < limit)
            {
                await Task.Delay(100);
            }
        }
    }

    /// <summary>
    /// A quarter of the machine, two gigabytes at most, taken up as they are used. With PostgreSQL's own defaults a
    /// posting costs more the longer the ledger has been written to: keys are random, each touches a page that lies
    /// elsewhere, is read in, and after each checkpoint goes whole into the write-ahead log. So checkpoints are rarer
    /// too (the price: after a crash up to a quarter of an hour of log is read again).
    /// </summary>
    private static long Buffers =>
        Math.Clamp(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 4, 128L << 20, 2L << 30) >> 20;

    private static string PasswordFile(string folder) => Path.Combine(folder, "password");

    /// <summary>
    /// Unix allows 107 bytes for a socket's path; a deep data folder gets a short one in /tmp. So does one whose name
    /// the shell, PostgreSQL's list of folders or a connection string would take for more than a name.
    /// </summary>
    private static string SocketFolder(string folder)
    {
        var near = Path.Combine(folder, "socket");
        if (System.Text.Encoding.UTF8.GetByteCount(near) <= 80 && near.IndexOfAny(['\'', '"', ',', ';', '\\']) < 0)
            return near;
        var digest = SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(folder));
        return $"/tmp/ledger-{Convert.ToHexStringLower(digest)[..16]}";
    }

    /// <summary>
    /// The folder of PostgreSQL's programs that has all of these; the newest version installed, unless the PATH says
    /// otherwise.
    /// </summary>
    /// <exception cref="OperationException">They are not installed.</exception>
    public static string FindBinaries(params string[] programs)
    {
        var onPath = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':');
        var installed = Directory.Exists("/usr/lib/postgresql")
            ? Directory
                .GetDirectories("/usr/lib/postgresql")
                .OrderByDescending(d => int.TryParse(Path.GetFileName(d), out var v) ? v : 0)
                .Select(d => $"{d}/bin")
            : [];
        return onPath.Concat(installed).FirstOrDefault(d => programs.All(p => File.Exists(Path.Combine(d, p))))
            ?? throw new OperationException(
                "没有找到 PostgreSQL；请运行 ./start 或 apt-get install postgresql，"
                    + "或用 ConnectionStrings:Ledger 指定服务器。PostgreSQL is not installed."
            );
    }

    /// <summary>
    /// PostgreSQL refuses to run as root: then everything of the cluster belongs to the account that the Debian package
    /// makes.
    /// </summary>
    private void OwnedByServer(string path)
    {
        if (Environment.UserName == "root")
            Execute("chown", ServerAccount, path);
    }

    private (int ExitCode, string Output) Run(string program, params string[] arguments)
    {
        var path = Path.Combine(_binaries, program);
        string[] all = ["env", .. _environment.Select(v => $"{v.Key}={v.Value}"), path, .. arguments];
        return Environment.UserName == "root"
            ? Execute("runuser", ["-u", ServerAccount, "--", .. all])
            : Execute(all[0], all[1..]);
    }

    private static (int ExitCode, string Output) Execute(string program, params string[] arguments)
    {
        // The server inherits its parent's output: it must be a file or null, or reading to the end would wait for the
        // server's end.
        var output = Path.GetTempFileName();
        try
        {
            var start = new ProcessStartInfo(
                "/bin/sh",
                ["-c", "out=$1; shift; exec \"$@\" >\"$out\" 2>&1 </dev/null", "sh", output, program, .. arguments]
            )
            {
                WorkingDirectory = "/",
            };
            using var process = Process.Start(start)!;
            process.WaitForExit();
            return (process.ExitCode, File.ReadAllText(output));
        }
        finally
        {
            File.Delete(output);
        }
    }

    private void Require((int ExitCode, string Output) result, string step)
    {
        if (result.ExitCode == 0)
            return;
        // The server's own last word on it; all of it is in the log.
        var log = Path.Combine(_folder, "postgresql.log");
        var lines = (File.Exists(log) ? File.ReadLines(log).TakeLast(30) : [])
            .Prepend(result.Output.Trim().Split('\n')[^1])
            .ToList();
        var why = lines.LastOrDefault(l => l.Contains("FATAL", StringComparison.Ordinal)) ?? lines[0];
        throw new OperationException(
            $"私有 PostgreSQL 未能启动（{step}：{why.Trim()}）；详见 {log}。The private PostgreSQL did not start: its log says why."
        );
    }
}

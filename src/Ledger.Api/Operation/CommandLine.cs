using System.Net.Sockets;
using System.Reflection;
using Ledger.Api.Storage;
using Microsoft.AspNetCore.Connections;
using Npgsql;

namespace Ledger.Api.Operation;

/// <summary>A command of the program.</summary>
/// <param name="Usage">What stands after the name.</param>
/// <param name="Options">The names of its own options with a value, without the hyphens.</param>
/// <param name="Flags">Those without a value.</param>
/// <param name="Words">How many words may follow the name.</param>
public sealed record ProgramCommand(
    string Name,
    string Usage,
    string What,
    string[] Options,
    string[]? Flags = null,
    int Words = 0
);

/// <summary>
/// What was called: the command (null: serve), the words after its name, its flags; all else is settings.
/// </summary>
public sealed record Call(
    ProgramCommand? Command,
    IReadOnlyList<string> Words,
    IReadOnlySet<string> Flags,
    string[] Settings
)
{
    public string? Name => Command?.Name;
}

/// <summary>
/// The program's commands, and how a call is read: a word that nobody knows, a command after the settings, an option
/// that the command has not, a setting without a value end it. Nothing is started by mistake, and no setting goes lost
/// by it.
/// </summary>
public static class CommandLine
{
    /// <summary>
    /// The call itself is wrong, or a setting is missing: it will fail again as it stands. What was tried and did not
    /// succeed ends with 1.
    /// </summary>
    public const int Misused = 2;

    public static readonly IReadOnlyList<ProgramCommand> Commands =
    [
        new(
            "check",
            "[--rebuild]",
            "核对全部账目与事件是否一致，--rebuild 重建不一致的读模型 · compare every read model with the events",
            [],
            ["rebuild"]
        ),
        new("rebuild", "", "由事件重建全部读模型 · make every read model anew", []),
        new("backup", "--to <空文件夹>", "备份 · dump of one moment, while the product works", ["to"]),
        new(
            "restore",
            "--from <备份文件夹> | --switch <数据库>",
            "载入并核对备份；核对后切换 · load and check a backup; put it in place",
            ["from", "switch"]
        ),
        new("schema", "", "以所有者更新数据库的表 · bring the tables up to date, as their owner", []),
        new(
            "administrator",
            "--name <小写账户名> --region <市或县区划代码>",
            "开立第一个管理员 · make the first administrator",
            ["name", "region"]
        ),
        new(
            "token",
            "--name <人员> --role <角色> --region <区划代码> [--days <天数>]",
            "签发程序用的令牌 · print a bearer token for a program",
            ["name", "role", "region", "days"]
        ),
        new(
            "import",
            "--file <缴费.csv> --year <年度> --to <网址> [--rows <每批行数>] [--confirm-duplicate "
                + "<一个凭证号用于几人的理由>]（令牌在 LEDGER_TOKEN）",
            "导入缴费记录 · send a tax office's records",
            ["file", "year", "to", "rows", "confirm-duplicate", "token"]
        ),
        new(
            "export",
            "--format hledger|beancount|general-ledger|events|log [--region <区划代码>] [--out <文件>]",
            "导出 · write long files",
            ["format", "region", "out"]
        ),
        new(
            "log-key",
            "[rotate | retire <八位编号> | sm2]",
            "存证日志的签名密钥 · the log's signing keys",
            [],
            Words: 2
        ),
        new(
            "witness",
            "--name <见证方名称> --folder <目录> --log <日志公钥> [--log1 <公钥> …]",
            "为他人的日志作见证 · be a witness",
            ["name", "folder", "log"]
        ),
    ];

    /// <summary>What the host itself understands, beside settings that have a colon in their name.</summary>
    private static readonly string[] Host = ["urls", "contentRoot", "environment", "applicationName", "county"];

    private static readonly string[] Help = ["help", "--help", "-h", "-?", "/?"],
        Version = ["version", "--version"];

    /// <summary>Reads the call. What it can answer itself it prints, and gives the exit code.</summary>
    public static int? Answer(string[] args, out Call call)
    {
        call = new Call(null, [], new HashSet<string>(), []);
        if (args is [var first, ..] && Version.Contains(first))
        {
            Console.WriteLine(
                typeof(CommandLine)
                    .Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!
                    .InformationalVersion
            );
            return 0;
        }
        if (args.Any(Help.Contains))
        {
            // What is asked about: behind the word help, or in front of the option.
            var asked = args.FirstOrDefault(a => a != Help[0]) ?? Help[0];
            if (!asked.StartsWith('-') && !Help.Contains(asked) && !asked.Contains('=') && Named(asked) is null)
            {
                var unknown = Unknown(asked);
                Console.Error.WriteLine(unknown.Message);
                return unknown.Exit;
            }
            Console.WriteLine(
                args.Select(Named).FirstOrDefault(c => c is not null) is { } about
                    ? $"{UsageOf(about)}\n{about.What}"
                    : All
            );
            return 0;
        }
        try
        {
            call = Read(args);
            return null;
        }
        catch (OperationException e)
        {
            Console.Error.WriteLine(e.Message);
            return e.Exit;
        }
    }

    private static ProgramCommand? Named(string word) => Commands.FirstOrDefault(c => c.Name == word);

    public static string UsageOf(ProgramCommand command) =>
        $"用法 usage: Ledger.Api.dll {command.Name} {command.Usage}".TrimEnd();

    private static string UsageOf(string name) => UsageOf(Named(name)!);

    /// <summary>A call of this command that lacks what it needs.</summary>
    public static OperationException Misuse(string name, string? why = null) =>
        new(why is null ? UsageOf(name) : $"{why}\n{UsageOf(name)}", Misused);

    private static string All =>
        string.Join(
            '\n',
            [
                "用法 usage: Ledger.Api.dll [命令 command] [--设置 setting=值 value …]",
                "没有命令时启动服务；设置见 docs/settings.md。Without a command it serves; docs/settings.md has the settings.",
                .. Commands.Select(c => $"  {c.Name} {c.Usage}\n      {c.What}"),
                "  help [命令], --version",
            ]
        );

    private static Call Read(string[] args)
    {
        var isCommand = args is [var first, ..] && !first.StartsWith('-') && !first.Contains('=');
        var command = isCommand ? Named(args[0]) ?? throw Unknown(args[0]) : null;
        var (words, flags, settings) = (new List<string>(), new HashSet<string>(), new List<string>());
        for (var i = command is null ? 0 : 1; i < args.Length; i++)
        {
            var arg = args[i];
            if (!arg.StartsWith('-') && !arg.Contains('='))
            {
                if (command is null || words.Count == command.Words)
                    throw Unknown(arg);
                words.Add(arg);
                continue;
            }
            var name = arg.TrimStart('-').Split('=', 2)[0];
            if (
                arg.StartsWith('-') && !arg.StartsWith("--", StringComparison.Ordinal)
                || command is not null && !IsKnown(command, name)
            )
                throw new OperationException(
                    $"没有选项“{arg}”。No such option.\n{(command is null ? All : UsageOf(command))}",
                    Misused
                );
            if (command?.Flags?.Contains(name) == true)
            {
                flags.Add(name);
                continue;
            }
            settings.Add(arg);
            if (arg.Contains('='))
                continue;
            if (i + 1 == args.Length || args[i + 1].StartsWith("--", StringComparison.Ordinal))
                throw new OperationException($"“{arg}”缺少值。It needs a value.", Misused);
            settings.Add(args[++i]);
        }
        return new Call(command, words, flags, [.. settings]);
    }

    private static bool IsKnown(ProgramCommand command, string name) =>
        name.Contains(':')
        || Host.Contains(name, StringComparer.OrdinalIgnoreCase)
        || command.Options.Contains(name, StringComparer.OrdinalIgnoreCase)
        || command.Flags?.Contains(name) == true
        || command.Options.Contains("log")
            && name.StartsWith("log", StringComparison.OrdinalIgnoreCase)
            && name[3..].All(char.IsAsciiDigit);

    private static OperationException Unknown(string word) =>
        new($"没有命令“{word}”。Unknown command.\n{All}", Misused);

    /// <summary>
    /// Settings lie beside the program, wherever it is started from; <c>--contentRoot</c> says another folder
    /// (<c>./start</c>
    /// does). Settings in the folder that it is started from, which would be read by nobody, are refused.
    /// </summary>
    /// <exception cref="OperationException">There are such settings.</exception>
    public static WebApplicationOptions Options(string[] settings)
    {
        var host = new ConfigurationBuilder()
            .AddEnvironmentVariables("DOTNET_")
            .AddEnvironmentVariables("ASPNETCORE_")
            .AddCommandLine(settings)
            .Build();
        if (host["contentRoot"] is { Length: > 0 })
            return new WebApplicationOptions { Args = settings };
        var (program, here) = (
            Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory),
            Directory.GetCurrentDirectory()
        );
        var file = $"appsettings.{host["environment"] ?? Environments.Production}.json";
        if (here != program && File.Exists(Path.Combine(here, file)) && !File.Exists(Path.Combine(program, file)))
            throw new OperationException(
                $"{here}/{file} 不会被读取：设置在程序旁边（{program}）。请移过去，或用 --contentRoot {here} 指明。"
                    + "These settings would not be read: move them beside the program, or say --contentRoot.",
                Misused
            );
        return new WebApplicationOptions { Args = settings, ContentRootPath = program };
    }

    /// <summary>
    /// What an operator is told instead of a stack trace, and the exit code; null where the fault is ours.
    /// </summary>
    public static (int Exit, string Words)? Mistake(Exception e) =>
        e switch
        {
            OperationException o => (o.Exit, o.Message),
            PostgresException
            {
                SqlState: PostgresErrorCodes.InvalidPassword or PostgresErrorCodes.InvalidAuthorizationSpecification
            } p => (
                1,
                $"数据库不接受用户名或密码（{p.MessageText}）；请核对 ConnectionStrings:Ledger。"
                    + "The database refuses the user or the password."
            ),
            PostgresException { SqlState: PostgresErrorCodes.InvalidCatalogName } p => (
                1,
                $"没有这个数据库（{p.MessageText}）；请由 DBA 建立，或核对 ConnectionStrings:Ledger。There is no such database."
            ),
            PostgresException { SqlState: PostgresErrorCodes.InsufficientPrivilege } p => (
                1,
                $"数据库角色没有所需的权限（{p.MessageText}）；该命令须以所有者连接：ConnectionStrings:LedgerOwner。"
                    + "The database role may not do this."
            ),
            PostgresException
            {
                SqlState: PostgresErrorCodes.CannotConnectNow or PostgresErrorCodes.TooManyConnections
            } p => (
                1,
                $"数据库暂时不能应答（{p.MessageText}）；请稍后再试。The database cannot answer now: try again."
            ),
            NpgsqlException { InnerException: SocketException or TimeoutException or IOException } n => (
                1,
                $"连不上数据库（{n.Message}）；请确认它在运行，并核对 ConnectionStrings:Ledger 的主机和端口。The database cannot be reached."
            ),
            IOException { InnerException: AddressInUseException } => (
                1,
                $"端口已被占用：{e.Message} 请停掉占用的程序，或用 --urls 换一个端口。The port is taken: choose another with --urls."
            ),
            SocketException s => (
                1,
                $"不能监听或连接（{s.Message}）；请核对 --urls。It cannot listen or connect: see --urls."
            ),
            InvalidDataException { InnerException: FormatException or System.Text.Json.JsonException } d => (
                Misused,
                $"设置文件无法读取（{d.Message} {d.InnerException?.Message}）；请改正后再启动。A settings file cannot be read."
            ),
            UnauthorizedAccessException or IOException => (
                1,
                $"文件或目录不能读写（{e.Message}）；请换一个位置，或改正权限。A file or folder cannot be read or written."
            ),
            { InnerException: { } inner } => Mistake(inner),
            _ => null,
        };
}

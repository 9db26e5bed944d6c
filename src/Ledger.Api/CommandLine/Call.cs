using System.CommandLine;
using System.CommandLine.Help;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Ledger.Api.CommandLine;

/// <summary>
/// How the program is called: a command first, its options, and settings anywhere behind it; without a command it
/// serves. A word that nobody knows, a command after the settings, an option that the command has not, a setting
/// without a value end it with <see cref="OperationException.Misused"/>. Nothing is started by mistake, and no setting
/// goes lost by it.
/// </summary>
public static partial class Call
{
    /// <summary>What the host itself understands, beside settings that have a colon in their name.</summary>
    private static readonly string[] Host = ["urls", "contentRoot", "environment", "applicationName", "county"];

    private static readonly string[] Asking = ["help", "--help", "-h", "-?", "/?", "version", "--version"];

    private static readonly ParserConfiguration Plain = new() { ResponseFileTokenReplacer = null };

    private static readonly InvocationConfiguration Bare = new()
    {
        EnableDefaultExceptionHandler = false,
        ProcessTerminationTimeout = null, // the host sees to Ctrl+C
    };

    /// <summary>Runs the command that is called.</summary>
    /// <param name="commands">From the settings of the call.</param>
    /// <param name="serve">What there is to do without a command, with these settings.</param>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(
        string[] args,
        Func<string[], IReadOnlyList<Command>> commands,
        Func<string[], Task<int>> serve
    )
    {
        try
        {
            var (words, settings) = Read(args);
            if (words.Count == 0)
                return await serve(settings);
            var root = Root(commands(settings));
            if (args[0] != words[0] && !Asking.Contains(words[0]))
                throw Unknown(words[0], root);
            return words switch
            {
                ["help", .. var about] => await RunAsync(root, [.. about, "--help"]),
                ["version"] => await RunAsync(root, ["--version"]),
                _ => await RunAsync(root, words),
            };
        }
        catch (Exception e) when (Mistakes.Of(e) is { } mistake)
        {
            await Console.Error.WriteLineAsync(mistake.Words);
            return mistake.Exit;
        }
    }

    private static RootCommand Root(IReadOnlyList<Command> commands)
    {
        var root = new RootCommand { Json };
        foreach (var command in commands)
            root.Subcommands.Add(command);
        return root;
    }

    private static async Task<int> RunAsync(RootCommand root, IReadOnlyList<string> words)
    {
        var call = root.Parse(words, Plain);
        var command = call.CommandResult.Command;
        if (call.UnmatchedTokens is [var unknown, ..])
            throw Unknown(unknown, command);
        if (call.Action is HelpAction)
        {
            Console.WriteLine(command == root ? List(root) : Help(command));
            return 0;
        }
        if (call.Errors.Count > 0)
            throw Misuse(command, string.Join('\n', call.Errors.Select(e => e.Message)));
        return call.GetValue(Json) ? await ReportAsync(call) : await call.InvokeAsync(Bare);
    }

    private static readonly Option<bool> Json = new("--json")
    {
        Description = "以 JSON 报告 · report in JSON",
        Recursive = true,
    };

    private static object? _result;

    /// <summary>What a program is told that asked for JSON.</summary>
    public static void Report(object result) => _result = result;

    /// <summary>What people read goes beside the output, which has one object.</summary>
    private static async Task<int> ReportAsync(ParseResult call)
    {
        var output = Console.Out;
        Console.SetOut(Console.Error);
        (int Exit, string? Error) end;
        try
        {
            end = (await call.InvokeAsync(Bare), null);
        }
        catch (Exception e) when (Mistakes.Of(e) is { } mistake)
        {
            end = mistake;
        }
        finally
        {
            Console.SetOut(output);
        }
        var report = new
        {
            Command = call.CommandResult.Command.Name,
            end.Exit,
            end.Error,
            Result = _result,
        };
        Console.WriteLine(JsonSerializer.Serialize(report, Plainly));
        return end.Exit;
    }

    private static readonly JsonSerializerOptions Plainly = new(JsonSerializerOptions.Web)
    {
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>What is called, apart from the settings.</summary>
    /// <exception cref="OperationException">A setting without a value.</exception>
    private static (List<string> Words, string[] Settings) Read(string[] args)
    {
        var (words, settings) = (new List<string>(), new List<string>());
        // Without a command all are settings: there is nothing else that they could be.
        var serves = args is [var first, ..] && (first.StartsWith('-') || Bared().IsMatch(first));
        for (var i = 0; i < args.Length; i++)
        {
            if (!IsSetting(args[i], serves))
            {
                words.Add(args[i]);
                continue;
            }
            settings.Add(args[i]);
            if (args[i].Contains('='))
                continue;
            if (i + 1 == args.Length || args[i + 1].StartsWith("--", StringComparison.Ordinal))
                throw new OperationException($"“{args[i]}”缺少值。It needs a value.", OperationException.Misused);
            settings.Add(args[++i]);
        }
        return (words, [.. settings]);
    }

    private static bool IsSetting(string arg, bool serves) =>
        !Asking.Contains(arg)
        && (
            arg.StartsWith("--", StringComparison.Ordinal)
                ? serves
                    || arg[2..].Split('=', 2)[0] is var name
                        && (name.Contains(':') || Host.Contains(name, StringComparer.OrdinalIgnoreCase))
                : Bared().IsMatch(arg)
        );

    /// <summary>A setting without hyphens: Ledger:KeyFile=…</summary>
    [GeneratedRegex(@"^\w+(:\w+)+=")]
    private static partial Regex Bared();

    private static OperationException Unknown(string word, Command command) =>
        new(
            (word.StartsWith('-') ? $"没有选项“{word}”。No such option." : $"没有命令“{word}”。Unknown command.")
                + $"\n{(command is RootCommand root ? List(root) : Usage(command))}",
            OperationException.Misused
        );

    /// <summary>A call of this command that cannot be.</summary>
    public static OperationException Misuse(Command command, string why) =>
        new($"{why}\n{Usage(command)}", OperationException.Misused);

    /// <summary>What it is called by: as the Debian package does, where it is from there.</summary>
    public static string Program => SettingFiles.AreInAFolder ? "ledger" : "Ledger.Api.dll";

    private static string Usage(Command command) => $"用法 usage: {Program} {Form(command)}";

    private static string Help(Command command) =>
        string.Join(
            '\n',
            [
                Usage(command),
                command.Description,
                .. Own(command).Select(o => $"  {o.Name} {Value(o)}".TrimEnd() + $"\n      {o.Description}"),
                .. command.Subcommands.Select(c => $"  {Form(c)}\n      {c.Description}"),
            ]
        );

    private static string List(RootCommand root) =>
        string.Join(
            '\n',
            [
                $"用法 usage: {Program} [命令 command] [--设置 setting=值 value …]",
                "没有命令时启动服务；设置见 docs/settings.md。"
                    + "Without a command it serves; docs/settings.md has the settings.",
                .. root.Subcommands.Select(c => $"  {Form(c)}\n      {c.Description}"),
                "  help [命令], --version; --json 以 JSON 报告 reports in JSON",
            ]
        );

    /// <summary>How a command is called, in a line.</summary>
    public static string Form(Command command) =>
        string.Join(
            ' ',
            [
                .. command.Parents.OfType<Command>().Where(p => p is not RootCommand).Select(p => p.Name),
                command.Name,
                .. command.Arguments.Select(a => $"<{a.HelpName}>"),
                .. Own(command).Select(o => $"{o.Name} {Value(o)}".TrimEnd() is var o1 && o.Required ? o1 : $"[{o1}]"),
                .. command.Subcommands.Count == 0
                    ? Array.Empty<string>()
                    : [$"[{string.Join(" | ", command.Subcommands.Select(Last))}]"],
            ]
        );

    private static string Last(Command command) =>
        string.Join(' ', [command.Name, .. command.Arguments.Select(a => $"<{a.HelpName}>")]);

    private static IEnumerable<Option> Own(Command command) => command.Options.Where(o => !o.Hidden);

    private static string Value(Option option) => option.HelpName is { } name ? $"<{name}>" : "";

    /// <summary>An option with a text, which is not empty.</summary>
    /// <param name="shows">What stands for the value where the command is described.</param>
    public static Option<string> Text(string name, string shows, string what, bool required = false)
    {
        var option = new Option<string>(name)
        {
            HelpName = shows,
            Description = what,
            Required = required,
        };
        option.Validators.Add(given =>
        {
            if (given.GetValueOrDefault<string>() is "")
                given.AddError($"{name} 为空 is empty");
        });
        return option;
    }
}

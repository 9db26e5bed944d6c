using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Ledger.Api.CommandLine;
using Npgsql;

namespace Ledger.Api.Tests;

/// <summary>
/// How the program is called, and what an operator is told who called it wrongly or on a machine that is not ready: a
/// line and the mend, never a stack trace.
/// </summary>
[Collection("api and programs")]
public sealed class CommandLineTests(ApiFixture api) : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("ledger-called");

    public void Dispose() => _folder.Delete(recursive: true);

    private Dictionary<string, string> OnThisDatabase =>
        new() { ["ConnectionStrings__Ledger"] = api.ConnectionString, ["Ledger__KeyFile"] = api.KeyFile };

    private string At(string name) => Path.Combine(_folder.FullName, name);

    [Fact]
    public async Task What_nobody_knows_ends_with_the_list_of_commands_and_starts_nothing()
    {
        string[][] wrong =
        [
            ["bakcup", "--to", At("b")],
            ["--Ledger:Sample=false", "backup", "--to", At("b")],
            ["backup", "--too", At("b")],
            ["check", "--rebuld"],
            ["rebuild", "now"],
            ["-x"],
            ["check", "--Ledger:KeyFile"],
            ["--urls", "--Ledger:Sample=true"],
            ["log-key", "retire"],
            ["restore", "--from", At("b"), "--switch", "x"],
            ["token", "--name", "li.si", "--role", "agency", "--region", "370811", "--days", "ten"],
            ["export", "--format", "excel"],
            ["@file"],
        ];
        foreach (var args in wrong)
        {
            var (exit, said) = await ApiProcess.RunAsync(OnThisDatabase, args);
            Assert.True(exit == 2, $"{string.Join(' ', args)} → {exit}: {said}");
            Assert.DoesNotContain("   at ", said);
            Assert.DoesNotContain("Now listening", said);
        }
        var (_, list) = await ApiProcess.RunAsync(OnThisDatabase, "bakcup");
        Assert.All(Program.Commands([]), c => Assert.Contains($"  {Call.Form(c)}", list));
        Assert.False(Directory.Exists(At("b")));
    }

    [Fact]
    public void The_run_book_has_the_table_of_exit_codes()
    {
        var table = File.ReadLines(Path.Combine(TourTests.Repository, "docs/operations.md"))
            .SkipWhile(l => l != "| exit code | 含义 | meaning |")
            .Skip(2)
            .TakeWhile(l => l.StartsWith('|'));
        Assert.Equal(ExitCodes.All.Select(c => $"| {c.Code} | {c.Chinese} | {c.English} |"), table);
    }

    /// <summary>For scripts: one object on the output, what people read beside it.</summary>
    [Fact]
    public void Every_command_reports_in_json_whether_it_succeeded_or_not()
    {
        JsonElement Report(int expected, params string[] args)
        {
            using var process = System.Diagnostics.Process.Start(
                new System.Diagnostics.ProcessStartInfo("dotnet", [ApiProcess.Build, .. args, "--json"])
                {
                    RedirectStandardOutput = true,
                    Environment =
                    {
                        ["ConnectionStrings__Ledger"] = api.ConnectionString,
                        ["Ledger__KeyFile"] = api.KeyFile,
                    },
                }
            )!;
            var printed = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            var report = JsonDocument.Parse(printed).RootElement;
            Assert.Equal(expected, process.ExitCode);
            Assert.Equal(expected, report.GetProperty("exit").GetInt32());
            Assert.Equal(args[0], report.GetProperty("command").GetString());
            return report;
        }
        var keys = Report(0, "log-key").GetProperty("result");
        Assert.StartsWith("collective-subsidy-ledger/", keys.GetProperty("signing")[0].GetString());
        var refused = Report(1, "restore", "--from", At("none"));
        Assert.Contains("没有完整的备份", refused.GetProperty("error").GetString());
        Assert.Equal(JsonValueKind.Null, refused.GetProperty("result").ValueKind);
    }

    [Fact]
    public async Task Help_and_version_are_printed()
    {
        var nothing = new Dictionary<string, string>();
        foreach (
            var args in (string[][])
                [
                    ["--help"],
                    ["-h"],
                    ["help"],
                    ["-?"],
                ]
        )
        {
            var (exit, said) = await ApiProcess.RunAsync(nothing, args);
            Assert.True(exit == 0 && said.Contains("administrator --name", StringComparison.Ordinal), said);
        }
        foreach (
            var args in (string[][])
                [
                    ["help", "nosuch"],
                    ["nosuch", "-h"],
                ]
        )
        {
            var (exit, said) = await ApiProcess.RunAsync(nothing, args);
            Assert.True(exit == 2 && said.Contains("administrator --name", StringComparison.Ordinal), said);
        }
        Assert.Matches(@"^\d+\.\d+", (await ApiProcess.RunAsync(nothing, "--version")).Output);
        foreach (var command in Program.Commands([]))
        {
            using var said = new StringWriter();
            foreach (
                var args in (string[][])
                    [
                        ["help", command.Name],
                        [command.Name, "--help"],
                    ]
            )
            {
                var printed = Console.Out;
                Console.SetOut(said);
                try
                {
                    Assert.Equal(0, await Call.RunAsync(args, Program.Commands, _ => Task.FromResult(-1)));
                }
                finally
                {
                    Console.SetOut(printed);
                }
            }
            Assert.Equal(2, said.ToString().Split($"usage: Ledger.Api.dll {Call.Form(command)}\n").Length - 1);
        }
    }

    /// <summary>What stands in the README runs as it stands, and says no more than is needed.</summary>
    [Fact]
    public void The_launcher_runs_the_programs_commands()
    {
        var here = OnThisDatabase.Select(s => (s.Key, s.Value)).ToArray();
        (int Exit, string Output) Launch(params string[] args) =>
            Programs.Run($"{TourTests.Repository}/ledger", args, here);
        var (helped, list) = Launch("help");
        Assert.True(helped == 0 && list.Contains("administrator --name", StringComparison.Ordinal), list);
        var (exit, said) = Launch("administrator", "--name", "launched.by.hand", "--region", "3708");
        Assert.True(exit == 0 && said.Contains("launched.by.hand", StringComparison.Ordinal), said);
        Assert.InRange(said.Trim().Split('\n').Length, 1, 4);
    }

    /// <summary>A flag takes no value: the setting behind it counts.</summary>
    [Fact]
    public async Task A_flag_does_not_swallow_the_setting_behind_it()
    {
        var (exit, said) = await ApiProcess.RunAsync(
            new Dictionary<string, string>(),
            "check",
            "--rebuild",
            "--ConnectionStrings:Ledger="
                + api.ConnectionString.Replace("Database=", "Database=no", StringComparison.Ordinal),
            "--Ledger:KeyFile",
            api.KeyFile
        );
        Assert.True(exit == 1 && said.Contains("There is no such database", StringComparison.Ordinal), said);
    }

    [Fact]
    public async Task Without_a_database_nothing_is_made_unless_asked_for()
    {
        var settings = new Dictionary<string, string> { ["Ledger__DataFolder"] = At("data") };
        foreach (
            var args in (string[][])
                [
                    [],
                    ["check"],
                    ["schema"],
                    ["backup", "--to", At("b")],
                    ["administrator", "--name", "a.b", "--region", "3708"],
                ]
        )
        {
            var (exit, said) = await ApiProcess.RunAsync(settings, args);
            Assert.True(
                exit == 2 && said.Contains("--Ledger:PrivateCluster=true", StringComparison.Ordinal),
                $"{exit}: {said}"
            );
        }
        Assert.False(Directory.Exists(At("data")), "no cluster, and no keys either");

        // A token of keys that the product does not have would be worth nothing.
        var (token, why) = await ApiProcess.RunAsync(
            settings,
            "token",
            "--name",
            "a",
            "--role",
            "auditor",
            "--region",
            "3708"
        );
        Assert.True(token == 1 && why.Contains("There is no key file", StringComparison.Ordinal), why);
        Assert.False(Directory.Exists(At("data")));
    }

    [Fact]
    public async Task Mistakes_are_a_line_with_the_mend()
    {
        var file = At("file");
        await File.WriteAllTextAsync(file, "not a folder");
        await File.WriteAllTextAsync(At("appsettings.Production.json"), "{ \"Ledger\": ");
        var server = new NpgsqlConnectionStringBuilder(api.ConnectionString);
        string Changed(Action<NpgsqlConnectionStringBuilder> change)
        {
            var builder = new NpgsqlConnectionStringBuilder(server.ConnectionString);
            change(builder);
            return builder.ConnectionString;
        }
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        await using (var owner = await api.Database.OpenConnectionAsync())
        {
            await owner.ExecuteAsync("create role stranger login password 'stranger'");
            await owner.ExecuteAsync($"grant connect on database \"{server.Database}\" to stranger");
        }
        var empty = await api.NewDatabaseAsync("untouched");
        await using (var owner = await api.Database.OpenConnectionAsync())
            await owner.ExecuteAsync(
                $"grant connect on database \"{new NpgsqlConnectionStringBuilder(empty).Database}\" to stranger"
            );

        var said = new List<(string What, Dictionary<string, string> Settings, string[] Arguments, string Words)>
        {
            (
                "a wrong password",
                new() { ["ConnectionStrings__Ledger"] = Changed(b => b.Password = "wrong") },
                ["check"],
                "refuses the user or the password"
            ),
            (
                "a server that does not answer",
                new() { ["ConnectionStrings__Ledger"] = Changed(b => (b.Host, b.Port) = ("127.0.0.1", 1)) },
                [],
                "cannot be reached"
            ),
            (
                "no such database",
                new() { ["ConnectionStrings__Ledger"] = Changed(b => b.Database = "nowhere") },
                [],
                "no such database"
            ),
            (
                "not a connection string",
                new() { ["ConnectionStrings__Ledger"] = "postgres://db/ledger" },
                [],
                "not a connection string"
            ),
            (
                "no tables, and nobody to make them",
                new()
                {
                    ["ConnectionStrings__Ledger"] = new NpgsqlConnectionStringBuilder(empty)
                    {
                        Username = "stranger",
                        Password = "stranger",
                    }.ConnectionString,
                },
                ["check"],
                "Run the schema command as the owner"
            ),
            (
                "a role without rights",
                new()
                {
                    ["ConnectionStrings__Ledger"] = Changed(b => (b.Username, b.Password) = ("stranger", "stranger")),
                },
                ["check"],
                "may not"
            ),
            (
                "the keys of another database",
                new() { ["Ledger__KeyFile"] = At("other.json") },
                ["check"],
                "does not belong to this database"
            ),
            (
                "keys that cannot be written",
                new() { ["Ledger__KeyFile"] = $"{file}/keys.json" },
                ["check"],
                "cannot be read or written"
            ),
            ("damaged keys", new() { ["Ledger__KeyFile"] = file }, ["check"], "damaged"),
            ("a backup where nothing can be written", [], ["backup", "--to", $"{file}/b"], "cannot be read or written"),
            ("a backup over another", [], ["backup", "--to", _folder.FullName], "不覆盖已有的文件"),
            (
                "an export where nothing can be written",
                [],
                ["export", "--format", "hledger", "--out", $"{file}/x"],
                "cannot be read or written"
            ),
            ("a port that is taken", [], ["--urls", $"http://{listener.LocalEndpoint}"], "The port is taken"),
            (
                "a setting that is no number",
                new() { ["Ledger__RetentionYears"] = "long" },
                ["check"],
                "A setting cannot be read"
            ),
            (
                "settings that are no JSON",
                [],
                ["check", "--contentRoot", _folder.FullName],
                "A settings file cannot be read"
            ),
            (
                "a data folder that is a file",
                new()
                {
                    ["ConnectionStrings__Ledger"] = "",
                    ["Ledger__PrivateCluster"] = "true",
                    ["Ledger__DataFolder"] = $"{file}/data",
                },
                [],
                "The data folder is not writable"
            ),
            ("nothing to restore", [], ["restore", "--from", At("none")], "没有完整的备份"),
            ("a command without what it needs", [], ["restore"], "--from"),
            ("an account that cannot be", [], ["administrator", "--name", "A"], "administrator --name"),
        };
        if (Environment.UserName == "root")
        {
            var closed = Directory.CreateDirectory(At("closed"));
            closed.UnixFileMode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
            said.Add(
                (
                    "a data folder that the database's user may not enter",
                    new()
                    {
                        ["ConnectionStrings__Ledger"] = "",
                        ["Ledger__PrivateCluster"] = "true",
                        ["Ledger__DataFolder"] = At("closed/data"),
                    },
                    [],
                    "may not enter the data folder"
                )
            );
        }
        foreach (var (what, settings, arguments, words) in said)
        {
            var all = OnThisDatabase;
            foreach (var (name, value) in settings)
                all[name] = value;
            var (exit, output) = await ApiProcess.RunAsync(all, arguments);
            Assert.True(
                what == "a server that does not answer" ? exit == 3 : exit is 1 or 2,
                $"{what} → {exit}: {output}"
            );
            Assert.True(output.Contains(words, StringComparison.Ordinal), $"{what}: {output}");
            Assert.False(
                output.Contains("   at ", StringComparison.Ordinal)
                    || output.Contains("Unhandled", StringComparison.Ordinal),
                $"{what} has a stack: {output}"
            );
            Assert.True(output.TrimEnd().Split('\n').Length <= 4, $"{what} is not a line: {output}");
        }
    }
}

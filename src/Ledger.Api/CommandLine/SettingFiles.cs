using Microsoft.Extensions.Configuration.CommandLine;
using Microsoft.Extensions.Configuration.EnvironmentVariables;
using Microsoft.Extensions.Configuration.Json;
using Microsoft.Extensions.Configuration.KeyPerFile;
using Microsoft.Extensions.FileProviders;

namespace Ledger.Api.CommandLine;

/// <summary>
/// Where settings come from. The Debian package keeps them in a folder (<c>LEDGER_SETTINGS=/etc/ledger</c>):
/// <c>&lt;county&gt;.json</c> goes before <c>ledger.json</c>, which is for all counties of the machine, and that before
/// what lies beside the program; environment and arguments go before all files. <c>LEDGER_SECRETS=/run/secrets</c> is a
/// folder with a file for each setting, named after it, as containers get them.
/// </summary>
public static class SettingFiles
{
    public const string FolderVariable = "LEDGER_SETTINGS",
        SecretsVariable = "LEDGER_SECRETS",
        Common = "ledger";

    private const string DataFolder = "Ledger:DataFolder";

    /// <summary>
    /// What belongs to one ledger: two would share a database or keys, if it stood where all counties read it.
    /// </summary>
    private static readonly string[] OfOne =
    [
        "ConnectionStrings:Ledger",
        "ConnectionStrings:LedgerOwner",
        "ConnectionStrings:LedgerReplica",
        "Ledger:KeyFile",
        "Ledger:KeyCommand",
        "Ledger:BackupFolder",
        "Ledger:SampleFolder",
        "Ledger:Log:KeyFile",
        "Ledger:Log:Key",
    ];

    private static string? Folder =>
        Environment.GetEnvironmentVariable(FolderVariable) is { Length: > 0 } folder ? folder : null;

    private static string Secrets => Environment.GetEnvironmentVariable(SecretsVariable) ?? "";

    /// <summary>Whether a county's settings have a file of their own.</summary>
    public static bool AreInAFolder => Folder is not null;

    /// <summary>Reads the folder's files for the county of <c>--county</c>; the only one need not be named.</summary>
    /// <exception cref="OperationException">There is no such folder or county, or one of several has to be
    /// named.</exception>
    public static void AddTo(ConfigurationManager configuration)
    {
        var sources = ((IConfigurationBuilder)configuration).Sources;
        var at = sources.ToList().FindLastIndex(s => s is JsonConfigurationSource) + 1;
        if (Environment.GetEnvironmentVariable(SecretsVariable) is { Length: > 0 } secrets)
            sources.Insert(
                at,
                new KeyPerFileConfigurationSource { FileProvider = new PhysicalFileProvider(Existing(secrets)) }
            );
        if (Folder is not { } folder)
            return;
        Existing(folder);
        var counties = Directory
            .GetFiles(folder, "*.json")
            .Select(f => Path.GetFileNameWithoutExtension(f))
            .Where(name => name != Common)
            .Order(StringComparer.Ordinal)
            .ToList();
        var names = string.Join("、", counties);
        if (counties.Count == 0)
            throw new OperationException(
                $"{folder} 中还没有县：请先运行 ledger-county add <区划代码> --port <端口>。"
                    + "No county yet: make one with ledger-county add.",
                OperationException.Misused
            );
        var county =
            configuration["county"] is { Length: > 0 } named ? named
            : counties is [var only] ? only
            : throw new OperationException(
                $"本机有多个县，请用 --county 指明（{names}）。Several counties: say which with --county.",
                OperationException.Misused
            );
        if (!counties.Contains(county))
            throw new OperationException(
                $"没有名为 {county} 的县（{names}）。No county of that name.",
                OperationException.Misused
            );
        configuration["county"] = county;
        sources.Insert(at, new SettingFile(Path.Combine(folder, $"{county}.json"), s => s));
        if (File.Exists(Path.Combine(folder, $"{Common}.json")))
            sources.Insert(at, new SettingFile(Path.Combine(folder, $"{Common}.json"), s => ForAll(s, county)));
    }

    /// <summary>The data folder of all has one for each county.</summary>
    private static Dictionary<string, string?> ForAll(Dictionary<string, string?> settings, string county)
    {
        if (OfOne.FirstOrDefault(settings.ContainsKey) is { } one)
            throw new OperationException(
                $"{one} 属于一个县，不能写在 {Common}.json 中；请写到 {county}.json。It belongs in the county's own file.",
                OperationException.Misused
            );
        if (settings.TryGetValue(DataFolder, out var all) && all is { Length: > 0 })
            settings[DataFolder] = Path.Combine(all, county);
        return settings;
    }

    private static string Existing(string folder) =>
        Directory.Exists(folder)
            ? Path.GetFullPath(folder)
            : throw new OperationException(
                $"没有设置目录 {folder}（{FolderVariable}、{SecretsVariable}）。There is no such folder of settings.",
                OperationException.Misused
            );

    /// <summary>What was read, by the names of files and variables: never a value.</summary>
    public static string Read(IConfigurationRoot configuration) =>
        string.Join(
            "、",
            configuration
                .Providers.SelectMany(provider =>
                    provider switch
                    {
                        _ when PathOf(provider) is { } file => [file],
                        KeyPerFileConfigurationProvider when Own(provider) is [_, ..] => [Secrets],
                        EnvironmentVariablesConfigurationProvider or CommandLineConfigurationProvider => Own(provider),
                        _ => Array.Empty<string>(),
                    }
                )
                .Distinct()
        );

    /// <summary>The variables and arguments that are settings of ours.</summary>
    private static string[] Own(IConfigurationProvider provider) =>
        [.. new[] { "ConnectionStrings", "Ledger" }.SelectMany(section => Below(provider, section)).Order()];

    private static IEnumerable<string> Below(IConfigurationProvider provider, string path) =>
        provider
            .GetChildKeys([], path)
            .Distinct(StringComparer.OrdinalIgnoreCase)
            .SelectMany(child =>
                provider.TryGet($"{path}:{child}", out _)
                    ?
                    [
                        provider is CommandLineConfigurationProvider
                            ? $"--{path}:{child}"
                            : $"{path}__{child}".Replace(":", "__", StringComparison.Ordinal),
                    ]
                    : Below(provider, $"{path}:{child}")
            );

    /// <summary>The place whose word counts for this setting.</summary>
    public static string Where(IConfigurationRoot configuration, string key) =>
        configuration.Providers.LastOrDefault(p => p.TryGet(key, out _)) switch
        {
            { } provider when PathOf(provider) is { } file => file,
            KeyPerFileConfigurationProvider => Secrets,
            EnvironmentVariablesConfigurationProvider =>
                $"环境变量 environment {key.Replace(":", "__", StringComparison.Ordinal)}",
            _ => "参数 arguments",
        };

    private static string? PathOf(IConfigurationProvider provider) =>
        provider switch
        {
            SettingFile own => own.Path,
            JsonConfigurationProvider { Source: { Path: { } path } source }
                when source.FileProvider?.GetFileInfo(path) is { Exists: true } file => file.PhysicalPath,
            _ => null,
        };

    private sealed class SettingFile(string path, Func<Dictionary<string, string?>, Dictionary<string, string?>> taken)
        : ConfigurationProvider,
            IConfigurationSource
    {
        public string Path => path;

        public IConfigurationProvider Build(IConfigurationBuilder builder) => this;

        public override void Load()
        {
            using var content = System.IO.File.OpenRead(path);
            try
            {
                Data = taken(
                    new ConfigurationBuilder()
                        .AddJsonStream(content)
                        .Build()
                        .AsEnumerable()
                        .Where(s => s.Value is not null)
                        .ToDictionary(StringComparer.OrdinalIgnoreCase)
                );
            }
            catch (Exception e) when (e is FormatException or System.Text.Json.JsonException)
            {
                throw new InvalidDataException(path, e);
            }
        }
    }
}

using System.Text.RegularExpressions;
using Ledger.Api.CommandLine;
using Ledger.Api.Storage;

namespace Ledger.Api.Counties;

/// <summary>
/// One of several counties in a deployment: the section Counties:<paramref name="Name"/> of the configuration, with
/// settings of its own that go before the common ones.
/// </summary>
/// <param name="Name">The region code, or another short name: a-z, 0-9 and hyphens. Commands choose by it: <c>--county
/// 370911</c>.</param>
/// <param name="Host">Counties:…:Host. The host name under which people reach it.</param>
public sealed partial record County(string Name, string Host)
{
    /// <summary>What two counties may not have in common: a database, and what stands by it.</summary>
    private static readonly string[] Databases = ["ConnectionStrings:Ledger", "ConnectionStrings:LedgerOwner"],
        Places =

        [
            "Ledger:DataFolder",
            "Ledger:KeyFile",
            "Ledger:KeyCommand",
            "Ledger:BackupFolder",
            "Ledger:SampleFolder",
            "Ledger:Log:KeyFile",
            "Ledger:Log:Key",
        ];

    /// <summary>
    /// What belongs to one ledger. A county that does not say its own has none, never the common one. Two may name one
    /// replica's server: the database there is their own.
    /// </summary>
    public static readonly string[] Own = [.. Databases, .. Places, "ConnectionStrings:LedgerReplica"];

    [GeneratedRegex("^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$")]
    private static partial Regex Short { get; }

    /// <summary>The counties of this deployment; none: it is one ledger.</summary>
    /// <exception cref="OperationException">A name or host that cannot be, or two counties with one host or one
    /// database.</exception>
    public static IReadOnlyList<County> All(IConfiguration configuration)
    {
        var sections = configuration.GetSection("Counties").GetChildren().ToList();
        foreach (var section in sections)
        {
            if (!Short.IsMatch(section.Key))
                throw new OperationException(
                    $"Counties:{section.Key}：县的名称只能有小写字母、数字和连字符，至多 32 个。"
                        + "A county's name has lower-case letters, digits and hyphens, 32 at most."
                );
            if (Uri.CheckHostName(section["Host"]) != UriHostNameType.Dns)
                throw new OperationException(
                    $"Counties:{section.Key}:Host：缺少主机名，或不是主机名。The county's host name is missing."
                );
        }
        Distinct(sections, "Host", s => s["Host"]!.ToLowerInvariant());
        foreach (var path in Databases)
            Distinct(
                sections,
                path,
                s =>
                    s[path] is { Length: > 0 } given && new Npgsql.NpgsqlConnectionStringBuilder(given) is var to
                        ? $"{to.Host}:{to.Port}/{to.Database}"
                        : null
            );
        foreach (var path in Places)
            Distinct(sections, path, s => s[path] is { Length: > 0 } given ? given : null);
        return [.. sections.Select(s => new County(s.Key, s["Host"]!.ToLowerInvariant()))];
    }

    private static void Distinct(
        List<IConfigurationSection> sections,
        string what,
        Func<IConfigurationSection, string?> of
    )
    {
        if (sections.GroupBy(of).FirstOrDefault(g => g.Key is not null && g.Count() > 1) is { } same)
            throw new OperationException(
                $"Counties:{string.Join("、", same.Select(s => s.Key))} 的 {what} 相同；每个县须有自己的。"
                    + $"Two counties share what each must have of its own: {what}."
            );
    }

    /// <summary>Puts the settings of the county that <c>--county</c> names before the common ones.</summary>
    /// <returns>The counties that a front is to serve: all, where none was named; none, where this process is one
    /// ledger.</returns>
    /// <exception cref="OperationException">There is none of that name, or a command is for one of several and says not
    /// which.</exception>
    public static IReadOnlyList<County> Choose(ConfigurationManager configuration, string? command)
    {
        if (SettingFiles.AreInAFolder)
            return []; // its own file has been read
        var all = All(configuration);
        var names = string.Join("、", all.Select(c => c.Name));
        if (configuration["county"] is not { Length: > 0 } name)
        {
            if (all.Count > 0 && command is not null)
                throw new OperationException(
                    $"本部署有多个县，请用 --county 指明（{names}）。Several counties: say which with --county."
                );
            return all;
        }
        if (all.All(c => c.Name != name))
            throw new OperationException($"没有名为 {name} 的县（{names}）。No county of that name.");
        var common = Settings.Of(configuration);
        var own = configuration
            .GetSection($"Counties:{name}")
            .AsEnumerable(makePathsRelative: true)
            .Where(s => s.Value is not null)
            .ToDictionary(StringComparer.OrdinalIgnoreCase);
        foreach (var path in Own)
            own.TryAdd(path, "");
        if (own["Ledger:DataFolder"] is not { Length: > 0 })
            own["Ledger:DataFolder"] = Path.Combine(common.DataFolder, name);
        configuration.AddInMemoryCollection(own);
        return [];
    }
}

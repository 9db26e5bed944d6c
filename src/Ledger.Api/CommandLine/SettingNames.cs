namespace Ledger.Api.CommandLine;

/// <summary>
/// The names of all settings. One that nobody knows is refused: misspelt, it would leave a default where somebody
/// believes to have said something else.
/// </summary>
public static class SettingNames
{
    /// <summary>As docs/settings.md has them; <c>:*</c> is a list.</summary>
    public static readonly IReadOnlyList<string> All =
    [
        "ConnectionStrings:Ledger",
        "ConnectionStrings:LedgerOwner",
        "ConnectionStrings:LedgerReplica",
        "Ledger:PrivateCluster",
        "Ledger:DataFolder",
        "Ledger:KeyFile",
        "Ledger:KeyCommand",
        "Ledger:BackupFolder",
        "Ledger:DiskLowGigabytes",
        "Ledger:AccountMap",
        "Ledger:VoucherColumns",
        "Ledger:Log:KeyFile",
        "Ledger:Log:Key",
        "Ledger:Log:Witnesses:*",
        "Ledger:Log:CheckpointSeconds",
        "Ledger:Log:CheckpointEntries",
        "Ledger:Log:ScrubMinutes",
        "Ledger:Log:Sm2",
        "Ledger:RateLimit:PerUser",
        "Ledger:RateLimit:PerAddress",
        "Ledger:RateLimit:RefusalsPerMinute",
        "Ledger:Limits:ConnectionsPerAddress",
        "Ledger:Metrics",
        "Ledger:BankFeeCeiling",
        "Ledger:ClockMarginMinutes",
        "Ledger:Webhooks:AllowedNetworks",
        "Ledger:Mail:Host",
        "Ledger:Mail:Port",
        "Ledger:Mail:Security",
        "Ledger:Mail:User",
        "Ledger:Mail:Password",
        "Ledger:Mail:From",
        "Ledger:Notify:Address",
        "Ledger:Notify:DigestHour",
        "Ledger:Notify:Gateway",
        "Ledger:Notify:Places",
        "Ledger:Contact",
        "Ledger:RetentionYears",
        "Ledger:Oidc:Authority",
        "Ledger:Oidc:Audience",
        "Ledger:Oidc:RoleClaim",
        "Ledger:Oidc:RegionClaim",
        "Ledger:Oidc:Alias",
        "Ledger:Oidc:AllowHttp",
        "Ledger:Sample",
        "Ledger:SampleFolder",
    ];

    private static readonly HashSet<string> Known = new(All, StringComparer.OrdinalIgnoreCase);

    /// <summary>Whose names are ours: what stands elsewhere (Logging, Kestrel) is the host's affair.</summary>
    private static readonly string[] Sections = ["Ledger", "ConnectionStrings", "Counties"]; // the last until 2026-11

    /// <exception cref="OperationException">There is a setting that nobody knows: which, from where, and what was
    /// probably meant.</exception>
    public static void Require(IConfigurationRoot configuration)
    {
        if (Unknown(configuration).ToList() is not [_, ..] unknown)
            return;
        throw new OperationException(
            string.Join(
                '\n',
                unknown.Select(u =>
                    $"没有设置“{u}”（{SettingFiles.Where(configuration, u)}）"
                    + (Meant(u) is { } meant ? $"，是否应为 {meant}？" : "。")
                    + $"No such setting{(Meant(u) is { } said ? $": did you mean {said}?" : ": see docs/settings.md.")}"
                )
            ),
            OperationException.Misused
        );
    }

    private static IEnumerable<string> Unknown(IConfigurationRoot configuration) =>
        configuration
            .AsEnumerable()
            .Where(s => s.Value is { Length: > 0 } && IsOurs(s.Key) && !IsKnown(s.Key))
            .Select(s => s.Key)
            .Order(StringComparer.Ordinal);

    private static bool IsOurs(string name) => Sections.Contains(name.Split(':')[0], StringComparer.OrdinalIgnoreCase);

    private static bool IsKnown(string name) =>
        Known.Contains(name)
        || name.LastIndexOf(':') is > 0 and var last && Known.Contains($"{name[..last]}:*")
        || name.StartsWith("Logging:", StringComparison.OrdinalIgnoreCase);

    /// <summary>The known name that is nearest, where it is near at all.</summary>
    public static string? Meant(string name) =>
        All.Select(known => (known, Steps: Steps(name.ToLowerInvariant(), known.ToLowerInvariant())))
            .Where(n => n.Steps <= Math.Max(2, name.Length / 4))
            .OrderBy(n => n.Steps)
            .Select(n => n.known)
            .FirstOrDefault();

    /// <summary>How many letters are to be put in, taken out or changed.</summary>
    private static int Steps(string from, string to)
    {
        var row = Enumerable.Range(0, to.Length + 1).ToArray();
        for (var i = 1; i <= from.Length; i++)
        {
            var (before, diagonal) = (row[0], row[0]);
            row[0] = i;
            for (var j = 1; j <= to.Length; j++)
            {
                before = row[j];
                row[j] = Math.Min(Math.Min(row[j] + 1, row[j - 1] + 1), diagonal + (from[i - 1] == to[j - 1] ? 0 : 1));
                diagonal = before;
            }
        }
        return row[^1];
    }
}

using Ledger.Api.Log;
using Ledger.Api.Tasks;
using Ledger.Domain.Accounts;

namespace Ledger.Api.Storage;

/// <summary>The settings of the product; docs/settings.md has the table.</summary>
/// <param name="ConnectionString">ConnectionStrings:Ledger. Null: a private cluster in <paramref name="DataFolder"/>,
/// where one is asked for.</param>
/// <param name="PrivateCluster">Ledger:PrivateCluster. Without a connection string: a PostgreSQL of our own. Nobody
/// gets an empty ledger because his settings were not found.</param>
/// <param name="OwnerConnectionString">ConnectionStrings:LedgerOwner. Who owns the tables; needed for the schema
/// command alone.</param>
/// <param name="ReplicaConnectionString">ConnectionStrings:LedgerReplica. A streaming replica for long reads, host and
/// port; role and password are the application's. Null: the primary reads too.</param>
/// <param name="DataFolder">Ledger:DataFolder. The private cluster, and the key file unless that is elsewhere.</param>
/// <param name="KeyFile">Ledger:KeyFile. Made on first start; back it up apart from the database.</param>
/// <param name="KeyCommand">Ledger:KeyCommand. Prints the keys instead: for a key management system.</param>
/// <param name="BackupFolder">Ledger:BackupFolder. The regular backups, a folder for each; by default <c>backups</c> in
/// the data folder.</param>
/// <param name="DiskLowGigabytes">Ledger:DiskLowGigabytes. Less than so much free on the disk of the data folder or of
/// the backups is told.</param>
/// <param name="Sample">Ledger:Sample. Sample county, printed tokens, a clock that can be moved: never for real
/// data.</param>
/// <param name="SampleFolder">Ledger:SampleFolder. Where the files of the tour are put.</param>
/// <param name="WebhookNetworks">Ledger:Webhooks:AllowedNetworks. Networks that webhooks may go to beside the public
/// internet, as <c>10.20.0.0/16</c>, with commas between.</param>
/// <param name="Notifications">Ledger:Mail, Ledger:Notify. How people are told that something waits for them.</param>
/// <param name="RequestsPerUser">Ledger:RateLimit:PerUser. Requests per second, ten seconds' worth at once; 0: no
/// limit.</param>
/// <param name="RequestsPerAddress">Ledger:RateLimit:PerAddress. The same for who brings no valid token.</param>
/// <param name="RefusalsPerMinute">Ledger:RateLimit:RefusalsPerMinute. So many refusals of one person are stored, the
/// others counted; 0: all are stored.</param>
/// <param name="RetentionYears">Ledger:RetentionYears †. How long personal data is kept after death or
/// departure.</param>
/// <param name="BankFeeCeiling">Ledger:BankFeeCeiling †. Yuan: what a fund's bank fees may come to that the village has
/// not made good.</param>
/// <param name="ClockMarginMinutes">Ledger:ClockMarginMinutes. How far ahead of the server's clock an event may be
/// dated: kept by the database, written by whoever brings its tables up to date; null: as it is there, at first
/// 10.</param>
/// <param name="Contact">Ledger:Contact. Whom to call at the agency: on the foot of each page.</param>
/// <param name="Oidc">Ledger:Oidc. An OpenID Connect authority whose tokens are accepted beside our own; null:
/// none.</param>
/// <param name="AccountMap">Ledger:AccountMap. The bookkeeper's own mapping of accounts; null: the sample that ships
/// with the product.</param>
/// <param name="VoucherColumns">Ledger:VoucherColumns. Which columns a bookkeeping programme wants vouchers in; null:
/// the sample that ships with the product.</param>
public sealed record Settings(
    string? ConnectionString,
    bool PrivateCluster,
    string? OwnerConnectionString,
    string? ReplicaConnectionString,
    string DataFolder,
    string KeyFile,
    string? KeyCommand,
    string BackupFolder,
    double DiskLowGigabytes,
    bool Sample,
    string SampleFolder,
    string? AccountMap,
    string? VoucherColumns,
    LogSettings Log,
    IReadOnlyList<System.Net.IPNetwork> WebhookNetworks,
    NotificationSettings Notifications,
    int RequestsPerUser,
    int RequestsPerAddress,
    int RefusalsPerMinute,
    int RetentionYears,
    int BankFeeCeiling,
    int? ClockMarginMinutes,
    string Contact,
    OidcSettings? Oidc
)
{
    /// <exception cref="OperationException">A value that cannot be read.</exception>
    public static Settings Of(IConfiguration configuration)
    {
        try
        {
            return Read(configuration);
        }
        catch (InvalidOperationException e) when (e is not OperationException)
        {
            // What the binder says names the setting and its value.
            throw new OperationException(
                $"有一项设置无法读取：{e.Message} {e.InnerException?.Message} 请改正。A setting cannot be read.",
                OperationException.Misused,
                e
            );
        }
    }

    private static Settings Read(IConfiguration configuration)
    {
        var isSample = configuration.GetValue("Ledger:Sample", false);
        var folder = configuration["Ledger:DataFolder"] is { Length: > 0 } configured
            ? configured
            : Storage.PrivateCluster.DefaultFolder(isSample);
        return new Settings(
            Connection(configuration, "Ledger"),
            configuration.GetValue("Ledger:PrivateCluster", false),
            Connection(configuration, "LedgerOwner"),
            Connection(configuration, "LedgerReplica"),
            folder,
            configuration["Ledger:KeyFile"] is { Length: > 0 } keys ? keys : Path.Combine(folder, "keys.json"),
            configuration["Ledger:KeyCommand"] is { Length: > 0 } command ? command : null,
            configuration["Ledger:BackupFolder"] is { Length: > 0 } backups ? backups : Path.Combine(folder, "backups"),
            configuration.GetValue("Ledger:DiskLowGigabytes", 2.0),
            isSample,
            configuration["Ledger:SampleFolder"] is { Length: > 0 } files ? files : Path.Combine(folder, "sample"),
            configuration["Ledger:AccountMap"] is { Length: > 0 } map ? map : null,
            configuration["Ledger:VoucherColumns"] is { Length: > 0 } columns ? columns : null,
            LogSettings.Of(configuration.GetSection("Ledger:Log")),
            Networks(configuration["Ledger:Webhooks:AllowedNetworks"] ?? ""),
            NotificationSettings.Of(configuration),
            configuration.GetValue("Ledger:RateLimit:PerUser", 50),
            configuration.GetValue("Ledger:RateLimit:PerAddress", 20),
            configuration.GetValue("Ledger:RateLimit:RefusalsPerMinute", 30),
            configuration.GetValue("Ledger:RetentionYears", 30),
            configuration.GetValue("Ledger:BankFeeCeiling", 200),
            ClockMargin(configuration.GetValue<int?>("Ledger:ClockMarginMinutes"), isSample),
            configuration["Ledger:Contact"]?.Trim() ?? "",
            OidcSettings.Of(configuration.GetSection("Ledger:Oidc"))
        );
    }

    /// <summary>A sample's clock may be moved by as much as anybody likes.</summary>
    private static int? ClockMargin(int? said, bool isSample) =>
        said is < 1 or > MostMinutes
            ? throw new OperationException(
                $"Ledger:ClockMarginMinutes 应为 1 至 {MostMinutes} 的整数。Minutes, from 1 to {MostMinutes}.",
                OperationException.Misused
            )
            : said ?? (isSample ? MostMinutes : null);

    private const int MostMinutes = 10_000_000;

    private static IReadOnlyList<System.Net.IPNetwork> Networks(string given) =>
        [
            .. given
                .Split((char[])[',', ' '], StringSplitOptions.RemoveEmptyEntries)
                .Select(n =>
                    System.Net.IPNetwork.TryParse(n, out var network)
                        ? network
                        : throw new OperationException(
                            $"Ledger:Webhooks:AllowedNetworks 应如 10.20.0.0/16，不是“{n}”。Not a network.",
                            OperationException.Misused
                        )
                ),
        ];

    private static string? Connection(IConfiguration configuration, string name)
    {
        if (configuration.GetConnectionString(name) is not { Length: > 0 } given)
            return null;
        try
        {
            _ = new Npgsql.NpgsqlConnectionStringBuilder(given);
            return given;
        }
        catch (Exception e) when (e is ArgumentException or FormatException)
        {
            throw new OperationException(
                $"ConnectionStrings:{name} 不是连接字符串（{e.Message}）；应如 Host=…;Database=…;Username=…;Password=…。"
                    + "It is not a connection string.",
                OperationException.Misused
            );
        }
    }

    /// <exception cref="OperationException">Neither a connection string nor a private cluster that was asked
    /// for.</exception>
    public void RequireDatabase()
    {
        if (ConnectionString is null && OwnerConnectionString is null && !PrivateCluster)
            throw new OperationException(
                "没有数据库：请用 ConnectionStrings:Ledger 指定（程序旁边的 appsettings.Production.json、环境变量或参数），"
                    + "或用 --Ledger:PrivateCluster=true 要求一个自带的 PostgreSQL。"
                    + "No database: give a connection string, or ask for a private cluster.",
                OperationException.Misused
            );
    }
}

/// <summary>An OpenID Connect authority, under Ledger:Oidc.</summary>
/// <param name="Authority">Its address; the discovery document lies below it.</param>
/// <param name="Audience">What its tokens must be for.</param>
/// <param name="RoleClaim">The claim with one of our roles; by default <c>role</c>.</param>
/// <param name="RegionClaim">The claim with the region code; by default <c>region</c>.</param>
/// <param name="Alias">What its subjects are called by before their <c>sub</c>; by default <c>oidc</c>. It stands in
/// events for ever: never give it to another authority.</param>
/// <param name="AllowHttp">Only for tests: its keys come unprotected.</param>
public sealed record OidcSettings(
    string Authority,
    string Audience,
    string RoleClaim,
    string RegionClaim,
    string Alias,
    bool AllowHttp
)
{
    public static OidcSettings? Of(IConfigurationSection section) =>
        section["Authority"] is not { Length: > 0 } authority
            ? null
            : new OidcSettings(
                authority,
                section["Audience"] ?? "collective-subsidy-ledger",
                section["RoleClaim"] ?? "role",
                section["RegionClaim"] ?? "region",
                AliasOf(section),
                section.GetValue("AllowHttp", false)
            );

    private static string AliasOf(IConfigurationSection section)
    {
        var alias = section["Alias"] is { Length: > 0 } own ? own : "oidc";
        return ActorName.AliasFault(alias) is { } fault
            ? throw new InvalidOperationException($"Ledger:Oidc:Alias “{alias}”：{fault}")
            : alias;
    }
}

/// <summary>The settings of the transparency log, under Ledger:Log.</summary>
/// <param name="KeyFile">The signing keys; null: a file beside Ledger:KeyFile, made on first start.</param>
/// <param name="Key">The signing keys themselves, for an environment variable.</param>
/// <param name="Sm2">Whether the first start makes an SM2 key beside the Ed25519 one.</param>
/// <param name="CheckpointEvery">CheckpointSeconds: how often the log is signed when something was added.</param>
/// <param name="CheckpointEntries">After so many new entries it is signed at once.</param>
/// <param name="ScrubEvery">ScrubMinutes: how often the whole log is compared with the stored events.</param>
/// <param name="Witnesses">Witnesses:0, :1 …: <c>address public-key</c> of each.</param>
public sealed record LogSettings(
    string? KeyFile,
    string? Key,
    bool Sm2,
    TimeSpan CheckpointEvery,
    int CheckpointEntries,
    TimeSpan ScrubEvery,
    IReadOnlyList<WitnessAddress> Witnesses
)
{
    /// <summary>Whose lines count.</summary>
    public IReadOnlyList<Ledger.TransparencyLog.NoteVerifier> WitnessKeys { get; } = [.. Witnesses.Select(w => w.Key)];

    public static LogSettings Of(IConfigurationSection section) =>
        new(
            section["KeyFile"] is { Length: > 0 } file ? file : null,
            section["Key"] is { Length: > 0 } key ? key : null,
            section.GetValue("Sm2", false),
            TimeSpan.FromSeconds(section.GetValue("CheckpointSeconds", 5)),
            section.GetValue("CheckpointEntries", 10_000),
            TimeSpan.FromMinutes(section.GetValue("ScrubMinutes", 60.0)),
            [.. section.GetSection("Witnesses").GetChildren().Select(w => WitnessAddress.Parse(w.Value ?? ""))]
        );
}

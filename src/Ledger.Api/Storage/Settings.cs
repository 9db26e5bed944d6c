namespace Ledger.Api.Storage;

/// <summary>The settings of the product; README has the table.</summary>
/// <param name="ConnectionString">ConnectionStrings:Ledger. Null: a private cluster in <paramref name="DataFolder"/>.</param>
/// <param name="OwnerConnectionString">ConnectionStrings:LedgerOwner. Who owns the tables; needed for the schema command alone.</param>
/// <param name="DataFolder">Ledger:DataFolder. The private cluster, and the key file unless that is elsewhere.</param>
/// <param name="KeyFile">Ledger:KeyFile. Made on first start; back it up apart from the database.</param>
/// <param name="Sample">Ledger:Sample. Sample county, printed tokens, a clock that can be moved: never for real data.</param>
/// <param name="SampleFolder">Ledger:SampleFolder. Where the files of the tour are put.</param>
/// <param name="AccountMap">Ledger:AccountMap. The bookkeeper's own mapping of accounts; null: the sample that ships with the product.</param>
public sealed record Settings(string? ConnectionString, string? OwnerConnectionString, string DataFolder, string KeyFile, bool Sample, string SampleFolder, string? AccountMap)
{
    public static Settings Of(IConfiguration configuration)
    {
        var isSample = configuration.GetValue("Ledger:Sample", false);
        var folder = configuration["Ledger:DataFolder"] is { Length: > 0 } configured ? configured : PrivateCluster.DefaultFolder(isSample);
        return new Settings(
            configuration.GetConnectionString("Ledger") is { Length: > 0 } connection ? connection : null,
            configuration.GetConnectionString("LedgerOwner") is { Length: > 0 } owner ? owner : null,
            folder,
            configuration["Ledger:KeyFile"] is { Length: > 0 } keys ? keys : Path.Combine(folder, "keys.json"),
            isSample,
            configuration["Ledger:SampleFolder"] is { Length: > 0 } files ? files : Path.Combine(folder, "sample"),
            configuration["Ledger:AccountMap"] is { Length: > 0 } map ? map : null);
    }
}

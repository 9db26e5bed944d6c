namespace Ledger.Domain.Identity;

/// <summary>
/// Region codes (行政区划代码): GB/T 2260 for city (4 digits used as prefix) and county (6), GB/T 10114 township (9), village
/// (12). A scope is a prefix: who holds 3708 sees every code that starts with it.
/// </summary>
public static class RegionCode
{
    public const int CityLength = 4,
        CountyLength = 6,
        TownshipLength = 9,
        VillageLength = 12;

    /// <summary>Of all of them, the widest first.</summary>
    public static readonly int[] Lengths = [CityLength, CountyLength, TownshipLength, VillageLength];

    public static string City(string code) => code[..CityLength];

    public static string County(string code) => code[..CountyLength];

    public static string Township(string code) => code[..TownshipLength];

    /// <summary>The county that a code lies in; a city's code is its own.</summary>
    public static string CountyOrCity(string code) => code.Length > CountyLength ? County(code) : code;

    /// <summary>Every scope in which a code lies, its own the last.</summary>
    public static string[] Scopes(string code) => [.. Enumerable.Range(1, code.Length).Select(n => code[..n])];

    public static bool Contains(string scope, string code) => code.StartsWith(scope, StringComparison.Ordinal);

    /// <summary>
    /// A community (居民委员会) and not a village (村民委员会): 统计用区划代码 give 001–199 and 400–499 to the one, 200–399 and
    /// 500–599 to the other.
    /// </summary>
    public static bool IsCommunity(string code) => code.Length == VillageLength && (code[^3] is '0' or '1' or '4');

    /// <summary>Who lives there, as the law calls them: 村民 or 居民; of a wider region both.</summary>
    public static string People(string code) =>
        code.Length < VillageLength ? "村（居）民"
        : IsCommunity(code) ? "居民"
        : "村民";

    /// <summary>
    /// Null when the code has one of the lengths asked for and only digits, else what is wrong, in Chinese.
    /// </summary>
    public static string? Fault(string code, params ReadOnlySpan<int> lengths) =>
        lengths.Contains(code.Length) && code.AsSpan().ContainsOnlyDigits()
            ? null
            : $"行政区划代码{PersonalNumbers.Quoted(code)}应为{string.Join("或", lengths.ToArray())}位数字";
}

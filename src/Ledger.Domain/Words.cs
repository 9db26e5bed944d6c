using System.Text.Json;

namespace Ledger.Domain;

public static class Words
{
    /// <summary>An enum's stored and published word, e.g. <c>per-tier</c>.</summary>
    public static string Word(this Enum value) => JsonNamingPolicy.KebabCaseLower.ConvertName(value.ToString());
}

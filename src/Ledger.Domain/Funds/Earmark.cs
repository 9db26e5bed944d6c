using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Serialization;

namespace Ledger.Domain.Funds;

/// <summary>
/// For whom a gift may serve (定向捐赠, C8): one contribution year, an age band (age reached in the year, both ends
/// included), one villagers' group (村民小组), named people; what is null is free. A line must fit every part.
/// </summary>
public sealed record Earmark(
    int? Year = null,
    int? MinAge = null,
    int? MaxAge = null,
    string? Group = null,
    IReadOnlyList<string>? MemberIds = null
)
{
    public const int MaxMembers = 200;

    /// <summary>The sub-account that gifts with this earmark share: the same earmark, the same pocket.</summary>
    [JsonIgnore]
    public string SubAccount =>
        this is { MinAge: null, MaxAge: null, Group: null, MemberIds: null }
            ? Funds.SubAccount.ForYear(Year)
            : $"earmark-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Content)))[..12]}";

    private string Content =>
        $"{Year}|{MinAge}|{MaxAge}|{Group}|{string.Join(',', (MemberIds ?? []).Order(StringComparer.Ordinal))}";

    /// <summary>Null when the line may be paid from it, else why not.</summary>
    public string? Mismatch(int year, string memberId, int? age, string? group) =>
        Year is { } y && y != year ? $"该资金指定用于 {y} 年度"
        : MemberIds is { } ids && !ids.Contains(memberId) ? "该资金指定用于其他人员"
        : Group is { } g && g != group ? $"该资金指定用于{g}"
        : MinAge is { } min && (age is null || age < min) ? $"该资金指定用于 {min} 岁及以上人员"
        : MaxAge is { } max && (age is null || age > max) ? $"该资金指定用于 {max} 岁及以下人员"
        : null;

    public Rejection? Fault() =>
        MinAge is < 16 or > 120 || MaxAge is < 16 or > 120 || MinAge > MaxAge
            ? Invalid("earmark.minAge", "年龄应在16至120之间，下限不大于上限")
        : MemberIds is { Count: 0 } ? Invalid("earmark.memberIds", "没有列出人员")
        : MemberIds?.Count > MaxMembers ? Invalid("earmark.memberIds", $"指定人员最多 {MaxMembers} 人")
        : Year is { } year && !SchemeYears.Has(year) ? Invalid("earmarkYear", SchemeYears.Fault)
        : null;

    private static Rejection Invalid(string field, string message) =>
        new(Rejections.FieldInvalid, message) { Field = field };
}

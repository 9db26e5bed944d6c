using System.Security.Cryptography;
using System.Text;

namespace Ledger.Domain.Identity;

/// <summary>
/// The identity of every aggregate, its stream's key in the store and its id in the API: one spelling everywhere.
/// Natural keys where there are some, so that a second registration meets the first one.
/// </summary>
public static class StreamId
{
    public static string PolicyYear(string region, int year) => $"policy-year-{region}-{year}";

    public static string RegionOfPolicyYear(string id) => id.Split('-') is [_, _, var region, ..] ? region : "";

    public static string Pilot(string county) => $"pilot-{county}";

    /// <summary>One for each name in a region: who writes it again writes the same one.</summary>
    public static string AgencyProfile(string region, string name) =>
        $"agency-profile-{region}-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(name)))[..16]}";

    public static string RegionNames(string region) => AgencyProfile(region, Profiles.AgencyProfileDecider.RegionNames);

    public static string Collective(string creditCode) => $"collective-{creditCode}";

    public static string FundOf(string collectiveId) => $"fund-{collectiveId["collective-".Length..]}";

    /// <summary>Whose fund it is; of what is no fund's id, none.</summary>
    public static string CollectiveOf(string fundId) =>
        fundId.StartsWith("fund-", StringComparison.Ordinal) ? $"collective-{fundId["fund-".Length..]}" : "";

    public static string PlanOf(string collectiveId, int year) => $"plan-{collectiveId["collective-".Length..]}-{year}";

    public static string NewMember() => $"member-{Guid.NewGuid():N}";

    public static bool IsMember(string id) =>
        id.Length == 39
        && id.StartsWith("member-", StringComparison.Ordinal)
        && id.AsSpan(7).IndexOfAnyExcept("0123456789abcdef") < 0;

    public static string MemberYear(string memberId, int year) => $"member-year-{memberId["member-".Length..]}-{year}";

    public static string MemberOf(string memberYearId) => $"member-{memberYearId["member-year-".Length..^5]}";

    public static string DonorOf(string creditCode) => $"donor-{creditCode}";

    public static string NewDonor() => $"donor-{Guid.NewGuid():N}";

    public static string NewApplication() => $"application-{Guid.CreateVersion7():N}";

    public static string NewSample() => $"sample-{Guid.CreateVersion7():N}";

    public static string NewSubscription() => $"subscription-{Guid.CreateVersion7():N}";

    /// <summary>Says by itself where and in which year it is found again.</summary>
    /// <param name="key">32 hex digits.</param>
    public static string ScreeningFinding(string region, int year, string key) =>
        $"screening-finding-{region}-{year}-{key}";

    /// <summary>Null: no finding's id.</summary>
    public static (string Region, int Year)? OfScreeningFinding(string id) =>
        id.Split('-') is ["screening", "finding", var region, var year, { Length: 32 } key]
        && RegionCode.Fault(region, RegionCode.CountyLength, RegionCode.TownshipLength, RegionCode.VillageLength)
            is null
        && year.Length == 4
        && year.All(char.IsAsciiDigit)
        && key.All(char.IsAsciiHexDigitLower)
            ? (region, int.Parse(year, System.Globalization.CultureInfo.InvariantCulture))
            : null;

    // No stream: what stands for one in events of accounts.
    public static string NewPerson() => $"person-{Guid.NewGuid():N}";

    public static string NewAccountRequest() => $"request-{Guid.CreateVersion7():N}";

    public static string NewChange() => $"change-{Guid.CreateVersion7():N}"; // no stream: what waits in a member's

    public static string Account(string name) => $"account-{name}";

    /// <summary>One for each fork of the log, by the furthest checkpoint that was seen of it.</summary>
    /// <param name="root">In base64.</param>
    public static string LogContinuation(long size, string root) =>
        $"log-continuation-{size}-{Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(root)))[..16]}";

    /// <summary>One for each thing that was found wrong with the database, in its words.</summary>
    public static string AnsweredFinding(string kind, string detail) =>
        "answered-finding-"
        + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{kind}\n{detail}")))[..32];

    public static string NewRefusal() => $"refusal-{Guid.CreateVersion7():N}";
}

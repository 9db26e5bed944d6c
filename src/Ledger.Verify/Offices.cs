using System.Collections.Frozen;
using System.Text.Json;

namespace Ledger.Verify;

/// <summary>
/// C20: each office does its own duty, and for its own place: who may write an event, and that it stays in the place
/// that its stream began in. Where the log says which role an account was given, and where, it is one of those. What is
/// in neither table is no event.
/// </summary>
public sealed class Offices
{
    /// <summary>Events, a colon, roles; a line each.</summary>
    private const string Table = """
        policy_year_published policy_year_amended: city-hrss
        policy_year_change_proposed policy_year_change_declined: city-hrss
        regions_named agency_profile_recorded: administrator
        pilot_applied: county-hrss
        sample_announced sample_drawn sample_paper_recorded sample_concluded: auditor
        subscription_opened subscription_changed subscription_secret_renewed subscription_ended: administrator
        subscription_resumed: administrator
        subscription_paused: administrator system
        subscription_confirmed: city-hrss county-hrss
        screening_finding_answered screening_finding_closed screening_finding_reopened: auditor
        screening_finding_explained: village-finance supervision-committee agency county-finance
        pilot_approved pilot_declined: city-hrss
        collective_registered: county-agriculture agency
        collective_surveyed: village-finance township
        collective_renamed collective_merged members_separated collective_dissolved: county-agriculture
        plan_drafted plan_amended plan_step_recorded plan_adopted: village-finance
        resolution_recorded resolution_published: village-finance
        plan_signed payment_signed payment_held: supervision-committee
        plan_countersigned payment_hold_lifted: township
        fund_opened fund_closed: village-finance county-agriculture agency
        year_closed reversal_requested bank_fee_charged bank_fee_reimbursed funds_paid: village-finance
        funds_allocated: village-finance county-finance
        allocation_reversed: village-finance township
        surplus_return_requested earmark_lift_requested: village-finance county-finance
        application_filed application_resubmitted notice_published notice_proof_recorded payment_sent: village-finance
        application_reviewed application_returned application_rejected application_approved application_settled: agency
        receipt_confirmed funds_reserved funds_credited: agency
        objection_resolved: township agency
        contribution_recorded contribution_adjusted contribution_refunded: county-tax agency
        contribution_reversal_requested contribution_reversed: county-tax agency
        member_registered death_recorded death_reported death_report_dismissed: village-finance agency
        death_revoked departure_revoked: village-finance agency
        member_change_requested member_change_declined member_corrected: village-finance agency
        membership_requested membership_declined record_joined record_declined: village-finance agency
        personal_data_disclosed: village-finance agency
        personal_data_erased: agency
        membership_ended membership_moved: village-finance agency county-agriculture
        donor_registered: village-finance county-hrss county-agriculture
        donor_data_erased: county-hrss agency
        pilot_ended: city-hrss
        creditors_notified: village-finance county-agriculture
        predecessor_absorbed fund_renamed funds_transferred transfer_received: county-agriculture
        member_list_disclosed payment_list_disclosed lines_listed subsidy_paid: village-finance
        funds_returned subsidy_returned payment_returned: village-finance
        application_withdrawn lines_withdrawn: village-finance township agency
        lines_left_out subsidy_released reservation_released: village-finance township agency
        subsidy_approved subsidy_credited subsidy_refunded funds_refunded line_refunded: agency
        surplus_returned earmark_lifted: township county-finance county-hrss
        objection_raised: village-finance township agency public
        complaint_raised complaint_escalated: township agency county-hrss county-agriculture public system
        complaint_answered: township county-hrss county-agriculture
        deadline_missed: system
        account_opened account_change_requested credentials_issued: administrator console
        account_holder_named account_closed: administrator console
        log_continued: console
        log_finding_answered: auditor
        log_finding_closed log_finding_reopened: auditor city-hrss
        insurance_checked sponsorship_recorded sponsorship_reversed subsidy_cleared: agency
        """;

    /// <summary>Events that are no office's, and why.</summary>
    private static readonly FrozenDictionary<string, string> Anybodys = new Dictionary<string, string>
    {
        ["command_refused"] = "whoever tries what he may not",
        ["account_changed"] = "confirmed by an administrator, or by the account's own person; Rules.Rights",
        ["account_change_declined"] = "by an administrator, or by the account's own person",
        ["account_contact_recorded"] = "each for himself",
        ["credentials_changed"] = "each for himself",
        ["delegation_granted"] = "each for himself",
        ["delegation_ended"] = "each for himself",
    }.ToFrozenDictionary();

    private static readonly FrozenDictionary<string, string[]> Roles = Table
        .Split('\n')
        .Select(line => line.Split(':'))
        .SelectMany(l => Words(l[0]).Select(type => (type, Roles: Words(l[1]))))
        .ToFrozenDictionary(o => o.type, o => o.Roles);

    private static readonly string[] Placed = ["fund-", "application-", "plan-", "collective-", "pilot-"];

    private readonly Dictionary<string, string> _places = [];
    private readonly Dictionary<string, HashSet<(string Role, string Region)>> _given = new(
        StringComparer.OrdinalIgnoreCase
    );

    private static string[] Words(string text) => text.Split(' ', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>Every type of event that there is stands in one of the two.</summary>
    public static bool Knows(string type) => Roles.ContainsKey(type) || Anybodys.ContainsKey(type);

    public static bool IsAsked(string type) => Roles.ContainsKey(type);

    /// <summary>Who may write it; null: no office's, or no event.</summary>
    public static IReadOnlyList<string>? Of(string type) => Roles.GetValueOrDefault(type);

    private static readonly string[] OfBothSides = ["predecessor_absorbed", "transfer_received"];

    /// <summary>Digits of a county's code.</summary>
    private const int County = 6;

    /// <summary>What is wrong with who wrote it; null: nothing.</summary>
    public string? Take(string type, string stream, JsonElement d, JsonElement headers)
    {
        var (role, region) = (headers.GetProperty("role").GetString()!, headers.GetProperty("region").GetString()!);
        if (!Roles[type].Contains(role))
            return $"由 {role} 办理，应由 {string.Join(" 或 ", Roles[type])} 办理";
        if (Placed.Any(p => stream.StartsWith(p, StringComparison.Ordinal)))
        {
            if (!_places.TryGetValue(stream, out var place))
                _places[stream] = place = region;
            // A merger or a split writes to both sides, in the name of the one that gives.
            var where = OfBothSides.Contains(type) ? region[..Math.Min(region.Length, County)] : region;
            if (!place.StartsWith(where, StringComparison.Ordinal))
                return $"在 {region} 办理，而它属于 {place}";
        }
        // A year, and a region's names, have their place in their ids.
        if (OfItself(stream) is { } its && !its.StartsWith(region, StringComparison.Ordinal))
            return $"在 {region} 办理，而它属于 {its}";
        return
            type == "application_filed"
            && _places.TryGetValue(d.GetProperty("collectiveId").GetString()!, out var own)
            && !own.StartsWith(region, StringComparison.Ordinal)
            ? $"在 {region} 申请，而集体属于 {own}"
            : NotGiven(headers, role, region);
    }

    private static string? OfItself(string stream) =>
        stream.StartsWith("policy-year-", StringComparison.Ordinal) ? stream["policy-year-".Length..^5]
        : stream.StartsWith("agency-profile-", StringComparison.Ordinal) ? stream["agency-profile-".Length..^17]
        : null;

    /// <summary>An account's role and region, when it was opened or changed: what it had before may still be in a token
    /// that lives a little.</summary>
    public void Give(string account, JsonElement d)
    {
        if (!d.TryGetProperty("role", out var role) || !d.TryGetProperty("roleRegion", out var region))
            return;
        if (!_given.TryGetValue(account, out var all))
            _given[account] = all = [];
        all.Add((role.GetString()!, region.GetString()!));
    }

    private string? NotGiven(JsonElement headers, string role, string region)
    {
        var actor = headers.GetProperty("actor").GetString()!;
        // Who acts for another has the other's office.
        var whose =
            headers.TryGetProperty("onBehalfOf", out var other) && other.GetString() is { } holder ? holder : actor;
        return
            _given.TryGetValue(whose, out var all)
            && !all.Any(g =>
                g.Role == role
                && (
                    region.StartsWith(g.Region, StringComparison.Ordinal)
                    || g.Region.StartsWith(region, StringComparison.Ordinal)
                )
            )
            ? $"{whose} 没有 {region} 的角色 {role}"
            : null;
    }
}

using System.Text.Json;

namespace Ledger.Verify;

/// <summary>
/// The ledger's promises, recomputed from the log alone: no stream has a gap; money is conserved and no balance is negative; fen come in
/// and go out in one unbroken row; an application's lines share out exactly what was reserved for it; nobody gets more than the year's
/// highest tier (C11); filer, reviewer and approver are different people (C15), and who asks for a correction does not confirm it.
/// </summary>
public sealed class Rules
{
    private sealed class Pocket { public long In, Out; }
    private sealed class Fund { public long Allocated, Available, Reserved, InTransit, Credited, Returned; }
    private sealed class Application { public readonly HashSet<string> Filers = [], Reviewers = []; public long Reserved, InTransit, Credited, From, To, Lines; public string Account = ""; }
    private sealed class Year { public readonly Dictionary<string, long> Subsidies = []; public readonly Dictionary<string, long> Sponsorships = []; }

    private readonly Dictionary<string, long> _versions = [];
    private readonly Dictionary<string, Fund> _funds = [];
    private readonly Dictionary<string, Pocket> _pockets = [];
    private readonly Dictionary<string, Application> _applications = [];
    private readonly Dictionary<string, Year> _years = [];
    private readonly Dictionary<string, long> _caps = [];
    private readonly Dictionary<(string, string), string> _asked = [];
    private long _approvals, _moved;

    public string Summary => $"\n守恒 {_funds.Count} 个资金、{_moved} 笔资金事项；上限 {_years.Count} 个成员年度；职责分离 {_approvals} 次审批：全部成立。";

    public void Take(Entry e)
    {
        if (e.Version != _versions.GetValueOrDefault(e.Stream) + 1) throw Fails(e, $"{e.Stream} 的版本从 {_versions.GetValueOrDefault(e.Stream)} 跳到 {e.Version}");
        _versions[e.Stream] = e.Version;
        switch (e.Type)
        {
            case "funds_allocated" or "funds_reserved" or "reservation_released" or "funds_paid" or "funds_returned" or "funds_credited" or "funds_refunded" or "allocation_reversed"
                or "earmark_lifted" or "surplus_returned" or "funds_transferred" or "transfer_received" or "reversal_requested":
                With(e, Money);
                break;
            case "subsidy_approved" or "subsidy_released" or "subsidy_refunded" or "sponsorship_recorded" or "sponsorship_reversed" or "contribution_reversal_requested" or "contribution_reversed":
                With(e, Member);
                break;
            case "policy_year_published" or "policy_year_amended":
                With(e, (entry, data, _) => _caps[entry.Stream] = data.GetProperty("parameters").GetProperty("tiers").EnumerateArray().Max(t => t.GetProperty("tierFen").GetInt64()));
                break;
            case "application_filed" or "application_resubmitted" or "application_reviewed" or "application_approved":
                With(e, Duties);
                break;
        }
    }

    private static void With(Entry e, Action<Entry, JsonElement, JsonElement> rule)
    {
        using var data = JsonDocument.Parse(e.Data);
        using var headers = JsonDocument.Parse(e.Headers);
        try
        {
            rule(e, data.RootElement, headers.RootElement);
        }
        catch (Exception wrong) when (wrong is KeyNotFoundException or InvalidOperationException or FormatException or JsonException)
        {
            throw Fails(e, $"内容无法理解：{wrong.Message}");
        }
    }

    private static NotProven Fails(Entry e, string what) => new($"第 {e.Index} 条 {e.Type}（{e.Stream}）：{what}");

    private static T Of<T>(Dictionary<string, T> all, string id) where T : new()
    {
        if (!all.TryGetValue(id, out var one)) all[id] = one = new T();
        return one;
    }

    private void Money(Entry e, JsonElement d, JsonElement headers)
    {
        if (e.Type == "reversal_requested")
        {
            _asked[(e.Stream, d.GetProperty("allocationId").GetString()!)] = d.GetProperty("requestedBy").GetString()!;
            return;
        }
        _moved++;
        var fund = Of(_funds, e.Stream);
        var amount = d.GetProperty("amountFen").GetInt64();
        if (amount <= 0) throw Fails(e, $"金额 {amount} 分");
        string Account() => $"{e.Stream}/{d.GetProperty("subAccount").GetString()}";
        (long From, long To) Fen(string name) => (d.GetProperty(name).GetProperty("from").GetInt64(), d.GetProperty(name).GetProperty("to").GetInt64());
        void Came(string account, (long From, long To) fen, long length)
        {
            var pocket = Of(_pockets, account);
            if (fen.From != pocket.In || fen.To - fen.From != length) throw Fails(e, $"{account} 进项应从第 {pocket.In} 分起共 {length} 分，却是 {fen}");
            pocket.In = fen.To;
        }
        void Went(string account, (long From, long To) fen, long length)
        {
            var pocket = Of(_pockets, account);
            if (fen.From != pocket.Out || fen.To - fen.From != length || fen.To > pocket.In) throw Fails(e, $"{account} 出项应从第 {pocket.Out} 分起共 {length} 分、不超过进项 {pocket.In} 分，却是 {fen}");
            pocket.Out = fen.To;
        }
        Application For() => Of(_applications, d.GetProperty("applicationId").GetString()!);
        switch (e.Type)
        {
            case "funds_allocated":
                Came(Account(), Fen("fen"), amount);
                (fund.Allocated, fund.Available) = (fund.Allocated + amount, fund.Available + amount);
                break;
            case "transfer_received":
                Came(Account(), Fen("fen"), amount);
                (fund.Allocated, fund.Available) = (fund.Allocated + amount, fund.Available + amount);
                break;
            case "funds_reserved":
                Went(Account(), Fen("fen"), amount);
                var reserved = For();
                (reserved.Account, (reserved.From, reserved.To)) = (Account(), Fen("fen"));
                (fund.Available, fund.Reserved, reserved.Reserved) = (fund.Available - amount, fund.Reserved + amount, reserved.Reserved + amount);
                break;
            case "reservation_released":
                Came(Account(), Fen("fen"), amount);
                var released = For();
                (fund.Available, fund.Reserved, released.Reserved) = (fund.Available + amount, fund.Reserved - amount, released.Reserved - amount);
                break;
            case "funds_paid":
                var paid = For();
                (fund.Reserved, fund.InTransit, paid.Reserved, paid.InTransit) = (fund.Reserved - amount, fund.InTransit + amount, paid.Reserved - amount, paid.InTransit + amount);
                break;
            case "funds_returned":
                var back = For();
                (fund.Reserved, fund.InTransit, back.Reserved, back.InTransit) = (fund.Reserved + amount, fund.InTransit - amount, back.Reserved + amount, back.InTransit - amount);
                break;
            case "funds_credited":
                var credited = For();
                (fund.InTransit, fund.Credited, credited.InTransit, credited.Credited) = (fund.InTransit - amount, fund.Credited + amount, credited.InTransit - amount, credited.Credited + amount);
                break;
            case "funds_refunded":
                Came(Account(), Fen("fen"), amount);
                var refunded = For();
                fund.Available += amount;
                if (d.GetProperty("wasCredited").GetBoolean()) (fund.Credited, refunded.Credited) = (fund.Credited - amount, refunded.Credited - amount);
                else (fund.InTransit, refunded.InTransit) = (fund.InTransit - amount, refunded.InTransit - amount);
                break;
            case "allocation_reversed":
                if (d.GetProperty("carriedOrigin") is { ValueKind: JsonValueKind.Object })
                {
                    var carried = Fen("carriedOrigin");
                    Went(Account(), carried, carried.To - carried.From);
                    Went(Account(), Fen("fen"), amount);
                    Came(Account(), Fen("carriedFen"), carried.To - carried.From);
                }
                else Went(Account(), Fen("fen"), amount);
                if (!_asked.TryGetValue((e.Stream, d.GetProperty("allocationId").GetString()!), out var asker) || asker == d.GetProperty("confirmedBy").GetString()) throw Fails(e, "冲正由提出者自己确认，或没有提出过");
                if (d.GetProperty("confirmedBy").GetString() != headers.GetProperty("actor").GetString()) throw Fails(e, "确认人与经办人不符");
                (fund.Available, fund.Returned) = (fund.Available - amount, fund.Returned + amount);
                break;
            case "earmark_lifted":
                Went(Account(), Fen("origin"), amount);
                Came($"{e.Stream}/general", Fen("fen"), amount);
                break;
            default: // surplus_returned, funds_transferred
                Went(Account(), Fen("fen"), amount);
                (fund.Available, fund.Returned) = (fund.Available - amount, fund.Returned + amount);
                break;
        }
        if (fund.Available < 0 || fund.Reserved < 0 || fund.InTransit < 0 || fund.Credited < 0) throw Fails(e, "余额为负");
        if (fund.Available + fund.Reserved + fund.InTransit + fund.Credited + fund.Returned != fund.Allocated) throw Fails(e, "资金不守恒");
        if (d.TryGetProperty("applicationId", out var id) && _applications[id.GetString()!] is { } of && (of.Reserved < 0 || of.InTransit < 0 || of.Credited < 0)) throw Fails(e, "某申请动用的钱多于为它占用的");
    }

    private void Member(Entry e, JsonElement d, JsonElement headers)
    {
        var year = Of(_years, e.Stream);
        switch (e.Type)
        {
            case "subsidy_approved":
                var (id, amount, fen) = (d.GetProperty("applicationId").GetString()!, d.GetProperty("amountFen").GetInt64(), d.GetProperty("fen"));
                var application = Of(_applications, id);
                var (from, to) = (fen.GetProperty("from").GetInt64(), fen.GetProperty("to").GetInt64());
                if (to - from != amount || application.Account != $"{d.GetProperty("fundId").GetString()}/{d.GetProperty("subAccount").GetString()}" || from < application.From || to > application.To)
                    throw Fails(e, $"[{from}, {to}) 不在为 {id} 占用的 {application.Account} [{application.From}, {application.To}) 之内");
                application.Lines += amount;
                year.Subsidies[id] = amount;
                Capped(e, year, headers.GetProperty("region").GetString()!);
                break;
            case "subsidy_released" or "subsidy_refunded":
                year.Subsidies.Remove(d.GetProperty("applicationId").GetString()!);
                break;
            case "sponsorship_recorded":
                year.Sponsorships[d.GetProperty("sponsorshipId").GetString()!] = d.GetProperty("amountFen").GetInt64();
                Capped(e, year, headers.GetProperty("region").GetString()!);
                break;
            case "sponsorship_reversed":
                year.Sponsorships.Remove(d.GetProperty("sponsorshipId").GetString()!);
                break;
            case "contribution_reversal_requested":
                _asked[(e.Stream, d.GetProperty("reference").GetString()!)] = d.GetProperty("requestedBy").GetString()!;
                break;
            default: // contribution_reversed
                if (!_asked.TryGetValue((e.Stream, d.GetProperty("reference").GetString()!), out var asker) || asker == d.GetProperty("confirmedBy").GetString()) throw Fails(e, "更正由提出者自己确认，或没有提出过");
                break;
        }
    }

    /// <summary>C11: over all collectives and donors; the county's policy year, else the city's.</summary>
    private void Capped(Entry e, Year year, string region)
    {
        var of = e.Stream[^4..];
        if (!_caps.TryGetValue($"policy-year-{region[..Math.Min(6, region.Length)]}-{of}", out var cap) && !_caps.TryGetValue($"policy-year-{region[..Math.Min(4, region.Length)]}-{of}", out cap))
            throw Fails(e, $"没有 {region} {of} 年度的政策参数");
        var sum = year.Subsidies.Values.Sum() + year.Sponsorships.Values.Sum();
        if (sum > cap) throw Fails(e, $"各项补助共 {sum} 分，超过最高档次 {cap} 分");
    }

    /// <summary>C15.</summary>
    private void Duties(Entry e, JsonElement d, JsonElement headers)
    {
        var application = Of(_applications, e.Stream);
        var who = d.GetProperty(e.Type switch { "application_reviewed" => "reviewedBy", "application_approved" => "approvedBy", _ => "filedBy" }).GetString()!;
        if (who != headers.GetProperty("actor").GetString()) throw Fails(e, $"{who} 与经办人 {headers.GetProperty("actor").GetString()} 不符");
        switch (e.Type)
        {
            case "application_reviewed":
                if (application.Filers.Contains(who)) throw Fails(e, $"{who} 复核了自己提交的申请");
                application.Reviewers.Add(who);
                break;
            case "application_approved":
                if (application.Filers.Contains(who) || application.Reviewers.Contains(who)) throw Fails(e, $"{who} 审批了自己提交或复核的申请");
                if (application.Reviewers.Count == 0) throw Fails(e, "没有复核就审批了");
                _approvals++;
                break;
            default:
                application.Filers.Add(who);
                break;
        }
    }

    /// <summary>What can be said only at the end.</summary>
    public void Finish()
    {
        foreach (var (id, application) in _applications)
            if (application.Lines != application.To - application.From) throw new NotProven($"{id} 的各人补助共 {application.Lines} 分，为它占用的是 {application.To - application.From} 分");
    }
}

using System.Globalization;
using System.Text.Json;

namespace Ledger.Verify;

/// <summary>
/// C20, L12: what plans rest on, and the account that money goes to, one person of the city proposes and another one
/// confirms, as it was proposed and in time; nobody does it alone since the rule is there.
/// </summary>
/// <param name="areOne">Whether somebody of the first is somebody of the others.</param>
/// <param name="margin">What happened within it may not have known of each other.</param>
internal sealed class PolicyChanges(Func<IEnumerable<string>, string[], bool> areOne, TimeSpan margin)
{
    /// <summary>Before this day one was enough.</summary>
    private static readonly DateTimeOffset Since = new(2026, 12, 1, 0, 0, 0, TimeSpan.Zero);

    private sealed record Proposal(string[] By, string Content, DateOnly From, DateOnly Until);

    private readonly Dictionary<string, Proposal> _waiting = [];
    private readonly Dictionary<string, (string? Payee, DateTimeOffset At)> _payees = [];
    private readonly Dictionary<(string Region, string Year), DateTimeOffset> _plans = [];

    /// <summary>A plan rests from now on on what holds in its village's county and city.</summary>
    public void Drafted(string plan, JsonElement d, DateTimeOffset at)
    {
        var village = d.GetProperty("villageCode").GetString()!;
        foreach (var length in (int[])[4, 6])
            if (village.Length >= length)
                _plans.TryAdd((village[..length], plan[^4..]), at);
    }

    /// <summary>What is wrong with the next event of a policy year; null: nothing.</summary>
    public string? Take(string type, string stream, JsonElement d, JsonElement headers, DateTimeOffset at)
    {
        var doers = Rules.Doers(headers, "actor", headers);
        if (type == "policy_year_change_declined")
            return _waiting.Remove(stream) ? null : "没有提出过修订";
        var parameters = d.GetProperty("parameters");
        var (content, from) = (Content(parameters), Rules.Date(parameters, "effectiveFrom"));
        if (type == "policy_year_change_proposed")
        {
            var by = Rules.Doers(d, "proposedBy");
            if (by[0] != doers[0])
                return $"{by[0]} 与经办人 {doers[0]} 不符";
            _waiting[stream] = new Proposal(by, content, from, Rules.Date(d, "until"));
            return null;
        }
        _waiting.Remove(stream, out var asked);
        var payee = Payee(parameters);
        var wrong =
            d.TryGetProperty("proposedBy", out var said) && said.ValueKind == JsonValueKind.String
                ? Unconfirmed(asked, said.GetString()!, content, from, Rules.Date(headers, "effectiveDate"), doers)
                : Alone(stream, payee, at);
        _payees[stream] = (payee, at);
        return wrong;
    }

    private string? Unconfirmed(
        Proposal? asked,
        string said,
        string content,
        DateOnly from,
        DateOnly on,
        string[] doers
    ) =>
        asked is null || asked.By[0] != said ? $"{said} 没有这样提出过修订"
        : areOne(asked.By, doers) ? $"{doers[0]} 确认了自己提出的修订"
        : asked.Content != content || from < asked.From ? "确认的不是提出的修订"
        : on > asked.Until ? $"修订须在 {asked.Until:yyyy-MM-dd} 以前确认"
        : null;

    private string? Alone(string stream, string? payee, DateTimeOffset at)
    {
        if (at < Since)
            return null;
        var (region, year) = (stream["policy-year-".Length..^5], stream[^4..]);
        if (_plans.TryGetValue((region, year), out var drafted) && drafted < at - margin)
            return "已有方案依据这一年度，却由一人修订";
        var last = $"{int.Parse(year, CultureInfo.InvariantCulture) - 1}";
        var city = region[..Math.Min(4, region.Length)];
        foreach (var (of, on) in new[] { (region, year), (city, year), (region, last), (city, last) })
            if (_payees.TryGetValue($"policy-year-{of}-{on}", out var until))
                return until.Payee is { } to && to != payee && until.At < at - margin ? "收款账户由一人更换" : null;
        return null;
    }

    private static string? Payee(JsonElement parameters) =>
        parameters.TryGetProperty("payee", out var payee) && payee.ValueKind == JsonValueKind.Object
            ? Content(payee)
            : null;

    /// <summary>All but the day; what is null, no or nought is the same as if a build from before had not written
    /// it.</summary>
    private static string Content(JsonElement of) =>
        of.ValueKind switch
        {
            JsonValueKind.Object => string.Concat(
                of.EnumerateObject()
                    .Where(p => p.Name != "effectiveFrom")
                    .Select(p => (p.Name, Value: Content(p.Value)))
                    .Where(p => p.Value is not ("" or "null" or "false" or "0"))
                    .OrderBy(p => p.Name, StringComparer.Ordinal)
                    .Select(p => $"{p.Name}:{p.Value};")
            )
                is { Length: > 0 } text
                ? $"{{{text}}}"
                : "",
            JsonValueKind.Array => $"[{string.Join(',', of.EnumerateArray().Select(Content))}]",
            _ => of.GetRawText(),
        };
}

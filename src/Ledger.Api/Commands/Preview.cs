using Ledger.Domain;
using Ledger.Domain.Applications;
using Ledger.Domain.Collectives;
using Ledger.Domain.Donors;
using Ledger.Domain.Funds;
using Ledger.Domain.Identity;
using Ledger.Domain.Members;
using Ledger.Domain.Policies;
using Ledger.Web;
using Ledger.Web.Policies;

namespace Ledger.Api.Commands;

/// <summary>So many events of a type.</summary>
public sealed record ForeseenEventView(string Type, int Count);

/// <summary>What of a collective, a fund or a person is one thing now and another afterwards.</summary>
public sealed record ForeseenChangeView(string Subject, string What, string Before, string After);

/// <summary>An application that is under way in a collective that this is about.</summary>
public sealed record ForeseenApplicationView(
    string Id,
    string Collective,
    int Year,
    string Status,
    int Lines,
    Money Amount
);

/// <summary>
/// What a command would do (<c>?preview=true</c>): it went its whole way, checks and decision, and nothing was
/// appended.
/// <paramref name="Amount"/>: how much money would lie elsewhere; <paramref name="People"/>: how many people it is
/// about. <paramref name="Payee"/>: of a policy year, where money goes to then.
/// </summary>
public sealed record PreviewView(
    Money? Amount,
    string? AmountInWords,
    int? People,
    string? Payee,
    IReadOnlyList<ForeseenChangeView> Changes,
    IReadOnlyList<ForeseenApplicationView> OpenApplications,
    IReadOnlyList<ForeseenEventView> Events
);

/// <summary>
/// Reads off what a command has decided: the states before and after its own events, folded as ever. There is no second
/// computation that could say something else than what is done then.
/// </summary>
public static class Preview
{
    public const string Parameter = "preview";

    /// <exception cref="RefusedException"><c>field-invalid</c> where the command cannot: nobody who only asks is to
    /// find that it was done.</exception>
    public static bool IsAsked(HttpContext http)
    {
        var asked = http.Request.Query[Parameter].ToString();
        if (asked.Length == 0 || asked == "false")
            return false;
        return asked == "true" && http.GetEndpoint()?.Metadata.GetMetadata<PreviewMetadata>() is not null
            ? true
            : throw Require.Invalid(Parameter, "此操作不能预览");
    }

    public static async Task<PreviewView> OfAsync(Command command)
    {
        var decided = command.Decided.Where(d => d.Change.Events.Count > 0).ToList();
        var events = decided.SelectMany(d => d.Change.Events).ToList();
        var changes = new List<ForeseenChangeView>();
        var collectives = Each<Collective>(decided).ToList();
        var funds = Each<Fund>(decided).ToList();
        foreach (var (before, after) in collectives)
            changes.AddRange(await OfCollectiveAsync(before, after, decided, command));
        foreach (var (before, after) in funds)
            changes.AddRange(OfFund(before ?? new Fund(), after));
        foreach (var (before, after) in Each<MemberYear>(decided))
            changes.AddRange(OfYear(before ?? new MemberYear(), after));
        foreach (var (before, after) in Each<Member>(decided))
            changes.Add(new("", "person", Kept(before?.IsErased), Kept(after.IsErased)));
        foreach (var (before, after) in Each<PolicyYear>(decided))
            changes.AddRange(OfPolicy(before, after));
        foreach (var (before, after) in Each<Donor>(decided))
            changes.Add(new("", "person", Kept(before?.IsErased), Kept(after.IsErased)));
        var amount = Moved(funds) is { IsPositive: true } moved
            ? moved
            : Money.Sum(events.OfType<IMoneyEvent>().Select(e => e.AmountFen));
        return new PreviewView(
            amount.IsPositive ? amount : null,
            amount.IsPositive ? ChineseAmount.Of(amount) : null,
            await PeopleAsync(decided, collectives, command) is > 0 and var people ? people : null,
            Each<PolicyYear>(decided).Select(p => PolicyDifference.Line(PayeeOf(p.After))).FirstOrDefault(),
            [.. changes.Where(c => c.Before != c.After)],
            await OpenAsync([.. Concerned(collectives, funds)], command),
            [.. events.GroupBy(TypeOf).Select(g => new ForeseenEventView(g.Key, g.Count()))]
        );
    }

    private static IEnumerable<(T? Before, T After)> Each<T>(
        IEnumerable<(Aggregate? Before, Ledger.Store.StreamChange Change)> decided
    )
        where T : Aggregate => decided.Where(d => d.Change.State is T).Select(d => ((T?)d.Before, (T)d.Change.State!));

    private static string Kept(bool? isErased) => isErased == true ? "erased" : "kept";

    private static string TypeOf(object e) =>
        System.Text.Json.JsonNamingPolicy.SnakeCaseLower.ConvertName(e.GetType().Name);

    private static async Task<IEnumerable<ForeseenChangeView>> OfCollectiveAsync(
        Collective? before,
        Collective after,
        IReadOnlyList<(Aggregate? Before, Ledger.Store.StreamChange Change)> decided,
        Command command
    )
    {
        var here = before is null ? 0 : (await command.MemberIdsAsync(before.WithPredecessors())).Count;
        var then =
            after.MergedInto is not null ? 0
            : before is null || before.Predecessors.Count == after.Predecessors.Count ? here
            : (await command.MemberIdsAsync(after.WithPredecessors())).Count;
        var left = Each<Member>(decided)
            .Count(m => before is not null && IsOf(m.Before, before) && !IsOf(m.After, before));
        return
        [
            new(after.Name, "name", before?.Name ?? "", after.Name),
            new(after.Name, "region", before?.Region ?? "", after.Region),
            new(after.Name, "members", $"{here}", $"{then - left}"),
            new(after.Name, "merged-into", "", NameOf(after.MergedInto)),
            new(after.Name, "dissolved-on", $"{before?.DissolvedOn:yyyy-MM-dd}", $"{after.DissolvedOn:yyyy-MM-dd}"),
            new(after.Name, "creditors-untold", Untold(before), Untold(after)),
        ];

        string NameOf(string? id) =>
            id is null ? "" : Each<Collective>(decided).FirstOrDefault(c => c.After.Id == id).After?.Name ?? id;
        static string Untold(Collective? c) => string.Join('、', c?.CreditorsUntold.Keys ?? []);
        static bool IsOf(Member? m, Collective c) =>
            m is not null && c.WithPredecessors().Any(m.Memberships.ContainsKey);
    }

    private static IEnumerable<ForeseenChangeView> OfFund(Fund before, Fund after)
    {
        string Name(string? pocket = null) =>
            pocket is null ? after.Name : $"{after.Name} · {Terms.SubAccount(pocket)}";
        yield return new(Name(), "fund-name", before.Name, after.Name);
        yield return new(Name(), "available", Format.Yuan(before.AvailableFen), Format.Yuan(after.AvailableFen));
        var pockets = before.SubAccounts.Keys.Union(after.SubAccounts.Keys).ToList();
        foreach (var pocket in pockets.Where(_ => pockets.Count > 1)) // one alone is the whole
            yield return new(
                Name(pocket),
                "available",
                Format.Yuan(before.Pocket(pocket).Available),
                Format.Yuan(after.Pocket(pocket).Available)
            );
        yield return new(Name(), "reserved", Format.Yuan(before.ReservedFen), Format.Yuan(after.ReservedFen));
        yield return new(Name(), "returned", Format.Yuan(before.ReturnedFen), Format.Yuan(after.ReturnedFen));
        yield return new(Name(), "state", State(before), State(after));

        static string State(Fund f) => f.IsClosed ? "closed" : "in-use";
    }

    private static IEnumerable<ForeseenChangeView> OfYear(MemberYear before, MemberYear after)
    {
        var year = $"{after.Id[^4..]} 年度";
        yield return new(year, "contributions", Sum(before.Contributions), Sum(after.Contributions));
        yield return new(
            year,
            "sponsored",
            Format.Yuan(Money.Sum(before.Sponsorships.Select(s => s.AmountFen))),
            Format.Yuan(Money.Sum(after.Sponsorships.Select(s => s.AmountFen)))
        );
        yield return new(year, "cap-used", Format.Yuan(before.CapUsed()), Format.Yuan(after.CapUsed()));
        yield return new(year, "reversal-asked-of", Asked(before), Asked(after));

        static string Sum(IEnumerable<Contribution> all) => Format.Yuan(Money.Sum(all.Select(c => c.AmountFen)));
        static string Asked(MemberYear y) =>
            string.Join('、', y.Contributions.Where(c => c.ConfirmBy is not null).Select(c => c.ConfirmBy));
    }

    /// <summary>What is proposed is not in force yet: the one row that says so stands above the rest.</summary>
    private static IEnumerable<ForeseenChangeView> OfPolicy(PolicyYear? before, PolicyYear after)
    {
        yield return new("policy-year", "waits", Waits(before), Waits(after));
        var then = after.Proposed?.Parameters ?? after.Parameters;
        foreach (var d in PolicyDifference.Of(before?.Parameters, then))
            yield return new(d.Subject, d.What, d.Before, d.After);

        static string Waits(PolicyYear? p) =>
            p?.Proposed is not null ? "waits-for-another"
            : p?.InForce() is null ? ""
            : "in-force";
    }

    private static PayeeAccount? PayeeOf(PolicyYear p) => (p.Proposed?.Parameters ?? p.Parameters).Payee;

    /// <summary>What leaves one pocket for another, for another fund or for outside, counted once.</summary>
    private static Money Moved(IReadOnlyList<(Fund? Before, Fund After)> funds)
    {
        var moved = funds
            .SelectMany(f =>
                f.After.SubAccounts.Keys.Select(p =>
                    f.After.Pocket(p).Available - (f.Before?.Pocket(p).Available ?? Money.Zero)
                )
            )
            .ToList();
        var (came, went) = (
            Money.Sum(moved.Where(m => m.IsPositive)),
            Money.Zero - Money.Sum(moved.Where(m => m < Money.Zero))
        );
        return came > went ? came : went;
    }

    /// <summary>Those whose own records change, and the members of a collective that goes up in another.</summary>
    private static async Task<int> PeopleAsync(
        IReadOnlyList<(Aggregate? Before, Ledger.Store.StreamChange Change)> decided,
        IReadOnlyList<(Collective? Before, Collective After)> collectives,
        Command command
    )
    {
        var people = decided
            .Select(d => d.Change)
            .Where(c => c.State is Member or MemberYear)
            .Select(c => c.State is Member ? c.Id : StreamId.MemberOf(c.Id))
            .ToHashSet();
        foreach (var (before, after) in collectives)
            if (before is { MergedInto: null, DissolvedOn: null } && (after.MergedInto ?? $"{after.DissolvedOn}") != "")
                people.UnionWith(await command.MemberIdsAsync(before.WithPredecessors()));
        return people.Count;
    }

    private static IEnumerable<string> Concerned(
        IEnumerable<(Collective? Before, Collective After)> collectives,
        IEnumerable<(Fund? Before, Fund After)> funds
    ) => collectives.Select(c => c.After.Id).Concat(funds.Select(f => f.After.CollectiveId)).Distinct();

    private static async Task<IReadOnlyList<ForeseenApplicationView>> OpenAsync(string[] collectives, Command command)
    {
        var open = (await command.ApplicationsAsync(collectives)).Where(a => !a.Status.IsOver()).Take(50).ToList();
        var names = await command.SoundAsync<Collective>([.. open.Select(a => a.CollectiveId).Distinct()]);
        return
        [
            .. open.Select(a => new ForeseenApplicationView(
                a.Id,
                names.GetValueOrDefault(a.CollectiveId)?.Name ?? a.CollectiveId,
                a.Year,
                a.Status.Word(),
                a.Lines.Length,
                Line.Total(a.Lines)
            )),
        ];
    }
}

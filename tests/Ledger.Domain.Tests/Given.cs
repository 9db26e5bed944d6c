using Ledger.Domain;
using Ledger.Domain.Members;

namespace Ledger.Domain.Tests;

/// <summary>Given events, when a command, then events or a refusal.</summary>
internal static class Given
{
    /// <summary>The state after these events, folded as the projections fold it.</summary>
    public static T State<T>(string id, params IEventOf<T>[] events)
        where T : Aggregate, IEvolve<T> => And(null, id, events)!;

    public static T? And<T>(this T? state, string id, params IEnumerable<IEventOf<T>> events)
        where T : Aggregate, IEvolve<T>
    {
        foreach (var e in events)
            state = IEvolve<T>.Next(state, id, e);
        return state;
    }

    public static IReadOnlyList<IEventOf<T>> Then<T>(this Decision<T> decision)
        where T : Aggregate
    {
        Assert.True(decision.Rejection is null, decision.Rejection?.Detail);
        return decision.Events;
    }

    public static Rejection ThenRefused<T>(this Decision<T> decision, RejectionCode code)
        where T : Aggregate
    {
        Assert.Empty(decision.Events);
        Assert.Empty(decision.Also);
        Assert.Equal(code, decision.Rejection?.Code);
        return decision.Rejection!;
    }

    /// <summary>Of 300 yuan, which opens a subsidy.</summary>
    public static readonly ContributionRecorded OwnPayment = new(
        ContributionKind.Regular,
        new Money(30_000),
        new Money(30_000),
        new DateOnly(2026, 1, 5),
        "r"
    );

    public static Actor Actor(string id, string role = "agency") => new(id, role, "370811");

    public static Money Yuan(decimal yuan)
    {
        var money = Money.FromYuan(yuan, out var fault);
        Assert.Null(fault);
        return money;
    }
}

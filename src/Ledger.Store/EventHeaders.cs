using System.Globalization;
using JasperFx.Events;
using Ledger.Domain;

namespace Ledger.Store;

/// <summary>
/// What every event of a command carries beside its body: who, for which region and business date, by which command and
/// request; and where it was asked whether the same money is booked twice, why it is not.
/// </summary>
public sealed record EventStamp(
    Actor By,
    string Region,
    DateOnly EffectiveDate,
    string Command,
    string CorrelationId,
    string CausationId,
    string IdempotencyKey = "",
    string? NotDuplicate = null
)
{
    public IReadOnlyDictionary<string, string> Headers()
    {
        InvariantViolationException.Require(
            Region.Length > 0,
            $"{Command}: an event of no region, which no scope would show"
        );
        var headers = Always();
        if (NotDuplicate is not null)
            headers[EventHeaders.NotDuplicate] = NotDuplicate;
        if (By.OnBehalfOf is { } holder)
            headers[EventHeaders.OnBehalfOf] = holder;
        return headers;
    }

    private Dictionary<string, string> Always() =>
        new()
        {
            [EventHeaders.Actor] = By.Id,
            [EventHeaders.Role] = By.Role,
            [EventHeaders.Region] = Region,
            [EventHeaders.BusinessDate] = EffectiveDate.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
            [EventHeaders.IdempotencyKey] = IdempotencyKey,
            [EventHeaders.Command] = Command,
        };
}

/// <summary>The keys of an event's headers: what every event carries beside its body (docs/domain.md).</summary>
public static class EventHeaders
{
    public const string Actor = "actor",
        Role = "role",
        Region = "region",
        BusinessDate = "effectiveDate",
        IdempotencyKey = "idempotencyKey",
        Command = "command",
        NotDuplicate = "notDuplicate",
        OnBehalfOf = "onBehalfOf",
        Mark = "mark";

    public static string Header(this IEvent e, string name) => e.GetHeader(name)?.ToString() ?? "";

    /// <summary>The business date (业务日期).</summary>
    /// <exception cref="UnreadableEventException">It has none.</exception>
    public static DateOnly EffectiveDate(this IEvent e) =>
        e.BusinessDay() ?? throw e.Unreadable("没有业务日期，或不成日期");

    /// <summary>
    /// The business date; null of an event that somebody wrote past the product without one. The store reads a
    /// date-like header back as a DateTime.
    /// </summary>
    public static DateOnly? BusinessDay(this IEvent e) =>
        e.GetHeader(BusinessDate) switch
        {
            DateTime d => DateOnly.FromDateTime(d),
            DateTimeOffset d => DateOnly.FromDateTime(d.DateTime),
            string s => Sql.Day(s),
            _ => null,
        };

    public static UnreadableEventException Unreadable(this IEvent e, string why) =>
        new(e.Sequence, e.StreamKey!, e.EventTypeName, why);
}

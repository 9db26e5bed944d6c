using System.Globalization;
using System.Security.Cryptography;
using Ledger.Api.Commands;
using Ledger.Api.Pages;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Domain;
using Ledger.Domain.Identity;
using Ledger.Domain.Tasks;
using Ledger.Web;
using Ledger.Web.Tasks;
using Microsoft.AspNetCore.Http.Features;
using Npgsql;

namespace Ledger.Api.Tasks;

/// <param name="Path">The page of what it is about.</param>
/// <param name="Subject">Its id; of a day of the policy year, the region whose year it is.</param>
/// <param name="Count">How many things it is.</param>
/// <param name="Task">Of what waits for the caller, which kind; null: it is no task.</param>
public sealed record CalendarEntryView(
    CalendarKind Kind,
    DateOnly On,
    [property: Said] string What,
    string Path,
    string Subject,
    string Region,
    int Count,
    int? Year,
    TaskKind? Task
)
{
    public static CalendarEntryView Of(CalendarEntry e) =>
        new(e.Kind, e.On, e.What, e.Path, e.Subject, e.Region, e.Count, e.Year, e.Task?.Kind);
}

/// <param name="To">The last day, included.</param>
public sealed record CalendarView(DateOnly From, DateOnly To, IReadOnlyList<CalendarEntryView> Entries);

/// <param name="Address">Where a calendar program fetches it, without signing in; null: there is none.</param>
public sealed record CalendarAddressView(string? Address);

/// <summary>The caller's calendar (办理日历): the list, the page, the file, and the address to subscribe to.</summary>
public static class CalendarEndpoints
{
    /// <summary>What is fetched by a program: a month back, a year ahead.</summary>
    private const int DaysBack = 31,
        DaysAhead = 366;

    public static void MapCalendar(this IEndpointRouteBuilder api)
    {
        api.MapGet("/calendar", List)
            .Reading<CalendarView>(
                "read-calendar",
                "办理日历：缴费期、结息日、公示期满、年度结账和待办的期限；不写日期为本月 · What is due on which day",
                Roles.Everybody
            )
            .Refuses(Rejections.FieldInvalid);
        api.MapGet("/calendar/address", ReadAddress)
            .Reading<CalendarAddressView>(
                "read-calendar-address",
                "自己日历的订阅地址 · Where a calendar program fetches one's calendar",
                Roles.Everybody
            );
        api.MapPut("/calendar/address", NewAddress)
            .Session<CalendarAddressView>(
                "renew-calendar-address",
                "生成或更换自己日历的订阅地址，原来的作废 · A new address; the one before is good no more",
                Roles.Everybody
            )
            .Refuses(Rejections.WrongState);
        api.MapDelete("/calendar/address", CloseAddress)
            .Session<CalendarAddressView>(
                "close-calendar-address",
                "停用自己日历的订阅地址 · The address is good no more",
                Roles.Everybody
            )
            .Refuses(Rejections.WrongState);
    }

    public static void MapCalendarPages(this WebApplication app)
    {
        app.Page("/calendar", Show, Roles.Everybody);
        app.Page("/calendar.ics", Download, Roles.Everybody);
        app.Page("/calendar/{address}.ics", Subscribed);
    }

    private static async Task<CalendarView> List(
        DateOnly? from,
        DateOnly? to,
        CalendarReader reader,
        Caller caller,
        Clock clock,
        CancellationToken cancellation
    )
    {
        var (first, last) = Span(from, to, clock.Today);
        return new(
            first,
            last,
            [.. (await reader.OfAsync(caller.Actor, first, last, cancellation)).Select(CalendarEntryView.Of)]
        );
    }

    /// <summary>This month where nothing is asked; a month from a day, or to it.</summary>
    private static (DateOnly From, DateOnly To) Span(DateOnly? from, DateOnly? to, DateOnly today)
    {
        foreach (var (day, field) in new[] { (from, "from"), (to, "to") })
            if (day is { Year: var year } && !SchemeYears.Has(year))
                throw Require.Invalid(field, "日期应在2009至2100年之间");
        var first = from ?? (to is { } end ? end.AddMonths(-1) : new DateOnly(today.Year, today.Month, 1));
        var last = to ?? first.AddMonths(1).AddDays(-1);
        return last < first ? throw Require.Invalid("to", "最后一天早于第一天")
            : last.DayNumber - first.DayNumber > CalendarReader.MostDays
                ? throw Require.Invalid("to", $"一次最多看 {CalendarReader.MostDays} 天")
            : (first, last);
    }

    private static async Task<IResult> Show(
        string? month,
        TaskReader tasks,
        CalendarReader reader,
        NotificationChoices choices,
        NpgsqlDataSource database,
        Settings settings,
        KeyFile keys,
        Caller caller,
        Clock clock,
        HttpContext http,
        CancellationToken cancellation
    )
    {
        var first = Month(month, clock.Today);
        var address = await AddressAsync(choices, database, settings, keys, caller, http, cancellation);
        // What is a secret is not pressed together with what stands in the page's own address.
        if (address is not null && http.Features.Get<IHttpsCompressionFeature>() is { } compression)
            compression.Mode = HttpsCompressionMode.DoNotCompress;
        var (by, last) = (caller.Actor, first.AddMonths(1).AddDays(-1));
        var waiting = await tasks.OfAsync(by, isAwaited: true, cancellation);
        return PageRoutes.Show<CalendarPage>(
            new
            {
                Month = first,
                Entries = await reader.OfAsync(by, waiting, first, last, cancellation),
                Missed = TaskCalendar.Missed(waiting, clock.Today),
                Undated = waiting.Count(t => t.Due is null),
                Address = address,
            }
        );
    }

    /// <summary>Its first day.</summary>
    private static DateOnly Month(string? asked, DateOnly today) =>
        asked is not { Length: > 0 } ? new DateOnly(today.Year, today.Month, 1)
        : DateOnly.TryParseExact(
            $"{asked}-01",
            "yyyy-MM-dd",
            CultureInfo.InvariantCulture,
            DateTimeStyles.None,
            out var first
        ) && SchemeYears.Has(first.Year)
            ? first
        : throw Require.Invalid("month", "应为年月，如 2026-03");

    private static async Task<IResult> Download(
        DateOnly? from,
        DateOnly? to,
        CalendarReader reader,
        IContacts contacts,
        Settings settings,
        KeyFile keys,
        Caller caller,
        Clock clock,
        TimeProvider time,
        HttpContext http,
        CancellationToken cancellation
    )
    {
        var (first, last) = Span(from, to, clock.Today);
        var entries = await reader.OfAsync(caller.Actor, first, last, cancellation);
        return Results.File(
            await FileAsync(entries, StreamId.Account(caller.Actor.Id), contacts, settings, keys, time, http),
            CalendarFile.MediaType,
            CalendarFile.Name
        );
    }

    /// <summary>
    /// Without signing in, by the address alone. Whose account is closed, or has another office than when he asked for
    /// it, has none.
    /// </summary>
    private static async Task<IResult> Subscribed(
        string address,
        CalendarReader reader,
        NotificationChoices choices,
        NpgsqlDataSource database,
        EventWriter writer,
        IContacts contacts,
        Settings settings,
        KeyFile keys,
        Clock clock,
        TimeProvider time,
        HttpContext http,
        CancellationToken cancellation
    )
    {
        if (await WhoseAsync(address, choices, database, writer, settings, keys, cancellation) is not { } who)
            throw Require.NotFound("这份日历，地址可能已更换或停用");
        var entries = await reader.OfAsync(
            who,
            clock.Today.AddDays(-DaysBack),
            clock.Today.AddDays(DaysAhead),
            cancellation
        );
        return Results.Bytes(
            await FileAsync(entries, StreamId.Account(who.Id), contacts, settings, keys, time, http),
            CalendarFile.MediaType
        );
    }

    private static async Task<Actor?> WhoseAsync(
        string address,
        NotificationChoices choices,
        NpgsqlDataSource database,
        EventWriter writer,
        Settings settings,
        KeyFile keys,
        CancellationToken cancellation
    )
    {
        if (CalendarAddress.Open(keys, address) is not var (accountId, number))
            return null;
        await using var connection = await database.OpenConnectionAsync(cancellation);
        return
            await choices.ReadAsync(connection, accountId) is { } choice
            && choice.Calendar == number
            && await NotificationChoices.WhoAsync(connection, writer, settings, accountId, choice) is { } who
            && (who.Role, who.Region) == (choice.Role, choice.Region)
            ? who
            : null;
    }

    private static Task<byte[]> FileAsync(
        IReadOnlyList<CalendarEntry> entries,
        string owner,
        IContacts contacts,
        Settings settings,
        KeyFile keys,
        TimeProvider time,
        HttpContext http
    ) =>
        CalendarFile.OfAsync(
            entries,
            keys,
            owner,
            Site(settings, http),
            settings.Notifications.WithPlaces,
            time.GetUtcNow(),
            contacts.PlaceOfAsync
        );

    private static string Site(Settings settings, HttpContext http) =>
        settings.Notifications.Address is { Length: > 0 } address ? address : PageRoutes.Address(http, "");

    private static async Task<string?> AddressAsync(
        NotificationChoices choices,
        NpgsqlDataSource database,
        Settings settings,
        KeyFile keys,
        Caller caller,
        HttpContext http,
        CancellationToken cancellation
    )
    {
        var (by, id) = (caller.Actor, StreamId.Account(caller.Actor.Id));
        if (by.OnBehalfOf is not null)
            return null;
        await using var connection = await database.OpenConnectionAsync(cancellation);
        return
            await choices.ReadAsync(connection, id) is { Calendar: not 0 } choice
            && (choice.Role, choice.Region) == (by.Role, by.Region)
            ? $"{Site(settings, http)}/calendar/{CalendarAddress.Of(keys, id, choice.Calendar)}.ics"
            : null;
    }

    private static async Task<CalendarAddressView> ReadAddress(
        NotificationChoices choices,
        NpgsqlDataSource database,
        Settings settings,
        KeyFile keys,
        Caller caller,
        HttpContext http,
        CancellationToken cancellation
    ) => new(await AddressAsync(choices, database, settings, keys, caller, http, cancellation));

    private static async Task<CalendarAddressView> NewAddress(
        NotificationChoices choices,
        NpgsqlDataSource database,
        EventWriter writer,
        Settings settings,
        KeyFile keys,
        Caller caller,
        HttpContext http,
        CancellationToken cancellation
    )
    {
        var number = RandomNumberGenerator.GetInt32(1, int.MaxValue);
        await SetAsync(number, choices, database, writer, settings, caller, cancellation);
        return await ReadAddress(choices, database, settings, keys, caller, http, cancellation);
    }

    private static async Task<CalendarAddressView> CloseAddress(
        NotificationChoices choices,
        NpgsqlDataSource database,
        EventWriter writer,
        Settings settings,
        Caller caller,
        CancellationToken cancellation
    )
    {
        await SetAsync(0, choices, database, writer, settings, caller, cancellation);
        return new(null);
    }

    private static async Task SetAsync(
        int number,
        NotificationChoices choices,
        NpgsqlDataSource database,
        EventWriter writer,
        Settings settings,
        Caller caller,
        CancellationToken cancellation
    )
    {
        var (by, id) = (caller.Actor, StreamId.Account(caller.Actor.Id));
        await using var connection = await database.OpenConnectionAsync(cancellation);
        await NotificationEndpoints.RequireOwnAsync(connection, writer, settings, by);
        var before = await choices.ReadAsync(connection, id);
        var now = before ?? new NotificationChoice(NotifyWhen.Never, null, false, [], by.Role, by.Region);
        await choices.WriteAsync(connection, id, now with { Role = by.Role, Region = by.Region, Calendar = number });
    }
}

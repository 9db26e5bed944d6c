using System.Security.Cryptography;
using System.Text;
using Ical.Net.CalendarComponents;
using Ical.Net.DataTypes;
using Ical.Net.Serialization;
using Ledger.Domain;
using Ledger.Domain.Tasks;

namespace Ledger.Api.Tasks;

/// <summary>
/// A calendar as a file (iCalendar, RFC 5545): whole days without a time zone. It lies with whoever runs the program
/// that shows it, so it says as little as a mail does: what and how many; with a setting where, and the link.
/// </summary>
public static class CalendarFile
{
    public const string MediaType = "text/calendar; charset=utf-8",
        Name = "calendar.ics";

    /// <remarks>In the language of whoever asks; a program that names none gets Chinese.</remarks>
    /// <param name="owner">Whose calendar it is: no two people's days are called the same.</param>
    /// <param name="address">This ledger's, for links.</param>
    /// <param name="now">The file is as of then.</param>
    public static async Task<byte[]> OfAsync(
        IReadOnlyList<CalendarEntry> entries,
        KeyFile keys,
        string owner,
        string address,
        bool withPlaces,
        DateTimeOffset now,
        Func<string, Task<string?>> place
    )
    {
        var calendar = new Ical.Net.Calendar { ProductId = "-//collective-subsidy-ledger//calendar//ZH" };
        calendar.AddProperty("X-WR-CALNAME", English.Said("集体补助办理日历"));
        calendar.AddProperty("X-PUBLISHED-TTL", "PT6H");
        if (withPlaces)
            foreach (var e in entries)
                calendar.Events.Add(
                    Day(
                        e.On,
                        Uid(keys, owner, e.Key),
                        $"{await place(e.Region) ?? e.Region} · {Said(e.What, e.Count)}",
                        $"{address}{e.Path}",
                        now
                    )
                );
        else
            foreach (var e in entries.GroupBy(e => (e.On, e.What)))
                calendar.Events.Add(
                    Day(
                        e.Key.On,
                        Uid(keys, owner, $"{e.Key.On:yyyy-MM-dd} {e.First().Kind} {e.First().Task?.Kind}"),
                        Said(e.Key.What, e.Sum(x => x.Count)),
                        $"{address}/calendar?month={e.Key.On:yyyy-MM}",
                        now
                    )
                );
        return Encoding.UTF8.GetBytes(new CalendarSerializer(calendar).SerializeToString()!);
    }

    private static string Said(string what, int count) =>
        count > 1 ? $"{English.Said(what)} × {count}" : English.Said(what);

    /// <summary>It tells nothing of what it is about, and is the same at each look.</summary>
    private static string Uid(KeyFile keys, string owner, string key) =>
        Convert.ToHexStringLower(HMACSHA256.HashData(keys.CalendarKey, Encoding.UTF8.GetBytes($"uid {owner} {key}")))[
            ..32
        ] + "@ledger";

    private static CalendarEvent Day(DateOnly on, string uid, string summary, string url, DateTimeOffset now) =>
        new()
        {
            Uid = uid,
            DtStamp = new CalDateTime(now.UtcDateTime, hasTime: true),
            Start = new CalDateTime(on),
            End = new CalDateTime(on.AddDays(1)), // the first day that it is not
            Summary = summary,
            Url = new Uri(url),
            Transparency = "TRANSPARENT", // nobody is busy for it
        };
}

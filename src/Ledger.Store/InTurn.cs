using System.Globalization;
using Npgsql;

namespace Ledger.Store;

/// <summary>
/// Events in the order of their numbers tell of times in that order: nobody dates one back, or ahead, past the product.
/// One that stands out is named once, and what follows is compared with what follows it.
/// </summary>
/// <param name="floor">Up to this number nothing is said: before it, clocks were nobody's concern.</param>
/// <param name="now">Nothing is recorded after it; null: not known here.</param>
/// <param name="margin">How far clocks were apart; null: as usual.</param>
public sealed class InTurn(long floor, DateTimeOffset? now, TimeSpan? margin = null)
{
    /// <summary>
    /// How far the clocks of two nodes may be apart, and one may be set back; a number is given out when its event is
    /// written.
    /// </summary>
    public static readonly TimeSpan Margin = TimeSpan.FromMinutes(10);

    private readonly TimeSpan _margin = margin ?? Margin;
    private DateTimeOffset _last = DateTimeOffset.UnixEpoch;

    /// <summary>As the upgrade left it (V0017).</summary>
    public static async Task<InTurn> OfAsync(
        NpgsqlConnection connection,
        string schema,
        DateTimeOffset? now,
        TimeSpan? margin = null
    ) =>
        new(
            (
                await connection.QueryAsync(
                    $"select version from {schema}.seal_floor where stream_id = ''",
                    r => r.GetInt64(0)
                )
            ).SingleOrDefault(),
            now,
            margin
        );

    /// <summary>What is wrong with the next event's time; null: nothing.</summary>
    public string? Next(long sequence, DateTimeOffset at)
    {
        if (now is { } today && at > today + _margin)
            return sequence > floor ? $"记录时间 {Text(at)} 还没有到" : null; // and says nothing of those behind it
        var last = _last;
        _last = at < last && at >= last - _margin ? last : at;
        return at < last - _margin && sequence > floor ? $"记录时间 {Text(at)} 早于它前面的事件（{Text(last)}）" : null;
    }

    private static string Text(DateTimeOffset at) =>
        at.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}

using System.Diagnostics;
using System.Text.Json;
using Microsoft.AspNetCore.Http.Json;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Ledger.Api.Feeds;

/// <summary>An entry as it is sent: <paramref name="Json"/> is a <see cref="FeedEntry"/>.</summary>
public sealed record FeedLine(long Position, string Region, string Type, byte[] Json);

/// <summary>As <see cref="FeedPage"/>.</summary>
public sealed record FeedLines(IReadOnlyList<FeedLine> Lines, long Next, bool IsHead)
{
    /// <summary>The first of them that are no more than so many bytes, and one at least.</summary>
    public FeedLines UpTo(int bytes)
    {
        var count = 0;
        for (var left = bytes; count < Lines.Count && (count == 0 || left >= Lines[count].Json.Length); count++)
            left -= Lines[count].Json.Length;
        return count == Lines.Count ? this : new([.. Lines.Take(count)], Lines[count - 1].Position, false);
    }
}

/// <summary>
/// The end of the log, read and written out once for all subscriptions of a node that have come as far; who is further
/// behind reads for himself.
/// </summary>
public sealed class FeedTail(IOptions<JsonOptions> json) : IDisposable
{
    private const int Most = 2_000;

    /// <summary>Who asks so soon after another is told what that one was: ten subscriptions are one look.</summary>
    private static readonly TimeSpan Fresh = TimeSpan.FromMilliseconds(250);
    private static readonly FeedFilter All = new("", [], WithNobodys: true);

    private readonly SemaphoreSlim _one = new(1);
    private readonly List<FeedLine> _lines = [];

    /// <summary>It has what lies behind the first, as far as the second.</summary>
    private long _from = -1,
        _to = -1;
    private bool _isHead;
    private long _readAt;

    public async Task<FeedLines> ReadAsync(NpgsqlConnection connection, FeedFilter filter, long after, int limit)
    {
        await _one.WaitAsync();
        try
        {
            if (after > _to)
            {
                _lines.Clear();
                (_from, _to, _isHead) = (after, after, false);
            }
            if (after >= _from)
                return await KeptAsync(connection, filter, after, limit);
        }
        finally
        {
            _one.Release();
        }
        var page = await EventFeed.ReadAsync(connection, filter, after, limit);
        return new([.. page.Entries.Select(Line)], page.Next, page.IsHead);
    }

    private async Task<FeedLines> KeptAsync(NpgsqlConnection connection, FeedFilter filter, long after, int limit)
    {
        var found = Found(filter, after, limit);
        if (found.Count < limit && !(_isHead && Stopwatch.GetElapsedTime(_readAt) < Fresh))
        {
            _readAt = Stopwatch.GetTimestamp();
            var page = await EventFeed.ReadAsync(connection, All, _to, EventFeed.MaxPage);
            _lines.AddRange(page.Entries.Select(Line));
            (_to, _isHead) = (page.Next, page.IsHead);
            found = Found(filter, after, limit);
            if (_lines.Count > Most)
            {
                _from = _lines[_lines.Count - Most - 1].Position;
                _lines.RemoveRange(0, _lines.Count - Most);
            }
        }
        return found.Count < limit ? new(found, _to, _isHead) : new(found, found[^1].Position, false);
    }

    private List<FeedLine> Found(FeedFilter filter, long after, int limit)
    {
        var at = _lines.FindIndex(l => l.Position > after);
        return at < 0
            ? []
            :
            [
                .. _lines
                    .Skip(at)
                    .Where(l =>
                        l.Region.StartsWith(filter.Region, StringComparison.Ordinal)
                        && (filter.Types.Count == 0 || filter.Types.Contains(l.Type))
                    )
                    .Take(limit),
            ];
    }

    private FeedLine Line(FeedEntry entry) =>
        new(
            entry.Position,
            entry.Event.Region,
            entry.Event.Type,
            JsonSerializer.SerializeToUtf8Bytes(entry, json.Value.SerializerOptions)
        );

    public void Dispose() => _one.Dispose();
}

namespace Ledger.Domain.Applications;

/// <summary>
/// A line as the notice was printed. <paramref name="Number"/>: its place on the list, 1 for the first; an addendum
/// names it by that.
/// </summary>
public sealed record NoticedLine(int Number, string MemberId, Money AmountFen);

/// <summary>
/// Why a published line is not as it was: taken back by the village, objection upheld, sent back by the agency;
/// anything else.
/// </summary>
public enum NoticeChange
{
    Withdrawn,
    ObjectionUpheld,
    Refunded,
    LeftOut,
    Amended,
}

/// <summary>
/// What one day changed after the notice was out (补充公告): the published lines that fell out, or that stand with another
/// amount now.
/// <paramref name="AmountFen"/> of a line: what it is now, zero for one that fell out.
/// </summary>
public sealed record NoticeAddendum(DateOnly On, NoticeChange Change, IReadOnlyList<NoticedLine> Lines);

/// <summary>
/// The public notice (公示, C16) as it was published. What is printed and hangs on the board stays what it was; whatever
/// comes later is an addendum beneath it. It is derived from the events, so a notice that an earlier version published
/// is frozen as well.
/// </summary>
public sealed record Notice(
    DateOnly From,
    DateOnly Until,
    string Place,
    IReadOnlyList<NoticedLine> Lines,
    IReadOnlyList<NoticeAddendum> Addenda
)
{
    /// <summary>How long after its last day a notice is shown while its payment waits.</summary>
    public const int ResultDays = 30;

    /// <summary>
    /// Whether anybody may read it: until its last day, and after that, for the answers to objections, while the
    /// payment still waits. Names and amounts are nobody else's business any more then.
    /// </summary>
    public static bool IsPublic(Application state, DateOnly today) => IsPublic(state.Status, state.NoticeUntil, today);

    /// <inheritdoc cref="IsPublic(Application, DateOnly)"/>
    public static bool IsPublic(ApplicationStatus status, DateOnly? noticeUntil, DateOnly today) =>
        noticeUntil is { } until
        && (today <= until || (status == ApplicationStatus.Noticed && today <= until.AddDays(ResultDays)));

    public Money AmountFen => Money.Sum(Lines.Select(l => l.AmountFen));

    /// <summary>What the list comes to with every addendum.</summary>
    public IReadOnlyList<NoticedLine> Present()
    {
        var last = Addenda.SelectMany(a => a.Lines).GroupBy(l => l.Number).ToDictionary(g => g.Key, g => g.Last());
        return [.. Lines.Select(l => last.GetValueOrDefault(l.Number, l)).Where(l => l.AmountFen.IsPositive)];
    }

    /// <param name="events">The application's events in their order, each with the day on which it was
    /// recorded.</param>
    /// <returns>The latest notice; null when none was published.</returns>
    public static Notice? Of(IEnumerable<(DateOnly On, IEventOf<Application> Event)> events)
    {
        Application? state = null;
        Notice? notice = null;
        foreach (var (on, e) in events)
        {
            state = Application.Evolve(state, e);
            if (e is NoticePublished n)
                notice = new Notice(
                    n.From,
                    n.Until,
                    n.Place,
                    [.. Shown(state).Select((l, i) => new NoticedLine(i + 1, l.MemberId, l.AmountFen))],
                    []
                );
            else if (notice is not null)
                notice = notice.After(state, on, e);
        }
        return notice;
    }

    /// <summary>Approved, and not fallen out since: in the order of the roster.</summary>
    private static IEnumerable<Line> Shown(Application state) =>
        state
            .Lines.Where(l =>
                l.Fen is not null && l.Status is LineStatus.Approved or LineStatus.Paid or LineStatus.Credited
            )
            .OrderBy(l => l.Row);

    private Notice After(Application state, DateOnly on, IEventOf<Application> e)
    {
        var now = Shown(state).ToDictionary(l => l.MemberId, l => l.AmountFen);
        var changed = Present()
            .Select(l => (Was: l, Now: now.GetValueOrDefault(l.MemberId)))
            .Where(c => c.Was.AmountFen != c.Now)
            .Select(c => c.Was with { AmountFen = c.Now })
            .ToList();
        if (changed.Count == 0)
            return this;
        var change = e switch
        {
            LinesWithdrawn or ApplicationWithdrawn => NoticeChange.Withdrawn,
            ObjectionResolved => NoticeChange.ObjectionUpheld,
            LineRefunded => NoticeChange.Refunded,
            _ => changed.All(l => l.AmountFen.IsPositive) ? NoticeChange.Amended : NoticeChange.LeftOut,
        };
        return this with { Addenda = [.. Addenda, new NoticeAddendum(on, change, changed)] };
    }
}

namespace Ledger.Domain.Applications;

/// <summary>
/// Since which business date (业务日期) each line is where it is now: approved, paid, credited. What happens to it next is
/// not dated before that, so that no account of the fund ever held less than nothing. A movement dated today comes
/// after everything there is and needs no such look; one that is dated back does, and it rests on the events, for
/// states do not keep dates.
/// </summary>
public sealed class LineDates
{
    private readonly Dictionary<string, DateOnly> _since = [];
    private DateOnly? _answered;

    private LineDates() { }

    /// <param name="events">The application's events in their order, each with its business date.</param>
    public static LineDates Of(IEnumerable<(DateOnly On, IEventOf<Application> Event)> events)
    {
        var dates = new LineDates();
        Application? state = null;
        foreach (var (on, e) in events)
        {
            var after = Application.Evolve(state, e);
            if (e is ObjectionResolved)
                dates._answered = Later(dates._answered, on);
            var was = state?.Lines ?? [];
            for (var i = 0; i < after.Lines.Length; i++)
                if (
                    i >= was.Length
                    || was[i].Status != after.Lines[i].Status
                    || was[i].MemberId != after.Lines[i].MemberId
                )
                    dates._since[after.Lines[i].MemberId] = Later(
                        dates._since.TryGetValue(after.Lines[i].MemberId, out var known) ? known : null,
                        on
                    );
            state = after;
        }
        return dates;

        // An older build let dates run backwards: the latest counts, from there on they run forwards.
        static DateOnly Later(DateOnly? known, DateOnly on) => known is { } k && k > on ? k : on;
    }

    /// <summary>The business date by which the line came to where it is.</summary>
    public DateOnly Since(string memberId) => _since[memberId];

    /// <summary>
    /// C16, C17: a payment is not dated before the lines were approved (or sent back by the bank), the notice was over,
    /// and objections were answered.
    /// </summary>
    public Rejection? Payment(Application state, IReadOnlyList<Line> lines, DateOnly on) =>
        state.NoticeUntil >= on
            ? Before(on, state.NoticeUntil.Value.AddDays(1), $"公示至 {state.NoticeUntil:yyyy-MM-dd}，次日起可付款")
        : _answered > on ? Before(on, _answered.Value, $"异议于 {_answered:yyyy-MM-dd} 才全部答复")
        : Moved(lines, on, "审批或银行退回");

    /// <summary>C5, C17: what comes back was paid, and where it was credited, credited before.</summary>
    public Rejection? Refund(Line line, DateOnly on) =>
        Moved([line], on, line.Status == LineStatus.Credited ? "确认入账" : "付款");

    private Rejection? Moved(IReadOnlyList<Line> lines, DateOnly on, string what) =>
        lines.Count > 0 && lines.Max(l => Since(l.MemberId)) is var last && last > on
            ? Before(on, last, $"所涉人员于 {last:yyyy-MM-dd} {what}")
            : null;

    private static Rejection Before(DateOnly on, DateOnly notBefore, string why) =>
        new(
            Rejections.DateBeforeBasis,
            $"业务日期 {on:yyyy-MM-dd} 早于所依据的事项：{why}；不得早于 {notBefore:yyyy-MM-dd}"
        )
        {
            Field = "effectiveDate",
            NotBefore = notBefore,
        };
}

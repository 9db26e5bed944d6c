namespace Ledger.Verify;

/// <summary>
/// What was recorded later stands later. Of two that contradict each other the one is named that stands alone: an entry
/// that is dated ahead contradicts all that follow it, one that is dated back all that stand before it.
/// </summary>
/// <param name="margin">How far the clocks of two nodes may be apart, and one may be set back.</param>
/// <param name="now">Where nothing else decides: what lies beyond it by more than a day is not yet.</param>
internal sealed class Turns(TimeSpan margin, DateTimeOffset now, Action<long, string> fault)
{
    /// <summary>So many more on one side decide; until then, and at the end, the majority.</summary>
    private const int Lead = 100;

    /// <summary>Entries after a jump ahead, up to the next.</summary>
    private sealed record Step(long First, DateTimeOffset At, DateTimeOffset Before)
    {
        public long Count = 1;
    }

    private readonly List<Step> _steps = [];
    private readonly List<(long Index, DateTimeOffset At)> _rivals = [];
    private DateTimeOffset _highest = DateTimeOffset.UnixEpoch;

    public void Take(long index, DateTimeOffset at)
    {
        if (at >= _highest - margin)
        {
            if (_steps.Count == 0 || at > _highest + margin)
                _steps.Add(new Step(index, at, _highest));
            else
                _steps[^1].Count++;
            _highest = at > _highest ? at : _highest;
            if (_rivals.Count > 0 && Ahead() > _rivals.Count + Lead)
                NameRivals();
            return;
        }
        _rivals.Add((index, at));
        if (_rivals.Count > Ahead() + Lead || IsAheadOfAll())
            NameAhead();
    }

    public void Finish()
    {
        if (_rivals.Count == 0)
            return;
        if (_rivals.Count > Ahead())
            NameAhead();
        else
            NameRivals();
    }

    private int FirstAhead()
    {
        var lowest = _rivals.Min(r => r.At);
        var first = _steps.Count;
        while (first > 0 && _steps[first - 1].At > lowest + margin)
            first--;
        return first;
    }

    /// <summary>How many contradict those that are dated before them; all, where no jump ahead explains it.</summary>
    private long Ahead() =>
        FirstAhead() is var first && first == _steps.Count ? long.MaxValue / 2 : _steps.Skip(first).Sum(s => s.Count);

    private bool IsAheadOfAll() =>
        FirstAhead() is var first
        && first < _steps.Count
        && _steps[first].At > now + margin + TimeSpan.FromDays(1)
        && _rivals.TrueForAll(r => r.At <= now + margin + TimeSpan.FromDays(1));

    private void NameRivals()
    {
        foreach (var (index, at) in _rivals)
            fault(index, $"记录于 {Text(at)}，早于它前面的条目（{Text(_highest)}）{Beyond}");
        _rivals.Clear();
    }

    private void NameAhead()
    {
        var first = FirstAhead();
        if (first == _steps.Count)
        {
            NameRivals();
            return;
        }
        foreach (var step in _steps.Skip(first))
            fault(
                step.First,
                $"{(step.Count > 1 ? $"起 {step.Count} 条" : "")}记录于 {Text(step.At)}，"
                    + $"晚于它后面的条目（{Text(_rivals[0].At)}）{Beyond}"
            );
        _highest = _steps[first].Before;
        _steps.RemoveRange(first, _steps.Count - first);
        var again = _rivals.ToArray();
        _rivals.Clear();
        foreach (var (index, at) in again)
            Take(index, at);
    }

    private string Beyond => $"超过 {margin.TotalMinutes:0} 分钟（时钟确曾不准的，用 --clock-margin 写明分钟）";

    private static string Text(DateTimeOffset at) => $"{at.UtcDateTime:yyyy-MM-dd HH:mm:ss}Z";
}

namespace Ledger.Store.Axes;

/// <summary>
/// Intervals of an axis that are not what the events laid: somebody edited the table beside them, and nothing rests on
/// it.
/// </summary>
public sealed class ForgedAxisException(string where, Exception? inner = null)
    : Exception($"资金轴 {where} 与事件不符，须先用 check --rebuild 更正 an axis that the events did not lay", inner);

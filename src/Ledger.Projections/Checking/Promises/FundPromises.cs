using System.Globalization;
using JasperFx.Events;
using Ledger.Domain;
using Ledger.Domain.Funds;
using Ledger.Domain.Funds.Steps;

namespace Ledger.Projections.Checking.Promises;

/// <summary>
/// Says what was found against a promise: of whom, which clause, what is, what should be, by which event.
/// </summary>
public delegate void Report(string id, string clause, string found, string expected, long at);

/// <summary>
/// What a fund promises (C9, C24): nothing that must not be negative is so, in the order of recording and at the end of
/// any business date; a closed year was sealed as the events say and takes nothing more; a reversal has two people, and
/// so has what lets the rest of a sub-account go, which goes back to its sources only while nothing is under way.
/// What is reserved, in transit and credited is kept for each application: so a payment is never dated before its
/// approval, nor a refund before its receipt.
/// </summary>
public sealed class FundPromises(string fundId, Report broken)
{
    /// <param name="Name">As in the trial balance.</param>
    /// <param name="Of">The application whose money it is; null: the fund's own.</param>
    private sealed record Account(string Name, string? Of)
    {
        public readonly SortedDictionary<DateOnly, (long Fen, long? LastOut)> Days = [];
        public long Fen;
        public bool IsBroken;

        public bool MayBeNegative =>
            !FundAccount.IsAvailable(Name) && !FundAccount.IsOfApplication(Name) && Name != FundAccount.Owed;
    }

    private readonly Dictionary<(string, string?), Account> _accounts = [];
    private readonly Dictionary<string, string> _askedBy = [];
    private readonly Dictionary<(string Pocket, bool Frees), (string By, FenInterval Fen)> _restsAsked = [];
    private int _closedThrough;

    /// <summary>The fund's events in their order.</summary>
    public void Take(IEvent e)
    {
        switch (e.Data)
        {
            case ReversalRequested r:
                _askedBy[r.AllocationId] = r.RequestedBy;
                break;
            case AllocationReversed r
                when _askedBy.GetValueOrDefault(r.AllocationId) is var asker
                    && (asker is null || asker == r.ConfirmedBy):
                broken(
                    fundId,
                    "C20",
                    asker is null ? $"{r.AllocationId} 没有人申请就冲正了" : $"{asker} 自己确认了自己申请的冲正",
                    "由申请人指定的另一人确认",
                    e.Sequence
                );
                break;
            case SurplusReturnRequested a:
                _restsAsked[(a.SubAccount, false)] = (a.RequestedBy, a.Fen);
                break;
            case EarmarkLiftRequested a:
                _restsAsked[(a.SubAccount, true)] = (a.RequestedBy, a.Fen);
                break;
            case SurplusReturned s:
                Rest(e, s.SubAccount, false, s.Fen, s.ConfirmedBy);
                if (s.ConfirmedBy is not null && (Held(FundAccount.Reserved) > 0 || Held(FundAccount.InTransit) > 0))
                    broken(fundId, "C9", "尚有占用或在途资金就把余款退回了来源", "没有占用、在途后退回", e.Sequence);
                break;
            case EarmarkLifted l:
                Rest(e, l.SubAccount, true, l.Origin, l.ConfirmedBy);
                break;
            case YearClosed y:
                Close(y, e.Sequence);
                break;
        }
        if (e.Data is not IFundMovement { AmountFen: var amount } moved)
            return;
        var on = e.EffectiveDate();
        if (!amount.IsPositive)
            broken(fundId, "C9", $"金额 {amount} 元", "大于零", e.Sequence);
        if (on.Year <= _closedThrough)
            broken(
                fundId,
                "C24",
                $"业务日期 {on:yyyy-MM-dd} 的事项在结账之后记入",
                $"{_closedThrough} 年度已结账，不再记入",
                e.Sequence
            );
        foreach (var movement in moved.Movements)
        foreach (var posting in movement.Postings)
            Post(posting, movement.ApplicationId, on, e.Sequence);
    }

    private long Held(string account) => _accounts.Where(a => a.Key.Item1 == account).Sum(a => a.Value.Fen);

    /// <summary>By one who asks and another who confirms just that; before a day one person was enough.</summary>
    private void Rest(IEvent e, string pocket, bool frees, FenInterval fen, string? confirmedBy)
    {
        if (confirmedBy is null && e.EffectiveDate() < RestOfPocket.TwoFrom)
            return;
        _restsAsked.Remove((pocket, frees), out var asked);
        if (confirmedBy is null || asked.By is null || asked.By == confirmedBy || asked.Fen != fen)
            broken(
                fundId,
                "C20",
                asked.By is null ? $"{pocket} 的余款没有人申请就转出了"
                    : confirmedBy is null || asked.By == confirmedBy ? $"{asked.By} 一人转出了 {pocket} 的余款"
                    : $"{pocket} 转出的余款不是所申请的",
                "由申请人指定的另一人确认",
                e.Sequence
            );
        else if (confirmedBy != e.Header(EventHeaders.Actor))
            broken(
                fundId,
                "C20",
                $"{confirmedBy} 与办理人 {e.Header(EventHeaders.Actor)} 不符",
                "办理人本人",
                e.Sequence
            );
    }

    private void Post(Posting posting, string? application, DateOnly on, long at)
    {
        var of = FundAccount.IsOfApplication(posting.Account) ? application : null;
        if (!_accounts.TryGetValue((posting.Account, of), out var account))
            _accounts[(posting.Account, of)] = account = new Account(posting.Account, of);
        account.Fen += posting.AmountFen.Fen;
        var day = account.Days.GetValueOrDefault(on);
        account.Days[on] = (day.Fen + posting.AmountFen.Fen, posting.AmountFen < Money.Zero ? at : day.LastOut);
        if (account.Fen >= 0 || account.MayBeNegative || account.IsBroken)
            return;
        account.IsBroken = true;
        broken(of ?? fundId, "C9", $"{Words(account.Name)} {new Money(account.Fen)} 元", "任何时候都不为负", at);
    }

    private void Close(YearClosed closed, long at)
    {
        var balances = _accounts
            .Values.GroupBy(a => a.Name, StringComparer.Ordinal)
            .OrderBy(g => g.Key, StringComparer.Ordinal)
            .Select(g => new AccountBalance(
                g.Key,
                new Money(g.Sum(a => a.Days.TakeWhile(d => d.Key.Year <= closed.Year).Sum(d => d.Value.Fen)))
            ))
            .Where(b => b.AmountFen != Money.Zero)
            .ToList();
        _closedThrough = closed.Year;
        if (!balances.SequenceEqual(closed.TrialBalance) || Postings.Digest(balances) != closed.TrialBalanceDigest)
            broken(
                fundId,
                "C24",
                $"{closed.Year} 年度封存的试算平衡表：{Line(closed.TrialBalance)}",
                $"事件所示：{Line(balances)}",
                at
            );
        if (closed.Explanation is not null)
            return; // known when it was closed, and why is on record
        foreach (
            var negative in balances.Where(b => b.AmountFen < Money.Zero && !new Account(b.Account, null).MayBeNegative)
        )
            broken(
                fundId,
                "C24",
                $"{closed.Year} 年度结账时 {Words(negative.Account)} {negative.AmountFen} 元",
                "不为负方可结账",
                at
            );

        static string Line(IEnumerable<AccountBalance> lines) =>
            string.Join("、", lines.Select(l => $"{l.Account} {l.AmountFen}"));
    }

    /// <summary>What can be said only when every event is known, for a later one may be dated earlier.</summary>
    public void Finish()
    {
        foreach (var account in _accounts.Values.Where(a => !a.MayBeNegative && !a.IsBroken))
        {
            var (fen, lastOut) = (0L, (long?)null);
            foreach (var (on, day) in account.Days)
            {
                (fen, lastOut) = (fen + day.Fen, day.LastOut ?? lastOut);
                if (fen >= 0)
                    continue;
                broken(
                    account.Of ?? fundId,
                    account.Of is null ? "C9" : "C17",
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"业务日期 {on:yyyy-MM-dd} 的{Words(account.Name)} {new Money(fen)} 元"
                    ),
                    account.Name switch
                    {
                        FundAccount.Reserved => "付款的业务日期不早于审批",
                        FundAccount.InTransit => "入账、退回的业务日期不早于付款",
                        FundAccount.Credited => "退回的业务日期不早于入账",
                        _ => "任何业务日期都不为负",
                    },
                    lastOut!.Value
                );
                break;
            }
        }
    }

    private static string Words(string account) =>
        account switch
        {
            FundAccount.Reserved => "已占用",
            FundAccount.InTransit => "在途",
            FundAccount.Credited => "已入账",
            FundAccount.Owed => "应补手续费",
            _ => account.Replace("available:", "可用 ", StringComparison.Ordinal),
        };
}

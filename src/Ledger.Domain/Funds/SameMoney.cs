namespace Ledger.Domain.Funds;

/// <summary>
/// An entry of the fund that is there already and shares a slip (<paramref name="ByReference"/> false) or a bank
/// reference with what is to be booked. <paramref name="Id"/>: the allocation's, else the application's.
/// </summary>
public sealed record EarlierEntry(
    bool ByReference,
    string Type,
    string Id,
    DateOnly On,
    Money AmountFen,
    string? MemberId = null
);

/// <summary>
/// What is to be booked, as far as it can tell the same money twice: one person's line where it is one.
/// </summary>
public enum Booking
{
    Allocation,
    Payment,
    BankReturn,
    Refund,
    BankFee,
    FeeReimbursed,
}

/// <summary>
/// The same money booked twice: one slip for two allocations, one bank reference for two payments. It may be meant (a
/// slip over two kinds of income): so it is asked about, and the answer stays on record with the events.
/// </summary>
public static class SameMoney
{
    public const string Allocated = "funds_allocated",
        Paid = "funds_paid",
        Returned = "funds_returned",
        Refunded = "funds_refunded",
        FeeCharged = "bank_fee_charged",
        FeeReimbursed = "bank_fee_reimbursed";

    /// <summary>
    /// Whose slips are looked at. One paper may well stand for several people who are sent back, never for money that
    /// came in or went out besides. A fee stands on the transfer's own slip: only another fee is the same, and what
    /// makes a fee good is a transfer of its own.
    /// </summary>
    public static IReadOnlyList<string> SlipsOf(Booking booking) =>
        booking switch
        {
            Booking.Allocation or Booking.Payment => [Allocated, Paid, Returned, Refunded],
            Booking.BankFee or Booking.FeeReimbursed => [FeeCharged, FeeReimbursed],
            _ => [Allocated, Paid],
        };

    /// <summary>
    /// The entry that an event of the fund is to a later booking with these slips and this bank reference; null: none.
    /// Of the bookings that are written together; any other event of a fund is nobody's to leave unwritten.
    /// </summary>
    public static EarlierEntry? EntryOf(
        IEventOf<Fund> e,
        DateOnly on,
        Booking booking,
        IReadOnlyCollection<string> slips,
        string? reference
    )
    {
        var (type, id, amount, evidence, number) = e switch
        {
            FundsAllocated a => (Allocated, a.AllocationId, a.AmountFen, a.Evidence, null),
            BankFeeCharged f => (FeeCharged, f.FeeId, f.AmountFen, f.Evidence, f.BankReference),
            BankFeeReimbursed f => (FeeReimbursed, f.FeeId, f.AmountFen, f.Evidence, (string?)f.BankReference),
            _ => throw new InvariantViolationException($"{e.GetType().Name} is written with its command alone"),
        };
        var byReference =
            number is not null
            && reference is not null
            && DocumentNumber.Canonical(number) == DocumentNumber.Canonical(reference);
        return SlipsOf(booking).Contains(type) && (byReference || evidence.Any(slips.Contains))
            ? new EarlierEntry(byReference, type, id, on, amount)
            : null;
    }

    /// <summary>As many entries with the same slip as are looked at.</summary>
    public const int MaxOfSlip = 3;

    /// <summary>
    /// The earlier entry that may be the same money; null when none is. An allocation that was reversed is gone: its
    /// slip serves the right entry.
    /// </summary>
    /// <param name="lines">The members that the bank or the agency sends back.</param>
    /// <param name="returned">Of the same application, the members that an earlier bank return with this reference
    /// named.</param>
    public static EarlierEntry? Among(
        IReadOnlyCollection<EarlierEntry> found,
        Fund fund,
        Booking booking,
        IReadOnlyCollection<string> lines,
        IReadOnlyCollection<string> returned
    ) =>
        found.FirstOrDefault(e =>
            !e.ByReference
                ? SlipsOf(booking).Contains(e.Type)
                    && (
                        fund.Reversals.GetValueOrDefault(e.Id) is not { Done: true }
                        || found.Count(f => !f.ByReference) >= MaxOfSlip
                    )
                : (booking, e.Type) switch
                {
                    // One transfer of the agency or the bank may bring back several people, each but once.
                    (Booking.Refund, Refunded) => e.MemberId is { } id && lines.Contains(id),
                    (Booking.BankReturn, Returned) => lines.Any(returned.Contains),
                    _ => true,
                }
        );

    /// <summary>Asked about unless <paramref name="confirmed"/> says why it is not the same.</summary>
    public static Rejection? Refusal(EarlierEntry? earlier, string? confirmed) =>
        earlier is null || confirmed is not null
            ? null
            : new Rejection(
                Rejections.PossibleDuplicate,
                $"{(earlier.ByReference ? "同一银行流水号" : "同一份凭证")}已用于 {earlier.On:yyyy-MM-dd} "
                    + $"的{Word(earlier.Type)} {earlier.AmountFen} 元（{earlier.Id}）"
            )
            {
                Field = "confirmDuplicate",
                Earlier = earlier,
            };

    /// <summary>What stays on record of a question that was answered; null when there was none.</summary>
    public static string? Confirmed(EarlierEntry? earlier, string? confirmed) =>
        earlier is null ? null : $"{earlier.Id}：{confirmed}";

    private static string Word(string type) =>
        type switch
        {
            Allocated => "划入",
            Paid => "付款",
            Returned => "银行退回",
            Refunded => "经办机构退回",
            FeeCharged => "手续费",
            _ => "补足手续费",
        };
}

using System.Globalization;
using Ledger.Api.Commands;
using Ledger.Domain;
using Ledger.Domain.Funds;
using Npgsql;

namespace Ledger.Api.Funds;

/// <summary>
/// Which entries of a fund share a slip or a bank reference with what is to be booked: one walk down an index each
/// (Migrations/).
/// </summary>
public static class EarlierEntries
{
    private const string Types =
        $"('{SameMoney.Allocated}', '{SameMoney.Paid}', '{SameMoney.Returned}', '{SameMoney.Refunded}')";

    private const string Columns = $"""
        e.type, coalesce(e.data ->> 'allocationId', e.data ->> 'applicationId', e.data ->> 'feeId'),
        e.headers ->> '{EventHeaders.BusinessDate}', e.data ->> 'amountFen', e.data ->> 'memberId'
        """;

    // "|| ''": the index over slips is the way, never the fund's whole stream.
    private const string Slip = $"""
          from {LedgerStore.Schema}.mt_events e
         where e.type in {Types} and e.type = any($3) and e.stream_id || '' = $1 and e.data -> 'evidence' ?| $2
        """;

    private static readonly string Slips = $"""
        (select false, {Columns} {Slip}
            and hashtextextended(e.stream_id || ' ' || (e.data -> 'evidence' ->> 0), 0) = any(array(
                    select hashtextextended($1 || ' ' || d, 0)
                      from unnest($2) d)) limit {SameMoney.MaxOfSlip})
        union all
        (select false, {Columns} {Slip} and jsonb_array_length(e.data -> 'evidence') > 1 limit {SameMoney.MaxOfSlip})
        """;

    private const string References = $"""
        union all
        (select true, {Columns} from {LedgerStore.Schema}.mt_events e
          where e.type in ('{SameMoney.Paid}', '{SameMoney.Returned}', '{SameMoney.Refunded}') and e.stream_id = $1
            and {LedgerStore.Schema}.plain_number(e.data ->> 'bankReference') = {LedgerStore.Schema}.plain_number($4)
          order by e.seq_id limit 200)
        """;

    // Few: an index holds a fund's fees (V0008).
    private const string Fees = $"""
        select {LedgerStore.Schema}.plain_number(e.data ->> 'bankReference') = {LedgerStore.Schema}.plain_number($4),
               {Columns}
          from {LedgerStore.Schema}.mt_events e
         where e.stream_id = $1
           and e.type in ('{SameMoney.FeeCharged}', '{SameMoney.FeeReimbursed}')
           and e.type = any($3)
           and (e.data -> 'evidence' ?| $2
                or {LedgerStore.Schema}.plain_number(e.data ->> 'bankReference')
                 = {LedgerStore.Schema}.plain_number($4))
         limit 200
        """;

    /// <summary>
    /// A fund that this command may change, and with its lock the entries of it that share a slip or the bank reference
    /// with what is to be booked: two requests at once find each other. No scope and no If-Match, as
    /// <see cref="Command.FindAsync"/>.
    /// </summary>
    public static async Task<(Fund? Fund, IReadOnlyList<EarlierEntry> Earlier)> FindFundAsync(
        this Command command,
        string id,
        Booking booking,
        IReadOnlyList<string> slips,
        string? reference
    )
    {
        var look = Look(id, booking, slips, reference);
        return (await command.FindAsync<Fund>(id, look), [.. look.Found.Cast<EarlierEntry>()]);
    }

    /// <summary>As <see cref="FindFundAsync"/>, in the caller's scope and at the version of If-Match.</summary>
    /// <exception cref="RefusedException"><c>not-found</c>, <c>version-mismatch</c>.</exception>
    public static async Task<(Fund Fund, IReadOnlyList<EarlierEntry> Earlier)> LoadFundAsync(
        this Command command,
        string id,
        Booking booking,
        IReadOnlyList<string> slips,
        string? reference = null
    )
    {
        var look = Look(id, booking, slips, reference);
        return (await command.LoadAsync<Fund>(id, look), [.. look.Found.Cast<EarlierEntry>()]);
    }

    /// <summary>What a command rests on that books money into or out of one fund, on these slips.</summary>
    public static Needs Needs(string fundId, Booking booking, IReadOnlyList<string>? evidence, string? reference = null)
    {
        var slips = StoredEvidence.Digests(evidence);
        return new([new StreamNeed(typeof(Fund), fundId)], slips, [Look(fundId, booking, slips, reference)]);
    }

    private static Look Look(string fundId, Booking booking, IReadOnlyList<string> slips, string? reference) =>
        new(
            $"{fundId} {booking} {reference} {string.Join(' ', slips)}",
            booking is Booking.BankFee or Booking.FeeReimbursed ? Fees
                : reference is null ? Slips
                : $"{Slips} {References}",
            [
                Sql.Text(fundId),
                slips.Texts(s => s),
                SameMoney.SlipsOf(booking).Texts(t => t),
                .. reference is null ? Array.Empty<NpgsqlParameter>() : [Sql.Text(reference)],
            ],
            Entry,
            (e, on) => SameMoney.EntryOf((IEventOf<Fund>)e, on, booking, slips, reference)
        );

    private static EarlierEntry? Entry(NpgsqlDataReader row)
    {
        string? Text(int at) => row.IsDBNull(at) ? null : row.GetString(at);
        // What no decider wrote is no entry: the fund's own fold, right after, names it.
        return
            Text(2) is { } id
            && row.Day(3) is { } on
            && long.TryParse(Text(4), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var fen)
            ? new EarlierEntry(row.GetBoolean(0), row.GetString(1), id, on, new Money(fen), Text(5))
            : null;
    }
}

using JasperFx.Events;
using Ledger.Domain;
using Ledger.Domain.Applications;
using Ledger.Domain.Funds;
using Ledger.Domain.Identity;
using Ledger.Domain.Members;
using Ledger.Domain.Screening;
using Npgsql;

namespace Ledger.Projections.Screening;

/// <summary>
/// Reads a year's facts from the events: applications one after the other, then the funds, then what is known of the
/// people. What it keeps is a struct for each line and a record for each entry of the year, some 300 bytes a line with
/// its ids: 75 MB of <see cref="MostLines"/>, and no more of it than that. Entries of other years are read past, and
/// kept only where they share a number or a paper.
/// </summary>
public sealed class ScreeningReader(
    StoredEvents events,
    NpgsqlConnection connection,
    Action<UnreadableEventException> leftOut
)
{
    /// <summary>Above a large county's year; beyond it a part of the region is asked for.</summary>
    public const int MostLines = 250_000;

    /// <summary>Streams that one question asks for.</summary>
    private const int Chunk = 5_000;

    private readonly List<ScreenedApplication> _applications = [];
    private readonly List<ScreenedLine> _lines = [];
    private readonly List<ScreenedEntry> _entries = [];
    private readonly List<MissingEvents> _missing = [];

    /// <param name="funds">The funds of the region, and their villages.</param>
    /// <returns>Null: there are more than <see cref="MostLines"/>.</returns>
    public async Task<YearFacts?> ReadAsync(
        string region,
        int year,
        IReadOnlyDictionary<string, string> funds,
        CancellationToken cancellation
    )
    {
        await foreach (var stream in StreamsAsync(await FiledAsync(region, year), cancellation))
        {
            if (Application(stream) && _lines.Count > MostLines)
                return null;
        }
        await FundsAsync(funds, year, cancellation);
        var (deaths, persons) = await PeopleAsync(cancellation);
        var facts = YearFacts.Nothing(region, year) with
        {
            Applications = _applications,
            Lines =
                persons.Count == 0
                    ? _lines
                    : [.. _lines.Select(l => l with { Person = persons.GetValueOrDefault(l.MemberId, l.MemberId) })],
            Entries = _entries,
            Missing = _missing,
            Deaths = deaths,
        };
        return region.Length == RegionCode.CountyLength
            ? facts with
            {
                Numbers = await ReceiptsAsync(year, cancellation),
            }
            : facts;
    }

    /// <summary>By the events, never by the documents beside them.</summary>
    private Task<List<string>> FiledAsync(string region, int year) =>
        connection.QueryAsync(
            $"""
            select stream_id
              from {LedgerStore.Schema}.mt_events
             where type = 'application_filed'
               and data ->> 'collectiveId' is not null
               and data ->> 'year' = @year
               and data ->> 'villageCode' like @region || '%'
             group by stream_id
            """,
            r => r.GetString(0),
            ("year", $"{year}"),
            ("region", region)
        );

    /// <summary>Stream after stream, each whole, some at a time.</summary>
    private async IAsyncEnumerable<List<StoredRow>> StreamsAsync(
        IReadOnlyList<string> ids,
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation
    )
    {
        foreach (var some in ids.Order(StringComparer.Ordinal).Chunk(Chunk))
        {
            var stream = new List<StoredRow>();
            await foreach (
                var row in events
                    .LookAsync(connection, "stream_id = any(@ids)", ("ids", some))
                    .WithCancellation(cancellation)
            )
            {
                if (stream.Count > 0 && stream[0].Stream != row.Stream)
                {
                    yield return stream;
                    stream = [];
                }
                stream.Add(row);
            }
            if (stream.Count > 0)
                yield return stream;
        }
    }

    /// <returns>Whether it is one.</returns>
    private bool Application(IReadOnlyList<StoredRow> rows)
    {
        Application? state = null;
        var (acts, paid) = (new List<ScreenedAct>(), new Dictionary<string, DateOnly>());
        foreach (var e in rows.Select(Sound<Application>).OfType<IEvent>())
        {
            var before = state;
            try
            {
                state = IEvolve<Application>.Next(state, e.StreamKey!, (IEventOf<Application>)e.Data);
            }
            catch (Exception broken)
            {
                // Pure: whatever it throws says that this event never passed a decider.
                leftOut(e.Unreadable(broken.Message));
                continue;
            }
            if (Act(e) is { } act)
                acts.Add(act);
            if (e.Data is PaymentSent payment)
                foreach (var line in before!.Approved(payment.MemberIds))
                    paid[line.MemberId] = e.EffectiveDate();
        }
        if (state is null)
            return false;
        if (state.Lines.Any(l => l.AmountFen.Fen is < 0 or > Money.MaxEntryFen))
        {
            leftOut(new(rows[0].Sequence, rows[0].Stream, "lines_listed", "金额超出范围"));
            return false;
        }
        Gaps(rows[0].Stream, state.Region, rows);
        var approved = state.Lines.Where(l => l.Fen is not null).Select(l => l.AmountFen);
        foreach (var l in state.Lines)
            _lines.Add(
                new(
                    _applications.Count,
                    l.MemberId,
                    l.MemberId,
                    l.AmountFen,
                    l.Status,
                    paid.TryGetValue(l.MemberId, out var on) ? on : null
                )
            );
        _applications.Add(
            new(
                state.Id,
                state.FundId,
                state.Region,
                Money.Sum(approved),
                acts,
                [.. new[] { state.SealDigest, state.RosterDigest }.Where(d => d.Length > 0)]
            )
        );
        return true;
    }

    private static ScreenedAct? Act(IEvent e)
    {
        ScreenedAct Of(OfficeAct act, string by, string? onBehalfOf = null) =>
            new(act, by, e.Timestamp, e.Sequence, onBehalfOf);
        return e.Data switch
        {
            ApplicationFiled f => Of(OfficeAct.Filed, f.FiledBy, f.OnBehalfOf),
            ApplicationResubmitted r => Of(OfficeAct.Filed, r.FiledBy, r.OnBehalfOf),
            ApplicationReviewed r => Of(OfficeAct.Reviewed, r.ReviewedBy, r.OnBehalfOf),
            ApplicationApproved a => Of(OfficeAct.Approved, a.ApprovedBy, a.OnBehalfOf),
            PaymentSigned s => Of(OfficeAct.Signed, s.SignedBy, s.OnBehalfOf),
            PaymentSent p => Of(OfficeAct.Paid, p.PaidBy, p.OnBehalfOf),
            ReceiptConfirmed c => Of(OfficeAct.Confirmed, c.ConfirmedBy),
            _ => null,
        };
    }

    private IEvent? Sound<T>(StoredRow row)
        where T : Aggregate
    {
        var (e, fault) = row.Of<T>();
        if (fault is not null)
            leftOut(fault);
        return e?.IsForeign() == true ? null : e;
    }

    /// <summary>The places between one event of a stream and the next that hold none.</summary>
    private void Gaps(string stream, string village, IReadOnlyList<StoredRow> rows)
    {
        // A row that cannot be read says no version: then nothing is said of the places beside it.
        var last = 0L;
        foreach (var row in rows)
        {
            if (row.Event is not { } e)
                return;
            if (e.Version > last + 1)
                _missing.Add(new(stream, village, last + 1, e.Version - 1));
            last = Math.Max(last, e.Version);
        }
    }

    private async Task FundsAsync(IReadOnlyDictionary<string, string> funds, int year, CancellationToken cancellation)
    {
        var applications = _applications.Select(a => a.Id).ToHashSet();
        await foreach (var stream in StreamsAsync([.. funds.Keys], cancellation))
        {
            var village = funds[stream[0].Stream];
            Gaps(stream[0].Stream, village, stream);
            var reversed = stream
                .Select(r => r.Event?.Data)
                .OfType<AllocationReversed>()
                .Select(r => r.AllocationId)
                .ToHashSet();
            _entries.AddRange(
                stream
                    .Select(Sound<Fund>)
                    .OfType<IEvent>()
                    .Select(e => Entry(e, village))
                    .OfType<ScreenedEntry>()
                    .Where(e => !reversed.Contains(e.Id))
                    .Where(e => e.On.Year == year || (e.ApplicationId is { } a && applications.Contains(a)))
            );
        }
        await OtherYearsAsync(funds, cancellation);
    }

    private static readonly string[] Types =
    [
        SameMoney.Allocated,
        SameMoney.Paid,
        SameMoney.Returned,
        SameMoney.Refunded,
        SameMoney.FeeCharged,
        SameMoney.FeeReimbursed,
    ];

    /// <summary>What shares a number or a paper with an entry of the year.</summary>
    private async Task OtherYearsAsync(IReadOnlyDictionary<string, string> funds, CancellationToken cancellation)
    {
        var known = _entries.Select(e => e.Sequence).ToHashSet();
        var numbers = _entries.Select(Number).OfType<string>().ToHashSet();
        var slips = _entries.SelectMany(e => e.Slips).ToHashSet();
        foreach (var some in funds.Keys.Chunk(Chunk))
        await foreach (
            var row in events
                .LookAsync(connection, "stream_id = any(@ids) and type = any(@types)", ("ids", some), ("types", Types))
                .WithCancellation(cancellation)
        )
            if (
                row.Event is { } e
                && row.Of<Fund>().Fault is null
                && !known.Contains(e.Sequence)
                && Entry(e, funds[row.Stream]) is { } entry
                && ((Number(entry) is { } number && numbers.Contains(number)) || entry.Slips.Any(slips.Contains))
            )
                _entries.Add(entry with { IsOfYear = false });
    }

    private static string? Number(ScreenedEntry e) =>
        e.BankReference is { } number ? $"{e.Type} {DocumentNumber.Canonical(number)}" : null;

    private static ScreenedEntry? Entry(IEvent e, string village)
    {
        ScreenedEntry Of(string type, IMoneyEvent money, IReadOnlyList<string> slips) =>
            new(e.StreamKey!, village, e.Sequence, type, e.EffectiveDate(), money.AmountFen, Actor(e))
            {
                Slips = slips,
            };
        return e.Data switch
        {
            FundsAllocated a => Of(SameMoney.Allocated, a, a.Evidence) with
            {
                Id = a.AllocationId,
                Party = a.SourceName,
            },
            FundsPaid p => Of(SameMoney.Paid, p, p.Evidence) with
            {
                ApplicationId = p.ApplicationId,
                BankReference = p.BankReference,
            },
            FundsReturned r => Of(SameMoney.Returned, r, r.Evidence) with
            {
                ApplicationId = r.ApplicationId,
                BankReference = r.BankReference,
            },
            FundsRefunded r => Of(SameMoney.Refunded, r, r.Evidence) with
            {
                ApplicationId = r.ApplicationId,
                BankReference = r.BankReference,
            },
            BankFeeCharged f => Of(SameMoney.FeeCharged, f, f.Evidence) with
            {
                Id = $"{f.FeeId} {e.Sequence}",
                BankReference = f.BankReference,
            },
            BankFeeReimbursed f => Of(SameMoney.FeeReimbursed, f, f.Evidence) with
            {
                Id = $"{f.FeeId} {e.Sequence}",
                BankReference = f.BankReference,
            },
            _ => null,
        };
    }

    private static string Actor(IEvent e) => e.Header(EventHeaders.Actor);

    /// <summary>
    /// Who died when; and who is a person that another village knows: by a record that was joined to that person's, or
    /// one that waits for it.
    /// </summary>
    private async Task<(Dictionary<string, DateOnly> Deaths, Dictionary<string, string> Persons)> PeopleAsync(
        CancellationToken cancellation
    )
    {
        string[] types = ["death_recorded", "death_revoked", "record_joined", "membership_requested"];
        var (deaths, persons) = (new Dictionary<string, DateOnly>(), new Dictionary<string, string>());
        foreach (var some in _lines.Select(l => l.MemberId).Distinct().Chunk(Chunk))
        await foreach (
            var row in events
                .LookAsync(connection, "stream_id = any(@ids) and type = any(@types)", ("ids", some), ("types", types))
                .WithCancellation(cancellation)
        )
            if (Sound<Member>(row) is { } e)
                _ = e.Data switch
                {
                    DeathRecorded d => deaths[e.StreamKey!] = d.On,
                    DeathRevoked => deaths.Remove(e.StreamKey!) ? default : default(DateOnly),
                    RecordJoined j => Same(e.StreamKey!, j.MemberId),
                    MembershipRequested r => Same(r.RequestId, e.StreamKey!),
                    _ => default,
                };
        return (deaths, persons);

        DateOnly Same(string record, string person)
        {
            persons[record] = person;
            return default;
        }
    }

    private async Task<IReadOnlyList<ScreenedNumber>> ReceiptsAsync(int year, CancellationToken cancellation)
    {
        var numbers = new List<ScreenedNumber>();
        foreach (
            var some in _lines
                .Where(l => l.Status == LineStatus.Credited)
                .Select(l => StreamId.MemberYear(l.MemberId, year))
                .Distinct()
                .Chunk(Chunk)
        )
        await foreach (
            var row in events
                .LookAsync(connection, "stream_id = any(@ids) and type = 'subsidy_credited'", ("ids", some))
                .WithCancellation(cancellation)
        )
            if (Sound<MemberYear>(row) is { Data: SubsidyCredited credited } e)
                numbers.Add(new("receipts", credited.ReceiptNumber, e.StreamKey!, e.Sequence));
        return numbers;
    }
}

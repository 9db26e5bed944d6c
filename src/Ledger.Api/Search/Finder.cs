using System.Globalization;
using Ledger.Api.Applications;
using Ledger.Api.Audit;
using Ledger.Api.Benefits;
using Ledger.Api.Commands;
using Ledger.Api.Donors;
using Ledger.Api.Members;
using Ledger.Api.Plans;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Domain;
using Ledger.Domain.Accounts;
using Ledger.Domain.Collectives;
using Ledger.Domain.Donors;
using Ledger.Domain.Funds;
using Ledger.Domain.Identity;
using Ledger.Domain.Members;
using Ledger.Domain.Plans;
using Ledger.Domain.Search;
using Ledger.Projections.Journal;
using Ledger.Projections.Search;
using Ledger.Web;
using Ledger.Web.Audit;
using Marten;
using Npgsql;

namespace Ledger.Api.Search;

/// <summary>
/// Finds what was asked for among all that the caller may see: of each kind what its own list would show him, to the
/// roles of that list.
/// </summary>
public sealed class Finder(
    IQuerySession session,
    StoredEvents stored,
    NpgsqlDataSource database,
    PersonalData people,
    SearchRecord record,
    IContacts contacts,
    Caller caller,
    Clock clock
)
{
    /// <summary>So many are shown of a kind beside others, and so many where it is asked for alone.</summary>
    private const int Few = 8,
        Most = 200;

    private int Shown { get; set; } = Few;

    /// <summary>Of one part of a name, or of one end of an id: so many are opened, the best fits first.</summary>
    private const int MostPeople = 50;

    /// <summary>Of one number: receipts, and people whose whole id is compared with those that end so.</summary>
    private const int MostOfNumber = 500;

    private string Scope => caller.Actor.Region;

    private sealed record Kind(
        SearchKind Of,
        string[] Roles,
        Func<Asked, NpgsqlConnection, CancellationToken, Task<IReadOnlyList<SearchHit>>> FindAsync
    );

    /// <summary>Each to the roles of its own list.</summary>
    private IReadOnlyList<Kind> Kinds =>
        [
            new(SearchKind.Person, EstimateEndpoints.Readers, PeopleAsync),
            new(SearchKind.Collective, Roles.All, CollectivesAsync),
            new(SearchKind.Application, ApplicationEndpoints.Readers, ApplicationsAsync),
            new(SearchKind.FundEntry, Roles.All, FundEntriesAsync),
            new(SearchKind.Receipt, [.. EstimateEndpoints.Readers, Roles.CountyTax], ReceiptsAsync),
            new(SearchKind.Donor, Roles.All, DonorsAsync),
            new(SearchKind.Officer, [.. AuditEndpoints.Readers, Roles.Administrator], OfficersAsync),
            new(SearchKind.Event, AuditEndpoints.Readers, EventsAsync),
            new(SearchKind.Day, AuditEndpoints.Readers, DaysAsync),
        ];

    /// <param name="only">Of this kind alone, and more of them; null: some of each.</param>
    public async Task<SearchView> FindAsync(Asked asked, SearchKind? only, CancellationToken cancellation)
    {
        Shown = only is null ? Few : Most;
        var groups = new List<SearchGroup>();
        if (!asked.IsAnything)
            return new SearchView(groups);
        await using var connection = await database.OpenConnectionAsync(cancellation);
        foreach (var kind in Kinds.Where(k => k.Roles.Contains(caller.Actor.Role) && (only is null || k.Of == only)))
            if (await kind.FindAsync(asked, connection, cancellation) is { Count: > 0 } hits)
                groups.Add(new SearchGroup(kind.Of, [.. hits.Take(Shown)], hits.Count > Shown));
        return new SearchView(groups, _damaged.Count);
    }

    /// <summary>Whose record somebody edited: one of them does not end a search that finds others.</summary>
    private readonly HashSet<string> _damaged = [];

    private async Task<IReadOnlyDictionary<string, Person>> PersonsAsync(
        NpgsqlConnection connection,
        IEnumerable<string> ids
    )
    {
        var (persons, damaged) = await people.ReadSoundAsync(connection, ids);
        _damaged.UnionWith(damaged);
        return persons;
    }

    /// <summary>
    /// Whoever is not there and whoever is another's are looked for in the same way: in the lists of the caller's own
    /// collectives, and for a whole id by the hash of the person, of whom nothing is said that he may not see.
    /// </summary>
    private async Task<IReadOnlyList<SearchHit>> PeopleAsync(
        Asked asked,
        NpgsqlConnection connection,
        CancellationToken cancellation
    )
    {
        var ids = await MemberIdsAsync(asked, connection, cancellation);
        if (ids.Count == 0)
        {
            await RecordAsync(asked, [], connection);
            return [];
        }
        var rank = ids.Index().ToDictionary(i => i.Item, i => i.Index);
        var members = (await session.LoadManyAsync<Member>(cancellation, ids.ToArray()))
            .Where(m => m.JoinedTo is null && !m.IsErased && MemberEndpoints.MaySee(caller, m))
            .OrderBy(m => rank[m.Id])
            .Take(Shown + 1)
            .ToList();
        var persons = await PersonsAsync(connection, members.Select(m => m.Id));
        var homes = members.ToDictionary(
            m => m.Id,
            m => m.Homes().Where(h => caller.MaySee(h.Value)).Select(h => h.Key).Distinct().ToList()
        );
        var names = await PlanPages.NamesAsync(session, homes.Values.SelectMany(h => h));
        await RecordAsync(asked, [.. members.Take(Shown).Select(m => m.Id)], connection);
        var seen = members
            .Where(m => persons.ContainsKey(m.Id))
            .Select(m =>
                (
                    m.Id,
                    Name: persons[m.Id].MaskedName,
                    Detail: string.Join(
                        " · ",
                        homes[m.Id].Select(h => names.GetValueOrDefault(h, h)).Prepend(persons[m.Id].MaskedCitizenId)
                    )
                )
            )
            .ToList();
        var alike = seen.CountBy(s => (s.Name, s.Detail)).Where(s => s.Value > 1).Select(s => s.Key).ToHashSet();
        return
        [
            .. seen.Select(s => new SearchHit(
                s.Name,
                null,
                alike.Contains((s.Name, s.Detail)) ? $"{s.Detail} · {Short(s.Id)}" : s.Detail,
                null,
                null,
                YearOf(s.Id)
            )),
        ];
    }

    /// <summary>
    /// What tells two apart whom the mask makes alike: the beginning of the number that the ledger writes for a name.
    /// </summary>
    private static string Short(string memberId) => memberId[..Math.Min(memberId.Length, "member-".Length + 8)];

    /// <summary>Who looked for whom; what was asked stands there as a keyed hash.</summary>
    private async Task RecordAsync(Asked asked, string[] shown, NpgsqlConnection connection)
    {
        var (what, text) =
            asked.Citizen is { } citizen ? ("id", citizen.Value)
            : asked.LastFour is { } four ? ("four", four)
            : ("name", asked.Name ?? (asked.Two is { } two ? $"{two.One} {two.Other}" : null));
        if (text is null || (shown.Length == 0 && asked.Citizen is null))
            return;
        await record.AddAsync(connection, caller.Actor, people.AskedHash(what, text), shown);
    }

    private string YearOf(string memberId) => $"/members/{memberId}/years/{clock.Today.Year}";

    private async Task<IReadOnlyList<string>> MemberIdsAsync(
        Asked asked,
        NpgsqlConnection connection,
        CancellationToken cancellation
    )
    {
        if (asked.Id is { } id)
            return StreamId.IsMember(id) ? [id] : [];
        var four = asked.Citizen?.Value[^4..] ?? asked.LastFour;
        if (asked.Name is null && four is null && asked.Two is null)
            return [];
        var own = await session
            .Query<Collective>()
            .Where(c => c.Region.StartsWith(Scope))
            .Select(c => c.Id)
            .ToListAsync(cancellation);
        (IReadOnlyDictionary<string, Person> records, IReadOnlyList<string> damaged) =
            asked.Name is null && four is null
                ? (new Dictionary<string, Person>(), [])
                : await people.SearchAsync(
                    connection,
                    own,
                    asked.Name,
                    four,
                    asked.Citizen is not null ? MostOfNumber
                        : Shown > Few ? Most + 1
                        : MostPeople
                );
        if (records.Count == 0 && asked.Two is { } two)
            (records, damaged) = await OfVillageAsync(two, connection, cancellation);
        _damaged.UnionWith(damaged);
        // What a collective handed in apart leads to the person by the id that is sealed in it.
        var citizens = records.ToDictionary(r => r.Key, r => CitizenId.Parse(r.Value.CitizenId, out _));
        if (asked.Citizen is { } whole)
            citizens = citizens.Where(c => c.Value == whole).Append(new("", whole)).ToDictionary();
        var (found, exchanged) = await people.FindSoundAsync(connection, citizens.Values);
        _damaged.UnionWith(exchanged.Intersect(records.Keys)); // of others nothing is said
        return [.. citizens.Keys.Concat(found.Values).Where(id => id.Length > 0).Distinct()];
    }

    /// <summary>A name and where: of whose village's name the other word is a part.</summary>
    private async Task<(IReadOnlyDictionary<string, Person> Found, IReadOnlyList<string> Damaged)> OfVillageAsync(
        (string One, string Other) two,
        NpgsqlConnection connection,
        CancellationToken cancellation
    )
    {
        foreach (var (name, village) in new[] { two, (two.Other, two.One) })
        {
            var there = await session
                .Query<Collective>()
                .Where(c => c.Region.StartsWith(Scope) && c.Name.Contains(village))
                .Select(c => c.Id)
                .ToListAsync(cancellation);
            if (name.Length > 1 && !name.Any(char.IsAsciiDigit) && there.Count > 0)
            {
                var part = PersonName.Canonical(name);
                var found = await people.SearchAsync(connection, there, part, null, MostPeople);
                if (found.Found.Count + found.Damaged.Count > 0)
                    return found;
            }
        }
        return (new Dictionary<string, Person>(), []);
    }

    private async Task<IReadOnlyList<SearchHit>> CollectivesAsync(
        Asked asked,
        NpgsqlConnection connection,
        CancellationToken cancellation
    )
    {
        if (asked.Id is { } id)
            return await OwnAsync(id, cancellation) is { } hit ? [hit] : [];
        var own = session.Query<Collective>().Where(c => c.Region.StartsWith(Scope));
        var found =
            asked.CreditCode is { } code ? own.Where(c => c.CreditCode == code)
            : asked.Region is { } region ? own.Where(c => c.Region.StartsWith(region))
            : asked.Words is { } words ? own.Where(c => c.Name.Contains(words))
            : null;
        return found is null
            ? []
            :
            [
                .. await RegionsAsync(asked),
                .. (await found.OrderBy(c => c.Region).Take(Shown + 1).ToListAsync(cancellation)).Select(
                    c => new SearchHit(c.Name, null, $"{c.CreditCode} · {c.Region}", null, null, $"/collectives/{c.Id}")
                ),
            ];
    }

    /// <summary>A county or township by part of its name: its applications.</summary>
    private async Task<IEnumerable<SearchHit>> RegionsAsync(Asked asked) =>
        asked.Words is not { } words
            ? []
            : (await contacts.RegionsAsync(Scope))
                .Where(r => r.Name.Contains(words, StringComparison.Ordinal))
                .Take(Shown)
                .Select(r => new SearchHit(r.Name, null, r.Region, null, null, $"/applications?region={r.Region}"));

    /// <summary>A whole id of a collective, its fund or a plan.</summary>
    private async Task<SearchHit?> OwnAsync(string id, CancellationToken cancellation)
    {
        Aggregate? found = id.Split('-')[0] switch
        {
            "collective" => await session.LoadAsync<Collective>(id, cancellation),
            "fund" => await session.LoadAsync<Fund>(id, cancellation),
            "plan" => await session.LoadAsync<Plan>(id, cancellation),
            _ => null,
        };
        if (found is null || !caller.MaySee(found.Region))
            return null;
        var of = found switch
        {
            Fund fund => fund.CollectiveId,
            Plan plan => plan.CollectiveId,
            _ => id,
        };
        var names = await PlanPages.NamesAsync(session, [of]);
        return new SearchHit(
            names.GetValueOrDefault(of, of),
            null,
            id,
            null,
            null,
            TrailThing.Of(id, names).Href ?? $"/collectives/{of}"
        );
    }

    private async Task<IReadOnlyList<SearchHit>> ApplicationsAsync(
        Asked asked,
        NpgsqlConnection connection,
        CancellationToken cancellation
    )
    {
        if (asked.Amount is { } amount && Scope.Length >= RegionCode.CountyLength)
            return await OfLinesAsync(amount, connection);
        if (asked.Id is not { } id || !id.StartsWith("application-", StringComparison.Ordinal))
            return [];
        // A letter behind all that an id has: the ids that begin so stand between the two.
        var found = await connection.QueryAsync(
            $"""
            select id, data ->> 'collectiveId', data ->> 'year', data ->> 'status'
              from {LedgerStore.Schema}.mt_doc_application
             where id >= @id
               and id < @id || 'z'
               and starts_with(id, @id)
               and region like @scope || '%'
             order by id
             limit {Shown + 1}
            """,
            r => (Id: r.GetString(0), Collective: r.GetString(1), Year: r.GetString(2), Status: r.GetString(3)),
            ("id", id),
            ("scope", Scope)
        );
        var names = await PlanPages.NamesAsync(session, found.Select(f => f.Collective));
        return
        [
            .. found.Select(f => new SearchHit(
                $"{names.GetValueOrDefault(f.Collective, f.Collective)} {f.Year}",
                f.Status,
                f.Id,
                null,
                null,
                $"/applications/{f.Id}"
            )),
        ];
    }

    /// <summary>So many of the newest lists are read through for an amount: each is unpacked for it.</summary>
    private const int MostLists = 300;

    /// <summary>
    /// Those on whose list somebody gets just this amount, and how many: of a city there are too many lists to read.
    /// </summary>
    private async Task<IReadOnlyList<SearchHit>> OfLinesAsync(Money amount, NpgsqlConnection connection)
    {
        var found = await connection.QueryAsync(
            $$"""
            select id, data ->> 'collectiveId', data ->> 'year', data ->> 'status',
                   (select count(*)
                      from jsonb_array_elements(data -> 'lines') l
                     where l -> 'amountFen' = to_jsonb(@fen))
              from (select id, data
                      from {{LedgerStore.Schema}}.mt_doc_application
                     where region like @scope || '%'
                     order by id desc
                     limit {{MostLists}}) a
             where data @> jsonb_build_object('lines', jsonb_build_array(jsonb_build_object('amountFen', @fen)))
             order by id desc
             limit {{Shown + 1}}
            """,
            r =>
                (
                    Id: r.GetString(0),
                    Collective: r.GetString(1),
                    Year: r.GetString(2),
                    Status: r.GetString(3),
                    Count: r.GetInt64(4)
                ),
            ("fen", amount.Fen),
            ("scope", Scope)
        );
        var names = await PlanPages.NamesAsync(session, found.Select(f => f.Collective));
        return
        [
            .. found.Select(f => new SearchHit(
                $"{names.GetValueOrDefault(f.Collective, f.Collective)} {f.Year}",
                f.Status,
                $"× {f.Count}",
                amount,
                null,
                $"/applications/{f.Id}#list"
            )),
        ];
    }

    /// <summary>A row of a fund's book that was found: by the bank's number, or by its amount.</summary>
    private sealed record Booked(long Sequence, string Fund, string Type, DateOnly On, long Fen, string? Number);

    /// <summary>The events that are an entry of a fund's book, as they are stored.</summary>
    private string[] Entries =>
        [
            .. session
                .DocumentStore.Options.Events.AllKnownEventTypes()
                .Where(t => t.EventType.IsAssignableTo(typeof(IFundMovement)))
                .Select(t => t.EventTypeName),
        ];

    private async Task<IReadOnlyList<SearchHit>> FundEntriesAsync(
        Asked asked,
        NpgsqlConnection connection,
        CancellationToken cancellation
    )
    {
        var found = new List<Booked>();
        if (asked.Number is { } number)
            found.AddRange(await SoundAsync(OfNumberAsync(number, connection)));
        if (asked.Amount is { } amount)
            found.AddRange(await SoundAsync(OfAmountAsync(amount, connection)));
        if (asked.Words is { } words && Scope.Length >= RegionCode.CountyLength)
            found.AddRange(await SoundAsync(OfSourceAsync(words, connection)));
        if (asked.Voucher is { } voucher && Scope.Length == RegionCode.VillageLength)
            found.AddRange(await OfVoucherAsync(voucher, connection, cancellation));
        var funds = (await session.LoadManyAsync<Fund>(cancellation, found.Select(f => f.Fund).Distinct().ToArray()))
            .Where(f => caller.MaySee(f.Region))
            .ToDictionary(f => f.Id);
        return
        [
            .. found
                .Where(f => funds.ContainsKey(f.Fund))
                .DistinctBy(f => f.Sequence)
                .Select(f => new SearchHit(
                    funds[f.Fund].Name,
                    f.Type,
                    f.Number ?? $"#{f.Sequence}",
                    new Money(f.Fen),
                    f.On,
                    $"/funds/{f.Fund}/vouchers/{f.Sequence}"
                )),
        ];
    }

    private static async Task<IEnumerable<Booked>> SoundAsync(Task<List<Booked?>> found) =>
        (await found).OfType<Booked>();

    private Task<List<Booked?>> OfNumberAsync(string number, NpgsqlConnection connection) =>
        connection.QueryAsync(
            $"""
            select seq_id, stream_id, type, headers ->> '{EventHeaders.BusinessDate}', data ->> 'amountFen',
                   data ->> 'bankReference'
              from {LedgerStore.Schema}.mt_events
             where type in ('funds_paid', 'funds_returned', 'funds_refunded', 'bank_fee_charged',
                            'bank_fee_reimbursed')
               and {LedgerStore.Schema}.plain_number(data ->> 'bankReference') = @number
               and headers ->> '{EventHeaders.Region}' like @scope || '%'
             order by seq_id + 0 desc -- by the number, and never a walk down all events
             limit {Shown + 1}
            """,
            r =>
                r.Day(3) is { } on && Fen(r, 4) is { } fen
                    ? new Booked(r.GetInt64(0), r.GetString(1), r.GetString(2), on, fen.Fen, r.GetString(5))
                    : null,
            ("number", number),
            ("scope", Scope)
        );

    /// <summary>So many of the newest allocations are looked through for what their source is called.</summary>
    private const int MostSources = 2_000;

    private Task<List<Booked?>> OfSourceAsync(string words, NpgsqlConnection connection) =>
        connection.QueryAsync(
            $"""
            select e.seq_id, e.stream_id, e.type, e.headers ->> '{EventHeaders.BusinessDate}',
                   e.data ->> 'amountFen', e.data ->> 'sourceName'
              from (select seq
                      from {LedgerStore.Schema}.audit_entry
                     where type = 'funds_allocated'
                       and region like @scope || '%'
                     order by seq desc
                     limit {MostSources}) a
              join {LedgerStore.Schema}.mt_events e on e.seq_id = a.seq
             where e.type = 'funds_allocated'
               and position(@words in e.data ->> 'sourceName') > 0
             order by e.seq_id desc
             limit {Shown + 1}
            """,
            r =>
                r.Day(3) is { } on && Fen(r, 4) is { } fen
                    ? new Booked(r.GetInt64(0), r.GetString(1), r.GetString(2), on, fen.Fen, r.GetString(5))
                    : null,
            ("words", words),
            ("scope", Scope)
        );

    private Task<List<Booked?>> OfAmountAsync(Money amount, NpgsqlConnection connection) =>
        connection.QueryAsync(
            $"""
            select seq, stream, type, effective_date, amount_fen
              from {LedgerStore.Schema}.audit_entry
             where stream like 'fund-%'
               and amount_fen = @fen
               and type = any(@types)
               and region like @scope || '%'
             order by seq desc
             limit {Shown + 1}
            """,
            r =>
                (Booked?)
                    new Booked(
                        r.GetInt64(0),
                        r.GetString(1),
                        r.GetString(2),
                        r.GetFieldValue<DateOnly>(3),
                        r.GetInt64(4),
                        null
                    ),
            ("fen", amount.Fen),
            ("types", Entries),
            ("scope", Scope)
        );

    /// <summary>Each month of each fund has a first voucher: they are looked for in one village alone.</summary>
    private async Task<IReadOnlyList<Booked>> OfVoucherAsync(
        int voucher,
        NpgsqlConnection connection,
        CancellationToken cancellation
    )
    {
        var found = new List<Booked>();
        var reader = new JournalReader(stored, connection, _ => { });
        foreach (var fund in await JournalReader.FundsAsync(session, Scope, cancellation))
        await foreach (var e in reader.EntriesAsync(fund).WithCancellation(cancellation))
            if (e.Number == voucher)
                found.Add(
                    new Booked(
                        e.Sequence,
                        fund,
                        e.Type,
                        e.Date,
                        e.Postings.Sum(p => Math.Max(0, p.AmountFen.Fen)),
                        e.Voucher
                    )
                );
        found.Reverse();
        return found;
    }

    // What somebody wrote past the product may be no amount.
    private static Money? Fen(NpgsqlDataReader r, int at) =>
        !r.IsDBNull(at) && long.TryParse(r.GetString(at), CultureInfo.InvariantCulture, out var fen)
            ? new Money(fen)
            : null;

    /// <summary>What tax office and agency have given a number: a payment of a person's own, a credit.</summary>
    private async Task<IReadOnlyList<SearchHit>> ReceiptsAsync(
        Asked asked,
        NpgsqlConnection connection,
        CancellationToken cancellation
    )
    {
        if (asked.Number is not { } number)
            return [];
        var found = (
            await connection.QueryAsync(
                $"""
                ({Numbered("reference", "type = 'contribution_recorded'")})
                union all
                ({Numbered("reference", "type in ('contribution_adjusted', 'contribution_refunded')")})
                union all
                ({Numbered("receiptNumber", "type = 'subsidy_credited'")})
                """,
                r =>
                    (
                        Stream: r.GetString(0),
                        Type: r.GetString(1),
                        On: r.Day(2),
                        Amount: Fen(r, 3),
                        Number: r.GetString(4)
                    ),
                ("number", number),
                // The tax office and the agency work for a county: whose village it is, the member says.
                ("scope", RegionCode.CountyOrCity(Scope))
            )
        ).Where(f => f.Stream.StartsWith("member-year-", StringComparison.Ordinal) && f.Stream.Length > 17).ToList();
        var members = (
            await session.LoadManyAsync<Member>(
                cancellation,
                found.Select(f => StreamId.MemberOf(f.Stream)).Distinct().ToArray()
            )
        )
            .Where(m => MemberEndpoints.MaySee(caller, m))
            .ToDictionary(m => m.Id);
        found = [.. found.Where(f => members.ContainsKey(StreamId.MemberOf(f.Stream))).Take(Shown + 1)];
        var persons = await PersonsAsync(connection, found.Select(f => StreamId.MemberOf(f.Stream)));
        return
        [
            .. found.Select(f => new SearchHit(
                persons.GetValueOrDefault(StreamId.MemberOf(f.Stream))?.MaskedName ?? MemberEndpoints.Erased,
                f.Type,
                f.Number,
                f.Amount,
                f.On,
                caller.Actor.Role == Roles.CountyTax
                    ? $"/contributions?reference={Uri.EscapeDataString(f.Number)}"
                    : $"/members/{StreamId.MemberOf(f.Stream)}/years/{f.Stream[^4..]}"
            )),
        ];

        static string Numbered(string field, string type) =>
            $"""
                select stream_id, type, headers ->> '{EventHeaders.BusinessDate}', data ->> 'amountFen',
                       data ->> '{field}'
                  from {LedgerStore.Schema}.mt_events
                 where {type}
                   and hashtextextended({LedgerStore.Schema}.plain_number(data ->> '{field}'), 0)
                     = hashtextextended(@number, 0)
                   and {LedgerStore.Schema}.plain_number(data ->> '{field}') = @number
                   and headers ->> '{EventHeaders.Region}' like @scope || '%'
                 limit {MostOfNumber}
                """;
    }

    private async Task<IReadOnlyList<SearchHit>> DonorsAsync(
        Asked asked,
        NpgsqlConnection connection,
        CancellationToken cancellation
    )
    {
        var words = asked.CreditCode ?? asked.Words;
        if (words is null && asked.Id?.StartsWith("donor-", StringComparison.Ordinal) != true)
            return [];
        var mayTrace = DonorEndpoints.ReceiptReaders.Contains(caller.Actor.Role);
        var donors = await DonorPages.NamedAsync(session, database, people, DonorEndpoints.CountyOf(Scope));
        return
        [
            .. donors
                .Where(d =>
                    asked.Id is { } id ? d.Donor.Id == id
                    : d.Donor.Kind == DonorKind.Individual ? d.Name == words
                    : $"{d.Name} {d.Donor.CreditCode}".Contains(words!, StringComparison.OrdinalIgnoreCase)
                )
                .Take(Shown + 1)
                .Select(d => new SearchHit(
                    d.Name,
                    null,
                    d.Donor.CreditCode,
                    null,
                    null,
                    mayTrace ? $"/donors/{d.Donor.Id}" : $"/donors?q={Uri.EscapeDataString(d.Name)}"
                )),
        ];
    }

    private async Task<IReadOnlyList<SearchHit>> OfficersAsync(
        Asked asked,
        NpgsqlConnection connection,
        CancellationToken cancellation
    )
    {
        // By the person's name, or by what he signs in as: it stands in the trail where no name is known.
        var called = asked.Name is { } name ? await contacts.CalledAsync(Scope, name) : [];
        var names = asked.Words is { } account ? called.Append(account.ToLowerInvariant()) : called;
        var ids = names.Select(StreamId.Account).Distinct().ToArray();
        if (ids.Length == 0)
            return [];
        var found = (await session.LoadManyAsync<Account>(cancellation, ids))
            .Where(a => caller.MaySee(a.Region))
            .OrderBy(a => a.Name, StringComparer.Ordinal)
            .Take(Shown + 1)
            .ToList();
        var persons = new Dictionary<string, string>();
        foreach (var a in found)
            persons[a.Id] = await contacts.NameOfAsync(a.Name) ?? a.Name;
        return
        [
            .. found.Select(a => new SearchHit(
                persons[a.Id],
                a.Role,
                a.Unit is { } unit ? $"{a.Name} · {unit}" : a.Name,
                null,
                null,
                caller.Actor.Role == Roles.Administrator
                    ? $"/accounts?q={Uri.EscapeDataString(a.Name)}"
                    : $"/audit?actor={Uri.EscapeDataString(a.Name)}"
            )),
        ];
    }

    private async Task<IReadOnlyList<SearchHit>> EventsAsync(
        Asked asked,
        NpgsqlConnection connection,
        CancellationToken cancellation
    ) =>
        asked.Sequence is not { } sequence
            ? []
            : await connection.QueryAsync(
                $"""
                select stream, type, effective_date, amount_fen
                  from {LedgerStore.Schema}.audit_entry
                 where seq = @seq
                   and region like @scope || '%'
                """,
                r => new SearchHit(
                    $"#{sequence}",
                    r.GetString(1),
                    r.GetString(0),
                    r.IsDBNull(3) ? null : new Money(r.GetInt64(3)),
                    r.GetFieldValue<DateOnly>(2),
                    $"/audit?after={sequence + 1}"
                ),
                ("seq", sequence),
                ("scope", Scope)
            );

    /// <summary>What was done on a day, or in a month: the trail has it.</summary>
    private Task<IReadOnlyList<SearchHit>> DaysAsync(
        Asked asked,
        NpgsqlConnection connection,
        CancellationToken cancellation
    )
    {
        var (since, until) =
            asked.Day is { } day ? (day, day)
            : asked.Month is { } month ? (month, month.AddMonths(1).AddDays(-1))
            : default;
        return Task.FromResult<IReadOnlyList<SearchHit>>(
            until == default
                ? []
                :
                [
                    new SearchHit(
                        asked.Day is null ? $"{since:yyyy-MM}" : $"{since:yyyy-MM-dd}",
                        null,
                        null,
                        null,
                        since,
                        $"/audit?since={since:yyyy-MM-dd}&until={until:yyyy-MM-dd}"
                    ),
                ]
        );
    }
}

using System.Security.Cryptography;
using Ledger.Api.Commands;
using Ledger.Api.Imports;
using Ledger.Api.Profiles;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Domain;
using Ledger.Domain.Applications;
using Ledger.Domain.Collectives;
using Ledger.Domain.Identity;
using Ledger.Domain.Members;
using Ledger.Domain.Policies;
using Marten;
using Microsoft.AspNetCore.Http.Json;
using Microsoft.Extensions.Options;

namespace Ledger.Api.Members;

/// <summary>
/// What became of an upload. <paramref name="Updated"/>: of members who were registered, phone, card or group were
/// corrected. Rows with faults are listed and were left out (only with <c>partial=true</c>). <paramref name="Notes"/>:
/// what of the table was not read, what was mended, and what may be one person twice.
/// </summary>
public sealed record ImportView(
    int Rows,
    int Imported,
    int Updated,
    int Unchanged,
    int Skipped,
    IReadOnlyList<Fault> Faults,
    IReadOnlyList<Note> Notes
);

/// <summary>One member, as a row of an import: by the same reader, with the same questions.</summary>
public sealed record NewMemberBody(
    string CollectiveId,
    string? Name,
    string? CitizenId,
    string? Phone = null,
    string? BankCard = null,
    string? Group = null,
    string? ConfirmDuplicate = null
);

/// <summary>The member list and the tax office's contribution records, from .xlsx or .csv.</summary>
public static class MemberImports
{
    /// <summary>What is written of a correction that came with a list.</summary>
    private const string ListedAgain = "重新导入成员名册";

    /// <param name="confirmDuplicate">After <c>possible-duplicate</c>, why people of one name and birth date are
    /// several.</param>
    public static async Task<Answer> Members(
        IFormFile file,
        string collectiveId,
        bool? partial,
        string? confirmDuplicate,
        string? profile,
        HttpContext http,
        Command command,
        PersonalData people,
        Caller caller,
        TimeProvider time,
        IQuerySession session
    )
    {
        var confirmed = Require.OptionalProse(confirmDuplicate, "confirmDuplicate", 200);
        var form = await session.FormAsync(Sheets.Members, profile, http, caller);
        var (table, _) = await SheetSource.ReadAsync(http, file, form);
        var faults = new List<Fault>();
        var (collective, sound) = await PlaceAsync(table, faults, collectiveId, confirmed, command, people, caller);
        Uploads.RefuseFaults(faults, partial, table, Rejections.RosterInvalid);
        return new Answer(await StoreAsync(collective, sound, table, faults, command, people, time));
    }

    /// <summary>One person, typed into a form.</summary>
    public static async Task<Answer> Add(
        NewMemberBody body,
        Command command,
        PersonalData people,
        Caller caller,
        TimeProvider time
    )
    {
        var confirmed = Require.OptionalProse(body.ConfirmDuplicate, "confirmDuplicate", 200);
        var collectiveId = Require.Text(body.CollectiveId, "collectiveId", 40);
        var table = Table.Typed(Sheets.Members, body.Name, body.CitizenId, body.Phone, body.BankCard, body.Group);
        var faults = new List<Fault>();
        var (collective, sound) = await PlaceAsync(table, faults, collectiveId, confirmed, command, people, caller);
        if (faults.Count > 0)
            throw OfForm(faults);
        var view = await StoreAsync(collective, sound, table, faults, command, people, time);
        return new Answer(view with { Notes = table.OfForm() });
    }

    /// <summary>The faults of a row as those of a form's fields.</summary>
    private static RefusedException OfForm(IReadOnlyList<Fault> faults)
    {
        var ofFields = faults
            .Select(f =>
                f with
                {
                    Row = null,
                    Field = Sheets.Members.FieldOf(f.Column!),
                    Code = f.Code == Rejections.RosterInvalid.Code ? Rejections.FieldInvalid.Code : f.Code,
                }
            )
            .ToList();
        return new RefusedException(
            new Rejection(
                Rejections.All[ofFields[0].Code],
                string.Join("；", ofFields.Select(f => $"{f.Column}：{f.Message}"))
            )
            {
                Field = ofFields[0].Field,
                Faults = ofFields.Count > 1 ? ofFields : [],
            }
        );
    }

    /// <summary>A sound row of a list.</summary>
    private sealed record ListedPerson(int Row, CitizenId Id, Person Person, string? Group);

    /// <summary>A person as a row or a form says, the citizen id apart.</summary>
    internal static Person PersonOf(RowReader reader, string name) =>
        new(
            name,
            "",
            reader.OptionalDigits(Sheets.Phone, 11, 11),
            reader.OptionalDigits(Sheets.BankCard, 12, 30),
            RandomNumberGenerator.GetBytes(16)
        );

    private static List<ListedPerson> Read(Table table, List<Fault> faults, DateOnly today)
    {
        var rows = new List<ListedPerson>();
        var seen = new Dictionary<string, int>();
        foreach (var row in table.Rows)
        {
            var reader = new RowReader(table, row, faults, Rejections.RosterInvalid);
            var person = PersonOf(reader, reader.Name());
            var id = reader.CitizenId(today);
            var group = reader.OptionalName(Sheets.Group, 20);
            if (id.Value is not null && !seen.TryAdd(id.Value, row.Number))
                reader.Wrong(Roster.CitizenIdColumn, $"与第 {seen[id.Value]} 行重复");
            if (reader.IsSound)
                rows.Add(new ListedPerson(row.Number, id, person with { CitizenId = id.Value! }, group));
        }
        return rows;
    }

    /// <summary>The rows, where each belongs, and the faults that they have or that only the register shows.</summary>
    private static async Task<(Collective Collective, IReadOnlyList<Placed> Sound)> PlaceAsync(
        Table table,
        List<Fault> faults,
        string collectiveId,
        string? confirmed,
        Command command,
        PersonalData people,
        Caller caller
    )
    {
        IReadOnlyList<ListedPerson> rows = Read(table, faults, command.Today);
        var collective = await command.LoadAsync<Collective>(collectiveId);
        if (CollectiveDecider.Gone(collective) is { } gone)
            throw new RefusedException(gone);
        var twins = await TwinsAsync(collective, rows, command, people);
        if (confirmed is null)
            rows = AskedAside(rows, twins, faults);
        else if (twins.Count > 0)
            command.Confirmed = confirmed;
        // The same steps for who is new and for whom others know: neither answer nor time tells (OnTheBeat).
        var added = rows.Select(r => (StreamId.NewMember(), r.Id, r.Person)).ToList();
        await people.AddAsync(command.Connection, added, collectiveId: collective.Id);
        var ids = await people.FindAsync(command.Connection, rows.Select(r => r.Id));
        var own = PersonalData.OfCollective(collective.Id);
        var apart = await people.FindAsync(command.Connection, rows.Select(r => r.Id), own);
        var members = await command.FindManyAsync<Member>(ids.Values.Concat(apart.Values));
        var persons = await people.ReadAsync(
            command.Connection,
            ids.Values.Concat(apart.Values)
                .Concat(members.Values.Select(m => m.RecordOf(collective.Id)).OfType<string>()),
            members.Values.SelectMany(m => m.Digests).DistinctBy(d => d.Key)
        );
        var placed = rows.Select(Place).ToList();
        faults.AddRange(placed.Where(p => p.NameDiffers).Select(OtherName));
        faults.Sort((a, b) => a.Row!.Value.CompareTo(b.Row!.Value));
        var wrong = faults.Select(f => f.Row).ToHashSet();
        return (collective, [.. placed.Where(p => !wrong.Contains(p.Row))]);

        Placed Place(ListedPerson r)
        {
            var known = members.GetValueOrDefault(ids[r.Id]);
            var record = apart.GetValueOrDefault(r.Id);
            var asks = known is not null && MemberDecider.MustAsk(known, collective.WithPredecessors(), caller.MaySee);
            // Whoever asks sees nothing but what he handed in himself.
            var shown = asks ? record : known?.Id;
            return new Placed(
                r.Row,
                r.Id,
                r.Person,
                r.Group,
                ids[r.Id],
                known,
                record,
                record is null ? null : members.GetValueOrDefault(record),
                asks,
                shown,
                shown is not null
                    && persons.TryGetValue(shown, out var there)
                    && !PersonName.IsSame(there.Name, r.Person.Name),
                record is null
                && known is not null
                && (asks || (!known.Memberships.ContainsKey(collective.Id) && known.RecordOf(collective.Id) is null))
                    ? StreamId.NewMember()
                    : null,
                persons
            );
        }
    }

    /// <summary>Of whom it is asked whether he is another one, nothing is stored.</summary>
    private static IReadOnlyList<ListedPerson> AskedAside(
        IReadOnlyList<ListedPerson> rows,
        IReadOnlyList<Fault> twins,
        List<Fault> faults
    )
    {
        faults.AddRange(twins);
        var asked = twins.Select(t => t.Row).ToHashSet();
        return [.. rows.Where(r => !asked.Contains(r.Row))];
    }

    private static Fault OtherName(Placed placed) =>
        new(
            Rejections.RosterInvalid.Code,
            "此身份证号已以另一姓名登记；姓名确有改动的，请在该成员页“更正登记信息”中附证明更正，或由另一人确认；"
                + "不是同一人的，请核对身份证号",
            Row: placed.Row,
            Column: Roster.NameColumn,
            MemberId: placed.ShownId
        );

    /// <summary>The rows become members, or correct what is registered of them; all of it or nothing.</summary>
    private static async Task<ImportView> StoreAsync(
        Collective collective,
        IReadOnlyList<Placed> sound,
        Table table,
        IReadOnlyList<Fault> faults,
        Command command,
        PersonalData people,
        TimeProvider time
    )
    {
        await people.AddAsync(
            command.Connection,
            [.. sound.Where(p => p.NewRecord is not null).Select(p => (p.NewRecord!, p.Id, p.Person))],
            PersonalData.OfCollective(collective.Id),
            collective.Id
        );
        var written = new Dictionary<string, Person>();
        var (imported, updated) = (0, 0);
        foreach (var place in sound)
        {
            if (place.Register(command, collective))
                imported++;
            else if (place.Correct(command, collective, written, time) is { Count: > 0 } columns)
            {
                table.Tell($"已登记；已更正{string.Join("、", columns)}", place.Row, columns[0]);
                updated++;
            }
        }
        await people.RewriteAsync(command.Connection, written);
        return new ImportView(
            table.Rows.Count,
            imported,
            updated,
            sound.Count - imported - updated,
            table.Rows.Count - sound.Count,
            faults,
            table.Notes
        );
    }

    /// <summary>
    /// One name and one birth date under two ids: perhaps one person, with an id that was copied wrong. Whoever is new
    /// is asked about, against the list and against the members; who is registered already was answered for then.
    /// </summary>
    private static async Task<IReadOnlyList<Fault>> TwinsAsync(
        Collective collective,
        IReadOnlyList<ListedPerson> rows,
        Command command,
        PersonalData people
    )
    {
        var namesakes = await people.NamesakesAsync(
            command.Connection,
            collective.Id,
            rows.Select(r => (r.Person.Name, r.Id.BirthDate))
        );
        var damaged = new Dictionary<string, RefusedException>();
        var members = await command.SoundAsync<Member>(namesakes, damaged);
        var known = await people.ReadAsync(
            command.Connection,
            members.Values.Where(m => m.Memberships.ContainsKey(collective.Id)).Select(m => m.Id).Concat(damaged.Keys)
        );
        var same = new Dictionary<(string Name, DateOnly Birth), (CitizenId Id, string Where)>();
        foreach (var person in known.OrderBy(p => p.Key, StringComparer.Ordinal).Select(p => p.Value))
        {
            var id = CitizenId.Parse(person.CitizenId, out _);
            same.TryAdd((PersonName.Canonical(person.Name), id.BirthDate), (id, $"已登记的成员（{id.Masked}）"));
        }
        (string, DateOnly) Key(ListedPerson row) => (PersonName.Canonical(row.Person.Name), row.Id.BirthDate);
        var twins = new List<ListedPerson>();
        foreach (var row in rows)
            if (!same.TryAdd(Key(row), (row.Id, $"第 {row.Row} 行")) && same[Key(row)].Id != row.Id)
                twins.Add(row);
        var registered = await RegisteredAsync(collective, twins, command, people);
        return
        [
            .. twins
                .Where(r => !registered.Contains(r.Id))
                .Select(r => new Fault(
                    Rejections.PossibleDuplicate.Code,
                    $"与{same[Key(r)].Where}姓名和出生日期相同，身份证号不同；是同一人的请改正身份证号，确实是两个人的请写明理由",
                    Row: r.Row,
                    Column: Roster.CitizenIdColumn
                )),
        ];
    }

    /// <summary>Who of a list is a member already, under whatever name.</summary>
    private static async Task<HashSet<CitizenId>> RegisteredAsync(
        Collective collective,
        IReadOnlyList<ListedPerson> rows,
        Command command,
        PersonalData people
    )
    {
        if (rows.Count == 0)
            return [];
        var ids = rows.Select(r => r.Id).ToList();
        var own = await people.FindAsync(command.Connection, ids, PersonalData.OfCollective(collective.Id));
        var records = (await people.FindAsync(command.Connection, ids)).Concat(own).ToLookup(p => p.Value, p => p.Key);
        var damaged = new Dictionary<string, RefusedException>();
        var members = await command.SoundAsync<Member>([.. records.Select(r => r.Key)], damaged);
        return
        [
            .. members
                .Values.Where(m => m.Memberships.ContainsKey(collective.Id))
                .Select(m => m.Id)
                .Concat(damaged.Keys)
                .SelectMany(m => records[m]),
        ];
    }

    /// <param name="confirmDuplicate">After <c>possible-duplicate</c>, why one tax reference stands for several people
    /// (one receipt for a household).</param>
    public static async Task<Answer> Contributions(
        HttpRequest request,
        int year,
        bool? partial,
        string? confirmDuplicate,
        string? profile,
        Command command,
        PersonalData people,
        Caller caller,
        IQuerySession session,
        IOptions<JsonOptions> json
    )
    {
        var confirmed = Require.OptionalProse(confirmDuplicate, "confirmDuplicate", 200);
        if (year < SchemeYears.First || year > command.Today.Year)
            throw Require.Invalid("year", "年度不能早于2009，也不能晚于今年");
        var (body, file) = await Uploads.BodyOrRosterAsync(
            request,
            json.Value.SerializerOptions,
            _ => new ContributionsBody(null),
            "file"
        );
        AgencyProfiles.RequireFile(profile, file);
        var (table, digest) = file is null
            ? body.AsTable()
            : await SheetSource.ReadAsync(
                request.HttpContext,
                file,
                await session.FormAsync(Sheets.Contributions, profile, request.HttpContext, caller, year)
            );
        var policy = await command.PolicyYearAsync(caller.Actor.Region, year);
        var faults = new List<Fault>();
        var rows = Read(table, faults, year, policy, confirmed, command);
        var ids = await people.FindAsync(command.Connection, rows.Select(r => r.Id));
        await MembersOnlyAsync(rows, ids, command, people, caller);
        await OfOthersAsync(rows, ids, year, confirmed, command, caller);
        rows.RemoveAll(r => !r.Reader.IsSound);
        var years = new Dictionary<string, MemberYear>(
            await command.FindPeopleAsync<MemberYear>(rows.Select(r => StreamId.MemberYear(ids[r.Id], year)))
        );
        foreach (var row in rows)
            if (command.DamagedPeople.GetValueOrDefault(ids[row.Id]) is { } damage)
                row.Reader.Wrong(Roster.CitizenIdColumn, damage, Rejections.RecordDamaged);
        rows.RemoveAll(r => !r.Reader.IsSound);
        var decided = Decide(rows, r => StreamId.MemberYear(ids[r.Id], year), years, digest);
        rows.RemoveAll(r => !r.Reader.IsSound);
        faults.Sort((a, b) => a.Row!.Value.CompareTo(b.Row!.Value));
        Uploads.RefuseFaults(faults, partial, table, Rejections.RosterInvalid);
        foreach (var (streamId, events) in decided)
            command.Append(streamId, years.GetValueOrDefault(streamId), new Decision<MemberYear>(events, null));
        var imported = decided.Values.Sum(e => e.Count);
        return new Answer(
            new ImportView(
                table.Rows.Count,
                imported,
                0,
                rows.Count - imported,
                table.Rows.Count - rows.Count,
                table.Told(faults),
                table.Notes
            )
        );
    }

    /// <summary>A sound row of a list of contributions.</summary>
    private sealed record ListedContribution(
        RowReader Reader,
        string Name,
        CitizenId Id,
        Contribution Contribution,
        ContributionEntryKind What = ContributionEntryKind.Payment,
        string? Of = null
    );

    /// <summary>
    /// What the rows lead to, by member-year: payments before the changes of them, by date, in whatever order they
    /// stand.
    /// </summary>
    private static Dictionary<string, List<IEventOf<MemberYear>>> Decide(
        IReadOnlyList<ListedContribution> rows,
        Func<ListedContribution, string> streamOf,
        IReadOnlyDictionary<string, MemberYear> known,
        string digest
    )
    {
        var (years, decided) = (known.ToDictionary(), new Dictionary<string, List<IEventOf<MemberYear>>>());
        foreach (
            var row in rows.OrderBy(r => r.What == ContributionEntryKind.Payment ? 0 : 1)
                .ThenBy(r => r.What == ContributionEntryKind.Payment ? default : r.Contribution.PaidOn)
                .ThenBy(r => r.Reader.Row)
        )
        {
            var id = streamOf(row);
            var year = years.GetValueOrDefault(id);
            var decision = ContributionDecider.Record(year, row.What, row.Contribution, row.Of, digest);
            if (decision.Rejection is { } refusal)
                row.Reader.Wrong(ColumnOf(refusal, row), refusal.Detail, refusal.Code);
            if (decision.Events.Count == 0)
                continue;
            years[id] = Change.Of(id, year, decision.Events).After;
            if (!decided.TryGetValue(id, out var events))
                decided[id] = events = [];
            events.AddRange(decision.Events);
        }
        return decided;
    }

    private static string ColumnOf(Rejection refusal, ListedContribution row) =>
        refusal.Code == Rejections.DateBeforeBasis ? Sheets.PaidOn
        : refusal.Code == Rejections.AmountInvalid ? Sheets.Paid
        : refusal.Code == Rejections.ContributionUnknown && row.Of is not null ? Sheets.OfReference
        : Sheets.Reference;

    private static List<ListedContribution> Read(
        Table table,
        List<Fault> faults,
        int year,
        PolicyYear policy,
        string? confirmed,
        Command command
    )
    {
        var rows = new List<ListedContribution>();
        var references = new Dictionary<string, (int Row, CitizenId Id)>();
        var tiers = policy.Tiers().Select(t => t.TierFen).ToHashSet();
        foreach (var row in table.Rows)
        {
            var reader = new RowReader(table, row, faults, Rejections.RosterInvalid);
            var (name, id, what) = (reader.Name(), reader.CitizenId(), What(reader));
            var contribution = new Contribution(
                Kind(reader),
                what == ContributionEntryKind.Refund
                    ? reader.OptionalAmount(Sheets.Tier) ?? Money.Zero
                    : reader.Amount(Sheets.Tier),
                reader.Amount(Sheets.Paid),
                reader.Date(Sheets.PaidOn, command.Today),
                reader.Reference(Sheets.Reference, 40).ToUpperInvariant(),
                reader.OptionalWhole(Sheets.Years, 60)
            );
            if (reader.IsSound && MemberYearDecider.PaidTooEarly(year, contribution.PaidOn) is { } early)
                reader.Wrong(Sheets.PaidOn, early, Rejections.DateBeforeBasis);
            if (contribution.TierFen.IsPositive && !tiers.Contains(contribution.TierFen))
                reader.Wrong(Sheets.Tier, $"{contribution.TierFen} 元不是 {year} 年的缴费档次");
            if (reader.IsSound && what != ContributionEntryKind.Refund)
                TellOddPayment(table, row.Number, contribution);
            if (contribution.Reference.Length > 0 && !references.TryAdd(contribution.Reference, (row.Number, id)))
            {
                var (other, isSame) = (
                    references[contribution.Reference].Row,
                    references[contribution.Reference].Id == id
                );
                if (isSame || confirmed is null)
                    reader.Wrong(
                        Sheets.Reference,
                        $"与第 {other} 行重复",
                        isSame ? null : Rejections.PossibleDuplicate
                    );
                else
                    command.Confirmed = confirmed;
            }
            if (reader.IsSound)
                rows.Add(new ListedContribution(reader, name, id, contribution, what, Of(reader, what)));
        }
        return rows;
    }

    /// <summary>Whoever is no member that the caller looks after, or is called otherwise, is at fault.</summary>
    private static async Task MembersOnlyAsync(
        IReadOnlyList<ListedContribution> rows,
        IReadOnlyDictionary<CitizenId, string> ids,
        Command command,
        PersonalData people,
        Caller caller
    )
    {
        var persons = await people.ReadAsync(command.Connection, ids.Values);
        var members = await command.ReadPeopleAsync<Member>(ids.Values);
        foreach (var (reader, name, id, _, _, _) in rows)
        {
            var member = ids.TryGetValue(id, out var memberId) ? members.GetValueOrDefault(memberId) : null;
            if (memberId is not null && command.DamagedPeople.GetValueOrDefault(memberId) is { } damage)
                reader.Wrong(Roster.CitizenIdColumn, damage, Rejections.RecordDamaged);
            else if (member is null || !member.Memberships.Values.Any(caller.MaySee))
                reader.Wrong(
                    Roster.CitizenIdColumn,
                    "不是辖区内任何集体的成员，或成员身份待确认",
                    Rejections.NotAMember
                );
            else if (persons.TryGetValue(memberId!, out var person) && !PersonName.IsSame(person.Name, name))
                reader.Wrong(Roster.NameColumn, "姓名与成员登记不一致");
        }
    }

    /// <summary>
    /// The same tax receipt on record for somebody else. What was taken out again as a mistake does not count: it
    /// serves the right person now.
    /// </summary>
    private static async Task OfOthersAsync(
        IReadOnlyList<ListedContribution> rows,
        IReadOnlyDictionary<CitizenId, string> ids,
        int year,
        string? confirmed,
        Command command,
        Caller caller
    )
    {
        var sound = rows.Where(r => r.Reader.IsSound).ToList();
        var known = (
            await ReferencesAsync(sound.Select(r => r.Contribution.Reference), caller.Actor.Region, command)
        ).ToLookup(k => DocumentNumber.Canonical(k.Reference), k => k.MemberYearId);
        var asked = sound
            .Where(r => known[r.Contribution.Reference].Any(k => StreamId.MemberOf(k) != ids[r.Id]))
            .ToList();
        var states = await command.ReadPeopleAsync<MemberYear>(asked.SelectMany(r => known[r.Contribution.Reference]));
        (DateOnly On, Money Fen)? Stands(string memberYearId, string reference) =>
            states.GetValueOrDefault(memberYearId)?.OfReference(reference);
        foreach (var (reader, _, id, contribution, _, _) in asked)
        {
            // Who has it already, gets nothing new.
            if (Stands(StreamId.MemberYear(ids[id], year), contribution.Reference) is not null)
                continue;
            if (
                known[contribution.Reference]
                    .Select(k => Stands(k, contribution.Reference))
                    .FirstOrDefault(c => c is not null)
                is not { } other
            )
                continue;
            if (confirmed is not null)
                command.Confirmed = confirmed;
            else
                reader.Wrong(
                    Sheets.Reference,
                    $"凭证号已用于另一人 {other.On:yyyy-MM-dd} 的缴费 {other.Fen} 元",
                    Rejections.PossibleDuplicate
                );
        }
    }

    /// <summary>
    /// Where these tax references stand on record in the city, in whatever year. Its imports take turns from here to
    /// their commit, so that two at once find each other.
    /// </summary>
    private static async Task<IReadOnlyList<(string Reference, string MemberYearId)>> ReferencesAsync(
        IEnumerable<string> references,
        string region,
        Command command
    )
    {
        var city = region[..Math.Min(region.Length, RegionCode.CityLength)];
        await command.Connection.ExecuteAsync(
            "select pg_advisory_xact_lock(hashtextextended('contributions ' || @city, 0))",
            ("city", city)
        );
        return await command.Connection.QueryAsync(
            $"""
            select data ->> 'reference', stream_id from {LedgerStore.Schema}.mt_events
             where (type = 'contribution_recorded'
                 or type in ('contribution_adjusted', 'contribution_refunded')) -- two indices
               and hashtextextended({LedgerStore.Schema}.plain_number(data ->> 'reference'), 0) = any(array(
                       select hashtextextended(r, 0)
                         from unnest(@references) r))
               and {LedgerStore.Schema}.plain_number(data ->> 'reference') = any(@references)
               and headers ->> '{EventHeaders.Region}' like @city || '%'
            """,
            r => (r.GetString(0), r.GetString(1)),
            ("references", references.Select(DocumentNumber.Canonical).Distinct().ToArray()),
            ("city", city)
        );
    }

    /// <summary>
    /// A sound row and where it belongs. <paramref name="Known"/>: the person of this citizen id, whoever registered
    /// it.
    /// <paramref name="RecordId"/>, <paramref name="Apart"/>: what this collective handed in before, beside another
    /// one's record.
    /// </summary>
    private sealed record Placed(
        int Row,
        CitizenId Id,
        Person Person,
        string? Group,
        string MemberId,
        Member? Known,
        string? RecordId,
        Member? Apart,
        bool Asks,
        string? ShownId,
        bool NameDiffers,
        string? NewRecord,
        IReadOnlyDictionary<string, Person> Persons
    )
    {
        /// <summary>What the collective's own membership hangs on: the person, or what it handed in apart.</summary>
        private Member? Holder => Asks ? Apart : Known;

        public bool IsMember(Collective collective) => Holder?.Memberships.ContainsKey(collective.Id) == true;

        /// <summary>
        /// Of a member, what the list says otherwise than the register: the columns that were corrected. A blank cell
        /// says nothing.
        /// </summary>
        /// <param name="written">Takes the records that are to be written.</param>
        public IReadOnlyList<string> Correct(
            Command command,
            Collective collective,
            Dictionary<string, Person> written,
            TimeProvider time
        )
        {
            var member = Holder!;
            var own = member.RecordOf(collective.Id) is { } record ? Persons.GetValueOrDefault(record) : null;
            var changed = new (string Column, MemberDatum What, string? Given, string? Stored)[]
            {
                (Sheets.Phone, MemberDatum.Phone, own is null ? null : Person.Phone, own?.Phone),
                (Sheets.BankCard, MemberDatum.BankCard, own is null ? null : Person.BankCard, own?.BankCard),
                (Sheets.Group, MemberDatum.Group, Group, member.Groups.GetValueOrDefault(collective.Id)),
            }
                .Where(c => c.Given is not null && c.Given != c.Stored)
                .ToList();
            if (changed.Count == 0)
                return [];
            var correction = new Correction(collective.Id, [.. changed.Select(c => c.What)], Group, ListedAgain, []);
            var rewritten = MemberCorrections.Rewritten(
                member,
                collective.Id,
                correction.Changed,
                Person,
                Persons,
                time
            );
            command.Append(
                member.Id,
                member,
                MemberChangeDecider.Correct(
                    member,
                    correction,
                    default, // no name is changed, over which anybody would have to look
                    MemberCorrections.Digests(rewritten),
                    "",
                    command.Actor
                )
            );
            foreach (var (id, person) in rewritten)
                written[id] = person;
            return [.. changed.Select(c => c.Column)];
        }

        /// <summary>False when nothing is new.</summary>
        public bool Register(Command command, Collective collective)
        {
            if (IsMember(collective))
                return false;
            var record = RecordId ?? NewRecord;
            if (!Asks)
            {
                // The record before this one, where there is one: the main one needs no mention.
                var own = Known is null || Known.RecordOf(collective.Id) == Known.Id ? null : record;
                command.Append(
                    MemberId,
                    Known,
                    new IEventOf<Member>[]
                    {
                        new MemberRegistered(collective.Id, collective.Region, Person.Digest(), Group, own),
                    }
                );
                if (Apart?.Memberships.ContainsKey(collective.Id) == true)
                    command.Append(
                        Apart.Id,
                        Apart,
                        new IEventOf<Member>[] { new RecordJoined(collective.Id, MemberId) }
                    );
                return true;
            }
            command.Append(
                record!,
                Apart,
                new IEventOf<Member>[]
                {
                    new MemberRegistered(collective.Id, collective.Region, Person.Digest(), Group),
                }
            );
            command.Append(
                MemberId,
                Known,
                MemberDecider.Request(
                    Known!,
                    record!,
                    collective.Id,
                    collective.Region,
                    Person.Digest(),
                    Group,
                    command.Actor
                )
            );
            command.BelongsTo(MemberId, Known!.Region); // for the eyes of those who look after the person
            return true;
        }
    }

    /// <summary>Who chose a tier pays that; what differs is recorded as it stands there, and told.</summary>
    private static void TellOddPayment(Table table, int row, Contribution c)
    {
        if (c.Kind == ContributionKind.Regular && c.AmountFen != c.TierFen)
            table.Tell($"实缴 {c.AmountFen} 元，与档次 {c.TierFen} 元不同，照此记录", row, Sheets.Paid);
    }

    private static ContributionKind Kind(RowReader reader) =>
        reader.OneOf(Sheets.Kind, Sheets.Regular, Sheets.CatchUp, Sheets.GovernmentPaid) switch
        {
            Sheets.CatchUp => ContributionKind.CatchUp,
            Sheets.GovernmentPaid => ContributionKind.GovernmentPaid,
            _ => ContributionKind.Regular,
        };

    private static ContributionEntryKind What(RowReader reader) =>
        reader.IsBlank(Sheets.Entry)
            ? ContributionEntryKind.Payment
            : reader.OneOf(Sheets.Entry, Sheets.Payment, Sheets.Adjustment, Sheets.Refund) switch
            {
                Sheets.Adjustment => ContributionEntryKind.Adjustment,
                Sheets.Refund => ContributionEntryKind.Refund,
                _ => ContributionEntryKind.Payment,
            };

    /// <summary>A payment that names another one is an adjustment or a refund whose kind somebody forgot.</summary>
    private static string? Of(RowReader reader, ContributionEntryKind what)
    {
        if (reader.IsBlank(Sheets.OfReference))
            return null;
        var of = reader.Reference(Sheets.OfReference, 40).ToUpperInvariant();
        if (what == ContributionEntryKind.Payment)
            reader.Wrong(Sheets.Entry, $"填了原凭证号的，应写明是{Sheets.Adjustment}还是{Sheets.Refund}");
        return of;
    }
}

using System.Security.Cryptography;
using Ledger.Api.Commands;
using Ledger.Api.Imports;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Domain;
using Ledger.Domain.Applications;
using Ledger.Domain.Collectives;
using Ledger.Domain.Identity;
using Ledger.Domain.Members;
using Ledger.Projections;
using Ledger.Projections.AuditTrail;

namespace Ledger.Api.Members;

/// <summary>
/// What became of an upload. Rows with faults are listed and were left out (only with <c>partial=true</c>). <paramref name="Notes"/>: what of the
/// table was not read, what was mended, and what may be one person twice.
/// </summary>
public sealed record ImportView(
    int Rows,
    int Imported,
    int Unchanged,
    int Skipped,
    IReadOnlyList<Fault> Faults,
    IReadOnlyList<Note> Notes
);

/// <summary>The member list and the tax office's contribution records, from .xlsx or .csv.</summary>
public static class MemberImports
{
    public static async Task<Answer> Members(
        IFormFile file,
        string collectiveId,
        bool? partial,
        Command command,
        PersonalData people,
        Caller caller
    )
    {
        var table = Table.Read(file, Sheets.Members);
        var faults = new List<Fault>();
        var rows = new List<(int Row, CitizenId Id, Person Person, string? Group)>();
        var seen = new Dictionary<string, int>();
        foreach (var row in table.Rows)
        {
            var reader = new RowReader(table, row, faults, Rejections.RosterInvalid);
            var person = new Person(
                reader.Name(),
                "",
                reader.OptionalDigits(Sheets.Phone, 11, 11),
                reader.OptionalDigits(Sheets.BankCard, 12, 30),
                RandomNumberGenerator.GetBytes(16)
            );
            var id = reader.CitizenId(command.Today);
            var group = reader.OptionalName(Sheets.Group, 20);
            if (id.Value is not null && !seen.TryAdd(id.Value, row.Number))
                reader.Wrong(Roster.CitizenIdColumn, $"与第 {seen[id.Value]} 行重复");
            if (reader.IsSound)
                rows.Add((row.Number, id, person with { CitizenId = id.Value! }, group));
        }

        var collective = await command.LoadAsync<Collective>(collectiveId);
        if (CollectiveDecider.Gone(collective) is { } gone)
            throw new RefusedException(gone);
        var register = PersonalData.OfCollective(collective.Id);
        // The same steps for who is new and for whom others know: the answer does not tell them apart, nor does its time (OnTheBeat).
        await people.AddAsync(command.Connection, [.. rows.Select(r => (StreamId.NewMember(), r.Id, r.Person))]);
        var ids = await people.FindAsync(command.Connection, rows.Select(r => r.Id));
        var apart = await people.FindAsync(command.Connection, rows.Select(r => r.Id), register);
        var members = await command.FindManyAsync<Member>(ids.Values.Concat(apart.Values));
        var names = await people.ReadAsync(command.Connection, ids.Values.Concat(apart.Values));
        var placed = rows.Select(r => Place(r.Row, r.Id, r.Person, r.Group)).ToList();
        faults.AddRange(
            placed
                .Where(p => p.NameDiffers)
                .Select(p => new Fault(
                    Rejections.RosterInvalid.Code,
                    "此身份证号已以另一姓名登记",
                    Row: p.Row,
                    Column: Roster.NameColumn,
                    MemberId: p.ShownId
                ))
        );
        TellTwice(table, rows.Select(r => (r.Row, r.Id, r.Person.Name)));
        foreach (var place in placed.Where(p => p.ShownId is not null && names.ContainsKey(p.ShownId)))
            place.TellChanges(table, names[place.ShownId!], collective.Id);
        Uploads.RefuseFaults(faults, partial, table, Rejections.RosterInvalid);

        var sound = placed.Where(p => !p.NameDiffers).ToList();
        await people.AddAsync(
            command.Connection,
            [.. sound.Where(p => p.NewRecord is not null).Select(p => (p.NewRecord!, p.Id, p.Person))],
            register
        );
        var imported = sound.Count(p => p.Register(command, collective));
        return new Answer(
            new ImportView(
                table.Rows.Count,
                imported,
                sound.Count - imported,
                table.Rows.Count - sound.Count,
                faults,
                table.Notes
            )
        );

        Placed Place(int row, CitizenId id, Person person, string? group)
        {
            var known = members.GetValueOrDefault(ids[id]);
            var record = apart.GetValueOrDefault(id);
            var asks = known is not null && MemberDecider.MustAsk(known, collective.WithPredecessors(), caller.MaySee);
            // Whoever asks sees nothing but what he handed in himself.
            var shown = asks ? record : known?.Id;
            return new Placed(
                row,
                id,
                person,
                group,
                ids[id],
                known,
                record,
                record is null ? null : members.GetValueOrDefault(record),
                asks,
                shown,
                shown is not null
                    && names.TryGetValue(shown, out var there)
                    && !PersonName.IsSame(there.Name, person.Name),
                record is null
                && known is not null
                && (asks || (!known.Memberships.ContainsKey(collective.Id) && known.RecordOf(collective.Id) is null))
                    ? StreamId.NewMember()
                    : null
            );
        }
    }

    /// <summary>One name and one birth date under two ids: perhaps one person, with an id that was copied wrong.</summary>
    private static void TellTwice(Table table, IEnumerable<(int Row, CitizenId Id, string Name)> rows)
    {
        foreach (var same in rows.GroupBy(r => (PersonName.Canonical(r.Name), r.Id.BirthDate)))
        foreach (var (row, _, _) in same.Skip(1))
            table.Tell(
                $"与第 {same.First().Row} 行姓名和出生日期相同，身份证号不同；请核对是不是同一人",
                row,
                Roster.CitizenIdColumn
            );
    }

    /// <param name="confirmDuplicate">After <c>possible-duplicate</c>, why one tax reference stands for several people (one receipt for a household).</param>
    public static async Task<Answer> Contributions(
        IFormFile file,
        int year,
        bool? partial,
        string? confirmDuplicate,
        Command command,
        PersonalData people,
        Caller caller
    )
    {
        var confirmed = Require.OptionalProse(confirmDuplicate, "confirmDuplicate", 200);
        if (year < 2009 || year > command.Today.Year)
            throw Require.Invalid("year", "年度不能早于2009，也不能晚于今年");
        var table = Table.Read(file, Sheets.Contributions);
        var policy = await command.PolicyYearAsync(caller.Actor.Region, year);
        var faults = new List<Fault>();
        var rows = new List<(RowReader Reader, string Name, CitizenId Id, Contribution Contribution)>();
        var references = new Dictionary<string, (int Row, CitizenId Id)>();
        foreach (var row in table.Rows)
        {
            var reader = new RowReader(table, row, faults, Rejections.RosterInvalid);
            var (name, id) = (reader.Name(), reader.CitizenId());
            var contribution = new Contribution(
                Kind(reader),
                reader.Amount(Sheets.Tier),
                reader.Amount(Sheets.Paid),
                reader.Date(Sheets.PaidOn, command.Today),
                reader.Reference(Sheets.Reference, 40).ToUpperInvariant(),
                reader.OptionalWhole(Sheets.Years, 60)
            );
            if (reader.IsSound && MemberYearDecider.PaidTooEarly(year, contribution.PaidOn) is { } early)
                reader.Wrong(Sheets.PaidOn, early, Rejections.DateBeforeBasis);
            if (contribution.TierFen.IsPositive && policy.Parameters.Tiers.All(t => t.TierFen != contribution.TierFen))
                reader.Wrong(Sheets.Tier, $"{contribution.TierFen} 元不是 {year} 年的缴费档次");
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
                rows.Add((reader, name, id, contribution));
        }

        var ids = await people.FindAsync(command.Connection, rows.Select(r => r.Id));
        var persons = await people.ReadAsync(command.Connection, ids.Values);
        var members = await command.ReadManyAsync<Member>(ids.Values);
        foreach (var (reader, name, id, _) in rows)
        {
            var member = ids.TryGetValue(id, out var memberId) ? members.GetValueOrDefault(memberId) : null;
            if (member is null || !member.Memberships.Values.Any(caller.MaySee))
                reader.Wrong(
                    Roster.CitizenIdColumn,
                    "不是辖区内任何集体的成员，或成员身份待确认",
                    Rejections.NotAMember
                );
            else if (persons.TryGetValue(memberId!, out var person) && !PersonName.IsSame(person.Name, name))
                reader.Wrong(Roster.NameColumn, "姓名与成员登记不一致");
        }
        await OfOthersAsync();
        rows.RemoveAll(r => !r.Reader.IsSound);
        Uploads.RefuseFaults(faults, partial, table, Rejections.RosterInvalid);

        var years = new Dictionary<string, MemberYear>(
            await command.FindManyAsync<MemberYear>(rows.Select(r => StreamId.MemberYear(ids[r.Id], year)))
        );
        var imported = 0;
        foreach (var (_, _, id, contribution) in rows)
        {
            var streamId = StreamId.MemberYear(ids[id], year);
            var known = years.GetValueOrDefault(streamId);
            years[streamId] = command.Append(
                streamId,
                known,
                MemberYearDecider.RecordContribution(known, contribution)
            );
            if (years[streamId].Revision > (known?.Revision ?? 0))
                imported++;
        }
        return new Answer(
            new ImportView(
                table.Rows.Count,
                imported,
                rows.Count - imported,
                table.Rows.Count - rows.Count,
                faults,
                table.Notes
            )
        );

        // The same tax receipt on record for somebody else. What was taken out again as a mistake does not count: it serves the right person now.
        async Task OfOthersAsync()
        {
            var sound = rows.Where(r => r.Reader.IsSound).ToList();
            var known = (
                await ReferencesAsync(sound.Select(r => r.Contribution.Reference), caller.Actor.Region, command)
            ).ToLookup(k => k.Reference.ToUpperInvariant(), k => k.MemberYearId);
            var asked = sound
                .Where(r => known[r.Contribution.Reference].Any(k => StreamId.MemberOf(k) != ids[r.Id]))
                .ToList();
            var states = await command.ReadManyAsync<MemberYear>(
                asked.SelectMany(r => known[r.Contribution.Reference])
            );
            Contribution? Stands(string memberYearId, string reference) =>
                states
                    .GetValueOrDefault(memberYearId)
                    ?.Contributions.FirstOrDefault(c => DocumentNumber.IsSame(c.Reference, reference));
            foreach (var (reader, _, id, contribution) in asked)
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
                        $"凭证号已用于另一人 {other.PaidOn:yyyy-MM-dd} 的缴费 {other.AmountFen} 元",
                        Rejections.PossibleDuplicate
                    );
            }
        }
    }

    /// <summary>
    /// Where these tax references stand on record in the city, in whatever year. Its imports take turns from here to their commit, so that two
    /// at once find each other.
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
             where type = 'contribution_recorded' and hashtextextended(data ->> 'reference', 0) = any(array(select hashtextextended(r, 0) from unnest(@references) r))
               and data ->> 'reference' = any(@references) and headers ->> '{EventHeaders.Region}' like @city || '%'
            """,
            r => (r.GetString(0), r.GetString(1)),
            // Stored in capitals; before they were, as the file had it.
            ("references", references.SelectMany(r => new[] { r, r.ToLowerInvariant() }).Distinct().ToArray()),
            ("city", city)
        );
    }

    /// <summary>
    /// A sound row and where it belongs. <paramref name="Known"/>: the person of this citizen id, whoever registered it.
    /// <paramref name="RecordId"/>, <paramref name="Apart"/>: what this collective handed in before, beside another one's record.
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
        string? NewRecord
    )
    {
        /// <summary>What the list says otherwise than the register: an import does not change who is registered.</summary>
        public void TellChanges(Table table, Person there, string collectiveId)
        {
            var group = (Asks ? Apart : Known)?.Groups.GetValueOrDefault(collectiveId);
            var changed = new (string Column, string? Given, string? Stored)[]
            {
                (Sheets.Phone, Person.Phone, there.Phone),
                (Sheets.BankCard, Person.BankCard, there.BankCard),
                (Sheets.Group, Group, group),
            }
                .Where(c => c.Given is not null && c.Given != c.Stored)
                .Select(c => c.Column)
                .ToList();
            if (changed.Count > 0)
                table.Tell($"已登记；{string.Join("、", changed)}与登记的不同，没有改动", Row, changed[0]);
        }

        /// <summary>False when nothing is new.</summary>
        public bool Register(Command command, Collective collective)
        {
            if ((Asks ? Apart : Known)?.Memberships.ContainsKey(collective.Id) == true)
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

    private static ContributionKind Kind(RowReader reader) =>
        reader.OneOf(Sheets.Kind, Sheets.Regular, Sheets.CatchUp) == Sheets.CatchUp
            ? ContributionKind.CatchUp
            : ContributionKind.Regular;
}

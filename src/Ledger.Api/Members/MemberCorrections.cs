using Ledger.Api.Commands;
using Ledger.Api.Imports;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Domain;
using Ledger.Domain.Applications;
using Ledger.Domain.Identity;
using Ledger.Domain.Members;

namespace Ledger.Api.Members;

/// <summary>
/// What of a member's registration is wrong; what is absent stays as it is. <paramref name="CollectiveId"/>: whose
/// phone, card and group are meant, where the caller looks after several. A name needs <paramref name="Evidence"/>, or
/// another person who confirms it.
/// </summary>
public sealed record CorrectionBody(
    string Reason,
    string? CollectiveId = null,
    string? Name = null,
    string? Phone = null,
    string? BankCard = null,
    string? Group = null,
    IReadOnlyList<string>? Evidence = null
);

/// <summary>
/// One thing that is corrected: masked as it was, and as it was given. <paramref name="Waits"/>: for another person.
/// </summary>
public sealed record CorrectedDatum(MemberDatum What, string? From, string? To, bool Waits);

/// <summary>
/// A correction, done or only looked at. <paramref name="Notes"/>: what was mended of what was typed.
/// </summary>
public sealed record CorrectionView(
    string Id,
    int Version,
    IReadOnlyList<CorrectedDatum> Changes,
    string? ChangeId,
    IReadOnlyList<Note> Notes
);

/// <summary>Another name is typed once more by whoever confirms it, from the document, not from the screen.</summary>
public sealed record ChangeConfirmationBody(string? Name = null);

public sealed record DepartureRevocationBody(
    string CollectiveId,
    string Reason,
    IReadOnlyList<string>? Evidence = null
);

/// <summary>
/// Name, phone, card and group of a member are corrected; a mistaken death or departure is taken back by two people.
/// </summary>
public static class MemberCorrections
{
    /// <summary>A correction that was asked for, and what it is about.</summary>
    private sealed record Asked(
        Member Member,
        Correction Correction,
        Oversight Over,
        Person Given,
        IReadOnlyDictionary<string, Person> Persons,
        IReadOnlyList<CorrectedDatum> Changes,
        IReadOnlyList<Note> Notes
    )
    {
        public string? Record => Member.RecordOf(Correction.CollectiveId);
    }

    public static async Task<Answer> Check(
        string id,
        CorrectionBody body,
        Command command,
        Caller caller,
        PersonalData people
    ) => Shown(await AskedAsync(id, body, command, caller, people), null);

    public static async Task<Answer> Correct(
        string id,
        CorrectionBody body,
        Command command,
        Caller caller,
        PersonalData people,
        TimeProvider time
    )
    {
        var asked = await AskedAsync(id, body, command, caller, people);
        var written = Rewritten(
            asked.Member,
            asked.Correction.CollectiveId,
            asked.Correction.Now,
            asked.Given,
            asked.Persons,
            time
        );
        var changeId = StreamId.NewChange();
        var member = command.Append(
            id,
            asked.Member,
            MemberChangeDecider.Correct(
                asked.Member,
                asked.Correction,
                asked.Over,
                Digests(written),
                changeId,
                command.Actor
            )
        );
        if (asked.Correction.NameWaits)
            written[id] = written.GetValueOrDefault(id, asked.Persons[id]) with { AskedName = asked.Given.Name };
        await people.RewriteAsync(command.Connection, written);
        return Shown(asked with { Member = member }, asked.Correction.NameWaits ? changeId : null);
    }

    private static Answer Shown(Asked asked, string? changeId)
    {
        var view = new CorrectionView(asked.Member.Id, asked.Member.Revision, asked.Changes, changeId, asked.Notes);
        // Nothing of the person stays with the key.
        return new Answer(
            view,
            view.Version,
            Kept: view with
            {
                Changes = [.. view.Changes.Select(c => c with { From = null, To = null })],
            }
        );
    }

    private static async Task<Asked> AskedAsync(
        string id,
        CorrectionBody body,
        Command command,
        Caller caller,
        PersonalData people
    )
    {
        var reason = Require.Prose(body.Reason, "reason", 500);
        var evidence = await command.EvidenceAsync(body.Evidence, "evidence");
        var typed = Table.Typed(Sheets.Members, body.Name, null, body.Phone, body.BankCard, body.Group);
        var (given, group) = Read(typed);
        var member = await MemberChanges.LoadAsync(id, command, caller);
        var collective = Meant(member, body.CollectiveId, caller);
        var over = OversightOf(caller);
        var persons = await people.ReadAsync(command.Connection, RecordsOf(member), member.Digests);
        var record = member.RecordOf(collective) is { } r ? persons.GetValueOrDefault(r) : null;
        CorrectedDatum[] all =
        [
            new(MemberDatum.Name, persons.GetValueOrDefault(id)?.Name, given.Name, evidence.Count == 0),
            new(MemberDatum.Phone, record?.Phone, given.Phone, false),
            new(MemberDatum.BankCard, record?.BankCard, given.BankCard, false),
            new(MemberDatum.Group, member.Groups.GetValueOrDefault(collective), group, false),
        ];
        var changes = all.Where(c => !string.IsNullOrEmpty(c.To) && c.To != c.From)
            .Select(c =>
                c with
                {
                    From =
                        c.What == MemberDatum.Name ? persons.GetValueOrDefault(id)?.MaskedName
                        : c.What == MemberDatum.Group ? c.From
                        : Person.MaskNumber(c.From),
                }
            )
            .ToList();
        var correction = new Correction(collective, [.. changes.Select(c => c.What)], group, reason, evidence);
        return MemberChangeDecider.Refusal(member, correction, over) is { } wrong
            ? throw new RefusedException(wrong)
            : new Asked(member, correction, over, given, persons, changes, typed.OfForm());
    }

    /// <summary>What was typed, as an import would read it; the first fault refuses it.</summary>
    private static (Person Given, string? Group) Read(Table typed)
    {
        var faults = new List<Fault>();
        var reader = new RowReader(typed, typed.Rows[0], faults, Rejections.FieldInvalid);
        var given = MemberImports.PersonOf(reader, reader.IsBlank(Roster.NameColumn) ? "" : reader.Name());
        var group = reader.OptionalName(Sheets.Group, 20);
        return faults.Count == 0
            ? (given, group)
            : throw new RefusedException(
                new Rejection(Rejections.All[faults[0].Code], $"{faults[0].Column}：{faults[0].Message}")
                {
                    Field = Sheets.Members.FieldOf(faults[0].Column!),
                }
            );
    }

    /// <summary>
    /// Whose phone, card and group: the collective that is named, else the only one that the caller looks after.
    /// </summary>
    private static string Meant(Member member, string? named, Caller caller)
    {
        var own = member.Memberships.Where(m => caller.MaySee(m.Value)).Select(m => m.Key).ToList();
        if (own.Count == 0)
            own = [.. member.Former.Where(m => caller.MaySee(m.Value)).Select(m => m.Key)];
        if (named is null)
            return own.Count == 1
                ? own[0]
                : throw Require.Invalid("collectiveId", "此人属于几个集体，请写明更正哪个集体的登记");
        return member.Homes().Any(h => h.Key == named && caller.MaySee(h.Value))
            ? named
            : throw Require.NotFound(named);
    }

    public static Oversight OversightOf(Caller caller) => new(caller.Actor.Role == Roles.Agency, caller.MaySee);

    /// <summary>Every record of the person: the first, and what other collectives handed in.</summary>
    public static IEnumerable<string> RecordsOf(Member member) => member.Records.Values.Prepend(member.Id).Distinct();

    /// <summary>
    /// The records with what is corrected now: a name in all of them, for it is the person's; phone and card in the
    /// collective's own.
    /// </summary>
    public static Dictionary<string, Person> Rewritten(
        Member member,
        string collectiveId,
        IReadOnlyList<MemberDatum> changed,
        Person given,
        IReadOnlyDictionary<string, Person> persons,
        TimeProvider time
    )
    {
        var own = changed.Any(c => c is MemberDatum.Phone or MemberDatum.BankCard)
            ? member.RecordOf(collectiveId)
            : null;
        var name = changed.Contains(MemberDatum.Name) ? given.Name : null;
        return RecordsOf(member)
            .Where(r => persons.ContainsKey(r) && (name is not null || r == own))
            .ToDictionary(
                r => r,
                r =>
                    persons[r]
                        .Corrected(
                            name,
                            r == own ? given.Phone : null,
                            r == own ? given.BankCard : null,
                            time.GetUtcNow()
                        )
            );
    }

    public static IReadOnlyList<RecordDigest> Digests(IReadOnlyDictionary<string, Person> written) =>
        [.. written.OrderBy(w => w.Key, StringComparer.Ordinal).Select(w => new RecordDigest(w.Key, w.Value.Digest()))];

    public static async Task<Answer> AskToRevokeDeath(string id, ResolvedBody body, Command command, Caller caller)
    {
        var evidence = await command.EvidenceAsync(body.Evidence, "evidence");
        var reason = Require.Prose(body.Reason, "reason", 500);
        var member = await MemberChanges.LoadAsync(id, command, caller);
        var collective =
            caller.Actor.Role == Roles.Agency ? null : member.Homes().First(h => caller.MaySee(h.Value)).Key;
        return Answered(
            command.Append(
                id,
                member,
                MemberChangeDecider.AskToRevokeDeath(
                    member,
                    StreamId.NewChange(),
                    collective,
                    reason,
                    evidence,
                    command.Actor
                )
            ),
            caller
        );
    }

    public static async Task<Answer> AskToRevokeDeparture(
        string id,
        DepartureRevocationBody body,
        Command command,
        Caller caller
    )
    {
        var evidence = await command.EvidenceAsync(body.Evidence, "evidence");
        var reason = Require.Prose(body.Reason, "reason", 500);
        var member = await MemberChanges.LoadAsync(id, command, caller);
        var collective = Require.Text(body.CollectiveId, "collectiveId", 40);
        if (!member.Homes().Any(h => h.Key == collective && caller.MaySee(h.Value)))
            throw Require.NotFound(collective);
        return Answered(
            command.Append(
                id,
                member,
                MemberChangeDecider.AskToRevokeDeparture(
                    member,
                    StreamId.NewChange(),
                    collective,
                    reason,
                    evidence,
                    command.Actor
                )
            ),
            caller
        );
    }

    /// <summary>The second person: another name, a death or a departure that was none.</summary>
    public static async Task<Answer> Confirm(
        string id,
        string changeId,
        ChangeConfirmationBody body,
        Command command,
        Caller caller,
        PersonalData people,
        TimeProvider time
    )
    {
        var member = await MemberChanges.LoadAsync(id, command, caller);
        var waiting = member.Waiting.FirstOrDefault(w => w.Id == changeId);
        var by = await command.ActorAmongAsync([waiting?.RequestedBy, waiting?.OnBehalfOf]);
        var over = OversightOf(caller);
        if (MemberChangeDecider.MayNotConfirm(member, changeId, over, by) is { } wrong)
            throw new RefusedException(wrong);
        var written = new Dictionary<string, Person>();
        if (waiting!.Change == MemberChange.Name)
        {
            var persons = await people.ReadAsync(command.Connection, RecordsOf(member), member.Digests);
            var asked = persons[id].AskedName;
            var name = PersonName.Clean(body.Name ?? "", out var fault, out _);
            if (fault is not null)
                throw Require.Invalid("name", $"请按证件另行填写正确的姓名（{fault}）");
            if (asked is null || !PersonName.IsSame(asked, name))
                throw Require.Invalid("name", "与申请更正的姓名不一致；请按证件核对，申请有误的请退回");
            written = Rewritten(
                member,
                waiting.CollectiveId!,
                [MemberDatum.Name],
                persons[id] with
                {
                    Name = asked,
                },
                persons,
                time
            );
            written[id] = written[id] with { AskedName = null };
        }
        member = command.Append(id, member, MemberChangeDecider.Confirm(member, changeId, over, Digests(written), by));
        await people.RewriteAsync(command.Connection, written);
        return Answered(member, caller);
    }

    /// <summary>Not done: whoever asked takes it back, or another one declines it.</summary>
    public static async Task<Answer> Decline(
        string id,
        string changeId,
        ReasonBody body,
        Command command,
        Caller caller,
        PersonalData people
    )
    {
        var reason = Require.Prose(body.Reason, "reason", 500);
        var before = await MemberChanges.LoadAsync(id, command, caller);
        var member = command.Append(
            id,
            before,
            MemberChangeDecider.Decline(before, changeId, OversightOf(caller), reason, command.Actor)
        );
        if (
            before.Waiting.Any(w => w.Id == changeId && w.Change == MemberChange.Name)
            && (await people.ReadAsync(command.Connection, [id])).GetValueOrDefault(id) is { } person
        )
            await people.RewriteAsync(
                command.Connection,
                new Dictionary<string, Person> { [id] = person with { AskedName = null } }
            );
        return Answered(member, caller);
    }

    private static Answer Answered(Member member, Caller caller) =>
        new(MemberStateView.Of(member, caller), member.Revision);
}

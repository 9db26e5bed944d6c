using System.Security.Cryptography;
using Ledger.Api.Commands;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Domain;
using Ledger.Domain.Accounts;
using Ledger.Domain.Identity;
using Microsoft.AspNetCore.Identity;
using Npgsql;

namespace Ledger.Api.Accounts;

/// <summary>
/// <paramref name="Name"/>: of our own, or <c>alias:sub</c> of the configured authority, which then is told apart as a
/// person and has no password here.
/// <paramref name="PersonName"/> and <paramref name="CitizenId"/> say whose account it is; they are stored encrypted,
/// apart from the events.
/// <paramref name="ConfirmedNoKin"/>: for a member of a supervision committee, that he is no close kin of the village's
/// finance staff (L7). <paramref name="Unit"/> and <paramref name="Phone"/>: where he works and whom to call there; the
/// telephone is stored as the name is.
/// </summary>
public sealed record AccountBody(
    string Name,
    string Role,
    string Region,
    string PersonName,
    string CitizenId,
    bool? ConfirmedNoKin = null,
    string? Unit = null,
    string? Phone = null
);

/// <summary>
/// Where the person works and his telephone there; an empty telephone leaves the one that is known.
/// </summary>
public sealed record ContactBody(string Unit, string? Phone = null);

public sealed record AccountChangeBody(string Role, string Region, bool? ConfirmedNoKin = null);

public sealed record HolderBody(string PersonName, string CitizenId);

/// <summary>
/// Empty where another administrator, or the person in his own session, confirms; at the desk the person types the
/// password or the code that he still has.
/// </summary>
public sealed record ConfirmationBody(string? Password = null, string? Code = null);

/// <summary>
/// An administrator is shown all of a one-time password, or half of it where two give it out: the person types both,
/// the first half first.
/// </summary>
public enum PasswordPart
{
    None,
    Whole,
    FirstHalf,
    SecondHalf,
}

/// <summary>An account and its one-time password, shown once: for the same key asked again there is none.</summary>
public sealed record IssuedAccountView(
    AccountView Account,
    string? OneTimePassword,
    PasswordPart Part = PasswordPart.None
);

/// <summary>
/// Changes of somebody's rights (C20): asked for by one administrator, done when another, or the person, confirms.
/// While a region has no second administrator, the first does it alone, and the event says so.
/// </summary>
public static class AccountChanges
{
    public static async Task<Answer> Open(
        AccountBody body,
        Command command,
        Caller caller,
        AccountsContext accounts,
        IPasswordHasher<LedgerUser> hasher,
        CredentialSeal seal,
        PersonalData people,
        KeyFile keys,
        Settings settings
    )
    {
        var name = NameOf(body.Name, settings);
        RequireRole(body.Role, body.Region, caller);
        await TakeTurnAsync(command.Connection);
        var id = StreamId.Account(name);
        var known = await command.FindAsync<Account>(id);
        command.Region = body.Region;
        if (known is { IsRequested: false })
            throw new RefusedException(
                new Rejection(Rejections.AlreadyExists, $"账户 {name} 已存在") { Field = "name" }
            );
        var holder = await HolderAsync(id, body.PersonName, body.CitizenId, command, people, Phone(body.Phone));
        await RequireApartAsync(command, name, holder.Person, body.Role, body.Region);
        var (isAlone, by) = await StandingAsync(command, [body.Region], []);
        var request = StreamId.NewAccountRequest();
        var account = command.Append(
            id,
            known,
            AccountDecider.Open(
                known,
                name,
                body.Role,
                body.Region,
                holder,
                request,
                isAlone,
                command.Today,
                by,
                Kin(body.Role, body.ConfirmedNoKin)
            )
        );
        if (!string.IsNullOrWhiteSpace(body.Unit))
            account = command.Append(
                id,
                account,
                AccountDecider.RecordContact(account, UnitOf(body.Unit), holder.Digest, by)
            );
        if (account.IsRequested)
            return Asked(
                account,
                ActorName.IsForeign(name) ? null : Credentials.FirstHalf(keys, request),
                $"/api/accounts/{id}"
            );
        if (ActorName.IsForeign(name))
            return Issued(account, null, PasswordPart.None, $"/api/accounts/{id}");
        var (user, password) = Credentials.New(name, body.Role, body.Region, hasher);
        account = await Credentials.AddAsync(accounts, command, account, user, seal);
        return Issued(account, password, PasswordPart.Whole, $"/api/accounts/{id}");
    }

    public static async Task<Answer> RecordContact(
        string id,
        ContactBody body,
        Command command,
        Caller caller,
        PersonalData people,
        ShownNames names,
        TimeProvider time
    )
    {
        var (unit, phone) = (UnitOf(body.Unit), Phone(body.Phone));
        var account = await command.FindAsync<Account>(id);
        if (account is null || !MayDecide(account, id, caller))
            throw Require.NotFound(id);
        command.RequireMatch(account);
        command.Region = account.Region;
        var person = (await people.ReadAsync(command.Connection, [id])).GetValueOrDefault(id);
        var written =
            person is null || phone is null || phone == person.Phone
                ? null
                : person.Corrected(null, phone, null, time.GetUtcNow());
        account = command.Append(
            id,
            account,
            AccountDecider.RecordContact(
                account,
                unit,
                written?.Digest() ?? account.PersonDigest ?? "",
                await command.ActorAmongAsync([account.Name])
            )
        );
        if (written is not null)
            await people.RewriteAsync(command.Connection, [new(id, written)]);
        names.Forget(id);
        return new Answer(AccountView.Of(account), account.Revision);
    }

    private static string UnitOf(string? unit) => Require.Prose(unit, "unit", 100);

    /// <summary>A telephone of an office or a mobile one, as people write it.</summary>
    private static string? Phone(string? phone) =>
        string.IsNullOrWhiteSpace(phone) ? null
        : phone.Trim() is { Length: >= 3 and <= 30 } text
        && text.Count(char.IsAsciiDigit) >= 3
        && text.All(c => char.IsAsciiDigit(c) || c is '-' or '+' or ' ' or '(' or ')')
            ? text
        : throw Require.Invalid("phone", "电话只写数字，可有区号、分机和短横");

    public static async Task<Answer> Change(
        string id,
        AccountChangeBody body,
        Command command,
        Caller caller,
        AccountsContext accounts
    )
    {
        await TakeTurnAsync(command.Connection);
        var account = await command.LoadAsync<Account>(id);
        RequireRole(body.Role, body.Region, caller);
        await RequireApartAsync(command, account.Name, account.Person, body.Role, body.Region);
        var (isAlone, by) = await StandingAsync(command, [account.Region, body.Region], [account.Name]);
        account = command.Append(
            id,
            account,
            AccountDecider.Change(
                account,
                body.Role,
                body.Region,
                StreamId.NewAccountRequest(),
                isAlone,
                command.Today,
                by,
                Kin(body.Role, body.ConfirmedNoKin)
            )
        );
        if (account.Pending is null)
            await Credentials.ChangeAsync(
                accounts,
                command,
                account.Name,
                user => (user.Role, user.Region) = (body.Role, body.Region)
            );
        return new Answer(AccountView.Of(account), account.Revision);
    }

    public static async Task<Answer> IssueCredentials(
        string id,
        ReasonBody body,
        Command command,
        AccountsContext accounts,
        IPasswordHasher<LedgerUser> hasher,
        CredentialSeal seal,
        KeyFile keys
    )
    {
        await TakeTurnAsync(command.Connection);
        var account = await command.LoadAsync<Account>(id);
        var (isAlone, by) = await StandingAsync(command, [account.Region], [account.Name]);
        var request = StreamId.NewAccountRequest();
        account = command.Append(
            id,
            account,
            AccountDecider.IssueCredentials(
                account,
                Require.Prose(body.Reason, "reason", 200),
                request,
                isAlone,
                command.Today,
                by
            )
        );
        if (account.Pending is not null)
            return Asked(account, Credentials.FirstHalf(keys, request));
        (account, var password) = await ReissueAsync(account, "", accounts, command, hasher, seal);
        return Issued(account, password, PasswordPart.Whole);
    }

    public static async Task<Answer> Confirm(
        string id,
        ConfirmationBody body,
        Command command,
        Caller caller,
        AccountsContext accounts,
        IPasswordHasher<LedgerUser> hasher,
        CredentialSeal seal,
        Rights rights,
        KeyFile keys,
        IServiceScopeFactory scopes,
        HttpContext http
    )
    {
        await TakeTurnAsync(command.Connection);
        // Before the account is locked: what proves the person may change it, a recovery code is good once.
        var isProved =
            await rights.ReadAsync(id) is { } seen
            && MayDecide(seen, id, caller)
            && seen.Waiting(command.Today) is not null
            && await IsProvedAsync(seen.Name, body, scopes, http);
        var (account, pending) = await WaitingAsync(id, command, caller);
        if (pending is not null && pending.Kind != ChangeKind.Credentials)
            await RequireApartAsync(command, account.Name, account.Person, pending.Role, pending.Region);
        var by = await command.ActorAmongAsync([account.Name, pending?.RequestedBy]);
        var decision = AccountDecider.Confirm(account, isProved, command.Today, by);
        account = command.Append(id, account, decision);
        // Two who confirm each other have a half each; the person himself, at the desk or in his session, gets all of
        // it at once.
        string Half(ChangeBasis? basis) =>
            basis == ChangeBasis.TwoAdministrators ? Credentials.FirstHalf(keys, pending!.RequestId) : "";
        PasswordPart Part(ChangeBasis? basis) =>
            basis == ChangeBasis.TwoAdministrators ? PasswordPart.SecondHalf : PasswordPart.Whole;
        switch (decision.Events[0])
        {
            case AccountOpened when ActorName.IsForeign(account.Name):
                return Issued(account, null, PasswordPart.None);
            case AccountOpened opened:
                var (user, password) = Credentials.New(
                    account.Name,
                    account.Role,
                    account.Region,
                    hasher,
                    Half(opened.Basis)
                );
                account = await Credentials.AddAsync(accounts, command, account, user, seal);
                return Issued(account, password, Part(opened.Basis));
            case CredentialsIssued issued:
                (account, password) = await ReissueAsync(account, Half(issued.Basis), accounts, command, hasher, seal);
                return Issued(account, password, Part(issued.Basis));
            default:
                await Credentials.ChangeAsync(
                    accounts,
                    command,
                    account.Name,
                    u => (u.Role, u.Region) = (account.Role, account.Region)
                );
                return Issued(account, null, PasswordPart.None);
        }
    }

    public static async Task<Answer> Decline(string id, ReasonBody body, Command command, Caller caller)
    {
        var (account, _) = await WaitingAsync(id, command, caller);
        account = command.Append(
            id,
            account,
            AccountDecider.Decline(account, Require.Prose(body.Reason, "reason", 200), command.Today)
        );
        return new Answer(AccountView.Of(account), account.Revision);
    }

    public static async Task<Answer> Close(string id, ReasonBody body, Command command, AccountsContext accounts)
    {
        await TakeTurnAsync(command.Connection);
        var account = await command.LoadAsync<Account>(id);
        var staying = account.Role == Roles.Administrator ? await StayingAsync(account, command) : 0;
        var by = await command.ActorAmongAsync([account.Name]);
        account = command.Append(
            id,
            account,
            AccountDecider.Close(account, Require.Prose(body.Reason, "reason", 200), staying, by)
        );
        await Credentials.ChangeAsync(accounts, command, account.Name, user => user.IsClosed = true);
        return new Answer(AccountView.Of(account), account.Revision);
    }

    /// <summary>How many people have another administrator's account that looks after its region.</summary>
    private static async Task<int> StayingAsync(Account account, Command command)
    {
        var names = (await AdministratorsAsync(command)).Where(a => RegionCode.Contains(a.Region, account.Region));
        var accounts = await command.SoundAsync<Account>([.. names.Select(a => StreamId.Account(a.Name)).Distinct()]);
        return accounts
            .Values.Where(a => a is { IsClosed: false, IsRequested: false, Role: Roles.Administrator })
            .Where(a => RegionCode.Contains(a.Region, account.Region) && a.Name != account.Name)
            .Select(a => a.Person ?? a.Name)
            .Distinct()
            .Count();
    }

    public static async Task<Answer> NameHolder(
        string id,
        HolderBody body,
        Command command,
        PersonalData people,
        ShownNames names
    )
    {
        await TakeTurnAsync(command.Connection);
        var account = await command.LoadAsync<Account>(id);
        if (account.Person is not null)
            throw new RefusedException(
                new Rejection(Rejections.WrongState, "账户已写明本人，不能改；写错时停用并另开账户")
            );
        var (isAlone, by) = await StandingAsync(command, [account.Region], [account.Name]);
        var holder = await HolderAsync(id, body.PersonName, body.CitizenId, command, people);
        await RequireApartAsync(command, account.Name, holder.Person, account.Role, account.Region);
        account = command.Append(id, account, AccountDecider.NameHolder(account, holder, isAlone, by));
        names.Forget(id);
        return new Answer(AccountView.Of(account), account.Revision);
    }

    /// <summary>
    /// L7: nobody keeps the books of a village and sits on its supervision committee, under whatever account. Who has
    /// or had which role there, the events say.
    /// </summary>
    /// <exception cref="RefusedException"><c>duties-incompatible</c>.</exception>
    public static async Task RequireApartAsync(
        Command command,
        string name,
        string? person,
        string role,
        string region,
        bool keepsOwn = false
    )
    {
        if (CommitteeDuties.Opposite(role) is not { } opposite)
            return;
        var ids = new HashSet<string>();
        await foreach (
            var e in command.OursAsync(
                $"""
                type in ('account_opened', 'account_changed', 'account_change_requested')
                and data ->> 'role' = '{opposite}'
                and data ->> 'roleRegion' = '{region}'
                and stream_id ^@ '{StreamId.Account("")}'
                """
            )
        )
            ids.Add(e.StreamKey!);
        var others = (await command.ReadManyAsync<Account>(ids)).Values;
        if (CommitteeDuties.Refusal(name, person, role, region, others, command.Today, keepsOwn) is { } refusal)
            throw new RefusedException(refusal);
    }

    private static bool? Kin(string role, bool? confirmed) => role == Roles.SupervisionCommittee ? confirmed : null;

    /// <summary>
    /// Who may have a say in what waits: the administrators of both the present region and the one asked for, and the
    /// person himself.
    /// </summary>
    private static async Task<(Account Account, PendingChange? Pending)> WaitingAsync(
        string id,
        Command command,
        Caller caller
    )
    {
        var account = await command.FindAsync<Account>(id);
        if (account is null || !MayDecide(account, id, caller))
            throw Require.NotFound(id);
        command.RequireMatch(account);
        command.Region = account.Region;
        return (account, account.Waiting(command.Today));
    }

    private static bool MayDecide(Account account, string id, Caller caller) =>
        id == StreamId.Account(caller.Actor.Id) && caller.Actor.OnBehalfOf is null
        || caller.Actor.Role == Roles.Administrator
            && caller.MaySee(account.Region)
            && (account.Pending is not { } asked || caller.MaySee(asked.Region));

    /// <summary>
    /// Changes of rights take turns, before they lock anything else: who is alone when he decides is so in the log,
    /// too.
    /// </summary>
    public static Task TakeTurnAsync(NpgsqlConnection connection) =>
        connection.ExecuteAsync("select pg_advisory_xact_lock(@lock)", ("lock", RightsLock));

    private const long RightsLock = 0x1ED6E4_0A11;

    /// <summary>
    /// The caller, and whether nobody but he was ever an administrator of all or one of these regions: for good, since
    /// whoever is the second must not become none by being closed. It rests on events, which nobody can change.
    /// </summary>
    private static async Task<(bool IsAlone, Actor By)> StandingAsync(
        Command command,
        string[] regions,
        string[] others
    )
    {
        string[] names =
        [
            .. (await AdministratorsAsync(command))
                .Where(a => regions.Any(r => RegionCode.Contains(a.Region, r)))
                .Select(a => a.Name)
                .Distinct(),
        ];
        var by = await command.ActorAmongAsync([.. names, .. others]);
        return (names.All(by.Is), by);
    }

    /// <summary>Who ever became an administrator, and where.</summary>
    private static async Task<HashSet<(string Region, string Name)>> AdministratorsAsync(Command command)
    {
        var administrators = new HashSet<(string Region, string Name)>();
        await foreach (
            var e in command.OursAsync(
                $"""
                type in ('account_opened', 'account_changed')
                and data ->> 'role' = '{Roles.Administrator}'
                and stream_id ^@ '{StreamId.Account("")}'
                """
            )
        )
            administrators.Add(
                (
                    e.Data is AccountOpened o ? o.RoleRegion : ((AccountChanged)e.Data).RoleRegion,
                    e.StreamKey![StreamId.Account("").Length..]
                )
            );
        return administrators;
    }

    private static async Task<Holder> HolderAsync(
        string accountId,
        string? personName,
        string? citizenId,
        Command command,
        PersonalData people,
        string? phone = null
    )
    {
        var name = Require.Text(personName, "personName", 50);
        var citizen = CitizenId.Parse(citizenId ?? "", out var fault);
        if (fault is not null)
            throw Require.Invalid("citizenId", fault);
        // Who he is, his other accounts tell: none of them may have been parted from its person.
        if (await HolderLook.FaultsAsync(command.Connection, people, command.OursAsync) is [var parted, ..])
            throw new RefusedException(new Rejection(Rejections.PersonDamaged, parted));
        var person = new Person(name, citizen.Value, phone, null, RandomNumberGenerator.GetBytes(16));
        return new Holder(
            await people.KeepHolderAsync(command.Connection, accountId, citizen, person),
            person.Digest()
        );
    }

    /// <summary>
    /// At most once a request, whatever race it loses: a code is good once. A wrong one counts against the account,
    /// refused or not.
    /// </summary>
    private static async Task<bool> IsProvedAsync(
        string name,
        ConfirmationBody body,
        IServiceScopeFactory scopes,
        HttpContext http
    )
    {
        if (string.IsNullOrWhiteSpace(body.Password) && string.IsNullOrWhiteSpace(body.Code))
            return false;
        if (http.Items.ContainsKey(nameof(IsProvedAsync)))
            return true;
        // Apart from the command's transaction: what was tried stays counted
        await using var scope = scopes.CreateAsyncScope();
        await scope.ServiceProvider.GetRequiredService<SignIn>().ProveAsync(name, body.Password, body.Code);
        http.Items[nameof(IsProvedAsync)] = true;
        return true;
    }

    private static async Task<(Account Account, string Password)> ReissueAsync(
        Account account,
        string firstHalf,
        AccountsContext accounts,
        Command command,
        IPasswordHasher<LedgerUser> hasher,
        CredentialSeal seal
    )
    {
        var (password, digest) = ("", "");
        await Credentials.ChangeAsync(
            accounts,
            command,
            account.Name,
            user =>
            {
                password = Credentials.SetOneTimePassword(user, hasher, firstHalf);
                (user.TwoFactorEnabled, user.LockoutEnd, user.AccessFailedCount) = (false, null, 0);
                digest = seal.Digest(user, [], account.Revision + 1); // no second factor any more
            }
        );
        return (command.Append(account.Id, account, AccountDecider.SetCredentials(digest)), password);
    }

    private static Answer Asked(Account account, string? firstHalf, string? location = null) =>
        Secret(
            account,
            firstHalf,
            firstHalf is null ? PasswordPart.None : PasswordPart.FirstHalf,
            StatusCodes.Status202Accepted,
            location
        );

    private static Answer Issued(Account account, string? password, PasswordPart part, string? location = null) =>
        Secret(
            account,
            password,
            part,
            location is null ? StatusCodes.Status200OK : StatusCodes.Status201Created,
            location
        );

    private static Answer Secret(Account account, string? password, PasswordPart part, int status, string? location) =>
        new(
            new IssuedAccountView(AccountView.Of(account), password, part),
            account.Revision,
            status,
            location,
            Kept: new IssuedAccountView(AccountView.Of(account), null, part)
        );

    private static string NameOf(string? given, Settings settings)
    {
        var name = Require.Reference(given, "name", ActorName.MaxForeignLength);
        string? fault;
        if (
            settings.Oidc is { } oidc
            && name.StartsWith($"{oidc.Alias}{ActorName.Separator}", StringComparison.Ordinal)
        )
            return ActorName.Foreign(oidc.Alias, ActorName.Bare(name), out fault)
                ?? throw Require.Invalid("name", fault!);
        name = name.ToLowerInvariant();
        fault = ActorName.AccountFault(name);
        return fault is null ? name : throw Require.Invalid("name", fault);
    }

    /// <summary>A role, a region that fits it and lies in the administrator's own.</summary>
    private static void RequireRole(string role, string region, Caller caller)
    {
        if (Tokens.Fault(role, region) is { } fault)
            throw Require.Invalid("role", fault);
        if (!caller.MaySee(region))
            throw Require.NotFound($"区划 {region}");
    }
}

using System.Text.RegularExpressions;
using Ledger.Domain.Accounts;
using Ledger.Domain.Applications;
using Ledger.Domain.Applications.Steps;
using Ledger.Domain.Funds;
using Ledger.Domain.Funds.Steps;
using Ledger.Domain.Identity;
using Ledger.Domain.Members;
using Ledger.Domain.Pilots;

namespace Ledger.Domain.Tests;

/// <summary>
/// C20: rights are given by two; C15: duties are kept apart by person, whatever his accounts and whom he acts for.
/// </summary>
public sealed class AccountTests
{
    private static readonly DateOnly Today = new(2026, 3, 2);
    private static readonly string Digest = new('d', 64);

    private static Actor Administrator(string id, string? person = null) =>
        Who(id, person) with
        {
            Role = Roles.Administrator,
        };

    /// <summary>
    /// An actor who knows of himself, and of others as <c>account=person</c>, which natural persons they are.
    /// </summary>
    private static Actor Who(string id, string? person = null, params string[] others) =>
        Given.Actor(id) with
        {
            Persons = others
                .Append(person is null ? null : $"{id}={person}")
                .OfType<string>()
                .Select(o => o.Split('='))
                .ToDictionary(o => o[0], o => o[1]),
        };

    private static Account Clerk(params IEventOf<Account>[] events) =>
        Given.State(
            "account-clerk",
            [new AccountOpened("clerk", "agency", "370811", "person-clerk", Digest), .. events]
        );

    [Fact]
    public void C20_of_what_lets_a_person_in_the_last_is_known()
    {
        Assert.Null(Clerk().Credentials); // nothing from before is held against him
        IEventOf<Account>[] Set(string digest) => [.. AccountDecider.SetCredentials(digest).Events];
        Assert.Equal("second", Clerk([.. Set("first"), .. Set("second")]).Credentials);
        Assert.Equal("first", Clerk([.. Set("first"), new AccountClosed("调离")]).Credentials);
    }

    [Fact]
    public void C20_unit_and_telephone_are_said_by_the_person_or_an_administrator_and_stay_with_the_account()
    {
        var other = new string('e', 64);
        var told = Clerk([.. AccountDecider.RecordContact(Clerk(), "经办中心", other, Who("clerk")).Then()]);
        Assert.Equal(("经办中心", other), (told.Unit, told.PersonDigest));
        Assert.Empty(AccountDecider.RecordContact(told, "经办中心", other, Who("clerk")).Then());
        AccountDecider.RecordContact(told, "x", other, Administrator("admin")).Then();
        AccountDecider.RecordContact(told, "x", other, Who("colleague")).ThenRefused(Rejections.NotFound);
        AccountDecider
            .RecordContact(told, "x", other, Who("clerk") with { OnBehalfOf = "colleague" })
            .ThenRefused(Rejections.NotFound);
        AccountDecider
            .RecordContact(told.And("account-clerk", new AccountClosed("x"))!, "x", other, Administrator("admin"))
            .ThenRefused(Rejections.WrongState);
        var nobody = Given.State("account-old", new AccountOpened("old", "agency", "370811"));
        AccountDecider.RecordContact(nobody, "x", other, Administrator("admin")).ThenRefused(Rejections.WrongState);
        // Said while the account waits to be opened, it is there when it is.
        var opened = Given.State<Account>(
            "account-new",
            Asked(ChangeKind.Opening),
            new AccountContactRecorded("财政所", other),
            new AccountOpened("clerk", "agency", "370811", "person-clerk", other)
        );
        Assert.Equal("财政所", opened.Unit);
    }

    private static AccountChangeRequested Asked(ChangeKind kind = ChangeKind.Credentials) =>
        new(
            "request-1",
            kind,
            "clerk",
            "agency",
            "370811",
            "手机遗失",
            "first",
            Today.AddDays(7),
            "person-clerk",
            Digest
        );

    [Fact]
    public void C20_the_first_accounts_of_a_county_are_opened_by_one_administrator_and_say_so()
    {
        var opened = Assert.IsType<AccountOpened>(
            Assert.Single(
                AccountDecider
                    .Open(
                        null,
                        "clerk",
                        "agency",
                        "370811",
                        new Holder("person-clerk", Digest),
                        "request-1",
                        isAlone: true,
                        Today,
                        Administrator("first")
                    )
                    .Then()
            )
        );
        Assert.Equal((ChangeBasis.OneAdministrator, "person-clerk"), (opened.Basis, opened.Person));
        Assert.Equal(
            ChangeBasis.OneAdministrator,
            Assert
                .IsType<CredentialsIssued>(
                    Assert.Single(
                        AccountDecider
                            .IssueCredentials(Clerk(), "x", "r", isAlone: true, Today, Administrator("first"))
                            .Then()
                    )
                )
                .Basis
        );
        Assert.Equal(
            ChangeBasis.OneAdministrator,
            Assert
                .IsType<AccountChanged>(
                    Assert.Single(
                        AccountDecider
                            .Change(Clerk(), "auditor", "370811", "r", isAlone: true, Today, Administrator("first"))
                            .Then()
                    )
                )
                .Basis
        );
    }

    [Fact]
    public void C20_where_there_are_two_administrators_nothing_happens_before_the_other_confirms()
    {
        var (first, second) = (
            Administrator("first", "person-1"),
            Administrator("second", "person-2") with
            {
                Persons = Who("second", "person-2", "first=person-1").Persons,
            }
        );
        Assert.IsType<AccountChangeRequested>(
            Assert.Single(
                AccountDecider.IssueCredentials(Clerk(), "手机遗失", "request-1", isAlone: false, Today, first).Then()
            )
        );
        Assert.IsType<AccountChangeRequested>(
            Assert.Single(
                AccountDecider.Change(Clerk(), "auditor", "370811", "request-1", isAlone: false, Today, first).Then()
            )
        );
        var requested = Given.And<Account>(
            null,
            "account-clerk",
            AccountDecider
                .Open(
                    null,
                    "clerk",
                    "agency",
                    "370811",
                    new Holder("person-clerk", Digest),
                    "request-1",
                    isAlone: false,
                    Today,
                    first
                )
                .Then()
        )!;
        Assert.True(requested.IsRequested);
        Assert.False(requested.IsDelegate("anybody", Today));

        var waiting = Clerk(Asked());
        AccountDecider.Confirm(waiting, false, Today, first).ThenRefused(Rejections.SelfApproval);
        AccountDecider
            .Confirm(
                waiting,
                false,
                Today,
                Administrator("first.too", "person-1") with
                {
                    Persons = Who("first.too", "person-1", "first=person-1").Persons,
                }
            )
            .ThenRefused(Rejections.SelfApproval);
        AccountDecider
            .Confirm(
                waiting,
                false,
                Today,
                Administrator("clerk.too", "person-clerk") with
                {
                    Persons = Who("clerk.too", "person-clerk", "first=person-1", "clerk=person-clerk").Persons,
                }
            )
            .ThenRefused(Rejections.SelfApproval);
        // Nobody knows that these are two people.
        AccountDecider.Confirm(waiting, false, Today, Administrator("second")).ThenRefused(Rejections.WrongState);
        AccountDecider.Confirm(waiting, false, Today, second with { Role = "agency" }).ThenRefused(Rejections.NotFound);
        AccountDecider.Confirm(waiting, false, Today.AddDays(8), second).ThenRefused(Rejections.WrongState);
        var done = Assert.IsType<CredentialsIssued>(
            Assert.Single(AccountDecider.Confirm(waiting, false, Today, second).Then())
        );
        Assert.Equal((ChangeBasis.TwoAdministrators, "first"), (done.Basis, done.RequestedBy));
        AccountDecider
            .Confirm(waiting.And("account-clerk", done)!, false, Today, second)
            .ThenRefused(Rejections.WrongState); // once
        // Nobody is there yet who could prove himself.
        var opened = requested.And("account-clerk", AccountDecider.Confirm(requested, true, Today, second).Then())!;
        Assert.Equal((false, "person-clerk", "agency"), (opened.IsRequested, opened.Person, opened.Role));

        // One at a time.
        AccountDecider.IssueCredentials(waiting, "x", "r", false, Today, second).ThenRefused(Rejections.WrongState);
        AccountDecider.IssueCredentials(waiting, "x", "r", false, Today.AddDays(8), second).Then();
        var declined = waiting.And("account-clerk", AccountDecider.Decline(waiting, "没有此事", Today).Then())!;
        AccountDecider.Confirm(declined, false, Today, second).ThenRefused(Rejections.WrongState);
        AccountDecider.Close(requested, "x", 2, second).ThenRefused(Rejections.WrongState);
    }

    [Fact]
    public void C20_two_administrators_stay_whoever_is_closed()
    {
        var other = Given.State<Account>("account-other", new AccountOpened("other", "administrator", "370811"));
        Assert.Contains(
            "./ledger administrator",
            AccountDecider.Close(other, "x", 1, Administrator("first")).ThenRefused(Rejections.WrongState).Mend,
            StringComparison.Ordinal
        );
        AccountDecider.Close(other, "x", 2, Administrator("first")).Then();
        AccountDecider.Close(Clerk(), "x", 0, Administrator("first")).Then();
    }

    [Fact]
    public void C20_the_person_himself_stands_for_the_second_administrator()
    {
        var waiting = Clerk(Asked());
        Assert.Equal(
            ChangeBasis.PersonHimself,
            Assert
                .IsType<CredentialsIssued>(
                    Assert.Single(
                        AccountDecider.Confirm(waiting, true, Today, Administrator("first", "person-1")).Then()
                    )
                )
                .Basis
        );
        Assert.Equal(
            ChangeBasis.PersonHimself,
            Assert
                .IsType<CredentialsIssued>(
                    Assert.Single(AccountDecider.Confirm(waiting, false, Today, Who("clerk", "person-clerk")).Then())
                )
                .Basis
        );
        // Who acts for him under a delegation is not he.
        AccountDecider
            .Confirm(waiting, false, Today, Who("stand", "person-s") with { OnBehalfOf = "clerk" })
            .ThenRefused(Rejections.NotFound);
        AccountDecider
            .Confirm(waiting, false, Today, Who("clerk", "person-clerk") with { OnBehalfOf = "other" })
            .ThenRefused(Rejections.NotFound);
    }

    [Fact]
    public void C20_nobody_gives_himself_rights_under_any_name()
    {
        var first = Administrator("first", "person-1");
        AccountDecider
            .Open(null, "first.clerk", "agency", "370811", new Holder("person-1", Digest), "r", true, Today, first)
            .ThenRefused(Rejections.SelfApproval);
        var own = Given.State<Account>(
            "account-own",
            new AccountOpened("own", "auditor", "370811", "person-1", Digest)
        );
        var knowing = first with { Persons = Who("first", "person-1", "own=person-1").Persons };
        AccountDecider.Change(own, "agency", "370811", "r", true, Today, knowing).ThenRefused(Rejections.SelfApproval);
        AccountDecider.IssueCredentials(own, "x", "r", true, Today, knowing).ThenRefused(Rejections.SelfApproval);
        AccountDecider
            .Delegate(
                own,
                Given.State<Account>("account-own2", new AccountOpened("own2", "agency", "370811", "person-1", Digest)),
                Today,
                Today,
                Who("own", "person-1")
            )
            .ThenRefused(Rejections.SelfApproval);
        var old = Given.State<Account>("account-old", new AccountOpened("old", "agency", "370811"));
        AccountDecider
            .NameHolder(old, new Holder("p", Digest), false, Given.Actor("old"))
            .ThenRefused(Rejections.SelfApproval);
        Assert.Equal(
            "p",
            old.And("account-old", AccountDecider.NameHolder(old, new Holder("p", Digest), false, first).Then())!.Person
        );
        // For good.
        AccountDecider.NameHolder(Clerk(), new Holder("p", Digest), false, first).ThenRefused(Rejections.WrongState);

        // Nobody makes two administrators one, to be alone again.
        var second = Given.State<Account>("account-second", new AccountOpened("second", "administrator", "370811"));
        AccountDecider
            .NameHolder(second, new Holder("person-1", Digest), false, first)
            .ThenRefused(Rejections.AlreadyExists);
        AccountDecider.NameHolder(second, new Holder("person-2", Digest), false, first).Then();
    }

    private static Application Reviewed(
        string filer,
        string reviewer,
        string? filedFor = null,
        string? reviewedFor = null
    ) =>
        Given.State<Application>(
            "application-1",
            new ApplicationFiled(
                "plan",
                1,
                "c",
                "f",
                "370811001001",
                2026,
                SubAccount.General,
                filer,
                Digest,
                Digest,
                1,
                new Money(10_000),
                filedFor
            ),
            new LinesListed([
                new RosterLine(2, "member-00000000000000000000000000000001", new Money(30_000), new Money(10_000)),
            ]),
            new ApplicationReviewed(reviewer, [], true, true, reviewedFor)
        );

    [Fact]
    public void C15_one_person_with_two_accounts_is_one()
    {
        var application = Reviewed("officer", "reviewer");
        string[] known = ["officer=person-o", "reviewer=person-r"];
        Review.Reject(application, "x", Who("approver", "person-r", known)).ThenRefused(Rejections.SelfApproval);
        Review.Reject(application, "x", Who("approver", "person-o", known)).ThenRefused(Rejections.SelfApproval);
        Review.Reject(application, "x", Who("approver", "person-a", known)).Then();
        Review.Return(application, "x", Who("approver", "person-o", known)).ThenRefused(Rejections.SelfApproval);
        Review
            .Decide(application, [], true, new Dictionary<string, LineFinding>(), Who("approver", "person-o", known))
            .ThenRefused(Rejections.SelfApproval);
        var noticed = application.And(
            "application-1",
            new ApplicationApproved("approver", 1, new Money(10_000), new FenInterval(0, 10_000)),
            new NoticePublished(Today.AddDays(-9), Today.AddDays(-2), "x")
        )!;
        string[] all = [.. known, "approver=person-a"];
        Pay.Move(noticed, null, "b", [Digest], Today, Who("payer", "person-a", all))
            .ThenRefused(Rejections.SelfApproval);
        Pay.Move(noticed, null, "b", [Digest], Today, Who("payer", "person-r", all))
            .ThenRefused(Rejections.SelfApproval);
        var paid = noticed.And(
            "application-1",
            Pay.Move(noticed, null, "b", [Digest], Today, Who("payer", "person-o", all)).Then()
        )!;
        Credit
            .Move(paid, Digest, [], [new UnmatchedReceipt(2, null, "x")], Who("agency", "person-o", "payer=person-o"))
            .ThenRefused(Rejections.SelfApproval);
        Credit
            .Move(paid, Digest, [], [new UnmatchedReceipt(2, null, "x")], Who("agency", "person-r", "payer=person-o"))
            .Then();

        // Where nothing says who they are, the names do; a token's alias is no other name.
        Review.Reject(application, "x", Given.Actor("reviewer")).ThenRefused(Rejections.SelfApproval);
        Review.Reject(application, "x", Given.Actor("oidc:reviewer")).ThenRefused(Rejections.SelfApproval);
        Review.Reject(application, "x", Given.Actor("approver")).Then();
    }

    [Fact]
    public void C15_who_acts_under_a_delegation_is_both()
    {
        // Two who delegate to each other: whatever the one did for the other, neither is a third.
        var crossed = Reviewed("officer", "a", reviewedFor: "b");
        Review.Reject(crossed, "x", Given.Actor("b")).ThenRefused(Rejections.SelfApproval);
        Review.Reject(crossed, "x", Given.Actor("b") with { OnBehalfOf = "a" }).ThenRefused(Rejections.SelfApproval);
        Review.Reject(crossed, "x", Given.Actor("c") with { OnBehalfOf = "b" }).ThenRefused(Rejections.SelfApproval);
        Review.Reject(crossed, "x", Who("c", "person-b", "b=person-b")).ThenRefused(Rejections.SelfApproval);
        Review.Reject(crossed, "x", Given.Actor("c")).Then();
        Review
            .Decide(
                Reviewed("officer", "a", filedFor: "absent"),
                [],
                true,
                new Dictionary<string, LineFinding>(),
                Given.Actor("absent")
            )
            .ThenRefused(Rejections.SelfApproval);
        var approved = Reviewed("officer", "a")
            .And(
                "application-1",
                new ApplicationApproved("d", 1, new Money(10_000), new FenInterval(0, 10_000), "e"),
                new NoticePublished(Today.AddDays(-9), Today.AddDays(-2), "x")
            )!;
        Pay.Move(approved, null, "b", [Digest], Today, Given.Actor("e")).ThenRefused(Rejections.SelfApproval);
        Assert.Equal(
            "e2",
            Assert
                .IsType<PaymentSent>(
                    Assert.Single(
                        Pay.Move(
                                approved,
                                null,
                                "b",
                                [Digest],
                                Today,
                                Given.Actor("officer") with
                                {
                                    OnBehalfOf = "e2",
                                }
                            )
                            .Then()
                    )
                )
                .OnBehalfOf
        );
    }

    [Fact]
    public void C20_four_eyes_are_two_persons()
    {
        var fund = Given.State<Fund>(
            "fund-1",
            new FundOpened("c", "n", "370811001001"),
            new FundsAllocated(
                "a",
                SourceKind.CollectiveIncome,
                "s",
                SubAccount.General,
                new Money(1_000),
                new FenInterval(0, 1_000),
                [Digest]
            )
        );
        var lot = new Lot(SubAccount.General, new FenInterval(0, 1_000));
        Reverse
            .Request(fund, "a", lot, "own2", "x", Who("own", "person-1", "own2=person-1"))
            .ThenRefused(Rejections.SelfApproval);
        // Named before anybody knew: he is found out when he confirms.
        var asked = fund.And("fund-1", Reverse.Request(fund, "a", lot, "own2", "x", Given.Actor("own")).Then())!;
        Reverse.Confirm(asked, "a", lot, Who("own2", "person-1", "own=person-1")).ThenRefused(Rejections.SelfApproval);
        Reverse.Confirm(asked, "a", lot, Who("own2", "person-2", "own=person-1")).Then();
        var onBehalf = fund.And(
            "fund-1",
            Reverse.Request(fund, "a", lot, "boss", "x", Given.Actor("stand") with { OnBehalfOf = "absent" }).Then()
        )!;
        Reverse
            .Confirm(onBehalf, "a", lot, Who("boss", "person-b", "absent=person-b"))
            .ThenRefused(Rejections.SelfApproval);

        var year = Given.State<MemberYear>(
            "y",
            new ContributionRecorded(ContributionKind.Regular, new Money(30_000), new Money(30_000), Today, "r")
        );
        MemberYearDecider
            .RequestReversal(year, "r", "own2", "x", Who("own", "person-1", "own2=person-1"))
            .ThenRefused(Rejections.SelfApproval);
        var corrected = year.And(
            "y",
            MemberYearDecider
                .RequestReversal(year, "r", "own2", "x", Given.Actor("own") with { OnBehalfOf = "absent" })
                .Then()
        )!;
        MemberYearDecider
            .ConfirmReversal(corrected, "r", Who("own2", "person-1", "absent=person-1"))
            .ThenRefused(Rejections.SelfApproval);

        var pilot = Given.State<Pilot>("pilot-370811", new PilotApplied("370811", "x", "county", []));
        PilotDecider
            .Decide(pilot, PilotVerdict.Approve, "x", Who("city", "person-1", "county=person-1"))
            .ThenRefused(Rejections.SelfApproval);
        PilotDecider.Decide(pilot, PilotVerdict.Approve, "x", Who("city", "person-2", "county=person-1")).Then();
    }

    [Fact]
    public void The_programs_own_names_are_nobodys_and_an_authoritys_are_its_own()
    {
        foreach (
            var name in (string[])
                [
                    "public",
                    "console",
                    "system",
                    "sample",
                    "empty",
                    "Public",
                    "oidc:li.si",
                    "",
                    " li.si",
                    "li\nsi",
                    "13800138000",
                ]
        )
            Assert.NotNull(ActorName.SubjectFault(name));
        foreach (var name in (string[])["public", "console", "system", "李四", "Li.si", "li:si", "9li"])
            Assert.NotNull(ActorName.AccountFault(name));
        Assert.Null(ActorName.AccountFault("li.si"));
        Assert.Equal("oidc:li.si", ActorName.Foreign("oidc", "li.si", out _));
        Assert.NotEqual(ActorName.Foreign("oidc", "li.si", out _), ActorName.Foreign("other", "li.si", out _));
        foreach (var sub in (string[])["public", "console", "", " ", "a\u0007", "37081119800101001X", new('x', 300)])
            Assert.True(ActorName.Foreign("oidc", sub, out var fault) is null && fault is not null, sub);
        foreach (var alias in (string[])["", "public", "Oidc", "a:b", "9"])
            Assert.NotNull(ActorName.AliasFault(alias));
        Assert.Null(ActorName.AliasFault("oidc"));
    }

    [Fact]
    public void Whoever_the_program_signs_for_is_named_in_one_place_and_reserved()
    {
        var source = Path.Combine(Repository(), "src");
        var files = Directory
            .GetFiles(source, "*.cs", SearchOption.AllDirectories)
            .Where(f =>
                !f.Contains("/obj/", StringComparison.Ordinal) && !f.Contains("/bin/", StringComparison.Ordinal)
            )
            .ToList();
        Assert.True(files.Count > 150, $"{files.Count}");
        var literal = new Regex("new Actor\\(\"([^\"$]*)\"");
        Assert.Empty(
            files.SelectMany(f =>
                literal.Matches(File.ReadAllText(f)).Select(m => $"{Path.GetFileName(f)}: {m.Groups[1].Value}")
            )
        );
        Assert.All(
            (string[])[ActorName.Public.Id, ActorName.Console("3708").Id, ActorName.System("3708").Id],
            name => Assert.True(ActorName.IsReserved(name))
        );
    }

    private static string Repository()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "CollectiveSubsidy.sln")))
            folder = folder.Parent!;
        return folder.FullName;
    }

    /// <summary>A reversal that nobody can confirm waits for ever.</summary>
    [Fact]
    public void C20_who_is_named_to_confirm_can_do_so()
    {
        var village = "370811102201";
        var by = Given.Actor("own", Roles.VillageFinance) with { Region = village };
        Account Opened(string role, string region) =>
            Given.State<Account>("account-x", new AccountOpened("x", role, region));
        Rejection? Named(string name, Account? account, bool isDelegate = false, bool isOneOfOurs = true) =>
            FourEyes.Named(
                new Confirmer(name, account, isDelegate, isOneOfOurs),
                village,
                [Roles.VillageFinance, Roles.Township],
                by
            );
        var clerk = Opened(Roles.Township, "370811102");
        Assert.Null(Named("x", clerk));
        Assert.Null(Named("x", null, isOneOfOurs: false)); // of another authority
        Assert.Null(Named("x", Opened(Roles.Agency, "370811"), isDelegate: true));
        (string Name, Account? Account)[] wrong =
        [
            ("nobody", null),
            ("x", Opened(Roles.Auditor, "370811")),
            ("x", Opened(Roles.Township, "370811109")),
            ("x", clerk with { IsClosed = true }),
            ("x", clerk with { IsRequested = true }),
            ("Own", clerk),
            ("ｏwn", clerk),
            ("ow\u200Bn", clerk),
        ];
        Assert.All(
            wrong,
            w =>
            {
                var refused = Named(w.Name, w.Account);
                Assert.Equal((Rejections.FieldInvalid, "confirmBy"), (refused?.Code, refused?.Field));
            }
        );
    }
}

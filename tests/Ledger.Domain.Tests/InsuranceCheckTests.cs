using Ledger.Domain.Applications;
using Ledger.Domain.Applications.Steps;
using Ledger.Domain.Collectives;
using Ledger.Domain.Funds;
using Ledger.Domain.Members;
using Ledger.Domain.Pilots;
using Ledger.Domain.Plans;
using Ledger.Domain.Policies;

namespace Ledger.Domain.Tests;

/// <summary>The agency's check list (L19): what it records, and what a review and an approval make of it.</summary>
public sealed class InsuranceCheckTests
{
    private const string Village = "370811102201",
        Collective = "collective-1",
        One = "member-00000000000000000000000000000001",
        Two = "member-00000000000000000000000000000002";
    private static readonly DateOnly May = new(2026, 5, 1);
    private static readonly Actor Reviewer = Given.Actor("reviewer"),
        Approver = Given.Actor("approver");

    private static Member Person(string id, params IEventOf<Member>[] events) =>
        Given.State<Member>(id, [new MemberRegistered(Collective, Village, "d"), .. events]);

    private static Member Found(string id, InsuranceFinding finding, DateOnly? on = null) =>
        Person(id, new InsuranceChecked(finding, on ?? May, "agency"));

    private static Decision<Member> Import(Member member, InsuranceFinding finding, DateOnly on) =>
        InsuranceChecks.Import(member, finding, on, Given.Actor("agency"));

    [Fact]
    public void L19_a_list_is_recorded_once_an_older_one_changes_nothing_and_a_later_one_clears_it()
    {
        var person = Person(One);
        Assert.Empty(Import(person, InsuranceFinding.None, May).Then());
        var found = person.And(One, Import(person, InsuranceFinding.EmployeesScheme, May).Then())!;
        Assert.Equal(new InsuranceCheck(InsuranceFinding.EmployeesScheme, May), found.Insurance);
        Assert.Empty(Import(found, InsuranceFinding.EmployeesScheme, May).Then());
        Assert.Empty(Import(found, InsuranceFinding.None, May.AddDays(-1)).Then());
        var cleared = found.And(One, Import(found, InsuranceFinding.None, May.AddDays(1)).Then())!;
        Assert.Equal(InsuranceFinding.None, cleared.Insurance!.Finding);
        Assert.Null(LineCheck.Finding(null, cleared.Insurance));
        Assert.Empty(Import(cleared, InsuranceFinding.EmployeesScheme, May).Then());
        Assert.NotEmpty(Import(cleared, InsuranceFinding.EmployeesScheme, May.AddDays(2)).Then());
    }

    [Theory]
    [InlineData(InsuranceFinding.PensionInPayment, true)]
    [InlineData(InsuranceFinding.EmployeesScheme, true)]
    [InlineData(InsuranceFinding.Deceased, true)]
    [InlineData(InsuranceFinding.Student, false)]
    [InlineData(InsuranceFinding.NotInsured, false)]
    [InlineData(InsuranceFinding.None, false)]
    public void L19_three_findings_need_a_reason_the_others_are_told(InsuranceFinding finding, bool needsReason)
    {
        var of = LineCheck.Finding(null, new InsuranceCheck(finding, May));
        Assert.Equal(needsReason, of is not null);
        if (needsReason)
            Assert.Contains(InsuranceCheck.Word(finding), of!.Message, StringComparison.Ordinal);
    }

    private static readonly Application Filed = Given.State<Application>(
        "application-1",
        new ApplicationFiled(
            "plan-1",
            1,
            Collective,
            "fund-1",
            Village,
            2026,
            "general",
            "clerk",
            "s",
            "r",
            2,
            new Money(200)
        ),
        new LinesListed([
            new RosterLine(2, One, new Money(30_000), new Money(100)),
            new RosterLine(3, Two, new Money(30_000), new Money(100)),
        ])
    );

    private static Dictionary<string, LineFinding> Of(InsuranceFinding finding, string? age = null) =>
        new() { [One] = LineCheck.Finding(age, new InsuranceCheck(finding, May))! };

    private static Decision<Application> Review(LineVerdict[] verdicts, Dictionary<string, LineFinding> findings) =>
        Applications.Steps.Review.Decide(Filed, verdicts, true, findings, Reviewer);

    [Fact]
    public void C15_L19_a_bulk_acceptance_does_not_pass_over_a_finding_and_a_reason_answers_for_it()
    {
        var findings = Of(InsuranceFinding.PensionInPayment);
        var open = Review([], findings).ThenRefused(Rejections.FindingOpen);
        Assert.Equal([(2, One)], open.Faults.Select(f => (f.Row!.Value, f.MemberId)));
        Assert.Contains("2026-05-01", open.Detail, StringComparison.Ordinal);
        Review([new LineVerdict(One, true, null)], findings).ThenRefused(Rejections.FindingOpen);
        Review([new LineVerdict(One, false, "已领取待遇")], findings).Then();
        var accepted = Filed.And(Filed.Id, Review([new LineVerdict(One, true, "同名，已核实")], findings).Then())!;
        Assert.Equal(
            (LineStatus.Accepted, InsuranceFinding.PensionInPayment),
            (accepted.Lines[0].Status, accepted.Lines[0].AnsweredFinding)
        );
        Assert.Null(accepted.Lines[1].AnsweredFinding);
    }

    private static Decision<Application> Approval(Application application, Member one) =>
        Decided(application, one).Decision;

    private static (Decision<Application> Decision, LineBasis People) Decided(
        Application application,
        Member one,
        int age = 61
    )
    {
        var fund = Given.State<Fund>("fund-1", new FundOpened(Collective, "n", Village));
        fund = fund.And(
            "fund-1",
            Funds
                .Steps.Allocate.Into(
                    fund,
                    "a",
                    SourceKind.CollectiveIncome,
                    "s",
                    new Money(200),
                    null,
                    null,
                    [new string('d', 64)],
                    new DateOnly(2026, 1, 1)
                )
                .Then()
        )!;
        var collective = Given.State<Collective>(Collective, new CollectiveRegistered("c", "n", Village));
        var people = new LineBasis(
            Lineage.Of(collective, []),
            new Standard(StandardKind.Flat, new Money(100), []),
            null,
            AgeLimits.Default,
            new Dictionary<string, Member> { [One] = one, [Two] = Person(Two) },
            application.Lines.ToDictionary(
                application.MemberYearId,
                l => Given.State<MemberYear>(application.MemberYearId(l), Given.OwnPayment)
            ),
            new Dictionary<string, int> { [One] = age }
        );
        var pilot = Given.State<Pilot>("p", new PilotApplied("370811", "x", "y", []), new PilotApproved("x"));
        return (
            Approve.Decide(
                new Approve.Basis(application, collective, fund, pilot, people, new Money(500_000)),
                Approver
            ),
            people
        );
    }

    [Fact]
    public void C15_L19_what_is_found_after_the_review_is_answered_for_before_approval_whatever_reason_stands_there()
    {
        var age = AgeLimits.Default.Finding(61);
        var findings = new Dictionary<string, LineFinding> { [One] = new(age!) };
        var reviewed = Filed.And(Filed.Id, Review([new LineVerdict(One, true, "已核实未领取待遇")], findings).Then())!;
        Approval(reviewed, Person(One)).Then();
        // The reason was for the age; the list came later.
        var late = Found(One, InsuranceFinding.PensionInPayment);
        Assert.Equal(
            [One],
            Approval(reviewed, late).ThenRefused(Rejections.FindingOpen).Faults.Select(f => f.MemberId)
        );
        Approval(reviewed, Found(One, InsuranceFinding.Student)).Then();
        var again = reviewed.And(
            Filed.Id,
            Applications
                .Steps.Review.Decide(
                    reviewed,
                    [new LineVerdict(One, true, "已核实未领取待遇")],
                    false,
                    Of(InsuranceFinding.PensionInPayment, age),
                    Reviewer
                )
                .Then()
        )!;
        Approval(again, late).Then();
        Approval(again, Found(One, InsuranceFinding.Deceased)).ThenRefused(Rejections.FindingOpen);
    }

    private static readonly DateOnly PayDay = new(2026, 7, 1);

    /// <summary>Reviewed with this verdict on the first line, approved when nothing more was found, noticed.</summary>
    private static (Application Application, Fund Fund, LineBasis People) Noticed(
        LineVerdict[] verdicts,
        Dictionary<string, LineFinding> findings,
        Member one
    )
    {
        var reviewed = Filed.And(Filed.Id, Review(verdicts, findings).Then())!;
        var (decision, people) = Decided(reviewed, one, age: 50);
        var approved = reviewed
            .And(Filed.Id, decision.Then())!
            .And(Filed.Id, new NoticePublished(new(2026, 6, 1), new(2026, 6, 8), "公开栏"))!;
        var fund = decision.Also.Select(c => c.State).OfType<Fund>().Single();
        var years = decision.Also.Select(c => c.State).OfType<MemberYear>().ToDictionary(y => y.Id);
        return (approved, fund, people with { Years = years });
    }

    private static Decision<Application> Payment(
        (Application Application, Fund Fund, LineBasis People) of,
        Member one,
        long fen,
        string[]? ids = null
    ) =>
        Pay.Decide(
            new Pay.Basis(
                of.Application,
                of.Fund,
                of.People with
                {
                    Members = new Dictionary<string, Member> { [One] = one, [Two] = Person(Two) },
                },
                [],
                null
            ),
            new Pay.Order(new Money(fen), "member-subsidy", "NX1", [new string('d', 64)], PayDay, ids),
            PayDay,
            Given.Actor("clerk")
        );

    [Fact]
    public void C17_L19_what_is_found_after_the_approval_is_not_paid_and_waits_on_the_list()
    {
        var of = Noticed([], [], Person(One));
        var late = Found(One, InsuranceFinding.EmployeesScheme);
        Payment(of, Person(One), 200).Then();
        // A student is told of, and paid.
        Payment(of, Found(One, InsuranceFinding.Student), 200).Then();
        Payment(of, late, 200).ThenRefused(Rejections.UseOutsideRingFence);
        var paid = Payment(of, late, 100);
        var told = Assert.Single(paid.LeftOut);
        Assert.Equal((Rejections.FindingOpen.Code, One, 2), (told.Code, told.MemberId, told.Row));
        var after = of.Application.And(Filed.Id, paid.Then())!;
        Assert.Equal([LineStatus.Approved, LineStatus.Paid], after.Lines.Select(l => l.Status));
        var fund = paid.After(of.Fund);
        Assert.Equal((100, 100, 0), (fund.ReservedFen.Fen, fund.InTransitFen.Fen, fund.AvailableFen.Fen));

        // Asked for alone, nobody is left; cleared by the next list he is paid, taken off by the village he is not.
        var rest = (after, fund, of.People);
        Payment(rest, late, 100).ThenRefused(Rejections.FindingOpen);
        Payment(of, late, 100, [One]).ThenRefused(Rejections.FindingOpen);
        var cleared = late.And(One, Import(late, InsuranceFinding.None, May.AddDays(9)).Then())!;
        Assert.Equal(
            [LineStatus.Paid, LineStatus.Paid],
            after.And(Filed.Id, Payment(rest, cleared, 100).Then())!.Lines.Select(l => l.Status)
        );
    }

    [Fact]
    public void C17_L19_what_a_reviewer_answered_for_is_paid_and_another_finding_is_not()
    {
        var findings = Of(InsuranceFinding.PensionInPayment);
        var found = Found(One, InsuranceFinding.PensionInPayment);
        var of = Noticed([new LineVerdict(One, true, "同名，已核实")], findings, found);
        Payment(of, found, 200).Then();
        Assert.Equal(One, Assert.Single(Payment(of, Found(One, InsuranceFinding.Deceased), 100).LeftOut).MemberId);
    }
}

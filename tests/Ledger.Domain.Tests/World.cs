using Ledger.Domain.Applications;
using Ledger.Domain.Applications.Steps;
using Ledger.Domain.Collectives;
using Ledger.Domain.Funds;
using Ledger.Domain.Funds.Steps;
using Ledger.Domain.Identity;
using Ledger.Domain.Members;
using Ledger.Domain.Pilots;
using Ledger.Domain.Plans;
using Ledger.Domain.Policies;

namespace Ledger.Domain.Tests;

/// <summary>One application with its fund and member-years, moved by the same steps as the API moves them.</summary>
internal sealed record World(
    Application Application,
    Fund Fund,
    IReadOnlyDictionary<string, MemberYear> Years,
    DateOnly Today,
    bool OneDied = false
)
{
    private const string Id = "application-1",
        CollectiveId = "collective-1",
        Village = "370811102201";
    private static readonly string[] Paper = [new('d', 64)];
    private static readonly Actor Officer = Given.Actor("officer"),
        Second = Given.Actor("second"),
        Reviewer = Given.Actor("reviewer"),
        Approver = Given.Actor("approver"),
        Watch = Given.Actor("committee"),
        Township = Given.Actor("township");
    private static readonly Pilot Pilot = Given.State<Pilot>(
        "pilot-370811",
        new PilotApplied("370811", "x", "y", []),
        new PilotApproved("x")
    );
    private static readonly Collective Collective = Given.State<Collective>(
        CollectiveId,
        new CollectiveRegistered("c", "n", Village)
    );
    private static readonly Plan Plan = Given.State<Plan>(
        "plan-1",
        new PlanDrafted(
            CollectiveId,
            "fund-1",
            Village,
            2026,
            new PlanContent("s", "s", new Standard(StandardKind.Flat, new Money(100), []))
        ),
        new PlanAdopted(1)
    );
    private static readonly string[] People =
    [
        "member-00000000000000000000000000000001",
        "member-00000000000000000000000000000002",
    ];
    private static readonly Submission Roster = new(
        Paper[0],
        Paper[0],
        [.. People.Select((p, i) => new RosterLine(i + 2, p, new Money(30_000), new Money(100)))]
    );

    /// <summary>Filed, two people, the fund has just enough.</summary>
    public static World First()
    {
        var fund = Given.State<Fund>("fund-1", new FundOpened(CollectiveId, "n", Village));
        fund = fund.And(
            "fund-1",
            Allocate
                .Into(
                    fund,
                    "a",
                    SourceKind.CollectiveIncome,
                    "s",
                    new Money(200),
                    null,
                    null,
                    Paper,
                    new DateOnly(2026, 1, 1)
                )
                .Then()
        )!;
        var application = Given.And<Application>(
            null,
            Id,
            Submit.First(Plan, Pilot, fund, SubAccount.General, Roster, Officer).Then()
        )!;
        var years = application.Lines.ToDictionary(
            application.MemberYearId,
            l => Given.State<MemberYear>(application.MemberYearId(l), Given.OwnPayment)
        );
        return new World(application, fund, years, new DateOnly(2026, 5, 1));
    }

    /// <summary>What tells states apart: where every line and every fen is, not how it came there.</summary>
    public string Key() =>
        string.Join(
            '|',
            Application.Status,
            string.Join(',', Application.Lines.Select(l => l.Status)),
            Application.Objections.Count(o => o.Upheld is null),
            Application.IsPaymentSigned,
            Application.Hold is null,
            Today > Application.NoticeUntil,
            Fund.AvailableFen,
            Fund.ReservedFen,
            Fund.InTransitFen,
            Fund.CreditedFen,
            Fund.ReturnedFen,
            Fund.IsClosed,
            OneDied,
            string.Join(',', Years.Values.SelectMany(y => y.Subsidies).Select(s => s.Status))
        );

    private bool IsOver() =>
        Application.Status is ApplicationStatus.Settled or ApplicationStatus.Rejected or ApplicationStatus.Withdrawn;

    /// <summary>Money is on its way or lies idle: neither credited to a member nor back at its source.</summary>
    public bool HasMoneyInIt() =>
        Fund.AvailableFen.IsPositive || Fund.ReservedFen.IsPositive || Fund.InTransitFen.IsPositive;

    public static IReadOnlyList<(string Name, Func<World, Outcome<World>> Do)> Commands { get; } =
    [
        (
            "review: accept",
            w => w.Step(Review.Decide(w.Application, [], true, new Dictionary<string, LineFinding>(), Reviewer))
        ),
        (
            "review: refuse one",
            w =>
                w.Step(
                    Review.Decide(
                        w.Application,
                        [new LineVerdict(People[0], false, "x")],
                        true,
                        new Dictionary<string, LineFinding>(),
                        Reviewer
                    )
                )
        ),
        ("return", w => w.Step(Review.Return(w.Application, "x", Reviewer))),
        ("resubmit", w => w.Step(Submit.Again(w.Application, Plan, Pilot, Roster, Officer))),
        ("reject", w => w.Step(Review.Reject(w.Application, "x", Approver))),
        ("approve", w => w.Approval()),
        ("publish notice", w => w.Step(PublishNotice.Decide(w.Application, "x", 7, w.Today))),
        (
            "object",
            w =>
                w.Application.Objections.Any(o => o.Upheld is null)
                    ? new(null, "one at a time")
                    : w.Step(RaiseObjection.Decide(w.Application, $"o{w.Application.Revision}", People[0], "x"))
        ),
        ("uphold", w => w.Answer(true)),
        ("dismiss", w => w.Answer(false)),
        ("wait 8 days", w => new(w with { Today = w.Today.AddDays(8) }, null)),
        ("one dies", w => w.OneDied ? new(null, "wrong-state") : new(w with { OneDied = true }, null)),
        ("withdraw line", w => w.Step(Withdraw.Decide(new(w.Application, w.Fund, w.Years), [People[0]], "x", Officer))),
        ("withdraw", w => w.Step(Withdraw.Decide(new(w.Application, w.Fund, w.Years), null, "x", Officer))),
        ("sign payment", w => w.Step(Committee.Sign(w.Application, w.Today, Watch))),
        ("hold", w => w.Step(Committee.Hold(w.Application, "x", w.Today, Watch))),
        ("lift hold", w => w.Step(Committee.Lift(w.Application, "x", Township))),
        ("pay all", w => w.Payment(null)),
        ("pay one", w => w.Payment([People[0]])),
        (
            "bank return",
            w =>
                w.Step(
                    BankReturn.Decide(
                        new(w.Application, w.Fund, w.Years, [], []),
                        [People[0]],
                        "TH",
                        "x",
                        Paper,
                        null,
                        Officer
                    )
                )
        ),
        ("receipt for one", w => w.Receive([People[0]])),
        ("receipt for all", w => w.Receive(People)),
        ("refund one", w => w.Refund(People[0], RefundReason.Death)),
        ("refund other", w => w.Refund(People[1], RefundReason.CatchUpFound)),
        ("settle", w => w.Step(Settle.Decide(w.Application, Approver))),
        ("return surplus", w => w.FundStep(Rests.Returned(w.Fund, w.IsOver() ? null : Id))),
        ("close fund", w => w.FundStep(CloseFund.Decide(w.Fund, "x", Paper))),
    ];

    /// <summary>Every stream that the step touches moves with it.</summary>
    private Outcome<World> Step(Decision<Application> decision) =>
        decision.Rejection is { } refusal
            ? new(null, refusal.Code.Code)
            : new(
                this with
                {
                    Application = Application.And(Id, decision.Events)!,
                    Fund = decision.After(Fund),
                    Years = Years.ToDictionary(y => y.Key, y => decision.After(y.Value)),
                },
                null
            );

    private Outcome<World> FundStep(Decision<Fund> decision) =>
        decision.Rejection is { } refusal
            ? new(null, refusal.Code.Code)
            : new(this with { Fund = Fund.And("fund-1", decision.Events)! }, null);

    private LineBasis Basis =>
        new(
            Lineage.Of(Collective, []),
            Plan.Adopted()!.Standard,
            null,
            AgeLimits.Default,
            People.ToDictionary(
                p => p,
                p =>
                    Given.State<Member>(p, new MemberRegistered(CollectiveId, Village, "d")) with
                    {
                        DiedOn = OneDied && p == People[0] ? Today : null,
                    }
            ),
            Years,
            new Dictionary<string, int>()
        );

    private Outcome<World> Approval() =>
        Step(Approve.Decide(new(Application, Collective, Fund, Pilot, Basis, new Money(500_000)), Approver));

    private Outcome<World> Answer(bool upheld) =>
        Application.Objections.FirstOrDefault(o => o.Upheld is null) is { } open
            ? Step(
                AnswerObjection.Decide(
                    new(Application, Fund, Years, null),
                    open.ObjectionId,
                    new ObjectionAnswer(upheld, "x"),
                    Township
                )
            )
            : new(null, "no objection");

    /// <summary>As much as is due: whoever may not be paid any more falls out first.</summary>
    private Outcome<World> Payment(string[]? members)
    {
        var due = Application.Approved(members);
        var gone = LineCheck.Unpayable(Application, due, Basis).Select(l => l.MemberId).ToHashSet();
        var amount = Line.Total(due.Where(l => !gone.Contains(l.MemberId)));
        var order = new Pay.Order(amount, FundDecider.MemberSubsidy, "NX", Paper, Today, members);
        return Step(Pay.Decide(new(Application, Fund, Basis, [], null, CommitteeSigns: true), order, Today, Officer));
    }

    private Outcome<World> Refund(string member, RefundReason reason) =>
        Step(
            Applications.Steps.Refund.Decide(
                new(Application, Fund, Years[StreamId.MemberYear(member, 2026)], [], null),
                member,
                reason,
                "TK",
                Paper,
                Today,
                null,
                Reviewer
            )
        );

    private Outcome<World> Receive(string[] members)
    {
        if (Application.NotIn(ApplicationStatus.Paid) is { } wrong)
            return new(null, wrong.Code.Code);
        var (matches, _) = Receipt.Match(
            Application,
            [.. members.Select((m, i) => new ReceiptRow(i + 2, m, new Money(100), Today, "HZ"))]
        );
        return matches.Count == 0
            ? new(null, "receipt-mismatch")
            : Step(Credit.Decide(new(Application, Fund, Years), Paper[0], matches, [], Reviewer));
    }
}

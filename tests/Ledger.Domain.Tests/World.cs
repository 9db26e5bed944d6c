using Ledger.Domain.Applications;
using Ledger.Domain.Collectives;
using Ledger.Domain.Funds;
using Ledger.Domain.Members;
using Ledger.Domain.Pilots;
using Ledger.Domain.Plans;
using Ledger.Domain.Policies;

namespace Ledger.Domain.Tests;

/// <summary>One application with its fund and member-years, moved together as the API moves them in one transaction.</summary>
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
        Approver = Given.Actor("approver");
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
            FundDecider
                .Allocate(
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
            ApplicationDecider.File(Plan, Pilot, fund, SubAccount.General, Roster, Officer).Then()
        )!;
        var years = application.Lines.ToDictionary(
            application.MemberYearId,
            l =>
                Given.State<MemberYear>(
                    application.MemberYearId(l),
                    new ContributionRecorded(
                        ContributionKind.Regular,
                        new Money(30_000),
                        new Money(30_000),
                        new DateOnly(2026, 1, 5),
                        "r"
                    )
                )
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

    /// <summary>Money is on its way or lies idle: neither credited to a member nor back at its source.</summary>
    public bool HasMoneyInIt() =>
        Fund.AvailableFen.IsPositive || Fund.ReservedFen.IsPositive || Fund.InTransitFen.IsPositive;

    public static IReadOnlyList<(string Name, Func<World, Outcome<World>> Do)> Commands { get; } =
    [
        (
            "review: accept",
            w => w.Step(ApplicationDecider.Review(w.Application, [], true, new Dictionary<string, string>(), Reviewer))
        ),
        (
            "review: refuse one",
            w =>
                w.Step(
                    ApplicationDecider.Review(
                        w.Application,
                        [new LineVerdict(People[0], false, "x")],
                        true,
                        new Dictionary<string, string>(),
                        Reviewer
                    )
                )
        ),
        ("return", w => w.Step(ApplicationDecider.Return(w.Application, "x", Reviewer))),
        ("resubmit", w => w.Step(ApplicationDecider.Resubmit(w.Application, Plan, Pilot, Roster, Officer))),
        ("reject", w => w.Step(ApplicationDecider.Reject(w.Application, "x", Approver))),
        ("approve", w => w.Approve()),
        ("publish notice", w => w.Step(ApplicationDecider.PublishNotice(w.Application, "x", 7, w.Today))),
        (
            "object",
            w =>
                w.Application.Objections.Any(o => o.Upheld is null)
                    ? new(null, "one at a time")
                    : w.Step(ApplicationDecider.Object(w.Application, $"o{w.Application.Revision}", People[0], "x"))
        ),
        ("uphold", w => w.Answer(true)),
        ("dismiss", w => w.Answer(false)),
        ("wait 8 days", w => new(w with { Today = w.Today.AddDays(8) }, null)),
        ("one dies", w => w.OneDied ? new(null, "wrong-state") : new(w with { OneDied = true }, null)),
        ("withdraw line", w => w.Step(WayBack.WithdrawLines(w.Application, [People[0]], "x", Officer))),
        ("withdraw", w => w.Step(WayBack.Withdraw(w.Application, "x", Officer))),
        ("pay all", w => w.Pay(null)),
        ("pay one", w => w.Pay([People[0]])),
        ("bank return", w => w.Step(WayBack.ReturnPayment(w.Application, [People[0]], "TH", "x", Paper, Officer))),
        ("receipt for one", w => w.Receive([People[0]])),
        ("receipt for all", w => w.Receive(People)),
        (
            "refund one",
            w => w.Step(WayBack.Refund(w.Application, People[0], RefundReason.Death, "TK", Paper, Reviewer))
        ),
        (
            "refund other",
            w => w.Step(WayBack.Refund(w.Application, People[1], RefundReason.CatchUpFound, "TK", Paper, Reviewer))
        ),
        ("settle", w => w.Step(ApplicationDecider.Settle(w.Application, Approver))),
        ("return surplus", w => w.FundStep(FundDecider.ReturnSurplus(w.Fund, SubAccount.General, "x", Paper))),
        ("close fund", w => w.FundStep(FundDecider.Close(w.Fund, "x", Paper))),
    ];

    /// <summary>The application moves; fund and member-years follow each line, as the API does.</summary>
    private Outcome<World> Step(Decision<Application> decision)
    {
        if (decision.Rejection is { } refusal)
            return new(null, refusal.Code.Code);
        var after = Application.And(Id, decision.Events)!;
        var (fund, years) = (Fund, new Dictionary<string, MemberYear>(Years));
        foreach (
            var (line, next) in Application.Lines.Zip(
                after.Lines.Length == Application.Lines.Length ? after.Lines : Application.Lines
            )
        )
        {
            IReadOnlyList<IEventOf<Fund>> money = (line.Status, next.Status) switch
            {
                (LineStatus.Approved, LineStatus.Released) => FundDecider
                    .Release(fund, Id, [line.Fen!.Value], "x")
                    .Then(),
                (LineStatus.Approved, LineStatus.Paid) => FundDecider
                    .Pay(fund, Id, FundDecider.MemberSubsidy, line.AmountFen, line.AmountFen, 1, "NX", Paper, Today)
                    .Then(),
                (LineStatus.Paid, LineStatus.Approved) => FundDecider
                    .ReturnPayment(fund, Id, line.AmountFen, 1, "TH", Paper)
                    .Then(),
                (LineStatus.Paid, LineStatus.Credited) => FundDecider.Credit(fund, Id, line.AmountFen, 1).Then(),
                (LineStatus.Paid or LineStatus.Credited, LineStatus.Refunded) => FundDecider
                    .Refund(
                        fund,
                        Id,
                        line.MemberId,
                        line.Fen!.Value,
                        line.Status == LineStatus.Credited,
                        "TK",
                        Paper,
                        Today
                    )
                    .Then(),
                _ => [],
            };
            fund = fund.And("fund-1", money)!;
            IEventOf<MemberYear>? own = (line.Status, next.Status) switch
            {
                (LineStatus.Approved, LineStatus.Released) => new SubsidyReleased(Id, line.AmountFen, "x"),
                (LineStatus.Approved, LineStatus.Paid) => new SubsidyPaid(Id, line.AmountFen),
                (LineStatus.Paid, LineStatus.Approved) => new SubsidyReturned(Id, line.AmountFen),
                (LineStatus.Paid, LineStatus.Credited) => new SubsidyCredited(Id, line.AmountFen, Today, "HZ"),
                (LineStatus.Paid or LineStatus.Credited, LineStatus.Refunded) => new SubsidyRefunded(
                    Id,
                    line.AmountFen,
                    RefundReason.Death
                ),
                _ => null,
            };
            var year = Application.MemberYearId(line);
            if (own is not null)
                years[year] = years[year].And(year, own)!;
        }
        return new(this with { Application = after, Fund = fund, Years = years }, null);
    }

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

    private Outcome<World> Approve()
    {
        var (events, refusal) = Approval.Decide(
            Application,
            Collective,
            Fund,
            Pilot,
            Basis,
            new Money(500_000),
            Approver
        );
        if (events is null)
            return new(null, refusal!.Code.Code);
        var years = new Dictionary<string, MemberYear>(Years);
        foreach (var (id, e) in events.Members)
            years[id] = years[id].And(id, e)!;
        return new(
            this with
            {
                Application = Application.And(Id, events.Application)!,
                Fund = Fund.And("fund-1", events.Fund)!,
                Years = years,
            },
            null
        );
    }

    private Outcome<World> Answer(bool upheld) =>
        Application.Objections.FirstOrDefault(o => o.Upheld is null) is { } open
            ? Step(
                ApplicationDecider.ResolveObjection(
                    Application,
                    open.ObjectionId,
                    new ObjectionAnswer(upheld, "x"),
                    null,
                    Reviewer
                )
            )
            : new(null, "no objection");

    /// <summary>Whoever may not be paid any more falls out first; with nobody left it is refused.</summary>
    private Outcome<World> Pay(string[]? members)
    {
        if (ApplicationDecider.Pay(Application, members, "NX", Paper, Today, Officer).Rejection is { } refusal)
            return new(null, refusal.Code.Code);
        var due = Application.With(LineStatus.Approved).Where(l => members?.Contains(l.MemberId) != false).ToList();
        var leftOut = LineCheck.Unpayable(Application, due, Basis);
        if (leftOut.Count == due.Count)
            return new(null, LineCheck.NobodyLeft(Application, leftOut).Code.Code);
        var rest = members?.Except(leftOut.Select(l => l.MemberId)).ToArray();
        var sorted = Step(LineCheck.LeaveOut(Application, leftOut, Officer).ToArray()).Next!;
        return sorted.Step(ApplicationDecider.Pay(sorted.Application, rest, "NX", Paper, Today, Officer));
    }

    private Outcome<World> Receive(string[] members)
    {
        if (ApplicationDecider.NotIn(Application, ApplicationStatus.Paid) is { } wrong)
            return new(null, wrong.Code.Code);
        var (matches, _) = Receipt.Match(
            Application,
            [.. members.Select((m, i) => new ReceiptRow(i + 2, m, new Money(100), Today, "HZ"))]
        );
        return matches.Count == 0
            ? new(null, "receipt-mismatch")
            : Step(Receipt.Confirm(Application, Paper[0], matches, [], Reviewer));
    }
}

using Ledger.Domain.Applications;
using Ledger.Domain.Applications.Steps;
using Ledger.Domain.Collectives;
using Ledger.Domain.Funds;
using Ledger.Domain.Members;
using Ledger.Domain.Pilots;
using Ledger.Domain.Plans;
using Ledger.Domain.Policies;

namespace Ledger.Domain.Tests;

/// <summary>All reachable states: documented in docs/states.md, and none of them a dead end for money.</summary>
public sealed class StateTests
{
    private static readonly StateGraph<World> Worlds = new(World.First(), World.Commands, w => w.Key());

    [Fact]
    public void From_every_reachable_state_with_money_in_it_a_path_leads_to_credited_or_returned()
    {
        Assert.True(Worlds.States.Count > 200, $"{Worlds.States.Count} states");
        Assert.Contains(Worlds.States.Values, w => w.HasMoneyInIt());
        Assert.Empty(Worlds.Stuck(w => !w.HasMoneyInIt()));
    }

    [Fact]
    public void From_every_reachable_state_the_application_can_end() =>
        Assert.Empty(
            Worlds.Stuck(w =>
                w.Application.Status
                    is ApplicationStatus.Settled
                        or ApplicationStatus.Withdrawn
                        or ApplicationStatus.Rejected
            )
        );

    [Fact]
    public void An_ended_application_holds_no_money_and_no_cap_beyond_what_is_credited() =>
        Assert.All(
            Worlds.States.Values,
            w =>
            {
                var held = Money.Sum(w.Years.Values.Select(y => y.CapUsed()));
                // The cap used is exactly what the fund holds for people
                Assert.Equal(w.Fund.ReservedFen + w.Fund.InTransitFen + w.Fund.CreditedFen, held);
                if (
                    w.Application.Status
                    is ApplicationStatus.Settled
                        or ApplicationStatus.Withdrawn
                        or ApplicationStatus.Rejected
                )
                    Assert.Equal(w.Fund.CreditedFen, held);
            }
        );

    /// <summary>LEDGER_WRITE_DOCS=1 writes the file anew.</summary>
    [Fact]
    public void The_state_tables_in_docs_are_those_of_the_deciders()
    {
        var text =
            $"""
            # States

            Generated from the deciders by StateTests: every reachable state against every command. Bold: the state the
            command leads to; code: what it is refused with. `LEDGER_WRITE_DOCS=1 ./test` writes this file anew.

            ## Application

            {Worlds.Table(w =>
                w.Application.Status.ToString().ToLowerInvariant() + (w.Application.Hold is null ? "" : ", on hold")
            )}
            ## Fund

            {Worlds.Table(w => w.Fund switch
            {
                { IsClosed: true } f => f.AvailableFen.IsPositive ? "closed, refund came in" : "closed",
                { InTransitFen.IsPositive: true } => "in transit",
                { ReservedFen.IsPositive: true } => "reserved",
                { AvailableFen.IsPositive: true } => "available",
                { CreditedFen.IsPositive: true } => "credited",
                _ => "empty",
            })}
            ## Plan

            {Plans().Table(PlanLabel)}
            ## Member-year

            {MemberYears().Table(YearLabel)}
            ## Complaint

            {Complaints.Table(ComplaintLabel)}
            """.ReplaceLineEndings(
                "\n"
            );
        var path = Path.Combine(Repository, "docs", "states.md");
        if (Environment.GetEnvironmentVariable("LEDGER_WRITE_DOCS") == "1")
            File.WriteAllText(path, text);
        Assert.Equal(text, File.ReadAllText(path));
    }

    [Fact]
    public void L18_every_complaint_comes_to_an_answer()
    {
        Assert.Equal(
            ["answered", "closed", "escalated", "none", "raised"],
            Complaints.States.Values.Select(ComplaintLabel).Distinct().Order(StringComparer.Ordinal)
        );
        Assert.Empty(Complaints.Stuck(a => a.Complaints.Any(c => !c.IsOpen())));
    }

    private static string ComplaintLabel(Application a) =>
        a.Complaints.Select(c => c.Status.ToString().ToLowerInvariant()).FirstOrDefault("none");

    /// <summary>One complaint of an application that is settled; nothing happens to the money.</summary>
    private static readonly StateGraph<Application> Complaints = ComplaintsOfOne();

    private static StateGraph<Application> ComplaintsOfOne()
    {
        static Outcome<Application> Step(Application a, Decision<Application> d) =>
            d.Rejection is { } r ? new(null, r.Code.Code)
            : d.Events.Count == 0 ? new(null, "no change")
            : new(a.And(a.Id, d.Events), null);
        var today = new DateOnly(2026, 6, 1);
        Outcome<Application> Answered(Application a, bool byCounty) =>
            Step(
                a,
                Complain.Answer(
                    a,
                    "complaint-1",
                    new ComplaintAnswer(false, "x"),
                    byCounty,
                    null,
                    [],
                    Given.Actor(byCounty ? "county" : "township")
                )
            );
        Outcome<Application> Escalated(Application a, DateOnly due) =>
            Step(a, Complain.Escalate(a, "complaint-1", "x", due, today));
        return new StateGraph<Application>(
            Worlds.States.Values.First(w => w.Application.Status == ApplicationStatus.Settled).Application,
            [
                (
                    "complain",
                    a =>
                        a.Complaints.Length > 0
                            ? new(null, "one at a time")
                            : Step(a, Complain.Raise(a, "complaint-1", null, "x"))
                ),
                ("township answers", a => Answered(a, false)),
                ("county answers", a => Answered(a, true)),
                ("take to the county, in time", a => Escalated(a, today)),
                ("take to the county, overdue", a => Escalated(a, today.AddDays(-1))),
                (
                    "its deadline passes",
                    a =>
                        Step(
                            a,
                            Supervision.Escalate(
                                a,
                                a.Complaints.Any(c => c.Status == ComplaintStatus.Raised)
                                    ? [new DeadlineMissed(DeadlineKind.ComplaintAnswer, At, "complaint-1")]
                                    : [],
                                At
                            )
                        )
                ),
            ],
            a => $"{ComplaintLabel(a)} {a.Complaints.Sum(c => c.Answers.Length)}"
        );
    }

    private static readonly DateTimeOffset At = new(2026, 6, 1, 0, 0, 0, TimeSpan.Zero);

    private static string Repository
    {
        get
        {
            var folder = new DirectoryInfo(AppContext.BaseDirectory);
            while (!File.Exists(Path.Combine(folder.FullName, "CollectiveSubsidy.sln")))
                folder = folder.Parent!;
            return folder.FullName;
        }
    }

    private static string PlanLabel(Plan p) =>
        p.AdoptedVersion == p.LatestVersion()
            ? "adopted"
            : (p.AdoptedVersion > 0 ? "amended" : "drafted")
                + (p.LatestResolution is null ? "" : ", resolution")
                + (p.SignedVersion == p.LatestVersion() ? ", signed" : "")
                + (p.CountersignedVersion == p.LatestVersion() ? ", countersigned" : "");

    private static StateGraph<Plan> Plans()
    {
        var parameters = new PolicyParameters(
            new DateOnly(2026, 1, 1),
            [new ContributionTier(new Money(500_000), Money.Zero)],
            262,
            7,
            [new QuorumRule("households", 2, 3, false)],
            CountersignatureRequired: true,
            CommitteeSignsPlan: true
        );
        var policy = Given.State<PolicyYear>("policy", new PolicyYearPublished("3708", 2026, parameters));
        var collective = Given.State<Collective>(
            "collective-1",
            new CollectiveRegistered("c", "n", "370811102201"),
            new CollectiveSurveyed(2026, new Survey(Money.Zero, 300, 200, 100))
        );
        var pilot = Given.State<Pilot>(
            "pilot-370811",
            new PilotApplied("370811", "x", "y", []),
            new PilotApproved("x")
        );
        var content = new PlanContent("s", "s", new Standard(StandardKind.Flat, new Money(100), []));
        Outcome<Plan> Step(Plan p, Decision<Plan> d) =>
            d.Rejection is { } r ? new(null, r.Code.Code) : new(p.And("plan", d.Events), null);
        Resolution Meeting(int attendance, int votes) =>
            new("households", new DateOnly(2026, 3, 1), 90, attendance, votes, 0, new string('d', 64));
        return new StateGraph<Plan>(
            Given.State<Plan>("plan", new PlanDrafted("collective-1", "fund-1", "370811102201", 2026, content)),
            [
                (
                    "record resolution",
                    p =>
                        Step(
                            p,
                            PlanDecider.RecordResolution(
                                p,
                                collective,
                                0,
                                policy,
                                Meeting(80, 70),
                                new DateOnly(2026, 4, 1)
                            )
                        )
                ),
                (
                    "record one short of quorum",
                    p =>
                        Step(
                            p,
                            PlanDecider.RecordResolution(
                                p,
                                collective,
                                0,
                                policy,
                                Meeting(10, 10),
                                new DateOnly(2026, 4, 1)
                            )
                        )
                ),
                ("sign", p => Step(p, PlanDecider.Sign(p, [], Given.Actor("committee")))),
                ("countersign", p => Step(p, PlanDecider.Countersign(p, [], Given.Actor("township")))),
                ("adopt", p => Step(p, PlanDecider.Adopt(p, collective, 0, pilot, policy, [], Given.Actor("x")))),
                ("amend", p => Step(p, PlanDecider.Amend(p, policy, content, "x"))),
            ],
            PlanLabel
        );
    }

    private static string YearLabel(MemberYear y) =>
        (
            y.IsCatchUp() ? "catch-up payer"
            : y.Regular() is null ? "no payment"
            : "payer"
        ) + (y.Subsidies.LastOrDefault() is { } s ? $", {s.Status.ToString().ToLowerInvariant()}" : "");

    private static StateGraph<MemberYear> MemberYears()
    {
        const string id = "member-year-1-2026";
        var member = Given.State<Member>("member-1", new MemberRegistered("collective-1", "370811102201", "d"));
        Outcome<MemberYear> Step(MemberYear y, Decision<MemberYear> d) =>
            d.Rejection is { } r ? new(null, r.Code.Code)
            : d.Events.Count == 0 ? new(null, "no change")
            : new(y.And(id, d.Events), null);
        Outcome<MemberYear> When(MemberYear y, SubsidyStatus status, IEventOf<MemberYear> e) =>
            y.Subsidies.LastOrDefault()?.Status == status ? new(y.And(id, e), null) : new(null, "wrong-state");
        Contribution Paid(ContributionKind kind) =>
            new(kind, new Money(30_000), new Money(30_000), new DateOnly(2026, 1, 1), kind.ToString());
        // What was given back is paid anew under a number of its own.
        Contribution Anew(MemberYear y) =>
            Paid(ContributionKind.Regular) with
            {
                Reference = $"regular-{y.Changes.Length}",
            };
        return new StateGraph<MemberYear>(
            new MemberYear(),
            [
                ("regular payment", y => Step(y, MemberYearDecider.RecordContribution(y, Anew(y)))),
                (
                    "catch-up payment",
                    y => Step(y, MemberYearDecider.RecordContribution(y, Paid(ContributionKind.CatchUp)))
                ),
                (
                    "refund by the tax office",
                    y =>
                        Step(
                            y,
                            ContributionDecider.Record(
                                y,
                                ContributionEntryKind.Refund,
                                Paid(ContributionKind.Regular) with
                                {
                                    Reference = $"refund-{y.Changes.Length}",
                                },
                                null,
                                "d"
                            )
                        )
                ),
                (
                    "approve",
                    y =>
                        Step(
                            y,
                            MemberYearDecider.Approve(
                                y,
                                member,
                                new Lineage(["collective-1"], ["collective-1"]),
                                new SubsidyApproved(
                                    $"application-{y.Subsidies.Length}",
                                    "collective-1",
                                    "fund-1",
                                    "general",
                                    new Money(100),
                                    new FenInterval(0, 100)
                                ),
                                new Money(500_000)
                            )
                        )
                ),
                (
                    "release",
                    y =>
                        When(
                            y,
                            SubsidyStatus.Approved,
                            new SubsidyReleased($"application-{y.Subsidies.Length - 1}", new Money(100), "x")
                        )
                ),
                (
                    "pay",
                    y =>
                        When(
                            y,
                            SubsidyStatus.Approved,
                            new SubsidyPaid($"application-{y.Subsidies.Length - 1}", new Money(100))
                        )
                ),
                (
                    "bank return",
                    y =>
                        When(
                            y,
                            SubsidyStatus.Paid,
                            new SubsidyReturned($"application-{y.Subsidies.Length - 1}", new Money(100))
                        )
                ),
                (
                    "credit",
                    y =>
                        When(
                            y,
                            SubsidyStatus.Paid,
                            new SubsidyCredited($"application-{y.Subsidies.Length - 1}", new Money(100), default, "HZ")
                        )
                ),
                (
                    "clear to the person",
                    y =>
                        Step(
                            y,
                            MemberYearDecider.Clear(
                                y,
                                $"application-{y.Subsidies.Length - 1}",
                                ClearanceReason.EmployeesScheme,
                                new DateOnly(2026, 9, 1),
                                null,
                                ["paper"],
                                Given.Actor("x")
                            )
                        )
                ),
                (
                    "refund",
                    y =>
                        y.Subsidies.LastOrDefault()?.Status is SubsidyStatus.Paid or SubsidyStatus.Credited
                            ? new(
                                y.And(
                                    id,
                                    new SubsidyRefunded(
                                        $"application-{y.Subsidies.Length - 1}",
                                        new Money(100),
                                        RefundReason.CatchUpFound
                                    )
                                ),
                                null
                            )
                            : new(null, "wrong-state")
                ),
            ],
            YearLabel
        );
    }
}

using System.Collections;
using System.Reflection;
using System.Text.Json.Serialization;

namespace Ledger.Api.Tests;

/// <summary>
/// What is written into an event stays for ever. Every string in every event stands here, with what sees to it that it
/// holds no number of a person. A new one is red until somebody has thought about it; PrivacyTests sends a citizen id
/// into those that people write.
/// </summary>
public sealed class EventTextTests
{
    private enum Guard
    {
        /// <summary>
        /// An id that this product makes or looks up before it is written; a digest, a region code, a word of a fixed
        /// list.
        /// </summary>
        Made,

        /// <summary>Who acted: an account's name, which went through Require.Reference when it was opened.</summary>
        Actor,

        /// <summary>Words of people: Require.Prose.</summary>
        Prose,

        /// <summary>A name of something that is no person: Require.Name, RowReader.OptionalName.</summary>
        Name,

        /// <summary>A number that somebody else gave: Require.Reference, RowReader.Reference.</summary>
        Reference,

        /// <summary>Part of an address that somebody sent, looked at where the refusal is written.</summary>
        Refusal,
    }

    private static readonly Dictionary<Guard, string[]> Known = new()
    {
        [Guard.Made] =
        [
            "AccountChangeDeclined.RequestId",
            "AccountChangeRequested.Person",
            "AccountChangeRequested.PersonDigest",
            "AccountChangeRequested.RequestId",
            "AccountChangeRequested.Role",
            "AccountChangeRequested.RoleRegion",
            "AccountHolderNamed.Person",
            "AccountHolderNamed.PersonDigest",
            "CredentialsChanged.Digest",
            "AccountOpened.Person",
            "AccountOpened.PersonDigest",
            "LinesLeftOut.Lines.Code",
            "LinesLeftOut.Lines.MemberId",
            "LinesLeftOut.Lines.Reason",
            "ObjectionResolved.MemberId",
            "YearClosed.Papers",
            "AccountChanged.Role",
            "AccountChanged.RoleRegion",
            "AccountOpened.Role",
            "AccountOpened.RoleRegion",
            "AllocationReversed.AllocationId",
            "AllocationReversed.SubAccount",
            "ApplicationFiled.CollectiveId",
            "ApplicationFiled.FundId",
            "ApplicationFiled.PlanId",
            "ApplicationFiled.RosterDigest",
            "ContributionAdjusted.FileDigest",
            "ContributionRefunded.FileDigest",
            "ApplicationFiled.SealDigest",
            "ApplicationFiled.SubAccount",
            "ApplicationFiled.VillageCode",
            "ApplicationResubmitted.RosterDigest",
            "ApplicationResubmitted.SealDigest",
            "ApplicationReviewed.Verdicts.MemberId",
            "BankFeeReimbursed.Evidence",
            "BankFeeReimbursed.FeeId",
            "BankFeeCharged.Evidence",
            "BankFeeCharged.FeeId",
            "CollectiveMerged.Evidence",
            "CollectiveMerged.IntoCollectiveId",
            "CollectiveRegistered.CreditCode",
            "CollectiveRegistered.VillageCode",
            "CollectiveRenamed.Evidence",
            "CommandRefused.Code",
            "CommandRefused.Command",
            "DeadlineMissed.ObjectionId",
            "DeathRecorded.Evidence",
            "DeathReportDismissed.CollectiveId",
            "DeathReported.CollectiveId",
            "DeathReported.Evidence",
            "DeathRevoked.ChangeId",
            "DeathRevoked.Evidence",
            "DepartureRevoked.ChangeId",
            "DepartureRevoked.CollectiveId",
            "DepartureRevoked.Evidence",
            "DepartureRevoked.VillageCode",
            "MemberChangeDeclined.ChangeId",
            "MemberChangeRequested.ChangeId",
            "MemberChangeRequested.CollectiveId",
            "MemberChangeRequested.Evidence",
            "MemberCorrected.ChangeId",
            "MemberCorrected.CollectiveId",
            "MemberCorrected.Evidence",
            "MemberCorrected.Records.DataDigest",
            "MemberCorrected.Records.RecordId",
            "DonorRegistered.CreditCode",
            "DonorRegistered.DataDigest",
            "DonorRegistered.Region",
            "EarmarkLifted.Evidence",
            "EarmarkLifted.SubAccount",
            "FundClosed.Evidence",
            "FundOpened.CollectiveId",
            "FundOpened.VillageCode",
            "FundsAllocated.AllocationId",
            "FundsAllocated.DonorId",
            "FundsAllocated.Earmark.MemberIds",
            "FundsAllocated.Evidence",
            "FundsAllocated.SubAccount",
            "FundsCredited.ApplicationId",
            "FundsPaid.ApplicationId",
            "FundsPaid.Evidence",
            "FundsRefunded.ApplicationId",
            "FundsRefunded.Evidence",
            "FundsRefunded.MemberId",
            "FundsRefunded.SubAccount",
            "FundsReserved.ApplicationId",
            "FundsReserved.SubAccount",
            "FundsReturned.ApplicationId",
            "FundsReturned.Evidence",
            "FundsTransferred.SubAccount",
            "FundsTransferred.ToFundId",
            "LineRefunded.Evidence",
            "LineRefunded.MemberId",
            "LinesListed.Lines.MemberId",
            "LinesWithdrawn.MemberIds",
            "MemberRegistered.CollectiveId",
            "MemberRegistered.DataDigest",
            "MemberRegistered.RecordId",
            "MemberRegistered.VillageCode",
            "MembersSeparated.Evidence",
            "MembersSeparated.IntoCollectiveId",
            "MembershipDeclined.CollectiveId",
            "MembershipDeclined.RequestId",
            "MembershipEnded.CollectiveId",
            "MembershipMoved.FromCollectiveId",
            "MembershipMoved.ToCollectiveId",
            "MembershipMoved.VillageCode",
            "MembershipRequested.CollectiveId",
            "MembershipRequested.DataDigest",
            "MembershipRequested.RequestId",
            "MembershipRequested.VillageCode",
            "ObjectionRaised.MemberId",
            "ObjectionRaised.ObjectionId",
            "ObjectionResolved.ObjectionId",
            "NoticeProofRecorded.Evidence",
            "PaymentReturned.Evidence",
            "PaymentReturned.MemberIds",
            "PaymentSent.Evidence",
            "PaymentSent.MemberIds",
            "PilotApplied.County",
            "PilotApplied.Evidence",
            "PlanDrafted.CollectiveId",
            "PlanDrafted.FundId",
            "PlanDrafted.VillageCode",
            "PlanStepRecorded.Evidence",
            "PolicyYearPublished.Region",
            "PredecessorAbsorbed.Earlier",
            "PredecessorAbsorbed.FromCollectiveId",
            "ReceiptConfirmed.MemberIds",
            "ReceiptConfirmed.ReceiptDigest",
            "ReceiptConfirmed.Unmatched.Reason",
            "RecordDeclined.CollectiveId",
            "RecordJoined.CollectiveId",
            "RecordJoined.MemberId",
            "ReservationReleased.ApplicationId",
            "ReservationReleased.SubAccount",
            "ResolutionPublished.Evidence",
            "ResolutionRecorded.Resolution.Authorisation",
            "ResolutionRecorded.Resolution.Minutes",
            "ReversalRequested.AllocationId",
            "SponsorshipRecorded.DonorId",
            "SponsorshipRecorded.Evidence",
            "SponsorshipRecorded.SponsorshipId",
            "SponsorshipReversed.Evidence",
            "SponsorshipReversed.SponsorshipId",
            "SubsidyApproved.ApplicationId",
            "SubsidyApproved.CollectiveId",
            "SubsidyApproved.FundId",
            "SubsidyApproved.SubAccount",
            "SubsidyCleared.ApplicationId",
            "SubsidyCleared.Evidence",
            "SubsidyCredited.ApplicationId",
            "SubsidyPaid.ApplicationId",
            "SubsidyRefunded.ApplicationId",
            "SubsidyReleased.ApplicationId",
            "SubsidyReturned.ApplicationId",
            "SurplusReturned.Evidence",
            "SurplusReturned.SubAccount",
            "TransferReceived.Earmark.MemberIds",
            "TransferReceived.FromFundId",
            "TransferReceived.SubAccount",
            "YearClosed.TrialBalance.Account",
            "YearClosed.TrialBalanceDigest",
        ],
        [Guard.Actor] =
        [
            "AccountChangeRequested.RequestedBy",
            "AccountChanged.RequestedBy",
            "AccountOpened.RequestedBy",
            "ApplicationApproved.OnBehalfOf",
            "ApplicationFiled.OnBehalfOf",
            "ApplicationResubmitted.OnBehalfOf",
            "ApplicationReviewed.OnBehalfOf",
            "ContributionReversalRequested.OnBehalfOf",
            "CredentialsIssued.RequestedBy",
            "LinesLeftOut.LeftOutBy",
            "PaymentSent.OnBehalfOf",
            "PilotApplied.OnBehalfOf",
            "ReversalRequested.OnBehalfOf",
            "AllocationReversed.ConfirmedBy",
            "ApplicationApproved.ApprovedBy",
            "ApplicationFiled.FiledBy",
            "ApplicationRejected.RejectedBy",
            "ApplicationResubmitted.FiledBy",
            "ApplicationReturned.ReturnedBy",
            "ApplicationReviewed.ReviewedBy",
            "ApplicationSettled.SettledBy",
            "ApplicationWithdrawn.WithdrawnBy",
            "ContributionReversalRequested.RequestedBy",
            "ContributionReversed.ConfirmedBy",
            "DeathReportDismissed.DismissedBy",
            "DeathReported.ReportedBy",
            "DeathRevoked.RevokedBy",
            "DepartureRevoked.RevokedBy",
            "MemberChangeDeclined.DeclinedBy",
            "MemberChangeRequested.OnBehalfOf",
            "MemberChangeRequested.RequestedBy",
            "MemberCorrected.CorrectedBy",
            "DelegationEnded.To",
            "DelegationGranted.To",
            "LineRefunded.RefundedBy",
            "SubsidyCleared.ClearedBy",
            "LinesWithdrawn.WithdrawnBy",
            "MembershipDeclined.DeclinedBy",
            "MembershipRequested.RequestedBy",
            "ObjectionResolved.ResolvedBy",
            "PaymentListDisclosed.DisclosedTo",
            "PaymentReturned.RecordedBy",
            "PaymentSent.PaidBy",
            "PilotApplied.AppliedBy",
            "PlanCountersigned.CountersignedBy",
            "ReceiptConfirmed.ConfirmedBy",
            "ReversalRequested.RequestedBy",
        ],
        [Guard.Prose] =
        [
            "AccountChangeDeclined.Reason",
            "AccountChangeRequested.Reason",
            "YearClosed.Explanation",
            "AccountClosed.Reason",
            "ApplicationRejected.Reason",
            "ApplicationReturned.Reason",
            "ApplicationReviewed.Verdicts.Reason",
            "ApplicationWithdrawn.Reason",
            "CollectiveMerged.Reason",
            "ContributionReversalRequested.Reason",
            "CredentialsIssued.Reason",
            "DeathReportDismissed.Reason",
            "DeathRevoked.Reason",
            "DepartureRevoked.Reason",
            "MemberChangeDeclined.Reason",
            "MemberChangeRequested.Reason",
            "MemberCorrected.Reason",
            "DonorDataErased.Reason",
            "FundClosed.Reason",
            "FundsAllocated.SourceName",
            "LinesWithdrawn.Reason",
            "MembersSeparated.Reason",
            "MembershipDeclined.Reason",
            "MembershipEnded.Reason",
            "NoticePublished.Place",
            "ObjectionRaised.Text",
            "ResolutionPublished.Place",
            "ObjectionResolved.Answer",
            "PaymentReturned.Reason",
            "PersonalDataDisclosed.Reason",
            "PersonalDataErased.Reason",
            "PilotApplied.Grounds",
            "PilotApproved.Reasons",
            "PilotDeclined.Reasons",
            "PilotEnded.Reasons",
            "PlanAmended.Content.Scope",
            "PlanAmended.Content.Source",
            "PlanAmended.Reason",
            "PlanDrafted.Content.Scope",
            "PlanDrafted.Content.Source",
            "RecordDeclined.Reason",
            "ReservationReleased.Reason",
            "ReversalRequested.Reason",
            "SponsorshipReversed.Reason",
            "SubsidyReleased.Reason",
            "SurplusReturned.Reason",
        ],
        [Guard.Name] =
        [
            "PolicyYearAmended.Parameters.Payee.Bank",
            "PolicyYearAmended.Parameters.Payee.Name",
            "PolicyYearPublished.Parameters.Payee.Bank",
            "PolicyYearPublished.Parameters.Payee.Name",
            "CollectiveRegistered.Name",
            "CollectiveRenamed.Name",
            "DonorRegistered.Name",
            "FundOpened.Name",
            "FundRenamed.Name",
            "FundsAllocated.Earmark.Group",
            "MemberCorrected.Group",
            "MemberRegistered.Group",
            "MembershipRequested.Group",
            "PolicyYearAmended.Parameters.Quorums.Form",
            "PolicyYearPublished.Parameters.Quorums.Form",
            "ResolutionRecorded.Resolution.Form",
            "TransferReceived.Earmark.Group",
        ],
        [Guard.Reference] =
        [
            "PolicyYearAmended.Parameters.Payee.Number",
            "PolicyYearPublished.Parameters.Payee.Number",
            "AccountChangeRequested.Name",
            "AccountOpened.Name",
            "ContributionAdjusted.Of",
            "ContributionAdjusted.Reference",
            "ContributionRefunded.Of",
            "ContributionRefunded.Reference",
            "ContributionRecorded.Reference",
            "ContributionReversalRequested.ConfirmBy",
            "ContributionReversalRequested.Reference",
            "ContributionReversed.Reference",
            "FundsPaid.BankReference",
            "BankFeeReimbursed.BankReference",
            "BankFeeCharged.BankReference",
            "FundsRefunded.BankReference",
            "FundsReturned.BankReference",
            "LineRefunded.BankReference",
            "PaymentReturned.BankReference",
            "PaymentSent.BankReference",
            "ReversalRequested.ConfirmBy",
            "SubsidyCredited.ReceiptNumber",
        ],
        [Guard.Refusal] = ["CommandRefused.TargetId"],
    };

    [Fact]
    public void Every_string_of_every_event_is_known_and_guarded()
    {
        var present = EventTypes
            .All.SelectMany(t => Strings(t, t.Name, []))
            .Distinct()
            .Order(StringComparer.Ordinal)
            .ToList();
        var unknown = present.Except(Known.Values.SelectMany(k => k)).ToList();
        Assert.True(
            unknown.Count == 0,
            $"how does no name or number of a person get into these?\n{string.Join('\n', unknown)}"
        );
        Assert.Empty(Known.Values.SelectMany(k => k).Except(present));
    }

    private static IEnumerable<string> Strings(Type type, string path, Type[] within)
    {
        if (type == typeof(string))
            return [path];
        if (type.IsGenericType && type.IsAssignableTo(typeof(IEnumerable)))
            return type.GetGenericArguments().SelectMany(a => Strings(a, path, within));
        if (
            type.IsPrimitive
            || type.IsEnum
            || type.Namespace?.StartsWith("Ledger.Domain", StringComparison.Ordinal) != true
            || within.Contains(type)
        )
            return [];
        return new[] { type }
            .Concat(type.GetCustomAttributes<JsonDerivedTypeAttribute>().Select(d => d.DerivedType))
            .SelectMany(t => t.GetProperties(BindingFlags.Public | BindingFlags.Instance))
            .Where(p => p.GetCustomAttribute<JsonIgnoreAttribute>() is null && p.Name != "EqualityContract")
            .SelectMany(p => Strings(p.PropertyType, $"{path}.{p.Name}", [.. within, type]));
    }
}

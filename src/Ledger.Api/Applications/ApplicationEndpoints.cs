using Ledger.Api.Commands;
using Ledger.Api.Exports;
using Ledger.Api.Imports;
using Ledger.Api.Jobs;
using Ledger.Api.Members;
using Ledger.Api.Notices;
using Ledger.Api.Plans;
using Ledger.Api.Policies;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Domain;
using Ledger.Domain.Applications;
using Ledger.Domain.Applications.Steps;
using Ledger.Domain.Collectives;
using Ledger.Domain.Identity;
using Ledger.Domain.Members;
using Ledger.Domain.Policies;
using Ledger.Projections.Provenance;
using Ledger.Projections.WorkQueues;
using Marten;
using Marten.Linq.MatchesSql;
using Npgsql;

namespace Ledger.Api.Applications;

public sealed record VerdictBody(string MemberId, bool Accepted, string? Reason = null);

/// <param name="AcceptRest">Every line without a verdict is accepted.</param>
/// <param name="AcceptSound">Every line without a verdict that the check has nothing against is accepted; the others
/// stay undecided, to be asked for one by one.</param>
public sealed record ReviewBody(
    IReadOnlyList<VerdictBody>? Verdicts = null,
    bool AcceptRest = false,
    bool AcceptSound = false
);

public sealed record NoticeBody(string Place);

/// <summary>Digests of photos of the notice on its board.</summary>
public sealed record NoticeProofBody(IReadOnlyList<string> Evidence);

public sealed record ObjectionBody(string Text, string? MemberId = null);

/// <summary><paramref name="Number"/>: whom it is about, by the number on the notice (序号).</summary>
public sealed record PublicObjectionBody(string Text, int? Number = null);

/// <summary>
/// Upheld: against <paramref name="MemberId"/> (else whom the objection named), whose line falls, or against the
/// <paramref name="WholeList"/>, which ends the application. <paramref name="CorrectedAmount"/>: what the amount should
/// have been; the village applies for it anew.
/// </summary>
public sealed record ObjectionAnswerBody(
    bool Upheld,
    string Answer,
    string? MemberId = null,
    bool WholeList = false,
    Money? CorrectedAmount = null
);

public sealed record ObjectionClosureBody(IReadOnlyList<string>? ObjectionIds, string Reason);

/// <summary>
/// The transfer to the agency. <paramref name="Amount"/> must equal what was approved for the lines paid;
/// <paramref name="Purpose"/> is member-subsidy. <paramref name="MemberIds"/>: only these (partial payment); all
/// approved lines when absent.
/// <paramref name="ConfirmDuplicate"/>: after <c>possible-duplicate</c>, why it is not the entry named there.
/// </summary>
public sealed record PaymentBody(
    Money Amount,
    string Purpose,
    string BankReference,
    IReadOnlyList<string>? Evidence = null,
    DateOnly? EffectiveDate = null,
    IReadOnlyList<string>? MemberIds = null,
    string? ConfirmDuplicate = null
);

public sealed record WithdrawalBody(IReadOnlyList<string>? MemberIds, string Reason);

/// <summary>The bank sent the payment of these lines back (银行退回).</summary>
public sealed record BankReturnBody(
    IReadOnlyList<string>? MemberIds,
    string BankReference,
    string Reason,
    IReadOnlyList<string>? Evidence = null,
    string? ConfirmDuplicate = null
);

/// <summary>The agency sends one member's subsidy back to the fund.</summary>
public sealed record RefundBody(
    string MemberId,
    RefundReason Reason,
    string BankReference,
    IReadOnlyList<string>? Evidence = null,
    DateOnly? EffectiveDate = null,
    string? ConfirmDuplicate = null
);

/// <summary>Applications (补助申请) from filing to settlement, C14..C17.</summary>
public static class ApplicationEndpoints
{
    private const int MaxPage = 1000;
    public static readonly string[] Readers =
    [
        Roles.VillageFinance,
        Roles.SupervisionCommittee,
        Roles.Agency,
        Roles.Auditor,
        Roles.Township,
        Roles.CityHrss,
        .. Roles.County,
    ];

    public static void MapApplications(this IEndpointRouteBuilder api)
    {
        api.MapPost("/applications", Filing.File)
            .Command<FilingView>(
                "file-application",
                "提交补助申请（JSON 或附名单文件，C14） · File an application",
                Roles.VillageFinance
            )
            .TakesSheet(Sheets.RosterForm)
            .Accepts<FilingBody>("application/json", "multipart/form-data")
            .Refuses(
                Rejections.CountyNotInPilot,
                Rejections.PlanNotAdopted,
                Rejections.ResolutionUnpublished,
                Rejections.SealMissing,
                Rejections.RosterInvalid,
                Rejections.PossibleDuplicate,
                Rejections.NotAMember,
                Rejections.NotContributed,
                Rejections.CatchUpContribution,
                Rejections.GovernmentPaidOnly,
                Rejections.AlreadySubsidised,
                Rejections.EarmarkMismatch,
                Rejections.EvidenceMissing,
                Rejections.MemberDeceased,
                Rejections.AgeIneligible,
                Rejections.CollectiveMerged,
                Rejections.CollectiveDissolved,
                Rejections.PolicyYearMissing,
                Rejections.FileInvalid,
                Rejections.LimitExceeded,
                Rejections.NotFound,
                Rejections.FieldInvalid,
                Rejections.AmountInvalid,
                Rejections.StandardInvalid
            )
            .Example(
                """{"planId":"plan-N2370811MF0000001J-2026","seal":"<盖章扫描件的摘要>","lines":[{"memberId":"member-…"}]}"""
            );
        api.MapPost("/applications/roster-check", Filing.CheckRoster)
            .Command<RosterCheckView>(
                "check-roster",
                "核对名单而不提交：逐行列出问题、金额合计（C14） · Look at a roster before filing it",
                Roles.VillageFinance
            )
            .TakesSheet(Sheets.RosterForm)
            .Refuses(
                Rejections.CountyNotInPilot,
                Rejections.PlanNotAdopted,
                Rejections.ResolutionUnpublished,
                Rejections.EarmarkMismatch,
                Rejections.CollectiveMerged,
                Rejections.CollectiveDissolved,
                Rejections.FileInvalid,
                Rejections.LimitExceeded,
                Rejections.NotFound,
                Rejections.FieldInvalid,
                Rejections.BodyInvalid
            );
        api.MapPost("/applications/{id}/resubmission", Filing.Resubmit)
            .Command<FilingView>(
                "resubmit-application",
                "补正后重新提交 (C15) · Resubmit after correction",
                Roles.VillageFinance
            )
            .TakesSheet(Sheets.RosterForm)
            .Accepts<FilingBody>("application/json", "multipart/form-data")
            .Refuses(
                Rejections.WrongState,
                Rejections.SealMissing,
                Rejections.RosterInvalid,
                Rejections.PossibleDuplicate,
                Rejections.PlanNotAdopted,
                Rejections.ResolutionUnpublished,
                Rejections.CountyNotInPilot,
                Rejections.EvidenceMissing,
                Rejections.FileInvalid,
                Rejections.LimitExceeded,
                Rejections.NotFound,
                Rejections.VersionMismatch,
                Rejections.AmountInvalid
            )
            .Example("""{"seal":"<盖章扫描件的摘要>","lines":[{"memberId":"member-…"}]}""");
        api.MapPost("/applications/{id}/review", Reviewing)
            .Command<ApplicationView>("review-application", "逐行复核 (C15) · Review line by line", Roles.Agency)
            .Refuses(
                Rejections.SelfApproval,
                Rejections.WrongState,
                Rejections.FindingOpen,
                Rejections.PolicyYearMissing,
                Rejections.FieldInvalid,
                Rejections.NotFound,
                Rejections.VersionMismatch
            )
            .Example(
                """{"verdicts":[{"memberId":"member-…","accepted":false,"reason":"户籍已迁出"}],"acceptRest":true}"""
            );
        api.MapPost("/applications/{id}/return", Return)
            .Command<ApplicationView>("return-application", "退回补正 (C15) · Return for correction", Roles.Agency)
            .Refuses(
                Rejections.SelfApproval,
                Rejections.WrongState,
                Rejections.FieldInvalid,
                Rejections.NotFound,
                Rejections.VersionMismatch
            )
            .Example("""{"reason":"名单缺少第3组人员"}""");
        api.MapPost("/applications/{id}/rejection", Reject)
            .Command<ApplicationView>("reject-application", "驳回 (C15) · Reject", Roles.Agency)
            .Refuses(
                Rejections.SelfApproval,
                Rejections.WrongState,
                Rejections.FieldInvalid,
                Rejections.NotFound,
                Rejections.VersionMismatch
            )
            .Example("""{"reason":"不符合条件"}""");
        api.MapPost("/applications/{id}/approval", Approving.Approval)
            .Command<ApplicationView>(
                "approve-application",
                "审批：一次事务内占用资金和各人额度 (C9 C11 C15) · Approve",
                Roles.Agency
            )
            .Refuses(
                Rejections.SelfApproval,
                Rejections.WrongState,
                Rejections.ReviewIncomplete,
                Rejections.CountyNotInPilot,
                Rejections.FundOverdrawn,
                Rejections.EarmarkMismatch,
                Rejections.CapExceeded,
                Rejections.NotAMember,
                Rejections.MemberDeceased,
                Rejections.CollectiveMerged,
                Rejections.CollectiveDissolved,
                Rejections.FundClosed,
                Rejections.NotContributed,
                Rejections.CatchUpContribution,
                Rejections.GovernmentPaidOnly,
                Rejections.AlreadySubsidised,
                Rejections.AmountChanged,
                Rejections.AgeIneligible,
                Rejections.FindingOpen,
                Rejections.PolicyYearMissing,
                Rejections.NotFound,
                Rejections.VersionMismatch
            );
        api.MapPost("/applications/{id}/notice", Notice)
            .Command<ApplicationView>("publish-notice", "公示 (C16) · Publish the notice", Roles.VillageFinance)
            .Refuses(
                Rejections.WrongState,
                Rejections.PolicyYearMissing,
                Rejections.FieldInvalid,
                Rejections.NotFound,
                Rejections.VersionMismatch
            )
            .Example("""{"place":"村务公开栏"}""");
        api.MapPost("/applications/{id}/notice/proof", NoticeProof)
            .Command<ApplicationView>(
                "prove-notice",
                "登记公示的张贴照片 (L6) · Photos of the notice on its board",
                Roles.VillageFinance
            )
            .Refuses(
                Rejections.WrongState,
                Rejections.EvidenceMissing,
                Rejections.LimitExceeded,
                Rejections.NotFound,
                Rejections.VersionMismatch
            )
            .Example("""{"evidence":["<张贴照片的摘要>"]}""");
        api.MapPost("/applications/{id}/objections", Objecting.Object)
            .Command<ApplicationView>(
                "raise-objection",
                "登记异议 (C16) · Record an objection",
                Roles.VillageFinance,
                Roles.Township,
                Roles.Agency
            )
            .Refuses(Rejections.WrongState, Rejections.FieldInvalid, Rejections.NotFound, Rejections.VersionMismatch)
            .Example("""{"memberId":"member-…","text":"该户今年未缴费"}""");
        api.MapPost("/applications/{id}/objections/{objectionId}/answer", Objecting.Answer)
            .Command<ApplicationView>(
                "answer-objection",
                "答复异议：成立须指明人员或整份名单，其资金退回 (C16) · Answer an objection",
                Roles.Township,
                Roles.Agency
            )
            .Refuses(
                Rejections.SelfApproval,
                Rejections.WrongState,
                Rejections.FieldInvalid,
                Rejections.NotFound,
                Rejections.VersionMismatch
            )
            .Example("""{"upheld":true,"answer":"经核对，该户已迁出","memberId":"member-…"}""");
        api.MapPost("/applications/{id}/objections/closure", Objecting.Close)
            .Command<ApplicationView>(
                "close-empty-objections",
                "关闭无实质内容的匿名异议，写明理由，留痕 (C16) · Close anonymous objections that say nothing",
                Roles.Township
            )
            .Refuses(
                Rejections.SelfApproval,
                Rejections.WrongState,
                Rejections.FieldInvalid,
                Rejections.LimitExceeded,
                Rejections.NotFound,
                Rejections.VersionMismatch
            )
            .Example("""{"objectionIds":["objection-…"],"reason":"没有指明何人何事，无从核实"}""");
        api.MapPost("/applications/{id}/payment", Paying.Payment)
            .Command<ApplicationView>(
                "send-payment",
                "付款至经办机构 (C9 C16 C17) · Send the payment",
                Roles.VillageFinance
            )
            .Refuses(
                Rejections.FindingOpen,
                Rejections.SelfApproval,
                Rejections.NoticeOpen,
                Rejections.PaymentHeld,
                Rejections.CommitteeSignatureMissing,
                Rejections.UseOutsideRingFence,
                Rejections.EvidenceMissing,
                Rejections.AmountInvalid,
                Rejections.WrongState,
                Rejections.YearClosed,
                Rejections.NotAMember,
                Rejections.MemberDeceased,
                Rejections.NotContributed,
                Rejections.CatchUpContribution,
                Rejections.GovernmentPaidOnly,
                Rejections.AlreadySubsidised,
                Rejections.AmountChanged,
                Rejections.PolicyYearMissing,
                Rejections.DateBeforeBasis,
                Rejections.PossibleDuplicate,
                Rejections.FieldInvalid,
                Rejections.NotFound,
                Rejections.VersionMismatch
            )
            .Example(
                """
                {"amount":60000.00,"purpose":"member-subsidy","bankReference":"NX20260618000123",
                 "evidence":["<银行回单的摘要>"],"effectiveDate":"2026-06-18"}
                """
            );
        api.MapPost("/applications/{id}/receipts/import", Crediting.Receipts)
            .Command<ReceiptView>(
                "import-receipts",
                "导入经办机构入账回执（.xlsx/.csv，C17） · Import the agency's receipts",
                Roles.Agency
            )
            .TakesSheet(Sheets.Receipts)
            .MayBeAJob(Roster.MaxLines) // an application's receipts are one command
            .Refuses(
                Rejections.SelfApproval,
                Rejections.ProfileInvalid,
                Rejections.ReceiptMismatch,
                Rejections.PossibleDuplicate,
                Rejections.DateBeforeBasis,
                Rejections.WrongState,
                Rejections.FileInvalid,
                Rejections.LimitExceeded,
                Rejections.NotFound,
                Rejections.AmountInvalid,
                Rejections.BodyInvalid,
                Rejections.VersionMismatch
            );
        api.MapPost("/applications/{id}/line-withdrawals", Withdrawing.Lines)
            .Command<ApplicationView>(
                "withdraw-lines",
                "撤回部分人员，占用的资金和额度退还 (C14) · Withdraw lines before payment",
                Roles.VillageFinance
            )
            .Refuses(Rejections.WrongState, Rejections.FieldInvalid, Rejections.NotFound, Rejections.VersionMismatch)
            .Example("""{"memberIds":["member-…"],"reason":"本人放弃"}""");
        api.MapPost("/applications/{id}/withdrawal", Withdrawing.Whole)
            .Command<ApplicationView>(
                "withdraw-application",
                "撤回申请，占用的资金和额度退还 (C14) · Withdraw the application before payment",
                Roles.VillageFinance
            )
            .Refuses(Rejections.WrongState, Rejections.FieldInvalid, Rejections.NotFound, Rejections.VersionMismatch)
            .Example("""{"reason":"名单须重新议定"}""");
        api.MapPost("/applications/{id}/bank-returns", ComingBack.FromBank)
            .Command<ApplicationView>(
                "record-bank-return",
                "登记银行退回，可再次付款或撤回 (C17) · Record a payment that the bank sent back",
                Roles.VillageFinance
            )
            .Refuses(
                Rejections.WrongState,
                Rejections.EvidenceMissing,
                Rejections.PossibleDuplicate,
                Rejections.FieldInvalid,
                Rejections.NotFound,
                Rejections.VersionMismatch
            )
            .Example(
                """
                {"memberIds":["member-…"],"bankReference":"NXTH20260620001","reason":"账号有误",
                 "evidence":["<退汇凭证的摘要>"]}
                """
            );
        api.MapPost("/applications/{id}/refunds", ComingBack.FromAgency)
            .Command<ApplicationView>(
                "refund-line",
                "经办机构退回一人的补助，额度退还；已入账的不因死亡退回 (C5 C17 L1) · Refund one member's subsidy",
                Roles.Agency
            )
            .Refuses(
                Rejections.CreditedIsFinal,
                Rejections.WrongState,
                Rejections.EvidenceMissing,
                Rejections.YearClosed,
                Rejections.DateBeforeBasis,
                Rejections.PossibleDuplicate,
                Rejections.FieldInvalid,
                Rejections.NotFound,
                Rejections.VersionMismatch
            )
            .Example(
                """
                {"memberId":"member-…","reason":"catch-up-found","bankReference":"TH20260901001",
                 "evidence":["<退款凭证的摘要>"]}
                """
            );
        api.MapPost("/applications/{id}/settlement", Settling)
            .Command<ApplicationView>("settle-application", "办结 (C17) · Settle", Roles.Agency)
            .Refuses(Rejections.WrongState, Rejections.NotFound, Rejections.VersionMismatch);

        api.MapGet("/applications", List)
            .Reading<IReadOnlyList<WorkItemView>>(
                "list-applications",
                "申请列表与待办（waitingForMe=true 只列等我办理的，Accept 为 .xlsx 时得到表格） · Work queue",
                Readers
            )
            .Refuses(Rejections.FieldInvalid);
        api.MapGet("/applications/{id}", Read)
            .Reading<ApplicationView>("read-application", "查看申请 · Read an application", Readers)
            .Refuses(Rejections.NotFound);
        api.MapGet("/applications/{id}/lines", Lines)
            .Reading<LinePage>("read-application-lines", "申请名单（脱敏，分页） · Lines of an application", Readers)
            .Refuses(Rejections.NotFound, Rejections.FieldInvalid);
        api.MapGet("/applications/{id}/remittance", Paying.Remittance)
            .Reading<RemittanceView>(
                "read-remittance",
                "付款去向：收款账户，按来源分为集体补助4102、其他收入4501 (L12 L13) · Where the money goes, split by source",
                Readers
            )
            .Refuses(Rejections.NotFound, Rejections.LimitExceeded);
        api.MapPost("/notices/{id}/objections", Objecting.ObjectPublicly)
            .Command<ObjectionReceiptView>(
                "raise-public-objection",
                "公示期内任何人提出异议 (C16) · Anybody objects while the notice is open"
            )
            .Refuses(Rejections.WrongState, Rejections.FieldInvalid, Rejections.NotFound, Rejections.LimitExceeded)
            .Example("""{"text":"今年没有缴费","number":3}""");
        api.MapGet("/notices/{id}/objections/{objectionId}", Objecting.Read)
            .Reading<ObjectionStatusView>(
                "read-objection",
                "凭查询号查看异议（公开） · Follow an objection by its number"
            )
            .Refuses(Rejections.NotFound);
        api.MapComplaints();
        api.MapPost("/applications/{id}/payment-list", Paying.List)
            .Command<PaymentListView>(
                "download-payment-list",
                "下载付款清单（.xlsx，含姓名证件号、来源分列，下载留痕，C17 L12 L13） · The list of a payment, in clear; on record",
                Roles.VillageFinance
            )
            .Refuses(
                Rejections.FindingOpen,
                Rejections.ProfileInvalid,
                Rejections.WrongState,
                Rejections.PaymentHeld,
                Rejections.NotAMember,
                Rejections.MemberDeceased,
                Rejections.NotContributed,
                Rejections.CatchUpContribution,
                Rejections.GovernmentPaidOnly,
                Rejections.AlreadySubsidised,
                Rejections.AmountChanged,
                Rejections.PolicyYearMissing,
                Rejections.NotFound,
                Rejections.VersionMismatch
            );
        api.MapGet("/notices/{id}", PublicNotice)
            .Reading<NoticeView>("read-notice", "公示内容（公开，脱敏） · Public notice")
            .Refuses(Rejections.NotFound);
        api.MapCommittee();
    }

    /// <summary>What the village's supervision committee does, and what the township does of it (L7).</summary>
    private static void MapCommittee(this IEndpointRouteBuilder api)
    {
        api.MapPost("/applications/{id}/payment-signature", SignPayment)
            .Command<ApplicationView>(
                "sign-payment",
                "村务监督委员会在待付款名单上签字 (L7) · The supervision committee signs what is to be paid",
                Roles.SupervisionCommittee
            )
            .Refuses(
                Rejections.SelfApproval,
                Rejections.NoticeOpen,
                Rejections.PaymentHeld,
                Rejections.WrongState,
                Rejections.NotFound,
                Rejections.VersionMismatch
            );
        api.MapPost("/applications/{id}/hold", HoldPayment)
            .Command<ApplicationView>(
                "hold-payment",
                "村务监督委员会叫停付款，写明理由 (L7) · The supervision committee puts the payment on hold",
                Roles.SupervisionCommittee
            )
            .Refuses(Rejections.WrongState, Rejections.FieldInvalid, Rejections.NotFound, Rejections.VersionMismatch)
            .Example("""{"reason":"第3组两户已迁出，名单未核实"}""");
        api.MapPost("/applications/{id}/hold/lift", LiftHold)
            .Command<ApplicationView>(
                "lift-payment-hold",
                "乡镇（街道）查明后解除叫停，写明理由 (L7) · The township lifts a hold",
                Roles.Township
            )
            .Refuses(
                Rejections.SelfApproval,
                Rejections.WrongState,
                Rejections.FieldInvalid,
                Rejections.NotFound,
                Rejections.VersionMismatch
            )
            .Example("""{"reason":"已入户核实，两户户籍仍在本村"}""");
    }

    private static Task<Answer> SignPayment(string id, Command command) =>
        Change(id, command, (a, by) => Committee.Sign(a, command.Today, by));

    private static Task<Answer> HoldPayment(string id, ReasonBody body, Command command) =>
        Change(id, command, (a, by) => Committee.Hold(a, Require.Prose(body.Reason, "reason", 500), command.Today, by));

    private static Task<Answer> LiftHold(string id, ReasonBody body, Command command) =>
        Change(id, command, (a, by) => Committee.Lift(a, Require.Prose(body.Reason, "reason", 500), by));

    private static async Task<Answer> Reviewing(string id, ReviewBody body, Command command, PersonalData people)
    {
        var verdicts = (body.Verdicts ?? [])
            .Select(
                (v, i) =>
                    new LineVerdict(
                        v.MemberId,
                        v.Accepted,
                        v.Reason is null ? null : Require.Prose(v.Reason, $"verdicts[{i}].reason", 1000)
                    )
            )
            .ToList();
        var application = await command.LoadAsync<Application>(id);
        // With the people everything is read that comes before them: locks have one order.
        var (basis, policy) = body.AcceptSound
            ? await Approving.BasisAsync(application, command, people)
            : ((LineBasis?)null, await command.PolicyYearAsync(application.Region, application.Year));
        var limits = policy.AgeLimits();
        var ages =
            basis?.Ages
            ?? await people.AgesAsync(command.Connection, application.Lines.Select(l => l.MemberId), application.Year);
        var found = basis?.Members ?? await FoundAsync(application, command);
        var against = basis is null
            ? null
            : application
                .Lines.Select(l =>
                    (l.MemberId, Against: LineCheck.Against(application, l, basis, policy.HighestTierFen))
                )
                .Where(l => l.Against is not null)
                .ToDictionary(l => l.MemberId, l => l.Against!.Value.Text);
        var findings = application
            .Lines.Select(l =>
                (
                    l.MemberId,
                    Finding: LineCheck.Finding(
                        limits.Finding(ages.TryGetValue(l.MemberId, out var age) ? age : null),
                        found.GetValueOrDefault(l.MemberId)?.Insurance
                    )
                )
            )
            .Where(f => f.Finding is not null)
            .ToDictionary(f => f.MemberId, f => f.Finding!);
        var own = await OwnAsync(application, policy, basis, command);
        if (against is not null)
            foreach (var line in own)
                against.TryAdd(line.MemberId, "缴费记录由您本人导入，须另一人复核");
        var by = await command.ActorAmongAsync(application.Handlers());
        application = command.Append(
            id,
            application,
            Review.Decide(application, verdicts, body.AcceptRest, findings, by, against, own)
        );
        return new Answer(ApplicationView.Of(application), application.Revision);
    }

    /// <summary>The lines that rest on what the reviewer recorded himself: nearly always none, then nothing is
    /// read.</summary>
    private static async Task<IReadOnlyList<Line>> OwnAsync(
        Application application,
        PolicyYear policy,
        LineBasis? basis,
        Command command
    )
    {
        var records = await Approving.OwnRecordsAsync([.. application.Lines.Select(application.MemberYearId)], command);
        return records.References.Count == 0
            ? []
            : records.Among(
                application,
                application.Lines,
                basis?.Years ?? await command.SoundAsync<MemberYear>([.. records.References.Keys]),
                policy.Parameters.GovernmentPaidOpensSubsidy
            );
    }

    /// <summary>Who of the list stands on the agency's, too (L19): few, so that the others are not locked.</summary>
    private static async Task<IReadOnlyDictionary<string, Member>> FoundAsync(Application application, Command command)
    {
        var ids = await command.Connection.QueryAsync(
            $"""
            select distinct stream_id
              from {LedgerStore.Schema}.mt_events
             where type = 'insurance_checked'
               and stream_id = any(@ids)
            """,
            r => r.GetString(0),
            ("ids", application.Lines.Select(l => l.MemberId).ToArray())
        );
        return await command.ReadManyAsync<Member>(ids);
    }

    private static Task<Answer> Return(string id, ReasonBody body, Command command) =>
        Change(id, command, (a, by) => Review.Return(a, Require.Prose(body.Reason, "reason", 500), by));

    private static Task<Answer> Reject(string id, ReasonBody body, Command command) =>
        Change(id, command, (a, by) => Review.Reject(a, Require.Prose(body.Reason, "reason", 500), by));

    private static Task<Answer> Settling(string id, Command command) =>
        Change(id, command, (a, by) => Settle.Decide(a, by));

    private static async Task<Answer> Notice(string id, NoticeBody body, Command command)
    {
        var application = await command.LoadAsync<Application>(id);
        var policy = await command.PolicyYearAsync(application.Region, application.Year);
        application = command.Append(
            id,
            application,
            PublishNotice.Decide(
                application,
                Require.Prose(body.Place, "place", 200),
                policy.Parameters.NoticeDays,
                command.Today
            )
        );
        return new Answer(ApplicationView.Of(application), application.Revision);
    }

    private static async Task<Answer> NoticeProof(string id, NoticeProofBody body, Command command)
    {
        var evidence = await command.EvidenceAsync(body.Evidence, "evidence");
        return await Change(id, command, (a, _) => PublishNotice.Prove(a, evidence));
    }

    private static async Task<Answer> Change(
        string id,
        Command command,
        Func<Application, Actor, Decision<Application>> decide
    )
    {
        var application = await command.LoadAsync<Application>(id);
        application = command.Append(
            id,
            application,
            decide(application, await command.ActorAmongAsync(application.Handlers()))
        );
        return new Answer(ApplicationView.Of(application), application.Revision);
    }

    private static async Task<IResult> List(
        string? status,
        string? region,
        bool? waitingForMe,
        IQuerySession session,
        NpgsqlDataSource database,
        Caller caller,
        Clock clock,
        TimeProvider time,
        HttpContext http,
        CancellationToken cancellation
    )
    {
        var items = await QueueAsync(status, region, waitingForMe, session, database, caller, clock, cancellation);
        if (Workbook.IsWantedBy(http))
            return await SheetAsync(items, session, database, caller, clock, time, cancellation);
        var now = time.GetUtcNow();
        var held = await CommitteeTasks.HeldAsync(database, caller.Actor.Region, cancellation);
        var days = held.Count == 0 ? Deadlines.Default : (await TermsAsync([], session, caller, clock)).Deadlines;
        DateOnly? HeldOn(WorkItem i) => held.TryGetValue(i.Id, out var on) ? on : null;
        return Results.Ok(
            items.Select(i => new WorkItemView(
                i.Id,
                i.Region,
                i.CollectiveId,
                i.Year,
                i.Status,
                Application.StatusName(i.Status),
                i.Lines,
                i.AmountFen,
                i.FiledAt,
                i.Since,
                Clock.Days(i.Since, now),
                i.OpenObjections,
                i.UnmatchedReceipts,
                i.OpenComplaints(),
                HeldOn(i),
                HeldOn(i)?.AddDays(days.HoldDays)
            ))
        );
    }

    public static async Task<IResult> SheetAsync(
        IReadOnlyList<WorkItem> items,
        IQuerySession session,
        NpgsqlDataSource database,
        Caller caller,
        Clock clock,
        TimeProvider time,
        CancellationToken cancellation
    )
    {
        var (names, deadlines, noticeDays) = await TermsAsync(items, session, caller, clock);
        var begun = await Answers.BegunAsync(items, database, cancellation);
        return Workbook.File(
            OfficeSheets.Applications(items, names, begun, deadlines, noticeDays, time.GetUtcNow()),
            "申请列表"
        );
    }

    /// <summary>
    /// What a list of applications needs besides: the collectives' names, and until when each has to be done.
    /// </summary>
    public static async Task<(
        IReadOnlyDictionary<string, string> Names,
        Deadlines Deadlines,
        int NoticeDays
    )> TermsAsync(IReadOnlyList<WorkItem> items, IQuerySession session, Caller caller, Clock clock)
    {
        var policy = await session.PolicyYearAsync(caller.Actor.Region, clock.Today.Year);
        return (
            await PlanPages.NamesAsync(session, items.Select(i => i.CollectiveId)),
            policy?.Deadlines() ?? Deadlines.Default,
            policy?.Parameters.NoticeDays ?? PolicyYearDecider.UsualNoticeDays
        );
    }

    /// <summary>Applications in the caller's scope, those that have waited longest first.</summary>
    public static async Task<IReadOnlyList<WorkItem>> QueueAsync(
        string? status,
        string? region,
        bool? waitingForMe,
        IQuerySession session,
        NpgsqlDataSource database,
        Caller caller,
        Clock clock,
        CancellationToken cancellation
    )
    {
        var scope = Scope.Narrow(caller, region);
        var isMine = waitingForMe == true;
        var statuses = Require.Word<ApplicationStatus>(status, "status") is { } one
            ? [one]
            : Enum.GetValues<ApplicationStatus>();
        var words = statuses.Select(s => s.Word()).ToArray();
        await using var connection = await database.OpenConnectionAsync(cancellation);
        await Freshness.WaitAsync(connection, "WorkQueue", cancellation);
        var ids = isMine
            ?
            [
                .. (
                    await ApplicationTasks.OfAsync(caller.Actor, scope, session, database, clock.Today, cancellation)
                ).Select(t => t.Subject),
            ]
            : Array.Empty<string>();
        var items = await session
            .Query<WorkItem>()
            .Where(i =>
                i.Region.StartsWith(scope)
                && i.MatchesSql("(d.id = any(?) or not ?) and d.data ->> 'status' = any(?)", ids, isMine, words)
            )
            .OrderBy(i => i.Since)
            .Take(Scope.MaxRows)
            .ToListAsync(cancellation);
        return await Rosters.NowAsync(items, connection);
    }

    private static async Task<IResult> Read(string id, IQuerySession session, Caller caller, HttpContext http) =>
        Reading.Of(http, await session.ScopedAsync<Application>(id, caller), ApplicationView.Of, id);

    private static async Task<LinePage> Lines(
        string id,
        int? after,
        int? limit,
        string? status,
        IQuerySession session,
        NpgsqlDataSource database,
        PersonalData people,
        Caller caller,
        CancellationToken cancellation
    )
    {
        if (limit is < 1 or > MaxPage)
            throw Require.Invalid("limit", $"应为 1 至 {MaxPage}");
        var only = Require.Word<LineStatus>(status, "status");
        var application = await session.ScopedAsync<Application>(id, caller) ?? throw Require.NotFound(id);
        var size = limit ?? 100;
        var lines = application
            .Lines.Where(l => l.Row > (after ?? 0) && (only is null || l.Status == only))
            .OrderBy(l => l.Row)
            .Take(size + 1)
            .ToList();
        var page = await MaskedAsync(lines.Take(size), database, people, cancellation);
        return new LinePage(
            [
                .. page.Select(p => new LineView(
                    p.Line.Row,
                    p.Line.MemberId,
                    p.Name,
                    p.CitizenId,
                    p.Line.TierFen,
                    p.Line.AmountFen,
                    p.Line.Status,
                    p.Line.Reason,
                    p.Line.Fen
                )),
            ],
            lines.Count > size ? page[^1].Line.Row : null
        );
    }

    private static async Task<NoticeView> PublicNotice(
        string id,
        IQuerySession session,
        StoredEvents stored,
        NpgsqlDataSource database,
        PersonalData people,
        Caller caller,
        Clock clock,
        CancellationToken cancellation
    )
    {
        var (application, notice, shown) = await NoticeAsync(
            id,
            session,
            stored,
            database,
            people,
            caller,
            clock,
            cancellation
        );
        var collective = await session.LoadAsync<Collective>(application.CollectiveId, cancellation);
        NoticeLine Line(NoticedLine l) =>
            new(shown[l.MemberId].Name, shown[l.MemberId].CitizenId, l.AmountFen, l.Number);
        var present = notice.Present();
        return new NoticeView(
            id,
            collective!.Name,
            application.Year,
            notice.From,
            notice.Until,
            notice.Place,
            notice.AmountFen,
            [.. notice.Lines.Select(Line)],
            [.. notice.Addenda.Select(a => new NoticeAddendumView(a.On, a.Change, [.. a.Lines.Select(Line)]))],
            present.Count,
            Money.Sum(present.Select(l => l.AmountFen))
        );
    }

    /// <summary>
    /// The notice as it was published, from the events alone, and its people's masked names and ids by member id.
    /// </summary>
    /// <exception cref="RefusedException"><c>not-found</c>, also where nothing is published yet, and when it is public
    /// no more (<see cref="Domain.Applications.Notice.IsPublic(Application, DateOnly)"/>) for all but those who look
    /// after the village.
    /// </exception>
    public static async Task<(
        Application Application,
        Notice Notice,
        IReadOnlyDictionary<string, (string Name, string CitizenId)> People
    )> NoticeAsync(
        string id,
        IQuerySession session,
        StoredEvents stored,
        NpgsqlDataSource database,
        PersonalData people,
        Caller caller,
        Clock clock,
        CancellationToken cancellation
    )
    {
        var application = await PublicNotices.PublishedAsync(id, session, cancellation);
        if (!Domain.Applications.Notice.IsPublic(application, clock.Today) && !caller.MaySee(application.Region))
            throw new RefusedException(
                new Rejection(
                    Rejections.NotFound,
                    $"公示已于 {application.NoticeUntil:yyyy-MM-dd} 结束，名单不再公开；"
                        + "可向村委会、乡镇（街道）或经办机构查询"
                )
            );
        var events = await stored.OfAsync<Application>(id, cancellation: cancellation);
        var notice = PublicNotices.Of(events)!;
        var listed = notice.Lines.Select(l => l.MemberId).ToHashSet();
        // A name that was corrected since is another name; what hung on the board hangs there as it was printed.
        var printed = events.First(e => e.Data is NoticePublished).Timestamp;
        var shown = await MaskedAsync(
            application.Lines.Where(l => listed.Contains(l.MemberId)),
            database,
            people,
            cancellation,
            printed
        );
        return (application, notice, shown.ToDictionary(l => l.Line.MemberId, l => (l.Name, l.CitizenId)));
    }

    /// <summary>Lines with the person's masked name and citizen id.</summary>
    /// <param name="at">When the names are of; null: now.</param>
    public static async Task<IReadOnlyList<(Line Line, string Name, string CitizenId)>> MaskedAsync(
        IEnumerable<Line> lines,
        NpgsqlDataSource database,
        PersonalData people,
        CancellationToken cancellation,
        DateTimeOffset? at = null
    )
    {
        var some = lines.ToList();
        await using var connection = await database.OpenConnectionAsync(cancellation);
        var persons = await people.ReadAsync(connection, some.Select(l => l.MemberId));
        return
        [
            .. some.Select(l =>
                (
                    l,
                    persons.GetValueOrDefault(l.MemberId) is { } person
                        ? at is { } moment
                            ? person.MaskedNameAt(moment)
                            : person.MaskedName
                        : MemberEndpoints.Erased,
                    persons.GetValueOrDefault(l.MemberId)?.MaskedCitizenId ?? MemberEndpoints.Erased
                )
            ),
        ];
    }
}

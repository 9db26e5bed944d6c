using Ledger.Api.Collectives;
using Ledger.Api.Commands;
using Ledger.Api.Exports;
using Ledger.Api.Imports;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Domain;
using Ledger.Domain.Accounts;
using Ledger.Domain.Applications;
using Ledger.Domain.Collectives;
using Ledger.Domain.Donors;
using Ledger.Domain.Funds;
using Ledger.Domain.Funds.Steps;
using Ledger.Domain.Identity;
using Ledger.Projections.Balances;
using Ledger.Projections.Journal;
using Ledger.Web;
using Marten;
using Npgsql;

namespace Ledger.Api.Funds;

public sealed record FundBody(string CollectiveId);

/// <summary>
/// Money that comes in. Gifts only: <paramref name="DonorId"/> (required), <paramref name="Earmark"/> for whom they may
/// serve;
/// <paramref name="EarmarkYear"/> is short for an earmark of one year. The business date must lie in a year that is not
/// closed; a correction of a closed year goes into an open one and names it in <paramref name="CorrectsYear"/>.
/// <paramref name="ConfirmDuplicate"/>: after <c>possible-duplicate</c>, why it is not the entry named there.
/// </summary>
public sealed record AllocationBody(
    Money Amount,
    SourceKind Source,
    string SourceName,
    IReadOnlyList<string>? Evidence = null,
    int? EarmarkYear = null,
    DateOnly? EffectiveDate = null,
    string? DonorId = null,
    Earmark? Earmark = null,
    int? CorrectsYear = null,
    string? ConfirmDuplicate = null
);

/// <summary>
/// A pocket of the fund; <paramref name="AllocatedAmount"/>: what came into it and did not go back to its source.
/// </summary>
public sealed record SubAccountView(string Name, Money AllocatedAmount, Money AvailableAmount, Earmark? Earmark);

/// <summary>
/// The balance: every yuan that came in is available, reserved, in transit, credited or returned to its source.
/// </summary>
public sealed record FundView(
    string Id,
    int Version,
    string CollectiveId,
    string Name,
    string VillageCode,
    Money AllocatedAmount,
    Money AvailableAmount,
    Money ReservedAmount,
    Money InTransitAmount,
    Money CreditedAmount,
    Money ReturnedAmount,
    Money RefundedAmount,
    Money OwedAmount,
    IReadOnlyList<OpenFeeView> OpenFees,
    IReadOnlyList<RestAskedView> RestsAsked,
    int? ClosedThroughYear,
    bool IsClosed,
    IReadOnlyList<SubAccountView> SubAccounts
)
{
    public static FundView Of(Fund f) =>
        new(
            f.Id,
            f.Revision,
            f.CollectiveId,
            f.Name,
            f.Region,
            f.AllocatedFen,
            f.AvailableFen,
            f.ReservedFen,
            f.InTransitFen,
            f.CreditedFen,
            f.ReturnedFen,
            f.RefundedFen,
            f.OwedFen,
            [.. f.OpenFees.Select(o => new OpenFeeView(o.Key, o.Value.AmountFen, o.Value.TakenOn))],
            [.. f.RestsAsked.Select(r => RestAskedView.Of(r.Key, r.Value))],
            f.ClosedThrough == 0 ? null : f.ClosedThrough,
            f.IsClosed,
            [
                .. f.SubAccounts.Select(s => new SubAccountView(
                    s.Key,
                    f.AllocatedTo(s.Key),
                    s.Value.Available,
                    s.Value.Earmark
                )),
            ]
        );
}

/// <summary>
/// What waits for its second person: the rest of a sub-account is to go back to its sources, or to the general one.
/// </summary>
public sealed record RestAskedView(
    string SubAccount,
    bool FreesEarmark,
    Money Amount,
    DateOnly RequestedOn,
    string RequestedBy,
    string ConfirmBy,
    string Reason
)
{
    public static RestAskedView Of(string pocket, RestAsked r) =>
        new(pocket, r.FreesEarmark, r.Fen.Length, r.On, r.RequestedBy, r.ConfirmBy, r.Reason);
}

public sealed record SurplusReturnBody(string ConfirmBy, string Reason, IReadOnlyList<string>? Evidence = null);

public sealed record EarmarkLiftBody(string ConfirmBy, IReadOnlyList<string>? Evidence = null);

public sealed record ReversalBody(string ConfirmBy, string Reason);

/// <param name="EffectiveDate">The day on which the bank took it; null: today.</param>
public sealed record BankFeeBody(
    Money Amount,
    string BankReference,
    DateOnly? EffectiveDate = null,
    IReadOnlyList<string>? Evidence = null,
    string? ConfirmDuplicate = null
);

public sealed record BankFeeReimbursedBody(
    string BankReference,
    DateOnly? EffectiveDate = null,
    IReadOnlyList<string>? Evidence = null,
    string? ConfirmDuplicate = null
);

/// <summary>A fee of the bank that the village has not made good from its general account (L17).</summary>
public sealed record OpenFeeView(string FeeId, Money Amount, DateOnly TakenOn);

/// <summary>
/// Only where an account held less than nothing on a day of the year: why, and the township's paper on it.
/// </summary>
public sealed record YearClosingBody(string? Explanation = null, IReadOnlyList<string>? Evidence = null);

public sealed record AccountBalanceView(string Account, Money Amount);

/// <summary>
/// The trial balance (试算平衡表) at the end of a business date: debits positive, credits negative, their sum zero.
/// <paramref name="Digest"/>: SHA-256 over its lines, as a closed year seals it.
/// </summary>
public sealed record TrialBalanceView(
    string FundId,
    DateOnly At,
    IReadOnlyList<AccountBalanceView> Accounts,
    Money SumAmount,
    string Digest,
    bool IsSealed
);

public sealed record AllocationView(string AllocationId, Money Amount, FundView Fund);

public sealed record AccountChangeView(string Account, Money BeforeAmount, Money AfterAmount, Money ChangeAmount);

public sealed record ExplainingEventView(
    long Sequence,
    DateTimeOffset RecordedAt,
    DateOnly EffectiveDate,
    string Type,
    string Actor,
    IReadOnlyList<AccountBalanceView> Postings
);

/// <summary>
/// The balances for one business date, as known at two moments, and the events recorded between them that make the
/// difference: their postings sum to it, account by account.
/// </summary>
public sealed record BalanceChangeView(
    string FundId,
    DateOnly At,
    DateTimeOffset From,
    DateTimeOffset? To,
    IReadOnlyList<AccountChangeView> Accounts,
    IReadOnlyList<ExplainingEventView> Events
);

/// <summary>Ring-fenced funds (专款专用), C7 and C9.</summary>
public static class FundEndpoints
{
    public static readonly string[] Reconcilers =
    [
        Roles.VillageFinance,
        Roles.SupervisionCommittee,
        Roles.CountyFinance,
        Roles.Auditor,
    ];

    public static void MapFunds(this IEndpointRouteBuilder api)
    {
        api.MapPost("/funds", Open)
            .Command<FundView>("open-fund", "设立补助资金 (C9) · Open a fund", Roles.VillageFinance)
            .Refuses(
                Rejections.AlreadyExists,
                Rejections.CollectiveMerged,
                Rejections.CollectiveDissolved,
                Rejections.NotFound,
                Rejections.FieldInvalid
            )
            .Example("""{"collectiveId":"collective-N2370811MF0000001J"}""");
        api.MapGet("/funds", List)
            .Reading<IReadOnlyList<FundView>>(
                "list-funds",
                "资金列表；Accept 为 .xlsx 时得到表格 · List funds of a region",
                Roles.All
            )
            .Refuses(Rejections.FieldInvalid);
        api.MapGet("/funds/{id}", Read)
            .Reading<FundView>("read-fund", "资金余额 · Read a fund's balance", Roles.All)
            .Refuses(Rejections.NotFound);
        api.MapPost("/funds/{id}/allocations", Allocation)
            .Command<AllocationView>(
                "allocate-funds",
                "划入资金 (C7 C8 C19) · Allocate money to a fund",
                Roles.VillageFinance,
                Roles.CountyFinance
            )
            // Of a gift the donor is read, and his name.
            .Together<AllocationBody>(
                (id, body) => body.DonorId is null ? EarlierEntries.Needs(id, Booking.Allocation, body.Evidence) : null
            )
            .Refuses(
                Rejections.AmountInvalid,
                Rejections.EvidenceMissing,
                Rejections.EarmarkMismatch,
                Rejections.DonorMissing,
                Rejections.YearClosed,
                Rejections.PossibleDuplicate,
                Rejections.FundClosed,
                Rejections.NotFound,
                Rejections.FieldInvalid,
                Rejections.VersionMismatch,
                Rejections.LimitExceeded
            )
            .Example(
                """
                {"amount":120000.00,"source":"collective-income","sourceName":"2026年土地流转收入",
                 "evidence":["<POST /api/evidence 返回的摘要>"],"effectiveDate":"2026-03-02"}
                """
            );
        api.MapPost("/funds/{id}/allocations/{allocationId}/reversal", RequestReversal)
            .Command<FundView>(
                "request-reversal",
                "申请冲正错记的划入，指定另一人确认 (C9 C20) · Ask to reverse a mistaken allocation",
                Roles.VillageFinance
            )
            .Refuses(
                Rejections.SelfApproval,
                Rejections.FundOverdrawn,
                Rejections.WrongState,
                Rejections.FundClosed,
                Rejections.FieldInvalid,
                Rejections.NotFound,
                Rejections.VersionMismatch
            )
            .Example("""{"confirmBy":"township.370811111","reason":"金额多记一位"}""");
        api.MapPost("/funds/{id}/allocations/{allocationId}/reversal/confirmation", ConfirmReversal)
            .Command<FundView>(
                "confirm-reversal",
                "由指定的另一人确认冲正 (C20) · The named second person confirms",
                Roles.VillageFinance,
                Roles.Township
            )
            .Refuses(
                Rejections.SelfApproval,
                Rejections.FundOverdrawn,
                Rejections.WrongState,
                Rejections.FundClosed,
                Rejections.NotFound,
                Rejections.VersionMismatch
            );
        api.MapRests();
        api.MapBankFees();
        api.MapPost("/funds/{id}/closure", Close)
            .Command<FundView>("close-fund", "关闭没有余款的资金 (C9) · Close an empty fund", Roles.VillageFinance)
            .Previewed()
            .Refuses(
                Rejections.EvidenceMissing,
                Rejections.WrongState,
                Rejections.FundClosed,
                Rejections.FieldInvalid,
                Rejections.NotFound,
                Rejections.VersionMismatch
            )
            .Example("""{"reason":"不再实施补助","evidence":["<决议的摘要>"]}""");
        api.MapPost("/funds/{id}/years/{year:int}/close", YearClosing)
            .Command<TrialBalanceView>(
                "close-year",
                "年度结账：封存试算平衡表，余额结转 (C24) · Close a year and seal its trial balance",
                Roles.VillageFinance
            )
            .Refuses(
                Rejections.YearClosed,
                Rejections.BalanceNegative,
                Rejections.EvidenceMissing,
                Rejections.WrongState,
                Rejections.FieldInvalid,
                Rejections.NotFound,
                Rejections.VersionMismatch
            )
            .Example("""{"explanation":"付款日期误记为3月1日，实为3月11日","evidence":["<乡镇盖章说明的摘要>"]}""");
        api.MapPost("/funds/{id}/reconciliation", ReconciliationEndpoint.Run)
            .Command<ReconciliationView>(
                "reconcile-fund",
                "三方对账：账本、银行对账单（.xlsx/.csv）、经办回执；只出报告 (C17 C21) · Reconcile ledger, bank statement and receipts",
                Reconcilers
            )
            .TakesSheet(Sheets.BankStatement)
            .Refuses(
                Rejections.RosterInvalid,
                Rejections.AmountInvalid,
                Rejections.FileInvalid,
                Rejections.LimitExceeded,
                Rejections.NotFound,
                Rejections.BodyInvalid
            );
        api.MapGet("/funds/{id}/trial-balance", TrialBalance)
            .Reading<TrialBalanceView>(
                "read-trial-balance",
                "试算平衡表：at 业务日期，recordedAt 当时所知，Accept 为 .xlsx 时得到表格 · Trial balance by business date, "
                    + "as known at a moment",
                Roles.All
            )
            .Refuses(Rejections.NotFound);
        api.MapGet("/funds/{id}/vouchers/{sequence:long}", Voucher)
            .Reading<byte[]>("download-voucher", "记账凭证（.xlsx，大写金额） · The voucher of one entry", Roles.All)
            .Refuses(Rejections.NotFound);
        api.MapGet("/funds/{id}/vouchers", Vouchers)
            .Reading<byte[]>(
                "download-vouchers",
                "一段时间的记账凭证和专户明细账（.xlsx，列可配置），供财务软件导入 (L20) · The vouchers of a period, for bookkeeping",
                Roles.All
            )
            .Refuses(Rejections.NotFound, Rejections.FieldInvalid);
        api.MapGet("/funds/{id}/changes", Changes)
            .Reading<BalanceChangeView>(
                "explain-balance-change",
                "两次查看之间的变化：哪些事件使余额不同 · What changed between two looks, event by event",
                Roles.All
            )
            .Refuses(Rejections.NotFound, Rejections.FieldInvalid);
        api.MapGet("/funds/{id}/statement", Statement)
            .Reading<FundStatement>(
                "read-fund-statement",
                "资金对账单：按业务日期，recordedAt 当时所知，Accept 为 .xlsx 时得到表格 · Statement by business date, as known at a moment",
                Roles.All
            )
            .Refuses(Rejections.NotFound, Rejections.FieldInvalid);
    }

    /// <summary>What is left of a sub-account goes: one asks, another confirms (C8, C9, C20).</summary>
    private static void MapRests(this IEndpointRouteBuilder api)
    {
        RejectionCode[] refusals =
        [
            Rejections.SelfApproval,
            Rejections.Forbidden,
            Rejections.WrongState,
            Rejections.FieldInvalid,
            Rejections.NotFound,
            Rejections.VersionMismatch,
        ];
        const string Lift = "/funds/{id}/sub-accounts/{subAccount}/earmark-release",
            Return = "/funds/{id}/sub-accounts/{subAccount}/surplus-return";
        api.MapPost(Lift, RequestLift)
            .Command<FundView>(
                "request-earmark-lift",
                "捐赠人同意后，申请把余款转为通用，由乡镇确认 (C8 C20) · With the donor's consent, ask that the rest may serve all",
                Roles.VillageFinance,
                Roles.CountyFinance
            )
            .Refuses([.. refusals, Rejections.EvidenceMissing])
            .Example("""{"confirmBy":"township.370811111","evidence":["<捐赠人同意书的摘要>"]}""");
        api.MapPost($"{Lift}/confirmation", ConfirmLift)
            .Command<FundView>(
                "lift-earmark",
                "由指定的另一人确认转为通用 (C8 C20) · The named second person confirms",
                Roles.Township,
                Roles.CountyFinance,
                Roles.CountyHrss
            )
            .Previewed()
            .Refuses(refusals);
        api.MapPost(Return, RequestSurplusReturn)
            .Command<FundView>(
                "request-surplus-return",
                "依决议申请将余款退回来源，由乡镇确认；县级奖补由县财政申请、县里确认 (C9 C20) · By resolution, ask to return the rest",
                Roles.VillageFinance,
                Roles.CountyFinance
            )
            .Refuses([.. refusals, Rejections.EvidenceMissing])
            .Example(
                """{"confirmBy":"township.370811111","reason":"村民会议决议终止补助","evidence":["<决议的摘要>"]}"""
            );
        api.MapPost($"{Return}/confirmation", ConfirmSurplusReturn)
            .Command<FundView>(
                "return-surplus",
                "由指定的另一人确认，余款退回来源 (C9 C20) · The named second person confirms",
                Roles.Township,
                Roles.CountyFinance,
                Roles.CountyHrss
            )
            .Previewed()
            .Refuses(refusals);
    }

    /// <summary>What the bank takes out of a fund's account, and the village puts back (L17).</summary>
    private static void MapBankFees(this IEndpointRouteBuilder api)
    {
        RejectionCode[] refusals =
        [
            Rejections.AmountInvalid,
            Rejections.EvidenceMissing,
            Rejections.DateBeforeBasis,
            Rejections.YearClosed,
            Rejections.PossibleDuplicate,
            Rejections.FundClosed,
            Rejections.FieldInvalid,
            Rejections.NotFound,
            Rejections.VersionMismatch,
        ];
        api.MapPost("/funds/{id}/bank-fees", ChargeFee)
            .Command<FundView>(
                "record-bank-fee",
                "登记银行从专户扣收的手续费，由村级基本户补足 (L17) · A fee that the bank took",
                Roles.VillageFinance
            )
            .Together<BankFeeBody>(
                (id, body) =>
                    EarlierEntries.Needs(
                        id,
                        Booking.BankFee,
                        body.Evidence,
                        DocumentNumber.Clean(body.BankReference, out _)
                    )
            )
            .Refuses([.. refusals, Rejections.BankFeeExceeded])
            .Example(
                """
                {"amount":12.00,"bankReference":"SXF20260321","effectiveDate":"2026-03-21",
                 "evidence":["<POST /api/evidence 返回的摘要>"]}
                """
            );
        api.MapPost("/funds/{id}/bank-fees/{feeId}/reimbursement", ReimburseFee)
            .Command<FundView>(
                "reimburse-bank-fee",
                "登记村级基本户补足手续费 (L17) · The village made a fee good",
                Roles.VillageFinance
            )
            .Refuses(refusals)
            .Example("""{"bankReference":"BZ20260325","evidence":["<POST /api/evidence 返回的摘要>"]}""");
    }

    private static Task<Answer> ChargeFee(string id, BankFeeBody body, Command command, Settings settings) =>
        FeeAsync(
            id,
            $"bank-fee-{Guid.CreateVersion7():N}",
            body.Amount,
            new(body.BankReference, body.EffectiveDate, body.Evidence, body.ConfirmDuplicate),
            command,
            Booking.BankFee,
            settings,
            BankFee.Charge
        );

    private static Task<Answer> ReimburseFee(
        string id,
        string feeId,
        BankFeeReimbursedBody body,
        Command command,
        Settings settings
    ) => FeeAsync(id, feeId, null, body, command, Booking.FeeReimbursed, settings, BankFee.Reimburse);

    private static async Task<Answer> FeeAsync(
        string id,
        string feeId,
        Money? amount,
        BankFeeReimbursedBody body,
        Command command,
        Booking booking,
        Settings settings,
        Func<BankFee.Basis, BankFee.Order, Decision<Fund>> decide
    )
    {
        command.EffectiveDate = Require.BusinessDate(body.EffectiveDate, "effectiveDate", command.Today);
        var order = new BankFee.Order(
            feeId,
            amount,
            Require.DocumentNumber(body.BankReference, "bankReference", 60),
            await command.EvidenceAsync(body.Evidence, "evidence"),
            command.EffectiveDate,
            Require.OptionalProse(body.ConfirmDuplicate, "confirmDuplicate", 200)
        );
        var (fund, earlier) = await command.LoadFundAsync(id, booking, order.Evidence, order.BankReference);
        fund = command.Append(id, fund, decide(new(fund, earlier, new Money(settings.BankFeeCeiling * 100L)), order));
        return new Answer(FundView.Of(fund), fund.Revision);
    }

    private static async Task<Answer> Open(FundBody body, Command command)
    {
        var collective = await command.LoadAsync<Collective>(Require.Text(body.CollectiveId, "collectiveId", 40));
        if (CollectiveDecider.Gone(collective) is { } gone)
            throw new RefusedException(gone);
        var id = StreamId.FundOf(collective.Id);
        var known = await command.FindAsync<Fund>(id);
        var state = command.Append(
            id,
            known,
            OpenFund.Decide(known, collective.Id, collective.Name, collective.Region)
        );
        return Answer.Created($"/api/funds/{id}", FundView.Of(state), state.Revision);
    }

    private static async Task<Answer> Allocation(string id, AllocationBody body, Command command, PersonalData people)
    {
        command.EffectiveDate = Require.BusinessDate(body.EffectiveDate, "effectiveDate", command.Today);
        var evidence = await command.EvidenceAsync(body.Evidence, "evidence");
        var donor = body.DonorId is { } donorId
            ? await command.ReadAsync<Donor>(donorId) ?? throw Require.NotFound(donorId)
            : null;
        if (body.Earmark?.Group is { } group)
            Require.Name(group, "earmark.group", 20);
        Require.MemberIds(body.Earmark?.MemberIds, "earmark.memberIds");
        var sourceName = Require.Prose(body.SourceName, "sourceName", 100);
        // Of a person who gives the event says the id; whoever writes the name beside it has it masked.
        if (
            donor is { Kind: DonorKind.Individual }
            && (await people.ReadAsync(command.Connection, [donor.Id])).GetValueOrDefault(donor.Id) is { } giver
        )
            sourceName = sourceName.Replace(giver.Name, giver.MaskedName, StringComparison.Ordinal);
        var earmark = body.Earmark ?? (body.EarmarkYear is { } year ? new Earmark(year) : null);
        var (fund, earlier) = await command.LoadFundAsync(id, Booking.Allocation, evidence);
        var allocationId = $"allocation-{Guid.CreateVersion7():N}";
        fund = command.Append(
            id,
            fund,
            Allocate.Decide(
                new(fund, donor, earlier),
                new(
                    allocationId,
                    body.Source,
                    sourceName,
                    body.Amount,
                    earmark,
                    evidence,
                    command.EffectiveDate,
                    body.CorrectsYear,
                    Require.OptionalProse(body.ConfirmDuplicate, "confirmDuplicate", 200)
                ),
                command.Actor
            )
        );
        return Answer.Created(
            $"/api/funds/{id}",
            new AllocationView(allocationId, body.Amount, FundView.Of(fund)),
            fund.Revision
        );
    }

    private static async Task<Answer> Change(string id, Command command, Func<Fund, Decision<Fund>> decide)
    {
        var fund = await command.LoadAsync<Fund>(id);
        fund = command.Append(id, fund, decide(fund));
        return new Answer(FundView.Of(fund), fund.Revision);
    }

    private static Task<Answer> RequestReversal(string id, string allocationId, ReversalBody body, Command command) =>
        ReversalAsync(
            id,
            allocationId,
            [body.ConfirmBy],
            command,
            async (fund, lot, by) =>
                Reverse.Request(
                    fund,
                    allocationId,
                    lot,
                    await command.ConfirmerAsync(body.ConfirmBy, fund.Region, Roles.VillageFinance, Roles.Township),
                    Require.Prose(body.Reason, "reason", 500),
                    by
                )
        );

    private static Task<Answer> ConfirmReversal(string id, string allocationId, Command command) =>
        ReversalAsync(
            id,
            allocationId,
            [],
            command,
            (fund, lot, by) => Task.FromResult(Reverse.Confirm(fund, allocationId, lot, by))
        );

    private static async Task<Answer> ReversalAsync(
        string id,
        string allocationId,
        string?[] others,
        Command command,
        Func<Fund, Lot, Actor, Task<Decision<Fund>>> decide
    )
    {
        var fund = await command.LoadAsync<Fund>(id);
        var allocated =
            await command.EventAsync<FundsAllocated>(
                id,
                "type = 'funds_allocated' and data ->> 'allocationId' = @allocation",
                ("allocation", allocationId)
            ) ?? throw Require.NotFound(allocationId);
        var asked = fund.Reversals.GetValueOrDefault(allocationId);
        var by = await command.ActorAmongAsync([.. others, asked?.RequestedBy, asked?.RequestedFor]);
        fund = command.Append(id, fund, await decide(fund, new Lot(allocated.SubAccount, allocated.Fen), by));
        return new Answer(FundView.Of(fund), fund.Revision);
    }

    private static async Task<Answer> RequestLift(string id, string subAccount, EarmarkLiftBody body, Command command)
    {
        var evidence = await command.EvidenceAsync(body.Evidence, "evidence");
        return await RestAsync(
            id,
            subAccount,
            [body.ConfirmBy],
            subAccount,
            command,
            async (on, by) =>
                LiftEarmark.Request(on, await SecondAsync(body.ConfirmBy, on, command), evidence, command.Today, by)
        );
    }

    private static Task<Answer> ConfirmLift(string id, string subAccount, Command command) =>
        RestAsync(id, subAccount, [], subAccount, command, (on, by) => Task.FromResult(LiftEarmark.Confirm(on, by)));

    private static async Task<Answer> RequestSurplusReturn(
        string id,
        string subAccount,
        SurplusReturnBody body,
        Command command
    )
    {
        var reason = Require.Prose(body.Reason, "reason", 500);
        var evidence = await command.EvidenceAsync(body.Evidence, "evidence");
        return await RestAsync(
            id,
            subAccount,
            [body.ConfirmBy],
            null,
            command,
            async (on, by) =>
                ReturnSurplus.Request(
                    on,
                    await SecondAsync(body.ConfirmBy, on, command),
                    reason,
                    evidence,
                    command.Today,
                    by
                )
        );
    }

    private static Task<Answer> ConfirmSurplusReturn(string id, string subAccount, Command command) =>
        RestAsync(id, subAccount, [], null, command, (on, by) => Task.FromResult(ReturnSurplus.Confirm(on, by)));

    private static Task<string> SecondAsync(string? named, RestOfPocket.Basis on, Command command) =>
        command.ConfirmerAsync(named, on.Fund.Region, [.. RestOfPocket.Confirmers(on.SubAccount)]);

    /// <param name="whose">The sub-account whose applications must be over; null: all of the village's.</param>
    private static async Task<Answer> RestAsync(
        string id,
        string subAccount,
        string?[] others,
        string? whose,
        Command command,
        Func<RestOfPocket.Basis, Actor, Task<Decision<Fund>>> decide
    )
    {
        // Before the fund: whoever files an application holds the collective.
        var collective = await command.FindAsync<Collective>(StreamId.CollectiveOf(id));
        var fund = await command.LoadAsync<Fund>(id);
        var open = collective is null ? null : await Succession.OpenApplicationAsync(collective, command, whose);
        var asked = fund.RestsAsked.GetValueOrDefault(subAccount);
        var by = await command.ActorAmongAsync([.. others, asked?.RequestedBy, asked?.RequestedFor]);
        fund = command.Append(id, fund, await decide(new(fund, subAccount, open), by));
        return new Answer(FundView.Of(fund), fund.Revision);
    }

    private static async Task<Answer> Close(string id, ResolvedBody body, Command command)
    {
        var evidence = await command.EvidenceAsync(body.Evidence, "evidence");
        return await Change(id, command, f => CloseFund.Decide(f, Require.Prose(body.Reason, "reason", 500), evidence));
    }

    private static async Task<Answer> YearClosing(string id, int year, YearClosingBody? body, Command command)
    {
        var explanation = Require.OptionalProse(body?.Explanation, "explanation", 500);
        var evidence = await command.EvidenceAsync(body?.Evidence, "evidence");
        var fund = await command.LoadAsync<Fund>(id);
        var last = new DateOnly(Math.Clamp(year, SchemeYears.First, SchemeYears.Last), 12, 31);
        var events = await command.EventsAsync<Fund>(id);
        var balance = FundStatement.TrialBalance(events, last);
        var open = new DateOnly(fund.ClosedThrough == 0 ? 1 : Math.Min(fund.ClosedThrough + 1, last.Year), 1, 1);
        var negative = Postings.Negative(events.Select(e => (e.EffectiveDate(), (IEventOf<Fund>)e.Data)), open, last);
        fund = command.Append(
            id,
            fund,
            CloseYear.Decide(fund, year, balance, negative, explanation, evidence, command.Today)
        );
        return new Answer(View(fund, last, balance), fund.Revision);
    }

    /// <summary>The fund's events as they were known at a moment; all of them when it is absent.</summary>
    private static async Task<IReadOnlyList<JasperFx.Events.IEvent>> KnownAsync(
        string id,
        DateTimeOffset? recordedAt,
        StoredEvents stored
    ) => [.. (await stored.OfAsync<Fund>(id)).Where(e => recordedAt is null || e.Timestamp <= recordedAt)];

    private static async Task<IResult> TrialBalance(
        string id,
        DateOnly? at,
        DateTimeOffset? recordedAt,
        IQuerySession session,
        StoredEvents stored,
        Caller caller,
        Clock clock,
        AccountMap accounts,
        HttpContext http
    )
    {
        var fund = await session.ScopedAsync<Fund>(id, caller) ?? throw Require.NotFound(id);
        var date = at ?? clock.Today;
        var balance = FundStatement.TrialBalance(await KnownAsync(id, recordedAt, stored), date);
        return Workbook.Answer(
            http,
            View(fund, date, balance),
            () => FundSheets.TrialBalance(fund, date, recordedAt, balance, accounts),
            $"试算平衡表-{date:yyyyMMdd}"
        );
    }

    private static async Task<BalanceChangeView> Changes(
        string id,
        DateOnly? at,
        DateTimeOffset from,
        DateTimeOffset? to,
        IQuerySession session,
        StoredEvents stored,
        Caller caller,
        Clock clock
    )
    {
        var fund = await session.ScopedAsync<Fund>(id, caller) ?? throw Require.NotFound(id);
        var date = at ?? clock.Today;
        if (to < from)
            throw Require.Invalid("from", "起始时间不能晚于截止时间");
        var (before, after) = (await KnownAsync(id, from, stored), await KnownAsync(id, to, stored));
        var (was, now) = (FundStatement.TrialBalance(before, date), FundStatement.TrialBalance(after, date));
        var known = was.ToDictionary(b => b.Account, b => b.AmountFen);
        var accounts = was.Concat(now)
            .Select(b => b.Account)
            .Distinct()
            .Order(StringComparer.Ordinal)
            .Select(a =>
                (
                    Account: a,
                    Was: known.GetValueOrDefault(a),
                    Now: now.FirstOrDefault(b => b.Account == a)?.AmountFen ?? Money.Zero
                )
            )
            .Where(a => a.Was != a.Now);
        return new BalanceChangeView(
            fund.Id,
            date,
            from,
            to,
            [.. accounts.Select(a => new AccountChangeView(a.Account, a.Was, a.Now, a.Now - a.Was))],
            [
                .. after
                    .Skip(before.Count)
                    .Select(e => (Event: e, Entry: JournalEntry.Of(e)))
                    .Where(e => e.Entry is { } entry && entry.Date <= date)
                    .Select(e => new ExplainingEventView(
                        e.Entry!.Sequence,
                        e.Entry.RecordedAt,
                        e.Entry.Date,
                        e.Entry.Type,
                        e.Entry.Actor,
                        [.. e.Entry.Postings.Select(p => new AccountBalanceView(p.Account, p.AmountFen))]
                    )),
            ]
        );
    }

    private static TrialBalanceView View(Fund fund, DateOnly at, IReadOnlyList<AccountBalance> balance) =>
        new(
            fund.Id,
            at,
            [.. balance.Select(b => new AccountBalanceView(b.Account, b.AmountFen))],
            Money.Sum(balance.Select(b => b.AmountFen)),
            Postings.Digest(balance),
            at is { Month: 12, Day: 31 } && at.Year <= fund.ClosedThrough
        );

    private static async Task<IResult> List(
        string? region,
        IQuerySession session,
        Caller caller,
        TimeProvider time,
        HttpContext http,
        CancellationToken cancellation
    )
    {
        var funds = await FundsAsync(region, session, caller, cancellation);
        return Workbook.Answer(
            http,
            funds.Select(FundView.Of),
            () => OfficeSheets.Funds(funds, Scope.Narrow(caller, region), time.GetUtcNow()),
            "资金"
        );
    }

    /// <summary>The funds of a region in the caller's scope.</summary>
    public static Task<IReadOnlyList<Fund>> FundsAsync(
        string? region,
        IQuerySession session,
        Caller caller,
        CancellationToken cancellation
    )
    {
        var scope = Scope.Narrow(caller, region);
        return session
            .Query<Fund>()
            .Where(f => f.Region.StartsWith(scope))
            .OrderBy(f => f.Region)
            .Take(Scope.MaxRows)
            .ToListAsync(cancellation);
    }

    private static async Task<IResult> Read(string id, IQuerySession session, Caller caller, HttpContext http) =>
        Reading.Of(http, await session.ScopedAsync<Fund>(id, caller), FundView.Of, id);

    private static async Task<IResult> Statement(
        string id,
        DateOnly? from,
        DateOnly? to,
        DateTimeOffset? recordedAt,
        IQuerySession session,
        StoredEvents stored,
        Caller caller,
        Clock clock,
        IContacts contacts,
        HttpContext http
    )
    {
        var (fund, statement) = await StatementAsync(id, from, to, recordedAt, session, stored, caller, clock);
        return Workbook.IsWantedBy(http)
            ? Workbook.File(
                FundSheets.Statement(fund, statement, await NamesAsync(statement.Lines.Select(l => l.Actor), contacts)),
                $"对账单-{statement.From:yyyyMMdd}-{statement.To:yyyyMMdd}"
            )
            : Results.Ok(statement);
    }

    /// <summary>The people of these accounts, as sheets name them.</summary>
    public static async Task<IReadOnlyDictionary<string, string>> NamesAsync(
        IEnumerable<string> accounts,
        IContacts contacts
    )
    {
        var names = new Dictionary<string, string>();
        foreach (var account in accounts.Distinct())
            if (await contacts.NameOfAsync(account) is { } name)
                names[account] = name;
        return names;
    }

    /// <summary>A fund's statement, from the beginning of the scheme and until today unless said otherwise.</summary>
    public static async Task<(Fund Fund, FundStatement Statement)> StatementAsync(
        string id,
        DateOnly? from,
        DateOnly? to,
        DateTimeOffset? recordedAt,
        IQuerySession session,
        StoredEvents stored,
        Caller caller,
        Clock clock
    )
    {
        var (first, last) = (from ?? new DateOnly(SchemeYears.First, 1, 1), to ?? clock.Today);
        Require.Order<DateOnly>(first, last, "from");
        var fund = await session.ScopedAsync<Fund>(id, caller) ?? throw Require.NotFound(id);
        return (fund, FundStatement.Of(id, first, last, await KnownAsync(id, recordedAt, stored)));
    }

    private static async Task<IResult> Voucher(
        string id,
        long sequence,
        IQuerySession session,
        StoredEvents stored,
        NpgsqlDataSource database,
        Caller caller,
        AccountMap accounts,
        IContacts contacts
    )
    {
        var (fund, entry, application, _) = await EntryAsync(id, sequence, session, stored, database, caller);
        var names = await NamesAsync(
            [entry.Actor, .. application?.Reviewers ?? [], .. application?.Approver is { } by ? [by] : (string[])[]],
            contacts
        );
        return Workbook.File(FundSheets.Voucher(fund, entry, application, accounts, names), $"记账凭证-{sequence}");
    }

    /// <summary>One double entry of a fund, by the sequence of its event, and the application behind it.</summary>
    public static async Task<(Fund Fund, JournalEntry Entry, Application? Application, object Event)> EntryAsync(
        string id,
        long sequence,
        IQuerySession session,
        StoredEvents stored,
        NpgsqlDataSource database,
        Caller caller
    )
    {
        var fund = await session.ScopedAsync<Fund>(id, caller) ?? throw Require.NotFound(id);
        var found = await stored.OneAsync<Fund>(id, sequence);
        var entry = found.Select(JournalEntry.Of).FirstOrDefault() ?? throw Require.NotFound($"凭证 {sequence}");
        await using var connection = await database.OpenConnectionAsync();
        entry = await new JournalReader(stored, connection, _ => { }).NumberedAsync(entry);
        var application = entry.ApplicationId is { } of ? await session.LoadAsync<Application>(of) : null;
        return (fund, entry, application, found[0].Data);
    }

    private static async Task<IResult> Vouchers(
        string id,
        DateOnly? from,
        DateOnly? to,
        IQuerySession session,
        StoredEvents stored,
        NpgsqlDataSource database,
        Caller caller,
        Clock clock,
        AccountMap accounts,
        IContacts contacts,
        VoucherBook book
    )
    {
        var (first, last) = (from ?? new DateOnly(clock.Today.Year, 1, 1), to ?? clock.Today);
        Require.Order<DateOnly>(first, last, "from");
        if (await session.ScopedAsync<Fund>(id, caller) is null)
            throw Require.NotFound(id);
        await using var connection = await database.OpenConnectionAsync();
        var reader = new JournalReader(stored, connection, fault => throw fault);
        var (entries, before) = (new List<JournalEntry>(), Money.Zero);
        await foreach (var e in reader.EntriesAsync(id))
            if (e.Date < first)
                before += Money.Sum(e.Postings.Where(p => FundAccount.IsAtBank(p.Account)).Select(p => p.AmountFen));
            else if (e.Date <= last)
                entries.Add(e);
        var applications = await session.LoadManyAsync<Application>(
            entries.Select(e => e.ApplicationId).OfType<string>().Distinct().ToArray()
        );
        var names = await NamesAsync(
            entries.Select(e => e.Actor).Concat(applications.SelectMany(a => a.Handlers().OfType<string>())),
            contacts
        );
        return Workbook.File(
            book.Write(entries, before, accounts, applications.ToDictionary(a => a.Id), names),
            $"记账凭证-{first:yyyyMMdd}-{last:yyyyMMdd}"
        );
    }
}

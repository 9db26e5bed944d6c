using Ledger.Api.Commands;
using Ledger.Api.Exports;
using Ledger.Api.Imports;
using Ledger.Api.Jobs;
using Ledger.Api.Policies;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Domain;
using Ledger.Domain.Collectives;
using Ledger.Domain.Identity;
using Ledger.Domain.Members;
using Ledger.Projections.Reports;
using Marten;
using Marten.Linq.MatchesSql;
using Npgsql;

namespace Ledger.Api.Members;

/// <summary>
/// <paramref name="Confirmed"/>: a contribution of this year or the last names the person. Until then it waits: for
/// one, or for whoever is asked about the person.
/// </summary>
public sealed record MemberView(string Id, string Name, string CitizenId, bool Confirmed);

public sealed record MemberPage(IReadOnlyList<MemberView> Members, string? Next);

/// <summary>A member in a list that people read, masked.</summary>
/// <param name="IsCalled">By the whole name that was looked for.</param>
public sealed record ListedMember(
    string Id,
    string Name,
    string CitizenId,
    bool Confirmed,
    bool Died,
    bool IsCalled = false
)
{
    /// <summary>Null: a member like others.</summary>
    public string? Remark =>
        Died ? "已去世"
        : Confirmed ? null
        : "待核对";
}

public sealed record ContributionView(
    ContributionKind Kind,
    Money TierAmount,
    Money Amount,
    DateOnly PaidOn,
    string Reference,
    int? ContributionYears
);

public sealed record SponsorshipView(string SponsorshipId, string DonorId, Money Amount);

public sealed record SubsidyView(
    string ApplicationId,
    string CollectiveId,
    string FundId,
    Money Amount,
    SubsidyStatus Status,
    FenInterval Fen
);

/// <summary>
/// One person in one year; names and numbers are masked. <paramref name="LeftAmount"/> is what the cap still allows.
/// </summary>
public sealed record MemberYearView(
    string Id,
    int Version,
    string MemberId,
    string Name,
    string CitizenId,
    int Year,
    IReadOnlyList<ContributionView> Contributions,
    IReadOnlyList<SubsidyView> Subsidies,
    IReadOnlyList<SponsorshipView> Sponsorships,
    Money? CapAmount,
    Money UsedAmount,
    Money? LeftAmount
)
{
    /// <summary>What the agency's latest list found of the person (L19); for the agency and who audits it.</summary>
    public InsuranceCheck? Insurance { get; init; }
}

public sealed record DepartureBody(string CollectiveId, DateOnly On, string Reason);

public sealed record DeathBody(DateOnly On, IReadOnlyList<string>? Evidence = null);

/// <summary>Which village's report is meant, where several reported.</summary>
public sealed record DeathReportBody(string? CollectiveId = null);

public sealed record DismissalBody(string Reason, string? CollectiveId = null);

/// <summary>A donor's direct payment into one person's account (C8); it counts towards the cap (C11).</summary>
public sealed record SponsorshipBody(string DonorId, Money Amount, IReadOnlyList<string>? Evidence = null);

/// <summary>
/// The agency paid a credited subsidy to the person (L2); <paramref name="On"/>: the day of the clearance.
/// </summary>
public sealed record ClearanceBody(
    string ApplicationId,
    ClearanceReason Reason,
    DateOnly? On = null,
    IReadOnlyList<string>? Evidence = null
);

/// <summary>Another name, or a death or departure that is said to be none: it waits for a second person.</summary>
public sealed record WaitingChangeView(string Id, MemberChange Change, string? CollectiveId, string RequestedBy);

/// <summary>
/// One member, as far as the caller looks after it. <paramref name="DeathReportedOn"/>: reported, and not confirmed.
/// </summary>
public sealed record MemberStateView(
    string Id,
    int Version,
    IReadOnlyDictionary<string, string> Memberships,
    IReadOnlyDictionary<string, string> FormerMemberships,
    DateOnly? DiedOn,
    DateOnly? DeathReportedOn,
    IReadOnlyList<WaitingChangeView> Waiting
)
{
    public static MemberStateView Of(Member m, Caller caller) =>
        new(
            m.Id,
            m.Revision,
            Seen(m.Memberships, caller),
            Seen(m.Former, caller),
            m.DiedOn,
            m.DeathReports.Where(r =>
                    caller.Actor.Role == Roles.Agency
                    || m.Homes().Any(h => h.Key == r.CollectiveId && caller.MaySee(h.Value))
                )
                .Select(r => (DateOnly?)r.On)
                .FirstOrDefault(),
            [
                .. m
                    .Waiting.Where(w => MemberConfirmations.Sees(m, w, caller))
                    .Select(w => new WaitingChangeView(w.Id, w.Change, w.CollectiveId, w.RequestedBy)),
            ]
        );

    private static Dictionary<string, string> Seen(IReadOnlyDictionary<string, string> homes, Caller caller) =>
        homes.Where(h => caller.MaySee(h.Value)).ToDictionary();
}

/// <summary>One person in clear; for the same key asked again, masked.</summary>
public sealed record DisclosureView(string Id, string Name, string CitizenId, string? Phone, string? BankCard);

/// <summary>Members (成员) and their contribution years.</summary>
public static class MemberEndpoints
{
    private const int MaxPage = 500;

    /// <summary>As many as one list of members may have.</summary>
    public static readonly int MaxSheetRows = Sheets.Members.MaxRows;

    /// <summary>Who may see one person's data in clear (C20).</summary>
    public static readonly string[] Disclosers = [Roles.Agency, Roles.VillageFinance];

    public static void MapMembers(this IEndpointRouteBuilder api)
    {
        api.MapPost("/members/import", MemberImports.Members)
            .OnTheBeat()
            .Command<ImportView>(
                "import-members",
                "导入成员名册（.xlsx/.csv） · Import members",
                Roles.VillageFinance,
                Roles.Agency
            )
            .TakesSheet(Sheets.Members)
            .MayBeAJob()
            .Refuses(
                Rejections.ProfileInvalid,
                Rejections.RosterInvalid,
                Rejections.PossibleDuplicate,
                Rejections.FileInvalid,
                Rejections.LimitExceeded,
                Rejections.NotFound,
                Rejections.BodyInvalid
            );
        api.MapPost("/contributions/import", MemberImports.Contributions)
            .Command<ImportView>(
                "import-contributions",
                "导入个人缴费记录：缴费（含政府代缴）、调整、退费（.xlsx/.csv 或 JSON，C4 C5 C6 L14 L15） · Import contribution "
                    + "records, adjustments and refunds",
                Roles.CountyTax,
                Roles.Agency
            )
            .TakesSheet(Sheets.Contributions)
            .MayBeAJob()
            .Accepts<ContributionsBody>("application/json", "multipart/form-data")
            .Refuses(
                Rejections.ContributionUnknown,
                Rejections.RosterInvalid,
                Rejections.DateBeforeBasis,
                Rejections.PossibleDuplicate,
                Rejections.NotAMember,
                Rejections.AmountInvalid,
                Rejections.ProfileInvalid,
                Rejections.NotFound,
                Rejections.FileInvalid,
                Rejections.LimitExceeded,
                Rejections.PolicyYearMissing,
                Rejections.FieldInvalid,
                Rejections.BodyInvalid
            )
            .Example(
                """
                {"contributions":[{"name":"张三","citizenId":"370811196503124512","tierAmount":500,"amount":500,
                  "paidOn":"2026-06-12","kind":"regular","reference":"SW2026000917","entry":"adjustment",
                  "ofReference":"SW2026000001"}]}
                """
            );
        api.MapPost("/insurance-checks/import", InsuranceImport.Import)
            .Command<ImportView>(
                "import-insurance-checks",
                "导入参保核查结果（JSON 或 .xlsx/.csv，L19） · Import what the agency's system says of people",
                Roles.Agency
            )
            .TakesSheet(Sheets.InsuranceChecks)
            .Accepts<InsuranceChecksBody>("application/json", "multipart/form-data")
            .Refuses(
                Rejections.RosterInvalid,
                Rejections.ProfileInvalid,
                Rejections.NotFound,
                Rejections.NotAMember,
                Rejections.FileInvalid,
                Rejections.LimitExceeded,
                Rejections.FieldInvalid
            )
            .Example(
                """
                {"checks":[{"citizenId":"11010519491231002X","finding":"pension-in-payment","on":"2026-05-20"}]}
                """
            );
        api.MapPost("/members/{id}/departure", MemberChanges.Depart)
            .Command<MemberStateView>(
                "end-membership",
                "成员退出集体 (C4) · A member leaves the collective",
                Roles.VillageFinance,
                Roles.Agency
            )
            .Refuses(Rejections.NotAMember, Rejections.FieldInvalid, Rejections.NotFound, Rejections.VersionMismatch)
            .Example("""{"collectiveId":"collective-N2370811MF0000001J","on":"2026-06-01","reason":"户籍迁出"}""");
        api.MapPost("/members/{id}/death", MemberChanges.RecordDeath)
            .Command<MemberStateView>(
                "record-death",
                "登记死亡：经办机构登记，村级报告、待另一人确认 (C4 C20) · Record a death, or report one",
                Roles.VillageFinance,
                Roles.Agency
            )
            .Refuses(
                Rejections.EvidenceMissing,
                Rejections.WrongState,
                Rejections.FieldInvalid,
                Rejections.NotFound,
                Rejections.VersionMismatch
            )
            .Example("""{"on":"2026-06-01","evidence":["<死亡证明的摘要>"]}""");
        api.MapPost("/members/{id}/death/confirmation", MemberChanges.ConfirmDeath)
            .Command<MemberStateView>(
                "confirm-death",
                "由经办机构或本村另一人确认死亡 (C4 C20) · The agency or a second person confirms a death",
                Roles.VillageFinance,
                Roles.Agency
            )
            .Refuses(
                Rejections.SelfApproval,
                Rejections.AgencyNeeded,
                Rejections.WrongState,
                Rejections.NotFound,
                Rejections.VersionMismatch
            )
            .Example("""{"collectiveId":"collective-N2370811MF0000001J"}""");
        api.MapPost("/members/{id}/death/dismissal", MemberChanges.DismissDeath)
            .Command<MemberStateView>(
                "dismiss-death-report",
                "撤销未确认的死亡报告 (C4) · Dismiss a report",
                Roles.VillageFinance,
                Roles.Agency
            )
            .Refuses(Rejections.WrongState, Rejections.FieldInvalid, Rejections.NotFound, Rejections.VersionMismatch)
            .Example("""{"reason":"同名误报"}""");
        api.MapCorrections();
        api.MapPost("/members/{id}/death/revocation", MemberCorrections.AskToRevokeDeath)
            .Command<MemberStateView>(
                "revoke-death",
                "申请撤销误登的死亡，由另一人确认后恢复办理 (C4 C20) · Ask to revoke a mistaken death",
                Roles.VillageFinance,
                Roles.Agency
            )
            .Refuses(
                Rejections.EvidenceMissing,
                Rejections.WrongState,
                Rejections.FieldInvalid,
                Rejections.NotFound,
                Rejections.VersionMismatch
            )
            .Example("""{"reason":"误登，本人健在","evidence":["<健在证明的摘要>"]}""");
        api.MapGet("/waiting-members", MemberConfirmations.List)
            .Reading<WaitingMembersView>(
                "list-waiting-members",
                "等待确认的重复登记和死亡报告 (C4 C20) · Second memberships and death reports that wait for me",
                Roles.VillageFinance,
                Roles.SupervisionCommittee,
                Roles.Agency
            );
        api.MapPost("/members/{id}/requests/{requestId}/confirmation", MemberConfirmations.Confirm)
            .Command<MemberStateView>(
                "confirm-membership",
                "原集体或经办机构确认此人也是另一集体成员 (C4) · The home village or the agency confirms a second membership",
                Roles.VillageFinance,
                Roles.Agency
            )
            .Refuses(Rejections.SelfApproval, Rejections.WrongState, Rejections.NotFound, Rejections.VersionMismatch);
        api.MapPost("/members/{id}/requests/{requestId}/decline", MemberConfirmations.Decline)
            .Command<MemberStateView>(
                "decline-membership",
                "不确认，写明原因 (C4) · Decline a second membership",
                Roles.VillageFinance,
                Roles.Agency
            )
            .Refuses(
                Rejections.SelfApproval,
                Rejections.WrongState,
                Rejections.FieldInvalid,
                Rejections.NotFound,
                Rejections.VersionMismatch
            )
            .Example("""{"reason":"本人未加入该集体"}""");
        api.MapPost("/members/{id}/disclosure", MemberChanges.Disclose)
            .Command<DisclosureView>(
                "disclose-personal-data",
                "查看一人未脱敏的信息，写明理由，留痕 (C20) · See one person's data in clear; the reason stays on record",
                Disclosers
            )
            .Refuses(Rejections.WrongState, Rejections.FieldInvalid, Rejections.NotFound, Rejections.VersionMismatch)
            .Example("""{"reason":"核对退回款项的银行卡"}""");
        api.MapPost("/members/{id}/erasure", MemberChanges.Erase)
            .Command<MemberStateView>(
                "erase-personal-data",
                "保管期满，删除个人信息；账和证明不变 · Erase personal data after the retention period",
                Roles.Agency
            )
            .Previewed()
            .Refuses(
                Rejections.RetentionNotOver,
                Rejections.WrongState,
                Rejections.FieldInvalid,
                Rejections.NotFound,
                Rejections.VersionMismatch
            )
            .Example("""{"reason":"保管期满"}""");
        api.MapPost("/members/{id}/years/{year:int}/sponsorships", MemberChanges.Sponsor)
            .Command<MemberYearView>(
                "record-sponsorship",
                "登记对一人的直接资助，计入上限 (C8 C11) · Record a donor's direct sponsorship",
                Roles.Agency
            )
            .Previewed()
            .Refuses(
                Rejections.CapExceeded,
                Rejections.NotContributed,
                Rejections.GovernmentPaidOnly,
                Rejections.MemberDeceased,
                Rejections.EvidenceMissing,
                Rejections.AmountInvalid,
                Rejections.PolicyYearMissing,
                Rejections.NotFound,
                Rejections.VersionMismatch
            )
            .Example("""{"donorId":"donor-53370811MJ0000001X","amount":500.00,"evidence":["<凭证的摘要>"]}""");
        api.MapPost(
                "/members/{id}/years/{year:int}/sponsorships/{sponsorshipId}/reversal",
                MemberChanges.ReverseSponsorship
            )
            .Command<MemberYearView>(
                "reverse-sponsorship",
                "冲回直接资助，额度退还 (C8 C11) · Reverse a direct sponsorship",
                Roles.Agency
            )
            .Previewed()
            .Refuses(
                Rejections.EvidenceMissing,
                Rejections.FieldInvalid,
                Rejections.NotFound,
                Rejections.VersionMismatch
            )
            .Example("""{"reason":"退回捐赠人","evidence":["<凭证的摘要>"]}""");
        api.MapPost("/members/{id}/years/{year:int}/contributions/{reference}/reversal", MemberChanges.RequestReversal)
            .Command<MemberYearView>(
                "request-contribution-reversal",
                "申请更正错记的缴费记录，指定另一人确认 (C4 C20) · Ask to take out a mistaken contribution record",
                Roles.CountyTax,
                Roles.Agency
            )
            .Previewed()
            .Refuses(Rejections.SelfApproval, Rejections.FieldInvalid, Rejections.NotFound, Rejections.VersionMismatch)
            .Example("""{"confirmBy":"tax2.370811","reason":"缴费类型错记为一次性补缴"}""");
        api.MapPost(
                "/members/{id}/years/{year:int}/contributions/{reference}/reversal/confirmation",
                MemberChanges.ConfirmReversal
            )
            .Command<MemberYearView>(
                "confirm-contribution-reversal",
                "由指定的另一人确认更正 (C20) · The named second person confirms",
                Roles.CountyTax,
                Roles.Agency
            )
            .Previewed()
            .Refuses(Rejections.SelfApproval, Rejections.WrongState, Rejections.NotFound, Rejections.VersionMismatch);
        api.MapPost("/members/{id}/years/{year:int}/clearances", MemberChanges.ClearToPerson)
            .Command<MemberYearView>(
                "clear-subsidy-to-person",
                "清退：与职工保险重复等，已入账的补助退给本人 (L2) · A credited subsidy was cleared to the person",
                Roles.Agency
            )
            .Refuses(
                Rejections.EvidenceMissing,
                Rejections.DateBeforeBasis,
                Rejections.WrongState,
                Rejections.FieldInvalid,
                Rejections.NotFound,
                Rejections.VersionMismatch
            )
            .Example(
                """
                {"applicationId":"application-01","reason":"employees-scheme","on":"2026-11-20",
                 "evidence":["<清退凭证的摘要>"]}
                """
            );
        api.MapGet("/members", List)
            .Reading<MemberPage>(
                "list-members",
                "成员列表（脱敏）；Accept 为 .xlsx 时得到表格，没有 limit 时最多 20,000 人 · List members of a collective, masked",
                Roles.VillageFinance,
                Roles.SupervisionCommittee,
                Roles.Agency,
                Roles.Auditor,
                Roles.Township,
                Roles.CountyAgriculture
            )
            .Refuses(Rejections.NotFound, Rejections.FieldInvalid);
        api.MapGet("/members/{id}/years/{year:int}", Year)
            .Reading<MemberYearView>(
                "read-member-year",
                "成员年度：缴费、补助、剩余额度；recordedAt 当时所知 · Contributions, subsidies and cap of one person in one "
                    + "year, as known at a moment",
                Roles.VillageFinance,
                Roles.SupervisionCommittee,
                Roles.Agency,
                Roles.Auditor,
                Roles.Township,
                Roles.CountyHrss
            )
            .Refuses(Rejections.NotFound);
    }

    /// <summary>What was registered wrongly, and is set right by one person with a document or by two.</summary>
    private static void MapCorrections(this IEndpointRouteBuilder api)
    {
        api.MapPost("/members", MemberImports.Add)
            .OnTheBeat()
            .TakesSecrets()
            .Command<ImportView>(
                "add-member",
                "登记一名成员，与导入一行相同 · Register one member, as a row of an import",
                Roles.VillageFinance,
                Roles.Agency
            )
            .Refuses(
                Rejections.FieldInvalid,
                Rejections.PossibleDuplicate,
                Rejections.PersonalDataInText,
                Rejections.NotFound,
                Rejections.LimitExceeded
            )
            .Example(
                """
                {"collectiveId":"collective-N2370811MF0000001J","name":"张三","citizenId":"370811196503124512",
                 "group":"第1组"}
                """
            );
        api.MapPost("/members/{id}/corrections/check", MemberCorrections.Check)
            .TakesSecrets()
            .Command<CorrectionView>(
                "check-correction",
                "更正前先看会改什么，不存 · What a correction would change; nothing is stored",
                Roles.VillageFinance,
                Roles.Agency
            )
            .Refuses(CorrectionRefusals)
            .Example("""{"phone":"13805370000","reason":"换了手机号"}""");
        api.MapPost("/members/{id}/corrections", MemberCorrections.Correct)
            .TakesSecrets()
            .Command<CorrectionView>(
                "correct-member",
                "更正姓名、手机号、银行卡号、村民小组；姓名须附证明，或由另一人确认 (C4 C20) · Correct a member's name, phone, card or group",
                Roles.VillageFinance,
                Roles.Agency
            )
            .Refuses(CorrectionRefusals)
            .Example("""{"bankCard":"6222021608001234567","reason":"换卡"}""");
        api.MapPost("/members/{id}/departure/revocation", MemberCorrections.AskToRevokeDeparture)
            .Command<MemberStateView>(
                "revoke-departure",
                "申请撤销误登的退出，由另一人确认后恢复成员身份 (C4 C20) · Ask to revoke a mistaken departure",
                Roles.VillageFinance,
                Roles.Agency
            )
            .Refuses(
                Rejections.WrongState,
                Rejections.EvidenceMissing,
                Rejections.FieldInvalid,
                Rejections.NotFound,
                Rejections.VersionMismatch
            )
            .Example("""{"collectiveId":"collective-N2370811MF0000001J","reason":"同名误登，本人未迁出"}""");
        api.MapPost("/members/{id}/changes/{changeId}/confirmation", MemberCorrections.Confirm)
            .TakesSecrets()
            .Command<MemberStateView>(
                "confirm-member-change",
                "另一人确认姓名更正（另行填写姓名）、撤销死亡、撤销退出 (C4 C20) · A second person confirms a change of a member",
                Roles.VillageFinance,
                Roles.Agency
            )
            .Refuses(
                Rejections.SelfApproval,
                Rejections.AgencyNeeded,
                Rejections.WrongState,
                Rejections.FieldInvalid,
                Rejections.NotFound,
                Rejections.VersionMismatch
            )
            .Example("""{"name":"章建国"}""");
        api.MapPost("/members/{id}/changes/{changeId}/decline", MemberCorrections.Decline)
            .Command<MemberStateView>(
                "decline-member-change",
                "退回或撤回上述申请，写明原因 (C4 C20) · Decline such a change, or take it back",
                Roles.VillageFinance,
                Roles.Agency
            )
            .Refuses(
                Rejections.AgencyNeeded,
                Rejections.WrongState,
                Rejections.FieldInvalid,
                Rejections.NotFound,
                Rejections.VersionMismatch
            )
            .Example("""{"reason":"与身份证不符"}""");
    }

    private static readonly RejectionCode[] CorrectionRefusals =
    [
        Rejections.AgencyNeeded,
        Rejections.NotAMember,
        Rejections.WrongState,
        Rejections.EvidenceMissing,
        Rejections.PersonalDataInText,
        Rejections.FieldInvalid,
        Rejections.LimitExceeded,
        Rejections.NotFound,
        Rejections.VersionMismatch,
    ];

    private static async Task<IResult> List(
        string collectiveId,
        string? after,
        int? limit,
        IQuerySession session,
        NpgsqlDataSource database,
        PersonalData people,
        Caller caller,
        Clock clock,
        TimeProvider time,
        HttpContext http,
        CancellationToken cancellation
    )
    {
        if (limit is < 1 or > MaxPage)
            throw Require.Invalid("limit", $"应为 1 至 {MaxPage}");
        var collective =
            await session.ScopedAsync<Collective>(collectiveId, caller) ?? throw Require.NotFound(collectiveId);
        var isSheet = Workbook.IsWantedBy(http);
        var (members, next) = await ListedAsync(
            collectiveId,
            after,
            limit ?? (isSheet ? MaxSheetRows : 100),
            session,
            database,
            people,
            clock,
            cancellation
        );
        return isSheet
            ? Workbook.File(OfficeSheets.Members(collective.Name, members, next, time.GetUtcNow()), "成员")
            : Results.Ok(
                new MemberPage([.. members.Select(m => new MemberView(m.Id, m.Name, m.CitizenId, m.Confirmed))], next)
            );
    }

    /// <summary>What a list of members shows of them, masked; and after whom it goes on.</summary>
    /// <param name="called">A whole name that is looked for: of a part of one, its letters could be tried out.</param>
    public static async Task<(IReadOnlyList<ListedMember> Members, string? Next)> ListedAsync(
        string collectiveId,
        string? after,
        int size,
        IQuerySession session,
        NpgsqlDataSource database,
        PersonalData people,
        Clock clock,
        CancellationToken cancellation,
        string? called = null
    )
    {
        var members = await PageAsync(collectiveId, after, size, session, cancellation);
        var page = members.Take(size).ToList();
        await using var connection = await database.OpenConnectionAsync(cancellation);
        var persons = await people.ReadAsync(connection, page.Select(m => m.Id));
        var confirmed = await ConfirmedAsync(page, clock.Today.Year, connection);
        return (
            [
                .. page.Select(m => new ListedMember(
                    m.Id,
                    persons.GetValueOrDefault(m.Id)?.MaskedName ?? Erased,
                    persons.GetValueOrDefault(m.Id)?.MaskedCitizenId ?? Erased,
                    confirmed.Contains(m.Id),
                    m.DiedOn is not null,
                    called is not null && persons.GetValueOrDefault(m.Id)?.Name == called
                )),
            ],
            members.Count > size ? page[^1].Id : null
        );
    }

    /// <summary>
    /// Whose contribution of this year or the last was recorded. Of the rest nobody but the tax office's file, or who
    /// is asked, can say that they are what the list says.
    /// </summary>
    public static async Task<HashSet<string>> ConfirmedAsync(
        IReadOnlyList<Member> members,
        int year,
        NpgsqlConnection connection
    ) =>
        [
            .. await connection.QueryAsync(
                $"select id from {LedgerStore.Schema}.mt_doc_memberyear where id = any(@ids)",
                r => StreamId.MemberOf(r.GetString(0)),
                (
                    "ids",
                    members
                        .SelectMany(m => new[] { StreamId.MemberYear(m.Id, year), StreamId.MemberYear(m.Id, year - 1) })
                        .ToArray()
                )
            ),
        ];

    /// <summary>Members of a collective in order of id, one more than a page where there is one.</summary>
    public static Task<IReadOnlyList<Member>> PageAsync(
        string collectiveId,
        string? after,
        int size,
        IQuerySession session,
        CancellationToken cancellation
    ) =>
        session
            .Query<Member>()
            .Where(m =>
                m.MatchesSql('^', "d.data -> 'memberships' ? ^", collectiveId) && m.MatchesSql("d.id > ?", after ?? "")
            )
            .OrderBy(m => m.Id)
            .Take(size + 1)
            .ToListAsync(cancellation);

    /// <summary>What stands in place of the name of a person whose data was erased.</summary>
    public const string Erased = "（已删除）";

    private static async Task<IResult> Year(
        string id,
        int year,
        DateTimeOffset? recordedAt,
        IQuerySession session,
        StoredEvents stored,
        NpgsqlDataSource database,
        PersonalData people,
        Caller caller,
        HttpContext http,
        CancellationToken cancellation
    )
    {
        var member = await session.LoadAsync<Member>(id, cancellation);
        if (member is null || !MaySee(caller, member))
            throw Require.NotFound(id);
        var streamId = StreamId.MemberYear(id, year);
        var state = recordedAt is { } moment
            ? (await stored.OfAsync<MemberYear>(streamId, cancellation: cancellation))
                .Where(e => e.Timestamp <= moment)
                .Aggregate(
                    (MemberYear?)null,
                    (was, e) => IEvolve<MemberYear>.Next(was, streamId, (IEventOf<MemberYear>)e.Data)
                )
            : await session.LoadAsync<MemberYear>(streamId, cancellation);
        if (state is null)
            throw Require.NotFound($"{id} 的 {year} 年度");
        await using var connection = await database.OpenConnectionAsync(cancellation);
        var person = (await people.ReadAsync(connection, [id])).GetValueOrDefault(id);
        var cap = (await session.PolicyYearAsync(member.Region, year))?.HighestTierFen;
        return Reading.Of(
            http,
            state,
            s =>
                View(Seen(s, member, caller), id, year, person, cap) with
                {
                    UsedAmount = s.CapUsed(),
                    LeftAmount = cap - s.CapUsed(),
                    Insurance =
                        recordedAt is null && caller.Actor.Role is (Roles.Agency or Roles.Auditor)
                            ? member.Insurance
                            : null,
                },
            id
        );
    }

    /// <summary>
    /// A village sees its own subsidies of the person, one by one; of those of others only what they leave of the cap,
    /// by which it has to go.
    /// </summary>
    public static MemberYear Seen(MemberYear state, Member member, Caller caller) =>
        caller.Actor.Role is not (Roles.VillageFinance or Roles.SupervisionCommittee)
            ? state
            : state with
            {
                Subsidies =
                [
                    .. state.Subsidies.Where(s =>
                        !member.Homes().Any(h => h.Key == s.CollectiveId && !caller.MaySee(h.Value))
                    ),
                ],
            };

    /// <summary>Who looks after any of the person's collectives, past ones included.</summary>
    public static bool MaySee(Caller caller, Member member) =>
        member.Memberships.Values.Concat(member.Former.Values).Any(caller.MaySee);

    public static MemberYearView View(MemberYear s, string memberId, int year, Person? person, Money? cap) =>
        new(
            s.Id,
            s.Revision,
            memberId,
            person?.MaskedName ?? Erased,
            person?.MaskedCitizenId ?? Erased,
            year,
            [
                .. s.Contributions.Select(c => new ContributionView(
                    c.Kind,
                    c.TierFen,
                    c.AmountFen,
                    c.PaidOn,
                    c.Reference,
                    c.ContributionYears
                )),
            ],
            [
                .. s.Subsidies.Select(x => new SubsidyView(
                    x.ApplicationId,
                    x.CollectiveId,
                    x.FundId,
                    x.AmountFen,
                    x.Status,
                    x.Fen
                )),
            ],
            [.. s.Sponsorships.Select(x => new SponsorshipView(x.SponsorshipId, x.DonorId, x.AmountFen))],
            cap,
            s.CapUsed(),
            cap - s.CapUsed()
        );
}

using Ledger.Api.Commands;
using Ledger.Api.Exports;
using Ledger.Api.Imports;
using Ledger.Api.Jobs;
using Ledger.Api.Reports;
using Ledger.Api.Security;
using Ledger.Domain;
using Ledger.Domain.Identity;
using Ledger.Domain.Screening;
using Ledger.Domain.Screening.Steps;
using Ledger.Projections.Screening;

namespace Ledger.Api.Screening;

/// <param name="Seen">Elsewhere than in the ledger; the ledger's own documents are
/// <paramref name="Evidence"/>.</param>
public sealed record FindingAnswerBody(string Conclusion, string? Seen = null, IReadOnlyList<string>? Evidence = null);

public sealed record FindingExplanationBody(string Explanation, IReadOnlyList<string>? Evidence = null);

public sealed record FindingClosureBody(string Outcome, string Reason);

/// <param name="Stream">The application, fund or person's year.</param>
public sealed record FoundLineView(string Stream, string? MemberId, long? Sequence, DateOnly? On, Money Amount);

/// <param name="Version">0: nothing is on record yet.</param>
/// <param name="IsFound">The screens show it now; else it stands here by its record.</param>
/// <param name="Lines">The first of <paramref name="Count"/>.</param>
public sealed record ScreeningFindingView(
    string Id,
    int Version,
    ScreenKind Screen,
    string Region,
    int Year,
    Money Amount,
    int Count,
    [property: Said] string Says,
    IReadOnlyList<FoundLineView> Lines,
    IReadOnlyList<string> Concerned,
    bool IsFound,
    FindingState State,
    FindingAnswer? Answer,
    IReadOnlyList<FindingExplanation> Explanations,
    FindingClosure? Closure
)
{
    public static ScreeningFindingView Of(ScreenedFinding f) =>
        new(
            f.Id,
            f.Record?.Revision ?? 0,
            f.Screen,
            f.Region,
            f.Year,
            f.FoundFen,
            f.Count,
            f.Says,
            [.. f.Lines.Select(l => new FoundLineView(l.Stream, l.MemberId, l.Sequence, l.On, l.AmountFen))],
            f.Concerned,
            f.Found is not null,
            f.State,
            f.Record?.Answer,
            f.Record?.Explanations ?? [],
            f.Record?.Closure
        );
}

/// <param name="LooksAt">With its limits, in words.</param>
/// <param name="Innocent">Why what it shows can be as it should be.</param>
/// <param name="Findings">The first of <paramref name="Count"/>, those that are open first.</param>
public sealed record ScreenView(
    ScreenKind Screen,
    [property: Said] string LooksAt,
    [property: Said] string Innocent,
    int Count,
    Money Amount,
    int Open,
    int Answered,
    int Closed,
    IReadOnlyList<ScreeningFindingView> Findings
);

/// <summary>First digits of amounts beside Benford's law; see <see cref="FirstDigits"/>.</summary>
public sealed record FirstDigitsView(
    int Count,
    IReadOnlyList<int> Observed,
    IReadOnlyList<decimal> Shares,
    decimal ChiSquare,
    decimal Limit,
    int LeastCount,
    bool IsEnough
);

/// <param name="Unlinked">Accounts whose holder nobody knows: they are compared with no member.</param>
/// <param name="LeftOut">Events that cannot be read.</param>
public sealed record ScreeningView(
    string Region,
    int Year,
    int Lines,
    int Entries,
    IReadOnlyList<ScreenView> Screens,
    FirstDigitsView FirstDigits,
    int Unlinked,
    int LeftOut
)
{
    public static ScreeningView Of(YearScreening y) =>
        new(
            y.Region,
            y.Year,
            y.Lines,
            y.Entries,
            [
                .. y.Rows.Select(r => new ScreenView(
                    r.Screen.Kind,
                    r.Screen.LooksAt,
                    r.Screen.Innocent,
                    r.Count,
                    r.FoundFen,
                    r.Open,
                    r.Answered,
                    r.Closed,
                    [.. r.Shown.Select(ScreeningFindingView.Of)]
                )),
            ],
            new(
                y.Digits.Count,
                y.Digits.Observed,
                Domain.Screening.FirstDigits.Shares,
                y.Digits.ChiSquare,
                y.Limits.DigitsChiSquare,
                y.Limits.DigitsLeast,
                y.Digits.IsEnough
            ),
            y.Unlinked,
            y.LeftOut
        );
}

/// <summary>Tests of a year (年度筛查), and what auditors answer to what they show.</summary>
public static class ScreeningEndpoints
{
    /// <summary>Whose acts a finding may be about.</summary>
    public static readonly string[] Concerned =
    [
        Roles.VillageFinance,
        Roles.SupervisionCommittee,
        Roles.Agency,
        Roles.CountyFinance,
    ];

    /// <summary>What is worked out of a whole year each time it is asked: comparisons, and its tests.</summary>
    public static IServiceCollection AddYears(this IServiceCollection services) =>
        services.AddScoped<Comparisons>().AddScoped<Screenings>();

    public static void MapScreening(this IEndpointRouteBuilder api)
    {
        api.MapGet(
                "/audit/screening",
                async (
                    string? region,
                    int? year,
                    Screenings screenings,
                    HttpContext http,
                    CancellationToken cancellation
                ) =>
                {
                    var of = await screenings.OfAsync(region, year, cancellation);
                    return Workbook.Answer(
                        http,
                        ScreeningView.Of(of),
                        () => ScreeningSheets.Of(of),
                        ScreeningSheets.FileName(of)
                    );
                }
            )
            .Reading<ScreeningView>(
                "screen-year",
                "年度筛查：重复、拆分、逝者、突击审批、首位数字等疑点，Accept 为 .xlsx 时得到表格 · Tests of a year",
                Roles.Auditor
            )
            .Alone()
            .MayBeReadByAJob()
            .Refuses(Rejections.FieldInvalid, Rejections.NotFound, Rejections.LimitExceeded);
        api.MapGet(
                "/audit/screening/{id}",
                async (string id, Screenings screenings, HttpContext http, CancellationToken cancellation) =>
                {
                    var finding = await screenings.OneAsync(id, cancellation);
                    http.Response.Headers.ETag = ETags.Of(finding.Record?.Revision ?? 0);
                    return Results.Ok(ScreeningFindingView.Of(finding));
                }
            )
            .Reading<ScreeningFindingView>(
                "read-finding",
                "查看一个疑点：涉及的行和分录，已有的核查、说明和办结 · Read a finding",
                [Roles.Auditor, .. Concerned]
            )
            .Alone()
            .Refuses(Rejections.NotFound, Rejections.LimitExceeded);
        MapAnswers(api);
    }

    private static void MapAnswers(IEndpointRouteBuilder api)
    {
        api.MapPost("/audit/screening/{id}/answer", AnswerAsync)
            .Command<ScreeningFindingView>(
                "answer-finding",
                "核查疑点：看过什么、结论是什么 · Answer a finding: what was seen, what is concluded",
                Roles.Auditor
            )
            .Previewed()
            .Alone()
            .Refuses([
                .. Always,
                Rejections.SelfApproval,
                Rejections.EvidenceMissing,
                Rejections.EvidenceDamaged,
                Rejections.LimitExceeded,
            ])
            .Example("""{"seen":"现场查看银行回单原件","conclusion":"一次汇款付两份申请，金额相符"}""");
        api.MapPost("/audit/screening/{id}/explanation", ExplainAsync)
            .Command<ScreeningFindingView>(
                "explain-finding",
                "经手人说明疑点 · Whose acts it is about explains a finding",
                Concerned
            )
            .Previewed()
            .Refuses([
                .. Always,
                Rejections.FindingNotConcerned,
                Rejections.EvidenceMissing,
                Rejections.EvidenceDamaged,
                Rejections.LimitExceeded,
            ])
            .Example("""{"explanation":"银行系统当日维护，晚间恢复后补录"}""");
        api.MapPost("/audit/screening/{id}/closure", CloseAsync)
            .Command<ScreeningFindingView>(
                "close-finding",
                "办结疑点，不得由所涉经手人办结 · Close a finding, never by whom it concerns",
                Roles.Auditor
            )
            .Previewed()
            .Refuses([.. Always, Rejections.SelfApproval])
            .Example("""{"outcome":"sound","reason":"说明与回单一致"}""");
        api.MapPost("/audit/screening/{id}/reopening", ReopenAsync)
            .Command<ScreeningFindingView>(
                "reopen-finding",
                "重新打开疑点 · Open a closed finding again",
                Roles.Auditor
            )
            .Previewed()
            .Refuses([.. Always, Rejections.SelfApproval])
            .Example("""{"reason":"收到新的材料"}""");
    }

    /// <summary>What is said to a finding, here and about the log, may be refused with these.</summary>
    internal static readonly RejectionCode[] Always =
    [
        Rejections.FieldInvalid,
        Rejections.NotFound,
        Rejections.WrongState,
        Rejections.VersionMismatch,
        Rejections.PersonalDataInText,
    ];

    private static async Task<Answer> AnswerAsync(
        string id,
        FindingAnswerBody body,
        Command command,
        Screenings screenings,
        CancellationToken cancellation
    )
    {
        var request = new AnswerFinding.Request(
            Require.Prose(body.Conclusion, "conclusion", 2000),
            Require.OptionalProse(body.Seen, "seen", 1000) ?? "",
            await command.EvidenceAsync(body.Evidence, "evidence")
        );
        // Read before anything is locked: nothing that it shows is decided here.
        var found = await screenings.FindAsync(id, cancellation);
        var known = await command.FindAsync<ScreeningFinding>(id);
        if (known is not null)
            command.RequireMatch(known);
        command.Region = StreamId.OfScreeningFinding(id)!.Value.Region;
        var by = await command.ActorAmongAsync(found?.Concerned ?? known?.Concerned ?? []);
        var state = command.Append(id, known, AnswerFinding.Decide(new(found, known), request, command.Today, by));
        return Recorded(state);
    }

    private static async Task<Answer> ExplainAsync(string id, FindingExplanationBody body, Command command)
    {
        var explanation = Require.Prose(body.Explanation, "explanation", 2000);
        var evidence = await command.EvidenceAsync(body.Evidence, "evidence");
        var (finding, by) = await LoadAsync(id, command);
        return Recorded(
            command.Append(id, finding, ExplainFinding.Decide(finding, explanation, evidence, command.Today, by))
        );
    }

    private static async Task<Answer> CloseAsync(string id, FindingClosureBody body, Command command)
    {
        var outcome =
            Require.Word<FindingOutcome>(body.Outcome, "outcome") ?? throw Require.Invalid("outcome", "应写明结果");
        var reason = Require.Prose(body.Reason, "reason", 1000);
        var (finding, by) = await LoadAsync(id, command);
        return Recorded(command.Append(id, finding, CloseFinding.Decide(finding, outcome, reason, command.Today, by)));
    }

    private static async Task<Answer> ReopenAsync(string id, ReasonBody body, Command command)
    {
        var reason = Require.Prose(body.Reason, "reason", 1000);
        var (finding, by) = await LoadAsync(id, command);
        return Recorded(command.Append(id, finding, CloseFinding.Reopen(finding, reason, command.Today, by)));
    }

    private static async Task<(ScreeningFinding Finding, Actor By)> LoadAsync(string id, Command command)
    {
        var finding = await command.LoadAsync<ScreeningFinding>(id);
        return (finding, await command.ActorAmongAsync(finding.Concerned));
    }

    private static Answer Recorded(ScreeningFinding state) =>
        new(ScreeningFindingView.Of(new(null, state)) with { IsFound = true }, state.Revision);
}

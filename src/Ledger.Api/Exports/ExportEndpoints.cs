using Ledger.Api.Commands;
using Ledger.Api.Jobs;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Domain;
using Ledger.Domain.Identity;
using Microsoft.AspNetCore.Http.Features;

namespace Ledger.Api.Exports;

/// <summary>
/// Exports over HTTP, streamed. The header <c>Ledger-Steps</c> says how many steps (funds, or events) the file takes,
/// for whoever shows progress; a file that breaks off ends without the closing chunk, so that a client takes it for the
/// fault it is.
/// </summary>
public static class ExportEndpoints
{
    private const string StepsHeader = "Ledger-Steps";
    public static readonly string[] Bookkeepers =
    [
        Roles.Auditor,
        Roles.VillageFinance,
        Roles.SupervisionCommittee,
        Roles.CountyFinance,
        Roles.CountyAgriculture,
        Roles.CityHrss,
    ];

    public static IServiceCollection AddExports(this IServiceCollection services, Settings settings) =>
        services
            .AddSingleton(AccountMap.Load(settings.AccountMap))
            .AddSingleton(VoucherBook.Load(settings.VoucherColumns))
            .AddSingleton<Exports>();

    public static void MapExports(this IEndpointRouteBuilder api)
    {
        api.MapGet(
                "/exports/journal",
                (string? region, string? format, Exports exports, Caller caller, HttpContext http) =>
                    WriteAsync(Journal(format), region, exports, caller, http)
            )
            .Reading<string>(
                "export-journal",
                "导出日记账：format 为 hledger、beancount 文本，或 general-ledger（ISO 21378 总账表，CSV 压缩包） · Export the journal",
                Bookkeepers
            )
            .MayBeReadByAJob()
            .Refuses(Rejections.FieldInvalid)
            .DisableRequestTimeout();
        api.MapGet(
                "/exports/events",
                (string? region, Exports exports, Caller caller, HttpContext http) =>
                    WriteAsync(ExportKind.Events, region, exports, caller, http)
            )
            .Reading<string>(
                "export-events",
                "导出事件日志（JSON Lines，金额为分） · Export the event log as JSON lines",
                Roles.Auditor,
                Roles.CityHrss
            )
            .MayBeReadByAJob()
            .Refuses(Rejections.FieldInvalid)
            .DisableRequestTimeout();
        api.MapGet(
                "/exports/log",
                async (Exports exports, Caller caller, HttpContext http) =>
                {
                    if (!await exports.IsWholeLogInAsync(caller.Actor.Region, http.RequestAborted))
                        throw new RefusedException(
                            new Rejection(
                                Rejections.Forbidden,
                                "日志含辖区以外的条目，缺了条目的日志不能验证；请由管辖全部区划的审计导出"
                            )
                        );
                    await WriteAsync(ExportKind.Log, null, exports, caller, http);
                }
            )
            .Reading<string>(
                "export-log",
                "导出存证日志（每行一条，供 ledger-verify log） · Export the whole transparency log",
                Roles.Auditor,
                Roles.CityHrss
            )
            .MayBeReadByAJob()
            .Refuses(Rejections.Forbidden)
            .DisableRequestTimeout();
        api.MapGet(
                "/exports/account-map",
                (AccountMap accounts) =>
                    Results.File(
                        [.. System.Text.Encoding.UTF8.Preamble, .. System.Text.Encoding.UTF8.GetBytes(accounts.Text)],
                        "text/csv; charset=utf-8",
                        "account-map.csv"
                    )
            )
            .Reading<string>(
                "export-account-map",
                "科目对照表（CSV）：账本账户与农村集体经济组织会计科目 · The mapping of accounts in use",
                Bookkeepers
            );
    }

    private static ExportKind Journal(string? format) =>
        Require.Word<ExportKind>(format, "format") switch
        {
            null => ExportKind.Hledger,
            ExportKind.Events or ExportKind.Log => throw Require.Invalid(
                "format",
                "事件请用 /api/exports/events，存证日志请用 /api/exports/log"
            ),
            { } kind => kind,
        };

    private static async Task WriteAsync(
        ExportKind kind,
        string? region,
        Exports exports,
        Caller caller,
        HttpContext http
    )
    {
        var scope = Scope.Narrow(caller, region);
        http.Response.ContentType = Exports.MediaType(kind);
        http.Response.Headers.ContentDisposition = $"attachment; filename={Exports.FileName(kind)}";
        // The archive and CSV writers close with synchronous writes
        http.Features.Get<IHttpBodyControlFeature>()!.AllowSynchronousIO = true;
        var job = JobStep.Of(http)?.Steps;
        await exports.WriteAsync(
            kind,
            scope,
            http.Response.Body,
            steps =>
            {
                http.Response.Headers[StepsHeader] = $"{steps}";
                job?.Total = steps;
            },
            done => job?.Done = done,
            http.RequestAborted
        );
    }
}

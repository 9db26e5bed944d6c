using System.Text.Json.Nodes;
using Ledger.Api.Commands;
using Ledger.Api.Imports;
using Ledger.Domain;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;
using Scalar.AspNetCore;

namespace Ledger.Api.OpenApi;

/// <summary>
/// The API document (OpenAPI 3.1) from the routes' own declarations: headers, examples, roles, every problem code.
/// </summary>
public static class ApiDocument
{
    public static void AddApiDocument(this IServiceCollection services) =>
        services.AddOpenApi(
            "v1",
            options =>
            {
                options.OpenApiVersion = OpenApiSpecVersion.OpenApi3_1;
                options.AddDocumentTransformer(
                    (document, _, _) =>
                    {
                        document.Info.Title = "居民养老保险集体补助账本 · Collective Subsidy Ledger";
                        document.Info.Description = """
                            金额以元为单位，最多两位小数。每个 POST 须带 `Idempotency-Key`：同一值、同一内容得到第一次的答复。
                            读取时返回 `ETag`，修改时可带 `If-Match`。
                            出错时返回 RFC 9457 `application/problem+json`，`code` 长期不变，`mend` 说明如何改正。

                            Amounts are yuan with at most two decimals.
                            Codes and their meaning: [/docs/problems](/docs/problems).
                            """;
                        document.Components ??= new OpenApiComponents();
                        document.Components.SecuritySchemes = new Dictionary<string, IOpenApiSecurityScheme>
                        {
                            ["bearer"] = new OpenApiSecurityScheme
                            {
                                Type = SecuritySchemeType.Http,
                                Scheme = "bearer",
                                BearerFormat = "JWT",
                            },
                        };
                        document.Security =
                        [
                            new OpenApiSecurityRequirement
                            {
                                [new OpenApiSecuritySchemeReference("bearer", document)] = [],
                            },
                        ];
                        document.Tags = Chapters
                            .Values.Distinct()
                            .Select(name => new OpenApiTag { Name = name })
                            .ToHashSet();
                        foreach (var (path, item) in document.Paths)
                        foreach (var operation in item.Operations!.Values)
                            operation.Tags = new HashSet<OpenApiTagReference>
                            {
                                new(
                                    Chapters[
                                        path.Split('/')[path.StartsWith("/log/", StringComparison.Ordinal) ? 1 : 2]
                                    ],
                                    document
                                ),
                            };
                        return Task.CompletedTask;
                    }
                );
                options.AddSchemaTransformer(
                    (schema, context, _) =>
                    {
                        if (context.JsonTypeInfo.Type != typeof(Money) && context.JsonTypeInfo.Type != typeof(Money?))
                            return Task.CompletedTask;
                        schema.Type = JsonSchemaType.Number;
                        schema.Description = "元，最多两位小数 · yuan, at most two decimals";
                        schema.MultipleOf = 0.01m;
                        schema.Examples = [JsonValue.Create(1200.50m)];
                        schema.Properties = null;
                        return Task.CompletedTask;
                    }
                );
                options.AddOperationTransformer(Describe);
            }
        );

    /// <summary>The chapter of each resource, in the order of the work.</summary>
    private static readonly IReadOnlyDictionary<string, string> Chapters = new Dictionary<string, string>
    {
        ["session"] = "登录 Sign-in",
        ["sessions"] = "登录 Sign-in",
        ["accounts"] = "账户 Accounts",
        ["operation"] = "运行 Operation",
        ["policy-years"] = "政策年度 Policy years",
        ["pilots"] = "试点 Pilots",
        ["agency-profiles"] = "接口格式 Profiles of the agency's system",
        ["region-names"] = "区划名称 Names of regions",
        ["collectives"] = "集体 Collectives",
        ["funds"] = "资金 Funds",
        ["donors"] = "捐赠人 Donors",
        ["plans"] = "补助方案 Plans",
        ["members"] = "成员与缴费 Members",
        ["waiting-members"] = "成员与缴费 Members",
        ["contributions"] = "成员与缴费 Members",
        ["insurance-checks"] = "成员与缴费 Members",
        ["tasks"] = "待办 Tasks",
        ["notifications"] = "待办 Tasks",
        ["applications"] = "申请 Applications",
        ["notices"] = "公示 Notices",
        ["evidence"] = "凭证 Evidence",
        ["reports"] = "报表与督办 Reports",
        ["supervision"] = "报表与督办 Reports",
        ["audit"] = "审计 Audit",
        ["feed"] = "订阅 Feed and webhooks",
        ["subscriptions"] = "订阅 Feed and webhooks",
        ["jobs"] = "后台任务 Jobs",
        ["batch"] = "成批提交 Batch",
        ["samples"] = "抽样 Samples",
        ["log"] = "存证日志 Transparency log",
        ["trace"] = "追溯 Trace",
        ["search"] = "查找 Search",
        ["exports"] = "导出 Exports",
        ["templates"] = "模板 Templates",
        ["sample"] = "样例 Sample",
    };

    private static Task Describe(
        OpenApiOperation operation,
        OpenApiOperationTransformerContext context,
        CancellationToken cancellation
    )
    {
        var metadata = context.Description.ActionDescriptor.EndpointMetadata;
        var isPost = context.Description.HttpMethod == HttpMethods.Post && !metadata.OfType<NotKeptMetadata>().Any();
        var changes = isPost || context.Description.HttpMethod == HttpMethods.Put;
        var roles = metadata.OfType<RolesMetadata>().FirstOrDefault()?.Roles ?? [];
        operation.Description =
            roles.Count == 0 ? "公开，不需要令牌。" : $"角色：{string.Join("、", roles.Select(r => $"`{r}`"))}";
        if (roles.Count == 0)
            operation.Security = [];
        operation.Parameters ??= [];
        if (isPost)
            operation.Parameters.Add(Header(IdempotencyKey.Header, true, "每个新请求一个新值；重试用原值"));
        if (changes)
            operation.Parameters.Add(Header("If-Match", false, "上次读到的 ETag；内容已被他人更新时返回 412"));
        if (metadata.OfType<PreviewMetadata>().Any())
            operation.Parameters.Add(
                new OpenApiParameter
                {
                    Name = "preview",
                    In = ParameterLocation.Query,
                    Description =
                        "true：只预览，不办理；答复为涉及的金额、人数、前后变化和在办申请（PreviewView） · "
                        + "only say what it would do",
                    Schema = new OpenApiSchema { Type = JsonSchemaType.Boolean },
                }
            );

        if (
            metadata.OfType<ExampleMetadata>().FirstOrDefault() is { } example
            && operation.RequestBody?.Content?.TryGetValue("application/json", out var body) == true
        )
            body.Example = JsonNode.Parse(example.Json);
        if (metadata.OfType<SheetMetadata>().FirstOrDefault() is { } sheet)
            operation.Description +=
                $"\n\n文件：{sheet.Form.Title}，最多 {sheet.Form.MaxRows} 行，模板 `/api/templates/{sheet.Form.Name}.xlsx`。"
                + $"出错时加 `Accept: {Workbook.ContentType}` 可取回标注了问题的文件。";

        operation.Responses ??= [];
        if (metadata.OfType<JobMetadata>().Any())
            MayBeAJob(operation);
        foreach (
            var group in Codes(metadata, roles.Count > 0, changes, isPost).GroupBy(c => c.Status).OrderBy(g => g.Key)
        )
        {
            operation.Responses[group.Key.ToString(System.Globalization.CultureInfo.InvariantCulture)] =
                new OpenApiResponse
                {
                    Description = string.Join("；", group.Select(c => $"`{c.Code}` {c.Title}")),
                    Content = new Dictionary<string, OpenApiMediaType>
                    {
                        [Problem.ContentType] = new() { Example = Sample(group.First()) },
                    },
                };
        }
        return Task.CompletedTask;
    }

    private static void MayBeAJob(OpenApiOperation operation)
    {
        operation.Parameters!.Add(
            Header("Prefer", false, "respond-async：作为后台任务办理，答复 202 和任务的地址（RFC 7240） · as a job")
        );
        operation.Description +=
            " 带 `Prefer: respond-async` 时作为后台任务办理，最多 200000 行、30 MB：见 `GET /api/jobs/{id}`。";
        operation.Responses!["202"] = new OpenApiResponse
        {
            Description = "已收下，作为后台任务办理 · Accepted as a job",
        };
    }

    /// <summary>The codes that a route declares and those that its kind brings along.</summary>
    public static IEnumerable<RejectionCode> Codes(
        IEnumerable<object> metadata,
        bool needsToken,
        bool changes,
        bool isPost
    )
    {
        IEnumerable<RejectionCode> codes = metadata.OfType<RefusalMetadata>().SelectMany(r => r.Codes);
        if (codes.Contains(Rejections.EvidenceMissing))
            codes = codes.Append(Rejections.EvidenceDamaged);
        if (needsToken)
            codes = codes.Concat([Rejections.Unauthenticated, Rejections.Forbidden]);
        if (changes)
            codes = codes.Concat([
                Rejections.BodyInvalid,
                Rejections.FieldTwice,
                Rejections.PersonalDataInText,
                Rejections.ReferenceIsPersonal,
                Rejections.Busy,
            ]);
        if (isPost)
            codes = codes.Concat([Rejections.IdempotencyKeyMissing, Rejections.IdempotencyMismatch]);
        return codes
            .Concat([
                Rejections.PathTooLong,
                Rejections.TooManyRequests,
                Rejections.PersonDamaged,
                Rejections.FundDamaged,
                Rejections.RecordDamaged,
                Rejections.Internal,
            ])
            .Distinct();
    }

    private static OpenApiParameter Header(string name, bool required, string description) =>
        new()
        {
            Name = name,
            In = ParameterLocation.Header,
            Required = required,
            Description = description,
            Schema = new OpenApiSchema { Type = JsonSchemaType.String },
        };

    private static JsonObject Sample(RejectionCode code) =>
        new()
        {
            ["type"] = $"/docs/problems#{code.Code}",
            ["title"] = code.Title,
            ["status"] = code.Status,
            ["code"] = code.Code,
            ["mend"] = code.Mend,
        };

    /// <summary>/openapi/v1.json and the Scalar page at /docs, without a token.</summary>
    public static void MapApiDocument(this WebApplication app)
    {
        app.MapOpenApi().AllowAnonymous();
        app.MapScalarApiReference(
                "/docs",
                options =>
                    options
                        .WithTitle("集体补助账本 API")
                        .WithOpenApiRoutePattern("/openapi/v1.json")
                        .DisableAgent()
                        .DisableMcp()
                        .DisableTelemetry()
                        .DisableDefaultFonts()
                        .HideDeveloperTools()
                        .HideClientButton()
            ) // nothing goes to another host
            .AllowAnonymous();
    }
}

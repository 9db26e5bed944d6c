using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using Ledger.Api.Commands;
using Ledger.Api.Imports;
using Ledger.Domain;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;
using Scalar.AspNetCore;

namespace Ledger.Api.OpenApi;

/// <summary>
/// The API document (OpenAPI 3.1) from the routes' own declarations: headers, examples, roles, every problem code.
/// </summary>
public static class ApiDocument
{
    private const string ProblemSchema = "Problem";

    public static void AddApiDocument(this IServiceCollection services) =>
        services.AddOpenApi(
            "v1",
            options =>
            {
                options.OpenApiVersion = OpenApiSpecVersion.OpenApi3_1;
                // An amount stands where it is used: behind a reference a generator makes an empty class of it.
                options.CreateSchemaReferenceId = type =>
                    IsAmount(type) ? null : OpenApiOptions.CreateDefaultSchemaReferenceId(type);
                options.AddDocumentTransformer(Complete);
                options.AddSchemaTransformer(Number);
                options.AddOperationTransformer(Describe);
            }
        );

    /// <summary>What stands once for all calls.</summary>
    private static async Task Complete(
        OpenApiDocument document,
        OpenApiDocumentTransformerContext context,
        CancellationToken cancellation
    )
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
            new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference("bearer", document)] = [] },
        ];
        document.Components.Examples = Rejections.All.Values.ToDictionary(
            c => c.Code,
            c => (IOpenApiExample)new OpenApiExample { Value = Sample(c) }
        );
        document.Components.Schemas![ProblemSchema] = await context.GetOrCreateSchemaAsync(
            typeof(ProblemView),
            null,
            cancellation
        );
        document.Servers = [new OpenApiServer { Url = "/" }];
        document.Tags = Chapter
            .ByResource.Values.Distinct()
            .Select(c => new OpenApiTag { Name = c.Name, Description = c.Description })
            .ToHashSet();
        foreach (var (path, item) in document.Paths)
        foreach (var operation in item.Operations!.Values)
            operation.Tags = new HashSet<OpenApiTagReference> { new(Chapter.OfPath(path).Name, document) };
    }

    private static Task Number(
        OpenApiSchema schema,
        OpenApiSchemaTransformerContext context,
        CancellationToken cancellation
    )
    {
        // A number in quotes is read, too; nobody needs to be told to write one.
        if (schema.Type is { } numeric && numeric.HasFlag(JsonSchemaType.Integer))
            (schema.Type, schema.Pattern) = (numeric & ~JsonSchemaType.String, null);
        if (!IsAmount(context.JsonTypeInfo))
            return Task.CompletedTask;
        schema.Type = JsonSchemaType.Number | (schema.Type & JsonSchemaType.Null);
        schema.Format = "decimal";
        schema.Description = "元，最多两位小数 · yuan, at most two decimals";
        schema.MultipleOf = 0.01m;
        schema.Examples = [JsonValue.Create(1200.50m)];
        schema.Properties = null;
        return Task.CompletedTask;
    }

    private static bool IsAmount(JsonTypeInfo type) => type.Type == typeof(Money) || type.Type == typeof(Money?);

    private static Task Describe(
        OpenApiOperation operation,
        OpenApiOperationTransformerContext context,
        CancellationToken cancellation
    )
    {
        var metadata = context.Description.ActionDescriptor.EndpointMetadata;
        var isKept = !metadata.OfType<NotKeptMetadata>().Any();
        var isPost = isKept && context.Description.HttpMethod == HttpMethods.Post;
        var changes = isPost || (isKept && context.Description.HttpMethod == HttpMethods.Put);
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

        Answers(operation, metadata);
        Files(operation, metadata);
        if (metadata.OfType<JobMetadata>().Any())
            AsJob(operation, "，最多 200000 行，文本 30 MB，工作簿 20 MB：见 `GET /api/jobs/{id}`。");
        if (metadata.OfType<ReadingJobMetadata>().Any())
            AsJob(operation, "，结果用 `GET /api/jobs/{id}/result` 取，保存 7 天。");
        foreach (
            var group in Codes(metadata, roles.Count > 0, changes, isPost).GroupBy(c => c.Status).OrderBy(g => g.Key)
        )
            operation.Responses![group.Key.ToString(CultureInfo.InvariantCulture)] = new OpenApiResponse
            {
                Description = string.Join("；", group.Select(c => $"`{c.Code}` {c.Title}")),
                Content = new Dictionary<string, OpenApiMediaType>
                {
                    [Problem.ContentType] = new OpenApiMediaType
                    {
                        Schema = new OpenApiSchemaReference(ProblemSchema, context.Document),
                        Examples = group.ToDictionary(
                            c => c.Code,
                            c => (IOpenApiExample)new OpenApiExampleReference(c.Code, context.Document)
                        ),
                    },
                },
            };
        return Task.CompletedTask;
    }

    private static void AsJob(OpenApiOperation operation, string bounds)
    {
        operation.Parameters ??= [];
        operation.Parameters.Add(
            Header("Prefer", false, "respond-async：作为后台任务办理，答复 202 和任务的地址（RFC 7240） · as a job")
        );
        operation.Description += $" 带 `Prefer: respond-async` 时作为后台任务办理{bounds}";
        operation.Responses!["202"] = new OpenApiResponse
        {
            Description = "已收下，作为后台任务办理 · Accepted as a job",
        };
    }

    /// <summary>A file or a text is no JSON, although its type looks like that of a JSON string.</summary>
    private static void Answers(OpenApiOperation operation, IEnumerable<object> metadata)
    {
        operation.Responses ??= [];
        var type = metadata.OfType<IProducesResponseTypeMetadata>().LastOrDefault()?.Type;
        if (type != typeof(byte[]) && type != typeof(string))
            return;
        operation.Responses["200"] = new OpenApiResponse
        {
            Description = "OK",
            Content = new Dictionary<string, OpenApiMediaType>
            {
                [type == typeof(string) ? "text/plain" : "application/octet-stream"] = new OpenApiMediaType
                {
                    Schema = type == typeof(string) ? new OpenApiSchema { Type = JsonSchemaType.String } : File(),
                },
            },
        };
    }

    /// <summary>What takes a list as JSON takes it as a file, too, beside the other fields.</summary>
    private static void Files(OpenApiOperation operation, IEnumerable<object> metadata)
    {
        if (
            metadata.OfType<SheetMetadata>().FirstOrDefault() is not { } sheet
            || operation.RequestBody?.Content is not { } content
            || !content.TryGetValue("application/json", out var json)
            || !content.ContainsKey("multipart/form-data")
        )
            return;
        var file = sheet.Form == Sheets.RosterForm ? "roster" : "file";
        content["multipart/form-data"] = new OpenApiMediaType
        {
            Schema = new OpenApiSchema
            {
                Type = JsonSchemaType.Object,
                Required = new HashSet<string> { file },
                Properties = json.Schema!.Properties!.Where(p =>
                        p.Value.Type is { } t && !t.HasFlag(JsonSchemaType.Array)
                    )
                    .Append(new(file, File()))
                    .ToDictionary(),
            },
        };
    }

    private static OpenApiSchema File() => new() { Type = JsonSchemaType.String, Format = "binary" };

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
                Rejections.LogBehind,
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
            ["detail"] = code.Title,
            ["instance"] = "/api/…",
            ["code"] = code.Code,
            ["mend"] = code.Mend,
            ["traceId"] = "4bf92f3577b34da6a3ce929d0e0e4736",
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

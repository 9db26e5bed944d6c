using System.Diagnostics;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization;
using Ledger.Api.Pages;
using Ledger.Api.Storage;
using Ledger.Domain;
using Ledger.Domain.Identity;
using Ledger.Store.Axes;
using Npgsql;

namespace Ledger.Api.Commands;

/// <summary>The entry that may be the same money.</summary>
public sealed record EarlierEntryView(string Type, string Id, DateOnly On, Money Amount);

/// <summary>
/// RFC 9457 problem details: what went wrong, and what to do next, in the language that was asked for; what does not
/// apply is absent.
/// </summary>
public sealed record ProblemView
{
    public required string Type { get; init; }
    public required string Title { get; init; }
    public required int Status { get; init; }
    public required string Detail { get; init; }
    public required string Instance { get; init; }

    /// <summary>Stable; the list is at /docs/problems.</summary>
    public required string Code { get; init; }

    /// <summary>What to do next.</summary>
    public required string Mend { get; init; }
    public required string TraceId { get; init; }

    /// <summary>The field at fault.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Field { get; init; }

    /// <summary>What would still have been possible (fund or cap).</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public Money? LeftAmount { get; init; }

    /// <summary>The earliest business date that would do.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public DateOnly? NotBefore { get; init; }

    /// <summary>The entry that may be the same money.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public EarlierEntryView? Earlier { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? FaultCount { get; init; }

    /// <summary>By field, or by row and column of an upload.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<Fault>? Faults { get; init; }

    /// <summary>What of an upload was not read or was mended.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<Note>? Notes { get; init; }
}

/// <summary>What a refused request, or a failed one, is answered with.</summary>
public static partial class Problem
{
    public const string ContentType = "application/problem+json";

    /// <summary>
    /// As whoever asks is told it: on the pages that need no account, and on their forms, in a villager's words.
    /// </summary>
    public static Rejection Told(Rejection r, HttpContext http)
    {
        if (!PageRoutes.IsPage(http) && !http.Request.Path.StartsWithSegments("/api/notices"))
            return r;
        var endpoint =
            http.GetEndpoint()
            ?? http.Features.Get<Microsoft.AspNetCore.Diagnostics.IExceptionHandlerFeature>()?.Endpoint;
        var isPublic = endpoint?.Metadata.GetMetadata<RolesMetadata>() is { } roles
            ? roles.Roles.Count == 0
            : http.User.Identity?.IsAuthenticated != true;
        return isPublic ? r.ForVillagers() : r;
    }

    public static ProblemView Details(Rejection rejection, HttpContext http)
    {
        var r = Told(rejection, http);
        return new ProblemView
        {
            Type = $"/docs/problems#{r.Code.Code}",
            Title = English.Said(r.Code.Title),
            Status = r.Code.Status,
            Detail = English.Said(r.Detail),
            Instance = http.Request.Path,
            Code = r.Code.Code,
            Mend = English.Said(r.Mend),
            TraceId = Activity.Current?.TraceId.ToString() ?? http.TraceIdentifier,
            Field = r.Field is null ? null : English.Said(r.Field),
            LeftAmount = r.LeftAmount,
            NotBefore = r.NotBefore,
            Earlier = r.Earlier is { } e ? new EarlierEntryView(e.Type, e.Id, e.On, e.AmountFen) : null,
            FaultCount = r.Faults.Count > 0 ? r.Faults.Count : null,
            Faults = r.Faults.Count > 0 ? r.Faults : null,
            Notes = r.Notes.Count > 0 ? r.Notes : null,
        };
    }

    public static IResult Of(Rejection r, HttpContext http)
    {
        if (r.RetryAfterSeconds is { } seconds)
            http.Response.Headers.RetryAfter = seconds.ToString(System.Globalization.CultureInfo.InvariantCulture);
        return Results.Json(Details(r, http), contentType: ContentType, statusCode: r.Code.Status);
    }

    /// <summary>What a thrown exception means to the caller; null when it is a defect of ours.</summary>
    public static Rejection? Meaning(Exception e) =>
        e switch
        {
            RefusedException refused => refused.Rejection,
            ForgedAxisException forged => new Rejection(Rejections.FundDamaged, forged.Message),
            PostgresException { SqlState: PostgresErrorCodes.UniqueViolation, TableName: "fen_axis" } taken =>
                new Rejection(Rejections.FundDamaged, new ForgedAxisException($"（{taken.ConstraintName}）").Message),
            BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge } => new Rejection(
                Rejections.LimitExceeded,
                "请求超过大小上限"
            ),
            BadHttpRequestException { InnerException: AmountException amount } => new Rejection(
                Rejections.AmountInvalid,
                amount.Message
            )
            {
                Field = Field(amount.Path),
            },
            BadHttpRequestException { InnerException: UnfitElementException unfit } => new Rejection(
                Rejections.BodyInvalid,
                $"{unfit.Field} {unfit.Message}"
            )
            {
                Field = unfit.Field,
            },
            BadHttpRequestException { InnerException: JsonException json }
                when json.Message.StartsWith("Duplicate", StringComparison.Ordinal) => new Rejection(
                Rejections.FieldTwice,
                $"JSON 中 {Twice(json)} 出现两次"
            )
            {
                Field = Twice(json),
            },
            BadHttpRequestException { InnerException: JsonException json }
                when json.Message.Contains("missing required", StringComparison.Ordinal)
                    && Names(json.Message) is [var missing, ..] all => new Rejection(
                Rejections.BodyInvalid,
                $"缺少字段 {string.Join("、", all)}"
            )
            {
                Field = At(json.Path, missing),
            },
            BadHttpRequestException { InnerException: JsonException json } => new Rejection(
                Rejections.BodyInvalid,
                Unread(json)
            )
            {
                Field = Within(json.Path),
            },
            BadHttpRequestException { Message: var message }
                when Unbound().Match(message) is { Success: true } parameter => Unfit(
                parameter.Groups[1].Value,
                Queries.NameOf(parameter.Groups[2].Value),
                parameter.Groups[3].Value
            ),
            BadHttpRequestException { Message: var message }
                when Missing().Match(message) is { Success: true } parameter => new Rejection(
                Rejections.BodyInvalid,
                $"缺少参数 {Queries.NameOf(parameter.Groups[1].Value)}"
            )
            {
                Field = Queries.NameOf(parameter.Groups[1].Value),
            },
            BadHttpRequestException { Message: var message }
                when message.StartsWith("Implicit body", StringComparison.Ordinal) => new Rejection(
                Rejections.BodyInvalid,
                "请求内容为空：应为 JSON，Content-Type 为 application/json"
            ),
            BadHttpRequestException { StatusCode: StatusCodes.Status415UnsupportedMediaType } => new Rejection(
                Rejections.BodyInvalid,
                "应为 JSON，Content-Type 为 application/json（上传文件时为 multipart/form-data）"
            ),
            BadHttpRequestException bad => new Rejection(Rejections.BodyInvalid, bad.Message),
            InvalidDataException data => new Rejection(Rejections.BodyInvalid, data.Message),
            TraceLimitException limit => new Rejection(Rejections.LimitExceeded, limit.Message),
            // A NUL, in whatever field it came: the database cannot hold it.
            Npgsql.PostgresException
            {
                SqlState: Npgsql.PostgresErrorCodes.CharacterNotInRepertoire
                    or Npgsql.PostgresErrorCodes.UntranslatableCharacter
            } => new Rejection(Rejections.BodyInvalid, "内容含有空字符"),
            // A look at a stream with an event that no build of the product wrote: it is named.
            UnreadableEventException forged => new Rejection(
                forged.Stream.StartsWith("fund-", StringComparison.Ordinal)
                    ? Rejections.FundDamaged
                    : Rejections.RecordDamaged,
                $"{forged.Stream}：{forged.Message}"
            ),
            Marten.Exceptions.EventDeserializationFailureException or Marten.Exceptions.UnknownEventTypeException =>
                new Rejection(Rejections.RecordDamaged, "其中有一个事件无法读取"),
            Marten.Exceptions.MartenCommandException { InnerException: Npgsql.PostgresException inner } => Meaning(
                inner
            ),
            // V0020: nothing is written, whoever asks again gets another node or a clock that was set.
            Npgsql.PostgresException { SqlState: Npgsql.PostgresErrorCodes.InsufficientPrivilege } ahead
                when ahead.MessageText.EndsWith("ahead of the server's clock", StringComparison.Ordinal) =>
                new Rejection(Rejections.Busy, "本机时钟比数据库的快，暂不能写入；请管理员校时后再试"),
            _ when StaleServerException.In(e) is { } stale => new Rejection(
                stale.Code == Rejections.LogBehind.Code ? Rejections.LogBehind : Rejections.Busy,
                stale.Message
            ),
            CalledOffException off => new Rejection(Rejections.Busy, off.Message),
            Npgsql.NpgsqlException { IsTransient: true } => new Rejection(Rejections.Busy, "数据库暂时不能应答"),
            // Of several servers none is to be had; Npgsql does not call that transient.
            Npgsql.NpgsqlException and not (Npgsql.PostgresException or Npgsql.NpgsqlOperationInProgressException) =>
                new Rejection(Rejections.Busy, "数据库暂时不能应答"),
            _ => null,
        };

    [System.Text.RegularExpressions.GeneratedRegex(
        "^Failed to bind parameter \"(?:Nullable<)?([^ ?>]+)\\S* (\\w+)\" from \"(.*)\"\\.$",
        System.Text.RegularExpressions.RegexOptions.Singleline
    )]
    private static partial System.Text.RegularExpressions.Regex Unbound();

    [System.Text.RegularExpressions.GeneratedRegex(
        "^Required parameter \"\\S+ (\\w+)\" was not provided from (?:query string|route)"
    )]
    private static partial System.Text.RegularExpressions.Regex Missing();

    /// <summary>A parameter that is not of its type, and what it should be.</summary>
    public static Rejection Unfit(string type, string name, string text)
    {
        if (type == nameof(Money))
        {
            Money.Asked(text, out var fault);
            return new Rejection(Rejections.AmountInvalid, $"{name}：{fault}") { Field = name };
        }
        var right = Right(type) is { } should ? $"，{should}" : "";
        return new Rejection(Rejections.BodyInvalid, $"参数 {name} 的取值不对{right}") { Field = name };
    }

    /// <summary>What would stand rightly where something of this type is expected; null: too much to say.</summary>
    private static string? Right(string type) =>
        type switch
        {
            nameof(DateOnly) => Queries.Day,
            nameof(DateTimeOffset) => Queries.Moment,
            "int" or "long" or nameof(Int32) or nameof(Int64) => "应为整数",
            "bool" or nameof(Boolean) => "应为 true 或 false",
            nameof(String) => "应为文字，写在引号里",
            _ => null,
        };

    /// <summary>What the serializer could not take, with what would be right there.</summary>
    private static string Unread(JsonException json)
    {
        var at = Field(json.Path);
        if (json.Message.Contains("could not be mapped to any", StringComparison.Ordinal))
            return $"JSON 中不应有字段 {at}";
        var type = Expected(json);
        var right = type is { IsEnum: true }
            ? Require.OneOf(Enum.GetValues(type).Cast<Enum>().Select(v => v.Word()))
            : Right(type?.Name ?? "");
        return right is null
            ? $"JSON 在 {at} 处无法读取：类型不对、取值不在允许范围，或有未知字段"
            : $"JSON 的 {at} 取值不对，{right}";
    }

    /// <summary>What should stand at the path; null: the serializer does not tell.</summary>
    private static Type? Expected(JsonException json)
    {
        var name = Unconverted().Match(json.Message) is { Success: true } found
            ? found.Groups[1].Value
            : nameof(Object);
        var named =
            typeof(Money).Assembly.GetType(name) ?? typeof(Problem).Assembly.GetType(name) ?? Type.GetType(name);
        // Of a record's parameter it names the record.
        var field = json.Path?.Split('.')[^1].Split('[')[0] ?? "";
        var type =
            named
                ?.GetProperty(field, BindingFlags.Public | BindingFlags.Instance | BindingFlags.IgnoreCase)
                ?.PropertyType
            ?? named;
        if (json.Path?.EndsWith(']') == true)
            type = type?.GetGenericArguments().FirstOrDefault() ?? type;
        return type is null ? null : Nullable.GetUnderlyingType(type) ?? type;
    }

    [System.Text.RegularExpressions.GeneratedRegex(
        @"could not be converted to (?:System\.Nullable`1\[)?([\w+]+(?:\.[\w+]+)*)"
    )]
    private static partial System.Text.RegularExpressions.Regex Unconverted();

    /// <summary>The property names that the serializer quotes, after the type's own.</summary>
    private static List<string> Names(string message) =>
        [
            .. System
                .Text.RegularExpressions.Regex.Matches(
                    message[message.IndexOf(':', StringComparison.Ordinal)..],
                    "'([A-Za-z]+)'"
                )
                .Select(m => m.Groups[1].Value),
        ];

    /// <summary>
    /// Where the property stands that is there twice: the serializer quotes its name, the path is that of the object
    /// around it.
    /// </summary>
    private static string Twice(JsonException json)
    {
        var name = json.Message.Split('\'') is [_, var quoted, ..] ? quoted : "";
        return Within(json.Path) is { } path && path.EndsWith(name, StringComparison.OrdinalIgnoreCase)
            ? path
            : At(json.Path, name);
    }

    /// <summary>A property of the object at this path.</summary>
    private static string At(string? path, string name) => Within(path) is { } around ? $"{around}.{name}" : name;

    private static string Field(string? path) => Within(path) ?? "(整体)";

    /// <summary>As we write it; null: the whole.</summary>
    private static string? Within(string? path) =>
        path is null or "$" ? null
        : path.StartsWith("$.", StringComparison.Ordinal) ? path[2..]
        : path;

    /// <summary>
    /// Answers that the framework leaves empty (no such route, wrong method) get a problem of their own.
    /// </summary>
    public static Task EmptyAnswerAsync(Microsoft.AspNetCore.Diagnostics.StatusCodeContext context)
    {
        var http = context.HttpContext;
        var code =
            http.Response.StatusCode == StatusCodes.Status404NotFound ? Rejections.NotFound : Rejections.BodyInvalid;
        var (method, path) = (http.Request.Method, http.Request.Path);
        var rejection = new Rejection(
            code with
            {
                Status = http.Response.StatusCode,
            },
            http.Response.StatusCode switch
            {
                StatusCodes.Status415UnsupportedMediaType when string.IsNullOrEmpty(http.Request.ContentType) =>
                    "请求没有内容，或没有说明是什么：应为 JSON，Content-Type 为 application/json（上传文件时为 multipart/form-data）",
                StatusCodes.Status415UnsupportedMediaType =>
                    $"这里不收 Content-Type 为 {PersonalNumbers.Quoted(http.Request.ContentType!)} 的内容："
                        + "JSON 用 application/json，上传文件用 multipart/form-data",
                StatusCodes.Status404NotFound => $"没有网址 {path}",
                StatusCodes.Status405MethodNotAllowed => $"{path} 不能用 {method}，可用 {http.Response.Headers.Allow}",
                _ => $"{method} {path}",
            }
        );
        return (PageRoutes.IsPage(http) ? PageRoutes.Problem(rejection, http) : Of(rejection, http)).ExecuteAsync(http);
    }

    /// <summary>
    /// The last resort: clear words for bad requests, a bare 500 for defects (details only in our log).
    /// </summary>
    /// <summary>Whatever goes wrong from here on is answered with problem details.</summary>
    public static void UseProblems(this IApplicationBuilder app)
    {
        app.UseExceptionHandler(
            new ExceptionHandlerOptions
            {
                ExceptionHandler = HandleAsync,
                AllowStatusCode404Response = true, // ours, also when compression has kept it from starting yet
                // An answer, not a fault of ours.
                SuppressDiagnosticsCallback = failed =>
                    failed.Exception is RefusedException or BadHttpRequestException or UnreadableEventException
                    || Meaning(failed.Exception)?.Code is { } code
                        && (code == Rejections.BodyInvalid || code == Rejections.Busy),
            }
        );
        app.UseStatusCodePages(EmptyAnswerAsync);
    }

    private static async Task HandleAsync(HttpContext http)
    {
        var e = http.Features.Get<Microsoft.AspNetCore.Diagnostics.IExceptionHandlerFeature>()!.Error;
        var rejection = Meaning(e) ?? new Rejection(Rejections.Internal, "请求没有完成，没有写入任何内容");
        // A line for each, where a database that is away would fill the disk with stack traces.
        if (rejection.Code == Rejections.Busy)
            http.RequestServices.GetRequiredService<ILoggerFactory>()
                .CreateLogger(typeof(Problem))
                .LogWarning("{Method} {Path}: {Reason}", http.Request.Method, http.Request.Path, e.Message);
        if (
            e is UnreadableEventException or ForgedAxisException
            || (e is PostgresException && rejection.Code == Rejections.FundDamaged)
        )
            await http.RequestServices.GetRequiredService<EditedStates>().FoundAsync(rejection.Detail);
        await (PageRoutes.IsPage(http) ? PageRoutes.Problem(rejection, http) : Of(rejection, http)).ExecuteAsync(http);
    }
}

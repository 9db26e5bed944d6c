using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Primitives;

namespace Ledger.Api.Commands;

/// <summary>What a request asks for behind the question mark.</summary>
public static partial class Queries
{
    /// <summary>A field of a page's form that was left empty, or emptied, asks for nothing.</summary>
    public static void UseFilledQueries(this WebApplication app) =>
        app.Use(
            (http, next) =>
            {
                if (HttpMethods.IsGet(http.Request.Method) && http.Request.Query.Any(q => IsEmpty(q.Value)))
                    http.Request.Query = new QueryCollection(
                        http.Request.Query.Where(q => !IsEmpty(q.Value)).ToDictionary(StringComparer.OrdinalIgnoreCase)
                    );
                return next(http);
            }
        );

    private static bool IsEmpty(StringValues values) => string.IsNullOrWhiteSpace(values.ToString());

    public const string Day = "应为日期，如 2026-03-15",
        Moment = "应为带时区的时间，如 2026-03-15T08:00:00+08:00（网址中的 + 写作 %2B）";

    /// <summary>
    /// Days and moments say which they are: the framework would take 3/5/2026 for the fifth of March, 3/5 for one of
    /// this year, and a moment without its zone for one of the server's.
    /// </summary>
    public static EndpointFilterDelegate Dates(EndpointFilterFactoryContext context, EndpointFilterDelegate next)
    {
        var asked = context
            .MethodInfo.GetParameters()
            .SelectMany(p =>
                p.IsDefined(typeof(AsParametersAttribute))
                    ? p.ParameterType.GetProperties().Select(x => (x.Name, x.PropertyType))
                    : [(p.Name!, p.ParameterType)]
            )
            .Select(p => (p.Name, Type: Nullable.GetUnderlyingType(p.Item2) ?? p.Item2))
            .Where(p => p.Type == typeof(DateOnly) || p.Type == typeof(DateTimeOffset))
            .Select(p => (Name: NameOf(p.Name), Form: p.Type == typeof(DateOnly) ? Days() : Moments(), p.Type))
            .ToList();
        return asked.Count == 0
            ? next
            : call =>
            {
                foreach (var (name, form, type) in asked)
                    if (call.HttpContext.Request.Query[name].ToString() is { Length: > 0 } text && !form.IsMatch(text))
                        throw Require.Invalid(name, type == typeof(DateOnly) ? Day : Moment);
                return next(call);
            };
    }

    /// <summary>
    /// What a route does not know is refused: a filter that is misspelt would show everything, and a misspelt "preview"
    /// would do it.
    /// </summary>
    public static EndpointFilterDelegate Declared(EndpointFilterFactoryContext context, EndpointFilterDelegate next)
    {
        var known = context
            .MethodInfo.GetParameters()
            .SelectMany(p =>
                p.IsDefined(typeof(AsParametersAttribute))
                    ? p.ParameterType.GetProperties().Select(x => (x.Name, x.PropertyType))
                    : [(p.Name!, p.ParameterType)]
            )
            .Where(p => IsText(Nullable.GetUnderlyingType(p.Item2) ?? p.Item2))
            .Select(p => NameOf(p.Item1))
            .ToList();
        return call =>
        {
            var http = call.HttpContext;
            foreach (var name in http.Request.Query.Keys)
                if (
                    http.Request.RouteValues.ContainsKey(name)
                    || name != Preview.Parameter && !known.Contains(name, StringComparer.OrdinalIgnoreCase)
                )
                    throw Require.Invalid(
                        name,
                        known.Where(k => !http.Request.RouteValues.ContainsKey(k)).ToList() is [_, ..] all
                            ? $"没有这个查询参数；可用的有 {string.Join("、", all)}"
                            : "没有这个查询参数；此操作没有查询参数"
                    );
            return next(call);
        };
    }

    private static bool IsText(Type type) =>
        type != typeof(CancellationToken) && (type == typeof(string) || type.IsValueType || type == typeof(string[]));

    /// <summary>Of a parameter, as it stands in a query.</summary>
    public static string NameOf(string name) => char.ToLower(name[0], CultureInfo.InvariantCulture) + name[1..];

    [GeneratedRegex(@"^\s*[0-9]{4}([-/.])[0-9]{1,2}\1[0-9]{1,2}\s*$")]
    private static partial Regex Days();

    [GeneratedRegex(@"^\s*[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9:.]+\s*(?:Z|[+-][0-9]{2}:?[0-9]{2})\s*$")]
    private static partial Regex Moments();
}

using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Ledger.Api.Commands;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Ledger.Web.Tests;

/// <summary>
/// Whoever may give a command finds it on a page: each operation of the API that changes something is sent by a form
/// or a button of some page, or stands here with the reason why not.
/// </summary>
[Collection("web")]
public sealed partial class CommandPageTests(WebFixture web)
{
    /// <summary>What programs call and people do not, and why.</summary>
    private static readonly Dictionary<string, string> OfPrograms = new()
    {
        ["sign-in"] = "a program's session as a token; people have a cookie from /api/session/page",
        ["run-batch"] = "many commands at once, for the systems of banks and townships; people give one at a time",
        ["refresh-session"] = "a program's token for the next quarter of an hour; the cookie renews itself",
    };

    /// <summary>What a person gives and no page offers yet. This list may only shrink.</summary>
    private static readonly string[] ToDo = [];

    [Fact]
    public void Every_command_has_a_page_or_a_reason_why_not()
    {
        var sent = Sent().ToHashSet();
        var commands = web
            .Api.Host.Services.GetRequiredService<EndpointDataSource>()
            .Endpoints.OfType<RouteEndpoint>()
            .SelectMany(e =>
                (e.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? [])
                    .Where(m => m is "POST" or "PUT" or "DELETE" or "PATCH")
                    .Select(m =>
                        (
                            Name: e.Metadata.GetMetadata<IEndpointNameMetadata>()?.EndpointName
                                ?? e.RoutePattern.RawText!,
                            Call: $"{m} {Slots().Replace(e.RoutePattern.RawText!.TrimEnd('/'), "{}")}"
                        )
                    )
            )
            .ToList();
        Assert.True(commands.Count > 80, "the routes were not found");
        var without = commands.Where(c => !sent.Contains(c.Call)).Select(c => c.Name).ToHashSet();
        var named = OfPrograms.Keys.Concat(ToDo).ToHashSet();
        string[] faults =
        [
            .. without.Except(named).Select(name => $"{name}: no page offers it"),
            .. named.Except(without).Select(name => $"{name}: a page offers it, take it off the list"),
            // A form that sends where nothing listens is as bad as none.
            .. sent.Except(commands.Select(c => c.Call))
                .Select(call => $"{call}: a page sends it, and nothing listens"),
        ];
        Assert.True(faults.Length == 0, string.Join('\n', faults));
    }

    /// <summary>Method and path of whatever a page or its script sends, with {} for each id.</summary>
    private static IEnumerable<string> Sent()
    {
        var folder = Path.GetFullPath(Path.Combine(Folder(), "../../src/Ledger.Web"));
        var pages = Directory
            .EnumerateFiles(folder, "*.razor", SearchOption.AllDirectories)
            .Append(Path.Combine(folder, "Assets", "ledger.js"))
            .Select(File.ReadAllText);
        return from text in pages
            from Match call in Calls().Matches(text)
            where !call.Groups["path"].Value.StartsWith("/api/sample/", StringComparison.Ordinal) // in the sample alone
            let method = call.Groups["method"].Value
            select $"{(method.Length > 0 ? method : "POST")} {Ids().Replace(call.Groups["path"].Value, "{}")}";
    }

    private static string Folder([CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;

    /// <summary>
    /// data-api="POST /api/…", data-post="/api/…", data-file-of="/api/…", and in the script or in an expression
    /// 'POST', '/api/…', "POST /api/…", and either of two: ? "/api/…" : $"/api/…". What follows a ? is no part of it.
    /// </summary>
    [GeneratedRegex(
        """(?:data-post="|data-file-of="|\? "|: \$"|(?<method>POST|PUT|DELETE)(?:', '| ))(?<path>/api/[^"'?\s]+)"""
    )]
    private static partial Regex Calls();

    /// <summary>What a page writes between two slashes: @Plan.Id, @(…), {Fund.Id}.</summary>
    [GeneratedRegex(@"(?<=/)(@\([^)]*\)|@[A-Za-z.]+|\{[^}]*\})(?=/|$)")]
    private static partial Regex Ids();

    [GeneratedRegex(@"\{[^}]*\}")]
    private static partial Regex Slots();
}

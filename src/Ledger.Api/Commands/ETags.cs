using Ledger.Domain;

namespace Ledger.Api.Commands;

/// <summary>An aggregate's version as a strong ETag, <c>"7"</c>.</summary>
public static class ETags
{
    public static string Of(int version) => $"\"{version}\"";

    /// <exception cref="RefusedException"><c>version-mismatch</c> when the request has an If-Match that is another
    /// version.</exception>
    public static void RequireMatch(HttpContext http, int version)
    {
        var wanted = http.Request.Headers.IfMatch;
        if (wanted.Count == 0 || wanted == "*" || wanted.Any(w => w == Of(version)))
            return;
        throw new RefusedException(
            new Rejection(Rejections.VersionMismatch, $"已是版本 {Of(version)}，您依据的是版本 {wanted}")
        );
    }
}

using System.Security.Cryptography;

namespace Ledger.Web;

/// <summary>
/// Scripts and styles, embedded. The address carries a digest of the content, so that a browser may keep them for ever.
/// </summary>
public static class AssetFiles
{
    private static readonly IReadOnlyDictionary<string, (byte[] Content, string Version)> All = typeof(AssetFiles)
        .Assembly.GetManifestResourceNames()
        .Where(n => n.StartsWith("assets/", StringComparison.Ordinal))
        .ToDictionary(
            n => n["assets/".Length..],
            n =>
            {
                using var stream = typeof(AssetFiles).Assembly.GetManifestResourceStream(n)!;
                var content = new byte[stream.Length];
                stream.ReadExactly(content);
                return (content, Convert.ToHexStringLower(SHA256.HashData(content))[..12]);
            }
        );

    /// <summary>The address of a file, e.g. <c>/assets/ledger.css?v=…</c>.</summary>
    public static string Url(string name) => $"/assets/{name}?v={All[name].Version}";

    /// <summary>Null when there is no such file.</summary>
    public static byte[]? Find(string name) => All.TryGetValue(name, out var file) ? file.Content : null;
}

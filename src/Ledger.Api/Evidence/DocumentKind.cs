using System.IO.Compression;
using System.Text;

namespace Ledger.Api.Evidence;

/// <summary>What a document is, by its bytes: what the client calls it does not count.</summary>
public static class DocumentKind
{
    /// <summary>
    /// What may be handed in, and the bytes it starts with. OFD (版式文件, GB/T 33190) and HEIC are told by more than that.
    /// </summary>
    private static readonly (string MediaType, byte[] Start)[] Signatures =
    [
        ("application/pdf", "%PDF-"u8.ToArray()),
        ("image/png", [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]),
        ("image/jpeg", [0xFF, 0xD8, 0xFF]),
        ("image/tiff", [0x49, 0x49, 0x2A, 0x00]),
        ("image/tiff", [0x4D, 0x4D, 0x00, 0x2A]),
    ];

    /// <summary>
    /// Brands of HEIF files with HEVC pictures (ISO/IEC 23008-12), and of those that leave it to the list of brands.
    /// </summary>
    private static readonly string[] HeicBrands = ["heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "msf1"];

    public const string Accepted = "PDF、OFD、PNG、JPEG、TIFF、HEIC";

    /// <summary>
    /// Its media type; null when it is no document that may be handed in, and the mend in <paramref name="fault"/>.
    /// </summary>
    public static string? Of(byte[] bytes, out string? fault)
    {
        var parts = Parts(bytes);
        var type =
            Signatures.FirstOrDefault(s => bytes.AsSpan().StartsWith(s.Start)).MediaType
            ?? (
                IsHeic(bytes) ? "image/heic"
                : parts.Contains("OFD.xml", StringComparer.OrdinalIgnoreCase) ? "application/ofd"
                : null
            );
        fault =
            type is null ? $"{Mend(bytes, parts)}（按内容判断，可用 {Accepted}）"
            : DocumentStructure.Fault(type, bytes) is { } broken
                ? $"{broken}，文件不完整或已损坏；请先在本机打开核对，再重新扫描、拍照或导出后上传"
            : null;
        return fault is null ? type : null;
    }

    /// <summary>As it may be sent: of what nobody handed in here only the bytes.</summary>
    public static string Known(string type) =>
        type is "image/heic" or "application/ofd" || Signatures.Any(s => s.MediaType == type)
            ? type
            : "application/octet-stream";

    private static bool IsHeic(ReadOnlySpan<byte> bytes) =>
        bytes.Length >= 12
        && bytes[4..8].SequenceEqual("ftyp"u8)
        && HeicBrands.Contains(Encoding.Latin1.GetString(bytes[8..12]));

    /// <summary>The names of a package's parts; none where it is no package, or a damaged one.</summary>
    private static IReadOnlyList<string> Parts(byte[] bytes)
    {
        const int most = 10_000;
        if (!bytes.AsSpan().StartsWith("PK\x03\x04"u8))
            return [];
        try
        {
            using var package = new ZipArchive(new MemoryStream(bytes, writable: false), ZipArchiveMode.Read);
            return [.. package.Entries.Take(most).Select(e => e.FullName)];
        }
        catch (InvalidDataException)
        {
            return []; // refused as what it is: no document
        }
    }

    private static string Mend(ReadOnlySpan<byte> bytes, IReadOnlyList<string> parts)
    {
        bool Has(string folder) => parts.Any(p => p.StartsWith(folder, StringComparison.OrdinalIgnoreCase));
        if (Has("word/") || Has("xl/") || Has("ppt/") || bytes.StartsWith((byte[])[0xD0, 0xCF, 0x11, 0xE0]))
            return "Office 文档可以改动，不能作凭证；请打印、签字盖章后扫描或拍照，或另存为 PDF";
        if (
            bytes.StartsWith("PK"u8)
            || bytes.StartsWith("Rar!"u8)
            || bytes.StartsWith((byte[])[0x37, 0x7A, 0xBC, 0xAF])
        )
            return "压缩包不能作凭证；请先解压，逐份上传其中的文件";
        return bytes.Length > 0 && bytes[..Math.Min(bytes.Length, 512)].IndexOf((byte)0) < 0
            ? "文本不能作凭证；请打印、签字盖章后扫描或拍照"
            : "不是可以作凭证的文件，或已损坏；请扫描或拍照后上传";
    }
}

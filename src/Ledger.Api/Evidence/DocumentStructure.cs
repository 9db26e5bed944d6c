using System.Buffers.Binary;
using System.IO.Compression;
using System.Xml;

namespace Ledger.Api.Evidence;

/// <summary>
/// Whether a document is whole, as its format says where it begins and ends: a header alone, or a scan that broke off
/// half-way, proves nothing to whoever opens it years later. No picture is decoded here.
/// </summary>
public static class DocumentStructure
{
    /// <summary>
    /// How far from its end a PDF may say where it ends: readers look there, and some scanners add bytes of their own.
    /// </summary>
    private const int PdfTail = 4_096;

    /// <summary>What is wrong with a document of this media type; null: it is whole.</summary>
    public static string? Fault(string mediaType, byte[] bytes) =>
        mediaType switch
        {
            "application/pdf" => Pdf(bytes),
            "image/png" => Png(bytes),
            "image/jpeg" => Jpeg(bytes),
            "image/tiff" => Tiff(bytes),
            "image/heic" => Heic(bytes),
            _ => Ofd(bytes),
        };

    private static string? Pdf(ReadOnlySpan<byte> bytes)
    {
        var tail = bytes[^Math.Min(bytes.Length, PdfTail)..];
        return tail.LastIndexOf("%%EOF"u8) < 0 || bytes.LastIndexOf("startxref"u8) < 0 ? "PDF 没有结尾" : null;
    }

    /// <summary>Chunks (length, type, data, checksum) from the header to IEND, with a picture among them.</summary>
    private static string? Png(ReadOnlySpan<byte> bytes)
    {
        var (at, hasPicture) = (8, false);
        while (bytes.Length - at >= 12)
        {
            var length = BinaryPrimitives.ReadUInt32BigEndian(bytes[at..]);
            var type = bytes.Slice(at + 4, 4);
            if (length > bytes.Length - at - 12)
                break;
            if (at == 8 && (!type.SequenceEqual("IHDR"u8) || length != 13 || !HasSize(bytes.Slice(16, 8))))
                return "PNG 图片没有尺寸";
            hasPicture |= type.SequenceEqual("IDAT"u8) && length > 0;
            if (type.SequenceEqual("IEND"u8))
                return hasPicture ? null : "PNG 图片没有内容";
            at += 12 + (int)length;
        }
        return "PNG 图片没有结尾";

        static bool HasSize(ReadOnlySpan<byte> size) =>
            BinaryPrimitives.ReadUInt32BigEndian(size) > 0 && BinaryPrimitives.ReadUInt32BigEndian(size[4..]) > 0;
    }

    /// <summary>Segments up to the first scan, a frame with a size among them; and after the scan an end.</summary>
    private static string? Jpeg(ReadOnlySpan<byte> bytes)
    {
        var (at, hasFrame) = (2, false);
        while (bytes.Length - at >= 4 && bytes[at] == 0xFF)
        {
            var marker = bytes[at + 1];
            if (marker == 0xFF)
            {
                at++; // fill
                continue;
            }
            var length = BinaryPrimitives.ReadUInt16BigEndian(bytes[(at + 2)..]);
            if (length < 2 || length > bytes.Length - at - 2)
                break;
            // Start of a frame: precision, height, width; a height of 0 comes later, by the number of lines.
            if (marker is >= 0xC0 and <= 0xCF and not (0xC4 or 0xC8 or 0xCC))
                hasFrame = length >= 8 && BinaryPrimitives.ReadUInt16BigEndian(bytes[(at + 7)..]) > 0;
            at += 2 + length;
            if (marker == 0xDA)
                return !hasFrame ? "JPEG 图片没有尺寸"
                    : bytes[at..].LastIndexOf((ReadOnlySpan<byte>)[0xFF, 0xD9]) < 1 ? "JPEG 图片没有结尾"
                    : null;
        }
        return "JPEG 图片没有内容";
    }

    /// <summary>The first directory lies within the file, whole, with entries.</summary>
    private static string? Tiff(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < 8)
            return "TIFF 图片没有内容";
        var isLittle = bytes[0] == 0x49;
        var at = isLittle
            ? BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..])
            : BinaryPrimitives.ReadUInt32BigEndian(bytes[4..]);
        if (at < 8 || at > bytes.Length - 2)
            return "TIFF 图片没有内容";
        var entries = isLittle
            ? BinaryPrimitives.ReadUInt16LittleEndian(bytes[(int)at..])
            : BinaryPrimitives.ReadUInt16BigEndian(bytes[(int)at..]);
        // After the entries, where the next directory is.
        return entries == 0 || bytes.Length - at - 2 < entries * 12L + 4 ? "TIFF 图片没有内容" : null;
    }

    /// <summary>Boxes (length, type) that make up the whole file; what the picture is, and its data.</summary>
    private static string? Heic(ReadOnlySpan<byte> bytes)
    {
        var (hasMeta, hasData) = (false, false);
        for (long at = 0; at < bytes.Length; )
        {
            var rest = bytes[(int)at..];
            if (rest.Length < 8)
                return "HEIC 图片没有结尾";
            long length = BinaryPrimitives.ReadUInt32BigEndian(rest);
            if (length == 1 && rest.Length >= 16)
                length = (long)Math.Min(BinaryPrimitives.ReadUInt64BigEndian(rest[8..]), long.MaxValue);
            else if (length == 0)
                length = rest.Length; // to the end
            if (length < 8 || length > rest.Length)
                return "HEIC 图片没有结尾";
            var type = rest[4..8];
            hasMeta |= (type.SequenceEqual("meta"u8) || type.SequenceEqual("moov"u8)) && length > 8;
            hasData |= type.SequenceEqual("mdat"u8) && length > 8;
            at += length;
        }
        return hasMeta && hasData ? null : "HEIC 图片没有内容";
    }

    /// <summary>The package's root says what documents are in it, and one of them is there.</summary>
    private static string? Ofd(byte[] bytes)
    {
        const int most = 1024 * 1024;
        try
        {
            using var package = new ZipArchive(new MemoryStream(bytes, writable: false), ZipArchiveMode.Read);
            var root = package.Entries.First(e => e.FullName.Equals("OFD.xml", StringComparison.OrdinalIgnoreCase));
            if (root.Length > most)
                return "OFD 文件的根过大";
            using var text = root.Open();
            using var xml = XmlReader.Create(
                text,
                new XmlReaderSettings
                {
                    DtdProcessing = DtdProcessing.Prohibit,
                    XmlResolver = null,
                    MaxCharactersInDocument = most,
                }
            );
            var (isOfd, named) = (false, (string?)null);
            while (xml.Read())
                if (xml.NodeType == XmlNodeType.Element && !isOfd)
                {
                    isOfd = xml.LocalName == "OFD";
                    if (!isOfd)
                        break;
                }
                else if (xml.NodeType == XmlNodeType.Element && xml.LocalName == "DocRoot")
                    named ??= xml.ReadElementContentAsString().Trim().TrimStart('/');
            return !isOfd || named is null ? "OFD 文件没有内容"
                : package.Entries.Any(e => e.FullName.Equals(named, StringComparison.OrdinalIgnoreCase)) ? null
                : "OFD 文件缺少其中的文档";
        }
        catch (Exception broken) when (broken is InvalidDataException or XmlException)
        {
            return "OFD 文件已损坏";
        }
    }
}

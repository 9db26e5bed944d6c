using System.Text;
using QRCoder;

namespace Ledger.Api.Pages;

/// <summary>A QR code as an address of a picture (SVG), for what is printed or shown to a telephone.</summary>
public static class QrCode
{
    public static string Of(string text)
    {
        using var data = QRCodeGenerator.GenerateQrCode(text, QRCodeGenerator.ECCLevel.M);
        using var picture = new SvgQRCode(data);
        return $"data:image/svg+xml;base64,{Convert.ToBase64String(Encoding.UTF8.GetBytes(picture.GetGraphic(4)))}";
    }
}

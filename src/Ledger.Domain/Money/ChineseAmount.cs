using System.Text;

namespace Ledger.Domain;

/// <summary>Amounts in capital figures (大写金额), as vouchers carry them: 壹万贰仟零叁元肆角整. After 《支付结算办法》附一.</summary>
public static class ChineseAmount
{
    private const string Digits = "零壹贰叁肆伍陆柒捌玖";
    private static readonly string[] Places = ["", "拾", "佰", "仟"],
        Groups = ["", "万", "亿", "万亿"];

    /// <summary>Zero is 零元整; a negative amount begins with 负.</summary>
    public static string Of(Money amount)
    {
        if (amount.Fen < 0)
            return "负" + Of(Money.Zero - amount);
        var (yuan, jiao, fen) = (amount.Fen / 100, amount.Fen / 10 % 10, amount.Fen % 10);
        var text = new StringBuilder(
            yuan > 0 ? Whole(yuan) + "元"
            : jiao + fen == 0 ? "零元"
            : ""
        );
        if (jiao > 0)
            text.Append(Digits[(int)jiao]).Append('角');
        else if (fen > 0 && yuan > 0)
            text.Append('零');
        return fen > 0 ? text.Append(Digits[(int)fen]).Append('分').ToString() : text.Append('整').ToString();
    }

    private static string Whole(long yuan)
    {
        var text = new StringBuilder();
        var pendingZero = false;
        for (var group = Groups.Length - 1; group >= 0; group--)
        {
            var four = (int)(yuan / Power(group) % 10_000);
            if (four == 0)
            {
                pendingZero = text.Length > 0;
                continue;
            }
            for (int place = 3, unit = 1000; place >= 0; place--, unit /= 10)
            {
                var digit = four / unit % 10;
                if (digit == 0)
                {
                    pendingZero = text.Length > 0;
                    continue;
                }
                if (pendingZero)
                    text.Append('零');
                pendingZero = false;
                text.Append(Digits[digit]).Append(Places[place]);
            }
            pendingZero = false;
            text.Append(Groups[group]);
            if (four % 10 == 0)
                pendingZero = true;
        }
        return text.ToString();
    }

    private static long Power(int group) =>
        group switch
        {
            0 => 1L,
            1 => 10_000L,
            2 => 100_000_000L,
            _ => 1_000_000_000_000L,
        };
}

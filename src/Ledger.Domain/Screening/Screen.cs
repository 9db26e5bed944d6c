namespace Ledger.Domain.Screening;

/// <summary>What a year is looked through for.</summary>
public enum ScreenKind
{
    PersonTwice,
    TwoVillages,
    Deceased,
    OfficerBenefits,
    BankReferenceTwice,
    SlipTwice,
    RoundSums,
    SplitBelowLimit,
    Hasty,
    AtNight,
    NumberGap,
    FirstDigits,
}

/// <summary>
/// From where on a screen tells (†): what is usual where such tests are made. Nothing is decided by these figures; they
/// say what an auditor is shown.
/// </summary>
public sealed record ScreenLimits
{
    /// <summary>A sum is round when it is so many yuan, or a multiple.</summary>
    public Money RoundFen { get; init; } = new(10_000_00);

    /// <summary>So many round sums of one fund, and at least that share of its allocations, in a hundred.</summary>
    public int RoundLeast { get; init; } = 3;
    public int RoundPercent { get; init; } = 50;

    /// <summary>From here on a transfer is a large one; what stays below it and reaches it together is told.</summary>
    public Money SplitFen { get; init; } = new(50_000_00);
    public int SplitDays { get; init; } = 7;

    /// <summary>Nobody looks at a list and its papers in less.</summary>
    public int HastyMinutes { get; init; } = 10;

    /// <summary>Hours on a clock in China: from the one, past midnight, until before the other.</summary>
    public int NightFrom { get; init; } = 22;
    public int NightUntil { get; init; } = 6;

    /// <summary>Fewer numbers are no sequence, nor is one with more missing than that, in a hundred.</summary>
    public int SeriesLeast { get; init; } = 5;
    public int SeriesPercent { get; init; } = 20;

    /// <summary>Fewer amounts, or amounts closer together than this ratio, say nothing of first digits.</summary>
    public int DigitsLeast { get; init; } = 300;
    public int DigitsSpan { get; init; } = 100;

    /// <summary>χ² of 8 degrees of freedom that chance exceeds once in a hundred.</summary>
    public decimal DigitsChiSquare { get; init; } = 20.09m;

    public static readonly ScreenLimits Usual = new();
}

/// <summary>A screen in words: what it looks at, and why what it shows can be as it should be.</summary>
public sealed record Screen(ScreenKind Kind, string LooksAt, string Innocent)
{
    /// <summary>Every screen, in the order in which they are shown; the words say the limits.</summary>
    public static IReadOnlyList<Screen> All(ScreenLimits l) =>
        [
            new(
                ScreenKind.PersonTwice,
                "同一村内，同一人在本年度有两行以上未退出的补助",
                "定向捐赠或补充申请可以再补一次，只要合计不超过最高档次"
            ),
            new(
                ScreenKind.TwoVillages,
                "同一人在两个以上村的名单上（包括身份待确认的另一村登记）",
                "一个人可以同时是两个集体的成员，两村都可以补助，合计受最高档次限制"
            ),
            new(
                ScreenKind.Deceased,
                "付款日期晚于登记的死亡日期，款项没有退回",
                "死亡常在付款之后才登记；已记入个人账户的归继承人"
            ),
            new(
                ScreenKind.OfficerBenefits,
                "经手（提交、复核、审批、签字、付款、回执）这份申请的人自己在名单上；按证件号的密钥摘要比对",
                "村干部也是成员，符合条件同样享受；要看标准是否与旁人一样、是否回避"
            ),
            new(
                ScreenKind.BankReferenceTwice,
                "同一银行流水号用于两笔以上付款、退款或手续费，别的年度的也比",
                "一次汇款可以付几份申请；银行流水号每年从头编的，跨年会相同"
            ),
            new(
                ScreenKind.SlipTwice,
                "同一份凭证（文件摘要相同）用于两笔以上划入或付款，别的年度的也比",
                "一张回单可以载明两种收入或两份申请；办理时已问过并写明理由的，见事件"
            ),
            new(
                ScreenKind.RoundSums,
                $"一个资金的划入中，{l.RoundFen} 元整倍数的不少于 {l.RoundLeast} 笔，并占 {l.RoundPercent}% 以上",
                "村里按预算整数拨款很常见；要看有没有对应的回单和收入合同"
            ),
            new(
                ScreenKind.SplitBelowLimit,
                $"同一资金同一来源（或付款）在 {l.SplitDays} 天内的几笔，每笔不到 {l.SplitFen} 元，合计达到",
                "分期到账、分批付款都会这样；限额是常用的大额标准，不是本账本的规定"
            ),
            new(
                ScreenKind.Hasty,
                $"审批距提交或距复核完成不到 {l.HastyMinutes} 分钟",
                "名单很短，或纸质材料事先已经看过"
            ),
            new(
                ScreenKind.AtNight,
                $"复核、审批或付款在 {l.NightFrom} 时至次日 {l.NightUntil} 时（北京时间）登记",
                "年末集中办理、白天断网都会这样；看经办人说明"
            ),
            new(
                ScreenKind.NumberGap,
                "流水号、回执号连续编号中的缺号；事件次序中的空位。记账凭证号由账本按月连续编，不会缺",
                $"号码可能用于别的业务；缺号超过 {l.SeriesPercent}% 的不当作连续编号。事件空位没有正当解释，请核对存证"
            ),
            new(
                ScreenKind.FirstDigits,
                $"划入、付款、退款金额首位数字的分布与本福特定律相比，χ² 超过 {l.DigitsChiSquare}（自由度 8，1%）",
                $"金额由标准定出或有上下限的不服从这个定律，各人的补助额因此不检验；少于 {l.DigitsLeast} 笔、"
                    + $"最大不到最小 {l.DigitsSpan} 倍的不下结论"
            ),
        ];
}

using System.Collections.Frozen;
using Ledger.Domain.Applications;
using Ledger.Domain.Members;

namespace Ledger.Api.Imports;

/// <summary>
/// A column of an upload. Headings are matched without regard to spaces, a star, or width. <paramref name="Aliases"/>:
/// what the same thing is called elsewhere. <paramref name="FillsDown"/>: a merged cell stands for each of its rows, as
/// a villagers' group does and a name does not. <paramref name="Field"/>: what it is called in JSON and in profiles.
/// <paramref name="Words"/>: all that it may say, where they are few.
/// </summary>
public sealed record Column(
    string Heading,
    bool Required,
    string Example,
    string Note,
    int Width = 18,
    string[]? Aliases = null,
    bool FillsDown = false,
    string Field = "",
    string[]? Words = null
)
{
    private string _normal = Headings.Normal(Heading);
    private string[] _aliases = [.. (Aliases ?? []).Select(Headings.Normal)];

    /// <summary>What stands above it in the agency's file; null: its own heading, or another name of it.</summary>
    public string? Written
    {
        get;
        init
        {
            field = value;
            (_normal, _aliases) = value is null ? (_normal, _aliases) : (Headings.Normal(value), []);
        }
    }

    /// <summary>The agency's codes, and the words they stand for.</summary>
    public IReadOnlyDictionary<string, string>? Codes { get; init; }

    /// <summary>A column that only the agency knows: rows that hold anything else are not meant.</summary>
    public string? Only { get; init; }

    public string Title => Written ?? Heading;

    public bool IsExactly(string heading) => Headings.Normal(heading) == _normal;

    public bool IsNamed(string heading) =>
        Headings.Normal(heading) is var text && (text == _normal || _aliases.Contains(text));
}

/// <summary>
/// An upload's form: what the template prints and the reader asks for. <paramref name="Key"/>: the column that every
/// row has. <paramref name="List"/>: where the rows stand in a request's body, if they may.
/// </summary>
public sealed record SheetForm(
    string Name,
    string Title,
    int MaxRows,
    string Key,
    IReadOnlyList<Column> Columns,
    string? List = null
)
{
    /// <summary>Words that each row is taken to say, by heading, where the agency's file has no such column.</summary>
    public IReadOnlyDictionary<string, string> Given { get; init; } = FrozenDictionary<string, string>.Empty;

    /// <summary>By which profile it is read; null: by its own headings.</summary>
    public string? Profile { get; init; }

    public string FieldOf(string heading) => Columns.First(c => c.Heading == heading).Field;
}

/// <summary>The uploads, as data.</summary>
public static class Sheets
{
    public const string Phone = "手机号",
        BankCard = "银行卡号",
        Tier = "缴费档次（元）",
        Paid = "个人缴费金额（元）",
        PaidOn = "缴费日期",
        Kind = "缴费类型",
        Reference = "缴费凭证号",
        CreditedOn = Receipt.DateColumn,
        ReceiptNumber = Receipt.NumberColumn,
        Group = "村民小组",
        Years = "累计缴费年限",
        Entry = "记录性质",
        OfReference = "原凭证号",
        TradedOn = "交易日期",
        MoneyIn = "收入金额（元）",
        MoneyOut = "支出金额（元）",
        BankReference = "流水号",
        Finding = "核查结果",
        CheckedOn = "核查日期";
    public const string CollectiveName = "集体名称",
        CreditCode = "统一社会信用代码",
        VillageCode = "村（社区）区划代码";

    public const string Regular = "正常缴费",
        CatchUp = "一次性补缴",
        GovernmentPaid = "政府代缴",
        Payment = "缴费",
        Adjustment = "调整",
        Refund = "退费";

    public static string Word(ContributionKind kind) =>
        kind switch
        {
            ContributionKind.Regular => Regular,
            ContributionKind.CatchUp => CatchUp,
            ContributionKind.GovernmentPaid => GovernmentPaid,
            _ => throw new ArgumentOutOfRangeException(nameof(kind)),
        };

    private static readonly Column Name = new(
        Roster.NameColumn,
        true,
        "张三",
        "与成员登记一致",
        12,
        ["成员姓名", "人员姓名"],
        Field: "name"
    );
    private static readonly Column CitizenId = new(
        Roster.CitizenIdColumn,
        true,
        "11010519491231002X",
        "18位，单元格须为文本格式",
        24,
        [
            "身份证号码",
            "身份证",
            "公民身份号码",
            "居民身份证号",
            "居民身份证号码",
            "公民身份证号码",
            "公民身份证号",
            "证件号码",
        ],
        Field: "citizenId"
    );

    public static readonly SheetForm Members = new(
        "members",
        "成员名册",
        20_000,
        Roster.CitizenIdColumn,
        [
            Name,
            CitizenId,
            new(Phone, false, "", "11位，可不填", Aliases: ["手机", "手机号码"], Field: "phone"),
            new(
                BankCard,
                false,
                "",
                "可不填，单元格须为文本格式",
                24,
                ["银行卡", "银行账号", "银行卡账号"],
                Field: "bankCard"
            ),
            new(Group, false, "第1组", "可不填", 12, ["组别", "小组", "村民组", "所在小组"], true, "group"),
        ]
    );

    public static readonly SheetForm Contributions = new(
        "contributions",
        "个人缴费记录",
        50_000,
        Roster.CitizenIdColumn,
        [
            Name,
            CitizenId,
            new(Tier, true, "300", "本年度所选档次；退费可不填", Aliases: ["缴费档次"], Field: "tierAmount"),
            new(
                Paid,
                true,
                "300",
                "本人（或政府代为）实际缴纳的金额；调整填调整后一共缴纳的，退费填退还的",
                Aliases: ["个人缴费金额", "个人缴费（元）"],
                Field: "amount"
            ),
            new(PaidOn, true, "2026-03-15", "年-月-日", FillsDown: true, Field: "paidOn"),
            new(
                Kind,
                true,
                Regular,
                $"{Regular}、{CatchUp} 或 {GovernmentPaid}",
                FillsDown: true,
                Field: "kind",
                Words: [Regular, CatchUp, GovernmentPaid]
            ),
            new(Reference, true, "SW2026000001", "税务凭证号，每笔唯一", 22, Field: "reference"),
            new(Years, false, "12", "可不填；按缴费年限补助时须填，0 至 60 的整数", 14, Field: "contributionYears"),
            new(
                Entry,
                false,
                Payment,
                $"可不填，即{Payment}；补缴差额、变更档次填{Adjustment}，退款填{Refund}",
                12,
                FillsDown: true,
                Field: "entry",
                Words: [Payment, Adjustment, Refund]
            ),
            new(
                OfReference,
                false,
                "",
                $"{Adjustment}、{Refund}的是哪一笔；此人只有一笔的可不填",
                22,
                Field: "ofReference"
            ),
        ],
        "contributions"
    );

    public static readonly SheetForm RosterForm = new(
        "roster",
        "补助名单",
        Roster.MaxLines,
        Roster.CitizenIdColumn,
        [
            Name,
            CitizenId,
            new(
                Roster.AmountColumn,
                false,
                "",
                "可不填；填写时须与补助标准一致",
                Aliases: ["补助金额"],
                Field: "amount"
            ),
        ]
    );

    public static readonly SheetForm Receipts = new(
        "receipts",
        "经办机构入账回执",
        Roster.MaxLines,
        Roster.CitizenIdColumn,
        [
            Name,
            CitizenId,
            new(Receipt.AmountColumn, true, "100", "记入个人账户的金额", Aliases: ["入账金额"], Field: "amount"),
            new(CreditedOn, true, "2026-06-20", "年-月-日", FillsDown: true, Field: "creditedOn"),
            new(ReceiptNumber, true, "HZ2026000001", "经办机构回执编号", 22, Field: "receiptNumber"),
            new(
                SourceSplit.OtherColumn,
                false,
                "",
                "其中不是集体自己的钱，没有可不填",
                Aliases: ["其他收入"],
                Field: "otherAmount"
            ),
        ]
    );

    public static readonly SheetForm BankStatement = new(
        "bank-statement",
        "银行对账单",
        20_000,
        BankReference,
        [
            new(TradedOn, true, "2026-06-20", "年-月-日", FillsDown: true),
            new(MoneyIn, true, "", "收入、支出只填一项", Aliases: ["收入金额"]),
            new(MoneyOut, true, "60000", "收入、支出只填一项", Aliases: ["支出金额"]),
            new(BankReference, true, "NX20260618000123", "银行流水号", 26),
        ]
    );

    /// <summary>What the agency's own system says of people (L19); nobody needs a name there.</summary>
    public static readonly SheetForm InsuranceChecks = new(
        "insurance-checks",
        "参保核查结果",
        50_000,
        Roster.CitizenIdColumn,
        [
            CitizenId,
            new(
                Finding,
                true,
                InsuranceCheck.Word(InsuranceFinding.PensionInPayment),
                string.Join("、", Enum.GetValues<InsuranceFinding>().Select(InsuranceCheck.Word))
                    + "；以前查出、现已没有的写“无”",
                22,
                ["核查情况", "比对结果"],
                true,
                "finding",
                [.. Enum.GetValues<InsuranceFinding>().Select(InsuranceCheck.Word)]
            ),
            new(CheckedOn, true, "2026-05-20", "年-月-日", Aliases: ["比对日期"], FillsDown: true, Field: "on"),
        ],
        "checks"
    );

    /// <summary>The collectives of a county, as the agriculture office has them.</summary>
    public static readonly SheetForm Collectives = new(
        "collectives",
        "集体名册",
        5_000,
        CreditCode,
        [
            new(
                CollectiveName,
                true,
                "某某镇某某村股份经济合作社",
                "登记证上的全称",
                36,
                ["名称", "集体经济组织名称", "单位名称"]
            ),
            new(CreditCode, true, "N2370811MF0000001J", "18位，单元格须为文本格式", 24, ["信用代码", "社会信用代码"]),
            new(
                VillageCode,
                true,
                "370811005201",
                "12位统计用区划代码",
                20,
                ["区划代码", "村区划代码", "行政区划代码"]
            ),
        ]
    );

    public static readonly IReadOnlyList<SheetForm> All =
    [
        Members,
        Contributions,
        RosterForm,
        Receipts,
        BankStatement,
        InsuranceChecks,
        Collectives,
    ];
}

using System.Globalization;
using System.Text;
using CsvHelper;
using CsvHelper.Configuration;
using Ledger.Domain;
using Ledger.Domain.Funds;

namespace Ledger.Api.Exports;

/// <summary>The five kinds of account that every chart knows.</summary>
public enum AccountType
{
    Asset,
    Liability,
    Equity,
    Income,
    Expense,
}

/// <summary>
/// Which account of 《农村集体经济组织会计制度》 (财会〔2023〕14号, in force since 2024) one of the ledger's accounts belongs to.
/// <paramref name="Account"/> is one of <see cref="Postings"/>, or its beginning and a star.
/// </summary>
public sealed record AccountMapping(string Account, string Code, string Name, string Subsidiary, AccountType Type);

/// <summary>
/// The mapping as data: the sample that ships with the product (account-map.csv), or the bookkeeper's own file
/// (Ledger:AccountMap). The same columns, UTF-8; what Excel saves as CSV UTF-8 will do.
/// </summary>
public sealed class AccountMap
{
    /// <summary>
    /// One of each account that a fund can post to; a mapping must know them all. What came later (L17) the shipped one
    /// stands in for: a bookkeeper's own file of before goes on.
    /// </summary>
    private static readonly string[] Needed =
    [
        "available:general",
        "reserved",
        "in-transit",
        "credited",
        "returned",
        "transfer:fund-x",
        .. Enum.GetValues<SourceKind>().Except([SourceKind.BankInterest]).Select(FundAccount.Source),
    ];

    private static readonly string[] Later =
    [
        FundAccount.BankFees,
        FundAccount.Owed,
        FundAccount.Source(SourceKind.BankInterest),
    ];

    private readonly IReadOnlyList<AccountMapping> _mappings;

    private AccountMap(string text, IReadOnlyList<AccountMapping> mappings) => (Text, _mappings) = (text, mappings);

    /// <summary>The file as it is, to download and change.</summary>
    public string Text { get; }

    /// <exception cref="OperationException">The file cannot be used; the message says the row, what is wrong and how to
    /// mend it.</exception>
    public static AccountMap Load(string? path)
    {
        using var stream = path is null
            ? typeof(AccountMap).Assembly.GetManifestResourceStream("account-map.csv")!
            : File.OpenRead(path);
        using var reader = new StreamReader(stream, Encoding.UTF8);
        var text = reader.ReadToEnd();
        try
        {
            using var csv = new CsvReader(
                new StringReader(text),
                new CsvConfiguration(CultureInfo.InvariantCulture)
                {
                    PrepareHeaderForMatch = h => h.Header.Trim().ToLowerInvariant(),
                    TrimOptions = TrimOptions.Trim,
                }
            );
            csv.Context.RegisterClassMap<Columns>();
            csv.Context.TypeConverterOptionsCache.GetOptions<AccountType>().EnumIgnoreCase = true;
            var map = new AccountMap(text, [.. csv.GetRecords<AccountMapping>()]);
            foreach (var account in Needed)
                map.Of(account);
            return path is null
                ? map
                : new AccountMap(
                    text,
                    [.. map._mappings, .. Load(null)._mappings.Where(m => Later.Contains(m.Account))]
                );
        }
        catch (CsvHelperException e)
        {
            throw new OperationException(
                $"科目对照表 {path} 第 {e.Context?.Parser?.Row} 行无法读取：需要列 account、code、name、subsidiary、type，"
                    + $"type 为 {string.Join("、", Enum.GetValues<AccountType>().Select(t => t.Word()))} 之一。"
                    + "The account map cannot be read."
            );
        }
    }

    /// <exception cref="OperationException">The map has no row for the account.</exception>
    public AccountMapping Of(string account) =>
        _mappings.FirstOrDefault(m => m.Account == account)
        ?? _mappings.FirstOrDefault(m =>
            m.Account.EndsWith('*') && account.StartsWith(m.Account[..^1], StringComparison.Ordinal)
        )
        ?? throw new OperationException(
            $"科目对照表（Ledger:AccountMap）没有账户“{account}”；请补上一行。The account map has no row for this account."
        );

    /// <summary>As a voucher names it: 102 银行存款—集体补助专户（可用）.</summary>
    public string Title(string account) =>
        Of(account) is var m && m.Subsidiary.Length > 0 ? $"{m.Code} {m.Name}—{m.Subsidiary}" : $"{m.Code} {m.Name}";

    private sealed class Columns : ClassMap<AccountMapping>
    {
        public Columns()
        {
            Parameter(nameof(AccountMapping.Account)).Name("account");
            Parameter(nameof(AccountMapping.Code)).Name("code");
            Parameter(nameof(AccountMapping.Name)).Name("name");
            Parameter(nameof(AccountMapping.Subsidiary)).Name("subsidiary");
            Parameter(nameof(AccountMapping.Type)).Name("type");
        }
    }
}

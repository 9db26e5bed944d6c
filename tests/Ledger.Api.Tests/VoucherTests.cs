using Ledger.Api.Exports;
using Ledger.Domain.Funds;
using Ledger.Projections.Journal;

namespace Ledger.Api.Tests;

/// <summary>
/// Vouchers as offices keep them (L20): numbered by fund and month without a gap, never renumbered, with 摘要, papers and
/// who made, checked and approved; and as a bookkeeping programme takes them.
/// </summary>
[Collection("api")]
public sealed class VoucherTests(ApiFixture api)
{
    private static async Task<byte[]> FileAsync(SampleClient who, string path)
    {
        using var response = await who.SendAsync(HttpMethod.Get, path, null);
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
        return await response.Content.ReadAsByteArrayAsync();
    }

    [Fact]
    public async Task L20_vouchers_of_a_month_are_numbered_as_recorded_and_one_dated_back_takes_the_next_number()
    {
        var (village, people) = await api.ReadyToFileAsync(2, money: 1000);
        var vouchers = $"/api/funds/{village.FundId}/vouchers";
        var last = new DateOnly(api.Today.Year, api.Today.Month, 1).AddDays(-1);
        await village.FileAsync(people);
        await village.ReviewAsync();
        await village.ApproveAsync();
        async Task<string[]> NumbersAsync() =>
            [
                .. SheetCells
                    .Of(await FileAsync(village.Officer, $"{vouchers}?from={last.AddDays(-40):yyyy-MM-dd}"), "凭证")
                    .Skip(1)
                    .Select(r => $"{r[0][..7]} {r[2]} {r[4]}")
                    .Distinct(),
            ];
        var month = $"{api.Today:yyyy-MM}";
        string[] before = [$"{month} 001 土地流转收入划入集体补助专户", $"{month} 002 审批居民养老保险集体补助 2 人"];
        Assert.Equal(before, await NumbersAsync());
        await village.AllocateAsync(5, name: "补记", effectiveDate: last);
        await village.AllocateAsync(6, name: "当月");
        await village.AllocateAsync(7, name: "再补记", effectiveDate: last.AddDays(-1));
        string[] after =
        [
            $"{last:yyyy-MM} 001 补记划入集体补助专户",
            $"{last:yyyy-MM} 002 再补记划入集体补助专户",
            .. before,
            $"{month} 003 当月划入集体补助专户",
        ];
        Assert.Equal(after, await NumbersAsync());

        // Who made, checked and approved it; how many papers; the same number on the single one.
        var workbook = await FileAsync(village.Officer, vouchers);
        var rows = SheetCells.Of(workbook, "凭证");
        Assert.Equal(
            ["日期", "凭证字", "凭证号", "附单据数", "摘要", "科目编码", "科目名称", "明细科目"],
            rows[0].Take(8)
        );
        var reserved = rows.First(r => r[4].StartsWith("审批", StringComparison.Ordinal));
        Assert.Equal(
            (village.Offices.Reviewer.Actor.Id, village.Offices.Approver.Actor.Id),
            (reserved[^3], reserved[^2])
        );
        Assert.Equal("1", rows[1][3]);
        var sequence = rows.First(r => r[4].StartsWith("再补记", StringComparison.Ordinal))[^1];
        var single = SheetCells.Of(await FileAsync(village.Officer, $"{vouchers}/{sequence}"), "记账凭证");
        Assert.Contains($"{last:yyyy-MM} 记-002", single.SelectMany(r => r));
        await api.Host.RefusedAsync("not-found", api.NewOffices().Auditor, HttpMethod.Get, vouchers);

        // The bank's side alone: what is reserved has not left it.
        Assert.Equal(
            ["期初余额 0", "补记划入集体补助专户 5", "再补记划入集体补助专户 12", "土地流转收入划入集体补助专户 1012"],
            SheetCells
                .Of(await FileAsync(village.Officer, $"{vouchers}?from={last.AddDays(-40):yyyy-MM-dd}"), "专户明细账")
                .Skip(1)
                .Take(4)
                .Select(r => $"{r[2]} {decimal.Parse(r[5]):0.##}")
        );
    }

    [Fact]
    public void L20_which_column_holds_what_is_the_offices_own_file_and_a_wrong_one_is_told()
    {
        var file = Path.GetTempFileName();
        try
        {
            File.WriteAllText(file, "heading,field\n凭证日期,date\n借,debit\n科目,code\n制单,maker\n");
            var entry = new JournalEntry(
                1,
                new DateOnly(2026, 3, 1),
                DateTimeOffset.UnixEpoch,
                "fund-1",
                "funds_allocated",
                "li.si",
                [new Posting("available:general", new(100)), new Posting("source:collective-income", new(-100))],
                "租金划入",
                1,
                null
            );
            var rows = SheetCells.Of(
                VoucherBook
                    .Load(file)
                    .Write(
                        [entry],
                        Money.Zero,
                        AccountMap.Load(null),
                        new Dictionary<string, Application>(),
                        new Dictionary<string, string> { ["li.si"] = "李四" }
                    ),
                "凭证"
            );
            Assert.Equal(["凭证日期", "借", "科目", "制单"], rows[0]);
            Assert.Equal(("102", "李四"), (rows[1][2], rows[1][3]));
            File.WriteAllText(file, "heading,field\n凭证日期,day\n");
            Assert.Contains("attachments", Assert.Throws<OperationException>(() => VoucherBook.Load(file)).Message);
        }
        finally
        {
            File.Delete(file);
        }
    }

    /// <summary>A bookkeeper's own map from before the fees were booked goes on.</summary>
    [Fact]
    public void L20_a_map_of_before_knows_the_later_accounts_as_the_sample_has_them()
    {
        var file = Path.GetTempFileName();
        try
        {
            var before = AccountMap
                .Load(null)
                .Text.Split('\n')
                .Where(l => !l.StartsWith("bank-fees") && !l.StartsWith("owed") && !l.Contains("bank-interest"));
            File.WriteAllText(file, string.Join('\n', before));
            Assert.Equal("102", AccountMap.Load(file).Of(FundAccount.BankFees).Code);
            Assert.Equal(AccountType.Asset, AccountMap.Load(file).Of("source:collective-income").Type);
        }
        finally
        {
            File.Delete(file);
        }
    }
}

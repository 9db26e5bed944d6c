using System.Diagnostics;
using System.Globalization;
using System.IO.Compression;
using System.Text.Json;
using System.Text.RegularExpressions;
using CsvHelper;

namespace Ledger.Api.Tests;

/// <summary>
/// What strangers' tools make of the exports: Debian's hledger and Beancount check the journal of the whole sample
/// county.
/// </summary>
[Collection("api and programs")]
public sealed partial class ExportTests(ApiFixture api)
{
    private static (int Exit, string Output) Run(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["LANG"] = "C.UTF-8" },
        };
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output + error.Result);
    }

    [GeneratedRegex("^\"(?<account>[^\"]+)\",\"(?<amount>-?[0-9.]+) CNY\"", RegexOptions.Multiline)]
    private static partial Regex HledgerRow();

    [Fact]
    public async Task Hledger_and_beancount_accept_the_sample_county_and_agree_with_every_trial_balance_at_three_dates()
    {
        await using var product = await SampleProduct.StartAsync(api, "ledger_export", "AUDITOR");
        var (hledger, beancount) = (product.At("journal.hledger"), product.At("journal.beancount"));
        await File.WriteAllTextAsync(hledger, await product.Http.GetStringAsync("/api/exports/journal"));
        await File.WriteAllTextAsync(
            beancount,
            await product.Http.GetStringAsync("/api/exports/journal?format=beancount")
        );
        Assert.Equal((0, ""), Run("hledger", "-f", hledger, "--strict", "check", "ordereddates"));
        Assert.Equal((0, ""), Run("bean-check", beancount));

        var funds = (await product.Http.ReadAsync<IReadOnlyList<FundView>>("/api/funds")).Select(f => f.Id).ToList();
        Assert.Equal(13, funds.Count);
        var today = Clock.Day(DateTimeOffset.UtcNow);
        var compared = 0;
        foreach (var date in new[] { today, today.AddDays(-30), new DateOnly(today.Year - 1, 12, 31) })
        {
            var (exit, csv) = Run(
                "hledger",
                "-f",
                hledger,
                "balance",
                "--flat",
                "--no-total",
                "-O",
                "csv",
                "-e",
                $"{date.AddDays(1):yyyy-MM-dd}"
            );
            Assert.Equal(0, exit);
            var theirs = HledgerRow()
                .Matches(csv)
                .ToDictionary(
                    m => m.Groups["account"].Value,
                    m => decimal.Parse(m.Groups["amount"].Value, CultureInfo.InvariantCulture)
                );
            var ours = new Dictionary<string, decimal>();
            foreach (var fund in funds)
            foreach (
                var account in (
                    await product.Http.ReadAsync<TrialBalanceView>(
                        $"/api/funds/{fund}/trial-balance?at={date:yyyy-MM-dd}"
                    )
                ).Accounts
            )
                ours[$"{fund}:{account.Account}"] = account.Amount.Yuan;
            Assert.Equal(
                ours.OrderBy(a => a.Key, StringComparer.Ordinal),
                theirs.OrderBy(a => a.Key, StringComparer.Ordinal)
            );
            compared += ours.Count;
        }
        Assert.True(compared > 60, $"{compared} accounts");

        await GeneralLedgerAgreesAsync(product.Http, funds, today);

        // One unbalanced fen, and both say so.
        var broken = (await File.ReadAllTextAsync(hledger)).Replace(
            " 60000.00 CNY",
            " 60000.01 CNY",
            StringComparison.Ordinal
        );
        await File.WriteAllTextAsync(hledger, broken);
        Assert.NotEqual(0, Run("hledger", "-f", hledger, "check").Exit);
    }

    /// <summary>
    /// The ISO 21378 tables agree with each other and, fund by fund and account by account, with the trial balance.
    /// </summary>
    private static async Task GeneralLedgerAgreesAsync(HttpClient http, List<string> funds, DateOnly today)
    {
        using var response = await http.GetAsync("/api/exports/journal?format=general-ledger");
        Assert.Equal($"{funds.Count * 3}", response.Headers.GetValues("Ledger-Steps").Single());
        using var zip = new ZipArchive(await response.Content.ReadAsStreamAsync());
        List<Dictionary<string, string>> Table(string name)
        {
            using var csv = new CsvReader(
                new StreamReader(zip.GetEntry($"{name}.csv")!.Open()),
                CultureInfo.InvariantCulture
            );
            return
            [
                .. csv.GetRecords<dynamic>()
                    .Select(r => ((IDictionary<string, object>)r).ToDictionary(f => f.Key, f => (string)f.Value)),
            ];
        }
        static decimal Yuan(string text) => decimal.Parse(text, CultureInfo.InvariantCulture);
        var (entries, lines, balances, accounts, periods) = (
            Table("GL_Journal_Entry"),
            Table("GL_Journal_Entry_Line"),
            Table("GL_Trial_Balance"),
            Table("BAS_Chart_Of_Accounts"),
            Table("BAS_Accounting_Period")
        );
        Assert.Equal(
            entries.Select(e => e["Journal_ID"]).Order(),
            lines.Select(l => l["Journal_ID"]).Distinct().Order()
        );
        Assert.All(
            lines.GroupBy(l => l["Journal_ID"]),
            e =>
                Assert.Equal(
                    0m,
                    e.Sum(l => l["Amount_Credit_Debit_Indicator"] == "D" ? Yuan(l["Amount"]) : -Yuan(l["Amount"]))
                )
        );
        Assert.Subset(
            accounts.Select(a => a["GL_Account_Number"]).ToHashSet(),
            lines.Select(l => l["GL_Account_Number"]).ToHashSet()
        );
        Assert.Subset(
            accounts.Select(a => a["GL_Account_Number"]).ToHashSet(),
            accounts.Select(a => a["Parent_GL_Account_Number"]).Where(p => p.Length > 0).ToHashSet()
        );
        Assert.Equal(
            periods.Select(p => (p["Fiscal_Year"], p["Accounting_Period"])),
            entries.Select(e => (e["Fiscal_Year"], e["Accounting_Period"])).Distinct().Order()
        );
        Assert.Equal(
            "102 银行存款—集体补助专户—可用",
            accounts.Single(a => a["Ledger_Account"] == "available:general")["GL_Account_Name"]
        );
        Assert.Equal(
            lines.Where(l => l["Amount_Credit_Debit_Indicator"] == "D").Sum(l => Yuan(l["Amount"])),
            balances.Sum(b => Yuan(b["Debit_Amount"]))
        );
        Assert.All(
            balances,
            b =>
                Assert.Equal(
                    Yuan(b["Ending_Balance"]),
                    Yuan(b["Beginning_Balance"]) + Yuan(b["Debit_Amount"]) - Yuan(b["Credit_Amount"])
                )
        );
        foreach (var fund in funds)
        {
            var trial = (
                await http.ReadAsync<TrialBalanceView>($"/api/funds/{fund}/trial-balance?at={today:yyyy-MM-dd}")
            ).Accounts.ToDictionary(a => a.Account, a => a.Amount.Yuan);
            var ending = balances
                .Where(b => b["Business_Unit_Code"] == fund)
                .GroupBy(b => b["GL_Account_Number"])
                .ToDictionary(g => g.Key[(g.Key.IndexOf('.') + 1)..], g => Yuan(g.Last()["Ending_Balance"]));
            Assert.Equal(
                trial.OrderBy(a => a.Key, StringComparer.Ordinal),
                ending.Where(b => b.Value != 0).OrderBy(a => a.Key, StringComparer.Ordinal)
            );
        }
    }

    [Fact]
    public async Task The_commands_files_are_those_of_http_and_an_account_map_is_used_or_refused_in_words()
    {
        var village = await api.RegisteredAsync();
        await village.AllocateAsync(1234.05m);
        var folder = Directory.CreateTempSubdirectory("ledger-export");
        try
        {
            var settings = new Dictionary<string, string>
            {
                ["ConnectionStrings__Ledger"] = api.ConnectionString,
                ["Ledger__KeyFile"] = api.KeyFile,
            };
            var file = Path.Combine(folder.FullName, "journal.hledger");
            Assert.Equal(
                0,
                (
                    await ApiHost.RunAsync(
                        settings,
                        "export",
                        "--format",
                        "hledger",
                        "--region",
                        village.Offices.County,
                        "--out",
                        file
                    )
                ).Exit
            );
            using var journal = await village.Offices.Auditor.SendAsync(HttpMethod.Get, "/api/exports/journal", null);
            Assert.Equal(await journal.Content.ReadAsStringAsync(), await File.ReadAllTextAsync(file));
            Assert.Equal(2, (await ApiHost.RunAsync(settings, "export", "--format", "pdf")).Exit);

            using var sample = await village.Officer.SendAsync(HttpMethod.Get, "/api/exports/account-map", null);
            var map = Path.Combine(folder.FullName, "map.csv");
            await File.WriteAllTextAsync(
                map,
                (await sample.Content.ReadAsStringAsync()).Replace(
                    "102,银行存款,基本户",
                    "311,公积公益金,提取集体补助资金",
                    StringComparison.Ordinal
                )
            );
            settings["Ledger__AccountMap"] = map;
            var zip = Path.Combine(folder.FullName, "gl.zip");
            Assert.Equal(
                0,
                (
                    await ApiHost.RunAsync(
                        settings,
                        "export",
                        "--format",
                        "general-ledger",
                        "--region",
                        village.VillageCode,
                        "--out",
                        zip
                    )
                ).Exit
            );
            using (var archive = ZipFile.OpenRead(zip))
            using (var accounts = new StreamReader(archive.GetEntry("BAS_Chart_Of_Accounts.csv")!.Open()))
                Assert.Contains(
                    "311.source:collective-income,311 公积公益金—提取集体补助资金",
                    await accounts.ReadToEndAsync()
                );

            await File.WriteAllTextAsync(map, "account,code,name,subsidiary,type\nreserved,102,银行存款,,asset\n");
            Assert.Contains(
                "没有账户“available:general”",
                (await Assert.ThrowsAsync<InvalidOperationException>(() => ApiHost.StartAsync(settings))).Message
            );
            await File.WriteAllTextAsync(map, "account,code,name,subsidiary,type\nreserved,102,银行存款,,gold\n");
            Assert.Contains(
                "第 2 行",
                (await Assert.ThrowsAsync<InvalidOperationException>(() => ApiHost.StartAsync(settings))).Message
            );
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task The_journal_holds_only_the_callers_scope_and_every_event_is_in_the_log()
    {
        var (village, people) = await api.ReadyToFileAsync(2, subsidy: 100, money: 1000);
        await village.FileAsync(people);
        await village.ReviewAsync();
        await village.ApproveAsync();
        using var journal = await village.Officer.SendAsync(HttpMethod.Get, "/api/exports/journal", null);
        var text = await journal.Content.ReadAsStringAsync();
        Assert.Contains($"{village.FundId}:available:general  1000.00 CNY", text);
        Assert.Contains($"{village.FundId}:reserved  200.00 CNY", text);
        Assert.DoesNotContain("fund-", text.Replace(village.FundId, "", StringComparison.Ordinal));
        using var foreign = await api.NewOffices().Auditor.SendAsync(HttpMethod.Get, "/api/exports/journal", null);
        Assert.Equal(Projections.Journal.JournalText.HledgerHead, await foreign.Content.ReadAsStringAsync());
        await api.Host.RefusedAsync(
            "field-invalid",
            village.Officer,
            HttpMethod.Get,
            "/api/exports/journal?format=pdf"
        );
        await api.Host.RefusedAsync(
            "field-invalid",
            village.Officer,
            HttpMethod.Get,
            "/api/exports/journal?format=events"
        );

        using var log = await village.Offices.Auditor.SendAsync(HttpMethod.Get, "/api/exports/events", null);
        var lines = (await log.Content.ReadAsStringAsync())
            .Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(l => JsonSerializer.Deserialize<JsonElement>(l))
            .ToList();
        Assert.Equal(
            await api.ScalarAsync<long>(
                "select count(*) from ledger.mt_events where headers ->> 'region' like @county || '%'",
                ("county", village.Offices.County)
            ),
            lines.Count
        );
        Assert.Contains(
            lines,
            l =>
                l.GetProperty("type").GetString() == "funds_reserved"
                && l.GetProperty("data").GetProperty("amountFen").GetInt64() == 20_000
        );
        Assert.DoesNotContain(people[0].Name, await log.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task Statement_and_voucher_come_as_workbooks_with_capital_figures()
    {
        var village = await api.RegisteredAsync();
        await village.AllocateAsync(1234.05m);
        async Task<string> Cells(string path)
        {
            using var response = await village.Officer.SendAsync(
                HttpMethod.Get,
                path,
                null,
                more: r => r.Headers.Accept.ParseAdd(Imports.Workbook.ContentType)
            );
            Assert.Equal(Imports.Workbook.ContentType, response.Content.Headers.ContentType?.MediaType);
            using var zip = new ZipArchive(await response.Content.ReadAsStreamAsync());
            using var reader = new StreamReader(zip.GetEntry("xl/worksheets/sheet1.xml")!.Open());
            return await reader.ReadToEndAsync();
        }
        Assert.Contains("壹仟贰佰叁拾肆元零伍分", await Cells($"/api/funds/{village.FundId}/statement"));
        var statement = await village.Officer.GetAsync<FundStatement>($"/api/funds/{village.FundId}/statement");
        // People by name where it is known, else by account.
        var names = new Dictionary<string, string> { [village.Officer.Actor.Id] = "王会计" };
        using (
            var named = new ZipArchive(
                new MemoryStream(
                    Exports.FundSheets.Statement(new Domain.Funds.Fund { Name = "资金" }, statement, names)
                )
            )
        )
        using (var reader = new StreamReader(named.GetEntry("xl/worksheets/sheet1.xml")!.Open()))
        {
            var text = await reader.ReadToEndAsync();
            Assert.Contains("王会计", text, StringComparison.Ordinal);
            Assert.DoesNotContain(village.Officer.Actor.Id, text, StringComparison.Ordinal);
        }
        var sequence = statement.Lines[0].Sequence;
        var voucher = await Cells($"/api/funds/{village.FundId}/vouchers/{sequence}");
        Assert.Contains("102 银行存款—基本户", voucher);
        Assert.Contains("记-001", voucher);
        Assert.Contains("划入集体补助专户", voucher);
        Assert.Contains("壹仟贰佰叁拾肆元零伍分", voucher);
        await api.Host.RefusedAsync(
            "not-found",
            village.Officer,
            HttpMethod.Get,
            $"/api/funds/{village.FundId}/vouchers/{sequence + 1_000_000}"
        );
    }
}

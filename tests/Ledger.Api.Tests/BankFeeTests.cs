using System.Text;
using Ledger.Api.Tasks;
using Ledger.Domain;
using Ledger.Domain.Funds;
using Ledger.Domain.Identity;

namespace Ledger.Api.Tests;

/// <summary>
/// A quarter at the bank (L17): interest comes in, a fee goes out, the village makes it good; every book shows it, and
/// the bank's statement reconciles to nothing open.
/// </summary>
[Collection("api and programs")]
public sealed class BankFeeTests(ApiFixture api)
{
    private const string Statement = "交易日期,收入金额（元）,支出金额（元）,流水号\n";

    private async Task<object> FeeAsync(SampleVillage village, decimal amount, string reference, string? why = null) =>
        new
        {
            amount,
            bankReference = reference,
            effectiveDate = api.Today,
            evidence = new[] { await village.Officer.EvidenceAsync($"fee {reference}") },
            confirmDuplicate = why,
        };

    [Fact]
    public async Task L17_a_quarter_with_interest_and_a_fee_is_right_in_every_book_and_nothing_is_open_at_the_bank()
    {
        var village = await api.RegisteredAsync();
        var (fund, officer) = ($"/api/funds/{village.FundId}", village.Officer);
        await village.AllocateAsync(1000);
        var interest = await village.AllocateAsync(3.21m, SourceKind.BankInterest, "第一季度结息");
        var fees = $"{fund}/bank-fees";
        var taken = await officer.PostAsync<FundView>(fees, await FeeAsync(village, 12.5m, "SXF1"));
        var fee = Assert.Single(taken.OpenFees);
        Assert.Equal((1003.21m, 12.5m), (taken.AvailableAmount.Yuan, taken.OwedAmount.Yuan));

        // It waits for the village, and the township sees it, until it is made good.
        async Task<IEnumerable<TaskView>> WaitingAsync(SampleClient who) =>
            (await who.GetAsync<TaskListView>("/api/tasks?kind=fee-reimbursement")).Tasks;
        var waits = Assert.Single(await WaitingAsync(officer));
        Assert.Equal((village.FundId, 1, api.Today), (waits.Subject, waits.Count, Clock.Day(waits.Since!.Value)));
        Assert.Empty(await WaitingAsync(village.Committee));
        async Task<IEnumerable<string>> SupervisedAsync() =>
            (await village.Offices.Township(village.VillageCode[..9]).GetAsync<SupervisionView>("/api/supervision"))
                .Items.Where(i => i.Kind == "bank-fee")
                .Select(i => $"{i.Id} {i.Amount}");
        Assert.Equal([$"{village.FundId} 12.50"], await SupervisedAsync());
        var good = new { bankReference = "BZ1", evidence = new[] { await officer.EvidenceAsync("made good") } };
        await api.Host.RefusedAsync("not-found", officer, $"{fees}/bank-fee-x/reimbursement", good);
        // The transfer back is another one than the bank's taking.
        await api.Host.RefusedAsync(
            "possible-duplicate",
            officer,
            $"{fees}/{fee.FeeId}/reimbursement",
            new { bankReference = "SXF1", good.evidence }
        );
        var whole = await officer.PostAsync<FundView>($"{fees}/{fee.FeeId}/reimbursement", good);
        Assert.Equal((1003.21m, 0m), (whole.AvailableAmount.Yuan, whole.OwedAmount.Yuan));
        Assert.Empty(await SupervisedAsync());
        Assert.Empty(await WaitingAsync(officer));

        var today = $"{api.Today:yyyy-MM-dd}";
        var csv = $"{Statement}{today},1000.00,,IN1\n{today},3.21,,JX1\n{today},,12.50,SXF1\n{today},12.50,,BZ1\n";
        var report = await officer.UploadAsync<ReconciliationView>(
            $"{fund}/reconciliation",
            Encoding.UTF8.GetBytes(csv),
            "对账单.csv"
        );
        Assert.Equal([2, 3, 4, 5], report.Matched.Select(p => p.Line.Row).Order());
        Assert.Empty(report.UnmatchedBankLines);
        Assert.Empty(report.UnmatchedEntries);

        var statement = await officer.GetAsync<FundStatement>($"{fund}/statement");
        Assert.Equal([0m, 0m, 12.5m, -12.5m], statement.Lines.Select(l => l.OwedChangeAmount.Yuan));
        Assert.Equal(1003.21m, statement.ClosingAvailableAmount.Yuan);
        var balance = await officer.GetAsync<TrialBalanceView>($"{fund}/trial-balance");
        Assert.Equal(
            ["available:general 1003.21", "source:bank-interest -3.21", "source:collective-income -1000.00"],
            balance.Accounts.Select(a => $"{a.Account} {a.Amount}")
        );
        var down = await officer.GetAsync<AllocationTraceView>(
            $"/api/trace/funds/{village.FundId}/allocations/{interest.AllocationId}"
        );
        Assert.Equal((SourceKind.BankInterest, 3.21m), (down.Source, down.AvailableAmount.Yuan));
        var trail = $"/api/audit/events?id={fee.FeeId}";
        await ApiFixture.EventuallyAsync(
            async () => (await village.Offices.Auditor.GetAsync<AuditPage>(trail)).Entries.Count == 2,
            "the trail finds both by the fee"
        );

        // A bookkeeper's own program, strict: every account declared, every entry balanced.
        using var journal = await officer.SendAsync(HttpMethod.Get, "/api/exports/journal", null);
        var file = Path.Combine(Path.GetTempPath(), $"fees-{Guid.NewGuid():N}.hledger");
        await File.WriteAllTextAsync(file, await journal.Content.ReadAsStringAsync());
        Assert.Equal((0, ""), Programs.Run("hledger", ["-f", file, "--strict", "check", "ordereddates"]));
        var (_, sums) = Programs.Run("hledger", ["-f", file, "--strict", "balance", "--depth", "1", "type:A"]);
        Assert.Contains($"1003.21 CNY  {village.FundId}", sums);
        File.Delete(file);
    }

    [Fact]
    public async Task L17_fees_are_refused_without_a_slip_twice_to_strangers_and_keep_a_fund_from_closing()
    {
        var village = await api.RegisteredAsync();
        var (fees, officer) = ($"/api/funds/{village.FundId}/bank-fees", village.Officer);
        await api.Host.RefusedAsync("forbidden", village.Offices.Auditor, fees, await FeeAsync(village, 1, "SXF0"));
        await api.Host.RefusedAsync("forbidden", village.Offices.Reviewer, fees, await FeeAsync(village, 1, "SXF0"));
        var stranger = await api.RegisteredAsync();
        await api.Host.RefusedAsync("not-found", stranger.Officer, fees, await FeeAsync(stranger, 1, "SXF0"));
        var vast = await api.Host.RefusedAsync(
            "bank-fee-exceeded",
            officer,
            fees,
            await FeeAsync(village, 99999999, "SXF0")
        );
        Assert.Equal(("amount", 200m), (vast.Field, vast.LeftAmount?.Yuan));
        await api.Host.RefusedAsync("evidence-missing", officer, fees, new { amount = 1m, bankReference = "SXF0" });
        var taken = await officer.PostAsync<FundView>(fees, await FeeAsync(village, 1, "SXF1"));
        var again = await api.Host.RefusedAsync(
            "possible-duplicate",
            officer,
            fees,
            await FeeAsync(village, 1, "sxf1")
        );
        Assert.Equal(taken.OpenFees[0].FeeId, again.Earlier!.Id);
        await officer.PostAsync<FundView>(fees, await FeeAsync(village, 2, "SXF1", "同一流水的另一笔工本费"));
        var closure = await api.Host.RefusedAsync(
            "wrong-state",
            officer,
            $"/api/funds/{village.FundId}/closure",
            new { reason = "不再实施", evidence = new[] { await officer.EvidenceAsync("resolution") } }
        );
        Assert.Contains("3.00", closure.Detail);
        await api.Host.RefusedAsync(
            "date-before-basis",
            officer,
            $"{fees}/{taken.OpenFees[0].FeeId}/reimbursement",
            new
            {
                bankReference = "BZ1",
                effectiveDate = api.Today.AddDays(-1),
                evidence = new[] { await officer.EvidenceAsync("early") },
            }
        );
    }
}

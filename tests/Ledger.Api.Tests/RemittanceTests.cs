using System.Text;
using Ledger.Domain.Policies;

namespace Ledger.Api.Tests;

/// <summary>
/// Where the money goes: to the agency's account and nobody's card (L12), split by source to the fen (L13).
/// </summary>
[Collection("api")]
public sealed class RemittanceTests(ApiFixture api)
{
    private const string Card = "6222020200112230";

    /// <summary>Three people at 100 yuan out of 150 of the collective, 0.30 of interest and a gift.</summary>
    private async Task<(SampleVillage Village, IReadOnlyList<SamplePerson> People)> NoticedAsync()
    {
        var (village, people) = await api.ReadyToFileAsync(3, money: 150);
        await village.AllocateAsync(0.3m, SourceKind.BankInterest, "第一季度结息");
        await village.AllocateAsync(500, SourceKind.Charity, "慈善助老", donorId: await village.CharityAsync());
        await village.Officer.UploadAsync(
            $"/api/members/import?collectiveId={village.CollectiveId}",
            Encoding.UTF8.GetBytes($"姓名,身份证号,银行卡号\n{people[0].Name},{people[0].CitizenId},{Card}\n"),
            "名册.csv"
        );
        await village.FileAsync(people);
        await village.ReviewAsync();
        await village.ApproveAsync();
        await village.NoticeAsync();
        api.Clock.Advance(TimeSpan.FromDays(8));
        return (village, people);
    }

    private static Task<RemittanceView> RemittanceAsync(SampleVillage village, SampleClient? who = null) =>
        (who ?? village.Officer).GetAsync<RemittanceView>($"{village.ApplicationPath}/remittance");

    [Fact]
    public async Task L12_L13_the_list_names_the_agencys_account_no_card_and_each_lines_sources_to_the_fen()
    {
        var (village, _) = await NoticedAsync();
        var list = await village.Officer.PostAsync<PaymentListView>($"{village.ApplicationPath}/payment-list");
        Assert.Equal(
            (300m, 150.3m, 149.7m),
            (list.TotalAmount.Yuan, list.CollectiveAmount.Yuan, list.OtherAmount.Yuan)
        );
        Assert.Contains("收入户", list.Payee!.Name);
        var workbook = Convert.FromBase64String(list.Content!);
        var rows = SheetCells.Of(workbook, "付款清单");
        Assert.DoesNotContain(rows[0], h => h.Contains('卡'));
        Assert.DoesNotContain(rows.SelectMany(r => r), c => c == Card);
        Assert.Equal(
            ["100 100 0", "100 50.3 49.7", "100 0 100"],
            rows.Skip(1).Take(3).Select(r => string.Join(' ', r[5..8].Select(c => $"{decimal.Parse(c):0.##}")))
        );
        var remittance = SheetCells.Of(workbook, "汇款单").ToDictionary(r => r[0], r => r[1]);
        Assert.Equal(list.Payee.Number, remittance["账号"]);
        Assert.Equal("叁佰元整", remittance["金额合计（大写）"]);
    }

    [Fact]
    public async Task L13_payment_and_receipts_keep_to_the_sources()
    {
        var (village, people) = await NoticedAsync();
        var stranger = api.NewOffices().Auditor;
        await api.Host.RefusedAsync("not-found", stranger, HttpMethod.Get, $"{village.ApplicationPath}/remittance");
        await village.PayAsync(300);
        var sent = Assert.Single((await RemittanceAsync(village, village.Offices.Auditor)).Parts);
        Assert.Equal(
            (LineStatus.Paid, 3, 300m, 150.3m, 149.7m),
            (sent.Status, sent.Lines, sent.Amount.Yuan, sent.CollectiveAmount.Yuan, sent.OtherAmount.Yuan)
        );
        string Csv(params (SamplePerson Person, string Other)[] rows) =>
            "姓名,身份证号,入账金额（元）,其中其他收入（4501）,入账日期,回执编号\n"
            + string.Concat(
                rows.Select(r => $"{r.Person.Name},{r.Person.CitizenId},100,{r.Other},{api.Today:yyyy-MM-dd},HZ1\n")
            );
        SampleClient agency = village.Offices.Reviewer;
        using var wrong = SampleClient.Form(
            Encoding.UTF8.GetBytes(Csv((people[0], "0"), (people[1], "50.00"))),
            "回执.csv"
        );
        var refused = await api.Host.RefusedAsync(
            "receipt-mismatch",
            agency,
            $"{village.ApplicationPath}/receipts/import",
            wrong
        );
        var fault = Assert.Single(refused.Faults);
        Assert.Equal((3, "其中其他收入（4501）"), (fault.Row, fault.Column));
        Assert.Contains("49.70", fault.Message);
        var receipt = await agency.UploadAsync<ReceiptView>(
            $"{village.ApplicationPath}/receipts/import",
            Encoding.UTF8.GetBytes(Csv((people[0], ""), (people[1], "49.70"), (people[2], "100"))),
            "回执.csv"
        );
        Assert.Equal(3, receipt.Credited);
        Assert.Equal([LineStatus.Credited], (await RemittanceAsync(village)).Parts.Select(p => p.Status));
    }

    [Fact]
    public async Task L12_the_payee_is_data_of_the_policy_year_and_an_account_not_a_person()
    {
        var village = await api.RegisteredAsync();
        var path = $"/api/policy-years/{village.Offices.County}/{village.Year}";
        async Task<Refused> RefusedAsync(string code, object payee)
        {
            var body = SampleClient.Node(SampleOffices.PolicyYear(village.Year));
            body["payee"] = System.Text.Json.JsonSerializer.SerializeToNode(payee);
            return await api.Host.RefusedAsync(code, village.Offices.CityHrss, HttpMethod.Put, path, body);
        }
        Assert.Equal(
            "payee",
            (
                await RefusedAsync(
                    "field-invalid",
                    new
                    {
                        name = "收入户",
                        bank = "银行",
                        number = "12AB5678",
                    }
                )
            ).Field
        );
        var citizen = new SamplePeople(3).Take(1, village.Offices.County)[0].CitizenId;
        await RefusedAsync(
            "reference-is-personal",
            new
            {
                name = "收入户",
                bank = "银行",
                number = citizen,
            }
        );
        var published = await village.Offices.CityHrss.PutAsync<PolicyYearView>(
            path,
            SampleOffices.PolicyYear(village.Year)
        );
        Assert.Equal(
            new PayeeAccount("任城区社会保险经办中心收入户（样例）", "样例银行任城支行", "1608-0101-0400-0001"),
            published.Payee
        );
    }
}

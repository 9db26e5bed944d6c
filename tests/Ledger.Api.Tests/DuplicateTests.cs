using System.Text.Json;

namespace Ledger.Api.Tests;

/// <summary>The same money booked twice: asked about, also of two requests at once, and on record when meant.</summary>
[Collection("api")]
public sealed class DuplicateTests(ApiFixture api)
{
    private static object Income(decimal amount, string? confirm, params string[] slips) =>
        new
        {
            amount,
            source = "collective-income",
            sourceName = "租金",
            evidence = slips,
            confirmDuplicate = confirm,
        };

    private async Task<string?> RecordedAsync(string stream, string type) =>
        await api.ScalarAsync<string?>(
            """
            select coalesce((select headers ->> 'notDuplicate'
                               from ledger.mt_events
                              where stream_id = @stream
                                and type = @type
                              order by seq_id desc limit 1), '')
            """,
            ("stream", stream),
            ("type", type)
        );

    [Fact]
    public async Task C7_one_slip_for_a_second_allocation_is_asked_about_and_stays_on_record_when_meant()
    {
        var village = await api.RegisteredAsync();
        var path = $"/api/funds/{village.FundId}/allocations";
        var (slip, other) = (
            await village.Officer.EvidenceAsync("slip A"),
            await village.Officer.EvidenceAsync("slip B")
        );
        var first = await village.Officer.PostAsync<AllocationView>(path, Income(10_000, null, other, slip));
        var asked = await api.Host.RefusedAsync(
            "possible-duplicate",
            village.Officer,
            path,
            Income(10_000, null, slip)
        ); // the second paper of several
        Assert.Equal(
            (first.AllocationId, 10_000m, api.Today, "funds_allocated"),
            (asked.Earlier!.Id, asked.Earlier.Amount.Yuan, asked.Earlier.On, asked.Earlier.Type)
        );
        await api.Host.RefusedAsync("possible-duplicate", village.Officer, path, Income(5, null, other));
        Assert.Equal(
            10_000m,
            (await village.Officer.GetAsync<FundView>($"/api/funds/{village.FundId}")).AllocatedAmount.Yuan
        );
        await api.Host.RefusedAsync(
            "personal-data-in-text",
            village.Officer,
            path,
            Income(10_000, "电话13812345678", slip)
        );
        await village.Officer.PostAsync(path, Income(300, "同一回单的押金部分", slip));
        Assert.Equal(
            $"{first.AllocationId}：同一回单的押金部分",
            await RecordedAsync(village.FundId, "funds_allocated")
        );
        var trail = (
            await village.Offices.Auditor.GetAsync<AuditPage>(
                $"/api/audit/events?id={village.FundId}&type=funds_allocated"
            )
        ).Entries;
        Assert.EndsWith("同一回单的押金部分", trail[^1].NotDuplicate, StringComparison.Ordinal);
        await village.Officer.PostAsync(path, Income(300, "多余的理由", await village.Officer.EvidenceAsync("slip C")));
        Assert.Equal("", await RecordedAsync(village.FundId, "funds_allocated"));

        // The same paper in another village is another matter: each village's money lies in its own account.
        var neighbour = await api.RegisteredAsync(village.Offices);
        await neighbour.Officer.PostAsync(
            $"/api/funds/{neighbour.FundId}/allocations",
            Income(10_000, null, await neighbour.Officer.EvidenceAsync("slip A"))
        );
    }

    [Fact]
    public async Task Of_ten_requests_with_one_slip_at_the_same_instant_one_is_booked()
    {
        var village = await api.RegisteredAsync();
        var slip = await village.Officer.EvidenceAsync("slip");
        var answers = await Task.WhenAll(
            Enumerable
                .Range(0, 10)
                .Select(_ =>
                    village.Officer.SendAsync(
                        HttpMethod.Post,
                        $"/api/funds/{village.FundId}/allocations",
                        SampleClient.Json(Income(100, null, slip))
                    )
                )
        );
        Assert.Single(answers, a => a.IsSuccessStatusCode);
        foreach (var refused in answers.Where(a => !a.IsSuccessStatusCode))
            Assert.Contains("possible-duplicate", await refused.Content.ReadAsStringAsync());
        Assert.Equal(
            100m,
            (await village.Officer.GetAsync<FundView>($"/api/funds/{village.FundId}")).AllocatedAmount.Yuan
        );
    }

    [Fact]
    public async Task A_reversed_allocation_leaves_its_slip_to_the_right_entry()
    {
        var village = await api.RegisteredAsync();
        var (path, slip) = ($"/api/funds/{village.FundId}/allocations", await village.Officer.EvidenceAsync("slip"));
        var wrong = (await village.Officer.PostAsync<AllocationView>(path, Income(7000, null, slip))).AllocationId;
        var township = village.Offices.Township(village.VillageCode[..9]);
        await village.Officer.PostAsync(
            $"{path}/{wrong}/reversal",
            new { confirmBy = township.Actor.Id, reason = "多记一位" }
        );
        await api.Host.RefusedAsync("possible-duplicate", village.Officer, path, Income(700, null, slip));
        await township.PostAsync($"{path}/{wrong}/reversal/confirmation");
        await village.Officer.PostAsync(path, Income(700, null, slip));
    }

    [Fact]
    public async Task C17_one_bank_reference_for_two_payments_and_one_return_twice_are_asked_about()
    {
        var (village, people) = await api.ReadyToFileAsync(3, money: 1000);
        await village.FileAsync(people);
        await village.ReviewAsync();
        await village.ApproveAsync();
        await village.NoticeAsync();
        api.Clock.Advance(TimeSpan.FromDays(8));
        var members = (await village.Officer.GetAsync<LinePage>($"{village.ApplicationPath}/lines"))
            .Lines.Select(l => l.MemberId)
            .ToArray();
        async Task<object> Payment(string member, string reference, string slip, string? confirm = null) =>
            new
            {
                amount = 100,
                purpose = "member-subsidy",
                bankReference = reference,
                evidence = new[] { await village.Officer.EvidenceAsync(slip) },
                memberIds = new[] { member },
                confirmDuplicate = confirm,
            };
        var pay = $"{village.ApplicationPath}/payment";
        await village.Officer.PostAsync(pay, await Payment(members[0], "NX1", "p1"));
        var asked = await api.Host.RefusedAsync(
            "possible-duplicate",
            village.Officer,
            pay,
            await Payment(members[1], " nx1", "p2")
        );
        Assert.Equal(village.ApplicationId, asked.Earlier!.Id);
        await api.Host.RefusedAsync("possible-duplicate", village.Officer, pay, await Payment(members[1], "NX2", "p1"));
        await village.Officer.PostAsync(pay, await Payment(members[1], "NX1", "p1", "同一笔转账，分两次登记"));
        Assert.EndsWith(
            "同一笔转账，分两次登记",
            await RecordedAsync(village.FundId, "funds_paid"),
            StringComparison.Ordinal
        );

        async Task<object> Return(string member, string reference) =>
            new
            {
                memberIds = new[] { member },
                bankReference = reference,
                reason = "账号有误",
                evidence = new[] { await village.Officer.EvidenceAsync("r") },
            };
        var back = $"{village.ApplicationPath}/bank-returns";
        // A payment's own number.
        await api.Host.RefusedAsync("possible-duplicate", village.Officer, back, await Return(members[0], "NX1"));
        await village.Officer.PostAsync(back, await Return(members[0], "TH1"));
        await village.Officer.PostAsync(back, await Return(members[1], "TH1")); // the bank sends several back in one
        await village.Officer.PostAsync<ApplicationView>(pay, await Payment(members[0], "NX3", "p3"));
        await api.Host.RefusedAsync("possible-duplicate", village.Officer, back, await Return(members[0], "TH1"));

        // A refund's slip is no new income.
        await village.Offices.Reviewer.PostAsync<ApplicationView>(
            $"{village.ApplicationPath}/refunds",
            new
            {
                memberId = members[0],
                reason = "death",
                bankReference = "TK1",
                evidence = new[] { await village.Offices.Reviewer.EvidenceAsync("refund") },
            }
        );
        await api.Host.RefusedAsync(
            "possible-duplicate",
            village.Officer,
            $"/api/funds/{village.FundId}/allocations",
            Income(100, null, await village.Officer.EvidenceAsync("refund"))
        );
    }

    [Fact]
    public async Task C17_a_receipt_of_another_application_of_the_village_is_asked_about_however_it_is_written()
    {
        var (village, people) = await api.ReadyToFileAsync(2, money: 1000);
        async Task PaidAsync(SamplePerson person)
        {
            await village.FileAsync([person]);
            await village.ReviewAsync();
            await village.ApproveAsync();
            await village.NoticeAsync();
            api.Clock.Advance(TimeSpan.FromDays(8));
            await village.PayAsync(100);
        }
        MultipartFormDataContent Receipt(SamplePerson person, string number) =>
            SampleClient.Form(
                System.Text.Encoding.UTF8.GetBytes(
                    $"姓名,身份证号,入账金额（元）,入账日期,回执编号\n{person.Name},{person.CitizenId},100,{api.Today:yyyy-MM-dd},{number}\n"
                ),
                "回执.csv"
            );
        Task<ReceiptView> SendAsync(SamplePerson person, string number, string more = "") =>
            village.Offices.Reviewer.PostAsync<ReceiptView>(
                $"{village.ApplicationPath}/receipts/import{more}",
                Receipt(person, number)
            );
        await PaidAsync(people[0]);
        Assert.Equal(1, (await SendAsync(people[0], "hz-1 7")).Credited);
        var first = village.ApplicationId;
        await PaidAsync(people[1]);
        var asked = await api.Host.RefusedAsync(
            "receipt-mismatch",
            village.Offices.Reviewer,
            $"{village.ApplicationPath}/receipts/import",
            Receipt(people[1], "ＨＺ－17")
        );
        var fault = Assert.Single(asked.Faults);
        Assert.Equal(("possible-duplicate", "回执编号", 2), (fault.Code, fault.Column, fault.Row));
        Assert.Contains(first, fault.Message);
        var reason = "一张回执记两批";
        var meant = await SendAsync(people[1], "HZ-17", $"?confirmDuplicate={Uri.EscapeDataString(reason)}");
        Assert.Equal(1, meant.Credited);
        Assert.Equal(reason, await RecordedAsync(village.FundId, "funds_credited"));
    }

    [Fact]
    public async Task C4_one_tax_reference_for_two_persons_is_asked_about_in_a_file_and_over_files()
    {
        var (village, people) = await api.ReadyToFileAsync(2);
        var more = new SamplePeople(77).Take(3, village.Offices.County);
        await village.ImportMembersAsync(more);
        string path = $"/api/contributions/import?year={village.Year}",
            confirm = "&confirmDuplicate=" + Uri.EscapeDataString("一户一张完税凭证");
        MultipartFormDataContent Sheet(SamplePerson person, string prefix) =>
            SampleClient.Form(SampleSheets.Contributions([(person, 300, false)], api.Today, prefix), "缴费.xlsx");
        await village.Offices.Tax.UploadAsync(
            path,
            SampleSheets.Contributions([(more[0], 300, false)], api.Today, "FAM"),
            "缴费.xlsx"
        );
        using (var second = Sheet(more[1], "FAM"))
        {
            var fault = Assert.Single(
                (await api.Host.RefusedAsync("roster-invalid", village.Offices.Tax, path, second)).Faults
            );
            Assert.Equal(("possible-duplicate", "缴费凭证号", 2), (fault.Code, fault.Column, fault.Row));
            Assert.Contains($"{api.Today:yyyy-MM-dd} 的缴费 300.00 元", fault.Message);
        }
        var meant = await village.Offices.Tax.UploadAsync<ImportView>(
            path + confirm,
            SampleSheets.Contributions([(more[1], 300, false)], api.Today, "FAM"),
            "缴费.xlsx"
        );
        Assert.Equal(1, meant.Imported);
        Assert.Equal(
            1L,
            await api.ScalarAsync<long>(
                """
                select count(*)
                  from ledger.mt_events
                 where headers ->> 'notDuplicate' = '一户一张完税凭证'
                   and headers ->> 'region' = @region
                """,
                ("region", village.Offices.County)
            )
        );

        // As an earlier build stored it, with spaces and in small letters: the same number.
        await api.ScalarAsync<long>(
            """
            with s as (select stream_id, max(version) + 1 as version
                         from ledger.mt_events
                        where type = 'contribution_recorded'
                          and headers ->> 'region' = @region
                        group by 1
                        order by 1 limit 1),
                 e as (insert into ledger.mt_events (seq_id, id, stream_id, version, data, type, timestamp, tenant_id,
                                                     mt_dotnet_type, is_archived, headers)
                       select nextval('ledger.mt_events_sequence'), gen_random_uuid(), s.stream_id, s.version,
                              jsonb_build_object('kind', 'regular', 'tierFen', 30000, 'amountFen', 30000,
                                                 'paidOn', @day, 'reference', 'old　00 01-a'),
                              'contribution_recorded', now(), '*DEFAULT*', '', false,
                              jsonb_build_object('region', @region, 'effectiveDate', @day, 'actor', 'x',
                                                 'role', 'county-tax', 'mark', '')
                         from s
                       returning 1)
            select count(*) from e
            """,
            ("region", village.Offices.County),
            ("day", $"{api.Today:yyyy-MM-dd}")
        );
        // That build marked nothing (decision 016), and the database takes none without (V0021).
        await api.ScalarAsync<long>(
            """
            update ledger.bound set value = (select max(seq_id) from ledger.mt_events) where name = 'marked-from'
            returning value
            """
        );
        var older =
            $"姓名,身份证号,缴费档次（元）,个人缴费金额（元）,缴费日期,缴费类型,缴费凭证号\n{more[2].Name},{more[2].CitizenId},300,300,"
            + $"{api.Today:yyyy-MM-dd},正常缴费,OLD0001-A\n";
        Assert.Contains(
            "possible-duplicate",
            (
                await api.Host.RefusedAsync(
                    "roster-invalid",
                    village.Offices.Tax,
                    path,
                    SampleClient.Form(System.Text.Encoding.UTF8.GetBytes(older), "缴费.csv")
                )
            ).Text
        );

        // Two files at once: one of them finds the other.
        var both = await Task.WhenAll(
            new[] { people[0], more[2] }.Select(p =>
                village.Offices.Tax.SendAsync(HttpMethod.Post, path, Sheet(p, "ATONCE"))
            )
        );
        Assert.Single(both, b => b.IsSuccessStatusCode);
        // The same file again is the same payment, and no question.
        Assert.Equal(
            0,
            (
                await village.Offices.Tax.UploadAsync<ImportView>(
                    path,
                    SampleSheets.Contributions([(more[0], 300, false)], api.Today, "FAM"),
                    "缴费.xlsx"
                )
            ).Imported
        );
    }
}

using Ledger.Domain.Identity;
using Npgsql;

namespace Ledger.Api.Tests;

/// <summary>
/// Somebody with the rights of the application's role on the database edits the states beside the streams, so that a
/// command would rest on what never happened. docs/security.md has the table.
/// </summary>
public sealed class EditedStateTests(Databases databases, EditedStateTests.Shared shared)
    : IClassFixture<Databases>,
        IClassFixture<EditedStateTests.Shared>,
        IAsyncLifetime
{
    /// <summary>One product for all of them, whose look does not come by; each test has a village of its own.</summary>
    public sealed class Shared : IAsyncLifetime
    {
        public Product? Product { get; set; }
        public int Villages { get; set; } = 1;

        public Task InitializeAsync() => Task.CompletedTask;

        public async Task DisposeAsync()
        {
            if (Product is not null)
                await Product.DisposeAsync();
        }
    }

    private Product _product = null!;
    private SampleVillage _village = null!;
    private IReadOnlyList<SamplePerson> _people = [];

    /// <summary>Three people of a village whose fund holds 3,000 yuan, under a plan of 2,000 yuan each.</summary>
    public async Task InitializeAsync()
    {
        _product = shared.Product ??= await Product.StartAsync(databases, "ledger_states");
        var number = ++shared.Villages;
        _village = new SampleVillage(
            _product.Offices,
            $"370811{number:000000}",
            $"第{number}村股份经济合作社",
            number,
            _product.Village.Year
        );
        await _village.RegisterAsync();
        await _village.AllocateAsync(3_000);
        _people = new SamplePeople(number).Take(3, _village.Offices.County);
        await _village.PrepareAsync(_people, 2_000, Clock.Day(DateTimeOffset.UtcNow));
    }

    public Task DisposeAsync() => Task.CompletedTask;

    /// <summary>One of the village's members.</summary>
    private Task<string> MemberAsync() =>
        _product.ScalarAsync<string>(
            $"""
            select id
              from ledger.mt_doc_member
             where data -> 'memberships' ? '{_village.CollectiveId}'
             order by id limit 1
            """
        );

    /// <summary>As the application's own role, which is all that a thief of the product's connection has.</summary>
    private Task<int> EditAsync(string sql) => _product.EditAsync(sql);

    private async Task<string> FindingsAsync() =>
        (await _product.CityAuditor.GetAsync("/api/audit/log")).GetProperty("findings").GetRawText();

    [Fact]
    public async Task Money_that_a_document_claims_is_not_spent()
    {
        await _village.FileAsync(_people);
        await _village.ReviewAsync();
        await EditAsync(
            $$"""
            update ledger.mt_doc_fund
               set data = jsonb_set(jsonb_set(data, '{availableFen}', '99000000'), '{subAccounts,general,inFen}',
                                    '99000000')
             where id = '{{_village.FundId}}'
            """
        );
        Assert.Equal(
            990_000m,
            (await _village.Officer.GetAsync<FundView>($"/api/funds/{_village.FundId}")).AvailableAmount.Yuan
        ); // what a page shows may be forged until the look
        var refusal = await ApiFixture.RefusedAsync(
            "fund-overdrawn",
            _village.Offices.Approver,
            $"{_village.ApplicationPath}/approval"
        );
        Assert.Equal(3_000m, refusal.LeftAmount?.Yuan);
        Assert.Contains("availableFen", await FindingsAsync());
        await _village.AllocateAsync(3_500);
        await _village.ApproveAsync();
        Assert.Equal(
            500m,
            (await _village.Officer.GetAsync<FundView>($"/api/funds/{_village.FundId}")).AvailableAmount.Yuan
        );
        var (_, said) = await ApiHost.RunAsync(_product.Settings, "check");
        // The events were never wrong, and the command wrote the state that follows from them
        Assert.DoesNotContain(_village.FundId, said);
    }

    [Fact]
    public async Task A_cap_that_a_document_claims_is_not_used_also_when_it_is_put_back()
    {
        var policy = StreamId.PolicyYear(RegionCode.City(_village.Offices.County), _village.Year);
        await _village.AllocateAsync(20_000);
        await _village.FileAsync(_people);
        await _village.ReviewAsync();
        // The real cap is 5,000: a donor's 3,500 beside 2,000 is beyond it. The forged one is 9,000.
        await _village.Offices.Reviewer.PostAsync<MemberYearView>(
            $"/api/members/{await MemberAsync()}/years/{_village.Year}/sponsorships",
            new
            {
                donorId = await _village.CharityAsync(),
                amount = 3_500,
                evidence = new[] { await _village.Offices.Reviewer.EvidenceAsync("sponsorship") },
            }
        );
        await EditAsync($"update ledger.mt_doc_policyyear set data = {Tier(9_000)} where id = '{policy}'");
        await ApiFixture.RefusedAsync(
            "cap-exceeded",
            _village.Offices.Approver,
            $"{_village.ApplicationPath}/approval"
        );
        await EditAsync($"update ledger.mt_doc_policyyear set data = {Tier(5_000)} where id = '{policy}'");
        Assert.Contains("PolicyYear", await FindingsAsync());

        static string Tier(int yuan) => $"jsonb_set(data, '{{parameters,tiers,11,tierFen}}', '{yuan * 100}')";
    }

    [Theory]
    [InlineData(
        "contribution",
        "update ledger.mt_doc_memberyear set data = jsonb_set(data, '{contributions}', '[]')",
        null
    )]
    [InlineData(
        "forged contribution",
        """
            update ledger.mt_doc_memberyear
               set data = jsonb_set(data, '{contributions,0,kind}', '"regular"')
             where data @> '{"contributions":[{"kind":"catch-up"}]}'
            """,
        "roster-invalid"
    )]
    public async Task What_a_document_says_of_a_person_counts_for_nothing(string what, string sql, string? refused)
    {
        var payer = new SamplePeople(1_000 + shared.Villages).Next(_village.Offices.County);
        await _village.ImportMembersAsync([payer]);
        await _village.Offices.Tax.UploadAsync(
            $"/api/contributions/import?year={_village.Year}",
            SampleSheets.Contributions(
                [(payer, 300, true)],
                Clock.Day(DateTimeOffset.UtcNow),
                $"BJ{_village.VillageCode}"
            ),
            "缴费.xlsx"
        );
        await EditAsync(sql);
        if (refused is null)
            await _village.FileAsync(_people);
        else
        {
            var refusal = await Assert.ThrowsAsync<InvalidOperationException>(() => _village.FileAsync([payer]));
            Assert.Contains(refused, refusal.Message);
        }
        Assert.True((await FindingsAsync()).Contains("MemberYear", StringComparison.Ordinal), what);
    }

    [Fact]
    public async Task A_forged_plan_member_or_missing_state_counts_for_nothing()
    {
        await EditAsync(
            $$"""
            update ledger.mt_doc_plan
               set data = jsonb_set(data, '{versions,0,standard,flatAmountFen}', '400000')
             where id = '{{_village.PlanId}}'
            """
        );
        var member = await MemberAsync();
        await EditAsync($"delete from ledger.mt_doc_memberyear where id like '%{member["member-".Length..]}%'");
        await EditAsync(
            $"update ledger.mt_doc_member set data = jsonb_set(data, '{{memberships}}', '{{}}') where id = '{member}'"
        );
        var filed = await _village.FileAsync(_people);
        Assert.Equal(6_000m, filed.Application.TotalAmount.Yuan);
        var findings = await FindingsAsync();
        Assert.Contains("Plan ", findings);
        Assert.Contains("Member ", findings);
        Assert.Contains("MemberYear ", findings);
    }

    [Fact]
    public async Task Whose_document_is_taken_away_counts_in_a_resolution_and_waits_as_before()
    {
        // As many as are called in a meeting of households of three members, of twelve.
        var number = ++shared.Villages;
        var village = new SampleVillage(
            _product.Offices,
            $"370811{number:000000}",
            $"第{number}村股份经济合作社",
            number,
            _product.Village.Year
        );
        await village.RegisterAsync();
        await village.ImportMembersAsync(new SamplePeople(2_000 + number).Take(12, village.Offices.County));
        await village.SurveyAsync(3);
        await village.DraftAsync(SampleVillage.Flat(100));
        await EditAsync($"delete from ledger.mt_doc_member where data -> 'memberships' ? '{village.CollectiveId}'");
        var refusal = await Assert.ThrowsAsync<InvalidOperationException>(() =>
            village.ResolveAsync(Clock.Day(DateTimeOffset.UtcNow), 1, 1, 1)
        );
        Assert.Contains("resolution-implausible", refusal.Message);
        Assert.Contains("成员 12 人", refusal.Message);

        // The same person on a second list, the first taken away.
        await _village.FileAsync(_people);
        await EditAsync($"delete from ledger.mt_doc_application where id = '{_village.ApplicationId}'");
        refusal = await Assert.ThrowsAsync<InvalidOperationException>(() => _village.FileAsync(_people));
        Assert.Contains("roster-invalid", refusal.Message);
    }

    [Fact]
    public async Task L19_what_the_agencys_list_found_is_asked_about_whatever_the_document_says()
    {
        await _village.FileAsync(_people);
        await _village.Offices.Reviewer.PostAsync(
            "/api/insurance-checks/import",
            new
            {
                checks = new[]
                {
                    new
                    {
                        citizenId = _people[0].CitizenId,
                        finding = "pension-in-payment",
                        on = Clock.Day(DateTimeOffset.UtcNow),
                    },
                },
            }
        );
        await EditAsync(
            $$"""
            update ledger.mt_doc_member
               set data = jsonb_set(data, '{insurance,finding}', '"none"')
             where data #>> '{insurance,finding}' is not null
               and data -> 'memberships' ? '{{_village.CollectiveId}}'
            """
        );
        await ApiFixture.RefusedAsync(
            "finding-open",
            _village.Offices.Reviewer,
            $"{_village.ApplicationPath}/review",
            new { acceptRest = true }
        );
        Assert.Contains("Member ", await FindingsAsync());
    }

    [Fact]
    public async Task Whoever_is_found_by_anothers_number_is_not_taken_for_him()
    {
        var own = await _product.ScalarAsync<string[]>(
            $"""
            select array_agg(id order by id)
              from ledger.mt_doc_member
             where data -> 'memberships' ? '{_village.CollectiveId}'
            """
        );
        await EditAsync(
            $"""
            create temp table k as select member_id, id_hash from ledger.person where member_id = any('{
                $"{{{own[0]},{own[1]}}}"}');
            update ledger.person set id_hash = '\x00' where member_id = '{own[0]}';
            update ledger.person set id_hash = (select id_hash from k where member_id = '{own[0]}')
             where member_id = '{own[1]}';
            update ledger.person set id_hash = (select id_hash from k where member_id = '{own[1]}')
             where member_id = '{own[0]}';
            """
        );
        var refusal = await Assert.ThrowsAsync<InvalidOperationException>(() => _village.FileAsync(_people));
        Assert.Contains("person-damaged", refusal.Message);
    }

    [Theory]
    [InlineData("7")]
    [InlineData("0")]
    [InlineData("null")]
    public async Task The_place_of_a_stream_that_is_to_come_is_kept_by_nobody(string version)
    {
        var year =
            _village.Year
            + (
                version == "7" ? 2
                : version == "0" ? 3
                : 4
            );
        var policy = StreamId.PolicyYear(RegionCode.City(_village.Offices.County), year);
        await EditAsync($"insert into ledger.mt_streams (id, type, version) values ('{policy}', null, {version})");
        await _village.Offices.CityHrss.PutAsync(
            $"/api/policy-years/{RegionCode.City(_village.Offices.County)}/{year}",
            SampleOffices.PolicyYear(year)
        );
        Assert.Equal(
            1,
            await _product.ScalarAsync<long>($"select version from ledger.mt_streams where id = '{policy}'")
        );
        Assert.Contains($"{policy}：有流而没有事件", await FindingsAsync());
        await EditAsync($"update ledger.mt_streams set version = null where id = '{_village.FundId}'");
        await _village.AllocateAsync(1);
    }

    [Fact]
    public async Task A_state_from_before_that_is_put_back_with_its_seal_is_not_the_last()
    {
        var policy = StreamId.PolicyYear(RegionCode.City(_village.Offices.County), _village.Year);
        var before = await _product.ScalarAsync<string>(
            $"select data::text from ledger.mt_doc_policyyear where id = '{policy}'"
        );
        await _village.Offices.AmendPolicyAsync(
            _village.Year,
            SampleOffices.PolicyYear(_village.Year, noticeDays: 15),
            Clock.Day(DateTimeOffset.UtcNow)
        );
        var amended = await _product.ScalarAsync<string>(
            $"select data::text from ledger.mt_doc_policyyear where id = '{policy}'"
        );
        await PutAsync(before, 1);
        await _village.AllocateAsync(3_500);
        await _village.FileAsync(_people);
        await _village.ReviewAsync();
        await _village.ApproveAsync();
        var notice = await _village.NoticeAsync();
        Assert.Equal(Clock.Day(DateTimeOffset.UtcNow).AddDays(15), notice.NoticeUntil);
        Assert.Contains("PolicyYear", await FindingsAsync());
        await PutAsync(amended, 3); // it is the other tests' policy year too

        async Task PutAsync(string data, int version)
        {
            await EditAsync(
                $"update ledger.mt_doc_policyyear set data = '{data}', mt_version = {version} where id = '{policy}'"
            );
            await EditAsync($"update ledger.mt_streams set version = {version} where id = '{policy}'");
        }
    }

    [Fact]
    public async Task States_of_the_last_build_have_no_seal_and_go_on_until_the_look_seals_them()
    {
        var before = await FindingsAsync();
        foreach (var kind in new[] { "fund", "member", "memberyear", "plan", "collective", "policyyear", "pilot" })
            await EditAsync($"update ledger.mt_doc_{kind} set data = data - 'seal'");
        await _village.AllocateAsync(3_500);
        await _village.FileAsync(_people);
        await _village.ReviewAsync();
        await _village.ApproveAsync();
        Assert.Equal(before, await FindingsAsync());
        await EditAsync(
            $$"""
            update ledger.mt_doc_collective
               set data = jsonb_set(data, '{name}', '"别村"')
             where id = '{{_village.CollectiveId}}'
            """
        );

        await RestartAsync("0.02");
        await _product.FoundAsync("state", "别村");
        foreach (
            var kind in new[]
            {
                "fund",
                "member",
                "memberyear",
                "plan",
                "collective",
                "policyyear",
                "pilot",
                "application",
            }
        )
            await ApiFixture.EventuallyAsync(
                async () =>
                    await _product.ScalarAsync<long>(
                        $"select count(*) from ledger.mt_doc_{kind} where data ->> 'seal' is null"
                    ) == 0,
                $"each {kind} is sealed"
            );
        await ApiFixture.EventuallyAsync(
            async () => (await _product.CityAuditor.GetAsync<CheckView>("/api/audit/check")).IsSound,
            "all states are as their events say"
        );
        await RestartAsync("60");

        async Task RestartAsync(string scrubMinutes)
        {
            _product.Settings["Ledger__Log__ScrubMinutes"] = scrubMinutes;
            await _product.StopAsync();
            await _product.StartAsync();
            _village = _village.With(_product.Offices);
        }
    }
}

using System.Text;
using System.Text.Json;
using Ledger.Api.Sample;
using Ledger.Domain;
using Ledger.Domain.Identity;
using Npgsql;

namespace Ledger.Api.Tests;

/// <summary>Personal data: nowhere in clear but to whoever gave a reason; gone when its time is over; kept out of free text.</summary>
[Collection("api")]
public sealed class PrivacyTests(ApiFixture api)
{
    [Fact]
    public async Task A_whole_sample_county_leaves_no_name_id_phone_or_card_in_the_database_the_logs_or_the_exports()
    {
        // Debug: the most that anybody could switch on.
        await using var process = await SampleProcess.StartAsync(api, "ledger_privacy", "CITY_AUDITOR", ("Logging__LogLevel__Default", "Debug"));
        var written = new Dictionary<string, string> { ["logs"] = process.Process.Output };
        foreach (var path in new[] { "/api/exports/events", "/api/exports/journal", "/api/exports/journal?format=beancount", "/api/exports/log", "/api/audit/events?limit=1000", "/api/funds", "/api/applications", "/api/donors", "/api/supervision" })
            written[path] = await process.Http.GetStringAsync(path);
        await using (var source = NpgsqlDataSource.Create(process.ConnectionString))
        await using (var connection = await source.OpenConnectionAsync())
            foreach (var table in await connection.QueryAsync("select format('%I.%I', schemaname, tablename) from pg_tables where schemaname in ('ledger', 'wolverine', 'accounts', 'public')", r => r.GetString(0)))
                written[table] = string.Join('\n', await connection.QueryAsync($"select t::text from {table} t", r => r.GetString(0))); // bytes stand there as hex
        Assert.True(written["ledger.mt_events"].Length > 1_000_000 && written["ledger.person"].Length > 500_000 && written["logs"].Length > 100_000, string.Join(", ", written.Select(w => $"{w.Key}: {w.Value.Length}")));

        var people = SampleStory.Villages.SelectMany(SampleStory.People).ToList();
        Assert.Equal(3000, people.Count);
        var clear = people.SelectMany(p => new[] { p.CitizenId, p.Phone }).Concat(people.Select(p => p.Name).Where(n => n.Length >= 3)).ToHashSet();
        static string Hex(string text) => Convert.ToHexStringLower(Encoding.UTF8.GetBytes(text));
        foreach (var (where, text) in written)
        {
            // Every run of digits, every Chinese word and every hex column is looked up, rather than 9,000 words searched for in each.
            foreach (var match in System.Text.RegularExpressions.Regex.Matches(text, "[0-9]{11,18}[Xx]?").Select(m => m.Value)) Assert.False(clear.Contains(match), $"{where}: {match}");
            foreach (var name in clear.Where(c => !char.IsAsciiDigit(c[0]))) Assert.False(text.Contains(name, StringComparison.Ordinal) && !IsPartOfAnotherWord(text, name), $"{where}: {name}");
            if (text.Contains("\\x", StringComparison.Ordinal))
                foreach (var secret in people.Take(300).SelectMany(p => new[] { p.CitizenId, p.Phone, p.Name })) Assert.False(secret.Length > 2 && text.Contains(Hex(secret), StringComparison.Ordinal), $"{where}: {secret} as bytes");
        }
        var keys = JsonSerializer.Deserialize<JsonElement>(await File.ReadAllTextAsync(process.At("keys.json")));
        foreach (var key in keys.EnumerateObject()) Assert.DoesNotContain(key.Value.GetString()!, process.Process.Output);
    }

    /// <summary>A family name and a given name may meet by chance inside a longer run of Chinese (a place, a title).</summary>
    private static bool IsPartOfAnotherWord(string text, string name)
    {
        for (var at = text.IndexOf(name, StringComparison.Ordinal); at >= 0; at = text.IndexOf(name, at + 1, StringComparison.Ordinal))
        {
            static bool IsHan(char c) => c is >= '\u4e00' and <= '\u9fff';
            if ((at == 0 || !IsHan(text[at - 1])) && (at + name.Length == text.Length || !IsHan(text[at + name.Length]))) return false;
        }
        return true;
    }

    [Fact]
    public async Task C20_clear_data_is_shown_for_a_reason_that_stays_on_record_and_kept_nowhere()
    {
        var village = await api.RegisteredAsync();
        var person = new SamplePeople(55).Take(1, village.Offices.County)[0];
        await village.ImportMembersAsync([person]);
        var member = (await village.Officer.GetAsync($"/api/members?collectiveId={village.CollectiveId}")).GetProperty("members")[0].Id();
        var key = Guid.NewGuid().ToString();
        async Task<JsonElement> Ask()
        {
            using var response = await village.Offices.Reviewer.SendAsync(HttpMethod.Post, $"/api/members/{member}/disclosure", SampleClient.Json(new { reason = "核对退回款项" }), key);
            return JsonSerializer.Deserialize<JsonElement>(await response.Content.ReadAsStringAsync());
        }
        var shown = await Ask();
        Assert.Equal((person.Name, person.CitizenId, person.Phone), (shown.GetProperty("name").GetString(), shown.GetProperty("citizenId").GetString(), shown.GetProperty("phone").GetString()));
        var again = await Ask();
        Assert.NotEqual(person.CitizenId, again.GetProperty("citizenId").GetString()); // the kept answer is masked
        Assert.Equal(0, await api.ScalarAsync<long>("select count(*) from ledger.idempotency where encode(body, 'escape') like @id", ("id", $"%{person.CitizenId}%")));
        var trail = await village.Offices.Auditor.GetAsync($"/api/audit/events?id={member}&type=personal_data_disclosed");
        var entry = Assert.Single(trail.GetProperty("entries").EnumerateArray());
        Assert.Equal((village.Offices.Reviewer.Actor.Id, "核对退回款项"), (entry.GetProperty("actor").GetString(), entry.GetProperty("body").GetProperty("reason").GetString()));
        await ApiFixture.RefusedAsync("field-invalid", village.Officer, $"/api/members/{member}/disclosure", new { reason = " " });
        await ApiFixture.RefusedAsync("not-found", api.NewOffices().Reviewer, $"/api/members/{member}/disclosure", new { reason = "好奇" });
        await ApiFixture.RefusedAsync("forbidden", village.Offices.Auditor, $"/api/members/{member}/disclosure", new { reason = "x" });
    }

    [Fact]
    public async Task Personal_data_is_erased_when_its_time_is_over_and_not_before()
    {
        var village = await api.RegisteredAsync();
        var people = new SamplePeople(56).Take(2, village.Offices.County);
        await village.ImportMembersAsync(people);
        var members = (await village.Officer.GetAsync($"/api/members?collectiveId={village.CollectiveId}")).GetProperty("members").EnumerateArray().Select(m => m.Id()).ToArray();
        var refused = await ApiFixture.RefusedAsync("retention-not-over", village.Offices.Reviewer, $"/api/members/{members[0]}/erasure", new { reason = "保管期满" });
        Assert.Contains("仍是集体成员", refused.GetProperty("detail").GetString());
        await village.Officer.PostAsync($"/api/members/{members[0]}/departure", new { collectiveId = village.CollectiveId, on = api.Today.AddYears(-10), reason = "户籍迁出" });
        refused = await ApiFixture.RefusedAsync("retention-not-over", village.Offices.Reviewer, $"/api/members/{members[0]}/erasure", new { reason = "保管期满" });
        Assert.Contains($"{api.Today.AddYears(20):yyyy-MM-dd}", refused.GetProperty("detail").GetString());

        // The retention period is a setting: an office whose rule says five years.
        await using var process = await ApiProcess.StartAsync(new Dictionary<string, string> { ["ConnectionStrings__Ledger"] = api.ConnectionString, ["Ledger__KeyFile"] = api.KeyFile, ["Ledger__RetentionYears"] = "5" });
        var there = new SampleClient(process.Http, new Security.Tokens(Storage.KeyFile.LoadOrCreate(api.KeyFile), TimeProvider.System), village.Offices.Reviewer.Actor);
        await there.PostAsync($"/api/members/{members[0]}/erasure", new { reason = "保管期满" });
        Assert.True(await api.ScalarAsync<bool>("select wrapped_key is null and data is null from ledger.person where member_id = @m", ("m", members[0])));
        await ApiFixture.RefusedAsync("wrong-state", village.Offices.Reviewer, $"/api/members/{members[0]}/disclosure", new { reason = "x" });
        await ApiFixture.RefusedAsync("wrong-state", there, $"/api/members/{members[0]}/erasure", new { reason = "再次" });
        // The same person, back one day, is somebody new: nothing leads from the number to the old record.
        await village.ImportMembersAsync(people);
        var now = (await village.Officer.GetAsync($"/api/members?collectiveId={village.CollectiveId}")).GetProperty("members").EnumerateArray().Select(m => m.Id()).ToArray();
        Assert.DoesNotContain(members[0], now);
        Assert.Equal(2, now.Length);
    }

    [Fact]
    public async Task Free_text_takes_no_numbers_of_people_and_masks_the_names_of_the_list()
    {
        var (village, people) = await api.ReadyToFileAsync(2);
        await village.FileAsync(people);
        await village.ReviewAsync();
        await village.ApproveAsync();
        await village.Officer.PostAsync($"{village.ApplicationPath}/notice", new { place = "公示栏" });
        foreach (var number in new[] { people[0].CitizenId, people[0].CitizenId.ToLowerInvariant(), "13812345678", "6222020200112233445"[..18] + Luhn("6222020200112233445"[..18]) })
        {
            var problem = await ApiFixture.RefusedAsync("personal-data-in-text", village.Officer, $"{village.ApplicationPath}/objections", new { text = $"此人（{number}）不符合条件" });
            Assert.Equal("text", problem.GetProperty("field").GetString());
            Assert.DoesNotContain(number, problem.GetRawText());
        }
        await village.Officer.PostAsync($"{village.ApplicationPath}/objections", new { text = $"{people[1].Name}已迁出本村，凭证 NX20260618000123，2026年6月18日，电话 0537-2345678" });
        var text = await api.ScalarAsync<string>("select data ->> 'text' from ledger.mt_events where type = 'objection_raised' and stream_id = @a", ("a", village.ApplicationId));
        Assert.StartsWith($"{Storage.Person.Mask(people[1].Name)}已迁出本村，凭证 NX20260618000123", text);
    }

    private static char Luhn(string digits)
    {
        for (var c = '0'; c <= '9'; c++)
            if (PersonalNumbers.In(digits + c) is "银行卡号") return c;
        throw new InvalidOperationException("one of ten digits fits");
    }
}

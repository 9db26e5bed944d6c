using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Ical.Net.CalendarComponents;
using Ledger.Api.Policies;
using Ledger.Api.Tasks;
using Ledger.Domain.Identity;
using Ledger.Domain.Tasks;

namespace Ledger.Api.Tests;

/// <summary>What is due on which day (办理日历): as a list, as a file, and at an address of one's own.</summary>
[Collection("api and programs")]
public sealed class CalendarTests(ApiFixture api)
{
    private static string Path(DateOnly from, DateOnly to) =>
        $"/api/calendar?from={from:yyyy-MM-dd}&to={to:yyyy-MM-dd}";

    private async Task<List<CalendarEntryView>> OfAsync(SampleClient who, CalendarKind kind, int days = 60) =>
        [
            .. (
                await who.GetAsync<CalendarView>(Path(api.Today.AddDays(-days), api.Today.AddDays(days)))
            ).Entries.Where(e => e.Kind == kind),
        ];

    /// <summary>The year's days are set, beside what the sample's policy year says.</summary>
    private async Task DaysAsync(SampleVillage village, params (string Name, object Value)[] days)
    {
        foreach (var year in new[] { api.Today.Year - 1, api.Today.Year, api.Today.Year + 1 }.Union([village.Year]))
        {
            var body = (JsonObject)SampleClient.Node(SampleOffices.PolicyYear(year));
            foreach (var (name, value) in days)
                body[name] = JsonSerializer.SerializeToNode(value);
            var path = $"/api/policy-years/{RegionCode.City(village.Offices.County)}/{year}";
            // A year that plans rest on is not changed for days that are past.
            if (year == village.Year)
                body["effectiveFrom"] = $"{api.Today:yyyy-MM-dd}";
            if ((await village.Offices.CityHrss.PutAsync<PolicyYearView>(path, body)).Proposed is not null)
                await village.Offices.SecondCityHrss.PostAsync($"{path}/proposal/confirmation");
        }
    }

    private static object On(DateOnly day) => new { month = day.Month, day = day.Day };

    [Fact]
    public async Task L17_interest_waits_from_the_interest_day_on_until_it_is_registered()
    {
        var village = await api.RegisteredAsync();
        var foreign = await api.RegisteredAsync();
        var (last, next) = (api.Today.AddDays(-3), api.Today.AddDays(20));
        await DaysAsync(village, ("interestDays", new[] { On(last), On(next) }));
        await village.AllocateAsync(50_000, effectiveDate: api.Today.AddDays(-30));
        async Task<List<TaskView>> TasksAsync(SampleClient who) =>
            [
                .. (await who.GetAsync<TaskListView>("/api/tasks")).Tasks.Where(t =>
                    t.Kind == TaskKind.InterestRegistration
                ),
            ];
        var task = Assert.Single(await TasksAsync(village.Officer));
        Assert.Equal(
            (
                village.FundId,
                last.AddDays(10),
                TaskUrgency.Usual,
                $"/funds/{village.FundId}/allocations/new?source=bank-interest"
            ),
            (task.Subject, task.Due!.Value, task.Urgency, task.Path)
        );
        foreach (var other in (SampleClient[])[village.Township, village.Committee, village.Offices.Auditor])
            Assert.Empty(await TasksAsync(other));
        Assert.DoesNotContain(await TasksAsync(foreign.Officer), t => t.Subject == village.FundId);
        var days = await OfAsync(village.Officer, CalendarKind.InterestDay, 30);
        Assert.Equal([last, next], days.Select(d => d.On));
        Assert.All(days, d => Assert.Equal($"/funds/{village.FundId}", d.Path));
        var due = Assert.Single(await OfAsync(village.Officer, CalendarKind.Task));
        Assert.Equal((TaskKind.InterestRegistration, last.AddDays(10)), (due.Task!.Value, due.On));

        // Of the quarter before it is not the one that is asked for.
        var early = await village.AllocateAsync(3, SourceKind.BankInterest, "利息", effectiveDate: last.AddDays(-1));
        Assert.Single(await TasksAsync(village.Officer));
        var right = await village.AllocateAsync(12.34m, SourceKind.BankInterest, "活期利息", effectiveDate: last);
        Assert.Empty(await TasksAsync(village.Officer));
        Assert.Equal([next], (await OfAsync(village.Officer, CalendarKind.InterestDay, 30)).Select(d => d.On));
        Assert.NotEqual(early.AllocationId, right.AllocationId);

        // What is taken back was not registered.
        var path = $"/api/funds/{village.FundId}/allocations/{right.AllocationId}/reversal";
        await village.Officer.PostAsync(path, new { confirmBy = village.Township.Actor.Id, reason = "多记一位" });
        await village.Township.PostAsync($"{path}/confirmation");
        Assert.Single(await TasksAsync(village.Officer));
    }

    [Fact]
    public async Task C16_C6_C24_notices_end_the_season_ends_and_the_year_closes_for_whoever_has_a_part_in_it()
    {
        var (village, people) = await api.ReadyToFileAsync(1);
        var offices = village.Offices;
        await village.FileAsync(people);
        await village.ReviewAsync();
        await village.ApproveAsync();
        await village.NoticeAsync();
        await DaysAsync(
            village,
            ("contributionSeason", new { from = On(api.Today), to = On(api.Today) }),
            ("yearClose", On(api.Today))
        );
        foreach (var who in (SampleClient[])[village.Officer, village.Township])
        {
            var notice = Assert.Single(await OfAsync(who, CalendarKind.NoticeEnds));
            Assert.Equal(
                (api.Today.AddDays(7), village.ApplicationId, $"/applications/{village.ApplicationId}"),
                (notice.On, notice.Subject, notice.Path)
            );
            Assert.Single(await OfAsync(who, CalendarKind.Unsettled, 3));
            using var page = await who.SendAsync(HttpMethod.Get, "/calendar", null);
            Assert.True(page.IsSuccessStatusCode);
        }
        Assert.Equal(village.FundId, Assert.Single(await OfAsync(village.Officer, CalendarKind.Unspent, 3)).Subject);
        Assert.Empty(await OfAsync(village.Township, CalendarKind.Unspent));
        foreach (var who in (SampleClient[])[village.Officer, village.Township, offices.Reviewer, offices.Tax])
        {
            var season = Assert.Single(await OfAsync(who, CalendarKind.SeasonEnds, 3));
            Assert.Equal(api.Today, season.On);
            // Where it leads, whoever has it may look.
            using var page = await who.SendAsync(HttpMethod.Get, season.Path, null);
            Assert.True(page.IsSuccessStatusCode, season.Path);
        }
        foreach (var who in (SampleClient[])[offices.Auditor, offices.CityHrss, offices.Administrator])
            Assert.Empty((await who.GetAsync<CalendarView>(Path(api.Today, api.Today.AddDays(3)))).Entries);
        var stranger = await api.RegisteredAsync();
        Assert.Empty(await OfAsync(stranger.Officer, CalendarKind.NoticeEnds));
        Assert.Empty(await OfAsync(stranger.Township, CalendarKind.Unsettled));
        // What waits has its last day: the payment's, of the village.
        api.Clock.Advance(TimeSpan.FromDays(8));
        var payment = Assert.Single(
            await OfAsync(village.Officer, CalendarKind.Task),
            e => e.Subject == village.ApplicationId
        );
        Assert.Equal(TaskKind.Payment, payment.Task);
    }

    [Fact]
    public async Task A_month_is_told_where_nothing_is_asked_and_what_is_no_span_is_refused()
    {
        var village = await api.RegisteredAsync();
        var month = await village.Officer.GetAsync<CalendarView>("/api/calendar");
        Assert.Equal(new DateOnly(api.Today.Year, api.Today.Month, 1), month.From);
        Assert.Equal(month.From.AddMonths(1).AddDays(-1), month.To);
        foreach (
            var asked in new[]
            {
                "from=2026-03-02&to=2026-03-01",
                "from=2026-01-01&to=2027-02-06",
                "from=1900-01-01",
                "to=2101-01-01",
                "from=3/5/2026",
                "since=2026-01-01",
            }
        )
        {
            await api.Host.RefusedAsync("field-invalid", village.Officer, HttpMethod.Get, $"/api/calendar?{asked}");
            if (!asked.StartsWith("since", StringComparison.Ordinal))
                await api.Host.RefusedAsync("field-invalid", village.Officer, HttpMethod.Get, $"/calendar.ics?{asked}");
        }
        foreach (var asked in new[] { "2026-13", "2026", "x", "2008-12" })
            await api.Host.RefusedAsync("field-invalid", village.Officer, HttpMethod.Get, $"/calendar?month={asked}");
        Assert.Equal(401, (int)(await api.Http.GetAsync("/api/calendar")).StatusCode);
    }

    [Fact]
    public async Task C21_a_policy_year_with_days_that_are_none_is_refused_and_the_days_are_read_again()
    {
        var offices = (await api.RegisteredAsync()).Offices;
        var path = $"/api/policy-years/{offices.County}/2031";
        JsonNode Body(string name, object value)
        {
            var body = SampleClient.Node(SampleOffices.PolicyYear(2031));
            body[name] = JsonSerializer.SerializeToNode(value);
            return body;
        }
        object Season(int m, int d, int toM, int toD) =>
            new { from = new { month = m, day = d }, to = new { month = toM, day = toD } };
        foreach (
            var (name, value) in new (string, object)[]
            {
                ("contributionSeason", Season(6, 30, 1, 1)),
                ("contributionSeason", Season(2, 29, 6, 30)), // 2031 has none
                ("interestDays", new[] { new { month = 4, day = 31 } }),
                ("interestDays", Array.Empty<object>()),
                ("yearClose", new { month = 0, day = 1 }),
            }
        )
            Assert.Equal(
                name,
                (
                    await api.Host.RefusedAsync(
                        "field-invalid",
                        offices.CityHrss,
                        HttpMethod.Put,
                        path,
                        Body(name, value)
                    )
                ).Field
            );
        var usual = await offices.CityHrss.PutAsync<PolicyYearView>(path, SampleOffices.PolicyYear(2031));
        Assert.Equal(
            (null, "03-20 06-20 09-20 12-20", "12-31"),
            (usual.ContributionSeason, string.Join(' ', usual.InterestDays), usual.YearClose.ToString())
        );
        var said = await offices.CityHrss.PutAsync<PolicyYearView>(
            path,
            Body("contributionSeason", Season(1, 1, 6, 30))
        );
        Assert.Equal("01-01 – 06-30", said.ContributionSeason!.ToString());
    }

    private static async Task<(string Text, Ical.Net.Calendar Calendar)> FileAsync(HttpResponseMessage answer)
    {
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal("text/calendar", answer.Content.Headers.ContentType!.MediaType);
        var bytes = await answer.Content.ReadAsByteArrayAsync();
        var text = new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(bytes);
        return (text, Read(text));
    }

    /// <summary>RFC 5545, 3.1: CRLF, 75 octets at the most, no character cut in two.</summary>
    private static Ical.Net.Calendar Read(string text)
    {
        Assert.EndsWith("\r\n", text, StringComparison.Ordinal);
        foreach (var line in text.Split("\r\n"))
        {
            Assert.DoesNotContain('\n', line);
            Assert.InRange(Encoding.UTF8.GetByteCount(line), 0, 75);
            Assert.DoesNotContain('\ufffd', line);
        }
        return Ical.Net.Calendar.Load(text)!;
    }

    /// <summary>A village with a notice, whose officer has an account.</summary>
    private async Task<(SampleVillage Village, IReadOnlyList<SamplePerson> People)> WithAccountAsync()
    {
        var (village, people) = await api.ReadyToFileAsync(2);
        var officer = village.Officer.Actor;
        await village.Offices.Administrator.PostAsync(
            "/api/accounts",
            ApiFixture.AccountBody(officer.Id, officer.Role, officer.Region)
        );
        await village.FileAsync(people);
        await village.ReviewAsync();
        await village.ApproveAsync();
        await village.NoticeAsync();
        return (village, people);
    }

    [Fact]
    public async Task A_calendar_program_reads_whole_days_by_names_that_stay_and_nothing_of_anybody()
    {
        var (village, people) = await WithAccountAsync();
        var officer = village.Officer;
        Assert.Null((await officer.GetAsync<CalendarAddressView>("/api/calendar/address")).Address);
        var address = (await officer.PutAsync<CalendarAddressView>("/api/calendar/address", new { })).Address!;
        Assert.StartsWith($"{ApiFixture.PublicAddress}/calendar/", address, StringComparison.Ordinal);
        Assert.DoesNotContain(officer.Actor.Id, address, StringComparison.OrdinalIgnoreCase);
        Assert.Equal(address, (await officer.GetAsync<CalendarAddressView>("/api/calendar/address")).Address);
        var path = new Uri(address).PathAndQuery;
        var (text, calendar) = await FileAsync(await api.Http.GetAsync(path));
        var notice = Assert.Single(calendar.Events, e => e.Summary == "公示最后一天");
        Assert.Equal(api.Today.AddDays(7), notice.Start!.Date);
        Assert.Equal(api.Today.AddDays(8), notice.End!.Date);
        Assert.True(notice.IsAllDay && !notice.Start.HasTime);
        Assert.Contains("DTSTART;VALUE=DATE:", text, StringComparison.Ordinal);
        Assert.DoesNotContain("TZID", text, StringComparison.Ordinal);
        Assert.DoesNotContain("VTIMEZONE", text, StringComparison.Ordinal);
        Assert.True(calendar.Events.Count > 1, "the year's close as well");
        Assert.Equal(calendar.Events.Count, calendar.Events.Select(e => e.Uid).Distinct().Count());
        // The next look has the same names, another person's calendar has others.
        static string[] Uids(Ical.Net.Calendar c) => [.. c.Events.Select(e => e.Uid!).Order()];
        Assert.Equal(Uids(calendar), Uids((await FileAsync(await api.Http.GetAsync(path))).Calendar));
        var (_, township) = await FileAsync(
            await village.Township.SendAsync(
                HttpMethod.Get,
                $"/calendar.ics?to={api.Today.AddDays(7):yyyy-MM-dd}",
                null
            )
        );
        Assert.Contains(township.Events, e => e.Summary == "公示最后一天");
        Assert.Empty(Uids(township).Intersect(Uids(calendar)));
        // Neither whose it is, nor who is on the list, nor where: the setting is off.
        string[] unsaid =
        [
            .. people.SelectMany(p => (string[])[p.Name, p.CitizenId]),
            officer.Actor.Id,
            village.VillageCode,
            village.ApplicationId,
            village.FundId,
            village.CollectiveId,
        ];
        var unfolded = text.Replace("\r\n ", "", StringComparison.Ordinal);
        Assert.All(unsaid, word => Assert.DoesNotContain(word, unfolded, StringComparison.OrdinalIgnoreCase));
        // It was stored nowhere in clear.
        Assert.Equal(
            0,
            await api.ScalarAsync<long>(
                "select count(*) from ledger.idempotency where convert_from(body, 'UTF8') like '%/calendar/%.ics%'"
            )
        );
    }

    [Fact]
    public async Task An_address_is_good_until_it_is_renewed_or_closed_and_for_the_office_that_asked_for_it()
    {
        var (village, _) = await WithAccountAsync();
        var (officer, offices) = (village.Officer, village.Offices);
        async Task<string> NewAsync() =>
            new Uri(
                (await officer.PutAsync<CalendarAddressView>("/api/calendar/address", new { })).Address!
            ).PathAndQuery;
        async Task<int> StatusAsync(string path) => (int)(await api.Http.GetAsync(path)).StatusCode;
        var first = await NewAsync();
        Assert.Equal(200, await StatusAsync(first));
        // Another's, cut, or one letter off, it is nobody's.
        var token = first["/calendar/".Length..^".ics".Length];
        foreach (
            var wrong in new[]
            {
                token[..^1],
                token[..20],
                (token[0] == 'A' ? 'B' : 'A') + token[1..],
                token[..^4] + (token[^4] == 'A' ? 'B' : 'A') + token[^3..],
                "x",
                "公示",
                new string('A', 900),
            }
        )
            Assert.InRange(await StatusAsync($"/calendar/{wrong}.ics"), 400, 414);
        var second = await NewAsync();
        Assert.NotEqual(first, second);
        Assert.Equal((404, 200), (await StatusAsync(first), await StatusAsync(second)));
        // How he wants to be told is another matter.
        await officer.PutAsync("/api/notifications", new { when = "never" });
        Assert.Equal(200, await StatusAsync(second));
        await officer.SendAsync(HttpMethod.Delete, "/api/calendar/address", null);
        Assert.Equal(404, await StatusAsync(second));
        Assert.Null((await officer.GetAsync<CalendarAddressView>("/api/calendar/address")).Address);
        Assert.Equal(NotifyWhen.Never, (await officer.GetAsync<NotificationChoiceView>("/api/notifications")).When);

        // Another office: the old address shows it to nobody, also when he says anew how he wants to be told.
        var third = await NewAsync();
        Assert.Equal(200, await StatusAsync(third));
        var name = officer.Actor.Id;
        await offices.Administrator.PostAsync(
            $"/api/accounts/account-{name}/role",
            new { role = Roles.Township, region = village.Township.Actor.Region }
        );
        var asked = (await offices.Administrator.GetAsync<JsonElement>("/api/accounts")).GetRawText();
        Assert.Contains(name, asked, StringComparison.Ordinal);
        var now = api.Client(new Actor(name, Roles.Township, village.Township.Actor.Region));
        Assert.Equal(404, await StatusAsync(third));
        Assert.Null((await now.GetAsync<CalendarAddressView>("/api/calendar/address")).Address);
        await now.PutAsync("/api/notifications", new { when = "never" });
        Assert.Equal(404, await StatusAsync(third));

        // A closed account has none.
        var fourth = new Uri(
            (await now.PutAsync<CalendarAddressView>("/api/calendar/address", new { })).Address!
        ).PathAndQuery;
        Assert.Equal(200, await StatusAsync(fourth));
        await offices.Administrator.PostAsync($"/api/accounts/account-{name}/closure", new { reason = "离职" });
        Assert.Equal(404, await StatusAsync(fourth));
        // Whoever has no account has no address.
        await api.Host.RefusedAsync("wrong-state", offices.Reviewer, HttpMethod.Put, "/api/calendar/address", new { });
        Assert.Equal(401, (int)(await api.Http.PutAsync("/api/calendar/address", null)).StatusCode);
    }

    [Theory]
    [InlineData("/calendar/AbC_d-9.ics", "/calendar")]
    [InlineData("/Gifts/donor-1/0123abcd", "/gifts")]
    [InlineData("/calendars/x", "/calendars/x")]
    [InlineData("/funds/fund-1", "/funds/fund-1")]
    public void No_trace_carries_an_address_that_opens_something(string path, string told)
    {
        using var activity = new System.Diagnostics.Activity("request");
        activity.SetTag("url.path", path);
        var http = new Microsoft.AspNetCore.Http.DefaultHttpContext();
        http.Request.Path = path;
        Ledger.Api.Operation.Telemetry.HideAddress(activity, http.Response);
        Assert.Equal(told, activity.GetTagItem("url.path"));
    }

    [Fact]
    public async Task With_the_setting_for_places_each_day_says_where_and_leads_there()
    {
        var notice = new CalendarEntry(
            CalendarKind.NoticeEnds,
            api.Today,
            "application-1",
            "370811102201",
            Year: api.Today.Year
        );
        var task = new WorkTask(TaskKind.Objection, "application-1", "370811102201", Due: api.Today, Count: 2);
        CalendarEntry[] entries =
        [
            notice,
            notice with
            {
                Subject = "application-2",
                Region = "370811102202",
            },
            new(CalendarKind.Task, api.Today, task.Subject, task.Region, 2, Task: task),
        ];
        // Characters of one, three and four octets, over several lines.
        const string village =
            "岭下村，一社; 二社（原a𠮷里沟村、bb大张家坡村、ccc小张家坡村、𠮷家洼村合并，辖六个居民小组）";
        var keys = new KeyFile(new byte[32], new byte[32], new byte[32]);
        async Task<Ical.Net.Calendar> OfAsync(bool withPlaces) =>
            Read(
                new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(
                    await CalendarFile.OfAsync(
                        entries,
                        keys,
                        "account-x",
                        "https://ledger.example.cn",
                        withPlaces,
                        DateTimeOffset.UtcNow,
                        region => Task.FromResult(region.EndsWith('1') ? village : null)
                    )
                )
            );
        var all = await OfAsync(withPlaces: true);
        Assert.Equal(
            [$"{village} · 公示最后一天", "370811102202 · 公示最后一天", $"{village} · 答复公示期内的异议 × 2"],
            all.Events.Select(e => e.Summary)
        );
        Assert.Equal("https://ledger.example.cn/applications/application-1#objections", all.Events[2]!.Url!.ToString());
        var grouped = await OfAsync(withPlaces: false);
        Assert.Equal(["公示最后一天 × 2", "答复公示期内的异议 × 2"], grouped.Events.Select(e => e.Summary));
        Assert.All(
            grouped.Events,
            e =>
                Assert.Equal(
                    $"https://ledger.example.cn/calendar?month={api.Today:yyyy-MM}",
                    ((CalendarEvent)e).Url!.ToString()
                )
        );
    }
}

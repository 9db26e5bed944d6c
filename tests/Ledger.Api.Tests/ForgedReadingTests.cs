using System.Text.RegularExpressions;
using Ledger.Api.Commands;
using Ledger.Api.Storage;
using Ledger.Domain.Identity;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace Ledger.Api.Tests;

/// <summary>
/// The thief of the application's role against reading: each kind of event that no decider wrote, in each kind of
/// stream, and then everything that can be read. Every answer is an answer: what rests on such an event is refused in
/// words that name it, the rest goes on. In a database of its own.
/// </summary>
public sealed partial class ForgedReadingTests(ApiFixture api) : IClassFixture<ApiFixture>
{
    /// <summary>What is forged into which stream: the type and body, and what it does to the headers.</summary>
    private sealed record Forgery(string Stream, string Type, string Data, string Headers = "{}");

    private const string Allocation = """
        {"fen":{"from":90000000,"to":90000100},"subAccount":"general","amountFen":100,"allocationId":"allocation-x",
         "source":"collective-income","sourceName":"x","evidence":["0"]}
        """;

    private static readonly Dictionary<string, Forgery> Forgeries = new()
    {
        ["an event of another aggregate in a fund"] = new("fund", "member_registered", """{"region":"370811000001"}"""),
        ["an allocation without a body"] = new("fund", "funds_allocated", "{}"),
        ["an allocation of nulls"] = new(
            "fund",
            "funds_allocated",
            """{"fen":null,"amountFen":null,"evidence":["0"],"allocationId":null,"subAccount":null,"sourceName":null}"""
        ),
        ["a list as a body"] = new("fund", "funds_allocated", "[]"),
        ["a type that there is not"] = new("fund", "money_conjured", "{}"),
        ["a date that cannot be"] = new("fund", "funds_allocated", Allocation, """{"effectiveDate":"2026-13-45"}"""),
        ["no date"] = new("fund", "funds_allocated", Allocation, """{"effectiveDate":null}"""),
        ["a gift that is nobody's"] = new(
            "fund",
            "funds_allocated",
            Allocation.Replace("\"evidence\"", "\"donorId\":\"{donor}\",\"evidence\"", StringComparison.Ordinal)
        ),
        ["a refund of nothing"] = new("fund", "funds_refunded", "{}"),
        ["more money than there can be"] = new(
            "fund",
            "funds_allocated",
            Allocation.Replace("\"amountFen\":100", $"\"amountFen\":{long.MaxValue}", StringComparison.Ordinal)
        ),
        ["money that goes backwards"] = new(
            "fund",
            "funds_allocated",
            Allocation.Replace("\"to\":90000100", "\"to\":1", StringComparison.Ordinal)
        ),
        ["an application of nothing"] = new("application", "application_filed", "{}"),
        ["an application filed again"] = new(
            "application",
            "application_filed",
            """
            {"planId":"plan-x","planVersion":9,"collectiveId":"collective-x","fundId":"fund-x",
             "villageCode":"370811000001","year":2026,"subAccount":"general","filedBy":"x","sealDigest":"x",
             "rosterDigest":"x","lines":1,"amountFen":1}
            """
        ),
        ["a notice of nulls"] = new("application", "notice_published", """{"from":null,"until":null,"place":null}"""),
        ["a list of nulls"] = new("application", "lines_listed", """{"lines":null}"""),
        ["a list with a null"] = new("application", "lines_listed", """{"lines":[null]}"""),
        ["left out, nobody"] = new("application", "lines_left_out", "{}"),
        ["money in an application"] = new("application", "funds_allocated", Allocation),
        ["an objection with a date that cannot be"] = new(
            "application",
            "objection_raised",
            """{"objectionId":"objection-x","memberId":null,"text":"x"}""",
            """{"effectiveDate":"x"}"""
        ),
        ["money in a member"] = new("member", "funds_allocated", Allocation),
        ["a member of nulls"] = new("member", "member_registered", """{"region":null,"personDigest":null}"""),
        ["money in a member's year"] = new("year", "funds_allocated", Allocation),
        ["a payment with a date that cannot be"] = new(
            "year",
            "subsidy_paid",
            """{"applicationId":"{application}"}""",
            """{"effectiveDate":"soon"}"""
        ),
        ["a credit of nothing"] = new(
            "year",
            "subsidy_credited",
            """{"applicationId":"{application}","creditedOn":"never"}"""
        ),
        ["a contribution of nothing"] = new("year", "contribution_recorded", "{}"),
        ["a plan of nothing"] = new("plan", "plan_amended", "{}"),
        ["a plan of another kind"] = new("plan", "funds_allocated", Allocation),
        ["a merger into nothing"] = new("collective", "collective_merged", "{}"),
        ["a donor of nothing"] = new("donor", "funds_allocated", Allocation),
        ["a policy of nothing"] = new("policy", "policy_year_published", "{}"),
        ["an account of nothing"] = new("account", "account_opened", "{}"),
        ["an account of another kind"] = new("account", "funds_allocated", Allocation),
        ["a region that is none"] = new("fund", "command_refused", "{}", """{"region":"37"}"""),
        ["no headers"] = new("fund", "funds_reserved", "{}", "null"),
        ["a stream of nothing"] = new("fund-ghost", "funds_allocated", Allocation),
    };

    /// <summary>
    /// The first of each kind of stream, then the second …: nothing of one stream hides what another does.
    /// </summary>
    private static readonly IReadOnlyList<IReadOnlyList<string>> Rounds =
    [
        .. Forgeries
            .GroupBy(f => f.Value.Stream)
            .SelectMany(g => g.Select((f, i) => (Round: i, Kind: f.Key)))
            .GroupBy(f => f.Round, f => f.Kind)
            .Select(g => (IReadOnlyList<string>)[.. g]),
    ];

    /// <summary>No money and no right follows from these, in that stream or any.</summary>
    private static readonly string[] Harmless = ["a region that is none"];

    public static TheoryData<int> Numbers => [.. Enumerable.Range(0, Rounds.Count)];

    [GeneratedRegex(@"\{[A-Za-z]+(:[a-z]+)?\}")]
    private static partial Regex Left();

    [Theory]
    [MemberData(nameof(Numbers))]
    public async Task Whatever_was_forged_everything_that_is_read_answers_in_words(int round)
    {
        var place = await PlaceAsync();
        var forged = new Dictionary<string, long>();
        foreach (var kind in Rounds[round])
            forged[kind] = await ForgeAsync(place, Forgeries[kind]);
        var (asked, wrong) = (0, new List<string>());
        foreach (var route in Reads())
        {
            var path = place.Fill(route.RoutePattern.RawText!);
            Assert.DoesNotMatch(Left(), path);
            var roles = route.Metadata.GetMetadata<RolesMetadata>()?.Roles ?? [];
            var actor = Reader(roles, place.Village);
            asked++;
            try
            {
                using var response = actor is null
                    ? await api.Http.GetAsync(path)
                    : await api.Client(actor).SendAsync(HttpMethod.Get, path, null);
                var text = await response.Content.ReadAsStringAsync();
                if ((int)response.StatusCode >= 500)
                    wrong.Add($"{actor?.Role} {path}: {(int)response.StatusCode}");
                else if (
                    text.Contains("-damaged", StringComparison.Ordinal)
                    && response.StatusCode == System.Net.HttpStatusCode.Conflict
                    && !forged.Values.Any(sequence => text.Contains($"{sequence}", StringComparison.Ordinal))
                )
                    wrong.Add($"{actor?.Role} {path} does not name the event: {text}");
            }
            catch (Exception e) when (e is HttpRequestException or IOException)
            {
                wrong.Add($"{actor?.Role} {path}: its answer broke off, {e.GetBaseException().Message}");
            }
        }
        Assert.True(asked > 90, $"{asked}");
        Assert.True(wrong.Count == 0, $"{wrong.Count} of {asked}\n{string.Join('\n', wrong)}");

        // The check goes through to its end, and says of each that it is none of ours.
        var check = await place.Auditor.GetAsync("/api/audit/check");
        var named = check
            .GetProperty("differences")
            .EnumerateArray()
            .Select(d => d.GetProperty("event"))
            .Where(e => e.ValueKind == System.Text.Json.JsonValueKind.Number)
            .Select(e => e.GetInt64())
            .ToHashSet();
        var unnamed = forged.Where(f => !named.Contains(f.Value) && !Harmless.Contains(f.Key)).Select(f => f.Key);
        Assert.True(!unnamed.Any(), $"check does not name: {string.Join("; ", unnamed)}\n{check}");

        // Everything asynchronous goes on past it.
        await ApiFixture.EventuallyAsync(
            async () =>
                (await place.Auditor.GetAsync("/api/audit/events?limit=1")).GetProperty("behind").GetInt64() == 0,
            "the audit trail goes on",
            40
        );
    }

    [Fact]
    public async Task One_persons_damaged_record_is_a_fault_of_his_line_and_the_others_go_on()
    {
        var (village, people) = await api.ReadyToFileAsync(4);
        var members = (await village.Officer.GetAsync($"/api/members?collectiveId={village.CollectiveId}"))
            .GetProperty("members")
            .EnumerateArray()
            .Select(m => m.GetProperty("id").GetString()!)
            .ToList();
        await ForgeAsync(village, members[0], Forgeries["money in a member"]);
        await ForgeAsync(
            village,
            StreamId.MemberYear(members[1], village.Year),
            Forgeries["a contribution of nothing"]
        );
        var refused = await Assert.ThrowsAsync<InvalidOperationException>(() => village.FileAsync(people));
        Assert.Contains("roster-invalid", refused.Message);
        Assert.Equal(2, System.Text.RegularExpressions.Regex.Count(refused.Message, "\"code\":\"record-damaged\""));
        Assert.Contains(members[0], refused.Message);
        Assert.Contains(members[1], refused.Message);

        var seal = await village.Officer.EvidenceAsync($"sealed {village.VillageCode}");
        var filed = await village.Officer.UploadAsync(
            "/api/applications?partial=true",
            SampleSheets.Roster(people),
            "补助名单.xlsx",
            "roster",
            ("planId", village.PlanId),
            ("seal", seal)
        );
        Assert.Equal(2, filed.GetProperty("skipped").GetInt32());
        var path = $"/api/applications/{filed.GetProperty("application").Id()}";

        // One more after filing: approval leaves him out, on record, and no money is kept for him.
        await ForgeAsync(
            village,
            StreamId.MemberYear(members[2], village.Year),
            Forgeries["a contribution of nothing"]
        );
        await village.Offices.Reviewer.PostAsync($"{path}/review", new { acceptRest = true });
        var approved = await village.Offices.Approver.PostAsync($"{path}/approval");
        Assert.Contains("record-damaged", approved.GetProperty("leftOut").GetRawText());
        Assert.Equal(
            (100m, 999_900m),
            (
                (await village.Officer.GetAsync($"/api/funds/{village.FundId}"))
                    .GetProperty("reservedAmount")
                    .GetDecimal(),
                (await village.Officer.GetAsync($"/api/funds/{village.FundId}"))
                    .GetProperty("availableAmount")
                    .GetDecimal()
            )
        );
        // A trial, and the tax office's file, tell of him and go on with the rest.
        var trial = await village.Officer.PostAsync($"/api/plans/{village.PlanId}/dry-run", new { });
        Assert.Contains("记录损坏，未计入", trial.GetProperty("notes").GetRawText());
        var taxed = await Assert.ThrowsAsync<InvalidOperationException>(() =>
            village.ImportContributionsAsync(people.Select(p => (p, 300, false)), api.Today, "2")
        );
        Assert.Equal(3, System.Text.RegularExpressions.Regex.Count(taxed.Message, "\"code\":\"record-damaged\""));
    }

    [Fact]
    public async Task What_is_no_event_of_a_fund_is_left_out_of_the_journals_and_they_say_so()
    {
        var (village, _) = await api.ReadyToFileAsync(1);
        var forged = await ForgeAsync(village, village.FundId, Forgeries["a date that cannot be"]);
        foreach (var journal in (string[])["hledger", "beancount"])
        {
            using var response = await village.Offices.Auditor.SendAsync(
                HttpMethod.Get,
                $"/api/exports/journal?format={journal}",
                null
            );
            var text = await response.Content.ReadAsStringAsync();
            Assert.Contains("funds_allocated", text);
            Assert.Contains($"; 未列入 left out: {village.FundId} 事件 {forged}（funds_allocated）", text);
        }
        using var tables = await village.Offices.Auditor.SendAsync(
            HttpMethod.Get,
            "/api/exports/journal?format=general-ledger",
            null
        );
        using var zip = new System.IO.Compression.ZipArchive(await tables.Content.ReadAsStreamAsync());
        using var note = new StreamReader(zip.GetEntry("未列入.txt")!.Open());
        Assert.Contains($"事件 {forged}", await note.ReadToEndAsync());
    }

    [Theory]
    [
        InlineData(
            "an event without a body",
            "'[]'",
            "'{\"region\":\"370811\",\"effectiveDate\":\"2026-11-27\"}'",
            "now()"
        ),
        InlineData(
            "of a region that is none",
            "'{}'",
            "'{\"region\":\"37\",\"effectiveDate\":\"2026-11-27\"}'",
            "now()"
        ),
        InlineData("of no day", "'{}'", "'{\"region\":\"370811\"}'", "now()"),
        InlineData(
            "of a day that cannot be",
            "'{}'",
            "'{\"region\":\"370811\",\"effectiveDate\":\"2026-13-45\"}'",
            "now()"
        ),
        InlineData("without headers", "'{}'", "null", "now()"),
        InlineData(
            "of the end of time",
            "'{}'",
            "'{\"region\":\"370811\",\"effectiveDate\":\"2026-11-27\"}'",
            "'infinity'"
        )
    ]
    public async Task The_database_takes_no_event(string what, string data, string headers, string at)
    {
        await using var connection = await api.Database.OpenConnectionAsync();
        await using var undone = await connection.BeginTransactionAsync();
        await connection.ExecuteAsync("insert into ledger.mt_streams (id, version) values ('fund-x', 1)");
        var refused = await Assert.ThrowsAsync<PostgresException>(() =>
            connection.ExecuteAsync(
                $"""
                insert into ledger.mt_events (seq_id, id, stream_id, version, data, type, timestamp, tenant_id,
                                              mt_dotnet_type, is_archived, headers)
                values (0, gen_random_uuid(), 'fund-x', 1, {data}, 'funds_allocated', {at}, '*DEFAULT*', '', false,
                        {headers})
                """
            )
        );
        Assert.True(
            refused.SqlState is "42501" or PostgresErrorCodes.DatetimeFieldOverflow,
            $"{what}: {refused.Message}"
        );
    }

    /// <summary>What lies in a village of its own city.</summary>
    private sealed record Place(
        SampleVillage Village,
        SampleClient Auditor,
        IReadOnlyDictionary<string, string> Streams,
        Func<string, string> Fill
    );

    private async Task<Place> PlaceAsync()
    {
        var (village, people) = await api.ReadyToFileAsync(2);
        await village.FileAsync(people);
        await village.ReviewAsync();
        await village.ApproveAsync();
        await village.NoticeAsync();
        var complained = await village
            .Offices.Township(village.VillageCode[..9])
            .PostAsync($"{village.ApplicationPath}/complaints", new { text = "公示与实发不一致" });
        var complaint = complained.GetProperty("complaints")[0].GetProperty("complaintId").GetString()!;
        var objected = await village
            .Offices.Township(village.VillageCode[..9])
            .PostAsync($"{village.ApplicationPath}/objections", new { text = "今年没有缴费" });
        var objection = objected.GetProperty("objections")[0].GetProperty("objectionId").GetString()!;
        var donor = await village.CharityAsync();
        var allocated = await village.AllocateAsync(10, source: SourceKind.Charity, name: "慈善总会", donorId: donor);
        var allocation = allocated.AllocationId;
        var member = (await village.Officer.GetAsync($"{village.ApplicationPath}/lines"))
            .GetProperty("lines")[0]
            .GetProperty("memberId")
            .GetString()!;
        var digest = await village.Officer.EvidenceAsync($"read {Guid.NewGuid()}");
        var sequence = await api.ScalarAsync<long>(
            "select max(seq_id) from ledger.mt_events where stream_id = @f",
            ("f", village.FundId)
        );
        var sample = await DrawnSamples.DrawnAsync(
            village.Offices.Auditor,
            SamplingTests.Body(village, api.Today.Year),
            SamplingTests.Words
        );
        var subscription = await WebhookTests.OpenedAsync(village.Offices);
        var job = await JobTests.FailedAsync(village);
        var county = village.Offices.County;
        var administrator = api.Client(new Actor($"administrator.{county}", Roles.Administrator, county));
        await administrator.PostAsync("/api/accounts", ApiFixture.AccountBody($"clerk.{county}", Roles.Agency, county));
        var city = RegionCode.City(county);
        string Fill(string route)
        {
            var path = new (string, string)[]
            {
                ("accounts/{id}", $"accounts/account-clerk.{county}"),
                ("funds/{id}", $"funds/{village.FundId}"),
                ("plans/{id}", $"plans/{village.PlanId}"),
                ("agency-profiles/{id}", "agency-profiles/sample"),
                ("collectives/{id}", $"collectives/{village.CollectiveId}"),
                ("applications/{id}", $"applications/{village.ApplicationId}"),
                ("notices/{id}", $"notices/{village.ApplicationId}"),
                ("own-lines/{id}", $"own-lines/{village.ApplicationId}"),
                ("{complaintId}", complaint),
                ("{objectionId}", objection),
                ("objections/{id}", $"objections/{village.ApplicationId}"),
                ("complaints/{id}", $"complaints/{village.ApplicationId}"),
                ("members/{id}", $"members/{member}"),
                ("donors/{id}", $"donors/{donor}"),
                ("gifts/{id}", $"gifts/{donor}"),
                ("samples/{id}", $"samples/{sample.Id}"),
                ("jobs/{id}", $"jobs/{job}"),
                ("subscriptions/{id}", $"subscriptions/{subscription}"),
                (
                    "screening/{id}",
                    "screening/" + StreamId.ScreeningFinding(village.VillageCode, village.Year, new string('0', 32))
                ),
                ("{number:int}", "1"),
                ("pilots/{id}", $"pilots/pilot-{county}"),
                ("{memberId}", member),
                ("{allocationId}", allocation),
                ("{digest}", digest),
                ("{code}", "x"),
                ("{address}", "x"),
                ("{sequences}", "1"),
                ("{sequence:long}", $"{sequence}"),
                ("{year:int}", $"{village.Year}"),
                ("{region}", county),
                ("{name}.xlsx", "roster.xlsx"),
                ("{form}", "application"),
                ("{level:int}/{**path}", "0/000.p/1"),
                ("entries/{**path}", "entries/000.p/1"),
            }.Aggregate(route, (p, r) => p.Replace(r.Item1, r.Item2, StringComparison.Ordinal));
            var query =
                path.EndsWith("/changes", StringComparison.Ordinal) ? "from=2026-01-01T00:00:00Z"
                : path.EndsWith("/estimate", StringComparison.Ordinal) ? $"year={village.Year}"
                : path == "/api/members" ? $"collectiveId={village.CollectiveId}"
                : path is "/api/reports/incentives" ? $"year={village.Year}"
                : path.EndsWith("/screening", StringComparison.Ordinal) ? $"region={county}"
                : path == "/applications/new" ? $"plan={village.PlanId}"
                : path.StartsWith("/complaints/", StringComparison.Ordinal) ? $"number={complaint}"
                : path.StartsWith("/objections/", StringComparison.Ordinal) ? $"number={objection}"
                : path == "/log/consistency" ? "from=0&to=1"
                : path.EndsWith("/years/" + village.Year, StringComparison.Ordinal) ? "recordedAt=2100-01-01T00:00:00Z"
                : "";
            return query.Length == 0 ? path : $"{path}?{query}";
        }
        return new Place(
            village,
            api.Client(new Actor($"auditor.{city}", Roles.Auditor, city)),
            new Dictionary<string, string>
            {
                ["fund"] = village.FundId,
                ["application"] = village.ApplicationId,
                ["member"] = member,
                ["year"] = StreamId.MemberYear(member, village.Year),
                ["plan"] = village.PlanId,
                ["collective"] = village.CollectiveId,
                ["donor"] = donor,
                ["policy"] = StreamId.PolicyYear(city, village.Year),
                ["account"] = $"account-clerk.{county}",
                ["fund-ghost"] = $"fund-ghost{village.VillageCode}",
            },
            Fill
        );
    }

    /// <summary>Every GET of the API, of the log and of the pages.</summary>
    private IEnumerable<RouteEndpoint> Reads() =>
        api
            .Host.Services.GetRequiredService<EndpointDataSource>()
            .Endpoints.OfType<RouteEndpoint>()
            .Where(e =>
                e.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods.Contains("GET") == true
                && e.Metadata.GetMetadata<RolesMetadata>() is not null
            );

    /// <summary>An auditor of the city where he may, else the village, else who comes first.</summary>
    private static Actor? Reader(IReadOnlyList<string> roles, SampleVillage village) =>
        roles
            .OrderByDescending(r => r == Roles.Auditor)
            .ThenByDescending(r => r == Roles.VillageFinance)
            .Select(r => new Actor(
                $"reader.{r}",
                r,
                r switch
                {
                    Roles.CityHrss or Roles.Auditor => village.VillageCode[..4],
                    Roles.Township => village.VillageCode[..9],
                    Roles.VillageFinance or Roles.SupervisionCommittee => village.VillageCode,
                    _ => village.VillageCode[..6],
                }
            ))
            .FirstOrDefault();

    /// <summary>As the tables' owner, where the database would refuse it by now: it was written before that.</summary>
    private Task<long> ForgeAsync(Place place, Forgery forgery) =>
        ForgeAsync(
            place.Village,
            place.Streams[forgery.Stream],
            forgery with
            {
                Data = forgery
                    .Data.Replace("{donor}", place.Streams["donor"], StringComparison.Ordinal)
                    .Replace("{application}", place.Streams["application"], StringComparison.Ordinal),
            }
        );

    private async Task<long> ForgeAsync(SampleVillage village, string stream, Forgery forgery)
    {
        await using var connection = new NpgsqlConnection(api.ConnectionString);
        await connection.OpenAsync();
        await connection.ExecuteAsync("set session_replication_role = replica");
        return (
            await connection.QueryAsync(
                """
                insert into ledger.mt_events (seq_id, id, stream_id, version, data, type, timestamp, tenant_id,
                                              mt_dotnet_type, is_archived, headers)
                select nextval('ledger.mt_events_sequence'), gen_random_uuid(), @stream,
                       (select coalesce(max(version), 0) + 1 from ledger.mt_events where stream_id = @stream),
                       @data::jsonb, @type, @now, '*DEFAULT*', '', false,
                       case when @headers = 'null' then null else jsonb_build_object('actor', 'thief', 'role', 'agency',
                           'region', @region, 'effectiveDate', @today, 'mark', 'x') || @headers::jsonb end
                returning seq_id
                """,
                r => r.GetInt64(0),
                ("stream", stream),
                ("data", forgery.Data),
                ("type", forgery.Type),
                ("now", api.Host.Services.GetRequiredService<TimeProvider>().GetUtcNow()),
                ("headers", forgery.Headers),
                ("region", village.VillageCode),
                ("today", $"{api.Today:yyyy-MM-dd}")
            )
        ).Single();
    }
}

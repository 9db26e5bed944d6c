using System.Diagnostics;
using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Ledger.Api.Commands;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Domain.Identity;
using Microsoft.Extensions.Configuration;

namespace Ledger.Api.Tests;

/// <summary>
/// One who takes more than his share, over real sockets from several addresses (127.0.0.1, 127.0.0.2 …): he is stopped,
/// and the others do not notice.
/// </summary>
[Collection("api and programs")]
public sealed class CrowdingTests(ApiFixture api)
{
    private static int _people;

    private async Task<RunningApi> StartAsync(params (string Name, string Value)[] settings) =>
        await ApiHost.StartAsync(With(settings));

    /// <summary>For who asks for its memory, or has the processor busy with other things than the test.</summary>
    private Task<ApiProcess> ProcessAsync(params (string Name, string Value)[] settings) =>
        ApiProcess.StartAsync(With(settings));

    private Dictionary<string, string> With((string Name, string Value)[] settings)
    {
        var all = new Dictionary<string, string>
        {
            ["ConnectionStrings__Ledger"] = api.ConnectionString,
            ["Ledger__KeyFile"] = api.KeyFile,
        };
        foreach (var (name, value) in settings)
            all[name] = value;
        return all;
    }

    /// <summary>A client at that address of this machine.</summary>
    private static HttpClient From(RunningApi process, string address) =>
        new(
            new SocketsHttpHandler
            {
                ConnectCallback = async (context, cancellation) =>
                    new NetworkStream(
                        await ConnectAsync(address, context.DnsEndPoint.Port, cancellation),
                        ownsSocket: true
                    ),
            }
        )
        {
            BaseAddress = process.Http.BaseAddress,
            Timeout = TimeSpan.FromSeconds(60),
        };

    private static async Task<Socket> ConnectAsync(string address, int port, CancellationToken cancellation = default)
    {
        var socket = SocketAt(address);
        await socket.ConnectAsync(IPAddress.Loopback, port, cancellation);
        return socket;
    }

    private static Socket SocketAt(string address)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Parse(address), 0));
        return socket;
    }

    private static async Task<List<Socket>> OpenAsync(RunningApi process, int count, string words)
    {
        var sockets = new List<Socket>();
        for (var i = 0; i < count; i++)
        {
            sockets.Add(SocketAt("127.0.0.1"));
            try
            {
                await sockets[^1].ConnectAsync(IPAddress.Loopback, process.Http.BaseAddress!.Port);
                await sockets[^1].SendAsync(Encoding.ASCII.GetBytes(words));
            }
            catch (SocketException)
            {
                // Closed already, maybe before it stood: it is counted as such.
            }
        }
        return sockets;
    }

    private static bool IsClosed(Socket socket)
    {
        try
        {
            while (socket.Poll(0, SelectMode.SelectRead))
                if (socket.Available == 0 || socket.Receive(new byte[1000]) == 0)
                    return true; // what it was told first is no matter
            return false;
        }
        catch (SocketException)
        {
            return true;
        }
    }

    [Fact]
    public async Task One_address_has_a_share_of_the_connections_and_what_says_nothing_is_cut_off()
    {
        await using var process = await StartAsync(("Ledger__Limits__ConnectionsPerAddress", "20"));
        var held = await OpenAsync(process, 60, "GET /health/live HTTP/1.1\r\nHost: x\r\n");
        var watch = Stopwatch.StartNew();
        await ApiFixture.EventuallyAsync(
            () => Task.FromResult(held.Count(IsClosed) >= 40),
            "forty are closed",
            seconds: 5
        );
        Assert.Equal(20, held.Count(s => !IsClosed(s)));
        using (var neighbour = From(process, "127.0.0.2"))
            Assert.True((await neighbour.GetAsync("/health/live")).IsSuccessStatusCode);
        using (var crowd = From(process, "127.0.0.1"))
            await Assert.ThrowsAsync<HttpRequestException>(() => crowd.GetAsync("/health/live"));
        // A head that does not end ends by itself; then there is room again.
        await ApiFixture.EventuallyAsync(() => Task.FromResult(held.All(IsClosed)), "all are closed", seconds: 25);
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(25), $"{watch.Elapsed}");
        Assert.True((await process.Http.GetAsync("/health/live")).IsSuccessStatusCode);
        held.ForEach(s => s.Dispose());
    }

    [Fact]
    public async Task Behind_a_proxy_the_limit_does_not_meet_the_proxy()
    {
        await using var process = await ProcessAsync(
            ("Ledger__Limits__ConnectionsPerAddress", "20"),
            ("ASPNETCORE_FORWARDEDHEADERS_ENABLED", "true")
        );
        var held = await OpenAsync(process, 60, "GET /health/live HTTP/1.1\r\nHost: x\r\n");
        Assert.True((await process.Http.GetAsync("/health/live")).IsSuccessStatusCode);
        Assert.DoesNotContain(held, IsClosed);
        held.ForEach(s => s.Dispose());
    }

    /// <summary>
    /// Sends a head that promises a long body, and a little of it; the first line of the answer, or nothing within the
    /// time.
    /// </summary>
    private static async Task<(Socket Socket, string? Answer)> HalfAsync(
        RunningApi process,
        string path,
        string? token,
        int seconds,
        string type = "multipart/form-data; boundary=b"
    )
    {
        var socket = await ConnectAsync("127.0.0.1", process.Http.BaseAddress!.Port);
        var head =
            $"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {type}\r\nContent-Length: 20000000\r\n"
            + $"Idempotency-Key: {Guid.NewGuid()}\r\n"
            + (token is null ? "\r\n" : $"Authorization: Bearer {token}\r\n\r\n");
        await socket.SendAsync(
            Encoding.ASCII.GetBytes(
                head
                    + "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x.pdf\"\r\n\r\n%PDF-"
                    + new string('x', 50_000)
            )
        );
        var buffer = new byte[200];
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(seconds));
        try
        {
            var read = await socket.ReceiveAsync(buffer, patience.Token);
            return (socket, Encoding.ASCII.GetString(buffer, 0, read).Split("\r\n")[0]);
        }
        catch (OperationCanceledException)
        {
            return (socket, null);
        }
    }

    [Fact]
    public async Task A_body_is_taken_only_from_who_may_send_it_and_a_few_at_once()
    {
        var village = await api.RegisteredAsync();
        await using var process = await ProcessAsync();
        var tokens = new Tokens(KeyFile.LoadOrCreate(api.KeyFile), TimeProvider.System);
        string Token(string name, string role, string region) =>
            tokens.Issue(new Actor(name, role, region), TimeSpan.FromHours(1));
        var open = new List<Socket>();
        async Task<string?> Half(string path, string? token, string type = "multipart/form-data; boundary=b")
        {
            var (socket, answer) = await HalfAsync(process, path, token, 10, type);
            open.Add(socket);
            return answer;
        }
        // Answered at once, with most of the body still to come.
        Assert.Contains(" 401 ", await Half("/api/evidence", null) ?? "no answer");
        Assert.Contains(
            " 403 ",
            await Half("/api/evidence", Token("chief", Roles.Administrator, village.Offices.County)) ?? "no answer"
        );
        foreach (
            var path in (string[])["/api/session", "/api/session/password", "/api/notices/application-none/objections"]
        )
            Assert.Contains(" 413 ", await Half(path, null, "application/json") ?? "no answer");
        using (
            var chunked = new HttpRequestMessage(HttpMethod.Post, "/api/session")
            {
                Content = new StreamContent(new MemoryStream([.. Enumerable.Repeat((byte)' ', 200_000)])),
            }
        )
        {
            chunked.Headers.TransferEncodingChunked = true;
            chunked.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
            using var refused = await process.Http.SendAsync(chunked);
            Assert.Equal(HttpStatusCode.RequestEntityTooLarge, refused.StatusCode);
        }
        // Who may send: four of his are taken in, sixteen wait, the others are told; nobody else waits, and little
        // memory is held.
        var before = process.WorkingSet;
        var greedy = Token("greedy", Roles.VillageFinance, village.VillageCode);
        var answers = await Task.WhenAll(
            Enumerable.Range(0, 30).Select(_ => HalfAsync(process, "/api/evidence", greedy, 4))
        );
        open.AddRange(answers.Select(a => a.Socket));
        Assert.Equal(
            (20, 10),
            (
                answers.Count(a => a.Answer is null),
                answers.Count(a => a.Answer?.Contains(" 429 ", StringComparison.Ordinal) == true)
            )
        );
        Assert.True(
            process.WorkingSet - before < 80 << 20,
            $"{(process.WorkingSet - before) >> 20} MB for thirty half-sent bodies"
        );
        using var honest = new HttpRequestMessage(HttpMethod.Post, "/api/evidence")
        {
            Content = SampleClient.Form([.. "%PDF-"u8, .. new byte[2_000_000], .. SamplePeople.Pdf("slip")], "x.pdf"),
        };
        honest.Headers.Authorization = new AuthenticationHeaderValue(
            "Bearer",
            Token("honest", Roles.VillageFinance, village.VillageCode)
        );
        honest.Headers.Add("Idempotency-Key", Guid.NewGuid().ToString());
        using var taken = await process.Http.SendAsync(honest);
        Assert.True(taken.StatusCode == HttpStatusCode.Created, await taken.Content.ReadAsStringAsync());
        open.ForEach(s => s.Dispose());
    }

    private async Task<(string Name, string Password)> AccountAsync()
    {
        var county = api.NewOffices().County;
        var name = $"crowd{Interlocked.Increment(ref _people)}.{county}";
        var issued = await api.Client(new Actor($"administrator.{county}", Roles.Administrator, county))
            .PostAsync<IssuedAccountView>("/api/accounts", ApiFixture.AccountBody(name, Roles.CountyTax, county));
        using var changed = await api.Http.PostAsync(
            "/api/session/password",
            SampleClient.Json(
                new
                {
                    name,
                    password = issued.OneTimePassword,
                    newPassword = "correct horse 4",
                }
            )
        );
        Assert.Equal(HttpStatusCode.NoContent, changed.StatusCode);
        return (name, "correct horse 4");
    }

    private static async Task<(int Status, string Code, double? RetryAfter)> SignInAsync(
        HttpClient http,
        string name,
        string password
    )
    {
        using var response = await http.PostAsync("/api/session", SampleClient.Json(new { name, password }));
        var answer = JsonSerializer.Deserialize<JsonElement>(await response.Content.ReadAsStringAsync());
        return (
            (int)response.StatusCode,
            answer.TryGetProperty("code", out var code) ? code.GetString()! : "",
            response.Headers.RetryAfter?.Delta?.TotalSeconds
        );
    }

    [Fact]
    public async Task A_flood_of_sign_ins_from_one_address_keeps_nobody_out()
    {
        var (name, password) = await AccountAsync();
        await using var process = await ProcessAsync();
        using var flooder = From(process, "127.0.0.1");
        using var officer = From(process, "127.0.0.2");
        Assert.Equal(200, (await SignInAsync(officer, name, password)).Status);
        using var ending = new CancellationTokenSource();
        var answers = new System.Collections.Concurrent.ConcurrentBag<(int Status, string Code, double? RetryAfter)>();
        var flood = Enumerable
            .Range(0, 40)
            .Select(async n =>
            {
                for (var i = 0; !ending.IsCancellationRequested; i++)
                {
                    answers.Add(await SignInAsync(flooder, $"nobody{n}.{i}", "x"));
                    await Task.Delay(200); // the limit of requests, which would stop it earlier, is off in tests
                }
            })
            .ToList();
        await Task.Delay(500);
        for (var i = 0; i < 5; i++)
        {
            var watch = Stopwatch.StartNew();
            Assert.Equal(200, (await SignInAsync(officer, name, password)).Status);
            Assert.True(watch.Elapsed < TimeSpan.FromSeconds(10), $"an honest sign-in took {watch.Elapsed}");
        }
        await ending.CancelAsync();
        await Task.WhenAll(flood);
        Assert.Contains(answers, a => a is (429, "too-many-requests", >= 1));
        Assert.All(answers, a => Assert.Contains(a.Code, (string[])["sign-in-failed", "too-many-requests", "busy"]));
    }

    [Fact]
    public async Task Checking_passwords_has_a_rate_for_each_address()
    {
        await using var process = await StartAsync(("Ledger__RateLimit__PerAddress", "100"));
        using var one = From(process, "127.0.0.1");
        using var other = From(process, "127.0.0.2");
        var answers = new List<(int Status, string Code, double? RetryAfter)>();
        var watch = Stopwatch.StartNew();
        for (var i = 0; i < 200; i++)
            answers.Add(await SignInAsync(one, $"nobody{i}", "x"));
        Assert.InRange(answers.Count(a => a.Code == "sign-in-failed"), 20, 22 + (int)(2 * watch.Elapsed.TotalSeconds));
        Assert.Contains(answers, a => a is (429, "too-many-requests", >= 1));
        Assert.Equal("sign-in-failed", (await SignInAsync(other, "nobody", "x")).Code);
    }

    [Fact]
    public async Task Guessing_locks_name_and_source_together_and_never_tells_whether_there_is_such_a_name()
    {
        var (name, password) = await AccountAsync();
        await using var process = await StartAsync();
        using var guesser = From(process, "127.0.0.1");
        using var desk = From(process, "127.0.0.3");
        var (real, invented) = (new List<(int, string)>(), new List<(int, string)>());
        for (var i = 0; i < 30; i++)
        {
            var (there, nowhere) = (
                await SignInAsync(guesser, name, $"guess {i}"),
                await SignInAsync(guesser, $"nobody.{name}", $"guess {i}")
            );
            real.Add((there.Status, there.Code));
            invented.Add((nowhere.Status, nowhere.Code));
        }
        Assert.Equal(invented, real);
        Assert.Equal((5, 25), (real.Count(a => a.Item2 == "sign-in-failed"), real.Count(a => a.Item2 == "locked-out")));
        // Thirty guesses elsewhere are nothing to him
        Assert.Equal(200, (await SignInAsync(desk, name, password)).Status);
        // Not even the right one, until the wait is over
        var (status, code, wait) = await SignInAsync(guesser, name, password);
        Assert.Equal((Rejections.LockedOut.Status, "locked-out"), (status, code));
        Assert.InRange(wait!.Value, 1, 15);
    }

    [Fact]
    public async Task Waits_grow_and_a_name_guessed_at_from_everywhere_is_slowed_for_strangers()
    {
        var time = new SampleClock();
        using var guard = new SignInGuard(Settings.Of(new ConfigurationBuilder().Build()), time);
        async Task<int> Wait(string name, string source, bool known = false)
        {
            try
            {
                await guard.RequireFreeAsync(name, source, () => Task.FromResult(known));
                return 0;
            }
            catch (RefusedException e)
            {
                Assert.Equal(Rejections.LockedOut, e.Rejection.Code);
                return e.Rejection.RetryAfterSeconds!.Value;
            }
        }
        var waits = new List<int>();
        for (var i = 0; i < 13; i++)
        {
            guard.Failed("li.si", "a");
            var wait = await Wait("li.si", "a");
            waits.Add(wait);
            time.Advance(TimeSpan.FromSeconds(wait));
        }
        Assert.Equal(
            [0, 0, 0, 0, 15, 30, 60, 120, 240, 480, 900, 900, 900],
            waits.Select(w => w is 0 ? 0 : (int)Math.Round(w / 15.0) * 15)
        );
        Assert.Equal(0, await Wait("li.si", "b"));
        guard.Succeeded("li.si", "a");
        guard.Failed("li.si", "a");
        Assert.Equal(0, await Wait("li.si", "a"));

        for (var i = 0; i < 50; i++)
            guard.Failed("wang.wu", $"{i}");
        Assert.InRange(await Wait("wang.wu", "new"), 1, 15);
        Assert.Equal(0, await Wait("wang.wu", "desk", known: true));
        Assert.Equal(0, await Wait("zhao.liu", "new"));
    }

    /// <summary>A workbook whose parts are these texts, the second one again and again.</summary>
    private static byte[] Hostile(string sheetStart, string again, int times, bool inSharedStrings = false)
    {
        using var stream = new MemoryStream();
        using (var zip = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
        {
            void Part(string name, string start, string repeated = "", int count = 0)
            {
                using var entry = zip.CreateEntry(name, CompressionLevel.SmallestSize).Open();
                entry.Write(Encoding.UTF8.GetBytes(start));
                var block = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat(repeated, 1000)));
                for (var i = 0; i < count / 1000; i++)
                    entry.Write(block);
            }
            const string relationship = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
            Part(
                "_rels/.rels",
                $"""
                <Relationships>
                  <Relationship Id="r" Type="{relationship}/officeDocument" Target="xl/workbook.xml"/>
                </Relationships>
                """
            );
            Part(
                "xl/_rels/workbook.xml.rels",
                $"""
                <Relationships>
                  <Relationship Id="r1" Type="{relationship}/worksheet" Target="worksheets/sheet1.xml"/>
                  <Relationship Id="r2" Type="{relationship}/sharedStrings" Target="sharedStrings.xml"/>
                </Relationships>
                """
            );
            Part(
                "xl/workbook.xml",
                $"""
                <workbook xmlns:r="{relationship}">
                  <sheets><sheet name="x" sheetId="1" r:id="r1"/></sheets>
                </workbook>
                """
            );
            Part(
                "xl/sharedStrings.xml",
                inSharedStrings ? sheetStart : "<sst/>",
                inSharedStrings ? again : "",
                inSharedStrings ? times : 0
            );
            Part(
                "xl/worksheets/sheet1.xml",
                inSharedStrings ? "<worksheet/>" : sheetStart,
                inSharedStrings ? "" : again,
                inSharedStrings ? 0 : times
            );
        }
        return stream.ToArray();
    }

    public static TheoryData<string> Explosions => [.. Exploding.Keys];

    /// <summary>Each below 300 KB as sent and 128 MB unpacked.</summary>
    private static readonly Dictionary<string, Func<byte[]>> Exploding = new()
    {
        ["cells without end in one row"] = () =>
            Hostile("""<worksheet><sheetData><row r="1">""", """<c r="A1"><v>1</v></c>""", 5_000_000),
        ["cells that are empty"] = () => Hostile("""<worksheet><sheetData><row r="1">""", "<c/>", 25_000_000),
        ["a column beyond what anybody has"] = () =>
            Hostile("""<worksheet><sheetData><row r="1">""", """<c r="XFD1"><v>1</v></c>""", 1_000),
        ["shared strings without end"] = () => Hostile("<sst>", "<si><t>a</t></si>", 6_000_000, inSharedStrings: true),
        ["elements that nobody knows"] = () => Hostile("<sst>", "<x/>", 25_000_000, inSharedStrings: true),
        ["elements in one another"] = () => Hostile("<worksheet><sheetData>", "<a>", 30_000_000),
        ["one long text"] = () =>
            Hostile("<sst><si><t>", "aaaaaaaaaaaaaaaaaaaaaaaaa", 4_000_000, inSharedStrings: true),
        ["one long attribute"] = () => Hostile("<worksheet><sheetData x='", "aaaaaaaaaaaaaaaaaaaaaaaaa", 4_000_000),
        ["one long tag"] = () => Hostile("<worksheet><sheetData ", "x='1' ", 15_000_000),
        ["character data"] = () =>
            Hostile("<sst><si><t><![CDATA[", "<<<<<<<<<<<<<<<<<<<<<<<<<", 4_000_000, inSharedStrings: true),
        ["fields without end"] = () => [.. "姓名,身份证号\n"u8, .. Enumerable.Repeat((byte)',', 19_000_000)],
    };

    /// <summary>On the build before, one of 191 KB took 1.5 GB.</summary>
    [Theory, MemberData(nameof(Explosions))]
    public async Task A_small_file_that_unpacks_to_gigabytes_is_refused_while_it_is_read(string what)
    {
        var content = Exploding[what]();
        var file = new Microsoft.AspNetCore.Http.FormFile(
            new MemoryStream(content),
            0,
            content.Length,
            "file",
            "x.xlsx"
        );
        GC.Collect();
        var (before, most, reading) = (GC.GetTotalMemory(true), 0L, true);
        var watcher = Task.Run(async () =>
        {
            while (Volatile.Read(ref reading))
            {
                most = Math.Max(most, GC.GetTotalMemory(false));
                await Task.Delay(20);
            }
        });
        var watch = Stopwatch.StartNew();
        var refused = Assert.Throws<RefusedException>(() =>
        {
            Table.Read(file, Sheets.Members);
        });
        Volatile.Write(ref reading, false);
        await watcher;
        Assert.Contains(refused.Rejection.Code, (RejectionCode[])[Rejections.LimitExceeded, Rejections.FileInvalid]);
        Assert.True(most - before < 400L << 20, $"{what}: {(most - before) >> 20} MB");
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(30), $"{what}: {watch.Elapsed}");
    }

    [Fact]
    public async Task Workbooks_are_read_by_turns_and_eight_hostile_ones_at_once_take_less_than_a_gigabyte()
    {
        var village = await api.RegisteredAsync();
        await using var process = await ProcessAsync();
        var tokens = new Tokens(KeyFile.LoadOrCreate(api.KeyFile), TimeProvider.System);
        var (strings, cells) = (Exploding["shared strings without end"](), Exploding["cells without end in one row"]());
        await Task.WhenAll(
            Enumerable
                .Range(0, 8)
                .Select(async i =>
                {
                    var officer = new SampleClient(
                        process.Http,
                        tokens,
                        new Actor($"officer{i % 4}", Roles.VillageFinance, village.VillageCode)
                    );
                    using var response = await officer.SendAsync(
                        HttpMethod.Post,
                        $"/api/members/import?collectiveId={village.CollectiveId}",
                        SampleClient.Form(i % 2 == 0 ? strings : cells, "x.xlsx"),
                        $"hostile-{Guid.NewGuid()}"
                    );
                    Assert.True(
                        response.StatusCode
                            is HttpStatusCode.RequestEntityTooLarge
                                or HttpStatusCode.UnprocessableEntity,
                        await response.Content.ReadAsStringAsync()
                    );
                })
        );
        Assert.True(process.PeakWorkingSet < 1L << 30, $"{process.PeakWorkingSet >> 20} MB");
    }
}

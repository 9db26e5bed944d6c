using System.Text;
using Ledger.Api.Pages;
using Ledger.Domain;
using Ledger.Domain.Identity;
using Ledger.TransparencyLog;
using Ledger.Verify;
using Npgsql;

namespace Ledger.Web.Tests;

/// <summary>
/// The proof in the villager's hand: the browser's own arithmetic (proof.js) beside ledger-verify's, whose code is
/// compiled in.
/// </summary>
[Collection("web")]
public sealed class ProofTests(WebFixture web)
{
    private const int Many = 100;

    private sealed record Case(string What, string File, bool Holds, string[] Witnesses);

    /// <summary>One bit of one byte of a text, which then need not be one in UTF-8.</summary>
    private static string Flipped(string text, int from, int length, Random random)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        bytes[from + random.Next(length)] ^= (byte)(1 << random.Next(8));
        return Encoding.UTF8.GetString(bytes);
    }

    /// <summary>One bit of what base64 stands for.</summary>
    private static string FlippedInside(string base64, Random random)
    {
        var bytes = Convert.FromBase64String(base64);
        bytes[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
        return Convert.ToBase64String(bytes);
    }

    /// <summary>A receipt, and what becomes of it by one bit in each of its parts.</summary>
    private static IEnumerable<Case> Cases(string file, string[] witnesses, Random random)
    {
        string With(string part, string instead) => file.Replace(part, instead, StringComparison.Ordinal);
        var lines = file[..file.IndexOf("\n\n", StringComparison.Ordinal)].Split('\n');
        var note = file[(file.IndexOf("\n\n", StringComparison.Ordinal) + 2)..];
        var signed = note[..(note.IndexOf("\n\n", StringComparison.Ordinal) + 1)];
        var entry = lines[1]["extra ".Length..];
        var hash = lines[random.Next(3, lines.Length)];
        yield return new("whole", file, true, witnesses);
        yield return new("entry", With(entry, FlippedInside(entry, random)), false, witnesses);
        yield return new("hash", With(hash, FlippedInside(hash, random)), false, witnesses);
        var at = Encoding.UTF8.GetByteCount(file[..file.IndexOf(signed, StringComparison.Ordinal)]);
        yield return new("checkpoint", Flipped(file, at, Encoding.UTF8.GetByteCount(signed), random), false, witnesses);
        foreach (var line in note[signed.Length..].Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            var signature = line.Split(' ')[2];
            yield return new("signature", With(signature, FlippedInside(signature, random)), false, witnesses);
        }
        yield return new("anywhere", Flipped(file, 0, Encoding.UTF8.GetByteCount(file), random), false, witnesses);
    }

    private static bool Verified(Case one, IReadOnlyList<Key> keys)
    {
        try
        {
            Receipt.Check(one.File, keys, [.. one.Witnesses.SelectMany(w => Key.ReadAll(w))]);
            return true;
        }
        catch (Exception e) when (e is NotProven or FormatException or System.Text.Json.JsonException)
        {
            return false;
        }
    }

    /// <summary>The sample's clock may be days ahead, by whoever of the other tests set it.</summary>
    private static DateTimeOffset Later => DateTimeOffset.UtcNow.AddYears(1);

    /// <summary>A witness who saw the log before the event was recorded.</summary>
    private static Case TooEarly(string file)
    {
        var witness = NoteSigner.Create("early.example", NoteAlgorithm.Cosignature);
        var text = Checkpoint.Parse(file[(file.IndexOf("\n\n", StringComparison.Ordinal) + 2)..]).Text;
        var signed = witness.Sign(text, DateTimeOffset.UtcNow.AddYears(-1));
        return new("seen too early", $"{file}{signed}\n", false, [$"{witness.Verifier}"]);
    }

    /// <summary>
    /// Receipts from all over the log; every other one is cosigned by a witness besides. The province's auditor reads:
    /// other tests write in cities of their own.
    /// </summary>
    private async Task<IReadOnlyList<(string File, string[] Witnesses)>> ReceiptsAsync()
    {
        await using var database = NpgsqlDataSource.Create(web.Sample.ConnectionString);
        await using var command = database.CreateCommand(
            """
            select seq_id
              from (select seq_id, row_number() over (order by md5(id::text)) as n from ledger.mt_events) e
             where n <= @many
            """
        );
        command.Parameters.AddWithValue("many", Many);
        var sequences = new List<long>();
        await using (var reader = await command.ExecuteReaderAsync())
            while (await reader.ReadAsync())
                sequences.Add(reader.GetInt64(0));
        var witness = NoteSigner.Create("witness.example", NoteAlgorithm.Cosignature);
        var tokens = web.Tokens;
        using var auditor = new HttpClient { BaseAddress = web.Sample.Http.BaseAddress };
        auditor.DefaultRequestHeaders.Authorization = new(
            "Bearer",
            tokens.Issue(new Actor("audit.37", Roles.Auditor, "37"), TimeSpan.FromDays(30)) // its clock runs ahead
        );
        var receipts = new List<(string, string[])>();
        foreach (var sequence in sequences)
        {
            var file = await auditor.GetStringAsync($"/api/audit/events/{sequence}/receipt");
            var text = Checkpoint.Parse(file[(file.IndexOf("\n\n", StringComparison.Ordinal) + 2)..]).Text;
            receipts.Add(
                receipts.Count % 2 == 0 ? (file, []) : ($"{file}{witness.Sign(text, Later)}\n", [$"{witness.Verifier}"])
            );
        }
        return receipts;
    }

    /// <summary>All of it, however long: for a person to look at.</summary>
    private static Task ShootAsync(ILocator part, string name) =>
        part.ScreenshotAsync(new() { Path = Path.Combine(Visitor.Screenshots, $"{name}.png") });

    [Fact]
    public async Task Offline_a_browser_takes_100_receipts_and_none_with_a_bit_changed_as_ledger_verify_does()
    {
        var (random, keys) = (new Random(28), await web.Sample.Http.GetStringAsync("/log/keys"));
        var known = keys.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var receipts = await ReceiptsAsync();
        var cases = receipts
            .SelectMany(r => Cases(r.File, r.Witnesses, random))
            .Append(TooEarly(receipts[0].File))
            .ToList();
        Assert.Equal(Many, cases.Count(c => c.Holds));
        await using var villager = await web.VisitAsync(null, 390, 844);
        await villager.Page.GotoAsync("/verify");
        await villager.Page.Context.SetOfflineAsync(true);
        var verdicts = await villager.Page.EvaluateAsync<bool[]>(
            "({ cases, keys }) => cases.map(c => ledgerProof.check(c.file, keys, c.witnesses).ok)",
            new { cases = cases.Select(c => new { file = c.File, witnesses = c.Witnesses }), keys = known }
        );
        IReadOnlyList<Key> verifiers = [.. known.SelectMany(k => Key.ReadAll(k))];
        var wrong = cases
            .Zip(verdicts)
            .Where(c => c.Second != c.First.Holds || Verified(c.First, verifiers) != c.Second)
            .Select(c => $"{c.First.What}: {c.Second}, ledger-verify {Verified(c.First, verifiers)}\n{c.First.File}");
        Assert.Empty(wrong);

        // What lies in the hand is read as what the address shows: of a bad one only that it is bad.
        FilePayload Payload(string what) =>
            new()
            {
                Name = $"{what}.tlog-proof",
                MimeType = "text/plain",
                Buffer = Encoding.UTF8.GetBytes(cases.First(c => c.What == what).File),
            };
        await villager.Page.SetInputFilesAsync("#receipt", [Payload("whole"), Payload("entry")]);
        await Assertions.Expect(villager.Page.Locator("section[data-verdict=good]")).ToHaveCountAsync(1);
        var bad = villager.Page.Locator("section[data-verdict=bad]");
        await Assertions.Expect(bad).ToContainTextAsync("不成立");
        Assert.Equal(0, await bad.Locator("> dl.facts").CountAsync());
        await ShootAsync(villager.Page.Locator("main"), "proof-by-hand");
    }

    [Fact]
    public async Task C16_C23_villager_and_donor_go_from_the_picture_to_the_verified_line_on_a_phone()
    {
        await using var villager = await web.VisitAsync(null, 390, 844);
        foreach (var (shown, name) in new[] { (web.Ids["ownLine"], "line"), (web.Ids["gifts"], "gift") })
        {
            await villager.Page.GotoAsync(shown);
            var way = villager.Page.Locator(".proof-link a");
            var address = await way.GetAttributeAsync("href");
            Assert.Equal(QrCode.Of(address!), await villager.Page.Locator(".proof-link img").GetAttributeAsync("src"));
            await ShootAsync(villager.Page.Locator(".proof-link"), $"proof-{name}-way");
            var page = await villager.Page.Locator("main").InnerTextAsync();
            await way.ClickAsync();
            var cards = villager.Page.Locator("#verdicts > section.proof");
            await Assertions.Expect(cards.First).ToHaveAttributeAsync("data-verdict", "good");
            for (var i = 0; i < await cards.CountAsync(); i++)
            {
                await Assertions.Expect(cards.Nth(i)).ToHaveAttributeAsync("data-verdict", "good");
                // What was proven is what the page before it said.
                var said = await cards.Nth(i).Locator("> dl.facts").InnerTextAsync();
                var amount = System.Text.RegularExpressions.Regex.Match(said, @"[\d,]+\.\d\d").Value;
                Assert.Contains(amount, page, StringComparison.Ordinal);
                // Its days as well, each by the same name.
                var days = System.Text.RegularExpressions.Regex.Matches(
                    said,
                    @"(入账日期|业务日期|记录时间)\s+([-0-9]{10}( [0-9:]{5})?)"
                );
                Assert.True(days.Count >= 2, said);
                if (name == "line")
                    Assert.All(
                        days,
                        d => Assert.Contains($"{d.Groups[1]} {d.Groups[2]}", page, StringComparison.Ordinal)
                    );
            }
            await ShootAsync(villager.Page.Locator("main"), $"proof-{name}");
        }
    }
}

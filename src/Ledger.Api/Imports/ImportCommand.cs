using System.Globalization;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using CsvHelper;
using Ledger.Api.Commands;
using Ledger.Api.Operation;
using Ledger.Domain;

namespace Ledger.Api.Imports;

/// <summary>
/// <c>import --file contributions.csv --year 2026 --to https://ledger.example</c>: a tax office's contribution records (C4) of a whole city, as many as
/// there are, from a .csv that need not fit into memory. It goes through the API like everybody, a few thousand rows at a time, each time one command
/// under a key that follows from the rows: whoever breaks off starts it again, and nothing is imported twice. Sound rows are imported; the others
/// are listed with row, column and reason in a file beside.
/// </summary>
public static class ImportCommand
{
    private const int Attempts = 6;

    /// <returns>0; 1 when rows were left out, or when it could not go on: the message says what to do.</returns>
    public static async Task<int> RunAsync(IConfiguration arguments, TextWriter said, HttpClient? client = null)
    {
        var token = Environment.GetEnvironmentVariable("LEDGER_TOKEN") ?? arguments["token"];
        if (
            arguments["file"] is not { } path
            || arguments["to"] is not { } to
            || token is null
            || !int.TryParse(arguments["year"], out var year)
            || !int.TryParse(arguments["rows"] ?? "5000", out var most)
            || most < 1
            || most > Sheets.Contributions.MaxRows
        )
        {
            throw CommandLine.Misuse("import");
        }
        if (!Uri.TryCreate(to, UriKind.Absolute, out var address) || address.Scheme is not ("http" or "https"))
            throw CommandLine.Misuse("import", $"--to 不是网址：{to}");
        if (!File.Exists(path))
        {
            await said.WriteLineAsync($"没有文件 {path}");
            return 1;
        }
        if (await EncodingAsync(path) is not { } encoding)
        {
            await said.WriteLineAsync($"{path} 的编码不是 UTF-8 或 GB18030");
            return 1;
        }
        using var own = client is null
            ? new HttpClient { BaseAddress = address, Timeout = TimeSpan.FromMinutes(10) }
            : null;
        var http = client ?? own!;
        var watch = System.Diagnostics.Stopwatch.StartNew();
        var (rows, imported, unchanged, left) = (0L, 0L, 0L, 0L);
        var faultsPath = $"{path}.faults.csv";
        File.Delete(faultsPath);
        var length = Math.Max(1, new FileInfo(path).Length);
        await foreach (var batch in BatchesAsync(path, encoding, most))
        {
            using var answer = await SendAsync(http, token, year, batch);
            var text = await answer.Content.ReadAsStringAsync();
            if (!answer.IsSuccessStatusCode)
            {
                await said.WriteLineAsync(
                    $"\n第 {batch.FirstRow} 行起的一批被拒绝（{(int)answer.StatusCode}）：{text}\n此前 {imported} 行已导入；改正后用同一命令再来一次，已导入的不会重复。"
                );
                return 1;
            }
            var view = JsonSerializer.Deserialize<JsonElement>(text);
            (rows, imported, unchanged, left) = (
                rows + view.GetProperty("rows").GetInt64(),
                imported + view.GetProperty("imported").GetInt64(),
                unchanged + view.GetProperty("unchanged").GetInt64(),
                left + view.GetProperty("skipped").GetInt64()
            );
            await ListAsync(faultsPath, batch, view.GetProperty("faults"));
            await said.WriteAsync(
                $"\r{Math.Min(100, batch.Position * 100 / length)}%  {rows:N0} 行，每秒 {rows / watch.Elapsed.TotalSeconds:N0} 行，有误 {left:N0} 行   "
            );
        }
        await said.WriteLineAsync(
            $"\n完成：{rows} 行，导入 {imported}，早已有 {unchanged}，有误未导入 {left}{(left > 0 ? $"，见 {faultsPath}" : "")}"
        );
        return left == 0 ? 0 : 1;
    }

    /// <param name="FirstRow">The number in the file of the first row below the heading.</param>
    /// <param name="Position">How many bytes of the file it ends at, nearly.</param>
    private sealed record Batch(byte[] Csv, long FirstRow, long Position);

    private static async IAsyncEnumerable<Batch> BatchesAsync(string path, Encoding encoding, int most)
    {
        using var reader = new StreamReader(path, encoding);
        using var parser = Table.CsvParser(reader);
        if (!await parser.ReadAsync())
            yield break;
        var heading = parser.RawRecord;
        var text = new StringBuilder(heading);
        var (count, first, row) = (0, 2L, 1L);
        while (await parser.ReadAsync())
        {
            row++;
            text.Append(parser.RawRecord);
            if (++count < most)
                continue;
            yield return new Batch(Encoding.UTF8.GetBytes(text.ToString()), first, reader.BaseStream.Position);
            (count, first) = (0, row + 1);
            text.Clear().Append(heading);
        }
        if (count > 0)
            yield return new Batch(Encoding.UTF8.GetBytes(text.ToString()), first, reader.BaseStream.Position);
    }

    /// <summary>The first encoding that all of the file is in; null when it is in none.</summary>
    private static async Task<Encoding?> EncodingAsync(string path)
    {
        var block = new char[65_536];
        foreach (var encoding in Table.Encodings)
        {
            using var reader = new StreamReader(path, encoding);
            try
            {
                while (await reader.ReadBlockAsync(block) > 0) { }
                return encoding;
            }
            catch (DecoderFallbackException)
            {
                // Not this encoding; the next one, or none.
            }
        }
        return null;
    }

    private static async Task<HttpResponseMessage> SendAsync(HttpClient http, string token, int year, Batch batch)
    {
        var key = $"import-{year}-{Convert.ToHexStringLower(SHA256.HashData(batch.Csv))[..32]}";
        for (var attempt = 1; ; attempt++)
        {
            using var request = new HttpRequestMessage(
                HttpMethod.Post,
                $"/api/contributions/import?year={year}&partial=true"
            )
            {
                Content = new MultipartFormDataContent { { new ByteArrayContent(batch.Csv), "file", "rows.csv" } },
                Headers = { Authorization = new AuthenticationHeaderValue("Bearer", token) },
            };
            request.Headers.Add(IdempotencyKey.Header, key);
            try
            {
                var answer = await http.SendAsync(request);
                if ((int)answer.StatusCode < 500 || attempt == Attempts)
                    return answer;
                answer.Dispose();
            }
            catch (HttpRequestException) when (attempt < Attempts)
            {
                // No answer: again, with the same key.
            }
            await Task.Delay(TimeSpan.FromMilliseconds(200 << attempt));
        }
    }

    private static async Task ListAsync(string path, Batch batch, JsonElement faults)
    {
        if (faults.GetArrayLength() == 0)
            return;
        var isNew = !File.Exists(path);
        await using var file = new StreamWriter(
            path,
            append: true,
            new UTF8Encoding(encoderShouldEmitUTF8Identifier: isNew)
        ); // with a mark: Excel shall see that it is UTF-8
        await using var csv = new CsvWriter(file, CultureInfo.InvariantCulture);
        if (isNew)
            foreach (var heading in (string[])["行", "列", "原因"])
                csv.WriteField(heading);
        if (isNew)
            await csv.NextRecordAsync();
        foreach (var fault in faults.EnumerateArray())
        {
            csv.WriteField(batch.FirstRow - 2 + fault.GetProperty("row").GetInt64()); // row 2 of the batch is its first
            csv.WriteField(fault.GetProperty("column").GetString());
            csv.WriteField(fault.GetProperty("message").GetString());
            await csv.NextRecordAsync();
        }
    }
}

using System.CommandLine;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using CsvHelper;
using Ledger.Api.Commands;
using Ledger.Api.Imports;
using Ledger.Client;
using Ledger.Client.Models;
using Ledger.Domain;
using Microsoft.Kiota.Abstractions;
using Microsoft.Kiota.Http.HttpClientLibrary;

namespace Ledger.Api.CommandLine;

/// <summary>
/// <c>import --file contributions.csv --year 2026 --to https://ledger.example</c>: a tax office's contribution records
/// (C4) of a whole city, as many as there are, from a .csv that need not fit into memory. It goes through the API like
/// everybody, a few thousand rows at a time, each time one command under a key that follows from the rows: whoever
/// breaks off starts it again, and nothing is imported twice. Sound rows are imported; the others are listed with row,
/// column and reason in a file beside.
/// </summary>
public static class ImportCommand
{
    private const int Attempts = 6;

    /// <param name="Token">Of a tax office.</param>
    /// <param name="Rows">So many a command.</param>
    /// <param name="OneNumber">Why one tax reference is several people's; null: those rows are left out.</param>
    public sealed record Sending(
        string File,
        Uri To,
        int Year,
        string Token,
        int Rows = 5_000,
        string? OneNumber = null
    );

    public static System.CommandLine.Command Of()
    {
        var file = Call.Text("--file", "缴费.csv", "缴费记录 · the records", required: true);
        var year = new Option<int>("--year")
        {
            HelpName = "年度",
            Description = "缴费年度 · year",
            Required = true,
        };
        var to = Call.Text("--to", "网址", "产品的网址 · the product's address", required: true);
        var rows = new Option<int>("--rows")
        {
            HelpName = "每批行数",
            Description = "每次发送的行数 · rows a command",
            DefaultValueFactory = _ => 5_000,
        };
        rows.Validators.Add(given =>
        {
            if (given.GetValueOrDefault<int>() is < 1 || given.GetValueOrDefault<int>() > Sheets.Contributions.MaxRows)
                given.AddError($"--rows 应为 1 至 {Sheets.Contributions.MaxRows}");
        });
        var confirmed = Call.Text(
            "--confirm-duplicate",
            "理由",
            "一个凭证号用于几人的理由 · why one reference is several people's"
        );
        var token = Call.Text("--token", "令牌", "令牌，最好放在 LEDGER_TOKEN · better in LEDGER_TOKEN");
        token.Hidden = true;
        var command = new System.CommandLine.Command(
            "import",
            "导入缴费记录（令牌在 LEDGER_TOKEN） · send a tax office's records (token in LEDGER_TOKEN)"
        )
        {
            file,
            year,
            to,
            rows,
            confirmed,
            token,
        };
        command.SetAction(
            (call, _) =>
            {
                if (
                    !Uri.TryCreate(call.GetRequiredValue(to), UriKind.Absolute, out var address)
                    || address.Scheme is not ("http" or "https")
                )
                    throw Call.Misuse(command, $"--to 不是网址：{call.GetRequiredValue(to)}");
                if ((Environment.GetEnvironmentVariable("LEDGER_TOKEN") ?? call.GetValue(token)) is not { } secret)
                    throw Call.Misuse(command, "令牌不在 LEDGER_TOKEN 中。No token in LEDGER_TOKEN.");
                return RunAsync(
                    new Sending(
                        call.GetRequiredValue(file),
                        address,
                        call.GetValue(year),
                        secret,
                        call.GetValue(rows),
                        call.GetValue(confirmed)
                    ),
                    Console.Error
                );
            }
        );
        return command;
    }

    /// <returns>0; 1 when rows were left out, or when it could not go on: the message says what to do.</returns>
    public static async Task<int> RunAsync(Sending sending, TextWriter said, HttpClient? client = null)
    {
        try
        {
            return await SendAllAsync(sending, said, client);
        }
        catch (RefusedException e)
        {
            await said.WriteLineAsync($"\n{e.Rejection.Detail}");
            return 1;
        }
    }

    private static async Task<int> SendAllAsync(Sending sending, TextWriter said, HttpClient? client)
    {
        var (path, address, year, token, most, confirmed) = sending;
        if (!File.Exists(path))
        {
            await said.WriteLineAsync($"没有文件 {path}");
            return 1;
        }
        if (await CsvBatches.EncodingAsync(Open, Sheets.Contributions) is not { } encoding)
        {
            await said.WriteLineAsync($"{path} 的编码不是 UTF-8 或 GB18030，也不是 UTF-16，或混有几种");
            return 1;
        }
        using var own = client is null
            ? new HttpClient { BaseAddress = address, Timeout = TimeSpan.FromMinutes(10) }
            : null;
        using var adapter = new HttpClientRequestAdapter(new Bearer(() => token), httpClient: client ?? own)
        {
            BaseUrl = address.ToString().TrimEnd('/'),
        };
        var api = new LedgerClient(adapter);
        var watch = System.Diagnostics.Stopwatch.StartNew();
        var (rows, imported, unchanged, left) = (0L, 0L, 0L, 0L);
        var faultsPath = $"{path}.faults.csv";
        var notesPath = $"{path}.notes.csv";
        File.Delete(faultsPath);
        File.Delete(notesPath);
        var length = Math.Max(1, new FileInfo(path).Length);
        var told = new HashSet<string>();
        var longest = Sheets.Contributions.MaxRows - CsvBatches.FooterRows;
        foreach (var batch in CsvBatches.Of(Open, encoding, Math.Min(most, longest), Sheets.Contributions))
        {
            ImportView view;
            try
            {
                view = await SendAsync(api, adapter, year, batch, confirmed);
            }
            catch (ApiException e)
            {
                await said.WriteLineAsync(
                    $"\n第 {batch.FirstRow} 行起的一批被拒绝（{e.ResponseStatusCode}）：{Why(e)}\n"
                        + $"此前 {imported} 行已导入；改正后用同一命令再来一次，已导入的不会重复。"
                );
                return 1;
            }
            (rows, imported, unchanged, left) = (
                rows + view.Rows!.Value,
                imported + view.Imported!.Value,
                unchanged + view.Unchanged!.Value,
                left + view.Skipped!.Value
            );
            await ListAsync(faultsPath, batch, view.Faults!.Select(f => (f.Row, f.Column, f.Message)), "原因");
            var notes = view.Notes!.Where(n => n.Row is not null || told.Add($"{n.Column} {n.Message}"));
            await ListAsync(notesPath, batch, notes.Select(n => (n.Row, n.Column, n.Message)), "说明");
            await said.WriteAsync(
                $"\r{Math.Min(100, batch.Position * 100 / length)}%  {rows:N0} 行，"
                    + $"每秒 {rows / watch.Elapsed.TotalSeconds:N0} 行，有误 {left:N0} 行   "
            );
        }
        await said.WriteLineAsync(
            $"\n完成：{rows} 行，导入 {imported}，早已有 {unchanged}，"
                + $"有误未导入 {left}{(left > 0 ? $"，见 {faultsPath}" : "")}"
                + $"{(File.Exists(notesPath) ? $"；没有读取的、已代为改正的见 {notesPath}" : "")}"
        );
        return left == 0 ? 0 : 1;

        Stream Open() => File.OpenRead(path);
    }

    private static string Why(ApiException e) =>
        e is Ledger.Client.Models.Problem p ? $"{p.Title}：{p.Detail}（{p.Code}）。{p.Mend}" : e.Message;

    /// <exception cref="ApiException">Refused, or failed again and again.</exception>
    private static async Task<ImportView> SendAsync(
        LedgerClient api,
        IRequestAdapter adapter,
        int year,
        CsvBatches.Batch batch,
        string? confirmed
    )
    {
        // With an answer to what was asked about it is another command than without.
        var content = confirmed is null ? batch.Csv : [.. batch.Csv, .. Encoding.UTF8.GetBytes(confirmed)];
        var key = $"import-{year}-{Convert.ToHexStringLower(SHA256.HashData(content))[..32]}";
        for (var attempt = 1; ; attempt++)
        {
            var request = api
                .Api.Contributions.Import.ToPostRequestInformation(
                    new ContributionsBody(),
                    given =>
                    {
                        given.QueryParameters.Year = year;
                        given.QueryParameters.Partial = true;
                        given.QueryParameters.ConfirmDuplicate = confirmed;
                        given.Headers.Add(IdempotencyKey.Header, key);
                    }
                )
                .WithFile(adapter, "file", batch.Csv, "rows.csv");
            try
            {
                return (await adapter.SendAsync(request, ImportView.CreateFromDiscriminatorValue, FileCalls.Errors))!;
            }
            catch (ApiException e) when (e.ResponseStatusCode >= 500 && attempt < Attempts)
            {
                // Not done; again, with the same key.
            }
            catch (HttpRequestException) when (attempt < Attempts)
            {
                // No answer: again, with the same key.
            }
            await Task.Delay(TimeSpan.FromMilliseconds(200 << attempt));
        }
    }

    private static async Task ListAsync(
        string path,
        CsvBatches.Batch batch,
        IEnumerable<(int? Row, string? Column, string? Message)> entries,
        string what
    )
    {
        var all = entries.ToList();
        if (all.Count == 0)
            return;
        var isNew = !File.Exists(path);
        await using var file = new StreamWriter(
            path,
            append: true,
            new UTF8Encoding(encoderShouldEmitUTF8Identifier: isNew)
        ); // with a mark: Excel shall see that it is UTF-8
        await using var csv = new CsvWriter(file, CultureInfo.InvariantCulture);
        if (isNew)
            foreach (var heading in (string[])["行", "列", what])
                csv.WriteField(heading);
        if (isNew)
            await csv.NextRecordAsync();
        foreach (var (row, column, message) in all)
        {
            csv.WriteField(row is { } r ? $"{batch.InFile(r)}" : "");
            csv.WriteField(column ?? "");
            csv.WriteField(message);
            await csv.NextRecordAsync();
        }
    }
}

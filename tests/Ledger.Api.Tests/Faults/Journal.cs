using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.RegularExpressions;
using Ledger.Api.Commands;

namespace Ledger.Api.Tests.Faults;

/// <param name="Kind"><c>lost</c>, <c>twice</c>, <c>half</c>, <c>projection</c>, <c>log</c>, <c>answer</c>.</param>
public sealed record Violation(string Kind, string What);

/// <summary>
/// A command as its client knows it. <paramref name="Status"/>: null when the client gave up before any answer.
/// </summary>
public sealed record Sent(
    string Actor,
    string Key,
    string Method,
    string Path,
    string? Request,
    int? Status,
    byte[] Answer
)
{
    public bool IsDone => Status is >= 200 and < 300;
}

/// <summary>What the clients of one run asked for and were told.</summary>
public sealed class Journal
{
    private readonly ConcurrentQueue<DateTime> _done = [];
    private int _answered,
        _resent,
        _repeated;

    /// <summary>How long a client sends the same again.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(120);

    public ConcurrentBag<Sent> Commands { get; } = [];
    public ConcurrentBag<Violation> Violations { get; } = [];
    public int Answered => _answered;
    public int Done => _done.Count;

    /// <summary>Requests sent again because no answer came, or an error of the server's.</summary>
    public int Resent => _resent;

    /// <summary>Requests sent again although they had their answer.</summary>
    public int Repeated => _repeated;

    public void Add(Sent command)
    {
        Commands.Add(command);
        if (command.IsDone)
            _done.Enqueue(DateTime.UtcNow);
        if (command.Status is not null)
            Interlocked.Increment(ref _answered);
    }

    /// <summary>The longest time from one command that was done to the next, in this span of time.</summary>
    public TimeSpan LongestPause(DateTime from, DateTime until)
    {
        DateTime[] done = [from, .. _done.Where(d => d > from && d <= until).Order()];
        return done.Zip(done.Skip(1), (one, next) => next - one).DefaultIfEmpty().Max();
    }

    public void CountResent() => Interlocked.Increment(ref _resent);

    public void CountRepeated() => Interlocked.Increment(ref _repeated);
}

/// <summary>
/// How a careful client sends: to either node; again, with the same key, for as long as it gets no answer; sometimes
/// once more although it has one, which must then be the same; and, where it may, sometimes not again: then nobody
/// knows what became of the command.
/// </summary>
/// <param name="token">Who sends late signs in anew.</param>
public sealed partial class CarefulClient(
    HttpMessageInvoker wire,
    Func<int, Uri?> node,
    string actor,
    Func<string> token,
    Journal journal,
    int seed,
    bool givesUp
) : HttpMessageHandler
{
    private readonly Random _random = new(seed);

    protected override async Task<HttpResponseMessage> SendAsync(
        HttpRequestMessage request,
        CancellationToken cancellationToken
    )
    {
        var body = request.Content is null ? null : await request.Content.ReadAsByteArrayAsync(cancellationToken);
        var key = request.Headers.TryGetValues(IdempotencyKey.Header, out var keys) ? keys.Single() : null;
        var sent = new Sent(
            actor,
            key ?? "",
            request.Method.Method,
            request.RequestUri!.PathAndQuery,
            request.Content?.Headers.ContentType?.MediaType == "application/json"
                ? Encoding.UTF8.GetString(body!)
                : null,
            null,
            []
        );
        for (var (deadline, attempt) = (DateTime.UtcNow + journal.Patience, 0); ; attempt++)
        {
            if (await OnceAsync(request, body) is { } answer)
            {
                if (key is null)
                    return Response(answer);
                journal.Add(sent with { Status = answer.Status, Answer = answer.Body });
                // Who is not let in is not remembered.
                if (_random.Next(10) == 0 && answer.Status is not (400 or 403))
                    await RepeatAsync(request, body, answer, deadline);
                return Response(answer);
            }
            if (givesUp && key is not null && _random.Next(4) == 0)
            {
                journal.Add(sent);
                return new HttpResponseMessage(HttpStatusCode.ServiceUnavailable) { Content = new StringContent("{}") };
            }
            if (DateTime.UtcNow > deadline)
            {
                journal.Violations.Add(
                    new Violation(
                        "answer",
                        $"{request.Method} {sent.Path}: none within {journal.Patience.TotalSeconds} s "
                            + $"and {attempt} attempts"
                    )
                );
                throw new InvalidOperationException($"{request.Method} {sent.Path}: no answer");
            }
            journal.CountResent();
            await Task.Delay(_random.Next(30, 300), cancellationToken);
        }
    }

    private async Task RepeatAsync(HttpRequestMessage request, byte[]? body, Answer first, DateTime deadline)
    {
        journal.CountRepeated();
        while (DateTime.UtcNow < deadline)
        {
            if (await OnceAsync(request, body) is not { } again)
            {
                await Task.Delay(100);
                continue;
            }
            if (again.ToString() != first.ToString())
                journal.Violations.Add(
                    new Violation(
                        "answer",
                        $"{request.Method} {request.RequestUri!.PathAndQuery}: {first} first, then {again}"
                    )
                );
            return;
        }
    }

    /// <summary>
    /// Null: no answer, or one that says that the server failed; the command may have been carried out or not.
    /// </summary>
    private async Task<Answer?> OnceAsync(HttpRequestMessage request, byte[]? body)
    {
        var first = _random.Next(2);
        if ((node(first) ?? node(1 - first)) is not { } address)
            return null;
        using var copy = new HttpRequestMessage(request.Method, new Uri(address, request.RequestUri!.PathAndQuery));
        copy.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token());
        foreach (var header in request.Headers.Where(h => h.Key != "Authorization"))
            copy.Headers.TryAddWithoutValidation(header.Key, header.Value);
        if (body is not null)
        {
            copy.Content = new ByteArrayContent(body);
            foreach (var header in request.Content!.Headers)
                copy.Content.Headers.TryAddWithoutValidation(header.Key, header.Value);
        }
        using var patience = new CancellationTokenSource(_random.Next(800, 6_000));
        try
        {
            using var response = await wire.SendAsync(copy, patience.Token);
            var bytes = await response.Content.ReadAsByteArrayAsync(patience.Token);
            // 401: what lay at a frozen node while days went by; it signs in again.
            return (int)response.StatusCode is >= 500 or 401
                ? null
                : new Answer((int)response.StatusCode, response.Content.Headers.ContentType?.MediaType ?? "", bytes);
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException or IOException)
        {
            return null;
        }
    }

    private static HttpResponseMessage Response(Answer answer) =>
        new((HttpStatusCode)answer.Status)
        {
            Content = new ByteArrayContent(answer.Body)
            {
                Headers = { ContentType = answer.MediaType.Length > 0 ? new(answer.MediaType) : null },
            },
        };

    [GeneratedRegex("\"traceId\":\"[0-9a-f]+\"")]
    private static partial Regex TraceId();

    private sealed record Answer(int Status, string MediaType, byte[] Body)
    {
        // What was refused before it was a command, such as an amount that is none, is not kept: each answer has its
        // own trace.
        public override string ToString() => $"{Status} {TraceId().Replace(Encoding.UTF8.GetString(Body), "")}";
    }
}

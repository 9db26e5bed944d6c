using System.Net;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Api.Tests;
using Npgsql;

namespace Ledger.Bench;

/// <summary>
/// Two nodes of an earlier build become two of this one, and back again, one node at a time, as docs/operations.md
/// says, while postings and reading go on through whichever node answers: what was answered is there once, and the read
/// models are what the events say.
/// </summary>
public static class Upgrade
{
    private const int Funds = 50,
        Clients = 8,
        Readers = 2;
    private static readonly TimeSpan Together = TimeSpan.FromSeconds(10);

    /// <param name="earlier">The earlier build's Ledger.Api.dll.</param>
    public static async Task RunAsync(PrivateCluster cluster, string folder, string earlier, Report report)
    {
        var ledger = await BenchDatabase.NewAsync(cluster, folder, "upgrade");
        var current = ApiProcess.Build;
        await using var database = NpgsqlDataSource.Create(ledger.ConnectionString);
        var nodes = new ApiProcess[2];
        for (var i = 0; i < nodes.Length; i++)
            nodes[i] = await ApiProcess.StartOfAsync(earlier, ledger.Settings);
        var running = new List<Uri>(nodes.Select(n => n.Http.BaseAddress!));
        var balancer = new Balancer(() =>
        {
            lock (running)
                return running[Random.Shared.Next(running.Count)];
        });
        using var http = new HttpClient(balancer)
        {
            BaseAddress = new Uri("http://nodes"),
            Timeout = TimeSpan.FromMinutes(2),
        };
        try
        {
            var offices = await ledger.OpenAsync(http);
            var postings = await Postings.SetUpAsync(http, ledger.Tokens, offices, Funds);
            var reading = postings.Reading(offices);
            var before = await AllocationsAsync(database);

            using var stop = new CancellationTokenSource();
            var working = Task.WhenAll(
                Rate.UntilAsync(Clients, stop.Token, random => postings.OnceAsync(random)),
                Rate.UntilAsync(Readers, stop.Token, reading)
            );
            foreach (var build in new[] { current, earlier, current })
                for (var i = 0; i < nodes.Length; i++)
                {
                    await Task.Delay(Together);
                    // A balancer that asks /health/ready takes the node out before it stops; what it is working on it
                    // finishes.
                    lock (running)
                        running.Remove(nodes[i].Http.BaseAddress!);
                    if (await nodes[i].StopAsync() is not 0 and var exit)
                        throw new InvalidOperationException($"A node ended with {exit}: {nodes[i].Output}");
                    await nodes[i].DisposeAsync();
                    nodes[i] = await ApiProcess.StartOfAsync(build, ledger.Settings);
                    while (!(await nodes[i].Http.GetAsync("/health/ready")).IsSuccessStatusCode)
                        await Task.Delay(100);
                    lock (running)
                        running.Add(nodes[i].Http.BaseAddress!);
                    Console.WriteLine($"node {i + 1} is of the {(build == current ? "present" : "earlier")} build");
                }
            await Task.Delay(Together);
            await stop.CancelAsync();
            var rates = await working;

            report.Add("upgrade", "postings answered", rates[0].Milliseconds.Count, "");
            report.Add(
                "upgrade",
                "lost (below 0) or double (above)",
                await AllocationsAsync(database) - before - rates[0].Milliseconds.Count,
                ""
            );
            report.Add("upgrade", "requests sent again, under the same key", balancer.Again, "");
            report.Add("upgrade", "a posting, p99", rates[0].P99, "ms");
            report.Add("upgrade", "a posting, slowest", rates[0].Milliseconds[^1], "ms");
            report.Add("upgrade", "a reading, slowest", rates[1].Milliseconds[^1], "ms");
        }
        finally
        {
            foreach (var node in nodes)
                await node.DisposeAsync();
        }
        var (found, output) = await ApiProcess.RunAsync(ledger.Settings, "check");
        Console.WriteLine(output.TrimEnd());
        report.Add("upgrade", "exit code of the check afterwards", found, "");
    }

    private static async Task<long> AllocationsAsync(NpgsqlDataSource database)
    {
        await using var connection = await database.OpenConnectionAsync();
        return (
            await connection.QueryAsync(
                "select count(*) from ledger.mt_events where type = 'funds_allocated'",
                r => r.GetInt64(0)
            )
        ).Single();
    }

    /// <summary>
    /// What a load balancer with retries does: to a node that runs; if that does not answer, or only that it is busy,
    /// to another.
    /// </summary>
    private sealed class Balancer(Func<Uri> node) : DelegatingHandler(new SocketsHttpHandler())
    {
        private const int Tries = 50;
        private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);
        private int _again;

        public int Again => _again;

        protected override async Task<HttpResponseMessage> SendAsync(
            HttpRequestMessage request,
            CancellationToken cancellationToken
        )
        {
            var path = request.RequestUri!.PathAndQuery;
            for (var tries = 1; ; tries++)
            {
                request.RequestUri = new Uri(node(), path);
                try
                {
                    var response = await base.SendAsync(request, cancellationToken);
                    if (response.StatusCode != HttpStatusCode.ServiceUnavailable || tries == Tries)
                        return response;
                    response.Dispose();
                }
                catch (HttpRequestException) when (tries < Tries)
                {
                    // counted below: a node that has just gone
                }
                Interlocked.Increment(ref _again);
                await Task.Delay(Pause, cancellationToken);
            }
        }
    }
}

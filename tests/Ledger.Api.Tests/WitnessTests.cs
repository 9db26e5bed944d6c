using System.Net;
using Ledger.Api.Log;
using Ledger.Api.Storage;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Ledger.Api.Tests;

/// <summary>What a node makes of a witness that knows more than it brings.</summary>
public sealed class WitnessTests(Databases databases) : IClassFixture<Databases>
{
    /// <summary>The witness's side: each answer is made when the question has come.</summary>
    private sealed class Answers(params Func<Task<HttpResponseMessage>>[] answers) : HttpMessageHandler
    {
        public List<string> Asked { get; } = [];

        protected override async Task<HttpResponseMessage> SendAsync(
            HttpRequestMessage request,
            CancellationToken cancellationToken
        )
        {
            Asked.Add(await request.Content!.ReadAsStringAsync(cancellationToken));
            return await answers[Asked.Count - 1]();
        }
    }

    private static HttpResponseMessage Conflict(long size) =>
        new(HttpStatusCode.Conflict) { Content = new StringContent($"{size}\n") };

    private static async Task<string?> AskAsync(Product product, Answers answers)
    {
        await using var database = NpgsqlDataSource.Create(product.ConnectionString);
        using var http = new HttpClient(answers);
        return await new WitnessClient(
            http,
            database,
            LogKeys.LoadOrCreate(product.Configured, await LedgerStore.LogIdAsync(database)),
            product.Keys.FindingSeal,
            new ServerGuard(),
            NullLogger<WitnessClient>.Instance
        ).AskAsync(
            new WitnessAddress(
                new Uri("https://audit.example/"),
                NoteSigner.Create("audit.example/w1", NoteAlgorithm.Cosignature).Verifier
            ),
            CancellationToken.None
        );
    }

    private static Task<long> FoundAsync(Product product) =>
        product.ScalarAsync<long>("select count(*) from ledger.log_finding");

    /// <summary>Between this node's look and its question another node signed more, and asked first.</summary>
    [Fact]
    public async Task What_another_node_has_signed_meanwhile_is_no_finding()
    {
        await using var product = await Product.StartAsync(databases, "witness_a");
        await product.SealedAsync();
        var size = 0L;
        var answers = new Answers(
            async () =>
            {
                await product.Village.AllocateAsync(1);
                size = Checkpoint.Parse(await product.SealedAsync()).Size;
                return Conflict(size);
            },
            () => Task.FromResult(new HttpResponseMessage(HttpStatusCode.ServiceUnavailable))
        );
        Assert.Null(await AskAsync(product, answers));
        Assert.StartsWith($"old {size}\n", answers.Asked[1]);
        Assert.Equal(0, await FoundAsync(product));
    }

    [Fact]
    public async Task What_nobody_here_has_signed_is_found()
    {
        await using var product = await Product.StartAsync(databases, "witness_b");
        var size = Checkpoint.Parse(await product.SealedAsync()).Size;
        var answers = new Answers(() => Task.FromResult(Conflict(size + 1000)));
        Assert.Contains("本库没有那么长", await AskAsync(product, answers));
        Assert.Equal(1, await FoundAsync(product));
    }

    /// <summary>It says the same size once more: what it has seen of that size is another log.</summary>
    [Fact]
    public async Task Another_history_of_the_same_size_is_found()
    {
        await using var product = await Product.StartAsync(databases, "witness_c");
        var size = Checkpoint.Parse(await product.SealedAsync()).Size;
        var answers = new Answers(() => Task.FromResult(Conflict(size)), () => Task.FromResult(Conflict(size)));
        Assert.Contains("历史被改写", await AskAsync(product, answers));
        Assert.Equal(1, await FoundAsync(product));
    }
}

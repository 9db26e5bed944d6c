using Ledger.Api.Storage;
using Npgsql;

namespace Ledger.Api.Tests;

/// <summary>A statement that fails leaves no answer behind for the next one on its connection.</summary>
[Collection("api")]
public sealed class ConnectionTests(ApiFixture api)
{
    [Fact]
    public async Task After_a_batch_that_failed_the_next_command_reads_its_own_answer()
    {
        // Even where the connection string asks for automatic preparation, which is what breaks it.
        var asked = new NpgsqlConnectionStringBuilder(await api.NewDatabaseAsync("batches")) { MaxAutoPrepare = 50, AutoPrepareMinUsages = 3, MaxPoolSize = 2 }.ConnectionString;
        await using var database = NpgsqlDataSource.Create(LedgerStore.Plain(asked));
        var random = new Random(1);
        for (var round = 0; round < 400; round++)
        {
            foreach (var divisor in new[] { 1, 0, 2 })
            {
                await using var connection = await database.OpenConnectionAsync();
                await using var batch = new NpgsqlBatch(connection);
                for (var i = random.Next(1, 4); i > 0; i--)
                    batch.BatchCommands.Add(new NpgsqlBatchCommand($"select 2 / $1 where {random.Next(12)} < {random.Next(1, 13)}") { Parameters = { new() { Value = divisor } } });
                try
                {
                    await using var reader = await batch.ExecuteReaderAsync();
                    do { while (await reader.ReadAsync()) Assert.Equal(2 / divisor, reader.GetInt32(0)); } while (await reader.NextResultAsync());
                }
                catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.DivisionByZero)
                {
                    Assert.Equal(0, divisor);
                }
            }
        }
    }
}

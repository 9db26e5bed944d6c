using Npgsql;

namespace Ledger.Api.Tests;

/// <summary>How the product connects.</summary>
public sealed class ConnectionTests(Databases databases) : IClassFixture<Databases>
{
    [Fact]
    public async Task After_a_batch_that_failed_the_next_command_reads_its_own_answer()
    {
        // Even where the connection string asks for automatic preparation, which is what breaks it.
        var asked = new NpgsqlConnectionStringBuilder(await databases.NewDatabaseAsync("batches"))
        {
            MaxAutoPrepare = 50,
            AutoPrepareMinUsages = 3,
            MaxPoolSize = 2,
        }.ConnectionString;
        await using var database = NpgsqlDataSource.Create(LedgerStore.Plain(asked));
        var random = new Random(1);
        for (var round = 0; round < 400; round++)
        {
            foreach (var divisor in new[] { 1, 0, 2 })
            {
                await using var connection = await database.OpenConnectionAsync();
                await using var batch = new NpgsqlBatch(connection);
                for (var i = random.Next(1, 4); i > 0; i--)
                    batch.BatchCommands.Add(
                        new NpgsqlBatchCommand($"select 2 / $1 where {random.Next(12)} < {random.Next(1, 13)}")
                        {
                            Parameters = { new() { Value = divisor } },
                        }
                    );
                try
                {
                    await using var reader = await batch.ExecuteReaderAsync();
                    do
                    {
                        while (await reader.ReadAsync())
                            Assert.Equal(2 / divisor, reader.GetInt32(0));
                    } while (await reader.NextResultAsync());
                }
                catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.DivisionByZero)
                {
                    Assert.Equal(0, divisor);
                }
            }
        }
    }

    [Fact]
    public async Task The_connections_of_commands_stay_open_where_others_are_closed_for_standing_idle()
    {
        var database = await databases.NewDatabaseAsync("pool");
        string Asked(string name) =>
            new NpgsqlConnectionStringBuilder(database)
            {
                ApplicationName = name,
                ConnectionIdleLifetime = 1,
                ConnectionPruningInterval = 1,
            }.ConnectionString;
        Task<long> OpenAsync(string name) =>
            ApiFixture.ScalarOfAsync<long>(
                database,
                $"""
                select count(*)
                  from pg_stat_activity
                 where datname = current_database()
                   and application_name = '{name}'
                """
            );
        await using var commands = LedgerStore.CommandSource(Asked("commands"));
        await using var others = NpgsqlDataSource.Create(Asked("others"));
        foreach (var source in new[] { commands, others })
        foreach (
            var connection in await Task.WhenAll(
                Enumerable.Range(0, 5).Select(_ => source.OpenConnectionAsync().AsTask())
            )
        )
            await connection.DisposeAsync();
        await ApiFixture.EventuallyAsync(async () => await OpenAsync("others") == 0, "idle connections are closed");
        Assert.Equal(5, await OpenAsync("commands"));
    }
}

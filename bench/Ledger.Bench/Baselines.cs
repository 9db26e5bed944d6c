using JasperFx;
using JasperFx.Events;
using Ledger.Api.Storage;
using Ledger.Domain;
using Ledger.Domain.Funds;
using Marten;
using Npgsql;
using NpgsqlTypes;

namespace Ledger.Bench;

/// <summary>What others do on the same server in the same run.</summary>
public sealed class Baselines(string connectionString)
{
    private const string Headers = """
        {"role": "village-finance", "actor": "officer.370811000001", "region": "370811000001",
         "command": "allocate-funds", "effectiveDate": "2026-11-01", "idempotencyKey": "3f2c8d1e5b7a4c90"}
        """;
    private const string Columns =
        "seq_id, id, stream_id, version, data, type, timestamp, tenant_id, mt_dotnet_type, correlation_id, "
        + "causation_id, headers, is_archived";
    private static readonly string[] Slip = [new('a', 64)];

    private static FundsAllocated Event() =>
        new(
            $"allocation-{Guid.NewGuid():N}",
            SourceKind.CollectiveIncome,
            "土地流转收入",
            SubAccount.General,
            new Money(1234),
            new FenInterval(0, 1234),
            Slip
        );

    private readonly NpgsqlDataSource _database = NpgsqlDataSource.Create(
        new NpgsqlConnectionStringBuilder(connectionString)
        {
            MaxAutoPrepare = 0,
            NoResetOnClose = true,
        }.ConnectionString
    );
    private readonly string _json = System.Text.Json.JsonSerializer.Serialize(Event());

    /// <summary>A table of the event table's shape and indexes; nothing refuses or checks anything.</summary>
    public async Task SetUpAsync()
    {
        await using var connection = await _database.OpenConnectionAsync();
        await connection.ExecuteAsync($"create table raw_event (like {LedgerStore.Schema}.mt_events including all)");
        await connection.ExecuteAsync("create sequence raw_event_seq");
    }

    /// <summary>
    /// Rows per second by binary COPY of <paramref name="rows"/> rows in one transaction: the ceiling.
    /// </summary>
    public async Task<double> CopyAsync(int rows)
    {
        await using var connection = await _database.OpenConnectionAsync();
        var first = (
            await connection.QueryAsync(
                "select setval('raw_event_seq', nextval('raw_event_seq') + @n) - @n",
                r => r.GetInt64(0),
                ("n", (long)rows)
            )
        ).Single();
        var watch = System.Diagnostics.Stopwatch.StartNew();
        await using (
            var copy = await connection.BeginBinaryImportAsync($"copy raw_event ({Columns}) from stdin (format binary)")
        )
        {
            for (var i = 0; i < rows; i++)
            {
                await copy.StartRowAsync();
                await copy.WriteAsync(first + i, NpgsqlDbType.Bigint);
                await copy.WriteAsync(Guid.CreateVersion7(), NpgsqlDbType.Uuid);
                await copy.WriteAsync($"member-year-{Guid.NewGuid():N}-2026", NpgsqlDbType.Varchar);
                await copy.WriteAsync(1L, NpgsqlDbType.Bigint);
                await copy.WriteAsync(_json, NpgsqlDbType.Jsonb);
                await copy.WriteAsync("funds_allocated", NpgsqlDbType.Varchar);
                await copy.WriteAsync(DateTime.UtcNow, NpgsqlDbType.TimestampTz);
                await copy.WriteAsync("*DEFAULT*", NpgsqlDbType.Varchar);
                await copy.WriteAsync("Ledger.Domain.Funds.FundsAllocated, Ledger.Domain", NpgsqlDbType.Varchar);
                await copy.WriteAsync("correlation", NpgsqlDbType.Varchar);
                await copy.WriteAsync("causation", NpgsqlDbType.Varchar);
                await copy.WriteAsync(Headers, NpgsqlDbType.Jsonb);
                await copy.WriteAsync(false, NpgsqlDbType.Boolean);
            }
            await copy.CompleteAsync();
        }
        return rows / watch.Elapsed.TotalSeconds;
    }

    /// <summary>One prepared insert of an event and its commit, by each client on a connection of its own.</summary>
    public async Task<Rate> InsertAsync(int clients, TimeSpan time)
    {
        await using var connections = await Connections.OpenAsync(
            _database,
            clients,
            $"""
            insert into raw_event ({Columns})
            values (nextval('raw_event_seq'), $1, $2, 1, $3, 'funds_allocated', now(), '*DEFAULT*', 'x', 'correlation',
                    'causation', $4, false)
            """,
            new NpgsqlParameter { NpgsqlDbType = NpgsqlDbType.Uuid },
            new NpgsqlParameter { NpgsqlDbType = NpgsqlDbType.Varchar },
            new NpgsqlParameter { NpgsqlDbType = NpgsqlDbType.Jsonb },
            new NpgsqlParameter { NpgsqlDbType = NpgsqlDbType.Jsonb }
        );
        return await connections.RunAsync(
            time,
            (parameters, _) =>
            {
                parameters[0].Value = Guid.CreateVersion7();
                parameters[1].Value = $"stream-{Guid.NewGuid():N}";
                parameters[2].Value = _json;
                parameters[3].Value = Headers;
            }
        );
    }

    /// <summary>
    /// Marten alone: the same event appended to one of <paramref name="streams"/> streams; no rules, no state, no
    /// answers kept.
    /// </summary>
    public async Task<Rate> MartenAsync(int clients, int streams, TimeSpan time)
    {
        using var store = DocumentStore.For(options =>
        {
            options.Connection(connectionString);
            options.DatabaseSchemaName = "plain";
            options.Events.StreamIdentity = StreamIdentity.AsString;
            options.Events.AppendMode = EventAppendMode.Quick;
            options.Events.MetadataConfig.HeadersEnabled =
                options.Events.MetadataConfig.CorrelationIdEnabled =
                options.Events.MetadataConfig.CausationIdEnabled =
                    true;
            options.UseSystemTextJsonForSerialization(
                Weasel.Core.EnumStorage.AsString,
                Weasel.Core.Casing.CamelCase,
                Ledger.Store.StoredForm.Apply
            );
            options.AutoCreateSchemaObjects = AutoCreate.All;
        });
        await store.Storage.ApplyAllConfiguredChangesToDatabaseAsync();
        return await Rate.OfAsync(
            clients,
            time,
            async random =>
            {
                for (; ; )
                {
                    await using var session = store.LightweightSession();
                    session.SetHeader("actor", "officer.370811000001");
                    session.Events.Append($"fund-{random.Next(streams)}", Event());
                    try
                    {
                        await session.SaveChangesAsync();
                        return;
                    }
                    catch (Exception e)
                        when (e
                                is JasperFx.Events.EventStreamUnexpectedMaxEventIdException
                                    or Marten.Exceptions.MartenCommandException
                        )
                    {
                        // Two appended to one stream at once: the loser tries again.
                    }
                }
            }
        );
    }

    /// <summary>
    /// pgledger (github.com/pgr0ss/pgledger): transfers between random two of <paramref name="accounts"/> accounts.
    /// </summary>
    /// <param name="folder">Of its repository; installed into a schema of its own.</param>
    public async Task<Rate> PgLedgerAsync(string folder, int clients, int accounts, TimeSpan time)
    {
        var ids = new List<string>();
        await using (var connection = await _database.OpenConnectionAsync())
        {
            if (
                !(
                    await connection.QueryAsync(
                        "select to_regclass('pgledger.pgledger_accounts') is not null",
                        r => r.GetBoolean(0)
                    )
                ).Single()
            )
            {
                await connection.ExecuteAsync("create schema pgledger");
                await connection.ExecuteAsync("set search_path = pgledger, public");
                foreach (var file in PgLedger.Require(folder))
                    await connection.ExecuteAsync(await File.ReadAllTextAsync(file));
            }
            await connection.ExecuteAsync("set search_path = pgledger, public");
            for (var i = 0; i < accounts; i++)
                ids.Add(
                    (
                        await connection.QueryAsync(
                            "select id from pgledger_create_account('acct', 'CNY')",
                            r => r.GetString(0)
                        )
                    ).Single()
                );
            await connection.ExecuteAsync("reset search_path");
        }
        await using var connections = await Connections.OpenAsync(
            _database,
            clients,
            "select id from pgledger_create_transfer($1, $2, $3)",
            new NpgsqlParameter { NpgsqlDbType = NpgsqlDbType.Text },
            new NpgsqlParameter { NpgsqlDbType = NpgsqlDbType.Text },
            new NpgsqlParameter { NpgsqlDbType = NpgsqlDbType.Numeric }
        );
        var rate = await connections.RunAsync(
            time,
            (parameters, random) =>
            {
                var from = random.Next(ids.Count);
                (parameters[0].Value, parameters[1].Value, parameters[2].Value) = (
                    ids[from],
                    ids[(from + 1 + random.Next(ids.Count - 1)) % ids.Count],
                    (decimal)random.Next(1, 1_000_000)
                );
            }
        );
        return rate;
    }

    /// <summary>A connection and a prepared statement for each client.</summary>
    private sealed class Connections : IAsyncDisposable
    {
        private readonly List<(NpgsqlConnection Connection, NpgsqlCommand Command)> _all = [];

        public static async Task<Connections> OpenAsync(
            NpgsqlDataSource database,
            int clients,
            string sql,
            params NpgsqlParameter[] parameters
        )
        {
            var connections = new Connections();
            for (var i = 0; i < clients; i++)
            {
                var connection = await database.OpenConnectionAsync();
                if (sql.Contains("pgledger", StringComparison.Ordinal))
                    await connection.ExecuteAsync("set search_path = pgledger, public");
                var command = new NpgsqlCommand(sql, connection);
                foreach (var p in parameters)
                    command.Parameters.Add(p.Clone());
                await command.PrepareAsync();
                connections._all.Add((connection, command));
            }
            return connections;
        }

        public Task<Rate> RunAsync(TimeSpan time, Action<NpgsqlParameterCollection, Random> fill)
        {
            var next = -1;
            return Rate.OfAsync(
                _all.Count,
                time,
                () => _all[Interlocked.Increment(ref next)].Command,
                async (command, random) =>
                {
                    fill(command.Parameters, random);
                    await command.ExecuteNonQueryAsync();
                }
            );
        }

        public async ValueTask DisposeAsync()
        {
            foreach (var (connection, command) in _all)
            {
                await command.DisposeAsync();
                await connection.ExecuteAsync("reset search_path");
                await connection.DisposeAsync();
            }
        }
    }
}

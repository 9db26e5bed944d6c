using Ledger.Api.Storage;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace Ledger.Api.Tests;

/// <summary>
/// The database's own history: which scripts it has gone through, each once, and none of them edited since.
/// </summary>
[Collection("api and programs")]
public sealed class MigrationTests(ApiFixture api)
{
    [Fact]
    public void Every_script_says_what_it_is_for_and_what_was_tried() =>
        Assert.All(
            Migrations.Scripts,
            s =>
            {
                Assert.Matches(@"^([VR]\d{4}|R)__[a-z_]+\.sql$", s.Name);
                Assert.Contains("-- For: ", s.Text);
                Assert.Contains("\n-- Tried: ", s.Text);
            }
        );

    [Fact]
    public async Task Each_runs_once_in_order_and_an_edited_one_is_refused()
    {
        var database = await api.NewDatabaseAsync("migrated");
        var settings = new Dictionary<string, string>
        {
            ["ConnectionStrings__Ledger"] = database,
            ["Ledger__KeyFile"] = Path.Combine(Path.GetTempPath(), $"ledger-migrated-{Guid.NewGuid():N}.json"),
        };
        Task<(int Exit, string Output)> SchemaAsync() => ApiHost.RunAsync(settings, "schema");
        Assert.Equal(0, (await SchemaAsync()).Exit);
        await using var connection = new NpgsqlConnection(database);
        await connection.OpenAsync();
        Task<List<string>> AppliedAsync() =>
            connection.QueryAsync(
                $"select name from ledger.{Migrations.Table} where type = 0 and success order by id",
                r => r.GetString(0)
            );
        var numbered = Migrations.Scripts.Select(s => s.Name).Where(n => n[0] == 'V').ToList();
        Assert.Equal(numbered, await AppliedAsync());

        // Another build comes by: nothing runs a second time, and nothing of ours is dropped as unknown.
        async Task<string> FormAsync() =>
            (await connection.QueryAsync(RebuildTests.Form, r => r.GetString(0))).Single();
        var form = await FormAsync();
        await connection.ExecuteAsync("delete from ledger.schema_stamp");
        Assert.Equal(0, (await SchemaAsync()).Exit);
        Assert.Equal(form, await FormAsync());
        Assert.Equal(numbered, await AppliedAsync());

        await connection.ExecuteAsync(
            $"""
            delete from ledger.schema_stamp;
            update ledger.{Migrations.Table} set checksum = md5('x') where name = '{numbered[0]}'
            """
        );
        var (exit, said) = await SchemaAsync();
        Assert.True(exit == 1 && said.Contains(numbered[0], StringComparison.Ordinal), $"{exit}: {said}");
        Assert.DoesNotContain("   at ", said);
        File.Delete(settings["Ledger__KeyFile"]);
    }

    private const string Accounts = """
        select table_name || '.' || column_name || ' ' || data_type
               || ' ' || coalesce(character_maximum_length::text, '')
               || ' ' || is_nullable || ' ' || coalesce(column_default, '') || is_identity
          from information_schema.columns
         where table_schema = 'accounts'
        union all
        select indexdef
          from pg_indexes
         where schemaname = 'accounts'
        union all
        select conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid)
          from pg_constraint
         where connamespace = 'accounts'::regnamespace
           and contype <> 'c'
        """;

    /// <summary>
    /// A script makes the tables of sign-in; EF maps them. They say the same, or one of them is old. Bounds of times
    /// are the database's own.
    /// </summary>
    [Fact]
    public async Task The_tables_of_accounts_are_as_their_model_has_them()
    {
        await using var model = NpgsqlDataSource.Create(await api.NewDatabaseAsync("modelled"));
        var context = new AccountsContext(
            new DbContextOptionsBuilder<AccountsContext>().UseNpgsql(model).Options,
            new CredentialSeal(new KeyFile(new byte[32], new byte[32], new byte[32]))
        );
        await using (context)
        await using (var connection = await model.OpenConnectionAsync())
            await connection.ExecuteAsync(context.Database.GenerateCreateScript());
        static async Task<string> FormAsync(NpgsqlDataSource database)
        {
            await using var connection = await database.OpenConnectionAsync();
            return string.Join('\n', (await connection.QueryAsync(Accounts, r => r.GetString(0))).Order());
        }
        Assert.Equal(await FormAsync(model), await FormAsync(api.Database));
    }
}

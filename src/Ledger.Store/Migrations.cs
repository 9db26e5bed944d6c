using System.Reflection;
using EvolveDb;
using EvolveDb.Configuration;
using Npgsql;

namespace Ledger.Store;

/// <summary>
/// What the product keeps beside the tables of Marten and Wolverine, as numbered scripts in <c>Migrations/</c>: each
/// runs once, in order, in a transaction of its own, and stands in <c>ledger.migration</c> with its digest. A script
/// that was applied is never edited; a change is the next number. <c>R__</c> scripts run again with every build.
/// </summary>
public static class Migrations
{
    public const string Table = "migration";
    private const string Folder = "Ledger.Store.Migrations.";
    private static readonly Assembly Own = typeof(Migrations).Assembly;

    /// <summary>By name, in order, with their text.</summary>
    public static IReadOnlyList<(string Name, string Text)> Scripts { get; } =
    [
        .. Own.GetManifestResourceNames()
            .Where(n => n.StartsWith(Folder, StringComparison.Ordinal))
            .Order(StringComparer.Ordinal)
            .Select(n => (n[Folder.Length..], Read(n))),
    ];

    private static string Read(string resource)
    {
        using var text = new StreamReader(Own.GetManifestResourceStream(resource)!);
        return text.ReadToEnd();
    }

    /// <param name="owner">A connection of the tables' owner, who holds the lock of <see cref="LedgerSchema"/>.</param>
    /// <param name="role">The application's.</param>
    /// <exception cref="OperationException">A script that was applied says something else now, or is not
    /// here.</exception>
    public static void Apply(NpgsqlConnection owner, string role)
    {
        var evolve = new Evolve(owner)
        {
            EmbeddedResourceAssemblies = [Own],
            EmbeddedResourceFilters = [Folder],
            Schemas = [LedgerStore.Schema],
            MetadataTableSchema = LedgerStore.Schema,
            MetadataTableName = Table,
            Placeholders = new() { ["${schema}"] = LedgerStore.Schema, ["${application}"] = $"\"{role}\"" },
            TransactionMode = TransactionKind.CommitEach,
            EnableClusterMode = false,
            IsEraseDisabled = true,
        };
        try
        {
            evolve.Migrate();
        }
        catch (EvolveValidationException changed)
        {
            throw new OperationException(
                $"数据库的迁移记录与本程序不符（{changed.Message}）；请用原来的版本，或从备份恢复后升级。"
                    + "A migration that this database has gone through is another one in this program.",
                inner: changed
            );
        }
        catch (EvolveException failed)
        {
            throw new OperationException(
                $"数据库迁移没有成功，已撤销那一步（{failed.Message}）；请连同这段文字报告。"
                    + "A migration failed and was undone: report it with these words.",
                inner: failed
            );
        }
    }
}

using JasperFx.Events;
using Ledger.Domain;
using Npgsql;

namespace Ledger.Store;

/// <summary>
/// Tells an event of money or of a person that nobody wrote through the product, although it could follow: it bears no
/// mark of the product's (<see cref="EventSeal.MarkOf"/>) and no sealed state ever told of it. Nothing is worked out
/// from it, and nothing sealed, until the tables' owner has set it aside (<see cref="SetAside"/>).
/// </summary>
/// <param name="floor">Up to this number there were no marks.</param>
public sealed class Marks(EventSeal seal, long floor)
{
    public static async Task<Marks> OfAsync(NpgsqlConnection connection, string schema, EventSeal seal) =>
        new(seal, await BoundAsync(connection, schema, "marked-from"));

    /// <summary>
    /// For a day after the upgrade nodes of the build before may still write: until then nothing that can be read is
    /// set aside.
    /// </summary>
    public static async Task<bool> AreByAllAsync(NpgsqlConnection connection, string schema) =>
        DateTimeOffset.FromUnixTimeSeconds(await BoundAsync(connection, schema, "marked-since"))
        < DateTimeOffset.UtcNow;

    private static async Task<long> BoundAsync(NpgsqlConnection connection, string schema, string name) =>
        (
            await connection.QueryAsync(
                $"select value from {schema}.bound where name = @name",
                r => r.GetInt64(0),
                ("name", name)
            )
        ).Single();

    public bool IsUnmarked(IEvent e) => e.Sequence > floor && seal.IsUnmarked(e);

    /// <summary>
    /// Whether nothing shows that the product wrote it. What a node of the build before wrote beside us has no mark,
    /// but its own sealed state.
    /// </summary>
    /// <param name="document">The state beside the stream, as it lies there.</param>
    /// <param name="isOurs">Whether that is what the product wrote, of this form or an earlier one.</param>
    public async ValueTask<bool> IsDoubtfulAsync(IEvent e, Aggregate? document, Func<ValueTask<bool>> isOurs) =>
        IsUnmarked(e) && (document is null || e.Version > document.Revision || !await isOurs());

    public static string Why(IEvent e) =>
        $"{e.Named()}不是产品写入的，也没有封印的状态包含它；由表的所有者搁置（set-aside）后恢复办理";
}

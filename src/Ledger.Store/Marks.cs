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
/// <param name="asked">From here on the database takes no event without one (V0021): of a build without marks is none.
/// </param>
public sealed class Marks(EventSeal seal, long floor, long asked)
{
    public static async Task<Marks> OfAsync(NpgsqlConnection connection, string schema, EventSeal seal)
    {
        var bounds = (
            await connection.QueryAsync(
                $"select name, value from {schema}.bound",
                r => (Name: r.GetString(0), Value: r.GetInt64(1))
            )
        ).ToDictionary(b => b.Name, b => b.Value);
        return new Marks(seal, bounds["marked-from"], bounds["mark-asked-from"]);
    }

    public bool IsUnmarked(IEvent e) => e.Sequence > floor && seal.IsUnmarked(e);

    /// <summary>
    /// Whether nothing shows that the product wrote it. What a node of a build without marks wrote beside us has its
    /// own sealed state.
    /// </summary>
    /// <param name="document">The state beside the stream, as it lies there.</param>
    /// <param name="isOurs">Whether that is what the product wrote, of this form or an earlier one.</param>
    public async ValueTask<bool> IsDoubtfulAsync(IEvent e, Aggregate? document, Func<ValueTask<bool>> isOurs) =>
        IsUnmarked(e) && (IsBeyond(e, document?.Revision) || !await isOurs());

    /// <summary>No sealed state can tell of it.</summary>
    /// <param name="revision">Of the state beside the stream; null: there is none.</param>
    public bool IsBeyond(IEvent e, int? revision) => e.Sequence > asked || e.Version > (revision ?? 0);

    public static string Why(IEvent e) =>
        $"{e.Named()}不是产品写入的，也没有封印的状态包含它；由表的所有者搁置（set-aside）后恢复办理";
}

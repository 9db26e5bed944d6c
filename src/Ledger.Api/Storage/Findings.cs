using Ledger.Projections.TransparencyLog;
using Npgsql;

namespace Ledger.Api.Storage;

/// <summary>
/// Writes down that something in the database is not what the product put there. Apart from the transaction that met
/// it: it stays when that is undone, and when what was wrong is put back. Auditors see it under /api/audit/log, the
/// alarm is log-finding.
/// </summary>
public sealed class Findings(NpgsqlDataSource database, ILogger<Findings> log)
{
    /// <param name="kind">A word: state, person, evidence.</param>
    /// <param name="detail">Without personal data, and without a number that goes on growing: the same words are
    /// written once.</param>
    public async Task AddAsync(string kind, string detail)
    {
        log.LogCritical("The database was edited: {Kind} {Detail}", kind, detail);
        await using var connection = await database.OpenConnectionAsync();
        await LogStore.FindingAsync(connection, LedgerStore.Schema, kind, detail);
    }
}

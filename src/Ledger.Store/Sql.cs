using System.Globalization;
using Npgsql;
using NpgsqlTypes;

namespace Ledger.Store;

/// <summary>Plain SQL with named parameters, for the few tables that are not Marten's.</summary>
public static class Sql
{
    public static async Task<int> ExecuteAsync(
        this NpgsqlConnection connection,
        string sql,
        params (string Name, object? Value)[] parameters
    )
    {
        await using var command = connection.Command(sql, parameters);
        return await command.ExecuteNonQueryAsync();
    }

    public static async Task<List<T>> QueryAsync<T>(
        this NpgsqlConnection connection,
        string sql,
        Func<NpgsqlDataReader, T> read,
        params (string Name, object? Value)[] parameters
    )
    {
        await using var command = connection.Command(sql, parameters);
        return await RowsAsync(await command.ExecuteReaderAsync(), read);
    }

    /// <summary>
    /// As <see cref="QueryAsync{T}"/>, for a look at whole tables: however long they are, it is not given up.
    /// </summary>
    public static async Task<List<T>> ScanAsync<T>(
        this NpgsqlConnection connection,
        string sql,
        Func<NpgsqlDataReader, T> read
    )
    {
        await using var command = connection.Command(sql, []);
        command.CommandTimeout = 0;
        return await RowsAsync(await command.ExecuteReaderAsync(), read);
    }

    /// <summary>A column of rows, as the array that <c>unnest</c> takes.</summary>
    public static NpgsqlParameter Column<T, V>(this IReadOnlyCollection<T> rows, NpgsqlDbType type, Func<T, V> value) =>
        new() { NpgsqlDbType = NpgsqlDbType.Array | type, Value = rows.Select(value).ToArray() };

    public static NpgsqlParameter Texts<T>(this IReadOnlyCollection<T> rows, Func<T, string?> value) =>
        rows.Column(NpgsqlDbType.Text, value);

    public static NpgsqlParameter Longs<T>(this IReadOnlyCollection<T> rows, Func<T, long?> value) =>
        rows.Column(NpgsqlDbType.Bigint, value);

    /// <summary>
    /// A day as events and states have it, in a column of text; null: none, or what somebody wrote past the product.
    /// </summary>
    public static DateOnly? Day(this NpgsqlDataReader row, int column) =>
        row.IsDBNull(column) ? null : Day(row.GetString(column));

    /// <summary>The same, of the text.</summary>
    public static DateOnly? Day(string text) =>
        DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day)
            ? day
            : null;

    public static NpgsqlParameter Text(string value) => new() { NpgsqlDbType = NpgsqlDbType.Text, Value = value };

    /// <summary>Adds a statement whose parameters are <c>$1</c>, <c>$2</c> …</summary>
    public static void Add(this NpgsqlBatch batch, string sql, params IEnumerable<NpgsqlParameter> parameters)
    {
        var command = new NpgsqlBatchCommand(sql);
        foreach (var parameter in parameters)
            command.Parameters.Add(parameter);
        batch.BatchCommands.Add(command);
    }

    /// <summary>
    /// Rows by COPY in its binary form, in one statement: for many new rows, which cost the server a fraction of an
    /// insert's.
    /// </summary>
    /// <param name="into">The table and its columns.</param>
    /// <param name="write">A row's values in the order and of exactly the types of the columns.</param>
    public static async Task CopyAsync<T>(
        this NpgsqlConnection connection,
        string into,
        IReadOnlyCollection<T> rows,
        Action<NpgsqlBinaryImporter, T> write,
        CancellationToken cancellation = default
    )
    {
        if (rows.Count == 0)
            return;
        await using var copy = await connection.BeginBinaryImportAsync(
            $"copy {into} from stdin (format binary)",
            cancellation
        );
        foreach (var row in rows)
        {
            copy.StartRow();
            write(copy, row);
        }
        await copy.CompleteAsync(cancellation);
    }

    public static void WriteOrNull(this NpgsqlBinaryImporter copy, string? value)
    {
        if (value is null)
            copy.WriteNull();
        else
            copy.Write(value);
    }

    public static void WriteOrNull(this NpgsqlBinaryImporter copy, long? value)
    {
        if (value is { } some)
            copy.Write(some);
        else
            copy.WriteNull();
    }

    /// <summary>
    /// As <see cref="QueryAsync{T}"/>, for a statement of every command: parsed and planned once on each connection.
    /// Prepared in a round trip of its own, so that nothing else stands in the batch that could fail (LedgerStore.Plain
    /// says why).
    /// </summary>
    public static async Task<List<T>> PreparedAsync<T>(
        this NpgsqlConnection connection,
        string sql,
        Func<NpgsqlDataReader, T> read,
        params NpgsqlParameter[] parameters
    )
    {
        await using var batch = connection.CreateBatch();
        batch.Add(sql, parameters);
        await batch.PrepareAsync();
        return await RowsAsync(await batch.ExecuteReaderAsync(), read);
    }

    private static async Task<List<T>> RowsAsync<T>(NpgsqlDataReader opened, Func<NpgsqlDataReader, T> read)
    {
        await using var reader = opened;
        var rows = new List<T>();
        while (await reader.ReadAsync())
            rows.Add(read(reader));
        return rows;
    }

    private static NpgsqlCommand Command(
        this NpgsqlConnection connection,
        string sql,
        (string Name, object? Value)[] parameters
    )
    {
        var command = new NpgsqlCommand(sql, connection);
        foreach (var (name, value) in parameters)
            command.Parameters.AddWithValue(name, value ?? DBNull.Value);
        return command;
    }
}

using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Ledger.Api.Imports;
using Ledger.Domain;
using Ledger.Domain.Applications;
using Ledger.Domain.Identity;
using Npgsql;

namespace Ledger.Api.Jobs;

/// <summary>
/// Reads a job's file once and lays its rows down in parts, each of which becomes one command. Rows of one person stand
/// in one part, in the file's order: what a part says of him can be decided without the others. A text is read some
/// thousand rows at a time; of the whole file nothing is held but a number for each person and each reference.
/// </summary>
public sealed class JobCut(Job job, KeyFile keys, int groupRows, bool isConfirmed)
{
    /// <summary>As many rows as a job's file may have.</summary>
    public const int MaxRows = 200_000;

    /// <summary>So many rows of a text are read before they are laid down.</summary>
    private const int ReadRows = 5_000;

    private readonly Dictionary<ulong, int> _persons = [];
    private readonly Dictionary<ulong, (int Part, int Row)> _references = [];
    private readonly Dictionary<int, List<SheetRow>> _open = [];
    private readonly Dictionary<int, int> _numbers = [];
    private readonly List<int> _rows = [];
    private readonly List<Fault> _faults = [];
    private readonly HashSet<Note> _notes = [];

    /// <summary>In one transaction: a file is laid down whole, or it is read again.</summary>
    public async Task RunAsync(NpgsqlConnection connection, SheetForm form)
    {
        await using var transaction = await connection.BeginTransactionAsync();
        await connection.ExecuteAsync($"delete from {Job.Pieces} where job_id = @id and kind = 'rows'", ("id", job.Id));
        SheetLayout? layout = null;
        await foreach (var table in TablesAsync(connection, form))
        {
            layout ??= table.Layout;
            foreach (var row in table.Rows)
                Place(table, row);
            _notes.UnionWith(table.Notes);
            if (_rows.Sum() > MaxRows)
                throw Book.Over($"{form.Title}作为后台任务一次最多 {MaxRows} 行", "file");
            await LayDownAsync(connection);
        }
        if (layout is null)
            throw Book.Unreadable("表头下没有数据", "file");
        var result = job.Result.With(_faults, _notes);
        await connection.ExecuteAsync(
            $"""
            update {Job.Table} set layout = @layout, part_rows = @rows, result = @result
             where id = @id and part_rows is null
            """,
            ("layout", JsonSerializer.Serialize(layout, Job.Json)),
            ("rows", _rows.ToArray()),
            ("result", JsonSerializer.Serialize(result, Job.Json)),
            ("id", job.Id)
        );
        await transaction.CommitAsync();
    }

    private async IAsyncEnumerable<Table> TablesAsync(NpgsqlConnection connection, SheetForm form)
    {
        Stream Open() => new JobFile(connection, keys, job.Id);
        var head = new byte[1_024];
        await using (var start = Open())
            head = head[..await start.ReadAtLeastAsync(head, head.Length, throwOnEndOfStream: false)];
        if (Book.IsText(head) && await CsvBatches.EncodingAsync(Open, form) is { } encoding)
        {
            var most = Math.Min(ReadRows, form.MaxRows - CsvBatches.FooterRows);
            foreach (var batch in CsvBatches.Of(Open, encoding, most, form))
                yield return Table.Read(File(batch.Csv), form).Numbered(batch.InFile);
            yield break;
        }
        // A workbook is one whole, and is read as one, by turns.
        using var turn = await SheetTurns.TakeAsync(CancellationToken.None);
        var bytes = new MemoryStream();
        await using (var all = Open())
            await all.CopyToAsync(bytes);
        yield return Table.Read(File(bytes.ToArray()), form with { MaxRows = Math.Max(form.MaxRows, MaxRows) });

        static FormFile File(byte[] content) => new(new MemoryStream(content), 0, content.Length, "file", "file");
    }

    private void Place(Table table, SheetRow row)
    {
        string Own(string heading) => table.Columns.TryGetValue(heading, out var column) ? row.Own(column) : "";
        var id = Own(Roster.CitizenIdColumn);
        var citizen = CitizenId.Parse(id, out var fault);
        var person = Key(fault is null ? citizen.Value! : $"? {id.Trim()}");
        var second = table.Form.Name switch
        {
            // Namesakes of one birth date are asked about: they stand together.
            "members" when fault is null =>
                $"{PersonName.Canonical(Own(Roster.NameColumn))}\n{citizen.BirthDate:yyyyMMdd}",
            "contributions" => DocumentNumber.Canonical(DocumentNumber.Clean(Own(Sheets.Reference), out _)),
            _ => "",
        };
        var reference = second.Length > 0 ? Key(second) : 0;
        var isKnown = _references.TryGetValue(reference, out var other) && reference != 0;
        if (!_persons.TryGetValue(person, out var part))
            _persons[person] = part = isKnown ? other.Part : Newest();
        else if (isKnown && other.Part != part && table.Form.Name == "contributions" && !isConfirmed)
            _faults.Add(
                new Fault(
                    Rejections.PossibleDuplicate.Code,
                    $"与第 {other.Row} 行重复",
                    Row: row.Number,
                    Column: Sheets.Reference
                )
            );
        if (reference != 0)
            _references.TryAdd(reference, (part, row.Number));
        _rows[part]++;
        if (!_open.TryGetValue(part, out var rows))
            _open[part] = rows = [];
        rows.Add(row);
    }

    /// <summary>The part that whoever is new is put into.</summary>
    private int Newest()
    {
        if (_rows.Count == 0 || _rows[^1] >= groupRows)
            _rows.Add(0);
        return _rows.Count - 1;
    }

    private static ulong Key(string text) =>
        BitConverter.ToUInt64(SHA256.HashData(Encoding.UTF8.GetBytes(text)).AsSpan(0, 8)) | 1;

    private async Task LayDownAsync(NpgsqlConnection connection)
    {
        foreach (var (part, rows) in _open)
        {
            var number = _numbers.GetValueOrDefault(part);
            _numbers[part] = number + 1;
            await Job.PutAsync(connection, keys, (job.Id, "rows", part, number), Written(rows));
        }
        _open.Clear();
    }

    private static byte[] Written(List<SheetRow> rows)
    {
        var bytes = new MemoryStream();
        using var writer = new BinaryWriter(bytes);
        writer.Write(rows.Count);
        foreach (var row in rows)
        {
            writer.Write(row.Number);
            writer.Write(row.IsHidden);
            writer.Write(row.Fields);
            writer.Write(row.Cells.Count);
            foreach (var (column, cell) in row.Cells)
            {
                writer.Write(column);
                writer.Write(cell.Text);
                writer.Write((byte)cell.Kind);
                writer.Write(cell.Anchor);
                writer.Write(cell.Shown is not null);
                writer.Write(cell.Shown ?? "");
            }
        }
        return bytes.ToArray();
    }

    /// <summary>The rows of a part, in the file's order.</summary>
    public static List<SheetRow> Rows(NpgsqlConnection connection, KeyFile keys, string id, int part)
    {
        var rows = new List<SheetRow>();
        for (var number = 0; Job.Get(connection, keys, (id, "rows", part, number)) is { } piece; number++)
        {
            using var reader = new BinaryReader(new MemoryStream(piece));
            for (var left = reader.ReadInt32(); left > 0; left--)
            {
                var (row, isHidden, fields) = (reader.ReadInt32(), reader.ReadBoolean(), reader.ReadInt32());
                var cells = new Dictionary<int, SheetCell>();
                for (var more = reader.ReadInt32(); more > 0; more--)
                {
                    var (column, text) = (reader.ReadInt32(), reader.ReadString());
                    var (kind, anchor, isShown) = (
                        (CellKind)reader.ReadByte(),
                        reader.ReadInt32(),
                        reader.ReadBoolean()
                    );
                    var shown = reader.ReadString();
                    cells[column] = new SheetCell(text, kind, anchor, isShown ? shown : null);
                }
                rows.Add(new SheetRow(row, cells, isHidden, fields));
            }
        }
        return rows;
    }
}

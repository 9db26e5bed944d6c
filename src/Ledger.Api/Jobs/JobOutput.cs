using System.IO.Compression;
using System.Text.Json;
using Ledger.Domain;
using Npgsql;

namespace Ledger.Api.Jobs;

/// <summary>
/// What a reading is answered, laid down as it comes: compressed, encrypted, in pieces. A piece is held and no more.
/// Each attempt lays its pieces down under its own number, for as long as the job is this node's.
/// </summary>
/// <param name="status">Of the answer: what is said of a refusal or a fault is kept here and not laid down.</param>
public sealed class JobOutput(
    NpgsqlConnection connection,
    KeyFile keys,
    (string Job, int Attempt, Guid Holder) of,
    Func<int> status
) : Stream
{
    /// <summary>Whose answer is longer as it is kept asks for less, or the operator for the export command.</summary>
    public const long MaxBytes = 1L << 30;

    private const string Kind = "result";

    /// <summary>The number of the piece that says what the others are.</summary>
    private const int HeadNumber = -1;

    private const int MostSaid = 1 << 20;

    /// <summary>What is to be sent with an answer, and how much of it there has to be.</summary>
    public sealed record Head(string? MediaType, string? Disposition, long Bytes, int Pieces);

    private readonly MemoryStream _packed = new(),
        _said = new();
    private GZipStream? _zip;
    private long _kept;
    private int _pieces;

    /// <summary>Uncompressed.</summary>
    public long Bytes { get; private set; }

    /// <summary>The problem details, where it was refused or failed.</summary>
    public JsonElement Said
    {
        get
        {
            try
            {
                return JsonElement.Parse(_said.GetBuffer().AsSpan(0, (int)_said.Length));
            }
            catch (JsonException)
            {
                return JsonElement.Parse("{}"u8); // it failed without a word
            }
        }
    }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        if (status() >= StatusCodes.Status300MultipleChoices)
        {
            if (_said.Length + buffer.Length <= MostSaid)
                _said.Write(buffer);
            return;
        }
        _zip ??= new GZipStream(_packed, CompressionLevel.Fastest, leaveOpen: true);
        for (; buffer.Length > 0; buffer = buffer[Math.Min(Job.PieceBytes, buffer.Length)..])
        {
            var part = buffer[..Math.Min(Job.PieceBytes, buffer.Length)];
            _zip.Write(part);
            Bytes += part.Length;
            if (_packed.Length >= Job.PieceBytes)
                LayDown();
        }
    }

    /// <summary>All of it is there. Until the job says so, nobody is given any.</summary>
    public void Finish(string? mediaType, string? disposition)
    {
        _zip?.Dispose();
        if (_packed.Length > 0)
            LayDown();
        Put(HeadNumber, JsonSerializer.SerializeToUtf8Bytes(new Head(mediaType, disposition, Bytes, _pieces)));
    }

    private void LayDown()
    {
        Put(_pieces++, _packed.ToArray());
        _kept += _packed.Length;
        _packed.SetLength(0);
        if (_kept > MaxBytes)
            throw new RefusedException(
                new Rejection(
                    Rejections.LimitExceeded,
                    $"结果压缩后超过 {MaxBytes >> 20} MB，不能保存；请按县、乡镇或村分别导出，或请运维用 export 命令导出"
                )
            );
    }

    /// <summary>Nothing is laid down any more where another node has taken the job up.</summary>
    private void Put(int number, byte[] plain)
    {
        using var command = new NpgsqlCommand(
            $"""
            insert into {Job.Pieces} (job_id, kind, part, number, box)
            select id, $1, attempt, $2, $3
              from {Job.Table}
             where id = $4
               and holder = $5
               and attempt = $6
               and state = 'running' for share
            """,
            connection
        );
        var place = Job.Place(of.Job, Kind, of.Attempt, number);
        foreach (
            var value in (object[])
                [
                    Kind,
                    number,
                    Storage.PersonalData.Encrypt(keys.JobFileKey, plain, place),
                    of.Job,
                    of.Holder,
                    of.Attempt,
                ]
        )
            command.Parameters.Add(new NpgsqlParameter { Value = value });
        if (command.ExecuteNonQuery() == 0)
            throw new OperationCanceledException($"{of.Job} is another node's");
    }

    /// <summary>What is to be sent with the answer of a job that is done.</summary>
    /// <exception cref="RefusedException">
    /// <c>record-damaged</c>: it is not what was put there, or lacks pieces.
    /// </exception>
    public static async Task<(Head Head, Stream Content)> OpenAsync(NpgsqlConnection connection, KeyFile keys, Job job)
    {
        Head? head = null;
        try
        {
            if (Job.Get(connection, keys, (job.Id, Kind, job.Attempt, HeadNumber)) is { } plain)
                head = JsonSerializer.Deserialize<Head>(plain);
        }
        catch (System.Security.Cryptography.CryptographicException)
        {
            // As one that is not there.
        }
        var pieces = (
            await connection.QueryAsync(
                $"""
                select count(*)
                  from {Job.Pieces}
                 where job_id = @id and kind = @kind and part = @part and number >= 0
                """,
                r => r.GetInt64(0),
                ("id", job.Id),
                ("kind", Kind),
                ("part", job.Attempt)
            )
        ).Single();
        if (head is null || head.Pieces != pieces || head.Bytes != job.ResultBytes)
            throw new RefusedException(new Rejection(Rejections.RecordDamaged, "后台任务的结果不完整，请重新提交"));
        var file = new JobFile(connection, keys, job.Id, Kind, job.Attempt);
        return (head, new GZipStream(file, CompressionMode.Decompress));
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        Write(buffer.Span);
        return ValueTask.CompletedTask;
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override bool CanRead => false;
    public override bool CanSeek => false;
    public override bool CanWrite => true;
    public override long Length => throw new NotSupportedException();
    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override void Flush() { }

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _zip?.Dispose();
        base.Dispose(disposing);
    }
}

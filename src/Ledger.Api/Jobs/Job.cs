using System.Text;
using System.Text.Json;
using Ledger.Api.Imports;
using Ledger.Api.Storage;
using Ledger.Domain;
using Ledger.Domain.Identity;
using Ledger.Web.Jobs;
using Npgsql;

namespace Ledger.Api.Jobs;

/// <summary>
/// What a job has come to so far; kept with its row as JSON. It names rows and columns, and no person.
/// </summary>
public sealed record JobResult
{
    public Dictionary<string, long> Counts { get; init; } = [];
    public int FaultCount { get; init; }

    /// <summary>As the command calls a file with faults; null: none of its parts was refused.</summary>
    public string? FaultCode { get; init; }
    public IReadOnlyList<Fault> Faults { get; init; } = [];
    public IReadOnlyList<Note> Notes { get; init; } = [];
    public JobFailure? Failure { get; init; }
    public string? RowsIn { get; init; }

    /// <summary>Of the parts that are written, the rows that were left out for their faults (partial).</summary>
    public IReadOnlyList<int> RowsOut { get; init; } = [];

    /// <summary>So many of each are kept: whoever has more mends these first.</summary>
    public const int Most = 1_000;

    public JobResult With(IReadOnlyCollection<Fault> faults, IReadOnlyCollection<Note> notes) =>
        this with
        {
            FaultCount = FaultCount + faults.Count,
            Faults = [.. Faults.Concat(faults).OrderBy(f => f.Row).Take(Most)],
            Notes = [.. Notes.Union(notes).OrderBy(n => n.Row).Take(Most)],
        };
}

/// <summary>
/// A job as its row says: a command that somebody handed in to be done later. What it is to do and in whose name is
/// sealed; how far it has come is written in the transactions that bring it there.
/// </summary>
public sealed record Job(
    string Id,
    string Kind,
    Actor By,
    string Path,
    string Trace,
    string Digest,
    long Bytes,
    string Seal,
    JobState State,
    string? CancelledBy,
    SheetLayout? Layout,
    int[]? PartRows,
    int PartsChecked,
    int PartsDone,
    JobResult Result,
    DateTimeOffset CreatedAt,
    DateTimeOffset? StartedAt,
    DateTimeOffset? EndedAt
)
{
    public const string Table = $"{LedgerStore.Schema}.job",
        Pieces = $"{LedgerStore.Schema}.job_piece";

    /// <summary>GET: it reads, and what it is answered is kept to be fetched.</summary>
    public string Method { get; init; } = HttpMethods.Post;

    /// <summary>The form that was asked for, where there are several.</summary>
    public string? Accept { get; init; }
    public int Attempt { get; init; }

    /// <summary>What the reading itself counts: events, funds.</summary>
    public long StepsDone { get; init; }
    public long? StepsTotal { get; init; }

    /// <summary>Null: there is no answer to fetch.</summary>
    public long? ResultBytes { get; init; }

    /// <summary>Its answer is still there, and its time not over by the clock that all nodes share.</summary>
    public bool IsKept { get; init; }

    public bool IsReading => Method == HttpMethods.Get;

    /// <summary>How many days an answer is kept.</summary>
    public const int ResultDays = 7;

    /// <summary>So many answers of one person are kept, the newest.</summary>
    public const int ResultsKept = 20;

    /// <summary>How long one that is over stands in the list.</summary>
    public static readonly TimeSpan Life = TimeSpan.FromDays(90);

    /// <summary>As much of a file as is one row of its table.</summary>
    public const int PieceBytes = 1 << 20;

    /// <summary>Its path, and its query from the question mark on.</summary>
    public (string Path, string Query) Address =>
        Path.IndexOf('?', StringComparison.Ordinal) is >= 0 and var at ? (Path[..at], Path[at..]) : (Path, "");

    private static readonly string Columns = $"""
        id, kind, actor, role, region, on_behalf_of, path, trace, digest, bytes, seal, state, cancelled_by, layout,
               part_rows, parts_checked, parts_done, result, created_at, started_at, ended_at,
               method, accept, attempt, steps_done, steps_total, result_bytes,
               coalesce(ended_at > clock_timestamp() - make_interval(days => {ResultDays}), false)
                   and exists (
                       select from {Pieces} p where p.job_id = job.id and p.kind = 'result' and p.part = attempt)
        """;

    public static readonly JsonSerializerOptions Json = new(JsonSerializerOptions.Web)
    {
        Converters = { new ToldYuan() },
    };

    /// <summary>Amounts in faults: also nought, which no request may be.</summary>
    private sealed class ToldYuan : Commands.YuanJsonConverter
    {
        protected override Money Of(string digits, decimal yuan, out string? fault)
        {
            fault = null;
            return new Money((long)(yuan * 100));
        }
    }

    private static Job Read(NpgsqlDataReader r)
    {
        string? Text(int i) => r.IsDBNull(i) ? null : r.GetString(i);
        DateTimeOffset? Time(int i) => r.IsDBNull(i) ? null : r.GetFieldValue<DateTimeOffset>(i);
        return new Job(
            r.GetString(0),
            r.GetString(1),
            new Actor(r.GetString(2), r.GetString(3), r.GetString(4)) { OnBehalfOf = Text(5) },
            r.GetString(6),
            r.GetString(7),
            r.GetString(8),
            r.GetInt64(9),
            r.GetString(10),
            Enum.Parse<JobState>(r.GetString(11), ignoreCase: true),
            Text(12),
            Text(13) is { } layout ? JsonSerializer.Deserialize<SheetLayout>(layout, Json) : null,
            r.IsDBNull(14) ? null : r.GetFieldValue<int[]>(14),
            r.GetInt32(15),
            r.GetInt32(16),
            JsonSerializer.Deserialize<JobResult>(r.GetString(17), Json)!,
            r.GetFieldValue<DateTimeOffset>(18),
            Time(19),
            Time(20)
        )
        {
            Method = r.GetString(21),
            Accept = Text(22),
            Attempt = r.GetInt32(23),
            StepsDone = r.GetInt64(24),
            StepsTotal = r.IsDBNull(25) ? null : r.GetInt64(25),
            ResultBytes = r.IsDBNull(26) ? null : r.GetInt64(26),
            IsKept = r.GetBoolean(27),
        };
    }

    /// <summary>One that waits, sealed and still to be put down; a reading's with the form that it asks for.</summary>
    public static Job HandedIn(
        KeyFile keys,
        string id,
        string kind,
        Actor by,
        string path,
        string trace,
        string digest,
        DateTimeOffset at,
        long bytes = 0,
        bool isReading = false,
        string? accept = null
    )
    {
        var job = new Job(
            id,
            kind,
            by,
            path,
            trace,
            digest,
            bytes,
            "",
            JobState.Waiting,
            null,
            null,
            null,
            0,
            0,
            new JobResult(),
            at,
            null,
            null
        )
        {
            Method = isReading ? HttpMethods.Get : HttpMethods.Post,
            Accept = accept,
        };
        return job with { Seal = job.SealOf(keys) };
    }

    /// <param name="rest">What follows <c>from job</c>.</param>
    public static Task<List<Job>> FindAsync(
        NpgsqlConnection connection,
        string rest,
        params (string Name, object? Value)[] parameters
    ) => connection.QueryAsync($"select {Columns} from {Table} {rest}", Read, parameters);

    public static async Task<Job?> OfAsync(NpgsqlConnection connection, string id) =>
        (await FindAsync(connection, "where id = @id", ("id", id))).SingleOrDefault();

    /// <summary>What it is told to do, by whom: nobody else can have written it.</summary>
    public string SealOf(KeyFile keys) =>
        Mac.Of(
            keys.JobKey,
            JsonSerializer.SerializeToUtf8Bytes(
                (string?[])
                    [
                        Id,
                        Kind,
                        By.Id,
                        By.Role,
                        By.Region,
                        By.OnBehalfOf,
                        Path,
                        Trace,
                        Digest,
                        $"{Bytes}",
                        // A command's is sealed as it was before there were readings: some wait across the upgrade.
                        .. IsReading || Accept is not null ? (string?[])[Method, Accept] : [],
                    ]
            )
        );

    public async Task InsertAsync(NpgsqlConnection connection) =>
        await connection.ExecuteAsync(
            $"""
            insert into {Table}
                   (id, kind, actor, role, region, on_behalf_of, path, trace, digest, bytes, seal, method, accept)
            values (@id, @kind, @actor, @role, @region, @holder, @path, @trace, @digest, @bytes, @seal, @method,
                    @accept)
                on conflict (id) do nothing
            """,
            ("id", Id),
            ("kind", Kind),
            ("actor", By.Id),
            ("role", By.Role),
            ("region", By.Region),
            ("holder", By.OnBehalfOf),
            ("path", Path),
            ("trace", Trace),
            ("digest", Digest),
            ("bytes", Bytes),
            ("seal", Seal),
            ("method", Method),
            ("accept", Accept)
        );

    /// <summary>He himself handed it in, as who he is now.</summary>
    public bool IsOf(Actor actor) =>
        (By.Id, By.Role, By.Region, By.OnBehalfOf) == (actor.Id, actor.Role, actor.Region, actor.OnBehalfOf);

    /// <summary>Whoever handed it in has seen that it is over: it waits for him no longer.</summary>
    public async Task SeenAsync(NpgsqlConnection connection, Actor by)
    {
        if (EndedAt is not null && IsOf(by))
            await connection.ExecuteAsync(
                $"update {Table} set seen_at = clock_timestamp() where id = @id and seen_at is null",
                ("id", Id)
            );
    }

    public static string Place(string id, string kind, int part, int number) => $"{id} {kind} {part} {number}";

    /// <summary>Puts a piece of personal data aside, readable to the holders of the key file alone.</summary>
    public static async Task PutAsync(
        NpgsqlConnection connection,
        KeyFile keys,
        (string Id, string Kind, int Part, int Number) place,
        byte[] plain
    ) =>
        await connection.ExecuteAsync(
            $"insert into {Pieces} (job_id, kind, part, number, box) values (@id, @kind, @part, @number, @box)",
            ("id", place.Id),
            ("kind", place.Kind),
            ("part", place.Part),
            ("number", place.Number),
            ("box", PersonalData.Encrypt(keys.JobFileKey, plain, Place(place.Id, place.Kind, place.Part, place.Number)))
        );

    public static async Task PutFileAsync(NpgsqlConnection connection, KeyFile keys, string id, Stream content)
    {
        var buffer = new byte[PieceBytes];
        for (var number = 0; ; number++)
        {
            var read = await content.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false);
            if (read == 0)
                return;
            await PutAsync(connection, keys, (id, "file", 0, number), buffer[..read]);
        }
    }

    /// <summary>The piece; null: there is none.</summary>
    /// <exception cref="System.Security.Cryptography.CryptographicException">It is not what was put there.</exception>
    public static byte[]? Get(
        NpgsqlConnection connection,
        KeyFile keys,
        (string Id, string Kind, int Part, int Number) place
    )
    {
        using var command = new NpgsqlCommand(
            $"select box from {Pieces} where job_id = $1 and kind = $2 and part = $3 and number = $4",
            connection
        )
        {
            Parameters =
            {
                new() { Value = place.Id },
                new() { Value = place.Kind },
                new() { Value = place.Part },
                new() { Value = place.Number },
            },
        };
        return command.ExecuteScalar() is byte[] box
            ? PersonalData.Decrypt(keys.JobFileKey, box, Place(place.Id, place.Kind, place.Part, place.Number))
            : null;
    }

    public JobView View()
    {
        var sums = PartRows ?? [];
        return new JobView(
            Id,
            Kind,
            State,
            By.Id,
            By.Role,
            By.Region,
            Bytes,
            IsReading ? (int?)StepsTotal : PartRows?.Sum(),
            IsReading ? (int)StepsDone : sums.Take(Math.Max(PartsChecked, PartsDone)).Sum(),
            IsReading ? (int)StepsDone : sums.Take(PartsDone).Sum(),
            Result.RowsIn,
            Result.Counts,
            Result.FaultCount,
            Result.Faults,
            Result.Notes,
            Result.Failure,
            CancelledBy,
            CreatedAt,
            StartedAt,
            EndedAt,
            IsReading,
            ResultBytes,
            ResultBytes is null ? null : EndedAt?.AddDays(ResultDays)
        );
    }
}

/// <summary>A job's file, read from its first piece to its last; one piece is held at a time.</summary>
public sealed class JobFile(NpgsqlConnection connection, KeyFile keys, string id, string kind = "file", int part = 0)
    : Stream
{
    private byte[] _piece = [];
    private int _at,
        _next;

    public override int Read(Span<byte> buffer)
    {
        if (_at == _piece.Length)
            (_piece, _at, _next) = (Job.Get(connection, keys, (id, kind, part, _next)) ?? [], 0, _next + 1);
        var length = Math.Min(buffer.Length, _piece.Length - _at);
        _piece.AsSpan(_at, length).CopyTo(buffer);
        _at += length;
        return length;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override bool CanRead => true;
    public override bool CanSeek => false;
    public override bool CanWrite => false;
    public override long Length => throw new NotSupportedException();
    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override void Flush() { }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}

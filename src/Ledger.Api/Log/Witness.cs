using System.Globalization;
using System.Text;
using Ledger.Api.Operation;
using Ledger.Api.Storage;
using Ledger.TransparencyLog;

namespace Ledger.Api.Log;

/// <summary>
/// The witness's role (C2SP tlog-witness, add-checkpoint): another office runs this on a machine of its own, without a
/// database. It remembers the last checkpoint of each log it knows, cosigns what contains that, and refuses everything
/// else.
/// </summary>
public sealed class Witness(string folder, NoteSigner key, IReadOnlyList<NoteVerifier> logs, TimeProvider time)
{
    private const int MaxBytes = 64 * 1024,
        MaxProof = 63;
    private readonly SemaphoreSlim _one = new(1);

    /// <summary>
    /// <c>witness --name audit.example/w1 --folder /srv/witness --log &lt;public key of a log&gt; [--urls …]</c>; a
    /// second --log1, --log2 … for more.
    /// </summary>
    public static async Task<int> RunAsync(string[] settings)
    {
        var builder = WebApplication.CreateSlimBuilder(CommandLine.Options(settings));
        builder.WebHost.UseKestrelHttpsConfiguration();
        var (name, folder) = (builder.Configuration["name"] ?? "", builder.Configuration["folder"] ?? "");
        var logs = builder
            .Configuration.AsEnumerable()
            .Where(s =>
                s.Key.StartsWith("log", StringComparison.OrdinalIgnoreCase) && s.Value?.Count(c => c == '+') >= 2
            )
            .Select(s => NoteVerifier.Parse(s.Value!))
            .ToList();
        if (name.Length == 0 || name.Any(c => c is '+' or ' ') || folder.Length == 0)
            throw CommandLine.Misuse("witness", "--name 如 audit.example/w1；日志公钥见 /log/keys");
        var path = Path.Combine(folder, "witness.key");
        if (!File.Exists(path))
            KeyFile.WriteNew(path, Encoding.UTF8.GetBytes(NoteSigner.Create(name, NoteAlgorithm.Cosignature).Secret));
        var witness = new Witness(
            folder,
            NoteSigner.Parse(await File.ReadAllTextAsync(path)),
            logs,
            TimeProvider.System
        );
        var app = builder.Build();
        app.MapPost("/add-checkpoint", (Delegate)witness.AddAsync);
        app.MapGet("/", () => Results.Text($"{witness.Key}\n"));
        Console.WriteLine($"见证方公钥 witness key: {witness.Key}");
        await app.RunAsync();
        return 0;
    }

    public NoteVerifier Key => key.Verifier;

    private async Task<IResult> AddAsync(HttpContext http)
    {
        using var reader = new StreamReader(http.Request.Body, new UTF8Encoding(false, throwOnInvalidBytes: true));
        var buffer = new char[MaxBytes + 1];
        int length;
        try
        {
            length = await reader.ReadBlockAsync(buffer, http.RequestAborted);
        }
        catch (DecoderFallbackException)
        {
            return Results.Text("不是 UTF-8\n", statusCode: StatusCodes.Status400BadRequest);
        }
        if (length > MaxBytes)
            return Results.Text("过长\n", statusCode: StatusCodes.Status413PayloadTooLarge);
        try
        {
            var (old, proof, checkpoint) = Parse(new string(buffer, 0, length));
            await _one.WaitAsync(http.RequestAborted);
            try
            {
                return Answer(old, proof, checkpoint);
            }
            finally
            {
                _one.Release();
            }
        }
        catch (Exception e) when (e is NoteException or FormatException)
        {
            return Results.Text($"{e.Message}\n", statusCode: StatusCodes.Status400BadRequest);
        }
    }

    private static (long Old, IReadOnlyList<byte[]> Proof, Checkpoint Checkpoint) Parse(string body)
    {
        var at = body.IndexOf("\n\n", StringComparison.Ordinal);
        var lines = at < 0 ? [] : body[..at].Split('\n');
        if (
            lines.Length is 0 or > MaxProof + 1
            || !lines[0].StartsWith("old ", StringComparison.Ordinal)
            || !long.TryParse(lines[0][4..], NumberStyles.None, CultureInfo.InvariantCulture, out var old)
            || lines[0] != $"old {old}"
        )
            throw new NoteException("应为 old 行、至多 63 行证明、空行、检查点");
        return (old, [.. lines.Skip(1).Select(Convert.FromBase64String)], Checkpoint.Parse(body[(at + 2)..]));
    }

    private IResult Answer(long old, IReadOnlyList<byte[]> proof, Checkpoint checkpoint)
    {
        var known = logs.Where(l => l.Name == checkpoint.Origin).ToList();
        if (known.Count == 0)
            return Results.Text("不认识这个日志\n", statusCode: StatusCodes.Status404NotFound);
        if (!checkpoint.Signatures.Any(s => known.Any(k => k.Verifies(checkpoint.Text, s) == true)))
            return Results.Text("没有所认识的密钥的签名\n", statusCode: StatusCodes.Status403Forbidden);
        if (old > checkpoint.Size)
            return Results.Text("old 大于检查点\n", statusCode: StatusCodes.Status400BadRequest);
        var origin = System.Security.Cryptography.SHA256.HashData(Encoding.UTF8.GetBytes(checkpoint.Origin));
        var memory = new SignerMemory(Path.Combine(folder, $"{Convert.ToHexStringLower(origin)[..16]}.checkpoint"));
        var last = memory.Read();
        if (
            old != (last?.Size ?? 0)
            || old == checkpoint.Size && last is not null && !last.Root.SequenceEqual(checkpoint.Root)
        )
            return Results.Text($"{last?.Size ?? 0}\n", "text/x.tlog.size", statusCode: StatusCodes.Status409Conflict);
        if (
            !MerkleTree.VerifyConsistency(
                old,
                checkpoint.Size,
                last?.Root ?? MerkleTree.EmptyRoot,
                checkpoint.Root,
                proof
            )
        )
            return Results.Text(
                "证明不成立：这不是所见过的日志的延续\n",
                statusCode: StatusCodes.Status422UnprocessableEntity
            );
        memory.Write(checkpoint); // before the answer: what was cosigned is never forgotten
        return Results.Text($"{key.Sign(checkpoint.Text, time.GetUtcNow())}\n");
    }
}

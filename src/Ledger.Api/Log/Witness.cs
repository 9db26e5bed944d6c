using System.Globalization;
using System.Text;
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

    public NoteVerifier Key => key.Verifier;

    public async Task<IResult> AddAsync(HttpContext http)
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

    /// <summary>Where it remembers the last checkpoint of a log.</summary>
    public static string FileOf(string folder, string origin) =>
        Path.Combine(
            folder,
            $"{Convert.ToHexStringLower(
                System.Security.Cryptography.SHA256.HashData(Encoding.UTF8.GetBytes(origin))
            )[..16]}.checkpoint"
        );

    /// <summary>
    /// Whether a receipt declares that what this witness saw last is of a fork: the checkpoint that it may go on from,
    /// and the declaration. A witness's operator decides; the log's word is no more than what he looks at.
    /// </summary>
    /// <exception cref="NoteException">It does not.</exception>
    public static (Checkpoint Next, Continuation Said) Continued(
        LogProof receipt,
        Checkpoint last,
        IReadOnlyList<NoteVerifier> log
    )
    {
        var next = receipt.Proven(log);
        var said = Continuation.OfEntry(receipt.Entry, log);
        if (next.Origin != last.Origin || said.Origin != last.Origin)
            throw new NoteException($"声明属于另一日志 {said.Origin}");
        if (!said.Declares(last.Size, last.Root))
            throw new NoteException(
                $"声明的分叉中没有本见证方所见的 {last.Size} 条的检查点；请把它交给日志一方，写入声明（log-continue --from）"
            );
        return (next, said);
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
        var memory = new SignerMemory(FileOf(folder, checkpoint.Origin));
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

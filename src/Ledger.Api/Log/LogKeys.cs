using Ledger.Api.Storage;
using Ledger.TransparencyLog;

namespace Ledger.Api.Log;

/// <summary>
/// The keys that checkpoints are signed with, outside the database: a file with a key on each line, or the setting
/// Ledger:Log:Key. A line <c>PRIVATE+KEY+…</c> signs; a line <c>name+id+…</c> is a retired key, which old checkpoints
/// are still checked with. Every signing key signs every checkpoint, so during a rotation readers of the old and of the
/// new key are both served.
/// </summary>
public sealed record LogKeys(IReadOnlyList<NoteSigner> Signing, IReadOnlyList<NoteVerifier> Retired, string Path)
{
    public string Origin => Signing[0].Verifier.Name;

    public IReadOnlyList<NoteVerifier> Known { get; } = [.. Signing.Select(s => s.Verifier), .. Retired];

    /// <summary>What the signer remembers of its last checkpoint.</summary>
    public SignerMemory Memory => new($"{Path}.last");

    /// <summary>
    /// Loads the keys of the log with this id; on first use a new key is made, readable by its owner only.
    /// </summary>
    /// <exception cref="OperationException">The file is damaged, or has no signing key.</exception>
    public static LogKeys LoadOrCreate(Settings settings, string logId)
    {
        var path = PathOf(settings, logId);
        if (settings.Log.Key is { } given)
            return Parse(given, path);
        if (!File.Exists(path))
        {
            var name = $"collective-subsidy-ledger/{logId}";
            var keys = new List<NoteSigner> { NoteSigner.Create(name, NoteAlgorithm.Ed25519) };
            if (settings.Log.Sm2)
                keys.Add(NoteSigner.Create(name, NoteAlgorithm.Sm2));
            KeyFile.WriteNew(
                path,
                System.Text.Encoding.UTF8.GetBytes(string.Concat(keys.Select(k => $"{k.Secret}\n")))
            );
        }
        return Parse(File.ReadAllText(path), path);
    }

    /// <summary>One file for each log: a key that signed two of them would vouch for both.</summary>
    public static string PathOf(Settings settings, string logId) =>
        settings.Log.KeyFile
        ?? System.IO.Path.Combine(
            System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(settings.KeyFile))!,
            $"log-{logId}.key"
        );

    private static LogKeys Parse(string text, string path)
    {
        try
        {
            var lines = text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
            var signing = lines
                .Where(l => l.StartsWith("PRIVATE+KEY+", StringComparison.Ordinal))
                .Select(NoteSigner.Parse)
                .ToList();
            var retired = lines
                .Where(l => !l.StartsWith("PRIVATE+KEY+", StringComparison.Ordinal))
                .Select(NoteVerifier.Parse)
                .ToList();
            if (signing.Count == 0 || signing[0].Verifier.Algorithm != NoteAlgorithm.Ed25519)
                throw new NoteException("第一行应为 Ed25519 签名私钥");
            if (signing.Select(s => s.Verifier).Concat(retired).Any(v => v.Name != signing[0].Verifier.Name))
                throw new NoteException("所有密钥应为同一日志名称");
            return new LogKeys(signing, retired, path);
        }
        catch (NoteException e)
        {
            throw new OperationException(
                $"日志签名密钥 {path}：{e.Message}。The log's signing key cannot be used.",
                inner: e
            );
        }
    }

    /// <summary>A new signing key before the present ones.</summary>
    public LogKeys Rotated() => Written([NoteSigner.Create(Origin, NoteAlgorithm.Ed25519).Secret, .. Lines]);

    /// <summary>An SM2 key beside the first one.</summary>
    public LogKeys WithSm2() =>
        Written([Lines[0], NoteSigner.Create(Origin, NoteAlgorithm.Sm2).Secret, .. Lines.Skip(1)]);

    /// <summary>
    /// Of an old signing key only the public half; null where it is none, or no Ed25519 key would be left to sign with.
    /// </summary>
    public LogKeys? Without(string id) =>
        Signing.FirstOrDefault(s => $"{s.Verifier.KeyId:x8}" == id) is { } old
        && Signing.Any(s => s.Verifier.Algorithm == NoteAlgorithm.Ed25519 && s != old)
            ? Written([.. Lines.Select(l => l == old.Secret ? old.Verifier.ToString() : l)])
            : null;

    private List<string> Lines => [.. Signing.Select(s => s.Secret), .. Retired.Select(r => r.ToString())];

    private LogKeys Written(IReadOnlyList<string> lines)
    {
        var changed = Parse(string.Join('\n', lines), Path);
        File.Delete($"{Path}.new");
        KeyFile.WriteNew($"{Path}.new", System.Text.Encoding.UTF8.GetBytes(string.Join('\n', lines) + "\n"));
        File.Move($"{Path}.new", Path, overwrite: true);
        return changed;
    }
}

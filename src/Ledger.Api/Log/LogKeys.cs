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

    /// <summary>
    /// <c>log-key</c> shows the public keys; <c>rotate</c> adds a new signing key, <c>retire &lt;id&gt;</c> keeps only
    /// the public half of an old one, <c>sm2</c> adds an SM2 key.
    /// </summary>
    /// <returns>What to print, and the exit code.</returns>
    public static (int Exit, string Text) Run(IReadOnlyList<string> arguments, LogKeys keys)
    {
        var lines = keys.Signing.Select(s => s.Secret).Concat(keys.Retired.Select(r => r.ToString())).ToList();
        switch (arguments.ElementAtOrDefault(0))
        {
            case null:
                break;
            case "rotate":
                lines.Insert(0, NoteSigner.Create(keys.Origin, NoteAlgorithm.Ed25519).Secret);
                break;
            case "sm2":
                lines.Insert(1, NoteSigner.Create(keys.Origin, NoteAlgorithm.Sm2).Secret);
                break;
            case "retire"
                when keys.Signing.FirstOrDefault(s => $"{s.Verifier.KeyId:x8}" == arguments.ElementAtOrDefault(1))
                    is { } old
                    && keys.Signing.Count(s => s.Verifier.Algorithm == NoteAlgorithm.Ed25519 && s != old) > 0:
                lines[lines.IndexOf(old.Secret)] = old.Verifier.ToString();
                break;
            default:
                return (1, "用法：log-key [rotate | retire <八位编号> | sm2]；至少要留一把 Ed25519 签名密钥");
        }
        var changed = Parse(string.Join('\n', lines), keys.Path);
        if (arguments.Count > 0)
        {
            File.Delete($"{keys.Path}.new");
            KeyFile.WriteNew($"{keys.Path}.new", System.Text.Encoding.UTF8.GetBytes(string.Join('\n', lines) + "\n"));
            File.Move($"{keys.Path}.new", keys.Path, overwrite: true);
        }
        return (
            0,
            string.Join(
                '\n',
                changed
                    .Signing.Select(s => $"签名 signing  {s.Verifier}")
                    .Concat(changed.Retired.Select(r => $"停用 retired  {r}"))
            )
        );
    }
}

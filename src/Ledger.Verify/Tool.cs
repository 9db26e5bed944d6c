using System.Globalization;
using Ledger.TransparencyLog;

namespace Ledger.Verify;

/// <summary>
/// ledger-verify: checks what the ledger hands out, without the ledger. No network, no database. 0: everything holds;
/// 1: something does not, and the last line says what; 2: the command cannot be understood.
/// </summary>
public static class Tool
{
    private const string Usage = """
        ledger-verify receipt <文件.tlog-proof> --key <公钥或文件> [--witness <公钥或文件>]
        ledger-verify consistency <旧检查点> <新检查点> <证明> --key <公钥或文件> [--witness …] [--continuation <回执>]
        ledger-verify log <log.jsonl> --checkpoint <检查点> --key <公钥或文件> [--witness …] [--only-hashes]
                         [--bank-fees <元>] [--clock-margin <分钟>] [--known <条目> …] [--seen <检查点或回执> …]

        公钥：/log/keys 的内容，另由可信渠道核对；一行一把，也可直接写在命令行。
        --bank-fees：一个资金未补足的手续费上限，默认 200；--clock-margin：时钟之差，默认 10。
        --known：已查明的条目，一条或首尾（100-2099），可写多次；仍会列出，但不再算作不成立。
        --seen：以前见过的检查点或回执，可写多个：应在日志中，或属于日志声明过的分叉。
        --continuation：续接声明的回执；旧检查点属于它声明的分叉时，证明是从回执的检查点到新检查点的。
        退出码：0 全部成立；1 有不成立之处；2 命令有误。
        """;

    public static int Run(string[] args, TextWriter output, TextWriter error)
    {
        var (words, options) = (new List<string>(), new Dictionary<string, string>());
        var (known, seen) = (new HashSet<string>(), new HashSet<string>());
        for (var i = 0; i < args.Length; i++)
        {
            if (args[i] == "--only-hashes")
                options[args[i]] = "";
            else if (args[i] == "--known" && i + 1 < args.Length)
                known.Add(args[++i]);
            else if (args[i] == "--seen" && i + 1 < args.Length)
                seen.Add(args[++i]);
            else if (args[i].StartsWith("--", StringComparison.Ordinal) && i + 1 < args.Length)
                options[args[i]] = args[++i];
            else
                words.Add(args[i]);
        }
        try
        {
            if (Checked(words, options, known, seen) is { } holds)
            {
                output.WriteLine(holds);
                return 0;
            }
            error.WriteLine(Usage);
            return 2;
        }
        catch (NotProven e)
        {
            output.WriteLine($"不成立 FAILED：{e.Message}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException)
        {
            output.WriteLine($"不成立 FAILED：文件无法读取：{e.Message}");
        }
        return 1;
    }

    /// <summary>What holds, in words; null: no such command.</summary>
    private static string? Checked(
        List<string> words,
        Dictionary<string, string> options,
        IEnumerable<string> known,
        IEnumerable<string> seen
    )
    {
        var keys = Key.ReadAll(options.GetValueOrDefault("--key"));
        var witnesses = Key.ReadAll(options.GetValueOrDefault("--witness"));
        switch (words)
        {
            case ["receipt", var file] when keys.Count > 0:
                return Receipt.Check(File.ReadAllText(file), keys, witnesses);
            case ["consistency", var was, var now, var proof] when keys.Count > 0:
                var (older, newer) = (
                    SignedCheckpoint.Read(File.ReadAllText(was), keys, []),
                    SignedCheckpoint.Read(File.ReadAllText(now), keys, witnesses)
                );
                List<byte[]> hashes =
                [
                    .. File.ReadAllLines(proof).Where(l => l.Length > 0).Select(Convert.FromBase64String),
                ];
                return options.TryGetValue("--continuation", out var declared)
                    ? Continued(File.ReadAllText(declared), older, newer, hashes, keys)
                    : Consistent(older, newer, hashes);
            case ["log", var log] when keys.Count > 0 && options.TryGetValue("--checkpoint", out var checkpoint):
                var signed = SignedCheckpoint.Read(File.ReadAllText(checkpoint), keys, witnesses);
                var found = new Found([.. known.SelectMany(Numbers)]);
                var (fees, margin) = (
                    Number(options, "--bank-fees", 200) * 100,
                    TimeSpan.FromMinutes(Math.Min(Number(options, "--clock-margin", 10), MostApart))
                );
                return WholeLog.Check(
                    log,
                    signed,
                    options.ContainsKey("--only-hashes") ? null : () => new Rules(fees, margin, signed.SeenAt, found),
                    found,
                    keys,
                    [.. seen.Select(s => Seen.Read(s, keys))]
                );
            default:
                return null;
        }
    }

    private static string Consistent(SignedCheckpoint older, SignedCheckpoint newer, List<byte[]> hashes)
    {
        if (older.Origin != newer.Origin)
            throw new NotProven($"两个检查点属于不同的日志：{older.Origin}、{newer.Origin}");
        if (!MerkleTree.VerifyConsistency(older.Size, newer.Size, older.Root, newer.Root, hashes))
            throw new NotProven(
                $"{newer.Size} 条的日志不是 {older.Size} 条的延续：历史被改写，或证明不是这两个检查点的"
            );
        return $"成立 OK：{older.Size} 条的日志原样包含在 {newer.Size} 条之中（{newer.Origin}）。{newer.Signers}";
    }

    /// <summary>The older one is of a fork that the newer log declares.</summary>
    private static string Continued(
        string receipt,
        SignedCheckpoint older,
        SignedCheckpoint newer,
        List<byte[]> hashes,
        IReadOnlyList<Key> keys
    )
    {
        var (declaredIn, _, entry) = Receipt.Prove(receipt, keys, []);
        var said = Continuation.Read(entry, keys);
        if (older.Origin != newer.Origin || declaredIn.Origin != newer.Origin)
            throw new NotProven($"检查点和回执属于不同的日志：{older.Origin}、{declaredIn.Origin}、{newer.Origin}");
        if (!said.Declares(Tree.Of(older)))
            throw new NotProven(
                $"{older.Size} 条的检查点不是第 {said.Index} 条声明的分叉：另有未声明的分叉，或历史被改写 an undeclared fork"
            );
        Consistent(declaredIn, newer, hashes);
        return $"成立 OK：{older.Size} 条的检查点属于已声明的分叉 a known fork。\n{said}\n{newer.Signers}";
    }

    /// <summary>Minutes: a clock that was wrong by more than a year was none.</summary>
    private const long MostApart = 366 * 24 * 60;

    /// <summary>One entry, or the first and the last of several.</summary>
    private static IEnumerable<long> Numbers(string said)
    {
        var (first, last) = said.Split('-') switch
        {
            [var one] => (Number(one, "--known"), Number(one, "--known")),
            [var from, var to] => (Number(from, "--known"), Number(to, "--known")),
            _ => throw new FormatException($"--known {said}"),
        };
        if (last < first || last - first > MostKnown)
            throw new FormatException($"--known {said}");
        for (var index = first; index <= last; index++)
            yield return index;
    }

    private const long MostKnown = 1_000_000;

    private static long Number(Dictionary<string, string> options, string option, long usual) =>
        options.TryGetValue(option, out var said) ? Number(said, option) : usual;

    private static long Number(string said, string option) =>
        long.TryParse(said, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number
            : throw new FormatException($"{option} {said}");
}

using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using Npgsql;

namespace Ledger.Store;

/// <summary>
/// The product's secrets, 32 random bytes each, in one file that is made on first start and readable by its owner only:
/// the key-encryption key of personal data, the key of the citizen-id hash, the signing key of bearer tokens. All nodes
/// share one file. Lose it and personal data is unreadable for ever: back it up apart from the database.
/// </summary>
public sealed record KeyFile(byte[] KeyEncryptionKey, byte[] HashKey, byte[] TokenKey)
{
    public static KeyFile LoadOrCreate(string path)
    {
        if (!File.Exists(path))
            Create(path);
        return Load(path);
    }

    /// <summary>For who needs the keys that there are: new ones would be worth nothing.</summary>
    /// <exception cref="OperationException">There are none, or they are damaged.</exception>
    public static KeyFile Load(string path)
    {
        if (!File.Exists(path))
            throw new OperationException(
                $"没有密钥文件 {path}；请用 Ledger:KeyFile 指向产品所用的密钥文件。There is no key file: point to the product's."
            );
        try
        {
            var keys = JsonSerializer.Deserialize<KeyFile>(File.ReadAllBytes(path));
            if (keys is { KeyEncryptionKey.Length: 32, HashKey.Length: 32, TokenKey.Length: 32 })
                return keys;
        }
        catch (JsonException)
        {
            // Falls through to the one message that helps.
        }
        throw new OperationException(
            $"密钥文件 {path} 已损坏；请从备份恢复。The key file is damaged: restore it from your backup."
        );
    }

    /// <summary>
    /// The keys from a key management system: a command prints what would stand in the file (Ledger:KeyCommand, e.g.
    /// <c>vault kv get -field=keys ledger</c>). They are never written to this machine's disk.
    /// </summary>
    /// <exception cref="OperationException">The command fails, or prints something else; what it printed is not
    /// repeated.</exception>
    public static KeyFile FromCommand(string command)
    {
        using var process = System.Diagnostics.Process.Start(
            new System.Diagnostics.ProcessStartInfo("/bin/sh", ["-c", command]) { RedirectStandardOutput = true }
        )!;
        var printed = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        try
        {
            if (
                process.ExitCode == 0
                && JsonSerializer.Deserialize<KeyFile>(printed)
                    is { KeyEncryptionKey.Length: 32, HashKey.Length: 32, TokenKey.Length: 32 } keys
            )
                return keys;
        }
        catch (JsonException)
        {
            // Falls through to the one message that helps.
        }
        throw new OperationException(
            $"Ledger:KeyCommand 没有给出密钥（退出码 {process.ExitCode}）；应打印 keys.json 的内容。"
                + "The key command did not print the keys."
        );
    }

    private static void Create(string path) =>
        WriteNew(
            path,
            JsonSerializer.SerializeToUtf8Bytes(
                new KeyFile(
                    RandomNumberGenerator.GetBytes(32),
                    RandomNumberGenerator.GetBytes(32),
                    RandomNumberGenerator.GetBytes(32)
                )
            )
        );

    /// <summary>
    /// Writes a secret into a new file that only its owner can read, whole or not at all. A file that is there already
    /// stays: another process was first, and its keys count.
    /// </summary>
    public static void WriteNew(string path, byte[] content)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        var fresh = $"{path}.{Guid.NewGuid():N}";
        using (
            var file = new FileStream(
                fresh,
                new FileStreamOptions
                {
                    Mode = FileMode.CreateNew,
                    Access = FileAccess.Write,
                    UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
                }
            )
        )
            file.Write(content);
        try
        {
            File.Move(fresh, path, overwrite: false);
        }
        catch (IOException) when (File.Exists(path))
        {
            File.Delete(fresh);
        }
    }

    /// <summary>The key of the states' seals: follows from the file, stands nowhere.</summary>
    [JsonIgnore]
    public byte[] StateKey => HMACSHA256.HashData(HashKey, "ledger state seal"u8);

    /// <summary>Seals events of rights and rules, under a key of its own.</summary>
    [JsonIgnore]
    public EventSeal EventSeal => new(HMACSHA256.HashData(HashKey, "ledger event seal"u8));

    /// <summary>Seals what the product found.</summary>
    [JsonIgnore]
    public FindingSeal FindingSeal => new(HMACSHA256.HashData(HashKey, "ledger finding seal"u8));

    /// <summary>The key of the seals over what lets somebody in.</summary>
    [JsonIgnore]
    public byte[] CredentialKey => HMACSHA256.HashData(HashKey, "ledger credential seal"u8);

    /// <summary>The key of the seals over who handed in a document.</summary>
    [JsonIgnore]
    public byte[] EvidenceKey => HMACSHA256.HashData(HashKey, "ledger evidence seal"u8);

    /// <summary>The key of the hashes by which namesakes of one birth date are found.</summary>
    [JsonIgnore]
    public byte[] NamesakeKey => HMACSHA256.HashData(HashKey, "ledger namesakes"u8);

    /// <summary>The key of the hashes by which people are found by name and by the end of their ids.</summary>
    [JsonIgnore]
    public byte[] SearchKey => HMACSHA256.HashData(HashKey, "ledger search"u8);

    /// <summary>The key of the seals over who looked for whom.</summary>
    [JsonIgnore]
    public byte[] SearchRecordKey => HMACSHA256.HashData(HashKey, "ledger search record"u8);

    /// <summary>The key that the secrets of subscriptions follow from: none of them is kept anywhere.</summary>
    [JsonIgnore]
    public byte[] WebhookKey => HMACSHA256.HashData(HashKey, "ledger webhooks"u8);

    /// <summary>The key of the addresses of people's calendars: none of them is kept anywhere.</summary>
    [JsonIgnore]
    public byte[] CalendarKey => HMACSHA256.HashData(HashKey, "ledger calendars"u8);

    /// <summary>The key of the files that jobs work through, until they are over.</summary>
    [JsonIgnore]
    public byte[] JobFileKey => HMACSHA256.HashData(KeyEncryptionKey, "ledger job files"u8);

    /// <summary>The key of the seals over what a job was told to do, and by whom.</summary>
    [JsonIgnore]
    public byte[] JobKey => HMACSHA256.HashData(HashKey, "ledger jobs"u8);

    /// <summary>The key of what an authenticator and its recovery codes are.</summary>
    [JsonIgnore]
    public byte[] SecondFactorKey => HMACSHA256.HashData(KeyEncryptionKey, "ledger second factor"u8);

    /// <summary>Tells key files apart and reveals nothing of them.</summary>
    public string Fingerprint => Convert.ToHexStringLower(SHA256.HashData([.. KeyEncryptionKey, .. HashKey]))[..16];

    /// <summary>Ties a new database to these keys.</summary>
    public Task BindToAsync(NpgsqlConnection owner) =>
        owner.ExecuteAsync(
            $"insert into {LedgerStore.Schema}.key_check (fingerprint) values (@f) on conflict do nothing",
            ("f", Fingerprint)
        );

    /// <summary>Refuses a database that belongs to other keys; a new one belongs to none yet.</summary>
    public async Task RequireOwnAsync(NpgsqlConnection connection)
    {
        if (
            (
                await connection.QueryAsync(
                    $"select to_regclass('{LedgerStore.Schema}.key_check') is null",
                    r => r.GetBoolean(0)
                )
            ).Single()
        )
            return;
        if (
            (
                await connection.QueryAsync(
                    $"select fingerprint from {LedgerStore.Schema}.key_check",
                    r => r.GetString(0)
                )
            ).FirstOrDefault()
                is { } known
            && known != Fingerprint
        )
            throw new OperationException(
                $"密钥文件与数据库不符（文件 {Fingerprint}，数据库 {known}）；请用 Ledger:KeyFile 指向原来的密钥文件。"
                    + "The key file does not belong to this database."
            );
    }
}

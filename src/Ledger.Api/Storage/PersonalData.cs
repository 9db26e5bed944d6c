using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Ledger.Api.Commands;
using Ledger.Domain;
using Ledger.Domain.Identity;
using Npgsql;

namespace Ledger.Api.Storage;

/// <summary>What stood in a person's record until it was corrected at <paramref name="Until"/>.</summary>
public sealed record EarlierPerson(string Name, string? Phone, string? BankCard, byte[] Salt, DateTimeOffset Until);

/// <summary>
/// What is known of a person in clear; in memory only. <paramref name="Salt"/> goes into the digest that events carry.
/// What was corrected stays in the same sealed record, and goes with it: <paramref name="Earlier"/>, the oldest first.
/// <paramref name="AskedName"/> waits for its second person.
/// </summary>
public sealed record Person(
    string Name,
    string CitizenId,
    string? Phone,
    string? BankCard,
    byte[] Salt,
    IReadOnlyList<EarlierPerson>? Earlier = null,
    string? AskedName = null
)
{
    /// <summary>More corrections of one person than anybody needs; beyond them something else is wrong.</summary>
    public const int MaxEarlier = 100;

    /// <summary>The family name, the rest starred: 张**.</summary>
    public string MaskedName => Mask(Name);
    public string MaskedCitizenId => Domain.Identity.CitizenId.Parse(CitizenId, out _).Masked;

    /// <summary>The age reached in the year.</summary>
    public int AgeIn(int year) => year - Domain.Identity.CitizenId.Parse(CitizenId, out _).BirthDate.Year;

    /// <summary>SHA-256 over salt and data, as 64 hex digits.</summary>
    public string Digest() =>
        Convert.ToHexStringLower(
            SHA256.HashData([.. Salt, .. Encoding.UTF8.GetBytes($"{Name}\n{CitizenId}\n{Phone}\n{BankCard}")])
        );

    public static string Mask(string name)
    {
        var runes = name.EnumerateRunes().ToArray();
        return runes.Length == 0 ? "" : runes[0] + new string('*', Math.Max(1, runes.Length - 1));
    }

    /// <summary>The record with other data; what is null stays.</summary>
    /// <exception cref="RefusedException"><c>limit-exceeded</c>.</exception>
    public Person Corrected(string? name, string? phone, string? bankCard, DateTimeOffset now) =>
        Earlier?.Count >= MaxEarlier
            ? throw new RefusedException(
                new Rejection(Rejections.LimitExceeded, $"此人的登记资料已更正过 {MaxEarlier} 次")
            )
            : this with
            {
                Name = name ?? Name,
                Phone = phone ?? Phone,
                BankCard = bankCard ?? BankCard,
                Salt = RandomNumberGenerator.GetBytes(16),
                Earlier = [.. Earlier ?? [], new EarlierPerson(Name, Phone, BankCard, Salt, now)],
            };

    /// <summary>The masked name as it was written then: what was printed stays as it was printed.</summary>
    public string MaskedNameAt(DateTimeOffset moment) =>
        Mask(Earlier?.FirstOrDefault(e => e.Until > moment)?.Name ?? Name);

    /// <summary>All but the last four digits starred; null: none is known.</summary>
    public static string? MaskNumber(string? number) =>
        number is null ? null : new string('*', Math.Max(0, number.Length - 4)) + number[^Math.Min(4, number.Length)..];

    public override string ToString() => MaskedName;
}

/// <summary>
/// Personal data, apart from the events: AES-256-GCM under a key per person; that key under the key-encryption key.
/// Destroying a person's key erases the data for good, while every event and proof stays valid.
/// </summary>
public sealed class PersonalData(KeyFile keys, Findings findings)
{
    private const int NonceLength = 12;
    internal const int TagLength = 16;

    /// <summary>How much longer a box is than what is in it.</summary>
    internal const int Around = NonceLength + TagLength;

    /// <summary>Who is in which collective, by name: whoever is added, renamed or erased is there at once.</summary>
    public NameLists Lists { get; } = new(keys);

    /// <summary>
    /// The keyed hash that finds a person again, in one register of several: the members (null), what one collective
    /// handed in apart (<see cref="OfCollective"/>), the donors of a county (<see cref="Donors"/>). Each is another
    /// record of the same person, and none leads to another.
    /// </summary>
    public byte[] Hash(CitizenId id, string? register = null) =>
        HMACSHA256.HashData(
            keys.HashKey,
            Encoding.ASCII.GetBytes(register is null ? id.Value : $"{register} {id.Value}")
        );

    /// <summary>
    /// The keyed hash by which people of one name and birth date are found, in the registers of <see cref="Hash"/>: of
    /// two records of one person none leads to the other here either.
    /// </summary>
    public byte[] NamesakeHash(string name, DateOnly birth, string? register = null) =>
        HMACSHA256.HashData(
            keys.NamesakeKey,
            Encoding.UTF8.GetBytes($"{register}\n{PersonName.Canonical(name)}\n{birth:yyyy-MM-dd}")
        );

    /// <summary>
    /// The records that one of these collectives handed in of people whose name has that part, or whose id ends so;
    /// several may be one person's. The record itself says again whether it is so: the list stands beside it.
    /// </summary>
    /// <param name="part">As <see cref="PersonName.Canonical"/> has it; null: by the four.</param>
    public async Task<(IReadOnlyDictionary<string, Person> Found, IReadOnlyList<string> Damaged)> SearchAsync(
        NpgsqlConnection connection,
        IEnumerable<string> collectiveIds,
        string? part,
        string? four,
        int most
    )
    {
        var (sound, damaged) = await ReadSoundAsync(
            connection,
            await Lists.FindAsync(connection, collectiveIds, part, four, most)
        );
        var found = sound
            .Where(p =>
                (four is null || p.Value.CitizenId.EndsWith(four, StringComparison.Ordinal))
                && (part is null || PersonName.Canonical(p.Value.Name).Contains(part, StringComparison.Ordinal))
            )
            .ToDictionary();
        return (found, damaged);
    }

    /// <summary>What was looked for, as the record of searches has it: the same question is the same bytes.</summary>
    public byte[] AskedHash(string what, string text) =>
        HMACSHA256.HashData(keys.SearchKey, Encoding.UTF8.GetBytes($"asked\n{what}\n{text}"))[..16];

    private byte[] NamesakeHash(Person person, string? register) =>
        NamesakeHash(person.Name, Domain.Identity.CitizenId.Parse(person.CitizenId, out _).BirthDate, register);

    /// <summary>
    /// Who may be a member of a collective, by its events, and have one of these names and birth dates; with them those
    /// whose hash was not worked out yet. Who it is, the record says, and the state whether he is one still.
    /// </summary>
    public async Task<IReadOnlyList<string>> NamesakesAsync(
        NpgsqlConnection connection,
        string collectiveId,
        IEnumerable<(string Name, DateOnly Birth)> people
    ) =>
        await connection.QueryAsync(
            $"""
            select distinct p.member_id
              from (select member_id
                      from {LedgerStore.Schema}.person
                     where namesake_hash = any(@hashes)
                    union all
                    select member_id
                      from {LedgerStore.Schema}.person
                     where namesake_hash is null
                       and wrapped_key is not null
                       and member_id like 'member-%') p
              join {LedgerStore.Schema}.mt_events e on e.stream_id = p.member_id
               and e.type in ('member_registered', 'membership_moved', 'departure_revoked')
               and coalesce(e.data ->> 'toCollectiveId', e.data ->> 'collectiveId') = @collective
            """,
            r => r.GetString(0),
            ("collective", collectiveId),
            (
                "hashes",
                people
                    .SelectMany(p =>
                        new[]
                        {
                            NamesakeHash(p.Name, p.Birth),
                            NamesakeHash(p.Name, p.Birth, OfCollective(collectiveId)),
                        }
                    )
                    .ToArray()
            )
        );

    public static string OfCollective(string collectiveId) => $"record {collectiveId}";

    /// <summary>The donors of a county; null: of all of them together, as they were kept at first.</summary>
    public static string Donors(string? county) => county is null ? "donor" : $"donor {county}";

    /// <summary>
    /// Tells whether two objections to one application came from one network address; keyed, so that nobody finds the
    /// address by trying all.
    /// </summary>
    public byte[] SourceHash(string applicationId, string network) =>
        HMACSHA256.HashData(keys.HashKey, Encoding.ASCII.GetBytes($"objection {applicationId} {network}"));

    /// <summary>Member ids by the citizen ids that are known; one query for any number.</summary>
    /// <exception cref="RefusedException"><c>person-damaged</c>: somebody edited the row of one.</exception>
    public async Task<IReadOnlyDictionary<CitizenId, string>> FindAsync(
        NpgsqlConnection connection,
        IEnumerable<CitizenId> ids,
        string? register = null
    )
    {
        var (found, damaged) = await FindSoundAsync(connection, ids, register);
        return damaged is [] ? found : throw Damaged(damaged);
    }

    private static RefusedException Damaged(IReadOnlyList<string> ids) =>
        new(new Rejection(Rejections.PersonDamaged, string.Join("、", ids.Take(3))));

    /// <summary>As <see cref="FindAsync"/>, without those whose row somebody edited; and who they are.</summary>
    public async Task<(IReadOnlyDictionary<CitizenId, string> Found, IReadOnlyList<string> Damaged)> FindSoundAsync(
        NpgsqlConnection connection,
        IEnumerable<CitizenId> ids,
        string? register = null
    )
    {
        var byHash = ids.Distinct().ToDictionary(id => Convert.ToHexString(Hash(id, register)));
        var found = await connection.QueryAsync(
            $"""
            select id_hash, member_id, wrapped_key, coalesce(data, '')
              from {LedgerStore.Schema}.person
             where id_hash = any(@hashes)
            """,
            r =>
                (
                    Id: byHash[Convert.ToHexString(r.GetFieldValue<byte[]>(0))],
                    MemberId: r.GetString(1),
                    Key: r.IsDBNull(2) ? null : r.GetFieldValue<byte[]>(2),
                    Data: r.GetFieldValue<byte[]>(3)
                ),
            ("hashes", byHash.Keys.Select(Convert.FromHexString).ToArray())
        );
        // The hash stands beside what is sealed: it may have been exchanged with another's.
        var damaged = found
            .Each(f => (f.MemberId, IsOf: IsOf(f)))
            .Where(f => !f.IsOf)
            .Select(f => f.MemberId)
            .ToHashSet();
        foreach (var id in damaged.Order(StringComparer.Ordinal).Take(20))
            await findings.AddAsync("person", $"{id}：所存的查找值不是此人的 found by another's number");
        return (
            found.Where(f => !damaged.Contains(f.MemberId)).ToDictionary(f => f.Id, f => f.MemberId),
            [.. damaged.Order(StringComparer.Ordinal)]
        );

        bool IsOf((CitizenId Id, string MemberId, byte[]? Key, byte[] Data) row) =>
            row.Key is not null && Open(row.MemberId, row.Key, row.Data)?.CitizenId == row.Id.Value;
    }

    /// <summary>Persons by member id; the erased are absent.</summary>
    /// <param name="digests">Of records that were corrected, what the events say of them: an earlier row, put back,
    /// opens as well.</param>
    /// <exception cref="RefusedException"><c>person-damaged</c>: somebody edited the row of one.</exception>
    public async Task<IReadOnlyDictionary<string, Person>> ReadAsync(
        NpgsqlConnection connection,
        IEnumerable<string> memberIds,
        IEnumerable<KeyValuePair<string, string>>? digests = null
    )
    {
        var (persons, damaged) = await ReadSoundAsync(connection, memberIds, digests);
        return damaged is [] ? persons : throw Damaged(damaged);
    }

    /// <summary>As <see cref="ReadAsync"/>, without those whose row somebody edited; and who they are.</summary>
    public async Task<(IReadOnlyDictionary<string, Person> Persons, IReadOnlyList<string> Damaged)> ReadSoundAsync(
        NpgsqlConnection connection,
        IEnumerable<string> memberIds,
        IEnumerable<KeyValuePair<string, string>>? digests = null
    )
    {
        var corrected = digests?.ToDictionary() ?? [];
        var rows = await connection.QueryAsync(
            $"""
            select member_id, wrapped_key, coalesce(data, '')
              from {LedgerStore.Schema}.person
             where member_id = any(@ids)
               and wrapped_key is not null
            """,
            r => (Id: r.GetString(0), Key: r.GetFieldValue<byte[]>(1), Data: r.GetFieldValue<byte[]>(2)),
            ("ids", memberIds.Distinct().ToArray())
        );
        var opened = rows.Each(Opened).ToDictionary(p => p.Id, p => p.Person);
        string[] damaged = [.. opened.Where(p => p.Value is null).Select(p => p.Key).Order(StringComparer.Ordinal)];
        if (damaged.Length == 0)
            return (opened!, []);
        foreach (var id in damaged.Take(20))
            await findings.AddAsync("person", $"{id}：个人信息记录被改动，无法解开 personal data was edited");
        return (opened.Where(p => p.Value is not null).ToDictionary(p => p.Key, p => p.Value!), damaged);

        (string Id, Person? Person) Opened((string Id, byte[] Key, byte[] Data) row) =>
            (
                row.Id,
                Open(row.Id, row.Key, row.Data) is { } person
                && (!corrected.TryGetValue(row.Id, out var digest) || person.Digest() == digest)
                    ? person
                    : null
            );
    }

    /// <summary>A member's row as its list should have it; null: it does not open.</summary>
    public Listed? ListedAs(string id, byte[] key, byte[] data) =>
        Open(id, key, data) is { } person ? Listed.Of(id, person) : null;

    /// <summary>
    /// Whether a row is as the product wrote it: it opens, and is found by its own person's number, name and birth
    /// date.
    /// </summary>
    /// <param name="names">Collectives or counties in whose register it may stand.</param>
    /// <param name="digest">What the last correction left there; null: it was never corrected.</param>
    /// <param name="namesakes">The hash of name and birth date; null: it was not worked out yet.</param>
    /// <param name="expected">What that hash should be; null: the row is none of a member's, or not whole.</param>
    public bool IsWhole(
        string id,
        byte[] key,
        byte[] data,
        byte[] hash,
        IReadOnlyList<string> names,
        string? digest,
        byte[]? namesakes,
        out byte[]? expected
    )
    {
        expected = null;
        if (Open(id, key, data) is not { } person || (digest is not null && person.Digest() != digest))
            return false;
        var citizen = CitizenId.Parse(person.CitizenId, out _);
        string?[] registers = [null, Donors(null), .. names.Select(OfCollective), .. names.Select(Donors)];
        var own = Array.FindIndex(registers, r => Hash(citizen, r).AsSpan().SequenceEqual(hash));
        if (own < 0)
            return false;
        if (!StreamId.IsMember(id))
            return true;
        expected = NamesakeHash(person, registers[own]);
        return namesakes is null || namesakes.AsSpan().SequenceEqual(expected);
    }

    /// <summary>The hash of name and birth date of a row that had none.</summary>
    public static Task FillAsync(NpgsqlConnection connection, string id, byte[] namesakes) =>
        connection.ExecuteAsync(
            $"""
            update {LedgerStore.Schema}.person
               set namesake_hash = @hash
             where member_id = @id
               and namesake_hash is null
               and wrapped_key is not null
            """,
            ("id", id),
            ("hash", namesakes)
        );

    /// <summary>
    /// The age that each person reaches in the year, by member id; a person whose data was erased has none.
    /// </summary>
    public async Task<IReadOnlyDictionary<string, int>> AgesAsync(
        NpgsqlConnection connection,
        IEnumerable<string> memberIds,
        int year
    ) => (await ReadAsync(connection, memberIds)).ToDictionary(p => p.Key, p => p.Value.AgeIn(year));

    /// <summary>
    /// Stores new persons, some hundreds in a statement. A citizen id that another transaction stored first is left
    /// alone: look the ids up again afterwards and use what is there.
    /// </summary>
    /// <param name="collectiveId">Whose members they become, and among whom they are found; null: nobody's.</param>
    public async Task AddAsync(
        NpgsqlConnection connection,
        IReadOnlyList<(string MemberId, CitizenId CitizenId, Person Person)> people,
        string? register = null,
        string? collectiveId = null
    )
    {
        // Sorted by hash: two imports that share persons wait for each other in one order.
        var rows = people
            .Select(p =>
                (
                    p.MemberId,
                    Hash: Hash(p.CitizenId, register),
                    Sealed: Seal(p.MemberId, p.Person),
                    Namesakes: StreamId.IsMember(p.MemberId) ? NamesakeHash(p.Person, register) : null
                )
            )
            .OrderBy(p => Convert.ToHexString(p.Hash), StringComparer.Ordinal);
        var byId = people.ToDictionary(p => p.MemberId, p => p.Person);
        foreach (var some in rows.Chunk(NameLists.AtOnce))
        {
            // The list before the people, here and wherever both are written.
            var list = collectiveId is null ? (Guid?)null : await Lists.RoomAsync(connection, collectiveId);
            var stored = await StoreAsync(connection, some, list);
            if (list is { } into)
                await Lists.PutAsync(
                    connection,
                    collectiveId!,
                    into,
                    [.. stored.Select(id => Listed.Of(id, byId[id]))]
                );
        }
    }

    /// <returns>Who was not there.</returns>
    private static Task<List<string>> StoreAsync(
        NpgsqlConnection connection,
        (string MemberId, byte[] Hash, (byte[] WrappedKey, byte[] Data) Sealed, byte[]? Namesakes)[] rows,
        Guid? list
    ) =>
        connection.QueryAsync(
            $"""
            insert into {LedgerStore.Schema}.person (member_id, id_hash, wrapped_key, data, namesake_hash, list_id)
            select p.*, @list::uuid
              from unnest(@ids, @hashes, @keys, @data, @namesakes) p
                on conflict (id_hash) do nothing
            returning member_id
            """,
            r => r.GetString(0),
            ("list", list),
            ("ids", rows.Select(r => r.MemberId).ToArray()),
            ("hashes", rows.Select(r => r.Hash).ToArray()),
            ("keys", rows.Select(r => r.Sealed.WrappedKey).ToArray()),
            ("data", rows.Select(r => r.Sealed.Data).ToArray()),
            ("namesakes", rows.Select(r => r.Namesakes).ToArray())
        );

    /// <summary>
    /// Records as they are now, each under a new key: what was there before is in them, and nowhere else. Who has got
    /// another name is opened by whoever looks for namesakes until the hourly look has been there.
    /// </summary>
    public async Task RewriteAsync(
        NpgsqlConnection connection,
        IReadOnlyCollection<KeyValuePair<string, Person>> records
    )
    {
        var rows = records
            .OrderBy(r => r.Key, StringComparer.Ordinal)
            .Select(r =>
                (
                    r.Key,
                    Sealed: Seal(r.Key, r.Value),
                    IsRenamed: r.Value.Earlier?.Any(e => e.Name != r.Value.Name) == true
                )
            )
            .ToList();
        var renamed = rows.Where(r => r.IsRenamed).Select(r => r.Key).ToHashSet();
        await Lists.ChangeAsync(
            connection,
            records.Where(r => renamed.Contains(r.Key)).ToDictionary(r => r.Key, r => (Person?)r.Value)
        );
        await connection.ExecuteAsync(
            $"""
            update {LedgerStore.Schema}.person p set wrapped_key = r.key, data = r.data,
                   namesake_hash = case when r.renamed then null else p.namesake_hash end
              from unnest(@ids, @keys, @data, @renamed) r (id, key, data, renamed)
             where p.member_id = r.id and p.wrapped_key is not null
            """,
            ("ids", rows.Select(r => r.Key).ToArray()),
            ("keys", rows.Select(r => r.Sealed.WrappedKey).ToArray()),
            ("data", rows.Select(r => r.Sealed.Data).ToArray()),
            ("renamed", rows.Select(r => r.IsRenamed).ToArray())
        );
    }

    private byte[] HolderHash(CitizenId citizen) =>
        HMACSHA256.HashData(keys.HashKey, Encoding.ASCII.GetBytes($"account {citizen.Value}"));

    /// <summary>
    /// Of which of these accounts the person's row is not found by the number that the account's own row says.
    /// </summary>
    /// <param name="holders">The person that the events name, by the id of the account.</param>
    public async Task<IReadOnlyList<string>> HolderFaultsAsync(
        NpgsqlConnection connection,
        IReadOnlyDictionary<string, string> holders
    )
    {
        var rows = (
            await connection.QueryAsync(
                $"""
                select member_id, id_hash, wrapped_key, coalesce(data, '')
                  from {LedgerStore.Schema}.person
                 where member_id = any(@ids)
                """,
                r =>
                    (
                        Id: r.GetString(0),
                        Hash: r.GetFieldValue<byte[]>(1),
                        Key: r.IsDBNull(2) ? null : r.GetFieldValue<byte[]>(2),
                        Data: r.GetFieldValue<byte[]>(3)
                    ),
                ("ids", holders.SelectMany(h => new[] { h.Key, h.Value }).Distinct().ToArray())
            )
        ).ToDictionary(r => r.Id);
        return [.. holders.Where(h => !IsTold(h.Key, h.Value)).Select(h => h.Key).Order(StringComparer.Ordinal)];

        bool IsTold(string account, string person) =>
            rows.TryGetValue(account, out var own)
            && own.Key is not null
            && Open(account, own.Key, own.Data) is { } holder
            && rows.TryGetValue(person, out var found)
            && HolderHash(CitizenId.Parse(holder.CitizenId, out _)).AsSpan().SequenceEqual(found.Hash);
    }

    /// <summary>
    /// The natural person whose account this is: his pseudonymous id, the same for each of his accounts, found by a
    /// keyed hash that is not a member's. What an account says of him lies sealed in a row of its own, so that no
    /// administrator learns how another one has called him.
    /// </summary>
    public async Task<string> KeepHolderAsync(
        NpgsqlConnection connection,
        string accountId,
        CitizenId citizen,
        Person person
    )
    {
        var hash = HolderHash(citizen);
        await connection.ExecuteAsync(
            $"""
            insert into {LedgerStore.Schema}.person (member_id, id_hash)
            values (@id, @hash)
                on conflict (id_hash) do nothing
            """,
            ("id", StreamId.NewPerson()),
            ("hash", hash)
        );
        var (wrapped, data) = Seal(accountId, person);
        await connection.ExecuteAsync(
            $"""
            insert into {LedgerStore.Schema}.person (member_id, id_hash, wrapped_key, data)
            values (@id, uuid_send(gen_random_uuid()), @key, @data)
                on conflict (member_id) do update set wrapped_key = excluded.wrapped_key, data = excluded.data
            """,
            ("id", accountId),
            ("key", wrapped),
            ("data", data)
        );
        return (
            await connection.QueryAsync(
                $"select member_id from {LedgerStore.Schema}.person where id_hash = @hash",
                r => r.GetString(0),
                ("hash", hash)
            )
        ).Single();
    }

    /// <summary>
    /// Destroys a person's key, data and hashes, and takes him out of his lists. Nothing brings them back but a backup
    /// from before, under its key file.
    /// </summary>
    public async Task EraseAsync(NpgsqlConnection connection, params string[] ids)
    {
        await Lists.ChangeAsync(connection, ids.Distinct().ToDictionary(id => id, _ => (Person?)null));
        await connection.ExecuteAsync(
            $"""
            update {LedgerStore.Schema}.person
               set wrapped_key = null, data = null, namesake_hash = null, list_id = null,
                   id_hash = uuid_send(gen_random_uuid())
             where member_id = any(@ids)
            """,
            ("ids", ids)
        );
    }

    private (byte[] WrappedKey, byte[] Data) Seal(string memberId, Person person)
    {
        var key = RandomNumberGenerator.GetBytes(32);
        return (
            Encrypt(keys.KeyEncryptionKey, key, memberId),
            Encrypt(key, JsonSerializer.SerializeToUtf8Bytes(person), memberId)
        );
    }

    /// <summary>Null: not what was written here, or not of this person.</summary>
    private Person? Open(string memberId, byte[] wrappedKey, byte[] data)
    {
        try
        {
            return JsonSerializer.Deserialize<Person>(
                Decrypt(Decrypt(keys.KeyEncryptionKey, wrappedKey, memberId), data, memberId)
            )!;
        }
        catch (CryptographicException)
        {
            return null;
        }
    }

    // Layout: nonce (12) ‖ tag (16) ‖ ciphertext. The member id is authenticated, so that rows cannot be swapped.
    internal static byte[] Encrypt(byte[] key, byte[] plain, string memberId)
    {
        var result = new byte[NonceLength + TagLength + plain.Length];
        RandomNumberGenerator.Fill(result.AsSpan(0, NonceLength));
        using var aes = new AesGcm(key, TagLength);
        aes.Encrypt(
            result.AsSpan(0, NonceLength),
            plain,
            result.AsSpan(NonceLength + TagLength),
            result.AsSpan(NonceLength, TagLength),
            Encoding.UTF8.GetBytes(memberId)
        );
        return result;
    }

    internal static byte[] Decrypt(byte[] key, byte[] box, string memberId)
    {
        if (box.Length < NonceLength + TagLength)
            throw new CryptographicException("too short");
        var plain = new byte[box.Length - NonceLength - TagLength];
        using var aes = new AesGcm(key, TagLength);
        Open(aes, box, memberId, plain);
        return plain;
    }

    /// <summary>Opens a box into what is there: for whoever opens many, one after the other.</summary>
    /// <returns>The length of what was in it.</returns>
    /// <exception cref="CryptographicException">It was not sealed with this key, or for somebody else.</exception>
    internal static int Open(AesGcm aes, ReadOnlySpan<byte> box, string memberId, Span<byte> plain)
    {
        if (box.Length < NonceLength + TagLength)
            throw new CryptographicException("too short");
        var length = box.Length - NonceLength - TagLength;
        aes.Decrypt(
            box[..NonceLength],
            box[(NonceLength + TagLength)..],
            box.Slice(NonceLength, TagLength),
            plain[..length],
            Encoding.UTF8.GetBytes(memberId)
        );
        return length;
    }
}

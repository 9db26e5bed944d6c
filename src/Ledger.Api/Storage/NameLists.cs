using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Ledger.Domain.Identity;
using Npgsql;

namespace Ledger.Api.Storage;

/// <summary>A record as a list has it: id, name as names are compared, last four of the citizen id.</summary>
public sealed record Listed(Guid Record, string Name, string Four)
{
    /// <summary>Longer than any name, and short enough that a byte tells its length.</summary>
    private const int MaxRunes = 60;

    public static Listed Of(string memberId, Person person) =>
        new(
            RecordOf(memberId),
            string.Concat(PersonName.Canonical(person.Name).EnumerateRunes().Take(MaxRunes)) is { Length: > 0 } name
                ? name
                : "·",
            person.CitizenId[^4..]
        );

    public static Guid RecordOf(string memberId) => Guid.ParseExact(memberId["member-".Length..], "N");

    public string MemberId => $"member-{Record:N}";

    /// <summary>Lists of the same people have the same sum of these, in whatever order.</summary>
    public UInt128 Digest() =>
        BinaryPrimitives.ReadUInt128BigEndian(SHA256.HashData(Encoding.UTF8.GetBytes($"{Record:N}{Four}{Name}")));
}

/// <summary>
/// Who is in a collective, sealed list by list, so that a part of a name finds people without a hash of it lying
/// anywhere: whoever looks opens the lists of his region and reads them through. What it found is opened and compared
/// before anything is shown, so that a list which is wrong hides somebody, and shows nobody, until the hourly look.
/// </summary>
public sealed class NameLists(KeyFile keys)
{
    /// <summary>A list that is longer takes nobody more: some 1,500 people.</summary>
    private const int Full = 60_000;

    /// <summary>So many people go into a list at a time, by one transaction.</summary>
    public const int AtOnce = 700;

    /// <summary>
    /// A list that was not full takes people of the longest names, and is no longer than this (V0021): what is, the
    /// product did not write.
    /// </summary>
    private const int Longest = 256 * Step + PersonalData.Around;

    /// <summary>Lengths are told in steps of so much: a long name more or less is not seen.</summary>
    private const int Step = 1024;

    // Of an entry: the record, the four, the name's length; behind the last a length of nothing.
    private const int Head = 16 + 4 + 1;

    /// <summary>The list into which the collective's next people go, held until the transaction ends.</summary>
    public async Task<Guid> RoomAsync(NpgsqlConnection connection, string collectiveId) =>
        (
            await connection.QueryAsync(
                $"""
                select id
                  from {LedgerStore.Schema}.name_list
                 where collective_id = @collective
                   and octet_length(box) < {Full}
                 order by id limit 1 for update
                """,
                r => (Guid?)r.GetGuid(0),
                ("collective", collectiveId)
            )
        ).FirstOrDefault() ?? Guid.CreateVersion7();

    public async Task PutAsync(
        NpgsqlConnection connection,
        string collectiveId,
        Guid list,
        IReadOnlyCollection<Listed> people
    )
    {
        if (people.Count == 0)
            return;
        var there = await ReadAsync(connection, "l.id = @list", ("list", list));
        var now = there.SelectMany(t => t.People ?? []).Concat(people).GroupBy(p => p.Record).Select(p => p.Last());
        await WriteAsync(connection, collectiveId, list, [.. now]);
    }

    /// <summary>A list holds these people and no others.</summary>
    public Task WriteAsync(
        NpgsqlConnection connection,
        string collectiveId,
        Guid list,
        IReadOnlyCollection<Listed> people
    ) =>
        people.Count == 0
            ? connection.ExecuteAsync($"delete from {LedgerStore.Schema}.name_list where id = @list", ("list", list))
            : connection.ExecuteAsync(
                $"""
                insert into {LedgerStore.Schema}.name_list (id, collective_id, box)
                values (@list, @collective, @box)
                    on conflict (id) do update set box = excluded.box
                """,
                ("list", list),
                ("collective", collectiveId),
                ("box", PersonalData.Encrypt(keys.SearchKey, Plain(people), Of(list, collectiveId)))
            );

    /// <summary>Records got another name, or none at all: erased.</summary>
    public async Task ChangeAsync(NpgsqlConnection connection, IReadOnlyDictionary<string, Person?> records)
    {
        var changed = records
            .Where(r => StreamId.IsMember(r.Key))
            .ToDictionary(r => Listed.RecordOf(r.Key), r => r.Value is { } p ? Listed.Of(r.Key, p) : null);
        if (changed.Count == 0)
            return;
        var lists = await ReadAsync(
            connection,
            $"""
            l.id = any(array(select list_id from {LedgerStore.Schema}.person
                              where member_id = any(@ids) and list_id is not null))
            """,
            ("ids", records.Keys.ToArray())
        );
        foreach (var (list, collective, people) in lists)
            if (people is not null)
                await WriteAsync(
                    connection,
                    collective,
                    list,
                    [.. people.Select(p => changed.GetValueOrDefault(p.Record, p)).OfType<Listed>()]
                );
    }

    /// <summary>Lists, held until the transaction ends; who is null in one that was not written here.</summary>
    private Task<List<(Guid List, string Collective, IReadOnlyList<Listed>? People)>> ReadAsync(
        NpgsqlConnection connection,
        string which,
        params (string, object?)[] parameters
    ) =>
        connection.QueryAsync(
            $"""
            select l.id, l.collective_id, l.box
              from {LedgerStore.Schema}.name_list l
             where {which}
             order by l.id for update
            """,
            r => (r.GetGuid(0), r.GetString(1), People(r.GetGuid(0), r.GetString(1), r.GetFieldValue<byte[]>(2))),
            parameters
        );

    /// <summary>Null: not what was written here, or not of this collective.</summary>
    public IReadOnlyList<Listed>? People(Guid list, string collectiveId, byte[] box)
    {
        byte[] plain;
        try
        {
            plain = PersonalData.Decrypt(keys.SearchKey, box, Of(list, collectiveId));
        }
        catch (CryptographicException)
        {
            return null;
        }
        var people = new List<Listed>();
        for (ReadOnlySpan<byte> rest = plain; rest.Length > Head && rest[Head - 1] > 0; rest = After(rest))
            people.Add(
                new Listed(
                    new Guid(rest[..16]),
                    Encoding.UTF8.GetString(Name(rest)),
                    Encoding.ASCII.GetString(rest.Slice(16, 4))
                )
            );
        return people;
    }

    /// <summary>
    /// Whose name has this part and whose id ends so, in the lists of these collectives: those first whose whole name
    /// it is, then those whose name begins so. A list that does not open is passed over; the hourly look names it.
    /// </summary>
    /// <param name="part">As <see cref="PersonName.Canonical"/> has it; null: whatever the name.</param>
    public async Task<IReadOnlyList<string>> FindAsync(
        NpgsqlConnection connection,
        IEnumerable<string> collectiveIds,
        string? part,
        string? four,
        int most
    )
    {
        var (name, end) = (Encoding.UTF8.GetBytes(part ?? ""), Encoding.ASCII.GetBytes(four ?? ""));
        using var aes = new AesGcm(keys.SearchKey, PersonalData.TagLength);
        var (box, plain) = (new byte[Longest], new byte[Longest]);
        var found = new List<(Guid Record, int Rank)>();
        await connection.QueryAsync(
            $"""
            select id, collective_id, octet_length(box), box
              from {LedgerStore.Schema}.name_list
             where collective_id = any(@collectives)
               and octet_length(box) <= {Longest}
               and octet_length(box) % {Step} = {PersonalData.Around}
            """,
            r =>
            {
                var length = r.GetInt32(2);
                r.GetBytes(3, 0, box, 0, length);
                if (Open(aes, box.AsSpan(0, length), Of(r.GetGuid(0), r.GetString(1)), plain) is { } bytes)
                    Look(plain.AsSpan(0, bytes), name, end, found);
                return 0;
            },
            ("collectives", collectiveIds.ToArray())
        );
        return [.. found.OrderBy(f => f.Rank).ThenBy(f => f.Record).Take(most).Select(f => $"member-{f.Record:N}")];
    }

    private static int? Open(AesGcm aes, ReadOnlySpan<byte> box, string of, byte[] plain)
    {
        try
        {
            return PersonalData.Open(aes, box, of, plain);
        }
        catch (CryptographicException)
        {
            return null;
        }
    }

    private static void Look(
        ReadOnlySpan<byte> rest,
        ReadOnlySpan<byte> part,
        ReadOnlySpan<byte> four,
        List<(Guid, int)> found
    )
    {
        for (; rest.Length > Head && rest[Head - 1] > 0; rest = After(rest))
        {
            var name = Name(rest);
            if (!rest.Slice(16, 4).EndsWith(four))
                continue;
            var at = name.IndexOf(part); // UTF-8: a character is found as such, and never within another
            if (at >= 0)
                found.Add((new Guid(rest[..16]), name.Length == part.Length ? 0 : Math.Min(at, 1) + 1));
        }
    }

    private static ReadOnlySpan<byte> Name(ReadOnlySpan<byte> entry) => entry.Slice(Head, entry[Head - 1]);

    private static ReadOnlySpan<byte> After(ReadOnlySpan<byte> entry) => entry[(Head + entry[Head - 1])..];

    private static string Of(Guid list, string collectiveId) => $"names {list:N} {collectiveId}";

    private static byte[] Plain(IReadOnlyCollection<Listed> people)
    {
        var plain = new ArrayBufferWriter<byte>();
        foreach (var person in people)
        {
            var name = Encoding.UTF8.GetBytes(person.Name);
            var entry = plain.GetSpan(Head + name.Length);
            person.Record.TryWriteBytes(entry);
            Encoding.ASCII.GetBytes(person.Four, entry[16..]);
            entry[Head - 1] = (byte)name.Length;
            name.CopyTo(entry[Head..]);
            plain.Advance(Head + name.Length);
        }
        return [.. plain.WrittenSpan, .. new byte[Step - plain.WrittenCount % Step]];
    }
}

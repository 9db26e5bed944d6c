using Npgsql;

namespace Ledger.Api.Storage;

/// <summary>
/// Beside the look at the people (<see cref="PersonLook"/>): each stands in a list of the collective where his record
/// is, and each list says what the records say. What does not is written anew; who was in none, being of before there
/// were lists, or has moved to another collective, is put into one.
/// </summary>
public sealed class NameListLook(PersonalData people, Findings findings)
{
    private readonly Dictionary<Guid, UInt128> _sums = [];
    private readonly Dictionary<string, List<string>> _elsewhere = [];
    private readonly HashSet<Guid> _left = [];

    /// <param name="home">The collective where the record is now; null: none.</param>
    /// <param name="list">The list in which it stands, and of which collective that is; null: in none.</param>
    public void See(Listed person, string? home, (Guid Id, string Collective)? list)
    {
        if (list is { } own && (home is null || own.Collective == home))
        {
            _sums[own.Id] = unchecked(_sums.GetValueOrDefault(own.Id) + person.Digest());
            return;
        }
        if (list is { } other)
            _left.Add(other.Id);
        if (home is null)
            return; // it was handed in with a fault, and is nobody's
        if (!_elsewhere.TryGetValue(home, out var ids))
            _elsewhere[home] = ids = [];
        ids.Add(person.MemberId);
    }

    public async Task MendAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        foreach (var list in await WrongAsync(connection))
            await WriteAsync(connection, list, cancellation);
        foreach (var (collective, ids) in _elsewhere)
        foreach (var page in ids.Chunk(NameLists.AtOnce))
            await PutAsync(connection, collective, page, cancellation);
        foreach (var list in _left)
            await WriteAsync(connection, list, cancellation);
    }

    /// <summary>Lists that say something else than the records that were seen, or do not open.</summary>
    private async Task<IReadOnlyList<Guid>> WrongAsync(NpgsqlConnection connection)
    {
        var lists = await connection.ScanAsync(
            $"select id, collective_id, box from {LedgerStore.Schema}.name_list",
            r =>
            {
                var (id, collective) = (r.GetGuid(0), r.GetString(1));
                var sum = people
                    .Lists.People(id, collective, r.GetFieldValue<byte[]>(2))
                    ?.Aggregate(default(UInt128), (all, p) => unchecked(all + p.Digest()));
                return (Id: id, Opens: sum is not null, IsRight: sum == _sums.GetValueOrDefault(id));
            }
        );
        foreach (var list in lists.Where(l => !l.Opens).Take(20))
            await findings.AddAsync("person", $"{list.Id}：姓名查找表被改动 a list of names was edited");
        return [.. lists.Where(l => !l.IsRight).Select(l => l.Id)];
    }

    /// <summary>A list, from the records that say that they stand in it.</summary>
    private async Task WriteAsync(NpgsqlConnection connection, Guid list, CancellationToken cancellation)
    {
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        var collective = (
            await connection.QueryAsync(
                $"select collective_id from {LedgerStore.Schema}.name_list where id = @list for update",
                r => r.GetString(0),
                ("list", list)
            )
        ).FirstOrDefault();
        if (collective is not null)
            await people.Lists.WriteAsync(
                connection,
                collective,
                list,
                await OfAsync(
                    connection,
                    $"""
                    select member_id, wrapped_key, coalesce(data, '')
                      from {LedgerStore.Schema}.person
                     where list_id = @list
                       and wrapped_key is not null
                    """,
                    ("list", list)
                )
            );
        await transaction.CommitAsync(cancellation);
    }

    private async Task PutAsync(
        NpgsqlConnection connection,
        string collective,
        string[] ids,
        CancellationToken cancellation
    )
    {
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        var list = await people.Lists.RoomAsync(connection, collective);
        await people.Lists.PutAsync(
            connection,
            collective,
            list,
            await OfAsync(
                connection,
                $"""
                update {LedgerStore.Schema}.person
                   set list_id = @list
                 where member_id = any(@ids)
                   and wrapped_key is not null
                returning member_id, wrapped_key, coalesce(data, '')
                """,
                ("list", list),
                ("ids", ids)
            )
        );
        await transaction.CommitAsync(cancellation);
    }

    private async Task<IReadOnlyList<Listed>> OfAsync(
        NpgsqlConnection connection,
        string sql,
        params (string, object?)[] parameters
    ) =>
        [
            .. (
                await connection.QueryAsync(
                    sql,
                    r => people.ListedAs(r.GetString(0), r.GetFieldValue<byte[]>(1), r.GetFieldValue<byte[]>(2)),
                    parameters
                )
            ).OfType<Listed>(),
        ];
}

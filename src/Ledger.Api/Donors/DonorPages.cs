using Ledger.Api.Commands;
using Ledger.Api.Exports;
using Ledger.Api.Imports;
using Ledger.Api.Log;
using Ledger.Api.Members;
using Ledger.Api.Pages;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Domain;
using Ledger.Domain.Donors;
using Ledger.Domain.Identity;
using Ledger.Web.Donors;
using Ledger.Web.Trace;
using Marten;
using Npgsql;

namespace Ledger.Api.Donors;

/// <summary>
/// Pages of donors: the register, and where each yuan of a gift went, for offices and for the donor himself.
/// </summary>
public static class DonorPages
{
    public static void MapDonorPages(this WebApplication app)
    {
        foreach (
            var (path, show) in new (string, Func<Listed, DateTimeOffset, IResult>)[]
            {
                (
                    "/donors",
                    (l, _) =>
                        PageRoutes.Show<DonorsPage>(
                            new
                            {
                                l.Donors,
                                l.Asked,
                                l.Kind,
                            }
                        )
                ),
                ("/donors.xlsx", (l, now) => Workbook.File(OfficeSheets.Donors(l.Donors, l.Scope, now), "捐赠人名册")),
            }
        )
            app.Page(
                path,
                async (
                    string? q,
                    string? kind,
                    IQuerySession session,
                    NpgsqlDataSource database,
                    PersonalData people,
                    Caller caller,
                    TimeProvider time
                ) =>
                {
                    var scope = DonorEndpoints.CountyOf(caller.Actor.Region);
                    var asked = PageRoutes.Typed(q);
                    var donors = (await NamedAsync(session, database, people, scope)).Where(d =>
                        (string.IsNullOrEmpty(kind) || d.Donor.Kind.Word() == kind)
                        && $"{d.Name} {d.Donor.CreditCode}".Contains(asked, StringComparison.OrdinalIgnoreCase)
                    );
                    return show(new Listed([.. donors], scope, q, kind), time.GetUtcNow());
                },
                Roles.All
            );
        app.Page("/donors/{id}", One, DonorEndpoints.ReceiptReaders);
        app.Page("/gifts/{id}/{code}", Gift);
    }

    private static async Task<IResult> One(
        string id,
        IQuerySession session,
        NpgsqlDataSource database,
        PersonalData people,
        Caller caller,
        KeyFile keys,
        HttpContext http,
        CancellationToken cancellation
    ) =>
        await ShowAsync(
            await DonorEndpoints.FindAsync(session, id, caller) ?? throw Require.NotFound(id),
            caller.Actor.Region,
            session,
            database,
            people,
            PageRoutes.Address(http, $"/gifts/{id}/{AddressCode.Of(keys, Gifts(id))}"),
            keys,
            http,
            cancellation
        );

    private sealed record Listed(
        IReadOnlyList<(Donor Donor, string Name)> Donors,
        string Scope,
        string? Asked,
        string? Kind
    );

    /// <summary>
    /// The donor has no account: the code in the address, which only we can make, says that somebody who may gave it to
    /// him.
    /// </summary>
    private static async Task<IResult> Gift(
        string id,
        string code,
        IQuerySession session,
        NpgsqlDataSource database,
        PersonalData people,
        KeyFile keys,
        HttpContext http,
        CancellationToken cancellation
    )
    {
        var donor = AddressCode.Holds(keys, Gifts(id), code) ? await session.LoadAsync<Donor>(id, cancellation) : null;
        return await ShowAsync(
            donor ?? throw Require.NotFound("捐赠查询"),
            RegionCode.City(donor.Region),
            session,
            database,
            people,
            null,
            keys,
            http,
            cancellation
        );
    }

    /// <summary>What the code in the address is of.</summary>
    private static string Gifts(string donorId) => $"gifts {donorId}";

    private static async Task<IResult> ShowAsync(
        Donor donor,
        string scope,
        IQuerySession session,
        NpgsqlDataSource database,
        PersonalData people,
        string? code,
        KeyFile keys,
        HttpContext http,
        CancellationToken cancellation
    )
    {
        var receipt = await DonorEndpoints.ReceiptAsync(donor, scope, session, database, people, cancellation);
        var flow = new Flow()
            .Put("donor", receipt.Donor.Name, Flow.Source)
            .Put("available", "尚可用", Flow.Rest)
            .Put("returned", "已退回来源", Flow.Rest);
        foreach (var gift in receipt.Gifts)
        {
            flow.Put(gift.FundId, gift.FundName, Flow.Fund)
                .Join("donor", gift.FundId, gift.Amount)
                .Join(gift.FundId, "available", gift.AvailableAmount)
                .Join(gift.FundId, "returned", gift.ReturnedAmount);
            foreach (var use in gift.Uses.GroupBy(u => u.ApplicationId))
                flow.Put(use.Key, $"{use.Select(u => u.MemberId).Distinct().Count()} 人的补助", Flow.Member)
                    .Join(gift.FundId, use.Key, Money.Sum(use.Select(u => u.Amount)));
        }
        return PageRoutes.Show<GiftsPage>(
            new
            {
                Receipt = receipt,
                Flow = flow,
                Code = code,
                Proof = ProofPages.Way(keys, http, receipt.Gifts.Select(g => g.Sequence)),
            }
        );
    }

    /// <summary>The donors of a region with the names that may be shown: a person's is masked.</summary>
    public static async Task<IReadOnlyList<(Donor Donor, string Name)>> NamedAsync(
        IQuerySession session,
        NpgsqlDataSource database,
        PersonalData people,
        string scope
    )
    {
        var donors = await session
            .Query<Donor>()
            .Where(d => d.Region.StartsWith(scope))
            .OrderBy(d => d.Id)
            .Take(Scope.MaxRows)
            .ToListAsync();
        await using var connection = await database.OpenConnectionAsync();
        var persons = await people.ReadAsync(connection, donors.Where(d => d.Name is null).Select(d => d.Id));
        return
        [
            .. donors.Select(d => (d, d.Name ?? persons.GetValueOrDefault(d.Id)?.MaskedName ?? MemberEndpoints.Erased)),
        ];
    }
}

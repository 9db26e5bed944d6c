using System.Security.Cryptography;
using Ledger.Api.Commands;
using Ledger.Api.Members;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Domain;
using Ledger.Domain.Donors;
using Ledger.Domain.Funds;
using Ledger.Domain.Identity;
using Ledger.Projections.Provenance;
using Marten;
using Npgsql;

namespace Ledger.Api.Donors;

/// <summary>An organisation or charity: <paramref name="CreditCode"/>. An individual: <paramref name="CitizenId"/>, which is stored encrypted.</summary>
public sealed record DonorBody(DonorKind Kind, string Name, string? CreditCode = null, string? CitizenId = null);

/// <summary>Donors (捐赠人), C8 and C23.</summary>
public static class DonorEndpoints
{
    public static readonly string[] ReceiptReaders = [Roles.VillageFinance, Roles.CountyHrss, Roles.CountyAgriculture, Roles.Agency, Roles.Auditor, Roles.CityHrss];

    public static void MapDonors(this IEndpointRouteBuilder api)
    {
        api.MapPost("/donors", Register)
            .Command<DonorView>("register-donor", "登记捐赠人 (C8 C23) · Register a donor", Roles.VillageFinance, Roles.CountyHrss, Roles.CountyAgriculture)
            .Refuses(Rejections.AlreadyExists, Rejections.FieldInvalid)
            .Example("""{"kind":"charity","name":"任城区慈善总会","creditCode":"53370811MJ0000001X"}""");
        api.MapGet("/donors", List).Reading<IReadOnlyList<DonorView>>("list-donors", "捐赠人名册（个人脱敏，C23） · Register of donors", Roles.All).Refuses(Rejections.FieldInvalid);
        api.MapGet("/donors/{id}", Read).Reading<DonorView>("read-donor", "查看捐赠人 · Read a donor", Roles.All).Refuses(Rejections.NotFound);
        api.MapGet("/donors/{id}/receipt", Receipt)
            .Reading<DonorReceiptView>("read-donor-receipt", "捐赠去向回执：每一元用在何处 (C23) · Where each yuan of a donor's gifts went",
                ReceiptReaders)
            .Refuses(Rejections.NotFound);
    }

    private static async Task<Answer> Register(DonorBody body, Command command, PersonalData people)
    {
        var name = Require.Text(body.Name, "name", 100);
        if (body.Kind != DonorKind.Individual)
        {
            var code = Require.Text(body.CreditCode, "creditCode", 18).ToUpperInvariant();
            var id = StreamId.DonorOf(code);
            var known = await command.FindAsync<Donor>(id);
            return Created(command.Append(id, known, DonorDecider.RegisterOrganisation(known, body.Kind, name, code, RegionCode.County(command.Actor.Region))), name);
        }
        var citizen = Domain.Identity.CitizenId.Parse(body.CitizenId ?? "", out var fault);
        if ((fault ?? citizen.BirthFault(command.Today)) is { } wrong) throw Require.Invalid("citizenId", wrong);
        var person = new Person(name, citizen.Value, null, null, RandomNumberGenerator.GetBytes(16));
        await people.AddAsync(command.Connection, [(StreamId.NewDonor(), citizen, person)], asDonor: true);
        var donorId = (await people.FindAsync(command.Connection, [citizen], asDonor: true))[citizen];
        var there = await command.FindAsync<Donor>(donorId);
        return Created(command.Append(donorId, there, DonorDecider.RegisterIndividual(there, person.Digest(), RegionCode.County(command.Actor.Region))), person.MaskedName);

        static Answer Created(Donor donor, string name) =>
            Answer.Created($"/api/donors/{donor.Id}", new DonorView(donor.Id, donor.Revision, donor.Kind, name, donor.CreditCode), donor.Revision);
    }

    private static async Task<IReadOnlyList<DonorView>> List(string? region, IQuerySession session, Caller caller, NpgsqlDataSource database, PersonalData people)
    {
        // Donors are registered by county: who works below it sees the county's.
        var scope = Scope.Narrow(caller, region);
        if (scope.Length > RegionCode.CountyLength) scope = RegionCode.County(scope);
        return [.. (await DonorPages.NamedAsync(session, database, people, scope)).Select(d => new DonorView(d.Donor.Id, d.Donor.Revision, d.Donor.Kind, d.Name, d.Donor.CreditCode))];
    }

    /// <summary>Donors are known county-wide: whoever works in a county may see those registered in it.</summary>
    public static async Task<Donor?> FindAsync(IQuerySession session, string id, Caller caller) =>
        await session.LoadAsync<Donor>(id) is { } donor && (caller.MaySee(donor.Region) || caller.Actor.Region.StartsWith(donor.Region, StringComparison.Ordinal)) ? donor : null;

    private static async Task<DonorView> ViewAsync(Donor donor, NpgsqlDataSource database, PersonalData people)
    {
        if (donor.Name is { } name) return new DonorView(donor.Id, donor.Revision, donor.Kind, name, donor.CreditCode);
        await using var connection = await database.OpenConnectionAsync();
        var person = (await people.ReadAsync(connection, [donor.Id])).GetValueOrDefault(donor.Id);
        return new DonorView(donor.Id, donor.Revision, donor.Kind, person?.MaskedName ?? MemberEndpoints.Erased, null);
    }

    private static async Task<IResult> Read(string id, IQuerySession session, Caller caller, NpgsqlDataSource database, PersonalData people, HttpContext http)
    {
        var donor = await FindAsync(session, id, caller) ?? throw Require.NotFound(id);
        http.Response.Headers.ETag = ETags.Of(donor.Revision);
        return Results.Ok(await ViewAsync(donor, database, people));
    }

    private static async Task<DonorReceiptView> Receipt(string id, IQuerySession session, Caller caller, NpgsqlDataSource database, PersonalData people,
        CancellationToken cancellation)
    {
        var donor = await FindAsync(session, id, caller) ?? throw Require.NotFound(id);
        return await ReceiptAsync(donor, caller.Actor.Region, session, database, people, cancellation);
    }

    /// <summary>The receipt over the funds of a region.</summary>
    public static async Task<DonorReceiptView> ReceiptAsync(Donor donor, string scope, IQuerySession session, NpgsqlDataSource database, PersonalData people, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        var traces = await GiftTrace.OfDonorAsync(session, connection, donor.Id, scope, cancellation);
        var gifts = traces.Select(t => new GiftView(t.Allocation.FundId, t.FundName, t.Allocation.Facts.AllocationId, t.Allocation.Event.RecordedAt, t.Allocation.Facts.AmountFen, t.Allocation.Facts.Earmark,
            [.. t.Uses.Select(u => new GiftUseView(u.ApplicationId, u.MemberId, u.AmountFen, u.Status.Word()))], t.AvailableFen, t.ReturnedFen)).ToList();
        return new DonorReceiptView(await ViewAsync(donor, database, people), Money.Sum(gifts.Select(g => g.Amount)),
            Money.Sum(gifts.SelectMany(g => g.Uses).Select(u => u.Amount)), Money.Sum(gifts.Select(g => g.AvailableAmount)),
            Money.Sum(gifts.Select(g => g.ReturnedAmount)), gifts);
    }
}

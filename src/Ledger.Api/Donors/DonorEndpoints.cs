using System.Security.Cryptography;
using Ledger.Api.Commands;
using Ledger.Api.Exports;
using Ledger.Api.Imports;
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

/// <summary>
/// An organisation or charity: <paramref name="CreditCode"/>. An individual: <paramref name="CitizenId"/> and, to be
/// reached, <paramref name="Phone"/>; both are stored encrypted, as the name is, and stand in no event.
/// </summary>
public sealed record DonorBody(
    DonorKind Kind,
    string Name,
    string? CreditCode = null,
    string? CitizenId = null,
    string? Phone = null
);

/// <summary>Donors (捐赠人), C8 and C23.</summary>
public static class DonorEndpoints
{
    public static readonly string[] ReceiptReaders =
    [
        Roles.VillageFinance,
        Roles.SupervisionCommittee,
        Roles.CountyHrss,
        Roles.CountyAgriculture,
        Roles.Agency,
        Roles.Auditor,
        Roles.CityHrss,
    ];

    public static void MapDonors(this IEndpointRouteBuilder api)
    {
        api.MapPost("/donors", Register)
            .TakesSecrets()
            .Command<DonorView>(
                "register-donor",
                "登记捐赠人 (C8 C23) · Register a donor",
                Roles.VillageFinance,
                Roles.CountyHrss,
                Roles.CountyAgriculture
            )
            .Refuses(Rejections.AlreadyExists, Rejections.FieldInvalid)
            .Example("""{"kind":"charity","name":"任城区慈善总会","creditCode":"53370811MJ0000001X"}""");
        api.MapGet("/donors", List)
            .Reading<IReadOnlyList<DonorView>>(
                "list-donors",
                "捐赠人名册（个人脱敏，C23）；Accept 为 .xlsx 时得到表格 · Register of donors",
                Roles.All
            )
            .Refuses(Rejections.FieldInvalid);
        api.MapGet("/donors/{id}", Read)
            .Reading<DonorView>("read-donor", "查看捐赠人 · Read a donor", Roles.All)
            .Refuses(Rejections.NotFound);
        api.MapPost("/donors/{id}/erasure", Erase)
            .Command<DonorView>(
                "erase-donor-data",
                "保管期满，删除个人捐赠人的信息；账和回执不变 · Erase an individual donor's data after the retention period",
                Roles.CountyHrss,
                Roles.Agency
            )
            .Previewed()
            .Refuses(
                Rejections.RetentionNotOver,
                Rejections.WrongState,
                Rejections.FieldInvalid,
                Rejections.NotFound,
                Rejections.VersionMismatch
            )
            .Example("""{"reason":"保管期满"}""");
        api.MapGet("/donors/{id}/receipt", Receipt)
            .Reading<DonorReceiptView>(
                "read-donor-receipt",
                "捐赠去向回执：每一元用在何处 (C23) · Where each yuan of a donor's gifts went",
                ReceiptReaders
            )
            .Refuses(Rejections.NotFound);
    }

    private static async Task<Answer> Register(DonorBody body, Command command, PersonalData people)
    {
        if (body.Kind != DonorKind.Individual)
        {
            var name = Require.Name(body.Name, "name", 100);
            var code = Require.Text(body.CreditCode, "creditCode", 18).ToUpperInvariant();
            var id = StreamId.DonorOf(code);
            var known = await command.FindAsync<Donor>(id);
            return Created(
                command.Append(
                    id,
                    known,
                    DonorDecider.RegisterOrganisation(
                        known,
                        body.Kind,
                        name,
                        code,
                        RegionCode.County(command.Actor.Region)
                    )
                ),
                name
            );
        }
        var citizen = Domain.Identity.CitizenId.Parse(body.CitizenId ?? "", out var fault);
        if ((fault ?? citizen.BirthFault(command.Today)) is { } wrong)
            throw Require.Invalid("citizenId", wrong);
        var phone = string.IsNullOrWhiteSpace(body.Phone) ? null : Require.Text(body.Phone, "phone", 20);
        if (phone?.All(c => char.IsAsciiDigit(c) || c is '+' or '-' or ' ') == false)
            throw Require.Invalid("phone", "应为电话号码");
        var county = RegionCode.County(command.Actor.Region);
        var person = new Person(
            Require.Text(body.Name, "name", 100),
            citizen.Value,
            phone,
            null,
            RandomNumberGenerator.GetBytes(16)
        );
        // A register for each county: what another one registered is not told here. Those from before the registers
        // parted are still found in their own county.
        await people.AddAsync(
            command.Connection,
            [(StreamId.NewDonor(), citizen, person)],
            PersonalData.Donors(county)
        );
        var own = (await people.FindAsync(command.Connection, [citizen], PersonalData.Donors(county)))[citizen];
        var earlier = (
            await people.FindAsync(command.Connection, [citizen], PersonalData.Donors(null))
        ).GetValueOrDefault(citizen);
        var donors = await command.FindManyAsync<Donor>(earlier is null ? [own] : [own, earlier]);
        var there =
            donors.GetValueOrDefault(own)
            ?? (
                earlier is not null && donors.GetValueOrDefault(earlier) is { } before && before.Region == county
                    ? before
                    : null
            );
        return Created(
            command.Append(own, there, DonorDecider.RegisterIndividual(there, person.Digest(), county)),
            person.MaskedName
        );

        static Answer Created(Donor donor, string name) =>
            Answer.Created(
                $"/api/donors/{donor.Id}",
                new DonorView(donor.Id, donor.Revision, donor.Kind, name, donor.CreditCode),
                donor.Revision
            );
    }

    /// <summary>The last thing that names the donor: a gift, a sponsorship, the registration itself.</summary>
    private static async Task<Answer> Erase(
        string id,
        ReasonBody body,
        Command command,
        Caller caller,
        PersonalData people,
        Settings settings
    )
    {
        var donor = await command.FindAsync<Donor>(id);
        if (donor is null || !MayWork(caller, donor))
            throw Require.NotFound(id);
        command.RequireMatch(donor);
        command.Region = donor.Region;
        var last = (
            await command.Connection.QueryAsync(
                $"""
                select coalesce(max(at), now()) from (
                    select timestamp as at from {LedgerStore.Schema}.mt_events where stream_id = @id
                    union all
                    select timestamp
                      from {LedgerStore.Schema}.mt_events
                     where type = 'funds_allocated'
                       and data ->> 'donorId' is not null
                       and data ->> 'donorId' = @id
                    union all
                    select timestamp
                      from {LedgerStore.Schema}.mt_events
                     where type = 'sponsorship_recorded'
                       and data ->> 'donorId' = @id
                    union all
                    select a.recorded_at
                      from {LedgerStore.Schema}.audit_entry_id i
                      join {LedgerStore.Schema}.audit_entry a using (seq)
                     where i.id_hash = hashtextextended(@id, 0)) named
                """,
                r => r.GetFieldValue<DateTime>(0),
                ("id", id)
            )
        ).Single();
        donor = command.Append(
            id,
            donor,
            DonorDecider.Erase(
                donor,
                Require.Prose(body.Reason, "reason", 500),
                DateOnly.FromDateTime(last),
                settings.RetentionYears,
                command.Today
            )
        );
        await people.EraseAsync(command.Connection, id);
        return new Answer(
            new DonorView(donor.Id, donor.Revision, donor.Kind, MemberEndpoints.Erased, null),
            donor.Revision
        );
    }

    private static bool MayWork(Caller caller, Donor donor) =>
        caller.MaySee(donor.Region) || caller.Actor.Region.StartsWith(donor.Region, StringComparison.Ordinal);

    private static async Task<IResult> List(
        string? region,
        IQuerySession session,
        Caller caller,
        NpgsqlDataSource database,
        PersonalData people,
        TimeProvider time,
        HttpContext http
    )
    {
        var scope = CountyOf(Scope.Narrow(caller, region));
        var donors = await DonorPages.NamedAsync(session, database, people, scope);
        return Workbook.Answer(
            http,
            donors.Select(d => new DonorView(d.Donor.Id, d.Donor.Revision, d.Donor.Kind, d.Name, d.Donor.CreditCode)),
            () => OfficeSheets.Donors(donors, scope, time.GetUtcNow()),
            "捐赠人名册"
        );
    }

    /// <summary>Donors are registered by county: who works below it sees the county's.</summary>
    public static string CountyOf(string scope) =>
        scope.Length > RegionCode.CountyLength ? RegionCode.County(scope) : scope;

    /// <summary>Donors are known county-wide: whoever works in a county may see those registered in it.</summary>
    public static async Task<Donor?> FindAsync(IQuerySession session, string id, Caller caller) =>
        await session.LoadAsync<Donor>(id) is { } donor && MayWork(caller, donor) ? donor : null;

    private static async Task<DonorView> ViewAsync(Donor donor, NpgsqlDataSource database, PersonalData people)
    {
        if (donor.Name is { } name)
            return new DonorView(donor.Id, donor.Revision, donor.Kind, name, donor.CreditCode);
        await using var connection = await database.OpenConnectionAsync();
        var person = (await people.ReadAsync(connection, [donor.Id])).GetValueOrDefault(donor.Id);
        return new DonorView(donor.Id, donor.Revision, donor.Kind, person?.MaskedName ?? MemberEndpoints.Erased, null);
    }

    private static async Task<IResult> Read(
        string id,
        IQuerySession session,
        Caller caller,
        NpgsqlDataSource database,
        PersonalData people,
        HttpContext http
    )
    {
        var donor = await FindAsync(session, id, caller) ?? throw Require.NotFound(id);
        http.Response.Headers.ETag = ETags.Of(donor.Revision);
        return Results.Ok(await ViewAsync(donor, database, people));
    }

    private static async Task<DonorReceiptView> Receipt(
        string id,
        IQuerySession session,
        Caller caller,
        NpgsqlDataSource database,
        PersonalData people,
        CancellationToken cancellation
    )
    {
        var donor = await FindAsync(session, id, caller) ?? throw Require.NotFound(id);
        return await ReceiptAsync(donor, caller.Actor.Region, session, database, people, cancellation);
    }

    /// <summary>The receipt over the funds of a region.</summary>
    public static async Task<DonorReceiptView> ReceiptAsync(
        Donor donor,
        string scope,
        IQuerySession session,
        NpgsqlDataSource database,
        PersonalData people,
        CancellationToken cancellation
    )
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        var traces = await GiftTrace.OfDonorAsync(session, connection, donor.Id, scope, cancellation);
        var gifts = traces
            .Select(t => new GiftView(
                t.Allocation.FundId,
                t.FundName,
                t.Allocation.Facts.AllocationId,
                t.Allocation.Event.RecordedAt,
                t.Allocation.Facts.AmountFen,
                t.Allocation.Facts.Earmark,
                [.. t.Uses.Select(u => new GiftUseView(u.ApplicationId, u.MemberId, u.AmountFen, u.Status.Word()))],
                t.AvailableFen,
                t.ReturnedFen,
                t.Allocation.Event.Sequence
            ))
            .ToList();
        return new DonorReceiptView(
            await ViewAsync(donor, database, people),
            Money.Sum(gifts.Select(g => g.Amount)),
            Money.Sum(gifts.SelectMany(g => g.Uses).Select(u => u.Amount)),
            Money.Sum(gifts.Select(g => g.AvailableAmount)),
            Money.Sum(gifts.Select(g => g.ReturnedAmount)),
            gifts
        );
    }
}

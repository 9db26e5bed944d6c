using Ledger.Api.Commands;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Domain;
using Ledger.Domain.Funds;
using Ledger.Domain.Identity;
using Ledger.Domain.Screening;
using Ledger.Projections.Screening;
using Marten;
using Npgsql;

namespace Ledger.Api.Screening;

/// <summary>
/// The tests of a year in a county, a township or a village, worked out from the events each time; beside each finding
/// what auditors have recorded of it.
/// </summary>
public sealed class Screenings(
    IQuerySession session,
    StoredEvents stored,
    LongReads reads,
    PersonalData people,
    Caller caller,
    Clock clock
)
{
    /// <summary>A county's year takes some 75 MB while it is read: two at a time, whoever else asks waits.</summary>
    private static readonly SemaphoreSlim Turns = new(2);

    private sealed record Read(YearFacts Facts, int Unlinked, int LeftOut);

    /// <exception cref="RefusedException"><c>field-invalid</c>, <c>not-found</c>, <c>limit-exceeded</c>.</exception>
    public async Task<YearScreening> OfAsync(string? asked, int? year, CancellationToken cancellation)
    {
        var region = Scope.Narrow(caller, asked);
        var isNone = region == "-"; // not the caller's: as if nothing were there
        if (!isNone && region.Length < RegionCode.CountyLength)
            throw Require.Invalid("region", "请选一个县、乡镇或村");
        var limits = ScreenLimits.Usual;
        var of = year ?? clock.Today.Year;
        var (facts, unlinked, leftOut) = isNone
            ? new(YearFacts.Nothing(region, of), 0, 0)
            : await ReadAsync(region, of, cancellation);
        var screened = Screens.Run(facts, limits);
        return new(
            region,
            of,
            limits,
            YearScreening.RowsOf(screened, await RecordedAsync(region, of, cancellation), limits),
            screened.Digits,
            facts.Lines.Count,
            facts.Entries.Count(e => e.IsOfYear),
            unlinked,
            leftOut
        );
    }

    /// <summary>What is on record of the year in the region.</summary>
    private async Task<IReadOnlyList<ScreeningFinding>> RecordedAsync(
        string region,
        int year,
        CancellationToken cancellation
    ) =>
        await session
            .Query<ScreeningFinding>()
            .Where(f => f.Region.StartsWith(region) && f.Year == year)
            .OrderBy(f => f.Id)
            .ToListAsync(cancellation);

    /// <summary>A finding as the screens show it now, by its id; null: they do no more.</summary>
    /// <exception cref="RefusedException"><c>not-found</c>: it is no finding's id, or lies outside the
    /// scope.</exception>
    public async Task<ScreenFinding?> FindAsync(string id, CancellationToken cancellation)
    {
        var (region, year) = Place(id);
        var (facts, _, _) = await ReadAsync(region, year, cancellation);
        return Screens.Run(facts, ScreenLimits.Usual).Findings.FirstOrDefault(f => f.Id == id);
    }

    private (string Region, int Year) Place(string id) =>
        StreamId.OfScreeningFinding(id) is { } place && caller.MaySee(place.Region)
            ? place
            : throw Require.NotFound(id);

    /// <summary>For whoever is shown it: what the screens show, and what is on record.</summary>
    /// <exception cref="RefusedException"><c>not-found</c>.</exception>
    public async Task<ScreenedFinding> OneAsync(string id, CancellationToken cancellation)
    {
        Place(id);
        var record = await session.ScopedAsync<ScreeningFinding>(id, caller);
        // Of what nobody has taken up yet, only auditors are told.
        if (record is null && caller.Actor.Role != Roles.Auditor)
            throw Require.NotFound(id);
        var found = await FindAsync(id, cancellation);
        return found is null && record is null ? throw Require.NotFound(id) : new(found, record);
    }

    private async Task<Read> ReadAsync(string region, int year, CancellationToken cancellation)
    {
        if (!SchemeYears.Has(year))
            throw Require.Invalid("year", SchemeYears.Fault);
        await Turns.WaitAsync(cancellation);
        try
        {
            var funds = (
                await session
                    .Query<Fund>()
                    .Where(f => f.Region.StartsWith(region))
                    .Select(f => new { f.Id, f.Region })
                    .ToListAsync(cancellation)
            ).ToDictionary(f => f.Id, f => f.Region);
            await using var connection = await reads.OpenAsync(cancellation);
            var leftOut = 0;
            var facts =
                await new ScreeningReader(stored, connection, _ => leftOut++).ReadAsync(
                    region,
                    year,
                    funds,
                    cancellation
                )
                ?? throw new RefusedException(
                    new Rejection(
                        Rejections.LimitExceeded,
                        $"{year} 年的名单超过 {ScreeningReader.MostLines} 行，请按乡镇或村筛查"
                    )
                );
            var (officers, unlinked) = await OfficersAsync(facts, connection);
            return new(facts with { Officers = officers }, unlinked, leftOut);
        }
        finally
        {
            Turns.Release();
        }
    }

    /// <summary>
    /// Which accounts' holders are members: by the keyed hash of the citizen id that each account's sealed record
    /// holds. Nothing of it leaves this method but the pseudonymous ids.
    /// </summary>
    private async Task<(IReadOnlyDictionary<string, string> Officers, int Unlinked)> OfficersAsync(
        YearFacts facts,
        NpgsqlConnection connection
    )
    {
        var accounts = facts
            .Applications.SelectMany(a => a.Acts)
            .SelectMany(a => a.Accounts)
            .Distinct()
            .ToDictionary(StreamId.Account);
        var (holders, _) = await people.ReadSoundAsync(connection, accounts.Keys);
        var citizens = holders.ToDictionary(h => h.Key, h => CitizenId.Parse(h.Value.CitizenId, out _));
        var (members, _) = await people.FindSoundAsync(connection, citizens.Values);
        return (
            citizens.Where(c => members.ContainsKey(c.Value)).ToDictionary(c => accounts[c.Key], c => members[c.Value]),
            accounts.Count - holders.Count
        );
    }
}

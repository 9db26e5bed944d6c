using Ledger.Api.Commands;
using Ledger.Api.Exports;
using Ledger.Api.Imports;
using Ledger.Api.Log;
using Ledger.Api.Members;
using Ledger.Api.Pages;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Api.Trace;
using Ledger.Domain;
using Ledger.Domain.Funds;
using Ledger.Domain.Identity;
using Ledger.Projections.Provenance;
using Ledger.Web;
using Ledger.Web.Sampling;
using Marten;
using Npgsql;
using AuditSample = Ledger.Domain.Sampling.Sample;

namespace Ledger.Api.Sampling;

/// <summary>Pages of the auditor's samples: the list, a sample with its papers, one paper.</summary>
public static class SamplePages
{
    public static void MapSamplePages(this WebApplication app)
    {
        app.Page("/samples", All, Roles.Auditor);
        app.Page("/samples/{id}", One, Roles.Auditor);
        app.Page("/samples/{id}/papers.xlsx", Sheet, Roles.Auditor);
        app.Page("/samples/{id}/papers/{number:int}", Paper, Roles.Auditor);
    }

    private static async Task<IResult> All(
        string? region,
        string? state,
        string? fund,
        IQuerySession session,
        IContacts contacts,
        Viewer viewer,
        Caller caller
    )
    {
        var asked = await PageRoutes.RegionAsync(region, contacts, viewer) ?? "";
        return PageRoutes.Show<SamplesPage>(
            new
            {
                Samples = (IReadOnlyList<AuditSample>)
                    [
                        .. (await SampleEndpoints.InScopeAsync(session, caller)).Where(s =>
                            s.Region.StartsWith(asked, StringComparison.Ordinal)
                            && (string.IsNullOrEmpty(state) || SampleRow.State(s).Word() == state)
                        ),
                    ],
                Asked = region,
                State = state,
                Fund = fund is null
                    ? null
                    : await session.ScopedAsync<Fund>(fund, caller) ?? throw Require.NotFound(fund),
            }
        );
    }

    private static async Task<(AuditSample Sample, IReadOnlyList<SampleRow> Rows)> RowsAsync(
        string id,
        IQuerySession session,
        NpgsqlConnection connection,
        PersonalData people,
        Caller caller
    )
    {
        var sample = await session.ScopedAsync<AuditSample>(id, caller) ?? throw Require.NotFound(id);
        var members = sample.Lines.Select(l => l.MemberYearId).OfType<string>().Select(StreamId.MemberOf).ToHashSet();
        var known = await people.ReadAsync(connection, members);
        var funds = await session.LoadManyAsync<Fund>([.. sample.Lines.Select(SampleRow.FundOf).Distinct()]);
        var names = members
            .Select(m => (Id: m, Name: known.GetValueOrDefault(m)?.MaskedName ?? MemberEndpoints.Erased))
            .Concat(funds.Select(f => (f.Id, f.Name)))
            .ToDictionary(n => n.Id, n => n.Name);
        return (sample, SampleRow.Of(sample, names));
    }

    private static async Task<IResult> One(
        string id,
        IQuerySession session,
        NpgsqlDataSource database,
        PersonalData people,
        LogKeys keys,
        Caller caller,
        CancellationToken cancellation
    )
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        var (sample, rows) = await RowsAsync(id, session, connection, people, caller);
        return PageRoutes.Show<SamplePage>(
            new
            {
                S = sample,
                Rows = rows,
                IsSealed = sample.Draw is not null
                    || (await SampleEndpoints.SealedAsync(id, connection, keys)).Tree is not null,
                FundName = sample.Population!.FundId is { } fund
                    ? (await session.LoadAsync<Fund>(fund, cancellation))?.Name
                    : null,
            }
        );
    }

    private static async Task<IResult> Sheet(
        string id,
        IQuerySession session,
        NpgsqlDataSource database,
        PersonalData people,
        Caller caller,
        CancellationToken cancellation
    )
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        var (sample, rows) = await RowsAsync(id, session, connection, people, caller);
        return Workbook.File(OfficeSheets.Papers(sample, rows), "审计工作底稿");
    }

    private static async Task<IResult> Paper(
        string id,
        int number,
        IDocumentStore store,
        IQuerySession session,
        NpgsqlDataSource database,
        PersonalData people,
        Caller caller,
        CancellationToken cancellation
    )
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        var (sample, rows) = await RowsAsync(id, session, connection, people, caller);
        var row = rows.SingleOrDefault(r => r.Number == number) ?? throw Require.NotFound($"{id} {number}");
        LineTraceView? trace = row.Line.MemberYearId is { } member
            ? await TraceEndpoints.Up(
                row.Line.Reference,
                StreamId.MemberOf(member),
                store,
                session,
                database,
                people,
                caller,
                cancellation
            )
            : null;
        return PageRoutes.Show<SamplePaperPage>(
            new
            {
                S = sample,
                Row = row,
                Trace = trace,
            }
        );
    }
}

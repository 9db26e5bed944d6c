using Ledger.Api.Commands;
using Ledger.Api.Imports;
using Ledger.Api.Profiles;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Domain;
using Ledger.Domain.Applications;
using Ledger.Domain.Applications.Steps;
using Ledger.Domain.Funds;
using Ledger.Domain.Identity;
using Ledger.Projections.Provenance;
using Marten;

namespace Ledger.Api.Applications;

/// <summary>The agency's receipts (入账回执, C17).</summary>
public static class Crediting
{
    /// <param name="confirmDuplicate">After <c>possible-duplicate</c>, why one receipt stands for two
    /// applications.</param>
    public static async Task<Answer> Receipts(
        string id,
        IFormFile file,
        bool? partial,
        string? confirmDuplicate,
        string? profile,
        HttpContext http,
        Command command,
        PersonalData people,
        Caller caller,
        IDocumentStore store,
        IQuerySession session
    )
    {
        var confirmed = Require.OptionalProse(confirmDuplicate, "confirmDuplicate", 200);
        var application = await command.LoadAsync<Application>(id);
        if (application.NotIn(ApplicationStatus.Paid) is { } wrong)
            throw new RefusedException(wrong);
        var form = await session.FormAsync(Sheets.Receipts, profile, http, caller, application.Year);
        var (table, digest) = await SheetSource.ReadAsync(http, file, form);
        var faults = new List<Fault>();
        var read = Read(table, faults, command.Today);
        // Of whom the application does not name nothing is said but that.
        var listed = application.Lines.Select(l => l.MemberId).ToHashSet();
        var ids = (await people.FindAsync(command.Connection, read.Select(r => r.Id)))
            .Where(f => listed.Contains(f.Value))
            .ToDictionary();
        faults.AddRange(OtherNames(read, ids, await people.ReadAsync(command.Connection, ids.Values)));
        var faulty = faults.Select(f => f.Row).ToHashSet();
        var (matches, mismatches) = Receipt.Match(
            application,
            [
                .. read.Where(r => !faulty.Contains(r.Row.Row))
                    .Select(r => r.Row with { MemberId = ids.GetValueOrDefault(r.Id) }),
            ],
            read.Any(r => r.Row.CreditedOn < command.Today) ? await Paying.DatesAsync(id, command) : null,
            read.Any(r => r.Row.OtherFen is not null)
                ? await new Tracing(command.Connection, store).SplitAsync(application, application.Lines)
                : null
        );
        faults.AddRange(mismatches);
        matches = await AskedAsync(application, matches, confirmed, faults, command);
        faults.Sort((a, b) => a.Row!.Value.CompareTo(b.Row!.Value));
        Uploads.RefuseFaults(faults, partial, table, Rejections.ReceiptMismatch);
        if (matches.Count == 0)
            throw new RefusedException(
                new Rejection(Rejections.ReceiptMismatch, "没有一行与付款名单相符") { Faults = faults }
            );

        var unmatched = Unmatched(faults, read.ToDictionary(r => r.Row.Row, r => r.Row.AmountFen));
        var by = await command.ActorAmongAsync(application.Handlers());
        var fund = (await command.FindAsync<Fund>(application.FundId))!;
        var lines = matches.Select(m => m.Line).ToList();
        var basis = new Credit.Basis(application, fund, await command.YearsAsync(application, lines));
        application = command.Append(id, application, Credit.Decide(basis, digest, matches, unmatched, by));
        return new Answer(
            new ReceiptView(
                ApplicationView.Of(application),
                matches.Count,
                Line.Total(lines),
                unmatched.Count,
                faults,
                table.Notes
            ),
            application.Revision
        );
    }

    /// <summary>Without those whose receipt stands for another application, unless somebody said why.</summary>
    private static async Task<IReadOnlyList<ReceiptMatch>> AskedAsync(
        Application application,
        IReadOnlyList<ReceiptMatch> matches,
        string? confirmed,
        List<Fault> faults,
        Command command
    )
    {
        var elsewhere = Receipt.UsedElsewhere(
            matches.Select(m => m.Row),
            await EarlierReceiptsAsync(application, matches.Select(m => m.Row.ReceiptNumber), command)
        );
        if (elsewhere.Count > 0 && confirmed is not null)
        {
            command.Confirmed = confirmed;
            return matches;
        }
        faults.AddRange(elsewhere);
        var asked = elsewhere.Select(f => f.Row).ToHashSet();
        return [.. matches.Where(m => !asked.Contains(m.Row.Row))];
    }

    private static List<(string Name, CitizenId Id, ReceiptRow Row)> Read(
        Table table,
        List<Fault> faults,
        DateOnly today
    )
    {
        var read = new List<(string Name, CitizenId Id, ReceiptRow Row)>();
        foreach (var row in table.Rows)
        {
            var reader = new RowReader(table, row, faults, Rejections.ReceiptMismatch);
            var (name, citizen) = (reader.Name(), reader.CitizenId());
            var receipt = new ReceiptRow(
                row.Number,
                null,
                reader.Amount(Receipt.AmountColumn),
                reader.Date(Sheets.CreditedOn, today),
                reader.Reference(Sheets.ReceiptNumber, 40),
                reader.IsBlank(SourceSplit.OtherColumn)
                    ? null
                    : reader.AmountOrNone(SourceSplit.OtherColumn) ?? Money.Zero
            );
            if (reader.IsSound)
                read.Add((name, citizen, receipt));
        }
        return read;
    }

    private static List<UnmatchedReceipt> Unmatched(List<Fault> faults, Dictionary<int, Money> amounts) =>
        [
            .. faults
                .GroupBy(f => f.Row!.Value)
                .Select(g => new UnmatchedReceipt(
                    g.Key,
                    amounts.TryGetValue(g.Key, out var amount) ? amount : null,
                    string.Join("；", g.Select(f => f.Message))
                )),
        ];

    private static IEnumerable<Fault> OtherNames(
        IEnumerable<(string Name, CitizenId Id, ReceiptRow Row)> read,
        IReadOnlyDictionary<CitizenId, string> ids,
        IReadOnlyDictionary<string, Person> persons
    )
    {
        foreach (var (name, citizen, row) in read)
            if (
                ids.TryGetValue(citizen, out var memberId)
                && persons.TryGetValue(memberId, out var person)
                && !PersonName.IsSame(person.Name, name)
            )
                yield return new Fault(
                    Rejections.ReceiptMismatch.Code,
                    "姓名与成员登记不一致",
                    Row: row.Row,
                    Column: Roster.NameColumn,
                    MemberId: memberId
                );
    }

    /// <summary>
    /// For which other application of the village these receipts stand already, by canonical number. Its imports take
    /// turns from here to their commit, so that two at once find each other.
    /// </summary>
    private static async Task<IReadOnlyDictionary<string, (string, DateOnly)>> EarlierReceiptsAsync(
        Application application,
        IEnumerable<string> numbers,
        Command command
    )
    {
        await command.Connection.ExecuteAsync(
            "select pg_advisory_xact_lock(hashtextextended('receipts ' || @fund, 0))",
            ("fund", application.FundId)
        );
        return (
            await command.Connection.QueryAsync(
                $"""
                select {LedgerStore.Schema}.plain_number(data ->> 'receiptNumber'), min(data ->> 'applicationId'),
                       min((data ->> 'creditedOn')::date)
                  from {LedgerStore.Schema}.mt_events
                 where type = 'subsidy_credited'
                   and hashtextextended({LedgerStore.Schema}.plain_number(data ->> 'receiptNumber'), 0) = any(array(
                           select hashtextextended(n, 0)
                             from unnest(@numbers) n))
                   and {LedgerStore.Schema}.plain_number(data ->> 'receiptNumber') = any(@numbers)
                   and headers ->> '{EventHeaders.Region}' = @village and data ->> 'applicationId' <> @own
                 group by 1
                """,
                r => (Number: r.GetString(0), ApplicationId: r.GetString(1), On: r.GetFieldValue<DateOnly>(2)),
                ("numbers", numbers.Select(DocumentNumber.Canonical).Distinct().ToArray()),
                ("village", application.Region),
                ("own", application.Id)
            )
        ).ToDictionary(e => e.Number, e => (e.ApplicationId, e.On));
    }
}

using System.Globalization;
using Ledger.Api.Commands;
using Ledger.Api.Pages;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Domain;
using Ledger.Web;
using Ledger.Web.Notices;
using Npgsql;

namespace Ledger.Api.Log;

/// <summary>
/// Receipts for whoever has no account: of the events that somebody was shown, at an address that only we can make; and
/// the page that checks any receipt. The arithmetic is the browser's (proof.js).
/// </summary>
public static class ProofPages
{
    /// <summary>What an address holds that a telephone still reads off paper.</summary>
    private const int MostEvents = 12;

    public static void MapProofPages(this WebApplication app)
    {
        app.Page(
            "/verify",
            (Settings settings, LogKeys keys, IContacts contacts) => ShowAsync([], 0, settings, keys, contacts)
        );
        app.Page("/proofs/{sequences}/{code}", OfEventsAsync);
    }

    /// <summary>
    /// Where these events are proven, the newest <see cref="MostEvents"/> of them, in words and as a picture; null
    /// where there are none. What was shown to somebody, he may show on.
    /// </summary>
    public static (string Address, string Qr)? Way(KeyFile keys, HttpContext http, IEnumerable<long> sequences)
    {
        var joined = string.Join('-', sequences.Order().TakeLast(MostEvents));
        if (joined.Length == 0)
            return null;
        var address = PageRoutes.Address(http, $"/proofs/{joined}/{AddressCode.Of(keys, Of(joined))}");
        return (address, QrCode.Of(address));
    }

    private static string Of(string sequences) => $"proofs {sequences}";

    private static async Task<IResult> OfEventsAsync(
        string sequences,
        string code,
        NpgsqlDataSource database,
        Settings settings,
        LogKeys logKeys,
        KeyFile keys,
        SealedEvents events,
        Findings findings,
        IContacts contacts,
        CancellationToken cancellation
    )
    {
        if (!AddressCode.Holds(keys, Of(sequences), code))
            throw Require.NotFound("存证核对");
        var receipts = new List<string>();
        var waiting = 0;
        await using var connection = await database.OpenConnectionAsync(cancellation);
        foreach (var text in sequences.Split('-'))
        {
            var sequence = long.Parse(text, CultureInfo.InvariantCulture);
            await LogEndpoints.RequireOursAsync(sequence, connection, events, findings);
            var found = await LogEndpoints.ProofAsync(sequence, connection, settings, logKeys);
            if (found is ({ } proof, _))
                receipts.Add($"{proof}");
            else
                waiting++;
        }
        return await ShowAsync(receipts, waiting, settings, logKeys, contacts);
    }

    private static async Task<IResult> ShowAsync(
        IReadOnlyList<string> receipts,
        int waiting,
        Settings settings,
        LogKeys keys,
        IContacts contacts
    ) =>
        PageRoutes.Show<VerifyPage>(
            new
            {
                Receipts = receipts,
                Waiting = waiting,
                Keys = (IReadOnlyList<string>)[.. keys.Known.Select(k => $"{k}")],
                Places = (await contacts.PlacesAsync(""))
                    .GroupBy(p => p.Region)
                    .ToDictionary(p => p.Key, p => string.Join('、', p.Select(c => c.Name))),
                Witnesses = (IReadOnlyList<string>)[.. settings.Log.WitnessKeys.Select(k => $"{k}")],
            }
        );
}

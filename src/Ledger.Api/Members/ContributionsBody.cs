using System.Security.Cryptography;
using System.Text.Json;
using Ledger.Api.Commands;
using Ledger.Api.Imports;
using Ledger.Domain;
using Ledger.Domain.Members;

namespace Ledger.Api.Members;

/// <summary>
/// A row of the tax office's file. <paramref name="Amount"/>: what was paid, after an adjustment altogether; of a
/// refund, what was given back. <paramref name="Entry"/>: payment where absent. <paramref name="OfReference"/>: which
/// record is adjusted or refunded; may be absent where the person has but one.
/// </summary>
public sealed record ContributionBody(
    string? Name,
    string? CitizenId,
    Money? TierAmount,
    Money? Amount,
    DateOnly? PaidOn,
    ContributionKind? Kind,
    string? Reference,
    int? ContributionYears = null,
    ContributionEntryKind? Entry = null,
    string? OfReference = null
);

public sealed record ContributionsBody(IReadOnlyList<ContributionBody>? Contributions)
{
    /// <summary>The rows as those of a sheet, read by the same reader; and the digest of what was sent.</summary>
    internal (Table Table, string Digest) AsTable()
    {
        if (Contributions is not { Count: > 0 } rows)
            throw Require.Invalid("contributions", "没有列出缴费记录");
        if (rows.Count > Sheets.Contributions.MaxRows)
            throw new RefusedException(
                new Rejection(Rejections.LimitExceeded, $"一次最多 {Sheets.Contributions.MaxRows} 行")
                {
                    Field = "contributions",
                }
            );
        return (
            Table.Typed(Sheets.Contributions, [.. rows.Select(Cells)]),
            Convert.ToHexStringLower(SHA256.HashData(JsonSerializer.SerializeToUtf8Bytes(rows.Select(Cells))))
        );
    }

    /// <summary>In the order of the form's columns.</summary>
    private static string?[] Cells(ContributionBody? row) =>
        [
            row?.Name,
            row?.CitizenId,
            row?.TierAmount?.ToString(),
            row?.Amount?.ToString(),
            row?.PaidOn is { } on ? $"{on:yyyy-MM-dd}" : null,
            row?.Kind is { } kind ? Sheets.Word(kind) : null,
            row?.Reference,
            row?.ContributionYears?.ToString(System.Globalization.CultureInfo.InvariantCulture),
            row?.Entry switch
            {
                ContributionEntryKind.Adjustment => Sheets.Adjustment,
                ContributionEntryKind.Refund => Sheets.Refund,
                _ => null,
            },
            row?.OfReference,
        ];
}

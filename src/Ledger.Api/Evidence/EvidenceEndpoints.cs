using System.Security.Cryptography;
using Ledger.Api.Commands;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Domain;
using Ledger.Domain.Identity;
using Npgsql;

namespace Ledger.Api.Evidence;

/// <summary>
/// A stored document. <paramref name="Digest"/>: SHA-256 of its bytes as 64 lower-case hex digits; events name it by
/// that.
/// </summary>
public sealed record EvidenceView(string Digest, string MediaType, string FileName, long Bytes);

/// <summary>
/// Documents that entries rest on (凭证): sealed scans, minutes, bank slips. Stored by digest, never changed.
/// </summary>
public static class EvidenceEndpoints
{
    public const long MaxBytes = 20 * 1024 * 1024;

    private static readonly string[] Uploaders =
    [
        Roles.VillageFinance,
        Roles.Agency,
        Roles.Township,
        Roles.CityHrss,
        .. Roles.County,
    ];

    public static void MapEvidence(this IEndpointRouteBuilder api)
    {
        api.MapPost("/evidence", Upload)
            .Command<EvidenceView>(
                "upload-evidence",
                $"上传凭证（{DocumentKind.Accepted}，最大20MB） · Upload a document",
                Uploaders
            )
            .DisableAntiforgery()
            .Refuses(
                Rejections.FileInvalid,
                Rejections.LimitExceeded,
                Rejections.BodyInvalid,
                Rejections.EvidenceDamaged
            );
        api.MapGet("/evidence/{digest}", Download)
            .Reading<byte[]>("download-evidence", "下载凭证 · Download a document", Roles.All)
            .Refuses(Rejections.NotFound, Rejections.EvidenceDamaged);
    }

    private static async Task<Answer> Upload(IFormFile file, Command command, KeyFile keys)
    {
        if (file.Length > MaxBytes)
            throw new RefusedException(
                new Rejection(Rejections.LimitExceeded, $"凭证最大 {MaxBytes >> 20} MB") { Field = "file" }
            );
        var bytes = new byte[file.Length];
        await using (var content = file.OpenReadStream())
            await content.ReadExactlyAsync(bytes);
        var mediaType =
            DocumentKind.Of(bytes, out var fault)
            ?? throw new RefusedException(
                new Rejection(Rejections.FileInvalid, fault!)
                {
                    Field = "file",
                    // No template helps here: the code's own mend is for sheets.
                    Mend = "把原件扫描或拍照，或另存为 PDF，再上传",
                }
            );
        var digest = Convert.ToHexStringLower(SHA256.HashData(bytes));
        var name = new string([.. Path.GetFileName(file.FileName).Where(c => !char.IsControl(c)).Take(100)]);
        if (name is [.., var last] && char.IsHighSurrogate(last))
            name = name[..^1]; // half a character can be stored nowhere
        // A document is found by its digest; what it was called is for ever, and people call files by whom they are
        // about.
        if (PersonalNumbers.In(name) is not null || PersonalNumbers.InReference(name) is not null)
            name = $"凭证{Path.GetExtension(name)}";
        var added = await command.Connection.ExecuteAsync(
            $"""
            insert into {LedgerStore.Schema}.evidence
                   (digest, region, media_type, file_name, content, uploaded_by, seal)
            values (@digest, @region, @type, @name, @content, @by, @seal) on conflict do nothing
            """,
            ("digest", digest),
            ("region", command.Actor.Region),
            ("type", mediaType),
            ("name", name),
            ("content", bytes),
            ("by", command.Actor.Id),
            ("seal", EvidenceSeal.Of(keys, digest, command.Actor.Region, command.Actor.Id))
        );
        // Nothing takes its place, and nobody is told that it is kept when it is not.
        if (added == 0)
            await command.EvidenceAsync([digest], "file");
        if (added == 0 && !await IsOursAsync(digest, command, keys))
            throw await command.EvidenceDamagedAsync(digest, "file");
        return Answer.Created($"/api/evidence/{digest}", new EvidenceView(digest, mediaType, name, bytes.Length));
    }

    /// <summary>Whether the one that is there was handed in by whom it names.</summary>
    private static async Task<bool> IsOursAsync(string digest, Command command, KeyFile keys) =>
        (
            await command.Connection.QueryAsync(
                $"""
                select uploaded_by, seal
                  from {LedgerStore.Schema}.evidence
                 where digest = @digest
                   and region = @region
                """,
                r =>
                    EvidenceSeal.Holds(
                        keys,
                        digest,
                        command.Actor.Region,
                        r.GetString(0),
                        r.IsDBNull(1) ? null : r.GetString(1)
                    ),
                ("digest", digest),
                ("region", command.Actor.Region)
            )
        ).All(isOurs => isOurs);

    /// <summary>
    /// The document whose digest this is, or none: several regions may have handed it in, and a copy that somebody
    /// replaced is not it.
    /// </summary>
    private static async Task<IResult> Download(
        string digest,
        NpgsqlDataSource database,
        Caller caller,
        Findings findings,
        CancellationToken cancellation
    )
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        var regions = await connection.QueryAsync(
            $"""
            select region
              from {LedgerStore.Schema}.evidence
             where digest = @digest
               and region like @scope || '%'
             order by region limit 10
            """,
            r => r.GetString(0),
            ("digest", digest),
            ("scope", caller.Actor.Region)
        );
        if (regions.Count == 0)
            throw Require.NotFound($"凭证 {digest}");
        foreach (var region in regions)
        {
            var (type, name, content) = (
                await connection.QueryAsync(
                    $"""
                    select media_type, file_name, content
                      from {LedgerStore.Schema}.evidence
                     where digest = @digest
                       and region = @region
                    """,
                    r => (r.GetString(0), r.GetString(1), r.GetFieldValue<byte[]>(2)),
                    ("digest", digest),
                    ("region", region)
                )
            ).Single();
            if (Convert.ToHexStringLower(SHA256.HashData(content)) == digest)
                return Results.File(content, DocumentKind.Known(type), name);
            await findings.AddAsync("evidence", $"{region} 的凭证 {digest} 内容已被替换 a document was replaced");
        }
        throw new RefusedException(
            new Rejection(Rejections.EvidenceDamaged, $"凭证 {digest} 的内容与其摘要不符，不予提供")
        );
    }
}

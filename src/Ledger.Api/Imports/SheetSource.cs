using System.Security.Cryptography;

namespace Ledger.Api.Imports;

/// <summary>
/// Where a request's table comes from, where that is not its file: of a job, a part of a file that was read before.
/// <paramref name="Digest"/>: SHA-256 of that file, 64 hex digits.
/// </summary>
public sealed record SheetSource(Func<SheetForm, Task<Table>> TableAsync, string Digest)
{
    /// <returns>The table, and the digest of the file that it stands in.</returns>
    public static async Task<(Table Table, string Digest)> ReadAsync(HttpContext http, IFormFile? file, SheetForm form)
    {
        if (http.Items[typeof(SheetSource)] is SheetSource source)
            return (await source.TableAsync(form), source.Digest);
        var table = Table.Read(file, form);
        await using var content = file!.OpenReadStream();
        return (table, Convert.ToHexStringLower(await SHA256.HashDataAsync(content)));
    }
}

using Ledger.Domain;

namespace Ledger.Bench;

/// <summary>What github.com/pgr0ss/pgledger is installed from.</summary>
public static class PgLedger
{
    /// <summary>In the order that its README says: the functions that it calls come first.</summary>
    private static readonly string[] Files =
    [
        "vendor/scoville-pgsql-ulid/ulid-to-uuid.sql",
        "vendor/scoville-pgsql-ulid/uuid-to-ulid.sql",
        "pgledger.sql",
    ];

    /// <param name="folder">Of its repository, or one in which the files lie beside each other.</param>
    /// <exception cref="OperationException">One of them is not there.</exception>
    public static IReadOnlyList<string> Require(string folder) =>
        [
            .. Files.Select(file =>
                new[] { Path.Combine(folder, file), Path.Combine(folder, Path.GetFileName(file)) }.FirstOrDefault(
                    File.Exists
                )
                ?? throw new OperationException($"--pgledger: {file} of github.com/pgr0ss/pgledger is not in {folder}")
            ),
        ];
}

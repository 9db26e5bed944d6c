using Xunit.Abstractions;

[assembly: TestCollectionOrderer("Ledger.Api.Tests.LongestFirst", "Ledger.Api.Tests")]

// A fifth of the time one of two cores waits: for a timer, a killed process, a lease that ends.
[assembly: CollectionBehavior(MaxParallelThreads = 3)]

namespace Ledger.Api.Tests;

/// <summary>
/// The collections that take longest begin first: three run at once, and a long one that comes last runs alone, one
/// core idle for four minutes.
/// </summary>
public sealed class LongestFirst : ITestCollectionOrderer
{
    /// <summary>As measured, the longest first; what is not here takes less than half a minute.</summary>
    private static readonly string[] Long =
    [
        "api",
        "api and programs",
        nameof(Faults.FaultTests),
        nameof(CredentialTests),
        nameof(GuardTests),
        nameof(RoleRightsTests),
        nameof(TamperTests),
        nameof(ForgedRefusalTests),
        nameof(BackupTests),
        nameof(ForgedRightsTests),
        nameof(ForgedReadingTests),
        nameof(RandomYearTests),
        nameof(CountiesTests),
        nameof(RebuildTests),
        nameof(PlantedRowTests),
        nameof(FuzzTests),
        nameof(GoldenDatabaseTests),
        nameof(OperationTests),
    ];

    public IEnumerable<ITestCollection> OrderTestCollections(IEnumerable<ITestCollection> testCollections) =>
        testCollections.OrderBy(c =>
            Array.FindIndex(Long, name => IsOf(c.DisplayName, name)) is >= 0 and var at ? at : Long.Length
        );

    /// <summary>A class without a collection is one of its own: "Test collection for ….X (id: …)".</summary>
    private static bool IsOf(string collection, string name) =>
        collection == name || $"{collection} ".Contains($".{name} ", StringComparison.Ordinal);
}

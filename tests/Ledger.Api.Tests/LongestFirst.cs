using System.Collections.Concurrent;
using System.Reflection;
using Xunit.Abstractions;
using Xunit.Sdk;

[assembly: TestFramework("Ledger.Api.Tests.LongestFirst", "Ledger.Api.Tests")]

namespace Ledger.Api.Tests;

/// <summary>
/// The collections that take longest begin first: a long one that comes last runs alone, one core idle for a minute.
/// xunit's own runner takes an order too, and gives it to the thread pool, which begins the last of it first.
/// </summary>
public sealed class LongestFirst(IMessageSink messages) : XunitTestFramework(messages)
{
    /// <summary>A fifth of the time one of two cores waits: for a timer, a killed process, a lease that ends.</summary>
    private const int AtOnce = 4;

    /// <summary>As measured, the longest first; what is not here takes less than half a minute.</summary>
    private static readonly string[] Long =
    [
        "api",
        "api and programs",
        nameof(Faults.FaultTests),
        nameof(ForgedReadingTests),
        nameof(ServerGuardTests),
        nameof(GuardTests),
        nameof(LogContinuationTests),
        nameof(CrashTests),
        nameof(PrivacyTests),
        nameof(LogTests),
        nameof(ForgedRefusalTests),
        nameof(CrowdingTests),
        nameof(HeartbeatTests),
        nameof(RoleRightsTests),
        nameof(JobCrashTests),
        nameof(TamperTests),
        nameof(EscalationTests),
        nameof(PageAccessTests),
        nameof(RandomYearTests),
        nameof(BackupTests),
        nameof(FuzzTests),
        nameof(TaskKindTests),
        nameof(NotificationTests),
        nameof(NodeTests),
        nameof(RebuildTests),
        nameof(OperationTests),
        nameof(CredentialTests),
        nameof(RecoveryTests),
    ];

    protected override ITestFrameworkExecutor CreateExecutor(AssemblyName assembly) =>
        new Executor(assembly, SourceInformationProvider, DiagnosticMessageSink);

    /// <summary>A class without a collection is one of its own: "Test collection for ….X (id: …)".</summary>
    private static int Place(string collection) =>
        Array.FindIndex(
            Long,
            name => collection == name || $"{collection} ".Contains($".{name} ", StringComparison.Ordinal)
        )
            is >= 0
                and var at
            ? at
            : Long.Length;

    private sealed class Executor(AssemblyName assembly, ISourceInformationProvider source, IMessageSink messages)
        : XunitTestFrameworkExecutor(assembly, source, messages)
    {
        protected override async void RunTestCases(
            IEnumerable<IXunitTestCase> cases,
            IMessageSink sink,
            ITestFrameworkExecutionOptions options
        )
        {
            using var runner = new Runner(TestAssembly, cases, DiagnosticMessageSink, sink, options);
            await runner.RunAsync();
        }
    }

    private sealed class Runner(
        ITestAssembly assembly,
        IEnumerable<IXunitTestCase> cases,
        IMessageSink messages,
        IMessageSink sink,
        ITestFrameworkExecutionOptions options
    ) : XunitTestAssemblyRunner(assembly, cases, messages, sink, options)
    {
        protected override async Task<RunSummary> RunTestCollectionsAsync(
            IMessageBus bus,
            CancellationTokenSource cancellation
        )
        {
            var waiting = new ConcurrentQueue<Tuple<ITestCollection, List<IXunitTestCase>>>(
                OrderTestCollections().OrderBy(c => Place(c.Item1.DisplayName))
            );
            var all = new RunSummary();
            await Task.WhenAll(Enumerable.Range(0, AtOnce).Select(_ => Task.Run(TakeAsync)));
            return all;

            async Task TakeAsync()
            {
                while (!cancellation.IsCancellationRequested && waiting.TryDequeue(out var next))
                {
                    var done = await RunTestCollectionAsync(bus, next.Item1, next.Item2, cancellation);
                    lock (all)
                        all.Aggregate(done);
                }
            }
        }
    }
}

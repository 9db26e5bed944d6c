namespace Ledger.Api.Sample;
public sealed class SampleCounty : BackgroundService { protected override Task ExecuteAsync(CancellationToken t) => Task.CompletedTask; }

using System.Text.Json;
using Ledger.Api.Commands;
using Ledger.Api.Reports;
using Ledger.Api.Security;
using Ledger.Domain;
using Ledger.Domain.Applications;
using Ledger.Domain.Identity;
using Ledger.Projections.Reports;
using Marten;
using Wolverine.Persistence.Durability;
using Wolverine.Persistence.Durability.DeadLetterManagement;
using Wolverine.Runtime;

namespace Ledger.Api.Operation;

/// <summary>What was asked to be tried again.</summary>
public sealed record ReplayView(Guid Id);

/// <summary>
/// Messages that failed for good: seen, and tried again once their cause is mended. What they do they do once, however
/// often they come.
/// </summary>
public sealed class DeadLetters(IWolverineRuntime runtime, IQuerySession session, Caller caller)
{
    private const int Most = 500;
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        Converters = { new System.Text.Json.Serialization.JsonStringEnumConverter() },
    };

    /// <summary>Those of the caller's region, and those that belong to none; newest first.</summary>
    public async Task<IReadOnlyList<DeadLetterView>> ListAsync(CancellationToken cancellation)
    {
        var found = (
            await runtime.Storage.DeadLetters.QueryAsync(new DeadLetterEnvelopeQuery { PageSize = Most }, cancellation)
        )
            .Envelopes.Select(e => (Envelope: e, Due: Due(e)))
            .ToList();
        var applications = (
            await session.LoadManyAsync<Application>(
                cancellation,
                found.Select(f => f.Due?.ApplicationId).OfType<string>().Distinct()
            )
        ).ToDictionary(a => a.Id, a => a.Region);
        return
        [
            .. found
                .Where(f =>
                    f.Due is null
                    || !applications.TryGetValue(f.Due.ApplicationId, out var region)
                    || caller.MaySee(region)
                )
                .OrderByDescending(f => f.Envelope.SentAt)
                .Select(f => new DeadLetterView(
                    f.Envelope.Id,
                    f.Envelope.MessageType,
                    f.Due?.ApplicationId,
                    f.Due?.Kind,
                    f.Due?.DueAt,
                    $"{f.Envelope.ExceptionType}: {f.Envelope.ExceptionMessage}",
                    f.Envelope.Replayable
                )),
        ];
    }

    /// <summary>
    /// Marks it: Wolverine fetches what is marked within seconds. Marked twice, by an answer that went lost, it is
    /// tried once.
    /// </summary>
    public Task ReplayAsync(Guid id, CancellationToken cancellation) =>
        runtime.Storage.DeadLetters.ReplayAsync(new DeadLetterEnvelopeQuery([id]), cancellation);

    /// <summary>Null: of another kind, or one that somebody edited.</summary>
    private static DeadlineDue? Due(DeadLetterEnvelope letter)
    {
        try
        {
            return
                letter.MessageType.EndsWith(nameof(DeadlineDue), StringComparison.Ordinal)
                && letter.Envelope.Data is { } data
                && JsonSerializer.Deserialize<DeadlineDue>(data, Json) is { ApplicationId: not null } due
                ? due
                : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

public static class DeadLetterEndpoints
{
    public static void MapDeadLetters(this IEndpointRouteBuilder api)
    {
        api.MapGet(
                "/operation/dead-letters",
                (DeadLetters letters, CancellationToken cancellation) => letters.ListAsync(cancellation)
            )
            .Reading<IReadOnlyList<DeadLetterView>>(
                "list-dead-letters",
                "多次处理失败的消息 (C21) · Messages that failed for good",
                Roles.Administrator
            );
        api.MapPost(
                "/operation/dead-letters/{id}/replay",
                async (string id, DeadLetters letters, CancellationToken cancellation) =>
                {
                    if ((await letters.ListAsync(cancellation)).FirstOrDefault(l => $"{l.Id}" == id) is not { } letter)
                        throw Require.NotFound(id);
                    await letters.ReplayAsync(letter.Id, cancellation);
                    return new Answer(new ReplayView(letter.Id));
                }
            )
            .Command<ReplayView>(
                "replay-dead-letter",
                "原因消除后重新处理一条消息 (C21) · Try a message again",
                Roles.Administrator
            )
            .Refuses(Rejections.NotFound);
    }
}

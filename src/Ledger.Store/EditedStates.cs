using System.Text.Json.Nodes;
using JasperFx.Events;
using Ledger.Domain;
using Ledger.Domain.Funds;
using Npgsql;

namespace Ledger.Store;

/// <summary>
/// Tells what a command or the hourly look met in a state beside a stream that its events do not say. The events are
/// what counts; that somebody edited the document is a finding.
/// </summary>
public sealed class EditedStates(NpgsqlDataSource database, StateSeal seal, Findings findings)
{
    /// <param name="last">The highest number of the stream's events.</param>
    /// <param name="later">The first event of the stream that the document does not know of.</param>
    public async Task CompareAsync(string id, Aggregate? document, Aggregate? state, long last, IEvent? later = null)
    {
        // What the product wrote of itself knows of every event: one of the two is not in its place.
        if (later is not null && document is not null && seal.Holds(document))
        {
            await FoundAsync(
                $"{document.GetType().Name} {id}：{later.Named()}起的事件不为文档（第 {document.Revision} 版，封印完好）所知："
                    + "或绕过产品写入，或旧文档被放回；办理以事件为准 an event that the sealed state does not know of"
            );
            return;
        }
        var (found, expected) = (
            document is null ? null : seal.Form(document),
            state is null ? null : seal.Form(state)
        );
        if (found == expected)
            return;
        var kind = (document ?? state!).GetType().Name;
        // What another build wrote lacks what has been added since: only where the form is this build's did somebody
        // edit it. Another build wrote each event's state, and none after the upgrade.
        if (document is not null && await IsOfAnotherBuildAsync(kind, last))
            return;
        var (path, was, wanted) = Difference.First(Node(found), Node(expected));
        await FoundAsync(
            $"{kind} {id} {path}：文档为 {was ?? "（无）"}，按事件应为 {wanted ?? "（无）"}；办理以事件为准 a state was edited"
        );

        static JsonNode? Node(string? text) => text is null ? null : JsonNode.Parse(text);
    }

    /// <summary>Of events from which nothing follows: the finding, and what to refuse with.</summary>
    /// <param name="why">With the event's name.</param>
    public async Task<RefusedException> DamagedAsync(Type aggregate, string id, string why)
    {
        await FoundAsync(
            $"{aggregate.Name} {id}：{why}；无法办理 an event that does not follow from the ones before it"
        );
        return new RefusedException(
            new Rejection(aggregate == typeof(Fund) ? Rejections.FundDamaged : Rejections.RecordDamaged, $"{id}：{why}")
        );
    }

    public Task FoundAsync(string detail) => findings.AddAsync("state", detail);

    /// <summary>What the product wrote, of this form or, where that changed, of an earlier one.</summary>
    public async ValueTask<bool> IsOursAsync(Aggregate document, long last) =>
        seal.Holds(document) || await IsOfAnotherBuildAsync(document.GetType().Name, last);

    private async Task<bool> IsOfAnotherBuildAsync(string kind, long last)
    {
        await using var connection = await database.OpenConnectionAsync();
        return await StateShapes.IsChangedAsync(connection, kind, last);
    }
}

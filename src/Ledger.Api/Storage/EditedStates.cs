using System.Text.Json.Nodes;
using Ledger.Domain;
using Ledger.Projections;
using Ledger.Projections.Checking;
using Npgsql;

namespace Ledger.Api.Storage;

/// <summary>
/// Tells what a command or the hourly look met in a state beside a stream that its events do not say. The events are what counts; that somebody edited the
/// document is a finding.
/// </summary>
public sealed class EditedStates(NpgsqlDataSource database, StateSeal seal, Findings findings)
{
    public async Task CompareAsync(string id, Aggregate? document, Aggregate? state)
    {
        var (found, expected) = (
            document is null ? null : seal.Form(document),
            state is null ? null : seal.Form(state)
        );
        if (found == expected)
            return;
        var kind = (document ?? state!).GetType().Name;
        // What another build wrote lacks what has been added since: only where the form is this build's did somebody edit it.
        if (await IsOfAnotherBuildAsync(kind))
            return;
        var (path, was, wanted) = Difference.First(Node(found), Node(expected));
        await FoundAsync(
            $"{kind} {id} {path}：文档为 {was ?? "（无）"}，按事件应为 {wanted ?? "（无）"}；办理以事件为准 a state was edited"
        );

        static JsonNode? Node(string? text) => text is null ? null : JsonNode.Parse(text);
    }

    public Task FoundAsync(string detail) => findings.AddAsync("state", detail);

    private async Task<bool> IsOfAnotherBuildAsync(string kind)
    {
        await using var connection = await database.OpenConnectionAsync();
        return await StateShapes.IsChangedAsync(connection, kind);
    }
}

using System.Text;
using System.Text.Json;
using Ledger.Domain;
using Ledger.Domain.Tasks;
using Ledger.Web;

namespace Ledger.Api.Tasks;

/// <summary>
/// What a message says: how much waits, of which kind and where to look. No name, no amount; with a setting the village
/// and the last day of each (docs/decisions/019).
/// </summary>
public static class NotificationText
{
    private const int MostLines = 50;

    public static string Subject(IReadOnlyList<WorkTask> tasks, bool isDigest) =>
        isDigest ? $"集体补助账本：今日待办 {tasks.Count} 件" : $"集体补助账本：有 {tasks.Count} 件事等您办理";

    public static async Task<string> BodyAsync(
        IReadOnlyList<WorkTask> tasks,
        NotificationSettings settings,
        DateOnly today,
        Func<string, Task<string?>> place
    )
    {
        var (near, missed) = (
            tasks.Count(t => t.At(today) == TaskUrgency.Near),
            tasks.Count(t => t.At(today) == TaskUrgency.Missed)
        );
        var text = new StringBuilder(
            $"您好：\n\n在“居民养老保险集体补助账本”里有 {tasks.Count} 件事等您办理"
                + (near + missed > 0 ? $"，其中 {near} 件快到期，{missed} 件已逾期" : "")
                + "：\n\n"
        );
        if (settings.WithPlaces)
            foreach (var t in tasks.Take(MostLines))
            {
                var due = t.Due is { } day ? $"，期限 {day:yyyy-MM-dd}" : "";
                var where = await place(t.Region) ?? t.Region;
                text.Append($"· {where}：{t.Rule.What}{due}\n  {settings.Address}{t.Path}\n");
            }
        else
            foreach (var kind in tasks.GroupBy(t => t.Kind))
                text.Append($"· {Terms.Of(kind.Key)} {kind.Count()} 件\n");
        text.Append($"\n去办理：{settings.Address}/tasks\n\n");
        text.Append("本邮件由系统发出，请不要回复；要改变或停止提醒，请到“我的账户”：");
        return text.Append($"{settings.Address}/me#notify\n").ToString();
    }

    /// <summary>For the gateway: for which account, how much of which kind, where to look.</summary>
    public static void Write(
        Utf8JsonWriter json,
        string account,
        IReadOnlyList<WorkTask> tasks,
        NotificationSettings settings,
        DateOnly today,
        bool isDigest
    )
    {
        json.WriteString("account", account);
        json.WriteBoolean("digest", isDigest);
        json.WriteString("text", Subject(tasks, isDigest));
        json.WriteString("link", $"{settings.Address}/tasks");
        json.WriteNumber("count", tasks.Count);
        json.WriteNumber("near", tasks.Count(t => t.At(today) == TaskUrgency.Near));
        json.WriteNumber("missed", tasks.Count(t => t.At(today) == TaskUrgency.Missed));
        json.WriteStartArray("kinds");
        foreach (var kind in tasks.GroupBy(t => t.Kind))
        {
            json.WriteStartObject();
            json.WriteString("kind", kind.Key.Word());
            json.WriteNumber("count", kind.Count());
            json.WriteEndObject();
        }
        json.WriteEndArray();
        if (!settings.WithPlaces)
            return;
        json.WriteStartArray("tasks");
        foreach (var t in tasks.Take(MostLines))
        {
            json.WriteStartObject();
            json.WriteString("kind", t.Kind.Word());
            json.WriteString("region", t.Region);
            json.WriteString("link", $"{settings.Address}{t.Path}");
            if (t.Due is { } due)
                json.WriteString("due", $"{due:yyyy-MM-dd}");
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }
}

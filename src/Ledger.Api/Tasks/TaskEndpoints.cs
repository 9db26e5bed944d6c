using Ledger.Api.Commands;
using Ledger.Api.Pages;
using Ledger.Api.Security;
using Ledger.Domain;
using Ledger.Domain.Identity;
using Ledger.Domain.Tasks;
using Ledger.Web.Tasks;

namespace Ledger.Api.Tasks;

/// <param name="Path">The page where it is done.</param>
/// <param name="Subject">Id of what it is about.</param>
/// <param name="Due">The last day; null: none.</param>
/// <param name="Count">How many things of the kind wait there.</param>
public sealed record TaskView(
    TaskKind Kind,
    [property: Said] string What,
    string Path,
    string Subject,
    string Region,
    DateTimeOffset? Since,
    DateOnly? Due,
    TaskUrgency Urgency,
    int Count
)
{
    public static TaskView Of(WorkTask t, DateOnly today) =>
        new(t.Kind, t.Rule.What, t.Path, t.Subject, t.Region, t.Since, t.Due, t.At(today), t.Count);
}

/// <param name="Count">All of them; of <paramref name="Tasks"/> the first 1,000 are told.</param>
public sealed record TaskListView(int Count, int Near, int Missed, IReadOnlyList<TaskView> Tasks);

/// <summary>What waits for the caller: the list, its number, and the page.</summary>
public static class TaskEndpoints
{
    public static IServiceCollection AddTasks(this IServiceCollection services) =>
        services
            .AddSingleton<TaskReader>()
            .AddSingleton<CalendarReader>()
            .AddSingleton<TaskCounts>()
            .AddSingleton<NotificationChoices>()
            .AddHostedService<Notifier>();

    public static void MapTasks(this IEndpointRouteBuilder api)
    {
        api.MapGet("/tasks", List)
            .Reading<TaskListView>(
                "list-tasks",
                "等您办的事：是什么、在哪里办、哪天以前，最急的在前 · What waits for the caller",
                Roles.Everybody
            )
            .Refuses(Rejections.FieldInvalid);
        api.MapGet(
                "/tasks/count",
                (TaskCounts counts, Caller caller, CancellationToken cancellation) =>
                    counts.OfAsync(caller.Actor, cancellation)
            )
            .Reading<TaskCountView>(
                "count-tasks",
                "等您办的事有几件；供页面每隔几秒查询 · How many there are, to be asked every few seconds",
                Roles.Everybody
            )
            .WithMetadata(new UnattendedMetadata());
    }

    private static async Task<TaskListView> List(
        string? kind,
        TaskReader reader,
        Caller caller,
        Clock clock,
        CancellationToken cancellation
    )
    {
        var only = Require.Word<TaskKind>(kind, "kind");
        var today = clock.Today;
        var tasks = (await reader.OfAsync(caller.Actor, isAwaited: true, cancellation))
            .Where(t => only is null || t.Kind == only)
            .ToList();
        var count = TaskCountView.Of(tasks, today);
        return new(
            count.Count,
            count.Near,
            count.Missed,
            [.. tasks.Take(Scope.MaxRows).Select(t => TaskView.Of(t, today))]
        );
    }

    public static void MapTaskPages(this WebApplication app) =>
        app.Page(
            "/tasks",
            async (string? kind, TaskReader reader, Caller caller, CancellationToken cancellation) =>
            {
                var only = Require.Word<TaskKind>(kind is { Length: > 0 } ? kind : null, "kind");
                var tasks = await reader.OfAsync(caller.Actor, isAwaited: true, cancellation);
                return PageRoutes.Show<TasksPage>(
                    new
                    {
                        Tasks = (IReadOnlyList<WorkTask>)[.. tasks.Where(t => only is null || t.Kind == only)],
                        Kinds = (IReadOnlyList<TaskKind>)[.. tasks.Select(t => t.Kind).Distinct()],
                        Kind = kind,
                    }
                );
            },
            Roles.Everybody
        );
}

using Ledger.Api.Pages;
using Ledger.Api.Security;
using Ledger.Domain.Applications;
using Ledger.Web.Operation;

namespace Ledger.Api.Operation;

public static class OperationPages
{
    public static void MapOperationPages(this WebApplication app) => app.Page("/operation", async (Condition condition, DeadLetters letters, CancellationToken cancellation) =>
    {
        var r = await condition.ReadAsync(cancellation);
        var wrong = Condition.Wrong(r);
        bool Good(params string[] codes) => wrong.All(w => !codes.Contains(w.Code));
        return PageRoutes.Show<OperationPage>(new
        {
            Readings = (IReadOnlyList<(string, string, bool)>)
            [
                ("存证日志的发现", $"{r.Findings:N0}", Good("log-finding")),
                ("未进存证的事件", $"{r.Unsealed:N0}", Good("sealing-late")),
                ("距上次签发（秒）", $"{r.CheckpointSeconds:N0}", Good("sealing-late")),
                ("审计轨迹落后（事件）", $"{r.AuditTrailLag:N0}", Good("projections-late")),
                ("工作队列落后（事件）", $"{r.WorkQueueLag:N0}", Good("projections-late")),
                ("失败的消息", $"{r.DeadLetters:N0}", Good("dead-letters")),
            ],
            Reasons = (IReadOnlyList<(string, string)>)[.. wrong.Select(w => (w.Code, w.Reason))],
            Letters = (IReadOnlyList<(Guid, string, string?, DeadlineKind?, DateTimeOffset?, string, bool)>)[.. (await letters.ListAsync(cancellation)).Select(l => (l.Id, l.Message, l.ApplicationId, l.Deadline, l.DueAt, l.Reason, l.IsReplaying))],
        });
    }, Roles.Administrator);
}

using Ledger.Api.Pages;
using Ledger.Api.Security;
using Ledger.Domain.Applications;
using Ledger.Domain.Identity;
using Ledger.Web.Operation;

namespace Ledger.Api.Operation;

public static class OperationPages
{
    public static void MapOperationPages(this WebApplication app) =>
        app.Page(
            "/operation",
            async (Condition condition, DeadLetters letters, CancellationToken cancellation) =>
            {
                var r = await condition.ReadAsync(cancellation);
                var wrong = Condition.Wrong(r);
                bool Good(params string[] codes) => wrong.All(w => !codes.Contains(w.Code));
                return PageRoutes.Show<OperationPage>(
                    new
                    {
                        Readings = (IReadOnlyList<(string, string, bool)>)
                            [
                                ("findings", $"{r.Findings:N0}", Good("log-finding")),
                                ("unsealed", $"{r.Unsealed:N0}", Good("sealing-late")),
                                ("checkpoint", $"{r.CheckpointSeconds:N0}", Good("sealing-late")),
                                ("audit-trail", $"{r.AuditTrailLag:N0}", Good("projections-late")),
                                ("work-queue", $"{r.WorkQueueLag:N0}", Good("projections-late")),
                                ("dead-letters", $"{r.DeadLetters:N0}", Good("dead-letters")),
                            ],
                        Reasons = (IReadOnlyList<(string, string)>)[.. wrong.Select(w => (w.Code, w.Reason))],
                        Letters = await letters.ListAsync(cancellation),
                    }
                );
            },
            Roles.Administrator
        );
}

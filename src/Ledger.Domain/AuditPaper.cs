namespace Ledger.Domain;

/// <summary>What every paper of an auditor (审计工作底稿) has: of a drawn line, of a finding.</summary>
public static class AuditPaper
{
    /// <summary>Who has seen nothing has nothing to say.</summary>
    /// <param name="seen">Elsewhere than in the ledger.</param>
    /// <param name="evidence">Documents of the ledger, by their digests.</param>
    public static Rejection? Unseen(string seen, IReadOnlyList<string> evidence) =>
        seen.Length == 0 && evidence.Count == 0
            ? new Rejection(Rejections.FieldInvalid, "应勾选或写明看过的材料") { Field = "seen" }
            : null;
}

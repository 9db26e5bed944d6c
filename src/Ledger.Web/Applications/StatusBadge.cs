using Ledger.Domain.Applications;

namespace Ledger.Web.Applications;

/// <summary>The colour of a status.</summary>
public static class StatusBadge
{
    public static string Of(ApplicationStatus status) =>
        status switch
        {
            ApplicationStatus.Settled => "good",
            ApplicationStatus.Returned => "warn",
            ApplicationStatus.Rejected or ApplicationStatus.Withdrawn => "bad",
            _ => "now",
        };

    public static string Of(LineStatus status) =>
        status switch
        {
            LineStatus.Credited => "good",
            LineStatus.Refused or LineStatus.Released or LineStatus.Withdrawn or LineStatus.Refunded => "bad",
            _ => "now",
        };
}

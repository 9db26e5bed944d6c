using JasperFx.Events;
using Ledger.Domain.Applications;

namespace Ledger.Projections.Checking.Promises;

/// <summary>Who reviewed which line of an application, as its roster last came in.</summary>
public sealed class LineReviewers
{
    private sealed class Of
    {
        public readonly Dictionary<string, string> Lines = [];
        public string? Rest;
    }

    private readonly Dictionary<string, Of> _applications = [];

    public void Take(IEvent e)
    {
        switch (e.Data)
        {
            case ApplicationResubmitted:
                _applications.Remove(e.StreamKey!);
                break;
            case ApplicationReviewed r:
                if (!_applications.TryGetValue(e.StreamKey!, out var of))
                    _applications[e.StreamKey!] = of = new Of();
                foreach (var verdict in r.Verdicts.Where(v => v.Accepted))
                    of.Lines[verdict.MemberId] = r.ReviewedBy;
                if (r.RestAccepted)
                    of.Rest = r.ReviewedBy;
                break;
        }
    }

    /// <summary>Null: nobody that is known.</summary>
    public string? Who(string application, string memberId) =>
        _applications.TryGetValue(application, out var of) ? of.Lines.GetValueOrDefault(memberId) ?? of.Rest : null;
}

using Ledger.Domain;
using Ledger.Domain.Applications;
using Ledger.Domain.Collectives;
using Ledger.Domain.Funds;
using Ledger.Domain.Plans;
using Ledger.Domain.Policies;

namespace Ledger.Web.Forms;

/// <summary>What is known when a form is printed; null and empty: a blank to fill in by hand.</summary>
/// <param name="People">Of the application, else the collective's members, masked.</param>
public sealed record PaperFacts(
    Collective Collective,
    int Year,
    Plan? Plan,
    Fund? Fund,
    Application? Application,
    PayeeAccount? Payee,
    IReadOnlyList<PaperPerson> People
)
{
    public Money Total => Money.Sum(People.Select(p => p.AmountFen ?? Money.Zero));
}

public sealed record PaperPerson(int Number, string Name, string CitizenId, Money? TierFen, Money? AmountFen);

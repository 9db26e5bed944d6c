using Ledger.Domain;
using Ledger.Domain.Applications;
using Ledger.Domain.Policies;

namespace Ledger.Projections.Provenance;

/// <summary>The lines of one status, and how the agency books their money (L13).</summary>
public sealed record RemittancePart(
    LineStatus Status,
    int Lines,
    Money Amount,
    Money CollectiveAmount,
    Money OtherAmount
);

/// <summary>
/// Where an application's money goes and what it is made of: to be paid, on its way, credited.
/// <paramref name="Payee"/>: the agency's account (L12); null: the policy year does not say.
/// </summary>
public sealed record RemittanceView(string ApplicationId, PayeeAccount? Payee, IReadOnlyList<RemittancePart> Parts);

using Ledger.Domain;

namespace Ledger.Store;

/// <summary>Thrown to refuse a command: the transaction is undone, the refusal recorded, the caller told.</summary>
public sealed class RefusedException(Rejection rejection) : Exception(rejection.Detail)
{
    public Rejection Rejection { get; } = rejection;
}

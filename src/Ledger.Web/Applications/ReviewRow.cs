using Ledger.Domain.Applications;

namespace Ledger.Web.Applications;

/// <summary>
/// A line under review, masked; <paramref name="Fault"/>: what the product itself found (C4, C5, C6, C10, C11), null
/// when nothing.
/// <paramref name="IsFinding"/>: it may be accepted, with a reason.
/// </summary>
public sealed record ReviewRow(Line Line, string Name, string CitizenId, string? Fault, bool IsFinding);

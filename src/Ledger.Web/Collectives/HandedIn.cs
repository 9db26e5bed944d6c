namespace Ledger.Web.Collectives;

/// <summary>A document that somebody of an office has uploaded, by its digest.</summary>
public sealed record HandedIn(string Digest, string Name, DateTimeOffset At);

namespace Ledger.Store;

/// <summary>
/// Why the program does not start, or a command did not do what it was asked; the message says what to do. An
/// operator's mistake, not ours.
/// </summary>
/// <param name="exit">What the program ends with.</param>
public sealed class OperationException(string message, int exit = 1, Exception? inner = null)
    : InvalidOperationException(message, inner)
{
    /// <summary>
    /// The call itself is wrong, or a setting is missing: it will fail again as it stands. What was tried and did not
    /// succeed ends with 1.
    /// </summary>
    public const int Misused = 2;

    /// <summary>Somebody does not answer: the same may succeed later.</summary>
    public const int Unreachable = 3;

    public int Exit => exit;
}

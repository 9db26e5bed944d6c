namespace Ledger.Store;

/// <summary>
/// Why the program does not start, or a command did not do what it was asked; the message says what to do. An
/// operator's mistake, not ours.
/// </summary>
/// <param name="exit">What the program ends with.</param>
public sealed class OperationException(string message, int exit = 1, Exception? inner = null)
    : InvalidOperationException(message, inner)
{
    public int Exit => exit;
}

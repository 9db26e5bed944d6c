using System.Text;

namespace Ledger.Api.Tests;

/// <summary>What a product printed, line by line; one line may be under way.</summary>
public sealed class Printed : TextWriter
{
    private static readonly AsyncLocal<Printed?> Here = new();

    private readonly List<string> _lines = [];
    private readonly StringBuilder _last = new();

    static Printed()
    {
        Console.SetOut(new Turned(Console.Out));
        Console.SetError(new Turned(Console.Error));
    }

    /// <summary>
    /// From here on, and in whatever is started from here, what goes to the console comes to this; everywhere else in
    /// the process it goes where it went.
    /// </summary>
    public void TakeConsole() => Here.Value = this;

    public override Encoding Encoding => Encoding.UTF8;

    public override void Write(char value) => Write([value]);

    public override void Write(string? value) => Write(value.AsSpan());

    public override void Write(char[] buffer, int index, int count) => Write(buffer.AsSpan(index, count));

    public override void Write(ReadOnlySpan<char> buffer)
    {
        lock (_lines)
            while (true)
            {
                var end = buffer.IndexOf('\n');
                _last.Append(end < 0 ? buffer : buffer[..end]);
                if (end < 0)
                    return;
                _lines.Add(_last.ToString());
                _last.Clear();
                buffer = buffer[(end + 1)..];
            }
    }

    /// <summary>Whether a line holds this; the whole text of a product that says all it could is long.</summary>
    public bool Said(string text)
    {
        lock (_lines)
            return _lines.Exists(l => l.Contains(text, StringComparison.Ordinal));
    }

    public override string ToString()
    {
        lock (_lines)
            return string.Join('\n', _last.Length == 0 ? _lines : [.. _lines, _last.ToString()]);
    }

    /// <summary>The console, as the process has it, for whoever has not taken it.</summary>
    private sealed class Turned(TextWriter console) : TextWriter
    {
        public override Encoding Encoding => console.Encoding;

        public override void Write(char value) => Write([value]);

        public override void Write(string? value) => Write(value.AsSpan());

        public override void Write(char[] buffer, int index, int count) => Write(buffer.AsSpan(index, count));

        public override void Write(ReadOnlySpan<char> buffer) => (Here.Value ?? console).Write(buffer);

        public override void Flush() => console.Flush();
    }
}

using System.Globalization;

namespace Ledger.Bench;

/// <summary>Processor time, as Linux counts it: hundredths of a second, the user's and the system's.</summary>
public static class Processor
{
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(10);

    public static TimeSpan Of(int process) => Stat(process) is { } s ? Ticks(s, 11, 12) : TimeSpan.Zero;

    /// <summary>Of a private cluster: its first process, those that it started, and those that ended.</summary>
    public static TimeSpan OfServer(string folder)
    {
        var first = int.Parse(
            File.ReadLines(Path.Combine(folder, "data", "postmaster.pid")).First(),
            CultureInfo.InvariantCulture
        );
        var all = Ticks(Stat(first)!, 11, 12, 13, 14);
        foreach (var process in Directory.GetDirectories("/proc"))
            if (
                int.TryParse(Path.GetFileName(process), CultureInfo.InvariantCulture, out var id)
                && Stat(id) is { } s
                && s[1] == $"{first}"
            )
                all += Ticks(s, 11, 12);
        return all;
    }

    private static TimeSpan Ticks(string[] stat, params ReadOnlySpan<int> fields)
    {
        var sum = 0L;
        foreach (var field in fields)
            sum += long.Parse(stat[field], CultureInfo.InvariantCulture);
        return sum * Tick;
    }

    /// <summary>Field 0 is the third of proc(5), for the second may have blanks; null: the process is gone.</summary>
    private static string[]? Stat(int process)
    {
        try
        {
            var line = File.ReadAllText($"/proc/{process}/stat");
            return line[(line.LastIndexOf(')') + 2)..].Split(' ');
        }
        catch (IOException)
        {
            return null;
        }
    }
}

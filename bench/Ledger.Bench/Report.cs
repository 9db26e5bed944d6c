using System.Text.Encodings.Web;
using System.Text.Json;

namespace Ledger.Bench;

/// <param name="Ratio">To <paramref name="Baseline"/>, of the same run.</param>
/// <param name="Noise">(max − min) ÷ median of the rounds, or the quartiles' distance for single samples.</param>
public sealed record Figure(
    string Section,
    string What,
    double Value,
    string Unit,
    string? Baseline,
    double? Ratio,
    double? Noise
);

public static class Statistics
{
    public static double Median(IEnumerable<double> values) => values.Order().ElementAt(values.Count() / 2);

    /// <param name="sorted">From least to most.</param>
    public static double P99(IReadOnlyList<double> sorted) => sorted[sorted.Count * 99 / 100];
}

/// <summary>What a run measured: printed as a table, kept as JSON, compared with what was kept last.</summary>
public sealed class Report(string folder)
{
    private static readonly JsonSerializerOptions Json = new()
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };
    private readonly List<Figure> _figures = [];
    private readonly Dictionary<string, Figure> _kept = Directory.Exists(folder)
        ? Directory
            .GetFiles(folder, "*.json")
            .Order(StringComparer.Ordinal)
            .SelectMany(f => JsonSerializer.Deserialize<List<Figure>>(File.ReadAllText(f))!)
            .GroupBy(f => $"{f.Section}: {f.What}")
            .ToDictionary(g => g.Key, g => g.Last())
        : [];

    public void Add(
        string section,
        string what,
        double value,
        string unit,
        string? baseline = null,
        double? ratio = null,
        double? noise = null
    )
    {
        var figure = new Figure(section, what, value, unit, baseline, ratio, noise);
        if (_figures.All(f => f.Section != section))
            Console.WriteLine($"\n{section}\n{"", -52}{"", 12}{"", -10}{"noise", 7}  ratio{"", 34}last kept");
        _figures.Add(figure);
        var kept = _kept.GetValueOrDefault($"{section}: {what}");
        static string Number(double n) => n < 100 ? $"{n:0.00}" : $"{n:N0}";
        var beside = ratio is { } r ? $"{r:0.00} × {baseline}" : "";
        var before = kept is null ? "" : $"{value / kept.Value:0.00} × {Number(kept.Value)}";
        Console.WriteLine($"{what, -52}{Number(value), 12} {unit, -9}{noise, 7:P0}  {beside, -38} {before}");
    }

    /// <summary>
    /// Keeps what was measured in place of what was kept of its kind; version control has the older ones.
    /// </summary>
    public void Keep(string name)
    {
        if (_figures.Count == 0)
            return;
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, $"{name}.json"), JsonSerializer.Serialize(_figures, Json));
    }
}

using System.Reflection;
using System.Text.RegularExpressions;
using Ledger.Projections;

namespace Ledger.Api.Tests;

/// <summary>
/// Api → Projections → TransparencyLog → Store → Domain, Web → Projections and Domain; never back. The domain is pure,
/// money is whole.
/// </summary>
public sealed partial class ArchitectureTests
{
    private static readonly Assembly Domain = typeof(Aggregate).Assembly,
        Store = typeof(EventTypes).Assembly,
        Log = typeof(LogStore).Assembly,
        Projections = typeof(ReadModels).Assembly,
        Web = typeof(Ledger.Web.Terms).Assembly,
        Api = typeof(Program).Assembly;

    private static string[] References(Assembly assembly) =>
        [.. assembly.GetReferencedAssemblies().Select(a => a.Name!)];

    private static string[] OfOurs(Assembly assembly) =>
        [.. References(assembly).Where(r => r.StartsWith("Ledger.", StringComparison.Ordinal)).Order()];

    [Fact]
    public void The_domain_refers_to_nothing_but_the_runtime() =>
        Assert.All(References(Domain), name => Assert.StartsWith("System", name));

    /// <summary>As docs/architecture.md draws them: whoever needs an arrow more draws it there, too.</summary>
    [Fact]
    public void References_never_point_back()
    {
        Assert.Equal(["Ledger.Domain"], OfOurs(Store));
        Assert.Equal(["Ledger.Domain", "Ledger.Store"], OfOurs(Log));
        Assert.Equal(["Ledger.Domain", "Ledger.Store", "Ledger.TransparencyLog"], OfOurs(Projections));
        Assert.DoesNotContain("Ledger.Api", OfOurs(Web));
        Assert.Contains("Ledger.Projections", OfOurs(Api));
    }

    /// <summary>Wolverine carries messages, and the store is Marten's: each has one place.</summary>
    [Fact]
    public void Wolverine_is_the_hosts_alone() =>
        Assert.All(
            new[] { Store, Log, Projections, Web },
            a => Assert.DoesNotContain(References(a), r => r.StartsWith("Wolverine", StringComparison.Ordinal))
        );

    private static string[] Folders(string project, params string[] without) =>
        [
            .. Directory
                .GetDirectories(Path.Combine(TourTests.Repository, "src", project))
                .Select(f => Path.GetFileName(f))
                .Except(["bin", "obj", .. without])
                .Order(StringComparer.Ordinal),
        ];

    /// <summary>Who looks for a slice finds it under the same word in each project.</summary>
    [Fact]
    public void A_slice_has_one_name()
    {
        var slices = Folders("Ledger.Api");
        Assert.Contains("Funds", slices);
        Assert.Empty(Folders("Ledger.Domain", "Identity", "Money").Except(slices));
        Assert.Empty(Folders("Ledger.Web", "Assets", "node_modules").Except(slices));
    }

    [GeneratedRegex(@"(?<![\w.])(?:Ledger\.Api\.|Api\.)(\w+)|(?<![\w.>""])([A-Z]\w+)\.[A-Z]")]
    private static partial Regex Named();

    /// <summary>The slices stand on the command's transaction, not the other way round.</summary>
    [Fact]
    public void Commands_depend_on_no_slice()
    {
        var slices = Folders("Ledger.Api", "Commands", "Operation", "Pages", "Security", "Storage");
        Assert.Contains("Imports", slices);
        var files = Directory.GetFiles(Path.Combine(TourTests.Repository, "src/Ledger.Api/Commands"));
        Assert.True(files.Length > 5);
        Assert.Empty(
            from file in files
            from line in File.ReadLines(file)
            where !line.TrimStart().StartsWith("//", StringComparison.Ordinal)
            from named in Named().Matches(line)
            from slice in slices
            where slice == (named.Groups[1].Success ? named.Groups[1].Value : named.Groups[2].Value)
            select $"{Path.GetFileName(file)}: {line.Trim()}"
        );
    }

    [Fact]
    public void No_floating_point_near_money()
    {
        var members = new[] { Domain, Store, Projections }
            .SelectMany(a => a.GetTypes())
            .SelectMany(t =>
                t.GetFields(BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.Public | BindingFlags.Static)
            );
        Assert.DoesNotContain(members, f => f.FieldType == typeof(double) || f.FieldType == typeof(float));
    }

    private static readonly string[] IrregularPast = ["Drawn", "Sent", "Paid", "Withdrawn", "LeftOut", "Held"];

    [Fact]
    public void Every_event_is_a_sealed_record_in_the_past_tense_and_its_amounts_say_their_unit()
    {
        foreach (var type in EventTypes.All)
        {
            Assert.True(type.IsSealed, $"{type.Name} is not sealed");
            Assert.True(
                type.Name.EndsWith("ed", StringComparison.Ordinal)
                    || IrregularPast.Any(p => type.Name.EndsWith(p, StringComparison.Ordinal)),
                $"{type.Name} is not in the past tense"
            );
            Assert.All(
                type.GetProperties().Where(p => p.PropertyType == typeof(Money)),
                p => Assert.EndsWith("Fen", p.Name)
            );
        }
    }

    [Fact]
    public void Every_event_that_moves_or_promises_money_names_its_amount_for_the_audit_trail() =>
        Assert.All(
            EventTypes.All.Where(t => t.GetProperty("AmountFen") is not null),
            t => Assert.True(t.IsAssignableTo(typeof(IMoneyEvent)), t.Name)
        );

    private static readonly Type[] OfNoOrder =
    [
        typeof(IReadOnlyDictionary<,>),
        typeof(Dictionary<,>),
        typeof(System.Collections.Immutable.ImmutableDictionary<,>),
        typeof(IReadOnlySet<>),
        typeof(HashSet<>),
        typeof(System.Collections.Immutable.ImmutableHashSet<>),
    ];

    /// <summary>
    /// A seal is over the stored form: a state that comes back from the database in another order would never be found
    /// whole, and be worked out from its events each time.
    /// </summary>
    [Fact]
    public void Every_state_has_one_stored_form()
    {
        var seen = new HashSet<Type>();
        foreach (var aggregate in EventTypes.Aggregates)
            Look(aggregate, aggregate.Name);

        void Look(Type type, string path)
        {
            Assert.False(type.IsGenericType && OfNoOrder.Contains(type.GetGenericTypeDefinition()), path);
            foreach (var part in type.GetGenericArguments())
                Look(part, path);
            if (type.Assembly != Domain || !seen.Add(type))
                return;
            foreach (var property in type.GetProperties().Where(p => p.SetMethod is not null))
                Look(property.PropertyType, $"{path}.{property.Name}");
        }
    }

    [GeneratedRegex(
        @"Events\s*\.\s*(?:Append(?:Optimistic|Exclusive)?|StartStream|WriteTo\w*|FetchFor\w*Writing)\s*[(<]|"
            + @"\b(?:WriteAggregate|MartenOps|BulkInsertEvents|mt_quick_append_events)\b|"
            + @"\b(?:insert\s+into|update|delete\s+from|merge\s+into|copy)\s+[^\s;]*\bmt_(?:events|streams)\b",
        RegexOptions.IgnoreCase
    )]
    private static partial Regex Appends();

    /// <summary>
    /// docs/decisions/001-writer-beside-martens-session.md: what stands in Marten's tables the writer wrote, and nobody
    /// else.
    /// </summary>
    [Fact]
    public void Nothing_but_the_writer_appends_events()
    {
        var source = Path.Combine(TourTests.Repository, "src");
        var appending = Directory
            .EnumerateFiles(source, "*", SearchOption.AllDirectories)
            .Where(f => Path.GetExtension(f) is ".cs" or ".sql" or ".razor")
            .Where(f => !f[source.Length..].Split('/').Any(part => part is "bin" or "obj" or "node_modules"))
            .SelectMany(f => Appends().Matches(File.ReadAllText(f)).Select(m => $"{Path.GetFileName(f)}: {m.Value}"))
            .Order(StringComparer.Ordinal);
        Assert.Equal(
            [
                "EventWriter.cs: insert into {Schema}.mt_events",
                "EventWriter.cs: insert into {Schema}.mt_streams",
                "EventWriter.cs: update {Schema}.mt_streams",
            ],
            appending
        );
    }

    [GeneratedRegex(@"(?://|@\*|--).*?([\w./-]+\.md)\b")]
    private static partial Regex CitedInAComment();

    [GeneratedRegex(@"\]\(([^)#:]+)(?:#[^)]*)?\)")]
    private static partial Regex Link();

    /// <summary>
    /// Whoever follows a comment to a document finds it, below the repository's folder or beside the file; whoever
    /// follows a document's link, what it leads to.
    /// </summary>
    [Fact]
    public void Every_document_that_a_comment_cites_and_every_link_of_a_document_is_there()
    {
        var repository = TourTests.Repository;
        bool IsThere(string file, string cited) =>
            File.Exists(Path.Combine(repository, cited))
            || Path.Exists(Path.Combine(Path.GetDirectoryName(file)!, cited));
        var files = Directory
            .GetFiles(repository, "*.md")
            .Concat(
                new[] { "src", "tests", "bench", "docs" }.SelectMany(folder =>
                    Directory.EnumerateFiles(Path.Combine(repository, folder), "*", SearchOption.AllDirectories)
                )
            )
            .Where(f => !f[repository.Length..].Split('/').Any(part => part is "bin" or "obj" or "node_modules"))
            .ToList();
        var cited = files
            .Where(f => Path.GetExtension(f) is ".cs" or ".razor" or ".sql")
            .SelectMany(f =>
                File.ReadLines(f)
                    .SelectMany(line => CitedInAComment().Matches(line))
                    .Select(m => (File: f, Cited: m.Groups[1].Value))
            )
            .ToList();
        var links = files
            .Where(f => Path.GetExtension(f) == ".md")
            .SelectMany(f => Link().Matches(File.ReadAllText(f)).Select(m => (File: f, Cited: m.Groups[1].Value)))
            .ToList();
        Assert.True(cited.Count > 20 && links.Count > 50, $"{cited.Count} citations, {links.Count} links");
        Assert.Empty(
            cited
                .Concat(links)
                .Where(c => !IsThere(c.File, c.Cited))
                .Select(c => $"{c.File[(repository.Length + 1)..]}: {c.Cited}")
        );
    }
}

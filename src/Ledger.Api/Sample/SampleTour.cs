using System.Text;
using Ledger.Api.Security;
using Ledger.Domain;
using Ledger.Domain.Identity;

namespace Ledger.Api.Sample;

/// <summary>
/// What the tour (docs/tour.md) needs: the files that people would upload, and <c>tour.env</c> with the address, ids
/// and tokens.
/// </summary>
public static class SampleTour
{
    private static readonly TimeSpan TokenLifetime = TimeSpan.FromDays(365);

    /// <summary>Days by which the tour moves the clock, so that its notice ends.</summary>
    private const int NoticeDays = 8;

    /// <summary>Writes the folder anew and returns what to print.</summary>
    public static async Task<string> WriteAsync(
        SampleStory story,
        Tokens tokens,
        string folder,
        string address,
        DateOnly today
    )
    {
        Directory.CreateDirectory(folder);
        var facts = SampleStory.TourVillage;
        var payers = SampleStory.Payers(facts);
        var regular = payers.Where(p => !p.CatchUp).ToList();
        await FilesAsync(folder, facts, payers, regular, today);
        var cast = SampleStory
            .Cast.Select(c => (c.Variable, c.Title, c.Actor, Token: tokens.Issue(c.Actor, TokenLifetime)))
            .ToList();
        (string Name, string Value)[] ids =
        [
            ("LEDGER", address),
            ("SAMPLE", Path.GetFullPath(folder)),
            ("COLLECTIVE", SampleStory.TourCollectiveId),
            ("FUND", StreamId.FundOf(SampleStory.TourCollectiveId)),
            ("PLAN", story.TourPlanId),
            ("YEAR", $"{story.Year}"),
            ("MERGING", SampleStory.Merging.From),
            ("INTO", SampleStory.Merging.Into),
            ("DONOR", StreamId.DonorOf(SampleStory.CharityCode)),
        ];
        var environment = string.Concat(
            ids.Select(i => $"export {i.Name}={i.Value}\n")
                .Concat(cast.Select(c => $"# {c.Title}\nexport {c.Variable}={c.Token}\n"))
        );
        environment +=
            $"export VERIFY=\"dotnet {Path.Combine(AppContext.BaseDirectory, "verify", "ledger-verify.dll")}\"\n";
        var path = Path.Combine(folder, "tour.env");
        await System.IO.File.WriteAllTextAsync(path, environment);
        System.IO.File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);

        var text = new StringBuilder();
        text.AppendLine(
            $"\n样例已就绪：{SampleStory.CountyName}，{SampleStory.Townships.Count} 个乡镇（街道）、{SampleStory.Villages.Count} 个村、"
                + $"{SampleStory.Villages.Count * SampleStory.MembersPerVillage} 人（人员均为虚构）。"
        );
        text.AppendLine("令牌（样例用，365 天有效）· tokens, one person of each role:");
        foreach (var (variable, title, actor, token) in cast)
            text.AppendLine($"\n  {variable}  {title}  {actor.Role} {actor.Region}\n  {token}");
        text.AppendLine(
            $"""

              打开 open           {address}  → 登录，选一个身份 sign in by choosing who you are
              接口文档 API        {address}/docs
              问题代码 problems   {address}/docs/problems
              导览 tour           docs/tour.md；先执行 first:  . {Relative(path)}
              停止 stop           Ctrl+C

            """
        );
        return text.ToString();
    }

    private static async Task FilesAsync(
        string folder,
        SampleVillageFacts facts,
        IReadOnlyList<(SamplePerson Person, int Tier, bool CatchUp)> payers,
        IReadOnlyList<(SamplePerson Person, int Tier, bool CatchUp)> regular,
        DateOnly today
    )
    {
        Task File(string name, byte[] content) =>
            System.IO.File.WriteAllBytesAsync(Path.Combine(folder, name), content);

        await File("roster.xlsx", SampleSheets.Roster(regular.Select(p => p.Person)));
        await File("roster-with-faults.xlsx", SampleSheets.Roster(Faulty(facts, payers)));
        await File(
            "receipts.xlsx",
            SampleSheets.Receipts(
                regular.Select(p => (p.Person, new Money((long)(SampleStory.Subsidy(facts, p.Tier) * 100)))),
                today.AddDays(NoticeDays),
                $"HZ{facts.Code}"
            )
        );
        foreach (
            var name in (string[])
                ["bank-slip", "seal", "transfer", "decision", "decision-into", "review", "approval", "creditors"]
        )
            await File($"{name}.pdf", SamplePeople.Pdf($"sample {name}"));
    }

    /// <summary>
    /// A roster as it comes in real life: a wrong digit, a person twice, a stranger, one who paid for past years, one
    /// who did not pay.
    /// </summary>
    private static IEnumerable<SamplePerson> Faulty(
        SampleVillageFacts facts,
        IReadOnlyList<(SamplePerson Person, int Tier, bool CatchUp)> payers
    )
    {
        var good = payers.Where(p => !p.CatchUp).Select(p => p.Person).Take(8).ToList();
        var wrong = good[2] with { CitizenId = good[2].CitizenId[..17] + (good[2].CitizenId[17] == '1' ? '2' : '1') };
        var unpaid = SampleStory.People(facts).First(p => payers.All(x => x.Person != p));
        return
        [
            good[0],
            good[1],
            wrong,
            good[3],
            good[3],
            new SamplePeople(1).Next(SampleStory.County),
            payers.First(p => p.CatchUp).Person,
            unpaid,
            .. good[4..],
        ];
    }

    private static string Relative(string path)
    {
        var relative = Path.GetRelativePath(Environment.CurrentDirectory, Path.GetFullPath(path));
        return relative.StartsWith("..", StringComparison.Ordinal) ? Path.GetFullPath(path) : relative;
    }
}

using System.Text;
using System.Threading.RateLimiting;
using JasperFx.Events;
using Ledger.Api.Commands;
using Ledger.Api.Log;
using Ledger.Api.Pages;
using Ledger.Api.Plans;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Domain;
using Ledger.Domain.Applications;
using Ledger.Domain.Identity;
using Ledger.Domain.Members;
using Ledger.Web.Notices;
using Marten;
using Npgsql;

namespace Ledger.Api.Notices;

/// <summary>Who asks for his own line: the name as it is registered, and the last four of the citizen id.</summary>
public sealed record OwnLineBody(string? Name, string? IdLastFour);

/// <summary>
/// One's own line. <paramref name="MemberId"/> and <paramref name="Code"/> make the address at which it can be looked
/// at again.
/// </summary>
public sealed record OwnLineView(string MemberId, string Code, Money Amount, LineStatus Status);

/// <summary>
/// How often lines may be asked for: guessing four digits of a neighbour takes thousands of tries. Of one source, and
/// of one list from everywhere, since each look opens the records of all of it.
/// </summary>
public sealed class OwnLineGuard(Settings settings) : IDisposable
{
    private const int OfSource = 10,
        OfList = 60;

    private static readonly TimeSpan EachOfSource = TimeSpan.FromMinutes(1),
        EachOfList = TimeSpan.FromSeconds(10);

    private readonly PartitionedRateLimiter<string> _sources = Limiter(settings, OfSource, EachOfSource),
        _lists = Limiter(settings, OfList, EachOfList);

    private static PartitionedRateLimiter<string> Limiter(Settings settings, int most, TimeSpan each) =>
        PartitionedRateLimiter.Create<string, string>(key =>
            Buckets.Of(key, settings.RequestsPerAddress != 0, most, 1, each)
        );

    /// <exception cref="RefusedException"><c>too-many-requests</c>.</exception>
    public void Take(string applicationId, string source)
    {
        using var ofSource = _sources.AttemptAcquire(source);
        if (ofSource.IsAcquired)
        {
            using var ofList = _lists.AttemptAcquire(applicationId);
            if (ofList.IsAcquired)
                return;
        }
        throw new RefusedException(
            new Rejection(Rejections.TooManyRequests, "查得太频繁，为防别人试出您的号码，暂停几分钟")
            {
                RetryAfterSeconds = (int)EachOfSource.TotalSeconds, // one more then
            }
        );
    }

    public void Dispose()
    {
        _sources.Dispose();
        _lists.Dispose();
    }
}

/// <summary>
/// A villager's own line (C16): by name and the last four of the id, without signing in, also when the list is public
/// no more. Nothing of anybody else is said, and whoever is not on it hears the same as whoever mistyped.
/// </summary>
public static class OwnLine
{
    public static void MapOwnLine(this IEndpointRouteBuilder api) =>
        api.MapPost("/notices/{id}/own-line", FindAsync)
            .Session<OwnLineView>(
                "find-own-line",
                "村民查自己的补助：姓名和身份证号后四位（公开） · A villager's own line, by name and the id's last four"
            )
            .Refuses(Rejections.FieldInvalid, Rejections.NotFound, Rejections.TooManyRequests)
            .Example("""{"name":"张桂英","idLastFour":"0021"}""");

    public static void MapOwnLinePages(this WebApplication app)
    {
        app.Page(
            "/notices/{id}/own",
            async (string id, IQuerySession session, Clock clock) =>
            {
                var application = await PublicNotices.PublishedAsync(id, session);
                return PageRoutes.Show<FindOwnLinePage>(
                    new
                    {
                        Id = id,
                        CollectiveName = await NameAsync(application, session),
                        application.Year,
                        Ended = Notice.IsPublic(application, clock.Today) ? null : application.NoticeUntil,
                    }
                );
            }
        );
        app.Page("/own-lines/{id}/{memberId}/{code}", Show);
    }

    private static async Task<OwnLineView> FindAsync(
        string id,
        OwnLineBody body,
        IQuerySession session,
        NpgsqlDataSource database,
        PersonalData people,
        KeyFile keys,
        OwnLineGuard guard,
        HttpContext http
    )
    {
        var name = Require.Text(body.Name, "name", 50);
        // As a Chinese keyboard may write it, and a name as names are compared everywhere.
        var four = (body.IdLastFour ?? "").Trim().Normalize(NormalizationForm.FormKC).ToUpperInvariant();
        if (four.Length != 4 || !four[..3].All(char.IsAsciiDigit) || !(char.IsAsciiDigit(four[3]) || four[3] == 'X'))
            throw Require.Invalid("idLastFour", "应为身份证号的后四位，末位可以是 X");
        guard.Take(id, Source.Of(http));
        var application = await PublicNotices.PublishedAsync(id, session);
        await using var connection = await database.OpenConnectionAsync();
        var persons = await people.ReadAsync(connection, application.Lines.Select(l => l.MemberId));
        // Two of one name and number: neither is told the other's.
        return
            application
                .Lines.Where(l =>
                    persons.GetValueOrDefault(l.MemberId) is { } p
                    && PersonName.Canonical(p.Name) == PersonName.Canonical(name)
                    && p.CitizenId.EndsWith(four, StringComparison.Ordinal)
                )
                .ToList()
                is [var own]
            ? new OwnLineView(own.MemberId, Code(keys, id, own.MemberId), own.AmountFen, own.Status)
            : throw new RefusedException(
                new Rejection(Rejections.NotFound, "这份名单中没有这个姓名和身份证号后四位")
                {
                    Mend = "姓名按身份证上的写，后四位的末位可能是 X；仍查不到的，到村委会、乡镇（街道）或经办机构询问",
                }
            );
    }

    private static async Task<IResult> Show(
        string id,
        string memberId,
        string code,
        IQuerySession session,
        StoredEvents stored,
        KeyFile keys,
        HttpContext http,
        CancellationToken cancellation
    )
    {
        var application = AddressCode.Holds(keys, Of(id, memberId), code)
            ? await session.LoadAsync<Application>(id, cancellation)
            : null;
        if (application?.Lines.FirstOrDefault(l => l.MemberId == memberId) is not { } line)
            throw new RefusedException(
                new Rejection(Rejections.NotFound, "这个网址打不开，可能少抄了字")
                {
                    Mend = "到“补助公示”找到本村，用姓名和身份证号后四位再查一次",
                }
            );
        var events = await stored.OfAsync<MemberYear>(
            StreamId.MemberYear(memberId, application.Year),
            cancellation: cancellation
        );
        var told = events.Select(e => (e.Sequence, Step: StepOf(e, id))).Where(e => e.Step is not null).ToList();
        return PageRoutes.Show<OwnLinePage>(
            new
            {
                A = application,
                Line = line,
                CollectiveName = await NameAsync(application, session),
                Steps = (IReadOnlyList<OwnLinePage.Step>)[.. told.Select(e => e.Step!)],
                Proof = ProofPages.Way(keys, http, told.Select(e => e.Sequence)),
            }
        );
    }

    /// <summary>What an event of a person's year did to this application's subsidy; null: nothing.</summary>
    private static OwnLinePage.Step? StepOf(IEvent e, string applicationId)
    {
        OwnLinePage.Step? Of(string of, LineStatus to, Money amount) =>
            of == applicationId
                ? new(e.Timestamp, e.BusinessDay(), (e.Data as SubsidyCredited)?.CreditedOn, to, amount)
                : null;
        return e.Data switch
        {
            SubsidyApproved s => Of(s.ApplicationId, LineStatus.Approved, s.AmountFen),
            SubsidyReleased s => Of(s.ApplicationId, LineStatus.Released, s.AmountFen),
            SubsidyPaid s => Of(s.ApplicationId, LineStatus.Paid, s.AmountFen),
            SubsidyCredited s => Of(s.ApplicationId, LineStatus.Credited, s.AmountFen),
            SubsidyRefunded s => Of(s.ApplicationId, LineStatus.Refunded, s.AmountFen),
            _ => null,
        };
    }

    private static async Task<string> NameAsync(Application application, IQuerySession session) =>
        (await PlanPages.NamesAsync(session, [application.CollectiveId])).GetValueOrDefault(
            application.CollectiveId,
            ""
        );

    /// <summary>The code in the address of a line.</summary>
    public static string Code(KeyFile keys, string applicationId, string memberId) =>
        AddressCode.Of(keys, Of(applicationId, memberId));

    private static string Of(string applicationId, string memberId) => $"own line {applicationId} {memberId}";
}

using System.Text.Json.Serialization;
using Ledger.Api.Commands;
using Ledger.Api.Log;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Domain;
using Ledger.Domain.Funds;
using Ledger.Domain.Identity;
using Ledger.Domain.Sampling;
using Ledger.Domain.Sampling.Steps;
using Ledger.Store.Axes;
using Ledger.TransparencyLog;
using Marten;
using Npgsql;
using AuditSample = Ledger.Domain.Sampling.Sample;

namespace Ledger.Api.Sampling;

/// <param name="Region">Whose funds; with <paramref name="FundId"/> that fund alone, and its own region.</param>
/// <param name="WordsDigest">SHA-256 of the auditor's words in UTF-8; the words themselves he keeps until he
/// draws.</param>
public sealed record SampleBody(
    int Year,
    string Kind,
    string WordsDigest,
    string? Region = null,
    string? FundId = null,
    int? Size = null,
    Money? IntervalAmount = null
);

public sealed record SampleDrawBody(string Words);

/// <param name="ErrorAmount">0, or nothing: no error.</param>
public sealed record SamplePaperBody(
    [property: JsonConverter(typeof(YuanOrNoughtJsonConverter))] Money? ErrorAmount = null,
    string? Finding = null,
    string? Seen = null,
    IReadOnlyList<string>? Evidence = null
);

public sealed record SampleConclusionBody(int Confidence, string Conclusion);

public sealed record SamplePaperView(
    int Number,
    Money ErrorAmount,
    string Finding,
    string Seen,
    IReadOnlyList<string> Evidence,
    string RecordedBy
)
{
    public static SamplePaperView Of(SamplePaper p) =>
        new(p.Number, p.ErrorFen, p.Finding, p.Seen, p.Evidence, p.RecordedBy);
}

/// <summary>The error in the population is <paramref name="LikelyAmount"/> by projection, and more than
/// <paramref name="UpperAmount"/> no oftener than 100 − <paramref name="Confidence"/> in a hundred.</summary>
public sealed record SampleConclusionView(
    int Confidence,
    Money LikelyAmount,
    Money UpperAmount,
    string Conclusion,
    DateOnly ConcludedOn,
    string ConcludedBy
)
{
    public static SampleConclusionView? Of(SampleConclusion? c) =>
        c is null ? null : new(c.Confidence, c.Bound.LikelyFen, c.Bound.UpperFen, c.Text, c.ConcludedOn, c.ConcludedBy);
}

/// <param name="Lines">What papers are about, numbered from 1: a line that several drawn fen fell on is one.</param>
public sealed record SampleView(
    string Id,
    int Version,
    SamplePopulation Population,
    string PopulationDigest,
    Money PopulationAmount,
    int Size,
    long LogSize,
    DateOnly AnnouncedOn,
    string AnnouncedBy,
    SampleDraw? Draw,
    IReadOnlyList<SampledLine> Drawn,
    IReadOnlyList<SampledLine> Lines,
    IReadOnlyList<SamplePaperView> Papers,
    IReadOnlyList<int> Missing,
    SampleConclusionView? Conclusion
)
{
    public static SampleView Of(AuditSample s) =>
        new(
            s.Id,
            s.Revision,
            s.Population!,
            s.PopulationDigest,
            s.PopulationFen,
            s.Size,
            s.LogSize,
            s.AnnouncedOn,
            s.AnnouncedBy,
            s.Draw,
            s.Drawn,
            s.Lines,
            [.. s.Papers.Select(SamplePaperView.Of)],
            s.Missing,
            SampleConclusionView.Of(s.Conclusion)
        );
}

/// <summary>Samples (抽样) that neither the audited nor the auditor can steer.</summary>
public static class SampleEndpoints
{
    public static void MapSamples(this IEndpointRouteBuilder api)
    {
        api.MapPost("/samples", Announce)
            .Command<SampleView>(
                "announce-sample",
                "公告抽样：固定总体、样本量和审计用语的摘要 · Announce a sample: population, size, digest of the words",
                Roles.Auditor
            )
            .Refuses(Rejections.FieldInvalid, Rejections.NotFound, Rejections.SampleEmpty)
            .Example(
                """
                {"region":"370811","year":2026,"kind":"reserved","size":60,
                 "wordsDigest":"2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"}
                """
            );
        api.MapPost("/samples/{id}/draw", Draw)
            .Command<SampleView>(
                "draw-sample",
                "抽取样本：由公告后签名的检查点和审计用语决定 · Draw it, by a checkpoint signed after the announcement",
                Roles.Auditor
            )
            .Refuses(
                Rejections.FieldInvalid,
                Rejections.NotFound,
                Rejections.WrongState,
                Rejections.VersionMismatch,
                Rejections.PersonalDataInText,
                Rejections.SampleNotSealed,
                Rejections.SampleWordsMismatch,
                Rejections.SamplePopulationChanged
            )
            .Example("""{"words":"二〇二六年冬 随手写下的一句话"}""");
        MapPapers(api);
        api.MapGet("/samples", List)
            .Reading<List<SampleView>>("list-samples", "抽样一览 · The samples in scope", Roles.Auditor);
        api.MapGet("/samples/{id}", Read)
            .Reading<SampleView>("read-sample", "查看抽样 · Read a sample", Roles.Auditor)
            .Refuses(Rejections.NotFound);
    }

    private static void MapPapers(IEndpointRouteBuilder api)
    {
        api.MapPost("/samples/{id}/papers/{number:int}", Record)
            .Command<SampleView>(
                "record-sample-paper",
                "填写工作底稿：看过什么、查出什么、差错多少 · Record the working paper of a drawn line",
                Roles.Auditor
            )
            .Refuses(
                Rejections.FieldInvalid,
                Rejections.NotFound,
                Rejections.WrongState,
                Rejections.VersionMismatch,
                Rejections.PersonalDataInText,
                Rejections.EvidenceMissing,
                Rejections.EvidenceDamaged,
                Rejections.LimitExceeded
            )
            .Example(
                """
                {"errorAmount":20,"finding":"名单所列人员已转为职工养老保险","seen":"现场查看缴费票据原件"}
                """
            );
        api.MapPost("/samples/{id}/conclusion", Conclude)
            .Command<SampleView>(
                "conclude-sample",
                "签署底稿：推断总体差错和上限 · Sign the papers, with the estimate of the population's error",
                Roles.Auditor
            )
            .Refuses(
                Rejections.FieldInvalid,
                Rejections.NotFound,
                Rejections.WrongState,
                Rejections.VersionMismatch,
                Rejections.PersonalDataInText,
                Rejections.SamplePapersMissing
            )
            .Example("""{"confidence":95,"conclusion":"差错上限低于可容忍错报，总体可以接受"}""");
    }

    private static async Task<Answer> Announce(SampleBody body, Command command, Caller caller, LogKeys keys)
    {
        var kind =
            Require.Word(body.Kind, "kind", SamplePopulation.Kinds) ?? throw Require.Invalid("kind", "应写明支出种类");
        var population = new SamplePopulation(await RegionAsync(body, command, caller), body.Year, kind, body.FundId);
        command.Region = population.Region;
        // What is signed, so that whoever has a checkpoint can work out the same.
        var size = await LogStore.SignedSizeAsync(command.Connection, LedgerStore.Schema, keys.Known);
        var outflows = await new StoredAxes(command.Connection, LedgerStore.Schema).PopulationAsync(population, size);
        var id = StreamId.NewSample();
        var state = command.Append(
            id,
            (AuditSample?)null,
            AnnounceSample.Decide(
                new(population, outflows, size),
                new(body.Size, body.IntervalAmount, body.WordsDigest ?? ""),
                command.Today,
                command.Actor
            )
        );
        return Answer.Created($"/api/samples/{id}", SampleView.Of(state), state.Revision);
    }

    private static async Task<string> RegionAsync(SampleBody body, Command command, Caller caller)
    {
        if (body.FundId is { } id)
        {
            var fund = await command.ReadAsync<Fund>(id);
            return fund is not null && caller.MaySee(fund.Region) ? fund.Region : throw Require.NotFound(id);
        }
        Require.Region(body.Region, "region", RegionCode.Lengths);
        return caller.MaySee(body.Region!) ? body.Region! : throw Require.NotFound(body.Region!);
    }

    private static async Task<Answer> Draw(string id, SampleDrawBody body, Command command, LogKeys keys)
    {
        var words = Require.Prose(body.Words, "words", 200);
        var sample = await command.LoadAsync<AuditSample>(id);
        var axes = new StoredAxes(command.Connection, LedgerStore.Schema);
        var outflows = await axes.PopulationAsync(sample.Population!, sample.LogSize);
        var (at, tree) = await SealedAsync(id, command.Connection, keys);
        var basis = new DrawSample.Basis(sample, at, tree, outflows, []);
        // The members' shares of the drawn fen alone: which those are, the step says itself.
        if (DrawSample.Decide(basis, words, command.Actor).Events is [SampleDrawn drawn])
            basis = basis with
            {
                Shares = await axes.SharesAsync([.. drawn.Fen.Select(f => new DrawnFen(f.Account, f.Fen))]),
            };
        var state = command.Append(id, sample, DrawSample.Decide(basis, words, command.Actor));
        return new Answer(SampleView.Of(state), state.Revision);
    }

    /// <summary>Where the announcement stands in the log, and the first signed tree that holds it.</summary>
    public static async Task<(long? At, SignedTree? Tree)> SealedAsync(
        string id,
        NpgsqlConnection connection,
        LogKeys keys
    )
    {
        var found = await connection.QueryAsync(
            $"""
            select l.log_index
              from {LedgerStore.Schema}.mt_events e
              join {LedgerStore.Schema}.log_entry l on l.seq = e.seq_id
             where e.stream_id = @id and e.version = 1
            """,
            r => r.GetInt64(0),
            ("id", id)
        );
        if (found is not [var at])
            return (null, null);
        var first = await LogStore.FirstAsync(connection, LedgerStore.Schema, keys.Known, at);
        return (at, first is null ? null : new SignedTree(first.Size, Convert.ToHexStringLower(first.Root)));
    }

    private static async Task<Answer> Record(string id, int number, SamplePaperBody body, Command command)
    {
        var paper = new RecordPaper.Request(
            number,
            body.ErrorAmount ?? Money.Zero,
            Require.OptionalProse(body.Finding, "finding", 2000) ?? "",
            Require.OptionalProse(body.Seen, "seen", 1000) ?? "",
            await command.EvidenceAsync(body.Evidence, "evidence")
        );
        var sample = await command.LoadAsync<AuditSample>(id);
        var state = command.Append(id, sample, RecordPaper.Decide(sample, paper, command.Actor));
        return new Answer(SampleView.Of(state), state.Revision);
    }

    private static async Task<Answer> Conclude(string id, SampleConclusionBody body, Command command)
    {
        var conclusion = Require.Prose(body.Conclusion, "conclusion", 2000);
        var sample = await command.LoadAsync<AuditSample>(id);
        var state = command.Append(
            id,
            sample,
            ConcludeSample.Decide(sample, body.Confidence, conclusion, command.Today, command.Actor)
        );
        return new Answer(SampleView.Of(state), state.Revision);
    }

    /// <summary>The samples in scope, the newest first.</summary>
    public static async Task<IReadOnlyList<AuditSample>> InScopeAsync(IQuerySession session, Caller caller) =>
        await session
            .Query<AuditSample>()
            .Where(s => s.Region.StartsWith(caller.Actor.Region))
            .OrderByDescending(s => s.Id)
            .Take(Scope.MaxRows)
            .ToListAsync();

    private static async Task<List<SampleView>> List(IQuerySession session, Caller caller) =>
        [.. (await InScopeAsync(session, caller)).Select(SampleView.Of)];

    private static async Task<IResult> Read(string id, IQuerySession session, Caller caller, HttpContext http) =>
        Reading.Of(http, await session.ScopedAsync<AuditSample>(id, caller), SampleView.Of, id);
}

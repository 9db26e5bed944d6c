using System.IO.Compression;
using System.Net;
using System.Security.Cryptography;
using System.Text.Json;
using Ledger.Api.Storage;
using Npgsql;

namespace Ledger.Api.Tests;

/// <summary>Audit trail, work queue, evidence, and storage that refuses change.</summary>
[Collection("api")]
public sealed class AuditAndEvidenceTests(ApiFixture api)
{
    [Fact]
    public async Task The_audit_trail_finds_events_by_any_id_actor_type_time_and_refusals_by_code()
    {
        var (village, people) = await api.ReadyToFileAsync(2);
        await village.FileAsync(people);
        await village.ReviewAsync();
        await api.Host.RefusedAsync("self-approval", village.Offices.Reviewer, $"{village.ApplicationPath}/approval");
        await village.ApproveAsync();
        var auditor = village.Offices.Auditor;
        await ApiFixture.EventuallyAsync(
            async () =>
                Types(await auditor.GetAsync<AuditPage>($"/api/audit/events?id={village.ApplicationId}"))
                    .Contains("application_approved"),
            "the approval in the audit trail"
        );

        var byId = await auditor.GetAsync<AuditPage>($"/api/audit/events?id={village.ApplicationId}");
        Assert.Equal(
            [
                "application_filed",
                "lines_listed",
                "application_reviewed",
                "application_approved",
                "funds_reserved",
                "subsidy_approved",
                "subsidy_approved",
            ],
            Types(byId).Where(t => t != "command_refused").OrderBy(t => Array.IndexOf(Order, t))
        );
        var approved = byId.Entries.Single(e => e.Type == "application_approved");
        Assert.Equal(
            (village.Offices.Approver.Actor.Id, "agency", village.VillageCode, 200m),
            (approved.Actor, approved.Role, approved.Region, approved.Amount?.Yuan)
        );
        Assert.Equal(api.Today, approved.EffectiveDate);

        var member = (await village.Officer.GetAsync<LinePage>($"{village.ApplicationPath}/lines")).Lines[0].MemberId;
        // All of a person: the lists that name him, and what happened in each of his years.
        var ofMember = Types(await auditor.GetAsync<AuditPage>($"/api/audit/events?id={member}"));
        Assert.Superset(
            new HashSet<string> { "lines_listed", "contribution_recorded", "subsidy_approved" },
            ofMember.ToHashSet()
        );
        var allocated = await auditor.GetAsync<AuditPage>(
            $"/api/audit/events?type=funds_allocated&actor={village.Officer.Actor.Id}"
        );
        Assert.Single(allocated.Entries[0].Evidence);
        var refused = await auditor.GetAsync<AuditPage>("/api/audit/events?code=self-approval");
        var body = refused.Entries[0].Body;
        Assert.Equal(
            (village.Offices.Reviewer.Actor.Id, "approve-application", village.ApplicationId),
            (
                refused.Entries[0].Actor,
                body.GetProperty("command").GetString(),
                body.GetProperty("targetId").GetString()
            )
        );

        var none = await auditor.GetAsync<AuditPage>(
            $"/api/audit/events?id={village.ApplicationId}&to=2020-01-01T00:00:00Z"
        );
        Assert.Empty(none.Entries);
        Assert.Equal(0, none.Behind);
        var first = await auditor.GetAsync<AuditPage>($"/api/audit/events?id={village.ApplicationId}&limit=2");
        var next = await auditor.GetAsync<AuditPage>(
            $"/api/audit/events?id={village.ApplicationId}&limit=1000&after={first.Next}"
        );
        Assert.Equal(byId.Entries.Count, 2 + next.Entries.Count);
        Assert.Null(next.Next);

        // The same the other way round, page by page.
        var (newest, after) = (new List<long>(), "");
        do
        {
            var page = await auditor.GetAsync<AuditPage>(
                $"/api/audit/events?id={village.ApplicationId}&limit=3&newestFirst=true{after}"
            );
            newest.AddRange(page.Entries.Select(e => e.Sequence));
            after = page.Next is { } more ? $"&after={more}" : "";
        } while (after.Length > 0);
        Assert.Equal(byId.Entries.Select(e => e.Sequence).Reverse(), newest);

        // An empty answer would say that there is none of it.
        foreach (var name in (string[])["type", "role", "code"])
        {
            var address = $"/api/audit/events?{name}=typo";
            Assert.Equal(name, (await api.Host.RefusedAsync("field-invalid", auditor, HttpMethod.Get, address)).Field);
        }

        var foreign = api.NewOffices();
        Assert.Empty(
            (await foreign.Auditor.GetAsync<AuditPage>($"/api/audit/events?id={village.ApplicationId}")).Entries
        );
    }

    private static readonly string[] Order =
    [
        "application_filed",
        "lines_listed",
        "application_reviewed",
        "application_approved",
        "funds_reserved",
        "subsidy_approved",
    ];

    private static List<string> Types(AuditPage page) => [.. page.Entries.Select(e => e.Type)];

    [Fact]
    public async Task The_same_decision_eight_times_at_once_is_one_event()
    {
        var (village, people) = await api.ReadyToFileAsync(2);
        await village.FileAsync(people);
        var member = (await village.Officer.GetAsync<LinePage>($"{village.ApplicationPath}/lines")).Lines[0].MemberId;
        Task<ApplicationView> ReviewAsync(bool accepted) =>
            village.Offices.Reviewer.PostAsync<ApplicationView>(
                $"{village.ApplicationPath}/review",
                new
                {
                    verdicts = new[]
                    {
                        new
                        {
                            memberId = member,
                            accepted,
                            reason = accepted ? null : "迁出",
                        },
                    },
                }
            );
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => ReviewAsync(true)));
        await ReviewAsync(false);
        await ReviewAsync(false);
        Assert.Equal(
            2,
            await api.ScalarAsync<long>(
                "select count(*) from ledger.mt_events where stream_id = @id and type = 'application_reviewed'",
                ("id", village.ApplicationId)
            )
        );
    }

    [Fact]
    public async Task The_work_queue_follows_the_application()
    {
        var (village, people) = await api.ReadyToFileAsync(1);
        await village.FileAsync(people);
        Task Waits(SampleClient who, ApplicationStatus status) =>
            ApiFixture.EventuallyAsync(
                async () =>
                    (await who.GetAsync<IReadOnlyList<WorkItemView>>("/api/applications?waitingForMe=true")).Any(i =>
                        i.Id == village.ApplicationId && i.Status == status
                    ),
                $"{status} waits for {who.Actor.Role}"
            );
        await Waits(village.Offices.Reviewer, ApplicationStatus.Filed);
        await village.ReviewAsync();
        await Waits(village.Offices.Approver, ApplicationStatus.Reviewed);
        // Not for whoever reviewed it: somebody else has to approve.
        Assert.DoesNotContain(
            await village.Offices.Reviewer.GetAsync<IReadOnlyList<WorkItemView>>("/api/applications?waitingForMe=true"),
            i => i.Id == village.ApplicationId
        );
        await village.ApproveAsync();
        await Waits(village.Officer, ApplicationStatus.Approved);
        // Both are asked for: what waits, and is in that status.
        async Task<IEnumerable<string>> InAsync(string status) =>
            (
                await village.Officer.GetAsync<IReadOnlyList<WorkItemView>>(
                    $"/api/applications?waitingForMe=true&status={status}"
                )
            ).Select(i => i.Id);
        Assert.Equal([village.ApplicationId], await InAsync("approved"));
        Assert.Empty(await InAsync("filed"));
        Assert.Empty(
            await village.Offices.Reviewer.GetAsync<IReadOnlyList<WorkItemView>>(
                "/api/applications?waitingForMe=true&status=approved"
            )
        );
        Assert.DoesNotContain(
            (
                await village.Offices.Reviewer.GetAsync<IReadOnlyList<WorkItemView>>(
                    "/api/applications?waitingForMe=true"
                )
            ),
            i => i.Id == village.ApplicationId
        );
        Assert.Single(
            (await village.Officer.GetAsync<IReadOnlyList<WorkItemView>>("/api/applications?status=approved"))
        );
        await api.Host.RefusedAsync("field-invalid", village.Officer, HttpMethod.Get, "/api/applications?status=9");
        Assert.Single(
            (
                await village.Officer.GetAsync<LinePage>(
                    $"/api/applications/{village.ApplicationId}/lines?status=approved"
                )
            ).Lines
        );
    }

    [Fact]
    public async Task Evidence_is_stored_by_the_digest_of_its_bytes_and_sniffed()
    {
        var village = await api.RegisteredAsync();
        var pdf = SamplePeople.Pdf("seal");
        var stored = await village.Officer.UploadAsync<EvidenceView>("/api/evidence", pdf, "扫描件.exe");
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(pdf)), stored.Digest);
        Assert.Equal("application/pdf", stored.MediaType);
        using var response = await village.Officer.SendAsync(HttpMethod.Get, $"/api/evidence/{stored.Digest}", null);
        Assert.Equal(pdf, await response.Content.ReadAsByteArrayAsync());

        using var script = SampleClient.Form([.. "<script>alert(1)</script>"u8], "scan.pdf");
        await api.Host.RefusedAsync("file-invalid", village.Officer, "/api/evidence", script);
        using var large = SampleClient.Form([.. "%PDF-"u8, .. new byte[20 * 1024 * 1024]], "large.pdf");
        await api.Host.RefusedAsync("limit-exceeded", village.Officer, "/api/evidence", large);
        var slip = SamplePeople.Pdf("limit");
        using var limit = SampleClient.Form(
            [.. "%PDF-"u8, .. new byte[20 * 1024 * 1024 - 5 - slip.Length], .. slip],
            "limit.pdf"
        );
        using var accepted = await village.Officer.SendAsync(HttpMethod.Post, "/api/evidence", limit);
        Assert.Equal(HttpStatusCode.Created, accepted.StatusCode);
    }

    /// <summary>A package of parts; the root of an OFD names its document.</summary>
    private static byte[] Package(params string[] parts)
    {
        var bytes = new MemoryStream();
        using (var package = new ZipArchive(bytes, ZipArchiveMode.Create, leaveOpen: true))
            foreach (var part in parts)
            {
                using var text = new StreamWriter(package.CreateEntry(part).Open());
                text.Write(
                    part == "OFD.xml"
                        ? """
                        <ofd:OFD xmlns:ofd="http://www.ofdspec.org/2016" DocType="OFD">
                          <ofd:DocBody><ofd:DocRoot>Doc_0/Document.xml</ofd:DocRoot></ofd:DocBody>
                        </ofd:OFD>
                        """
                        : "<x/>"
                );
            }
        return bytes.ToArray();
    }

    /// <summary>
    /// The smallest whole documents of each kind. PNG and JPEG are of one grey point, made by a library.
    /// </summary>
    private static readonly (byte[] Bytes, string MediaType)[] Documents =
    [
        (SamplePeople.Pdf("slip"), "application/pdf"),
        (Package("OFD.xml", "Doc_0/Document.xml"), "application/ofd"),
        (
            [
                0,
                0,
                0,
                16,
                .. "ftypheic"u8,
                0,
                0,
                0,
                0,
                0,
                0,
                0,
                12,
                .. "meta"u8,
                0,
                0,
                0,
                0,
                0,
                0,
                0,
                9,
                .. "mdat"u8,
                1,
            ],
            "image/heic"
        ),
        (
            [
                0,
                0,
                0,
                16,
                .. "ftypmif1"u8,
                0,
                0,
                0,
                0,
                0,
                0,
                0,
                12,
                .. "meta"u8,
                0,
                0,
                0,
                0,
                0,
                0,
                0,
                0,
                .. "mdat"u8,
                1,
            ],
            "image/heic"
        ),
        ([0x4D, 0x4D, 0x00, 0x2A, 0, 0, 0, 8, 0, 1, .. new byte[16]], "image/tiff"),
        (
            Convert.FromBase64String(
                "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg=="
            ),
            "image/png"
        ),
        (
            [
                0xFF,
                0xD8,
                0xFF,
                0xE0,
                0,
                4,
                0,
                0,
                0xFF,
                0xC0,
                0,
                11,
                8,
                0,
                1,
                0,
                1,
                1,
                1,
                0x11,
                0,
                0xFF,
                0xDA,
                0,
                8,
                1,
                1,
                0,
                0,
                63,
                0,
                0x7F,
                0xFF,
                0xD9,
            ],
            "image/jpeg"
        ),
    ];

    [Fact]
    public void A_document_that_broke_off_is_refused_with_the_mend_whatever_its_kind()
    {
        foreach (var (bytes, mediaType) in Documents)
        foreach (var length in new[] { 8, bytes.Length / 2, bytes.Length - 2 }.Where(l => l < bytes.Length))
        {
            // A box without a length goes to the end.
            if (bytes.Length - length == 2 && bytes[^6] == 0 && mediaType == "image/heic")
                continue;
            Assert.True(
                DocumentKind.Of(bytes[..length], out var fault) is null,
                $"{mediaType} of {length} of {bytes.Length} bytes"
            );
            Assert.Contains("上传", fault);
        }
        Assert.Null(DocumentKind.Of(Package("OFD.xml"), out var missing));
        Assert.StartsWith("OFD 文件缺少", missing);
    }

    [Fact]
    public async Task Eight_bytes_that_say_they_are_a_picture_are_no_evidence()
    {
        var village = await api.RegisteredAsync();
        using var header = SampleClient.Form([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A], "回单.png");
        var problem = await api.Host.RefusedAsync("file-invalid", village.Officer, "/api/evidence", header);
        Assert.Contains("PNG 图片没有结尾", problem.Detail);
    }

    [Fact]
    public void A_document_is_told_by_its_bytes_and_what_is_none_by_its_mend()
    {
        Assert.All(Documents, d => Assert.Equal((d.MediaType, null), (DocumentKind.Of(d.Bytes, out var no), no)));
        (byte[] Bytes, string Mend)[] others =
        [
            ([.. "第一笔 12.34 元"u8], "文本不能作凭证"),
            (Package("[Content_Types].xml", "word/document.xml"), "Office 文档"),
            (Package("slips/1.pdf"), "压缩包"),
            ([.. "PK\x03\x04"u8, 1, 2, 3], "压缩包"),
            ([0, 0, 0, 24, .. "ftypisom"u8, 0, 0, 0, 0], "不是可以作凭证的文件"),
            ([0, 1, 2], "不是可以作凭证的文件"),
            ([], "不是可以作凭证的文件"),
        ];
        Assert.All(
            others,
            o =>
            {
                Assert.Null(DocumentKind.Of(o.Bytes, out var fault));
                Assert.StartsWith(o.Mend, fault!, StringComparison.Ordinal);
            }
        );
    }

    [Theory]
    [
        InlineData("update ledger.mt_events set data = '{}'"),
        InlineData("delete from ledger.mt_events"),
        InlineData("truncate ledger.mt_events cascade")
    ]
    [
        InlineData("update ledger.evidence set content = ''"),
        InlineData("delete from ledger.evidence"),
        InlineData("truncate ledger.evidence")
    ]
    public async Task Storage_refuses_change(string sql)
    {
        var village = await api.RegisteredAsync();
        await village.Officer.EvidenceAsync("x");
        await using var connection = await api.Database.OpenConnectionAsync();
        var refused = await Assert.ThrowsAsync<PostgresException>(() => connection.ExecuteAsync(sql));
        Assert.Contains("append-only", refused.MessageText);
    }
}

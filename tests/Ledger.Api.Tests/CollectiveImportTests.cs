using Ledger.Api.Collectives;
using Ledger.Api.Commands;
using Ledger.Api.Imports;

namespace Ledger.Api.Tests;

/// <summary>The collectives of a county from a sheet: all or none, each once, and only those of the caller.</summary>
[Collection("api")]
public sealed class CollectiveImportTests(ApiFixture api)
{
    private const string Path = "/api/collectives/import";

    private static byte[] Sheet(params string[][] rows) => SampleSheets.Sheet(Sheets.Collectives, rows);

    [Fact]
    public async Task A_list_is_looked_at_registered_and_sent_again_without_harm()
    {
        var offices = api.NewOffices();
        string[] Row(int number, string name) =>
            [
                $"{name}股份经济合作社",
                SamplePeople.CreditCode(offices.County, 800 + number),
                $"{offices.County}00{number:0000}",
            ];
        var list = Sheet(Row(1, "甲村"), Row(2, "乙村"), Row(3, "丙村"));
        var foreseen = await offices.Agriculture.UploadAsync<PreviewView>($"{Path}?preview=true", list, "集体.xlsx");
        Assert.Contains(foreseen.Events, e => e is { Type: "collective_registered", Count: 3 });
        Assert.Empty(await offices.Agriculture.GetAsync<CollectiveView[]>("/api/collectives"));
        foreach (var (imported, unchanged) in new[] { (3, 0), (0, 3) })
        {
            var done = await offices.Agriculture.UploadAsync<CollectivesImportedView>(Path, list, "集体.xlsx");
            Assert.Equal((3, imported, unchanged, 0), (done.Rows, done.Imported, done.Unchanged, done.Skipped));
        }
        var all = await offices.Agriculture.GetAsync<CollectiveView[]>("/api/collectives");
        Assert.Equal(["甲村股份经济合作社", "乙村股份经济合作社", "丙村股份经济合作社"], all.Select(c => c.Name));

        // A village's own officer sees the event of his village.
        Assert.Equal(
            all[0].Id,
            (await offices.Officer(all[0].VillageCode).GetAsync<CollectiveView>($"/api/collectives/{all[0].Id}")).Id
        );
    }

    [Fact]
    public async Task A_list_with_faults_registers_nobody_and_names_each()
    {
        var (offices, foreign) = (api.NewOffices(), api.NewOffices().County);
        var known = SamplePeople.CreditCode(offices.County, 811);
        await offices.Agriculture.UploadAsync(Path, Sheet(["甲村", known, $"{offices.County}000011"]), "集体.xlsx");
        string[] sound = ["乙村", SamplePeople.CreditCode(offices.County, 812), $"{offices.County}000012"];
        var list = Sheet(
            sound,
            ["改了名的甲村", known, $"{offices.County}000011"],
            ["丙村", "N2370811MF00000000", $"{offices.County}000013"],
            ["丁村", SamplePeople.CreditCode(offices.County, 814), $"{foreign}000014"],
            ["乙村", sound[1], sound[2]]
        );
        using var refused = await offices.Agriculture.SendAsync(
            HttpMethod.Post,
            Path,
            SampleClient.Form(list, "集体.xlsx")
        );
        var text = await refused.Content.ReadAsStringAsync();
        Assert.Contains("roster-invalid", text, StringComparison.Ordinal);
        foreach (var said in new[] { "已登记为 甲村", "校验", "不在您的辖区内", "与第 2 行重复" })
            Assert.Contains(said, text, StringComparison.Ordinal);
        Assert.Single(await offices.Agriculture.GetAsync<CollectiveView[]>("/api/collectives"));
        var rest = await offices.Agriculture.UploadAsync<CollectivesImportedView>(
            $"{Path}?partial=true",
            list,
            "集体.xlsx"
        );
        Assert.Equal((5, 1, 4), (rest.Rows, rest.Imported, rest.Skipped));
    }
}

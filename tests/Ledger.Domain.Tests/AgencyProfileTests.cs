using Ledger.Domain.Profiles;

namespace Ledger.Domain.Tests;

/// <summary>A profile says which column and which code stands for what, and can be read in one way only.</summary>
public sealed class AgencyProfileTests
{
    private static readonly ProfileForm Form = new(
        "contributions",
        "个人缴费记录",
        [
            new("citizenId", "身份证号", true, []),
            new("amount", "金额", true, []),
            new("kind", "缴费类型", true, ["正常缴费", "一次性补缴"]),
            new("years", "年限", false, []),
        ]
    );

    private static readonly ProfileColumn Id = new("aac002", "citizenId"),
        Amount = new("金额", "amount"),
        Kind = new("类别", "kind", Codes: [new("正常缴费", "1"), new("一次性补缴", "2")]);

    private static ProfileSheet Sheet(params ProfileColumn[] columns) => new("contributions", columns);

    private static Decision<AgencyProfile> Write(AgencyProfile? state, ProfileSheet sheet) =>
        AgencyProfileDecider.Write(state, "370811", "县居保系统", sheet, Form);

    [Fact]
    public void A_profile_is_written_form_by_form_and_what_it_says_already_is_no_event()
    {
        var sheet = Sheet(Id, Amount, Kind, new("aae341", Value: "6"));
        var written = Assert.IsType<AgencyProfileRecorded>(Assert.Single(Write(null, sheet).Then()));
        Assert.Equal(("370811", "县居保系统", sheet), (written.Region, written.Name, written.Sheet));
        var profile = Given.State<AgencyProfile>("p", written);
        var same = Sheet(Id, Amount, Kind with { Codes = [.. Kind.Codes!] }, new("aae341", Value: "6"));
        Assert.Empty(Write(profile, same).Then());
        Assert.NotEmpty(Write(profile, same with { Dates = ProfileDates.Digits }).Then());

        var less = Sheet(Id, Amount, Kind);
        profile = profile.And("p", Write(profile, less).Then())!;
        profile = profile.And("p", new AgencyProfileRecorded("370811", "县居保系统", less with { Form = "receipts" }))!;
        Assert.Equal((less, 2), (profile.Of("contributions"), profile.Sheets.Count));
        Assert.Equal("receipts", profile.Of("receipts")!.Form);
        Assert.Null(profile.Of("members"));
    }

    [Fact]
    public void Words_that_the_file_does_not_say_are_given_by_the_profile() =>
        Write(null, Sheet(Id, Amount, new(null, "kind", "正常缴费"))).Then();

    public static TheoryData<string, string, ProfileColumn[]> Wrong() =>
        new()
        {
            { "columns", "缺少“缴费类型”", [Id, Amount] },
            { "columns[3].field", "没有字段", [Id, Amount, Kind, new("x", "colour")] },
            { "columns[3].field", "出现两次", [Id, Amount, Kind, new("x", "amount")] },
            { "columns[3].heading", "出现两次", [Id, Amount, Kind, new(" ａａｃ００２", "years")] },
            { "columns[3].value", "固定值", [Id, Amount, Kind, new("aae341")] },
            { "columns[3].value", "须写表头", [Id, Amount, Kind, new(null, "years", "3")] },
            { "columns[2].value", "一次性补缴之一", [Id, Amount, new(null, "kind", "其他")] },
            { "columns[2].value", "不写固定值", [Id, Amount, new("类别", "kind", "正常缴费")] },
            { "columns[1].codes[0].word", "没有“甲”", [Id, Amount with { Codes = [new("甲", "1")] }, Kind] },
            {
                "columns[2].codes[1].code",
                "既指",
                [Id, Amount, Kind with { Codes = [new("正常缴费", "1"), new("一次性补缴", " 1")] }]
            },
            {
                "columns[2].codes[1].code",
                "出现两次",
                [Id, Amount, Kind with { Codes = [new("正常缴费", "1"), new("正常缴费", "2")] }]
            },
            {
                "columns[2].codes[0].code",
                "另一项",
                [Id, Amount, Kind with { Codes = [new("正常缴费", "一次性补缴")] }]
            },
        };

    [Theory]
    [MemberData(nameof(Wrong))]
    public void What_cannot_be_read_or_in_two_ways_is_refused(string field, string says, ProfileColumn[] columns)
    {
        var refused = Write(null, Sheet(columns)).ThenRefused(Rejections.ProfileInvalid);
        Assert.Equal(field, refused.Field);
        Assert.Contains(says, refused.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void All_faults_are_told_at_once()
    {
        var refused = Write(null, Sheet(Id, Id, new("x"))).ThenRefused(Rejections.ProfileInvalid);
        Assert.Equal(
            ["columns[1].heading", "columns[1].field", "columns[2].value", "columns", "columns"],
            refused.Faults.Select(f => f.Field)
        );
    }
}

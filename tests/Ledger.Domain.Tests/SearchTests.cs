using Ledger.Domain.Identity;
using Ledger.Domain.Search;

namespace Ledger.Domain.Tests;

/// <summary>What was typed into the one box, and what it is looked for as.</summary>
public sealed class SearchTests
{
    private const string Whole = "370811196503124512";

    private static string Checked(string first17) => first17 + CitizenId.CheckCharacter(first17);

    [Theory]
    [InlineData("370811196503124", "")]
    [InlineData("370811 19650312 4", "")]
    public void Given_a_whole_citizen_id_however_it_is_grouped_it_is_that_and_nothing_else(string start, string _)
    {
        var digits = start.Replace(" ", "", StringComparison.Ordinal);
        var id = Checked(digits.PadRight(17, '5'));
        foreach (var typed in new[] { id, $" {id[..6]} {id[6..14]}-{id[14..]} ", id.ToLowerInvariant() })
        {
            var asked = Asked.Of(typed);
            Assert.Equal(id, asked.Citizen?.Value);
            Assert.Equal(new Asked().Number, asked.Number);
            Assert.Null(asked.Name ?? asked.LastFour ?? asked.Id ?? asked.Words ?? asked.Region ?? asked.CreditCode);
            Assert.Null(asked.Amount);
        }
    }

    [Fact]
    public void Given_a_wrong_check_digit_it_is_no_citizen_id_but_may_be_a_bank_s_number()
    {
        var right = Checked(Whole[..17]);
        var wrong = Whole[..17] + (right[17] == '1' ? '2' : '1');
        var asked = Asked.Of(wrong);
        Assert.Null(asked.Citizen);
        Assert.Equal(wrong, asked.Number);
    }

    [Theory]
    [InlineData("0021", "0021")]
    [InlineData("002x", "002X")]
    [InlineData("００２１", "0021")]
    [InlineData("021", null)]
    [InlineData("00210", null)]
    [InlineData("X021", null)]
    public void Given_four_characters_that_can_end_an_id_they_are_looked_for_as_that(string typed, string? four) =>
        Assert.Equal(four, Asked.Of(typed).LastFour);

    [Theory]
    [InlineData("24480", 24480.00)]
    [InlineData("24,480.00", 24480.00)]
    [InlineData("¥24,480.5", 24480.50)]
    [InlineData("120元", 120.00)]
    [InlineData("120.005", null)]
    [InlineData("-120", null)]
    [InlineData("张三", null)]
    public void Given_yuan_as_people_write_them_it_is_an_amount_in_whole_fen(string typed, double? yuan) =>
        Assert.Equal(yuan, (double?)Asked.Of(typed).Amount?.Yuan);

    [Theory]
    [InlineData("2026-03-05", "2026-03-05")]
    [InlineData("2026/3/5", "2026-03-05")]
    [InlineData("2026年3月5日", "2026-03-05")]
    [InlineData("20260305", "2026-03-05")]
    [InlineData("20261305", null)]
    [InlineData("3/5/2026", null)]
    public void Given_a_day_it_says_which_year_it_is_of(string typed, string? day) =>
        Assert.Equal(day, Asked.Of(typed).Day?.ToString("yyyy-MM-dd"));

    [Theory]
    [InlineData("#17", 17L)]
    [InlineData("＃ 17", 17L)]
    [InlineData("65", 65L)]
    [InlineData("６５", 65L)]
    [InlineData("20260305", null)]
    [InlineData("#20260305", 20260305L)]
    [InlineData("6.5", null)]
    [InlineData("#x", null)]
    public void Given_a_number_behind_a_hash_or_a_short_one_without_it_is_an_event(string typed, long? sequence) =>
        Assert.Equal(sequence, Asked.Of(typed).Sequence);

    [Theory]
    [InlineData("记-012", 12)]
    [InlineData("记－12", 12)]
    [InlineData("记字第12号", 12)]
    [InlineData("记12", 12)]
    [InlineData("012", null)]
    [InlineData("记账", null)]
    public void Given_a_voucher_as_offices_number_them_it_is_one(string typed, int? voucher) =>
        Assert.Equal(voucher, Asked.Of(typed).Voucher);

    [Theory]
    [InlineData("application-0197a3", "application-0197a3")]
    [InlineData("0197a3bc", "application-0197a3bc")]
    [InlineData("fund-N2370811MF0000001J", "fund-N2370811MF0000001J")]
    [InlineData("20260305", null)]
    [InlineData("0197a3", null)]
    public void Given_an_id_of_ours_or_its_beginning_it_is_one(string typed, string? id) =>
        Assert.Equal(id, Asked.Of(typed).Id);

    [Theory]
    [InlineData("ycb-2026-0017", "YCB-2026-0017")]
    [InlineData("ＹＣＢ－２０２６ 0017", "YCB-20260017")]
    [InlineData("12", null)]
    [InlineData("张三", null)]
    [InlineData("abc", null)]
    public void Given_a_document_s_number_it_is_compared_in_one_spelling(string typed, string? number) =>
        Assert.Equal(number, Asked.Of(typed).Number);

    [Theory]
    [InlineData(" 张 三 ", "张三", "张 三")]
    [InlineData("买买提.艾力", "买买提·艾力", "买买提.艾力")]
    [InlineData("太平", "太平", "太平")]
    [InlineData("欧阳 传福", "欧阳传福", "欧阳 传福")]
    [InlineData("慈善总会（样例）", "慈善总会(样例)", "慈善总会（样例）")]
    [InlineData("太平街道1村", null, "太平街道1村")]
    [InlineData("张", null, null)]
    [InlineData("370811102201", null, null)]
    public void Given_words_they_are_a_name_and_part_of_what_a_collective_is_called(
        string typed,
        string? name,
        string? words
    ) => Assert.Equal((name, words), (Asked.Of(typed).Name, Asked.Of(typed).Words));

    [Fact]
    public void Given_a_region_or_a_credit_code_it_is_that()
    {
        Assert.Equal("370811102", Asked.Of("370811102").Region);
        Assert.Null(Asked.Of("3708").Region);
        var first = "N2370811MF0000001";
        var code = first + SocialCreditCode.CheckCharacter(first);
        Assert.Equal(code, Asked.Of(code.ToLowerInvariant()).CreditCode);
    }

    [Theory]
    [InlineData("")]
    [InlineData("   ")]
    [InlineData("？！")]
    [InlineData(
        "12345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901"
    )]
    public void Given_nothing_that_means_anything_nothing_is_looked_for(string typed) =>
        Assert.False(Asked.Of(typed).IsAnything);
}

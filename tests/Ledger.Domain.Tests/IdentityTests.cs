using Ledger.Domain.Identity;

namespace Ledger.Domain.Tests;

public sealed class IdentityTests
{
    [Theory]
    [InlineData("11010519491231002X")] // the example of GB 11643-1999
    [InlineData(" 440524188001010014 ")]
    [InlineData("11010519491231002x")]
    public void Sound_citizen_ids(string text)
    {
        var id = CitizenId.Parse(text, out var fault);
        if (text.Contains("1880", StringComparison.Ordinal))
            Assert.Contains("出生日期", fault);
        else
        {
            Assert.Null(fault);
            Assert.Equal(new DateOnly(1949, 12, 31), id.BirthDate);
            Assert.Equal("1101**********002X", id.Masked);
            Assert.DoesNotContain("1949", id.ToString());
        }
    }

    [Theory]
    [
        InlineData("", "18位"),
        InlineData("1101051949123100", "18位"),
        InlineData("110105194912310021", "校验码"),
        InlineData("110105194913310021", "出生日期")
    ]
    [InlineData("11010519491231002Y", "数字"), InlineData("１10105194912310021", "校验码")]
    public void Unsound_citizen_ids_say_what_is_wrong(string text, string part)
    {
        CitizenId.Parse(text, out var fault);
        Assert.Contains(part, fault);
    }

    [Theory]
    [
        InlineData("１１０１０５１９４９１２３１００２ｘ"),
        InlineData("110105 19491231 002X"),
        InlineData("110105-19491231-002X"),
        InlineData("110105\u00a019491231\u200b002X\u00ad")
    ]
    [InlineData("'11010519491231002X"), InlineData("\ufeff11010519491231002X\r\n")]
    public void What_cannot_be_another_id_is_mended(string text)
    {
        Assert.Equal("11010519491231002X", CitizenId.Parse(text, out var fault).Value);
        Assert.Null(fault);
    }

    [Theory]
    [
        InlineData("11010519491231002\u0425", "U+0425"), // Cyrillic
        InlineData("110105491231002", "15位"),
        InlineData("张三11010519491231002X", "汉字"),
        InlineData("11010519491231002*", "“*”")
    ]
    [InlineData("00000019491231002X", "行政区划"), InlineData("1101051949123100\ufffd", "乱码")]
    public void A_character_that_may_be_another_is_named(string text, string part)
    {
        CitizenId.Parse(text, out var fault);
        Assert.Contains(part, fault);
        Assert.DoesNotContain("张", fault);
    }

    [Theory]
    [
        InlineData("张　三", "张三", "空格"),
        InlineData("\u202d王五\u202c", "王五", "看不见"),
        InlineData("\ufeff赵伟\u200b", "赵伟", "看不见"),
        InlineData("阿依古丽•买买提", "阿依古丽·买买提", "间隔号")
    ]
    [
        InlineData("阿依古丽‧买买提", "阿依古丽·买买提", "间隔号"),
        InlineData("阿依古丽・买买提", "阿依古丽·买买提", "间隔号"),
        InlineData("阿依古丽.买买提", "阿依古丽·买买提", "间隔号"),
        InlineData("阿依古丽 · 买买提", "阿依古丽·买买提", "空格")
    ]
    [
        InlineData("⻢凤英", "马凤英", "部首"),
        InlineData("⼩明", "小明", "兼容"), // U+2F29
        InlineData("张\ue863", "张䶮", "自造字"),
        InlineData("Ｊｏｈｎ Smith", "John Smith", "全角")
    ]
    [
        InlineData("张𫰡", "张𫰡", null),
        InlineData("𠮷田", "𠮷田", null),
        InlineData("李〇", "李〇", null),
        InlineData("J. Jean-Luc O'Neil", "J. Jean-Luc O'Neil", null)
    ]
    public void A_name_is_stored_as_it_is_meant_and_what_was_mended_is_told(string text, string name, string? what)
    {
        Assert.Equal(name, PersonName.Clean(text, out var fault, out var mended));
        Assert.Null(fault);
        if (what is null)
            Assert.Null(mended);
        else
            Assert.Contains(what, mended);
        Assert.Equal(name, PersonName.Clean(name, out _, out _));
        Assert.True(PersonName.IsSame(text, name));
    }

    [Theory]
    [InlineData("1", "数字"), InlineData("——", "U+2014"), InlineData("张?", "“?”"), InlineData("张\ufffd", "乱码")]
    [
        InlineData("张\ue999", "U+E999"),
        InlineData("郭\n志刚", "换行"),
        InlineData("张三（已故）", "“(”"),
        InlineData("张三 李四", "两个人")
    ]
    [InlineData("\u200b", "不能为空"), InlineData("·张三", "间隔号"), InlineData("370811197506152182", "数字")]
    public void What_may_be_another_name_is_a_fault_that_names_the_character(string text, string part)
    {
        Assert.Equal("", PersonName.Clean(text, out var fault, out _));
        Assert.Contains(part, fault);
    }

    [Theory]
    [
        InlineData("sw2026－0001", "SW2026-0001", true),
        InlineData("ＳＷ 2026 0001", "SW20260001", true),
        InlineData("SW2026\u20100001", "sw2026-0001", true)
    ]
    [
        InlineData("SW20260001", "SW2026-0001", false),
        InlineData("SW2026O001", "SW20260001", false),
        InlineData(null, "1", false)
    ]
    public void A_documents_number_is_the_same_however_it_is_copied(string? one, string other, bool isSame) =>
        Assert.Equal(isSame, DocumentNumber.IsSame(one, other));

    /// <summary>Cyrillic Х and Greek Ο in it: the eye takes it for the number that is booked already.</summary>
    [Theory, InlineData("NХA1"), InlineData("NXA1Ο"), InlineData("ΝXA1"), InlineData("NXÁ1")]
    public void A_documents_number_has_no_letters_that_only_look_like_ours(string text)
    {
        DocumentNumber.Clean(text, out var fault);
        Assert.Contains("不是英文字母", fault);
    }

    [Theory, InlineData("ＮＸＡ１", "NXA1"), InlineData("鲁税 2026-1", "鲁税2026-1")]
    public void A_documents_number_may_be_full_width_or_have_ideographs(string text, string plain)
    {
        Assert.Equal(plain, DocumentNumber.Clean(text, out var fault));
        Assert.Null(fault);
    }

    // The example of GB 32100-2015, and a known company.
    [Theory, InlineData("91350100M000100Y43"), InlineData("91110000600037341L")]
    public void Sound_credit_codes(string code) => Assert.Null(SocialCreditCode.Fault(code));

    [Theory, InlineData("91350100M000100Y44"), InlineData("91350100M000100Y4"), InlineData("91350100M000100YI3")]
    public void Unsound_credit_codes(string code) => Assert.NotNull(SocialCreditCode.Fault(code));

    [Theory]
    [
        InlineData("3708", "370811", true),
        InlineData("370811", "370811102201", true),
        InlineData("370811", "370812", false),
        InlineData("370811102201", "370811", false)
    ]
    public void A_scope_is_a_prefix(string scope, string code, bool contains) =>
        Assert.Equal(contains, RegionCode.Contains(scope, code));

    [Fact]
    public void Ids_of_one_collective_fit_together()
    {
        var collective = StreamId.Collective("N2370811MF0000001J");
        Assert.Equal("fund-N2370811MF0000001J", StreamId.FundOf(collective));
        Assert.Equal("plan-N2370811MF0000001J-2026", StreamId.PlanOf(collective, 2026));
        var member = StreamId.NewMember();
        Assert.Equal(member, StreamId.MemberOf(StreamId.MemberYear(member, 2026)));
    }

    [Theory]
    [
        InlineData("此人11010519491231002X不符", "身份证号"),
        InlineData("370811年1971月0930号1906", "身份证号"),
        InlineData("11010519491231002x", "身份证号"),
        InlineData("１１０１０５１９４９１２３１００２Ｘ", "身份证号")
    ]
    [
        InlineData("1101 0519 4912 3100 2X", "身份证号"),
        InlineData("110105-19491231-002X", "身份证号"),
        InlineData("110105.1949.1231.002 X", "身份证号"),
        InlineData("SW11010519491231002X", "身份证号")
    ]
    [
        InlineData("110105\u200b19491231\u200b002X", "身份证号"),
        InlineData("110105，19491231，002X", "身份证号"),
        InlineData("一一〇一〇五一九四九一二三一〇〇二一电话一三八一二三四五六七八", "身份证号")
    ]
    [
        InlineData("电话13812345678", "手机号码"),
        InlineData("+86 138-1234-5678", "手机号码"),
        InlineData("+8613812345678", "手机号码"),
        InlineData("008613812345678", "手机号码")
    ]
    [
        InlineData("138 1234 5678", "手机号码"),
        InlineData("１３８－１２３４－５６７８", "手机号码"),
        InlineData("(138)1234.5678", "手机号码"),
        InlineData("138 12 34 56 78", "手机号码")
    ]
    [
        InlineData("1 3 8 1 2 3 4 5 6 7 8", "手机号码"),
        InlineData("138、1234、5678", "手机号码"),
        InlineData("tel:13812345678", "手机号码"),
        InlineData("TEL13812345678", "手机号码")
    ]
    [
        InlineData("１３８\u2060１２３４\u00ad５６７８", "手机号码"),
        InlineData("١٣٨١٢٣٤٥٦٧٨", "手机号码"),
        InlineData("2026-06-18 138 1234 5678", "手机号码"),
        InlineData("一三八一二三四五六七八", "手机号码")
    ]
    [
        InlineData("1三812345678", "手机号码"),
        InlineData("一三八 一二三四 五六七八", "手机号码"),
        InlineData("壹叁捌壹贰叁肆伍陆柒捌", "手机号码"),
        InlineData("110105一九四九1231002X", "身份证号")
    ]
    [
        InlineData("卡号6222020200112230", "银行卡号"),
        InlineData("6222 0202 0011 2230", "银行卡号"),
        InlineData("6222-0202-0011-2230", "银行卡号")
    ]
    [
        InlineData("张三370811197109301907", "身份证号"), // the check digit is wrong
        InlineData("37081119710930190", "身份证号"), // one is lost
        InlineData("3708111971093001906", "身份证号"), // one too many
        InlineData("370811-19710930-1907", "身份证号")
    ]
    public void Numbers_of_people_are_found_however_they_are_written(string text, string what) =>
        Assert.Equal(what, PersonalNumbers.In(text));

    [Theory]
    [
        InlineData("凭证 NX20260618000123，2026年6月18日，电话 0537-2345678"),
        InlineData("2026-06-18至2026-06-25，共60000.00元"),
        InlineData("第1、3、5、7、9、11、13、15组")
    ]
    [
        InlineData("统一社会信用代码N2370811MF0000001J，村代码370811102201"),
        InlineData("由1,500.00、300.00改为1,200.00"),
        InlineData("二〇二六年六月十八日第一二三组"),
        InlineData("")
    ]
    [
        InlineData("member-0198f1a2b3c4d5e6f708192a3b4c5d6e"),
        InlineData("PZ15000000001"),
        InlineData("凭证370811202606180003，流水3708112026061800034"),
        InlineData("100、300、500、600、800、1000、1500、2000、2500、3000、4000、5000元")
    ]
    public void What_only_looks_like_a_number_of_somebody_passes(string text) => Assert.Null(PersonalNumbers.In(text));

    [Theory]
    [
        InlineData("11010519491231002X", "身份证号"),
        InlineData("SW11010519491231002X", "身份证号"),
        InlineData("1101 0519 4912 3100 2x", "身份证号"),
        InlineData("2026-11010519491231002X", "身份证号")
    ]
    [
        InlineData("１１０１０５１９４９１２３１００２Ｘ", "身份证号"),
        InlineData("13812345678", "手机号码"),
        InlineData("+86-138-1234-5678", "手机号码"),
        InlineData("370811197109301907", "身份证号")
    ]
    public void A_reference_is_no_citizen_id_and_no_phone(string code, string what) =>
        Assert.Equal(what, PersonalNumbers.InReference(code));

    [Theory]
    [
        InlineData("NX20260618000123"),
        InlineData("SW3708111022012026000001"),
        InlineData("6222020200112230"),
        InlineData("370811202606180003"),
        InlineData("0198f1a2-b3c4-d5e6-f708-192a3b4c5d6e")
    ]
    [InlineData("9999999999999999999"), InlineData("JZ13812345678"), InlineData("X13812345678")]
    public void A_bank_number_that_is_as_long_as_a_card_is_a_reference(string code) =>
        Assert.Null(PersonalNumbers.InReference(code));

    [Fact]
    public void Of_thousands_of_numbers_of_documents_nearly_none_is_taken_for_somebody()
    {
        var random = new Random(7);
        var days = Enumerable.Range(0, 365).Select(d => new DateOnly(2026, 1, 1).AddDays(d)).ToArray();
        var taken = Enumerable
            .Range(0, 200_000)
            .Count(_ =>
                PersonalNumbers.InReference(
                    $"{random.Next(370000, 379999)}{days[random.Next(365)]:yyyyMMdd}{random.Next(10_000):0000}"
                )
                    is not null
            );
        Assert.Equal(0, taken); // region, date, number: 18 digits, and a check digit that fits one in eleven
        taken = Enumerable
            .Range(0, 200_000)
            .Count(_ =>
                PersonalNumbers.InReference(
                    $"{random.NextInt64(1_000_000_000, 9_999_999_999)}{random.NextInt64(100_000_000, 999_999_999)}"
                )
                    is not null
            );
        var ids = Enumerable
            .Range(0, 200_000)
            .Select(_ =>
            {
                var bytes = new byte[16];
                random.NextBytes(bytes);
                return new Guid(bytes);
            })
            .ToList();
        Assert.InRange(ids.Count(id => PersonalNumbers.In($"/api/members/member-{id:N}/death") is not null), 0, 3);
        Assert.InRange(ids.Count(id => PersonalNumbers.InReference($"{id}") is not null), 0, 1);
        Assert.True(taken < 60, $"{taken} of 200,000 numbers of 19 digits by chance");
    }
}

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
        if (text.Contains("1880", StringComparison.Ordinal)) Assert.Contains("出生日期", fault);
        else
        {
            Assert.Null(fault);
            Assert.Equal(new DateOnly(1949, 12, 31), id.BirthDate);
            Assert.Equal("1101**********002X", id.Masked);
            Assert.DoesNotContain("1949", id.ToString());
        }
    }

    [Theory]
    [InlineData("", "18位"), InlineData("1101051949123100", "18位"), InlineData("110105194912310021", "校验码"), InlineData("110105194913310021", "出生日期")]
    [InlineData("11010519491231002Y", "数字"), InlineData("１10105194912310021", "数字")]
    public void Unsound_citizen_ids_say_what_is_wrong(string text, string part)
    {
        CitizenId.Parse(text, out var fault);
        Assert.Contains(part, fault);
    }

    [Theory, InlineData("91350100M000100Y43"), InlineData("91110000600037341L")] // the example of GB 32100-2015, and a known company
    public void Sound_credit_codes(string code) => Assert.Null(SocialCreditCode.Fault(code));

    [Theory, InlineData("91350100M000100Y44"), InlineData("91350100M000100Y4"), InlineData("91350100M000100YI3")]
    public void Unsound_credit_codes(string code) => Assert.NotNull(SocialCreditCode.Fault(code));

    [Theory]
    [InlineData("3708", "370811", true), InlineData("370811", "370811102201", true), InlineData("370811", "370812", false), InlineData("370811102201", "370811", false)]
    public void A_scope_is_a_prefix(string scope, string code, bool contains) => Assert.Equal(contains, RegionCode.Contains(scope, code));

    [Fact]
    public void Ids_of_one_collective_fit_together()
    {
        var collective = StreamId.Collective("N2370811MF0000001J");
        Assert.Equal("fund-N2370811MF0000001J", StreamId.FundOf(collective));
        Assert.Equal("plan-N2370811MF0000001J-2026", StreamId.PlanOf(collective, 2026));
        var member = StreamId.NewMember();
        Assert.Equal(member, StreamId.MemberOf(StreamId.MemberYear(member, 2026)));
    }
}

using Ledger.Domain.Applications;
using Ledger.Domain.Funds;
using Ledger.Domain.Identity;
using Ledger.Domain.Screening;
using static Ledger.Domain.Tests.ScreenedFacts;

namespace Ledger.Domain.Tests;

/// <summary>Each screen of a year: what it shows, and what it just does not.</summary>
public sealed class ScreeningTests
{
    private static ScreenedFacts Given => new();
    private static readonly DateOnly May = new(2026, 5, 1);

    [Fact]
    public void C4_given_two_standing_lines_of_one_person_in_a_village_it_is_told_with_both()
    {
        var finding = Given
            .Application(Village, ("a", 120_00), ("b", 120_00))
            .Application(Village, ("a", 30_50))
            .Only(ScreenKind.PersonTwice);
        Assert.Equal((150_50, 2, Village), (finding.FoundFen.Fen, finding.Count, finding.Region));
        Assert.Equal(["application-1/a", "application-2/a"], finding.Lines.Select(l => l.Reference));
        Assert.Equal("此人在本村有 2 行补助，合计 150.50 元", finding.Says);
        Assert.Equal(["approver", $"officer.{Village}", "reviewer"], finding.Concerned);
        Assert.Equal(["seal-1", "seal-2"], finding.Evidence);
    }

    [Fact]
    public void C4_given_that_one_of_two_lines_was_sent_back_nothing_is_told() =>
        Assert.Empty(
            Given
                .Application(Village, ("a", 120_00))
                .Application(Village, ("a", 30_00))
                .Line(LineStatus.Refunded)
                .Shown(ScreenKind.PersonTwice)
        );

    [Fact]
    public void C4_given_one_person_on_the_lists_of_two_villages_it_is_told_where_both_lie()
    {
        var facts = Given.Application(Village, ("a", 1_00)).Application(Neighbour, ("a", 2_00));
        Assert.Empty(facts.Shown(ScreenKind.PersonTwice));
        Assert.Equal(
            (3_00, "370811102"),
            (facts.Only(ScreenKind.TwoVillages).FoundFen.Fen, facts.Only(ScreenKind.TwoVillages).Region)
        );
        Assert.Equal(County, facts.Application(Far, ("a", 2_00)).Only(ScreenKind.TwoVillages).Region);
    }

    /// <summary>Another village's record of a person, joined or waiting, is that person.</summary>
    [Fact]
    public void C4_given_another_villages_record_of_a_person_it_is_that_person()
    {
        var facts = Given.Application(Village, ("a", 1_00)).Application(Neighbour, ("apart", 2_00));
        Assert.Empty(facts.Shown(ScreenKind.TwoVillages));
        var finding = facts.Line(LineStatus.Filed, person: "a").Only(ScreenKind.TwoVillages);
        Assert.Equal(["a", "apart"], finding.Lines.Select(l => l.MemberId));
        Assert.Empty(facts.Line(LineStatus.Refused, person: "a").Shown(ScreenKind.TwoVillages));
    }

    [Theory]
    [InlineData(0, LineStatus.Credited, 0)] // on the day itself it may have been in the morning
    [InlineData(1, LineStatus.Credited, 1)]
    [InlineData(1, LineStatus.Paid, 1)]
    [InlineData(1, LineStatus.Refunded, 0)]
    [InlineData(1, LineStatus.Approved, 0)] // the bank sent it back
    public void L1_given_a_payment_after_the_day_of_death_it_is_told_unless_it_came_back(
        int days,
        LineStatus status,
        int told
    ) =>
        Assert.Equal(
            told,
            Given
                .Application(Village, ("a", 120_00))
                .Line(status, May.AddDays(days))
                .Died("a", May)
                .Shown(ScreenKind.Deceased)
                .Count
        );

    [Fact]
    public void C20_given_an_officer_on_the_list_that_he_handled_it_is_told_under_whatever_account()
    {
        var facts = Given.Application(Village, ("a", 120_00), ("b", 120_00)).Application(Neighbour, ("c", 90_00));
        Assert.Empty(facts.Shown(ScreenKind.OfficerBenefits));
        // Who reviewed both lists stands on one of them; who filed the first stands on none that he filed.
        var finding = facts.Holds("reviewer", "c").Holds($"officer.{Village}", "c").Only(ScreenKind.OfficerBenefits);
        Assert.Equal((90_00, 2), (finding.FoundFen.Fen, finding.Count));
        Assert.Equal(["reviewer"], finding.Concerned);
        Assert.Equal("application-2/c", finding.Lines[0].Reference);
        Assert.Empty(facts.Line(LineStatus.Withdrawn).Shown(ScreenKind.OfficerBenefits));
    }

    [Fact]
    public void C17_given_one_bank_reference_for_two_transfers_it_is_told_however_it_is_written()
    {
        var finding = Given
            .Paid(100, "NX 2026-01")
            .Paid(50, "ｎｘ2026－01", "application-2")
            .Only(ScreenKind.BankReferenceTwice);
        Assert.Equal((150_00, 2), (finding.FoundFen.Fen, finding.Count));
        // One long list, in several events of one day, is one transfer.
        Assert.Empty(Given.Paid(100, "NX1").Paid(50, "NX1").Shown(ScreenKind.BankReferenceTwice));
        // A payment and what the bank sent back of it are two kinds of number.
        Assert.Empty(
            Given.Paid(100, "NX1").Paid(100, "NX1", type: SameMoney.Returned).Shown(ScreenKind.BankReferenceTwice)
        );
        // One transfer of the agency brings two people's money back; on another day it is another.
        var refunds = Given
            .Paid(1, "TH1", type: SameMoney.Refunded)
            .Paid(1, "TH1", "application-2", type: SameMoney.Refunded);
        Assert.Empty(refunds.Shown(ScreenKind.BankReferenceTwice));
        refunds.Paid(1, "TH1", on: May.AddDays(1), type: SameMoney.Refunded).Only(ScreenKind.BankReferenceTwice);
    }

    [Fact]
    public void C17_given_a_reference_of_another_year_it_is_told_once_this_year_has_it_too()
    {
        var before = Given
            .Paid(100, "NX1", "application-8", new(2024, 5, 1), isOfYear: false)
            .Paid(100, "NX1", "application-9", new(2025, 5, 1), isOfYear: false);
        Assert.Empty(before.Shown(ScreenKind.BankReferenceTwice));
        Assert.Equal(3, before.Paid(100, "NX1").Only(ScreenKind.BankReferenceTwice).Count);
    }

    [Fact]
    public void C7_given_one_slip_for_two_allocations_or_an_allocation_and_a_payment_it_is_told()
    {
        var finding = Given.Allocated(10, slip: "x").Allocated(20, slip: "x").Only(ScreenKind.SlipTwice);
        Assert.Equal((30_00, "x"), (finding.FoundFen.Fen, finding.Evidence.Single()));
        Assert.Empty(Given.Allocated(10, slip: "x").Allocated(20, slip: "y").Shown(ScreenKind.SlipTwice));
    }

    [Fact]
    public void C7_given_round_allocations_most_of_a_fund_it_is_told_and_fewer_are_not()
    {
        var facts = Given.Allocated(10_000).Allocated(30_000).Allocated(1_234.56m);
        Assert.Empty(facts.Shown(ScreenKind.RoundSums));
        Assert.Empty(facts.Allocated(20_000.01m).Allocated(9_999.99m).Shown(ScreenKind.RoundSums));
        // Three of six are half.
        Assert.Equal(60_000_00, facts.Allocated(20_000).Only(ScreenKind.RoundSums).FoundFen.Fen);
        Assert.Empty(facts.Allocated(7).Shown(ScreenKind.RoundSums));
    }

    [Fact]
    public void C7_given_sums_below_the_limit_within_days_that_reach_it_together_it_is_told()
    {
        var on = new DateOnly(2026, 2, 1);
        ScreenedFacts Two(decimal first, decimal second, int days, string party = "土地流转") =>
            Given.Allocated(first, on).Allocated(second, on.AddDays(days), party: party);
        Assert.Equal(50_000_00, Two(49_999.99m, 0.01m, 7).Only(ScreenKind.SplitBelowLimit).FoundFen.Fen);
        Assert.Empty(Two(49_999.99m, 0.01m, 8).Shown(ScreenKind.SplitBelowLimit));
        Assert.Empty(Two(49_999.98m, 0.01m, 7).Shown(ScreenKind.SplitBelowLimit));
        Assert.Empty(Two(50_000, 0.01m, 7).Shown(ScreenKind.SplitBelowLimit));
        Assert.Empty(Two(49_999.99m, 0.01m, 7, "果园承包").Shown(ScreenKind.SplitBelowLimit));
        // Payments of one list in one transfer are one sum, and not below.
        Assert.Empty(Given.Paid(30_000, "NX1").Paid(30_000, "NX1").Shown(ScreenKind.SplitBelowLimit));
        Given.Paid(30_000, "NX1").Paid(30_000, "NX2").Only(ScreenKind.SplitBelowLimit);
    }

    [Fact]
    public void C7_given_a_long_series_each_sum_stands_in_one_finding()
    {
        var facts = Given;
        for (var day = 0; day < 20; day++)
            facts.Allocated(10_000.01m, new DateOnly(2026, 2, 1).AddDays(day));
        var findings = facts.Shown(ScreenKind.SplitBelowLimit);
        // Eight days each: the last four are too few.
        Assert.Equal([8, 8], findings.Select(f => f.Count));
        Assert.Equal(16, findings.SelectMany(f => f.Lines).Distinct().Count());
    }

    [Theory]
    [InlineData(60, 70, 0)] // ten minutes after the review
    [InlineData(60, 69.99, 1)]
    [InlineData(-100, 9.99, 1)] // after the filing, of a list that was reviewed and filed again
    public void C15_given_an_approval_within_minutes_of_filing_or_review_it_is_told(
        double reviewed,
        double approved,
        int told
    )
    {
        var findings = Given
            .Application(Village, Morning.AddMinutes(reviewed), Morning.AddMinutes(approved), ("a", 120_00))
            .Shown(ScreenKind.Hasty);
        Assert.Equal(told, findings.Count);
        if (told > 0)
            Assert.Equal((120_00, 2), (findings[0].FoundFen.Fen, findings[0].Count));
    }

    [Theory]
    [InlineData(13, 59, false)] // 21:59 in China
    [InlineData(14, 0, true)]
    [InlineData(21, 59, true)]
    [InlineData(22, 0, false)] // 06:00
    public void C15_given_an_approval_at_night_in_China_it_is_told(int hour, int minute, bool told)
    {
        var at = new DateTimeOffset(2026, 3, 3, hour, minute, 0, TimeSpan.Zero);
        Assert.Equal(
            told,
            Given.Application(Village, Morning.AddHours(1), at, ("a", 1)).Shown(ScreenKind.AtNight).Count == 1
        );
    }

    [Fact]
    public void C17_given_numbers_that_are_nearly_a_sequence_the_missing_ones_are_told()
    {
        var finding = Given.Receipts("HZ-007", "HZ-008", "HZ-009", "HZ-011", "HZ-012").Only(ScreenKind.NumberGap);
        Assert.Equal("HZ-007 至 HZ-012 缺 1 号，首个为 HZ-010", finding.Says);
        Assert.Equal((Money.Zero, County, 2), (finding.FoundFen, finding.Region, finding.Lines.Count));
        Assert.Empty(Given.Receipts("HZ-007", "HZ-008", "HZ-010", "HZ-011").Shown(ScreenKind.NumberGap)); // too few
        Assert.Empty(Given.Receipts("HZ-07", "HZ-08", "HZ-09", "HZ-10", "HZ-11").Shown(ScreenKind.NumberGap));
        // Two of seven missing: that is no sequence.
        Assert.Empty(Given.Receipts("HZ-1", "HZ-2", "HZ-4", "HZ-6", "HZ-7").Shown(ScreenKind.NumberGap));
        // Another prefix, or fewer digits, is another sequence; a number without digits is none.
        Assert.Empty(Given.Receipts("A-1", "A-2", "A-3", "B-5", "A-04", "无号").Shown(ScreenKind.NumberGap));
    }

    [Fact]
    public void Given_a_place_without_an_event_it_is_told() =>
        Assert.Equal(
            ("第 3 至 4 个事件不在", "fund-x"),
            (
                Given.Lacks("fund-x", 3, 4).Only(ScreenKind.NumberGap).Says,
                Given.Lacks("fund-x", 3, 4).Only(ScreenKind.NumberGap).Lines.Single().Stream
            )
        );

    /// <summary>Amounts of each first digit, as many as asked for; over three orders of magnitude.</summary>
    private static ScreenedFacts Amounts(params ReadOnlySpan<int> ofDigit)
    {
        var (facts, day) = (Given, new DateOnly(2026, 1, 1));
        for (var digit = 1; digit <= ofDigit.Length; digit++)
        for (var i = 0; i < ofDigit[digit - 1]; i++)
            facts.Allocated(digit * (i % 2 == 0 ? 1.01m : 1010.01m), day, party: $"{digit} {i}");
        return facts;
    }

    [Fact]
    public void Given_first_digits_as_Benford_expects_nothing_is_told_and_as_many_of_each_are()
    {
        var digits = Screens.Run(Amounts(301, 176, 125, 97, 79, 67, 58, 51, 46).Facts, ScreenLimits.Usual).Digits;
        Assert.Equal((1000, true), (digits.Count, digits.IsEnough));
        Assert.True(digits.ChiSquare < 0.1m, $"{digits.ChiSquare}");
        var finding = Amounts(34, 34, 34, 34, 34, 34, 34, 34, 34).Only(ScreenKind.FirstDigits);
        Assert.Contains("首位为 9 的最多出", finding.Says);
        Assert.All(finding.Lines, l => Assert.Equal(9, FirstDigits.Digit(l.AmountFen.Fen)));
        Assert.Equal(County, finding.Region);
    }

    [Fact]
    public void Given_too_few_amounts_or_too_close_together_nothing_is_said_of_first_digits()
    {
        Assert.Empty(Amounts(0, 0, 0, 0, 0, 0, 0, 0, 299).Shown(ScreenKind.FirstDigits));
        Amounts(0, 0, 0, 0, 0, 0, 0, 0, 300).Only(ScreenKind.FirstDigits);
        var close = Given;
        for (var i = 0; i < 400; i++)
            close.Allocated(900 + i / 10m, party: $"{i}");
        Assert.Empty(close.Shown(ScreenKind.FirstDigits));
        Assert.Equal(0, FirstDigits.Of([], ScreenLimits.Usual).ChiSquare);
    }

    /// <summary>The sum of the shares is one, and each is the logarithm to five places.</summary>
    [Fact]
    public void Benfords_shares_are_the_logarithms()
    {
        Assert.Equal(1, FirstDigits.Shares.Sum());
        for (var d = 1; d <= 9; d++)
            Assert.Equal((double)FirstDigits.Shares[d - 1], Math.Log10(1 + 1.0 / d), 5.1e-6);
    }

    [Fact]
    public void A_key_is_of_screen_year_and_lines_in_whatever_order_and_an_id_says_where_it_is_found_again()
    {
        var key = ScreenFinding.Key(ScreenKind.Hasty, 2026, ["b", "a"]);
        Assert.Equal(key, ScreenFinding.Key(ScreenKind.Hasty, 2026, ["a", "b"]));
        Assert.Equal(
            4,
            new[]
            {
                key,
                ScreenFinding.Key(ScreenKind.AtNight, 2026, ["a", "b"]),
                ScreenFinding.Key(ScreenKind.Hasty, 2025, ["a", "b"]),
                ScreenFinding.Key(ScreenKind.Hasty, 2026, ["a"]),
            }
                .Distinct()
                .Count()
        );
        var id = StreamId.ScreeningFinding(Village, 2026, key);
        Assert.Equal((Village, 2026), StreamId.OfScreeningFinding(id));
        foreach (
            var wrong in (string[])
                [
                    "",
                    "screening-finding-3708-2026-" + key,
                    $"screening-finding-{Village}-2026-{key[1..]}",
                    $"screening-finding-{Village}-26-{key}",
                    id + "-x",
                    id.ToUpperInvariant(),
                ]
        )
            Assert.Null(StreamId.OfScreeningFinding(wrong));
    }

    /// <summary>A year in which all is as it should be, of any size: nothing is told of it.</summary>
    [Fact]
    public void Of_200_random_clean_years_nothing_is_told()
    {
        for (var seed = 0; seed < 200; seed++)
        {
            var random = new Random(seed);
            var facts = Given.Holds("reviewer", "nobody");
            var (person, number) = (0, 1_000_000L);
            foreach (var village in (string[])[Village, Neighbour, Far])
            {
                var lines = Enumerable
                    .Range(0, random.Next(1, 30))
                    .Select(_ => ($"p{person++}", random.NextInt64(50_00, 500_00)))
                    .ToArray();
                var reviewed = Morning.AddMinutes(random.Next(10, 120));
                facts.Application(village, reviewed, reviewed.AddMinutes(random.Next(10, 300)), lines);
                facts.Line(LineStatus.Credited, May).Died(lines[^1].Item1, May.AddDays(random.Next(0, 9)));
                for (var i = random.Next(0, 12); i > 0; i--)
                    facts.Allocated(
                        random.Next(1, 900_000) + 0.01m,
                        new DateOnly(2026, 1, 1).AddDays(i * 8),
                        village: village
                    );
                facts.Paid(
                    random.Next(1, 90_000) + 0.01m,
                    $"NX{number += random.Next(2, 90)}",
                    $"application-{village}",
                    May,
                    village
                );
            }
            facts.Receipts([.. Enumerable.Range(random.Next(1, 999), random.Next(1, 40)).Select(n => $"HZ{n:0000}")]);
            Assert.Empty(Screens.Run(facts.Facts, ScreenLimits.Usual).Findings);
        }
    }

    /// <summary>What is found in a county is found again where its id says: there alone, under the same id.</summary>
    [Fact]
    public void What_is_found_in_a_county_is_found_again_in_the_narrowest_region_that_has_it()
    {
        static ScreenedFacts Fill(ScreenedFacts facts, params string[] villages)
        {
            if (villages.Contains(Village))
                facts.Application(Village, ("a", 120_00), ("a", 7_00), ("b", 1)).Paid(1, "NX1").Paid(2, "NX1", "x");
            if (villages.Contains(Neighbour))
                facts.Application(Neighbour, Morning, Morning, ("b", 90_00));
            return facts;
        }
        var county = Screens.Run(Fill(Given, Village, Neighbour).Facts, ScreenLimits.Usual).Findings;
        Assert.Equal(4, county.Count);
        foreach (var finding in county)
        {
            var there = Fill(
                new ScreenedFacts(finding.Region),
                [.. new[] { Village, Neighbour }.Where(v => v.StartsWith(finding.Region, StringComparison.Ordinal))]
            );
            // The neighbour's application is the second in the county, and the first at home.
            if (finding.Screen != ScreenKind.Hasty)
                Assert.Contains(
                    Screens.Run(there.Facts, ScreenLimits.Usual).Findings,
                    f => f.Id == finding.Id && f.Says == finding.Says
                );
        }
    }

    /// <summary>
    /// A large county's year: 1,000 villages of 200 people. What the facts take is what the reader says, with room to
    /// spare; and one person in two villages is found among them all.
    /// </summary>
    [Fact]
    public void A_countys_year_of_200_000_lines_takes_some_tens_of_megabytes_and_one_person_in_two_villages_is_found()
    {
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var facts = Given;
        for (var village = 0; village < 1_000; village++)
            facts.Application(
                $"{County}{village:000000}",
                [
                    .. Enumerable
                        .Range(0, 200)
                        .Select(i => ($"member-{(village == 999 && i == 7 ? 7 : village * 200 + i):x32}", 120_00L)),
                ]
            );
        var megabytes = (GC.GetTotalMemory(forceFullCollection: true) - before) >> 20;
        Assert.True(megabytes < 60, $"{megabytes} MB");
        var findings = Screens.Run(facts.Facts, ScreenLimits.Usual).Findings;
        Assert.Equal(ScreenKind.TwoVillages, Assert.Single(findings).Screen);
        Assert.Equal(2, findings[0].Lines.Count);
    }

    [Fact]
    public void Every_screen_has_its_words() =>
        Assert.Equal(Enum.GetValues<ScreenKind>().Order(), Screen.All(ScreenLimits.Usual).Select(s => s.Kind).Order());
}

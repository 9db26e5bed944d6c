using Ledger.Domain.Identity;
using Ledger.Domain.Screening;

namespace Ledger.Web.Screening;

/// <summary>Where a finding's line leads, in one click.</summary>
public static class FoundLink
{
    public static bool IsFund(string stream) => stream.StartsWith("fund-", StringComparison.Ordinal);

    /// <summary>A person's year, an entry's voucher, an application.</summary>
    public static string Href(FoundLine line, int year) =>
        line.MemberId is { } member ? $"/members/{member}/years/{year}"
        : IsFund(line.Stream)
            ? line.Sequence is { } sequence ? $"/funds/{line.Stream}/vouchers/{sequence}"
                : $"/funds/{line.Stream}"
        : line.Stream.StartsWith("member-year-", StringComparison.Ordinal)
            ? $"/members/{StreamId.MemberOf(line.Stream)}/years/{line.Stream[^4..]}"
        : $"/applications/{line.Stream}";

    /// <summary>What is there, in a word that the pages know.</summary>
    public static string Word(FoundLine line) =>
        line.MemberId is not null || line.Stream.StartsWith("member-year-", StringComparison.Ordinal) ? "成员"
        : IsFund(line.Stream)
            ? line.Sequence is null ? "资金"
                : "凭证"
        : "申请";
}

using Ledger.Domain.Identity;

namespace Ledger.Domain.Donors;

/// <summary>Who gives (C8, C23): another economic organisation, a charity, an individual.</summary>
public enum DonorKind
{
    Organisation,
    Charity,
    Individual,
}

/// <summary>
/// A donor was registered. An organisation stands with its name and credit code; an individual's name and citizen id
/// live only in the encrypted record, and <paramref name="DataDigest"/> is the salted digest of it.
/// </summary>
public sealed record DonorRegistered(
    DonorKind Kind,
    string? Name,
    string? CreditCode,
    string? DataDigest,
    string Region
) : IEventOf<Donor>;

/// <summary>
/// An individual's key was destroyed: the name is gone for good; gifts, receipts and proofs stay under the donor's id.
/// </summary>
public sealed record DonorDataErased(string Reason) : IEventOf<Donor>;

/// <summary>Donor (捐赠人).</summary>
public sealed record Donor : Aggregate, IEvolve<Donor>
{
    public DonorKind Kind { get; init; }

    /// <summary>Null for an individual.</summary>
    public string? Name { get; init; }
    public string? CreditCode { get; init; }
    public bool IsErased { get; init; }

    public static Donor Evolve(Donor? state, IEventOf<Donor> e) =>
        e switch
        {
            DonorRegistered r => new Donor
            {
                Kind = r.Kind,
                Name = r.Name,
                CreditCode = r.CreditCode,
                Region = r.Region,
            },
            DonorDataErased => state! with { IsErased = true },
            _ => throw InvariantViolationException.Unknown(e),
        };
}

public static class DonorDecider
{
    public static Decision<Donor> RegisterOrganisation(
        Donor? state,
        DonorKind kind,
        string name,
        string creditCode,
        string region
    ) =>
        state is not null ? new Rejection(Rejections.AlreadyExists, $"{creditCode} 已登记")
        : SocialCreditCode.Fault(creditCode) is { } fault
            ? new Rejection(Rejections.FieldInvalid, fault) { Field = "creditCode" }
        : new IEventOf<Donor>[] { new DonorRegistered(kind, name, creditCode, null, region) };

    public static Decision<Donor> RegisterIndividual(Donor? state, string dataDigest, string region) =>
        state is not null
            ? new Rejection(Rejections.AlreadyExists, "该捐赠人已登记")
            : new IEventOf<Donor>[] { new DonorRegistered(DonorKind.Individual, null, null, dataDigest, region) };

    /// <summary>
    /// An individual's data goes when the retention period after the last thing that names the donor is over.
    /// </summary>
    public static Decision<Donor> Erase(
        Donor state,
        string reason,
        DateOnly lastNamedOn,
        int retentionYears,
        DateOnly today
    ) =>
        state.Kind != DonorKind.Individual ? new Rejection(Rejections.WrongState, "单位的名称和代码是公开信息，不删除")
        : state.IsErased ? new Rejection(Rejections.WrongState, "个人信息已删除")
        : lastNamedOn.AddYears(retentionYears) > today
            ? new Rejection(
                Rejections.RetentionNotOver,
                $"保管至 {lastNamedOn.AddYears(retentionYears):yyyy-MM-dd}（{retentionYears} 年）"
            )
        : new IEventOf<Donor>[] { new DonorDataErased(reason) };

    /// <summary>The gift's source kind must be the donor's.</summary>
    public static bool Gives(Donor donor, Funds.SourceKind source) =>
        (donor.Kind, source)
            is
                (DonorKind.Organisation, Funds.SourceKind.OtherOrganisation)
                or
                (DonorKind.Charity, Funds.SourceKind.Charity)
                or
                (DonorKind.Individual, Funds.SourceKind.Individual);
}

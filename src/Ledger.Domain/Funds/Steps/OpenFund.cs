namespace Ledger.Domain.Funds.Steps;

/// <summary>A collective's ring-fenced fund begins (专款专用, C9).</summary>
public static class OpenFund
{
    public static Decision<Fund> Decide(Fund? state, string collectiveId, string name, string villageCode) =>
        state is not null
            ? new Rejection(Rejections.AlreadyExists, $"{state.Name} 已设立")
            : new IEventOf<Fund>[] { new FundOpened(collectiveId, name, villageCode) };
}

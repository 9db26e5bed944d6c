using System.Threading.RateLimiting;

namespace Ledger.Api.Security;

/// <summary>Token buckets for limits of requests: so many at once, then so many in each span of time.</summary>
public static class Buckets
{
    /// <param name="isLimited">False: nothing is (tests, and who sets a limit of 0).</param>
    public static RateLimitPartition<string> Of(string key, bool isLimited, int most, int more, TimeSpan each) =>
        isLimited
            ? RateLimitPartition.GetTokenBucketLimiter(
                key,
                _ => new TokenBucketRateLimiterOptions
                {
                    TokenLimit = most,
                    TokensPerPeriod = more,
                    ReplenishmentPeriod = each,
                }
            )
            : RateLimitPartition.GetNoLimiter(key);
}

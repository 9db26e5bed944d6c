using Microsoft.Extensions.DependencyInjection;

namespace Ledger.Api.Tests;

/// <summary>
/// What stands still is told by how long it does, however little waits. In a database of its own, whose clock goes on
/// meanwhile.
/// </summary>
public sealed class LateTests(ApiFixture api) : IClassFixture<ApiFixture>
{
    private Task LateAsync(string code, string reason) =>
        ApiFixture.EventuallyAsync(
            async () =>
            {
                using var response = await api.Http.GetAsync("/health/ready");
                var text = await response.Content.ReadAsStringAsync();
                return text.Contains(code, StringComparison.Ordinal) && text.Contains(reason, StringComparison.Ordinal);
            },
            $"{code}: {reason}",
            30
        );

    [Fact]
    public async Task One_event_that_waits_for_minutes_is_late_in_the_trail_and_before_the_signature()
    {
        var village = await api.RegisteredAsync();
        await ApiFixture.EventuallyAsync(
            async () => (await village.Offices.Auditor.GetAsync<CheckView>("/api/audit/check")).Behind == 0,
            "all is taken in"
        );
        await using (var connection = await api.Database.OpenConnectionAsync())
        {
            await connection.ExecuteAsync(
                "update ledger.lease set holder = gen_random_uuid(), until = clock_timestamp() + interval '40 seconds'"
            );
            await Task.Delay(TimeSpan.FromSeconds(3)); // the node finds that the lease is another's
            // What comes into the log from now on is not signed: the signer can write no checkpoint.
            await connection.ExecuteAsync(
                "do $$ begin execute format('revoke insert on ledger.log_checkpoint from %I', "
                    + "current_database() || '_app'); end $$"
            );
        }
        await village.AllocateAsync(1);
        await ApiFixture.EventuallyAsync(
            () =>
                api.ScalarAsync<bool>(
                    """
                    select not exists (select
                                         from ledger.mt_events e
                                        where not exists (select from ledger.log_entry l where l.seq = e.seq_id))
                    """
                ),
            "the log has it"
        );
        api.Clock.Advance(TimeSpan.FromMinutes(3));
        await LateAsync("projections-late", "审计轨迹落后");
        await LateAsync("sealing-late", "还没有签名");
    }
}

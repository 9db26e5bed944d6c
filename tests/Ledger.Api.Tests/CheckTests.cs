using System.Text.Json;
using Ledger.Api.Storage;

namespace Ledger.Api.Tests;

/// <summary>
/// ledger check: what somebody wrote into a read model by hand is found, named and mended, while the API keeps serving.
/// </summary>
[Collection("api and programs")]
public sealed class CheckTests(ApiFixture api)
{
    /// <summary>The tests' clock is ahead of that of the command.</summary>
    private static readonly string[] Ahead = ["--clock-margin", "500000"];

    private Dictionary<string, string> OnThisDatabase =>
        new() { ["ConnectionStrings__Ledger"] = api.ConnectionString, ["Ledger__KeyFile"] = api.KeyFile };

    [Fact]
    public async Task Rows_edited_by_hand_are_found_named_and_mended()
    {
        var (village, people) = await api.ReadyToFileAsync(2, subsidy: 100, money: 1000);
        await village.FileAsync(people);
        await village.ReviewAsync();
        await village.ApproveAsync();
        CheckView sound = null!;
        await ApiFixture.EventuallyAsync(
            async () => (sound = await village.Offices.Auditor.GetAsync<CheckView>("/api/audit/check")).Behind == 0,
            "the projections have caught up"
        );
        Assert.True(sound.IsSound, string.Join('\n', sound.Differences.Concat(sound.Findings)));
        Assert.True(sound.Documents >= 8);
        Assert.Equal(
            await api.ScalarAsync<long>(
                "select count(*) from ledger.mt_events where headers ->> 'region' like @county || '%'",
                ("county", village.Offices.County)
            ),
            sound.Events
        );

        var member = (await village.Officer.GetAsync<LinePage>($"{village.ApplicationPath}/lines")).Lines[0].MemberId;
        var memberYear = Domain.Identity.StreamId.MemberYear(member, village.Year);
        // A document from before a field was added is none of the differences; one that cannot be read is.
        await using (var connection = await api.Database.OpenConnectionAsync())
        {
            await connection.ExecuteAsync(
                "update ledger.mt_doc_member set data = data - 'isErased' - 'endedOn' where id = @id",
                ("id", member)
            );
            await connection.ExecuteAsync(
                "update ledger.mt_doc_collective set data = jsonb_set(data, '{revision}', '\"many\"') where id = @id",
                ("id", village.CollectiveId)
            );
            await connection.ExecuteAsync(
                "update ledger.mt_doc_fund set data = jsonb_set(data, '{availableFen}', '90000') where id = @id",
                ("id", village.FundId)
            );
            await connection.ExecuteAsync("delete from ledger.mt_doc_memberyear where id = @id", ("id", memberYear));
            await connection.ExecuteAsync(
                "update ledger.mt_doc_workitem set data = jsonb_set(data, '{status}', '\"paid\"') where id = @id",
                ("id", village.ApplicationId)
            );
            await connection.ExecuteAsync(
                "update ledger.audit_entry set actor = 'somebody.else' where stream = @id and type = 'funds_allocated'",
                ("id", village.FundId)
            );
            await connection.ExecuteAsync(
                """
                delete from ledger.audit_entry_id
                 where seq = (select max(seq_id) from ledger.mt_events where stream_id = @id)
                """,
                ("id", village.FundId)
            );
            await connection.ExecuteAsync(
                """
                update ledger.fen_axis
                   set reference = 'application-x'
                 where account = @a
                   and axis = 'line'
                   and fen_from = 0
                """,
                ("a", $"{village.FundId}/general")
            );
            await connection.ExecuteAsync(
                """
                insert into ledger.fen_axis (account, axis, fen_from, fen_to, kind, reference, event_id)
                values (@a, 'in', 99999999, 100000000, 'allocated', 'invented', gen_random_uuid())
                """,
                ("a", $"{village.FundId}/general")
            );
            // Under an event that there is, at a place of which it says nothing.
            await connection.ExecuteAsync(
                """
                insert into ledger.fen_axis (account, axis, fen_from, fen_to, kind, reference, event_id)
                select account, axis, 88888888, 88888889, kind, 'invented too', event_id
                  from ledger.fen_axis
                 where account = @a
                   and axis = 'in'
                   and fen_from = 0
                """,
                ("a", $"{village.FundId}/general")
            );
            await connection.ExecuteAsync(
                """
                insert into ledger.fen_axis (account, axis, fen_from, fen_to, kind, reference, member_year, event_id)
                select account, axis, 88888888, 88888889, kind, reference, member_year, event_id
                  from ledger.fen_axis
                 where account = @a
                   and axis = 'line'
                   and fen_from = 0
                """,
                ("a", $"{village.FundId}/general")
            );
            await connection.ExecuteAsync(
                """
                insert into ledger.mt_doc_plan (id, data, mt_version)
                values ('plan-invented', '{"id": "plan-invented"}', 1)
                """
            );
        }
        var found = await village.Offices.Auditor.GetAsync<CheckView>("/api/audit/check");
        Assert.False(found.IsSound);
        var differences = found.Differences.Select(d => (d.Projection, d.Id, d.Path, d.Event)).ToList();
        var reserved = await api.ScalarAsync<long>(
            "select max(seq_id) from ledger.mt_events where stream_id = @id",
            ("id", village.FundId)
        );
        Assert.Contains(("Fund", village.FundId, "$.availableFen", reserved), differences);
        Assert.Contains(differences, d => d.Projection == "MemberYear" && d.Id == memberYear);
        Assert.Contains(
            differences,
            d => d.Projection == "Collective" && d.Id == village.CollectiveId && d.Path == "$.revision"
        );
        Assert.DoesNotContain(differences, d => d.Projection == "Member");
        Assert.Contains(
            differences,
            d => d.Projection == "WorkQueue" && d.Id == village.ApplicationId && d.Path == "$.status"
        );
        Assert.Contains(differences, d => d.Projection == "AuditTrail" && d.Event < reserved);
        // An entry that a search by its ids would miss.
        Assert.Contains(("AuditTrail", $"{reserved}", "$", reserved), differences);
        Assert.Contains(
            differences,
            d => d.Projection == "FenAxis" && d.Id == $"line {village.FundId}/general 0" && d.Event > reserved
        );
        // No event says whose it is: only the whole check tells.
        Assert.DoesNotContain(differences, d => d.Id == "plan-invented");
        // The missing year's subsidy is missing from the sum.
        Assert.Contains(differences, d => d.Projection == "Money" && d.Id == village.ApplicationId);

        // What a command makes of them: EditedStateTests.
        var neighbour = await api.RegisteredAsync(village.Offices);
        // Another county's books are its own affair.
        Assert.True((await api.NewOffices().Auditor.GetAsync<CheckView>("/api/audit/check")).IsSound);
        var serving = Task.Run(async () =>
        {
            for (var i = 0; i < 20; i++)
                await neighbour.AllocateAsync(1);
        });
        var (exit, output) = await ApiHost.RunAsync(OnThisDatabase, ["check", "--rebuild", .. Ahead]);
        await serving;
        Assert.True(
            exit == 1
                && output.Contains(village.FundId, StringComparison.Ordinal)
                && output.Contains("已改正", StringComparison.Ordinal)
                && output.Contains("plan-invented", StringComparison.Ordinal)
                && new[] { "in {0} 99999999", "in {0} 88888888", "line {0} 88888888" }.All(row =>
                    output.Contains(string.Format(row, $"{village.FundId}/general"), StringComparison.Ordinal)
                ),
            output
        );
        Assert.Equal(
            0,
            await api.ScalarAsync<long>(
                $"select count(*) from ledger.mt_doc_fund where id = '{village.FundId}' and data ->> 'seal' is null"
            )
        );
        (_, output) = await ApiHost.RunAsync(OnThisDatabase, ["check", .. Ahead]);
        // Other tests' processes go by the real clock on this database, whose host's clock is ahead: what they booked
        // between is dated before its money came. So not the exit code.
        Assert.True(
            output.Contains("份文档：一致", StringComparison.Ordinal)
                && output.Contains("条：一致", StringComparison.Ordinal),
            output
        );
        Assert.True((await village.Offices.Auditor.GetAsync<CheckView>("/api/audit/check")).IsSound);
        var fund = await village.Officer.GetAsync<FundView>($"/api/funds/{village.FundId}");
        Assert.Equal((800m, 200m), (fund.AvailableAmount.Yuan, fund.ReservedAmount.Yuan));
    }
}

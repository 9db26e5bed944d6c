using Ledger.Api.Feeds;
using Ledger.Api.Tasks;
using Ledger.Domain.Identity;
using Ledger.Domain.Tasks;
using Ledger.Store;
using Microsoft.Extensions.DependencyInjection;

namespace Ledger.Api.Tests;

/// <summary>People are told that something waits for them, as each chose, once, and nothing of anybody.</summary>
[Collection("api and programs")]
public sealed class NotificationTests(ApiFixture api)
{
    /// <summary>A county whose reviewer has an account, and an application that can be filed.</summary>
    private async Task<(SampleVillage Village, IReadOnlyList<SamplePerson> People, string Mail)> ReadyAsync()
    {
        var (village, people) = await api.ReadyToFileAsync(2);
        var (name, county) = (village.Offices.Reviewer.Actor.Id, village.Offices.County);
        await village.Offices.Administrator.PostAsync(
            "/api/accounts",
            ApiFixture.AccountBody(name, Roles.Agency, county)
        );
        return (village, people, $"{name}@example.cn");
    }

    private static Task<NotificationChoiceView> ChooseAsync(SampleClient who, object body) =>
        who.PutAsync<NotificationChoiceView>("/api/notifications", body);

    private Task ArrivesAsync(string mail, int count) =>
        ApiFixture.EventuallyAsync(
            () => Task.FromResult(api.Mails.To(mail).Count == count),
            $"{count} mails have come to {mail}"
        );

    private Task EditAsync(string sql, string account) => EditAsync(sql, ("id", StreamId.Account(account)));

    private async Task EditAsync(string sql, params (string, object?)[] parameters)
    {
        await using var connection = await api.Database.OpenConnectionAsync();
        await connection.ExecuteAsync(sql, parameters);
    }

    /// <summary>The next look at somebody comes now, and is over when this returns.</summary>
    private async Task LookAsync(string account)
    {
        await EditAsync("update ledger.notification_choice set next_at = '2000-01-01' where account_id = @id", account);
        await ApiFixture.EventuallyAsync(
            () =>
                api.ScalarAsync<bool>(
                    """
                    select next_at > '2000-01-02' and holder is null
                      from ledger.notification_choice
                     where account_id = @id
                    """,
                    ("id", StreamId.Account(account))
                ),
            $"{account} was looked at"
        );
    }

    [Fact]
    public async Task Whoever_wants_it_at_once_is_told_of_each_task_once_and_by_one_of_two_nodes()
    {
        var (village, people, mail) = await ReadyAsync();
        var reviewer = village.Offices.Reviewer;
        using var second = ActivatorUtilities.CreateInstance<Notifier>(api.Host.Services);
        await second.StartAsync(default);
        var chosen = await ChooseAsync(reviewer, new { when = "at-once", mail });
        Assert.Equal((NotifyWhen.AtOnce, mail), (chosen.When, chosen.Mail));
        await village.FileAsync(people);
        await LookAsync(reviewer.Actor.Id);
        await ArrivesAsync(mail, 1);
        var told = api.Mails.To(mail)[0];
        Assert.Equal("集体补助账本：有 1 件事等您办理", told.Subject);
        Assert.Contains("复核 1 件", told.Text, StringComparison.Ordinal);
        Assert.Contains($"{ApiFixture.PublicAddress}/tasks", told.Text, StringComparison.Ordinal);
        // Nothing of anybody, nor where it is.
        foreach (var word in people.SelectMany(p => (string[])[p.Name, p.CitizenId]).Append(village.VillageCode))
            Assert.DoesNotContain(word, told.Subject + told.Text, StringComparison.Ordinal);
        await LookAsync(reviewer.Actor.Id);
        await LookAsync(reviewer.Actor.Id);
        Assert.Single(api.Mails.To(mail));
        // What comes back is told again.
        await reviewer.PostAsync($"{village.ApplicationPath}/return", new { reason = "缺第3组" });
        await village.Officer.UploadAsync<FilingView>(
            $"{village.ApplicationPath}/resubmission",
            SampleSheets.Roster(people),
            "补助名单.xlsx",
            "roster",
            ("seal", await village.Officer.EvidenceAsync("sealed again"))
        );
        await ApiFixture.EventuallyAsync(
            async () =>
            {
                await LookAsync(reviewer.Actor.Id);
                return api.Mails.To(mail).Count == 2;
            },
            "it is told again"
        );
        var read = await reviewer.GetAsync<NotificationChoiceView>("/api/notifications");
        Assert.All(read.Last, n => Assert.Equal(("mail", "Review", "sent"), (n.Channel, n.What, n.State)));
        await second.StopAsync(default);
    }

    [Fact]
    public async Task Whoever_wants_a_digest_gets_one_a_day_of_everything_that_waits()
    {
        var (village, people, mail) = await ReadyAsync();
        var reviewer = village.Offices.Reviewer;
        await village.FileAsync(people);
        await ChooseAsync(reviewer, new { when = "daily", mail });
        await ArrivesAsync(mail, 1);
        Assert.Equal("集体补助账本：今日待办 1 件", api.Mails.To(mail)[0].Subject);
        await LookAsync(reviewer.Actor.Id);
        Assert.Single(api.Mails.To(mail));
        api.Clock.Advance(TimeSpan.FromDays(1));
        await LookAsync(reviewer.Actor.Id);
        await ArrivesAsync(mail, 2);
        // When nothing waits nothing is said, and who wants none gets none.
        await village.ReviewAsync();
        api.Clock.Advance(TimeSpan.FromDays(1));
        await LookAsync(reviewer.Actor.Id);
        await ChooseAsync(reviewer, new { when = "never" });
        await LookAsync(reviewer.Actor.Id);
        Assert.Equal(2, api.Mails.To(mail).Count);
    }

    [Fact]
    public async Task What_the_server_does_not_take_is_tried_again_and_is_seen()
    {
        var (village, people, mail) = await ReadyAsync();
        var reviewer = village.Offices.Reviewer;
        api.Mails.Refused = mail;
        await village.FileAsync(people);
        await ChooseAsync(reviewer, new { when = "at-once", mail });
        await ApiFixture.EventuallyAsync(
            async () =>
                (await reviewer.GetAsync<NotificationChoiceView>("/api/notifications")).Last.Any(n =>
                    n is { State: "failed", Failure: "refused" }
                ),
            "the failure is on record"
        );
        for (var i = 0; i < 3; i++)
            await LookAsync(reviewer.Actor.Id);
        await ApiFixture.EventuallyAsync(
            async () =>
                (await api.Http.GetStringAsync("/health/ready")).Contains(
                    "notifications-failing",
                    StringComparison.Ordinal
                ),
            "health says it"
        );
        // The pause has grown.
        Assert.True(
            await api.ScalarAsync<bool>(
                "select next_at > now() + interval '10 minutes' from ledger.notification_choice where account_id = @id",
                ("id", StreamId.Account(reviewer.Actor.Id))
            )
        );
        Assert.Empty(api.Mails.To(mail));
        api.Mails.Refused = null;
        await LookAsync(reviewer.Actor.Id);
        await ArrivesAsync(mail, 1);
        var told = Assert.Single((await reviewer.GetAsync<NotificationChoiceView>("/api/notifications")).Last);
        Assert.Equal(("sent", null), (told.State, told.Failure));
        Assert.True(told.Tries > 3);
    }

    [Fact]
    public async Task A_digest_that_one_way_took_is_not_sent_by_it_again_when_the_other_fails()
    {
        var (village, people, mail) = await ReadyAsync();
        var reviewer = village.Offices.Reviewer;
        bool IsOurs(Faults.Received m) => m.Data.GetProperty("account").GetString() == reviewer.Actor.Id;
        await village.FileAsync(people);
        api.Mails.Refused = mail;
        var body = new
        {
            when = "daily",
            mail,
            gateway = true,
        };
        await ChooseAsync(reviewer, body);
        await ApiFixture.EventuallyAsync(() => Task.FromResult(api.Gateway.Taken.Any(IsOurs)), "the gateway has it");
        await LookAsync(reviewer.Actor.Id);
        api.Mails.Refused = null;
        await LookAsync(reviewer.Actor.Id);
        await ArrivesAsync(mail, 1);
        await LookAsync(reviewer.Actor.Id);
        Assert.Single(api.Mails.To(mail));
        Assert.Single(api.Gateway.Taken, IsOurs);
    }

    [Fact]
    public async Task The_countys_gateway_gets_a_signed_message_for_an_account()
    {
        var (village, people, _) = await ReadyAsync();
        var (reviewer, administrator) = (village.Offices.Reviewer, village.Offices.Administrator);
        await api.Host.RefusedAsync("forbidden", reviewer, HttpMethod.Get, "/api/notifications/gateway");
        var gateway = await administrator.GetAsync<NotificationGatewayView>("/api/notifications/gateway");
        Assert.Equal(api.Gateway.Address, gateway.Address);
        await village.FileAsync(people);
        await ChooseAsync(reviewer, new { when = "at-once", gateway = true });
        bool IsOurs(Faults.Received m) => m.Data.GetProperty("account").GetString() == reviewer.Actor.Id;
        await ApiFixture.EventuallyAsync(() => Task.FromResult(api.Gateway.Taken.Any(IsOurs)), "the gateway has it");
        var message = api.Gateway.Taken.Single(IsOurs);
        Assert.Equal((WebhookMessage.Tasks, 1), (message.Type, message.Data.GetProperty("count").GetInt32()));
        Assert.DoesNotContain(village.VillageCode, message.Body, StringComparison.Ordinal);
        var signed = System.Security.Cryptography.HMACSHA256.HashData(
            Convert.FromBase64String(gateway.Secret["whsec_".Length..]),
            System.Text.Encoding.UTF8.GetBytes($"{message.Id}.{message.Timestamp}.{message.Body}")
        );
        Assert.Equal($"v1,{Convert.ToBase64String(signed)}", message.Signature);
    }

    [Fact]
    public async Task Only_the_person_himself_chooses_the_address_lies_encrypted_and_goes_with_the_account()
    {
        var (village, people, mail) = await ReadyAsync();
        var (reviewer, offices) = (village.Offices.Reviewer, village.Offices);
        Task RefusedAsync(string code, SampleClient who, object body) =>
            api.Host.RefusedAsync(code, who, HttpMethod.Put, "/api/notifications", body);
        foreach (var wrong in (string[])["x", "a@b@c", "li <li@example.cn>", "a@example.cn,b@example.cn"])
            await RefusedAsync("field-invalid", reviewer, new { when = "daily", mail = wrong });
        await RefusedAsync("field-invalid", reviewer, new { when = "daily" });
        var missing = await api.Host.RefusedAsync(
            "body-invalid",
            reviewer,
            HttpMethod.Put,
            "/api/notifications",
            new { mail }
        );
        Assert.Equal("when", missing.Field);
        await RefusedAsync(
            "field-invalid",
            reviewer,
            new
            {
                when = "daily",
                mail,
                kinds = new[] { "payment" },
            }
        );
        // Somebody of no account has nobody who could take it from him again.
        await RefusedAsync("wrong-state", offices.Approver, new { when = "daily", mail });
        Assert.Null((await offices.Administrator.GetAsync<NotificationChoiceView>("/api/notifications")).Mail);

        await ChooseAsync(
            reviewer,
            new
            {
                when = "at-once",
                mail,
                kinds = new[] { "receipts" },
            }
        );
        Assert.Equal(mail, (await reviewer.GetAsync<NotificationChoiceView>("/api/notifications")).Mail);
        Assert.Equal(
            0,
            await api.ScalarAsync<long>(
                "select count(*) from ledger.notification_choice where position(@mail::bytea in choice) > 0",
                ("mail", System.Text.Encoding.UTF8.GetBytes(mail))
            )
        );
        // Other kinds than these are not told.
        await village.FileAsync(people);
        await LookAsync(reviewer.Actor.Id);
        Assert.Empty(api.Mails.To(mail));
        await offices.Administrator.PostAsync(
            $"/api/accounts/{StreamId.Account(reviewer.Actor.Id)}/closure",
            new { reason = "调离" }
        );
        await EditAsync(
            "update ledger.notification_choice set next_at = '2000-01-01' where account_id = @id",
            reviewer.Actor.Id
        );
        await ApiFixture.EventuallyAsync(
            async () =>
                await api.ScalarAsync<long>(
                    "select count(*) from ledger.notification_choice where account_id = @id",
                    ("id", StreamId.Account(reviewer.Actor.Id))
                ) == 0,
            "it is forgotten"
        );
    }
}

using Ledger.Api.Commands;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Domain;
using Ledger.Domain.Accounts;
using Ledger.Domain.Donors;
using Ledger.Domain.Identity;
using Ledger.Domain.Members;

namespace Ledger.Api.Members;

/// <summary>What happens to one person: departure, death, a donor's direct sponsorship.</summary>
public static class MemberChanges
{
    public static async Task<Answer> Depart(string id, DepartureBody body, Command command, Caller caller)
    {
        command.EffectiveDate = Require.BusinessDate(body.On, "on", command.Today);
        var member = await LoadAsync(id, command, caller);
        var collective = Require.Text(body.CollectiveId, "collectiveId", 40);
        if (member.Memberships.TryGetValue(collective, out var village) && !caller.MaySee(village))
            throw Require.NotFound(collective);
        member = command.Append(
            id,
            member,
            MemberDecider.End(member, collective, body.On, Require.Prose(body.Reason, "reason", 200))
        );
        return new Answer(MemberStateView.Of(member, caller), member.Revision);
    }

    /// <summary>The agency records a death; a village reports one, and another person confirms it.</summary>
    public static async Task<Answer> RecordDeath(string id, DeathBody body, Command command, Caller caller)
    {
        command.EffectiveDate = Require.BusinessDate(body.On, "on", command.Today);
        var evidence = await command.EvidenceAsync(body.Evidence, "evidence");
        return await ChangeDeath(
            id,
            command,
            caller,
            member =>
                caller.Actor.Role == Roles.Agency
                    ? MemberDecider.RecordDeath(member, body.On, evidence)
                    : MemberDecider.ReportDeath(
                        member,
                        member.Homes().First(h => caller.MaySee(h.Value)).Key,
                        body.On,
                        evidence,
                        command.Actor
                    )
        );
    }

    public static async Task<Answer> ConfirmDeath(string id, DeathReportBody body, Command command, Caller caller)
    {
        var member = await LoadAsync(id, command, caller);
        var by = await command.ActorAmongAsync(member.DeathReports.Select(r => r.ReportedBy));
        member = command.Append(
            id,
            member,
            MemberDecider.ConfirmDeath(
                member,
                Reported(member, body, caller),
                caller.Actor.Role == Roles.Agency,
                caller.MaySee,
                by
            )
        );
        return new Answer(MemberStateView.Of(member, caller), member.Revision);
    }

    public static Task<Answer> DismissDeath(string id, DismissalBody body, Command command, Caller caller) =>
        ChangeDeath(
            id,
            command,
            caller,
            member =>
                MemberDecider.DismissDeath(
                    member,
                    Reported(member, new DeathReportBody(body.CollectiveId), caller),
                    Require.Prose(body.Reason, "reason", 500),
                    command.Actor
                )
        );

    /// <summary>
    /// The report that is meant: of the collective that is named, else the one that the caller may see. Of another
    /// village a village learns nothing.
    /// </summary>
    private static string Reported(Member member, DeathReportBody body, Caller caller)
    {
        var seen = member
            .DeathReports.Select(r => r.CollectiveId)
            .Where(c =>
                caller.Actor.Role == Roles.Agency || member.Homes().Any(h => h.Key == c && caller.MaySee(h.Value))
            )
            .ToList();
        return body.CollectiveId is { } named
            ? seen.Contains(named)
                ? named
                : ""
            : seen.FirstOrDefault() ?? "";
    }

    private static async Task<Answer> ChangeDeath(
        string id,
        Command command,
        Caller caller,
        Func<Member, Decision<Member>> decide
    )
    {
        var member = await LoadAsync(id, command, caller);
        member = command.Append(id, member, decide(member));
        return new Answer(MemberStateView.Of(member, caller), member.Revision);
    }

    /// <summary>
    /// Name, citizen id, phone and card in clear, once: the answer that is kept for the key says only that. A village
    /// sees the phone and card that it handed in itself; the agency those of the first record that has any.
    /// </summary>
    public static async Task<Answer> Disclose(
        string id,
        ReasonBody body,
        Command command,
        Caller caller,
        PersonalData people
    )
    {
        var member = await LoadAsync(id, command, caller);
        member = command.Append(id, member, MemberDecider.Disclose(member, Require.Prose(body.Reason, "reason", 500)));
        string[] records =
            caller.Actor.Role == Roles.VillageFinance
                ?
                [
                    .. member
                        .Homes()
                        .Where(h => caller.MaySee(h.Value))
                        .Select(h => member.RecordOf(h.Key))
                        .OfType<string>()
                        .Distinct(),
                ]
                : [id, .. member.Records.Values.Distinct()];
        var persons = await people.ReadAsync(command.Connection, [id, .. records], member.Digests);
        var (person, own) = (persons[id], records.Select(r => persons.GetValueOrDefault(r)).OfType<Person>().ToList());
        var shown = new DisclosureView(
            id,
            person.Name,
            person.CitizenId,
            own.Select(p => p.Phone).FirstOrDefault(p => p is not null),
            own.Select(p => p.BankCard).FirstOrDefault(c => c is not null)
        );
        return new Answer(
            shown,
            member.Revision,
            Kept: new DisclosureView(id, person.MaskedName, person.MaskedCitizenId, null, null)
        );
    }

    public static async Task<Answer> Erase(
        string id,
        ReasonBody body,
        Command command,
        Caller caller,
        PersonalData people,
        Settings settings
    )
    {
        var member = await LoadAsync(id, command, caller);
        member = command.Append(
            id,
            member,
            MemberDecider.Erase(
                member,
                Require.Prose(body.Reason, "reason", 500),
                settings.RetentionYears,
                command.Today
            )
        );
        await people.EraseAsync(command.Connection, [id, .. member.Records.Values, .. member.Requests.Keys]);
        return new Answer(MemberStateView.Of(member, caller), member.Revision);
    }

    public static async Task<Member> LoadAsync(string id, Command command, Caller caller)
    {
        var member = await command.FindAsync<Member>(id);
        if (member is null || !MemberEndpoints.MaySee(caller, member))
            throw Require.NotFound(id);
        command.RequireMatch(member);
        command.Region = member.Region;
        return member;
    }

    public static async Task<Answer> Sponsor(
        string id,
        int year,
        SponsorshipBody body,
        Command command,
        Caller caller,
        PersonalData people
    )
    {
        var evidence = await command.EvidenceAsync(body.Evidence, "evidence");
        var policy = await command.PolicyYearAsync(caller.Actor.Region.PadRight(RegionCode.CountyLength, '0'), year);
        var donor =
            await command.ReadAsync<Donor>(Require.Text(body.DonorId, "donorId", 60))
            ?? throw Require.NotFound(body.DonorId);
        var member = await ReadAsync(id, command, caller);
        var streamId = StreamId.MemberYear(id, year);
        var known = await command.FindAsync<MemberYear>(streamId);
        if (known is not null)
            command.RequireMatch(known);
        var sponsorship = new SponsorshipRecorded(
            $"sponsorship-{Guid.CreateVersion7():N}",
            donor.Id,
            body.Amount,
            evidence
        );
        var state = command.Append(
            streamId,
            known,
            MemberYearDecider.Sponsor(
                known,
                member,
                sponsorship,
                policy.HighestTierFen,
                policy.Parameters.GovernmentPaidOpensSubsidy
            )
        );
        return await AnswerAsync(state, id, year, policy.HighestTierFen, command, people);
    }

    public static Task<Answer> RequestReversal(
        string id,
        int year,
        string reference,
        Funds.ReversalBody body,
        Command command,
        Caller caller,
        PersonalData people
    ) =>
        Change(
            id,
            year,
            command,
            caller,
            people,
            async y =>
                MemberYearDecider.RequestReversal(
                    y,
                    reference,
                    await command.ConfirmerAsync(body.ConfirmBy, command.Region, Roles.CountyTax, Roles.Agency),
                    Require.Prose(body.Reason, "reason", 500),
                    await command.ActorAmongAsync([body.ConfirmBy])
                )
        );

    public static Task<Answer> ConfirmReversal(
        string id,
        int year,
        string reference,
        Command command,
        Caller caller,
        PersonalData people
    ) =>
        Change(
            id,
            year,
            command,
            caller,
            people,
            async y =>
            {
                var asked = y.Contributions.FirstOrDefault(c => c.Reference == reference);
                return MemberYearDecider.ConfirmReversal(
                    y,
                    reference,
                    await command.ActorAmongAsync([asked?.RequestedBy, asked?.RequestedFor])
                );
            }
        );

    public static async Task<Answer> ReverseSponsorship(
        string id,
        int year,
        string sponsorshipId,
        ResolvedBody body,
        Command command,
        Caller caller,
        PersonalData people
    )
    {
        var evidence = await command.EvidenceAsync(body.Evidence, "evidence");
        return await Change(
            id,
            year,
            command,
            caller,
            people,
            y =>
                Task.FromResult(
                    MemberYearDecider.ReverseSponsorship(
                        y,
                        sponsorshipId,
                        Require.Prose(body.Reason, "reason", 500),
                        evidence
                    )
                )
        );
    }

    /// <summary>L2: the fund gets nothing, and the cap stays used.</summary>
    public static async Task<Answer> ClearToPerson(
        string id,
        int year,
        ClearanceBody body,
        Command command,
        Caller caller,
        PersonalData people
    )
    {
        var on = Require.BusinessDate(body.On, "on", command.Today);
        command.EffectiveDate = on;
        var evidence = await command.EvidenceAsync(body.Evidence, "evidence");
        var application = Require.Text(body.ApplicationId, "applicationId", 60);
        return await Change(
            id,
            year,
            command,
            caller,
            people,
            async y =>
                MemberYearDecider.Clear(
                    y,
                    application,
                    body.Reason,
                    on,
                    on < command.Today ? await CreditedOnAsync(y.Id, application, command) : null,
                    evidence,
                    command.Actor
                )
        );
    }

    private static async Task<DateOnly?> CreditedOnAsync(string year, string application, Command command) =>
        (await command.EventsAsync<MemberYear>(year))
            .Select(e => e.Data)
            .OfType<SubsidyCredited>()
            .LastOrDefault(c => c.ApplicationId == application)
            ?.CreditedOn;

    private static async Task<Answer> Change(
        string id,
        int year,
        Command command,
        Caller caller,
        PersonalData people,
        Func<MemberYear, Task<Decision<MemberYear>>> decide
    )
    {
        await ReadAsync(id, command, caller);
        var streamId = StreamId.MemberYear(id, year);
        var known = await command.FindAsync<MemberYear>(streamId) ?? throw Require.NotFound($"{id} 的 {year} 年度");
        command.RequireMatch(known);
        return await AnswerAsync(command.Append(streamId, known, await decide(known)), id, year, null, command, people);
    }

    private static async Task<Member> ReadAsync(string id, Command command, Caller caller)
    {
        var member = await command.ReadAsync<Member>(id);
        if (member is null || !MemberEndpoints.MaySee(caller, member))
            throw Require.NotFound(id);
        command.Region = member.Region;
        return member;
    }

    private static async Task<Answer> AnswerAsync(
        MemberYear state,
        string id,
        int year,
        Money? cap,
        Command command,
        PersonalData people
    )
    {
        var person = (await people.ReadAsync(command.Connection, [id])).GetValueOrDefault(id);
        return new Answer(MemberEndpoints.View(state, id, year, person, cap), state.Revision);
    }
}

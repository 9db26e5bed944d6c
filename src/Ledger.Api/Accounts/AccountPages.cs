using Ledger.Api.Collectives;
using Ledger.Api.Commands;
using Ledger.Api.Funds;
using Ledger.Api.Pages;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Api.Tasks;
using Ledger.Domain.Accounts;
using Ledger.Domain.Identity;
using Ledger.Web;
using Ledger.Web.Accounts;
using Marten;
using Npgsql;

namespace Ledger.Api.Accounts;

/// <summary>Pages of accounts, and the first page of each role.</summary>
public static class AccountPages
{
    /// <summary>How much of an account's past its page shows; the audit trail has the rest.</summary>
    private const int MaxHistory = 50;

    public static void MapAccountPages(this WebApplication app)
    {
        app.Page("/", First);
        app.Page(
            "/me",
            async (
                SignIn signIn,
                IQuerySession session,
                NpgsqlDataSource database,
                NotificationChoices choices,
                Settings settings,
                Caller caller,
                CancellationToken cancellation
            ) =>
                PageRoutes.Show<MePage>(
                    new
                    {
                        Sessions = (IReadOnlyList<(Guid, string, string, DateTimeOffset)>)
                            [
                                .. (await signIn.ListAsync(caller.Actor.Id)).Select(s =>
                                    (s.Id, s.Agent, s.Address, s.UsedAt)
                                ),
                            ],
                        Account = caller.Actor.OnBehalfOf is null
                            ? await session.LoadAsync<Account>(StreamId.Account(caller.Actor.Id))
                            : null,
                        History = (IReadOnlyList<(DateTimeOffset, string, string, string?)>)
                            [
                                .. (await signIn.HistoryAsync(caller.Actor.Id))
                                    .Take(MaxHistory)
                                    .Select(n => (n.At, n.By, n.Type, n.Detail)),
                            ],
                        Notify = NotificationEndpoints.Shown(
                            await NotificationEndpoints.ViewAsync(database, choices, settings, caller, cancellation)
                        ),
                    }
                ),
            Roles.Everybody
        );
        app.Page(
            "/accounts",
            async (
                string? q,
                string? role,
                IQuerySession session,
                Caller caller,
                NpgsqlDataSource database,
                PersonalData people,
                CancellationToken cancellation
            ) =>
                PageRoutes.Show<AccountsPage>(
                    new
                    {
                        Accounts = await AccountEndpoints.NamedAsync(
                            caller.Actor.Region,
                            session,
                            database,
                            people,
                            cancellation
                        ),
                        Asked = PageRoutes.Typed(q),
                        Role = role,
                    }
                ),
            Roles.Administrator
        );
    }

    /// <summary>Where each role's work begins.</summary>
    private static async Task<IResult> First(
        IQuerySession session,
        Caller caller,
        Viewer viewer,
        FirstHour first,
        CancellationToken cancellation
    ) =>
        viewer.Role switch
        {
            "" => PageRoutes.Show<Home>(new { }),
            Roles.VillageFinance => Results.LocalRedirect(
                await FundPages.OwnAsync(session, caller, cancellation) is { } own
                && await session.LoadAsync<Domain.Funds.Fund>(StreamId.FundOf(own.Id), cancellation) is { } fund
                    ? $"/funds/{fund.Id}"
                    : "/start"
            ),
            Roles.SupervisionCommittee => Results.LocalRedirect("/committee"),
            Roles.Agency => Results.LocalRedirect("/applications?waitingForMe=true"),
            Roles.CountyTax => Results.LocalRedirect("/contributions"),
            Roles.Administrator
            or Roles.CityHrss
            or Roles.CountyHrss
            or Roles.CountyAgriculture when await first.IsBeginningAsync(caller.Actor.Region) => Results.LocalRedirect(
                "/setup"
            ),
            Roles.Administrator => Results.LocalRedirect("/accounts"),
            _ => Results.LocalRedirect("/overview"),
        };
}

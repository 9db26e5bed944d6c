using Ledger.Api.Commands;
using Ledger.Api.Funds;
using Ledger.Api.Pages;
using Ledger.Api.Security;
using Ledger.Domain.Accounts;
using Ledger.Domain.Identity;
using Ledger.Web;
using Ledger.Web.Accounts;
using Marten;

namespace Ledger.Api.Accounts;

/// <summary>Pages of accounts, and the first page of each role.</summary>
public static class AccountPages
{
    public static void MapAccountPages(this WebApplication app)
    {
        app.Page("/", First);
        app.Page("/me", async (SignIn signIn, IQuerySession session, Caller caller) => PageRoutes.Show<MePage>(new
        {
            Sessions = (IReadOnlyList<(Guid, string, string, DateTimeOffset)>)[.. (await signIn.ListAsync(caller.Actor.Id)).Select(s => (s.Id, s.Agent, s.Address, s.UsedAt))],
            Account = caller.Actor.Role == Roles.Administrator ? null : await session.LoadAsync<Account>(StreamId.Account(caller.Actor.Id)),
        }), Roles.Everybody);
        app.Page("/accounts", async (IQuerySession session, Caller caller) =>
            PageRoutes.Show<AccountsPage>(new { Accounts = await session.Query<Account>().Where(a => a.Region.StartsWith(caller.Actor.Region)).OrderBy(a => a.Id).Take(Scope.MaxRows).ToListAsync() }), Roles.Administrator);
    }

    /// <summary>Where each role's work begins.</summary>
    private static async Task<IResult> First(IQuerySession session, Caller caller, Viewer viewer, CancellationToken cancellation) => viewer.Role switch
    {
        "" => PageRoutes.Show<Home>(new { }),
        Roles.VillageFinance => Results.LocalRedirect(await FundPages.OwnAsync(session, caller, cancellation) is { } own && await session.LoadAsync<Domain.Funds.Fund>(StreamId.FundOf(own.Id), cancellation) is { } fund
            ? $"/funds/{fund.Id}" : "/start"),
        Roles.Agency => Results.LocalRedirect("/applications?waitingForMe=true"),
        Roles.CountyTax => Results.LocalRedirect("/contributions"),
        Roles.Administrator => Results.LocalRedirect("/accounts"),
        _ => Results.LocalRedirect("/overview"),
    };
}

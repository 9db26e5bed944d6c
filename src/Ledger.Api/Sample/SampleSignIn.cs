using Ledger.Api.Accounts;
using Ledger.Api.Commands;
using Microsoft.AspNetCore.Identity;

namespace Ledger.Api.Sample;

public sealed record SampleSignInBody(string Name);

/// <summary>In the sample, its invented people sign in by being chosen. Exists only in sample mode.</summary>
public static class SampleSignIn
{
    public static IReadOnlyList<(string Name, string Title)> People { get; } =
    [.. SampleStory.Cast.Select(c => (c.Actor.Id, c.Title))];

    public static void MapSampleSignIn(this WebApplication app) =>
        app.MapPost(
                "/api/sample/session",
                async (
                    SampleSignInBody body,
                    SignIn signIn,
                    AccountsContext accounts,
                    IPasswordHasher<LedgerUser> hasher,
                    HttpContext http
                ) =>
                {
                    var (_, _, actor) = SampleStory.Cast.FirstOrDefault(c => c.Actor.Id == body.Name);
                    if (actor is null)
                        throw Require.NotFound(body.Name);
                    var user = await accounts.Users.FindAsync(actor.Id);
                    if (user is null)
                        accounts.Users.Add(user = Credentials.New(actor.Id, actor.Role, actor.Region, hasher).User);
                    return await signIn.GivePageAsync(user, http);
                }
            )
            .Session<PageSessionView>(
                "sign-in-sample",
                "样例身份登录（仅样例模式） · Sign in as one of the sample's people"
            );
}

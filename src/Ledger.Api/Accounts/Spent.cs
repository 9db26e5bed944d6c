using Ledger.Api.Storage;
using Npgsql;

namespace Ledger.Api.Accounts;

/// <summary>
/// What was good once and has been used, and sessions that have ended: rows that the application's role can add, and
/// not take back before nobody could use it any more. Whoever puts an earlier row of the tables of sign-in back opens
/// nothing with it.
/// </summary>
public static class Spent
{
    private const string Table = $"{LedgerStore.Schema}.spent";

    /// <summary>As long as a session can live, and a day for clocks that differ.</summary>
    public static readonly TimeSpan Time = SignIn.SessionTime + TimeSpan.FromDays(1);

    public static string Code(string account, string code) => $"code {account} {code}";

    public static string Token(string hash) => $"token {hash}";

    /// <summary>One session, spelled as <see cref="HasEnded"/> does.</summary>
    public static string Session(string account, Guid id) => $"session {id} {account}";

    /// <summary>All of an account's.</summary>
    public static string Sessions(string account) => $"sessions {account}";

    /// <summary>All in which others act for an account.</summary>
    public static string Delegated(string account) => $"delegated {account}";

    /// <summary>Whether a session <c>s</c> had begun when it was ended, in SQL.</summary>
    public const string HasEnded = $"""
        exists (select from {Table} x where x.at >= s."StartedAt"
            and x.what in ('session ' || s."Id" || ' ' || s."UserId", 'sessions ' || s."UserId",
                           'delegated ' || s."DelegatedFrom"))
        """;

    /// <summary>With parameters {0} what, {1} when, {2} until.</summary>
    public const string Insert =
        $"insert into {Table} (what, at, until) values ({{0}}, {{1}}, {{2}}) on conflict do nothing";

    /// <summary>What nobody could use any more.</summary>
    public static Task ForgetAsync(NpgsqlConnection connection) =>
        connection.ExecuteAsync($"delete from {Table} where until < clock_timestamp()");
}

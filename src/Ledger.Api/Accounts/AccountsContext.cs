using Microsoft.AspNetCore.Identity;
using Microsoft.AspNetCore.Identity.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace Ledger.Api.Accounts;

/// <summary>
/// The credentials of an account; role and region are those of its events, kept here for sign-in. The user name is the
/// account's name.
/// </summary>
public sealed class LedgerUser : IdentityUser, ISealed
{
    public string Role { get; set; } = "";
    public string Region { get; set; } = "";
    public bool IsClosed { get; set; }

    /// <summary>The password was given out by somebody else: nothing but changing it is possible.</summary>
    public bool MustChangePassword { get; set; }

    /// <summary>How far its person has been shown what others did to the account: the version of its stream.</summary>
    public int SeenVersion { get; set; }
    public string Seal { get; set; } = "";
}

/// <summary>
/// A signed-in device. Of the refresh token only the SHA-256 is kept, and that of the one before it: whoever brings
/// that has a copy.
/// </summary>
public sealed class Session : ISealed
{
    public Guid Id { get; set; }
    public string UserId { get; set; } = "";

    /// <summary>The account whose role was delegated to this user; null: his own.</summary>
    public string? DelegatedFrom { get; set; }
    public string TokenHash { get; set; } = "";
    public string? PreviousHash { get; set; }
    public string Address { get; set; } = "";
    public string Agent { get; set; } = "";
    public DateTimeOffset StartedAt { get; set; }
    public DateTimeOffset UsedAt { get; set; }
    public DateTimeOffset ExpiresAt { get; set; }
    public DateTimeOffset? EndedAt { get; set; }
    public string Seal { get; set; } = "";

    /// <summary>
    /// The seal over when it began and ends, at the latest; empty: a node of an earlier build wrote it.
    /// </summary>
    public string TimeSeal { get; set; } = "";
}

/// <summary>Identity's store; an authenticator's key and recovery codes lie in it encrypted.</summary>
public sealed class LedgerUserStore(AccountsContext context, CredentialSeal seal, IdentityErrorDescriber describer)
    : UserOnlyStore<
        LedgerUser,
        AccountsContext,
        string,
        IdentityUserClaim<string>,
        IdentityUserLogin<string>,
        SecondFactor
    >(context, describer)
{
    public override Task SetTokenAsync(
        LedgerUser user,
        string loginProvider,
        string name,
        string? value,
        CancellationToken cancellationToken
    ) =>
        base.SetTokenAsync(
            user,
            loginProvider,
            name,
            value is null ? null : seal.Hide(value, user.Id, name),
            cancellationToken
        );

    public override async Task<string?> GetTokenAsync(
        LedgerUser user,
        string loginProvider,
        string name,
        CancellationToken cancellationToken
    ) => seal.Show(await base.GetTokenAsync(user, loginProvider, name, cancellationToken), user.Id, name);
}

/// <summary>
/// ASP.NET Core Identity's tables and the sessions, in a schema of their own: mapped here, made by a migration of
/// Ledger.Store.
/// </summary>
public sealed class AccountsContext(DbContextOptions<AccountsContext> options, CredentialSeal seal)
    : IdentityUserContext<LedgerUser, string, IdentityUserClaim<string>, IdentityUserLogin<string>, SecondFactor>(
        options
    )
{
    public const string Schema = "accounts";

    public DbSet<Session> Sessions => Set<Session>();

    /// <summary>Sessions that were ended, and whose rows say that they were not.</summary>
    public IQueryable<Session> Ended() =>
        Sessions
            .FromSqlRaw($"""select s.* from {Schema}."Sessions" s where s."EndedAt" is null and {Spent.HasEnded}""")
            .AsNoTracking();

    /// <summary>Signs a user out of every device.</summary>
    /// <param name="andDelegates">And those who act for him: what lets him in, or his role, is another now.</param>
    public async Task EndSessionsAsync(string user, bool andDelegates, DateTimeOffset now)
    {
        await Sessions
            .Where(s => s.EndedAt == null && (s.UserId == user || (andDelegates && s.DelegatedFrom == user)))
            .ExecuteUpdateAsync(s => s.SetProperty(x => x.EndedAt, now));
        await SpendAsync(Spent.Sessions(user), now, now + Spent.Time);
        if (andDelegates)
            await SpendAsync(Spent.Delegated(user), now, now + Spent.Time);
    }

    /// <summary>False: it was spent already.</summary>
    public async Task<bool> SpendAsync(string what, DateTimeOffset at, DateTimeOffset until) =>
        await Database.ExecuteSqlRawAsync(Spent.Insert, what, at, until) > 0;

    /// <summary>
    /// What the product changes of a credential it seals anew. A row that somebody else edited stays without a seal
    /// that holds, whatever besides is written in it.
    /// </summary>
    public override Task<int> SaveChangesAsync(
        bool acceptAllChangesOnSuccess,
        CancellationToken cancellationToken = default
    )
    {
        foreach (var row in ChangeTracker.Entries<ISealed>())
            if (
                row.State == EntityState.Added
                || row.State == EntityState.Modified
                    && seal.Of((ISealed)row.OriginalValues.ToObject()) != seal.Of(row.Entity)
            )
                row.Entity.Seal = seal.Of(row.Entity);
        // Who changes them has looked at them: see SignIn.RefreshAsync.
        foreach (var row in ChangeTracker.Entries<Session>())
            if (row.State == EntityState.Added || row.Property(s => s.ExpiresAt).IsModified)
                row.Entity.TimeSeal = seal.OfTimes(row.Entity);
        return base.SaveChangesAsync(acceptAllChangesOnSuccess, cancellationToken);
    }

    /// <summary>
    /// Tables that an earlier build made: what came to them since, and seals for what lacks them; as their owner,
    /// before the migrations, which make the tables where there are none.
    /// </summary>
    public static async Task UpgradeAsync(NpgsqlDataSource owner, CredentialSeal seal)
    {
        await using var context = new AccountsContext(
            new DbContextOptionsBuilder<AccountsContext>().UseNpgsql(owner).Options,
            seal
        );
        await using var connection = await owner.OpenConnectionAsync();
        if (
            (
                await connection.QueryAsync(
                    $"select to_regclass('{Schema}.\"Sessions\"') is null",
                    r => r.GetBoolean(0)
                )
            ).Single()
        )
            return;
        var areTimed = await HasColumnAsync(connection, nameof(Session.TimeSeal));
        await connection.ExecuteAsync(Changes);
        await SealAsync(connection, context, seal);
        if (!areTimed)
            await SealTimesAsync(connection, context, seal);
        await HideAsync(connection, context, seal);
    }

    /// <summary>
    /// Second factors that an earlier build wrote in clear; what somebody edited stays as it is, and opens nothing.
    /// </summary>
    private static async Task HideAsync(NpgsqlConnection connection, AccountsContext context, CredentialSeal seal)
    {
        await using var transaction = await connection.BeginTransactionAsync();
        await Credentials.JoinAsync(context, transaction);
        foreach (var factor in await context.UserTokens.ToListAsync())
            if (factor.Value is { } value && factor.Seal == seal.Of(factor))
                factor.Value = seal.Hide(value, factor.UserId, factor.Name);
        await context.SaveChangesAsync();
        await transaction.CommitAsync();
    }

    /// <summary>
    /// Once, for tables from before the seals: what lets somebody in is as good as it was.
    /// </summary>
    private static async Task SealAsync(NpgsqlConnection connection, AccountsContext context, CredentialSeal seal)
    {
        if (await HasColumnAsync(connection, nameof(ISealed.Seal)))
            return;
        await using var transaction = await connection.BeginTransactionAsync();
        foreach (var table in new[] { "AspNetUsers", "AspNetUserTokens", "Sessions" })
            await connection.ExecuteAsync(
                $"""alter table {Schema}."{table}" add column "Seal" text not null default ''"""
            );
        await Credentials.JoinAsync(context, transaction);
        ISealed[] rows =
        [
            .. await context.Users.ToListAsync(),
            .. await context.UserTokens.ToListAsync(),
            .. await context.Sessions.ToListAsync(),
        ];
        foreach (var row in rows)
            row.Seal = seal.Of(row);
        await context.SaveChangesAsync();
        await transaction.CommitAsync();
    }

    /// <summary>Once, for sessions from before their times were sealed: they go on.</summary>
    private static async Task SealTimesAsync(NpgsqlConnection connection, AccountsContext context, CredentialSeal seal)
    {
        await using var transaction = await connection.BeginTransactionAsync();
        await Credentials.JoinAsync(context, transaction);
        foreach (var session in await context.Sessions.Where(s => s.EndedAt == null).ToListAsync())
            if (session.Seal == seal.Of(session))
                session.TimeSeal = seal.OfTimes(session);
        await context.SaveChangesAsync();
        await transaction.CommitAsync();
    }

    private static async Task<bool> HasColumnAsync(NpgsqlConnection connection, string column) =>
        (
            await connection.QueryAsync(
                $"""
                select exists (select from information_schema.columns
                                where table_schema = '{Schema}' and column_name = @column)
                """,
                r => r.GetBoolean(0),
                ("column", column)
            )
        ).Single();

    /// <summary>What came after the first version of the tables; each statement may run any number of times.</summary>
    private const string Changes = $"""
        alter table {Schema}."AspNetUsers" add column if not exists "SeenVersion" int not null default 0;
        alter table {Schema}."Sessions" add column if not exists "TimeSeal" text not null default '';
        """;

    protected override void OnModelCreating(ModelBuilder builder)
    {
        base.OnModelCreating(builder);
        builder.Entity<LedgerUser>().Property(u => u.SeenVersion).HasDefaultValue(0);
        builder.Entity<LedgerUser>().Property(u => u.Seal).HasDefaultValue("");
        builder.Entity<SecondFactor>().Property(f => f.Seal).HasDefaultValue("");
        builder.HasDefaultSchema(Schema);
        builder.Entity<Session>(session =>
        {
            session.ToTable("Sessions");
            session.Property(s => s.Seal).HasDefaultValue("");
            session.Property(s => s.TimeSeal).HasDefaultValue("");
            session.HasIndex(s => s.TokenHash).IsUnique();
            session.HasIndex(s => s.PreviousHash);
            session.HasIndex(s => s.UserId);
            session.HasOne<LedgerUser>().WithMany().HasForeignKey(s => s.UserId);
        });
    }
}

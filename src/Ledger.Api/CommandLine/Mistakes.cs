using System.Net.Sockets;
using System.Text.Json;
using Microsoft.AspNetCore.Connections;
using Npgsql;

namespace Ledger.Api.CommandLine;

/// <summary>
/// What an operator is told instead of a stack trace, and the exit code; null where the fault is ours.
/// </summary>
public static class Mistakes
{
    public static (int Exit, string Words)? Of(Exception e) =>
        e switch
        {
            OperationException o => (o.Exit, o.Message),
            PostgresException
            {
                SqlState: PostgresErrorCodes.InvalidPassword or PostgresErrorCodes.InvalidAuthorizationSpecification
            } p => (
                ExitCodes.Failed,
                $"数据库不接受用户名或密码（{p.MessageText}）；请核对 ConnectionStrings:Ledger。"
                    + "The database refuses the user or the password."
            ),
            PostgresException { SqlState: PostgresErrorCodes.InvalidCatalogName } p => (
                ExitCodes.Failed,
                $"没有这个数据库（{p.MessageText}）；请由 DBA 建立，或核对 ConnectionStrings:Ledger。There is no such database."
            ),
            PostgresException { SqlState: PostgresErrorCodes.InsufficientPrivilege } p => (
                ExitCodes.Failed,
                $"数据库角色没有所需的权限（{p.MessageText}）；该命令须以所有者连接：ConnectionStrings:LedgerOwner。"
                    + "The database role may not do this."
            ),
            PostgresException
            {
                SqlState: PostgresErrorCodes.CannotConnectNow or PostgresErrorCodes.TooManyConnections
            } p => (
                ExitCodes.Unreachable,
                $"数据库暂时不能应答（{p.MessageText}）；请稍后再试。The database cannot answer now: try again."
            ),
            NpgsqlException { InnerException: SocketException or TimeoutException or IOException } n => (
                ExitCodes.Unreachable,
                $"连不上数据库（{n.Message}）；请确认它在运行，并核对 ConnectionStrings:Ledger 的主机和端口。The database cannot be reached."
            ),
            IOException { InnerException: AddressInUseException } => (
                ExitCodes.Failed,
                $"端口已被占用：{e.Message} 请停掉占用的程序，或用 --urls 换一个端口。The port is taken: choose another with --urls."
            ),
            SocketException s => (
                ExitCodes.Failed,
                $"不能监听或连接（{s.Message}）；请核对 --urls。It cannot listen or connect: see --urls."
            ),
            InvalidDataException { InnerException: FormatException or JsonException } d => (
                ExitCodes.Misused,
                $"设置文件无法读取（{d.Message} {d.InnerException?.Message}）；请改正后再启动。A settings file cannot be read."
            ),
            UnauthorizedAccessException or IOException => (
                ExitCodes.Failed,
                $"文件或目录不能读写（{e.Message}）；请换一个位置，或改正权限。A file or folder cannot be read or written."
            ),
            { InnerException: { } inner } => Of(inner),
            _ => null,
        };
}

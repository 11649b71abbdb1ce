using Microsoft.Extensions.Logging;

namespace Conclave.Node.Auth;

internal static partial class Log
{
    [LoggerMessage(2601, LogLevel.Information, "allowed: user {User}, {Method}{Subject}, from {Peer}{Result}")]
    public static partial void AuditAllowed(this ILogger logger, string user, string method, string subject, string peer, string result);

    [LoggerMessage(2602, LogLevel.Warning, "denied: user {User}, {Method}{Subject}, from {Peer}: {Why}")]
    public static partial void AuditDenied(this ILogger logger, string user, string method, string subject, string peer, string why);

    [LoggerMessage(2607, LogLevel.Information, "secrets revealed: user {User}, {Method}{Documents}, from {Peer}")]
    public static partial void AuditRevealed(this ILogger logger, string user, string method, string documents, string peer);

    [LoggerMessage(2603, LogLevel.Warning, "not known whether done: user {User}, {Method}{Subject}, from {Peer}")]
    public static partial void AuditUnknown(this ILogger logger, string user, string method, string subject, string peer);

    [LoggerMessage(2604, LogLevel.Information, "login: user {User}, from {Peer}")]
    public static partial void AuditLogin(this ILogger logger, string user, string peer);

    [LoggerMessage(2605, LogLevel.Warning, "login refused: user {User}, from {Peer}: {Why}")]
    public static partial void AuditLoginRefused(this ILogger logger, string user, string peer, string why);

    [LoggerMessage(2606, LogLevel.Warning, "{Count} lines were left out: about callers who were not recognised, could not log in, or were denied again and again")]
    public static partial void AuditPassedOver(this ILogger logger, int count);
}

using Microsoft.Extensions.Logging;

namespace Conclave.Node.Http;

internal static partial class Log
{
    [LoggerMessage(6101, LogLevel.Information, "Serving clients on {EndPoint}.")]
    public static partial void Listening(this ILogger logger, System.Net.EndPoint endPoint);

    [LoggerMessage(6102, LogLevel.Error, "{Method} called by {Peer} failed in a way it should not; the caller got code Internal.")]
    public static partial void HandlerFailed(this ILogger logger, Exception exception, string method, string peer);

    [LoggerMessage(6103, LogLevel.Error, "GET {Path} failed in a way it should not; the caller got status 500.")]
    public static partial void PlainHandlerFailed(this ILogger logger, Exception exception, string path);

    [LoggerMessage(6104, LogLevel.Warning, "Accepting connections on {EndPoint} failed; trying again.")]
    public static partial void AcceptFailed(this ILogger logger, Exception exception, System.Net.EndPoint endPoint);

    [LoggerMessage(6105, LogLevel.Debug, "A connection from {Peer} ended before its protocol was known.")]
    public static partial void UnsortedConnection(this ILogger logger, Exception? exception, System.Net.EndPoint? peer);

    [LoggerMessage(6106, LogLevel.Warning, "Refused a client at {Peer}: {Problem}.")]
    public static partial void ClientRefused(this ILogger logger, System.Net.EndPoint? peer, string problem);
}

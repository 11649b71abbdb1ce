using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace Conclave.Node.Http.Port;

/// <summary>Puts <see cref="WatchedPipeReader"/> before Kestrel's HTTP/2.</summary>
internal static class AuthorityRepairConnection
{
    /// <summary>For every connection of an endpoint that speaks HTTP/2 only, or over TLS has agreed on it. Comes after <c>UseHttps</c>.</summary>
    public static void UseAuthorityRepair(this ListenOptions listen) => listen.Use(next => connection =>
        IsHttp2(listen, connection) ? ServeAsync(next, connection) : next(connection));

    /// <summary>Comes after <c>UseHttps</c>.</summary>
    public static bool IsHttp2(ListenOptions listen, ConnectionContext connection) => listen.Protocols == HttpProtocols.Http2
        || connection.Features.Get<ITlsApplicationProtocolFeature>()?.ApplicationProtocol.Span.SequenceEqual("h2"u8) == true;

    private static async Task ServeAsync(ConnectionDelegate next, ConnectionContext connection)
    {
        IDuplexPipe transport = connection.Transport;
        connection.Transport = new WatchedTransport(new WatchedPipeReader(transport.Input), transport.Output);
        try
        {
            await next(connection);
        }
        finally
        {
            connection.Transport = transport;
        }
    }

    private sealed record WatchedTransport(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}

using System.IO.Pipelines;
using System.Net;
using System.Net.Security;
using Conclave.Node.Http.Limits;
using Conclave.Node.Tls;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace Conclave.Node.Http.Port;

/// <summary>Who the client of a connection is, by its verified certificate. A feature of the connection.</summary>
/// <param name="CommonName">Null when the certificate names nobody.</param>
internal sealed record CertifiedClient(string? CommonName);

/// <summary>Puts TLS before Kestrel's protocols.</summary>
internal static class TlsPort
{
    private const byte HandshakeRecord = 0x16;

    private static readonly string[] Methods = ["GET ", "POST", "PUT ", "HEAD", "OPTI", "DELE", "PATC"];

    /// <summary>For an endpoint that speaks TLS and nothing else.</summary>
    /// <param name="listen">The endpoint.</param>
    /// <param name="handshake">What to do each handshake with, by the address of the caller.</param>
    /// <param name="options">How long a handshake may take, and whether certificates name users.</param>
    /// <param name="refusals">Counts handshakes that fail.</param>
    public static void UseTls(this ListenOptions listen, Func<EndPoint?, SslServerAuthenticationOptions> handshake, ClientListenerOptions options, ClientRefusals refusals)
    {
        listen.Use(next => connection => OuterAsync(next, connection, options, refusals));
        listen.UseHttps(new TlsHandshakeCallbackOptions
        {
            HandshakeTimeout = options.HandshakeTimeout,
            OnConnection = context => ValueTask.FromResult(handshake(context.Connection.RemoteEndPoint)),
        });
        listen.Use(next => connection =>
        {
            connection.Features.Get<Handshake>()!.IsDone = true;   // not null: set before TLS began
            if (options.CertificatesNameUsers && connection.Features.Get<ITlsConnectionFeature>()?.ClientCertificate is { } certificate)
                connection.Features.Set(new CertifiedClient(CommonName.Of(certificate)));
            return next(connection);
        });
    }

    private static async Task OuterAsync(ConnectionDelegate next, ConnectionContext connection, ClientListenerOptions options, ClientRefusals refusals)
    {
        if (!await BeginsWithTlsAsync(connection, options))
        {
            refusals.Say(RefusalReason.Handshake, connection.RemoteEndPoint, "it does not speak TLS, and this address does: dial https://");
            return;
        }

        var state = new Handshake();
        connection.Features.Set(state);
        try
        {
            await next(connection);
        }
        finally
        {
            if (!state.IsDone) refusals.Count(RefusalReason.Handshake);   // Kestrel swallows why; a bad certificate is said by who judges it
        }
    }

    /// <summary>Looks at the first byte. A client that talks HTTP/1 in the clear is told, as Go's server does; nothing else could be read by it.</summary>
    private static async ValueTask<bool> BeginsWithTlsAsync(ConnectionContext connection, ClientListenerOptions options)
    {
        using var limit = new CancellationTokenSource(options.HandshakeTimeout, options.Time);
        PipeReader input = connection.Transport.Input;
        try
        {
            ReadResult result = await input.ReadAsync(limit.Token);
            if (result.Buffer.IsEmpty) return false;
            bool isTls = result.Buffer.FirstSpan[0] == HandshakeRecord;
            bool isHttp = Methods.Any(method => result.Buffer.FirstSpan.StartsWith(System.Text.Encoding.ASCII.GetBytes(method)));
            input.AdvanceTo(result.Buffer.Start);   // nothing is taken, and the next reader sees it at once
            if (isHttp) await connection.Transport.Output.WriteAsync("HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"u8.ToArray(), limit.Token);
            return isTls;
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or ConnectionAbortedException)
        {
            return false;   // silent, or gone
        }
    }

    private sealed class Handshake
    {
        public bool IsDone { get; set; }
    }
}

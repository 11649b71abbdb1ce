using System.Net;
using System.Net.Security;
using Conclave.Node.Http.Limits;
using Conclave.Node.Options;
using Conclave.Wire.Grpc;

namespace Conclave.Node.Http;

/// <summary>One address to listen on.</summary>
/// <param name="EndPoint">Port 0 takes a free one.</param>
/// <param name="Tls">
/// Null serves cleartext: HTTP/2 with prior knowledge and HTTP/1.1 on one port. Set, both go over TLS by ALPN, and this says what a handshake with
/// the caller at an address is done with.
/// </param>
public sealed record ListenAddress(IPEndPoint EndPoint, Func<EndPoint?, SslServerAuthenticationOptions>? Tls = null);

/// <summary>What the client port needs to know.</summary>
public sealed record ClientListenerOptions
{
    /// <summary>At least one.</summary>
    public required IReadOnlyList<ListenAddress> Addresses { get; init; }

    /// <summary>Largest gRPC message accepted, in bytes. Default 2,097,152, as etcd.</summary>
    public int ReceiveBytesMax { get; init; } = GrpcFrame.ReceiveBytesMaxDefault;

    /// <summary>Largest JSON body of a call, in bytes. Default 8 MiB: base64 and quoting take more room than the message.</summary>
    public int JsonBytesMax { get; init; } = 8 * 1024 * 1024;

    /// <summary>How long a new cleartext connection may say nothing. Default 10 s.</summary>
    public TimeSpan FirstBytesTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Connections that have not said anything yet, at most; beyond it the oldest is closed. Default 1,024.</summary>
    public int SilentConnectionsMax { get; init; } = 1024;

    /// <summary>How long a TLS handshake may take. Default 10 s.</summary>
    public TimeSpan HandshakeTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>The common name of a client's certificate is the name of its user: see <see cref="RpcContext.CertificateName"/>. Default false.</summary>
    public bool CertificatesNameUsers { get; init; }

    /// <summary>Counts clients that are turned away; null makes one.</summary>
    public ClientRefusals? Refusals { get; init; }

    /// <summary>Quotas, bounds and pings.</summary>
    public LimitOptions Limits { get; init; } = new();

    /// <summary>How long the headers of a request may take to arrive. Default 10 s.</summary>
    public TimeSpan HeadersTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>In each such time as much of a message has to arrive as <see cref="BodyBytesPerSecondMin"/> says, or its end. Default 10 s.</summary>
    public TimeSpan BodyGrace { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Slowest pace of a message. Default 1,024.</summary>
    public int BodyBytesPerSecondMin { get; init; } = 1024;

    /// <summary>How long a whole message may take to arrive, at whatever pace. Default 60 s.</summary>
    public TimeSpan BodyTimeMax { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>An answer above 64 KiB of which the client takes less than that in so long is given up. Default 30 s; it may become a quarter more.</summary>
    public TimeSpan AnswerPatience { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long a read waits for room for its answer, if its deadline is not sooner. Default 30 s.</summary>
    public TimeSpan AnswerWait { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Value of <c>Access-Control-Allow-Origin</c> on JSON answers. Default any.</summary>
    public string CorsOrigin { get; init; } = "*";

    /// <summary>Clock of deadlines and durations.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Told about every call; null tells nobody.</summary>
    public IRpcObserver? Observer { get; init; }

    /// <summary>All that is wrong with these options; empty when they can be used.</summary>
    public IEnumerable<string> Problems()
    {
        if (Addresses.Count == 0)
            yield return "No address to listen on; give at least one.";
        if (ReceiveBytesMax < 1024)
            yield return $"ReceiveBytesMax is {ReceiveBytesMax}; use 1024 or more.";
        if (JsonBytesMax < 1024)
            yield return $"JsonBytesMax is {JsonBytesMax}; use 1024 or more.";
        if (SilentConnectionsMax < 1)
            yield return $"SilentConnectionsMax is {SilentConnectionsMax}; use 1 or more.";
        if (FirstBytesTimeout <= TimeSpan.Zero)
            yield return $"FirstBytesTimeout is {FirstBytesTimeout}; use more than zero.";
        if (HandshakeTimeout <= TimeSpan.Zero || HeadersTimeout <= TimeSpan.Zero || BodyGrace <= TimeSpan.Zero || BodyBytesPerSecondMin < 1)
            yield return $"HandshakeTimeout is {HandshakeTimeout}, HeadersTimeout {HeadersTimeout}, BodyGrace {BodyGrace} and BodyBytesPerSecondMin {BodyBytesPerSecondMin}; use more than zero for each.";
        if (BodyTimeMax <= TimeSpan.Zero || AnswerPatience <= TimeSpan.Zero)
            yield return $"BodyTimeMax is {BodyTimeMax} and AnswerPatience {AnswerPatience}; use more than zero for both.";
        if (AnswerWait < TimeSpan.Zero)
            yield return $"AnswerWait is {AnswerWait}; use zero or more.";
        foreach (string problem in Limits.Problems())
            yield return problem;
    }
}

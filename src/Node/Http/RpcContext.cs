using Conclave.Node.Http.Limits;
using Conclave.Wire.Grpc;

namespace Conclave.Node.Http;

/// <summary>What a handler may know about one call: who calls, with what metadata, and until when.</summary>
/// <remarks>One per call and never reused, so a handler may keep it. Members may be used from any thread.</remarks>
public abstract class RpcContext
{
    /// <summary>The method called.</summary>
    public abstract RpcMethod Method { get; }

    /// <summary>
    /// Cancelled when the client went away, its deadline passed, or the server stops. Whatever a handler throws because of it
    /// is answered by <see cref="CancellationStatus"/>. Made on first use: a handler that never waits should not touch it.
    /// </summary>
    public abstract CancellationToken Cancellation { get; }

    /// <summary>The status that fits the reason of the cancellation, for a handler that wants to throw it itself.</summary>
    public abstract GrpcStatus CancellationStatus { get; }

    /// <summary>Time the client gave the whole call; null without a deadline.</summary>
    public abstract TimeSpan? Timeout { get; }

    /// <summary>Address and port of the caller, for logs.</summary>
    public abstract string Peer { get; }

    /// <summary>
    /// Common name of the caller's certificate; null without a certificate that was verified, without a name in it, and unless --client-cert-auth
    /// says that names in certificates are names of users.
    /// </summary>
    public virtual string? CertificateName => null;

    /// <summary>What the caller's address holds of what all clients share; null when nobody called over the port.</summary>
    internal virtual ClientShare? Share => null;

    /// <summary>True when the call came as JSON over HTTP.</summary>
    public abstract bool ViaGateway { get; }

    /// <summary>What is known of the write that was asked for; a failed answer says it in the trailer <c>conclave-outcome</c>.</summary>
    public WriteOutcome Outcome { get; set; }

    /// <summary>True when the handler is run again, because there was no room for its answer before: see <see cref="RpcMethod.IsRead"/>.</summary>
    internal virtual bool IsRepeat => false;

    /// <summary>Whether the audit has a line that the read was allowed.</summary>
    internal bool IsReadAudited { get; set; }

    /// <summary>Request metadata by key.</summary>
    /// <param name="key">Lower case, e.g. <c>token</c>.</param>
    /// <returns>Null when the caller did not send it; of several values the first, as etcd takes it.</returns>
    public abstract string? Metadata(string key);

    /// <summary>True when the caller asked (<c>hasleader: true</c>) to be refused rather than served without a leader.</summary>
    public bool RequiresLeader => Metadata("hasleader") == "true";

    /// <summary>The authentication token: <c>token</c>, else <c>authorization</c> without its <c>Bearer </c>; null without either.</summary>
    public string? Token
    {
        get
        {
            const string bearer = "Bearer ";
            if (Metadata("token") is { Length: > 0 } token)
                return token;
            return Metadata("authorization") is not { Length: > 0 } authorization ? null
                : authorization.StartsWith(bearer, StringComparison.Ordinal) ? authorization[bearer.Length..]
                : authorization;
        }
    }
}

using Conclave.Wire.Grpc;

namespace Conclave.Client.Rpc;

/// <summary>How far a failed call got. Decides whether a write may be sent again.</summary>
public enum RequestFate
{
    /// <summary>No byte of the message left this process: the server has certainly not acted on it.</summary>
    NotSent,

    /// <summary>The server answered with a status.</summary>
    Answered,

    /// <summary>The message left, or may have left, and no answer came.</summary>
    Unanswered,
}

/// <summary>What the server said of a write that failed. Only Conclave says it.</summary>
public enum ServerOutcome
{
    /// <summary>Nothing.</summary>
    NotSaid,

    /// <summary>It was not carried out and will not be.</summary>
    Refused,

    /// <summary>It may have been carried out, or may be still.</summary>
    Unknown,
}

/// <summary>A call that ended without success, as the transport saw it.</summary>
public sealed class RpcException(GrpcCode code, string message, Uri endpoint, RequestFate fate, Exception? inner = null)
    : Exception(message, inner)
{
    /// <summary>gRPC status code: the server's, or for a transport failure the one that fits it.</summary>
    public GrpcCode Code { get; } = code;

    /// <summary>The endpoint the call went to.</summary>
    public Uri Endpoint { get; } = endpoint;

    /// <summary>How far the request got.</summary>
    public RequestFate Fate { get; } = fate;

    /// <summary>What the server said of the write; <see cref="ServerOutcome.NotSaid"/> by servers other than Conclave, and of reads.</summary>
    public ServerOutcome Outcome { get; init; }

    /// <summary>When the server wants to be asked again, if it said so; it has not carried the call out then.</summary>
    public TimeSpan? RetryAfter { get; init; }
}

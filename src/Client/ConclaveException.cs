using Conclave.Client.Rpc;
using Conclave.Wire.Grpc;

namespace Conclave.Client;

/// <summary>A call failed. Subclasses name the cases a program usually handles; for the rest look at <see cref="Code"/>.</summary>
/// <param name="code">gRPC status code.</param>
/// <param name="message">The server's own text where it answered.</param>
/// <param name="endpoint">The endpoint asked last.</param>
/// <param name="cause">What the transport reported.</param>
public class ConclaveException(GrpcCode code, string message, Uri? endpoint = null, Exception? cause = null) : Exception(message, cause)
{
    /// <summary>gRPC status code: the server's, or for a transport failure the one that fits it.</summary>
    public GrpcCode Code { get; } = code;

    /// <summary>The endpoint asked last, or null when none was.</summary>
    public Uri? Endpoint { get; } = endpoint;

    internal static ConclaveException Of(RpcException failure, bool writes) => Judged(failure, Certainty.MayHaveBeenApplied(failure, writes));

    /// <summary>Of a failure that was judged already.</summary>
    internal static ConclaveException Judged(RpcException failure, bool mayHaveBeenApplied)
    {
        (GrpcCode code, string message, Uri endpoint) = (failure.Code, failure.Message, failure.Endpoint);
        if (failure.Fate == RequestFate.Answered && new GrpcStatus(code, message) == EtcdErrors.Compacted)
            return new CompactedException(message, compactRevision: 0, endpoint, failure);
        if (mayHaveBeenApplied)
            return new OutcomeUnknownException(code, message, endpoint, failure);
        return code is GrpcCode.Unavailable or GrpcCode.DeadlineExceeded
            ? new UnavailableException(code, message, endpoint, failure)
            : new ConclaveException(code, message, endpoint, failure);
    }
}

/// <summary>The cluster could not be reached or did not answer in time, and nothing was changed: repeating the call is safe.</summary>
public sealed class UnavailableException(GrpcCode code, string message, Uri? endpoint = null, Exception? cause = null)
    : ConclaveException(code, message, endpoint, cause);

/// <summary>
/// A write left this process and no definite answer came: it may have been carried out, now or still later. Read to find out,
/// or repeat it only if doing it twice does no harm.
/// </summary>
public sealed class OutcomeUnknownException(GrpcCode code, string message, Uri? endpoint = null, Exception? cause = null)
    : ConclaveException(code, message, endpoint, cause);

/// <summary>The revision asked for is no longer kept. Read the current state and go on from there.</summary>
public sealed class CompactedException(string message, long compactRevision, Uri? endpoint = null, Exception? cause = null)
    : ConclaveException(GrpcCode.OutOfRange, message, endpoint, cause)
{
    /// <summary>Oldest revision that can still be watched; 0 when the server did not say (reads do not say it).</summary>
    public long CompactRevision { get; } = compactRevision;
}

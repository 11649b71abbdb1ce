using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using Conclave.Wire.Grpc;

namespace Conclave.Client.Rpc;

/// <summary>Turns what the HTTP stack reports into one <see cref="RpcException"/> with a gRPC code and a text a person can use.</summary>
internal static class RpcFailure
{
    /// <summary>The status the server ended the call with, or null for success.</summary>
    public static RpcException? OfStatus(HttpResponseMessage response, Uri endpoint)
    {
        if (Find(response, GrpcHeaders.Status) is not { } text)
        {
            return response.StatusCode == HttpStatusCode.OK && IsGrpc(response)
                ? new RpcException(GrpcCode.Internal, $"{endpoint.Authority} ended the call without a gRPC status.", endpoint, RequestFate.Unanswered)
                : OfHttpStatus(response, endpoint);
        }

        if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int code) || code > (int)GrpcCode.Unauthenticated)
            code = (int)GrpcCode.Unknown;
        if (code == 0) return null;
        string message = GrpcMessageText.Decode(Find(response, GrpcHeaders.Message) ?? "");
        if (message.Length == 0) message = $"The call failed with code {(GrpcCode)code}.";
        return new RpcException((GrpcCode)code, message, endpoint, RequestFate.Answered)
        {
            Outcome = Find(response, ConclaveMetadata.Outcome) switch
            {
                ConclaveMetadata.Refused => ServerOutcome.Refused,
                ConclaveMetadata.Unknown => ServerOutcome.Unknown,
                _ => ServerOutcome.NotSaid,
            },
            // Negative means never; then nothing is repeated for it, as without the hint.
            RetryAfter = int.TryParse(Find(response, GrpcHeaders.RetryPushback), NumberStyles.None, CultureInfo.InvariantCulture, out int milliseconds)
                ? TimeSpan.FromMilliseconds(milliseconds) : null,
        };
    }

    /// <summary>An answer that is not gRPC at all: a proxy, or a server of another kind on that port.</summary>
    private static RpcException OfHttpStatus(HttpResponseMessage response, Uri endpoint)
    {
        GrpcCode code = (int)response.StatusCode switch
        {
            400 => GrpcCode.Internal,
            401 => GrpcCode.Unauthenticated,
            403 => GrpcCode.PermissionDenied,
            404 => GrpcCode.Unimplemented,
            429 or 502 or 503 or 504 => GrpcCode.Unavailable,
            _ => GrpcCode.Unknown,
        };
        string type = response.Content.Headers.ContentType?.MediaType ?? "no content type";
        return new RpcException(code,
            $"{endpoint.Authority} answered HTTP {(int)response.StatusCode} ({type}) instead of gRPC. Check that this is a client port.",
            endpoint, RequestFate.Unanswered);
    }

    /// <param name="error">What the HTTP stack threw.</param>
    /// <param name="endpoint">Where the call went.</param>
    /// <param name="mayHaveLeft">Whether any byte of the message was handed to a connection.</param>
    public static RpcException OfTransport(Exception error, Uri endpoint, bool mayHaveLeft)
    {
        RequestFate fate = mayHaveLeft ? RequestFate.Unanswered : RequestFate.NotSent;
        string what = (error as HttpRequestException)?.HttpRequestError switch
        {
            HttpRequestError.NameResolutionError => $"The name {endpoint.Host} cannot be resolved.",
            HttpRequestError.SecureConnectionError => $"The TLS handshake with {endpoint.Authority} failed: {Innermost(error)}",
            HttpRequestError.ConnectionError => $"Cannot connect to {endpoint.Authority}: {Innermost(error)}",
            _ when error is OperationCanceledException && mayHaveLeft => $"{endpoint.Authority} ended the call without a word.",
            _ when error is OperationCanceledException => $"Cannot connect to {endpoint.Authority} in time.",
            HttpRequestError.ResponseEnded => $"The connection to {endpoint.Authority} was lost.",
            _ when error is HttpIOException { HttpRequestError: HttpRequestError.ResponseEnded } => $"The connection to {endpoint.Authority} was lost.",
            _ when mayHaveLeft => $"The connection to {endpoint.Authority} broke: {Innermost(error)}",
            _ => $"The call to {endpoint.Authority} could not be started: {Innermost(error)}",
        };
        return new RpcException(GrpcCode.Unavailable, what, endpoint, fate, error);
    }

    /// <summary>Whether an exception is one the HTTP stack raises for a lost or refused connection.</summary>
    public static bool IsTransport(Exception error) =>
        error is HttpRequestException or IOException or OperationCanceledException or ObjectDisposedException;

    public static RpcException OfFrame(GrpcReadStatus status, uint messageBytes, int messageBytesMax, Uri endpoint) => status switch
    {
        GrpcReadStatus.TooLarge => new RpcException(GrpcCode.ResourceExhausted,
            $"The answer has {messageBytes} bytes and this client accepts {messageBytesMax}. Ask for less at once, or raise ReceiveBytesMax.",
            endpoint, RequestFate.Unanswered),
        GrpcReadStatus.Compressed => Malformed("sent a compressed message that was not asked for.", endpoint),
        _ => Malformed("sent bytes that are not gRPC. Check that this is a client port.", endpoint),
    };

    public static RpcException Malformed(string what, Uri endpoint) =>
        new(GrpcCode.Internal, $"{endpoint.Authority} {what}", endpoint, RequestFate.Unanswered);

    public static bool IsGrpc(HttpResponseMessage response) =>
        response.Content.Headers.ContentType?.MediaType is { } type && GrpcHeaders.IsGrpcContentType(type);

    // A call refused at once carries its status in the headers, with no trailers after them.
    private static string? Find(HttpResponseMessage response, string name) =>
        First(response.TrailingHeaders, name) ?? First(response.Headers, name);

    private static string? First(HttpHeaders headers, string name)
    {
        if (!headers.NonValidated.TryGetValues(name, out HeaderStringValues values)) return null;
        foreach (string value in values) return value;
        return null;
    }

    private static string Innermost(Exception error)
    {
        while (error.InnerException is { } inner) error = inner;
        return error.Message;
    }
}

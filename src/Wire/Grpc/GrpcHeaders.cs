namespace Conclave.Wire.Grpc;

/// <summary>Names and fixed values of the HTTP headers that carry gRPC; names in lower case as HTTP/2 asks.</summary>
public static class GrpcHeaders
{
    public const string Status = "grpc-status";
    public const string Message = "grpc-message";
    public const string Timeout = "grpc-timeout";
    public const string Encoding = "grpc-encoding";
    public const string AcceptEncoding = "grpc-accept-encoding";

    /// <summary>Of a refused call: milliseconds after which it makes sense to come again.</summary>
    public const string RetryPushback = "grpc-retry-pushback-ms";
    public const string ContentType = "application/grpc";

    /// <summary>True for <c>application/grpc</c>, alone or followed by <c>+subtype</c> or <c>;parameter</c>; false for grpc-web.</summary>
    public static bool IsGrpcContentType(ReadOnlySpan<char> contentType) =>
        contentType.StartsWith(ContentType, StringComparison.OrdinalIgnoreCase)
        && (contentType.Length == ContentType.Length || contentType[ContentType.Length] is '+' or ';' or ' ');
}

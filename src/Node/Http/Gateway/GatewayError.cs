using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using Conclave.Wire.Grpc;
using Microsoft.AspNetCore.WebUtilities;

namespace Conclave.Node.Http.Gateway;

/// <summary>Statuses as the gateway shows them: an HTTP status and a JSON body that readers of etcd 3.4 to 3.6 all understand.</summary>
internal static class GatewayError
{
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static int HttpStatus(GrpcCode code) => code switch
    {
        GrpcCode.OK => 200,
        GrpcCode.Canceled => 499,
        GrpcCode.InvalidArgument or GrpcCode.FailedPrecondition or GrpcCode.OutOfRange => 400,
        GrpcCode.Unauthenticated => 401,
        GrpcCode.PermissionDenied => 403,
        GrpcCode.NotFound => 404,
        GrpcCode.AlreadyExists or GrpcCode.Aborted => 409,
        GrpcCode.ResourceExhausted => 429,
        GrpcCode.Unimplemented => 501,
        GrpcCode.Unavailable => 503,
        GrpcCode.DeadlineExceeded => 504,
        _ => 500,
    };

    /// <summary><c>{"error":text,"message":text,"code":number}</c></summary>
    public static void WriteBody(in GrpcStatus status, IBufferWriter<byte> output)
    {
        using var writer = new Utf8JsonWriter(output, Options);
        writer.WriteStartObject();
        writer.WriteString("error"u8, status.Message);
        writer.WriteString("message"u8, status.Message);
        writer.WriteNumber("code"u8, (int)status.Code);
        writer.WriteEndObject();
    }

    /// <summary>The last line of a stream that failed after its first message, with the members of etcd 3.4 and of 3.6.</summary>
    public static void WriteLine(in GrpcStatus status, IBufferWriter<byte> output)
    {
        int http = HttpStatus(status.Code);
        using (var writer = new Utf8JsonWriter(output, Options))
        {
            writer.WriteStartObject();
            writer.WriteStartObject("error"u8);
            writer.WriteNumber("grpc_code"u8, (int)status.Code);
            writer.WriteNumber("http_code"u8, http);
            writer.WriteString("message"u8, status.Message);
            writer.WriteString("http_status"u8, ReasonPhrases.GetReasonPhrase(http));
            writer.WriteNumber("code"u8, (int)status.Code);
            writer.WriteEndObject();
            writer.WriteEndObject();
        }

        output.Write("\n"u8);
    }
}

using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace Conclave.Wire.Json;

/// <summary>Protobuf messages to and from the JSON of etcd's gateway, by descriptor.</summary>
/// <remarks>
/// <para>In: 64-bit numbers exact, bare or quoted; bytes in standard or URL-safe base64, padded or not; enums by name or number;
/// proto names and camelCase names; unknown fields skipped; null is unset. Nothing, <c>null</c> and <c>{}</c> are the empty message.</para>
/// <para>Out: proto names, values at their default left out, 64-bit numbers quoted, 32-bit ones bare, enums by proto name.</para>
/// <para>Google.Protobuf's own JsonParser is not used: it reads numbers as doubles, and lease ids above 2^53 would lose bits.
/// Well-known types (Timestamp, Any, ...) get no special form: they are messages like any other.</para>
/// </remarks>
public static class JsonTranscoder
{
    /// <summary>Nesting of JSON objects and arrays that is still accepted.</summary>
    public const int DepthMax = 128;

    private static readonly JsonReaderOptions ReaderOptions = new() { MaxDepth = DepthMax };

    /// <summary>Reads one JSON value that must be the whole of <paramref name="json"/>.</summary>
    /// <param name="json">UTF-8. The caller bounds its length.</param>
    /// <param name="descriptor">Type of the message.</param>
    /// <param name="message">A new message.</param>
    /// <param name="error">What is wrong, for the caller of the API; empty on success.</param>
    public static bool TryParse(
        ReadOnlySpan<byte> json, MessageDescriptor descriptor, [NotNullWhen(true)] out IMessage? message, out string error)
    {
        (message, error) = (null, "");
        try
        {
            IMessage parsed = JsonMessageReader.NewMessage(descriptor);
            if (json.IndexOfAnyExcept(" \t\r\n"u8) >= 0)
            {
                var reader = new JsonMessageReader(new Utf8JsonReader(json, ReaderOptions));
                reader.ReadAll(parsed);
            }

            message = parsed;
            return true;
        }
        catch (JsonException e)
        {
            error = e.Message;
            return false;
        }
    }

    /// <summary>Writes a message as one JSON object, without spaces or line feeds.</summary>
    public static void Write(IMessage message, IBufferWriter<byte> utf8)
    {
        using var writer = new Utf8JsonWriter(utf8, JsonMessageWriter.Options);
        JsonMessageWriter.Write(message, writer);
    }
}

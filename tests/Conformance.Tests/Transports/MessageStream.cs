using System.Text.Json.Nodes;
using Google.Protobuf;

namespace Conclave.Conformance.Tests.Transports;

/// <summary>A streaming call.</summary>
internal abstract class MessageStream : IDisposable
{
    /// <summary>What came: a message, or how the stream ended.</summary>
    /// <param name="Seen">As JSON.</param>
    /// <param name="Message">Null at the end.</param>
    public sealed record Incoming(JsonNode Seen, IMessage? Message);

    /// <summary>Sends one more request.</summary>
    public abstract Task SendAsync(IMessage request);

    /// <summary>Says that no more requests follow.</summary>
    public abstract Task EndRequestsAsync();

    /// <summary>Waits for the next message or the end.</summary>
    public abstract Task<Incoming> NextAsync(CancellationToken cancellationToken);

    public abstract void Dispose();
}

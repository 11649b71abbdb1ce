using System.Text.Json.Nodes;
using Google.Protobuf;

namespace Conclave.Conformance.Tests.Suite;

/// <summary>What came back for one call.</summary>
/// <param name="Seen">Everything a client can see, as JSON.</param>
/// <param name="Message">The response; null when the call failed.</param>
internal sealed record Answer(JsonObject Seen, IMessage? Message)
{
    public bool Succeeded => Message is not null;

    /// <summary>The response of a call that cannot go on without it.</summary>
    /// <exception cref="CaseBrokenException">It failed.</exception>
    public T As<T>() where T : class, IMessage => Message as T ?? throw new CaseBrokenException($"{typeof(T).Name} was needed, but there is only {Seen.ToJsonString()}");
}

/// <summary>A case cannot go on, because a step that the next ones need did not work. The transcript tells as far as it got.</summary>
internal sealed class CaseBrokenException(string message) : Exception(message);

using Conclave.Conformance.Tests.Suite;
using Google.Protobuf;

namespace Conclave.Conformance.Tests.Transports;

/// <summary>A way to call one server. The same request gives the same message on every transport, whatever it looks like on the wire.</summary>
internal interface ITransport : IDisposable
{
    /// <summary>Calls and waits for the answer; a cancelled call ends like that of a client that goes away.</summary>
    Task<Answer> CallAsync(Rpc rpc, IMessage request, IReadOnlyDictionary<string, string> metadata, CancellationToken cancellationToken);

    /// <summary>Opens a stream and sends the first requests.</summary>
    MessageStream Open(Rpc rpc, IReadOnlyList<IMessage> requests, IReadOnlyDictionary<string, string> metadata, CancellationToken cancellationToken);
}

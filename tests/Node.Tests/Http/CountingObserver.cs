using System.Collections.Concurrent;
using Conclave.Node.Http;
using Conclave.Wire.Grpc;

namespace Conclave.Node.Tests.Http;

/// <summary>Writes down what the listener reports.</summary>
internal sealed class CountingObserver : IRpcObserver
{
    public ConcurrentQueue<string> Seen { get; } = [];

    public void Started(RpcMethod method) => Seen.Enqueue($"started {method.Name}");

    public void Received(RpcMethod method, int messageBytes) => Seen.Enqueue($"received {method.Name} {messageBytes}");

    public void Sent(RpcMethod method, int messageBytes) => Seen.Enqueue($"sent {method.Name} {messageBytes}");

    public void Completed(RpcMethod method, GrpcCode code, TimeSpan elapsed)
    {
        Assert.True(elapsed >= TimeSpan.Zero);
        Seen.Enqueue($"completed {method.Name} {code}");
    }
}

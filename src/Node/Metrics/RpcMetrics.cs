using System.Globalization;
using System.Text;
using Conclave.Node.Http;
using Conclave.Wire.Grpc;

namespace Conclave.Node.Metrics;

/// <summary>The grpc_server_* series: one set of counters per method, found by its ordinal. Lock-free.</summary>
internal sealed class RpcMetrics(RpcRegistry registry) : IRpcObserver
{
    private const int CodesMax = (int)GrpcCode.Unauthenticated + 1;

    private readonly Method[] _methods = [.. registry.Methods.Select(_ => new Method())];
    private long _receivedBytes, _sentBytes;

    private sealed class Method
    {
        public long Started, Received, Sent;
        public readonly long[] Handled = new long[CodesMax];
        public readonly Histogram Handling = new();
    }

    public void Started(RpcMethod method)
    {
        if (Of(method) is { } counters) Interlocked.Increment(ref counters.Started);
    }

    public void Received(RpcMethod method, int messageBytes)
    {
        Interlocked.Add(ref _receivedBytes, messageBytes);
        if (Of(method) is { } counters) Interlocked.Increment(ref counters.Received);
    }

    public void Sent(RpcMethod method, int messageBytes)
    {
        Interlocked.Add(ref _sentBytes, messageBytes);
        if (Of(method) is { } counters) Interlocked.Increment(ref counters.Sent);
    }

    public void Completed(RpcMethod method, GrpcCode code, TimeSpan elapsed)
    {
        if (Of(method) is not { } counters) return;
        Interlocked.Increment(ref counters.Handled[(int)code < CodesMax ? (int)code : (int)GrpcCode.Unknown]);
        counters.Handling.Observe(elapsed);
    }

    public void Write(StringBuilder text)
    {
        WriteCounter(text, "grpc_server_started_total", m => m.Started);
        WriteCounter(text, "grpc_server_msg_received_total", m => m.Received);
        WriteCounter(text, "grpc_server_msg_sent_total", m => m.Sent);
        text.Append("# TYPE grpc_server_handled_total counter\n");
        foreach (RpcMethod method in registry.Methods)
        {
            if (Of(method) is not { } counters) continue;
            // With all codes from the first call on: a rate does not see the first count of a series that was not there before.
            bool isUsed = Interlocked.Read(ref counters.Started) > 0;
            for (int code = 0; code < CodesMax; code++)
            {
                long count = Interlocked.Read(ref counters.Handled[code]);
                if (isUsed || code == 0) text.Append(CultureInfo.InvariantCulture, $"grpc_server_handled_total{{{Labels(method)},grpc_code=\"{(GrpcCode)code}\"}} {count}\n");
            }
        }

        text.Append("# TYPE grpc_server_handling_seconds histogram\n");
        foreach (RpcMethod method in registry.Methods) Of(method)?.Handling.Write(text, "grpc_server_handling_seconds", Labels(method));
        text.Append(CultureInfo.InvariantCulture, $"# TYPE etcd_network_client_grpc_received_bytes_total counter\netcd_network_client_grpc_received_bytes_total {Interlocked.Read(ref _receivedBytes)}\n");
        text.Append(CultureInfo.InvariantCulture, $"# TYPE etcd_network_client_grpc_sent_bytes_total counter\netcd_network_client_grpc_sent_bytes_total {Interlocked.Read(ref _sentBytes)}\n");
    }

    private Method? Of(RpcMethod method) => (uint)method.Ordinal < (uint)_methods.Length ? _methods[method.Ordinal] : null;

    private void WriteCounter(StringBuilder text, string name, Func<Method, long> value)
    {
        text.Append(CultureInfo.InvariantCulture, $"# TYPE {name} counter\n");
        foreach (RpcMethod method in registry.Methods)
        {
            if (Of(method) is { } counters) text.Append(CultureInfo.InvariantCulture, $"{name}{{{Labels(method)}}} {value(counters)}\n");
        }
    }

    private static string Labels(RpcMethod method) => $"grpc_type=\"{method.Type}\",grpc_service=\"{method.Service}\",grpc_method=\"{method.Name}\"";
}

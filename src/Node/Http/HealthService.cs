using System.Buffers;
using System.Collections.Immutable;
using Conclave.Wire.Grpc;
using Conclave.Wire.Grpc.Health;
using Google.Protobuf;
using ServingStatus = Conclave.Wire.Grpc.Health.HealthCheckResponse.Types.ServingStatus;

namespace Conclave.Node.Http;

/// <summary>The standard grpc.health.v1 service. The empty name is the whole server; a new instance serves.</summary>
/// <remarks>Thread safe. Watchers are told each status they have not seen yet; quick changes back and forth may pass unseen.</remarks>
public sealed class HealthService
{
    private const string WholeServer = "";

    private volatile State _state = new(
        ImmutableDictionary<string, ServingStatus>.Empty.Add(WholeServer, ServingStatus.Serving));

    /// <summary>Sets the status of one service, or of the whole server with an empty name.</summary>
    public void Set(string service, bool serving)
    {
        State before, after;
        do
        {
            before = _state;
            after = new State(before.Services.SetItem(service,
                serving ? ServingStatus.Serving : ServingStatus.NotServing));
        }
        while (Interlocked.CompareExchange(ref _state, after, before) != before);
        before.Replaced.SetResult();
    }

    /// <summary>Adds Check and Watch to the methods served.</summary>
    public void AddTo(RpcRegistry registry)
    {
        registry.Add(RpcMethod.ForUnary<HealthCheckRequest, HealthCheckResponse>(
            "/grpc.health.v1.Health/Check", Check));
        registry.Add(RpcMethod.ForServerStream<HealthCheckRequest, HealthCheckResponse>(
            "/grpc.health.v1.Health/Watch", WatchAsync));
    }

    private static string ServiceIn(ReadOnlyMemory<byte> request)
    {
        try
        {
            return MessageBytes.Parse(HealthCheckRequest.Parser, request.Span).Service;
        }
        catch (UnreadableMessageException e)
        {
            throw new GrpcException(GrpcCode.Internal, "grpc: error unmarshalling request: " + e.Message);
        }
    }

    private ValueTask Check(RpcContext context, ReadOnlyMemory<byte> request, IBufferWriter<byte> response)
    {
        string service = ServiceIn(request);
        if (!_state.Services.TryGetValue(service, out ServingStatus status))
            throw new GrpcException(GrpcCode.NotFound, "unknown service");
        new HealthCheckResponse { Status = status }.WriteTo(response);
        return ValueTask.CompletedTask;
    }

    private async ValueTask WatchAsync(RpcContext context, RpcStream stream)
    {
        ReadOnlyMemory<byte> request = await stream.ReadAsync() ?? ReadOnlyMemory<byte>.Empty;
        string service = ServiceIn(request);
        ServingStatus? told = null;
        while (true)
        {
            State state = _state;
            if (!state.Services.TryGetValue(service, out ServingStatus status))
                status = ServingStatus.ServiceUnknown;
            if (status != told)
                await stream.WriteAsync(new HealthCheckResponse { Status = status }.ToByteArray());
            told = status;
            await state.Replaced.Task.WaitAsync(context.Cancellation);
        }
    }

    private sealed class State(ImmutableDictionary<string, ServingStatus> services)
    {
        public ImmutableDictionary<string, ServingStatus> Services { get; } = services;

        public TaskCompletionSource Replaced { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}

using Conclave.Node.Http;
using Conclave.Wire.Grpc;
using Conclave.Wire.Grpc.Health;
using ServingStatus = Conclave.Wire.Grpc.Health.HealthCheckResponse.Types.ServingStatus;

namespace Conclave.Node.Tests.Http;

public class HealthServiceTests
{
    [Fact]
    public async Task The_whole_server_serves_until_told_otherwise()
    {
        var health = new HealthService();
        await using TestListener listener = await TestListener.StartAsync(health.AddTo);
        Assert.Equal(ServingStatus.Serving, await CheckAsync(listener));
        health.Set("", serving: false);
        Assert.Equal(ServingStatus.NotServing, await CheckAsync(listener));
    }

    [Fact]
    public async Task An_unknown_service_is_not_found()
    {
        await using TestListener listener = await TestListener.StartAsync(new HealthService().AddTo);
        GrpcReply reply = await listener.Grpc().CallAsync("/grpc.health.v1.Health/Check", new HealthCheckRequest { Service = "x" });
        Assert.Equal(new GrpcStatus(GrpcCode.NotFound, "unknown service"), reply.Status);
    }

    [Fact]
    public async Task A_watcher_is_told_each_change()
    {
        var health = new HealthService();
        await using TestListener listener = await TestListener.StartAsync(health.AddTo);
        using GrpcTestStream stream = await listener.Grpc().OpenAsync("/grpc.health.v1.Health/Watch");
        await stream.WriteAsync([0x0A, 1, (byte)'x']);
        Assert.Equal(ServingStatus.ServiceUnknown, await NextAsync());
        health.Set("x", serving: true);
        Assert.Equal(ServingStatus.Serving, await NextAsync());
        health.Set("x", serving: false);
        Assert.Equal(ServingStatus.NotServing, await NextAsync());

        async Task<ServingStatus> NextAsync() => HealthCheckResponse.Parser.ParseFrom(await stream.NextAsync()).Status;
    }

    private static async Task<ServingStatus> CheckAsync(TestListener listener)
    {
        GrpcReply reply = await listener.Grpc().CallAsync("/grpc.health.v1.Health/Check", new HealthCheckRequest());
        return HealthCheckResponse.Parser.ParseFrom(reply.Message).Status;
    }
}

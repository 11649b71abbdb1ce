using System.IO.Pipelines;
using Conclave.Node.Http.Limits;
using Conclave.Wire.Grpc;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Conclave.Node.Http.Grpc;

/// <summary>Serves gRPC requests: finds the method, runs its handler, sends the answer.</summary>
internal sealed class GrpcEndpoint(ListenerServices services)
{
    public Task HandleAsync(IFeatureCollection features, IHttpRequestFeature request, RequestState state)
    {
        IHttpResponseFeature response = features.GetRequiredFeature<IHttpResponseFeature>();
        if (!services.Registry.TryFind(request.Path, out RpcMethod? method))
            return Refuse(response, services.Registry.Unknown(request.Path));
        if (!HttpMethods.IsPost(request.Method))
            return Refuse(response, new GrpcStatus(GrpcCode.Internal, $"gRPC requires POST, not {request.Method}"));
        if (services.Lifetime.IsStopping)
            return Refuse(response, EtcdErrors.Stopped);
        if (!ServerCall.TryStart(services, method, state, request.Headers, viaGateway: false, out ServerCall? call, out GrpcStatus problem))
            return Refuse(response, problem);
        if (!call.TryAdmit())
        {
            call.End(EtcdErrors.TooManyRequests.Code);
            GrpcAnswer.SetTrailersOnly(response, EtcdErrors.TooManyRequests, call.Outcome, call.RetryAfter);
            return Task.CompletedTask;
        }

        services.Lifetime.Track(method, response);
        return method.Unary is { } unary
            ? UnaryAsync(call, unary, features, response, state.Buffer)
            : StreamAsync(call, features, response);
    }

    private static Task Refuse(IHttpResponseFeature response, in GrpcStatus status)
    {
        GrpcAnswer.SetTrailersOnly(response, status);
        return Task.CompletedTask;
    }

    private async Task UnaryAsync(
        ServerCall call, UnaryHandler handler, IFeatureCollection features, IHttpResponseFeature response, PooledBuffer answer)
    {
        GrpcStatus status = GrpcStatus.OK;
        PipeReader input = features.GetRequiredFeature<IRequestBodyPipeFeature>().Reader;
        var body = new GrpcBody(input, services.Options.ReceiveBytesMax);
        var pace = new BodyPace(services);
        try
        {
            ReadOnlyMemory<byte> request;
            while (!body.TryRead(out request))
            {
                if (body.IsOver)
                    throw new GrpcException(GrpcCode.Internal, "the request holds no message");
                call.Hold(body.WaitingBytes);   // what has come, not what was announced: that costs a client nothing
                body.Hold(await pace.ReadAsync(input, body.WaitingBytes));
            }

            call.Hold(request.Length);
            call.Received(request.Length);
            await handler(call, request, answer);
            while (answer.IsCut)
            {
                await call.WaitForRoomAsync(answer);
                await handler(call, request, answer);
            }

            if (answer.Length > int.MaxValue)
                throw new GrpcException(GrpcCode.ResourceExhausted, $"grpc: trying to send message larger than max ({answer.Length} vs. {int.MaxValue})");
            call.Sent((int)answer.Length);
        }
        catch (Exception e)
        {
            status = call.StatusOf(e);
        }
        finally
        {
            pace.Dispose();
            body.End();
            call.End(status.Code);
        }

        if (status.IsOK)
            await GrpcAnswer.SendUnaryAsync(call, features, response, answer);
        else
            GrpcAnswer.SetTrailersOnly(response, status, call.Outcome, call.RetryAfter);
        answer.Reset();
    }

    private async Task StreamAsync(ServerCall call, IFeatureCollection features, IHttpResponseFeature response)
    {
        GrpcStatus status = GrpcStatus.OK;
        IHttpResponseBodyFeature responseBody = features.GetRequiredFeature<IHttpResponseBodyFeature>();
        GrpcAnswer.SetContentType(response.Headers);
        PipeReader input = features.GetRequiredFeature<IRequestBodyPipeFeature>().Reader;
        var stream = new GrpcStream(call, input, responseBody.Writer, services);
        try
        {
            // Headers leave before the first message: some clients do not finish opening a stream without them.
            await responseBody.StartAsync(call.Cancellation);
            await responseBody.Writer.FlushAsync(call.Cancellation);
            await call.Method.Stream!(call, stream); // Not null: a method without a unary handler has this one.
            if (call.IsCancelled)
                status = call.CancellationStatus; // The handler may return quietly; a client must not take a stopping server for the end.
        }
        catch (Exception e)
        {
            status = call.StatusOf(e);
        }
        finally
        {
            stream.End();
            call.End(status.Code);
        }

        GrpcAnswer.SetTrailers(features, status);
    }
}

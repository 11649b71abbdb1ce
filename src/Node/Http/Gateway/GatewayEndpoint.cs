using System.Buffers;
using System.IO.Pipelines;
using Conclave.Node.Http.Grpc;
using Conclave.Node.Http.Limits;
using Conclave.Wire.Grpc;
using Conclave.Wire.Json;
using Google.Protobuf;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Conclave.Node.Http.Gateway;

/// <summary>Serves calls that come as JSON over HTTP, by the same handlers that serve gRPC.</summary>
internal sealed class GatewayEndpoint(ListenerServices services)
{
    private const string Json = "application/json";

    /// <summary>Null when the path is nobody's call, and somebody else should answer.</summary>
    public Task? TryHandle(IFeatureCollection features, IHttpRequestFeature request, RequestState state)
    {
        PooledBuffer buffer = state.Buffer;
        string path = GatewayPaths.Canonical(request.Path);
        IHttpResponseFeature response = features.GetRequiredFeature<IHttpResponseFeature>();
        if (HttpMethods.IsOptions(request.Method))
            return AllowAsync(response);
        if (!services.Registry.TryFindHttp(path, out RpcMethod? method))
        {
            return GatewayPaths.IsBelowPrefix(path)
                ? FailAsync(features, response, buffer, new GrpcStatus(GrpcCode.NotFound, "Not Found"))
                : null;
        }

        if (!HttpMethods.IsPost(request.Method))
            return RefuseMethodAsync(features, response, buffer);
        if (services.Lifetime.IsStopping)
            return FailAsync(features, response, buffer, EtcdErrors.Stopped);
        if (!ServerCall.TryStart(services, method, state, request.Headers, viaGateway: true, out ServerCall? call, out GrpcStatus problem))
            return FailAsync(features, response, buffer, new GrpcStatus(GrpcCode.InvalidArgument, problem.Message));
        if (!call.TryAdmit())
        {
            call.End(EtcdErrors.TooManyRequests.Code);
            WriteOutcomes.Set(response.Headers, call.Outcome, "Grpc-Metadata-");
            return FailAsync(features, response, buffer, EtcdErrors.TooManyRequests, call.RetryAfter);
        }

        services.Lifetime.Track(method, response);
        PipeReader input = features.GetRequiredFeature<IRequestBodyPipeFeature>().Reader;
        var body = new JsonRequestBody(input, services, call);
        return method.Unary is { } unary
            ? UnaryAsync(call, unary, body, features, response, buffer)
            : StreamAsync(call, body, features, response, buffer);
    }

    private async Task UnaryAsync(
        ServerCall call, UnaryHandler handler, JsonRequestBody body, IFeatureCollection features, IHttpResponseFeature response, PooledBuffer buffer)
    {
        GrpcStatus status = GrpcStatus.OK;
        try
        {
            ReadOnlyMemory<byte> json = await body.ReadToEndAsync();
            byte[] request = GatewayMessages.ToBytes(json.Span, call.Method, services.Options.ReceiveBytesMax);
            call.Received(request.Length);
            await handler(call, request, buffer);
            while (buffer.IsCut || !TryToJson(call, buffer))
            {
                await call.WaitForRoomAsync(buffer);
                await handler(call, request, buffer);
            }
        }
        catch (Exception e)
        {
            status = call.StatusOf(e);
        }
        finally
        {
            body.Dispose();
            call.End(status.Code);
        }

        if (!status.IsOK)
        {
            buffer.Reset();
            WriteOutcomes.Set(response.Headers, call.Outcome, "Grpc-Metadata-");
            await FailAsync(features, response, buffer, status, call.RetryAfter);
            return;
        }

        SetHeaders(response);
        response.Headers.ContentLength = buffer.Length;
        await GrpcAnswer.SendBlocksAsync(call, features.GetRequiredFeature<IHttpResponseBodyFeature>().Writer, buffer);
        buffer.Reset();
    }

    /// <summary>Makes JSON of an answer in wire form.</summary>
    /// <returns>False when there was no room for it. Then nothing is kept of the answer either: it would lie there, counted by nobody, while the call waits.</returns>
    private static bool TryToJson(ServerCall call, PooledBuffer buffer)
    {
        int bytes = (int)buffer.Length;
        IMessage answer = GatewayMessages.FromBytes(buffer.Written, call.Method);
        buffer.Reset();
        JsonTranscoder.Write(answer, buffer);
        if (buffer.IsCut) return false;
        call.Sent(bytes);
        return true;
    }

    private async Task StreamAsync(
        ServerCall call, JsonRequestBody body, IFeatureCollection features, IHttpResponseFeature response, PooledBuffer buffer)
    {
        GrpcStatus status = GrpcStatus.OK;
        var stream = new GatewayStream(call, body, features, services, SetHeaders);
        try
        {
            await call.Method.Stream!(call, stream); // Not null: a method without a unary handler has this one.
            if (call.IsCancelled)
                status = call.CancellationStatus;
        }
        catch (Exception e)
        {
            status = call.StatusOf(e);
        }
        finally
        {
            stream.End();
            body.Dispose();
            call.End(status.Code);
        }

        if (status.IsOK && !stream.HasStarted)
        {
            SetHeaders(response);
        }
        else if (!status.IsOK && !stream.HasStarted)
        {
            await FailAsync(features, response, buffer, status, call.RetryAfter);
        }
        else if (!status.IsOK)
        {
            var line = new ArrayBufferWriter<byte>();
            GatewayError.WriteLine(status, line);
            await stream.WriteLineAsync(line.WrittenMemory, CancellationToken.None);
        }
    }

    private async Task FailAsync(IFeatureCollection features, IHttpResponseFeature response, PooledBuffer buffer, GrpcStatus status, TimeSpan? retryAfter = null)
    {
        SetHeaders(response);
        response.StatusCode = GatewayError.HttpStatus(status.Code);
        if (retryAfter is { } wait)
        {
            response.Headers.RetryAfter = RetryHint.Seconds(wait);
            response.Headers["Grpc-Metadata-" + GrpcHeaders.RetryPushback] = RetryHint.Milliseconds(wait);
        }

        if (status.Code == GrpcCode.Unauthenticated)
            response.Headers.WWWAuthenticate = GrpcMessageText.Encode(status.Message);
        GatewayError.WriteBody(status, buffer);
        response.Headers.ContentLength = buffer.Length;
        await SendAsync(features, buffer);
    }

    private Task AllowAsync(IHttpResponseFeature response)
    {
        CorsHeaders.Set(response.Headers, services.Options.CorsOrigin);
        return Task.CompletedTask;
    }

    private async Task RefuseMethodAsync(IFeatureCollection features, IHttpResponseFeature response, PooledBuffer buffer)
    {
        CorsHeaders.Set(response.Headers, services.Options.CorsOrigin);
        response.StatusCode = StatusCodes.Status405MethodNotAllowed;
        response.Headers.Allow = "POST";
        response.Headers.ContentType = "text/plain; charset=utf-8";
        buffer.Write("Method Not Allowed\n"u8);
        response.Headers.ContentLength = buffer.Length;
        await SendAsync(features, buffer);
    }

    private void SetHeaders(IHttpResponseFeature response)
    {
        CorsHeaders.Set(response.Headers, services.Options.CorsOrigin);
        response.Headers.ContentType = Json;
        response.Headers["Grpc-Metadata-Content-Type"] = GrpcHeaders.ContentType;
    }

    private static async ValueTask SendAsync(IFeatureCollection features, PooledBuffer buffer)
    {
        PipeWriter output = features.GetRequiredFeature<IHttpResponseBodyFeature>().Writer;
        for (int i = 0; i < buffer.BlockCount; i++)
            await output.WriteAsync(buffer.BlockAt(i));
        buffer.Reset();
    }
}

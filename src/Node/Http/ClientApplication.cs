using Conclave.Node.Http.Gateway;
using Conclave.Node.Http.Grpc;
using Conclave.Wire.Grpc;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Abstractions;
using Microsoft.AspNetCore.Http.Features;

namespace Conclave.Node.Http;

/// <summary>What Kestrel hands each request to: no middleware, no routing, no HttpContext, because they would cost more than most calls.</summary>
internal sealed class ClientApplication(ListenerServices services) : IHttpApplication<RequestState>
{
    private readonly GrpcEndpoint _grpc = new(services);
    private readonly GatewayEndpoint _gateway = new(services);
    private readonly PlainEndpoint _plain = new(services);

    /// <summary>Kestrel reuses its request objects, and with them this one: the response buffer survives from call to call.</summary>
    public RequestState CreateContext(IFeatureCollection contextFeatures)
    {
        RequestState? state = null;
        if (contextFeatures is IHostContextContainer<RequestState> container)
        {
            state = container.HostContext ??= new RequestState();
        }

        state ??= new RequestState();
        state.Begin(contextFeatures);
        return state;
    }

    public Task ProcessRequestAsync(RequestState context)
    {
        IFeatureCollection features = context.Features;
        IHttpRequestFeature request = features.GetRequiredFeature<IHttpRequestFeature>();
        // As etcd decides on a TLS port. A JSON call may come over HTTP/2 as well.
        bool isGrpc = request.Protocol == "HTTP/2" && GrpcHeaders.IsGrpcContentType(request.Headers.ContentType.ToString());
        return isGrpc
            ? _grpc.HandleAsync(features, request, context)
            : _gateway.TryHandle(features, request, context) ?? _plain.HandleAsync(features, request, context);
    }

    /// <summary>Called when the whole answer has been handed to Kestrel, or nobody is there to take it.</summary>
    public void DisposeContext(RequestState context, Exception? exception) => context.End();
}

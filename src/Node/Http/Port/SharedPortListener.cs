using System.Net;
using System.Threading.Channels;
using Microsoft.AspNetCore.Connections;

namespace Conclave.Node.Http.Port;

/// <summary>What Kestrel accepts one protocol's connections from.</summary>
internal sealed class SharedPortListener(SharedPort port, ChannelReader<ConnectionContext> connections) : IConnectionListener
{
    public EndPoint EndPoint => port.EndPoint;

    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        while (await connections.WaitToReadAsync(cancellationToken))
        {
            if (connections.TryRead(out ConnectionContext? connection))
                return connection;
        }

        return null;
    }

    public ValueTask UnbindAsync(CancellationToken cancellationToken = default) => port.UnbindAsync();

    public async ValueTask DisposeAsync()
    {
        await port.DisposeAsync();
        while (connections.TryRead(out ConnectionContext? left))
        {
            left.Abort();
            await left.DisposeAsync();
        }
    }
}

/// <summary>Lets Kestrel open <see cref="SharedPortEndPoint"/>s; other addresses stay with its own socket transport.</summary>
internal sealed class SharedPortListenerFactory(IConnectionListenerFactory sockets) : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    public bool CanBind(EndPoint endpoint) => endpoint is SharedPortEndPoint;

    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        var shared = (SharedPortEndPoint)endpoint;
        return shared.Port.BindAsync(shared.Protocol, sockets, cancellationToken);
    }
}

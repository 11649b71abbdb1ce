using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Conclave.Node.Http.Limits;

/// <summary>Counts open connections over all addresses, and closes those above the limit before a byte of them is read.</summary>
internal sealed class ConnectionBound(int max, ClientRefusals refusals)
{
    public void Use(ListenOptions listen) => listen.Use(next => async connection =>
    {
        long open = refusals.ConnectionOpened();
        try
        {
            if (max > 0 && open > max) refusals.Say(RefusalReason.Connections, connection.RemoteEndPoint, $"{max} connections are open, which is --max-connections");
            else await next(connection);
        }
        finally
        {
            refusals.ConnectionClosed();
        }
    });
}

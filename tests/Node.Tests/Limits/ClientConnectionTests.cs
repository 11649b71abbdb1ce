using System.Net;
using System.Runtime.CompilerServices;
using Conclave.Node.Http;
using Conclave.Node.Http.Limits;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;

namespace Conclave.Node.Tests.Limits;

public class ClientConnectionTests
{
    [Fact]
    public void A_connection_remembers_its_last_call_when_the_request_object_is_gone()
    {
        var share = new ClientShare(IPAddress.Loopback);
        var connection = new ClientConnection(share, new ConnectionMemory(new ConnectionBlocks(max: 0), share), new DefaultConnectionContext(), openedAt: 1);
        Assert.Equal(1, connection.IdleSince());
        ServeOne(connection, at: 1_000);
        for (int i = 0; i < 3; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        Assert.Equal(1_000, connection.IdleSince());
    }

    // A method of its own, or the request object could stay alive as a local.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void ServeOne(ClientConnection connection, long at)
    {
        var features = new FeatureCollection();
        features.Set(connection);
        var state = new RequestState();
        state.Begin(features);
        Assert.Null(connection.IdleSince());
        state.Sending(at);
        state.End();
        Assert.Equal(at, connection.IdleSince());
    }
}

using System.Net.Sockets;
using System.Text;

namespace Conclave.Node.Tests.Nodes;

public sealed class IdleConnectionTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task A_connection_between_two_requests_stays_open()
    {
        await using TestNode node = await TestNode.StartAsync(TestNode.Alone(_directory));
        await node.PutAsync("a", "1");
        using var client = new TcpClient();
        await client.ConnectAsync("127.0.0.1", node.Options.ListenClientUrls[0].Port, TestContext.Current.CancellationToken);
        await using NetworkStream stream = client.GetStream();
        byte[] answer = new byte[4096];
        await stream.WriteAsync(Encoding.ASCII.GetBytes("GET /version HTTP/1.1\r\nHost: x\r\n\r\n"), TestContext.Current.CancellationToken);
        Assert.NotEqual(0, await stream.ReadAsync(answer, TestContext.Current.CancellationToken));

        // The server looks at its connections once a second. Whether it closes this one is what the test waits to see.
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(TimeSpan.FromSeconds(3));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            int read = await stream.ReadAsync(answer, patience.Token);
            Assert.Fail(read == 0 ? "The server closed the connection." : "The server sent something nobody asked for.");
        });
    }
}

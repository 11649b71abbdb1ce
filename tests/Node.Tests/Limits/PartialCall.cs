using Conclave.Node.Tests.Http;

namespace Conclave.Node.Tests.Limits;

/// <summary>A unary call whose message never comes to its end.</summary>
internal sealed class PartialCall(Task<GrpcReply> answer, Stream output, GrpcTestClient.DuplexContent content, CancellationTokenSource cancel) : IDisposable
{
    public Task<GrpcReply> Answer => answer;

    public static async Task<PartialCall> BeginAsync(GrpcTestClient client, string path, ReadOnlyMemory<byte> part)
    {
        var cancel = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        var content = new GrpcTestClient.DuplexContent();
        Task<GrpcReply> answer = client.CallAsync(path, content, cancel.Token);
        if (await Task.WhenAny(content.Output, answer) == answer) await answer;   // says why it never began
        var call = new PartialCall(answer, await content.Output, content, cancel);
        await call.SendAsync(part);
        return call;
    }

    public async Task SendAsync(ReadOnlyMemory<byte> more)
    {
        await output.WriteAsync(more, cancel.Token);
        await output.FlushAsync(cancel.Token);
    }

    public void Dispose()
    {
        cancel.Cancel();
        content.End();
        cancel.Dispose();
    }
}

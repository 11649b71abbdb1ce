using System.IO.Pipelines;

namespace Conclave.Node.Http;

/// <summary>The client reset the call or its connection while the server waited for it.</summary>
internal sealed class ClientGoneException(Exception cause) : OperationCanceledException("The client ended the call.", cause);

/// <summary>Reading of request bodies, with the ways a client can vanish brought down to one.</summary>
internal static class RequestBody
{
    /// <exception cref="ClientGoneException">The client reset the call, closed the connection, or sent a body that HTTP cannot frame.</exception>
    public static async ValueTask<ReadResult> ReadAsync(PipeReader input, CancellationToken cancellationToken)
    {
        try
        {
            return await input.ReadAsync(cancellationToken);
        }
        catch (IOException e)
        {
            throw new ClientGoneException(e);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new ClientGoneException(e);
        }
    }
}

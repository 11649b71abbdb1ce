using Conclave.Client.Rpc;
using Conclave.Wire.Grpc;

namespace Conclave.Client.Auth;

/// <summary>Keeps a token: logs in before the first call, and again when a server does not know the token any more. Thread-safe.</summary>
/// <param name="authenticate">Logs in and gives the token.</param>
internal sealed class Login(Func<CancellationToken, ValueTask<string>> authenticate) : IDisposable
{
    /// <summary>Logins for the sake of one call. More is not a token that ended, but something else.</summary>
    public const int AgainMax = 2;

    private readonly SemaphoreSlim _turn = new(1, 1);
    private volatile Pass? _pass;

    /// <summary>A token, or the knowledge that none is needed, in the forms in which calls want it.</summary>
    internal sealed class Pass(string? token)
    {
        private readonly RpcMetadata? _plain = token is null ? null : RpcMetadata.Of("token", token);
        private readonly RpcMetadata _withLeader = token is null ? RpcMetadata.RequireLeader : RpcMetadata.RequireLeader.With("token", token);

        public RpcMetadata? AddTo(RpcMetadata? metadata) =>
            metadata is null ? _plain : metadata == RpcMetadata.RequireLeader ? _withLeader : token is null ? metadata : metadata.With("token", token);
    }

    /// <exception cref="ConclaveException">The login failed; wrong names and passwords are InvalidArgument.</exception>
    public async ValueTask<Pass> GetAsync(CancellationToken cancellationToken)
    {
        if (_pass is { } known) return known;
        await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return _pass ??= await LogInAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Whether a server says that it does not know who calls, and did nothing.</summary>
    public static bool IsRefusal(GrpcCode code, string message) => code switch
    {
        GrpcCode.Unauthenticated => message == EtcdErrors.InvalidAuthToken.Message,
        GrpcCode.InvalidArgument => message == EtcdErrors.AuthOldRevision.Message || message == EtcdErrors.UserEmpty.Message,
        _ => false,
    };

    /// <summary>Forgets a token that was refused, unless there is a newer one already.</summary>
    public void Forget(Pass refused) => Interlocked.CompareExchange(ref _pass, null, refused);

    public void Dispose() => _turn.Dispose();

    private async ValueTask<Pass> LogInAsync(CancellationToken cancellationToken)
    {
        try
        {
            return new Pass(await authenticate(cancellationToken).ConfigureAwait(false));
        }
        catch (ConclaveException off) when (off.Code == EtcdErrors.AuthNotEnabled.Code && off.Message == EtcdErrors.AuthNotEnabled.Message)
        {
            return new Pass(null);   // Nobody asks. If that changes, the first refusal says so.
        }
    }
}

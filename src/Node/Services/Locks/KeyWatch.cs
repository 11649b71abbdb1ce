using System.Buffers;
using Conclave.Node.Http;
using Conclave.Store;
using Conclave.Wire.Etcd.Etcdserverpb;
using Google.Protobuf;

namespace Conclave.Node.Services.Locks;

/// <summary>A call that waits for keys to change. Over the node's own watches, so that nothing is missed over a compaction or a snapshot either.</summary>
internal sealed class KeyWatch : IWatchSessionHost, IDisposable
{
    private readonly ServiceContext _context;
    private readonly StreamSignal _signal = new();
    private readonly CancellationToken _cancellation;
    private readonly CancellationTokenRegistration _wake;
    private readonly ArrayBufferWriter<byte> _message = new(256);
    private WatchSession? _session;

    public KeyWatch(ServiceContext context, RpcContext call)
    {
        (_context, RequiresLeader, _cancellation) = (context, call.RequiresLeader, call.Cancellation);
        _wake = _cancellation.Register(static signal => ((StreamSignal)signal!).Signal(), _signal);
    }

    public ulong ClusterId => _context.Cluster.ClusterId;

    public ulong MemberId => _context.Cluster.Self.Value;

    public ulong Term => _context.Replica.Status.Term;

    public bool RequiresLeader { get; }

    /// <summary>Ends the wait with this.</summary>
    public void Fail(Exception failure) => _signal.Fail(failure);

    /// <summary>Replaces what is watched.</summary>
    /// <param name="revision">The first that counts.</param>
    /// <param name="requests">Keys, ranges and filters; the revision is filled in.</param>
    public void Watch(long revision, params ReadOnlySpan<WatchCreateRequest> requests)
    {
        _session?.Dispose();
        _session = new WatchSession(_context.Replica.Watches, this);
        foreach (WatchCreateRequest request in requests)
        {
            request.StartRevision = revision;
            Statuses.ThrowIf(_session.Submit(new WatchRequest { CreateRequest = request }.ToByteArray()));
        }
    }

    /// <summary>Waits for the next events, or for the news that there is a gap in them.</summary>
    /// <returns>Null when the watch was cancelled: look at the state and begin anew.</returns>
    /// <exception cref="OperationCanceledException">The call ended.</exception>
    /// <exception cref="Wire.Grpc.GrpcException">What <see cref="Fail"/> was given.</exception>
    public async ValueTask<WatchResponse?> NextAsync()
    {
        while (true)
        {
            _signal.ThrowIfFailed();
            _cancellation.ThrowIfCancellationRequested();
            _message.ResetWrittenCount();
            if (!_session!.TryTake(_message))
            {
                await _signal.WaitAsync().ConfigureAwait(false);
                continue;
            }

            WatchResponse response = WatchResponse.Parser.ParseFrom(_message.WrittenSpan);
            if (response.Canceled) return null;
            if (response.Events.Count > 0) return response;
        }
    }

    void IWatchSessionHost.Signal() => _signal.Signal();

    public void Dispose()
    {
        _wake.Dispose();
        _session?.Dispose();
    }
}

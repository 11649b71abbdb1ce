using Conclave.Node.Http.Limits;
using Microsoft.AspNetCore.Http.Features;

namespace Conclave.Node.Http;

/// <summary>What is kept from one request to the next of the same Kestrel request object.</summary>
internal sealed class RequestState
{
    // Between the end of a call and that of its request, when Kestrel has all of the answer: held so that a request which came after is never ended for it.
    private readonly Lock _ending = new();

    private long _answeredAt;   // 0 while no answer is on its way
    private bool _busy;
    private ServerCall? _call;   // changed under _ending
    private RequestBudget? _admittedBy;
    private ClientConnection? _connection;

    public IFeatureCollection Features { get; private set; } = new FeatureCollection();

    public PooledBuffer Buffer { get; } = new();

    /// <summary>Whose connection it is.</summary>
    public ClientShare Share => _connection!.Share;   // not null: every connection passes ConnectionBound first

    public bool IsBusy => Volatile.Read(ref _busy);

    public void Begin(IFeatureCollection features)
    {
        Features = features;
        if (_connection is null)
        {
            _connection = features.Get<ClientConnection>();
            _connection?.Add(this);
        }

        Volatile.Write(ref _busy, true);
    }

    /// <summary>A call that has to be closed when its answer is out.</summary>
    public void Add(ServerCall call)
    {
        lock (_ending) _call = call;
        Buffer.Owner = call;
    }

    /// <summary>Counts a request that is no call, until its answer is out.</summary>
    public bool TryAdmit(RequestBudget budget)
    {
        if (!budget.TryAdmit(CallKind.Vital, Share, out _)) return false;
        _admittedBy = budget;
        return true;
    }

    /// <summary>Ends a call without an answer, unless it has ended already.</summary>
    public void Abort(ServerCall call)
    {
        lock (_ending)
        {
            if (_call == call) Features.Get<IHttpRequestLifetimeFeature>()?.Abort();
        }
    }

    /// <summary>An answer is on its way, or a piece of it was taken.</summary>
    /// <param name="now">Time stamp.</param>
    public void Sending(long now) => Volatile.Write(ref _answeredAt, now);

    /// <summary>Kestrel is done with the request: it has the answer, or there is none.</summary>
    public void End()
    {
        ServerCall? call;
        lock (_ending)
        {
            if (_answeredAt != 0) _connection?.Used(_answeredAt);
            _answeredAt = 0;
            (call, _call) = (_call, null);
        }

        Buffer.Owner = null;
        Buffer.Reset();
        call?.Close();
        _admittedBy?.Leave(CallKind.Vital, Share);
        _admittedBy = null;
        Volatile.Write(ref _busy, false);
    }

    /// <summary>Gives the request up if nothing of its answer was taken since before a time stamp.</summary>
    /// <remarks>Only seen of answers above 64 KiB: Kestrel takes so much from us whether the client does or not, and never says when it is sent.</remarks>
    public bool TryEndUnread(long before)
    {
        lock (_ending)
        {
            long at = Volatile.Read(ref _answeredAt);
            if (at == 0 || at >= before) return false;
            _answeredAt = 0;   // once is enough
            Features.Get<IHttpRequestLifetimeFeature>()?.Abort();
            return true;
        }
    }
}

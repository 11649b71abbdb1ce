using System.Diagnostics;
using System.Security.Cryptography;
using Conclave.Raft;
using Conclave.Store;

namespace Conclave.Node.Consensus;

/// <summary>Where proposals go: appended here when this node leads, or sent to the leader.</summary>
internal interface IProposalRoute
{
    /// <summary>Hands a proposal to the consensus thread of this node, which leads as far as anyone knows.</summary>
    void AppendHere(PendingRequest request);

    /// <summary>Queues it for the leader of that term, to leave with the next <see cref="Flush"/>. False when it surely never will.</summary>
    bool SendTo(NodeId leader, ulong term, byte[] payload);

    /// <summary>Sets in motion what was queued. Not called under a lock.</summary>
    /// <param name="quiet">Few requests are under way: the calling thread may do the work itself.</param>
    void Flush(bool quiet);
}

/// <summary>The requests of this node's clients that are on their way through the log.</summary>
/// <remarks>
/// A request that provably did not make it into the log is sent again without the client noticing, so that most writes survive a change of leader.
/// One that may have made it is never sent twice. Thread safe.
/// </remarks>
internal sealed class Proposals(NodeId self, IProposalRoute route, TimeSpan timeout)
{
    /// <summary>Requests and bytes that may be on their way at once; above either, clients are told "too many requests".</summary>
    public const int CountMax = 10_000;
    public const long BytesMax = 64 << 20;

    /// <summary>Up to this many requests under way, the thread that brings one does the work itself instead of waking another.</summary>
    private const int QuietCountMax = 2;

    private readonly Lock _gate = new();

    // Ids must not repeat across restarts of this node, because entries of its former life may still be applied: so they start at a random place.
    private ulong _lastId = BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(8));

    private long _failedCount;

    // Under _gate.
    private readonly Dictionary<ulong, PendingRequest> _pending = [];
    private NodeId _leader;
    private ulong _term;
    private long _bytes;
    private bool _stopped;

    public int Count { get { lock (_gate) return _pending.Count; } }

    /// <summary>Requests that ended without being known to be applied.</summary>
    public long FailedCount => Interlocked.Read(ref _failedCount);

    public bool IsFull { get { lock (_gate) return _pending.Count >= CountMax || _bytes >= BytesMax; } }

    /// <summary>Puts a request into the log of the cluster and waits until it is applied on this node.</summary>
    /// <remarks>Ends after the request timeout at the latest, as <see cref="ProposalEnd.Unknown"/> or <see cref="ProposalEnd.Refused"/>.</remarks>
    /// <param name="kind">What it is.</param>
    /// <param name="body">The request.</param>
    /// <param name="session">The session it is of; default for none.</param>
    /// <param name="identity">Who asks; default while auth is off.</param>
    public ValueTask<ProposalResult> ProposeAsync(CommandKind kind, ReadOnlySpan<byte> body, SessionSequence session = default, in CommandIdentity identity = default)
    {
        ulong id = Interlocked.Increment(ref _lastId);
        long deadline = Stopwatch.GetTimestamp() + (long)(timeout.TotalSeconds * Stopwatch.Frequency);
        var request = new PendingRequest(id, Command.Encode(kind, self.Value, id, body, session, identity), deadline);
        bool quiet;
        lock (_gate)
        {
            if (_stopped) return new(new ProposalResult(ProposalEnd.Refused, default));
            _pending.Add(id, request);
            _bytes += request.Payload.Length;
            RouteUnderLock(request);
            quiet = _pending.Count <= QuietCountMax;
        }

        route.Flush(quiet);
        return request.Task;
    }

    /// <summary>The consensus thread saw a leader, or lost it (<see cref="NodeId.None"/>).</summary>
    public void OnLeader(NodeId leader, ulong term)
    {
        lock (_gate)
        {
            (_leader, _term) = (leader, term);
            RouteWaitingUnderLock();
        }

        route.Flush(quiet: false);
    }

    /// <summary>This node's core appended it, in that term. Called on the consensus thread before the entry can go anywhere.</summary>
    public void OnAppended(PendingRequest request, ulong term)
    {
        lock (_gate) request.SentTerm = term;
    }

    /// <summary>This node's core did not take it.</summary>
    public void OnNotAppended(PendingRequest request)
    {
        lock (_gate)
        {
            request.SentTerm = 0;
            request.IsWaiting = true;   // not routed at once: the leader this node knows of is wrong, and the next one is announced soon
        }
    }

    /// <summary>The leader of that term said that it did not take it.</summary>
    public void OnRefused(ulong id, ulong term)
    {
        lock (_gate)
        {
            // A refusal of an earlier attempt says nothing about the one that is under way.
            if (!_pending.TryGetValue(id, out PendingRequest? request) || request.SentTerm != term) return;
            request.SentTerm = 0;
            request.IsWaiting = true;
            if (_term > term) RouteUnderLock(request);
        }

        route.Flush(quiet: false);
    }

    /// <summary>The leader of that term said that it did not take it, and that no leader like it would: it has no room for it, or it is too large.</summary>
    public void OnRefusedForGood(ulong id, ulong term, ProposalEnd why)
    {
        PendingRequest? request;
        lock (_gate)
        {
            if (!_pending.TryGetValue(id, out request) || request.SentTerm != term) return;   // as above
            _pending.Remove(id);
            _bytes -= request.Payload.Length;
        }

        Fail(request, why);
    }

    /// <summary>This node's core takes nothing of this size.</summary>
    public void OnTooLarge(PendingRequest request)
    {
        lock (_gate)
        {
            if (!_pending.Remove(request.Id)) return;   // its time has run out
            _bytes -= request.Payload.Length;
        }

        Fail(request, ProposalEnd.TooLarge);
    }

    /// <summary>An entry that this node proposed was applied here.</summary>
    public void OnApplied(ulong id, in ApplyOutcome outcome)
    {
        PendingRequest? request;
        lock (_gate)
        {
            if (!_pending.Remove(id, out request)) return;
            _bytes -= request.Payload.Length;
        }

        request.Complete(new ProposalResult(ProposalEnd.Applied, outcome));
    }

    /// <summary>An entry of this term was applied here for the first time: what was sent in earlier terms and has not been met is lost for good.</summary>
    public void OnTermApplied(ulong term)
    {
        lock (_gate)
        {
            foreach (PendingRequest request in _pending.Values)
            {
                if (request.SentTerm == 0 || request.SentTerm >= term) continue;
                request.SentTerm = 0;
                RouteUnderLock(request);
            }
        }

        route.Flush(quiet: false);
    }

    /// <summary>This node took over a snapshot: requests that were sent may be part of it, and nobody can tell.</summary>
    public void OnSnapshotInstalled()
    {
        List<PendingRequest> unknown = [];
        lock (_gate)
        {
            foreach (PendingRequest request in _pending.Values)
            {
                if (request.SentTerm != 0) unknown.Add(request);
            }

            foreach (PendingRequest request in unknown)
            {
                _pending.Remove(request.Id);
                _bytes -= request.Payload.Length;
            }
        }

        foreach (PendingRequest request in unknown) Fail(request, ProposalEnd.Unknown);
    }

    /// <summary>Ends what is too old and tries again what waits. Called a few times a second.</summary>
    public void Sweep()
    {
        long now = Stopwatch.GetTimestamp();
        List<PendingRequest>? late = null;
        lock (_gate)
        {
            foreach (PendingRequest request in _pending.Values)
            {
                if (request.Deadline <= now) (late ??= []).Add(request);
            }

            foreach (PendingRequest request in late ?? [])
            {
                _pending.Remove(request.Id);
                _bytes -= request.Payload.Length;
            }

            RouteWaitingUnderLock();
        }

        route.Flush(quiet: false);
        foreach (PendingRequest request in late ?? []) Fail(request, request.IsWaiting ? ProposalEnd.Refused : ProposalEnd.Unknown);
    }

    /// <summary>Ends everything; what comes later is refused.</summary>
    public void Stop()
    {
        PendingRequest[] all;
        lock (_gate)
        {
            _stopped = true;
            all = [.. _pending.Values];
            _pending.Clear();
        }

        foreach (PendingRequest request in all) Fail(request, request.IsWaiting ? ProposalEnd.Refused : ProposalEnd.Unknown);
    }

    private void Fail(PendingRequest request, ProposalEnd end)
    {
        Interlocked.Increment(ref _failedCount);
        request.Complete(new ProposalResult(end, default));
    }

    private void RouteWaitingUnderLock()
    {
        if (_leader == NodeId.None) return;
        foreach (PendingRequest request in _pending.Values)
        {
            if (request.IsWaiting) RouteUnderLock(request);
        }
    }

    private void RouteUnderLock(PendingRequest request)
    {
        request.IsWaiting = _leader == NodeId.None;
        if (request.IsWaiting) return;
        if (_leader == self)
        {
            route.AppendHere(request);
            return;
        }

        request.SentTerm = _term;   // before it leaves: a refusal may be quicker than this thread
        if (route.SendTo(_leader, _term, request.Payload)) return;
        request.SentTerm = 0;
        request.IsWaiting = true;
    }
}

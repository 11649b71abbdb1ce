using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Diagnostics;
using System.Security.Cryptography;
using Conclave.Node.Peers;
using Conclave.Raft;

namespace Conclave.Node.Consensus;

/// <summary>Carries out changes of the membership: on the leader itself, or through it.</summary>
/// <remarks>
/// The leader answers when the change is committed and the configuration is not joint any more. An answer that does not come is asked for again with
/// a mark that says so; then a membership that shows the change counts as success, so that no change is made twice or reported as failed after it happened.
/// </remarks>
internal sealed class MemberChanges(PeerTransport peers, MemberDirectory members, Func<ConsensusStatus> status, Action<ulong, MembershipChange> toCore, Func<ulong> appliedIndex, TimeSpan electionTimeout, TimeSpan timeout)
{
    private const int CarryingOutMax = 64, AppliedKept = 16;
    private static readonly TimeSpan RetryDelay = TimeSpan.FromMilliseconds(20), PollInterval = TimeSpan.FromMilliseconds(5), AskAgainAfter = TimeSpan.FromSeconds(2);

    private readonly ConcurrentDictionary<ulong, TaskCompletionSource<MembershipVerdict>> _verdicts = [];
    private readonly ConcurrentDictionary<ulong, TaskCompletionSource<ChangeResult>> _asked = [];
    private readonly Queue<EntryId> _applied = [];   // under itself: the latest membership entries
    private int _carryingOut;

    // At a random place: an answer to a call of this node's former life may still be on its way.
    private ulong _lastId = BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(8));

    /// <summary>Carries out a change, wherever the leader is.</summary>
    /// <returns>How it ended; <see cref="ChangeEnd.NotLeader"/> when there was no leader all the time.</returns>
    public async Task<ChangeResult> ChangeAsync(MembershipChange change, CancellationToken cancellationToken)
    {
        long start = Stopwatch.GetTimestamp();
        bool again = false;
        while (Stopwatch.GetElapsedTime(start) < timeout)
        {
            NodeId leader = status().Leader;
            ChangeResult result = leader == members.Self ? await CarryOutAsync(change, again, start, cancellationToken).ConfigureAwait(false)
                : leader == NodeId.None ? ChangeResult.Of(ChangeEnd.NotLeader)
                : await AskPeerAsync(leader, change, again, cancellationToken).ConfigureAwait(false);
            if (result.End is not (ChangeEnd.NotLeader or ChangeEnd.Unknown)) return await AppliedHereAsync(result, start, cancellationToken).ConfigureAwait(false);
            again |= result.End == ChangeEnd.Unknown;
            await Task.Delay(RetryDelay, cancellationToken).ConfigureAwait(false);
        }

        return ChangeResult.Of(again ? ChangeEnd.Unknown : ChangeEnd.NotLeader);
    }

    /// <summary>The core's answer. Called by the consensus worker.</summary>
    public void OnVerdict(in MembershipVerdict verdict)
    {
        if (_verdicts.TryRemove(verdict.Id, out TaskCompletionSource<MembershipVerdict>? waiter)) waiter.TrySetResult(verdict);
    }

    /// <summary>A membership entry was applied, and the directory shows it. Called by the apply worker, before <c>appliedIndex</c> says so.</summary>
    public void OnApplied(EntryId entry)
    {
        lock (_applied)
        {
            _applied.Enqueue(entry);
            if (_applied.Count > AppliedKept) _applied.Dequeue();
        }
    }

    /// <summary>Another member asks this one to carry out a change.</summary>
    public bool OnChange(NodeId from, ReadOnlySpan<byte> body)
    {
        if (body.Length < 9 || !MemberChangeCodec.TryDecode(body[8], body[9..], out MembershipChange? change, out bool again)) return false;
        if (Interlocked.Increment(ref _carryingOut) > CarryingOutMax)
        {
            Interlocked.Decrement(ref _carryingOut);
            return true;   // the other side asks again
        }

        _ = AnswerAsync(from, BinaryPrimitives.ReadUInt64LittleEndian(body), change, again);
        return true;
    }

    /// <summary>An answer came.</summary>
    public bool OnReply(ReadOnlySpan<byte> body)
    {
        if (body.Length != 17 || body[8] > (byte)ChangeEnd.UrlInUse) return false;
        if (_asked.TryRemove(BinaryPrimitives.ReadUInt64LittleEndian(body), out TaskCompletionSource<ChangeResult>? waiter))
            waiter.TrySetResult(new ChangeResult((ChangeEnd)body[8], new LogIndex(BinaryPrimitives.ReadUInt64LittleEndian(body[9..]))));
        return true;
    }

    private async Task AnswerAsync(NodeId to, ulong call, MembershipChange change, bool again)
    {
        ChangeResult result = ChangeResult.Of(ChangeEnd.Unknown);
        try
        {
            result = await CarryOutAsync(change, again, Stopwatch.GetTimestamp(), CancellationToken.None).ConfigureAwait(false);
        }
        finally
        {
            Interlocked.Decrement(ref _carryingOut);   // whatever happens: a place that is lost is lost for good
        }

        byte[] index = new byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(index, result.Index.Value);
        peers.Send(to, PeerFrameKind.ChangeReply, call, (byte)result.End, index);
    }

    private async Task<ChangeResult> AskPeerAsync(NodeId leader, MembershipChange change, bool again, CancellationToken cancellationToken)
    {
        ulong call = Interlocked.Increment(ref _lastId);
        var waiter = new TaskCompletionSource<ChangeResult>(TaskCreationOptions.RunContinuationsAsynchronously);
        _asked[call] = waiter;
        try
        {
            (byte tag, byte[] rest) = MemberChangeCodec.Encode(change, again);
            if (!peers.Send(leader, PeerFrameKind.Change, call, tag, rest)) return ChangeResult.Of(ChangeEnd.NotLeader);
            long asked = Stopwatch.GetTimestamp();
            while (status().Leader == leader && Stopwatch.GetElapsedTime(asked) < AskAgainAfter)
            {
                await Task.WhenAny(waiter.Task, Task.Delay(RetryDelay, cancellationToken)).ConfigureAwait(false);
                cancellationToken.ThrowIfCancellationRequested();
                if (waiter.Task.IsCompletedSuccessfully) return await waiter.Task.ConfigureAwait(false);
            }

            return ChangeResult.Of(ChangeEnd.Unknown);
        }
        finally
        {
            _asked.TryRemove(call, out _);
        }
    }

    private async Task<ChangeResult> CarryOutAsync(MembershipChange change, bool again, long start, CancellationToken cancellationToken)
    {
        while (Stopwatch.GetElapsedTime(start) < timeout)
        {
            if (status().Role != RaftRole.Leader) return ChangeResult.Of(ChangeEnd.NotLeader);
            if (again && ChangeRules.IsDone(members.Committed, change)) return new ChangeResult(ChangeEnd.Done, new LogIndex(appliedIndex()));
            // With a change under way, what is refused now may be allowed when it is through, or the other way round; and it may be this very one.
            bool busy = members.InForce.IsJoint || members.InForce != members.Committed;
            if (!busy && ChangeRules.Refusal(members.InForce, change, members.UrlsOf) is { } refused) return ChangeResult.Of(refused);
            if (!busy)
            {
                if (await ProposeAsync(change, cancellationToken).ConfigureAwait(false) is not { } verdict) return ChangeResult.Of(ChangeEnd.Unknown);
                if (verdict.Outcome == MembershipOutcome.Appended) return await CommittedAsync(verdict.Entry, change, start, cancellationToken).ConfigureAwait(false);
                // A leader that is new has not heard everybody yet.
                bool mayPass = verdict.Outcome is (MembershipOutcome.WouldLoseQuorum or MembershipOutcome.NotCaughtUp) && Stopwatch.GetElapsedTime(start) < electionTimeout;
                if (!mayPass && ChangeRules.Of(verdict.Outcome) is { } end) return ChangeResult.Of(end);
            }

            await Task.Delay(RetryDelay, cancellationToken).ConfigureAwait(false);
        }

        return ChangeResult.Of(again ? ChangeEnd.Unknown : ChangeEnd.NotLeader);   // never appended here: as if nobody led
    }

    /// <returns>Null when the core did not answer: the node is stopping.</returns>
    private async Task<MembershipVerdict?> ProposeAsync(MembershipChange change, CancellationToken cancellationToken)
    {
        ulong id = Interlocked.Increment(ref _lastId);
        var waiter = new TaskCompletionSource<MembershipVerdict>(TaskCreationOptions.RunContinuationsAsynchronously);
        _verdicts[id] = waiter;
        try
        {
            toCore(id, change);
            return await waiter.Task.WaitAsync(timeout, cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            return null;
        }
        finally
        {
            _verdicts.TryRemove(id, out _);
        }
    }

    private async Task<ChangeResult> CommittedAsync(EntryId entry, MembershipChange change, long start, CancellationToken cancellationToken)
    {
        bool isCommitted = false;
        while (Stopwatch.GetElapsedTime(start) < timeout)
        {
            ulong applied = appliedIndex();
            if (!isCommitted)
            {
                lock (_applied) isCommitted = _applied.Contains(entry);
                // Something else stands at its place: it is lost with the term it was appended in. Or a snapshot holds it; then the membership shows it.
                if (!isCommitted && applied >= entry.Index.Value && !ChangeRules.IsDone(members.Committed, change)) return ChangeResult.Of(ChangeEnd.NotLeader);
            }

            if (applied >= entry.Index.Value && !members.Committed.IsJoint) return new ChangeResult(ChangeEnd.Done, new LogIndex(applied));
            await Task.Delay(PollInterval, cancellationToken).ConfigureAwait(false);
        }

        return ChangeResult.Of(ChangeEnd.Unknown);
    }

    /// <summary>Who asked here sees here what was done.</summary>
    private async Task<ChangeResult> AppliedHereAsync(ChangeResult result, long start, CancellationToken cancellationToken)
    {
        while (result.End == ChangeEnd.Done && appliedIndex() < result.Index.Value && Stopwatch.GetElapsedTime(start) < timeout)
            await Task.Delay(PollInterval, cancellationToken).ConfigureAwait(false);
        return result;
    }
}

using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Diagnostics;
using System.Security.Cryptography;
using Conclave.Node.Peers;
using Conclave.Raft;

namespace Conclave.Node.Consensus;

/// <summary>Questions that only the leader can answer. The numbers go over the wire.</summary>
internal enum LeaderQuestion : byte
{
    /// <summary>Give this lease its full time again.</summary>
    LeaseRenew = 1,

    /// <summary>How many seconds has this lease left?</summary>
    LeaseRemaining = 2,
}

/// <summary>Asks the leader, wherever it is: a number goes there, a number comes back.</summary>
/// <remarks>Questions change nothing that matters when they are asked twice, so an answer that does not come is asked for again.</remarks>
internal sealed class LeaderCalls(NodeId self, PeerTransport peers, Func<ConsensusStatus> status, Func<LeaderQuestion, long, Task<long?>> answerHere, TimeSpan timeout)
{
    private const int OutstandingMax = 10_000;
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(1), RetryDelay = TimeSpan.FromMilliseconds(50);

    private readonly ConcurrentDictionary<ulong, TaskCompletionSource<long?>> _outstanding = [];
    private int _answering;

    // At a random place: an answer to a call of this node's former life may still be on its way.
    private ulong _lastCall = BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(8));

    /// <returns>The leader's answer; null when no leader answered in time.</returns>
    public async ValueTask<long?> AskAsync(LeaderQuestion question, long number, CancellationToken cancellationToken)
    {
        long start = Stopwatch.GetTimestamp();
        while (true)
        {
            NodeId leader = status().Leader;
            long? answer = leader == self ? await answerHere(question, number).WaitAsync(cancellationToken).ConfigureAwait(false)
                : leader == NodeId.None ? null
                : await AskPeerAsync(leader, question, number, cancellationToken).ConfigureAwait(false);
            if (answer is not null) return answer;
            if (Stopwatch.GetElapsedTime(start) >= timeout) return null;
            await Task.Delay(RetryDelay, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Another member asks this one.</summary>
    public bool OnCall(NodeId from, ReadOnlySpan<byte> body)
    {
        if (body.Length != 17) return false;
        if (Interlocked.Increment(ref _answering) > OutstandingMax)
        {
            Interlocked.Decrement(ref _answering);
            return true;   // the other side asks again
        }

        _ = AnswerAsync(from, BinaryPrimitives.ReadUInt64LittleEndian(body), (LeaderQuestion)body[8], BinaryPrimitives.ReadInt64LittleEndian(body[9..]));
        return true;
    }

    /// <summary>An answer came.</summary>
    public bool OnReply(ReadOnlySpan<byte> body)
    {
        if (body.Length != 17) return false;
        if (_outstanding.TryRemove(BinaryPrimitives.ReadUInt64LittleEndian(body), out TaskCompletionSource<long?>? waiter))
            waiter.TrySetResult(body[8] == 1 ? BinaryPrimitives.ReadInt64LittleEndian(body[9..]) : null);
        return true;
    }

    private async Task AnswerAsync(NodeId to, ulong call, LeaderQuestion question, long number)
    {
        long? answer = null;
        try
        {
            answer = await answerHere(question, number).ConfigureAwait(false);
        }
        finally
        {
            Interlocked.Decrement(ref _answering);   // whatever happens: a place that is lost is lost for good
        }

        byte[] reply = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(reply, answer ?? 0);
        peers.Send(to, PeerFrameKind.CallReply, call, (byte)(answer is null ? 0 : 1), reply);
    }

    private async ValueTask<long?> AskPeerAsync(NodeId leader, LeaderQuestion question, long number, CancellationToken cancellationToken)
    {
        if (_outstanding.Count >= OutstandingMax) return null;
        ulong call = Interlocked.Increment(ref _lastCall);
        var waiter = new TaskCompletionSource<long?>(TaskCreationOptions.RunContinuationsAsynchronously);
        _outstanding[call] = waiter;
        try
        {
            byte[] rest = new byte[8];
            BinaryPrimitives.WriteInt64LittleEndian(rest, number);
            if (!peers.Send(leader, PeerFrameKind.Call, call, (byte)question, rest)) return null;
            return await waiter.Task.WaitAsync(AnswerTimeout, cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            return null;   // asked again, perhaps of another leader
        }
        finally
        {
            _outstanding.TryRemove(call, out _);
        }
    }
}

using System.Threading.Tasks.Sources;
using Conclave.Store;

namespace Conclave.Node.Consensus;

/// <summary>How a proposal ended, as far as this node knows.</summary>
internal enum ProposalEnd
{
    /// <summary>Committed and applied here; the outcome says what the store made of it.</summary>
    Applied,

    /// <summary>The time limit passed. It may still be applied.</summary>
    Unknown,

    /// <summary>Never appended and never will be: no leader, or the node is stopping. Safe to retry.</summary>
    Refused,

    /// <summary>Never appended: the leader's disk is nearly full, and what is left is for what makes room.</summary>
    NoRoom,

    /// <summary>Never appended and never will be: the leader takes no request of this size. Its limit is lower than that of this member.</summary>
    TooLarge,
}

/// <param name="End">How it ended.</param>
/// <param name="Outcome">Set when <paramref name="End"/> is <see cref="ProposalEnd.Applied"/>.</param>
internal readonly record struct ProposalResult(ProposalEnd End, ApplyOutcome Outcome);

/// <summary>A request of a client of this node, from its arrival until its entry is applied here.</summary>
/// <remarks>
/// It moves like this. Every transition happens under the lock of <see cref="Proposals"/> or on the consensus thread, as noted there.
/// <code>
///   Waiting --leader known--> Queued (local) / Sent (remote, in term t) --appended--> Sent (in term t) --applied--> gone
///      ^                          |                                                     |
///      +------- refused ----------+        an entry of a later term was applied --------+
/// </code>
/// The last arrow is safe because a proposal is only ever appended in the term it was sent for: once this node has applied an entry of a later
/// term without having met the request, no leader can have it in a log that will be committed.
/// </remarks>
internal sealed class PendingRequest(ulong id, byte[] payload, long deadline) : IValueTaskSource<ProposalResult>
{
    private ManualResetValueTaskSourceCore<ProposalResult> _completion = new() { RunContinuationsAsynchronously = true };
    private int _completed;

    public ulong Id => id;

    /// <summary>The log entry's payload: the envelope and the request as it came.</summary>
    public byte[] Payload => payload;

    /// <summary>Stopwatch timestamp after which the client is told that nobody knows.</summary>
    public long Deadline => deadline;

    /// <summary>The term in which it was sent to a leader or appended; 0 while it waits to be.</summary>
    public ulong SentTerm { get; set; }

    /// <summary>No leader has it: it goes out as soon as one is known.</summary>
    public bool IsWaiting { get; set; }

    public ValueTask<ProposalResult> Task => new(this, _completion.Version);

    /// <summary>Completes it; the first call wins.</summary>
    public void Complete(in ProposalResult result)
    {
        if (Interlocked.Exchange(ref _completed, 1) == 0) _completion.SetResult(result);
    }

    public ProposalResult GetResult(short token) => _completion.GetResult(token);

    public ValueTaskSourceStatus GetStatus(short token) => _completion.GetStatus(token);

    public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _completion.OnCompleted(continuation, state, token, flags);
}

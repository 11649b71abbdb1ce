using Conclave.Raft;

namespace Conclave.Node.Consensus;

/// <summary>What one member was asked for: its state, behind an index. The answer is that state, or no.</summary>
internal sealed class StateRequest(NodeId member, ulong index)
{
    private readonly TaskCompletionSource<bool> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public ulong Index => index;

    /// <summary>Whether the state was taken over.</summary>
    public Task<bool> Answered => _done.Task;

    /// <summary>Told whether a state that <see cref="Answers"/> was taken over.</summary>
    public TaskCompletionSource<bool> Done => _done;

    /// <summary>Only the state of the member that was asked will do: it was found to be right.</summary>
    public bool Answers(NodeId from, SnapshotId snapshot) => from == member && snapshot.Last.Index.Value >= index;

    /// <summary>Somebody says that it will not send its state. Of account if it was asked, and for this.</summary>
    public void OnRefused(NodeId from, ulong refused)
    {
        if (from == member && refused == index) _done.TrySetResult(false);
    }
}

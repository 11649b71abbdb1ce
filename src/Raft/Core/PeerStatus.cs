namespace Conclave.Raft;

public enum ReplicationState : byte
{
    /// <summary>One message at a time until the follower's log position is known.</summary>
    Probe = 0,

    /// <summary>Position known: messages are pipelined.</summary>
    Replicate = 1,

    /// <summary>The follower needs entries that were compacted away; a snapshot is on its way.</summary>
    Snapshot = 2,
}

/// <summary>What a leader knows of one peer, for people and metrics.</summary>
public readonly record struct PeerStatus(NodeId Node, LogIndex Match, LogIndex Next, ReplicationState State, bool RecentActive, bool LinkDown,
    int InflightCount, long InflightBytes);

namespace Conclave.Layers.Serving;

/// <summary>Known ways to publish and to serve releases wrongly, to prove that the simulator notices each of them.</summary>
/// <remarks>Production code cannot turn one on: the type, and everything that takes it, is internal and visible to the simulator and the tests alone.</remarks>
[Flags]
internal enum ServingFaults
{
    None = 0,

    /// <summary>A release is written whether or not the head is still the one that it was checked on.</summary>
    PublishWithoutHead = 1 << 0,

    /// <summary>Nobody looks whether a request was carried out before.</summary>
    PublishTwice = 1 << 1,

    /// <summary>Facts that come together with a release are skipped.</summary>
    SkipFacts = 1 << 2,

    /// <summary>What a caller says that it has is taken for what that release says here, whatever its hash.</summary>
    TrustBase = 1 << 3,

    /// <summary>A stream begins with what there is, older or not than what the caller has seen.</summary>
    IgnoreMinRelease = 1 << 4,

    /// <summary>A delta starts at the release before, and not at what the stream has had.</summary>
    DeltaFromNewest = 1 << 5,

    /// <summary>A delta is made once for all nodes that come to the same document, whatever they come from.</summary>
    ShareDeltas = 1 << 6,

    /// <summary>Keys that are gone are left out of deltas.</summary>
    KeepGoneKeys = 1 << 7,

    /// <summary>Documents that are new after a stream began are not sent on it.</summary>
    MissNewDocuments = 1 << 8,

    /// <summary>A message holds one document, and the others of the same release come with the next one.</summary>
    HalfRelease = 1 << 9,

    /// <summary>What changes at one node wakes its own streams alone, also when other nodes' values look at it.</summary>
    WakeOwnAlone = 1 << 10,

    /// <summary>The record of a rollout is written whether or not it is still the one that was decided upon.</summary>
    OverwriteRollout = 1 << 11,

    /// <summary>Nodes are moved whether or not the stages of rollouts are still those that the move was checked with.</summary>
    MoveOverStages = 1 << 12,

    /// <summary>A rollout asks for its own documents alone, and not for those that refer to what it edits.</summary>
    IgnoreGated = 1 << 13,

    /// <summary>Two stages of a rollout begin with one decision.</summary>
    AdvanceTwice = 1 << 14,

    /// <summary>A release that is taken back leaves some of what it edited behind.</summary>
    TakeBackHalf = 1 << 15,

    /// <summary>Whoever hears agents moves rollouts on, leader or not.</summary>
    DriveWithoutLeading = 1 << 16,

    /// <summary>Stages are looked at when a release comes, and not when they begin.</summary>
    MissStages = 1 << 17,

    /// <summary>A node that a rollout holds back keeps the first of its documents as it was, and gets the others.</summary>
    HoldOneDocument = 1 << 18,

    /// <summary>Whatever an agent applied is taken for the release.</summary>
    TakeAnyAcknowledgement = 1 << 19,

    /// <summary>Stages begin without waiting for the agents of the one before.</summary>
    WaitForNobody = 1 << 20,
}

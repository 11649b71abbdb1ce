using Conclave.Raft;

namespace Conclave.Recording;

/// <summary>One batch on its way to the disk.</summary>
/// <param name="Inputs">Owned by whoever holds the batch.</param>
/// <param name="InputBytes">Roughly what they occupy.</param>
/// <param name="Digest">Of the flush; meaningless after a failure.</param>
/// <param name="FailureOrEmpty">Why the batch has no flush.</param>
/// <param name="After">The core after the batch, if another part begins there.</param>
/// <param name="BeginsRun">There is no batch: inputs before <paramref name="After"/> are missing, and a new recording begins.</param>
internal sealed record RecordedBatch(List<RaftInput> Inputs, long InputBytes, OutputDigest Digest, string FailureOrEmpty, SavedCore? After, bool BeginsRun = false);

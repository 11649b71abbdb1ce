using System.Buffers;
using Conclave.Raft;

namespace Conclave.Recording;

/// <summary>Short hashes over what came out of one flush and where the core stands after it, so that a replay can prove that it is the same run.</summary>
/// <remarks>
/// Payloads are left out: they are inputs, and hashing them would cost the consensus loop what it must not cost. So are the messages that wait inside a write: only the
/// durable log can take them out. What they say follows from the state, which is in here.
/// </remarks>
/// <param name="Messages">Those that may leave at once.</param>
/// <param name="Writes">Operations, snapshot to install, compaction.</param>
/// <param name="Committed">Entries handed out to be applied.</param>
/// <param name="Answers">Verdicts, role, membership, snapshots wanted.</param>
/// <param name="State">Role, term, leader, commit index, ends of the log.</param>
public readonly record struct OutputDigest(uint Messages, uint Writes, uint Committed, uint Answers, uint State)
{
    /// <summary>The first part that differs, in words; null when all are equal.</summary>
    public string? DifferenceTo(OutputDigest other) =>
        State != other.State ? "where the core stands"
        : Messages != other.Messages ? "the messages"
        : Writes != other.Writes ? "what is written"
        : Committed != other.Committed ? "what is committed"
        : Answers != other.Answers ? "the verdicts"
        : null;

    internal static OutputDigest Of(RaftOutput output, RaftCore core, ArrayBufferWriter<byte> scratch) => new(
        OfMessages(output, scratch), OfWrites(output), OfCommitted(output), OfAnswers(output), OfState(core));

    private static uint OfMessages(RaftOutput output, ArrayBufferWriter<byte> scratch)
    {
        Mixer mixer = new();
        foreach (OutboundMessage outbound in output.Messages)
        {
            mixer.Add(outbound.To.Value);
            if (outbound.Message is AppendRequest append)
            {
                mixer.Add(append.Term.Value);
                mixer.Add(append.Previous);
                mixer.Add((ulong)append.Entries.Length);
                if (!append.Entries.IsEmpty) mixer.Add(append.Entries.Span[^1].Id);
                mixer.Add(append.Commit.Value);
                mixer.Add(append.Sequence);
                continue;
            }

            scratch.ResetWrittenCount();
            MessageCodec.Write(scratch, outbound.Message);
            mixer.Add(scratch.WrittenSpan);
        }

        return mixer.Hash;
    }

    private static uint OfWrites(RaftOutput output)
    {
        Mixer mixer = new();
        foreach (PersistOp operation in output.Persists)
        {
            mixer.Add(operation.Ticket.Sequence);
            mixer.Add(operation.HardState is { } hardState ? hardState.Term.Value * 31 + hardState.VotedFor.Value + 1 : 0);
            mixer.Add(operation.TruncateFrom?.Value ?? 0);
            mixer.Add((ulong)operation.Entries.Length);
            if (!operation.Entries.IsEmpty) mixer.Add(operation.Entries.Span[^1].Id);
        }

        mixer.Add(output.InstallSnapshot?.Last ?? EntryId.Zero);
        mixer.Add(output.CompactTo ?? EntryId.Zero);
        return mixer.Hash;
    }

    private static uint OfCommitted(RaftOutput output)
    {
        Mixer mixer = new();
        foreach (ReadOnlyMemory<Entry> run in output.Committed)
        {
            foreach (ref readonly Entry entry in run.Span)
            {
                mixer.Add(entry.Id);
                mixer.Add((ulong)entry.Payload.Length * 4 + (byte)entry.Kind);
            }
        }

        return mixer.Hash;
    }

    private static uint OfAnswers(RaftOutput output)
    {
        Mixer mixer = new();
        foreach (ReadVerdict verdict in output.Reads)
        {
            mixer.Add(verdict.ReadId);
            mixer.Add(verdict.Index.Value * 2 + (byte)verdict.Outcome);
        }

        foreach (ProposalVerdict verdict in output.Proposals)
        {
            mixer.Add(verdict.Id * 4 + (byte)verdict.Outcome);
            mixer.Add(verdict.Entry);
        }

        foreach (MembershipVerdict verdict in output.MembershipVerdicts)
        {
            mixer.Add(verdict.Id * 16 + (byte)verdict.Outcome);
            mixer.Add(verdict.Entry);
        }

        if (output.Membership is { } membership) mixer.Add(membership.Encode());
        foreach (NodeId node in output.LogReverted) mixer.Add(node.Value);
        if (output.RoleChange is { } change)
        {
            mixer.Add((ulong)change.Role + 1);
            mixer.Add(change.Term.Value);
            mixer.Add(change.Leader.Value);
        }

        foreach (NodeId node in output.SnapshotsWanted) mixer.Add(node.Value);
        return mixer.Hash;
    }

    private static uint OfState(RaftCore core)
    {
        Mixer mixer = new();
        mixer.Add((ulong)core.Role);
        mixer.Add(core.Term.Value);
        mixer.Add(core.Leader.Value);
        mixer.Add(core.Commit.Value);
        mixer.Add(core.LogBase);
        mixer.Add(core.LastEntry);
        mixer.Add(core.Durable.Value);
        return mixer.Hash;
    }

    private ref struct Mixer()
    {
        private ulong _state = 0x243F6A8885A308D3;

        public readonly uint Hash => (uint)(_state ^ (_state >> 32));

        public void Add(ulong value)
        {
            _state = (_state ^ value) * 0x9E3779B97F4A7C15;
            _state ^= _state >> 29;
        }

        public void Add(EntryId id)
        {
            Add(id.Index.Value);
            Add(id.Term.Value);
        }

        public void Add(ReadOnlySpan<byte> bytes)
        {
            Add((ulong)bytes.Length);
            for (; bytes.Length >= 8; bytes = bytes[8..]) Add(System.Buffers.Binary.BinaryPrimitives.ReadUInt64LittleEndian(bytes));
            foreach (byte rest in bytes) Add(rest);
        }
    }
}

using System.Buffers;
using System.Diagnostics.CodeAnalysis;

namespace Conclave.Raft;

public sealed partial class RaftCore
{
    /// <summary>A core that goes on where the saved one stood: the same inputs lead to the same outputs.</summary>
    /// <param name="options">Those that the saved core had.</param>
    /// <param name="saved">What <see cref="SavedCore.Write"/> wrote. Payloads are slices of it, not copies.</param>
    /// <param name="core">Null when the result is false.</param>
    /// <returns>False for anything that this version does not write for a core of these options. Never throws because of the bytes.</returns>
    /// <exception cref="ArgumentException">The options have <see cref="RaftOptions.Problems"/>.</exception>
    public static bool TryLoad(RaftOptions options, ReadOnlyMemory<byte> saved, [NotNullWhen(true)] out RaftCore? core) => TryLoad(options, saved, CoreFaults.None, out core);

    internal static bool TryLoad(RaftOptions options, ReadOnlyMemory<byte> saved, CoreFaults faults, [NotNullWhen(true)] out RaftCore? core)
    {
        foreach (string problem in options.Problems()) throw new ArgumentException(problem, nameof(options));
        core = null;
        var reader = new FieldReader(saved);
        reader.Expect(reader.Byte() == SavedCore.Format);
        bool payloads = reader.Flag();
        var state = new FieldReader(reader.Slice(reader.Varint()));
        if (reader.Failed) return false;
        var loaded = new RaftCore(options, faults, ref state, ref reader, payloads);
        if (state.Failed || !state.AtEnd || reader.Failed) return false;

        // Each state has one form. This refuses all others, and a reader and a writer here that do not fit together.
        var again = new ArrayBufferWriter<byte>(saved.Length);
        loaded.Save().Write(again, payloads);
        if (!again.WrittenSpan.SequenceEqual(saved.Span)) return false;
        core = loaded;
        return true;
    }

    private RaftCore(RaftOptions options, CoreFaults faults, ref FieldReader reader, ref FieldReader entries, bool payloads)
    {
        (_options, _faults) = (options, faults);
        reader.Expect(reader.Varint() == options.Self.Value);
        _random = new Prng(options.Seed);
        _random.Load(ref reader);
        _now = reader.Long();
        LoadRole(ref reader);
        _log = LogTail.Load(ref reader, ref entries, payloads);
        _configs = new ConfigStack(LogIndex.Zero, new Membership());
        LoadMembers(ref reader);
        LoadTimers(ref reader);
        LoadPersistence(ref reader);
        (_sequence, _readEpoch, _readRequestId) = (reader.Varint(), reader.Varint(), reader.Varint());
        _reads = new ReadTracker();
        _reads.Load(ref reader);
        reader.Expect(Applied <= Commit && _emitted <= Commit && Commit <= _log.Last.Index && _durable <= _log.Last.Index && _handedOver <= _log.Last.Index);
    }

    private void LoadRole(ref FieldReader reader)
    {
        byte role = reader.Byte();
        reader.Expect(role <= (byte)RaftRole.Leader);
        Role = (RaftRole)role;
        (Term, VotedFor, Leader) = (new Term(reader.Varint()), new NodeId(reader.Varint()), new NodeId(reader.Varint()));
        (Commit, Applied, _emitted) = (reader.Index(), reader.Index(), reader.Index());
        (_verified, _termStart, _uncommittedBytes) = (reader.Index(), reader.Index(), reader.Long());
        _lostEnd = reader.Id();
        _tally.Load(ref reader);
        (_round, _ownVoteTicket, _campaignIsTransfer) = (reader.Varint(), new IoTicket(reader.Varint()), reader.Flag());
        (_transferTarget, _timeoutNowDue, _heartbeatDue) = (new NodeId(reader.Varint()), reader.Flag(), reader.Flag());
    }

    [MemberNotNull(nameof(Membership), nameof(_roster))]
    private void LoadMembers(ref FieldReader reader)
    {
        Snapshot = LoadSnapshot(ref reader);
        _installing = LoadSnapshot(ref reader);
        _compactedFor = reader.Index();
        Membership = _configs.Load(ref reader);
        bool fits = Membership.Members().Length <= Membership.MembersMax;
        reader.Expect(fits);
        _roster = new Roster(fits ? Membership : new Membership(), _options, _faults);
        foreach (Progress peer in _roster.Peers) peer.Load(ref reader);
    }

    private void LoadTimers(ref FieldReader reader)
    {
        (_electionElapsed, _electionTimeout, _fastCampaignIn) = (reader.Int(), reader.Int(), reader.Int());
        (_campaignAttempts, _heartbeatElapsed, _transferElapsed) = (reader.Int(CampaignAttemptsMax), reader.Int(), reader.Int());
    }

    private void LoadPersistence(ref FieldReader reader)
    {
        _hardStateChanged = reader.Flag();
        _truncateFrom = reader.Flag() ? reader.Index() : null;
        (_handedOver, _durable) = (reader.Index(), reader.Index());
        (_lastTicket, _durableTicket, _hardStateTicket) = (new IoTicket(reader.Varint()), new IoTicket(reader.Varint()), new IoTicket(reader.Varint()));
        IoTicket before = _durableTicket;
        int writes = reader.Count(bytesMin: 3);
        for (int i = 0; i < writes && !reader.Failed; i++)
        {
            var write = new PendingWrite(new IoTicket(reader.Varint()), reader.Index(), reader.Long());
            reader.Expect(write.Ticket > before && write.Ticket <= _lastTicket);
            before = write.Ticket;
            _writes.Enqueue(write);
        }
        int messages = reader.Count(bytesMin: 2);
        for (int i = 0; i < messages && !reader.Failed; i++)
        {
            var to = new NodeId(reader.Varint());
            if (!MessageCodec.TryRead(reader.Slice(reader.Varint()), out Message? message)) reader.Fail();
            else (_dependentMessages ??= []).Add(new OutboundMessage(to, message));
        }
    }

    private static SnapshotId? LoadSnapshot(ref FieldReader reader) => reader.Flag() ? new SnapshotId(reader.Id(), reader.Membership()) : null;
}

namespace Conclave.Raft.Tests;

/// <summary>A core with a disk that syncs when told to. Whatever leaves the node piles up in <see cref="Sent"/>.</summary>
internal sealed class TestNode
{
    private readonly RaftOutput _output = new();
    private readonly List<PersistOp> _unsynced = [];
    private readonly CoreFaults _faults;
    private readonly EntryId _lostEnd;

    public TestNode(RaftOptions options, Membership membership, CoreFaults faults = CoreFaults.None)
        : this(options, new RecoveredState { HardState = default, Bootstrap = membership }, faults)
    {
    }

    public TestNode(RaftOptions options, RecoveredState recovered, CoreFaults faults = CoreFaults.None)
    {
        (Options, Bootstrap, _faults) = (options, recovered.Bootstrap, faults);
        (DiskHardState, DiskBase, DiskSnapshot) = (recovered.HardState, recovered.Base, recovered.Snapshot);
        DiskEntries.AddRange(recovered.Entries);
        _lostEnd = recovered.LostEnd;
        Core = new RaftCore(options, recovered, faults);
    }

    public RaftOptions Options { get; }
    public Membership Bootstrap { get; }
    public RaftCore Core { get; }
    public NodeId Id => Core.Self;

    public List<Message> Sent { get; } = [];
    public List<Entry> Committed { get; } = [];
    public List<ReadVerdict> Reads { get; } = [];
    public List<ProposalVerdict> Proposals { get; } = [];
    public List<NodeId> SnapshotsWanted { get; } = [];
    public List<RoleChange> RoleChanges { get; } = [];
    public List<EntryId> Compactions { get; } = [];
    public List<MembershipVerdict> MembershipVerdicts { get; } = [];
    public List<Membership> Memberships { get; } = [];
    public List<NodeId> LogReverted { get; } = [];
    public SnapshotId? Installing { get; private set; }

    public HardState DiskHardState { get; private set; }
    public EntryId DiskBase { get; private set; }
    public List<Entry> DiskEntries { get; } = [];
    public SnapshotId? DiskSnapshot { get; set; }
    public IReadOnlyList<PersistOp> Unsynced => _unsynced;

    public static RaftOptions OptionsFor(ulong id, Func<RaftOptions, RaftOptions>? change = null)
    {
        var options = new RaftOptions { Self = new NodeId(id), Seed = 1000 + id };
        return change is null ? options : change(options);
    }

    /// <summary>One batch: the steps, one flush, and the output taken out, but for the disk.</summary>
    public void Step(params ReadOnlySpan<RaftInput> inputs)
    {
        foreach (ref readonly RaftInput input in inputs) Core.Step(input, _output);
        Core.Flush(_output);
        foreach (OutboundMessage message in _output.Messages) Sent.Add(message.Message);
        _unsynced.AddRange(_output.Persists);
        foreach (ReadOnlyMemory<Entry> run in _output.Committed) Committed.AddRange(run.ToArray());
        Reads.AddRange(_output.Reads);
        Proposals.AddRange(_output.Proposals);
        SnapshotsWanted.AddRange(_output.SnapshotsWanted);
        MembershipVerdicts.AddRange(_output.MembershipVerdicts);
        LogReverted.AddRange(_output.LogReverted);
        if (_output.Membership is { } membership) Memberships.Add(membership);
        if (_output.RoleChange is { } change) RoleChanges.Add(change);
        if (_output.CompactTo is { } compactTo) Compactions.Add(compactTo);
        Installing = _output.InstallSnapshot ?? Installing;
        _output.Clear();
    }

    public void Receive(Message message) => Step(RaftInput.Received(message));

    public void Tick(int count = 1)
    {
        for (int i = 0; i < count; i++) Step(RaftInput.Tick());
    }

    public void Propose(params ReadOnlySpan<byte> payloads)
    {
        var batch = new Proposal[payloads.Length];
        for (int i = 0; i < batch.Length; i++) batch[i] = new Proposal((ulong)i + 1, new[] { payloads[i] });
        Step(RaftInput.Propose(batch));
    }

    /// <summary>Asks for a change of membership; what became of it so far.</summary>
    public MembershipOutcome Change(MembershipChangeKind kind, ulong node, params ReadOnlySpan<MemberInfo> infos)
    {
        Step(RaftInput.ChangeMembership((ulong)MembershipVerdicts.Count, new MembershipChange(kind, new NodeId(node), [.. infos])));
        return MembershipVerdicts[^1].Outcome;
    }

    public void Transfer(ulong target = 0) => Step(RaftInput.Transfer(new NodeId(target)));

    /// <summary>The disk finishes everything handed over so far. The messages that waited for it leave; the core is told.</summary>
    public bool Sync()
    {
        if (_unsynced.Count == 0) return false;
        IoTicket ticket = SyncSilently();
        Step(RaftInput.Persisted(ticket));
        return true;
    }

    /// <summary>Like <see cref="Sync"/>, but the core has not heard yet.</summary>
    public IoTicket SyncSilently(int operations = int.MaxValue)
    {
        IoTicket last = default;
        int count = Math.Min(operations, _unsynced.Count);
        for (int i = 0; i < count; i++)
        {
            PersistOp op = _unsynced[i];
            if (op.TruncateFrom is { } from) DiskEntries.RemoveAll(e => e.Index >= from);
            DiskEntries.AddRange(op.Entries.ToArray());
            DiskHardState = op.HardState ?? DiskHardState;
            foreach (OutboundMessage message in op.MarkDurable()) Sent.Add(message.Message);
            last = op.Ticket;
        }
        _unsynced.RemoveRange(0, count);
        return last;
    }

    public void SyncAll()
    {
        while (Sync()) { }
    }

    /// <summary>What a driver does for <see cref="RaftOutput.InstallSnapshot"/>.</summary>
    public void InstallSnapshot()
    {
        SyncSilently();
        SnapshotId id = Installing!; // the test has seen that there is one
        Installing = null;
        DiskEntries.Clear();
        (DiskBase, DiskSnapshot) = (id.Last, id);
        Step(RaftInput.SnapshotInstalled(id));
    }

    /// <summary>The disk loses everything after this index, as a damage would have it.</summary>
    public void LoseAfter(ulong index) => DiskEntries.RemoveAll(e => e.Index.Value > index);

    /// <summary>What storage remembers of a damage until the log has reached it again.</summary>
    public EntryId StillLost => Core.IsRecovering ? _lostEnd : EntryId.Zero;

    /// <summary>Power cut: what was not synced is gone.</summary>
    /// <param name="lostEnd">What the node may have acknowledged beyond its log.</param>
    public TestNode Restart(EntryId lostEnd = default) => new(Options with { Seed = Options.Seed + 7919 }, new RecoveredState
    {
        HardState = DiskHardState,
        Bootstrap = Bootstrap,
        Snapshot = DiskSnapshot,
        Base = DiskBase,
        Entries = [.. DiskEntries],
        LostEnd = lostEnd,
    }, _faults);

    public T[] TakeSent<T>() where T : Message
    {
        T[] taken = [.. Sent.OfType<T>()];
        Sent.RemoveAll(m => m is T);
        return taken;
    }

    /// <summary>Terms of the log, from its base on: the usual drawing of a Raft log.</summary>
    public string Terms()
    {
        var terms = new List<ulong>();
        for (LogIndex i = Core.LogBase.Index.Next; i <= Core.LastEntry.Index; i = i.Next) terms.Add(Core.Log[i].Term.Value);
        return string.Join(' ', terms);
    }

    /// <summary>A log given by its terms, as <see cref="Terms"/> prints it. Payloads are the index.</summary>
    public static List<Entry> LogOf(string terms, ulong after = 0)
    {
        var entries = new List<Entry>();
        foreach (string term in terms.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            var index = new LogIndex(after + (ulong)entries.Count + 1);
            entries.Add(new Entry(index, new Term(ulong.Parse(term, System.Globalization.CultureInfo.InvariantCulture)), EntryKind.Command, new[] { (byte)index.Value }));
        }
        return entries;
    }
}

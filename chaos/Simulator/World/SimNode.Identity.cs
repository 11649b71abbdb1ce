using Conclave.Raft;

namespace Conclave.Simulator;

internal sealed partial class SimNode
{
    private readonly (int Own, int Other)[] _admitted = new (int, int)[SimWorld.SlotsMax]; // lives of both, by slot
    private Dictionary<NodeId, RememberedMember> _known = []; // part of the directory
    private NodeCopy? _backup, _original;
    private StartHistory _starts = StartHistory.None; // part of the directory too
    private bool _isGone;

    /// <summary>A directory with what is known of it. Damage that nobody has met yet is copied with it.</summary>
    private sealed record NodeCopy(object Disk, DiskShadow Shadow, LogIndex DurableSnapshot, EntryId LostEnd, ulong Boot, Membership Counted, Dictionary<NodeId, RememberedMember> Known, StartHistory Starts)
    {
        public required (bool Damaged, bool PairDamaged, bool SuperblockOnly, bool OtherDamaged, bool Lied) Damage { get; init; }
    }

    /// <summary>Runs with a directory that is not its own: nobody may listen to it.</summary>
    public bool IsExiled => _original is not null;

    /// <summary>Membership as of what is applied here.</summary>
    public Membership AppliedMembership => _applied;

    /// <summary>Whether another node has remembered the start that is under way here, or was the last.</summary>
    public bool KnowsStartOf(SimNode other) =>
        _known.TryGetValue(other.Id, out RememberedMember known) && (known.Incarnation, known.Boot, known.BootNonce) == (other._disk.Incarnation, other._disk.Boot, other._disk.Nonce);

    /// <summary>The rule by which real nodes let each other in, asked once for two lives.</summary>
    public bool Admits(SimNode other)
    {
        if (!IsUp || !other.IsUp) return !IsExiled && !other.IsExiled; // a message of an earlier life, or to somebody who is starting
        if (_admitted[other._slot] == (Life, other.Life)) return true;
        var shown = new MemberCredentials(other._disk.Incarnation, other._disk.Boot, other._disk.Nonce, other._shadow.Last.Index, other._lostEnd) { Starts = other._starts.ShownTo(Id) };
        RememberedMember? remembered = _known.TryGetValue(other.Id, out RememberedMember known) ? known : null;
        if (_world.Has(DriverFaults.AdmitByNumber)) (shown, remembered) = (shown with { Starts = default }, remembered is { } one ? one with { KeepsStarts = false } : null);
        AdmissionVerdict verdict = MemberAdmission.Judge(MemberStanding.Member, remembered, LogIndex.Zero, shown, liveNonce: null);
        if (_world.Has(DriverFaults.AdmitAnybody)) verdict = verdict with { Reason = AdmissionReason.None };
        else if (!IsExiled && verdict.IsAccepted == other.IsExiled)
            throw new SimulationFailure($"I25: {Id} {(verdict.IsAccepted ? "lets in" : "keeps out")} {other.Id}, which comes with {(other.IsExiled ? "another" : "its own")} directory. {verdict.Explain("", other.Id)}");
        if (!verdict.IsAccepted) return false;
        _known[other.Id] = MemberAdmission.Remember(remembered, LogIndex.Zero, shown);
        other._starts = other._starts.ConfirmedBy(Id);
        _admitted[other._slot] = (Life, other.Life);
        return true;
    }

    public void TakeBackup()
    {
        if (IsUp && !IsExiled) _backup = CopyDirectory();
    }

    /// <summary>Starts with an empty directory, or with the backup; see <see cref="DamageLimit.MayExile"/>.</summary>
    public void Exile(bool wipe, long forUs, bool replace)
    {
        // A backup of the start that the others remember would start as the next one; only the positions on record tell, and there are none here.
        // And one that may decide alone, or founds a cluster of its own, asks nobody.
        if (wipe ? _bootstrap.Voters.Length == 1 : _backup is null || _backup.Boot >= _disk.Boot || _backup.Counted.Voters.Length < 2) return;
        if (_world.Leader is not { } leader || !leader.AppliedMembership.Includes(Id)) return; // nobody would miss it
        Crash(powerCut: false);
        _original = CopyDirectory();
        _world.Statistics.DirectoriesSwapped++;
        TakeDirectory(wipe ? null : _backup);
        StartLater(10_000);
        Supervise();
        if (replace && _world.Nodes.Count < SimWorld.SlotsMax - 4) _world.Operator.Replace(this);
        else _world.Call(forUs, ReturnOriginal);
    }

    /// <summary>A process that nobody lets in ends, and whoever supervises it starts it again, and again.</summary>
    private void Supervise() => _world.Call(_random.Between(50_000, 500_000), () =>
    {
        if (!IsExiled) return;
        Crash(powerCut: false);
        StartLater(10_000);
        Supervise();
    });

    /// <summary>Somebody took the machine away.</summary>
    public void GoForGood()
    {
        Crash(powerCut: false);
        (_isGone, IsWanted, _original) = (true, false, null);
    }

    private void ReturnOriginal()
    {
        if (_original is null) return;
        Crash(powerCut: false);
        TakeDirectory(_original);
        _original = null;
        StartLater(10_000);
    }

    private NodeCopy CopyDirectory() => new(_disk.Copy(), _shadow.Clone(), _durableSnapshot, _lostEnd, _disk.Boot, Counted, new Dictionary<NodeId, RememberedMember>(_known), _starts)
    {
        Damage = (_damaged, _pairDamaged, _superblockOnly, _otherDamaged, _lied),
    };

    private void TakeDirectory(NodeCopy? copy)
    {
        _disk.Replace(copy?.Disk);
        (_shadow, _durableSnapshot, _lostEnd) = (copy?.Shadow.Clone() ?? new DiskShadow(), copy?.DurableSnapshot ?? LogIndex.Zero, copy?.LostEnd ?? EntryId.Zero);
        (_damaged, _pairDamaged, _superblockOnly, _otherDamaged, _lied) = copy?.Damage ?? default;
        _starts = copy?.Starts ?? StartHistory.None;
        _known = copy is null ? [] : new Dictionary<NodeId, RememberedMember>(copy.Known);
    }
}

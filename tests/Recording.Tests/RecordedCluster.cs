using Conclave.Raft;

namespace Conclave.Recording.Tests;

/// <summary>Three members and one that may join, everything that happens drawn from a seed, every core recorded.</summary>
internal sealed class RecordedCluster : IDisposable
{
    private const int Joiner = 4;
    private readonly Random _random;
    private readonly List<Message> _wire = [];
    private ulong _number;

    /// <param name="seed">Decides everything.</param>
    /// <param name="partBytes">Of inputs, in one part; less than a saved core has is as much as that has.</param>
    public RecordedCluster(int seed, long partBytes = 1 << 20)
    {
        _random = new Random(seed);
        Membership bootstrap = Membership.Of(new NodeId(1), new NodeId(2), new NodeId(3));
        Nodes = [.. Enumerable.Range(1, Joiner).Select(id => new RecordedNode((ulong)id, id == Joiner ? new Membership() : bootstrap, System.IO.Path.Combine(Directory.FullName, $"{id}"), partBytes))];
    }

    public DirectoryInfo Directory { get; } = System.IO.Directory.CreateTempSubdirectory("conclave-recording-");

    public RecordedNode[] Nodes { get; }

    public IEnumerable<string> Recordings => Nodes.SelectMany(node => node.Recordings);

    public void Run(int steps)
    {
        for (int step = 0; step < steps; step++)
        {
            foreach (RecordedNode node in Nodes)
            {
                for (int ticks = _random.Next(3); ticks > 0; ticks--) node.Step(RaftInput.Tick());
                if (_random.Next(4) > 0) node.Work();
                _wire.AddRange(node.Sent);
                node.Sent.Clear();
                Stream(node);
            }

            Deliver();
            Happen(Nodes[_random.Next(Nodes.Length)]);
        }
    }

    /// <summary>Ends all recordings in order.</summary>
    public void Stop()
    {
        foreach (RecordedNode node in Nodes) node.Dispose();
    }

    public void Dispose()
    {
        Stop();
        Directory.Delete(recursive: true);
    }

    private void Happen(RecordedNode node)
    {
        switch (_random.Next(40))
        {
            case < 15:
                Proposal[] batch = [.. Enumerable.Range(0, _random.Next(1, 4)).Select(_ => new Proposal(++_number, Payload()))];
                node.Step(RaftInput.Propose(batch));
                Array.Clear(batch);   // as the node does
                break;
            case < 20: node.Step(RaftInput.Read(++_number), RaftInput.Tick()); break;
            case < 23: node.TakeSnapshot(); break;
            case 23: node.Restart(); break;
            case 24: node.Step(RaftInput.LinkDown(Other(node))); break;
            case 25: node.Step(RaftInput.LinkUp(Other(node))); break;
            case 26: node.Step(RaftInput.Transfer(_random.Next(2) == 0 ? NodeId.None : Other(node))); break;
            case 27: node.Step(RaftInput.ChangeMembership(++_number, Change())); break;
            default: break;
        }
    }

    private MembershipChange Change()
    {
        var kind = (MembershipChangeKind)_random.Next(5);
        NodeId joiner = new(Joiner);
        return kind == MembershipChangeKind.Describe
            ? new MembershipChange(kind, NodeId.None, [new MemberInfo(new NodeId(1), Payload())])
            : new MembershipChange(kind, joiner, [new MemberInfo(joiner, "http://127.0.0.1:1"u8.ToArray())]);
    }

    private void Deliver()
    {
        for (int count = _wire.Count; count > 0; count--)
        {
            Message message = _wire[0];
            _wire.RemoveAt(0);
            int fate = _random.Next(20);
            if (fate == 0) continue;
            if (fate == 1) _wire.Add(message);   // late
            else Nodes[(int)message.To.Value - 1].Step(RaftInput.Received(message));
        }
    }

    private void Stream(RecordedNode leader)
    {
        foreach (NodeId to in leader.SnapshotsWanted.ToArray())
        {
            bool arrives = leader.Snapshot is not null && _random.Next(4) > 0;
            if (arrives) Nodes[(int)to.Value - 1].Step(RaftInput.SnapshotReceived(leader.Core.Self, leader.Core.Term, leader.Snapshot!));   // seen two lines before
            leader.Step(RaftInput.SnapshotSendFinished(to, arrives));
        }

        leader.SnapshotsWanted.Clear();
    }

    private NodeId Other(RecordedNode node) => new((node.Core.Self.Value % Joiner) + 1);

    private byte[] Payload()
    {
        byte[] payload = new byte[_random.Next(50)];
        _random.NextBytes(payload);
        return payload;
    }
}

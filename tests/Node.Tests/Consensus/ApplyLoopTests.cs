using Conclave.Node.Consensus;
using Conclave.Raft;
using Conclave.Store;
using Conclave.Wire.Etcd.Etcdserverpb;
using Google.Protobuf;

namespace Conclave.Node.Tests.Consensus;

public sealed class ApplyLoopTests : IDisposable
{
    private static readonly NodeId Self = new(1);
    private static readonly Term Term = new(1);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly KeyValueStore _store = new(new StoreOptions());
    private readonly Observer _observer = new();
    private readonly ApplyLoop _apply;

    public ApplyLoopTests()
    {
        var driver = new NoDriver();
        _apply = new ApplyLoop(_store, Self.Value, new Proposals(Self, new NoRoute(), Patience), new ReadBarrier(_ => { }, driver, Patience), _ => { }, driver, Load, _observer);
        _apply.Start();
    }

    public void Dispose() => _apply.Stop();

    [Fact]
    public void A_snapshot_is_not_taken_while_the_state_is_ahead_of_the_log()
    {
        Enqueue(1, 3);
        var replaced = new TaskCompletionSource<bool>();
        _apply.EnqueueReplace(At(10), replaced);
        Until(() => replaced.Task is { IsCompletedSuccessfully: true, Result: true });

        Enqueue(4, 9);
        Until(() => _apply.Backlog == 0);
        _apply.EnqueueSnapshotWanted();
        Enqueue(10, 10);
        Until(() => _apply.Backlog == 0);
        Assert.Equal(0, _observer.Wanted);

        _apply.EnqueueSnapshotWanted();
        Until(() => _observer.Wanted == 1);
    }

    [Fact]
    public void Entries_wait_for_a_state_only_up_to_a_bound()
    {
        const int EntryBytes = 1 << 20;
        int bound = (int)(ApplyLoop.PausedBytesMax / EntryBytes);
        _apply.Pause();
        byte[] payload = new byte[EntryBytes];   // one for all
        for (int i = 1; i <= bound; i++) Enqueue((ulong)i, (ulong)i, payload);
        _apply.TryRunHere();
        Assert.Equal(bound, _apply.Backlog);

        Enqueue((ulong)bound + 1, (ulong)bound + 1, payload);
        Until(() => _apply.Backlog == 0);

        _apply.Pause();   // counts anew
        Enqueue((ulong)bound + 2, (ulong)bound + 2, payload);
        _apply.TryRunHere();
        Assert.Equal(1, _apply.Backlog);
    }

    [Fact]
    public void Entries_that_take_long_are_counted()
    {
        var apply = new ApplyLoop(_store, Self.Value, new Proposals(Self, new NoRoute(), Patience), new ReadBarrier(_ => { }, new NoDriver(), Patience), _ => { }, new NoDriver(), Load, _observer)
        {
            SlowAfter = TimeSpan.FromTicks(-1),
        };
        apply.Enqueue([new Entry[] { Entry(1), Entry(2), Entry(3) }]);
        apply.Start();
        Until(() => apply.Backlog == 0);
        apply.Stop();
        Assert.Equal(3, apply.SlowCount);

        static Entry Entry(ulong index) => new(new LogIndex(index), Term, EntryKind.NoOp, default);
    }

    [Fact]
    public async Task A_write_is_answered_when_it_can_be_read()
    {
        const int Count = 1_000;   // in one batch, which takes much longer than to hear of an answer
        var driver = new NoDriver();
        var route = new NoRoute();
        var proposals = new Proposals(Self, route, Patience);
        var apply = new ApplyLoop(_store, Self.Value, proposals, new ReadBarrier(_ => { }, driver, Patience), _ => { }, driver, Load, _observer);
        apply.Start();
        proposals.OnLeader(Self, Term.Value);
        byte[] put = new PutRequest { Key = ByteString.CopyFromUtf8("key"), Value = ByteString.CopyFrom(new byte[20_000]) }.ToByteArray();
        Task<ulong> seen = proposals.ProposeAsync(CommandKind.Put, put).AsTask()
            .ContinueWith(_ => _store.View.AppliedIndex, TestContext.Current.CancellationToken, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        byte[] others = Command.Encode(CommandKind.Put, origin: 99, requestId: 1, put);
        apply.Enqueue([Enumerable.Range(1, Count).Select(i => new Entry(new LogIndex((ulong)i), Term, EntryKind.Command, i == 1 ? route.Here!.Payload : others)).ToArray()]);
        while (apply.Backlog > 0) apply.TryRunHere();

        Assert.Equal((ulong)Count, await seen.WaitAsync(Patience, TestContext.Current.CancellationToken));
        apply.Stop();
    }

    private static SnapshotId At(ulong index) => new(new EntryId(new LogIndex(index), Term), Membership.Of(Self));

    private void Enqueue(ulong first, ulong last, byte[]? payload = null)
    {
        var run = new List<Entry>();
        for (ulong index = first; index <= last; index++) run.Add(new Entry(new LogIndex(index), Term, EntryKind.NoOp, payload ?? []));
        _apply.Enqueue([run.ToArray()]);
    }

    private void Load(SnapshotId snapshot)
    {
        var other = new KeyValueStore(new StoreOptions());
        for (ulong index = 1; index <= snapshot.Last.Index.Value; index++) other.AdvanceApplied(index, 1);
        other.Publish();
        _store.Install(other);
    }

    private void Until(Func<bool> reached)
    {
        for (long start = Environment.TickCount64; !reached(); Thread.Sleep(1))
        {
            _apply.TryRunHere();
            Assert.Null(_observer.Fatal);
            Assert.True(Environment.TickCount64 - start < Patience.TotalMilliseconds, "It did not come to that in time.");
        }
    }

    private sealed class NoRoute : IProposalRoute
    {
        public PendingRequest? Here { get; private set; }

        public void AppendHere(PendingRequest request) => Here = request;

        public bool SendTo(NodeId leader, ulong term, byte[] payload) => false;

        public void Flush(bool quiet)
        {
        }
    }

    private sealed class Observer : IApplyObserver
    {
        public volatile int Wanted;
        public volatile Exception? Fatal;

        public void OnTermApplied(ulong term)
        {
        }

        public void OnLeaseGranted(LeaseState lease)
        {
        }

        public void OnLeaseRevoked(long id)
        {
        }

        public void OnMembershipApplied(EntryId entry, Membership membership)
        {
        }

        public void OnBatchApplied(ulong index, ulong term, int entries, long payloadBytes)
        {
        }

        public void OnStateMarked(StoreView view)
        {
        }

        public void OnStateReplaced(SnapshotId snapshot)
        {
        }

        public void OnSnapshotInstalled(SnapshotId snapshot)
        {
        }

        public void OnSnapshotWanted() => Wanted++;

        public void OnFatal(Exception cause) => Fatal = cause;
    }
}

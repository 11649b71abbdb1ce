using System.Buffers;

namespace Conclave.Store.Tests;

public class ConcurrentWatchTests
{
    private const int Keys = 20, Streams = 4, Changes = 15_000;

    /// <summary>
    /// Only puts, so that a key's version grows by one with each event: a gap or a repetition on the way from feed to
    /// history and back would show at once.
    /// </summary>
    [Fact]
    public async Task Streams_on_other_threads_miss_nothing_while_the_writer_runs()
    {
        var store = new KeyValueStore(new StoreOptions());
        var streams = new List<Task>();
        using var stop = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        for (int i = 0; i < Streams; i++)
        {
            var stream = new ThreadedStream(store, i);
            streams.Add(Task.Run(() => stream.Run(stop.Token), CancellationToken.None));
        }

        for (int i = 0; i < Changes; i++)
        {
            StorePair.ApplyTo(store, new PutOf(Name(i * 7 % 11 % Keys), "v"));
            if (i % 4 == 0)
                StorePair.ApplyTo(store, new TxnOf([], [new PutOf(Name(1), "both"), new PutOf(Name(2), "both"), new PutOf(Name(19), "both")], []));
            if (i % 5 == 0)
                StorePair.ApplyTo(store, new PutOf(Name(0), "hot"));
            if (i < Changes / 2 ? i % 3 != 0 : i % 64 == 0)
                store.Publish();
        }

        StorePair.ApplyTo(store, new PutOf("end", "of the test"));
        store.Publish();
        await Task.WhenAll(streams);
        Assert.Equal(0, store.Watches.WatcherCount);
    }

    [Fact]
    public async Task Readers_on_other_threads_see_whole_revisions()
    {
        var store = new KeyValueStore(new StoreOptions { CompactionChangesPerPublish = 50 });
        using var done = new CancellationTokenSource();
        Task[] readers = [.. Enumerable.Range(0, 2).Select(_ => Task.Run(() => ReadUntil(store, done.Token)))];
        for (int i = 0; i < 5_000; i++)
        {
            // Two keys that always change together, now and then deleted together, among others that come and go.
            Request change = i % 7 == 6 ? new DeleteOf("pair", "pair3") : new TxnOf([], [new PutOf("pair1", "v" + i), new PutOf("pair2", "v" + i)], []);
            StorePair.ApplyTo(store, change);
            StorePair.ApplyTo(store, i % 3 == 2 ? new DeleteOf(Name(i * 31 % 400)) : new PutOf(Name(i * 17 % 400), "v"));
            if (i % 2 == 0)
                store.Publish();
            if (i % 50 == 49)
                StorePair.ApplyTo(store, new CompactTo(store.View.Revision - 20));
        }

        await done.CancelAsync();
        await Task.WhenAll(readers);
    }

    private static string Name(int i) => $"k{i:000}";

    private static void ReadUntil(KeyValueStore store, CancellationToken done)
    {
        byte[] pair = new RangeOf("pair", "pair3").ToBytes(), all = new RangeOf("\0", "\0").ToBytes(), count = new RangeOf("\0", "\0") { CountOnly = true }.ToBytes();
        while (!done.IsCancellationRequested)
        {
            StoreView view = store.View;
            ProtoFields answer = Read(view, pair);
            ModelKv[] kvs = [.. answer.Messages(2).Select(AnswerText.Kv)];
            Assert.True(kvs.Length is 0 or 2);
            if (kvs.Length == 2)
                Assert.Equal((kvs[0].Value, kvs[0].Mod, kvs[0].Version), (kvs[1].Value, kvs[1].Mod, kvs[1].Version));
            ProtoFields everything = Read(view, all);
            Assert.Equal(everything.Number(4), Read(view, count).Number(4));
            Assert.Equal(everything.Number(4), view.KeyCount);
            Assert.All(everything.Messages(2), kv => Assert.True(kv.Number(3) <= view.Revision));
        }
    }

    private static ProtoFields Read(StoreView view, byte[] request)
    {
        var body = new ArrayBufferWriter<byte>();
        Assert.Equal(StoreError.None, view.Range(request, body));
        return new ProtoFields(body.WrittenSpan.ToArray());
    }

    /// <summary>A stream with its own thread, some faster than others, whose watches come and go.</summary>
    private sealed class ThreadedStream(KeyValueStore store, int number) : IWatchSessionHost
    {
        private readonly SemaphoreSlim _signal = new(0);
        private readonly Dictionary<long, Dictionary<string, long>> _versions = [];
        private readonly Dictionary<long, long> _revisions = [];
        private bool _ended;

        public ulong ClusterId => 1;
        public ulong MemberId => 1;
        public ulong Term => 1;

        public void Signal() => _signal.Release();

        public void Run(CancellationToken stop)
        {
            using var session = new WatchSession(store.Watches, this);
            Create(session, "end", "", 1);
            for (int i = 0; i < 12; i++)
                Create(session, Name(i), i % 3 == 0 ? "k" + (char)('0' + i) : i % 3 == 1 ? "" : "\0", start: i % 2);
            var bytes = new ArrayBufferWriter<byte>();
            int taken = 0;
            while (!_ended || HasMore(session, bytes))
            {
                // One stream asks all the time, also in the middle of a publish.
                if (number > 0)
                    _signal.Wait(stop);
                stop.ThrowIfCancellationRequested();
                // A slow stream looks only now and then, so that it falls out of the feeds.
                for (int skipped = number * 40; skipped > 0 && !_ended && _signal.Wait(0, stop); skipped--)
                {
                }

                while (HasMore(session, bytes))
                {
                    if (++taken % 50 == 0)
                        Create(session, Name(taken % Keys), taken % 100 == 0 ? "\0" : "", start: 1);
                }
            }

            Assert.True(_versions.Count > 12);
            foreach ((string key, long version) in _versions.Values.SelectMany(v => v))
                Assert.Equal(LastVersion(key), version);
        }

        private long LastVersion(string key) => Read(store.View, new RangeOf(key).ToBytes()).Messages(2).Select(AnswerText.Kv).Single().Version;

        private static void Create(WatchSession session, string key, string end, long start) =>
            session.Submit(new Proto().Message(1, new Proto().Text(1, key).Text(2, end).Number(3, start)).ToArray());

        private bool HasMore(WatchSession session, ArrayBufferWriter<byte> bytes)
        {
            bytes.ResetWrittenCount();
            if (!session.TryTake(bytes))
                return false;
            var message = new ProtoFields(bytes.WrittenSpan.ToArray());
            long id = message.Number(2);
            if (message.Number(3) == 1)
                _versions[id] = [];
            long before = _revisions.GetValueOrDefault(id), last = 0;
            foreach (ModelKv kv in message.Messages(11).Select(e => AnswerText.Kv(e.Message(2))))
            {
                // In order, and no revision in two messages.
                Assert.True(kv.Mod >= last && kv.Mod > before);
                last = kv.Mod;
                if (_versions[id].TryGetValue(kv.Key, out long version))
                    Assert.Equal(version + 1, kv.Version);
                _versions[id][kv.Key] = kv.Version;
                _ended |= kv.Key == "end";
            }

            if (last > 0)
            {
                Assert.True(message.Message(1).Number(3) >= last);
                _revisions[id] = message.Message(1).Number(3);
            }

            return true;
        }
    }
}

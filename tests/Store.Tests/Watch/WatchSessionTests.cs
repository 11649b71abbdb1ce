using Conclave.Store.History;
using Conclave.Store.Requests;
using Conclave.Store.Watching;

namespace Conclave.Store.Tests;

public class WatchSessionTests
{
    private readonly StorePair _pair = new();

    private WatchClient Client() => new(_pair.Store);

    private void Do(params Request[] requests)
    {
        foreach (Request request in requests)
            _pair.Apply(request);
        _pair.Publish();
    }

    private static string Text(IEnumerable<WatchMsg> messages) => string.Join("\n", messages);

    [Fact]
    public void A_watch_is_created_and_then_gets_what_comes()
    {
        Do(new PutOf("a", "1"));
        WatchClient client = Client();
        client.Create("a");
        Assert.Equal("[0 @2 created ]", Text(client.TakeAll()));

        Do(new PutOf("a", "2"), new PutOf("b", "3"));
        Assert.Equal("[0 @4 PUT a(c2 m3 v2 l0)=2]", Text(client.TakeAll()));
        Do(new DeleteOf("a"));
        Assert.Equal("[0 @5 DELETE a(c0 m5 v0 l0)=]", Text(client.TakeAll()));
        Assert.Null(client.Take());
    }

    /// <summary>Found by the simulator: the changes were dropped before the watchers were fed, and the read of them ended the process.</summary>
    [Theory]
    [InlineData(510)]
    [InlineData(511)]
    [InlineData(512)]
    [InlineData(1030)]
    public void A_compaction_in_the_same_batch_takes_nothing_from_watchers(int earlier)
    {
        WatchClient client = Client();
        client.Create("a");
        client.TakeAll();
        for (int i = 0; i < earlier; i++) Do(new PutOf("a", "x"));
        client.TakeAll();
        List<Request> batch = [.. Enumerable.Range(0, 600).Select(i => new PutOf(i < 10 ? "a" : "b", "y"))];
        batch.Add(new CompactTo(_pair.Store.View.Revision + 600));

        Do([.. batch]);

        Assert.Equal(10, client.TakeAll().Sum(message => message.Events.Length));
    }

    [Fact]
    public void A_session_is_signalled_once_per_publish_that_concerns_it()
    {
        WatchClient client = Client();
        client.Create("a");
        client.Create("a", "b");
        client.TakeAll();
        int before = client.Signals;
        Do(new PutOf("a", "1"), new PutOf("a", "2"));
        Assert.Equal(before + 1, client.Signals);
        Do(new PutOf("zz", "1"));
        Assert.Equal(before + 1, client.Signals);
    }

    [Fact]
    public void Ids_are_given_in_order_and_taken_as_given()
    {
        WatchClient client = Client();
        client.Create("a");
        client.Create("a", id: 1);
        client.Create("a");
        client.Create("a", id: 1);
        Assert.Equal("""
            [0 @1 created ]
            [1 @1 created ]
            [2 @1 created ]
            [-1 @1 created canceled mvcc: duplicate watch ID provided on the WatchStream]
            """, Text(client.TakeAll()));
        client.Cancel(0);
        client.Create("a");
        client.Cancel(77);
        Assert.Equal("""
            [0 @1 canceled ]
            [3 @1 created ]
            """, Text(client.TakeAll()));
    }

    [Fact]
    public void Nothing_comes_after_a_cancel()
    {
        WatchClient client = Client();
        client.Create("a");
        Do(new PutOf("a", "1"));
        client.Cancel(0);
        Do(new PutOf("a", "2"));
        Assert.Equal("[0 @1 created ]\n[0 @2 canceled ]", Text(client.TakeAll()));
        Assert.Equal(0, _pair.Store.Watches.WatcherCount);
    }

    [Fact]
    public void Ranges_that_make_no_sense_are_refused()
    {
        WatchClient client = Client();
        client.Create("b", "a");
        client.Create("b", "b");
        client.Create("b", start: -1);
        Assert.Equal("""
            [-1 @1 created canceled mvcc: watcher range is empty]
            [-1 @1 created canceled mvcc: watcher range is empty]
            [-1 @1 created canceled etcdserver: mvcc: required revision has been compacted]
            """, Text(client.TakeAll()));
    }

    [Fact]
    public void No_key_is_one_zero_byte()
    {
        WatchClient client = Client();
        client.Create("", "\0");
        client.Create("");
        client.TakeAll();
        Do(new PutOf("x", "1"));
        Assert.Equal("[0 @2 PUT x(c2 m2 v1 l0)=1]", Text(client.TakeAll()));
        Do(new PutOf("\0", "1"));
        Assert.Equal(2, client.TakeAll().Count);
    }

    [Fact]
    public void A_compacted_start_gives_two_messages_and_the_stream_goes_on()
    {
        Do(new PutOf("a", "1"), new PutOf("a", "2"), new PutOf("a", "3"), new CompactTo(3));
        WatchClient client = Client();
        client.Create("a", start: 2);
        client.Create("a", start: 3, previous: true);
        Assert.Equal("""
            [0 @4 created ]
            [0 @0 canceled compacted 3 ]
            [1 @4 created ]
            [1 @4 PUT a(c2 m3 v2 l0)=2; PUT a(c2 m4 v3 l0)=3 over a(c2 m3 v2 l0)=2]
            """, Text(client.TakeAll()));
    }

    [Fact]
    public void A_watch_from_exactly_the_compacted_revision_gets_its_tombstones()
    {
        Do(new PutOf("a", "1"), new PutOf("b", "1"), new DeleteOf("a", "\0"), new PutOf("c"), new CompactTo(4));
        for (int i = 0; i < 10; i++)
            _pair.Publish();
        WatchClient client = Client();
        client.Create("a", start: 4);
        client.Create("a", "c", start: 4);
        List<WatchMsg> messages = client.TakeAll();
        Assert.Equal("""
            [0 @5 created ]
            [1 @5 created ]
            [0 @5 DELETE a(c0 m4 v0 l0)=]
            [1 @5 DELETE a(c0 m4 v0 l0)=; DELETE b(c0 m4 v0 l0)=]
            """, Text(messages));
    }

    [Fact]
    public void A_start_in_the_future_waits_for_it_and_gets_no_progress_before()
    {
        WatchClient client = Client();
        client.Create("a", start: 4, progress: true);
        client.Create("b", start: 2);
        client.AskProgress();
        Do(new PutOf("a", "1"), new PutOf("a", "2"));
        client.AskProgress();
        client.Session.OnTimer(0);
        client.Session.OnTimer(1_000_000);
        client.Session.OnTimer(2_000_000);
        // Revision 3 is the last before the start, so the progress at 3 promises nothing false.
        Assert.Equal("[0 @1 created ]\n[1 @1 created ]\n[0 @3 ]\n[-1 @3 ]", Text(client.TakeAll()));
        Do(new PutOf("a", "3"));
        Assert.Equal("[0 @4 PUT a(c2 m4 v3 l0)=3]", Text(client.TakeAll()));
    }

    [Fact]
    public void Progress_is_told_after_the_events_and_only_when_asked()
    {
        WatchClient client = Client();
        client.AskProgress();
        Assert.Empty(client.TakeAll());
        client.Create("a");
        client.TakeAll();
        Do(new PutOf("a", "1"), new PutOf("b", "1"));
        client.AskProgress();
        client.AskProgress();
        Assert.Equal("[0 @3 PUT a(c2 m2 v1 l0)=1]\n[-1 @3 ]", Text(client.TakeAll()));
        Do(new PutOf("b", "1"));
        Assert.Empty(client.TakeAll());
    }

    [Fact]
    public void A_watcher_that_is_behind_makes_a_progress_request_unanswered()
    {
        Do(new PutOf("a", "1"));
        WatchClient client = Client();
        client.Create("a", start: 1);
        client.AskProgress();
        Assert.Equal("[0 @2 created ]\n[0 @2 PUT a(c2 m2 v1 l0)=1]", Text(client.TakeAll()));
        client.AskProgress();
        Assert.Equal("[-1 @2 ]", Text(client.TakeAll()));
    }

    [Fact]
    public void Silence_is_broken_by_progress_for_those_who_asked()
    {
        long interval = new StoreOptions().WatchProgressMilliseconds;
        WatchClient client = Client();
        client.Create("a", progress: true);
        client.Create("a");
        client.TakeAll();
        client.Session.OnTimer(1000);
        Do(new PutOf("b"));
        client.Session.OnTimer(1000 + interval - 1);
        Assert.Empty(client.TakeAll());
        client.Session.OnTimer(1000 + interval);
        Assert.Equal("[0 @2 ]", Text(client.TakeAll()));
        Do(new PutOf("a"));
        client.TakeAll();
        client.Session.OnTimer(1000 + 2 * interval);
        Assert.Empty(client.TakeAll());
    }

    [Fact]
    public void Filters_and_previous_values()
    {
        WatchClient client = Client();
        client.Create("a", noPut: true, previous: true);
        client.Create("a", noDelete: true, previous: true);
        client.TakeAll();
        Do(new PutOf("a", "1"), new PutOf("a", "2"), new DeleteOf("a"), new PutOf("a", "3"));
        Assert.Equal("""
            [0 @5 DELETE a(c0 m4 v0 l0)= over a(c2 m3 v2 l0)=2]
            [1 @5 PUT a(c2 m2 v1 l0)=1; PUT a(c2 m3 v2 l0)=2 over a(c2 m2 v1 l0)=1; PUT a(c5 m5 v1 l0)=3]
            """, Text(client.TakeAll()));
    }

    [Fact]
    public void All_events_of_a_transaction_come_together_in_their_order()
    {
        WatchClient client = Client();
        client.Create("a", "z");
        client.TakeAll();
        Do(new PutOf("b", "0"), new TxnOf([], [new PutOf("c", "1"), new DeleteOf("b"), new PutOf("a", "2")], []));
        Assert.Equal("[0 @3 PUT b(c2 m2 v1 l0)=0; PUT c(c3 m3 v1 l0)=1; DELETE b(c0 m3 v0 l0)=; PUT a(c3 m3 v1 l0)=2]", Text(client.TakeAll()));
    }

    [Fact]
    public void Catching_up_takes_a_thousand_revisions_at_a_time_and_says_how_far_it_is()
    {
        for (int i = 0; i < 2500; i++)
            _pair.Apply(new PutOf("a" + i % 3, "v"));
        _pair.Publish();
        WatchClient client = Client();
        client.Create("a", "b", start: 1);
        client.Create("a0", start: 1);
        List<WatchMsg> messages = client.TakeAll();
        WatchMsg[] range = [.. messages.Where(m => m.Id == 0 && !m.Created)], single = [.. messages.Where(m => m.Id == 1 && !m.Created)];
        Assert.Equal([1000, 1000, 500], range.Select(m => m.Events.Length));
        Assert.Equal([1001L, 2001, 2501], range.Select(m => m.Header));
        Assert.Equal([834], single.Select(m => m.Events.Length));
        Assert.Equal(2501, single[0].Header);
    }

    [Fact]
    public void A_slow_stream_reads_the_history_and_misses_nothing()
    {
        WatchClient client = Client();
        client.Create("a", "b");
        client.TakeAll();
        for (int i = 0; i < 3000; i++)
            Do(new PutOf("a" + i % 7, "v"), new PutOf("b"));
        List<WatchMsg> messages = client.TakeAll();
        Assert.Equal(3, messages.Count);
        Assert.Equal(Enumerable.Range(0, 3000).Select(i => 2L + 2 * i), messages.SelectMany(m => m.Events).Select(e => e.Revision));
    }

    [Fact]
    public void A_slow_stream_is_cancelled_by_compaction_but_an_idle_one_is_not()
    {
        WatchClient slow = Client(), idle = Client();
        slow.Create("a");
        idle.Create("idle");
        slow.TakeAll();
        idle.TakeAll();
        for (int i = 0; i < 2000; i++)
            Do(new PutOf("a", "v"));
        Do(new CompactTo(1500));
        Assert.Equal("[0 @0 canceled compacted 1500 ]", Text(slow.TakeAll()));
        for (int i = 0; i < 2000; i++)
            Do(new PutOf("idle", "v"));
        Assert.Equal(2000, idle.TakeAll().Sum(m => m.Events.Length));
        Assert.Empty(slow.TakeAll());
    }

    [Fact]
    public void A_large_revision_is_split_only_for_those_who_take_fragments()
    {
        string value = new('x', 300_000);
        WatchClient client = Client();
        client.Create("a", "b", fragment: true);
        client.Create("a", "b");
        client.TakeAll();
        Do(new TxnOf([], [.. Enumerable.Range(0, 20).Select(i => new PutOf($"a{i:00}", value))], []));
        Do(new PutOf("a00", "small"));
        List<WatchMsg> messages = client.TakeAll();
        WatchMsg[] parts = [.. messages.Where(m => m.Id == 0)], whole = [.. messages.Where(m => m.Id == 1)];
        Assert.Equal([true, true, false, true, false], [parts[0].Fragment, parts[1].Fragment, parts[^2].Fragment, parts.Length == 5, parts[^1].Fragment]);
        Assert.All(parts, p => Assert.True(p.Bytes <= (2 << 20) + 200));
        Assert.Equal(Enumerable.Range(0, 20).Select(i => $"a{i:00}").Append("a00"), parts.SelectMany(p => p.Events).Select(e => e.Kv.Key));
        Assert.All(parts[..^1], p => Assert.Equal(2, p.Header));
        Assert.Equal([20, 1], whole.Select(m => m.Events.Length));
        // The parts of one message follow one another.
        Assert.Equal(parts.Length - 2, messages.FindLastIndex(m => m.Id == 0 && m.Header == 2) - messages.FindIndex(m => m.Id == 0));
    }

    [Fact]
    public void A_burst_of_large_values_is_cut_between_revisions_and_the_header_says_where()
    {
        WatchClient client = Client();
        client.Create("a", "b");
        client.TakeAll();
        string value = new('x', 20_000);   // a message is closed behind 64 KiB
        Do([.. Enumerable.Range(0, 8).Select(i => new PutOf($"a{i}", value))]);
        List<WatchMsg> messages = client.TakeAll();
        Assert.Equal([4, 4], messages.Select(m => m.Events.Length));
        Assert.Equal([5L, 9L], messages.Select(m => m.Header));
    }

    [Fact]
    public void What_a_publish_has_fed_only_in_part_waits_for_its_end()
    {
        WatchClient client = Client(), other = Client();
        client.Create("a");
        client.TakeAll();
        Do(new PutOf("a", "1"));
        // As in the middle of the next publish: the feed has its first change, the hub does not yet say so.
        var create = new WatchCreateRequest { Key = "a"u8 };
        WatchFeed feed = _pair.Store.Watches.Add(other.Session, 0, create, out _).Feed;
        feed.Append(new Change(KeyValueWire.Put("a"u8, 2, 3, 2, "2"u8, 0), previous: null));
        Assert.Equal("[0 @2 PUT a(c2 m2 v1 l0)=1]", Text(client.TakeAll()));
        Do(new PutOf("b"));
        Assert.Equal("[0 @3 PUT a(c2 m3 v2 l0)=2]", Text(client.TakeAll()));
    }

    [Fact]
    public void A_caller_may_refuse_and_bad_bytes_are_reported()
    {
        WatchClient client = Client();
        client.Session.Refuse("rpc error: code = PermissionDenied desc = etcdserver: permission denied");
        Assert.Equal("[-1 @1 created canceled rpc error: code = PermissionDenied desc = etcdserver: permission denied]", Text(client.TakeAll()));
        Assert.Equal(StoreError.Malformed, client.Session.Submit([0x0A, 5, 1]));
        Assert.Equal(StoreError.Malformed, client.Session.Submit(new Proto().Bytes(1, [0x0A, 5]).ToArray()));
        Assert.Equal(StoreError.None, client.Session.Submit([]));
        Assert.Empty(client.TakeAll());
    }

    [Fact]
    public void A_stream_that_floods_is_asked_to_wait()
    {
        WatchClient client = Client();
        Assert.True(client.Session.WantsRequests);
        for (int i = 0; i < 1024; i++)
            client.Create("a");
        Assert.False(client.Session.WantsRequests);
        client.TakeAll();
        Assert.True(client.Session.WantsRequests);
    }

    [Fact]
    public void Watches_outlive_the_installation_of_a_snapshot()
    {
        WatchClient client = Client();
        client.Create("a");
        client.Create("a", "c", previous: true);
        client.TakeAll();
        Do(new PutOf("a", "1"));
        byte[] earlier = SavedStateTests.Save(_pair.Store.View);
        KeyValueStore ahead = SavedStateTests.Load(earlier);
        StorePair.ApplyTo(ahead, new PutOf("a", "2"));
        StorePair.ApplyTo(ahead, new PutOf("b", "3"));
        ahead.Publish();
        _pair.Store.Install(SavedStateTests.Load(SavedStateTests.Save(ahead.View)));
        StorePair.ApplyTo(_pair.Store, new PutOf("a", "4"));
        _pair.Store.Publish();
        Assert.Equal("""
            [0 @5 PUT a(c2 m2 v1 l0)=1; PUT a(c2 m3 v2 l0)=2; PUT a(c2 m5 v3 l0)=4]
            [1 @5 PUT a(c2 m2 v1 l0)=1; PUT a(c2 m3 v2 l0)=2 over a(c2 m2 v1 l0)=1; PUT b(c4 m4 v1 l0)=3; PUT a(c2 m5 v3 l0)=4 over a(c2 m3 v2 l0)=2]
            """, Text(client.TakeAll()));
    }

    [Fact]
    public void A_disposed_session_leaves_nothing_behind()
    {
        WatchClient client = Client();
        for (int i = 0; i < 100; i++)
            client.Create("k" + i, i % 2 == 0 ? "" : "\0");
        Assert.Equal(100, _pair.Store.Watches.WatcherCount);
        client.Dispose();
        Assert.Equal(0, _pair.Store.Watches.WatcherCount);
        Do(new PutOf("k1"));
        Assert.Empty(client.TakeAll());
    }

    [Fact]
    public void A_watch_follows_a_full_txn_delete_and_lease_history()
    {
        WatchClient client = Client();
        client.Create("a", "\0");
        client.TakeAll();
        Do(new GrantOf(9, 10), new PutOf("b", "1") { Lease = 9 }, new PutOf("a", "1") { Lease = 9 }, new PutOf("c", "1"), new RevokeOf(9));
        Assert.Equal("DELETE a(c0 m5 v0 l0)=; DELETE b(c0 m5 v0 l0)=", string.Join("; ", client.TakeAll().SelectMany(m => m.Events).TakeLast(2)));
    }
}

using Conclave.Conformance.Tests.Suite;
using Conclave.Wire.Etcd.Etcdserverpb;
using Google.Protobuf;
using static Conclave.Conformance.Tests.Suite.Requests;
using static Conclave.Wire.Etcd.Etcdserverpb.WatchCreateRequest.Types;

namespace Conclave.Conformance.Tests.Cases;

/// <summary>Watch: what is told, in which messages, and what ends a watcher. The order between watchers is nobody's promise, so their messages are put into one.</summary>
internal sealed class WatchCases : CaseGroup
{
    private static readonly Rpc Watch = Rpc.Named("Watch");

    public override string Name => "watch";

    private static WatchRequest Create(ByteString key, ByteString? end = null, Action<WatchCreateRequest>? with = null)
    {
        var create = new WatchCreateRequest { Key = key, RangeEnd = end ?? ByteString.Empty };
        with?.Invoke(create);
        return new WatchRequest { CreateRequest = create };
    }

    private static WatchRequest Prefix(Run c, Action<WatchCreateRequest>? with = null) => Create(c.Key(""), c.EndOf(""), with);

    private static WatchRequest Cancel(long id) => new() { CancelRequest = new WatchCancelRequest { WatchId = id } };

    private static WatchRequest Progress => new() { ProgressRequest = new WatchProgressRequest() };

    private static long ById(IMessage message) => ((WatchResponse)message).WatchId;

    /// <summary>Opens a watch and takes the answer to its creation.</summary>
    private static async Task<Run.Conversation> OpenAsync(Run c, params WatchRequest[] requests)
    {
        Run.Conversation watch = c.Open(Watch, [.. requests]);
        await watch.TakeAsync(requests.Count(request => request.CreateRequest is not null), "created");
        return watch;
    }

    protected override void Define()
    {
        Live();
        Ranges();
        History();
        Previous();
        Filters();
        Ids();
        Refusals();
        Compacted();
        ProgressAndMore();
    }

    private void Live()
    {
        Case("a put", async c =>
        {
            Run.Conversation watch = await OpenAsync(c, Create(c.Key("k")));
            await c.CallAsync(Put(c.Key("k"), "1"));
            await watch.TakeAsync(1);
        });
        Case("an update and a deletion", async c =>
        {
            await c.PrepareAsync(Put(c.Key("k"), "0"));
            Run.Conversation watch = await OpenAsync(c, Create(c.Key("k")));
            await c.PrepareAsync(Put(c.Key("k"), "1"));
            await watch.TakeAsync(1);
            await c.PrepareAsync(Delete(c.Key("k")));
            await watch.TakeAsync(1);
            await c.PrepareAsync(Put(c.Key("k"), "2"));
            await watch.TakeAsync(1);
        });
        Case("other keys are not told", async c =>
        {
            Run.Conversation watch = await OpenAsync(c, Create(c.Key("k")));
            await c.PrepareAsync(Put(c.Key("j")), Put(c.Key("kk")), Put(c.Key("l")), Delete(c.Key("j")), Put(c.Key("k"), "mine"));
            await watch.TakeAsync(1);
        });
        Case("a put of what is there already is an event", async c =>
        {
            await c.PrepareAsync(Put(c.Key("k"), "same"));
            Run.Conversation watch = await OpenAsync(c, Create(c.Key("k")));
            await c.PrepareAsync(Put(c.Key("k"), "same"));
            await watch.TakeAsync(1);
        });
        Case("a deletion of nothing is no event", async c =>
        {
            Run.Conversation watch = await OpenAsync(c, Create(c.Key("k")));
            await c.PrepareAsync(Delete(c.Key("k")), Put(c.Key("k"), "1"));
            await watch.TakeAsync(1);
        });
        Case("a transaction is one message in the order of its operations", async c =>
        {
            await c.PrepareAsync(Put(c.Key("b"), "0"), Put(c.Key("z"), "0"));
            Run.Conversation watch = await OpenAsync(c, Prefix(c));
            await c.PrepareAsync(Do(Put(c.Key("c"), "1"), Delete(c.Key("b")), Put(c.Key("a"), "2"), Do(Delete(c.Key("z")), Put(c.Key("y"), "3"))));
            await watch.TakeAsync(1);
        });
        Case("a transaction tells a watcher its keys alone", async c =>
        {
            Run.Conversation watch = await OpenAsync(c, Create(c.Key("a"), c.Key("c")));
            await c.PrepareAsync(Do(Put(c.Key("c")), Put(c.Key("b")), Put(c.Key("a"))));
            await watch.TakeAsync(1);
        });
        Case("a deletion of a range is one message in the order of keys", async c =>
        {
            await c.PrepareAsync(Put(c.Key("c")), Put(c.Key("a")), Put(c.Key("b")));
            Run.Conversation watch = await OpenAsync(c, Prefix(c));
            await c.PrepareAsync(Delete(c.Key(""), c.EndOf("")));
            await watch.TakeAsync(1);
        });
        Case("a failed transaction is no event", async c =>
        {
            Run.Conversation watch = await OpenAsync(c, Prefix(c));
            await c.CallAsync(Do(Put(c.Key("k")), Put(c.Key("l"), lease: c.LeaseId(9))));
            await c.PrepareAsync(Put(c.Key("after")));
            await watch.TakeAsync(1);
        });
        Case("a revoked lease deletes its keys in one message", async c =>
        {
            await c.PrepareAsync(new LeaseGrantRequest { ID = c.LeaseId(1), TTL = 600 }, Put(c.Key("b"), "1", c.LeaseId(1)), Put(c.Key("a"), "1", c.LeaseId(1)));
            Run.Conversation watch = await OpenAsync(c, Prefix(c, w => w.PrevKv = true));
            await c.PrepareAsync(new LeaseRevokeRequest { ID = c.LeaseId(1) });
            await watch.TakeAsync(1);
        });
        Case("an event carries the lease", async c =>
        {
            await c.PrepareAsync(new LeaseGrantRequest { ID = c.LeaseId(1), TTL = 600 });
            Run.Conversation watch = await OpenAsync(c, Create(c.Key("k")));
            await c.PrepareAsync(Put(c.Key("k"), "1", c.LeaseId(1)));
            await watch.TakeAsync(1);
        });
        Case("many puts come in order", async c =>
        {
            Run.Conversation watch = await OpenAsync(c, Prefix(c));
            for (int i = 0; i < 20; i++)
            {
                await c.PrepareAsync(Put(c.Key($"{i % 3}"), $"{i}"));
                await watch.TakeAsync(1);
            }
        });
        Case("it begins with the next revision", async c =>
        {
            await c.PrepareAsync(Put(c.Key("k"), "before"));
            Run.Conversation watch = await OpenAsync(c, Create(c.Key("k")));
            await c.PrepareAsync(Put(c.Key("k"), "after"));
            await watch.TakeAsync(1);
        });
    }

    private void Ranges()
    {
        (string Name, Func<Run, (ByteString Key, ByteString? End)> Range, string[] Puts)[] ranges =
        [
            ("a prefix", c => (c.Key("p"), c.EndOf("p")), ["o", "q", "p", "pp"]),
            ("from one key to another", c => (c.Key("b"), c.Key("d")), ["a", "d", "b", "c"]),
            ("the key and a zero byte as end", c => (c.Key("b"), c.Key("b\0")), ["a", "bb", "c", "b"]),
            ("an empty end", c => (c.Key("b"), ByteString.Empty), ["a", "bb", "b"]),
        ];
        foreach ((string name, Func<Run, (ByteString Key, ByteString? End)> range, string[] puts) in ranges)
        {
            Case($"range: {name}", async c =>
            {
                (ByteString key, ByteString? end) = range(c);
                Run.Conversation watch = await OpenAsync(c, Create(key, end));
                await c.PrepareAsync(Do([.. puts.Select(one => Put(c.Key(one)))]));
                await watch.TakeAsync(1);
            });
            Case($"range: {name}, from history", async c =>
            {
                await c.PrepareAsync(Do([.. puts.Select(one => Put(c.Key(one)))]));
                (ByteString key, ByteString? end) = range(c);
                Run.Conversation watch = await OpenAsync(c, Create(key, end, w => w.StartRevision = c.First + 1));
                await watch.TakeAsync(1);
            });
        }
        Case("range: everything from a key on", async c =>
        {
            ByteString last = ByteString.CopyFrom([0xff, .. c.Key("").ToByteArray()]);
            Run.Conversation watch = await OpenAsync(c, Create(last, Onwards));
            await c.PrepareAsync(Put(c.Key("before")), new PutRequest { Key = ByteString.CopyFrom([.. last.ToByteArray(), 0xff]) });
            await watch.TakeAsync(1);
            await c.PrepareAsync(Delete(last, Onwards));
            await watch.TakeAsync(1);
        });
        Case("range: everything", async c =>
        {
            Run.Conversation watch = await OpenAsync(c, Create(Onwards, Onwards));
            await c.PrepareAsync(Put(c.Key("k")));
            await watch.TakeAsync(1);
        });
        Case("range: no key is one zero byte", async c =>
        {
            Run.Conversation watch = await OpenAsync(c, Create(ByteString.Empty));
            await c.PrepareAsync(Put(c.Key("k")), new PutRequest { Key = Onwards, Value = Text("zero") });
            await watch.TakeAsync(1);
            await c.PrepareAsync(Delete(Onwards));
        });
        Case("range: no key but an open end is everything", async c =>
        {
            Run.Conversation watch = await OpenAsync(c, Create(ByteString.Empty, Onwards));
            await c.PrepareAsync(Put(c.Key("k")));
            await watch.TakeAsync(1);
        });
        Case("range: keys of any bytes", async c =>
        {
            Run.Conversation watch = await OpenAsync(c, Create(c.Key([0x80]), c.EndOf("")));
            await c.PrepareAsync(new PutRequest { Key = c.Key([0x7f]) }, new PutRequest { Key = c.Key([0xff, 0]) });
            await watch.TakeAsync(1);
        });
    }

    /// <summary>Puts at +1 and +2, deletion at +3, a transaction at +4.</summary>
    private static Task<Answer> HistoryAsync(Run c) => c.PrepareAsync(Put(c.Key("k"), "1"), Put(c.Key("k"), "2"), Delete(c.Key("k")), Do(Put(c.Key("l"), "3"), Put(c.Key("k"), "4")));

    private void History()
    {
        for (int at = 1; at <= 4; at++)
        {
            int offset = at;
            Case($"from +{offset}", async c =>
            {
                await HistoryAsync(c);
                Run.Conversation watch = await OpenAsync(c, Prefix(c, w => w.StartRevision = c.First + offset));
                await watch.TakeAsync(1);
                await c.PrepareAsync(Put(c.Key("live")));
                await watch.TakeAsync(1);
            });
        }
        Case("from the next revision", async c =>
        {
            await HistoryAsync(c);
            Run.Conversation watch = await OpenAsync(c, Prefix(c, w => w.StartRevision = c.First + 5));
            await c.PrepareAsync(Put(c.Key("live")));
            await watch.TakeAsync(1);
        });
        Case("from the future", async c =>
        {
            Run.Conversation watch = await OpenAsync(c, Prefix(c, w => w.StartRevision = c.First + 3));
            for (int i = 1; i <= 4; i++)
                await c.PrepareAsync(Put(c.Key($"{i}")));
            await watch.TakeAsync(2);
        });
        Case("one key from history", async c =>
        {
            await HistoryAsync(c);
            Run.Conversation watch = await OpenAsync(c, Create(c.Key("l"), with: w => w.StartRevision = c.First + 1));
            await watch.TakeAsync(1);
        });
        Case("history with what was there before", async c =>
        {
            await HistoryAsync(c);
            Run.Conversation watch = await OpenAsync(c, Prefix(c, w => (w.StartRevision, w.PrevKv) = (c.First + 1, true)));
            await watch.TakeAsync(1);
        });
        Case("history without events, then a live one", async c =>
        {
            await HistoryAsync(c);
            Run.Conversation watch = await OpenAsync(c, Create(c.Key("none"), with: w => w.StartRevision = c.First + 1));
            await c.PrepareAsync(Put(c.Key("none"), "live"));
            await watch.TakeAsync(1);
        });
    }

    private void Previous()
    {
        Case("prev_kv of a new key", async c =>
        {
            Run.Conversation watch = await OpenAsync(c, Create(c.Key("k"), with: w => w.PrevKv = true));
            await c.PrepareAsync(Put(c.Key("k"), "1"));
            await watch.TakeAsync(1);
        });
        Case("prev_kv of an update", async c =>
        {
            await c.PrepareAsync(Put(c.Key("k"), "0"));
            Run.Conversation watch = await OpenAsync(c, Create(c.Key("k"), with: w => w.PrevKv = true));
            await c.PrepareAsync(Put(c.Key("k"), "1"));
            await watch.TakeAsync(1);
        });
        Case("prev_kv of a deletion", async c =>
        {
            await c.PrepareAsync(Put(c.Key("k"), "0"));
            Run.Conversation watch = await OpenAsync(c, Create(c.Key("k"), with: w => w.PrevKv = true));
            await c.PrepareAsync(Delete(c.Key("k")));
            await watch.TakeAsync(1);
        });
        Case("prev_kv of a key that begins again", async c =>
        {
            await c.PrepareAsync(Put(c.Key("k"), "0"), Delete(c.Key("k")));
            Run.Conversation watch = await OpenAsync(c, Create(c.Key("k"), with: w => w.PrevKv = true));
            await c.PrepareAsync(Put(c.Key("k"), "1"));
            await watch.TakeAsync(1);
        });
        Case("prev_kv with a lease", async c =>
        {
            await c.PrepareAsync(new LeaseGrantRequest { ID = c.LeaseId(1), TTL = 600 }, Put(c.Key("k"), "0", c.LeaseId(1)));
            Run.Conversation watch = await OpenAsync(c, Create(c.Key("k"), with: w => w.PrevKv = true));
            await c.PrepareAsync(Put(c.Key("k"), "1"));
            await watch.TakeAsync(1);
        });
        Case("prev_kv of several keys in a transaction", async c =>
        {
            await c.PrepareAsync(Put(c.Key("a"), "0"), Put(c.Key("b"), "0"));
            Run.Conversation watch = await OpenAsync(c, Prefix(c, w => w.PrevKv = true));
            await c.PrepareAsync(Do(Put(c.Key("a"), "1"), Delete(c.Key("b")), Put(c.Key("c"), "1")));
            await watch.TakeAsync(1);
        });
    }

    private void Filters()
    {
        (string Name, FilterType[] Filters)[] filters = [("no puts", [FilterType.Noput]), ("no deletions", [FilterType.Nodelete])];
        foreach ((string name, FilterType[] filter) in filters)
        {
            Case($"filter: {name}", async c =>
            {
                Run.Conversation watch = await OpenAsync(c, Prefix(c, w => w.Filters.AddRange(filter)));
                await c.PrepareAsync(Put(c.Key("k"), "1"), Delete(c.Key("k")), Put(c.Key("k"), "2"), Delete(c.Key("k")));
                await watch.TakeAsync(2);
            });
            Case($"filter: {name}, in a transaction", async c =>
            {
                await c.PrepareAsync(Put(c.Key("b")));
                Run.Conversation watch = await OpenAsync(c, Prefix(c, w => w.Filters.AddRange(filter)));
                await c.PrepareAsync(Do(Put(c.Key("a")), Delete(c.Key("b")), Put(c.Key("c"))));
                await watch.TakeAsync(1);
            });
            Case($"filter: {name}, from history", async c =>
            {
                await HistoryAsync(c);
                Run.Conversation watch = await OpenAsync(c, Prefix(c, w => w.Filters.AddRange(filter)).With(w => w.CreateRequest.StartRevision = c.First + 1));
                await watch.TakeAsync(1);
            });
        }
        Case("filter: neither, so nothing but another watcher tells", async c =>
        {
            Run.Conversation watch = await OpenAsync(c, Prefix(c, w => w.Filters.AddRange([FilterType.Noput, FilterType.Nodelete])), Create(c.Key("k")));
            await c.PrepareAsync(Put(c.Key("k"), "1"), Put(c.Key("k"), "2"));
            await watch.TakeAsync(2);
        });
        Case("filter: twice the same", async c =>
        {
            Run.Conversation watch = await OpenAsync(c, Prefix(c, w => w.Filters.AddRange([FilterType.Noput, FilterType.Noput])));
            await c.PrepareAsync(Put(c.Key("k"), "1"), Delete(c.Key("k")));
            await watch.TakeAsync(1);
        });
        Case("filter: one that does not exist is no filter", async c =>
        {
            Run.Conversation watch = await OpenAsync(c, Prefix(c, w => w.Filters.Add((FilterType)7)));
            await c.PrepareAsync(Put(c.Key("k"), "1"));
            await watch.TakeAsync(1);
        });
    }

    private void Ids()
    {
        Case("three watchers on one stream", async c =>
        {
            Run.Conversation watch = await OpenAsync(c, Create(c.Key("a")), Create(c.Key("b")), Prefix(c));
            await c.PrepareAsync(Put(c.Key("a")));
            await watch.TakeAsync(2, orderedBy: ById);
            await c.PrepareAsync(Do(Put(c.Key("a")), Put(c.Key("b"))));
            await watch.TakeAsync(3, orderedBy: ById);
        });
        Case("two watchers of one key", async c =>
        {
            Run.Conversation watch = await OpenAsync(c, Create(c.Key("k")), Create(c.Key("k"), with: w => w.PrevKv = true));
            await c.PrepareAsync(Put(c.Key("k"), "1"));
            await watch.TakeAsync(2, orderedBy: ById);
        });
        Case("a chosen id", async c =>
        {
            Run.Conversation watch = await OpenAsync(c, Create(c.Key("k"), with: w => w.WatchId = 7));
            await c.PrepareAsync(Put(c.Key("k"), "1"));
            await watch.TakeAsync(1);
        });
        Case("the server's ids go around chosen ones", async c =>
        {
            Run.Conversation watch = await OpenAsync(c, Create(c.Key("a"), with: w => w.WatchId = 1), Create(c.Key("b")), Create(c.Key("c")), Create(c.Key("d")));
            await c.PrepareAsync(Put(c.Key("d"), "1"));
            await watch.TakeAsync(1);
        });
        Case("an id that is taken", async c =>
        {
            Run.Conversation watch = await OpenAsync(c, Create(c.Key("a"), with: w => w.WatchId = 5), Create(c.Key("b"), with: w => w.WatchId = 5));
            await c.PrepareAsync(Put(c.Key("b")), Put(c.Key("a")));
            await watch.TakeAsync(1);
        });
        Case("a negative id", async c =>
        {
            Run.Conversation watch = await OpenAsync(c, Create(c.Key("k"), with: w => w.WatchId = -3));
            await c.PrepareAsync(Put(c.Key("k"), "1"));
            await watch.TakeAsync(1);
        });
        Case("cancel", async c =>
        {
            Run.Conversation watch = c.Open(Watch, Create(c.Key("a")), Create(c.Key("b")), Cancel(0));
            await watch.TakeAsync(3);
            await c.PrepareAsync(Put(c.Key("a")), Put(c.Key("b")));
            await watch.TakeAsync(1);
        });
        Case("cancel of an id that is not there says nothing", async c =>
        {
            Run.Conversation watch = c.Open(Watch, Create(c.Key("a")), Cancel(44), Cancel(-1));
            await watch.TakeAsync(1);
            await c.PrepareAsync(Put(c.Key("a")));
            await watch.TakeAsync(1);
        });
        Case("cancel twice", async c =>
        {
            Run.Conversation watch = c.Open(Watch, Create(c.Key("a")), Create(c.Key("b")), Cancel(0), Cancel(0));
            await watch.TakeAsync(3);
            await c.PrepareAsync(Put(c.Key("b")));
            await watch.TakeAsync(1);
        });
        Case("the id of a cancelled watcher can be chosen again", async c =>
        {
            Run.Conversation watch = c.Open(Watch, Create(c.Key("a"), with: w => w.WatchId = 9), Cancel(9), Create(c.Key("b"), with: w => w.WatchId = 9));
            await watch.TakeAsync(3);
            await c.PrepareAsync(Put(c.Key("a")), Put(c.Key("b")));
            await watch.TakeAsync(1);
        });
        Case("the server does not give an id twice", async c =>
        {
            Run.Conversation watch = c.Open(Watch, Create(c.Key("a")), Cancel(0), Create(c.Key("b")));
            await watch.TakeAsync(3);
        });
        Case("cancel and create later on the stream", async c =>
        {
            Run.Conversation watch = await OpenAsync(c, Create(c.Key("a")));
            await watch.SendAsync(Cancel(0));
            await watch.TakeAsync(1);
            await watch.SendAsync(Create(c.Key("b")));
            await watch.TakeAsync(1);
            await c.PrepareAsync(Put(c.Key("a")), Put(c.Key("b")));
            await watch.TakeAsync(1);
        }, Over.Grpc);
        Case("the end of the requests does not end the watch", async c =>
        {
            Run.Conversation watch = await OpenAsync(c, Create(c.Key("k")));
            await watch.EndRequestsAsync();
            await c.PrepareAsync(Put(c.Key("k"), "1"));
            await watch.TakeAsync(1);
        });
        Case("two streams number their watchers apart", async c =>
        {
            Run.Conversation one = await OpenAsync(c, Create(c.Key("k"))), other = await OpenAsync(c, Create(c.Key("k")));
            await c.PrepareAsync(Put(c.Key("k"), "1"));
            await one.TakeAsync(1);
            await other.TakeAsync(1);
        });
    }

    private void Refusals()
    {
        (string Name, Func<Run, WatchRequest> Request)[] requests =
        [
            ("an end before the key", c => Create(c.Key("z"), c.Key("a"))),
            ("an end that is the key", c => Create(c.Key("k"), c.Key("k"))),
            ("an end that is a prefix of the key", c => Create(c.Key("kk"), c.Key("k"))),
            ("an end before the key, with an id", c => Create(c.Key("z"), c.Key("a"), w => w.WatchId = 3)),
        ];
        foreach ((string name, Func<Run, WatchRequest> request) in requests)
        {
            Case($"refused: {name}", async c =>
            {
                Run.Conversation watch = await OpenAsync(c, request(c), Create(c.Key("good")));
                await c.PrepareAsync(Put(c.Key("good")));
                await watch.TakeAsync(1);
            });
        }
        Case("an empty request is passed over", async c =>
        {
            Run.Conversation watch = c.Open(Watch, new WatchRequest(), Create(c.Key("k")));
            await watch.TakeAsync(1);
        });
        Case("a start below zero", async c =>
        {
            Run.Conversation watch = c.Open(Watch, Create(c.Key("k"), with: w => w.StartRevision = -1));
            await watch.TakeAsync(1);
        });
    }

    private void Compacted()
    {
        Case("compacted: a start below it", async c =>
        {
            await HistoryAsync(c);
            await c.PrepareAsync(new CompactionRequest { Revision = c.First + 3 });
            Run.Conversation watch = c.Open(Watch, Prefix(c, w => w.StartRevision = c.First + 2));
            await watch.TakeAsync(2);
        });
        Case("compacted: a start at it", async c =>
        {
            await HistoryAsync(c);
            await c.PrepareAsync(new CompactionRequest { Revision = c.First + 2 });
            Run.Conversation watch = await OpenAsync(c, Prefix(c, w => w.StartRevision = c.First + 2));
            await watch.TakeAsync(1);
        });
        Case("compacted: a start at it, a deletion", async c =>
        {
            await HistoryAsync(c);
            await c.PrepareAsync(new CompactionRequest { Revision = c.First + 3, Physical = true });
            Run.Conversation watch = await OpenAsync(c, Prefix(c, w => w.StartRevision = c.First + 3));
            await watch.TakeAsync(1);
        });
        Case("compacted: a start above it", async c =>
        {
            await HistoryAsync(c);
            await c.PrepareAsync(new CompactionRequest { Revision = c.First + 3 });
            Run.Conversation watch = await OpenAsync(c, Prefix(c, w => w.StartRevision = c.First + 4));
            await watch.TakeAsync(1);
        });
        Case("compacted: what was there before is told only above it", async c =>
        {
            await c.PrepareAsync(Put(c.Key("k"), "1"), Put(c.Key("k"), "2"), Put(c.Key("k"), "3"), new CompactionRequest { Revision = c.First + 2 });
            Run.Conversation watch = await OpenAsync(c, Prefix(c, w => (w.StartRevision, w.PrevKv) = (c.First + 2, true)));
            await watch.TakeAsync(1);
        });
        Case("compacted: the others on the stream go on", async c =>
        {
            await HistoryAsync(c);
            await c.PrepareAsync(new CompactionRequest { Revision = c.First + 3 });
            Run.Conversation watch = c.Open(Watch, Create(c.Key("live")), Prefix(c, w => w.StartRevision = c.First + 1));
            await watch.TakeAsync(3, orderedBy: ById);
            await c.PrepareAsync(Put(c.Key("live")));
            await watch.TakeAsync(1);
        });
        Case("compacted: a live watcher goes on", async c =>
        {
            Run.Conversation watch = await OpenAsync(c, Prefix(c));
            await HistoryAsync(c);
            await c.PrepareAsync(new CompactionRequest { Revision = c.First + 4 });
            await watch.TakeAsync(4);
            await c.PrepareAsync(Put(c.Key("live")));
            await watch.TakeAsync(1);
        });
    }

    private void ProgressAndMore()
    {
        Case("progress on request", async c =>
        {
            await c.PrepareAsync(Put(c.Key("k")));
            Run.Conversation watch = c.Open(Watch, Create(c.Key("quiet")), Progress);
            await watch.TakeAsync(2);
        });
        Case("progress on request, later", async c =>
        {
            Run.Conversation watch = await OpenAsync(c, Create(c.Key("quiet")));
            await c.PrepareAsync(Put(c.Key("other")));
            await watch.SendAsync(Progress);
            await watch.TakeAsync(1);
            await c.PrepareAsync(Put(c.Key("quiet"), "1"));
            await watch.TakeAsync(1);
        }, Over.Grpc);
        Case("progress_notify says nothing while there is something to tell", async c =>
        {
            Run.Conversation watch = await OpenAsync(c, Create(c.Key("k"), with: w => w.ProgressNotify = true));
            await c.PrepareAsync(Put(c.Key("k"), "1"));
            await watch.TakeAsync(1);
        });
        Case("fragment of what is small is whole", async c =>
        {
            Run.Conversation watch = await OpenAsync(c, Prefix(c, w => w.Fragment = true));
            await c.PrepareAsync(Do(Put(c.Key("a")), Put(c.Key("b"))));
            await watch.TakeAsync(1);
        });
        Case("large values are whole without fragment", async c =>
        {
            Run.Conversation watch = await OpenAsync(c, Prefix(c));
            await c.PrepareAsync(Do(new PutRequest { Key = c.Key("a"), Value = ByteString.CopyFrom(new byte[700_000]) }, new PutRequest { Key = c.Key("b"), Value = ByteString.CopyFrom(new byte[700_000]) }));
            await watch.TakeAsync(1);
            await c.PrepareAsync(Delete(c.Key(""), c.EndOf("")));
        });
        Case("hasleader with a leader", async c =>
        {
            c.Metadata["hasleader"] = "true";
            Run.Conversation watch = await OpenAsync(c, Create(c.Key("k")));
            await c.PrepareAsync(Put(c.Key("k"), "1"));
            await watch.TakeAsync(1);
        });
    }
}

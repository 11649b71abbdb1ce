using System.Buffers;

namespace Conclave.Store.Tests;

public sealed record WatchEvent(bool IsDelete, ModelKv Kv, ModelKv? Previous)
{
    public long Revision => Kv.Mod;

    public override string ToString() => $"{(IsDelete ? "DELETE" : "PUT")} {Kv}{(Previous is null ? "" : " over " + Previous)}";
}

/// <summary>A decoded WatchResponse.</summary>
public sealed record WatchMsg(long Header, long Id, bool Created, bool Canceled, long Compacted, string Reason, bool Fragment, WatchEvent[] Events, int Bytes)
{
    public bool IsProgress => !Created && !Canceled && Events.Length == 0;

    public override string ToString() =>
        $"[{Id} @{Header}{(Created ? " created" : "")}{(Canceled ? " canceled" : "")}{(Compacted != 0 ? " compacted " + Compacted : "")}{(Fragment ? " fragment" : "")} {Reason}{string.Join("; ", Events.Select(e => e.ToString()))}]";
}

/// <summary>The far end of a watch stream.</summary>
public sealed class WatchClient : IWatchSessionHost, IDisposable
{
    public WatchClient(KeyValueStore store) => Session = new WatchSession(store.Watches, this);

    public WatchSession Session { get; }
    public ulong ClusterId => 0xc1;
    public ulong MemberId => 0xffff_0000_0000_0001;
    public ulong Term => 3;
    public int Signals { get; private set; }

    public void Signal() => Signals++;

    public void Create(string key, string end = "", long start = 0, long id = 0, bool previous = false, bool noPut = false, bool noDelete = false, bool fragment = false, bool progress = false)
    {
        Proto create = new Proto().Text(1, key).Text(2, end).Number(3, start).Flag(4, progress);
        if (noPut)
            create.Zero(5, 0);
        if (noDelete)
            create.Bytes(5, [1]);   // packed
        create.Flag(6, previous).Number(7, id).Flag(8, fragment);
        Assert.Equal(StoreError.None, Session.Submit(new Proto().Message(1, create).ToArray()));
    }

    public void Cancel(long id) => Assert.Equal(StoreError.None, Session.Submit(new Proto().Message(2, new Proto().Number(1, id)).ToArray()));

    public void AskProgress() => Assert.Equal(StoreError.None, Session.Submit(new Proto().Message(3, new Proto()).ToArray()));

    public WatchMsg? Take()
    {
        var bytes = new ArrayBufferWriter<byte>();
        if (!Session.TryTake(bytes))
        {
            Assert.Equal(0, bytes.WrittenCount);
            return null;
        }

        return Decode(bytes.WrittenSpan.ToArray());
    }

    public List<WatchMsg> TakeAll()
    {
        List<WatchMsg> all = [];
        while (Take() is { } message)
            all.Add(message);
        return all;
    }

    public void Dispose() => Session.Dispose();

    private WatchMsg Decode(byte[] bytes)
    {
        var fields = new ProtoFields(bytes);
        ProtoFields header = fields.Message(1);
        Assert.Equal((ClusterId, MemberId, Term), ((ulong)header.Number(1), (ulong)header.Number(2), (ulong)header.Number(4)));
        return new WatchMsg(header.Number(3), fields.Number(2), fields.Number(3) == 1, fields.Number(4) == 1, fields.Number(5), fields.Text(6), fields.Number(7) == 1,
            [.. fields.Messages(11).Select(e => new WatchEvent(e.Number(1) == 1, AnswerText.Kv(e.Message(2)), e.Has(3) ? AnswerText.Kv(e.Message(3)) : null))], bytes.Length);
    }
}

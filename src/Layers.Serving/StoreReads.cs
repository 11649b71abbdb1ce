using System.Buffers;
using Conclave.Store;
using Conclave.Wire.Etcd.Etcdserverpb;
using Conclave.Wire.Etcd.Mvccpb;
using Google.Protobuf;

namespace Conclave.Layers.Serving;

/// <summary>Reads of a published view by text keys.</summary>
public static class StoreReads
{
    public static KeyValue? Find(StoreView view, string key)
    {
        RangeResponse found = Range(view, new RangeRequest { Key = ByteString.CopyFromUtf8(key) });
        return found.Kvs.Count == 0 ? null : found.Kvs[0];
    }

    /// <summary>All keys that begin with this, which ends in a slash.</summary>
    /// <param name="view">Where to look.</param>
    /// <param name="prefix">The beginning.</param>
    /// <param name="changedAfter">Only keys that changed after this revision.</param>
    /// <param name="keysOnly">Leave values out.</param>
    public static IReadOnlyList<KeyValue> All(StoreView view, string prefix, long changedAfter = 0, bool keysOnly = false) => Range(view, new RangeRequest
    {
        Key = ByteString.CopyFromUtf8(prefix),
        RangeEnd = ByteString.CopyFromUtf8(ConfigKeys.EndOf(prefix)),
        MinModRevision = changedAfter == 0 ? 0 : changedAfter + 1,
        KeysOnly = keysOnly,
    }).Kvs;

    /// <summary>How many keys begin with this, which ends in a slash.</summary>
    public static long Count(StoreView view, string prefix) => Range(view, new RangeRequest { Key = ByteString.CopyFromUtf8(prefix), RangeEnd = ByteString.CopyFromUtf8(ConfigKeys.EndOf(prefix)), CountOnly = true }).Count;

    /// <summary>Whether any key begins with this, which ends in a slash.</summary>
    public static bool Any(StoreView view, string prefix) =>
        Range(view, new RangeRequest { Key = ByteString.CopyFromUtf8(prefix), RangeEnd = ByteString.CopyFromUtf8(ConfigKeys.EndOf(prefix)), Limit = 1, KeysOnly = true }).Kvs.Count > 0;

    /// <summary>The spaces that there are: one look for each, however many keys they have.</summary>
    public static IEnumerable<string> Spaces(StoreView view)
    {
        string from = ConfigKeys.Root;
        while (true)
        {
            var first = new RangeRequest { Key = ByteString.CopyFromUtf8(from), RangeEnd = ByteString.CopyFromUtf8(ConfigKeys.RootEnd), Limit = 1, KeysOnly = true };
            RangeResponse found = Range(view, first);
            if (found.Kvs.Count == 0) yield break;
            string space = ConfigKeys.SpaceOf(found.Kvs[0].Key.ToStringUtf8());
            yield return space;
            from = ConfigKeys.EndOf($"{ConfigKeys.Root}{space}/");
        }
    }

    private static RangeResponse Range(StoreView view, RangeRequest request)
    {
        var body = new ArrayBufferWriter<byte>();
        StoreError error = view.Range(request.ToByteArray(), body, counts: false);
        if (error != StoreError.None) throw new InvalidOperationException($"A range of the newest revision cannot be read ({error}). This is a bug: report it.");
        return RangeResponse.Parser.ParseFrom(body.WrittenSpan);
    }
}

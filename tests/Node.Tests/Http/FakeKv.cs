using System.Buffers;
using System.Threading.Channels;
using Conclave.Node.Http;
using Conclave.Wire.Etcd.Etcdserverpb;
using Conclave.Wire.Etcd.Mvccpb;
using Conclave.Wire.Grpc;
using Google.Protobuf;

namespace Conclave.Node.Tests.Http;

/// <summary>Just enough of a store for real clients: single keys, one revision counter, watches of single keys from now on.</summary>
internal sealed class FakeKv
{
    private readonly Lock _lock = new();
    private readonly Dictionary<ByteString, KeyValue> _keys = [];
    private readonly List<(ByteString Key, ChannelWriter<WatchResponse> Events)> _watches = [];
    private long _revision = 1;

    public void AddTo(RpcRegistry registry)
    {
        registry.Add(RpcMethod.ForUnary<RangeRequest, RangeResponse>("/etcdserverpb.KV/Range", Range, "/v3/kv/range"));
        registry.Add(RpcMethod.ForUnary<PutRequest, PutResponse>("/etcdserverpb.KV/Put", Put, "/v3/kv/put"));
        registry.Add(RpcMethod.ForBidiStream<WatchRequest, WatchResponse>("/etcdserverpb.Watch/Watch", WatchAsync, "/v3/watch"));
    }

    private ResponseHeader Header => new() { ClusterId = ulong.MaxValue, MemberId = 2, Revision = _revision, RaftTerm = 2 };

    private ValueTask Range(RpcContext context, ReadOnlyMemory<byte> request, IBufferWriter<byte> response)
    {
        RangeRequest range = RangeRequest.Parser.ParseFrom(request.Span);
        if (range.Key.IsEmpty)
            throw EtcdErrors.KeyNotProvided.ToException();
        lock (_lock)
        {
            var answer = new RangeResponse { Header = Header };
            if (_keys.TryGetValue(range.Key, out KeyValue? found))
            {
                answer.Kvs.Add(found);
                answer.Count = 1;
            }

            answer.WriteTo(response);
        }

        return default;
    }

    private ValueTask Put(RpcContext context, ReadOnlyMemory<byte> request, IBufferWriter<byte> response)
    {
        PutRequest put = PutRequest.Parser.ParseFrom(request.Span);
        lock (_lock)
        {
            _revision++;
            _keys.TryGetValue(put.Key, out KeyValue? before);
            var after = new KeyValue
            {
                Key = put.Key,
                Value = put.Value,
                Lease = put.Lease,
                ModRevision = _revision,
                CreateRevision = before?.CreateRevision ?? _revision,
                Version = (before?.Version ?? 0) + 1,
            };
            _keys[put.Key] = after;
            foreach ((ByteString key, ChannelWriter<WatchResponse> events) in _watches)
            {
                if (key == put.Key)
                    events.TryWrite(new WatchResponse { Header = Header, Events = { new Event { Kv = after } } });
            }

            new PutResponse { Header = Header }.WriteTo(response);
        }

        return default;
    }

    private async ValueTask WatchAsync(RpcContext context, RpcStream stream)
    {
        var events = Channel.CreateUnbounded<WatchResponse>();
        Task reading = ReadAsync();
        try
        {
            await foreach (WatchResponse response in events.Reader.ReadAllAsync(context.Cancellation))
                await stream.WriteAsync(response.ToByteArray());
        }
        finally
        {
            lock (_lock)
                _watches.RemoveAll(w => w.Events == events.Writer);
            await Failure.OfAsync(reading);
        }

        async Task ReadAsync()
        {
            while (await stream.ReadAsync() is { } message)
            {
                WatchRequest request = WatchRequest.Parser.ParseFrom(message.Span);
                if (request.CreateRequest is not { } create)
                    continue;
                lock (_lock)
                {
                    _watches.Add((create.Key, events.Writer));
                    events.Writer.TryWrite(new WatchResponse { Header = Header, Created = true });
                }
            }
        }
    }
}

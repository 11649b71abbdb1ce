using Conclave.Client.Rpc;
using Conclave.Wire.Etcd.Etcdserverpb;
using Conclave.Wire.Grpc;
using Google.Protobuf;

namespace Conclave.Client.Tests.Rpc;

public class RpcChannelTests(SharedEtcd etcd)
{
    private const string Range = "/etcdserverpb.KV/Range", Put = "/etcdserverpb.KV/Put", Watch = "/etcdserverpb.Watch/Watch";
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_unary_call_carries_bytes_both_ways()
    {
        using RpcChannel channel = new(new Uri(etcd.Endpoint));
        PutRequest put = new() { Key = ByteString.CopyFromUtf8("rpc/a"), Value = ByteString.CopyFromUtf8("1") };
        (await channel.CallAsync(Put, put.ToByteArray(), null, Cancelled)).Dispose();

        using RpcReply reply = await channel.CallAsync(Range, new RangeRequest { Key = put.Key }.ToByteArray(), null, Cancelled);

        Assert.Equal("1", RangeResponse.Parser.ParseFrom(reply.Message.Span).Kvs.Single().Value.ToStringUtf8());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(4085)]
    [InlineData(4091)]
    [InlineData(4096)]
    [InlineData(100_000)]
    [InlineData(1_400_000)]
    public async Task Answers_of_any_size_arrive_whole(int valueBytes)
    {
        using RpcChannel channel = new(new Uri(etcd.Endpoint));
        byte[] value = new byte[valueBytes];
        new Random(1).NextBytes(value);
        ByteString key = ByteString.CopyFromUtf8($"rpc/size/{valueBytes}");
        (await channel.CallAsync(Put, new PutRequest { Key = key, Value = ByteString.CopyFrom(value) }.ToByteArray(), null, Cancelled)).Dispose();

        using RpcReply reply = await channel.CallAsync(Range, new RangeRequest { Key = key }.ToByteArray(), null, Cancelled);

        Assert.True(RangeResponse.Parser.ParseFrom(reply.Message.Span).Kvs.Single().Value.Span.SequenceEqual(value));
    }

    [Fact]
    public async Task A_refusal_carries_the_servers_code_and_exact_text()
    {
        using RpcChannel channel = new(new Uri(etcd.Endpoint));

        RpcException refusal = await Assert.ThrowsAsync<RpcException>(async () => await channel.CallAsync(Range, default, null, Cancelled));

        Assert.Equal((GrpcCode.InvalidArgument, "etcdserver: key is not provided", RequestFate.Answered), (refusal.Code, refusal.Message, refusal.Fate));
    }

    [Fact]
    public async Task An_answer_above_the_limit_is_refused_with_a_remedy()
    {
        using RpcChannel channel = new(new Uri(etcd.Endpoint), new RpcChannelOptions { ReceiveBytesMax = 1000 });
        ByteString key = ByteString.CopyFromUtf8("rpc/limit");
        (await channel.CallAsync(Put, new PutRequest { Key = key, Value = ByteString.CopyFrom(new byte[1000]) }.ToByteArray(), null, Cancelled)).Dispose();

        RpcException refusal = await Assert.ThrowsAsync<RpcException>(async () => await channel.CallAsync(Range, new RangeRequest { Key = key }.ToByteArray(), null, Cancelled));

        Assert.Equal((GrpcCode.ResourceExhausted, RequestFate.Unanswered), (refusal.Code, refusal.Fate));
        Assert.Contains("ReceiveBytesMax", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_refused_connection_means_the_request_never_left()
    {
        using RpcChannel channel = new(new Uri($"http://127.0.0.1:{SharedEtcd.Ports.Take()}"));

        RpcException failure = await Assert.ThrowsAsync<RpcException>(async () => await channel.CallAsync(Range, default, null, Cancelled));

        Assert.Equal((GrpcCode.Unavailable, RequestFate.NotSent), (failure.Code, failure.Fate));
        Assert.StartsWith($"Cannot connect to {channel.Endpoint.Authority}", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Many_calls_at_once_open_further_connections_and_all_succeed()
    {
        using RpcChannel channel = new(new Uri(etcd.Endpoint), new RpcChannelOptions { CallsPerConnectionMax = 8, ConnectionsMax = 3 });
        byte[] request = new RangeRequest { Key = ByteString.CopyFromUtf8("rpc/many") }.ToByteArray();

        await Task.WhenAll(Enumerable.Range(0, 200).Select(async _ => (await channel.CallAsync(Range, request, null, Cancelled)).Dispose()));
    }

    [Fact]
    public async Task A_stream_carries_messages_both_ways_and_ends_on_dispose()
    {
        using RpcChannel channel = new(new Uri(etcd.Endpoint));
        await using RpcStream stream = await channel.OpenAsync(Watch, RpcMetadata.RequireLeader, Cancelled);
        ByteString key = ByteString.CopyFromUtf8("rpc/watched");
        await stream.WriteAsync(new WatchRequest { CreateRequest = new WatchCreateRequest { Key = key } }.ToByteArray(), Cancelled);
        Assert.True(await stream.ReadAsync(Cancelled));
        Assert.True(WatchResponse.Parser.ParseFrom(stream.Message).Created);

        (await channel.CallAsync(Put, new PutRequest { Key = key }.ToByteArray(), null, Cancelled)).Dispose();

        Assert.True(await stream.ReadAsync(Cancelled));
        Assert.Equal(key, WatchResponse.Parser.ParseFrom(stream.Message).Events.Single().Kv.Key);
    }

    [Fact]
    public async Task A_stream_that_is_refused_says_so_at_the_first_read()
    {
        using RpcChannel channel = new(new Uri(etcd.Endpoint));
        await using RpcStream stream = await channel.OpenAsync("/etcdserverpb.Watch/Nothing", null, Cancelled);

        RpcException refusal = await Assert.ThrowsAsync<RpcException>(async () => await stream.ReadAsync(Cancelled));

        Assert.Equal(GrpcCode.Unimplemented, refusal.Code);
    }

    [Fact]
    public async Task A_cancelled_call_ends_as_cancelled()
    {
        using RpcChannel channel = new(new Uri(etcd.Endpoint));
        using CancellationTokenSource source = new();
        await using RpcStream stream = await channel.OpenAsync(Watch, null, source.Token);
        ValueTask<bool> reading = stream.ReadAsync(source.Token);

        await source.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await reading);
    }
}

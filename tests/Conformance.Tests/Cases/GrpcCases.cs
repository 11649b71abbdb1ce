using Conclave.Conformance.Tests.Suite;
using Conclave.Conformance.Tests.Transports;
using Conclave.Wire.Etcd.Etcdserverpb;
using Conclave.Wire.Grpc.Health;
using Google.Protobuf;
using static Conclave.Conformance.Tests.Suite.Requests;

namespace Conclave.Conformance.Tests.Cases;

/// <summary>What only gRPC has: bytes that are no message, paths that are none, sizes, metadata. All over one HTTP/2 connection, which has to stay usable.</summary>
internal sealed class GrpcCases : CaseGroup
{
    private const string Range = "/etcdserverpb.KV/Range", PutPath = "/etcdserverpb.KV/Put";

    public override string Name => "grpc";

    private static byte[] Framed(params byte[] message) => GrpcTransport.Frame(message);

    private static byte[] Framed(IMessage message) => GrpcTransport.Frame(message.ToByteArray());

    private void GrpcCase(string name, Func<Run, Task> steps) => Case(name, async c =>
    {
        await steps(c);
        await c.CallAsync(Get(c.Key("after")), "the connection is usable");
    }, Over.Grpc);

    protected override void Define()
    {
        Messages();
        Paths();
        Sizes();
        Metadata();
        Older();
    }

    private void Messages()
    {
        (string Name, byte[] Bytes)[] bad =
        [
            ("a length beyond the end", [0x0a, 0x20, 0x61]), ("an endless number", [0x18, .. Enumerable.Repeat((byte)0xff, 12)]), ("wire type 7", [0x0f, 0x01]),
            ("field number 0", [0x02, 0x01, 0x61]), ("a cut number", [0x18]), ("a group that does not end", [0x0b]), ("an end without its group", [0x0c]),
            ("text where a number belongs", [0x1a, 0x01, 0x61]),
        ];
        // A length of 2^63 is not sent: it ends the process of etcd 3.4.
        foreach ((string name, byte[] bytes) in bad)
            GrpcCase($"malformed: {name}", c => c.CallRawAsync("put", PutPath, Framed(bytes)));
        GrpcCase("malformed: an operation of a transaction", c => c.CallRawAsync("txn", "/etcdserverpb.KV/Txn", Framed(0x12, 0x04, 0x12, 0x02, 0x0a, 0x7f)));
        GrpcCase("unknown fields are passed over", async c =>
        {
            await c.PrepareAsync(Put(c.Key("k"), "1"));
            await c.CallRawAsync("range", Range, Framed([.. Get(c.Key("k")).ToByteArray(), 0xfa, 0x07, 0x03, 1, 2, 3]), RangeResponse.Descriptor);
        });
        GrpcCase("an unknown group is passed over", async c =>
        {
            await c.PrepareAsync(Put(c.Key("k"), "1"));
            await c.CallRawAsync("range", Range, Framed([.. Get(c.Key("k")).ToByteArray(), 0xfb, 0x07, 0x08, 0x01, 0xfc, 0x07]), RangeResponse.Descriptor);
        });
        GrpcCase("a field twice: the last counts", async c =>
        {
            await c.PrepareAsync(Put(c.Key("k"), "1"));
            await c.CallRawAsync("range", Range, Framed([.. Get(c.Key("other")).ToByteArray(), .. Get(c.Key("k")).ToByteArray()]), RangeResponse.Descriptor);
        });
        GrpcCase("fields in any order", async c =>
        {
            await c.PrepareAsync(Put(c.Key("k"), "1"));
            await c.CallRawAsync("range", Range, Framed([0x48, 0x01, .. Get(c.Key("k")).ToByteArray()]), RangeResponse.Descriptor);
        });
        GrpcCase("a flag of two", async c =>
        {
            await c.PrepareAsync(Put(c.Key("k"), "1"));
            await c.CallRawAsync("range", Range, Framed([.. Get(c.Key("k")).ToByteArray(), 0x48, 0x02]), RangeResponse.Descriptor);
        });
        GrpcCase("a number longer than it need be", async c =>
        {
            await c.PrepareAsync(Put(c.Key("k"), "1"));
            await c.CallRawAsync("range", Range, Framed([.. Get(c.Key("k")).ToByteArray(), 0x18, 0x81, 0x80, 0x00]), RangeResponse.Descriptor);
        });
        GrpcCase("two members of a oneof: the last counts", c => c.CallRawAsync("txn", "/etcdserverpb.KV/Txn",
            Framed(new TxnRequest { Success = { RequestOp.Parser.ParseFrom((byte[])[.. Op(Put(c.Key("k"))).ToByteArray(), .. Op(Get(c.Key("k"))).ToByteArray()]) } }), TxnResponse.Descriptor));
    }

    private void Paths()
    {
        foreach (string path in (string[])["/etcdserverpb.KV/Nothing", "/etcdserverpb.KV/range", "/etcdserverpb.Nothing/Range", "/etcdserverpb.kv/Range", "/KV/Range", "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"])
            GrpcCase($"path {path}, which is none", c => c.CallRawAsync("call", path, Framed(Get(c.Key("k")))));
        foreach (string path in (string[])["/nothing", "/", "/etcdserverpb.KV/"])
            GrpcCase($"path {path}, which is no method", c => c.CallRawAsync("call", path, Framed(Get(c.Key("k")))));
        GrpcCase("health", c => c.CallRawAsync("check", "/grpc.health.v1.Health/Check", Framed(), HealthCheckResponse.Descriptor));
        GrpcCase("health of a service that is not there", c => c.CallRawAsync("check", "/grpc.health.v1.Health/Check", Framed(new HealthCheckRequest { Service = "nothing" }), HealthCheckResponse.Descriptor));
    }

    private void Sizes()
    {
        GrpcCase("larger than a message may be", c => c.CallRawAsync("put", PutPath, GrpcTransport.Frame(new byte[2_200_000])));
        GrpcCase("larger than a request may be", c => c.CallRawAsync("put", PutPath, Framed(new PutRequest { Key = c.Key("k"), Value = ByteString.CopyFrom(new byte[1_600_000]) })));
        GrpcCase("a transaction larger than a request may be", c => c.CallRawAsync("txn", "/etcdserverpb.KV/Txn", Framed(
            Do(new PutRequest { Key = c.Key("a"), Value = ByteString.CopyFrom(new byte[800_000]) }, new PutRequest { Key = c.Key("b"), Value = ByteString.CopyFrom(new byte[800_000]) }))));
        GrpcCase("an answer of several megabytes", async c =>
        {
            for (int i = 0; i < 4; i++)
                await c.PrepareAsync(new PutRequest { Key = c.Key($"{i}"), Value = ByteString.CopyFrom(new byte[1_400_000]) });
            c.Note("bytes", (await c.LookAsync<RangeResponse>(Get(c.Key(""), c.EndOf("")))).Kvs.Sum(kv => kv.Value.Length));
            await c.PrepareAsync(Delete(c.Key(""), c.EndOf("")));
        });
        GrpcCase("an empty body", c => c.CallRawAsync("range", Range, []));
        GrpcCase("half a frame", c => c.CallRawAsync("range", Range, [0, 0, 0]));
        GrpcCase("a frame shorter than it says", c => c.CallRawAsync("range", Range, [0, 0, 0, 0, 9, 1]));
        GrpcCase("a compressed frame nobody announced", c => c.CallRawAsync("range", Range, [1, 0, 0, 0, 1, 0]));
    }

    private void Metadata()
    {
        foreach (string value in (string[])["true", "false", "", "TRUE"])
        {
            GrpcCase($"hasleader '{value}'", async c =>
            {
                c.Metadata["hasleader"] = value;
                await c.CallAsync(Put(c.Key("k"), "1"));
                await c.CallAsync(Get(c.Key("k")));
                c.Metadata.Clear();
            });
        }
        GrpcCase("client-api-version", async c =>
        {
            c.Metadata["client-api-version"] = "3.6";
            await c.CallAsync(Get(c.Key("k")));
            c.Metadata.Clear();
        });
        foreach (string timeout in (string[])["5S", "100000m", "1H", "99999999S"])
        {
            GrpcCase($"the deadline '{timeout}'", async c =>
            {
                c.Metadata["grpc-timeout"] = timeout;
                await c.CallAsync(Get(c.Key("k")));
                c.Metadata.Clear();
            });
        }
        GrpcCase("unknown metadata", async c =>
        {
            c.Metadata["x-anything"] = "goes";
            c.Metadata["x-bytes-bin"] = "AAEC";
            await c.CallAsync(Get(c.Key("k")));
            c.Metadata.Clear();
        });
        foreach (string type in (string[])["application/grpc", "application/grpc+proto"])
            GrpcCase($"content type {type}", c => c.CallRawAsync("range", Range, Framed(Get(c.Key("k"))), RangeResponse.Descriptor, type));
    }

    private void Older()
    {
        GrpcCase("a watch request of a client from before progress requests", async c =>
        {
            Run.Conversation watch = c.Open(Rpc.Named("Watch"), new WatchRequest { CreateRequest = new WatchCreateRequest { Key = c.Key("k") } });
            await watch.TakeAsync(1);
            await c.PrepareAsync(Put(c.Key("k"), "1"));
            await watch.TakeAsync(1);
        });
        GrpcCase("a member list with the field of later versions", c => c.CallAsync(new MemberListRequest { Linearizable = true }));
        GrpcCase("a client that resets a stream leaves the others alone", async c =>
        {
            Run.Conversation one = c.Open(Rpc.Named("Watch"), new WatchRequest { CreateRequest = new WatchCreateRequest { Key = c.Key("k") } });
            Run.Conversation other = c.Open(Rpc.Named("Watch"), new WatchRequest { CreateRequest = new WatchCreateRequest { Key = c.Key("k") } });
            await one.TakeAsync(1);
            await other.TakeAsync(1);
            one.Dispose();
            await c.PrepareAsync(Put(c.Key("k"), "1"));
            await other.TakeAsync(1);
        });
    }
}

using System.Buffers.Binary;
using System.Net.Security;
using Conclave.Fuzz.Engine;
using Conclave.Node.Peers;
using Conclave.Raft;
using Conclave.Wire.Etcd.Etcdserverpb;
using Google.Protobuf;
using V1 = Conclave.Wire.V1;

namespace Conclave.Fuzz.Targets;

/// <summary>Bytes to a port of a node that runs, over a real socket: the connection ends in bounded time, and the node goes on.</summary>
internal abstract class PortTarget : FuzzTarget
{
    private const int InputsPerLook = 32;

    private int _inputs;

    public override int BytesMax => 4 << 10;

    public override (long Fixed, long PerByte) MemoryMax => (1 << 20, 256);   // what the client's side of it costs; the node works on other threads

    protected static void Closes(bool closed) => Holds(closed, "a connection ends when the caller closed its side");

    public sealed override void Read(byte[] input)
    {
        if (input.Length == 0) return;
        LoopbackNode node = LoopbackNode.Get();
        Say(node, input);
        if (node.Fatal is { } cause) throw new BrokenException($"the node gave up: {cause}");
        if (++_inputs % InputsPerLook == 0) Holds(node.IsHealthy(), "the node answers others");
    }

    protected abstract void Say(LoopbackNode node, byte[] input);
}

/// <summary>The port for clients. The first byte chooses: cleartext, TLS, or what is said inside TLS as HTTP/2 or HTTP/1.1.</summary>
internal sealed class ClientPortTarget : PortTarget
{
    private static ReadOnlySpan<byte> Preface => "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8;

    public override string Name => "port-client";

    public override IReadOnlyList<byte[]> Corpus()
    {
        byte[] settings = HeaderFrames.Frame(4, 0, []);
        settings[8] = 0;
        var all = new List<byte[]>();
        foreach ((string path, IMessage message) in ((string, IMessage)[])
            [
                ("/etcdserverpb.KV/Put", StoreSamples.Puts[0]), ("/etcdserverpb.KV/Range", StoreSamples.Ranges[0]), ("/etcdserverpb.KV/Txn", StoreSamples.Txns[0]), ("/etcdserverpb.Watch/Watch", StoreSamples.Watches[0]),
                ("/etcdserverpb.Lease/LeaseGrant", new LeaseGrantRequest { TTL = 60 }), ("/etcdserverpb.Cluster/MemberList", new MemberListRequest()), ("/etcdserverpb.Auth/AuthStatus", new AuthStatusRequest()),
                ("/v3lockpb.Lock/Lock", new Wire.Etcd.V3Lockpb.LockRequest { Name = StoreSamples.A }), ("/conclave.v1.Config/Get", new V1.GetRequest { Document = "app" }), ("/conclave.v1.Config/Publish", new V1.PublishRequest { Change = new V1.Change { Nodes = { new V1.NodeEdit { Node = "n1" } } } }),
                ("/grpc.health.v1.Health/Check", new Wire.Grpc.Health.HealthCheckRequest()),
            ])
        {
            byte[] bytes = message.ToByteArray(), body = [0, .. Big(bytes.Length), .. bytes];
            byte[] call = [.. Preface, .. settings, .. HeaderFrames.Frame(1, 4, Headers(path)), .. HeaderFrames.Frame(0, 1, body)];
            all.Add([0, .. call]);
            if (all.Count % 4 == 1) all.Add([2, .. call]);
        }

        foreach (string text in (string[])
            [
                "GET /health HTTP/1.1\r\nHost: a\r\n\r\n", "POST /v3/kv/put HTTP/1.1\r\nHost: a\r\nContent-Length: 27\r\n\r\n{\"key\":\"YQ==\",\"value\":\"Yg\"}", "GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
                "POST /v3/watch HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n24\r\n{\"create_request\":{\"key\":\"YQ==\"}}\r\n\r\n0\r\n\r\n", "POST /v1/config/get HTTP/1.1\r\nHost: a\r\nContent-Length: 18\r\n\r\n{\"document\":\"app\"}",
            ])
        {
            all.Add([0, .. System.Text.Encoding.ASCII.GetBytes(text)]);
            all.Add([3, .. System.Text.Encoding.ASCII.GetBytes(text)]);
        }

        return [.. all, [1, .. ClientHello()]];
    }

    public override IReadOnlyList<byte[]> Words => [.. Texts("\r\n", "HTTP/1.1", "Host: ", "Content-Length: ", "Transfer-Encoding: chunked\r\n", "grpc-timeout", "application/grpc", ":authority", "te", "trailers"), [0, 0, 4, 8, 0, 0, 0, 0, 0], [0, 0, 8, 6, 0, 0, 0, 0, 0], [0, 0, 4, 3, 0, 0, 0, 0, 1]];

    protected override void Say(LoopbackNode node, byte[] input)
    {
        ReadOnlySpan<byte> bytes = input.AsSpan(1);
        Closes((input[0] % 4) switch
        {
            0 => node.Say(node.Clear, bytes),
            1 => node.Say(node.Tls, bytes),
            2 => node.Say(node.Tls, bytes, SslApplicationProtocol.Http2),
            _ => node.Say(node.Tls, bytes, SslApplicationProtocol.Http11),
        });
    }

    /// <summary>:method POST, :scheme http, the path, an authority, content-type and te; as literals that are not remembered.</summary>
    private static byte[] Headers(string path) =>
    [
        0x83, 0x86, 0x04, (byte)path.Length, .. System.Text.Encoding.ASCII.GetBytes(path), 0x01, 9, .. "127.0.0.1"u8, 0x0f, 0x10, 16, .. "application/grpc"u8, 0x00, 2, .. "te"u8, 8, .. "trailers"u8,
    ];

    private static byte[] Big(int number)
    {
        byte[] bytes = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(bytes, number);
        return bytes;
    }

    /// <summary>The first flight of a TLS client: version 1.2 with a curve, two signature schemes and ALPN.</summary>
    private static byte[] ClientHello()
    {
        byte[] extensions =
        [
            0, 10, 0, 4, 0, 2, 0, 23,                                            // supported_groups: secp256r1
            0, 11, 0, 2, 1, 0,                                                   // ec_point_formats: uncompressed
            0, 13, 0, 6, 0, 4, 4, 3, 8, 4,                                       // signature_algorithms: ecdsa and rsa-pss with SHA-256
            0, 16, 0, 5, 0, 3, 2, (byte)'h', (byte)'2',                          // ALPN: h2
        ];
        byte[] body = [3, 3, .. new byte[32], 0, 0, 4, 0xc0, 0x2b, 0xc0, 0x2f, 1, 0, (byte)(extensions.Length >> 8), (byte)extensions.Length, .. extensions];
        byte[] handshake = [1, 0, (byte)(body.Length >> 8), (byte)body.Length, .. body];
        return [22, 3, 1, (byte)(handshake.Length >> 8), (byte)handshake.Length, .. handshake];
    }
}

/// <summary>The port for members: a greeting, whose length and check are made right again, and frames.</summary>
internal sealed class PeerPortTarget : PortTarget
{
    public override string Name => "port-peer";

    public override IReadOnlyList<byte[]> Corpus()
    {
        var hello = new PeerHello(PeerConnectionKind.Messages, 0xC1, new NodeId(1), new NodeId(2), PeerSamples.Credentials, "http://127.0.0.1:2380");
        byte[] beat = new byte[PeerFrame.HeaderBytes + 8];
        PeerFrame.Seal(beat, PeerFrameKind.Beat);
        return
        [
            hello.Encode(), [.. hello.Encode(), .. beat], (hello with { Kind = PeerConnectionKind.Introduce, Credentials = default, PeerUrls = "" }).Encode(), (hello with { Kind = PeerConnectionKind.Snapshot }).Encode(),
            (hello with { Speaks = PeerHello.VersionOldest }).Encode(), [22, 3, 1, 0, 5, 1, 0, 0, 1, 0], [.. "GET / HTTP/1.1\r\n\r\n"u8],
        ];
    }

    public override byte[] Seal(byte[] input, ref FuzzRandom random)
    {
        if (input.Length < PeerHello.HeadBytes + 4) return input;
        int end = PeerHello.HeadBytes + BinaryPrimitives.ReadUInt16LittleEndian(input.AsSpan(12));
        if (end + 4 > input.Length)
        {
            end = input.Length - 4;
            BinaryPrimitives.WriteUInt16LittleEndian(input.AsSpan(12), (ushort)(end - PeerHello.HeadBytes));
        }

        BinaryPrimitives.WriteUInt32LittleEndian(input.AsSpan(end), PeerFrame.Crc(input.AsSpan(0, end)));
        return input;
    }

    protected override void Say(LoopbackNode node, byte[] input) => Closes(node.Say(node.Peers, input));
}

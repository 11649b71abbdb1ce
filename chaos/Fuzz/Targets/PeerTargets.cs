using System.Buffers;
using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Text;
using Conclave.Fuzz.Engine;
using Conclave.Node.Consensus;
using Conclave.Node.Peers;
using Conclave.Raft;

namespace Conclave.Fuzz.Targets;

/// <summary>What members show each other first.</summary>
internal static class PeerSamples
{
    public static readonly MemberCredentials Credentials = new(new Guid(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11), 4, new Guid(2, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11), new LogIndex(9), RaftSamples.Last)
    {
        Starts = [new MemberStart(1, Guid.Empty), new MemberStart(4, new Guid(2, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11))],
    };
}

/// <summary>The greeting of a member that connects.</summary>
internal sealed class PeerHelloTarget : FuzzTarget
{
    public override string Name => "peer-hello";

    public override IReadOnlyList<byte[]> Corpus()
    {
        var hello = new PeerHello(PeerConnectionKind.Messages, 0xC1, new NodeId(1), new NodeId(2), PeerSamples.Credentials, "http://127.0.0.1:2380");
        return [hello.Encode(), (hello with { Kind = PeerConnectionKind.Introduce, Credentials = default, PeerUrls = "" }).Encode(), (hello with { Speaks = PeerHello.VersionOldest }).Encode()];
    }

    public override byte[] Seal(byte[] input, ref FuzzRandom random)
    {
        if (input.Length < PeerHello.HeadBytes + 4) return input;
        if (!random.OneIn(4)) BinaryPrimitives.WriteUInt16LittleEndian(input.AsSpan(12), (ushort)(input.Length - PeerHello.HeadBytes - 4));
        BinaryPrimitives.WriteUInt32LittleEndian(input.AsSpan(input.Length - 4), PeerFrame.Crc(input.AsSpan(..^4)));
        return input;
    }

    public override void Read(byte[] input)
    {
        PeerHello? decoded = PeerHello.Decode(input, out string reason);
        Holds(decoded is null == reason.Length > 0, "a refusal says why");
        PeerHello.IsRefusalOfVersion3(reason);
        if (decoded is not { } hello) return;
        MemberUrls.Decode(Encoding.UTF8.GetBytes(hello.PeerUrls));
        byte[] written = hello.Encode();
        // Bytes that are no UTF-8 became others, and there may be more of them than a greeting holds.
        if (PeerHello.Decode(written, out _) is { } again) Holds(again.Encode().AsSpan().SequenceEqual(written), "a greeting has one form");
        else Holds(hello.PeerUrls.Contains('\ufffd'), "what was read can be written and read");
    }
}

/// <summary>The answer to a greeting: a head of fixed length, the starts or the reason; and the list of members that a new one asks for. The first byte chooses.</summary>
internal sealed class PeerWelcomeTarget : FuzzTarget
{
    public override string Name => "peer-welcome";

    public override (long Fixed, long PerByte) MemoryMax => (64 << 10, 1024);   // addresses become objects

    public override IReadOnlyList<byte[]> Corpus()
    {
        var list = new MemoryStream();
        var writer = new BinaryWriter(list);
        writer.Write(0xC1UL);
        writer.Write((ushort)RaftSamples.Infos.Length);
        foreach (MemberInfo info in RaftSamples.Infos)
        {
            writer.Write(info.Node.Value);
            writer.Write((ushort)info.Bytes.Length);
            writer.Write(info.Bytes.Span);
            writer.Write((ushort)2);
            writer.Write("n1"u8);
        }

        return
        [
            [0, .. PeerWelcome.Accept(PeerSamples.Credentials, PeerHello.Version)], [0, .. PeerWelcome.Accept(PeerSamples.Credentials, PeerHello.VersionOldest)], [0, .. PeerWelcome.Refuse(AdmissionReason.Removed, "it was removed")],
            [1, .. list.ToArray()], .. RaftSamples.Infos.Select(info => (byte[])[2, .. info.Bytes.Span]),
        ];
    }

    public override IReadOnlyList<byte[]> Words => Texts("http://", "https://", ":", ",", "[::1]", "%41", "@", "xn--", "\ufffd", "/path");

    public override void Read(byte[] input)
    {
        if (input.Length == 0) return;
        byte[] rest = input[1..];
        try
        {
            if (input[0] % 3 == 0) Welcome(rest);
            else if (input[0] % 3 == 1) Introduction.Decode(rest);
            else Urls(rest);
        }
        catch (IOException)
        {
            // The documented refusal; a list that ends too early is one.
        }
    }

    private static void Welcome(byte[] bytes)
    {
        if (bytes.Length < PeerWelcome.Bytes) return;   // so much is read before it is decoded
        PeerWelcome welcome = PeerWelcome.Decode(bytes);
        Holds(welcome.RestBytes is >= 0 and <= ushort.MaxValue, "what follows is bounded");
        ReadOnlySpan<byte> rest = bytes.AsSpan(PeerWelcome.Bytes);
        if (welcome.Accepted) welcome.Shown(rest);
    }

    private static void Urls(byte[] bytes)
    {
        ImmutableArray<Uri> urls = MemberUrls.Decode(bytes);
        foreach (Uri url in urls) Holds(url.Port is >= 0 and <= 65535 && url.Authority.Length > 0, "an address has a host and a port");
        byte[] written = MemberUrls.Encode(urls);
        Holds(MemberUrls.Encode(MemberUrls.Decode(written)).AsSpan().SequenceEqual(written), "addresses are read as they are written");
    }
}

/// <summary>Frames between members and what is in them.</summary>
internal sealed class PeerFrameTarget : FuzzTarget
{
    public override string Name => "peer-frame";

    public override IReadOnlyList<byte[]> Corpus() => [.. RaftSamples.Messages.Select(message => Frame(PeerFrameKind.Raft, RaftMessageTarget.Encode(message))), Frame(PeerFrameKind.Call, new byte[17]), Frame(PeerFrameKind.Beat, new byte[8])];

    public override byte[] Seal(byte[] input, ref FuzzRandom random)
    {
        if (input.Length < PeerFrame.HeaderBytes) return input;
        if (!random.OneIn(4)) BinaryPrimitives.WriteInt32LittleEndian(input, input.Length - PeerFrame.HeaderBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(input.AsSpan(4), PeerFrame.Crc(input.AsSpan(8)));
        return input;
    }

    public override void Read(byte[] input)
    {
        PeerFrame.ReadStatus status = PeerFrame.TryRead(input, out PeerFrameKind kind, out ReadOnlySpan<byte> body, out int frameBytes);
        Holds(frameBytes is >= 0 and <= PeerFrame.HeaderBytes + PeerFrame.BodyBytesMax, "no more is waited for than is allowed");
        if (status == PeerFrame.ReadStatus.NeedMore) Holds(input.Length < Math.Max(frameBytes, PeerFrame.HeaderBytes), "it waits only for what is missing");
        if (status != PeerFrame.ReadStatus.Done) return;
        Holds(Frame(kind, body).AsSpan().SequenceEqual(input.AsSpan(0, frameBytes)), "a frame has one form");
        for (int cut = 0; cut < frameBytes; cut += 1 + frameBytes / 7)
            Holds(PeerFrame.TryRead(input.AsSpan(0, cut), out _, out _, out _) == PeerFrame.ReadStatus.NeedMore, "a part of a frame is waited for");
        if (kind == PeerFrameKind.Raft) MessageCodec.TryRead(body.ToArray(), out _);
    }

    private static byte[] Frame(PeerFrameKind kind, ReadOnlySpan<byte> body)
    {
        byte[] frame = new byte[PeerFrame.HeaderBytes + body.Length];
        body.CopyTo(frame.AsSpan(PeerFrame.HeaderBytes));
        PeerFrame.Seal(frame, kind);
        return frame;
    }
}

/// <summary>Raft's messages.</summary>
internal sealed class RaftMessageTarget : FuzzTarget
{
    public override string Name => "raft-message";

    public override IReadOnlyList<byte[]> Corpus() => [.. RaftSamples.Messages.Select(Encode)];

    public override void Read(byte[] input)
    {
        if (!MessageCodec.TryRead(input, out Message? message)) return;
        byte[] written = Encode(message);
        Holds(MessageCodec.TryRead(written, out Message? again) && Encode(again).AsSpan().SequenceEqual(written), "what was read is written and read as the same");
        Holds(written.Length <= input.Length, "ours is the shortest form");
        Holds(message is not AppendRequest append || append.LastIndex >= append.Previous.Index, "indices do not overflow");
    }

    public static byte[] Encode(Message message)
    {
        var written = new ArrayBufferWriter<byte>();
        MessageCodec.Write(written, message);
        return written.WrittenSpan.ToArray();
    }
}

/// <summary>Memberships, and changes of them that one member asks of another. The first byte chooses: 255 is a membership, any other the tag of a change.</summary>
internal sealed class MembershipTarget : FuzzTarget
{
    private const byte IsMembership = 255;

    public override string Name => "membership";

    public override IReadOnlyList<byte[]> Corpus() =>
    [
        .. RaftSamples.Memberships.Select(membership => (byte[])[IsMembership, .. membership.Encode()]),
        .. RaftSamples.Changes.Select(change => MemberChangeCodec.Encode(change, again: true)).Select(coded => (byte[])[coded.Tag, .. coded.Body]),
    ];

    public override void Read(byte[] input)
    {
        if (input.Length == 0) return;
        ReadOnlySpan<byte> rest = input.AsSpan(1);
        if (input[0] == IsMembership)
        {
            if (Membership.TryDecode(rest, out Membership? membership)) Holds(membership.Encode().AsSpan().SequenceEqual(rest), "a membership has one form");
        }
        else if (MemberChangeCodec.TryDecode(input[0], rest, out MembershipChange? change, out bool again))
        {
            (byte tag, byte[] body) = MemberChangeCodec.Encode(change, again);
            Holds(tag == input[0] && body.AsSpan().SequenceEqual(rest), "a change has one form");
        }
    }
}

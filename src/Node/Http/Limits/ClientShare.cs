using System.Net;
using System.Net.Sockets;

namespace Conclave.Node.Http.Limits;

/// <summary>What the clients of one address hold of what all clients share.</summary>
/// <remarks>Counters, because <see cref="FairBound"/> changes them: nobody else does.</remarks>
internal sealed class ClientShare(IPAddress address)
{
    /// <summary>Who it is, as <see cref="ClientShares.KeyOf"/> says.</summary>
    public IPAddress Address { get; } = address;

    public long Connections;
    public long RequestBytes;
    public long AnswerBytes;
    public long AnswersWaiting;
    public long BufferedBytes;
    public long WatchBytes;

    private long _calls, _streams, _vital;

    /// <summary>Calls of a kind that are under way.</summary>
    public ref long Calls(CallKind kind)
    {
        switch (kind)
        {
            case CallKind.Stream: return ref _streams;
            case CallKind.Vital: return ref _vital;
            default: return ref _calls;
        }
    }

    /// <summary>Connections that know this share; <see cref="ClientShares"/> keeps it while there are any.</summary>
    internal int Holders { get; set; }
}

/// <summary>The shares of all addresses that have a connection. Thread safe.</summary>
internal sealed class ClientShares
{
    private readonly Lock _gate = new();
    private readonly Dictionary<IPAddress, ClientShare> _shares = [];   // under _gate, as is Holders of each

    /// <summary>For one more connection, which has to leave later.</summary>
    public ClientShare Enter(EndPoint? peer)
    {
        IPAddress key = KeyOf(peer);
        lock (_gate)
        {
            if (!_shares.TryGetValue(key, out ClientShare? share)) _shares.Add(key, share = new ClientShare(key));
            share.Holders++;
            return share;
        }
    }

    public void Leave(ClientShare share)
    {
        lock (_gate)
        {
            if (--share.Holders == 0) _shares.Remove(share.Address);
        }
    }

    /// <summary>The address; of IPv6 the first 64 bits, because whoever has one address there has all that begin like it.</summary>
    public static IPAddress KeyOf(EndPoint? peer)
    {
        if (peer is not IPEndPoint { Address: var address }) return IPAddress.None;
        if (address.IsIPv4MappedToIPv6) return address.MapToIPv4();
        if (address.AddressFamily != AddressFamily.InterNetworkV6 || IPAddress.IsLoopback(address)) return address;
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out _);
        bytes[8..].Clear();
        return new IPAddress(bytes);
    }
}

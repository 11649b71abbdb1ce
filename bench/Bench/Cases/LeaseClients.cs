using Conclave.Bench.Load;
using Conclave.Wire.Etcd.Etcdserverpb;
using Google.Protobuf;

namespace Conclave.Bench.Cases;

/// <summary>Renews one lease over one stream that stays open.</summary>
internal sealed class KeepAliveClient(int index) : LoadClient
{
    public const long FirstLease = 0x6c65_6173_0000;
    private readonly byte[] _request = new LeaseKeepAliveRequest { ID = FirstLease + index }.ToByteArray();

    public override string Path => "/etcdserverpb.Lease/LeaseKeepAlive";

    public override bool KeepsStream => true;

    public override ReadOnlySpan<byte> Next() => _request;

    /// <summary>LeaseKeepAliveResponse.TTL is field 3; 0 says that the lease is gone.</summary>
    public override Verdict Judge(ReadOnlySpan<byte> response) => ProtoScan.Number(response, 3) > 0 ? Verdict.Done : Verdict.Wrong;
}

/// <summary>Grants a lease and revokes it; the pair is one operation.</summary>
internal sealed class GrantAndRevokeClient(int index) : LoadClient
{
    private readonly MessageBuffer _buffer = new();
    private readonly LeaseGrantRequest _grant = new() { TTL = 600 };
    private readonly LeaseRevokeRequest _revoke = new();
    // Ids are the client's, so that the answer need not be decoded; a new range in every run.
    private long _next = ((DateTime.UtcNow.Ticks & 0xff_ffff_ffff) << 22) | ((long)index << 14);
    private bool _isGranted;

    public override string Path => _isGranted ? "/etcdserverpb.Lease/LeaseRevoke" : "/etcdserverpb.Lease/LeaseGrant";

    public override ReadOnlySpan<byte> Next()
    {
        if (_isGranted)
            return _buffer.Encode(_revoke);
        _grant.ID = _revoke.ID = ++_next;
        return _buffer.Encode(_grant);
    }

    public override Verdict Judge(ReadOnlySpan<byte> response)
    {
        _isGranted = !_isGranted;
        return _isGranted ? Verdict.GoesOn : Verdict.Done;
    }
}

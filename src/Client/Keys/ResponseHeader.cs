namespace Conclave.Client;

/// <summary>Who answered, and where the store was.</summary>
/// <param name="ClusterId">The cluster that answered.</param>
/// <param name="MemberId">The member that answered.</param>
/// <param name="Revision">Revision of the store when it answered; for a write, the revision it made. 0 in answers about members.</param>
/// <param name="RaftTerm">Term the member was in.</param>
public readonly record struct ResponseHeader(ulong ClusterId, ulong MemberId, long Revision, ulong RaftTerm)
{
    internal static ResponseHeader Of(Wire.Etcd.Etcdserverpb.ResponseHeader? wire) =>
        wire is null ? default : new ResponseHeader(wire.ClusterId, wire.MemberId, wire.Revision, wire.RaftTerm);
}

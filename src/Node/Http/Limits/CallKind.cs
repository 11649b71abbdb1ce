using System.Collections.Frozen;

namespace Conclave.Node.Http.Limits;

/// <summary>What a call is counted with.</summary>
internal enum CallKind
{
    /// <summary>An answer is due soon.</summary>
    Call,

    /// <summary>A stream, or a call that waits for other clients: it stays for hours and costs little while it does.</summary>
    Stream,

    /// <summary>
    /// A renewal of a lease always passes: refused, it would cost the lease, and the work that follows from that. So do the calls by which an operator
    /// sees how a member is. They are counted apart, so that neither they nor the others can use up what is for both.
    /// </summary>
    Vital,
}

/// <summary>Which method is of which kind.</summary>
internal static class CallKinds
{
    private static readonly FrozenSet<string> Vital = new[]
    {
        "/etcdserverpb.Lease/LeaseKeepAlive", "/etcdserverpb.Maintenance/Status", "/grpc.health.v1.Health/Check", "/grpc.health.v1.Health/Watch",
    }.ToFrozenSet(StringComparer.Ordinal);

    public static CallKind Of(RpcMethod method) => Vital.Contains(method.Path) ? CallKind.Vital
        : method is { Stream: null, WaitsForOthers: false } ? CallKind.Call
        : CallKind.Stream;
}

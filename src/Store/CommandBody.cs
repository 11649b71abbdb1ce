namespace Conclave.Store;

/// <summary>Bodies of the commands that the server itself proposes.</summary>
public static class CommandBody
{
    public static byte[] LeaseGrant(long id, long ttlSeconds) => throw new NotSupportedException();
    public static byte[] LeaseRevoke(long id) => throw new NotSupportedException();
    public static byte[] Compact(long revision) => throw new NotSupportedException();
    public static byte[] Alarm(bool activate, ulong memberId, AlarmKind alarm) => throw new NotSupportedException();
    public static byte[] MemberAttributes(ulong memberId, ReadOnlySpan<byte> attributes) => throw new NotSupportedException();
}

namespace Conclave.Store;

/// <summary>etcd's authpb.Permission.Type; the numbers are on the wire. Any other number grants nothing.</summary>
public enum PermissionKind
{
    Read = 0,
    Write = 1,
    ReadWrite = 2,
}

/// <summary>What a role may do with a range of keys.</summary>
/// <param name="Kind">Read, write or both.</param>
/// <param name="Key">First key, not empty.</param>
/// <param name="RangeEnd">As on the wire: empty for the key alone, one zero byte for everything from the key on.</param>
public readonly record struct AuthPermission(PermissionKind Kind, ReadOnlyMemory<byte> Key, ReadOnlyMemory<byte> RangeEnd)
{
    internal bool IsFor(ReadOnlySpan<byte> key, ReadOnlySpan<byte> rangeEnd) => Key.Span.SequenceEqual(key) && RangeEnd.Span.SequenceEqual(rangeEnd);
}

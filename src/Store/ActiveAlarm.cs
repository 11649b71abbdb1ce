namespace Conclave.Store;

/// <summary>etcd's AlarmType; the numbers are on the wire.</summary>
public enum AlarmKind : byte
{
    None = 0,
    NoSpace = 1,
    Corrupt = 2,
}

/// <summary>An alarm that is raised until somebody disarms it.</summary>
public readonly record struct ActiveAlarm(AlarmKind Alarm, ulong MemberId);

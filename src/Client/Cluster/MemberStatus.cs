using System.Collections.Immutable;
using Conclave.Wire.Etcd.Etcdserverpb;

namespace Conclave.Client;

/// <summary>State of one member, as it sees itself.</summary>
public sealed record MemberStatus
{
    /// <summary>Who answered, and its revision.</summary>
    public required ResponseHeader Header { get; init; }

    /// <summary>Version of the server, x.y.z.</summary>
    public required string Version { get; init; }

    /// <summary>Id of the leader it follows; 0 when it sees none.</summary>
    public required ulong LeaderId { get; init; }

    public required ulong RaftTerm { get; init; }

    /// <summary>Last entry of its log known to be committed or stored.</summary>
    public required ulong RaftIndex { get; init; }

    /// <summary>Last entry it has applied.</summary>
    public required ulong RaftAppliedIndex { get; init; }

    /// <summary>Size of its store in bytes.</summary>
    public required long DatabaseBytes { get; init; }

    /// <summary>Part of that in use, in bytes.</summary>
    public required long DatabaseBytesInUse { get; init; }

    public required bool IsLearner { get; init; }

    /// <summary>What is wrong, such as raised alarms; empty when healthy.</summary>
    public required ImmutableArray<string> Errors { get; init; }

    /// <summary>True when it is the leader itself.</summary>
    public bool IsLeader => LeaderId != 0 && LeaderId == Header.MemberId;

    internal static MemberStatus Of(StatusResponse wire) => new()
    {
        Header = ResponseHeader.Of(wire.Header),
        Version = wire.Version,
        LeaderId = wire.Leader,
        RaftTerm = wire.RaftTerm,
        RaftIndex = wire.RaftIndex,
        RaftAppliedIndex = wire.RaftAppliedIndex,
        DatabaseBytes = wire.DbSize,
        DatabaseBytesInUse = wire.DbSizeInUse,
        IsLearner = wire.IsLearner,
        Errors = [.. wire.Errors],
    };
}

/// <summary>Hash over the keys of one member at one revision; equal on all members.</summary>
/// <param name="Header">Who answered.</param>
/// <param name="Hash">The hash.</param>
/// <param name="CompactRevision">The member's compacted revision; only hashes with the same one can be compared.</param>
/// <param name="HashRevision">Revision the hash was taken at; 0 from servers that do not say it.</param>
public sealed record KeyHash(ResponseHeader Header, uint Hash, long CompactRevision, long HashRevision);

/// <summary>What an alarm is about.</summary>
public enum AlarmKind
{
    None = 0,

    /// <summary>A store is full: writes are refused until space was made and the alarm taken back.</summary>
    NoSpace = 1,

    /// <summary>A member's data differs from the others'.</summary>
    Corrupt = 2,
}

/// <summary>A raised alarm.</summary>
/// <param name="MemberId">The member it is about.</param>
/// <param name="Kind">What it is about.</param>
public sealed record Alarm(ulong MemberId, AlarmKind Kind);

namespace Conclave.Store.Saving;

/// <summary>The format of a saved state.</summary>
/// <remarks>
/// <code>
/// | magic 8 | format u32 | revision i64 | compacted revision i64 | applied index u64 | applied term u64 |
/// | leases  | alarms | member attributes | sessions | marks | auth | keys | changes | crc-32c of all before, u32 |   little-endian
///
/// section:     ( length varint > 0 | record )*  | 0
/// lease:       id i64 | ttl seconds i64 [ | incarnation u64, if not 0 ]   by id
/// alarm:       kind u8 | member u64                              by kind, member
/// attributes:  member u64 | bytes                                by member
/// session:     id i64 | sequence u64 | error u8 | revision i64 | response bytes     by id           from format 2 on
///              in format 3: ... | user bytes u16 (65535: nobody) | user | response bytes
/// marks:       first: index u64 | number u64 | hash scheme u16                                      from format 2 on
///              then each member: id u64 | is voter u8 | acknowledged u64 | verdict u8 | has reported u8 | hash u64   by id
/// auth:        four sections, see <see cref="SavedAuth"/>                                           from format 3 on
/// key:         mvccpb.KeyValue, as it was at the compacted revision   by key; none if nothing was compacted
/// change:      mvccpb.KeyValue after it, or key and mod revision of a delete   from the compacted revision on, in order
/// </code>
/// The changes carry the history, so that old revisions can be read and watches can catch up on the loaded state.
/// Those of the compacted revision itself are in the keys already; they are there for watches that start at it.
/// A state without sessions and marks is written in format 1, which has no place for them: versions that know neither read it. One in which nobody
/// has ever changed users or roles is written in format 2 at most, for the same reason.
/// </remarks>
internal static class SavedState
{
    public const uint FormatPlain = 1, FormatWithSessions = 2, FormatWithAuth = 3;
    public const int LeaseBytes = 16, LeaseBytesWithIncarnation = 24, AlarmBytes = 9, SessionBytesMin = 25, MarkBytes = 18, MarkMemberBytes = 27;

    /// <summary>No record is larger: a request is not, by far. Keeps a damaged length from asking for all memory.</summary>
    public const int RecordBytesMax = 64 << 20;

    public static ReadOnlySpan<byte> Magic => "CNCLVST\n"u8;
}

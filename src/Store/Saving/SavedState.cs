namespace Conclave.Store.Saving;

/// <summary>The format of a saved state.</summary>
/// <remarks>
/// <code>
/// | magic 8 | format u32 | revision i64 | compacted revision i64 | applied index u64 | applied term u64 |
/// | leases  | alarms | member attributes | keys | changes | crc-32c of all before, u32 |            little-endian
///
/// section:     ( length varint > 0 | record )*  | 0
/// lease:       id i64 | ttl seconds i64                          by id
/// alarm:       kind u8 | member u64                              by kind, member
/// attributes:  member u64 | bytes                                by member
/// key:         mvccpb.KeyValue, as it was at the compacted revision   by key; none if nothing was compacted
/// change:      mvccpb.KeyValue after it, or key and mod revision of a delete   from the compacted revision on, in order
/// </code>
/// The changes carry the history, so that old revisions can be read and watches can catch up on the loaded state.
/// Those of the compacted revision itself are in the keys already; they are there for watches that start at it.
/// </remarks>
internal static class SavedState
{
    public const uint Format = 1;
    public const int LeaseBytes = 16, AlarmBytes = 9;

    /// <summary>No record is larger: a request is not, by far. Keeps a damaged length from asking for all memory.</summary>
    public const int RecordBytesMax = 64 << 20;

    public static ReadOnlySpan<byte> Magic => "CNCLVST\n"u8;
}

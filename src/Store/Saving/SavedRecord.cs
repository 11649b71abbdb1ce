using System.Diagnostics.CodeAnalysis;
using Conclave.Store.History;
using Conclave.Store.Protobuf;

namespace Conclave.Store.Saving;

/// <summary>Reads a saved version or tombstone. Only the exact form that <see cref="KeyValueWire"/> writes passes: its readers check nothing.</summary>
internal static class SavedRecord
{
    public static bool TryRead(ReadOnlySpan<byte> record, [NotNullWhen(true)] out byte[]? wire)
    {
        wire = null;
        ReadOnlySpan<byte> key = default, value = default;
        long create = 0, mod = 0, version = 0, lease = 0;
        var reader = new WireReader(record);
        while (reader.Next())
        {
            switch (reader.Tag)
            {
                case 1 << 3 | 2: key = reader.Bytes(); break;
                case 2 << 3: create = (long)reader.Varint(); break;
                case 3 << 3: mod = (long)reader.Varint(); break;
                case 4 << 3: version = (long)reader.Varint(); break;
                case 5 << 3 | 2: value = reader.Bytes(); break;
                case 6 << 3: lease = (long)reader.Varint(); break;
                default: return false;
            }
        }

        if (reader.Failed || key.IsEmpty || mod < 2)
            return false;
        wire = version == 0 ? KeyValueWire.Tombstone(key, mod) : KeyValueWire.Put(key, create, mod, version, value, lease);
        return record.SequenceEqual(wire);
    }
}

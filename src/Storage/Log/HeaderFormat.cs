using System.Buffers.Binary;
using Conclave.Raft;

namespace Conclave.Storage;

/// <summary>How a file header reads.</summary>
internal enum HeaderCheck
{
    Good,
    Damaged,

    /// <summary>Undamaged, but of a format that this version does not know.</summary>
    OtherFormat,
}

/// <summary>What all file headers have in common: magic at 0, checksum of everything from 12 on at 8, format number at 12.</summary>
/// <remarks>These three stay where they are in every future format, so that "newer" can be told from "damaged".</remarks>
internal static class HeaderFormat
{
    internal static HeaderCheck Check(ReadOnlySpan<byte> header, ulong magic, ushort format, string what, out string problem) =>
        Check(header, magic, format, format, what, out _, out problem);

    /// <param name="header">The whole header.</param>
    /// <param name="magic">Its first 8 bytes.</param>
    /// <param name="oldest">The oldest format that this version reads.</param>
    /// <param name="newest">The newest one, which it writes.</param>
    /// <param name="what">What it is the header of, for people.</param>
    /// <param name="written">The format that it has, if it is undamaged.</param>
    /// <param name="problem">What is wrong; empty when it is good.</param>
    internal static HeaderCheck Check(ReadOnlySpan<byte> header, ulong magic, ushort oldest, ushort newest, string what, out ushort written, out string problem)
    {
        (problem, written) = ("", 0);
        if (BinaryPrimitives.ReadUInt64LittleEndian(header) != magic)
            problem = $"The {what} does not begin with its magic number.";
        else if (BinaryPrimitives.ReadUInt32LittleEndian(header[8..]) != Crc32C.Of(header[12..]))
            problem = $"The checksum of the {what} does not match.";
        if (problem.Length > 0)
            return HeaderCheck.Damaged;
        written = BinaryPrimitives.ReadUInt16LittleEndian(header[12..]);
        if (written >= oldest && written <= newest)
            return HeaderCheck.Good;
        problem = $"The {what} has format {written}; this version reads {(oldest == newest ? $"format {newest}" : $"formats {oldest} to {newest}")}.";
        return HeaderCheck.OtherFormat;
    }
}

internal static class IdentityFormat
{
    internal const int Bytes = 32;

    internal static void Write(Span<byte> target, StorageIdentity identity)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(target, identity.ClusterId);
        BinaryPrimitives.WriteUInt64LittleEndian(target[8..], identity.NodeId);
        identity.Incarnation.TryWriteBytes(target[16..]);
    }

    internal static StorageIdentity Read(ReadOnlySpan<byte> source) => new(BinaryPrimitives.ReadUInt64LittleEndian(source),
        BinaryPrimitives.ReadUInt64LittleEndian(source[8..]), new Guid(source.Slice(16, 16)));
}

internal static class StateFormat
{
    internal static void Write(Span<byte> target, EntryId id)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(target, id.Index.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(target[8..], id.Term.Value);
    }

    internal static void Write(Span<byte> target, HardState state)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(target, state.Term.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(target[8..], state.VotedFor.Value);
    }

    internal static EntryId ReadEntryId(ReadOnlySpan<byte> source) =>
        new(new LogIndex(BinaryPrimitives.ReadUInt64LittleEndian(source)), new Term(BinaryPrimitives.ReadUInt64LittleEndian(source[8..])));

    internal static HardState ReadHardState(ReadOnlySpan<byte> source) =>
        new(new Term(BinaryPrimitives.ReadUInt64LittleEndian(source)), new NodeId(BinaryPrimitives.ReadUInt64LittleEndian(source[8..])));
}

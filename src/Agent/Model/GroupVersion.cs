using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using Google.Protobuf;
using V1 = Conclave.Wire.V1;

namespace Conclave.Agent;

/// <summary>What one file of a group holds.</summary>
/// <param name="File">Its name in the agent's configuration.</param>
/// <param name="Path">Where it is.</param>
/// <param name="Bytes">All of it.</param>
public sealed record FileContent(string File, string Path, ImmutableArray<byte> Bytes)
{
    public string Hash => Convert.ToHexStringLower(SHA256.HashData(Bytes.AsSpan()));
}

/// <summary>All that a group's programs read, at one moment: documents and the files made of them. It replaces the one before as a whole.</summary>
public sealed record GroupVersion
{
    private const uint Magic = 0x31474143;   // "CAG1"

    /// <summary>Empty for files that were there before the agent came.</summary>
    public required ImmutableArray<AgentDocument> Documents { get; init; }

    /// <summary>In the order of the agent's configuration.</summary>
    public required ImmutableArray<FileContent> Files { get; init; }

    /// <summary>Names the content: equal for equal files of documents with equal releases.</summary>
    public string Id => field ??= Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n',
        [.. Documents.Select(d => $"{d.Name} {d.Release} {Convert.ToHexStringLower(d.Hash.Span)}"), .. Files.Select(f => $"{f.File} {f.Path} {f.Hash}")]))).AsSpan(0, 16));

    public AgentDocument? Document(string name) => Documents.FirstOrDefault(d => d.Name == name);

    public FileContent? File(string name) => Files.FirstOrDefault(f => f.File == name);

    // | magic (4) | documents (4) | each: asOf (8), length (4), V1.DocumentDelta | files (4) | each: name, path, bytes (length before each) | sha256 of all that (32) |
    public byte[] ToBytes()
    {
        using var stream = new MemoryStream();
        using (var writer = new BinaryWriter(stream, Encoding.UTF8, leaveOpen: true))
        {
            writer.Write(Magic);
            writer.Write(Documents.Length);
            foreach (AgentDocument document in Documents)
            {
                writer.Write(document.AsOf);
                Write(writer, document.ToMessage().ToByteArray());
            }

            writer.Write(Files.Length);
            foreach (FileContent file in Files)
            {
                writer.Write(file.File);
                writer.Write(file.Path);
                Write(writer, file.Bytes.AsSpan());
            }
        }

        stream.Write(SHA256.HashData(stream.GetBuffer().AsSpan(0, (int)stream.Length)));
        return stream.ToArray();
    }

    /// <returns>Null when the bytes are damaged.</returns>
    public static GroupVersion? FromBytes(byte[] bytes)
    {
        const int HashBytes = 32;
        if (bytes.Length < 4 + HashBytes || !SHA256.HashData(bytes.AsSpan(0, bytes.Length - HashBytes)).AsSpan().SequenceEqual(bytes.AsSpan(bytes.Length - HashBytes))) return null;
        using var reader = new BinaryReader(new MemoryStream(bytes), Encoding.UTF8);
        if (reader.ReadUInt32() != Magic) return null;
        var documents = ImmutableArray.CreateBuilder<AgentDocument>();
        for (int left = reader.ReadInt32(); left > 0; left--)
        {
            long asOf = reader.ReadInt64();
            V1.DocumentDelta message = V1.DocumentDelta.Parser.ParseFrom(reader.ReadBytes(reader.ReadInt32()));
            if (AgentDocument.Apply(before: null, message, asOf, out _) is not { } document) return null;
            documents.Add(document);
        }

        var files = ImmutableArray.CreateBuilder<FileContent>();
        for (int left = reader.ReadInt32(); left > 0; left--)
            files.Add(new FileContent(reader.ReadString(), reader.ReadString(), [.. reader.ReadBytes(reader.ReadInt32())]));
        return new GroupVersion { Documents = documents.ToImmutable(), Files = files.ToImmutable() };
    }

    private static void Write(BinaryWriter writer, ReadOnlySpan<byte> bytes)
    {
        writer.Write(bytes.Length);
        writer.Write(bytes);
    }
}

using System.Security.Cryptography;
using System.Text;
using Google.Protobuf;
using V1 = Conclave.Wire.V1;

namespace Conclave.Extensions.Configuration;

/// <summary>Where the last good values are kept, so that a program starts while no member can be reached.</summary>
/// <remarks>
/// One file for each space, node and list of documents, readable by its owner alone (mode 0600). Secrets are in it in clear: use a directory on a
/// file system in memory where that is too much. A file is replaced as a whole, and one that is damaged is not used.
/// <code>conclave-cache 1 SHA-256\n | 4 bytes length, "space\nnode" | conclave.v1.Delta</code>
/// </remarks>
public sealed class ConclaveCache
{
    private const string Format = "conclave-cache 1 ";
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private ConclaveCache(string directory) => Directory = directory;

    public string Directory { get; }

    /// <param name="directory">Made when it is not there, with access for its owner alone.</param>
    public static ConclaveCache LastGood(string directory)
    {
        ArgumentException.ThrowIfNullOrEmpty(directory);
        return new ConclaveCache(Path.GetFullPath(directory));
    }

    internal string FileOf(string space, string node, IEnumerable<string> documents)
    {
        byte[] asked = SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', documents.Order(StringComparer.Ordinal))));
        return Path.Combine(Directory, $"{Uri.EscapeDataString(space)}.{Uri.EscapeDataString(node)}.{Convert.ToHexStringLower(asked.AsSpan(0, 4))}.cache");
    }

    /// <exception cref="IOException">It cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be written.</exception>
    internal void Write(string space, string node, IEnumerable<string> documents, NodeDocuments content)
    {
        string file = FileOf(space, node, documents), written = file + ".new";
        if (OperatingSystem.IsWindows()) System.IO.Directory.CreateDirectory(Directory);
        else System.IO.Directory.CreateDirectory(Directory, OwnerOnly | UnixFileMode.UserExecute);
        File.Delete(written);   // what a crash left keeps the mode that it was made with
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = OwnerOnly;
        byte[] body = [.. Named(space, node), .. content.Whole().ToByteArray()];
        using (var stream = new FileStream(written, options))
        {
            stream.Write(HeaderOf(body));
            stream.Write(body);
            stream.Flush(flushToDisk: true);   // before the rename, or a power cut leaves an empty file under the good name
        }

        File.Move(written, file, overwrite: true);
    }

    /// <returns>Null when there is none.</returns>
    /// <exception cref="InvalidDataException">There is one, and it cannot be used; the message says why.</exception>
    internal NodeDocuments? Read(string space, string node, IEnumerable<string> documents)
    {
        string file = FileOf(space, node, documents);
        try
        {
            if (!File.Exists(file)) return null;
            ReadOnlySpan<byte> all = File.ReadAllBytes(file);
            int header = Format.Length + (2 * SHA256.HashSizeInBytes) + 1;
            byte[] named = Named(space, node);
            if (all.Length < header + named.Length || !all[..Format.Length].SequenceEqual(Encoding.ASCII.GetBytes(Format)))
                throw new InvalidDataException($"{file} is no cache of this version. Delete it.");
            ReadOnlySpan<byte> body = all[header..];
            if (!all[..header].SequenceEqual(HeaderOf(body)))
                throw new InvalidDataException($"{file} is damaged: its checksum is another. Delete it.");
            if (!body.StartsWith(named)) throw new InvalidDataException($"{file} is of another node or space. Delete it.");
            return NodeDocuments.None.After(V1.Delta.Parser.ParseFrom(body[named.Length..]));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)   // what protobuf throws is an IOException, too
        {
            throw new InvalidDataException($"{file} cannot be read: {e.Message}", e);
        }
    }

    private static byte[] HeaderOf(ReadOnlySpan<byte> body) => Encoding.ASCII.GetBytes($"{Format}{Convert.ToHexStringLower(SHA256.HashData(body))}\n");

    private static byte[] Named(string space, string node)
    {
        byte[] name = Encoding.UTF8.GetBytes($"{space}\n{node}");
        return [.. BitConverter.GetBytes(name.Length), .. name];
    }
}

using System.Globalization;
using System.Text;
using Conclave.Storage;

namespace Conclave.Node.Peers;

/// <summary>A small text file in the data directory and its copy beside it, for people to read and for the node alone to write.</summary>
/// <remarks>
/// Both are overwritten in place, first the copy and then the file, each synced before the next step. So one of the two is whole at any moment, and a write needs no
/// room on the disk once they exist and have their length: members have to meet again after a power cut also when all disks are full.
/// </remarks>
/// <param name="name">Of the file; the copy is called the same with ".copy".</param>
/// <param name="headings">First line: the one that is written, and then those of earlier formats.</param>
/// <param name="remedy">What to do when both are damaged.</param>
/// <param name="roundBytes">The length is a multiple of this, filled with empty lines; so that a longer content rarely needs more room.</param>
internal sealed class TwinFile(string name, string[] headings, string remedy, int roundBytes = 1)
{
    private const int BytesMax = 64 << 10;   // checked before the length is trusted

    private readonly string _copyName = name + ".copy";

    /// <summary>The lines between the heading and the checksum; null when there is no such file yet.</summary>
    /// <param name="files">The disk.</param>
    /// <param name="directory">Where.</param>
    /// <param name="parse">Understands the lines, given the number of the heading; throws what <see cref="Strange"/> makes.</param>
    /// <exception cref="StorageException">The file and its copy are damaged.</exception>
    /// <exception cref="FileSystemException">They cannot be read.</exception>
    public T? Read<T>(IFileSystem files, string directory, Func<string[], int, T> parse) where T : class
    {
        IReadOnlyList<string> names = files.List(directory);
        T? copy = names.Contains(_copyName) ? TryRead(files, Path.Combine(directory, _copyName), parse, out _) : null;
        // Without the file, the very first write ended early: nothing was built on what the copy holds or was to hold.
        if (!names.Contains(name)) return copy;
        return TryRead(files, Path.Combine(directory, name), parse, out StorageException? damage) ?? copy ?? throw damage!;   // null comes with a damage
    }

    /// <summary>Durable when it returns.</summary>
    /// <exception cref="FileSystemException">What is read next is what was there before, or this.</exception>
    public void Write(IFileSystem files, string directory, IEnumerable<string> lines)
    {
        byte[] text = Format(lines);
        Overwrite(files, directory, _copyName, text);
        Overwrite(files, directory, name, text);
    }

    /// <summary>Makes both equal again after a crash or a damage: the next write must find the file whole before it touches the copy.</summary>
    /// <exception cref="FileSystemException">The file could not be written.</exception>
    /// <returns>Why there is no copy; empty when there is one.</returns>
    public string Mend(IFileSystem files, string directory, IEnumerable<string> lines)
    {
        byte[] text = Format(lines);
        if (!files.List(directory).Contains(name)) Overwrite(files, directory, _copyName, text);   // the very first write: torn, the file alone would look damaged
        if (!Holds(files, directory, name, text)) Overwrite(files, directory, name, text);
        try
        {
            if (!Holds(files, directory, _copyName, text)) Overwrite(files, directory, _copyName, text);
            return "";
        }
        catch (FileSystemException failure)
        {
            return failure.Message;
        }
    }

    /// <summary>A line that says nothing that could be understood.</summary>
    public StorageException Strange(string directory, string line, string expected) => Damaged(Path.Combine(directory, name), $"The line '{line}' is not {expected}.");

    private byte[] Format(IEnumerable<string> lines)
    {
        var text = new StringBuilder(headings[0]).Append('\n');
        foreach (string line in lines) text.Append(line).Append('\n');
        int checkBytes = CheckLine("").Length, over = (text.Length + checkBytes) % roundBytes;
        if (over > 0) text.Append('\n', roundBytes - over);   // everything here is ASCII
        text.Append(CheckLine(text.ToString()));
        return Encoding.UTF8.GetBytes(text.ToString());
    }

    private static void Overwrite(IFileSystem files, string directory, string name, byte[] text)
    {
        string path = Path.Combine(directory, name);
        bool isNew = !files.List(directory).Contains(name);
        using (IStorageFile file = isNew ? files.Create(path) : files.Open(path))
        {
            file.Write(0, text);
            if (file.Length > text.Length) file.SetLength(text.Length);
            file.Sync();
        }

        if (isNew) files.SyncDirectory(directory);
    }

    private T? TryRead<T>(IFileSystem files, string path, Func<string[], int, T> parse, out StorageException? damage) where T : class
    {
        damage = null;
        try
        {
            return Parse(Encoding.UTF8.GetString(Bytes(files, path)), path, parse);
        }
        catch (StorageException found)
        {
            damage = found;
            return null;
        }
    }

    private static bool Holds(IFileSystem files, string directory, string name, byte[] text)
    {
        if (!files.List(directory).Contains(name)) return false;
        using IStorageFile file = files.Open(Path.Combine(directory, name));
        byte[] bytes = new byte[text.Length];
        return file.Length == bytes.Length && file.Read(0, bytes) == bytes.Length && bytes.AsSpan().SequenceEqual(text);
    }

    private byte[] Bytes(IFileSystem files, string path)
    {
        using IStorageFile file = files.Open(path);
        if (file.Length > BytesMax) throw Damaged(path, $"It has {file.Length} bytes, which is too many.");
        byte[] bytes = new byte[file.Length];
        if (file.Read(0, bytes) != bytes.Length) throw Damaged(path, "It could not be read to its end.");
        return bytes;
    }

    private T Parse<T>(string text, string path, Func<string[], int, T> parse)
    {
        int check = text.LastIndexOf("crc32c ", StringComparison.Ordinal);
        int format = Array.FindIndex(headings, heading => text.StartsWith(heading + "\n", StringComparison.Ordinal));
        if (format < 0 || check < 0) throw Damaged(path, $"It does not begin with '{headings[0]}' and end with a checksum.");
        if (text[check..] != CheckLine(text[..check])) throw Damaged(path, "Its checksum is wrong.");
        return parse(text[(headings[format].Length + 1)..check].Split('\n', StringSplitOptions.RemoveEmptyEntries), format);
    }

    private static string CheckLine(string above) =>
        string.Create(CultureInfo.InvariantCulture, $"crc32c {PeerFrame.Crc(Encoding.UTF8.GetBytes(above)):x8}\n");

    private StorageException Damaged(string path, string problem) => new(StorageErrorKind.Corrupt, path, null, problem, remedy);
}

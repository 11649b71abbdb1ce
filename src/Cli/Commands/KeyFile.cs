using System.Security.Cryptography;
using System.Text;

namespace Conclave.Cli.Commands;

/// <summary>The file of --secrets-key-file: a key a line, the active one first.</summary>
internal static class KeyFile
{
    /// <summary>What <c>conclave up</c> calls it.</summary>
    public const string Name = "secrets.key";

    private const int KeyBytes = 32;

    public static void MakeIfMissing(string path)
    {
        if (!File.Exists(path)) Write(path, []);
    }

    /// <summary>A file with a new key, and behind it what stood there.</summary>
    /// <exception cref="IOException">It cannot be written; then the file is as it was.</exception>
    public static void Write(string path, IEnumerable<string> older)
    {
        if (Path.GetDirectoryName(Path.GetFullPath(path)) is { } directory) Directory.CreateDirectory(directory);
        string beside = $"{path}.{Environment.ProcessId}.new";
        var create = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) create.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using (var file = new FileStream(beside, create))
        {
            string[] lines = [Convert.ToBase64String(RandomNumberGenerator.GetBytes(KeyBytes)), .. older];
            file.Write(Encoding.ASCII.GetBytes(string.Join('\n', lines) + "\n"));
            file.Flush(flushToDisk: true);
        }

        File.Move(beside, path, overwrite: true);
    }
}

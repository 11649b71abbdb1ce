using System.Security.Cryptography;
using Conclave.Layers.Serving.Secrets;
using Conclave.Node.Options;

namespace Conclave.Node.Configuration;

/// <summary>The file that --secrets-key-file names, or the one that a member alone makes for itself.</summary>
internal static class SecretsKeyFile
{
    /// <summary>In the data directory.</summary>
    public const string OwnName = "secrets.key";

    private const long BytesMax = 64 << 10;

    /// <summary>Keys for secrets.</summary>
    /// <returns>Null for a member of several that was given none: then whatever needs one is refused with what to do.</returns>
    /// <exception cref="SecretsKeyException">The file cannot be used.</exception>
    public static SecretKeyRing? Open(NodeOptions options)
    {
        if (options.SecretsKeyFile is { } named) return Read(named);
        string own = Path.Combine(options.DataDir, OwnName);
        if (File.Exists(own)) return Read(own);
        if (options.InitialCluster.Count > 1 || options.InitialClusterState != ClusterState.New) return null;
        Make(own);
        return Read(own);
    }

    private static SecretKeyRing Read(string path)
    {
        try
        {
            var file = new FileInfo(path);
            if (!file.Exists) throw new SecretsKeyException($"the key file {path} of --secrets-key-file is not there; conclave keygen secrets {path} makes one, and every member needs the same");
            if (file.Length > BytesMax) throw new SecretsKeyException($"{path} has {file.Length} bytes and is no key file");
            const UnixFileMode others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;
            if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(path) & others) != 0)
                throw new SecretsKeyException($"{path} can be read or written by others than its owner, and whoever reads it can read all secrets; chmod 600 {path}");
            return SecretKeyRing.Parse(File.ReadAllText(path), out string problem) ?? throw new SecretsKeyException($"{path}: {problem}");
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new SecretsKeyException($"the key file {path} cannot be read: {failure.Message}");
        }
    }

    /// <summary>Whole or not at all, and on the disk before anything is sealed with it.</summary>
    private static void Make(string path)
    {
        try
        {
            string beside = path + ".new";
            var create = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
            if (!OperatingSystem.IsWindows()) create.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            using (var file = new FileStream(beside, create))
            {
                file.Write(System.Text.Encoding.ASCII.GetBytes(SecretKeyRing.LineOf(RandomNumberGenerator.GetBytes(SecretKeyRing.KeyBytes)) + "\n"));
                file.Flush(flushToDisk: true);
            }

            File.Move(beside, path);
            using Microsoft.Win32.SafeHandles.SafeFileHandle directory = File.OpenHandle(path);   // its entry is durable with the next file that the directory is synced for
            RandomAccess.FlushToDisk(directory);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new SecretsKeyException($"the key file {path} cannot be made: {failure.Message}");
        }
    }
}

/// <summary>Keys for secrets cannot be used; the message says why and what to do.</summary>
public sealed class SecretsKeyException(string message) : Exception(message);

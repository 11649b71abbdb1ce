using System.CommandLine;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Conclave.Cli.Output;
using Conclave.Client;

namespace Conclave.Cli.Commands;

/// <summary><c>conclave backup</c>: the whole state of one member in a file that is there whole or not at all.</summary>
internal sealed class BackupCommand
{
    private const string PartSuffix = ".part";

    private readonly Argument<string> _file = new("file") { Description = "Where to; must not exist yet." };

    public Command Run(Terminal terminal, ClusterOptions cluster)
    {
        Command command = new("backup",
            "Save the state of the first endpoint that answers: all keys with their history, leases and sessions. The file is checked, and appears under its name when it is whole. See also: conclave restore")
        {
            _file,
        };
        command.SetAction((parsed, stop) => cluster.RunAsync(parsed, terminal, client => SaveAsync(client, uri => cluster.Connect(parsed, terminal, [uri.ToString()]), terminal, cluster.IsJson(parsed), parsed.GetRequiredValue(_file), stop)));
        return command;
    }

    private static async Task<int> SaveAsync(ConclaveClient client, Func<Uri, ConclaveClient> connect, Terminal terminal, bool asJson, string path, CancellationToken stop)
    {
        string part = path + PartSuffix;
        bool isMine = false;
        try
        {
            if (File.Exists(path) || Directory.Exists(path))
            {
                terminal.Fail($"{path} is there already.", "Choose another name; backups are never overwritten.");
                return ExitCode.Conflict;
            }

            (Uri endpoint, MemberStatus status) = await FirstAsync(client, stop).ConfigureAwait(false);
            bool isConfirmed = await ConfirmAsync(connect, endpoint, stop).ConfigureAwait(false);
            // All keys are in it, and with auth the password hashes and the secret of the tokens: for its owner alone.
            var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.ReadWrite, Share = FileShare.None, BufferSize = 64 << 10 };
            if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            FileStream file = new(part, options);
            isMine = true;
            await using (file.ConfigureAwait(false))
            {
                long bytes = await client.Maintenance.SnapshotAsync(file, endpoint, stop).ConfigureAwait(false);
                file.Flush(flushToDisk: true);
                string hash = await CheckAsync(file, bytes, stop).ConfigureAwait(false);
                File.Move(part, path);
                isMine = false;
                SyncDirectory(path);
                Write(terminal, asJson, path, bytes, hash, endpoint, status);
                if (!isConfirmed) terminal.Fail($"{endpoint.Authority} could not confirm with a majority that it has everything: the backup holds what it has.");
            }

            return ExitCode.Done;
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            terminal.Fail($"{path} could not be written: {problem.Message}", File.Exists(part) && !isMine ? $"{part} is what an interrupted backup left; remove it." : null);
            return ExitCode.Unavailable;
        }
        finally
        {
            if (isMine) File.Delete(part);
        }
    }

    private static async Task<(Uri Endpoint, MemberStatus Status)> FirstAsync(ConclaveClient client, CancellationToken stop)
    {
        for (int i = 0; ; i++)
        {
            try
            {
                return (client.Endpoints[i], await client.Maintenance.StatusAsync(client.Endpoints[i], stop).ConfigureAwait(false));
            }
            catch (ConclaveException) when (i + 1 < client.Endpoints.Length)
            {
                // The next one.
            }
        }
    }

    /// <summary>Reads back what is on the disk: what came over the network was checked on the way, what was written was not.</summary>
    /// <returns>SHA-256 of the content, in hex.</returns>
    private static async Task<string> CheckAsync(FileStream file, long bytes, CancellationToken stop)
    {
        long content = bytes - SHA256.HashSizeInBytes;
        if (file.Length != bytes || content <= 0) throw new IOException($"it has {file.Length} bytes, and {bytes} were written.");
        file.Position = 0;
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] buffer = new byte[1 << 20];
        for (long left = content; left > 0;)
        {
            int read = await file.ReadAtLeastAsync(buffer.AsMemory(0, (int)Math.Min(buffer.Length, left)), 1, cancellationToken: stop).ConfigureAwait(false);
            hash.AppendData(buffer, 0, read);
            left -= read;
        }

        byte[] expected = new byte[SHA256.HashSizeInBytes], found = hash.GetHashAndReset();
        await file.ReadExactlyAsync(expected, stop).ConfigureAwait(false);
        return found.AsSpan().SequenceEqual(expected) ? Convert.ToHexStringLower(found) : throw new IOException("what was read back is not what was written; check the disk.");
    }

    /// <summary>A linearizable read on the member that is saved: it then has everything that was acknowledged before. Without a majority there is none, and a backup is wanted all the more.</summary>
    private static async Task<bool> ConfirmAsync(Func<Uri, ConclaveClient> connect, Uri endpoint, CancellationToken stop)
    {
        try
        {
            await using ConclaveClient only = connect(endpoint);
            await only.RangeAsync("\0", new ReadOptions { CountOnly = true }, stop).ConfigureAwait(false);
            return true;
        }
        catch (ConclaveException)
        {
            return false;
        }
    }

    /// <summary>A name is durable when its directory is, and .NET has no way to say so.</summary>
    /// <exception cref="IOException">It is not known to be durable.</exception>
    private static void SyncDirectory(string path)
    {
        string directory = Path.GetDirectoryName(Path.GetFullPath(path))!;   // a file has one
        int handle = OpenDirectory(directory, flags: 0);
        if (handle < 0) throw new IOException($"{directory} cannot be opened (errno {Marshal.GetLastPInvokeError()}).");
        try
        {
            if (Sync(handle) != 0) throw new IOException($"{directory} cannot be synced (errno {Marshal.GetLastPInvokeError()}).");
        }
        finally
        {
            _ = Close(handle);
        }
    }

    [DllImport("libc", EntryPoint = "open", SetLastError = true)]
    private static extern int OpenDirectory([MarshalAs(UnmanagedType.LPUTF8Str)] string path, int flags);

    [DllImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static extern int Sync(int handle);

    [DllImport("libc", EntryPoint = "close")]
    private static extern int Close(int handle);

    private static void Write(Terminal terminal, bool asJson, string path, long bytes, string hash, Uri endpoint, MemberStatus status)
    {
        if (!asJson)
        {
            terminal.Out.WriteLine($"{path}: {bytes} bytes, SHA-256 {hash}, from {endpoint.Authority}, revision {status.Header.Revision} or later");
            return;
        }

        Json.WriteLine(terminal, json =>
        {
            Json.Header(json, status.Header);
            json.WriteString("file", path);
            json.WriteNumber("bytes", bytes);
            json.WriteString("sha256", hash);
            json.WriteString("endpoint", endpoint.Authority);
        });
    }
}

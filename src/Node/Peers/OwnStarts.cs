using System.Collections.Immutable;
using System.Globalization;
using Conclave.Raft;
using Conclave.Storage;
using Microsoft.Extensions.Logging;

namespace Conclave.Node.Peers;

/// <summary>The file "starts" in the data directory, and its copy beside it: the <see cref="StartHistory"/> of this directory.</summary>
/// <remarks>
/// <code>
///  conclave-starts 1
///  directory 0b5e2c1e-6a58-4c0e-9d3f-5f1f0c6a7b21             its incarnation
///  start 12 c7f9...-...                                        boot and nonce, oldest first; the last one is the present one
///  confirmed 1f3a99c0d2e4b587 11 9b20...-...                   member, and the last start of ours that it was known to remember
///  crc32c 8a91b0c3
/// </code>
/// The present start is durable in it before anybody is shown it. Safe for any number of threads.
/// </remarks>
internal sealed class OwnStarts
{
    /// <summary>Enough for <see cref="StartHistory.RecentMax"/> starts and a cluster of usual size, so that a full disk stops no start.</summary>
    private const int RoundBytes = 8 << 10;

    private static readonly TwinFile File = new("starts", ["conclave-starts 1"],
        "It says which starts of this directory came before, and the other members let in nobody who cannot show that. While a majority of the others runs, replace this one: conclave member replace, "
        + "with this member's name. If it is the only member, delete the files starts and starts.copy and start the node again.", RoundBytes);

    private readonly IFileSystem _files;
    private readonly string _directory;
    private readonly Guid _incarnation;
    private readonly ILogger _logger;
    private readonly Lock _gate = new();
    private StartHistory _history;   // written under _gate

    private OwnStarts(IFileSystem files, string directory, Guid incarnation, StartHistory history, ILogger logger) =>
        (_files, _directory, _incarnation, _history, _logger) = (files, directory, incarnation, history, logger);

    /// <summary>Adds the present start to the history of the directory, durably.</summary>
    /// <param name="files">The disk.</param>
    /// <param name="directory">An existing directory that this process has locked.</param>
    /// <param name="incarnation">Of the directory; a history of another one is not ours.</param>
    /// <param name="present">The start that is under way.</param>
    /// <param name="logger">Told when a confirmation could not be written.</param>
    /// <exception cref="StorageException">The file is damaged, or cannot be read or written.</exception>
    public static OwnStarts Open(IFileSystem files, string directory, Guid incarnation, MemberStart present, ILogger logger)
    {
        try
        {
            files.SyncDirectory(directory);   // a name that a killed process left visible is durable before anybody relies on it
            StartHistory before = File.Read(files, directory, (lines, _) => Parse(lines, incarnation, directory)) ?? StartHistory.None;
            // The file has to be whole before the copy is touched; see TwinFile.
            File.Mend(files, directory, Lines(incarnation, before));
            var starts = new OwnStarts(files, directory, incarnation, before.Begin(present), logger);
            File.Write(files, directory, Lines(incarnation, starts._history));
            return starts;
        }
        catch (FileSystemException failure)
        {
            throw KnownIncarnations.AsStorageException(failure);
        }
    }

    public ImmutableArray<MemberStart> ShownTo(NodeId member) => Volatile.Read(ref _history).ShownTo(member);

    /// <summary>That member let the present start in. Written down once; when that fails, the next connection tries again.</summary>
    public void Confirm(NodeId by)
    {
        lock (_gate)   // held through a sync, as in KnownIncarnations: once for each start and member
        {
            StartHistory next = _history.ConfirmedBy(by);
            if (ReferenceEquals(next, _history)) return;
            try
            {
                File.Write(_files, _directory, Lines(_incarnation, next));
                Volatile.Write(ref _history, next);
            }
            catch (FileSystemException failure)
            {
                Log.StartsNotRemembered(_logger, failure.Message);
            }
        }
    }

    private static IEnumerable<string> Lines(Guid incarnation, StartHistory history)
    {
        yield return $"directory {incarnation:D}";
        foreach (MemberStart start in history.Recent) yield return string.Create(CultureInfo.InvariantCulture, $"start {start.Boot} {start.Nonce:D}");
        foreach ((NodeId member, MemberStart start) in history.Confirmed)
            yield return string.Create(CultureInfo.InvariantCulture, $"confirmed {member.Value:x16} {start.Boot} {start.Nonce:D}");
    }

    private static StartHistory Parse(string[] lines, Guid incarnation, string directory)
    {
        var recent = new List<MemberStart>();
        var confirmed = new Dictionary<NodeId, MemberStart>();
        bool isOurs = false;
        foreach (string line in lines)
        {
            switch (line.Split(' '))
            {
                case ["directory", var text] when Guid.TryParseExact(text, "D", out Guid found):
                    isOurs = found == incarnation;
                    break;
                case ["start", var boot, var nonce] when TryParse(boot, nonce, out MemberStart start):
                    recent.Add(start);
                    break;
                case ["confirmed", var id, var boot, var nonce] when TryParse(boot, nonce, out MemberStart start)
                                                                    && ulong.TryParse(id, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong member):
                    confirmed[new NodeId(member)] = start;
                    break;
                default:
                    throw File.Strange(directory, line, "a directory, a start or a confirmation");
            }
        }

        return isOurs ? StartHistory.FromSaved(recent, confirmed) : StartHistory.None;
    }

    private static bool TryParse(string boot, string nonce, out MemberStart start)
    {
        start = default;
        if (!ulong.TryParse(boot, NumberStyles.None, CultureInfo.InvariantCulture, out ulong number) || !Guid.TryParseExact(nonce, "D", out Guid drawn)) return false;
        start = new MemberStart(number, drawn);
        return true;
    }
}

using Conclave.Node.Options;
using Conclave.Raft;
using Conclave.Storage;
using Microsoft.Extensions.Logging;

namespace Conclave.Node.Peers;

/// <summary>Remembers on disk which data directory each other member came with, and does not let it come with another one.</summary>
/// <remarks>
/// <para>A member that lost its directory has forgotten its votes and the writes that it acknowledged. Counted into a majority again it would let
/// a cluster elect a leader without those writes: they would be gone. So it may not say a word until an operator has vouched for the others.</para>
/// <para>The incarnation of a directory is drawn at random when it is formatted. The first one that a member shows is taken as it is, and is
/// durable here before that member hears "welcome". There is at most one line per member. Safe for any number of threads.</para>
/// </remarks>
internal sealed class KnownIncarnations
{
    private readonly IFileSystem _files;
    private readonly string _directory;
    private readonly ClusterIdentity _cluster;
    private readonly Lock _gate = new();
    private SortedDictionary<ulong, Guid> _known;   // under _gate

    private KnownIncarnations(IFileSystem files, string directory, ClusterIdentity cluster, SortedDictionary<ulong, Guid> known) =>
        (_files, _directory, _cluster, _known) = (files, directory, cluster, known);

    /// <summary>Reads what is remembered, and forgets what is to be forgotten, durably.</summary>
    /// <param name="files">The disk.</param>
    /// <param name="directory">An existing directory; the file in it is called "peers".</param>
    /// <param name="cluster">Who is who.</param>
    /// <param name="forget">Names of members whose next directory is taken as it is. Names of no member are of no effect.</param>
    /// <param name="logger">Told of what was forgotten.</param>
    /// <exception cref="StorageException">The file is damaged, or cannot be read or written.</exception>
    public static KnownIncarnations Open(IFileSystem files, string directory, ClusterIdentity cluster, IReadOnlyCollection<string> forget, ILogger logger)
    {
        try
        {
            files.SyncDirectory(directory);   // a name that a killed process left visible is durable before anybody relies on it
            var known = new KnownIncarnations(files, directory, cluster, IncarnationFile.Read(files, directory, cluster));
            known.Forget(forget);
            if (forget.Count > 0) Log.MemberDisksForgotten(logger, string.Join(", ", forget));
            return known;
        }
        catch (FileSystemException failure)
        {
            StorageErrorKind kind = failure.Error switch
            {
                FileError.NoSpace => StorageErrorKind.NoSpace,
                FileError.AccessDenied => StorageErrorKind.NotWritable,
                _ => StorageErrorKind.Io,
            };
            throw new StorageException(kind, failure.Path, null, $"{failure.Message}.", "Check the disk and the permissions, then start the node again.", failure);
        }
    }

    /// <summary>Why this member is not talked to; empty when it is, and then its incarnation is durable here.</summary>
    public string Objection(NodeId member, Guid incarnation)
    {
        // The lock is held through a sync, against the habit: it happens once in the life of a member, and two incarnations must not both be the first.
        lock (_gate)
        {
            if (_known.TryGetValue(member.Value, out Guid known)) return known == incarnation ? "" : OtherDirectory(member, incarnation, known);
            var next = new SortedDictionary<ulong, Guid>(_known) { [member.Value] = incarnation };
            try
            {
                IncarnationFile.Write(_files, _directory, next);
            }
            catch (FileSystemException failure)
            {
                return $"the data directory of member {NameOf(member)} could not be remembered: {failure.Message}";
            }

            _known = next;
            return "";
        }
    }

    private void Forget(IReadOnlyCollection<string> names)
    {
        var next = new SortedDictionary<ulong, Guid>(_known);
        foreach (ClusterMember member in _cluster.Members)
        {
            if (names.Contains(member.Name)) next.Remove(member.Id.Value);
        }

        if (next.Count == _known.Count) return;
        IncarnationFile.Write(_files, _directory, next);
        _known = next;
    }

    private string OtherDirectory(NodeId member, Guid incarnation, Guid known)
    {
        string name = NameOf(member);
        return $"member {name} ({member}) comes with an empty or other data directory than before (incarnation {incarnation}, known {known}). "
             + "It may have forgotten writes that it acknowledged, so it must not vote. Put the old directory back; if it is lost for good and all "
             + $"other members are running and in sync, restart each of them, one after the other, with --forget-member-disk {name}";
    }

    private string NameOf(NodeId member)
    {
        foreach (ClusterMember candidate in _cluster.Members)
        {
            if (candidate.Id == member) return candidate.Name;
        }

        return member.ToString();
    }
}

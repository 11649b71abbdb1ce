using System.Collections.Immutable;
using Conclave.Raft;
using Conclave.Storage;
using Microsoft.Extensions.Logging;

namespace Conclave.Node.Peers;

/// <summary>Remembers on disk with which data directory, and which start of it, each other member came, and asks <see cref="MemberAdmission"/> with it.</summary>
/// <remarks>
/// <para>What is to be remembered of a member is durable here before that member hears "welcome". There is at most one line per member. Safe for any
/// number of threads.</para>
/// </remarks>
internal sealed class KnownIncarnations
{
    private readonly IFileSystem _files;
    private readonly string _directory;
    private readonly ILogger _logger;
    private readonly Lock _gate = new();
    private KnownMembers _known;   // written under _gate
    private ImmutableHashSet<NodeId> _reverting = [];   // through ImmutableInterlocked

    private KnownIncarnations(IFileSystem files, string directory, KnownMembers known, ILogger logger) => (_files, _directory, _known, _logger) = (files, directory, known, logger);

    /// <summary>Reads what is remembered, and forgets what is to be forgotten, durably.</summary>
    /// <param name="files">The disk.</param>
    /// <param name="directory">An existing directory; the file in it is called "peers".</param>
    /// <param name="members">Who is who.</param>
    /// <param name="forget">Names or ids of members whose next directory is taken as it is. Names of no member are of no effect.</param>
    /// <param name="logger">Told of what was forgotten.</param>
    /// <exception cref="StorageException">The file is damaged, or cannot be read or written.</exception>
    public static KnownIncarnations Open(IFileSystem files, string directory, MemberDirectory members, IReadOnlyCollection<string> forget, ILogger logger)
    {
        try
        {
            files.SyncDirectory(directory);   // a name that a killed process left visible is durable before anybody relies on it
            var known = new KnownIncarnations(files, directory, IncarnationFile.Read(files, directory), logger);
            known.Forget(forget.SelectMany(members.Named));
            if (IncarnationFile.Mend(files, directory, known._known) is { Length: > 0 } problem) Log.PeersNotRemembered(logger, problem);
            if (forget.Count > 0) Log.MemberDisksForgotten(logger, string.Join(", ", forget));
            return known;
        }
        catch (FileSystemException failure)
        {
            throw AsStorageException(failure);
        }
    }

    /// <summary>The removal of this member is known to be committed.</summary>
    public bool IsRemoved(NodeId member) => Volatile.Read(ref _known).Removed.Contains(member);

    /// <summary>Whether this member is talked to. If so, what it showed is durable here.</summary>
    /// <param name="member">Who.</param>
    /// <param name="standing">What the membership says.</param>
    /// <param name="acknowledged">Position on record, or zero.</param>
    /// <param name="shown">What it showed.</param>
    /// <param name="liveNonce">Of an older connection that is alive, or null.</param>
    /// <param name="problem">Not empty when it would be accepted, and could not be remembered: then it is not talked to either.</param>
    public AdmissionVerdict Judge(NodeId member, MemberStanding standing, LogIndex acknowledged, in MemberCredentials shown, Guid? liveNonce, out string problem)
    {
        problem = "";
        // The lock is held through a sync, against the habit: it happens once for each start of a member, and two starts must not both be the newest.
        lock (_gate)
        {
            RememberedMember? remembered = _known.Members.TryGetValue(member, out RememberedMember known) ? known : null;
            if (remembered is not null && Volatile.Read(ref _reverting).Contains(member)) remembered = known with { LogReverted = true, Vouched = false };
            AdmissionVerdict verdict = MemberAdmission.Judge(IsRemoved(member) ? MemberStanding.Removed : standing, remembered, acknowledged, shown, liveNonce);
            if (!verdict.IsAccepted) return verdict;
            RememberedMember next = MemberAdmission.Remember(remembered, acknowledged, shown);
            if (remembered == next) return verdict;
            if (remembered is null && _known.Members.Count >= KnownMembers.MembersMax) problem = $"{_known.Members.Count} members are remembered, which is the limit";
            else problem = TryReplaceUnderLock(_known with { Members = _known.Members.SetItem(member, next) });
            if (problem.Length == 0) ImmutableInterlocked.Update(ref _reverting, static (all, one) => all.Remove(one), member);   // it came back and knows of its loss
            return verdict;
        }
    }

    /// <summary>The members are gone for ever.</summary>
    /// <returns>Why that could not be remembered; empty when it is.</returns>
    public string Remove(IEnumerable<NodeId> members)
    {
        lock (_gate)
        {
            KnownMembers next = _known;
            foreach (NodeId member in members.Where(m => !IsRemoved(m))) next = next.Remove(member);
            return ReferenceEquals(next, _known) ? "" : TryReplaceUnderLock(next);
        }
    }

    /// <summary>The member's log ended before what it had acknowledged. It is refused from now on, unless it comes back and knows of its loss. Never waits; <see cref="Revert"/> has to follow.</summary>
    public void RevertSoon(NodeId member) => ImmutableInterlocked.Update(ref _reverting, static (all, one) => all.Add(one), member);

    /// <summary>Writes down what <see cref="RevertSoon"/> said, if it still holds.</summary>
    /// <returns>Why that could not be remembered; empty when it is. It is in force here in any case.</returns>
    public string Revert(NodeId member)
    {
        lock (_gate)
        {
            string problem = "";
            if (_reverting.Contains(member) && _known.Members.TryGetValue(member, out RememberedMember known) && !known.LogReverted)
            {
                KnownMembers next = _known with { Members = _known.Members.SetItem(member, known with { LogReverted = true, Vouched = false }) };
                problem = TryReplaceUnderLock(next);
                Volatile.Write(ref _known, next);
            }

            ImmutableInterlocked.Update(ref _reverting, static (all, one) => all.Remove(one), member);
            return problem;
        }
    }

    internal static StorageException AsStorageException(FileSystemException failure)
    {
        StorageErrorKind kind = failure.Error switch
        {
            FileError.NoSpace or FileError.TooLarge => StorageErrorKind.NoSpace,
            FileError.AccessDenied => StorageErrorKind.NotWritable,
            _ => StorageErrorKind.Io,
        };
        return new StorageException(kind, failure.Path, null, $"{failure.InnerException?.Message.TrimEnd('.') ?? failure.Message}.",
            kind == StorageErrorKind.NotWritable ? "Give the directory and everything in it to the user that the node runs as (chown -R), then start the node again."
                : "Check the disk and the permissions, then start the node again.", failure);
    }

    private void Forget(IEnumerable<NodeId> members)
    {
        KnownMembers next = _known;
        foreach (NodeId member in members) next = next.Forget(member);
        if (ReferenceEquals(next, _known)) return;
        IncarnationFile.Write(_files, _directory, next);
        _known = next;
    }

    private string TryReplaceUnderLock(KnownMembers next)
    {
        try
        {
            IncarnationFile.Write(_files, _directory, next);
        }
        catch (FileSystemException failure)
        {
            Log.PeersNotRemembered(_logger, failure.Message);
            return $"it could not be remembered on disk: {failure.Message}";
        }

        Volatile.Write(ref _known, next);
        return "";
    }
}

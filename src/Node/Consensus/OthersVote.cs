using Conclave.Raft;
using Conclave.Storage;

namespace Conclave.Node.Consensus;

/// <summary>An empty file beside the log that says: other members vote too, so what is committed here is somewhere else as well.</summary>
/// <remarks>
/// The log says that too, but it may be what is damaged. The file is there only while it is true: it is made when a membership with other voters is applied and nothing in the log
/// takes them away again, and it is gone, durably, before anything is applied behind the membership in which this member votes alone. Learners do not count: they may lack what a
/// single voter has acknowledged. On the apply worker.
/// </remarks>
internal sealed class OthersVote(IFileSystem files, string directory, NodeId self)
{
    public const string FileName = "others-vote";

    private bool _isThere = IsThere(files, directory);

    private string FilePath => Path.Combine(directory, FileName);

    public static bool IsThere(IFileSystem files, string directory)
    {
        try
        {
            return files.List(directory).Contains(FileName);
        }
        catch (FileSystemException none) when (none.Error == FileError.NotFound)
        {
            return false;   // the directory is made when the log is opened
        }
    }

    /// <param name="applied">A membership that is committed and applied.</param>
    /// <param name="inForce">The newest one in the log.</param>
    /// <exception cref="FileSystemException">It cannot be made true.</exception>
    public void Follow(Membership applied, Membership inForce)
    {
        bool isAlone = !HasOthers(applied) || !HasOthers(inForce);
        if (isAlone && _isThere) files.Delete(FilePath);
        else if (!isAlone && !_isThere) files.Create(FilePath).Dispose();
        else return;
        files.SyncDirectory(directory);
        _isThere = !isAlone;
    }

    // In a joint membership both halves decide, so a half in which this member is alone does not make the other half know everything from before.
    private bool HasOthers(Membership membership) => membership.Voters.Any(voter => voter != self) && (!membership.IsJoint || membership.VotersOutgoing.Any(voter => voter != self));
}

using Conclave.Storage;

namespace Conclave.Node;

/// <summary>An empty file beside the log that says: the NOSPACE alarm of this member is there because the quota was passed, so an operator is to clear it.</summary>
/// <remarks>
/// The alarm itself does not say why it was raised. Without the file it was raised for a full disk, on which a file could not have been made. It is there before the
/// alarm is proposed, and goes when the alarm has.
/// </remarks>
internal sealed class QuotaMark(IFileSystem files, string directory)
{
    public const string FileName = "quota-alarm";

    private bool _isThere = files.List(directory).Contains(FileName);

    private string FilePath => Path.Combine(directory, FileName);

    public bool IsThere => _isThere;

    /// <exception cref="FileSystemException">It cannot be made, or not be taken away.</exception>
    public void Set(bool isThere)
    {
        if (isThere == _isThere) return;
        if (isThere) files.Create(FilePath).Dispose();
        else files.Delete(FilePath);
        _isThere = isThere;
        files.SyncDirectory(directory);
    }
}

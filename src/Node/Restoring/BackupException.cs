namespace Conclave.Node.Restoring;

/// <summary>A backup cannot be restored: what is the matter, and what to do. Nothing was left behind.</summary>
public sealed class BackupException(string message, Exception? cause = null) : Exception(message, cause);

namespace Conclave.Store;

/// <summary>A saved state cannot be loaded: it is damaged, cut short, or written by a newer version.</summary>
public sealed class StoreDamagedException(string message, long offset)
    : Exception($"{message} (byte {offset} of the saved state). Restore this member from another snapshot or let it copy one from the leader.")
{
    /// <summary>What is wrong, without place and remedy.</summary>
    public string What { get; } = message;

    /// <summary>Where in the saved state it was noticed, in bytes from its start.</summary>
    public long Offset { get; } = offset;
}

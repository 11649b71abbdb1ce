namespace Conclave.Node;

/// <summary>How the server program ends. The numbers of sysexits.h where one fits.</summary>
internal static class ExitCodes
{
    public const int Done = 0;

    /// <summary>The flags cannot be used.</summary>
    public const int Usage = 64;

    /// <summary>The data directory is damaged, or belongs to another cluster or member.</summary>
    public const int Data = 65;

    /// <summary>A port is taken, or the data directory is in use or cannot be written.</summary>
    public const int Unavailable = 69;

    /// <summary>An invariant of the program broke.</summary>
    public const int Software = 70;

    /// <summary>The member was removed from its cluster. Starting it again changes nothing.</summary>
    public const int Removed = 77;

    /// <summary>The disk failed while the node was running. What was acknowledged is safe; what was not is unknown.</summary>
    public const int Disk = 74;
}

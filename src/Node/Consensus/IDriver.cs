namespace Conclave.Node.Consensus;

/// <summary>Gives the workers their turn on a thread that is there anyway, and wakes their own threads for what is left.</summary>
/// <remarks>Never called from within a worker's turn, nor under a lock.</remarks>
internal interface IDriver
{
    /// <summary>On the calling thread, writing and syncing the log included: for when little is going on and the way to the answer is to be short.</summary>
    void DriveHere();

    /// <summary>On the calling thread, but the log is left to its own thread: for threads that must not wait for a disk.</summary>
    void DriveWithoutLog();

    /// <summary>After the requests that have arrived by now have been looked at: they will share one batch.</summary>
    void DriveSoon();
}

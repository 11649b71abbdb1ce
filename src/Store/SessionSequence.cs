namespace Conclave.Store;

/// <summary>The number of a command within a session, by which it is applied once however often it stands in the log.</summary>
/// <param name="Id">The lease that is the session; 0 for no session.</param>
/// <param name="Sequence">From 1; each new command has a larger one than those before. A repeat has the same.</param>
/// <remarks>
/// A session keeps its last answer and nothing before it, so its commands come one after another: the next only when the
/// last has an answer. The answer of a command that was refused is kept as well: otherwise a late copy in the log could
/// succeed after its client was told that nothing happened. The session ends with its lease.
/// </remarks>
public readonly record struct SessionSequence(long Id, ulong Sequence)
{
    /// <summary>A command whose answer may be larger is refused before it changes anything: 1 MiB.</summary>
    public const int ResponseBytesMax = 1 << 20;

    public bool IsNone => Id == 0;
}

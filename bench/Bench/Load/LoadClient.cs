namespace Conclave.Bench.Load;

/// <summary>One closed-loop client: it sends its next request when the answer to the last one is there. Used by one thread.</summary>
internal abstract class LoadClient
{
    /// <summary>Method of the next request.</summary>
    public abstract string Path { get; }

    /// <summary>True when all requests go over one stream that stays open (keep-alive), false when each is a call of its own.</summary>
    public virtual bool KeepsStream => false;

    /// <summary>The next request; valid until the next call.</summary>
    public abstract ReadOnlySpan<byte> Next();

    /// <summary>Looks at the answer.</summary>
    /// <returns>What it was.</returns>
    public virtual Verdict Judge(ReadOnlySpan<byte> response) => Verdict.Done;

    /// <summary>What an answer means for the count.</summary>
    public enum Verdict
    {
        /// <summary>One operation is complete.</summary>
        Done,

        /// <summary>The operation consists of further requests.</summary>
        GoesOn,

        /// <summary>Not what the case needs, though the call succeeded.</summary>
        Wrong,
    }
}

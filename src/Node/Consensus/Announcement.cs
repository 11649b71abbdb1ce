namespace Conclave.Node.Consensus;

/// <summary>Something to say once, until it is known to be said: a proposal that was refused, or whose end nobody knows, is made again.</summary>
/// <param name="propose">Harmless when it is applied twice.</param>
internal sealed class Announcement(Func<Task<ProposalResult>> propose)
{
    private Task<ProposalResult>? _underWay;
    private bool _isSaid;

    /// <summary>Called a few times a second, by one thread at a time.</summary>
    public void Pass()
    {
        if (_isSaid || _underWay is { IsCompleted: false }) return;
        _isSaid = _underWay is { IsCompletedSuccessfully: true, Result.End: ProposalEnd.Applied };
        _underWay = _isSaid ? null : propose();
    }
}

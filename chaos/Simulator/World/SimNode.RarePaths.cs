using Conclave.Raft;

namespace Conclave.Simulator;

/// <summary>Paths that the core and its driver take seldom, taken on purpose.</summary>
internal sealed partial class SimNode
{
    private const int TicksApart = 20;

    private readonly RandomStream _rareRandom;

    /// <summary>How many times in a thousand; what costs an election, a twentieth as often. 0 for never.</summary>
    public int RarePermille
    {
        get;
        set
        {
            field = value;
            OfferRarePaths();
        }
    }

    /// <summary>To each core anew.</summary>
    private void OfferRarePaths()
    {
        if (_core is not null) _core.RarePaths = RarePermille > 0 ? Takes : null;
    }

    private bool Takes(RarePath path)
    {
        bool costsAnElection = path is RarePath.CampaignEarly or RarePath.HandOver;
        bool taken = _rareRandom.Permille(RarePermille) && (!costsAnElection || _rareRandom.Below(TicksApart) == 0);
        if (taken) _world.Statistics.RarePaths++;
        return taken;
    }

    /// <summary>A batch may be any part of what waits, and hold proposals of nobody.</summary>
    private int DrawBatch(int count)
    {
        if (RarePermille == 0) return count;
        if (_rareRandom.Permille(RarePermille)) Core.Step(RaftInput.Propose(ReadOnlyMemory<Proposal>.Empty), _output);
        return count > 1 && _rareRandom.Permille(RarePermille) ? 1 + _rareRandom.Below(count) : count;
    }
}

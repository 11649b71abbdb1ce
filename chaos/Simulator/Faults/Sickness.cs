namespace Conclave.Simulator;

/// <summary>What is wrong with one member while all others are well.</summary>
internal enum SicknessKind
{
    /// <summary>Its process stands still.</summary>
    Stopped,

    /// <summary>Its process is gone.</summary>
    Down,

    /// <summary>Nothing comes from it, and nothing reaches it.</summary>
    Isolated,

    /// <summary>Nothing comes from it.</summary>
    Mute,

    /// <summary>Nothing reaches it.</summary>
    Deaf,

    /// <summary>One other member hears it and is heard by it.</summary>
    OneLink,

    /// <summary>What its disk began does not end.</summary>
    DiskHangs,

    /// <summary>Its disk is slow.</summary>
    DiskSlow,

    /// <summary>Its timer does not fire: it takes the ticks that are due when it is told something, and at no other time.</summary>
    NoTimer,
}

/// <summary>One sick member. It lasts until <see cref="FaultInjector.StopAll"/> ends whatever there is.</summary>
internal sealed class Sickness(SimWorld world, SimNode node, SicknessKind kind, bool noticed)
{
    private const long SliceUs = 100_000, SlowUs = 1_000_000;

    private bool _isOver;

    public SimNode Node => node;

    public override string ToString() => $"{node.Id} is sick: {Words.Dashed(kind.ToString())}{(noticed ? ", noticed" : "")}";

    public void Begin()
    {
        switch (kind)
        {
            case SicknessKind.Stopped: StandStill(); break;
            case SicknessKind.Down: node.Crash(powerCut: noticed); break;
            case SicknessKind.Isolated: Cut(from: true, to: true, spared: null); break;
            case SicknessKind.Mute: Cut(from: true, to: false, spared: null); break;
            case SicknessKind.Deaf: Cut(from: false, to: true, spared: null); break;
            case SicknessKind.OneLink: Cut(from: true, to: true, spared: world.Nodes.Find(other => other.IsUp && other != node)); break;
            case SicknessKind.DiskHangs: node.DiskHangs = true; break;
            case SicknessKind.DiskSlow: node.DiskFactor = (int)Math.Clamp(SlowUs / world.Plan.DiskMaxUs, 2, 1_000); break;
            default: node.FailTimer(); break;
        }
    }

    public void End()
    {
        _isOver = true;
        world.Faults.StopAll();
    }

    /// <summary>In slices: what falls into a pause is done at its end, and the end of this one is not known yet.</summary>
    private void StandStill()
    {
        if (_isOver) return;
        node.Pause(SliceUs);
        world.Call(SliceUs / 2, StandStill);
    }

    private void Cut(bool from, bool to, SimNode? spared)
    {
        foreach (SimNode other in world.Nodes)
        {
            if (other == node || other == spared) continue;
            if (from) world.Network.Block(node.Slot, other.Slot);
            if (to) world.Network.Block(other.Slot, node.Slot);
            if (!noticed) continue;
            node.LoseLink(other.Slot, 500_000);
            other.LoseLink(node.Slot, 500_000);
        }
    }
}

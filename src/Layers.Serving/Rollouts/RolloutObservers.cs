using System.Collections.Concurrent;

namespace Conclave.Layers.Serving.Rollouts;

/// <summary>One observer for each space, for whoever moves rollouts on and for all who ask how far they are. Any thread.</summary>
public sealed class RolloutObservers(FleetStates states)
{
    private readonly ConcurrentDictionary<string, RolloutObserver> _observers = new(StringComparer.Ordinal);

    /// <summary>What agents said last.</summary>
    public FleetStates States => states;

    public RolloutObserver Of(string space) => _observers.GetOrAdd(space, _ => new RolloutObserver(states));

    /// <summary>No rollout of the space is under way: what was remembered for them is let go of.</summary>
    public void Forget(string space) => _observers.TryRemove(space, out _);
}

namespace Conclave.Simulator;

/// <summary>I19, locks: the tokens of one lock grow, and no two clients hold it at a time.</summary>
internal sealed class LockCheck(SimWorld world)
{
    private readonly Dictionary<string, (long Token, Holder? Holder)> _locks = [];

    /// <summary>Somebody who believes that it holds a lock, until a moment of its own clock.</summary>
    public sealed class Holder(string name)
    {
        public string Name { get; } = name;
        public long Until { get; set; }
    }

    public void OnAcquired(string name, long token, Holder holder)
    {
        (long lastToken, Holder? last) = _locks.GetValueOrDefault(name);
        if (last == holder && token == lastToken) return; // told once more: the first answer never came, or another call of the same lease got it
        if (token <= lastToken) throw new SimulationFailure($"I19: {holder.Name} got token {token} for {name} after {last?.Name} had {lastToken}.");
        if (last is not null && last.Until > world.Now)
            throw new SimulationFailure($"I19: {holder.Name} got {name} with token {token} at {world.Now} us; {last.Name} holds it with token {lastToken} until {last.Until} us.");
        _locks[name] = (token, holder);
        world.Statistics.LocksAcquired++;
    }
}

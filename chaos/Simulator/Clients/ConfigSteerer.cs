using Conclave.Layers.Serving;
using Conclave.Layers.Serving.Rollouts;

namespace Conclave.Simulator;

/// <summary>Somebody who pauses, resumes, advances and aborts rollouts, at any member.</summary>
internal sealed class ConfigSteerer(SimWorld world, RandomStream random)
{
    private const long TurnMaxUs = 400_000, WaitUs = 10_000;
    private const int WaitsMax = 50;

    public void Start() => Next();

    private void Next() => world.Call(random.Between(1, TurnMaxUs), Turn);

    private void Turn()
    {
        if (!world.Clients.Active) return;
        SimNode node = world.Clients.AnyNode(random);
        if (!node.IsUp) Next();
        else world.Clients.Requests.SendRead(node, served =>
        {
            if (served?.Services?.Config is { } config) Wait(config, served.Life, WaitsMax);
            else Next();
        });
    }

    /// <summary>Until the member has taken in what it has of rollouts.</summary>
    private void Wait(NodeConfig config, int life, int waits)
    {
        if (!config.Node.IsUp || config.Node.Life != life || waits == 0) Next();
        else if (config.HasStarted && config.HasFollowedRollouts) Steer(config);
        else world.Call(WaitUs, () => Wait(config, life, waits - 1));
    }

    private void Steer(NodeConfig config)
    {
        SpaceSnapshot now = config.Of().Current;
        string action = random.Pick("pause", "pause", "resume", "resume", "resume", "advance", "abort");
        if (now.Rollouts.IsEmpty || RolloutSteering.Of(now, now.Rollouts[random.Below(now.Rollouts.Length)], action, "because", "somebody", config.Observer(now.Space), config.Clock, out _) is not { } step)
        {
            Next();
            return;
        }
        config.Move(step, action, random, _ => Next());
    }
}

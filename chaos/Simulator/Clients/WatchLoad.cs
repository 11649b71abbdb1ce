namespace Conclave.Simulator;

/// <summary>Clients that watch, on one node after another, and check every message against the committed history.</summary>
internal sealed class WatchLoad(SimWorld world)
{
    private const int FirstStream = 1_000;

    private WatchClient[] _clients = [];

    public void Start()
    {
        if (!world.Plan.RealStore) return;
        _clients = [.. Enumerable.Range(0, world.Plan.Watchers).Select(i => new WatchClient(world, world.Streams.Client(FirstStream + i), $"watcher {i}"))];
        foreach (WatchClient client in _clients) client.Start();
    }

    public void OnNodeGone(SimNode node)
    {
        foreach (WatchClient client in _clients) client.OnNodeGone(node);
    }

    /// <summary>Everybody has been told everything; asked when the cluster has converged.</summary>
    public bool AreComplete => Array.TrueForAll(_clients, client => client.IsComplete);

    public string Describe() => string.Join("; ", _clients.Where(client => !client.IsComplete).Select(client => client.Describe()));
}

using System.Security.Cryptography;
using Conclave.Layers;
using Conclave.Layers.Rollouts;
using Conclave.Layers.Serving;
using Conclave.Layers.Serving.Rollouts;
using Conclave.Raft;

namespace Conclave.Simulator;

/// <summary>I30: what members serve while releases are on their way, and what whoever leads decides, against the history and what agents really did.</summary>
internal sealed class RolloutCheck(SimWorld world, ConfigHistory history)
{
    /// <summary>An acknowledgement counts for so long.</summary>
    private const long FreshUs = 60_000_000;

    private readonly Dictionary<(string Node, string Document, string State, string Content), long> _reported = [];
    private readonly Dictionary<(int Point, string Node, string Document), string> _served = [];

    /// <summary>An agent says what it made of a document.</summary>
    public void OnReported(string node, string document, string state, string content) => _reported[(node, document, state, content)] = world.Now;

    /// <summary>A member has taken in what its store had at some moment: it serves just what that moment says, to the last byte what every other member serves.</summary>
    public void OnFollowed(NodeConfig config)
    {
        ConfigSpace space = config.Of();
        SpaceSnapshot now = space.Current;
        int point = history.PointAt(space.Revision);
        if (history.ReleaseAt(point) != now.Release) throw Failure(config, $"serves release {now.Release} at revision {space.Revision}, and {history.ReleaseAt(point)} is the newest there");
        foreach (string node in history.NodesAt(point))
        {
            SpaceSnapshot own = now.As(node);
            foreach (string document in ConfigLoad.Documents)
            {
                EffectiveDocument? effective = own.Fleet.Effective(node, document, own.Inputs);
                string? expected = history.TextAt(point, node, document), served = effective is { Problems.IsEmpty: true } ? string.Join(", ", effective.Entries.Select(e => $"{e.Key}={e.Value}")) : null;
                if (expected is not null && expected != served) throw Failure(config, $"has [{served}] for {document} of {node} at revision {space.Revision}, where the history says [{expected}]");
                long release = history.DocumentReleaseAt(point, node, document);
                if (own.ReleaseOf(document) != release) throw Failure(config, $"calls {document} of {node} release {own.ReleaseOf(document)} at revision {space.Revision}, and it is {release}");
                string bytes = effective is null ? "" : Convert.ToHexString(SHA256.HashData(effective.Bytes));
                if (!_served.TryAdd((point, node, document), bytes) && _served[(point, node, document)] != bytes) throw Failure(config, $"has other bytes than another member for {document} of {node} at revision {space.Revision}");
            }
        }
        world.Statistics.ConfigServed++;
    }

    /// <summary>A member is about to move a rollout on, by what it knows.</summary>
    public void OnDecided(NodeConfig config, ActiveRollout active, RolloutStep step)
    {
        long release = active.Rollout.Release;
        if (config.Node.Core.Role != RaftRole.Leader) throw Failure(config, $"does not lead, and moves the rollout of release {release} ({step.Move})");
        int point = history.PointAt(config.Of().Revision);
        if (history.RolloutAt(point, release) is not { } rollout) throw Failure(config, $"moves the rollout of release {release}, which is none at revision {config.Of().Revision}");
        (int acknowledged, List<string> failed, List<string> missing) = (0, [], []);
        foreach (string node in history.SelectedAt(point, release))
        {
            string standing = StandingOf(config, rollout, point, node, out string what);
            if (standing == "failed") failed.Add(node);
            else if (standing == "missing") missing.Add($"{node} ({what})");
            else if (standing == "acknowledged") acknowledged++;
        }
        int nodes = acknowledged + failed.Count + missing.Count;
        if (step.Move is RolloutMove.NextStage or RolloutMove.Finish)
        {
            if (missing.Count > 0) throw Failure(config, $"goes on with the rollout of release {release} ({step.Move}), which {string.Join(", ", missing)} never acknowledged");
            if (failed.Count * 100 > rollout.Strategy.FailuresPercent * nodes) throw Failure(config, $"goes on with the rollout of release {release} ({step.Move}), and {string.Join(", ", failed)} failed");
        }
        if (step.Move == RolloutMove.Revert && !_reported.Any(r => r.Key.State == "failed" && world.Now - r.Value <= FreshUs)) throw Failure(config, $"takes release {release} back, and nobody failed");
    }

    /// <summary>The best that the node's agent has said of each document that the release changes there; "" where it has none of them.</summary>
    private string StandingOf(NodeConfig config, HistoryRollout rollout, int point, string node, out string what)
    {
        string standing = what = "";
        bool hasFailed = false;
        foreach (string document in world.Clients.Config.DocumentsOf(node, out bool namesThem))
        {
            // Lacking a fact is no content that anybody could acknowledge; and an agent that takes whatever there is, and has said nothing of a document, does not use it.
            if (history.TextAt(point, node, document) is not { } with || with == history.TextAt(point, node, document, rollout.Release)) continue;
            if (!namesThem && config.States.Find(NodeConfig.Space, node, document) is null) continue;
            hasFailed |= _reported.Any(r => r.Key.Node == node && r.Key.Document == document && r.Key.State == "failed" && world.Now - r.Value <= FreshUs);
            if (WasReported(node, document, "applied", with)) standing = standing.Length == 0 ? "acknowledged" : standing;
            else (standing, what) = ("missing", $"{document} [{with}], which was [{history.TextAt(point, node, document, rollout.Release)}]; it said {config.States.Find(NodeConfig.Space, node, document)?.Name} of release {config.States.Find(NodeConfig.Space, node, document)?.Release}");
        }
        return standing == "missing" && hasFailed ? "failed" : standing; // one document that failed is enough
    }

    private bool WasReported(string node, string document, string state, string content) => _reported.TryGetValue((node, document, state, content), out long at) && world.Now - at <= FreshUs;

    private static SimulationFailure Failure(NodeConfig config, string what) => new($"I30: {config.Node.Id} {what}.");
}

using System.Collections.Immutable;
using System.Globalization;
using Conclave.Layers;
using Conclave.Layers.Rollouts;
using Conclave.Layers.Serving;
using Conclave.Layers.Serving.Rollouts;
using Etcd = Conclave.Wire.Etcd.Etcdserverpb;

namespace Conclave.Simulator;

/// <summary>Somebody who publishes. A request keeps its id until its end is known, over any number of members: read, look whether it was done, plan on that member's head, propose.</summary>
internal sealed class ConfigPublisher(SimWorld world, ConfigLoad load, RandomStream random)
{
    private const int EditsMax = 3, WaitsMax = 50;
    private const long TurnMaxUs = 100_000, WaitUs = 20_000;

    private static readonly string[] Keys = ["a", "b", "c", "d", "e"], Sites = ["eu", "us"];

    private byte[] _requestId = [];
    private ImmutableArray<ConfigEdit> _edits = [];
    private long _base;
    private ConfigStrategy? _strategy;
    private int _lastValue;

    public void Start() => world.Call(random.Between(0, TurnMaxUs), Begin);

    private string RequestId => Convert.ToHexStringLower(_requestId);

    private void Begin()
    {
        if (!world.Clients.Active) return;
        _requestId = [.. BitConverter.GetBytes(random.Next()), .. BitConverter.GetBytes(random.Next())];
        _edits = [.. Enumerable.Range(0, 1 + random.Below(EditsMax)).Select(_ => Draw()).DistinctBy(e => e is ConfigSet set ? (set.Document, set.Scope, set.Key) : ("", "", ((ConfigMove)e).Node))];
        _base = 0;
        if (load.HasRollouts) DrawStrategy();
        Ask();
    }

    private void Next() => world.Call(random.Between(1, TurnMaxUs), Begin);

    private void Again() => world.Call(random.Between(1, TurnMaxUs), Ask);

    private void Ask()
    {
        if (!world.Clients.Active) return; // its end stays unknown
        SimNode node = world.Clients.AnyNode(random);
        if (!node.IsUp) Again();
        else world.Clients.Requests.SendRead(node, served =>
        {
            if (served?.Services?.Config is { } config) Wait(config, served.Life, HeadIn(config), WaitsMax);
            else Again();
        });
    }

    private static long HeadIn(NodeConfig config) => StoreReads.Find(config.View, ConfigKeys.Head(NodeConfig.Space)) is { } head ? ConfigKeys.Number(head.Value.Span) : 0;

    /// <summary>Until the member has the release that its state had when it was asked.</summary>
    private void Wait(NodeConfig config, int life, long release, int waits)
    {
        if (!config.Node.IsUp || config.Node.Life != life || waits == 0) Again();
        else if (config.HasStarted && config.Of().Current.Release >= release && (!load.HasRollouts || config.HasFollowedRollouts)) Publish(config);
        else world.Call(WaitUs, () => Wait(config, life, release, waits - 1));
    }

    private void Publish(NodeConfig config)
    {
        SpaceSnapshot now = config.Of().Current;
        if (!world.Mutation.ToServingFaults().HasFlag(ServingFaults.PublishTwice) && ReleaseEntry.Published(config.View, NodeConfig.Space, _requestId) is { } earlier)
        {
            Told(earlier);
            return;
        }
        ImmutableArray<ConfigEdit> edits = now.Release == 0 ? Foundation() : _edits;
        if (now.Release > 0 && _base == 0) _base = now.Release;
        ImmutableArray<Edit> effective = Shown.Effective(now.State, [.. edits.Select(e => e.ToEdit())]);
        if (effective.IsEmpty)
        {
            load.History.OnRefused(RequestId); // it is so already, and no release is made of it
            Next();
            return;
        }
        var change = new Change(now.Release == 0 ? 0 : _base, effective);
        Layers.Plan plan = now.Fleet.Plan(change, new ReleaseNote { Author = "simulated", Reason = RequestId, TimeUnixMs = world.Now }, now.Inputs);
        if (plan.Record is not { } record)
        {
            if (plan.Problems.FirstOrDefault(p => p.IsError && p.Code != ProblemCodes.Conflict) is { } wrong) throw new SimulationFailure($"I26: a release is refused: {wrong.Code} {wrong.Message}");
            load.History.OnRefused(RequestId); // somebody was faster with the same documents
            Next();
            return;
        }
        if (RolloutChecks.Touching(now, change).Concat(RolloutChecks.Breaking(now, change, plan.After!)).Any()) // there is one where there is a record
        {
            load.History.OnRefused(RequestId);
            Next();
            return;
        }
        Etcd.TxnRequest txn = ReleaseEntry.Of(config.View, now, record, record.ToBytes(), _requestId, world.Mutation.ToServingFaults());
        string requestId = RequestId;
        var write = new ConfigRelease(now.Release + 1, requestId, edits);
        RolloutEntries.Guard(txn, now, change);
        if (!change.TouchesNodes && _strategy is { } strategy && now.Rollouts.Length < Rollout.ActiveMax)
        {
            NewRollout made = RolloutChecks.Begin(now, plan, Read(strategy), config.States, config.Clock);
            RolloutEntries.Begin(txn, config.View, now, made);
            write = write with { Strategy = strategy, FirstThreshold = made.Rollout.Thresholds[0] };
        }
        config.Propose(random, ServerTxnRequest.Of(txn, write), result =>
        {
            if (result.End == WriteEnd.Acknowledged && StoreAnswer.Succeeded(result.Outcome.Body.Span)) Told(now.Release + 1);
            else Again();
        });
    }

    private void Told(long release)
    {
        load.History.OnTold(RequestId, release);
        load.Acknowledged = Math.Max(load.Acknowledged, release);
        Next();
    }

    /// <summary>The nodes and a few values, so that there is something to change. What was asked for comes in the next attempt.</summary>
    private ImmutableArray<ConfigEdit> Foundation() =>
        [new ConfigFoundation(), .. load.NodeNames.Select((name, i) => new ConfigMove(name, Sites[i % 2])), new ConfigSet("app", "*", "a", "first"), .. References(), .. _edits.OfType<ConfigSet>().Where(e => e.Text is not null && (e.Scope, e.Key) != ("*", "a") && (!load.HasRollouts || e.Key != "f"))];

    /// <summary>A document that another one refers to is changed with it.</summary>
    private ImmutableArray<ConfigEdit> References() => load.HasRollouts ? [new ConfigSet("web", "*", "f", ConfigHistory.DocumentReference)] : [];

    private ConfigEdit Draw()
    {
        if (random.Below(load.HasRollouts ? 4 : 12) == 0) return new ConfigMove($"n{1 + random.Below(world.Plan.ConfigAgents)}", random.Pick(Sites));
        string key = load.HasRollouts && random.Below(6) == 0 ? "f" : random.Pick(Keys);
        string unique = string.Create(CultureInfo.InvariantCulture, $"{RequestId[..6]}.{++_lastValue}");
        string? text = random.Below(8) switch { 0 => null, 1 => "", 2 when key == "a" => ConfigHistory.FactReference, _ => Text(key, unique) };
        return new ConfigSet(random.Pick(ConfigLoad.Documents), random.Below(4) switch { 0 => "*", 1 => "site=eu", 2 => "site=us", _ => $"host=n{1 + random.Below(world.Plan.ConfigAgents)}" }, key, text);
    }

    private static string Text(string key, string unique) => key switch
    {
        "c" => ConfigHistory.FactReference,
        "d" => ConfigHistory.KeyReference,
        "e" => ConfigHistory.NodeReference,
        "f" => ConfigHistory.DocumentReference,
        _ => unique,
    };

    /// <summary>Some releases reach their nodes in stages, and some of those have a value that no service can run with. Nodes are moved at once, or not at all.</summary>
    private void DrawStrategy()
    {
        _strategy = null;
        if (_edits.Any(e => e is ConfigMove) && random.Below(2) == 0) _edits = [.. _edits.Where(e => e is ConfigMove)];
        if (!random.Permille(world.Plan.ConfigRolloutsPermille) || _edits.Any(e => e is ConfigMove)) return;
        // What other documents and nodes refer to.
        if (random.Below(3) == 0) _edits = _edits.SetItem(0, (ConfigSet)_edits[0] with { Document = "app", Key = "a", Text = $"{RequestId[..6]}.{++_lastValue}" });
        if (random.Below(4) == 0) _edits = _edits.SetItem(0, (ConfigSet)_edits[0] with { Key = "b", Text = $"{ConfigHistory.Bad}.{RequestId[..6]}" });
        _edits = [.. _edits.DistinctBy(e => ((ConfigSet)e).Address)];
        string bake = random.Pick("", " 50ms", " 300ms");
        string site = $"site={random.Pick(Sites)}";
        ConfigStage[] first = random.Below(6) switch
        {
            0 => [],
            1 => [new("", $"1 node{bake}")],
            2 => [new("", $"50%{bake}")],
            3 => [new(site, site + bake)],
            _ => [new("", $"1 node{bake}"), new(site, site + bake)],
        };
        _strategy = new ConfigStrategy([.. first, new("", "100%")], random.Pick(0, 0, 40), random.Pick(400, 3_000));
    }

    private static Strategy Read(ConfigStrategy strategy) => StrategyText.TryParse(string.Join(", ", strategy.Stages.Select(s => s.Text)), out Strategy? read, out string problem)
        ? read with { FailuresPercent = strategy.FailuresPercent, SilenceMs = strategy.SilenceMs } : throw new SimulationFailure(problem);
}

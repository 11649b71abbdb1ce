using System.Collections.Immutable;
using Conclave.Extensions.Configuration;
using Google.Protobuf;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Primitives;
using V1 = Conclave.Wire.V1;

namespace Conclave.Extensions.Tests.Configuration;

/// <summary>What a program had is part of what it asks with: values do not go back, and what was allowed while it was away holds.</summary>
public sealed class ProviderReleaseTests : IDisposable
{
    private const long Never = 86_400_000;

    private readonly string _directory = Directory.CreateTempSubdirectory("conclave-ext-").FullName;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task A_member_that_knows_less_of_a_rollout_than_the_program_does_gives_it_nothing_older()
    {
        string[] hosts = ["c1", "c2", "c3", "c4"];
        await using RunningNode node = await RunningNode.StartAsync();
        await node.PublishAsync(new V1.Change { Nodes = { hosts.Select(h => new V1.NodeEdit { Node = h }) } });
        await node.SetAsync("nova", "k", "1");
        V1.Change two = new() { Entries = { new V1.EntryEdit { Document = "nova", Scope = "*", Key = "k", Op = "set", Value = "2" } } };
        V1.Strategy half = new() { Stages = { new V1.Stage { Percent = 50, BakeMs = Never }, new V1.Stage { Percent = 100 } }, SilenceMs = Never };
        long release = (await node.Client.Configuration.PublishAsync(new V1.PublishRequest { Change = two, Strategy = half, Author = "tester", Reason = "test" }, Cancelled)).Release;
        string held = hosts[0];
        foreach (string host in hosts)
        {
            V1.GetResponse got = await node.Client.Configuration.GetAsync(new V1.GetRequest { Subject = new V1.Subject { Node = host }, Document = "nova" }, Cancelled);
            if (got.Items.Single().Value == "1") held = host;
        }

        // As if another member had been a stage further, and the program had its answer.
        var cache = ConclaveCache.LastGood(_directory);
        ImmutableSortedDictionary<string, V1.Item> items = ImmutableSortedDictionary.Create<string, V1.Item>(StringComparer.Ordinal).Add("k", new V1.Item { Key = "k", Value = "2" });
        cache.Write("default", held, ["nova"], NodeDocuments.None with { Release = release, ByName = NodeDocuments.None.ByName.Add("nova", new NodeDocument(items, ByteString.CopyFrom(new byte[32]), release)) });
        IConfigurationRoot root = Build(node, held, cache, TimeSpan.FromSeconds(2));
        using var disposed = (IDisposable)root;
        var provider = (ConclaveConfigurationProvider)root.Providers.Single();
        var seen = new List<string?>();
        using IDisposable listening = ChangeToken.OnChange(root.GetReloadToken, () => { lock (seen) seen.Add(root["nova:k"]); });
        Assert.Equal(("2", ConclaveConfigurationState.Cached), (root["nova:k"], provider.State));

        await node.Client.Configuration.SteerRolloutAsync(new V1.SteerRolloutRequest { Release = release, Action = "advance", Reason = "test", Author = "tester" }, Cancelled);
        await RunningNode.EventuallyAsync("it is current", () => provider.State == ConclaveConfigurationState.Current);
        Assert.Equal("2", root["nova:k"]);
        lock (seen) Assert.All(seen, value => Assert.Equal("2", value));
    }

    [Fact]
    public async Task What_was_allowed_while_the_program_was_away_holds_though_the_newest_release_says_nothing_of_it()
    {
        await using RunningNode node = await RunningNode.StartAsync();
        await node.SetAsync("nova", "k", "1");
        var cache = ConclaveCache.LastGood(_directory);
        ((IDisposable)Build(node, "c1", cache, TimeSpan.FromSeconds(60))).Dispose();
        V1.Change away = new() { Entries = { new V1.EntryEdit { Document = "nova", Scope = "*", Key = "k" } } };
        await node.Client.Configuration.PublishAsync(new V1.PublishRequest { Change = away, AllowShrink = true, Author = "tester", Reason = "test" }, Cancelled);
        await node.SetAsync("nova", "k", "7", "role=control");   // the document moves, and nothing of this node's

        IConfigurationRoot root = Build(node, "c1", cache, TimeSpan.FromSeconds(60));
        using var disposed = (IDisposable)root;

        Assert.Null(root["nova:k"]);
        Assert.Empty(((ConclaveConfigurationProvider)root.Providers.Single()).Problems);
    }

    [Fact]
    public async Task A_message_that_does_not_lead_to_its_hash_is_said_and_all_is_asked_for_again()
    {
        await using RunningNode node = await RunningNode.StartAsync();
        long release = await node.SetAsync("nova", "k", "1");
        ByteString hash = (await node.Client.Configuration.GetAsync(new V1.GetRequest { Subject = new V1.Subject { Node = "c1" }, Document = "nova" }, Cancelled)).Hash;
        var cache = ConclaveCache.LastGood(_directory);
        ImmutableSortedDictionary<string, V1.Item> items = ImmutableSortedDictionary.Create<string, V1.Item>(StringComparer.Ordinal).Add("never", new V1.Item { Key = "never", Value = "1" });
        cache.Write("default", "c1", ["nova"], NodeDocuments.None with { Release = release, ByName = NodeDocuments.None.ByName.Add("nova", new NodeDocument(items, hash, release)) });
        await node.SetAsync("nova", "k", "2");   // what comes is the difference, and so does not make the document

        var said = new List<string>();
        IConfigurationRoot root = Build(node, "c1", cache, TimeSpan.FromSeconds(60), problem => { lock (said) said.Add(problem); });
        using var disposed = (IDisposable)root;
        Assert.Equal(("2", null), (root["nova:k"], root["nova:never"]));
        lock (said) Assert.Contains("does not fit", Assert.Single(said), StringComparison.Ordinal);
        Assert.Empty(((ConclaveConfigurationProvider)root.Providers.Single()).Problems);
    }

    private static IConfigurationRoot Build(RunningNode node, string host, ConclaveCache cache, TimeSpan patience, Action<string>? onProblem = null) => new ConfigurationBuilder().AddConclave(o =>
    {
        o.Endpoints.Add(node.Endpoint);
        o.Node = host;
        o.Documents.Add("nova");
        o.Cache = cache;
        o.StartupTimeout = patience;
        o.OnProblem = onProblem;
    }).Build();
}

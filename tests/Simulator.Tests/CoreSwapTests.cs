using System.Globalization;
using System.Reflection;
using Conclave.Raft;

namespace Conclave.Simulator.Tests;

/// <summary>A saved and loaded core goes on as the one it was saved from: runs in which cores are replaced by their copies have the traces of those in which they are not.</summary>
public class CoreSwapTests(ITestOutputHelper output)
{
    private const int Steps = 5_000, SpoiledSeeds = 8;

    [Fact]
    public void The_pinned_traces_are_the_same_when_every_core_is_swapped_at_every_event()
    {
        string[] pinned = File.ReadAllLines(ScenarioFiles.TracesPath);
        Assert.NotEmpty(pinned);
        long swaps = 0;
        Parallel.ForEach(pinned, line =>
        {
            ulong seed = ulong.Parse(line.Split(' ')[1], CultureInfo.InvariantCulture);
            (Verdict verdict, CoreSwap swap) = Run(seed, every: 1);
            Assert.Equal(line, string.Create(CultureInfo.InvariantCulture, $"seed {seed} steps {Steps} trace {verdict.TraceHash:x16} events {verdict.Events}"));
            Interlocked.Add(ref swaps, swap.Count);
        });
        output.WriteLine($"{swaps} swaps");
        Assert.True(swaps > 100_000);
    }

    [Fact]
    public void Other_seeds_end_alike_too_in_every_count() =>
        Parallel.For(5_001, 5_025, seed =>
        {
            (Verdict swapped, CoreSwap swap) = Run((ulong)seed, every: 1 + seed % 13);
            Assert.Equal(Simulation.FromSeed((ulong)seed, Steps).Run(), swapped);
            Assert.True(swap.Count > 100);
        });

    /// <summary>
    /// Each of these is forgotten in every copy. If none of the runs changed, the tests above would prove nothing about that field. Not here is what is empty between two batches, and what matters too rarely
    /// for a few short runs; the core's own tests find a field that is not saved whether it matters or not.
    /// </summary>
    [Theory]
    [InlineData("_now"), InlineData("_random"), InlineData("_tally"), InlineData("_round"), InlineData("_electionElapsed"), InlineData("_electionTimeout")]
    [InlineData("_fastCampaignIn"), InlineData("_campaignAttempts"), InlineData("_heartbeatElapsed")]
    [InlineData("_sequence"), InlineData("_verified"), InlineData("_emitted"), InlineData("_termStart"), InlineData("_uncommittedBytes")]
    [InlineData("_handedOver"), InlineData("_durable"), InlineData("_lastTicket"), InlineData("_durableTicket"), InlineData("_hardStateTicket")]
    [InlineData("_readEpoch"), InlineData("_readRequestId"), InlineData("_writes")]
    [InlineData("Role"), InlineData("Term"), InlineData("VotedFor"), InlineData("Leader"), InlineData("Commit"), InlineData("Applied")]
    public void A_field_that_is_forgotten_changes_the_trace(string name)
    {
        FieldInfo field = FieldOf(typeof(RaftCore), name);
        Assert.True(IsNoticed(core => field.SetValue(core, Empty(field.FieldType))), $"No seed notices that {name} is lost.");
    }

    [Theory]
    [InlineData("Match"), InlineData("Next"), InlineData("_matchKnownFrom"), InlineData("State"), InlineData("Paused"), InlineData("ProbeSent"), InlineData("FirstLiveSequence"), InlineData("CommitTold")]
    [InlineData("RecentActive"), InlineData("HeardTick"), InlineData("ReadEpochAcknowledged"), InlineData("OldestAtHeartbeat"), InlineData("LinkUp"), InlineData("LinkDown"), InlineData("Inflight")]
    public void What_is_forgotten_of_a_peer_changes_the_trace(string name)
    {
        PropertyInfo peers = typeof(Roster).GetProperty("Peers")!; // they are named here, so that a change of name is noticed too
        FieldInfo roster = FieldOf(typeof(RaftCore), "_roster"), field = FieldOf(typeof(Progress), name);
        Assert.True(IsNoticed(core =>
        {
            foreach (object peer in (Array)peers.GetValue(roster.GetValue(core))!) // as above
            {
                if (field.FieldType == typeof(InflightWindow)) ((InflightWindow)field.GetValue(peer)!).Clear(); // never null
                else field.SetValue(peer, Empty(field.FieldType));
            }
        }), $"No seed notices that {name} is lost.");
    }

    private static bool IsNoticed(Action<RaftCore> spoil)
    {
        // Not at every event, so that what takes several of them gets under way between two swaps.
        for (ulong seed = 1; seed <= SpoiledSeeds; seed++)
        {
            if (Run(seed, every: 3, spoil).Verdict != Plain(seed)) return true;
        }
        return false;
    }

    private static readonly System.Collections.Concurrent.ConcurrentDictionary<ulong, Verdict> Plains = new();

    private static Verdict Plain(ulong seed) => Plains.GetOrAdd(seed, s => Simulation.FromSeed(s, Steps).Run());

    private static (Verdict Verdict, CoreSwap Swap) Run(ulong seed, int every, Action<RaftCore>? spoil = null)
    {
        Simulation simulation = Simulation.FromSeed(seed, Steps);
        var swap = new CoreSwap(every) { Spoil = spoil };
        simulation.Swap = swap;
        return (simulation.Run(), swap);
    }

    private static FieldInfo FieldOf(Type type, string name)
    {
        const BindingFlags Instance = BindingFlags.Instance | BindingFlags.NonPublic;
        return type.GetField(name, Instance) ?? type.GetField($"<{name}>k__BackingField", Instance) ?? throw new ArgumentException($"{type.Name} has no {name}.");
    }

    /// <summary>As a copy would have it that was not told.</summary>
    private static object? Empty(Type type) => type == typeof(Prng) ? new Prng(4711)
        : type.IsGenericType && type.GetGenericTypeDefinition() == typeof(Queue<>) ? Activator.CreateInstance(type)
        : type.IsValueType ? Activator.CreateInstance(type) : null;
}

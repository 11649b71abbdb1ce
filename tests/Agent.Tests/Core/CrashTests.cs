using Conclave.Agent.Tests.Simulated;
using Conclave.Layers.Rendering;
using Conclave.Support;
using FsCheck;
using FsCheck.Fluent;
using V1 = Conclave.Wire.V1;

namespace Conclave.Agent.Tests.Core;

/// <summary>The agent is ended at every place where it can be: before each effect, and before each call to the disk that an effect makes.</summary>
public class CrashTests(ITestOutputHelper output)
{
    private static AgentOptions Options => new()
    {
        Node = "c1",
        Files =
        [
            new FileOptions { Name = "one", Document = "alpha", Path = "/etc/alpha/one.json", Format = RenderFormat.Json, Check = ["check", "{new}"], Group = "a" },
            new FileOptions { Name = "two", Document = "alpha", Path = "/etc/alpha/two.ini", Format = RenderFormat.OsloIni, Check = ["check", "{new}"], Group = "a" },
            new FileOptions { Name = "three", Document = "beta", Path = "/etc/beta/three.ini", Format = RenderFormat.OsloIni, Group = "b", Drift = DriftMode.Repair },
        ],
        Groups =
        [
            new GroupOptions { Name = "a", Live = new ActionOptions { Command = ["reload"] }, Restart = new ActionOptions { Command = ["restart"] }, RestartSlots = new SlotsOptions("a", 1, false), Splay = TimeSpan.FromSeconds(20), Verify = new VerifyOptions { Command = ["verify"] } },
            new GroupOptions { Name = "b", Restart = new ActionOptions { Command = ["restart"] } },
        ],
    };

    private static readonly string[] Kinds = ["good", "check-bad", "good", "act-bad", "live", "verify-bad", "good"];

    [Theory, InlineData(false), InlineData(true)]
    public void Wherever_it_is_ended_each_release_ends_as_it_would_have(bool wereThere)
    {
        long places = Scenario(wereThere, crashAt: long.MaxValue, seed: 0);
        output.WriteLine($"{places} places");
        Assert.True(places > 300, $"only {places} places: the scenario does not do what it should");
        for (long at = 1; at <= places; at++) Scenario(wereThere, at, seed: (int)at);
    }

    [Fact]
    public void Ended_twice_at_any_two_places_near_each_other_it_still_ends_well()
    {
        long places = Scenario(wereThere: true, crashAt: long.MaxValue, seed: 0);
        for (long at = 1; at <= places; at += 3)
        {
            for (long second = 1; second <= 40; second += 4) Scenario(wereThere: true, at, (int)(at + second), second);
        }
    }

    [Fact]
    public void The_simulation_notices_a_file_that_is_missing_for_a_moment()
    {
        var agent = new SimulatedAgent(Options);
        agent.Publish(Beta(1, "first"));
        agent.Files.Delete("/etc/beta/three.ini");   // as a commit that deletes first would; the file comes back with the next release
        Assert.Contains("/etc/beta/three.ini is missing", Assert.ThrowsAny<Exception>(() => agent.Publish(Beta(2, "next"))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Whatever_is_published_and_whenever_it_is_ended_files_are_whole_and_the_last_good_one_wins() => Properties.Holds(
        Prop.ForAll((NonEmptyArray<byte> kinds, PositiveInt seed) =>
        {
            var random = new Random(seed.Get);
            var agent = new SimulatedAgent(Options, seed.Get);
            long release = 1, good = 1;
            V1.DocumentDelta last = Version(release, "good", 0), beta = Beta(release, "first");
            agent.Publish(last);
            agent.Publish(beta);
            foreach (byte kind in kinds.Get)
            {
                release++;
                if (random.Next(2) == 0) agent.CrashAt = agent.Steps + 1 + random.Next(60);
                if (random.Next(5) == 0) agent.Files.WritesToFail = 1 + random.Next(3);
                switch (kind % 7)
                {
                    case 5:
                        agent.Publish(beta = Beta(release, "next"));
                        break;
                    case 6:
                        agent.Edit(agent.Options.Files[2], "[other]\n");
                        break;
                    default:
                        string what = new[] { "good", "live", "check-bad", "act-bad", "verify-bad" }[kind % 7];
                        agent.Publish(last = Version(release, what, good));
                        good = what == "good" ? release : good;
                        break;
                }

                Assert.Equal(agent.FilesOf("a"), agent.Running["a"]);       // old or new, but one version in files and program
            }

            agent.CrashAt = long.MaxValue;
            agent.Files.WritesToFail = 0;
            agent.Publish(last = Version(++release, "good", 0));
            Assert.Equal(("applied", release), (agent.StateOf("alpha")!.State, agent.StateOf("alpha")!.Release));
            Assert.Equal(agent.Rendered("a", last), agent.Running["a"]);
            Assert.Equal(("applied", agent.Rendered("b", beta)), (agent.StateOf("beta")!.State, agent.FilesOf("b")));   // whatever happened to the other
        }), output, tests: 150);

    /// <summary>One release after the other, each to its end; the state after each must be what it is without any crash.</summary>
    /// <returns>The number of places.</returns>
    private static long Scenario(bool wereThere, long crashAt, int seed, long? second = null)
    {
        var agent = new SimulatedAgent(Options, seed);
        if (wereThere)
        {
            foreach (FileOptions file in agent.Options.Files) agent.Edit(file, $"[{file.Name}]\n");
        }

        long begun = agent.Steps;
        agent.CrashAt = crashAt == long.MaxValue ? crashAt : begun + crashAt;
        agent.Publish(Beta(1, "first"));
        string good = agent.FilesOf("a");
        long lastGood = 0;
        for (int i = 0; i < Kinds.Length; i++)
        {
            V1.DocumentDelta version = Version(i + 2, Kinds[i], lastGood);
            lastGood = Kinds[i] == "good" ? i + 2 : lastGood;
            if (agent.Crashes == 1 && second is { } after && agent.CrashAt == long.MaxValue) (agent.CrashAt, second) = (agent.Steps + after, null);
            agent.Publish(version);
            if (Kinds[i] is "good" or "live") good = agent.Rendered("a", version);
            string state = Kinds[i] switch { "check-bad" => "rejected", "act-bad" or "verify-bad" => "failed", _ => "applied" };
            Assert.True((state, i + 2) == (agent.StateOf("alpha")?.State, agent.StateOf("alpha")?.Release), $"place {crashAt}: after {Kinds[i]} it is {agent.StateOf("alpha")}\n{string.Join('\n', agent.Told.TakeLast(10))}");
            Assert.Equal(good, agent.FilesOf("a"));
            Assert.Equal(good, agent.Running["a"]);
            Assert.Equal(("applied", 1), (agent.StateOf("beta")!.State, agent.StateOf("beta")!.Release));
            Assert.All(agent.Options.Files, file => Assert.Null(agent.File(DiskEffects.StagedPath(file.Path))));
        }

        if (agent.Crashes == 0) Assert.Equal(["b Restart", "a Restart", "a Restart", "a Restart", "a Restart", "a Live", "a Restart", "a Restart", "a Restart"], agent.Actions);
        return agent.Steps - begun;
    }

    /// <param name="release">Of it.</param>
    /// <param name="kind">What is the matter with it.</param>
    /// <param name="base">The last good one: a live change changes nothing else.</param>
    private static V1.DocumentDelta Version(long release, string kind, long @base) =>
        Documents.Whole("alpha", release, $"main/flag=\"{(kind == "live" ? "good" : kind)}\"", $"main/number~={release}", $"main/constant={(kind == "live" ? @base : release)}");

    private static V1.DocumentDelta Beta(long release, string text) => Documents.Whole("beta", release, $"main/text=\"{text} {release}\"");
}

using System.Runtime.CompilerServices;
using Conclave.Fuzz.Engine;
using Conclave.Fuzz.Targets;

namespace Conclave.Fuzz.Tests;

/// <summary>A short run over every reader; the long one is <c>make fuzz</c>.</summary>
public class FuzzTests
{
    /// <summary>What a target may draw here. Fast ones 10,000; the slow ones as many as fit.</summary>
    private static long Inputs(string target) => target switch
    {
        "port-client" or "port-peer" => 100,
        "log-files" or "layers-hiera" => 150,
        "store-watch" or "store-apply" or "twin-file" or "snapshot" => 1_000,
        "store-state" or "layers-yaml" or "client-reply" or "auth-jwt" or "recording" or "config-messages" or "grpc-body" => 3_000,
        _ => 9_000,
    };

    public static TheoryData<string> Targets => [.. AllTargets.All().Select(target => target.Name)];

    [Theory, MemberData(nameof(Targets))]
    public void A_reader_takes_its_corpus_what_once_broke_it_and_a_short_run(string name)
    {
        var fuzzer = new Fuzzer(AllTargets.Named([name])[0], seed: 20261122);

        fuzzer.RunCorpus(Regressions.Of(name));
        fuzzer.Run(Inputs(name), TimeSpan.MaxValue);

        Assert.True(fuzzer.Findings.Count == 0, string.Join("\n", fuzzer.Findings.Select(finding => $"{Convert.ToHexStringLower(finding.Input)}\n{finding.What}")));
        Assert.True(fuzzer.Inputs >= Inputs(name));
    }

    [Fact]
    public void A_run_is_decided_by_its_seed()
    {
        Fuzzer first = Of(seed: 7), second = Of(seed: 7), other = Of(seed: 8);

        Assert.All(Enumerable.Range(0, 100), i => Assert.Equal(first.Draw(i), second.Draw(i)));
        Assert.Contains(Enumerable.Range(0, 100), i => !first.Draw(i).SequenceEqual(other.Draw(i)));

        static Fuzzer Of(ulong seed) => new(AllTargets.Named(["raft-message"])[0], seed);
    }

    [Theory]
    [InlineData(Broken.Throws)]
    [InlineData(Broken.ClaimsMemory)]
    [InlineData(Broken.MisreadsInput)]
    public void A_reader_that_is_broken_is_found(Broken how)
    {
        var fuzzer = new Fuzzer(new BrokenTarget(how), seed: 1);

        fuzzer.Run(inputsMax: 20_000, TimeSpan.MaxValue);

        Assert.Single(fuzzer.Findings);
    }

    [Fact]
    public void Every_regression_belongs_to_a_target()
    {
        int kept = AllTargets.All().Sum(target => Regressions.Of(target.Name).Count());

        Assert.Equal(typeof(Fuzzer).Assembly.GetManifestResourceNames().Length, kept);
    }

    public enum Broken
    {
        Throws,
        ClaimsMemory,
        MisreadsInput,
    }

    /// <summary>Reads a length and that many bytes; each way of being wrong needs a mutation to show.</summary>
    private sealed class BrokenTarget(Broken how) : FuzzTarget
    {
        public override string Name => "broken";

        public override IReadOnlyList<byte[]> Corpus() => [[3, 0, 1, 2, 3]];

        // A finding is told from another one by its place, and an optimized run would have another place for the same.
        [MethodImpl(MethodImplOptions.NoInlining)]
        public override void Read(byte[] input)
        {
            if (input.Length < 2) return;
            int length = input[0] | input[1] << 8;
            if (how == Broken.ClaimsMemory) GC.KeepAlive(new byte[length * 16]);
            if (how == Broken.MisreadsInput) Holds(length != 4, "four is never right");
            if (how == Broken.Throws && length > input.Length - 2 && input.AsSpan(2, length).Length > 0) return;
        }
    }
}

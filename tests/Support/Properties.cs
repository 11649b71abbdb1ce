using System.Globalization;
using System.Runtime.CompilerServices;
using FsCheck;
using Xunit;

namespace Conclave.Support;

/// <summary>Runs FsCheck properties from plain facts, with a seed that is printed and can be replayed.</summary>
/// <remarks>
/// The build pins one seed, so that an unrelated change never turns red by luck. <c>FSCHECK_REPLAY=seed,gamma[,size]</c>
/// replays what a failure printed; <c>FSCHECK_REPLAY=random</c> draws a fresh seed.
/// </remarks>
public static class Properties
{
    private const ulong PinnedSeed = 20261122, PinnedGamma = 0x9E3779B97F4A7C15; // gamma must be odd

    /// <param name="property">What must hold.</param>
    /// <param name="output">Where the seed is printed.</param>
    /// <param name="tests">Number of cases.</param>
    /// <param name="name">Name in the failure; the calling test by default.</param>
    public static void Holds(Property property, ITestOutputHelper output, int tests = 200, [CallerMemberName] string name = "")
    {
        (ulong seed, ulong gamma, int? size) = (PinnedSeed, PinnedGamma, null as int?);
        string replay = Environment.GetEnvironmentVariable("FSCHECK_REPLAY") ?? "";
        if (replay == "random")
            seed = (ulong)Random.Shared.NextInt64();
        else if (replay.Length > 0)
        {
            string[] parts = replay.Split(',');
            seed = ulong.Parse(parts[0], CultureInfo.InvariantCulture);
            gamma = ulong.Parse(parts[1], CultureInfo.InvariantCulture);
            size = parts.Length > 2 ? int.Parse(parts[2], CultureInfo.InvariantCulture) : null;
        }

        output.WriteLine($"{name}: FSCHECK_REPLAY={seed},{gamma}");
        Config config = Config.QuickThrowOnFailure.WithMaxTest(tests).WithName(name).WithQuietOnSuccess(true);
        property.Check(size is { } known ? config.WithReplay(seed, gamma, known) : config.WithReplay(seed, gamma));
    }
}

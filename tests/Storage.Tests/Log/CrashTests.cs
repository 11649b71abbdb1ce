using Conclave.Support;
using FsCheck.Fluent;

namespace Conclave.Storage.Tests;

/// <summary>The machine stops at every single call that changes the disk.</summary>
public class CrashTests(ITestOutputHelper output)
{
    [Fact]
    public void A_crash_at_any_step_of_any_history_loses_nothing_acknowledged_and_invents_nothing() =>
        Properties.Holds(Prop.ForAll((ulong seed, (byte, byte)[] steps) => CrashEnumeration.CrashEverywhere(seed, steps, powerCut: true)), output, tests: 150);

    [Fact]
    public void A_killed_process_loses_nothing_acknowledged_and_invents_nothing() =>
        Properties.Holds(Prop.ForAll((ulong seed, (byte, byte)[] steps) => CrashEnumeration.CrashEverywhere(seed, steps, powerCut: false)), output, tests: 40);

    public static TheoryData<string, (byte, byte)[]> Scenarios => new()
    {
        { "format", [] },
        { "append", [(0, 100), (0, 30), (2, 40)] },
        { "roll-over", [(2, 255), (2, 255), (2, 255), (2, 255), (2, 254)] },
        { "compaction", [(2, 255), (2, 255), (2, 255), (6, 5), (0, 9), (6, 1), (2, 255), (2, 255)] },
        { "reset", [(2, 255), (2, 255), (2, 255), (8, 10), (0, 1), (8, 3), (2, 255), (2, 255)] },
        { "truncation", [(3, 50), (5, 1), (0, 4), (5, 0), (2, 255), (5, 2), (6, 1)] },
        { "preparation", [(19, 1), (2, 255), (19, 1), (19, 1), (19, 1), (2, 255), (19, 1), (2, 255), (6, 5), (19, 1), (19, 1), (2, 255), (2, 255)] },
        // An interrupted reset left a segment that was recycled before its name was durably gone.
        { "abandoned reset", [(0, 0), (8, 0), (2, 0), (2, 226), (0, 0), (2, 111), (6, 54), (8, 0), (5, 0)] },
        { "operation larger than a segment", [(0, 1), (2, 255), (2, 254), (2, 255), (6, 2), (9, 0), (2, 255)] },
    };

    [Theory, MemberData(nameof(Scenarios))]
    public void A_crash_between_any_two_storage_calls_is_survived(string scenario, (byte, byte)[] steps)
    {
        output.WriteLine(scenario);
        for (ulong seed = 0; seed < 5; seed++)
        {
            CrashEnumeration.CrashEverywhere(seed, steps, powerCut: true);
            CrashEnumeration.CrashEverywhere(seed, steps, powerCut: false);
        }
    }
}

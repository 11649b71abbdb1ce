using Conclave.Support;
using FsCheck.Fluent;

namespace Conclave.Linearizability.Tests;

/// <summary>On small histories the checker agrees with one that simply tries every order.</summary>
public class BruteForceTests(ITestOutputHelper output)
{
    private const int OperationsMax = 6;

    [Fact]
    public void The_checker_agrees_with_trying_every_order()
    {
        int linearizable = 0, not = 0;
        Properties.Holds(Prop.ForAll((int[] numbers) =>
        {
            Operation[] history = HistoryOf(numbers);
            bool expected = SomeOrderExplains(history, [], null);
            _ = expected ? linearizable++ : not++;
            return (RegisterChecker.Check(history).Kind == VerdictKind.Linearizable) == expected;
        }), output, tests: 5_000);
        output.WriteLine($"{linearizable} linearizable, {not} not");
        // A generator that makes only one kind proves little.
        Assert.True(linearizable > 500 && not > 500, $"{linearizable} linearizable, {not} not");
    }

    /// <summary>Every number is one operation; few values, times and keys, so that they meet.</summary>
    private static Operation[] HistoryOf(int[] numbers) =>
    [
        .. numbers.Take(OperationsMax).Select((number, client) =>
        {
            uint bits = (uint)number * 2654435761;   // small numbers are to differ in all bits
            uint Draw(uint count)
            {
                uint drawn = bits % count;
                bits /= count;
                return drawn;
            }
            string? Value() => Draw(3) is > 0 and var value ? $"{value}" : null;

            long called = Draw(8);
            return new Operation
            {
                Client = client, Key = "k", Called = called, Returned = called + 1 + Draw(6), Kind = (OperationKind)Draw(4),
                Outcome = Draw(5) == 0 ? OperationOutcome.Unknown : OperationOutcome.Known,
                Value = Value() ?? "1", Expected = Value(), Observed = Value(), Succeeded = Draw(2) == 0,
            };
        }),
    ];

    /// <summary>Written to be obvious: whichever operation may be next by time and by what it saw is tried.</summary>
    private static bool SomeOrderExplains(Operation[] history, HashSet<Operation> done, string? value)
    {
        Operation[] left = [.. history.Where(operation => !done.Contains(operation))];
        if (left.All(operation => operation.Outcome == OperationOutcome.Unknown))
            return true;
        foreach (Operation next in left)
        {
            bool someoneEndedBefore = left.Any(other => other.Outcome == OperationOutcome.Known && other.Returned < next.Called);
            if (!someoneEndedBefore && Allows(next, value, out string? after) && SomeOrderExplains(history, [.. done, next], after))
                return true;
        }
        return false;
    }

    private static bool Allows(Operation operation, string? value, out string? after)
    {
        bool known = operation.Outcome == OperationOutcome.Known;
        after = value;
        switch (operation.Kind)
        {
            case OperationKind.Get:
                return !known || operation.Observed == value;
            case OperationKind.Put:
                after = operation.Value;
                return true;
            case OperationKind.Delete:
                after = null;
                return !known || operation.Succeeded == value is not null;
            default:
                bool swaps = operation.Expected == value;
                after = swaps ? operation.Value : value;
                return !known || operation.Succeeded == swaps;
        }
    }
}

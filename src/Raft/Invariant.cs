using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Conclave.Raft;

/// <summary>Conditions that hold unless this program is wrong. Checked in every build: a node that finds one broken stops rather than spread it.</summary>
public static class Invariant
{
    /// <param name="condition">What must be true.</param>
    /// <param name="why">Why it is true; a constant, so that the true path allocates nothing.</param>
    /// <param name="expression">Filled in by the compiler.</param>
    /// <exception cref="InvariantViolationException"><paramref name="condition"/> is false.</exception>
    public static void Holds([DoesNotReturnIf(false)] bool condition, string why,
        [CallerArgumentExpression(nameof(condition))] string expression = "")
    {
        if (!condition) Fail($"{expression} is false. {why} This is a bug: keep the data directory and report it.");
    }

    /// <summary>For the branch that no input reaches: <c>throw Invariant.Unreachable(...)</c>.</summary>
    public static InvariantViolationException Unreachable(string why) => new($"{why} This is a bug: keep the data directory and report it.");

    [DoesNotReturn]
    private static void Fail(string message) => throw new InvariantViolationException(message);
}

/// <summary>A broken <see cref="Invariant"/>: the process must stop without writing or sending anything more.</summary>
public sealed class InvariantViolationException(string message) : Exception(message);

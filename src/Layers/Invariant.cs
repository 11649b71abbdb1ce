using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Conclave.Layers;

/// <summary>A broken invariant is a bug here: stop the node, in every build, rather than spread it.</summary>
internal static class Invariant
{
    /// <param name="condition">What must hold.</param>
    /// <param name="why">A constant, so that the true path allocates nothing.</param>
    /// <param name="expression">Filled in by the compiler.</param>
    public static void Holds([DoesNotReturnIf(false)] bool condition, string why,
        [CallerArgumentExpression(nameof(condition))] string expression = "")
    {
        if (!condition)
            Fail($"{expression} is false. {why} This is a bug: keep the input and report it.");
    }

    [DoesNotReturn]
    private static void Fail(string message) => throw new InvalidOperationException(message);
}
